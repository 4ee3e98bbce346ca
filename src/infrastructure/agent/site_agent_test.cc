#include "infrastructure/agent/site_agent.h"

#include <gtest/gtest.h>

#include "infrastructure/agent/fakes_for_test.h"

namespace weir::agent::test {
namespace {

constexpr RunId kRun{5, 0};

class SiteAgentTest : public ::testing::Test {
 protected:
  SiteAgentTest() { begin(); }

  void begin(UsageMeter::Reported reported = {}, const std::vector<UsageReport>& waiting = {}) {
    AgentOptions options;
    options.site = "hub";
    options.outbox_max = 16;
    options.registered = {{"detector", "/usr/lib/city/detector"}};
    agent_ = std::make_unique<SiteAgent>(
        SiteAgent::Ports{.clock = clock_,
                         .work = work_,
                         .paths = &paths_,
                         .addresses = &addresses_,
                         .prober = &prober_,
                         .uplink = uplink_,
                         .accepts = [this](const std::string&, uint16_t) { return accepts_; },
                         .keep_usage =
                             [this](const auto& all, const auto& waits) {
                               kept_ = all;
                               kept_waiting_ = waits;
                             },
                         .say = [this](bool, const std::string& text) { said_ += text + "\n"; }},
        options, std::move(reported), waiting);
  }

