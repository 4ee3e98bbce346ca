// Webhooks over the real service and real HTTP to receivers on loopback.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "infrastructure/http_client/curl_client.h"
#include "security/identity/test_folder.h"
#include "service/gateway/rest_routes.h"
#include "service/gateway/test_brain.h"
#include "service/gateway/webhook_source.h"
#include "service/webhook/signature.h"
#include "service/webhook/test_receiver.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

namespace json = boost::json;
using webhook::TestReceiver;

class GatewayWebhookTest : public ::testing::Test {
 protected:
  void SetUp() override {
    brain.build_region();
    city = brain.token(Role::kTenant, "city");
    rival = brain.token(Role::kTenant, "rival");
    alice = brain.token(Role::kOperator, "alice");
    street = brain.token(Role::kProvider, "street");
    open({.plain_http = webhook::Allowed::kEverybody, .private_addresses = webhook::Allowed::kEverybody});
  }
  void TearDown() override { close(); }
  void open(webhook::Options options) {
    options.retry_us_min = 1'000;
    options.retry_us_max = 2'000;
    auto opened = webhook::Webhooks::open(folder.path() / "webhooks", http, brain.clock, options);
    ASSERT_TRUE(opened) << opened.error().text();
    webhooks = std::move(*opened);
    Ports ports = brain.ports();
    ports.webhooks = webhooks.get();
    service = std::make_unique<Service>(ports);
    webhooks->start(webhook_source(*service));
    news = brain.subscribe([this](Position version) { webhooks->notify(version); });
    webhooks->notify(brain.durable()->version());
  }
  void close() {
    if (!webhooks) return;
    brain.unsubscribe(news);
    webhooks->stop();
    service.reset();
    webhooks.reset();
  }
  HttpResponse ask(const std::string& method, const std::string& target, const std::string& token, const std::string& body = "") {
    Routed routed = route(*service, {.method = method, .target = target, .authorization = token, .body = body});
    if (auto* later = std::get_if<Answer>(&routed)) {
      HttpResponse out;
      later->begin([&out](HttpResponse response) { out = std::move(response); });
      return out;
    }
    return std::get<HttpResponse>(routed);
  }
  json::value parsed(const HttpResponse& response, int status = 200) {
    EXPECT_EQ(response.status, status) << response.body;
    boost::system::error_code error;
    json::value out = json::parse(response.body, error);
    EXPECT_FALSE(error) << response.body;
    return out;
  }
  void submit(uint32_t intent, uint32_t tenant, const char* name) {
    IntentSpec spec = brain.cameras();
    spec.name = name;
    brain.record(tenant == 0 ? "tenant/city" : "tenant/rival", IntentSubmitted{IntentId(intent), TenantId(tenant), 1, spec});
  }
  // Waits for a state that deliveries bring about.
  void wait_until(const std::function<bool()>& is) {
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20); !is() && std::chrono::steady_clock::now() < end;) std::this_thread::yield();
    EXPECT_TRUE(is());
  }

  identity::TestFolder folder;
  CurlClient http;
  TestBrain brain;
  std::string city, rival, alice, street;
  std::unique_ptr<webhook::Webhooks> webhooks;
  std::unique_ptr<Service> service;
  uint64_t news = 0;
};

