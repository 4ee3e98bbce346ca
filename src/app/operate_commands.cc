#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <ctime>
#include <iostream>

#include "app/client.h"
#include "app/commands.h"
#include "app/exit_code.h"
#include "app/help_page.h"
#include "app/render.h"
#include "app/since.h"
#include "core/units/quantity.h"
#include "security/identity/clock_text.h"
#include "service/gateway/names.h"

namespace weir::app {
namespace {

struct Options {
  Target target;
  std::string name, why, tenant, role, join, lifetime, format = "table", since;
  uint64_t offset = 0, bytes = 0;
  bool follow = false, quiet = false;
};

// "site/metro" or "metro".
std::string site_name(const std::string& text) { return text.starts_with("site/") ? text.substr(5) : text; }

Status drain(const Options& o) {
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::DrainRequest request;
  request.set_site(site_name(o.name));
  request.set_why(o.why);
  v1::DrainResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::Drain, request, response); !called) return called;
  std::cout << "site " << request.site() << " is draining: it takes nothing new, and what it has moves away\n";
  return {};
}

Status undrain(const Options& o) {
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::UndrainRequest request;
  request.set_site(site_name(o.name));
  v1::UndrainResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::Undrain, request, response); !called) return called;
  std::cout << "site " << request.site() << " takes work again\n";
  return {};
}

// "SITE/NODE", or a number as 'weir get nodes' shows it; "node/" before it is understood.
template <class Request>
void name_node(const std::string& text, Request& request) {
  const std::string name = text.starts_with("node/") ? text.substr(5) : text;
  const size_t slash = name.find('/');
  request.set_site(slash == std::string::npos ? "" : name.substr(0, slash));
  request.set_node(slash == std::string::npos ? name : name.substr(slash + 1));
}

Status cordon(const Options& o) {
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::CordonRequest request;
  name_node(o.name, request);
  request.set_why(o.why);
  v1::CordonResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::Cordon, request, response); !called) return called;
  std::cout << "node " << o.name << " takes nothing new; what runs there goes on\n";
  return {};
}

Status uncordon(const Options& o) {
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::UncordonRequest request;
  name_node(o.name, request);
  v1::UncordonResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::Uncordon, request, response); !called)
    return called;
  std::cout << "node " << o.name << " takes work again\n";
  return {};
}

Status revoke(const Options& o) {
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::RevokeSiteRequest request;
  request.set_site(site_name(o.name));
  request.set_why(o.why);
  v1::RevokeSiteResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::RevokeSite, request, response); !called) return called;
  std::cout << "site " << request.site()
            << " is shut out: its certificates and unused join tokens are good for nothing, its work moves away\n"
            << "to let it in again: weir token create --join " << request.site() << "\n";
  return {};
}

Status logs(const Options& o) {
  const auto run = gateway::parse_run(o.name.starts_with("run/") ? o.name.substr(4) : o.name);
  if (!run) {
    return fail(ErrorCode::kInvalid, "\"" + o.name + "\" is not a run", "RUN", "write PLAN.ITEM, as 'weir get runs' shows it");
  }
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::LogsRequest request;
  request.set_plan(run->plan);
  request.set_item(run->item);
  request.set_offset(o.offset);
  request.set_follow(o.follow);
  request.set_bytes_max(o.bytes);
  const auto context = client->context(o.follow ? Client::Life::kStream : Client::Life::kCall);
  const auto stream = client->stub().Logs(context.get(), request);
  v1::LogsResponse piece;
  while (stream->Read(&piece)) {
    std::cout << piece.data();
    if (output_open()) continue;
    context->TryCancel();
    (void)stream->Finish();
    return {};
  }
  return client->status(stream->Finish());
}

Status bill(const Options& o) {
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::BillRequest request;
  request.set_tenant(o.tenant);
  if (!o.since.empty()) {
    const auto from = since_us(o.since, int64_t{std::time(nullptr)} * 1'000'000);
    if (!from) return tl::unexpected(from.error());
    request.set_from(*from);
  }
  v1::BillResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::Bill, request, response); !called) return called;
  std::cout << render_bill(response, o.format == "json"   ? Format::kJson
                                     : o.format == "yaml" ? Format::kYaml
                                     : o.format == "wide" ? Format::kWide
                                                          : Format::kTable);
  return {};
}

