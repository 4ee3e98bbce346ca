#include "service/gateway/sign_in.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <future>

#include "infrastructure/http_client/curl_client.h"
#include "infrastructure/http_client/scripted_server.h"
#include "security/openid/test_issuer.h"
#include "service/gateway/test_brain.h"

namespace weir::gateway {
namespace {

namespace json = boost::json;
using openid::claims_text;

constexpr const char* kBase = "https://weir.example.org";

class SignInTest : public ::testing::Test {
 protected:
  void SetUp() override {
    brain.build_region();
    open(settings());
  }
  static openid::Settings settings() {
    openid::Settings out;
    out.issuer = openid::kTestIssuer;
    out.client_id = "weir";
    out.base = kBase;
    out.session_s = 600;
    out.roles = {{"admins", policy::Role::kOperator}, {"tenant-*", policy::Role::kTenant, "*"}};
    return out;
  }
  void open(openid::Settings with, HttpClient* http = nullptr) {
    service.reset();
    sign_in.reset();
    provider.emplace(std::move(with), http ? *http : remote, brain.clock);
    sign_in = std::move(*SignIn::open(*provider, brain, brain.clock, {.say = [this](const std::string& what) {
                                        const std::lock_guard lock(said_mutex);
                                        said.push_back(what);
                                      }}));
    Ports ports = brain.ports();
    ports.sign_in = sign_in.get();
    service.emplace(std::move(ports));
  }
  HttpResponse ask(HttpRequest request) {
    Routed routed = route(*service, request);
    if (auto* answer = std::get_if<Answer>(&routed)) {
      std::promise<HttpResponse> done;
      answer->begin([&done](HttpResponse response) { done.set_value(std::move(response)); });
      return done.get_future().get();
    }
    return std::get<HttpResponse>(std::move(routed));
  }
  HttpResponse get(const std::string& target, const std::string& cookie = {}) { return ask({.method = "GET", .target = target, .cookie = cookie}); }
  static std::string header(const HttpResponse& response, const std::string& start) {
    const size_t at = ("\r\n" + response.headers).find("\r\n" + start);
    return at == std::string::npos ? "" : response.headers.substr(at + start.size(), response.headers.find("\r\n", at) - at - start.size());
  }
  static std::string cookie(const HttpResponse& response, std::string_view name) {
    const std::string text = header(response, "Set-Cookie: " + std::string(name) + "=");
    return text.empty() ? "" : std::string(name) + "=" + text.substr(0, text.find(';'));
  }
  static std::string location(const HttpResponse& response) { return header(response, "Location: "); }
  static std::string parameter(const std::string& address, const std::string& name) {
    const size_t at = address.find("&" + name + "=");
    return at == std::string::npos ? "" : address.substr(at + name.size() + 2, address.find('&', at + 1) - at - name.size() - 2);
  }
  struct Begun {
    std::string cookie, state, nonce;
  };
  Begun begin() {
    const HttpResponse response = get("/v1/sign-in");
    EXPECT_EQ(response.status, 303);
    return {cookie(response, kAttemptCookie), parameter(location(response), "state"), parameter(location(response), "nonce")};
  }
  void provider_names(const Begun& begun, const std::string& more = R"("groups":["tenant-city"],"preferred_username":"Alice")") {
    const std::string token = remote.key.sign(claims_text(brain.clock.wall / 1'000'000, R"("nonce":")" + begun.nonce + "\"," + more));
    remote.token = [token](const HttpCall&) { return HttpReply{.status = 200, .body = openid::token_reply(token)}; };
  }
  HttpResponse come_back(const Begun& begun, const std::string& more = "&code=c") { return get("/v1/sign-in/callback?state=" + begun.state + more, begun.cookie); }
  // The cookie of a session.
  std::string signed_in(const std::string& more = R"("groups":["tenant-city"],"preferred_username":"Alice")") {
    const Begun begun = begin();
    provider_names(begun, more);
    const HttpResponse back = come_back(begun);
    EXPECT_EQ(location(back), std::string(kBase) + "/") << back.headers;
    return cookie(back, kSessionCookie);
  }

