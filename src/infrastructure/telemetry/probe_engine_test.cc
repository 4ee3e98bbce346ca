#include "infrastructure/telemetry/probe_engine.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "infrastructure/telemetry/reflector.h"
#include "infrastructure/telemetry/udp.h"

namespace weir::telemetry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Gathers changes and lets a test wait for them.
class Changes {
 public:
  void add(const PathChange& change) {
    const std::lock_guard lock(mutex_);
    changes_.push_back(change);
    arrived_.notify_all();
  }
  // The n-th change (from 0), or none within 5 s.
  std::optional<PathChange> wait(size_t n) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, seconds(5), [&] { return changes_.size() > n; });
    if (changes_.size() <= n) return std::nullopt;
    return changes_[n];
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<PathChange> changes_;
};

std::unique_ptr<ProbeEngine> engine_telling(Changes& changes) {
  ProbeEngineOptions options;
  options.on_change = [&](const PathChange& change) { changes.add(change); };
  return ProbeEngine::open(std::move(options)).value();
}

ReflectorOptions unprivileged(const std::string& address) {
  ReflectorOptions options;
  options.address = address;
  options.port = 0;
  options.mark_replies = false;
  return options;
}

ProbeSessionOptions session_to(const std::string& address, uint16_t port) {
  ProbeSessionOptions options;
  options.remote_address = address;
  options.remote_port = port;
  options.ssid = 7;
  options.health.interval_us = 10'000;
  options.health.dwell_us_min = 50'000;
  return options;
}

