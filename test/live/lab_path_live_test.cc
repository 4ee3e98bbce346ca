// The path drivers on a live lab.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "infrastructure/path_driver/path_drivers.h"
#include "test/live/lab_fixture.h"

namespace weir::lab::test {
namespace {

constexpr uint16_t kPort = 7000;
constexpr PathLabel kShort = 1001, kLong = 1002;

class PathTest : public LabTest {
 protected:
  void SetUp() override {
    LabTest::SetUp();
    if (IsSkipped()) return;
    bring_up();
    if (HasFatalFailure()) return;
    if (!lab_->srv6()) GTEST_SKIP() << "this kernel has no SRv6";
    west_ = driver("west", true);
    east_ = driver("east", true);
    ASSERT_TRUE(west_ && east_);
    instance_ = lab_->addresses().instance_address(vertex(*lab_, "east"), 1);
  }

  std::unique_ptr<PathDriver> driver(const std::string& site, bool srv6) {
    std::unique_ptr<PathDriver> out;
    const Status opened = in_namespace(lab_->addresses().namespace_name(site), [&]() -> Status {
      auto result = srv6 ? path_driver::open_srv6() : path_driver::open_plain();
      if (!result) return tl::unexpected(result.error());
      out = std::move(*result);
      return {};
    });
    EXPECT_TRUE(opened) << opened.error().text();
    return out;
  }

  PathSpec path(PathLabel label, const std::vector<std::string>& names) {
    const auto sids = segments(lab_->spec(), lab_->addresses(), way(*lab_, names));
    EXPECT_TRUE(sids) << sids.error().text();
    return {label, lab_->addresses().site_prefix(vertex(*lab_, names.back())), *sids, 1500};
  }
  PathSpec short_path() { return path(kShort, {"west", "r1", "r2", "r4", "east"}); }
  PathSpec long_path() { return path(kLong, {"west", "r1", "r3", "r4", "east"}); }

  uint64_t forwarded(const std::string& link) { return link_status(*lab_, link).forward.packets; }