Status who_am_i(const Options& o) {
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::WhoAmIResponse me;
  if (const Status called = client->call(&v1::Weir::Stub::WhoAmI, v1::WhoAmIRequest(), me); !called) return called;
  if (o.format == "json") {
    std::cout << json_text(me) << "\n";
    return {};
  }
  const std::string role = me.role() == v1::ROLE_OPERATOR ? "operator" : me.role() == v1::ROLE_PROVIDER ? "provider" : "tenant";
  std::cout << role << " " << me.subject() << (me.person().empty() ? "" : " (" + me.person() + ")") << "\n"
            << "by " << (me.by() == "token" ? "the token " + me.token() : me.by() == "session" ? "the session " + me.token() : "a token of the identity provider") << ", "
            << (me.expires() == 0 ? "which never expires" : "until " + identity::utc_text(me.expires() / 1'000'000)) << "\n";
  return {};
}

Status create_token(const Options& o) {
  v1::IssueTokenRequest request;
  if (o.join.empty() == o.role.empty()) {
    return fail(ErrorCode::kInvalid, "give either --join SITE or --role ROLE", "weir token create");
  }
  if (!o.role.empty() && o.name.empty()) {
    return fail(ErrorCode::kInvalid, "--subject is missing", "weir token create",
                o.role == "tenant"     ? "give --subject with the tenant's name"
                : o.role == "provider" ? "give --subject with the names of the sites, joined by commas"
                                       : "give --subject with the operator's name");
  }
  request.set_join(!o.join.empty());
  request.set_subject(o.join.empty() ? o.name : site_name(o.join));
  if (o.role == "operator") request.set_role(v1::ROLE_OPERATOR);
  if (o.role == "provider") request.set_role(v1::ROLE_PROVIDER);
  if (o.role == "tenant") request.set_role(v1::ROLE_TENANT);
  if (!o.lifetime.empty()) {
    const auto lifetime = parse_lifetime_us(o.lifetime);
    if (!lifetime) return tl::unexpected(Error{lifetime.error().code, lifetime.error().what, "--lifetime", lifetime.error().remedy});
    request.set_lifetime_us(*lifetime);
  }
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::IssueTokenResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::IssueToken, request, response); !called) return called;
  std::cout << response.bearer() << "\n";
  if (!o.quiet) {
    std::cerr << "token " << response.token() << ", until " << identity::utc_text(response.expires() / 1'000'000)
              << "; it is shown only once\n";
    if (o.join.empty()) std::cerr << "  for a context: ca_fingerprint = \"" << response.ca_sha256() << "\"\n";
  }
  return {};
}

Status revoke_token(const Options& o) {
  auto client = Client::open(o.target);
  if (!client) return tl::unexpected(client.error());
  v1::RevokeTokenRequest request;
  request.set_token(o.name);
  v1::RevokeTokenResponse response;
  if (const Status called = client->call(&v1::Weir::Stub::RevokeToken, request, response); !called) return called;
  std::cout << "token " << o.name << " revoked\n";
  return {};
}

template <class Declare>
CLI::App* command(CLI::App& app, const std::string& name, const std::string& what, const std::string& footer,
                  Declare&& declare, Status (*run)(const Options&)) {
  CLI::App* added = app.add_subcommand(name, what);
  const auto options = std::make_shared<Options>();
  declare(*added, *options);
  add_target_options(*added, options->target);
  added->footer(footer);
  added->callback([options, run] { finish(run(*options)); });
  return added;
}

}  // namespace

