// Two agents at the sites of a lab, and brains that say what the test wants. Needs root and SRv6, and says so
// otherwise. The program is also the emulator, the agents and the supervisors that the tests start.

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <fstream>
#include <iterator>

#include "app/agent/run_agent.h"
#include "core/loop/address.h"
#include "infrastructure/agent/fake_brain_for_test.h"
#include "infrastructure/lab/emulator.h"
#include "infrastructure/path_driver/path_drivers.h"
#include "infrastructure/site_local/artifact_store.h"
#include "infrastructure/site_local/supervisor.h"
#include "test/live/lab_fixture.h"

namespace weir::lab::test {
namespace {

using agent::test::FakeBrain;
constexpr RunId kRun{5, 0};
constexpr uint16_t kShort = 300, kLong = 301, kPort = 7000;

int64_t wall_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class AgentLiveTest : public LabTest {
 protected:
  void SetUp() override {
    LabTest::SetUp();
    if (IsSkipped()) return;
    bring_up();
    if (HasFatalFailure()) return;
    if (!lab_->srv6()) GTEST_SKIP() << "this kernel has no SRv6";
    std::filesystem::permissions(options_.state_root, std::filesystem::perms(0711));
    for (const char* site : {"west", "east"}) {
      brains_[site] = std::make_unique<FakeBrain>(options_.state_root + "/ca-" + site,
                                                  lab_->addresses().brain_control_address());
      start_agent(site, brains_[site]->token(site));
    }
    address_ = run_address(prefix("east"), kRun);
  }
  void TearDown() override {
    for (auto& [site, process] : agents_) EXPECT_TRUE(end_process(process, 5000));
    brains_.clear();
    LabTest::TearDown();
  }

  void start_agent(const std::string& site, const std::string& token) {
    const auto started = lab_->start(
        site, {.argv = {"/proc/self/exe", "agent", "brain=" + brains_[site]->endpoint(), "site=" + site,
                        "token=" + token, "state=" + options_.state_root + "/agent-" + site, "cpu=100m",
                        "memory=64Mi", "allow-any=true", "heartbeat=200ms", "meter=100ms", "usage=1s"},
               .environment = {},
               .log_path = options_.state_root + "/agent-" + site + ".log"});
    ASSERT_TRUE(started) << started.error().text();
    agents_[site] = *started;
  }

  std::string prefix(const std::string& site) {
    return lab_->addresses().site_prefix(vertex(*lab_, site)).text();
  }
  DirectedPath path(uint16_t label, const std::vector<std::string>& names) {
    const auto sids = segments(lab_->spec(), lab_->addresses(), way(*lab_, names));
    EXPECT_TRUE(sids);
    DirectedPath out{.label = label, .destination_prefix = prefix(names.back()), .probed = true};
    out.far_site = SiteId(uint32_t{0});
    for (const Ipv6Address& sid : *sids) out.segments.push_back(sid.text());
    out.reflector = lab_->addresses().site_address(vertex(*lab_, names.back())).text();
    return out;
  }
  void direct(Position version) {
    SiteDirective west{.version = version, .brain_epoch = 1, .lease_us = 5'000'000};
    west.paths = {path(kShort, {"west", "r1", "r2", "r4", "east"}),
                  path(kLong, {"west", "r1", "r3", "r4", "east"})};
    west.steerings = {{.destination = address_ + "/128",
                       .label_working = kShort,
                       .label_protection = kLong,
                       .intent = IntentId(uint32_t{0}),
                       .plan = 5}};
    west.services = {{IntentId(uint32_t{0}),
                      lab_->addresses().service_address(1).text(),
                      80,
                      {{kRun, address_, kPort, 6}}}};
    SiteDirective east{.version = version, .brain_epoch = 1, .lease_us = 5'000'000};
    east.paths = {path(kShort, {"east", "r4", "r2", "r1", "west"}),
                  path(kLong, {"east", "r4", "r3", "r1", "west"})};
    east.steerings = {{.destination = prefix("west"),
                       .source = address_ + "/128",
                       .label_working = kShort,
                       .label_protection = kLong,
                       .intent = IntentId(uint32_t{0}),
                       .plan = 5}};
    const auto digest = site_local::digest_of(WEIR_LIVE_ECHO);
    ASSERT_TRUE(digest);
    std::ifstream file(WEIR_LIVE_ECHO, std::ios::binary);
    brains_["east"]->artifacts[*digest] = {std::istreambuf_iterator<char>(file), {}};
    DirectedRun run{.run = kRun, .intent = IntentId(uint32_t{0}), .tenant = "city", .intent_name = "echo"};
    run.workload = {.artifact = "echo", .digest = *digest, .port = kPort, .cpu_milli = 50, .memory_mib = 16};
    run.address = address_;
    east.runs = {run};
    brains_["west"]->direct(west);
    brains_["east"]->direct(east);
  }
  void end_everything() {
    for (auto& [site, brain] : brains_)
      brain->direct({.version = 8, .brain_epoch = 1, .lease_us = 5'000'000});
    for (auto& [site, brain] : brains_) {
      EXPECT_TRUE(brain->hears_observation([](const v1::Observation& o) {
        return o.applied_version() == 8 && o.settled() && o.paths_size() == 0 && o.runs_size() == 0;
      })) << log_of(site);
    }
  }
  std::string log_of(const std::string& site) {
    std::ifstream file(options_.state_root + "/agent-" + site + ".log");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // When the agent said so last; 0: not.
  int64_t told_dead_us(const std::string& site, uint16_t label) {
    int64_t at = 0;
    (void)brains_[site]->heard([&](const auto& all) {
      for (const v1::AgentMessage& message : all) {
        for (const v1::ProbeReading& r : message.probes().readings()) {
          if (r.label() == label && !r.alive()) at = r.at();
        }
      }
      return at != 0;
    });
    return at;
  }
  bool switched(bool to_protection) {
    return brains_["west"]->heard([&](const auto& all) {
      return std::any_of(all.begin(), all.end(), [&](const v1::AgentMessage& m) {
        return m.has_path_switched() && m.path_switched().to_protection() == to_protection;
      });
    });
  }

  std::map<std::string, std::unique_ptr<FakeBrain>> brains_;
  std::map<std::string, ProcessName> agents_;
  std::string address_;
};

TEST_F(AgentLiveTest, RunsWorkAndKeepsItsTrafficOverACutLink) {
  direct(7);
  ASSERT_TRUE(brains_["east"]->hears_observation([](const v1::Observation& o) {
    return o.settled() && o.runs_size() == 1 && o.runs(0).ready();
  })) << log_of("east");
  ASSERT_TRUE(brains_["west"]->hears_observation([](const v1::Observation& o) {
    return o.settled() && o.paths_size() == 2;
  })) << log_of("west");
  for (const char* site : {"west", "east"}) {
    for (const uint16_t label : {kShort, kLong}) {
      ASSERT_TRUE(brains_[site]->heard([&](const auto& all) {
        return std::any_of(all.begin(), all.end(), [&](const v1::AgentMessage& m) {
          return std::any_of(m.probes().readings().begin(), m.probes().readings().end(),
                             [&](const auto& r) { return r.label() == label && r.alive(); });
        });
      })) << site
          << " " << label << log_of(site);
    }
  }
  const auto instance = Ipv6Address::parse(address_);
  ASSERT_TRUE(instance);
  const Socket client = open_socket(*lab_, "west", SOCK_DGRAM);
  EXPECT_EQ(measure(client, *instance, kPort, 5).lost, 0);

  // Numbered datagrams, each with the time at which it left; the link is cut under way.
  const sockaddr_in6 to = socket_address(*instance, kPort);
  std::vector<std::pair<int64_t, bool>> sent;
  const auto collect = [&](int wait_ms) {
    char answer[64];
    while (readable(client.fd(), wait_ms)) {
      size_t number = 0;
      if (recv(client.fd(), answer, sizeof answer, 0) == sizeof number) {
        std::memcpy(&number, answer, sizeof number);
        if (number < sent.size()) sent[number].second = true;
      }
      wait_ms = 0;
    }
  };
  int64_t cut_us = 0;
  for (size_t i = 0; i < 400; ++i) {
    if (i == 100) {
      cut_us = wall_us();
      ASSERT_TRUE(lab_->cut("r1-r2"));
    }
    sent.emplace_back(wall_us(), false);
    sendto(client.fd(), &i, sizeof i, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    collect(5);
    for (int64_t left = sent.back().first + 5000 - wall_us(); left > 1000;
         left = sent.back().first + 5000 - wall_us()) {
      collect(static_cast<int>(left / 1000));
    }
  }
  for (int i = 0; i < 30; ++i) collect(20);
  const int64_t dead_us = std::max(told_dead_us("west", kShort), told_dead_us("east", kShort));
  ASSERT_NE(dead_us, 0);
  EXPECT_TRUE(switched(true));
  int64_t again_us = 0;
  size_t lost = 0;
  for (const auto& [at, answered] : sent) {
    lost += answered ? 0 : 1;
    if (!answered && at >= cut_us) again_us = 0;
    if (answered && at >= cut_us && again_us == 0) again_us = at;
  }
  ASSERT_NE(again_us, 0) << "traffic did not come back";
  std::printf(
      "cut to detection at both ends %.1f ms, detection to traffic %.1f ms, %zu of %zu datagrams lost\n",
      static_cast<double>(dead_us - cut_us) / 1000, static_cast<double>(again_us - dead_us) / 1000, lost,
      sent.size());
  EXPECT_LE(dead_us - cut_us, 350'000) << "three intervals, and what two busy cores add";
  EXPECT_LE(again_us - dead_us, 50'000);
  EXPECT_GE(measure(client, *instance, kPort, 5).fastest(), 44.0) << "by the long way";

  for (const char* site : {"west", "east"}) brains_[site]->clear();
  ASSERT_TRUE(lab_->heal("r1-r2"));
  EXPECT_TRUE(switched(false)) << "back after hysteresis and dwell";
  EXPECT_TRUE(brains_["east"]->heard([](const auto& all) {
    return std::any_of(all.begin(), all.end(), [](const v1::AgentMessage& m) {
      return std::any_of(m.probes().readings().begin(), m.probes().readings().end(),
                         [](const auto& r) { return r.label() == kShort && r.alive() && r.state_changed(); });
    });
  }));
  EXPECT_LT(measure(client, *instance, kPort, 9).fastest(), 30.0);

  end_everything();
  EXPECT_TRUE(brains_["east"]->heard([](const auto& all) {
    return std::any_of(all.begin(), all.end(),
                       [](const auto& m) { return m.has_usage() && m.usage().reports(0).to() > 0; });
  }));
}

TEST_F(AgentLiveTest, AnAgentThatWasKilledTakesUpWhatStands) {
  direct(7);
  const auto ready = [](const v1::Observation& o) {
    return o.settled() && o.runs_size() == 1 && o.runs(0).ready();
  };
  ASSERT_TRUE(brains_["east"]->hears_observation(ready)) << log_of("east");
  ASSERT_TRUE(brains_["west"]->hears_observation(
      [](const v1::Observation& o) { return o.settled() && o.paths_size() == 2; }));
  const Socket client = open_socket(*lab_, "west", SOCK_DGRAM);
  const auto instance = Ipv6Address::parse(address_);
  for (const char* site : {"west", "east"}) {
    EXPECT_TRUE(end_process(agents_[site], 0));
    brains_[site]->clear();
  }
  EXPECT_EQ(measure(client, *instance, kPort, 5).lost, 0) << "work and traffic go on without agents";
  for (const char* site : {"west", "east"}) start_agent(site, "");
  direct(7);
  ASSERT_TRUE(brains_["east"]->hears_observation(ready)) << log_of("east");
  EXPECT_EQ(measure(client, *instance, kPort, 5).lost, 0);
  EXPECT_EQ(log_of("east").find("run 5-0 ended"), std::string::npos);
  end_everything();
}

int be_agent(int argc, char** argv) {
  app::AgentConfig config;
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t at = word.find('=');
    const Status set = app::set_agent_field(config, word.substr(0, at), word.substr(at + 1));
    if (!set) return std::fprintf(stderr, "%s\n", set.error().text().c_str()), 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const Status ran = app::run_agent(
      config,
      [](bool, const std::string& text) { std::fprintf(stderr, "%ld %s\n", wall_us(), text.c_str()); },
      [&](TimeUs us) {
        const timespec wait{static_cast<time_t>(us / 1'000'000), static_cast<long>(us % 1'000'000 * 1000)};
        return sigtimedwait(&signals, nullptr, &wait) > 0;
      });
  if (!ran) std::fprintf(stderr, "%s\n", ran.error().text().c_str());
  return ran ? 0 : 1;
}

}  // namespace
}  // namespace weir::lab::test

int main(int argc, char** argv) {
  const std::string role = argc > 1 ? argv[1] : "";
  if (role == "emulate") return weir::lab::run_emulator(argv[2]);
  if (role == "agent") return weir::lab::test::be_agent(argc, argv);
  if (role == "supervise-run") return weir::site_local::supervise(argv[2]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