  TestBrain brain;
  openid::TestProvider remote;
  std::optional<openid::Provider> provider;
  std::unique_ptr<SignIn> sign_in;
  std::optional<Service> service;
  std::mutex said_mutex;
  std::vector<std::string> said;
};

TEST_F(SignInTest, APersonSignsInWorksAndSignsOut) {
  EXPECT_EQ(get("/v1/sign-in/ways").body, R"({"localTokens":true,"provider":"login.example.org","signedIn":false})");
  const Begun begun = begin();
  provider_names(begun);
  const HttpResponse back = come_back(begun);
  EXPECT_EQ(back.status, 303);
  EXPECT_EQ(location(back), "https://weir.example.org/");
  EXPECT_NE(back.headers.find("Set-Cookie: __Host-weir-sign-in=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0\r\n"), std::string::npos);
  EXPECT_NE(back.headers.find("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600\r\n"), std::string::npos);
  EXPECT_EQ(back.headers.find("eyJ"), std::string::npos) << "no token of the provider reaches the browser";
  const std::string session = cookie(back, kSessionCookie);

  const HttpResponse me = get("/v1/me", session);
  ASSERT_EQ(me.status, 200) << me.body;
  const json::object who = json::parse(me.body).as_object();
  EXPECT_EQ(who.at("role").as_string(), "ROLE_TENANT");
  EXPECT_EQ(who.at("subject").as_string(), "city");
  EXPECT_EQ(who.at("person").as_string(), "Alice");
  EXPECT_EQ(who.at("by").as_string(), "session");
  EXPECT_EQ(who.at("expires").as_string(), std::to_string(brain.clock.wall / 1'000'000 * 1'000'000 + 600'000'000));
  EXPECT_EQ(get("/v1/resources/tenant/city", session).status, 200);
  EXPECT_EQ(get("/v1/ledger/head", session).status, 403) << "a tenant reads no ledger";
  EXPECT_NE(get("/v1/sign-in/ways", session).body.find("\"signedIn\":true"), std::string::npos);

  const HttpResponse out = ask({.method = "POST", .target = "/v1/sign-out", .cookie = session, .origin = kBase});
  EXPECT_EQ(out.status, 200) << out.body;
  EXPECT_EQ(json::parse(out.body).at("location").as_string(), "https://login.example.org/end?client_id=weir&post_logout_redirect_uri=https%3A%2F%2Fweir.example.org%2F");
  EXPECT_NE(out.headers.find("__Host-weir-session=; "), std::string::npos);
  EXPECT_EQ(get("/v1/me", session).status, 401) << "a copy of the cookie is good for nothing";
  EXPECT_EQ(ask({.method = "POST", .target = "/v1/sign-out", .cookie = session, .origin = kBase}).status, 200) << "twice does no harm";
}

TEST_F(SignInTest, TheLedgerSaysWhoSignedIn) {
  const std::string session = signed_in();
  const std::string id = session.substr(session.find("weirs.") + 6, 16);
  const TokenRow* row = brain.durable()->find_token(id);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->subject, "city");
  EXPECT_FALSE(row->join);
  bool found = false;
  ASSERT_TRUE(brain.read(0, brain.durable_end(), [&](Position, Bytes record) -> Status {
    const auto event = decode(record);
    found = found || (event && event->actor.starts_with("sign-in/alice-") && std::holds_alternative<TokenIssued>(event->body));
    return {};
  }));
  EXPECT_TRUE(found);
}

TEST_F(SignInTest, ASessionEndsByItsTimeByRevocationAndNotByARestart) {
  const std::string session = signed_in(), other = signed_in();
  open(settings());  // what was kept in memory is gone
  EXPECT_EQ(get("/v1/me", session).status, 200);
  brain.record("op", TokenRevoked{other.substr(other.find("weirs.") + 6, 16)});
  EXPECT_EQ(get("/v1/me", other).status, 401);
  brain.clock.wall += 599'000'000;
  EXPECT_EQ(get("/v1/me", session).status, 200);
  const auto who = service->authenticate_session(session.substr(session.find('=') + 1));
  ASSERT_TRUE(who);
  EXPECT_TRUE(service->still_good(*who));
  brain.clock.wall += 1'000'000;
  EXPECT_EQ(get("/v1/me", session).status, 401);
  EXPECT_FALSE(service->still_good(*who)) << "a stream ends with it";
}

