// The REST server over loopback, as a client sees it.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <csignal>
#include <ctime>
#include <filesystem>
#include <future>
#include <list>
#include <thread>

#include "security/identity/authority.h"
#include "service/gateway/metrics.h"
#include "service/gateway/rest_server.h"
#include "service/gateway/test_brain.h"
#include "service/gateway/test_schema.h"

namespace weir::gateway {
namespace {

// A TLS connection that sends text and reads what comes.
class TlsClient {
 public:
  explicit TlsClient(int port) : context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), bio_(nullptr, BIO_free_all) {
    bio_.reset(BIO_new_ssl_connect(context_.get()));
    BIO_set_conn_hostname(bio_.get(), ("127.0.0.1:" + std::to_string(port)).c_str());
    connected_ = BIO_do_connect(bio_.get()) == 1 && BIO_do_handshake(bio_.get()) == 1;
    int fd = -1;
    BIO_get_fd(bio_.get(), &fd);
    const timeval patience{20, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  bool connected() const { return connected_; }
  bool send(const std::string& text) {
    return BIO_write(bio_.get(), text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  }
  // Until the text has come, or the connection ends; the empty text waits for the end.
  std::string read_until(const std::string& mark) {
    char chunk[4096];
    for (;;) {
      const size_t at = mark.empty() ? std::string::npos : got_.find(mark);
      if (at != std::string::npos) {
        std::string out = got_.substr(0, at + mark.size());
        got_.erase(0, at + mark.size());
        return out;
      }
      const int n = BIO_read(bio_.get(), chunk, sizeof chunk);
      if (n <= 0) return std::exchange(got_, {});
      got_.append(chunk, static_cast<size_t>(n));
    }
  }
  // One answer with a length.
  std::string answer() {
    const std::string head = read_until("\r\n\r\n");
    const size_t at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    size_t length = std::stoul(head.substr(at + 16));
    std::string body;
    while (body.size() < length) {
      if (got_.empty()) {
        char chunk[4096];
        const int n = BIO_read(bio_.get(), chunk, sizeof chunk);
        if (n <= 0) break;
        got_.assign(chunk, static_cast<size_t>(n));
      }
      const size_t take = std::min(length - body.size(), got_.size());
      body += got_.substr(0, take);
      got_.erase(0, take);
    }
    return head + body;
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<BIO, decltype(&BIO_free_all)> bio_;
  bool connected_ = false;
  std::string got_;
};

class RestTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);  // the client may write to a connection that the server ended
    folder = std::filesystem::temp_directory_path() / ("weir-rest-" + std::to_string(getpid()));
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    const int64_t now = std::time(nullptr);
    const auto authority = identity::CertificateAuthority::open_or_create(folder / "ca", now);
    ASSERT_TRUE(authority) << authority.error().text();
    const auto brain_identity = authority->issue_brain({"127.0.0.1"}, now);
    ASSERT_TRUE(brain_identity);
    tls = {brain_identity->chain_pem, std::string(brain_identity->key_pem.reveal())};
    brain.build_region();
    city = brain.token(Role::kTenant, "city");
    rival = brain.token(Role::kTenant, "rival");
    op = brain.token(Role::kOperator, "alice");
  }
  void TearDown() override {
    server.reset();
    std::filesystem::remove_all(folder);
  }
  void open(RestOptions options = {}) {
    options.listen = "127.0.0.1:0";
    auto opened = RestServer::open(service, options, tls);
    ASSERT_TRUE(opened) << opened.error().text();
    server = std::move(*opened);
  }
  std::string request(const std::string& method, const std::string& target, const std::string& token,
                      const std::string& body = "", const std::string& more = "") {
    return method + " " + target + " HTTP/1.1\r\nHost: x\r\n" + (token.empty() ? "" : "Authorization: " + token + "\r\n") +
           more + (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" + body;
  }
  std::string ask(const std::string& method, const std::string& target, const std::string& token,
                  const std::string& body = "", const std::string& more = "") {
    TlsClient client(server->port());
    EXPECT_TRUE(client.connected());
    EXPECT_TRUE(client.send(request(method, target, token, body, more)));
    return client.answer();
  }
  static int status(const std::string& answer) { return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0; }

  // Runs write nothing to their logs.
  Ports quiet_ports() {
    brain.read_log = [](SiteId, RunId, uint64_t, bool, uint64_t,
                        std::function<void(LogPiece)>) -> Result<std::function<void()>> { return [] {}; };
    return brain.ports();
  }

  std::filesystem::path folder;
  TlsIdentity tls;
  TestBrain brain;
  Service service{quiet_ports()};
  std::unique_ptr<RestServer> server;
  std::string city, rival, op;
};

constexpr const char* kIntentYaml = R"(apiVersion: weir/v1
kind: Intent
metadata: {name: cameras, tenant: city}
spec:
  from: [{site: street, streams: 4}]
  workload:
    service: {artifact: detector, port: 8080, cpu: "1", memory: 256Mi, streams_per_instance: 2}
    traffic: {up: 2Mbps, down: 50kbps, requests_per_second: "2", work_per_request: 30ms@reference-core}
  promise: {latency: 500ms, percentile: "99"}
)";
constexpr const char* kIntentJson =
    R"({"resources":[{"intent":{"apiVersion":"weir/v1","kind":"Intent","metadata":{"name":"doors","tenant":"city"},)"
    R"("spec":{"from":[{"site":"street","streams":2}],"workload":{"service":{"artifact":"detector","port":8080,)"
    R"("cpu":"1","memory":"256Mi"},"traffic":{"up":"1Mbps","down":"50kbps","requests_per_second":"2",)"
    R"("work_per_request":"30ms@reference-core"}},"promise":{"latency":"500ms","percentile":"99"}}}}]})";

TEST_F(RestTest, TheWholeLifeOfAnIntent) {
  open();
  std::string got = ask("POST", "/v1/apply?dry_run=true", city, kIntentYaml, "Content-Type: application/yaml\r\n");
  EXPECT_EQ(status(got), 200) << got;
  EXPECT_NE(got.find("\"site\":\"hub\""), std::string::npos) << got;
  got = ask("POST", "/v1/apply", city, kIntentJson);
  EXPECT_EQ(status(got), 200) << got;
  EXPECT_NE(got.find("\"action\":\"created\""), std::string::npos) << got;
  brain.decide();
  got = ask("GET", "/v1/resources/intent/doors", city);
  EXPECT_NE(got.find("\"state\":\"placed\""), std::string::npos) << got;
  EXPECT_NE(got.find("\"latency\":\"500ms\""), std::string::npos) << got;
  got = ask("GET", "/v1/explanations/doors", city);
  EXPECT_NE(got.find("Why not elsewhere"), std::string::npos) << got;
  EXPECT_EQ(status(ask("GET", "/v1/resources/intent/doors?tenant=city", rival)), 404);
  EXPECT_EQ(status(ask("GET", "/v1/bill", city)), 200);
  EXPECT_EQ(status(ask("DELETE", "/v1/resources/intent/doors", city)), 200);
  EXPECT_EQ(status(ask("POST", "/v1/sites/metro/drain", op, R"({"why":"test"})")), 200);
  EXPECT_EQ(status(ask("GET", "/v1/ledger/head", op)), 200);
  EXPECT_EQ(status(ask("GET", "/healthz", "")), 200);
}

TEST_F(RestTest, AnswersAreWhatTheDocumentSays) {
  open();
  const auto body = [](const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); };
  const std::string served = ask("GET", "/v1/openapi.json", "");
  ASSERT_EQ(status(served), 200) << served.substr(0, 400);
  const boost::json::value document = boost::json::parse(body(served));
  const SchemaCheck check(document);
  const auto expect = [&](const std::string& answer, int code, const std::string& method, const std::string& path) {
    SCOPED_TRACE(method + " " + path);
    EXPECT_EQ(status(answer), code) << answer;
    const bool good = code == 200;
    const std::string type = good ? "application/json" : "application/problem+json";
    EXPECT_NE(answer.find("Content-Type: " + type + "\r\n"), std::string::npos) << answer;
    const boost::json::object& responses = document.at("paths").at(path).at(method).at("responses").as_object();
    const boost::json::value* response = responses.if_contains(std::to_string(code));
    if (response == nullptr) response = &responses.at("default");
    if (const auto* reference = response->as_object().if_contains("$ref")) response = check.resolve(reference->as_string());
    EXPECT_EQ(check.fault(boost::json::parse(body(answer)), response->at("content").at(type).at("schema")), "") << answer;
  };
  const std::string kinds = "/v1/resources/{kind}", one = kinds + "/{name}";
  expect(ask("POST", "/v1/apply?dry_run=true", city, kIntentJson), 200, "post", "/v1/apply");
  expect(ask("POST", "/v1/apply", city, kIntentJson), 200, "post", "/v1/apply");
  brain.decide();
  for (const char* kind : {"intents", "sites", "links", "plans", "runs", "nodes", "prices", "events", "tenants", "routers", "policies", "queues", "tokens"}) {
    const std::string list = ask("GET", std::string("/v1/resources/") + kind, op);
    expect(list, 200, "get", kinds);
    EXPECT_NE(list.find(kind == std::string("queues") ? "{" : "\"items\""), std::string::npos) << list;
  }
  expect(ask("GET", "/v1/resources/intent/doors", city), 200, "get", one);
  expect(ask("GET", "/v1/resources/site/hub", city), 200, "get", one);
  expect(ask("GET", "/v1/explanations/doors", city), 200, "get", "/v1/explanations/{intent}");
  expect(ask("GET", "/v1/explanations/doors?what_if=latency=100ms", city), 200, "get", "/v1/explanations/{intent}");
  expect(ask("POST", "/v1/ask", city, R"({"dialogue":[{"text":"2 cameras in street, within 500 ms"}]})"), 200, "post", "/v1/ask");
  expect(ask("GET", "/v1/bill", city), 200, "get", "/v1/bill");
  expect(ask("GET", "/v1/ledger/head", op), 200, "get", "/v1/ledger/head");
  expect(ask("GET", "/v1/ledger/proof/3", op), 200, "get", "/v1/ledger/proof/{position}");
  expect(ask("GET", "/healthz", ""), 200, "get", "/healthz");
  expect(ask("POST", "/v1/sites/metro/drain", op, R"({"why":"test"})"), 200, "post", "/v1/sites/{site}/drain");
  expect(ask("GET", "/v1/resources/intent/nobody", city), 404, "get", one);
  expect(ask("GET", "/v1/resources/intent/doors", ""), 401, "get", one);
  expect(ask("POST", "/v1/apply", city, "{\"resorces\":[]}"), 400, "post", "/v1/apply");
  expect(ask("GET", "/metrics", city), 403, "get", "/metrics");
  // A line of a stream is what x-event describes.
  TlsClient events(server->port());
  ASSERT_TRUE(events.send(request("GET", "/v1/events?limit=1&names=PlanCommitted", city)));
  const std::string stream = events.read_until("");
  const size_t data = stream.find("data: ");
  ASSERT_NE(data, std::string::npos) << stream;
  const auto& media = document.at("paths").at("/v1/events").at("get").at("responses").at("200").at("content").at("text/event-stream");
  EXPECT_EQ(check.fault(boost::json::parse(stream.substr(data + 6, stream.find('\n', data) - data - 6)), media.at("x-event")), "");
  EXPECT_EQ(status(ask("POST", "/v1/openapi.json", "", "{}")), 405);
}

TEST_F(RestTest, BadInputIsRefusedInWords) {
  open();
  const auto expect = [&](const std::string& got, int code, const std::string& words) {
    EXPECT_EQ(status(got), code) << got;
    EXPECT_NE(got.find("application/problem+json"), std::string::npos) << got;
    EXPECT_NE(got.find(words), std::string::npos) << got;
  };
  expect(ask("GET", "/v1/resources/sites", ""), 401, "carries no token");
  expect(ask("GET", "/v1/resources/sites", city + "x"), 401, "\"code\":\"denied\"");
  expect(ask("GET", "/v1/resources/sites", brain.token(Role::kTenant, "city", 100, 101)), 401, "expired");
  expect(ask("POST", "/v1/apply", city, "{\"resorces\":[]}"), 400, "resorces");
  expect(ask("POST", "/v1/apply", city, "{\"resources\":"), 400, "\"code\":\"invalid\"");
  expect(ask("POST", "/v1/apply", city, "kind: Intent\nspecs: 3\n", "Content-Type: application/yaml\r\n"), 400, "specs");
  expect(ask("GET", "/v1/resources/sites?page_sise=3", city), 400, "page_sise");
  expect(ask("GET", "/v1/resources/sites?page_size=many", city), 400, "many");
  expect(ask("GET", "/v1/castles", city), 404, "no such path");
  expect(ask("PATCH", "/v1/apply", city), 405, "use POST");
  expect(ask("GET", "/v1/resources/%zz", city), 400, "bad escape");
  expect(ask("POST", "/v1/sites/metro/drain", city, "{}"), 403, "operator");
  expect(ask("GET", "/v1/events?names=Nonsense", city), 400, "Nonsense");
  expect(ask("GET", "/v1/events", city, "", "Last-Event-ID: soon\r\n"), 400, "Last-Event-ID");
  expect(ask("GET", "/metrics", city), 403, "operator");
  TlsClient noise(server->port());
  noise.send("\x01\x02 nonsense\r\n\r\n");
  EXPECT_EQ(status(noise.answer()), 400);
}

TEST_F(RestTest, SizesAtAndOverTheLimits) {
  RestOptions options;
  options.body_bytes_max = 1'000;
  options.header_bytes_max = 2'000;
  open(options);
  const auto padded = [](size_t size) { return "{" + std::string(size - 2, ' ') + "}"; };
  EXPECT_EQ(status(ask("POST", "/v1/apply", city, padded(999))), 400) << "small enough to be read: no resources";
  EXPECT_EQ(status(ask("POST", "/v1/apply", city, padded(1'000))), 400);
  EXPECT_EQ(status(ask("POST", "/v1/apply", city, padded(1'001))), 413);
  EXPECT_EQ(status(ask("GET", "/v1/bill", city, "", "X-Pad: " + std::string(1'000, 'x') + "\r\n")), 200);
  EXPECT_EQ(status(ask("GET", "/v1/bill", city, "", "X-Pad: " + std::string(2'000, 'x') + "\r\n")), 431);
}

TEST_F(RestTest, RatesAndKeysAreThoseOfTheServer) {
  RestOptions options;
  options.rates.users = {1, 1};
  options.rates.addresses = {1, 1};
  open(options);
  EXPECT_NE(ask("GET", "/v1/me", city).find("\r\nRateLimit: \"user\";r=0;t=1\r\n"), std::string::npos);
  const std::string refused = ask("GET", "/v1/me", city);
  EXPECT_EQ(status(refused), 429);
  EXPECT_NE(refused.find("\r\nRetry-After: 1\r\n"), std::string::npos) << refused;
  EXPECT_EQ(status(ask("GET", "/v1/me", "")), 401);
  EXPECT_EQ(status(ask("GET", "/v1/me", "")), 429) << "of one address, over several connections";
  EXPECT_EQ(status(ask("GET", "/healthz", "")), 200);
  brain.clock.steady += 1'000'000;
  TlsClient stream(server->port());
  ASSERT_TRUE(stream.send(request("GET", "/v1/events", city)));
  EXPECT_NE(stream.read_until("retry: 1000\n\n").find("RateLimit: "), std::string::npos);
  const std::string key = "Idempotency-Key: \"first\"\r\n";
  EXPECT_EQ(status(ask("POST", "/v1/sites/metro/drain", op, "{}", key)), 200);
  EXPECT_NE(ask("POST", "/v1/sites/metro/drain", op, "{}", key).find("Idempotency-Replayed: true"), std::string::npos);
  EXPECT_EQ(status(ask("POST", "/v1/sites/metro/drain", op, R"({"why":"x"})", key)), 422);
}

TEST_F(RestTest, RequestsFollowOneAnotherOnOneConnection) {
  open();
  TlsClient client(server->port());
  ASSERT_TRUE(client.send(request("GET", "/v1/bill", city) + request("GET", "/healthz", "")));
  EXPECT_EQ(status(client.answer()), 200);
  EXPECT_EQ(status(client.answer()), 200);
  const std::string whole = request("POST", "/v1/apply", city, kIntentJson, "Expect: 100-continue\r\n");
  const size_t head = whole.find("\r\n\r\n") + 4;
  ASSERT_TRUE(client.send(whole.substr(0, head)));
  EXPECT_EQ(status(client.answer()), 100);
  ASSERT_TRUE(client.send(whole.substr(head)));
  EXPECT_EQ(status(client.answer()), 200);
}

TEST_F(RestTest, ConnectionsAreBounded) {
  RestOptions options;
  options.connections_max = 2;
  open(options);
  TlsClient a(server->port()), b(server->port());
  ASSERT_TRUE(a.connected() && b.connected());
  TlsClient c(server->port());
  EXPECT_FALSE(c.connected());
}

TEST_F(RestTest, EventsComeAsTheyHappenAndResume) {
  open();
  const Position start = brain.durable()->version();
  TlsClient client(server->port());
  ASSERT_TRUE(client.send(request("GET", "/v1/events?tail=true", op)));
  EXPECT_NE(client.read_until("retry: 1000\n\n").find("text/event-stream"), std::string::npos);
  brain.record("op", TenantDefined{TenantId(2u), "later"});
  std::string got = client.read_until("\n\n");
  EXPECT_NE(got.find("id: " + std::to_string(start) + "\nevent: TenantDefined\ndata: {"), std::string::npos) << got;
  brain.record("op", TenantDefined{TenantId(3u), "latest"});
  client.read_until("latest");

  TlsClient resumed(server->port());
  ASSERT_TRUE(resumed.send(request("GET", "/v1/events", op, "", "Last-Event-ID: " + std::to_string(start) + "\r\n")));
  resumed.read_until("retry: 1000\n\n");
  got = resumed.read_until("\n\n");
  EXPECT_EQ(got.substr(0, got.find('\n')), "id: " + std::to_string(start + 1));
  TlsClient limited(server->port());
  ASSERT_TRUE(limited.send(request("GET", "/v1/events?limit=2&from=1", op)));
  got = limited.read_until("");
  EXPECT_NE(got.find("id: 2\n"), std::string::npos);
  EXPECT_EQ(got.find("id: 3\n"), std::string::npos);
}

TEST_F(RestTest, ASlowReaderIsDisconnected) {
  for (uint32_t i = 0; i < 60'000; ++i) brain.record("op", LinkMeasured{LinkId(0u), 1000 + i, 0, 0});
  RestOptions options;
  options.slow_reader_us_max = 300'000;
  open(options);
  TlsClient slow(server->port());
  ASSERT_TRUE(slow.send(request("GET", "/v1/events", op)));
  // It does not read; others are served meanwhile, until the figures say that it was dropped.
  std::string metrics;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  do {
    metrics = ask("GET", "/metrics", op);
  } while (metrics.find("weir_rest_slow_readers_total 1") == std::string::npos && std::chrono::steady_clock::now() < deadline);
  EXPECT_NE(metrics.find("weir_rest_slow_readers_total 1"), std::string::npos) << metrics;
}

TEST(Metrics, SamplesOfOneNameAreOneFamily) {
  const std::string text =
      Metrics().text({{"weir_path_bytes_total", "Bytes", 12, {{"site", "hub"}, {"path", "300"}}},
                      {"weir_path_bytes_total", "Bytes", 7, {{"site", "a\"b"}, {"path", "300"}}},
                      {"weir_agents_attached", "Sites", 2}});
  EXPECT_NE(
      text.find("# TYPE weir_path_bytes_total counter\nweir_path_bytes_total{site=\"hub\",path=\"300\"} 12\n"
                "weir_path_bytes_total{site=\"a\\\"b\",path=\"300\"} 7\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("weir_agents_attached 2\n"), std::string::npos) << text;
}

TEST_F(RestTest, AHeadIsAnsweredWithoutABody) {
  open();
  TlsClient client(server->port());
  ASSERT_TRUE(client.send(request("HEAD", "/healthz", "") + request("HEAD", "/v1/resources/sites", city) +
                          request("HEAD", "/v1/apply", city) + request("GET", "/healthz", "")));
  for (const int expected : {200, 200, 405}) {
    const std::string head = client.read_until("\r\n\r\n");
    EXPECT_EQ(status(head), expected) << head;
    EXPECT_EQ(head.find("Content-Length: 0\r\n"), std::string::npos)
        << "it has the length that GET would have: " << head;
  }
  const std::string got = client.answer();
  EXPECT_EQ(status(got), 200) << got;
  EXPECT_NE(got.find("{\"version\":"), std::string::npos) << got;
}

TEST_F(RestTest, AClientThatIsGoneFreesItsStream) {
  brain.record("tenant/city", IntentSubmitted{IntentId(0u), TenantId(0u), 1, brain.cameras()});
  brain.decide();
  const RunId run = brain.durable()->intent(IntentId(0u)).runs.at(0).run;
  open();
  const std::string logs =
      "/v1/runs/" + std::to_string(run.plan) + "/" + std::to_string(run.item) + "/logs?follow=true";
  for (const std::string& target : {std::string("/v1/events?names=TokenRevoked"), logs}) {
    {
      TlsClient client(server->port());
      ASSERT_TRUE(client.send(request("GET", target, city)));
      EXPECT_NE(client.read_until("\r\n\r\n").find("200"), std::string::npos);
      EXPECT_NE(ask("GET", "/metrics", op).find("weir_rest_streams 1"), std::string::npos);
    }
    // Nothing is written to the stream, and the ledger grows meanwhile.
    std::string metrics;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    do {
      brain.record("op", LinkMeasured{LinkId(0u), 1000, 0, 0});
      metrics = ask("GET", "/metrics", op);
    } while (metrics.find("weir_rest_streams 0") == std::string::npos &&
             std::chrono::steady_clock::now() < deadline);
    EXPECT_NE(metrics.find("weir_rest_streams 0"), std::string::npos) << target;
  }
}

TEST_F(RestTest, QuietStreamsAreWrittenToWhateverElseHappens) {
  brain.record("tenant/city", IntentSubmitted{IntentId(0u), TenantId(0u), 1, brain.cameras()});
  brain.decide();
  const RunId run = brain.durable()->intent(IntentId(0u)).runs.at(0).run;
  RestOptions options;
  options.heartbeat_us = 100'000;
  open(options);
  std::atomic<bool> busy = true;
  std::thread writer([&] {
    while (busy) {
      brain.record("op", LinkMeasured{LinkId(0u), 1000, 0, 0});
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  TlsClient events(server->port());
  ASSERT_TRUE(events.send(request("GET", "/v1/events?names=TokenRevoked", city)));
  EXPECT_NE(events.read_until("\n:\n\n").find(":\n\n"), std::string::npos);
  TlsClient logs(server->port());
  ASSERT_TRUE(logs.send(request(
      "GET",
      "/v1/runs/" + std::to_string(run.plan) + "/" + std::to_string(run.item) + "/logs?offset=7&follow=true",
      city)));
  EXPECT_NE(logs.read_until("{\"offset\":\"7\"}\n").find("{\"offset\":\"7\"}"), std::string::npos);
  busy = false;
  writer.join();
}

TEST_F(RestTest, StreamsEndWithTheirToken) {
  brain.record("tenant/city", IntentSubmitted{IntentId(0u), TenantId(0u), 1, brain.cameras()});
  brain.decide();
  const RunId run = brain.durable()->intent(IntentId(0u)).runs.at(0).run;
  const std::string logs =
      "/v1/runs/" + std::to_string(run.plan) + "/" + std::to_string(run.item) + "/logs?follow=true";
  RestOptions options;
  options.heartbeat_us = 100'000;
  open(options);
  const std::string revoked = brain.token(Role::kTenant, "city"),
                    expiring = brain.token(Role::kTenant, "city", 100);
  for (const std::string& token : {revoked, expiring}) {
    TlsClient events(server->port()), following(server->port());
    ASSERT_TRUE(events.send(request("GET", "/v1/events?tail=true", token)));
    ASSERT_TRUE(following.send(request("GET", logs, token)));
    EXPECT_NE(events.read_until("retry: 1000\n\n"), "");
    EXPECT_NE(following.read_until("\r\n\r\n"), "");
    if (token == revoked) {
      brain.record("op", TokenRevoked{std::string(identity::parse_bearer(token)->id)});
    } else {
      brain.clock.wall += 101'000'000;
    }
    brain.record("op", TenantDefined{TenantId(brain.durable()->tenant_count()),
                                     token == revoked ? "later" : "latest"});
    for (TlsClient* client : {&events, &following}) {
      const std::string rest = client->read_until("");
      EXPECT_NE(rest.find("\"code\":\"denied\""), std::string::npos) << rest;
      EXPECT_EQ(rest.find("TenantDefined"), std::string::npos) << "no more is read";
    }
  }
}

TEST_F(RestTest, OneSubjectDoesNotTakeAllStreams) {
  RestOptions options;
  options.streams_per_subject_max = 1;
  open(options);
  TlsClient first(server->port());
  ASSERT_TRUE(first.send(request("GET", "/v1/events", city)));
  first.read_until("retry: 1000\n\n");
  EXPECT_EQ(status(ask("GET", "/v1/events", city)), 503);
  TlsClient other(server->port());
  ASSERT_TRUE(other.send(request("GET", "/v1/events", rival)));
  EXPECT_NE(other.read_until("retry: 1000\n\n").find("200"), std::string::npos);
}

TEST_F(RestTest, LongWorkLeavesTheServerAnswering) {
  std::promise<void> go_on;
  const std::shared_future<void> gate = go_on.get_future().share();
  Ports ports = brain.ports();
  ports.decide = [gate, decide = ports.decide](const Graph& graph, IntentId intent) {
    gate.wait();
    return decide(graph, intent);
  };
  Service slow(ports);
  RestOptions options{.listen = "127.0.0.1:0"};
  auto opened = RestServer::open(slow, options, tls);
  ASSERT_TRUE(opened);
  server = std::move(*opened);
  std::list<TlsClient> deciding;
  for (int i = 0; i < 4; ++i) {
    deciding.emplace_back(server->port());
    ASSERT_TRUE(deciding.back().send(
        request("POST", "/v1/apply?dry_run=true", city, kIntentYaml, "Content-Type: application/yaml\r\n")));
  }
  EXPECT_EQ(status(ask("GET", "/healthz", "")), 200);
  EXPECT_EQ(status(ask("GET", "/metrics", op)), 200);
  go_on.set_value();
  for (TlsClient& client : deciding) EXPECT_EQ(status(client.answer()), 200);
  server.reset();
}

TEST_F(RestTest, ThePortMayBeInUse) {
  open();
  const auto second = RestServer::open(service, {.listen = "127.0.0.1:" + std::to_string(server->port())}, tls);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_EQ(RestServer::open(service, {.listen = "nowhere"}, tls).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(RestServer::open(service, {.listen = "127.0.0.1:65536"}, tls).error().code, ErrorCode::kInvalid);
  EXPECT_FALSE(RestServer::open(service, {.listen = "127.0.0.1:0"}, {"nothing", "nothing"}));
}

TEST_F(RestTest, StopsWithStreamsOpen) {
  open();
  TlsClient client(server->port());
  ASSERT_TRUE(client.send(request("GET", "/v1/events?tail=true", op)));
  client.read_until("retry: 1000\n\n");
  server->stop();
  EXPECT_EQ(client.read_until(""), "");
}

}  // namespace
}  // namespace weir::gateway
