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
#include "app/mcp/http.h"
#include "app/mcp/lines.h"
#include "app/mcp_listener.h"
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
  mcp::Session session;
  mcp::Lines lines(mcp::kMessageBytesMax);
  std::array<char, 65536> chunk;
  bool open = true;
  while (open) {
    const ssize_t got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    lines.take({chunk.data(), static_cast<size_t>(got)}, [&](std::optional<std::string_view> line) {
      const std::optional<std::string> answer = line ? server.answer(*line, session).text : mcp::Server::too_long();
      if (answer) std::cout << *answer << "\n";
      open = output_open();
    });
  }
}

// Until it is asked to end. Says where it listens: whoever starts it on any port reads it there.
Status listen(const McpListenOptions& options) {
  // A context that is none is told before, and not to every caller.
  if (const auto client = Client::open(options.target); !client && client.error().code != ErrorCode::kUnavailable) return tl::unexpected(client.error());
  auto listener = McpListener::open(options);
  if (!listener) return tl::unexpected(listener.error());
  const std::string host = options.listen.substr(0, options.listen.rfind(':'));
  std::cout << "http://" << host << ":" << (*listener)->port() << mcp::kEndpoint << "\n" << std::flush;
  (*listener)->run();
  return {};
}

}  // namespace

void add_mcp_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("mcp", "Give a model the brain's operations as tools (Model Context Protocol)");
  const auto options = std::make_shared<McpListenOptions>();
  command->add_option("--listen", options->listen, "Speak Streamable HTTP at this address of this machine instead: 127.0.0.1:7490, port 0 for any")->type_name("ADDRESS:PORT");
  command->add_option("--allow-origin", options->origins, "With --listen: origin of a web page that may ask, as https://desk.example.org; otherwise none may")
      ->type_name("ORIGIN");
  command->add_flag("--own-token", options->own_token, "With --listen: whoever brings no token asks with the context's, as all on this machine then may");
  add_target_options(*command, options->target);
  command->footer(R"(
Speaks over standard input and output, for a program that starts it; or over
HTTP, where each caller brings a token of its own (Authorization: Bearer TOKEN).
Changes need approve: true in the call, and the token's role says what is
possible.

Examples:
  weir mcp --context region
  weir mcp --listen 127.0.0.1:7490)");
  command->callback([options] {
    if (!options->listen.empty()) return finish(listen(*options));
    if (options->own_token || !options->origins.empty()) finish(fail(ErrorCode::kInvalid, "are for --listen", "--allow-origin and --own-token", "add --listen 127.0.0.1:7490"));
    serve(options->target);
  });
}

}  // namespace weir::app