  // Lets everything that is possible now happen.
  void settle() {
    for (int i = 0; i < 30; ++i) {
      agent_->turn();
      for (const SiteAnswer& answer : work_.carry_out()) agent_->answer(answer);
    }
  }
  void pass(TimeUs us) {
    for (const TimeUs end = clock_.now_us + us; clock_.now_us < end;) {
      clock_.now_us = std::min(end, clock_.now_us + 50'000);
      settle();
    }
  }
  void attach() {
    agent_->attached();
    settle();
  }
  SiteDirective directive(Position version, uint64_t epoch = 1) {
    return {.version = version, .brain_epoch = epoch, .lease_us = 5'000'000};
  }
  SiteDirective with_run(Position version, uint64_t epoch = 1) {
    SiteDirective out = directive(version, epoch);
    out.runs = {service_run(kRun)};
    return out;
  }
  SiteDirective with_paths(Position version) {
    SiteDirective out = directive(version);
    out.paths = {path(300), path(301)};
    out.steerings = {steering(300, 301)};
    out.services = {service()};
    return out;
  }
  Observation last() {
    const auto all = uplink_.all<Observation>();
    return all.empty() ? Observation{} : all.back();
  }
  void turn_life(uint16_t label, PathLife life) {
    prober_.samples[label].life = life;
    agent_->probe_changed(prober_.number(label), {.life = life, .round_trip_us = 8000});
    agent_->turn();
  }

  ManualClock clock_;
  FakeSite site_;
  FakePaths paths_;
  FakeAddresses addresses_;
  FakeProber prober_;
  FakeWork work_{site_};
  FakeUplink uplink_;
  bool accepts_ = true;
  std::string said_;
  UsageMeter::Reported kept_;
  std::vector<UsageReport> kept_waiting_;
  std::unique_ptr<SiteAgent> agent_;
};

TEST_F(SiteAgentTest, TellsATaskWhichOfItsArrayItIs) {
  attach();
  SiteDirective directive = with_run(7);
  directive.runs[0].task = 17;
  directive.runs[0].tasks = 10'000;
  agent_->directive(directive);
  settle();
  ASSERT_TRUE(site_.has(kRun));
  const std::vector<std::pair<std::string, std::string>> environment = {
      {"WEIR_SITE", "hub"}, {"WEIR_TASK_INDEX", "17"}, {"WEIR_TASK_COUNT", "10000"}};
  EXPECT_EQ(site_.specs[kRun].environment, environment);
}

TEST_F(SiteAgentTest, StartsARunWithItsAddressEnvironmentAndLimits) {
  attach();
  accepts_ = false;
  agent_->directive(with_run(7));
  settle();
  ASSERT_TRUE(site_.has(kRun));
  const RunSpec& spec = site_.specs[kRun];
  EXPECT_EQ(spec.command, (std::vector<std::string>{"/usr/lib/city/detector", "--fast"}));
  EXPECT_EQ(spec.cpu_milli, 300u);
  EXPECT_EQ(spec.memory_bytes, uint64_t{64} << 20);
  EXPECT_EQ(spec.lease_us, 0u) << "a service outlives its brain";
  const std::vector<std::pair<std::string, std::string>> environment = {{"WEIR_SITE", "hub"}};
  EXPECT_EQ(spec.environment, environment);
  EXPECT_EQ(spec.listen_address, instance_text(0));
  EXPECT_EQ(spec.listen_port, 8080);
  EXPECT_TRUE(addresses_.now.contains(*Ipv6Address::parse(instance_text(0))));
  ASSERT_EQ(last().runs.size(), 1u);
  EXPECT_EQ(last().runs[0].state, RunState::kRunning);
  EXPECT_FALSE(last().runs[0].ready);
  accepts_ = true;
  pass(100'000);
  EXPECT_TRUE(last().runs[0].ready);
  EXPECT_TRUE(last().settled);
  EXPECT_EQ(last().applied_version, 7u);
  EXPECT_EQ(site_.starts, 1);
}

TEST_F(SiteAgentTest, StopsForgetsAndRemovesTheAddressWhenTheRunIsNoLongerWanted) {
  attach();
  agent_->directive(with_run(7));
  settle();
  site_.stubborn = true;
  agent_->directive(directive(8));
  pass(200'000);
  EXPECT_EQ(site_.stops, 1);
  ASSERT_EQ(last().runs.size(), 1u);
  EXPECT_EQ(last().runs[0].state, RunState::kStopping);
  EXPECT_FALSE(last().settled);
  EXPECT_EQ(addresses_.now.size(), 1u) << "the run still uses it";
  pass(3'000'000);
  EXPECT_EQ(site_.stops, 1) << "asked once, it has its grace";
  site_.stubborn = false;
  site_.end(kRun, 0, "stopped");
  agent_->runs_changed();
  settle();
  EXPECT_TRUE(last().settled);
  EXPECT_TRUE(addresses_.now.empty());
  const auto usage = uplink_.all<UsageReport>();
  ASSERT_EQ(usage.size(), 1u);
  EXPECT_TRUE(site_.has(kRun)) << "its last usage is not acknowledged";
  agent_->acknowledged(1);
  settle();
  EXPECT_FALSE(site_.has(kRun));
  EXPECT_TRUE(last().runs.empty());
  EXPECT_TRUE(kept_.empty());
}

TEST_F(SiteAgentTest, IgnoresOlderDirectivesAndTakesRepeatedOnes) {
  attach();
  agent_->directive(with_run(7, 2));
  settle();
  agent_->directive(directive(9, 1));  // of the brain before
  agent_->directive(directive(6, 2));  // overtaken
  agent_->directive(with_run(7, 2));   // repeated
  pass(200'000);
  EXPECT_EQ(site_.stops, 0);
  EXPECT_EQ(site_.starts, 1);
  EXPECT_EQ(last().applied_version, 7u);
  agent_->directive(directive(1, 3));
  settle();
  EXPECT_EQ(site_.stops, 1);
  EXPECT_EQ(last().applied_brain_epoch, 3u);
}

TEST_F(SiteAgentTest, AHeldDirectiveTouchesNothing) {
  attach();
  agent_->directive(with_run(7));
  settle();
  SiteDirective held = directive(8, 2);
  held.held = true;
  held.paths = {path(300)};
  agent_->directive(held);
  pass(500'000);
  EXPECT_EQ(site_.stops, 0);
  EXPECT_TRUE(paths_.acts.empty());
  EXPECT_EQ(last().applied_version, 8u);
  EXPECT_FALSE(last().settled);
  held.held = false;  // the same version
  agent_->directive(held);
  settle();
  EXPECT_EQ(site_.stops, 1);
  EXPECT_EQ(paths_.acts, std::vector<std::string>{"install 300"});
  EXPECT_TRUE(last().settled);
}

TEST_F(SiteAgentTest, MakesBeforeItBreaks) {
  attach();
  agent_->directive(with_paths(7));
  settle();
  EXPECT_LT(paths_.position("install 300"), paths_.position("steer fd77:1:1:2:8000::1/128 over 300"));
  SiteDirective next = directive(8);
  next.paths = {path(302)};
  next.steerings = {steering(302, 0)};
  paths_.acts.clear();
  agent_->directive(next);
  settle();
  EXPECT_EQ(paths_.acts, (std::vector<std::string>{"install 302", "steer fd77:1:1:2:8000::1/128 over 302",
                                                   "retire fd77:1:2::1", "withdraw 301", "withdraw 300"}));
  EXPECT_TRUE(last().settled);
  EXPECT_EQ(last().paths_installed, std::vector<uint16_t>{302});
}

TEST_F(SiteAgentTest, WhatFailsIsTriedAgainLaterAndKeepsNothingElseWaiting) {
  attach();
  paths_.refused_label = 301;
  agent_->directive(with_paths(7));
  pass(250'000);
  EXPECT_FALSE(last().settled);
  EXPECT_EQ(std::count(paths_.acts.begin(), paths_.acts.end(), "install 301"), 2) << "now, and after 100 ms";
  EXPECT_EQ(paths_.now.steerings.size(), 1u);
  EXPECT_EQ(paths_.now.services.size(), 1u);
  paths_.refused_label = 0;
  pass(300'000);
  EXPECT_TRUE(last().settled);
}

TEST_F(SiteAgentTest, MakesAgainWhatTheSystemLost) {
  attach();
  agent_->directive(with_paths(7));
  settle();
  paths_.now.services.clear();
  pass(11'000'000);
  EXPECT_EQ(paths_.now.services.size(), 1u);
}

TEST_F(SiteAgentTest, SwitchesToTheProtectionPathAtOnceAndBackWhenTheWorkingOneLives) {
  attach();
  agent_->directive(with_paths(7));
  settle();
  turn_life(300, PathLife::kAlive);
  turn_life(301, PathLife::kAlive);
  uplink_.sent.clear();
  turn_life(300, PathLife::kDead);
  EXPECT_EQ(paths_.now.steerings.at(0).label, 301) << "in the same turn";
  auto switches = uplink_.all<SwitchReport>();
  ASSERT_EQ(switches.size(), 1u);
  EXPECT_TRUE(switches[0].to_protection);
  EXPECT_EQ(switches[0].plan, 5u);
  const auto readings = uplink_.all<Readings>();
  ASSERT_FALSE(readings.empty());
  EXPECT_EQ(readings[0].readings[0].reading.label, 300);
  EXPECT_FALSE(readings[0].readings[0].reading.alive);
  pass(1'100'000);
  EXPECT_TRUE(last().settled) << "protection is what the directive asks for";
  turn_life(300, PathLife::kAlive);
  EXPECT_EQ(paths_.now.steerings.at(0).label, 300);
  switches = uplink_.all<SwitchReport>();
  ASSERT_EQ(switches.size(), 2u);
  EXPECT_FALSE(switches[1].to_protection);
}

TEST_F(SiteAgentTest, TheHostsEndSwitchesToButLeavesTheReportToTheIngress) {
  attach();
  SiteDirective d = with_paths(7);
  d.steerings[0].source = "fd77:1:1:3:8000::1/128";
  agent_->directive(d);
  settle();
  turn_life(301, PathLife::kAlive);
  turn_life(300, PathLife::kDead);
  EXPECT_EQ(paths_.now.steerings.at(0).label, 301);
  EXPECT_TRUE(uplink_.all<SwitchReport>().empty());
}

TEST_F(SiteAgentTest, NewsOfAnEarlierWatchIsNotTakenForTheLater) {
  attach();
  agent_->directive(with_paths(7));
  settle();
  turn_life(301, PathLife::kAlive);
  const uint64_t old = prober_.number(300);
  SiteDirective moved = with_paths(8);
  moved.paths[0].segments = {"fd77:1:f:9:d6::"};
  agent_->directive(moved);
  settle();
  ASSERT_NE(prober_.number(300), old) << "another way is another path";
  agent_->probe_changed(old, {.life = PathLife::kDead});
  settle();
  EXPECT_EQ(paths_.now.steerings.at(0).label, 300);
}

TEST_F(SiteAgentTest, AfterAttachingAllPathStatesAreToldOnce) {
  attach();
  agent_->directive(with_paths(7));
  settle();
  turn_life(300, PathLife::kDead);
  turn_life(301, PathLife::kAlive);
  agent_->detached();
  uplink_.sent.clear();
  attach();
  const auto readings = uplink_.all<Readings>();
  ASSERT_EQ(readings.size(), 1u);
  ASSERT_EQ(readings[0].readings.size(), 2u);
  EXPECT_FALSE(readings[0].readings[0].reading.alive);
  EXPECT_TRUE(readings[0].readings[1].reading.alive);
}

TEST_F(SiteAgentTest, ALostChangeOfLifeIsFoundWithinASecond) {
  attach();
  agent_->directive(with_paths(7));
  settle();
  prober_.samples[300].life = PathLife::kDead;
  prober_.samples[301].life = PathLife::kAlive;
  pass(1'100'000);
  EXPECT_EQ(paths_.now.steerings.at(0).label, 301);
}

TEST_F(SiteAgentTest, TakesUpWhatAnEarlierProcessLeft) {
  attach();
  SiteDirective d = with_paths(7);
  d.runs = {service_run(kRun)};
  agent_->directive(d);
  settle();
  turn_life(301, PathLife::kAlive);
  turn_life(300, PathLife::kDead);
  const int starts = site_.starts;
  const size_t acts = paths_.acts.size();
  prober_.watches.clear();
  uplink_.sent.clear();
  begin(kept_, kept_waiting_);
  attach();
  agent_->directive(d);
  settle();
  EXPECT_EQ(site_.starts, starts);
  EXPECT_EQ(paths_.acts.size(), acts) << paths_.acts.back();
  EXPECT_EQ(paths_.now.steerings.at(0).label, 301) << "nothing is known of the working path yet";
  ASSERT_EQ(uplink_.all<SwitchReport>().size(), 1u);
  EXPECT_TRUE(uplink_.all<SwitchReport>()[0].to_protection);
  EXPECT_TRUE(last().settled);
}

TEST_F(SiteAgentTest, ReportsAreRepeatedUntilAcknowledged) {
  attach();
  agent_->directive(with_run(7));
  settle();
  site_.usages[kRun].cpu_us = 1000;
  pass(10'500'000);
  const auto count = [&] { return uplink_.all<UsageReport>().size(); };
  const size_t first = count();
  ASSERT_GE(first, 1u);
  uplink_.sent.clear();
  pass(3'100'000);
  EXPECT_GE(count(), 1u) << "said again after 3 s";
  agent_->detached();
  uplink_.sent.clear();
  attach();
  ASSERT_GE(count(), 1u) << "said again on a new connection";
  agent_->acknowledged(1000);
  uplink_.sent.clear();
  pass(3'500'000);
  EXPECT_EQ(count(), 0u);
  EXPECT_EQ(agent_->waiting_reports(), 0u);
}

TEST_F(SiteAgentTest, ARunWhoseUsageWaitsIsListedThoughItsRecordIsGone) {
  begin({}, {UsageReport{.run = {3, 1}, .from = 10, .to = 20}});
  attach();
  agent_->directive(directive(7));
  settle();
  ASSERT_TRUE(last().settled);
  ASSERT_EQ(last().runs.size(), 1u);
  EXPECT_EQ(last().runs[0].run, (RunId{3, 1}));
  EXPECT_EQ(last().runs[0].state, RunState::kLost);
  agent_->acknowledged(1);
  settle();
  EXPECT_TRUE(last().runs.empty());
}

TEST_F(SiteAgentTest, LooksForHungConnectionsWhileThereMayBeAny) {
  attach();
  pass(5'000'000);
  EXPECT_EQ(paths_.looks, 0) << "there are no services";
  agent_->directive(with_paths(7));
  settle();
  pass(3'000'000);
  const int first = paths_.looks;
  EXPECT_GE(first, 1) << "it was published just now";
  EXPECT_LE(first, 2);
  EXPECT_EQ(paths_.looked_at, paths_.now.services);
  pass(10'000'000);
  EXPECT_EQ(paths_.looks, first) << "none is stranded, and nothing has changed";

  SiteDirective other = with_paths(8);
  other.services[0].backends[0].run = {6, 0};
  other.services[0].backends[0].port += 1;
  paths_.hung = {2, 3};
  agent_->directive(other);
  settle();
  pass(5'000'000);
  EXPECT_GE(paths_.looks, first + 4);
  EXPECT_LE(paths_.looks, first + 7) << "once a second";
  EXPECT_NE(said_.find("2 connections to instances that are gone were ended"), std::string::npos) << said_;
  paths_.hung = {};
  pass(2'000'000);
  const int last_look = paths_.looks;
  pass(5'000'000);
  EXPECT_EQ(paths_.looks, last_look);
}

TEST_F(SiteAgentTest, WhereNoConnectionsAreTrackedItSaysSoAndGoesOn) {
  paths_.hung_error = ErrorCode::kUnsupported;
  attach();
  agent_->directive(with_paths(7));
  settle();
  pass(10'000'000);
  EXPECT_EQ(paths_.looks, 1);
  EXPECT_NE(said_.find("have to wait for their own time limits: "), std::string::npos) << said_;
  EXPECT_TRUE(last().settled);
}

TEST_F(SiteAgentTest, LooksAgainAfterALookThatFailedAndLessAndLessOften) {
  paths_.hung_error = ErrorCode::kUnavailable;
  attach();
  agent_->directive(with_paths(7));
  settle();
  pass(60'000'000);
  const int failed = paths_.looks;
  EXPECT_GE(failed, 4);
  EXPECT_LE(failed, 15) << "not once a second";
  paths_.hung_error = std::nullopt;
  paths_.hung = {1, 0};
  pass(60'000'000);
  EXPECT_EQ(paths_.looks, failed + 1);
  EXPECT_NE(said_.find("1 connections to instances that are gone were ended"), std::string::npos) << said_;
}

TEST_F(SiteAgentTest, ANetworkThatCannotBeReadIsTriedAgainAfterATime) {
  paths_.installed_fails = true;
  attach();
  agent_->directive(with_paths(7));
  pass(1'000'000);
  clock_.now_us += 100'000;
  EXPECT_GE(agent_->turn(), clock_.now_us + 100'000) << "it does not turn without a pause";
  const auto said = [&] {
    size_t count = 0;
    for (size_t at = 0; (at = said_.find("what is installed cannot be read", at)) != std::string::npos; ++at)
      ++count;
    return count;
  };
  const size_t before = said();
  settle();
  EXPECT_EQ(said(), before) << "turns for other reasons do not read it more often";
  paths_.installed_fails = false;
  pass(1'000'000);
  EXPECT_FALSE(paths_.now.services.empty());
}

TEST_F(SiteAgentTest, TellsWhatItsPathsHaveCarried) {
  attach();
  agent_->directive(with_paths(7));
  settle();
  EXPECT_LE(paths_.counted, 1) << "not at every turn";
  paths_.traffic[300] = {12, 7'400};
  pass(11'000'000);
  ASSERT_EQ(last().traffic.size(), 2u);
  EXPECT_EQ(last().traffic[0], (PathTraffic{300, 12, 7'400}));
  EXPECT_EQ(last().traffic[1], (PathTraffic{301, 0, 0}));
  EXPECT_LE(paths_.counted, 3);
  paths_.counters_fail = true;
  pass(30'000'000);
  EXPECT_EQ(last().traffic.size(), 2u) << "what was known";
  EXPECT_NE(said_.find("the traffic of paths cannot be read: nftables: no counters"), std::string::npos)
      << said_;
}

TEST_F(SiteAgentTest, WithoutRoomUsageWaitsAndNothingIsLost) {
  agent_->attached();
  agent_->directive(with_run(7));
  settle();
  agent_->detached();
  for (int i = 1; i <= 30; ++i) {
    site_.usages[kRun].cpu_us = static_cast<uint64_t>(i) * 1000;
    pass(10'000'000);
  }
  EXPECT_EQ(agent_->waiting_reports(), 14u);  // 16 less an eighth
  attach();
  agent_->acknowledged(14);
  pass(10'000'000);
  int64_t total = 0;
  std::map<TimeUs, UsageReport> by_begin;
  for (const UsageReport& report : uplink_.all<UsageReport>()) by_begin[report.from] = report;
  TimeUs to = 0;
  for (const auto& [from, report] : by_begin) {
    EXPECT_TRUE(to == 0 || from == to) << "windows join up";
    to = report.to;
    total += report.cpu_us;
  }
  EXPECT_EQ(total, 30'000);
}

TEST_F(SiteAgentTest, AJobHoldsItsLeaseOnlyWhileTheBrainIsHeard) {
  attach();
  SiteDirective d = with_run(7);
  d.runs[0].workload.kind = WorkKind::kJob;
  agent_->directive(d);
  settle();
  EXPECT_EQ(site_.specs[kRun].lease_us, 5'000'000u);
  pass(2'000'000);
  ASSERT_TRUE(site_.renewed.contains(kRun));
  EXPECT_LE(site_.renewed[kRun], 5'000'000u);
  agent_->brain_heard(1, 5'000'000);
  pass(4'000'000);
  EXPECT_LE(site_.renewed[kRun], 2'300'000u) << "counted from when the brain was heard";
  pass(2'000'000);
  site_.renewed.clear();
  d.version = 8;
  pass(3'000'000);
  EXPECT_TRUE(site_.renewed.empty()) << "the driver ends the job";
}

TEST_F(SiteAgentTest, NothingBeginsWhenTheLeaseIsOver) {
  attach();
  agent_->directive(with_run(7));
  clock_.now_us += 6'000'000;
  settle();
  EXPECT_EQ(site_.starts, 0);
  agent_->brain_heard(1, 5'000'000);
  settle();
  EXPECT_EQ(site_.starts, 1);
}

TEST_F(SiteAgentTest, FetchesAnArtifactAndStarts) {
  attach();
  const std::string digest(64, 'a');
  work_.brain_has = {digest};
  SiteDirective d = with_run(7);
  d.runs[0].workload.digest = digest;
  agent_->directive(d);
  settle();
  EXPECT_EQ(work_.fetches, 1);
  ASSERT_TRUE(site_.has(kRun));
  EXPECT_EQ(site_.specs[kRun].command.front(), "{artifact}");
  EXPECT_TRUE(last().settled);
}

TEST_F(SiteAgentTest, InstancesOfOneProgramFetchItOnce) {
  attach();
  const std::string digest(64, 'a');
  work_.brain_has = {digest};
  SiteDirective d = with_run(7);
  for (uint32_t item = 1; item < 12; ++item) d.runs.push_back(service_run({5, item}));
  for (DirectedRun& run : d.runs) run.workload.digest = digest;
  d.runs.push_back(service_run({5, 12}));
  d.runs.back().workload.digest = std::string(64, 'b');
  agent_->directive(d);
  settle();
  EXPECT_EQ(work_.fetches, 2) << "one for each program";
  for (uint32_t item = 0; item < 12; ++item) EXPECT_TRUE(site_.has({5, item}));
  EXPECT_EQ(last().runs.at(12).state, RunState::kFailed);
}

TEST_F(SiteAgentTest, ARunThatCannotStartIsFailedWithItsReason) {
  attach();
  SiteDirective d = with_run(7);
  d.runs[0].workload.digest = std::string(64, 'b');
  d.runs.push_back(service_run({5, 1}));
  d.runs[1].workload.artifact = "unheard-of";
  d.runs.push_back(service_run({5, 2}));
  agent_->directive(d);
  settle();
  ASSERT_EQ(last().runs.size(), 3u);
  EXPECT_EQ(last().runs[0].state, RunState::kFailed);
  EXPECT_NE(last().runs[0].why.find("the brain has no such artifact"), std::string::npos)
      << last().runs[0].why;
  EXPECT_EQ(last().runs[1].state, RunState::kFailed);
  EXPECT_NE(last().runs[1].why.find("unheard-of"), std::string::npos);
  EXPECT_EQ(last().runs[2].state, RunState::kRunning);
  EXPECT_TRUE(last().settled);
}

TEST_F(SiteAgentTest, NoRoomIsTriedAgainAFewTimes) {
  attach();
  site_.refuse = Error{ErrorCode::kExhausted, "over the tenant's share"};
  agent_->directive(with_run(7));
  pass(150'000);
  EXPECT_EQ(last().runs.at(0).state, RunState::kStarting);
  EXPECT_EQ(last().runs[0].why, "over the tenant's share");
  site_.refuse.reset();
  pass(1'000'000);
  EXPECT_EQ(last().runs[0].state, RunState::kRunning);
}

TEST_F(SiteAgentTest, WhatTheProviderKeepsToItselfIsNotReported) {
  attach();
  site_.refuse = Error{ErrorCode::kDenied, "the provider does not allow it",
                       "/etc/weir/allow.toml:12: tenant 'city'.cpu_milli_max", "raise it from 2000"};
  agent_->directive(with_run(7));
  settle();
  ASSERT_EQ(last().runs.size(), 1u);
  EXPECT_EQ(last().runs[0].state, RunState::kFailed);
  EXPECT_EQ(last().runs[0].why, "the provider does not allow it");
  EXPECT_NE(said_.find("allow.toml:12"), std::string::npos) << "the provider's own log has it all";
  SiteDirective next = directive(8);
  next.runs = {service_run({8, 0})};
  site_.refuse->code = ErrorCode::kExhausted;
  agent_->directive(next);
  settle();
  ASSERT_FALSE(last().runs.empty());
  EXPECT_EQ(last().runs.back().state, RunState::kStarting);
  EXPECT_EQ(last().runs.back().why, "the provider does not allow it");
}

TEST_F(SiteAgentTest, TellsHowRunsEnded) {
  attach();
  SiteDirective d = with_run(7);
  d.runs.push_back(service_run({5, 1}));
  d.runs[1].workload.kind = WorkKind::kJob;
  d.runs.push_back(service_run({5, 2}));
  agent_->directive(d);
  settle();
  site_.end(kRun, 0, "exited");
  site_.end({5, 1}, 0, "exited");
  site_.runs.erase({5, 2});
  agent_->runs_changed();
  settle();
  EXPECT_EQ(last().runs.at(0).state, RunState::kFailed) << "a service does not end by itself";
  EXPECT_EQ(last().runs.at(1).state, RunState::kExited);
  EXPECT_EQ(last().runs.at(2).state, RunState::kLost);
  EXPECT_EQ(site_.starts, 3) << "a run is one attempt";
}

TEST_F(SiteAgentTest, AnObservationIsSentEverySecondAndOnEveryChange) {
  attach();
  agent_->directive(with_run(7));
  settle();
  uplink_.sent.clear();
  pass(3'000'000);
  const size_t idle = uplink_.all<Observation>().size();
  EXPECT_GE(idle, 2u);
  EXPECT_LE(idle, 4u);
  const size_t beats = uplink_.all<HeartbeatReport>().size();
  EXPECT_GE(beats, 5u);
  EXPECT_LE(beats, 7u);
}

TEST_F(SiteAgentTest, PromisesAreCheckedBeforeTheyAreReported) {
  attach();
  agent_->directive(with_run(7));
  settle();
  const TimeUs now = clock_.wall_us();
  const PromiseReport good{IntentId(uint32_t{0}), now - 10'000'000, now, 40, 1, 0, 30'000, 80'000};
  EXPECT_TRUE(agent_->promise(good));
  const auto refused = [&](auto change) {
    PromiseReport bad = good;
    change(bad);
    return !agent_->promise(bad);
  };
  EXPECT_TRUE(refused([](PromiseReport& r) { r.intent = IntentId(uint32_t{9}); }));
  EXPECT_TRUE(refused([](PromiseReport& r) { r.samples = r.misses = 0; }));
  EXPECT_FALSE(refused([](PromiseReport& r) {
    r.samples = r.misses = r.latency_us_p50 = r.latency_us_p99 = 0;
    r.lost = 40;
  })) << "nothing was answered: the promise is broken";
  EXPECT_TRUE(refused([](PromiseReport& r) { r.misses = 41; }));
  EXPECT_FALSE(refused([](PromiseReport& r) { r.misses = 40; }));
  EXPECT_TRUE(refused([](PromiseReport& r) { r.latency_us_p99 = 29'999; }));
  EXPECT_TRUE(refused([](PromiseReport& r) { r.from = r.to; }));
  EXPECT_TRUE(refused([](PromiseReport& r) { r.to += 5'000'001; }));
  EXPECT_FALSE(refused([](PromiseReport& r) { r.to += 5'000'000; }));
  EXPECT_TRUE(refused([](PromiseReport& r) { r.from -= 3'600'000'000; }));
  EXPECT_EQ(agent_->find_intent("city/cameras"), IntentId(uint32_t{0}));
  EXPECT_FALSE(agent_->find_intent("city/other").valid());
  Status full;
  for (int i = 0; i < 20 && full; ++i) full = agent_->promise(good);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kExhausted);
}

TEST_F(SiteAgentTest, AnswersForLogsOnceOrForAsLongAsTheyGrow) {
  attach();
  agent_->directive(with_run(7));
  settle();
  site_.log = "one\n";
  agent_->log_request(1, kRun, 0, false, 100);
  agent_->log_request(2, RunId{9, 9}, 0, false, 100);
  agent_->log_request(3, kRun, 4, true, 100);
  settle();
  auto answers = uplink_.all<LogAnswer>();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].chunk.text, "one\n");
  EXPECT_NE(answers[1].error, "");
  site_.log += "two\n";
  pass(300'000);
  answers = uplink_.all<LogAnswer>();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[2].chunk.text, "two\n");
  agent_->log_cancel(3);
  site_.log += "three\n";
  pass(600'000);
  EXPECT_EQ(uplink_.all<LogAnswer>().size(), 3u);
}

TEST_F(SiteAgentTest, LogReadersEndWithTheirConnection) {
  attach();
  agent_->directive(with_run(7));
  settle();
  for (uint64_t request = 1; request <= 64; ++request) agent_->log_request(request, kRun, 0, true, 100);
  settle();
  agent_->detached();
  site_.log = "not for the next brain\n";
  attach();
  pass(600'000);
  EXPECT_TRUE(uplink_.all<LogAnswer>().empty());
  agent_->log_request(65, kRun, 0, false, 100);
  settle();
  ASSERT_EQ(uplink_.all<LogAnswer>().size(), 1u);
  EXPECT_EQ(uplink_.all<LogAnswer>()[0].error, "") << "the readers of the lost connection hold no places";
}

TEST_F(SiteAgentTest, AnAnswerMeantForAnotherRunIsNotPassedOn) {
  attach();
  SiteDirective d = with_run(7);
  d.runs.push_back(service_run({5, 1}));
  agent_->directive(d);
  settle();
  site_.log = "of the first run\n";
  agent_->log_request(1, kRun, 0, true, 100);
  agent_->turn();  // its first piece is being read
  agent_->detached();
  agent_->attached();
  agent_->log_request(1, {5, 1}, 3, true, 100);  // another brain counts from 1 again
  for (const SiteAnswer& answer : work_.carry_out()) agent_->answer(answer);
  EXPECT_TRUE(uplink_.all<LogAnswer>().empty());
  settle();
  const auto answers = uplink_.all<LogAnswer>();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].run, (RunId{5, 1}));
  EXPECT_EQ(answers[0].chunk.offset, 3u) << "from where it was asked for";
}

}  // namespace
}  // namespace weir::agent::test
