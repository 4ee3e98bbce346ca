#include <gtest/gtest.h>

#include "app/serve.h"
#include "core/units/quantity.h"

namespace weir::app {
namespace {

std::string error_of(std::string_view text) {
  const auto read = parse_serve_config(text, "serve.toml");
  return read ? "" : read.error().text();
}

TEST(ServeConfig, ReadsEveryKindOfField) {
  const auto read = parse_serve_config(R"(data = "/var/lib/weir"
rest = ""
names = ["brain.example.org", "10.0.0.1"]
deciders = 64
checkpoint_events = 1_000
[domain]
name = "region"
scarcity_core_hour = "0.5"
)",
                                       "serve.toml");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->data, "/var/lib/weir");
  EXPECT_EQ(read->listen, "127.0.0.1:7443");
  EXPECT_EQ(read->rest, "");
  EXPECT_EQ(read->names, (std::vector<std::string>{"brain.example.org", "10.0.0.1"}));
  EXPECT_EQ(read->deciders, 64u);
  EXPECT_EQ(read->checkpoint_events, 1'000);
  EXPECT_EQ(read->genesis.name, "region");
  EXPECT_EQ(read->genesis.scarcity_core_hour, kCredit / 2);
  EXPECT_EQ(read->genesis.scarcity_gib_hour, default_serve_config().genesis.scarcity_gib_hour);
}

TEST(ServeConfig, SaysFileLineFieldAndRemedy) {
  EXPECT_EQ(error_of("\nlisten = 7443"), "serve.toml:2: listen: must be a text; write it in quotes: \"...\"");
  EXPECT_EQ(error_of("lisen = \"a\""), "serve.toml:1: lisen: is unknown; did you mean \"listen\"?");
  EXPECT_EQ(error_of("names = \"a\""), "serve.toml:1: names: must be a list of texts; write [\"a\", \"b\"]");
  EXPECT_EQ(error_of("deciders = 65"), "serve.toml:1: deciders: must be a whole number from 1 to 64");
  EXPECT_EQ(error_of("deciders = 0"), "serve.toml:1: deciders: must be a whole number from 1 to 64");
  EXPECT_EQ(error_of("deciders = 1"), "");
  EXPECT_EQ(error_of("pass_seconds = 86401"), "serve.toml:1: pass_seconds: must be a whole number from 0 to 86400");
  EXPECT_EQ(error_of("pass_seconds = 86400"), "");
  EXPECT_EQ(error_of("pass_seconds = 0"), "");
  EXPECT_TRUE(parse_serve_config("learning = 1", "f")->learning);
  EXPECT_FALSE(parse_serve_config("learning = 0", "f")->learning);
  EXPECT_EQ(error_of("learning = 2"), "serve.toml:1: learning: must be a whole number from 0 to 1");
  EXPECT_EQ(error_of("checkpoint_events = 999"),
            "serve.toml:1: checkpoint_events: must be a whole number from 1000 to 1000000000");
  EXPECT_EQ(
      error_of("[domain]\nscarcity_core_hour = \"much\""),
      "serve.toml:2: domain.scarcity_core_hour: is no amount of credits; write it as a text like \"0.5\"");
  EXPECT_EQ(error_of("[domain]\nnmae = \"a\""),
            "serve.toml:2: domain.nmae: is unknown; did you mean \"name\"?");
  EXPECT_EQ(error_of("[domains]"), "serve.toml:1: domains: is no table of this file; write [domain], [language], [limits], [webhooks], [oidc], and [[oidc.role]] below it");
  EXPECT_EQ(error_of("[[domain]]"), "serve.toml:1: domain: is no table of this file; write [domain], [language], [limits], [webhooks], [oidc], and [[oidc.role]] below it");
}

TEST(ServeConfig, ReadsWhoHelpsToUnderstandSentences) {
  const auto none = parse_serve_config("", "serve.toml");
  EXPECT_TRUE(none->language.embedded);
  EXPECT_EQ(none->language.endpoint, "");
  EXPECT_FALSE(parse_serve_config("[language]\nembedded = false", "serve.toml")->language.embedded);
  const auto read = parse_serve_config(R"([language]
endpoint = "http://127.0.0.1:8080/v1/"
model = "small"
key_file = "/etc/weir/language.key"
ca_file = "/etc/weir/ca.crt"
timeout_ms = 100
)", "serve.toml");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->language.endpoint, "http://127.0.0.1:8080/v1");
  EXPECT_EQ(read->language.model, "small");
  EXPECT_EQ(read->language.key_file, "/etc/weir/language.key");
  EXPECT_EQ(read->language.ca_file, "/etc/weir/ca.crt");
  EXPECT_EQ(read->language.timeout_ms, 100);
}

TEST(ServeConfig, SaysWhatIsWrongWithWhoHelpsToUnderstand) {
  const auto with = [](const std::string& more) { return error_of("[language]\nendpoint = \"https://models.example.org/v1\"\nmodel = \"small\"\n" + more); };
  EXPECT_EQ(with(""), "");
  EXPECT_EQ(error_of("[language]\nendpoint = \"http://models.example.org/v1\"\nmodel = \"small\""),
            "serve.toml:2: language.endpoint: is not https; write it like \"https://models.example.org/v1\"");
  EXPECT_EQ(error_of("[language]\nendpoint = \"https://models.example.org/v1\""),
            "serve.toml:1: language.model: is missing; add it: what the endpoint calls the model");
  EXPECT_EQ(error_of("[language]\nkey_file = \"/k\""), "serve.toml:2: language.key_file: is for an endpoint, and none is given; add endpoint, or leave it out");
  EXPECT_EQ(with("key_file = \"\""), "serve.toml:4: language.key_file: is empty; leave it out where the endpoint needs no key");
  for (const auto& [milliseconds, right] : {std::pair{99, false}, {100, true}, {30'000, true}, {30'001, false}}) {
    EXPECT_EQ(with("timeout_ms = " + std::to_string(milliseconds)).empty(), right) << milliseconds;
  }
  EXPECT_EQ(with("modle = \"a\""), "serve.toml:4: language.modle: is unknown; did you mean \"model\"?");
}

TEST(ServeConfig, LimitsOfCallers) {
  const auto read = parse_serve_config("[limits]\noperator_per_second = 1\noperator_burst = 2\nuser_per_second = 3\nuser_burst = 4\naddress_per_second = 5\n"
                                       "address_burst = 1_000_000\n", "serve.toml");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->rates.operators.per_second, 1);
  EXPECT_EQ(read->rates.operators.burst, 2);
  EXPECT_EQ(read->rates.users.per_second, 3);
  EXPECT_EQ(read->rates.users.burst, 4);
  EXPECT_EQ(read->rates.addresses.per_second, 5);
  EXPECT_EQ(read->rates.addresses.burst, 1'000'000);
  EXPECT_EQ(error_of("[limits]\nuser_burst = 0"), "serve.toml:2: limits.user_burst: must be a whole number from 1 to 1000000");
  EXPECT_EQ(error_of("[limits]\nuser_per_second = 1000001"), "serve.toml:2: limits.user_per_second: must be a whole number from 1 to 1000000");
  EXPECT_EQ(error_of("[[limits]]"), "serve.toml:1: limits: is no table of this file; write [domain], [language], [limits], [webhooks], [oidc], and [[oidc.role]] below it");
}

