// What the router lets through: rates, changes that are asked for twice, and what answers hold.
#include <gtest/gtest.h>

#include "security/identity/token_text.h"
#include "service/gateway/rest_routes.h"
#include "service/gateway/test_brain.h"

namespace weir::gateway {
namespace {

constexpr const char* kTenant = R"({"resources":[{"tenant":{"apiVersion":"weir/v1","kind":"Tenant","metadata":{"name":"harbour"}}}]})";

class BoundsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    brain.build_region();
    city = brain.token(Role::kTenant, "city");
    rival = brain.token(Role::kTenant, "rival");
    op = brain.token(Role::kOperator, "alice");
  }
  void limit(const RateSettings& rates) { bounds = std::make_shared<CallerBounds>(rates); }
  HttpResponse ask(const HttpRequest& request) {
    Routed routed = route(service, request, bounds, brain.clock.steady_us());
    if (auto* response = std::get_if<HttpResponse>(&routed)) return std::move(*response);
    if (auto* events = std::get_if<EventsBegin>(&routed)) return {.headers = events->headers};
    if (auto* logs = std::get_if<LogsBegin>(&routed)) return {.headers = logs->headers};
    HttpResponse out{.status = 0};
    std::get<Answer>(routed).begin([&out](HttpResponse response) { out = std::move(response); });
    return out;
  }
  HttpResponse get(const std::string& target, const std::string& token, const std::string& peer = "192.0.2.1") {
    return ask({.method = "GET", .target = target, .authorization = token, .peer = peer});
  }
  HttpResponse post(const std::string& target, const std::string& token, const std::string& key, const std::string& body) {
    return ask({.method = "POST", .target = target, .authorization = token, .body = body, .idempotency_key = key});
  }
  static bool has(const HttpResponse& response, const std::string& line) { return response.headers.find(line + "\r\n") != std::string::npos; }

  TestBrain brain;
  Service service{brain.ports()};
  std::shared_ptr<CallerBounds> bounds = std::make_shared<CallerBounds>(RateSettings{});
  std::string city, rival, op;
};

TEST_F(BoundsTest, EachSubjectHasARateOfItsOwn) {
  limit({.operators = {10, 3}, .users = {1, 2}});
  EXPECT_TRUE(has(get("/v1/me", city), "RateLimit: \"user\";r=1;t=1"));
  EXPECT_EQ(get("/v1/events", city).status, 200) << "streams count when they begin";
  HttpResponse refused = get("/v1/me", city);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.content_type, "application/problem+json");
  EXPECT_NE(refused.body.find("\"code\":\"exhausted\""), std::string::npos) << refused.body;
  EXPECT_TRUE(has(refused, "Retry-After: 1")) << refused.headers;
  EXPECT_TRUE(has(refused, "RateLimit-Policy: \"user\";q=2;w=2")) << refused.headers;
  EXPECT_TRUE(has(refused, "RateLimit: \"user\";r=0;t=2")) << refused.headers;
  EXPECT_EQ(get("/v1/me", rival).status, 200);
  for (int left = 2; left >= 0; --left) EXPECT_TRUE(has(get("/v1/me", op), "RateLimit: \"operator\";r=" + std::to_string(left) + ";t=1"));
  EXPECT_EQ(get("/v1/me", op).status, 429);
  brain.clock.steady += 999'999;
  EXPECT_EQ(get("/v1/me", city).status, 429);
  brain.clock.steady += 1;
  EXPECT_EQ(get("/v1/me", city).status, 200);
}

TEST_F(BoundsTest, WhatTakesLongCostsMore) {
  limit({.users = {1, 100}});
  const auto left = [&](const HttpRequest& request) {
    limit({.users = {1, 100}});
    const std::string headers = ask(request).headers;
    return std::stoi(headers.substr(headers.find(";r=") + 3));
  };
  EXPECT_EQ(left({.method = "GET", .target = "/v1/me", .authorization = city}), 99);
  EXPECT_EQ(left({.method = "GET", .target = "/v1/explanations/x", .authorization = city}), 99);
  EXPECT_EQ(left({.method = "GET", .target = "/v1/explanations/x?what_if=a=b", .authorization = city}), 90);
  EXPECT_EQ(left({.method = "GET", .target = "/v1/explanations/x?whatIf=a=b", .authorization = city}), 90);
  EXPECT_EQ(left({.method = "GET", .target = "/v1/bill", .authorization = city}), 95);
  EXPECT_EQ(left({.method = "POST", .target = "/v1/apply", .authorization = city}), 95) << "also when it is refused";
  EXPECT_EQ(left({.method = "POST", .target = "/v1/ask", .authorization = city}), 50);
}