void add_operate_commands(CLI::App& app) {
  command(app, "drain", "Let a site take nothing new, and move what it has", R"(
Example:
  weir drain site/metro --why "new memory on Tuesday")",
          [](CLI::App& c, Options& o) {
            c.add_option("SITE", o.name, "site/NAME")->required();
            c.add_option("--why", o.why, "For the record");
          },
          drain);
  command(app, "undrain", "Let a drained site take work again", "\nExample:\n  weir undrain site/metro",
          [](CLI::App& c, Options& o) { c.add_option("SITE", o.name, "site/NAME")->required(); }, undrain);
  command(
      app, "cordon", "Let a node take nothing new; what runs there goes on", R"(
Example:
  weir cordon metro/rack1-7 --why "its fan is loud")",
      [](CLI::App& c, Options& o) {
        c.add_option("NODE", o.name, "SITE/NODE, or its number in 'weir get nodes'")->required();
        c.add_option("--why", o.why, "For the record");
      },
      cordon);
  command(
      app, "uncordon", "Let a cordoned node take work again", "\nExample:\n  weir uncordon metro/rack1-7",
      [](CLI::App& c, Options& o) {
        c.add_option("NODE", o.name, "SITE/NODE, or its number in 'weir get nodes'")->required();
      },
      uncordon);
  command(app, "revoke", "Shut a site out: end its certificates and its connection", R"(
Its work moves elsewhere. It comes back only with a new join token.

Example:
  weir revoke site/attic --why "the machine was stolen")",
          [](CLI::App& c, Options& o) {
            c.add_option("SITE", o.name, "site/NAME")->required();
            c.add_option("--why", o.why, "For the record");
          },
          revoke);
  command(app, "logs", "Show what a run wrote", R"(
Examples:
  weir logs 17.0
  weir logs run/17.0 --follow)",
          [](CLI::App& c, Options& o) {
            c.add_option("RUN", o.name, "PLAN.ITEM, as 'weir get runs' shows it")->required();
            c.add_flag("-f,--follow", o.follow, "Go on with what it writes");
            c.add_option("--offset", o.offset, "First byte")->check(refuse_no_count);
            c.add_option("--bytes", o.bytes, "At most so many; 0: all")
                ->check(refuse_no_count)
                ->capture_default_str();
          },
          logs);
  command(app, "bill", "Show what tenants owe, line by line", R"(
Examples:
  weir bill
  weir bill --tenant city --since 24h -o json)",
          [](CLI::App& c, Options& o) {
            c.add_option("--tenant", o.tenant, "One tenant; an operator without it sees all");
            c.add_option("--since", o.since, "Only from then on: 24h, yesterday, 2026-11-20");
            c.add_option("-o,--output", o.format, "table, wide, json or yaml")
                ->check(CLI::IsMember(std::vector<std::string>{"table", "wide", "json", "yaml"}))
                ->capture_default_str();
          },
          bill);
  command(app, "whoami", "Say who you are to the brain: role, name and until when", R"(
Examples:
  weir whoami
  weir whoami -o json)",
          [](CLI::App& c, Options& o) {
            c.add_option("-o,--output", o.format, "table or json")->check(CLI::IsMember(std::vector<std::string>{"table", "json"}))->capture_default_str();
          },
          who_am_i);
  CLI::App* token = app.add_subcommand("token", "Issue and revoke tokens; 'weir get tokens' lists them");
  token->require_subcommand(1);
  token->footer(
      "\nExamples:\n  weir token create --join metro > metro.token\n  weir token revoke 0123456789abcdef");
  command(*token, "create", "Issue a token: for a site to join, or for a person", R"(
Prints the token alone on standard output.

Examples:
  weir token create --join metro > metro.token
  weir token create --role tenant --subject city --lifetime 90d)",
          [](CLI::App& c, Options& o) {
            c.add_option("--join", o.join, "Site that may join once with it");
            c.add_option("--role", o.role, "operator, provider or tenant")
                ->check(CLI::IsMember(std::vector<std::string>{"operator", "provider", "tenant"}));
            c.add_option("--subject", o.name, "Name of the tenant, the provider's sites (joined by commas) or the operator");
            c.add_option("--lifetime", o.lifetime, "How long it is good (default: 1h to join, 30d for a person)");
            c.add_flag("-q,--quiet", o.quiet, "Say nothing but the token");
          },
          create_token);
  command(*token, "revoke", "End a token", "\nExample:\n  weir token revoke 0123456789abcdef",
          [](CLI::App& c, Options& o) { c.add_option("TOKEN", o.name, "Its public identifier")->required(); }, revoke_token);
}

}  // namespace weir::app
