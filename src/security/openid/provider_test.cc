#include "security/openid/provider.h"

#include <gtest/gtest.h>

#include <atomic>

#include "security/openid/test_issuer.h"

namespace weir::openid {
namespace {

class StillClock : public Clock {
 public:
  TimeUs wall_us() override { return wall; }
  TimeUs steady_us() override { return steady; }
  std::atomic<TimeUs> wall{kTestNow_s * 1'000'000}, steady{1};
};

class ProviderTest : public ::testing::Test {
 protected:
  static Settings settings() {
    Settings out;
    out.issuer = kTestIssuer;
    out.client_id = "weir";
    out.base = "https://weir.example.org";
    out.roles = {{"admins", policy::Role::kOperator}, {"tenant-*", policy::Role::kTenant, "*"}};
    return out;
  }
  // The token endpoint gives this; its nonce is "n".
  void gives(const std::string& more = R"("groups":["admins"],"preferred_username":"alice")") {
    remote.token = [this, more](const HttpCall&) { return HttpReply{.status = 200, .body = token_reply(remote.key.sign(claims_text(now(), R"("nonce":"n",)" + more)))}; };
  }
  int64_t now() const { return clock.wall / 1'000'000; }

  StillClock clock;
  TestProvider remote;
  Provider provider{settings(), remote, clock};
};

TEST_F(ProviderTest, LeadsABrowserToTheProviderAndBack) {
  const auto address = provider.authorization_address("s t", "n", "c");
  ASSERT_TRUE(address) << address.error().text();
  EXPECT_EQ(*address,
            "https://login.example.org/auth?x=1&response_type=code&client_id=weir&redirect_uri=https%3A%2F%2Fweir.example.org%2Fv1%2Fsign-in%2Fcallback"
            "&scope=openid%20profile&state=s%20t&nonce=n&code_challenge=c&code_challenge_method=S256");
  EXPECT_EQ(provider.end_session_address(), "https://login.example.org/end?client_id=weir&post_logout_redirect_uri=https%3A%2F%2Fweir.example.org%2F");
  EXPECT_EQ(provider.name(), "login.example.org");
}

TEST_F(ProviderTest, ACodeBecomesAPersonWithARole) {
  gives();
  const auto person = provider.redeem("the code", "the verifier", "n");
  ASSERT_TRUE(person) << person.error().text();
  EXPECT_EQ(person->principal.role, policy::Role::kOperator);
  EXPECT_EQ(person->name, "alice");
  EXPECT_EQ(person->principal.subjects.at(0), person->ledger_name);
  EXPECT_EQ(remote.calls.back().body,
            "grant_type=authorization_code&code=the%20code&redirect_uri=https%3A%2F%2Fweir.example.org%2Fv1%2Fsign-in%2Fcallback"
            "&code_verifier=the%20verifier&client_id=weir");
  EXPECT_EQ(remote.calls.back().method, "POST");
}

TEST_F(ProviderTest, AClientsSecretGoesWhereTheProviderTakesIt) {
  Settings with_secret = settings();
  with_secret.client_secret = identity::SecretText("a:b c");
  gives();
  Provider basic(with_secret, remote, clock);
  ASSERT_TRUE(basic.redeem("c", "v", "n"));
  EXPECT_EQ(remote.calls.back().headers.back(), (std::pair<std::string, std::string>{"Authorization", "Basic d2VpcjphJTNBYiUyMGM="}));
  EXPECT_EQ(remote.calls.back().body.find("client_secret"), std::string::npos);
  remote.description.insert(1, R"("token_endpoint_auth_methods_supported":["client_secret_post"],)");
  Provider post(with_secret, remote, clock);
  ASSERT_TRUE(post.redeem("c", "v", "n"));
  EXPECT_TRUE(remote.calls.back().body.ends_with("&client_id=weir&client_secret=a%3Ab%20c"));
}

TEST_F(ProviderTest, WhatIsNotWhatWasAskedForIsRefused) {
  const auto code = [&] {
    const auto person = provider.redeem("c", "v", "n");
    return person ? ErrorCode::kInternal : person.error().code;
  };
  const auto says = [&](int status, const std::string& body) {
    remote.token = [=](const HttpCall&) { return HttpReply{.status = status, .body = body}; };
  };
  const std::string good = claims_text(kTestNow_s, R"("nonce":"n","groups":["admins"])");
  EXPECT_EQ(code(), ErrorCode::kDenied) << "the provider refuses the code";
  for (const std::string& lie : {std::string(), std::string("[]"), std::string("{"), std::string(R"({"id_token":7})"), token_reply("a.b.c"),
                                 token_reply(TestKey(TestKey::Kind::kEc, "k1").sign(good)), token_reply(remote.key.sign(R"({"alg":"none"})", good)),
                                 token_reply(remote.key.sign(claims_text(kTestNow_s, R"("nonce":"other","groups":["admins"])"))),
                                 token_reply(remote.key.sign(claims_text(kTestNow_s - 4000, R"("nonce":"n","groups":["admins"])"))),
                                 token_reply(remote.key.sign(claims_text(kTestNow_s, R"("nonce":"n")", "https://other"))),
                                 token_reply(remote.key.sign(claims_text(kTestNow_s, R"("nonce":"n")", kTestIssuer, "\"other\"")))}) {
    says(200, lie);
    EXPECT_EQ(code(), ErrorCode::kDenied) << lie;
  }
  says(500, "down");
  EXPECT_EQ(code(), ErrorCode::kUnavailable);
  remote.token = [](const HttpCall& call) { return fail(ErrorCode::kExhausted, "the reply is longer than allowed", call.url); };
  EXPECT_EQ(code(), ErrorCode::kUnavailable);
  says(200, token_reply(remote.key.sign(good)));
  EXPECT_EQ(code(), ErrorCode::kInternal) << "and the right one is taken";
  EXPECT_FALSE(provider.redeem("", "v", "n"));
  EXPECT_TRUE(provider.redeem(std::string(2048, 'c'), "v", "n"));
  EXPECT_FALSE(provider.redeem(std::string(2049, 'c'), "v", "n"));
}

TEST_F(ProviderTest, WhoHasNoRoleIsToldSo) {
  gives(R"("groups":["others"])");
  const auto person = provider.redeem("c", "v", "n");
  ASSERT_FALSE(person);
  EXPECT_EQ(person.error().code, ErrorCode::kDenied);
  EXPECT_EQ(person.error().where, "role");
}

TEST_F(ProviderTest, AProviderThatIsDownIsAskedAgainAfterAWhile) {
  remote.down = true;
  const auto asked = [&] { return remote.count("openid-configuration"); };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(provider.authorization_address("s", "n", "c").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(asked(), 1u);
  EXPECT_FALSE(provider.reachable());
  remote.down = false;
  clock.steady += kRetryAfter_us - 1;
  EXPECT_FALSE(provider.authorization_address("s", "n", "c"));
  clock.steady += 1;
  EXPECT_TRUE(provider.authorization_address("s", "n", "c"));
  EXPECT_EQ(asked(), 2u);
  EXPECT_TRUE(provider.reachable());
  // Later it is down again: what is known still does.
  remote.down = true;
  clock.steady += kKeysFresh_us;
  EXPECT_TRUE(provider.authorization_address("s", "n", "c"));
  EXPECT_EQ(asked(), 3u);
}

TEST_F(ProviderTest, KeysOfASilentProviderAreGoodForADay) {
  ASSERT_TRUE(provider.refresh());
  const std::string bearer = remote.key.sign(claims_text(clock.wall / 1'000'000, R"("groups":["tenant-city"])"));
  remote.down = true;
  clock.steady += kKeysOld_us - 1;
  EXPECT_FALSE(provider.refresh());
  EXPECT_TRUE(provider.check_bearer(bearer));
  clock.steady += 1;
  EXPECT_EQ(provider.check_bearer(bearer).error().code, ErrorCode::kDenied);
  EXPECT_FALSE(provider.authorization_address("s", "n", "c"));
  EXPECT_FALSE(provider.redeem("c", "v", "n"));
  EXPECT_FALSE(provider.end_session_address());
  remote.down = false;
  clock.steady += kRetryAfter_us;
  ASSERT_TRUE(provider.refresh());
  EXPECT_TRUE(provider.check_bearer(bearer));
}

TEST_F(ProviderTest, KeysMayChangeAndAreNotReadTooOften) {
  gives();
  ASSERT_TRUE(provider.redeem("c", "v", "n"));
  const auto asked = [&] { return remote.count("/keys"); };
  EXPECT_EQ(asked(), 1u);
  remote.key = TestKey(TestKey::Kind::kEc, "k2");
  remote.keys = key_set({remote.key.jwk()});
  clock.steady += kAskAgainAfter_us - 1;
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(provider.redeem("c", "v", "n"));
  EXPECT_EQ(asked(), 1u);
  clock.steady += 1;
  EXPECT_TRUE(provider.redeem("c", "v", "n"));
  EXPECT_EQ(asked(), 2u);
  // And without an unknown name, once an hour: a key may have been taken back.
  clock.steady += kKeysFresh_us;
  EXPECT_TRUE(provider.redeem("c", "v", "n"));
  EXPECT_EQ(asked(), 3u);
}

TEST_F(ProviderTest, TokensOfScriptsAreCheckedWithoutWaiting) {
  const std::string more = R"("groups":["tenant-city"])";
  const std::string good = remote.key.sign(claims_text(kTestNow_s, more));
  EXPECT_FALSE(provider.check_bearer(good)) << "before the keys are there";
  EXPECT_EQ(remote.calls.size(), 0u);
  ASSERT_TRUE(provider.refresh());
  const auto person = provider.check_bearer(good);
  ASSERT_TRUE(person) << person.error().text();
  EXPECT_EQ(person->principal.text(), "tenant city");
  EXPECT_EQ(person->expires_s, kTestNow_s + 300);
  const size_t calls = remote.calls.size();
  EXPECT_FALSE(provider.check_bearer(remote.key.sign(claims_text(kTestNow_s, more, kTestIssuer, "\"other\""))));
  EXPECT_FALSE(provider.check_bearer(remote.key.sign(claims_text(kTestNow_s, more + R"(,"azp":"other")"))));
  EXPECT_FALSE(provider.check_bearer(remote.key.sign(claims_text(kTestNow_s - 400, more))));
  EXPECT_FALSE(provider.check_bearer(TestKey(TestKey::Kind::kEc, "k9").sign(claims_text(kTestNow_s, more))));
  const auto lasting = [&](int64_t seconds) {
    return provider.check_bearer(remote.key.sign(R"({"iss":")" + std::string(kTestIssuer) + R"(","sub":"s","aud":"weir","iat":)" + std::to_string(kTestNow_s) + R"(,"exp":)" +
                                                 std::to_string(kTestNow_s + seconds) + "," + more + "}")).has_value();
  };
  EXPECT_TRUE(lasting(kBearerLifetimeMax_s));
  EXPECT_FALSE(lasting(kBearerLifetimeMax_s + 1));
  EXPECT_EQ(remote.calls.size(), calls);
}

TEST_F(ProviderTest, AnOwnAudienceIsOfAnyClient) {
  Settings api = settings();
  api.audience = "weir-api";
  Provider other(api, remote, clock);
  ASSERT_TRUE(other.refresh());
  const auto sent = [&](const char* audience) {
    return other.check_bearer(remote.key.sign(claims_text(kTestNow_s, R"("azp":"a-script","groups":["tenant-city"])", kTestIssuer, audience))).has_value();
  };
  EXPECT_TRUE(sent("\"weir-api\""));
  EXPECT_TRUE(sent(R"(["other","weir-api"])"));
  EXPECT_FALSE(sent("\"weir\""));
}

TEST(Description, IsOfTheIssuerAndOverTls) {
  const std::string good = TestProvider().description;
  ASSERT_TRUE(parse_description(good, kTestIssuer));
  EXPECT_FALSE(parse_description(good, "https://login.example.org/realm/"));
  EXPECT_FALSE(parse_description(good, "https://login.example.org"));
  EXPECT_TRUE(parse_description(good + std::string(kDescriptionBytesMax - good.size(), ' '), kTestIssuer));
  EXPECT_FALSE(parse_description(good + std::string(kDescriptionBytesMax - good.size() + 1, ' '), kTestIssuer));
  for (const char* name : {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"}) {
    std::string lacking = good;
    lacking.replace(lacking.find(name), 3, "xxx");
    EXPECT_FALSE(parse_description(lacking, kTestIssuer)) << name;
  }
  std::string plain = good;
  plain.replace(plain.find("https://login.example.org/token"), 5, "http");
  EXPECT_FALSE(parse_description(plain, kTestIssuer));
  std::string without_end = good;
  without_end.replace(without_end.find("end_session"), 3, "xxx");
  EXPECT_TRUE(parse_description(without_end, kTestIssuer));
  EXPECT_EQ(parse_description(without_end, kTestIssuer)->end_session, "");
  std::string bad_end = good;
  bad_end.replace(bad_end.find("https://login.example.org/end"), 5, "xhttp");
  EXPECT_FALSE(parse_description(bad_end, kTestIssuer)) << "an address that is none is no place to send people to";
}

}  // namespace
}  // namespace weir::openid