constexpr const char* kOidc = R"([oidc]
issuer = "https://login.example.org/realm"
client_id = "weir"
base = "https://weir.example.org:7480"
)";
constexpr const char* kRoles = R"([[oidc.role]]
value = "admins"
role = "operator"
[[oidc.role]]
value = "tenant-*"
role = "tenant"
subject = "*"
)";

TEST(ServeConfig, ReadsTheIdentityProvider) {
  const auto read = parse_serve_config(std::string(kOidc) + R"(client_secret_file = "/etc/weir/oidc-secret"
name = "The campus"
scopes = ["openid", "groups"]
audience = "weir-api"
role_claim = "realm_access.roles"
name_claim = "email"
ca_file = "/etc/weir/ca.crt"
local_tokens = false
session_seconds = 3600
)" + kRoles, "serve.toml");
  ASSERT_TRUE(read) << read.error().text();
  ASSERT_TRUE(read->oidc);
  EXPECT_EQ(read->oidc->issuer, "https://login.example.org/realm");
  EXPECT_EQ(read->oidc->base, "https://weir.example.org:7480");
  EXPECT_EQ(read->oidc_secret_file, "/etc/weir/oidc-secret");
  EXPECT_EQ(read->oidc->scopes, (std::vector<std::string>{"openid", "groups"}));
  EXPECT_EQ(read->oidc->role_claim, "realm_access.roles");
  EXPECT_FALSE(read->oidc->local_tokens);
  EXPECT_EQ(read->oidc->session_s, 3600);
  ASSERT_EQ(read->oidc->roles.size(), 2u);
  EXPECT_EQ(read->oidc->roles[1].subject, "*");
  EXPECT_FALSE(parse_serve_config("", "serve.toml")->oidc);
}