TEST_F(SignInTest, ASessionIsNoBearerTokenAndABearerTokenNoSession) {
  const std::string session = signed_in(), text = session.substr(session.find('=') + 1);
  EXPECT_EQ(ask({.method = "GET", .target = "/v1/me", .authorization = "Bearer " + text}).status, 401);
  std::string renamed = text;
  renamed[4] = 'u';
  EXPECT_EQ(ask({.method = "GET", .target = "/v1/me", .authorization = "Bearer " + renamed}).status, 401);
  std::string bearer = brain.token(Role::kOperator, "alice").substr(7);
  EXPECT_EQ(ask({.method = "GET", .target = "/v1/me", .authorization = "Bearer " + bearer}).status, 200);
  EXPECT_EQ(get("/v1/me", std::string(kSessionCookie) + "=" + bearer).status, 401);
  bearer[4] = 's';
  EXPECT_EQ(get("/v1/me", std::string(kSessionCookie) + "=" + bearer).status, 401);
}

TEST_F(SignInTest, OtherSitesCannotUseTheCookie) {
  const std::string session = signed_in(R"("groups":["admins"])");
  struct Case {
    std::string method, origin, fetch_site;
    bool may;
  };
  const std::string post = "POST", reads = "GET";
  for (const Case& one : {Case{post, kBase, "", true}, Case{post, kBase, "same-origin", true}, Case{post, "", "same-origin", true}, Case{post, "", "", false},
                          Case{post, "null", "", false}, Case{post, "https://evil.example", "", false}, Case{post, "https://evil.example", "same-origin", false},
                          Case{post, "https://weir.example.org.evil.example", "", false}, Case{post, "https://weir.example.org:7480", "", false},
                          Case{post, "http://weir.example.org", "", false}, Case{post, "", "cross-site", false}, Case{post, "", "same-site", false},
                          Case{post, "", "none", false}, Case{reads, "", "", true}, Case{reads, "", "none", true}, Case{reads, "", "same-origin", true},
                          Case{reads, "", "cross-site", false}, Case{reads, "", "same-site", false}, Case{reads, "https://evil.example", "", false}}) {
    const bool get = one.method == "GET";
    const HttpResponse response = ask({.method = one.method, .target = get ? "/v1/me" : "/v1/tokens", .body = get ? "" : R"({"role":"ROLE_TENANT","subject":"city"})",
                                       .cookie = session, .origin = one.origin, .fetch_site = one.fetch_site});
    EXPECT_EQ(response.status, one.may ? 200 : 403) << one.method << " " << one.origin << " " << one.fetch_site << " " << response.body;
  }
  EXPECT_EQ(ask({.method = "POST", .target = "/v1/sign-out", .cookie = session, .origin = "https://evil.example"}).status, 403);
  EXPECT_EQ(get("/v1/me", session).status, 200);
  // A token in the header is no cookie: nobody else can send it.
  EXPECT_EQ(ask({.method = "GET", .target = "/v1/me", .authorization = brain.token(Role::kOperator, "a"), .origin = "https://other.example"}).status, 200);
}

TEST_F(SignInTest, TheAnswerMustBeToTheSignInOfThisBrowser) {
  const auto refused = [&](const HttpResponse& response, const char* why) {
    EXPECT_EQ(response.status, 303) << why;
    EXPECT_EQ(location(response), "https://weir.example.org/?sign_in=refused") << why;
    EXPECT_EQ(cookie(response, kSessionCookie), "") << why;
  };
  const Begun mine = begin(), theirs = begin();
  provider_names(theirs);
  refused(get("/v1/sign-in/callback?state=" + theirs.state + "&code=c", mine.cookie), "login CSRF: another's code and state");
  refused(get("/v1/sign-in/callback?state=" + theirs.state + "&code=c"), "no cookie");
  refused(get("/v1/sign-in/callback?state=" + theirs.state + "&code=c", theirs.cookie + "; " + theirs.cookie), "two cookies");
  refused(get("/v1/sign-in/callback?code=c", theirs.cookie), "no state");
  EXPECT_EQ(remote.count("/token"), 0u) << "the provider was not asked";
  refused(come_back(mine), "a code injected: its token has another nonce");
  refused(come_back(theirs, ""), "no code");
  refused(come_back(theirs, "&code=c&iss=https%3A%2F%2Fevil.example"), "another issuer's answer");
  refused(come_back(theirs, "&error=access_denied"), "the person said no");
  EXPECT_EQ(location(come_back(theirs, "&error=server_error")), "https://weir.example.org/?sign_in=unavailable");
  EXPECT_EQ(location(come_back(theirs, "&code=c&iss=https%3A%2F%2Flogin.example.org%2Frealm")), "https://weir.example.org/");
  const size_t asked = remote.count("/token");
  refused(come_back(theirs), "replayed");
  EXPECT_EQ(remote.count("/token"), asked);
  const Begun slow = begin();
  provider_names(slow);
  brain.clock.wall += (openid::kAttempt_s + 1) * 1'000'000;
  refused(come_back(slow), "too late");
}

