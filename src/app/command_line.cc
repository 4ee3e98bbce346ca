#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/commands.h"
#include "app/help_page.h"

namespace weir::app {
namespace {

constexpr const char* kFooter = R"(
Examples:
  weir serve --data /var/lib/weir
  weir apply -f intent.yaml --dry-run
  weir get intents
  weir explain cameras --tenant city

Exit codes: 0 ok, 1 failed, 2 usage or invalid file, 3 not found, 4 denied,
5 conflict, 6 infeasible, 7 unavailable, 8 timeout, 9 a question is open.)";

}  // namespace

void add_commands(CLI::App& app) {
  app.formatter(help_formatter());
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  add_serve_command(app);
  add_resource_commands(app);
  add_ask_command(app);
  add_chat_command(app);
  add_rate_command(app);
  add_operate_commands(app);
  add_top_command(app);
  add_webhook_commands(app);
  add_ledger_commands(app);
  add_mcp_command(app);
#ifdef WEIR_WITH_AGENT
  add_agent_commands(app);
#endif
#ifdef WEIR_WITH_LAB
  add_lab_commands(app);
#endif
#ifdef WEIR_WITH_BENCH
  add_bench_commands(app);
#endif
#ifdef WEIR_WITH_SIM
  add_sim_commands(app);
#endif
  add_shell_commands(app);
}

}  // namespace weir::app