TEST(ServeConfig, SaysWhatIsWrongWithTheIdentityProvider) {
  const auto with = [](const std::string& from, const std::string& to) {
    std::string text = std::string(kOidc) + kRoles;
    text.replace(text.find(from), from.size(), to);
    return error_of(text);
  };
  EXPECT_EQ(with("client_id", "client_id"), "");
  EXPECT_EQ(error_of(kOidc), "serve.toml: oidc: nobody who signs in would have a role; add [[oidc.role]] with value, role and subject");
  EXPECT_EQ(error_of("rest = \"\"\n" + std::string(kOidc) + kRoles), "serve.toml: oidc: people sign in over REST, which is off; give rest an address, or leave [oidc] out");
  EXPECT_EQ(with("issuer = \"https://login.example.org/realm\"\n", ""),
            "serve.toml:1: oidc.issuer: is missing; add it: the identity provider's address, as its own description writes it");
  EXPECT_EQ(with("https://login", "http://login"), "serve.toml:2: oidc.issuer: is not https; write it like \"https://login.example.org/realm\"");
  EXPECT_EQ(with(":7480", "/console"), "serve.toml:4: oidc.base: has more than https://HOST[:PORT]; write it like \"https://weir.example.org:7480\"");
  EXPECT_EQ(with("[[oidc.role]]", "scopes = [\"profile\"]\n[[oidc.role]]"),
            "serve.toml:5: oidc.scopes: lack \"openid\", without which nobody is named; write [\"openid\", ...]");
  EXPECT_EQ(with("\"operator\"", "\"viewer\""), "serve.toml:7: oidc.role.role: is no role of people; write \"operator\", \"provider\" or \"tenant\"");
  EXPECT_EQ(with("tenant-*", "*"), "serve.toml:9: oidc.role.value: would be for everybody: a value needs more than the star; docs/guide/sign-in.md has examples");
  EXPECT_EQ(with("client_id", "clientid"), "serve.toml:1: oidc.client_id: is missing; add it: what the identity provider calls Weir");
  for (const auto& [seconds, right] : {std::pair{9, false}, {10, true}, {604'800, true}, {604'801, false}}) {
    EXPECT_EQ(with("[[oidc.role]]", "session_seconds = " + std::to_string(seconds) + "\n[[oidc.role]]").empty(), right) << seconds;
  }
  std::string roles;
  for (size_t i = 0; i < openid::kRolesMax; ++i) roles += "[[oidc.role]]\nvalue = \"v\"\nrole = \"operator\"\n";
  EXPECT_EQ(error_of(kOidc + roles), "");
  EXPECT_NE(error_of(kOidc + roles + "[[oidc.role]]\nvalue = \"v\"\nrole = \"operator\"\n"), "");
  EXPECT_NE(error_of(std::string(kRoles) + kOidc), "") << "a role above [oidc]";
}

TEST(ServeConfig, SaysWhoMayHaveEventsPostedWhere) {
  const auto read = parse_serve_config("[webhooks]\nmax = 256\nmax_of_a_tenant = 0\nplain_http = \"nobody\"\nprivate_addresses = \"everybody\"\n", "serve.toml");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->webhooks.subscriptions_max, 256u);
  EXPECT_EQ(read->webhooks.of_a_tenant_max, 0u);
  EXPECT_EQ(read->webhooks.plain_http, webhook::Allowed::kNobody);
  EXPECT_EQ(read->webhooks.private_addresses, webhook::Allowed::kEverybody);
  EXPECT_EQ(default_serve_config().webhooks.private_addresses, webhook::Allowed::kOperators);
  EXPECT_EQ(default_serve_config().webhooks.plain_http, webhook::Allowed::kOperators);
  EXPECT_EQ(error_of("[webhooks]\nmax = 257"), "serve.toml:2: webhooks.max: must be a whole number from 0 to 256");
  EXPECT_EQ(error_of("[webhooks]\nplain_http = \"tenants\""),
            "serve.toml:2: webhooks.plain_http: says not who may; write \"nobody\", \"operators\" or \"everybody\"");
  EXPECT_EQ(error_of("[webhooks]\nmaxx = 1"), "serve.toml:2: webhooks.maxx: is unknown; did you mean \"max\"?");
}

}  // namespace
}  // namespace weir::app
