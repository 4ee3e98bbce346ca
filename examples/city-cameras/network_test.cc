// The detector's server and the camera's player against each other and against bad peers, on loopback.

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "city-cameras/detector_server.h"
#include "city-cameras/player.h"
#include "city-cameras/schedule.h"
#include "city-cameras/summary.h"
#include "city-cameras/test_client.h"

namespace city_cameras {
namespace {

using std::chrono::milliseconds;

Result<std::vector<Box>> one_box(std::string_view jpeg) {
  if (jpeg == "bad") return tl::unexpected<std::string>("not a JPEG picture");
  return std::vector<Box>{{1, 2, 64, 128, 700}};
}

// Work that takes at least so long.
void work_for(milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) std::this_thread::yield();
}

// A detector that finishes a frame only when it is told to.
class Gate {
 public:
  DetectFunction function() {
    return [this](std::string_view jpeg) -> Result<std::vector<Box>> {
      std::unique_lock lock(mutex_);
      ++entered_;
      order_.emplace_back(jpeg);
      changed_.notify_all();
      changed_.wait(lock, [this] { return permits_ > 0; });
      --permits_;
      return std::vector<Box>{};
    };
  }
  void wait_entered(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return entered_ >= count; });
  }
  void open(int permits) {
    const std::lock_guard lock(mutex_);
    permits_ += permits;
    changed_.notify_all();
  }
  std::vector<std::string> order() {
    const std::lock_guard lock(mutex_);
    return order_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int entered_ = 0;
  int permits_ = 0;
  std::vector<std::string> order_;
};

// A server on its own thread and a free port, stopped at the end.
class Running {
 public:
  explicit Running(ServerOptions options = {}, DetectFunction detect = one_box, std::uint16_t at_port = 0) {
    options.port = at_port;
    options.site = "hub";
    options.instance = "cameras-1";
    auto opened = DetectorServer::open(options, std::move(detect));
    if (!opened) throw std::runtime_error(opened.error());
    server_ = std::move(*opened);
    port_ = server_->port();
    thread_ = std::thread([this] { server_->run(); });
  }
  ~Running() { finish(); }
  void stop() { server_->stop(); }
  void finish() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
    server_.reset();
  }
  void join() { thread_.join(); }
  std::uint16_t port() const { return port_; }

  // Until /healthz says that so many frames wait.
  void wait_queued(int count) {
    TestClient client(port_);
    const std::string expected = "\"queued\":" + std::to_string(count) + "}";
    while (client.request("GET", "/healthz").body.find(expected) == std::string::npos)
      std::this_thread::yield();
  }

 private:
  std::unique_ptr<DetectorServer> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

// ---- server

TEST(Server, AnswersFramesOverOneConnection) {
  Running server;
  TestClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    const auto response = client.request("POST", "/detect", "frame");
    ASSERT_EQ(response.status, 200);
    const auto answer = parse_answer(response.body);
    ASSERT_TRUE(answer.has_value()) << answer.error();
    EXPECT_EQ(answer->boxes, (std::vector<Box>{{1, 2, 64, 128, 700}}));
    EXPECT_EQ(answer->instance, "cameras-1");
    EXPECT_EQ(answer->site, "hub");
    EXPECT_EQ(response.head.find("Connection: close"), std::string::npos);
  }
  const auto health = client.request("GET", "/healthz");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.body, R"({"status":"ok","queued":0})");
}

TEST(Server, AnswersRequestsThatArriveTogether) {
  Running server;
  TestClient client(server.port());
  client.send(TestClient::text_of("POST", "/detect", "a") + TestClient::text_of("GET", "/healthz", "") +
              TestClient::text_of("POST", "/detect", "b"));
  EXPECT_NE(client.receive().body.find("boxes"), std::string::npos);
  EXPECT_NE(client.receive().body.find("status"), std::string::npos);
  EXPECT_NE(client.receive().body.find("boxes"), std::string::npos);
}

