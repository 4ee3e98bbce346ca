// `weir rate`: what came of an intent, judged.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

#include "app/ask_text.h"
#include "app/client.h"
#include "app/commands.h"
#include "app/exit_code.h"
#include "app/render.h"

namespace weir::app {
namespace {

struct Options {
  Target target;
  std::string intent, verdict, because, comment, tenant, format = "table";
};

Status rate(const Options& o) {
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::RateRequest request;
  request.set_intent(o.intent.starts_with("intent/") ? o.intent.substr(7) : o.intent);
  request.set_tenant(o.tenant);
  if (const size_t slash = request.intent().find('/'); slash != std::string::npos && o.tenant.empty()) {
    request.set_tenant(request.intent().substr(0, slash));
    request.set_intent(request.intent().substr(slash + 1));
  }
  request.set_verdict(o.verdict);
  request.set_because(o.because);
  request.set_comment(o.comment);
  v1::RateResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::Rate, request, response); !called) return called;
  if (o.format == "json") std::cout << json_text(response) << "\n";
  else std::cout << render_rated(request, response, Tongue{});
  return {};
}

}  // namespace

void add_rate_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("rate", "Say whether what came of an intent is good or bad: what is suggested next goes by it");
  const auto options = std::make_shared<Options>();
  command->add_option("INTENT", options->intent, "Its name, or TENANT/NAME")->required()->type_name("");
  command->add_option("VERDICT", options->verdict, "good or bad")->required()->type_name("")->check(CLI::IsMember(std::vector<std::string>{"good", "bad"}));
  command->add_option("--because", options->because, "What is bad: slow, dear, dirty (carbon), unreliable or other")
      ->check(CLI::IsMember(std::vector<std::string>{"slow", "dear", "dirty", "unreliable", "other"}));
  command->add_option("--comment", options->comment, "In your own words; at most 512 bytes");
  command->add_option("--tenant", options->tenant, "Whose intent it is");
  command->add_option("-o,--output", options->format, "table or json")->check(CLI::IsMember(std::vector<std::string>{"table", "json"}))->capture_default_str();
  add_target_options(*command, options->target);
  command->footer(R"(
The newest verdict counts. It is an event of the ledger that only your tenant
and the operator see; a tenant has 60 verdicts and dialogues recorded in an
hour.

Examples:
  weir rate cameras good
  weir rate cameras bad --because slow --comment "late at night"
  weir rate city/cameras bad --because dear -o json)");
  command->callback([options] { finish(rate(*options)); });
}

}  // namespace weir::app
