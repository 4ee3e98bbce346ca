#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>

#include "app/commands.h"
#include "app/exit_code.h"
#include "app/serve.h"
#include "infrastructure/posix/file.h"

namespace weir::app {
namespace {

struct Flags {
  std::string config, data, listen, rest, artifacts, advertise, domain;
  std::vector<std::string> names;
};

Status run(const Flags& flags, const CLI::App& command) {
  ServeConfig config = default_serve_config();
  if (!flags.config.empty()) {
    const auto text = posix::read_file(flags.config);
    if (!text) {
      Error error = text.error();
      error.remedy = "check the name of the file, and that you may read it";
      return tl::unexpected(error);
    }
    auto read = parse_serve_config(*text, flags.config);
    if (!read) return tl::unexpected(read.error());
    config = std::move(*read);
  }
  const auto over = [&command](const char* option, const std::string& value, std::string& out) {
    if (command.count(option) > 0) out = value;
  };
  over("--data", flags.data, config.data);
  over("--listen", flags.listen, config.listen);
  over("--rest", flags.rest, config.rest);
  over("--artifacts", flags.artifacts, config.artifacts);
  over("--advertise", flags.advertise, config.advertise);
  over("--domain", flags.domain, config.genesis.name);
  config.names.insert(config.names.end(), flags.names.begin(), flags.names.end());
  if (config.data.empty()) {
    return fail(ErrorCode::kInvalid, "no data directory is given", "weir serve", "give --data DIR, or data = \"DIR\" in the file");
  }
  return serve(config);
}

}  // namespace

void add_serve_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("serve", "Run the brain: ledger, decisions, gateway");
  const auto flags = std::make_shared<Flags>();
  command->add_option("-c,--config", flags->config, "File of settings (TOML); flags win over it")->type_name("FILE");
  command->add_option("--data", flags->data, "Directory for ledger, keys and the operator's context")->type_name("DIR");
  command->add_option("--listen", flags->listen, "Address of gRPC, for agents and users (default 127.0.0.1:7443)")->type_name("HOST:PORT");
  command->add_option("--rest", flags->rest, "Address of REST (default 127.0.0.1:7480); empty: none")->type_name("HOST:PORT");
  command->add_option("--artifacts", flags->artifacts, "Programs that sites may fetch (default DATA/artifacts)")->type_name("DIR");
  command->add_option("--advertise", flags->advertise, "Endpoint to write into the context file")->type_name("HOST:PORT");
  command->add_option("--name", flags->names, "Further name or address in the brain's certificate")->type_name("NAME");
  command->add_option("--domain", flags->domain, "Name of a new domain (default weir)");
  command->footer(R"(
On its first start it makes a certificate authority and an operator's token in
DATA/context.toml. SIGTERM ends it in order.

Examples:
  weir serve --data /var/lib/weir
  weir serve --config /etc/weir/serve.toml --listen 0.0.0.0:7443 \
    --name brain.example.org)");
  command->callback([flags, command] { finish(run(*flags, *command)); });
}

}  // namespace weir::app
