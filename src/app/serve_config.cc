#include <algorithm>

#include "app/serve.h"
#include "core/toml/fields.h"
#include "core/units/quantity.h"

namespace weir::app {
namespace {

void money(toml::Fields& fields, std::string_view name, Nanocredits& out) {
  std::string text;
  if (!fields.text(name, text)) return;
  const auto value = parse_money_nanocredits(text);
  if (value) {
    out = *value;
  } else {
    fields.refuse(name, "is no amount of credits", "write it as a text like \"0.5\"");
  }
}

using Wrong = std::optional<std::string>;
void check(toml::Fields& fields, std::string_view name, const Wrong& wrong, const char* remedy) {
  if (wrong) fields.refuse(name, *wrong, remedy);
}

void read_oidc(toml::Fields& fields, ServeConfig& out) {
  openid::Settings& oidc = out.oidc.emplace();
  fields.require("issuer", "add it: the identity provider's address, as its own description writes it");
  fields.require("client_id", "add it: what the identity provider calls Weir");
  fields.require("base", "add it: the console's own address, as \"https://weir.example.org:7480\"");
  if (fields.text("issuer", oidc.issuer)) check(fields, "issuer", openid::wrong_issuer(oidc.issuer), "write it like \"https://login.example.org/realm\"");
  if (fields.text("client_id", oidc.client_id) && oidc.client_id.empty()) fields.refuse("client_id", "is empty");
  if (fields.text("base", oidc.base)) check(fields, "base", openid::wrong_base(oidc.base), "write it like \"https://weir.example.org:7480\"");
  if (fields.text("client_secret_file", out.oidc_secret_file) && out.oidc_secret_file.empty()) {
    fields.refuse("client_secret_file", "is empty", "leave it out for a public client");
  }
  fields.text("name", oidc.name);
  fields.text("audience", oidc.audience);
  fields.text("role_claim", oidc.role_claim);
  fields.text("name_claim", oidc.name_claim);
  fields.text("ca_file", oidc.ca_file);
  fields.truth("local_tokens", oidc.local_tokens);
  fields.whole("session_seconds", openid::kSessionMin_s, openid::kSessionMax_s, oidc.session_s);
  std::vector<toml::Text> scopes;
  if (!fields.texts("scopes", scopes)) return;
  oidc.scopes.clear();
  for (toml::Text& scope : scopes) oidc.scopes.push_back(std::move(scope.text));
  if (oidc.scopes.size() > openid::kScopesMax) fields.refuse("scopes", "are more than " + std::to_string(openid::kScopesMax));
  if (std::find(oidc.scopes.begin(), oidc.scopes.end(), "openid") == oidc.scopes.end()) {
    fields.refuse("scopes", "lack \"openid\", without which nobody is named", "write [\"openid\", ...]");
  }
}

void read_limits(toml::Fields& fields, gateway::RateSettings& out) {
  const auto rate = [&fields](std::string_view per_second, std::string_view burst, gateway::Rate& of) {
    fields.whole(per_second, 1, gateway::kRateMax, of.per_second);
    fields.whole(burst, 1, gateway::kRateMax, of.burst);
  };
  rate("operator_per_second", "operator_burst", out.operators);
  rate("user_per_second", "user_burst", out.users);
  rate("address_per_second", "address_burst", out.addresses);
}

void read_role(toml::Fields& fields, openid::Settings& oidc) {
  openid::RoleRule rule;
  std::string role;
  fields.require("value", "add it: what the role claim must hold");
  fields.require("role", "add it: \"operator\", \"provider\" or \"tenant\"");
  fields.text("value", rule.value);
  fields.text("subject", rule.subject);
  if (!fields.text("role", role)) return;
  const auto parsed = policy::parse_role(role);
  if (!parsed || *parsed == policy::Role::kAgent) return fields.refuse("role", "is no role of people", "write \"operator\", \"provider\" or \"tenant\"");
  rule.role = *parsed;
  check(fields, "value", openid::wrong_rule(rule), "docs/guide/sign-in.md has examples");
  if (oidc.roles.size() == openid::kRolesMax) fields.refuse("value", "is one of more than " + std::to_string(openid::kRolesMax), "use one with a star");
  oidc.roles.push_back(std::move(rule));
}

void allowed(toml::Fields& fields, std::string_view name, webhook::Allowed& out) {
  std::string text;
  if (!fields.text(name, text)) return;
  if (text == "nobody") {
    out = webhook::Allowed::kNobody;
  } else if (text == "operators") {
    out = webhook::Allowed::kOperators;
  } else if (text == "everybody") {
    out = webhook::Allowed::kEverybody;
  } else {
    fields.refuse(name, "says not who may", "write \"nobody\", \"operators\" or \"everybody\"");
  }
}

Status read_webhooks(const toml::Table& table, std::string_view file, webhook::Options& out) {
  toml::Fields fields(table, file, "webhooks.");
  int64_t max = static_cast<int64_t>(out.subscriptions_max), of_a_tenant = static_cast<int64_t>(out.of_a_tenant_max);
  fields.whole("max", 0, 256, max);
  fields.whole("max_of_a_tenant", 0, 256, of_a_tenant);
  out.subscriptions_max = static_cast<size_t>(max);
  out.of_a_tenant_max = static_cast<size_t>(of_a_tenant);
  allowed(fields, "plain_http", out.plain_http);
  allowed(fields, "private_addresses", out.private_addresses);
  return fields.done();
}

void read_language(toml::Fields& fields, LanguageConfig& out) {
  fields.truth("embedded", out.embedded);
  const bool helped = fields.text("endpoint", out.endpoint);
  if (helped) {
    check(fields, "endpoint", openid::wrong_issuer(out.endpoint), "write it like \"https://models.example.org/v1\"");
    while (out.endpoint.ends_with('/')) out.endpoint.pop_back();
    fields.require("model", "add it: what the endpoint calls the model");
  }
  const auto text = [&](const char* name, std::string& value, const char* remedy) {
    if (!fields.text(name, value)) return;
    if (value.empty()) fields.refuse(name, "is empty", remedy);
    if (!helped) fields.refuse(name, "is for an endpoint, and none is given", "add endpoint, or leave it out");
  };
  text("model", out.model, "write what the endpoint calls the model");
  text("key_file", out.key_file, "leave it out where the endpoint needs no key");
  text("ca_file", out.ca_file, "leave it out to trust whom the system trusts");
  if (fields.whole("timeout_ms", 100, 30'000, out.timeout_ms) && !helped) fields.refuse("timeout_ms", "is for an endpoint, and none is given", "add endpoint, or leave it out");
}

}  // namespace

ServeConfig default_serve_config() {
  ServeConfig out;
  out.genesis.name = "weir";
  // A region's own prefix of unique local addresses (RFC 4193).
  out.genesis.service_prefix = "fd77:77:77:77::/64";
  out.genesis.carbon_price_per_kg = kCredit / 10;
  out.genesis.scarcity_core_hour = kCredit;
  out.genesis.scarcity_gib_hour = kCredit / 10;
  out.genesis.scarcity_accelerator_hour = 10 * kCredit;
  out.genesis.scarcity_gbps_hour = kCredit;
  return out;
}

Result<ServeConfig> parse_serve_config(std::string_view text, std::string_view file) {
  ServeConfig out = default_serve_config();
  const auto tables = toml::parse(text, file);
  if (!tables) return tl::unexpected(tables.error());
  toml::Fields top(tables->front(), file);
  top.text("data", out.data);
  top.text("listen", out.listen);
  top.text("rest", out.rest);
  top.text("artifacts", out.artifacts);
  top.text("advertise", out.advertise);
  std::vector<toml::Text> names;
  top.texts("names", names);
  for (toml::Text& name : names) out.names.push_back(std::move(name.text));
  int64_t deciders = out.deciders;
  top.whole("deciders", 1, 64, deciders);
  out.deciders = static_cast<uint32_t>(deciders);
  top.whole("checkpoint_events", 1'000, 1'000'000'000, out.checkpoint_events);
  top.whole("pass_seconds", 0, 86'400, out.pass_seconds);
  int64_t learning = out.learning;
  top.whole("learning", 0, 1, learning);
  out.learning = learning != 0;
  if (const Status done = top.done(); !done) return tl::unexpected(done.error());
  for (size_t i = 1; i < tables->size(); ++i) {
    const toml::Table& table = (*tables)[i];
    if (table.name == "oidc" && !table.listed) {
      toml::Fields oidc(table, file, "oidc.");
      read_oidc(oidc, out);
      if (const Status done = oidc.done(); !done) return tl::unexpected(done.error());
      continue;
    }
    if (table.name == "language" && !table.listed) {
      toml::Fields language(table, file, "language.");
      read_language(language, out.language);
      if (const Status done = language.done(); !done) return tl::unexpected(done.error());
      continue;
    }
    if (table.name == "limits" && !table.listed) {
      toml::Fields limits(table, file, "limits.");
      read_limits(limits, out.rates);
      if (const Status done = limits.done(); !done) return tl::unexpected(done.error());
      continue;
    }
    if (table.name == "oidc.role" && table.listed && out.oidc) {
      toml::Fields role(table, file, "oidc.role.");
      read_role(role, *out.oidc);
      if (const Status done = role.done(); !done) return tl::unexpected(done.error());
      continue;
    }
    if (table.name == "webhooks" && !table.listed) {
      if (const Status read = read_webhooks(table, file, out.webhooks); !read) return tl::unexpected(read.error());
      continue;
    }
    if (table.name != "domain" || table.listed) {
      return fail(ErrorCode::kInvalid, "is no table of this file", toml::place(file, table.line, table.name),
                  "write [domain], [language], [limits], [webhooks], [oidc], and [[oidc.role]] below it");
    }
    toml::Fields domain(table, file, "domain.");
    domain.text("name", out.genesis.name);
    domain.text("service_prefix", out.genesis.service_prefix);
    money(domain, "carbon_price_per_kg", out.genesis.carbon_price_per_kg);
    money(domain, "scarcity_core_hour", out.genesis.scarcity_core_hour);
    money(domain, "scarcity_gib_hour", out.genesis.scarcity_gib_hour);
    money(domain, "scarcity_accelerator_hour", out.genesis.scarcity_accelerator_hour);
    money(domain, "scarcity_gbps_hour", out.genesis.scarcity_gbps_hour);
    if (const Status done = domain.done(); !done) return tl::unexpected(done.error());
  }
  if (out.oidc && out.oidc->roles.empty()) {
    return fail(ErrorCode::kInvalid, "nobody who signs in would have a role", std::string(file) + ": oidc", "add [[oidc.role]] with value, role and subject");
  }
  if (out.oidc && out.rest.empty()) {
    return fail(ErrorCode::kInvalid, "people sign in over REST, which is off", std::string(file) + ": oidc", "give rest an address, or leave [oidc] out");
  }
  return out;
}

}  // namespace weir::app