TEST_F(GatewayWebhookTest, PostsWhatTheStreamShowsWithItsSignature) {
  TestReceiver receiver;
  const json::value added = parsed(ask("POST", "/v1/webhooks", alice, R"({"url":")" + receiver.url() + R"(","names":["IntentSubmitted"]})"));
  const std::string secret(added.at("secret").as_string());
  EXPECT_TRUE(secret.starts_with("whsec_"));
  EXPECT_EQ(added.at("webhook").at("owner"), "operator/alice");
  EXPECT_EQ(added.at("webhook").at("state"), "active");
  submit(0, 0, "cameras");
  const Position at = brain.durable()->version() - 1;
  const auto got = receiver.wait_for(1);
  ASSERT_EQ(got.size(), 1u);
  v1::EventsRequest request;
  const auto events = service->events(policy::Principal{policy::Role::kOperator, {"alice"}}, request, at);
  ASSERT_TRUE(events && events->events_size() > 0);
  EXPECT_EQ(got[0].body, event_json(events->events(0)));
  EXPECT_EQ(got[0].header("webhook-signature"),
            webhook::signature(*webhook::parse_secret(secret), got[0].header("webhook-id"), std::stoll(got[0].header("webhook-timestamp")), got[0].body));
  const std::string listed = ask("GET", "/v1/webhooks", alice).body;
  EXPECT_EQ(listed.find("whsec_"), std::string::npos) << "the secret is shown once: " << listed;
  EXPECT_NE(listed.find(receiver.url()), std::string::npos);
}

