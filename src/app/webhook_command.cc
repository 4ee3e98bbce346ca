#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

#include "app/client.h"
#include "app/commands.h"
#include "app/exit_code.h"
#include "app/help_page.h"
#include "app/render.h"
#include "infrastructure/posix/file.h"
#include "service/resource/resource.h"

namespace weir::app {
namespace {

struct WebhookOptions {
  Target target;
  std::string url, id, tenant, secret_file, format = "table";
  std::vector<std::string> names;
  uint64_t from = 0;
  bool quiet = false;
};

const std::vector<std::string>& formats() {
  static const std::vector<std::string> kAll = {"table", "wide", "json", "yaml"};
  return kAll;
}

Status add(const WebhookOptions& o) {
  v1::AddWebhookRequest request;
  request.set_url(o.url);
  for (const std::string& name : o.names) request.add_names(name);
  request.set_tenant(o.tenant);
  request.set_from(o.from);
  if (!o.secret_file.empty()) {
    auto secret = posix::read_file(o.secret_file);
    if (!secret) return tl::unexpected(secret.error());
    while (!secret->empty() && (secret->back() == '\n' || secret->back() == '\r')) secret->pop_back();
    if (secret->empty()) return fail(ErrorCode::kInvalid, "is empty", o.secret_file, "leave --secret-file out, and a secret is drawn");
    request.set_secret(*secret);
  }
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::AddWebhookResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::AddWebhook, request, response); !called) return called;
  if (o.format == "json" || o.format == "yaml") {
    std::cout << (o.format == "json" ? json_text(response) + "\n" : resource::to_yaml(response));
    return {};
  }
  std::cout << response.secret() << "\n";
  if (!o.quiet) {
    std::cerr << "webhook " << response.webhook().id() << " begins with event " << response.webhook().next()
              << "; its secret is shown only once\n";
  }
  return {};
}

Status list(const WebhookOptions& o) {
  v1::ListWebhooksRequest request;
  request.set_tenant(o.tenant);
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::ListWebhooksResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::ListWebhooks, request, response); !called) return called;
  if (o.format == "json") {
    std::cout << json_text(response) << "\n";
    return {};
  }
  if (o.format == "yaml") {
    std::cout << resource::to_yaml(response);
    return {};
  }
  if (response.webhooks_size() == 0) {
    std::cout << "No webhooks.\n";
    return {};
  }
  Table table({"ID", "STATE", "OWNER", "EVENTS", "BEHIND", "FAILURES", "URL", "WHY"});
  table.lesser({"FAILURES", "EVENTS", "OWNER"}).wrap_last();
  for (const v1::Webhook& one : response.webhooks()) {
    std::string names;
    for (const std::string& name : one.names()) names += (names.empty() ? "" : ",") + name;
    const uint64_t behind = response.version() > one.next() ? response.version() - one.next() : 0;
    table.add({one.id(), one.state(), one.owner(), names.empty() ? "all" : names, std::to_string(behind), std::to_string(one.failures()), one.url(),
               or_dash(one.why())});
  }
  std::cout << table.text(width_of(o.format == "wide" ? Format::kWide : Format::kTable));
  return {};
}

Status remove(const WebhookOptions& o) {
  v1::RemoveWebhookRequest request;
  request.set_webhook(o.id);
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::RemoveWebhookResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::RemoveWebhook, request, response); !called) return called;
  std::cout << "webhook " << o.id << " removed\n";
  return {};
}

template <class Declare>
void command(CLI::App& app, const std::string& name, const std::string& what, const std::string& footer, Declare&& declare,
             Status (*run)(const WebhookOptions&)) {
  CLI::App* added = app.add_subcommand(name, what);
  const auto options = std::make_shared<WebhookOptions>();
  declare(*added, *options);
  add_target_options(*added, options->target);
  added->footer(footer);
  added->callback([options, run] { finish(run(*options)); });
}

}  // namespace

void add_webhook_commands(CLI::App& app) {
  CLI::App* webhook = app.add_subcommand("webhook", "Have events posted to an address, signed");
  webhook->require_subcommand(1);
  webhook->footer(
      "\nExamples:\n  weir webhook add https://hooks.example.org/weir > weir.secret\n  weir webhook list\n  weir webhook remove 0123456789abcdef");
  command(*webhook, "add", "Have events posted to an address", R"(
Prints the secret alone on standard output. Each post is signed with it as
Standard Webhooks says: check it with any library of theirs. What is answered
by anything but 2xx is posted again, for a day; then the webhook is disabled.

Examples:
  weir webhook add https://hooks.example.org/weir > weir.secret
  weir webhook add https://hooks.example.org/weir --tenant city \
    --event PromiseStateChanged --event IntentRefused -o json)",
          [](CLI::App& c, WebhookOptions& o) {
            c.add_option("URL", o.url, "https://HOST/PATH, or http where the operator permits it")->required();
            c.add_option("--event", o.names, "Only events of this kind, like PlanCommitted; may be repeated");
            c.add_option("--tenant", o.tenant, "Only what concerns this tenant");
            c.add_option("--from", o.from, "Position of the first event (default: the next that happens)")->check(refuse_no_count);
            c.add_option("--secret-file", o.secret_file, "File that holds whsec_ and base64 of 24 to 64 bytes (default: one is drawn)")->type_name("FILE");
            c.add_flag("-q,--quiet", o.quiet, "Say nothing but the secret");
            c.add_option("-o,--output", o.format, "table, json or yaml")
                ->check(CLI::IsMember(std::vector<std::string>{"table", "json", "yaml"}))
                ->capture_default_str();
          },
          add);
  command(*webhook, "list", "List who is told of events, and how far that is", R"(
Examples:
  weir webhook list
  weir webhook list -o json)",
          [](CLI::App& c, WebhookOptions& o) {
            c.add_option("--tenant", o.tenant, "Only those that this tenant added");
            c.add_option("-o,--output", o.format, "table, wide, json or yaml")->check(CLI::IsMember(formats()))->capture_default_str();
          },
          list);
  command(*webhook, "remove", "Tell an address no more", "\nExample:\n  weir webhook remove 0123456789abcdef",
          [](CLI::App& c, WebhookOptions& o) { c.add_option("ID", o.id, "As 'weir webhook list' shows it")->required(); }, remove);
}

}  // namespace weir::app
