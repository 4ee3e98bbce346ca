// Deliveries over real HTTP to receivers on loopback.
#include "service/webhook/webhooks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "infrastructure/http_client/curl_client.h"
#include "security/identity/test_folder.h"
#include "service/webhook/signature.h"
#include "service/webhook/test_receiver.h"

namespace weir::webhook {
namespace {

class TestClock : public Clock {
 public:
  TimeUs wall_us() override { return wall; }
  TimeUs steady_us() override { return wall; }
  std::atomic<TimeUs> wall{1'800'000'000'000'000};
};

class WebhooksTest : public ::testing::Test {
 protected:
  void open(Options options = {}) {
    options.retry_us_min = 1'000;
    options.retry_us_max = 4'000;
    auto opened = Webhooks::open(folder.path() / "webhooks", http, clock, options);
    ASSERT_TRUE(opened) << opened.error().text();
    webhooks = std::move(*opened);
    webhooks->start([this](const Subscription& to, Memory&) -> Result<Batch> {
      const std::lock_guard lock(mutex);
      if (refuse) return tl::unexpected(*refuse);
      Batch out;
      out.next = to.next;
      while (out.next < count && out.messages.size() < 3) {
        const Position at = out.next++;
        const std::string name = at % 2 == 0 ? "Even" : "Odd";
        if (!to.names.empty() && std::find(to.names.begin(), to.names.end(), name) == to.names.end()) continue;
        out.messages.push_back({at, "evt_" + to.id + "_" + std::to_string(at), "{\"at\":" + std::to_string(at) + "}"});
      }
      return out;
    });
    happen(0);
  }
  void happen(Position more) {
    Position now = 0;
    {
      const std::lock_guard lock(mutex);
      now = count += more;
    }
    webhooks->notify(now);
  }
  Result<Standing> add(const std::string& url, std::vector<std::string> names = {}, policy::Principal owner = {policy::Role::kOperator, {"alice"}}) {
    Subscription one{.owner = std::move(owner), .url = url, .names = std::move(names), .secret = identity::SecretText(std::string(24, 'k'))};
    one.next = count;
    return webhooks->add(std::move(one));
  }
  // Waits for a state that deliveries bring about; each delivery or failure is news.
  Standing wait_until(const std::string& id, const std::function<bool(const Standing&)>& is) {
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);;) {
      for (const Standing& one : webhooks->list()) {
        if (one.subscription.id == id && (is(one) || std::chrono::steady_clock::now() > end)) return one;
      }
      std::this_thread::yield();
    }
  }
  static std::vector<std::string> bodies(const std::vector<TestReceiver::Got>& got) {
    std::vector<std::string> out;
    for (const auto& one : got) out.push_back(one.body);
    return out;
  }

