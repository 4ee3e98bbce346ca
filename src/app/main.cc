#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <csignal>
#include <cstdlib>

#include "app/commands.h"
#include "app/exit_code.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  setenv("GRPC_VERBOSITY", "NONE", 0);  // what matters is said in our own words
  CLI::App app("Weir places work where it runs best: on time, cheap, clean, and where its data may go.", "weir");
  weir::app::add_commands(app);
  return weir::app::run(app, argc, argv);
}