TEST_F(SignInTest, NothingOfARequestBecomesAnAddress) {
  for (const char* target : {"/v1/sign-in?return=https://evil.example", "/v1/sign-in?redirect_uri=https://evil.example", "/v1/sign-in/callback?state=x&code=//evil.example",
                             "/v1/sign-in/callback?error=https://evil.example"}) {
    EXPECT_EQ(location(get(target)).find("evil"), std::string::npos) << target;
  }
}

TEST_F(SignInTest, AWordSaysWhatFailed) {
  const Begun begun = begin();
  provider_names(begun, R"("groups":["nobody"])");
  EXPECT_EQ(location(come_back(begun)), "https://weir.example.org/?sign_in=no-role");
  remote.down = true;
  open(settings());
  EXPECT_EQ(location(get("/v1/sign-in")), "https://weir.example.org/?sign_in=unavailable");
  EXPECT_NE(get("/v1/sign-in/ways").body.find("login.example.org"), std::string::npos) << "the way is offered: it may be open the next time";
  const std::lock_guard lock(said_mutex);
  EXPECT_NE(said.back().find("connection refused"), std::string::npos) << said.back();
}

TEST_F(SignInTest, ARealProviderThatIsSlowOrSpeaksHalfIsUnavailable) {
  CurlClient http;
  for (const std::string& script : {std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"issuer\":"), ScriptedServer::reply(200, std::string(openid::kDescriptionBytesMax + 1, 'x')),
                                    ScriptedServer::reply(302, "", "Location: https://evil.example/\r\n"), std::string("garbage\r\n\r\n")}) {
    ScriptedServer server({script});
    openid::Settings with = settings();
    with.issuer = server.url("");
    open(with, &http);
    EXPECT_EQ(location(get("/v1/sign-in")), "https://weir.example.org/?sign_in=unavailable");
  }
}

TEST_F(SignInTest, TokensOfTheProviderOpenTheApi) {
  ASSERT_TRUE(provider->refresh());
  const auto me = [&](const std::string& token) { return ask({.method = "GET", .target = "/v1/me", .authorization = "Bearer " + token}); };
  const int64_t now = brain.clock.wall / 1'000'000;
  const std::string good = remote.key.sign(claims_text(now, R"("groups":["tenant-city"],"preferred_username":"Alice")"));
  const HttpResponse answer = me(good);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(answer.body.find("\"by\":\"provider\""), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("Alice"), std::string::npos);
  EXPECT_EQ(me(remote.key.sign(claims_text(now, R"("groups":["nobody"])"))).status, 401);
  const HttpResponse refused = me(openid::TestKey(openid::TestKey::Kind::kEc, "k9").sign(claims_text(now, R"("groups":["tenant-city"])")));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.body.find("eyJ"), std::string::npos);
  const auto who = service->authenticate("Bearer " + good);
  ASSERT_TRUE(who);
  EXPECT_TRUE(service->still_good(*who));
  brain.clock.wall += (300 + openid::kSkew_s) * 1'000'000;
  EXPECT_FALSE(service->still_good(*who));
  EXPECT_EQ(me(good).status, 401);
}