TEST_F(GatewayWebhookTest, ATenantIsToldOfItsOwnAlone) {
  TestReceiver receiver, everything;
  parsed(ask("POST", "/v1/webhooks", city, R"({"url":")" + receiver.url() + R"("})"));
  parsed(ask("POST", "/v1/webhooks", alice, R"({"url":")" + everything.url() + R"(","names":["IntentSubmitted"]})"));
  submit(0, 1, "theirs");
  submit(1, 0, "ours");
  EXPECT_EQ(everything.wait_for(2).size(), 2u);
  const auto got = receiver.wait_for(1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_NE(got[0].body.find("intent/city/ours"), std::string::npos);
  EXPECT_EQ(got[0].body.find("theirs"), std::string::npos);
  EXPECT_EQ(got[0].body.find("\"record\""), std::string::npos) << "records are for operators";
}

TEST_F(GatewayWebhookTest, OthersWebhooksCannotBeSeenOrRemovedAndProvidersHaveNone) {
  const std::string body = R"({"url":"http://127.0.0.1:1/","tenant":"city"})";
  const std::string mine(parsed(ask("POST", "/v1/webhooks", city, body)).at("webhook").at("id").as_string());
  const std::string operators(parsed(ask("POST", "/v1/webhooks", alice, body)).at("webhook").at("id").as_string());
  EXPECT_EQ(ask("POST", "/v1/webhooks", rival, body).status, 404) << "it is not told whether there is such a tenant";
  EXPECT_EQ(ask("POST", "/v1/webhooks", street, R"({"url":"https://example.org/"})").status, 403);
  EXPECT_EQ(ask("GET", "/v1/webhooks", street).status, 403);
  EXPECT_EQ(ask("GET", "/v1/webhooks", rival).body.find("127.0.0.1"), std::string::npos);
  const std::string seen = ask("GET", "/v1/webhooks", city).body;
  EXPECT_NE(seen.find(mine), std::string::npos);
  EXPECT_EQ(seen.find(operators), std::string::npos) << "an operator's is the operators' own, whomever it concerns";
  EXPECT_EQ(parsed(ask("GET", "/v1/webhooks", alice)).at("webhooks").as_array().size(), 2u);
  EXPECT_EQ(parsed(ask("GET", "/v1/webhooks?tenant=city", alice)).at("webhooks").as_array().size(), 1u);
  const HttpResponse refused = ask("DELETE", "/v1/webhooks/" + mine, rival), unknown = ask("DELETE", "/v1/webhooks/0123456789abcdef", rival);
  EXPECT_EQ(refused.status, 404);
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(ask("DELETE", "/v1/webhooks/" + operators, city).status, 404);
  EXPECT_EQ(ask("DELETE", "/v1/webhooks/" + mine, city).status, 200);
  EXPECT_EQ(ask("DELETE", "/v1/webhooks/" + mine, city).status, 404);
}

TEST_F(GatewayWebhookTest, SaysWhatIsWrong) {
  const auto where = [&](const std::string& body) {
    const HttpResponse response = ask("POST", "/v1/webhooks", alice, body);
    EXPECT_GE(response.status, 400) << response.body;
    const json::value said = json::parse(response.body);
    const json::value* place = said.as_object().if_contains("where");
    return place != nullptr ? std::string(place->as_string()) : "";
  };
  EXPECT_EQ(where("{}"), "url");
  EXPECT_EQ(where(R"({"url":"ftp://x/"})"), "url");
  EXPECT_EQ(where(R"({"url":"https://x/","names":["Nonsense"]})"), "names");
  EXPECT_EQ(where(R"({"url":"https://x/","secret":"whsec_short"})"), "secret");
  EXPECT_EQ(where(R"({"url":"https://x/","from":"1000000"})"), "from");
  EXPECT_EQ(ask("POST", "/v1/webhooks", alice, R"({"url":"https://x/","tenant":"nobody"})").status, 404);
  EXPECT_EQ(where(R"({"url":"https://)" + std::string(100'000, 'x') + "/\"}"), "url");
  close();
  open({});
  EXPECT_EQ(ask("POST", "/v1/webhooks", city, R"({"url":"http://example.org/"})").status, 403) << "plain http";
  EXPECT_EQ(ask("POST", "/v1/webhooks", city, R"({"url":"https://10.0.0.1/"})").status, 403) << "a private address";
  EXPECT_EQ(ask("POST", "/v1/webhooks", alice, R"({"url":"http://10.0.0.1/"})").status, 200) << "operators may";
}

TEST_F(GatewayWebhookTest, BeginsWhereItIsToldAndGoesOnAfterARestart) {
  TestReceiver receiver;
  submit(0, 0, "first");
  parsed(ask("POST", "/v1/webhooks", city, R"({"url":")" + receiver.url() + R"(","from":"1","names":["IntentSubmitted"]})"));
  EXPECT_NE(receiver.wait_for(1).at(0).body.find("city/first"), std::string::npos) << "what was before";
  wait_until([&] { return webhooks->list()[0].subscription.next == brain.durable()->version(); });
  close();
  submit(1, 0, "second");
  open({.plain_http = webhook::Allowed::kEverybody, .private_addresses = webhook::Allowed::kEverybody});
  submit(2, 0, "third");
  const auto got = receiver.wait_for(3);
  ASSERT_EQ(got.size(), 3u);
  EXPECT_NE(got[1].body.find("city/second"), std::string::npos);
  EXPECT_NE(got[2].body.find("city/third"), std::string::npos);
}

TEST_F(GatewayWebhookTest, ATokenThatIsRevokedTakesItsWebhooksAlong) {
  TestReceiver receiver;
  parsed(ask("POST", "/v1/webhooks", city, R"({"url":")" + receiver.url() + R"("})"));
  const auto caller = service->authenticate(city);
  ASSERT_TRUE(caller);
  brain.record("op", TokenRevoked{caller->token});
  submit(0, 0, "late");
  wait_until([&] { return webhooks->list()[0].subscription.disabled; });
  EXPECT_EQ(parsed(ask("GET", "/v1/webhooks", alice)).at("webhooks").at(0).at("state"), "disabled");
  EXPECT_NE(ask("GET", "/v1/webhooks", alice).body.find("revoked"), std::string::npos);
}

TEST_F(GatewayWebhookTest, WithoutThemItSaysSo) {
  Service none(brain.ports());
  Routed routed = route(none, {.method = "GET", .target = "/v1/webhooks", .authorization = alice});
  std::get<Answer>(routed).begin([](const HttpResponse& response) { EXPECT_EQ(response.status, 501) << response.body; });
}

// ---- TM Forum's hub

TEST_F(GatewayWebhookTest, TheHubNotifiesOfIntentsAsTmForumHasIt) {
  TestReceiver receiver;
  const std::string base = "/tmf-api/intentManagement/v5";
  const HttpResponse made = ask("POST", base + "/hub", city, R"({"@type":"Hub","callback":")" + receiver.url() + R"("})");
  const json::value hub = parsed(made, 201);
  const std::string id(hub.at("id").as_string());
  EXPECT_NE(made.headers.find("Location: " + base + "/hub/" + id), std::string::npos);
  submit(0, 1, "theirs");
  submit(1, 0, "cameras");
  brain.decide();
  brain.record("tenant/city", IntentWithdrawn{IntentId(1u)});
  submit(1, 0, "cameras");
  // A status may be told in between, by how far the intent was when its creation was.
  const auto creations = [](const std::vector<TestReceiver::Got>& all) {
    return std::count_if(all.begin(), all.end(), [](const auto& one) { return one.body.find("\"eventType\":\"IntentCreateEvent\"") != std::string::npos; });
  };
  std::vector<TestReceiver::Got> got;
  for (size_t count = 4; count < 8 && creations(got) < 2; ++count) got = receiver.wait_for(count);
  std::vector<std::string> types;
  for (const auto& one : got) {
    const json::value body = json::parse(one.body);
    types.emplace_back(body.at("eventType").as_string());
    EXPECT_EQ(body.at("@type"), body.at("eventType"));
    EXPECT_EQ(body.at("eventId").as_string(), one.header("webhook-id"));
    EXPECT_EQ(one.body.find("theirs"), std::string::npos);
    const json::object& of = body.at("event").as_object();
    EXPECT_TRUE(!of.contains("intent") || of.at("intent").at("id") == "city.cameras") << one.body;
    EXPECT_EQ(one.header("webhook-signature"), "") << "no secret was given";
  }
  EXPECT_EQ(std::count(types.begin(), types.end(), "IntentCreateEvent"), 2) << "what was deleted is created again";
  EXPECT_EQ(std::count(types.begin(), types.end(), "IntentReportCreateEvent"), 1);
  EXPECT_EQ(std::count(types.begin(), types.end(), "IntentDeleteEvent"), 1);
  EXPECT_EQ(std::count(types.begin(), types.end(), "IntentStatusChangeEvent") + 4, static_cast<int>(types.size()));
  EXPECT_EQ(ask("GET", base + "/hub/" + id, rival).status, 404);
  EXPECT_EQ(ask("DELETE", base + "/hub/" + id, rival).status, 404);
  EXPECT_EQ(parsed(ask("GET", base + "/hub", city)).as_array().size(), 1u);
  EXPECT_EQ(parsed(ask("GET", base + "/hub/" + id, city)), hub);
  const HttpResponse gone = ask("DELETE", base + "/hub/" + id, city);
  EXPECT_EQ(gone.status, 204);
  EXPECT_TRUE(gone.body.empty());
  EXPECT_EQ(ask("GET", base + "/hub/" + id, city).status, 404);
}

TEST_F(GatewayWebhookTest, TheHubFiltersAndSigns) {
  TestReceiver receiver;
  const std::string secret = "whsec_" + webhook::base64(std::string(24, 'k'));
  const std::string body = R"({"callback":")" + receiver.url() + R"(","query":"eventType=IntentReportCreateEvent","secret":")" + secret + "\"}";
  const HttpResponse made = ask("POST", "/tmf-api/intentManagement/v5/hub", alice, body);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.body.find("whsec_"), std::string::npos);
  submit(0, 0, "cameras");
  brain.decide();
  const auto got = receiver.wait_for(1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(json::parse(got[0].body).at("event").at("intentReport").at("name"), "PlanCommitted");
  EXPECT_EQ(got[0].header("webhook-signature"), webhook::signature(*webhook::parse_secret(secret), got[0].header("webhook-id"),
                                                                   std::stoll(got[0].header("webhook-timestamp")), got[0].body));
  EXPECT_EQ(ask("POST", "/tmf-api/intentManagement/v5/hub", alice, R"({"callback":"gopher://x"})").status, 400);
}

}  // namespace
}  // namespace weir::gateway