TEST_F(BoundsTest, WhoShowsNoTokenIsLimitedByAddress) {
  limit({.addresses = {1, 2}});
  EXPECT_EQ(get("/v1/me", "").status, 401);
  HttpResponse wrong = get("/v1/me", city + "x");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_TRUE(has(wrong, "RateLimit: \"address\";r=0;t=2")) << wrong.headers;
  HttpResponse refused = get("/v1/me", city + "x");
  EXPECT_EQ(refused.status, 429);
  EXPECT_TRUE(has(refused, "Retry-After: 1")) << refused.headers;
  for (const char* target : {"/v1/castles", "/v1/apply", "//", "/v1/sign-in/ways"}) EXPECT_EQ(get(target, "").status, 429) << target;
  EXPECT_EQ(get("/v1/me", city).status, 200) << "who has a token does not pay for others at the address";
  EXPECT_EQ(get("/v1/me", "", "192.0.2.2").status, 401);
  EXPECT_EQ(get("/v1/sign-in/ways", "", "192.0.2.3").status, 200);
}

TEST_F(BoundsTest, AChangeThatIsAskedForTwiceIsMadeOnce) {
  const HttpResponse first = post("/v1/apply", op, "k1", kTenant);
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_NE(first.body.find("\"created\""), std::string::npos) << first.body;
  EXPECT_FALSE(has(first, "Idempotency-Replayed: true"));
  const Position version = brain.durable()->version();
  const HttpResponse again = post("/v1/apply", op, "\"k1\"", kTenant);
  EXPECT_EQ(again.body, first.body);
  EXPECT_TRUE(has(again, "Idempotency-Replayed: true")) << again.headers;
  EXPECT_TRUE(has(again, "RateLimit-Policy: \"operator\";q=10000;w=5")) << "as of now, and once";
  EXPECT_EQ(again.headers.find("RateLimit:"), again.headers.rfind("RateLimit:"));
  EXPECT_EQ(brain.durable()->version(), version);
  EXPECT_NE(post("/v1/apply", op, "k2", kTenant).body.find("\"unchanged\""), std::string::npos);
  const HttpResponse other = post("/v1/apply?dry_run=true", op, "k1", kTenant);
  EXPECT_EQ(other.status, 422);
  EXPECT_NE(other.body.find("used for another request"), std::string::npos) << other.body;
  EXPECT_EQ(post("/v1/sites/metro/drain", op, "k1", R"({"why":"x"})").status, 422);
  EXPECT_EQ(post("/v1/sites/metro/drain", brain.token(Role::kOperator, "bob"), "k1", R"({"why":"x"})").status, 200) << "keys are of one subject";
  brain.clock.steady += TimeUs{24} * 3'600'000'000;
  EXPECT_NE(post("/v1/apply", op, "k1", kTenant).body.find("\"unchanged\""), std::string::npos) << "after a day it is forgotten";
}

TEST_F(BoundsTest, KeysAreForgottenWithWhatWasRefused) {
  EXPECT_EQ(post("/v1/sites/nowhere/drain", op, "k", "{}").status, 404);
  EXPECT_EQ(bounds->kept.keys(), 0u);
  EXPECT_EQ(post("/v1/apply", op, "k", "{\"resorces\":[]}").status, 400);
  EXPECT_EQ(post("/v1/sites/metro/drain", op, "k", "{}").status, 200);
  EXPECT_EQ(bounds->kept.keys(), 1u);
  EXPECT_EQ(post("/v1/sites/metro/undrain", op, std::string(256, 'x'), "{}").status, 400);
  EXPECT_EQ(post("/v1/sites/metro/undrain", op, std::string(255, 'x'), "{}").status, 200);
  EXPECT_EQ(post("/v1/ask", city, "a b", R"({"dialogue":[{"text":"2 cameras in street, within 500 ms"}]})").status, 200) << "what changes nothing has no keys";
}

TEST_F(BoundsTest, WhileTheFirstIsBeingAnsweredTheSecondIsAConflict) {
  const HttpRequest drain{.method = "POST", .target = "/v1/sites/metro/drain", .authorization = op, .body = "{}", .idempotency_key = "k"};
  Routed routed = route(service, drain, bounds, 0);
  HttpResponse inside;
  std::get<Answer>(routed).begin([&](const HttpResponse&) {
    inside = ask(drain);  // already kept when the first client is told
  });
  EXPECT_TRUE(has(inside, "Idempotency-Replayed: true"));
  const std::string fingerprint = identity::sha256_hex("POST\n/v1/sites/metro/undrain\n\n{}");
  const auto begun = bounds->kept.begin("operator/alice", "u", fingerprint, 0);
  ASSERT_TRUE(begun && !begun->before);
  const HttpResponse early = post("/v1/sites/metro/undrain", op, "u", "{}");
  EXPECT_EQ(early.status, 409);
  EXPECT_TRUE(has(early, "Retry-After: 1")) << early.headers;
  bounds->kept.end(begun->ticket, std::nullopt);
  EXPECT_EQ(post("/v1/sites/metro/undrain", op, "u", "{}").status, 200);
}

