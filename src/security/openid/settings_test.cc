#include "security/openid/settings.h"

#include <gtest/gtest.h>

namespace weir::openid {
namespace {

using policy::Role;

TEST(Settings, AddressesOfProviders) {
  for (const char* good : {"https://login.example.org", "https://login.example.org:8443/realms/a", "http://localhost:4593/api/oidc", "http://127.0.0.1", "http://[::1]:80/x",
                           "https://[fd00::1]/"}) {
    EXPECT_EQ(wrong_issuer(good), std::nullopt) << good;
  }
  for (const char* wrong : {"", "login.example.org", "http://login.example.org", "https://", "https://a b", "https://user@host/", "https://host?x", "https://host#x",
                            "https://host:", "https://host:123456", "https://HOST", "ftp://host", "https://host/\r\nX: y", "http://localhost.example.org", "https://[::1",
                            "https://[]", "http://127.0.0.1.example.org"}) {
    EXPECT_NE(wrong_issuer(wrong), std::nullopt) << wrong;
  }
  EXPECT_EQ(wrong_endpoint("https://host/path?p=policy"), std::nullopt);
  EXPECT_NE(wrong_endpoint("https://host/path?p=policy#x"), std::nullopt);
  const std::string head = "https://host/";
  EXPECT_EQ(wrong_issuer(head + std::string(1024 - head.size(), 'x')), std::nullopt);
  EXPECT_NE(wrong_issuer(head + std::string(1025 - head.size(), 'x')), std::nullopt);
}

TEST(Settings, TheConsolesAddressEqualsAnOrigin) {
  for (const char* good : {"https://weir.example.org", "https://127.0.0.1:7480", "https://[::1]:7480"}) EXPECT_EQ(wrong_base(good), std::nullopt) << good;
  for (const char* wrong : {"http://localhost:7480", "https://weir.example.org/", "https://weir.example.org/x", "https://weir.example.org:443", "weir"}) {
    EXPECT_NE(wrong_base(wrong), std::nullopt) << wrong;
  }
  EXPECT_EQ(host_of("https://login.example.org:8443/x"), "login.example.org");
  EXPECT_EQ(host_of("http://[::1]:80/x"), "[::1]");
}

TEST(Settings, TheFirstRuleThatFitsGivesTheRole) {
  const std::vector<RoleRule> rules = {{"admins", Role::kOperator},
                                       {"hub", Role::kProvider, "hub-a,hub-b"},
                                       {"tenant-*", Role::kTenant, "*"},
                                       {"staff-*", Role::kTenant, "city"}};
  for (const RoleRule& rule : rules) EXPECT_EQ(wrong_rule(rule), std::nullopt) << rule.value;
  const auto role = [&](const std::vector<std::string>& values) {
    const auto found = role_for(rules, values, "alice-1");
    return found ? found->text() : "";
  };
  EXPECT_EQ(role({"admins"}), "operator alice-1");
  EXPECT_EQ(role({"tenant-city", "x", "admins"}), "operator alice-1") << "the order of the rules counts, not that of the values";
  EXPECT_EQ(role({"hub"}), "provider hub-a,hub-b");
  EXPECT_EQ(role({"tenant-rival"}), "tenant rival");
  EXPECT_EQ(role({"staff-of-the-city"}), "tenant city");
  for (const char* nobody : {"", "admin", "admins2", "Admins", "tenant-", "tenant-A", "tenant-a,b", "tenant-../x", "hub2"}) EXPECT_EQ(role({nobody}), "") << nobody;
  EXPECT_EQ(role({}), "");
  EXPECT_EQ(role({"tenant-", "tenant-ok"}), "tenant ok");
}

TEST(Settings, RulesThatMakeNoSense) {
  for (const RoleRule& wrong : {RoleRule{"", Role::kOperator}, RoleRule{"*", Role::kOperator}, RoleRule{"a", Role::kAgent, "x"}, RoleRule{"a", Role::kTenant},
                                RoleRule{"a", Role::kTenant, "*"}, RoleRule{"a", Role::kTenant, "A B"}, RoleRule{"a", Role::kTenant, "a,b"}, RoleRule{"a", Role::kProvider}}) {
    EXPECT_NE(wrong_rule(wrong), std::nullopt) << wrong.value << " " << wrong.subject;
  }
  EXPECT_EQ(wrong_rule({std::string(256, 'v'), Role::kOperator}), std::nullopt);
  EXPECT_NE(wrong_rule({std::string(257, 'v'), Role::kOperator}), std::nullopt);
}

TEST(Settings, EverybodyHasAnOwnNameInTheLedger) {
  const std::string issuer = "https://login.example.org";
  EXPECT_EQ(ledger_name("alice", issuer, "1"), ledger_name("alice", issuer, "1"));
  EXPECT_NE(ledger_name("alice", issuer, "1"), ledger_name("alice", issuer, "2"));
  EXPECT_NE(ledger_name("alice", issuer, "1"), ledger_name("alice", "https://other", "1"));
  EXPECT_TRUE(ledger_name("Alice.Liddell@example.org", issuer, "1").starts_with("alice-liddell-example-org-"));
  for (const std::string& name : {std::string("alice"), std::string("A. B."), std::string(), std::string("王小明"), std::string(500, 'x'), std::string(54, 'x') + "-",
                                  std::string("-\r\n-")}) {
    EXPECT_TRUE(policy::valid_name(ledger_name(name, issuer, "1"))) << name << ": " << ledger_name(name, issuer, "1");
  }
}

}  // namespace
}  // namespace weir::openid
