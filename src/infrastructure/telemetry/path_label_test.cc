#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <thread>

#include "infrastructure/posix/unique_fd.h"
#include "infrastructure/telemetry/probe_engine.h"
#include "infrastructure/telemetry/reflector.h"

namespace weir::telemetry {
namespace {

// Two machines, as network namespaces, with two links between them. Traffic takes the first, and the second
// where it is marked with 7.
class TwoLinks : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    own_ = posix::UniqueFd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    for (const std::string& name : {near_, far_}) {
      if (!ip("netns add " + name)) GTEST_SKIP() << "this machine makes no network namespaces";
    }
    for (const std::string link : {"1", "2"}) {
      ASSERT_TRUE(
          ip("link add v" + link + " netns " + near_ + " type veth peer name v" + link + " netns " + far_));
    }
    configure(near_, "1", "2");
    configure(far_, "2", "1");
  }
  void TearDown() override {
    for (const std::string& name : {near_, far_}) (void)ip("netns del " + name);
  }

  static bool ip(const std::string& words) {
    return std::system(("ip " + words + " 2>/dev/null").c_str()) == 0;
  }

  // 10.9.0.x is the machine's address, 10.9.L.x that of link L.
  void configure(const std::string& name, const std::string& self, const std::string& other) {
    const std::string in = "-n " + name + " ";
    EXPECT_TRUE(ip(in + "link set lo up"));
    EXPECT_TRUE(ip(in + "addr add 10.9.0." + self + "/32 dev lo"));
    for (const std::string link : {"1", "2"}) {
      EXPECT_TRUE(ip(in + "addr add 10.9." + link + "." + self + "/24 dev v" + link));
      EXPECT_TRUE(ip(in + "link set v" + link + " up"));
    }
    EXPECT_TRUE(ip(in + "route add 10.9.0." + other + " via 10.9.1." + other));
    EXPECT_TRUE(ip(in + "route add 10.9.0." + other + " via 10.9.2." + other + " table 107"));
    EXPECT_TRUE(ip(in + "rule add fwmark 7 lookup 107"));
  }

  // Runs `act` in a namespace: sockets that it opens stay there.
  template <class Act>
  auto within(const std::string& name, Act act) {
    const posix::UniqueFd space(::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(::setns(space.get(), CLONE_NEWNET), 0);
    auto out = act();
    EXPECT_EQ(::setns(own_.get(), CLONE_NEWNET), 0);
    return out;
  }

  posix::UniqueFd own_;
  const std::string near_ = "weir-near-" + std::to_string(::getpid());
  const std::string far_ = "weir-far-" + std::to_string(::getpid());
};

TEST_F(TwoLinks, ProbeAndReplyTakeTheLabelledPath) {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<ProbeSessionId, PathState> states;
  ProbeEngineOptions engine_options;
  engine_options.on_change = [&](const PathChange& change) {
    const std::lock_guard lock(mutex);
    states[change.session] = change.after;
    changed.notify_all();
  };
  const auto wait_for = [&](ProbeSessionId session, PathState state) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(5), [&] { return states[session] == state; });
  };
  ReflectorOptions reflector_options;
  reflector_options.address = "0.0.0.0";
  const auto reflector = within(far_, [&] { return Reflector::open(reflector_options); });
  ASSERT_TRUE(reflector) << reflector.error().text();
  const auto engine = ProbeEngine::open(engine_options).value();
  ProbeSessionOptions plain;
  plain.local_address = "10.9.0.1";
  plain.remote_address = "10.9.0.2";
  plain.health.interval_us = 50'000;
  plain.health.dwell_us_min = 50'000;
  ProbeSessionOptions labelled = plain;
  labelled.ssid = 7;
  labelled.mark = 7;
  const auto first = within(near_, [&] { return engine->add(plain); });
  const auto second = within(near_, [&] { return engine->add(labelled); });
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(wait_for(*first, PathState::kUp));
  ASSERT_TRUE(wait_for(*second, PathState::kUp));

  ASSERT_TRUE(ip("-n " + far_ + " link set v1 down"));
  EXPECT_TRUE(wait_for(*first, PathState::kDown));
  // Whatever the labelled session hears from now on went there and back by the second link.
  const auto heard = [&] {
    const PathReading reading = engine->reading(*second).value();
    return reading.answered + reading.late;
  };
  const uint64_t before = heard();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (heard() < before + 10 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_GE(heard(), before + 10);

  ASSERT_TRUE(ip("-n " + far_ + " link set v2 down"));
  EXPECT_TRUE(wait_for(*second, PathState::kDown));
  ASSERT_TRUE(ip("-n " + far_ + " link set v2 up"));
  ASSERT_TRUE(ip("-n " + far_ + " route add 10.9.0.1 via 10.9.2.1 table 107"));
  EXPECT_TRUE(wait_for(*second, PathState::kUp));
  EXPECT_EQ(engine->reading(*first)->state, PathState::kDown);
}

}  // namespace
}  // namespace weir::telemetry