TEST_F(BoundsTest, SecretsAreNotKept) {
  const char* body = R"({"role":"ROLE_TENANT","subject":"city"})";
  const HttpResponse first = post("/v1/tokens", op, "k", body);
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_NE(first.body.find("weiru."), std::string::npos);
  const Position version = brain.durable()->version();
  const HttpResponse again = post("/v1/tokens", op, "k", body);
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.body.find("weiru."), std::string::npos);
  EXPECT_EQ(brain.durable()->version(), version) << "and no second token is made";
}

TEST_F(BoundsTest, WhatAClientHasIsNotSentAgain) {
  HttpRequest request{.method = "GET", .target = "/v1/resources/site/hub", .authorization = op};
  const HttpResponse first = ask(request);
  const size_t at = first.headers.find("ETag: ") + 6;
  const std::string tag = first.headers.substr(at, first.headers.find('\r', at) - at);
  EXPECT_TRUE(tag.starts_with("W/\"")) << first.headers;
  for (const std::string& held : {tag, tag.substr(2), "\"x\", " + tag, std::string("*")}) {
    request.if_none_match = held;
    const HttpResponse same = ask(request);
    EXPECT_EQ(same.status, 304) << held;
    EXPECT_TRUE(same.body.empty());
    EXPECT_TRUE(has(same, "ETag: " + tag));
    EXPECT_NE(same.headers.find("RateLimit: "), std::string::npos);
  }
  request.if_none_match = tag;
  brain.record("op", TenantDefined{TenantId(2u), "later"});
  EXPECT_EQ(ask(request).status, 304) << "another version of the graph, and the same site";
  EXPECT_EQ(post("/v1/sites/hub/drain", op, "", "{}").status, 200);
  EXPECT_EQ(ask(request).status, 200) << "the site has changed";
  request.target = "/v1/resources/tenants";
  const HttpResponse list = ask(request);
  EXPECT_EQ(list.status, 200);
  request.if_none_match = list.headers.substr(list.headers.find("W/\""), tag.size());
  EXPECT_EQ(ask(request).status, 304);
  brain.record("op", TenantDefined{TenantId(3u), "latest"});
  EXPECT_EQ(ask(request).status, 200);
  request.target = "/v1/resources/site/nowhere";
  request.if_none_match = "*";
  EXPECT_EQ(ask(request).status, 404);
}

TEST_F(BoundsTest, ConditionsOnChangesAreRefusedAndNotPassedOver) {
  const Position version = brain.durable()->version();
  const HttpResponse refused = ask({.method = "POST", .target = "/v1/sites/hub/drain", .authorization = op, .body = "{}", .if_match = "\"x\""});
  EXPECT_EQ(refused.status, 412);
  EXPECT_NE(refused.body.find("If-Match"), std::string::npos) << refused.body;
  EXPECT_EQ(brain.durable()->version(), version);
}

TEST_F(BoundsTest, AnswersHoldTheFieldsThatWereAskedFor) {
  const HttpResponse one = get("/v1/resources/site/hub?fields=resource.site.metadata.name", op);
  EXPECT_EQ(one.body, R"({"resource":{"site":{"metadata":{"name":"hub"}}}})");
  EXPECT_EQ(get("/v1/me?fields=role", op).body, R"({"role":"ROLE_OPERATOR"})");
  const HttpResponse page = get("/v1/resources/sites?page_size=1&fields=items.site.metadata.name&fields=version", op);
  EXPECT_EQ(page.body.find("\"spec\""), std::string::npos) << page.body;
  EXPECT_NE(page.body.find("\"nextPageToken\""), std::string::npos) << "or the list would seem to end";
  EXPECT_NE(page.body.find("\"version\""), std::string::npos) << page.body;
  const HttpResponse wrong = get("/v1/resources/sites?fields=items.castle", op);
  EXPECT_EQ(wrong.status, 400);
  EXPECT_NE(wrong.body.find("items.castle"), std::string::npos) << wrong.body;
  EXPECT_EQ(get("/v1/events?fields=events", op).status, 400) << "of one answer, not of streams";
}

}  // namespace
}  // namespace weir::gateway