TEST(Server, ClosesWhenAsked) {
  Running server;
  TestClient client(server.port());
  const auto response = client.request("POST", "/detect", "a", "Connection: close\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(client.closed());
}

TEST(Server, RefusesBadRequestsWithAReason) {
  Running server;
  TestClient client(server.port());
  auto response = client.request("POST", "/detect", "bad");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, R"({"error":"not a JPEG picture"})");
  response = client.request("POST", "/detect", "");
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("empty"), std::string::npos);
  response = client.request("GET", "/nowhere");
  EXPECT_EQ(response.status, 404);
  EXPECT_NE(response.body.find("POST /detect"), std::string::npos);
  response = client.request("GET", "/detect");
  EXPECT_EQ(response.status, 405);
  EXPECT_NE(response.head.find("Allow: POST"), std::string::npos);
  response = client.request("DELETE", "/healthz");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(client.request("POST", "/detect", "good").status, 200);  // the connection survived all that

  client.send("this is no HTTP\r\n\r\n");
  EXPECT_EQ(client.receive().status, 400);
  EXPECT_TRUE(client.closed());
}

TEST(Server, BodyIsBoundedAtUnderAndOver) {
  ServerOptions options;
  options.body_bytes_max = 100'000;
  Running server(options);
  TestClient client(server.port());
  EXPECT_EQ(client.request("POST", "/detect", std::string(99'999, 'x')).status, 200);
  EXPECT_EQ(client.request("POST", "/detect", std::string(100'000, 'x')).status, 200);
  const auto over = client.request("POST", "/detect", std::string(100'001, 'x'));
  EXPECT_EQ(over.status, 413);
  EXPECT_NE(over.body.find("over 100000 bytes"), std::string::npos);
  EXPECT_TRUE(client.closed());
  // A body far over the limit is refused before it has arrived, and the refusal reaches the client.
  TestClient large(server.port());
  EXPECT_EQ(large.request("POST", "/detect", std::string(4'000'000, 'x')).status, 413);
  // So is one that does not say its size.
  TestClient chunked(server.port());
  std::string text = "POST /detect HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20; ++i) text += "2000\r\n" + std::string(0x2000, 'x') + "\r\n";
  chunked.send(text);
  EXPECT_EQ(chunked.receive().status, 413);
}

TEST(Server, HeaderIsBounded) {
  Running server;
  TestClient client(server.port());
  const auto response = client.request("GET", "/healthz", {}, "X: " + std::string(9000, 'x') + "\r\n");
  EXPECT_EQ(response.status, 431);
}

TEST(Server, TellsAClientThatAsksFirstToGoOn) {
  Running server;
  TestClient client(server.port());
  client.send("POST /detect HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100);
  client.send("frame");
  EXPECT_EQ(client.receive().status, 200);
}

TEST(Server, ASlowClientIsCutOffWithAReason) {
  ServerOptions options;
  options.read_timeout = milliseconds(100);
  Running server(options);
  TestClient client(server.port());
  client.send("POST /detect HTTP/1.1\r\nHost: t\r\nContent-Length: 500\r\n\r\nhalf");
  const auto response = client.receive();
  EXPECT_EQ(response.status, 408);
  EXPECT_NE(response.body.find("too long to arrive"), std::string::npos);
  EXPECT_TRUE(client.closed());
}

TEST(Server, AnIdleClientIsCutOffSilently) {
  ServerOptions options;
  options.idle_timeout = milliseconds(50);
  Running server(options);
  TestClient client(server.port());
  EXPECT_EQ(client.request("POST", "/detect", "a").status, 200);
  EXPECT_TRUE(client.closed());
}

TEST(Server, WorksInOrderAndRefusesOverTheQueue) {
  Gate gate;
  ServerOptions options;
  options.queue_max = 2;
  Running server(options, gate.function());
  TestClient first(server.port()), second(server.port()), third(server.port()), fourth(server.port());
  first.send(TestClient::text_of("POST", "/detect", "1"));
  gate.wait_entered(1);
  second.send(TestClient::text_of("POST", "/detect", "2"));
  server.wait_queued(1);
  third.send(TestClient::text_of("POST", "/detect", "3"));
  server.wait_queued(2);
  const auto refused = fourth.request("POST", "/detect", "4");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.body, R"({"error":"the queue of 2 frames is full"})");
  EXPECT_NE(refused.head.find("Retry-After"), std::string::npos);
  EXPECT_TRUE(fourth.closed()) << "another instance may have time";
  gate.open(4);
  EXPECT_EQ(first.receive().status, 200);
  EXPECT_EQ(second.receive().status, 200);
  EXPECT_EQ(third.receive().status, 200);
  TestClient again(server.port());
  EXPECT_EQ(again.request("POST", "/detect", "4").status, 200);
  EXPECT_EQ(gate.order(), (std::vector<std::string>{"1", "2", "3", "4"}));
}

TEST(Server, RefusesAFrameThatItWouldAnswerTooLate) {
  Gate gate;
  ServerOptions options;
  options.answer_max = milliseconds(1);
  Running server(options, gate.function());
  TestClient first(server.port()), second(server.port());
  // The first frame teaches the server how long one takes: longer than a millisecond.
  first.send(TestClient::text_of("POST", "/detect", "1"));
  gate.wait_entered(1);
  work_for(milliseconds(3));
  gate.open(1);
  ASSERT_EQ(first.receive().status, 200);
  first.send(TestClient::text_of("POST", "/detect", "2"));
  gate.wait_entered(2);
  const auto refused = second.request("POST", "/detect", "3");
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.body.find("at most 1 ms are allowed"), std::string::npos) << refused.body;
  gate.open(2);
  EXPECT_EQ(first.receive().status, 200);
  TestClient again(server.port());
  EXPECT_EQ(again.request("POST", "/detect", "3").status, 200);  // an idle worker takes every frame
}

TEST(Server, ConnectionsAreBounded) {
  ServerOptions options;
  options.connections_max = 2;
  Running server(options);
  TestClient first(server.port()), second(server.port());
  ASSERT_EQ(first.request("GET", "/healthz").status, 200);
  ASSERT_EQ(second.request("GET", "/healthz").status, 200);
  TestClient third(server.port());
  const auto refused = third.receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.body.find("2 connections are open"), std::string::npos);
  EXPECT_EQ(first.request("GET", "/healthz").status, 200);
}

TEST(Server, FinishesWhatIsQueuedBeforeItStops) {
  Gate gate;
  Running server({}, gate.function());
  TestClient working(server.port()), waiting(server.port()), idle(server.port());
  ASSERT_EQ(idle.request("GET", "/healthz").status, 200);
  working.send(TestClient::text_of("POST", "/detect", "1"));
  gate.wait_entered(1);
  waiting.send(TestClient::text_of("POST", "/detect", "2"));
  server.wait_queued(1);
  server.stop();
  // A request on a connection that was open is answered, too, and then the connection closes.
  auto health = idle.request("GET", "/healthz");
  while (health.status == 200) health = idle.request("GET", "/healthz");
  EXPECT_EQ(health.status, 503);
  EXPECT_NE(health.body.find("draining"), std::string::npos);
  EXPECT_TRUE(idle.closed());
  EXPECT_THROW(TestClient late(server.port()), std::exception);
  gate.open(2);
  for (TestClient* client : {&working, &waiting}) {
    const auto response = client->receive();
    EXPECT_EQ(response.status, 200);
    EXPECT_NE(response.head.find("Connection: close"), std::string::npos);
  }
  server.join();
}

TEST(Server, StopsAtTheEndOfItsGraceTime) {
  Gate gate;
  ServerOptions options;
  options.grace = milliseconds(50);
  auto server = std::make_unique<Running>(options, gate.function());
  TestClient client(server->port());
  client.send(TestClient::text_of("POST", "/detect", "1"));
  gate.wait_entered(1);
  server->stop();
  server->join();
  gate.open(1);  // the frame in work ends with its thread, its answer goes nowhere
  server.reset();
  EXPECT_EQ(client.receive().status, 0);
}

TEST(Server, SaysWhatIsWrongWithItsAddress) {
  ServerOptions options;
  options.address = "everywhere";
  EXPECT_NE(DetectorServer::open(options, one_box).error().find("WEIR_ADDRESS"), std::string::npos);
  Running server;
  options.address = "::1";
  options.port = server.port();
  const auto used = DetectorServer::open(options, one_box);
  ASSERT_FALSE(used.has_value());
  EXPECT_NE(used.error().find("Address already in use"), std::string::npos) << used.error();
}

// ---- player

PlayerOptions quick(std::uint16_t port) {
  PlayerOptions options;
  options.service = "[::1]:" + std::to_string(port);
  options.ingress = "street-a";
  options.period_us = 20'000;
  options.promise_us = 5'000'000;  // generous: these tests also run on busy machines
  options.patience_us = 10'000'000;
  options.frames_max = 10;
  options.backoff_min = milliseconds(2);
  options.backoff_max = milliseconds(10);
  return options;
}

std::vector<FrameRecord> play(const PlayerOptions& options,
                              const std::function<void(Player&, const FrameRecord&)>& each = {}) {
  const std::vector<std::string> jpegs{"frame-0", "frame-1", "frame-2"};
  std::vector<FrameRecord> records;
  std::unique_ptr<Player> player;
  auto opened = Player::open(options, jpegs, [&](const FrameRecord& record) {
    records.push_back(record);
    if (each) each(*player, record);
  });
  if (!opened) throw std::runtime_error(opened.error());
  player = std::move(*opened);
  player->run();
  return records;
}

TEST(Player, PlaysEveryStreamInItsPhase) {
  Running server;
  PlayerOptions options = quick(server.port());
  options.streams = 4;
  options.first_stream = 8;
  options.phases = 12;
  const auto records = play(options);
  ASSERT_EQ(records.size(), 40u);
  const Schedule phases{0, 20'000, 12};
  std::map<std::int64_t, std::int64_t> next;
  for (const FrameRecord& record : records) {
    EXPECT_EQ(record.outcome, Outcome::kOk) << record.reason;
    EXPECT_EQ(record.boxes, 1);
    EXPECT_EQ(record.site, "hub");
    EXPECT_EQ(record.ingress, "street-a");
    EXPECT_EQ(record.bytes, 7);
    EXPECT_GE(record.stream, 8);
    EXPECT_LT(record.stream, 12);
    EXPECT_EQ(record.seq, next[record.stream]++);
    EXPECT_EQ(record.sent_at_us % 20'000, phases.due_us(record.stream, 0));
  }
}

TEST(Player, TellsLateFramesFromLostOnes) {
  std::atomic<int> frames = 0;
  Gate gate;
  Running server({}, [&, detect = gate.function()](std::string_view jpeg) -> Result<std::vector<Box>> {
    if (frames++ == 1) {
      work_for(milliseconds(60));  // longer than the promise
    } else if (frames == 4) {
      return detect(jpeg);  // never answers while the player runs
    }
    return std::vector<Box>{};
  });
  PlayerOptions options = quick(server.port());
  options.period_us = 400'000;
  options.promise_us = 50'000;
  options.patience_us = 350'000;
  options.frames_max = 4;
  const auto records = play(options);
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].outcome, Outcome::kOk);
  EXPECT_EQ(records[1].outcome, Outcome::kMiss);
  EXPECT_GE(*records[1].latency_us, 60'000);
  EXPECT_EQ(records[2].outcome, Outcome::kOk);
  EXPECT_EQ(records[3].outcome, Outcome::kLost);
  EXPECT_EQ(records[3].reason, "no answer in time");
  EXPECT_FALSE(records[3].latency_us.has_value());
  gate.open(1);
}

TEST(Player, AStallIsMeasuredByEveryFrameThatWasDueInIt) {
  std::atomic<int> frames = 0;
  Running server({}, [&](std::string_view) -> Result<std::vector<Box>> {
    if (frames++ == 2) work_for(milliseconds(200));
    return std::vector<Box>{};
  });
  PlayerOptions options = quick(server.port());
  options.frames_max = 8;
  const auto records = play(options);
  ASSERT_EQ(records.size(), 8u);
  // Frame 2 took 200 ms; frame n was due (n - 2) · 20 ms into that and had to wait for the rest.
  for (std::int64_t n = 2; n < 8; ++n)
    EXPECT_GE(*records[static_cast<std::size_t>(n)].latency_us, 200'000 - (n - 2) * 20'000);
}

TEST(Player, CountsRefusedFramesAsLostAndKeepsItsConnection) {
  Running server({}, [](std::string_view) -> Result<std::vector<Box>> {
    return tl::unexpected<std::string>("the lens is dirty");
  });
  const auto records = play(quick(server.port()));
  ASSERT_EQ(records.size(), 10u);
  for (const FrameRecord& record : records) {
    EXPECT_EQ(record.outcome, Outcome::kLost);
    EXPECT_EQ(record.reason, "refused with 400: the lens is dirty");
  }
}

TEST(Player, LosesFramesWhileTheServiceIsAwayAndComesBack) {
  ServerOptions abrupt;
  abrupt.drain_idle = milliseconds(1);
  auto server = std::make_unique<Running>(abrupt);
  const std::uint16_t port = server->port();
  PlayerOptions options = quick(port);
  options.patience_us = 100'000;
  options.promise_us = 50'000;
  options.frames_max = 1000;
  bool back = false;
  int after = 0;
  const auto records = play(options, [&](Player& player, const FrameRecord& record) {
    if (record.seq == 3) server.reset();
    if (record.outcome == Outcome::kLost && !server && record.seq >= 6) {
      server = std::make_unique<Running>(ServerOptions{}, one_box, port);
      back = true;
    }
    if (back && record.outcome == Outcome::kOk && ++after == 3) player.stop();
  });
  Tally tally;
  for (const FrameRecord& record : records) ASSERT_TRUE(tally.add(record).has_value());
  const Summary summary = tally.summary();
  ASSERT_EQ(summary.outages.size(), 1u);
  EXPECT_GE(summary.outages[0].lost, 3);
  EXPECT_TRUE(summary.outages[0].repaired_at_us.has_value());
  EXPECT_GE(summary.total.frames - summary.total.lost, 7);
  bool told = false;
  for (const FrameRecord& record : records) told = told || record.reason.find("not connected: ") == 0;
  EXPECT_TRUE(told);
}

TEST(Player, ADrainingServiceCostsNoFrame) {
  // Two servers cannot share the port, so the second starts when the first has drained; between them the
  // player waits with backoff, within its patience.
  auto server = std::make_unique<Running>();
  const std::uint16_t port = server->port();
  PlayerOptions options = quick(port);
  options.frames_max = 20;
  std::optional<std::thread> move;
  const auto records = play(options, [&](Player&, const FrameRecord& record) {
    if (record.seq != 5) return;
    move.emplace([&] {
      server->finish();
      server = std::make_unique<Running>(ServerOptions{}, one_box, port);
    });
  });
  move->join();
  ASSERT_EQ(records.size(), 20u);
  for (const FrameRecord& record : records) {
    EXPECT_NE(record.outcome, Outcome::kLost) << record.seq << ": " << record.reason;
  }
}

TEST(Player, StopsSoonWhenAsked) {
  Running server;
  PlayerOptions options = quick(server.port());
  options.period_us = 10'000'000;
  options.frames_max = 1000;
  const std::vector<std::string> jpegs{"frame"};
  auto player = Player::open(options, jpegs, [](const FrameRecord&) {});
  ASSERT_TRUE(player.has_value());
  std::thread thread([&] { (*player)->run(); });
  (*player)->stop();
  const auto began = std::chrono::steady_clock::now();
  thread.join();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
}

TEST(Player, RefusesBadAddresses) {
  const std::vector<std::string> jpegs{"frame"};
  for (const char* bad :
       {"", "::1", "[::1]", "[::1]:", "[::1]:0", "[::1]:65536", "[::1]:80x", "host:80", "[1.2.3.4]"}) {
    PlayerOptions options;
    options.service = bad;
    const auto player = Player::open(options, jpegs, [](const FrameRecord&) {});
    ASSERT_FALSE(player.has_value()) << bad;
    EXPECT_NE(player.error().find("--service"), std::string::npos);
  }
  PlayerOptions options;
  options.service = "[::1]:65535";
  options.bind_address = "127.0.0.1";
  EXPECT_NE(Player::open(options, jpegs, [](const FrameRecord&) {}).error().find("--bind"),
            std::string::npos);
  options.bind_address = "::1";
  EXPECT_TRUE(Player::open(options, jpegs, [](const FrameRecord&) {}).has_value());
}

}  // namespace
}  // namespace city_cameras
