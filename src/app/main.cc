#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <cstdlib>

#include "app/commands.h"
#include "app/exit_code.h"

namespace {

constexpr const char* kFooter = R"(
Examples:
  weir serve --data /var/lib/weir
  weir apply -f intent.yaml --dry-run
  weir get intents
  weir explain cameras --tenant city

Exit codes: 0 ok, 1 failed, 2 usage or invalid file, 3 not found, 4 denied, 5 conflict, 6 infeasible,
7 unavailable, 8 timeout.)";

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  setenv("GRPC_VERBOSITY", "NONE", 0);  // what matters is said in our own words
  CLI::App app("Weir places work where it runs best: on time, cheap, clean, and where its data may go.", "weir");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  weir::app::add_serve_command(app);
  weir::app::add_resource_commands(app);
  weir::app::add_operate_commands(app);
  weir::app::add_ledger_commands(app);
#ifdef WEIR_WITH_AGENT
  weir::app::add_agent_commands(app);
#endif
#ifdef WEIR_WITH_LAB
  weir::app::add_lab_commands(app);
#endif
#ifdef WEIR_WITH_BENCH
  weir::app::add_bench_commands(app);
#endif
#ifdef WEIR_WITH_SIM
  weir::app::add_sim_commands(app);
#endif
  weir::app::add_shell_commands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& error) {
    return error.get_exit_code();
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return weir::app::kExitUsage;
  }
  return weir::app::kExitOk;
}