  identity::TestFolder folder;
  CurlClient http;
  TestClock clock;
  std::mutex mutex;
  Position count = 0;
  std::optional<Error> refuse;
  std::unique_ptr<Webhooks> webhooks;
};

TEST_F(WebhooksTest, PostsInOrderAndSigned) {
  TestReceiver receiver;
  open();
  happen(4);  // before anybody asked
  const auto added = add(receiver.url("/hooks?x=1"));
  ASSERT_TRUE(added) << added.error().text();
  EXPECT_TRUE(identity::SecretText(webhooks->list()[0].subscription.secret).empty()) << "shown to nobody";
  happen(5);
  const auto got = receiver.wait_for(5);
  ASSERT_EQ(bodies(got), (std::vector<std::string>{"{\"at\":4}", "{\"at\":5}", "{\"at\":6}", "{\"at\":7}", "{\"at\":8}"}));
  EXPECT_TRUE(got[0].head.starts_with("POST /hooks?x=1 HTTP/1.1\r\n"));
  EXPECT_EQ(got[0].header("Content-Type"), "application/json");
  EXPECT_EQ(got[0].header("webhook-id"), "evt_" + added->subscription.id + "_4");
  EXPECT_EQ(got[0].header("webhook-timestamp"), "1800000000");
  EXPECT_EQ(got[0].header("webhook-signature"),
            signature(identity::SecretText(std::string(24, 'k')), got[0].header("webhook-id"), 1'800'000'000, got[0].body));
}

TEST_F(WebhooksTest, OnlyWhatIsAskedFor) {
  TestReceiver receiver;
  open();
  ASSERT_TRUE(add(receiver.url(), {"Odd"}));
  happen(7);
  EXPECT_EQ(bodies(receiver.wait_for(3)), (std::vector<std::string>{"{\"at\":1}", "{\"at\":3}", "{\"at\":5}"}));
}

TEST_F(WebhooksTest, TriesAgainWithTheSameIdentifierUntilItIsTaken) {
  TestReceiver receiver([](size_t n) { return n < 3 ? 500 : 200; });
  open();
  const auto added = add(receiver.url());
  happen(2);
  const auto got = receiver.wait_for(5);
  EXPECT_EQ(bodies(got), (std::vector<std::string>{"{\"at\":0}", "{\"at\":0}", "{\"at\":0}", "{\"at\":0}", "{\"at\":1}"}));
  EXPECT_EQ(got[0].header("webhook-id"), got[3].header("webhook-id"));
  const Standing after = wait_until(added->subscription.id, [](const Standing& s) { return s.subscription.next == 2; });
  EXPECT_EQ(after.failures, 0u);
  EXPECT_EQ(after.subscription.why, "");
  EXPECT_EQ(webhooks->statistics().failed, 3u);
}

TEST_F(WebhooksTest, ADeadReceiverHoldsUpNobody) {
  TestReceiver silent([](size_t) { return 0; });
  TestReceiver receiver;
  open({.call_us_max = 600'000'000});
  ASSERT_TRUE(add(silent.url()));
  ASSERT_TRUE(add(receiver.url()));
  happen(3);
  EXPECT_EQ(silent.wait_for(1).size(), 1u);
  EXPECT_EQ(receiver.wait_for(3).size(), 3u);
  const auto begun = std::chrono::steady_clock::now();
  webhooks->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(60)) << "it does not wait for the silent one";
}

TEST_F(WebhooksTest, IsGivenUpAfterItsTimeWithTheReason) {
  TestReceiver receiver([](size_t) { return 503; });
  open({.give_up_us = 60'000'000});
  const auto added = add(receiver.url());
  happen(1);
  EXPECT_GE(receiver.wait_for(3).size(), 3u);
  EXPECT_FALSE(webhooks->list()[0].subscription.disabled) << "before its time";
  clock.wall += 60'000'000;
  const Standing after = wait_until(added->subscription.id, [](const Standing& s) { return s.subscription.disabled; });
  EXPECT_TRUE(after.subscription.disabled);
  EXPECT_EQ(after.subscription.why, "the receiver answered 503");
  EXPECT_EQ(after.subscription.next, 0u) << "what was not delivered";
  webhooks.reset();
  open();
  EXPECT_TRUE(webhooks->list()[0].subscription.disabled) << "after a restart as well";
}

TEST_F(WebhooksTest, GoneIsForGood) {
  TestReceiver receiver([](size_t) { return 410; });
  open();
  const auto added = add(receiver.url());
  happen(1);
  EXPECT_TRUE(wait_until(added->subscription.id, [](const Standing& s) { return s.subscription.disabled; }).subscription.disabled);
  EXPECT_EQ(receiver.wait_for(1).size(), 1u);
}

TEST_F(WebhooksTest, WhoMayReadNoMoreIsToldNoMore) {
  TestReceiver receiver;
  open();
  const auto added = add(receiver.url());
  {
    const std::lock_guard lock(mutex);
    refuse = Error{ErrorCode::kDenied, "the token was revoked"};
  }
  happen(1);
  EXPECT_EQ(wait_until(added->subscription.id, [](const Standing& s) { return s.subscription.disabled; }).subscription.why, "the token was revoked");
}

TEST_F(WebhooksTest, GoesOnAfterARestartWhereItWas) {
  TestReceiver receiver;
  open();
  const auto added = add(receiver.url());
  happen(2);
  EXPECT_EQ(receiver.wait_for(2).size(), 2u);
  wait_until(added->subscription.id, [](const Standing& s) { return s.subscription.next == 2; });
  webhooks.reset();
  count += 2;  // meanwhile
  open();
  const auto got = receiver.wait_for(4);
  EXPECT_EQ(bodies(got), (std::vector<std::string>{"{\"at\":0}", "{\"at\":1}", "{\"at\":2}", "{\"at\":3}"}));
  EXPECT_EQ(got[3].header("webhook-signature"), signature(identity::SecretText(std::string(24, 'k')), got[3].header("webhook-id"), 1'800'000'000, got[3].body))
      << "with the same secret";
}

TEST_F(WebhooksTest, RemovedIsRemoved) {
  TestReceiver receiver;
  open();
  const auto added = add(receiver.url());
  EXPECT_FALSE(webhooks->remove("0123456789abcdef"));
  ASSERT_TRUE(webhooks->remove(added->subscription.id));
  EXPECT_FALSE(webhooks->remove(added->subscription.id));
  EXPECT_TRUE(webhooks->list().empty());
  webhooks.reset();
  open();
  EXPECT_TRUE(webhooks->list().empty());
}

TEST_F(WebhooksTest, AreBoundedAltogetherAndForATenant) {
  open({.subscriptions_max = 3, .of_a_tenant_max = 2, .plain_http = Allowed::kEverybody, .private_addresses = Allowed::kEverybody});
  const policy::Principal city{policy::Role::kTenant, {"city"}}, rival{policy::Role::kTenant, {"rival"}};
  ASSERT_TRUE(add("http://127.0.0.1:1/", {}, city));
  const auto second = add("http://127.0.0.1:1/", {}, city);
  ASSERT_TRUE(second);
  const auto third = add("http://127.0.0.1:1/", {}, city);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kExhausted);
  ASSERT_TRUE(add("http://127.0.0.1:1/", {}, rival));
  EXPECT_EQ(add("http://127.0.0.1:1/").error().code, ErrorCode::kExhausted) << "of all";
  ASSERT_TRUE(webhooks->remove(second->subscription.id));
  std::optional<Result<Standing>> again;
  for (int tries = 0; tries < 1'000'000 && (!again || !*again); ++tries) again = add("http://127.0.0.1:1/", {}, city);  // its thread ends first
  EXPECT_TRUE(*again);
  EXPECT_EQ(add("http://127.0.0.1:1/", std::vector<std::string>(65, "Odd")).error().where, "names");
}

TEST_F(WebhooksTest, TenantsReachNoPrivateAddressAndOperatorsDo) {
  TestReceiver receiver;
  open({.plain_http = Allowed::kEverybody});
  const policy::Principal city{policy::Role::kTenant, {"city"}};
  EXPECT_EQ(add(receiver.url(), {}, city).error().code, ErrorCode::kDenied);
  // What is no address at first sight is seen through when it is connected to.
  const auto hidden = add("http://0x7f.1:" + std::to_string(receiver.port()) + "/", {}, city);
  ASSERT_TRUE(hidden) << hidden.error().text();
  ASSERT_TRUE(add(receiver.url()));
  happen(1);
  const Standing after = wait_until(hidden->subscription.id, [](const Standing& s) { return s.subscription.disabled; });
  EXPECT_NE(after.subscription.why.find("does not lead to a public address"), std::string::npos) << after.subscription.why;
  EXPECT_EQ(receiver.wait_for(1).size(), 1u) << "the operator's alone";
}

TEST_F(WebhooksTest, PlainHttpIsTheOperatorsToPermit) {
  const policy::Principal city{policy::Role::kTenant, {"city"}};
  open({.private_addresses = Allowed::kEverybody});
  EXPECT_EQ(add("http://127.0.0.1:1/", {}, city).error().code, ErrorCode::kDenied);
  EXPECT_TRUE(add("https://127.0.0.1:1/", {}, city));
  EXPECT_TRUE(add("http://127.0.0.1:1/"));
  webhooks.reset();
  open({.plain_http = Allowed::kNobody});
  EXPECT_FALSE(add("http://127.0.0.1:1/"));
  happen(1);
  const auto standing = webhooks->list();
  ASSERT_EQ(standing.size(), 2u);
  for (const Standing& one : standing) {
    const Standing after = wait_until(one.subscription.id, [](const Standing& s) { return s.subscription.disabled; });
    EXPECT_TRUE(after.subscription.disabled) << "what is not permitted any more ends: " << one.subscription.url;
  }
}

TEST_F(WebhooksTest, ADamagedFileIsNamed) {
  open();
  const auto added = add("http://127.0.0.1:1/");
  webhooks.reset();
  const auto file = folder.path() / "webhooks" / (added->subscription.id + ".json");
  std::ofstream(file) << "{";
  const auto opened = Webhooks::open(folder.path() / "webhooks", http, clock, {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(opened.error().text().find(file.string()), std::string::npos);
}

}  // namespace
}  // namespace weir::webhook
