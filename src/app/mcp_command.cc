#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <array>
#include <cerrno>
#include <iostream>
#include <memory>
#include <optional>

#include "app/client.h"
#include "app/commands.h"
#include "app/exit_code.h"
#include "app/mcp/lines.h"
#include "app/mcp_tools.h"
#include "app/version.h"

namespace weir::app {
namespace {

// Until standard input ends, or nobody reads the answers.
void serve(const Target& target) {
  // Anew for each call, by the context as it is then: a connection that failed would wait before it tries again.
  std::optional<Client> client;
  mcp::Server server(kVersion, kToolInstructions, brain_tools([&]() -> Result<Client*> {
                       client.reset();
                       auto opened = Client::open(target);
                       if (!opened) return tl::unexpected(opened.error());
                       return &client.emplace(std::move(*opened));
                     }));
  mcp::Lines lines(mcp::kMessageBytesMax);
  std::array<char, 65536> chunk;
  bool open = true;
  while (open) {
    const ssize_t got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    lines.take({chunk.data(), static_cast<size_t>(got)}, [&](std::optional<std::string_view> line) {
      const auto answer = line ? server.answer(*line) : mcp::Server::too_long();
      if (answer) std::cout << *answer << "\n";
      open = output_open();
    });
  }
}

}  // namespace

void add_mcp_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("mcp", "Give a model the brain's operations as tools (Model Context Protocol)");
  const auto target = std::make_shared<Target>();
  add_target_options(*command, *target);
  command->footer(R"(
Speaks over standard input and output, for a program that starts it. Changes
need approve: true in the call, and the token's role says what is possible.

Example:
  weir mcp --context region)");
  command->callback([target] { serve(*target); });
}

}  // namespace weir::app