// Between the prober and a reflector: drops what it is told to drop.
class LossyRelay {
 public:
  explicit LossyRelay(uint16_t reflector_port) : to_(udp_address("127.0.0.1", reflector_port).value()) {
    UdpAddress any = udp_address("127.0.0.1", 0).value();
    for (posix::UniqueFd* fd : {&near_, &far_}) {
      *fd = posix::UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      EXPECT_EQ(::bind(fd->get(), any.get(), any.length), 0);
    }
    stop_ = posix::UniqueFd(::eventfd(0, EFD_CLOEXEC));
    thread_ = std::thread([this] { serve(); });
  }
  ~LossyRelay() {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  uint16_t port() const {
    UdpAddress local;
    local.length = sizeof local.storage;
    getsockname(near_.get(), local.get(), &local.length);
    return local.port();
  }
  // Drops all, or one of every n packets; 0: none.
  void drop_all(bool drop) { drop_all_ = drop; }
  void drop_every(uint32_t n) { drop_every_ = n; }

 private:
  void serve() {
    pollfd waits[3] = {{near_.get(), POLLIN, 0}, {far_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    UdpAddress client;
    uint32_t count = 0;
    while (poll(waits, 3, -1) >= 0 && waits[2].revents == 0) {
      std::byte buffer[256];
      UdpArrival arrival;
      while (udp_receive(near_.get(), buffer, arrival)) {
        client = arrival.from;
        const uint32_t every = drop_every_;
        if (drop_all_ || (every != 0 && ++count % every == 0)) continue;
        udp_send(far_.get(), {buffer, arrival.bytes}, to_, {});
      }
      while (udp_receive(far_.get(), buffer, arrival))
        udp_send(near_.get(), {buffer, arrival.bytes}, client, {});
    }
  }

  UdpAddress to_;
  posix::UniqueFd near_;
  posix::UniqueFd far_;
  posix::UniqueFd stop_;
  std::atomic<bool> drop_all_ = false;
  std::atomic<uint32_t> drop_every_ = 0;
  std::thread thread_;
};

class ProbeEngineFamilies : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(ProbeEngineFamilies, MeasuresALoopbackPath) {
  const auto& [listen, target] = GetParam();
  Changes changes;
  auto reflector = Reflector::open(unprivileged(listen));
  if (!reflector) GTEST_SKIP() << reflector.error().text();
  const auto engine = engine_telling(changes);
  const auto session = engine->add(session_to(target, (*reflector)->port())).value();
  const auto up = changes.wait(0);
  ASSERT_TRUE(up);
  EXPECT_EQ(up->after, PathState::kUp);
  EXPECT_EQ(up->session, session);
  const PathReading reading = engine->reading(session).value();
  EXPECT_GE(reading.answered, 1u);
  EXPECT_EQ(reading.lost, 0u);
  EXPECT_LT(reading.window.rtt_us_min, 50'000u);
}

INSTANTIATE_TEST_SUITE_P(Loopback, ProbeEngineFamilies,
                         testing::Values(std::pair<std::string, std::string>{"127.0.0.1", "127.0.0.1"},
                                         std::pair<std::string, std::string>{"::1", "::1"},
                                         std::pair<std::string, std::string>{"::", "127.0.0.3"}));

TEST(ProbeEngine, TellsDeathAndReturn) {
  Changes changes;
  const auto reflector = Reflector::open(unprivileged("127.0.0.1")).value();
  LossyRelay relay(reflector->port());
  const auto engine = engine_telling(changes);
  auto options = session_to("127.0.0.1", relay.port());
  options.health.interval_us = 50'000;
  ASSERT_TRUE(engine->add(options));
  ASSERT_TRUE(changes.wait(0));
  relay.drop_all(true);
  const auto cut = std::chrono::steady_clock::now();
  const auto down = changes.wait(1);
  const auto detection = std::chrono::steady_clock::now() - cut;
  ASSERT_TRUE(down);
  EXPECT_EQ(down->after, PathState::kDown);
  EXPECT_GE(down->silence_us, 125'000u);
  // Three intervals, and as much again for a machine under load.
  EXPECT_LT(detection, milliseconds(300));
  relay.drop_all(false);
  const auto up = changes.wait(2);
  ASSERT_TRUE(up);
  EXPECT_EQ(up->after, PathState::kUp);
  EXPECT_EQ(up->reading.window.samples - up->reading.window.losses, up->reading.answered - down->reading.answered)
      << "trips before the death are another way's, perhaps";
}

TEST(ProbeEngine, CountsLoss) {
  Changes changes;
  const auto reflector = Reflector::open(unprivileged("127.0.0.1")).value();
  LossyRelay relay(reflector->port());
  relay.drop_every(4);
  const auto engine = engine_telling(changes);
  auto options = session_to("127.0.0.1", relay.port());
  options.health.interval_us = 2'000;
  // Down only after ten in a row, which this relay never drops.
  options.health.losses_to_down = 10;
  const auto session = engine->add(options).value();
  PathReading reading;
  const auto give_up = std::chrono::steady_clock::now() + seconds(5);
  do {
    std::this_thread::yield();
    reading = engine->reading(session).value();
  } while (reading.window.samples < 100 && std::chrono::steady_clock::now() < give_up);
  ASSERT_GE(reading.window.samples, 100u);
  EXPECT_GT(reading.window.loss_permille(), 150u);
  EXPECT_LT(reading.window.loss_permille(), 400u);
  EXPECT_EQ(reading.state, PathState::kUp);
}

TEST(ProbeEngine, SaysWhatIsWrongWithASession) {
  const auto engine = ProbeEngine::open({.on_change = {}, .sessions_max = 1}).value();
  EXPECT_EQ(engine->add(session_to("localhost", 1)).error().code, ErrorCode::kInvalid);
  auto slow = session_to("127.0.0.1", 1);
  slow.health.interval_us = 999;
  EXPECT_EQ(engine->add(slow).error().where, "interval_us");
  auto foreign = session_to("127.0.0.1", 1);
  foreign.local_address = "192.0.2.1";
  EXPECT_EQ(engine->add(foreign).error().where, "192.0.2.1");
  const auto id = engine->add(session_to("127.0.0.1", 1)).value();
  EXPECT_EQ(engine->add(session_to("127.0.0.1", 1)).error().code, ErrorCode::kExhausted);
  EXPECT_TRUE(engine->remove(id));
  EXPECT_EQ(engine->remove(id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(engine->reading(id).error().code, ErrorCode::kNotFound);
}

TEST(Reflector, NumbersItsOwnPacketsWhenStateful) {
  auto options = unprivileged("127.0.0.1");
  options.stateful = true;
  options.sessions_max = 1;
  const auto reflector = Reflector::open(options).value();
  const UdpAddress to = udp_address("127.0.0.1", reflector->port()).value();
  posix::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto ask = [&](uint16_t ssid, uint32_t sequence) -> std::optional<StampReply> {
    EXPECT_TRUE(udp_send(socket.get(), encode(StampProbe{.sequence = sequence, .ssid = ssid}), to, {}));
    pollfd wait{socket.get(), POLLIN, 0};
    std::byte buffer[256];
    UdpArrival arrival;
    if (poll(&wait, 1, 2'000) != 1 || !udp_receive(socket.get(), buffer, arrival)) return std::nullopt;
    EXPECT_EQ(arrival.bytes, kStampPacketBytes);
    return decode_reply({buffer, arrival.bytes}).value();
  };
  const auto first = ask(9, 100);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->sequence, 0u);
  EXPECT_EQ(first->sender_sequence, 100u);
  EXPECT_EQ(first->ssid, 9u);
  EXPECT_NE(first->sender_ttl, 0u);
  EXPECT_LE(first->receive_timestamp, first->timestamp);
  const auto second = ask(9, 105);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->sequence, 1u);
  // A second session is over the bound, and a short packet is malformed: neither is answered. The next
  // answer shows that both have been handled.
  EXPECT_TRUE(udp_send(socket.get(), encode(StampProbe{.ssid = 10}), to, {}));
  const StampPacket whole = encode(StampProbe{});
  EXPECT_TRUE(udp_send(socket.get(), std::span<const std::byte>(whole).first(43), to, {}));
  const auto third = ask(9, 106);
  ASSERT_TRUE(third);
  EXPECT_EQ(third->sender_sequence, 106u);
  EXPECT_EQ(reflector->counters().refused, 1u);
  EXPECT_EQ(reflector->counters().malformed, 1u);
}

TEST(Reflector, NamesAPortInUse) {
  const auto first = Reflector::open(unprivileged("127.0.0.1")).value();
  auto options = unprivileged("127.0.0.1");
  options.port = first->port();
  EXPECT_EQ(Reflector::open(options).error().code, ErrorCode::kConflict);
}

}  // namespace
}  // namespace weir::telemetry
