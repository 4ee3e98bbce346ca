#include "service/webhook/signature.h"

#include <gtest/gtest.h>

#include "service/webhook/subscription.h"

namespace weir::webhook {
namespace {

// The example of the specification's own libraries.
TEST(WebhookSignature, IsThatOfStandardWebhooks) {
  const auto secret = parse_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(secret) << secret.error().text();
  EXPECT_EQ(signature(*secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_NE(signature(*secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265331, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, SecretsHaveTheirLengthAndAreInNoError) {
  const auto of = [](size_t bytes) { return parse_secret(std::string(kSecretPrefix) + base64(std::string(bytes, 'k'))); };
  EXPECT_FALSE(of(23));
  EXPECT_TRUE(of(24));
  EXPECT_TRUE(of(64));
  EXPECT_FALSE(of(65));
  EXPECT_EQ(secret_text(*of(25)).reveal(), std::string(kSecretPrefix) + base64(std::string(25, 'k')));
  for (const char* text : {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa S",
                           "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS\n"}) {
    const auto secret = parse_secret(text);
    ASSERT_FALSE(secret) << text;
    EXPECT_EQ(secret.error().text().find("MfKQ"), std::string::npos);
  }
  const auto drawn = draw_secret(), other = draw_secret();
  ASSERT_TRUE(drawn && other);
  EXPECT_EQ(drawn->reveal().size(), 24u);
  EXPECT_NE(drawn->reveal(), other->reveal());
}

TEST(WebhookSignature, Base64IsExact) {
  for (const auto& [bytes, text] : {std::pair("", ""), std::pair("f", "Zg=="), std::pair("fo", "Zm8="), std::pair("foo", "Zm9v"), std::pair("foob", "Zm9vYg==")}) {
    EXPECT_EQ(base64(bytes), text);  // RFC 4648, section 10
    EXPECT_EQ(from_base64(text), std::string(bytes));
  }
  for (const char* text : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", " Zg=", "Zm-_"}) EXPECT_FALSE(from_base64(text)) << text;
}

TEST(WebhookUrl, IsReadAsItIsConnectedTo) {
  const auto good = parse_url("https://Hooks.Example.org:8443/in?x=1");
  ASSERT_TRUE(good);
  EXPECT_TRUE(good->tls);
  EXPECT_EQ(good->host, "hooks.example.org");
  EXPECT_FALSE(good->known_private);
  EXPECT_TRUE(parse_url("http://example.org:65535"));
  for (const char* own : {"http://127.0.0.1/", "http://localhost:80/", "https://LOCALHOST", "http://a.localhost/", "http://[::1]/", "http://10.1.2.3?x", "http://169.254.169.254/meta",
                          "https://[fd77::1]:443/"}) {
    ASSERT_TRUE(parse_url(own)) << own;
    EXPECT_TRUE(parse_url(own)->known_private) << own;
  }
  for (const char* bad : {"", "example.org", "ftp://example.org/", "https://", "https:///x", "https://user@example.org/", "https://a:b@example.org/", "https://example.org:0/",
                          "https://example.org:65536/", "https://example.org:/", "https://example.org:8x/", "https://exa mple.org/", "https://example.org/#x", "https://[::1/",
                          "https://[::g]/", "https://[::1]x/", "https://ex\tample.org/", "https://пример.рф/", "https://a\\b/", "HTTPS://example.org/"}) {
    EXPECT_FALSE(parse_url(bad)) << bad;
  }
  const std::string stem = "https://example.org/";
  EXPECT_TRUE(parse_url(stem + std::string(kUrlBytesMax - stem.size(), 'a')));
  EXPECT_FALSE(parse_url(stem + std::string(kUrlBytesMax - stem.size() + 1, 'a')));
  EXPECT_TRUE(parse_url("https://" + std::string(253, 'a')));
  EXPECT_FALSE(parse_url("https://" + std::string(254, 'a')));
}

TEST(WebhookSubscription, IsReadAsItWasWritten) {
  Subscription one{.id = "0123456789abcdef",
                   .owner = {policy::Role::kTenant, {"city"}},
                   .token = "fedcba9876543210",
                   .url = "https://example.org/in",
                   .names = {"PlanCommitted", "IntentRefused"},
                   .tenant = "city",
                   .format = std::string(kTmf921Format),
                   .query = "eventType=IntentCreateEvent",
                   .secret = identity::SecretText(std::string(24, 'k')),
                   .created = 7,
                   .next = UINT64_MAX,
                   .failing_since = 8,
                   .disabled = true,
                   .why = "it answered \"500\""};
  const auto read = decode(encode(one).reveal());
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(encode(*read).reveal(), encode(one).reveal());
  EXPECT_EQ(read->next, UINT64_MAX);
  EXPECT_EQ(read->secret.reveal(), one.secret.reveal());
  one.secret = {};
  EXPECT_TRUE(decode(encode(one).reveal())->secret.empty());
  one.url = "https://user@example.org";
  EXPECT_FALSE(decode(encode(one).reveal()));
  for (const char* text : {"", "{}", "[]", "null", R"({"id":"0123456789abcdef"})"}) EXPECT_FALSE(decode(text)) << text;
}

}  // namespace
}  // namespace weir::webhook