  std::unique_ptr<PathDriver> west_, east_;
  Ipv6Address instance_;
};

#define ASSERT_OK(expression)                                              \
  do {                                                                     \
    const auto result_ = (expression);                                     \
    ASSERT_TRUE(result_) << #expression << ": " << result_.error().text(); \
  } while (false)

TEST_F(PathTest, MarkedPacketsTakeExactlyTheAskedRouters) {
  const Echo echo(*lab_, "east", instance_, kPort);
  ASSERT_OK(west_->install_path(long_path()));
  ASSERT_OK(west_->install_path(long_path()));  // again
  const Socket marked = open_socket(*lab_, "west", SOCK_DGRAM, nullptr, 0, kLong);
  const Socket unmarked = open_socket(*lab_, "west", SOCK_DGRAM);
  const uint64_t r3_before = forwarded("r1-r3"), r2_before = forwarded("r1-r2");
  const Trips out = measure(marked, instance_, kPort, 20);
  ASSERT_EQ(out.lost, 0);
  EXPECT_GE(out.fastest(), 30.0);  // there by the long way, back by the plain one
  EXPECT_LT(out.fastest(), 30.0 + kBusyMachineMs);
  // Besides the probes a link carries a few packets of the kernels' own.
  EXPECT_GE(forwarded("r1-r3") - r3_before, 20u);
  EXPECT_LT(forwarded("r1-r2") - r2_before, 10u);
  EXPECT_LT(measure(unmarked, instance_, kPort, 20).fastest(), 16.0 + kBusyMachineMs);

  // The way back, installed at the other end under the same label.
  ASSERT_OK(east_->install_path(path(kLong, {"east", "r4", "r3", "r1", "west"})));
  ASSERT_OK(east_->steer(
      {lab_->addresses().site_prefix(vertex(*lab_, "west")), Ipv6Prefix::host(instance_), kLong}));
  const Trips both = measure(marked, instance_, kPort, 20);
  ASSERT_EQ(both.lost, 0);
  EXPECT_GE(both.fastest(), 44.0);
  EXPECT_LT(both.fastest(), 44.0 + kBusyMachineMs);
  auto counted = east_->counters();
  ASSERT_TRUE(counted) << counted.error().text();
  EXPECT_EQ((*counted)[kLong].packets, 20u);
  EXPECT_GT((*counted)[kLong].bytes, 20u * 64);
}

TEST_F(PathTest, SteeringMovesAFlowWithoutLoss) {
  const Echo echo(*lab_, "east", instance_, kPort);
  ASSERT_OK(west_->install_path(short_path()));
  ASSERT_OK(west_->install_path(long_path()));
  ASSERT_OK(west_->steer({Ipv6Prefix::host(instance_), std::nullopt, kShort}));
  const Socket client = open_socket(*lab_, "west", SOCK_DGRAM);
  const sockaddr_in6 to = socket_address(instance_, kPort);
  ASSERT_EQ(connect(client.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);

  constexpr int kPackets = 600;
  int answered = 0;
  double worst_ms = 0;
  auto due = Clock::now();
  for (int i = 0; i < kPackets; ++i) {
    if (i == 200 || i == 300 || i == 400) {
      const auto begin = Clock::now();
      ASSERT_OK(west_->steer({Ipv6Prefix::host(instance_), std::nullopt, i == 300 ? kShort : kLong}));
      worst_ms = std::max(worst_ms, std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    }
    ASSERT_EQ(send(client.fd(), "0123456789", 10, 0), 10);
    due += std::chrono::milliseconds(1);
    for (char buffer[64]; readable(
             client.fd(),
             static_cast<int>(std::max<int64_t>(
                 0, std::chrono::duration_cast<std::chrono::milliseconds>(due - Clock::now()).count())));) {
      if (recv(client.fd(), buffer, sizeof buffer, 0) == 10) ++answered;
    }
  }
  for (char buffer[64]; readable(client.fd(), 200);) {
    if (recv(client.fd(), buffer, sizeof buffer, 0) == 10) ++answered;
  }
  EXPECT_EQ(answered, kPackets);
  EXPECT_LT(worst_ms, 100) << "a call to steer took far longer than its target of 20 ms";
  RecordProperty("steer_ms_max", std::to_string(worst_ms));
  auto counted = west_->counters();
  ASSERT_TRUE(counted) << counted.error().text();
  EXPECT_GT((*counted)[kShort].packets, 250u);
  EXPECT_GT((*counted)[kLong].packets, 250u);
  EXPECT_GE(forwarded("r1-r3"), 250u);
}

TEST_F(PathTest, AnEstablishedConnectionFollowsWithoutTheOldPathBeingWithdrawn) {
  const Socket listener = open_socket(*lab_, "east", SOCK_STREAM, &instance_, kPort);
  ASSERT_EQ(listen(listener.fd(), 4), 0);
  const Socket client = open_socket(*lab_, "west", SOCK_STREAM);
  const sockaddr_in6 to = socket_address(instance_, kPort);
  ASSERT_EQ(connect(client.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const Socket server(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  const auto exchange = [&] {
    char buffer[16];
    return send(client.fd(), "ping", 4, 0) == 4 && readable(server.fd(), 2000) &&
           recv(server.fd(), buffer, sizeof buffer, 0) == 4;
  };
  ASSERT_TRUE(exchange());
  ASSERT_OK(west_->install_path(short_path()));
  ASSERT_OK(west_->install_path(long_path()));

  const auto goes_by = [&](const std::string& link) {
    const uint64_t before = forwarded(link);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(exchange());
    return forwarded(link) - before >= 5;
  };
  const Ipv6Prefix destination = Ipv6Prefix::host(instance_);
  EXPECT_TRUE(goes_by("r1-r2"));
  ASSERT_OK(west_->steer({destination, std::nullopt, kLong}));  // from plain routing to a path
  EXPECT_TRUE(goes_by("r1-r3"));
  ASSERT_OK(west_->steer({destination, std::nullopt, kShort}));  // from path to path
  EXPECT_TRUE(goes_by("r1-r2"));
  ASSERT_OK(west_->steer({destination, std::nullopt, kLong}));
  EXPECT_TRUE(goes_by("r1-r3"));

  // Full segments fit: encapsulated packets are longer than the site's MTU.
  constexpr size_t kBytes = 4 << 20;
  std::thread sender([&] {
    const std::vector<char> data(kBytes, 'x');
    for (size_t sent = 0; sent < data.size();) {
      const ssize_t n = send(client.fd(), data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<size_t>(n);
    }
  });
  size_t received = 0;
  for (std::vector<char> buffer(65536); received < kBytes && readable(server.fd(), 3000);) {
    const ssize_t n = recv(server.fd(), buffer.data(), buffer.size(), 0);
    if (n <= 0) break;
    received += static_cast<size_t>(n);
  }
  shutdown(client.fd(), SHUT_RDWR);
  sender.join();
  EXPECT_EQ(received, kBytes);
}

TEST_F(PathTest, UnsteeredTrafficGoesBackToPlainRouting) {
  const Echo echo(*lab_, "east", instance_, kPort);
  const Socket client = open_socket(*lab_, "west", SOCK_DGRAM);
  const Ipv6Prefix destination = Ipv6Prefix::host(instance_);
  ASSERT_OK(west_->install_path(long_path()));
  ASSERT_OK(west_->steer({destination, std::nullopt, kLong}));
  EXPECT_GE(measure(client, instance_, kPort, 10).fastest(), 30.0);
  ASSERT_OK(west_->unsteer(destination, std::nullopt));
  const Trips plain = measure(client, instance_, kPort, 10);
  EXPECT_EQ(plain.lost, 0);
  EXPECT_LT(plain.fastest(), 16.0 + kBusyMachineMs);
}

TEST_F(PathTest, AServiceSplitsConnectionsByWeightOverSteeredPaths) {
  const Ipv6Address second = lab_->addresses().instance_address(vertex(*lab_, "east"), 2);
  const Ipv6Address service = lab_->addresses().service_address(1);
  const Echo a(*lab_, "east", instance_, kPort, 'a');
  const Echo b(*lab_, "east", second, kPort + 1, 'b');
  ASSERT_OK(west_->install_path(long_path()));
  ASSERT_OK(west_->steer({lab_->addresses().site_prefix(vertex(*lab_, "east")), std::nullopt, kLong}));
  PublishedService published{service, 80, Transport::kUdp, {{instance_, kPort, 1}, {second, kPort + 1, 3}}};
  ASSERT_OK(west_->publish_service(published));
  ASSERT_OK(west_->publish_service(published));

  // Every connection from a port of its own, since conntrack remembers the earlier ones for a while.
  uint16_t next_port = 20'000;
  const Ipv6Address west = lab_->addresses().site_address(vertex(*lab_, "west"));
  const auto split = [&](int connections) {
    std::pair<int, int> counts;
    const sockaddr_in6 to = socket_address(service, 80);
    for (int done = 0; done < connections; done += 20) {
      std::vector<Socket> sockets;  // few at a time: the echo's buffer is small
      for (int i = done; i < std::min(connections, done + 20); ++i) {
        sockets.push_back(open_socket(*lab_, "west", SOCK_DGRAM, &west, next_port++));
        EXPECT_EQ(connect(sockets.back().fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
        EXPECT_EQ(send(sockets.back().fd(), "hello", 5, 0), 5);
      }
      for (const Socket& socket : sockets) {
        char answer[16] = {};
        // The answer must seem to come from the service, or a connected socket does not take it.
        if (readable(socket.fd(), 500) && recv(socket.fd(), answer, sizeof answer, 0) == 5) {
          ++(answer[0] == 'a' ? counts.first : counts.second);
        }
      }
    }
    return counts;
  };
  const auto [to_a, to_b] = split(400);
  EXPECT_EQ(to_a + to_b, 400);
  EXPECT_NEAR(to_a, 100, 45);  // five standard deviations

  published.targets = {{second, kPort + 1, 1}};
  ASSERT_OK(west_->publish_service(published));
  EXPECT_EQ(split(20), std::pair(0, 20));
  ASSERT_OK(west_->withdraw_service(service, 80, Transport::kUdp));
  ASSERT_OK(west_->withdraw_service(service, 80, Transport::kUdp));
  EXPECT_EQ(split(3), std::pair(0, 0));
}

// A connection through the service, accepted by the instance that it was given to.
struct Connection {
  Socket client, server;
};

TEST_F(PathTest, AClientOfAnInstanceThatIsGoneIsResetAndNobodyElse) {
  const Ipv6Address gone = lab_->addresses().instance_address(vertex(*lab_, "south"), 1);
  const Ipv6Address leaving = lab_->addresses().instance_address(vertex(*lab_, "east"), 2);
  const Ipv6Address service = lab_->addresses().service_address(1);
  const Socket at_gone = open_socket(*lab_, "south", SOCK_STREAM, &gone, kPort);
  const Socket at_leaving = open_socket(*lab_, "east", SOCK_STREAM, &leaving, kPort);
  const Socket at_stays = open_socket(*lab_, "east", SOCK_STREAM, &instance_, kPort);
  for (const Socket* listener : {&at_gone, &at_leaving, &at_stays}) ASSERT_EQ(listen(listener->fd(), 4), 0);
  const auto publish = [&](const Ipv6Address& target) {
    return west_->publish_service({service, 80, Transport::kTcp, {{target, kPort, 1}}});
  };
  const auto open_to = [&](const Ipv6Address& target, const Socket& listener) {
    EXPECT_TRUE(publish(target));
    Connection out;
    out.client = open_socket(*lab_, "west", SOCK_STREAM);
    const sockaddr_in6 to = socket_address(service, 80);
    EXPECT_EQ(connect(out.client.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    out.server = Socket(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
    return out;
  };
  const auto exchange = [](const Connection& connection) {
    char buffer[16];
    return send(connection.client.fd(), "ping", 4, MSG_NOSIGNAL) == 4 &&
           readable(connection.server.fd(), 2000) &&
           recv(connection.server.fd(), buffer, sizeof buffer, 0) == 4;
  };
  const Connection hangs = open_to(gone, at_gone), idles = open_to(gone, at_gone);
  const Connection drains = open_to(leaving, at_leaving);
  const Connection stays = open_to(instance_, at_stays);
  for (const Connection* connection : {&hangs, &idles, &drains, &stays}) ASSERT_TRUE(exchange(*connection));

  // The site dies, and the brain takes both instances out.
  ASSERT_TRUE(lab_->cut("south-r3"));
  const std::vector<PublishedService> now = {{service, 80, Transport::kTcp, {{instance_, kPort, 1}}}};
  ASSERT_EQ(send(hangs.client.fd(), "ping", 4, MSG_NOSIGNAL), 4);
  HungConnections found;
  bool reset = false;
  size_t ended = 0;
  for (int look = 0; look < 10 && !reset; ++look) {
    const auto looked = west_->end_hung_connections(now);
    ASSERT_TRUE(looked) << looked.error().text();
    found = *looked;
    ended += found.ended;
    EXPECT_TRUE(exchange(drains)) << "it still answers";
    EXPECT_TRUE(exchange(stays));
    // Its client's kernel tries again, and meets an instance that knows nothing of it.
    reset = readable(hangs.client.fd(), 1000);
  }
  ASSERT_TRUE(reset);
  char buffer[16];
  EXPECT_EQ(recv(hangs.client.fd(), buffer, sizeof buffer, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
  EXPECT_EQ(ended, 1u);
  EXPECT_EQ(found.stranded, 2u) << "one that is drained, and one on which nothing is sent";
  EXPECT_FALSE(readable(idles.client.fd(), 0));
  EXPECT_TRUE(exchange(drains));
  const Connection again = open_to(instance_, at_stays);
  EXPECT_TRUE(exchange(again));
}

TEST_F(PathTest, WhatIsInstalledIsReadBackAndReset) {
  const PathSpec there = short_path(), other = long_path();
  const Steering exact{Ipv6Prefix::host(instance_),
                       Ipv6Prefix::host(lab_->addresses().site_address(vertex(*lab_, "west"))), kShort};
  const Steering wide{there.destination, std::nullopt, kLong};
  const PublishedService service{lab_->addresses().service_address(1),
                                 80,
                                 Transport::kTcp,
                                 {{instance_, kPort, 1}, {instance_, kPort + 1, 5}}};
  ASSERT_OK(west_->install_path(there));
  ASSERT_OK(west_->install_path(other));
  ASSERT_OK(west_->steer(exact));
  ASSERT_OK(west_->steer(wide));
  ASSERT_OK(west_->publish_service(service));

  const auto after_restart = driver("west", true);
  const auto read = after_restart->installed();
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->paths, (std::vector{there, other}));
  EXPECT_EQ(read->steerings, (std::vector{wide, exact}));
  EXPECT_EQ(read->services, std::vector{service});

  EXPECT_EQ(west_->withdraw_path(kShort).error().code, ErrorCode::kConflict);
  ASSERT_OK(west_->unsteer(exact.destination, exact.source));
  ASSERT_OK(west_->unsteer(exact.destination, exact.source));
  ASSERT_OK(west_->withdraw_path(kShort));
  ASSERT_OK(west_->withdraw_path(kShort));
  EXPECT_FALSE(west_->counters()->contains(kShort));

  // The label may come to mean another way, to another place, under traffic.
  PathSpec moved = path(kLong, {"west", "r1", "r3", "south"});
  ASSERT_OK(west_->install_path(moved));
  EXPECT_EQ(west_->installed()->paths, std::vector{moved});

  ASSERT_OK(after_restart->reset());
  EXPECT_EQ(*west_->installed(), InstalledPaths{});
  ASSERT_OK(west_->reset());
}

TEST_F(PathTest, BadRequestsAreRefused) {
  PathSpec bad = short_path();
  bad.label = kPathLabelMin - 1;
  EXPECT_EQ(west_->install_path(bad).error().code, ErrorCode::kInvalid);
  bad = short_path();
  bad.segments.assign(17, bad.segments[0]);
  EXPECT_EQ(west_->install_path(bad).error().code, ErrorCode::kInvalid);
  bad.segments = {*Ipv6Address::parse("fd99::1")};
  EXPECT_EQ(west_->install_path(bad).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(west_->steer({bad.destination, std::nullopt, kShort}).error().code, ErrorCode::kNotFound);
  const PublishedService none{instance_, 80, Transport::kTcp, {}};
  EXPECT_EQ(west_->publish_service(none).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(*west_->installed(), InstalledPaths{});
}

TEST_F(PathTest, ThePlainDriverKeepsLabelsAndFollowsRouting) {
  const auto plain = driver("south", false);
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->steerable());
  EXPECT_EQ(plain->install_path(path(kShort, {"south", "r3", "r4", "east"})).error().code,
            ErrorCode::kUnsupported);
  const PathSpec routed{kShort, lab_->addresses().site_prefix(vertex(*lab_, "east")), {}, 1500};
  ASSERT_OK(plain->install_path(routed));
  const Steering steering{Ipv6Prefix::host(instance_), std::nullopt, kShort};
  ASSERT_OK(plain->steer(steering));
  const Echo echo(*lab_, "east", instance_, kPort);
  const Socket client = open_socket(*lab_, "south", SOCK_DGRAM);
  EXPECT_EQ(measure(client, instance_, kPort, 10).lost, 0);
  EXPECT_EQ(plain->counters()->at(kShort).packets, 10u);
  const auto read = plain->installed();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->paths, std::vector{routed});
  EXPECT_EQ(read->steerings, std::vector{steering});
}

TEST(PathDrivers, WithoutTheRightToChangeTheNetworkTheyAreDenied) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
    const auto srv6 = path_driver::open_srv6(), plain = path_driver::open_plain();
    const bool denied = !srv6 && srv6.error().code == ErrorCode::kDenied && !plain &&
                        plain.error().code == ErrorCode::kDenied && !plain.error().remedy.empty();
    if (!denied) std::fprintf(stderr, "%s\n", plain ? "opened" : plain.error().text().c_str());
    _exit(denied ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(PathTest, OperationsAreQuick) {
  ASSERT_OK(west_->install_path(short_path()));
  ASSERT_OK(west_->install_path(long_path()));
  std::vector<double> steer_ms, install_ms;
  for (int i = 0; i < 40; ++i) {
    const auto begin = Clock::now();
    ASSERT_OK(west_->steer({Ipv6Prefix::host(instance_), std::nullopt, i % 2 == 0 ? kLong : kShort}));
    const auto middle = Clock::now();
    ASSERT_OK(
        west_->install_path(path(static_cast<PathLabel>(2000 + i), {"west", "r1", "r3", "r4", "east"})));
    steer_ms.push_back(std::chrono::duration<double, std::milli>(middle - begin).count());
    install_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - middle).count());
  }
  std::ranges::sort(steer_ms);
  std::ranges::sort(install_ms);
  std::printf("steer: p50 %.1f ms, max %.1f ms; install: p50 %.1f ms, max %.1f ms\n", steer_ms[20],
              steer_ms[39], install_ms[20], install_ms[39]);
  EXPECT_LT(steer_ms[20], 20);
  EXPECT_LT(install_ms[20], 20);
}

}  // namespace
}  // namespace weir::lab::test