TEST_F(SignInTest, LocalTokensCanBeShutOut) {
  openid::Settings strict = settings();
  strict.local_tokens = false;
  open(strict);
  const std::string local = brain.token(Role::kOperator, "alice");
  const HttpResponse refused = ask({.method = "GET", .target = "/v1/me", .authorization = local});
  EXPECT_EQ(refused.status, 401);
  EXPECT_NE(refused.body.find("local tokens are not taken here"), std::string::npos);
  EXPECT_EQ(get("/v1/me", signed_in()).status, 200);
  EXPECT_NE(get("/v1/sign-in/ways").body.find("\"localTokens\":false"), std::string::npos);
}

TEST_F(SignInTest, WithoutAProviderCookiesAreNotLookedAt) {
  const std::string session = signed_in();
  Service alone(brain.ports());
  const auto answer = [&](const std::string& method, const std::string& target) {
    return std::get<HttpResponse>(route(alone, {.method = method, .target = target, .cookie = session}));
  };
  EXPECT_EQ(answer("GET", "/v1/me").status, 401);
  EXPECT_EQ(answer("GET", "/v1/sign-in").status, 501);
  EXPECT_EQ(answer("POST", "/v1/sign-out").status, 501);
  EXPECT_EQ(answer("GET", "/v1/sign-in/ways").body, R"({"localTokens":true,"signedIn":false})");
  EXPECT_EQ(answer("POST", "/v1/sign-in/ways").status, 405);
}

TEST_F(SignInTest, WrongMethodsAreNamed) {
  EXPECT_EQ(ask({.method = "POST", .target = "/v1/sign-in"}).allow, "GET");
  EXPECT_EQ(ask({.method = "POST", .target = "/v1/sign-in/callback"}).allow, "GET");
  EXPECT_EQ(get("/v1/sign-out").allow, "POST");
}

TEST(Cookies, AreFoundByTheirWholeName) {
  EXPECT_EQ(cookie_of("a=1; b=2", "b"), "2");
  EXPECT_EQ(cookie_of("a=1;b=2", "a"), "1");
  EXPECT_EQ(cookie_of("xb=3; b=2=2", "b"), "2=2");
  for (const char* none : {"", "b", "bb=1", "a=b=1", "b=1; b=2", ";;", " ; "}) EXPECT_EQ(cookie_of(none, "b"), "") << none;
}

TEST_F(SignInTest, APersonSignsInSoManyTimesInTenMinutes) {
  const std::string bob = R"("groups":["tenant-city"],"preferred_username":"Bob")";
  for (size_t i = 0; i < kSignInsOfPersonMax; ++i) ASSERT_FALSE(signed_in().empty());
  const Begun begun = begin();
  provider_names(begun);
  EXPECT_EQ(location(come_back(begun)), std::string(kBase) + "/?sign_in=too-often");
  EXPECT_FALSE(signed_in(bob).empty()) << "others are not shut out";
  brain.clock.wall += (openid::kAttempt_s + 1) * 1'000'000;
  EXPECT_FALSE(signed_in().empty());
}

// As many may wait as the bound says; the next is sent away at once.
TEST_F(SignInTest, AtMostSoManyWait) {
  std::promise<void> held, reached;
  struct Holding : HttpClient {
    std::promise<void>& reached;
    std::shared_future<void> until;
    std::atomic<bool> first{true};
    Holding(std::promise<void>& r, std::shared_future<void> u) : reached(r), until(std::move(u)) {}
    Result<HttpReply> call(const HttpCall& call) override {
      if (first.exchange(false)) reached.set_value();
      until.wait();
      return fail(ErrorCode::kUnavailable, "held", call.url);
    }
  } holding(reached, held.get_future().share());
  openid::Provider slow(settings(), holding, brain.clock);
  auto one = std::move(*SignIn::open(slow, brain, brain.clock, {.workers = 1, .waiting_max = 2}));
  std::atomic<int> answered{0};
  const auto begin = [&] {
    auto routed = one->answer(*service, {.method = "GET", .target = "/v1/sign-in"});
    std::get<Answer>(*routed).begin([&answered](const HttpResponse&) { ++answered; });
  };
  begin();
  reached.get_future().wait();  // the only thread waits for the provider
  begin();
  begin();
  EXPECT_EQ(answered, 0);
  begin();
  EXPECT_EQ(answered, 1) << "the third that would wait";
  held.set_value();
  one.reset();
  EXPECT_EQ(answered, 4);
}

}  // namespace
}  // namespace weir::gateway
