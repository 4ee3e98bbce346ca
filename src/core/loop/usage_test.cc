#include <gtest/gtest.h>

#include "core/loop/loop_for_test.h"

namespace weir {
namespace {

constexpr IntentId kIntent(0u);

// Usage as agents report it: said twice, out of order, late, and across restarts of the brain.
class UsageTest : public LoopOfTwoSites {
 protected:
  void send(const SiteDirective& directive) override { told = std::max(told, directive.version); }

  void start() { LoopOfTwoSites::start(ports(), {.checkpoint_events = checkpoint_events}); }
  void SetUp() override {
    needs = [](const Graph&, IntentId) { return false; };
    describe();
    IntentSpec spec{.name = "i"};
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = 500;
    write(IntentSubmitted{kIntent, TenantId(0u), 1, spec});
    run = {log.end(), 0};
    Plan plan{.intent = kIntent, .generation = 1};
    plan.placements.push_back(
        {.site = kHub, .node = NodeId(0u), .cpu_milli = 500, .streams = 1, .continues = {}});
    write(PlanCommitted{plan});
    start();
  }
  // Whether the agent is told that it need not say it again.
  bool report(TimeUs from, TimeUs to, TimeUs begun = 0, SiteId site = kHub) {
    bool done = false;
    turn(Loop::Reported{
        site,
        connection_of(site),
        {UsageReport{.run = run, .from = from, .to = to, .cpu_us = 10 * (to - from), .begun = begun}},
        [&done] { done = true; }});
    return done;
  }
  // The run is withdrawn, and its plan given back.
  void retire() {
    loop.reset();
    write(IntentWithdrawn{kIntent});
    write(PlanRetired{kIntent, run.plan});
    start();
  }
  // What the site says that it has; it has done all that it was told.
  void observe(std::vector<RunId> runs, bool settled = true, SiteId site = kHub) {
    Observation now{
        .applied_version = told, .applied_brain_epoch = loop->head().brain_epoch(), .settled = settled};
    for (const RunId seen : runs) now.runs.push_back({.run = seen, .state = RunState::kExited});
    turn(Loop::Reported{site, connection_of(site), {std::move(now)}, {}});
  }
  size_t awaited() const { return loop->head().intent(kIntent).retired_runs.size(); }
  std::vector<UsageReported> recorded() const {
    std::vector<UsageReported> out;
    EXPECT_TRUE(log.read(0, log.durable_end(), [&](Position, Bytes bytes) -> Status {
      const auto event = decode(bytes);
      if (const auto* usage = std::get_if<UsageReported>(&event->body)) out.push_back(*usage);
      return {};
    }));
    return out;
  }
  TimeUs recorded_us() const {
    TimeUs sum = 0;
    for (const UsageReported& usage : recorded()) sum += usage.to - usage.from;
    return sum;
  }

  Position told = 0;
  Position checkpoint_events = 100'000;
  RunId run;
};

TEST_F(UsageTest, SaidTwiceIsWrittenOnce) {
  EXPECT_TRUE(report(100, 200));
  EXPECT_TRUE(report(100, 200));
  ASSERT_EQ(recorded().size(), 1u);
  EXPECT_EQ(recorded()[0].cpu_us, 1000);
}

TEST_F(UsageTest, WhatWasOvertakenIsNotLost) {
  report(200, 300);
  report(100, 200);
  report(100, 200);
  report(400, 500);
  report(200, 300);
  EXPECT_EQ(recorded().size(), 3u);
  EXPECT_EQ(recorded_us(), 300);
}

TEST_F(UsageTest, OfAReportThatIsPartlyKnownTheRestIsTaken) {
  report(100, 200);
  report(300, 400);
  report(100, 500, 100);  // the agent has forgotten what it said, and says all of it at once
  const auto all = recorded();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[2].from, 200);
  EXPECT_EQ(all[2].to, 300);
  EXPECT_EQ(all[2].cpu_us, 1000);
  EXPECT_EQ(all[2].begun, 0);
  EXPECT_EQ(all[3].from, 400);
  EXPECT_EQ(all[3].begun, 100);
}

TEST_F(UsageTest, IsTakenOnceAcrossARestart) {
  report(100, 200);
  start();
  report(100, 200);
  report(200, 300);
  EXPECT_EQ(recorded_us(), 200);
}

TEST_F(UsageTest, OfARunRetiredBeforeACheckpointIsTakenOnce) {
  report(100, 200);
  retire();
  checkpoint_events = 1;
  start();
  turn(Loop::Heartbeat{kHub, connection_of(kHub)});
  const auto saved = log.newest_checkpoint();
  ASSERT_TRUE(saved && *saved);
  ASSERT_GT((*saved)->version, run.plan + 3);
  start();
  EXPECT_TRUE(report(100, 200));
  EXPECT_TRUE(report(200, 300, 100));
  EXPECT_TRUE(report(200, 300, 100));
  EXPECT_EQ(recorded_us(), 200);
  EXPECT_TRUE(loop->head().intent(kIntent).retired_runs.empty()) << "the run is metered in whole";
  start();
  EXPECT_TRUE(report(200, 300, 100)) << "its acknowledgement was lost";
  EXPECT_EQ(recorded_us(), 200);
}

TEST_F(UsageTest, OfARunThatAnotherSiteRunsIsNotTaken) {
  EXPECT_TRUE(report(100, 200, 0, kFar));
  EXPECT_EQ(recorded_us(), 0);
  EXPECT_TRUE(report(100, 200));
  EXPECT_EQ(recorded_us(), 100);
}

TEST_F(UsageTest, OfARunThatItsSiteNeverBeganIsNotWaitedFor) {
  retire();
  ASSERT_EQ(awaited(), 1u);
  observe({}, false);
  EXPECT_EQ(awaited(), 1u) << "the site has not done yet what it was told";
  observe({}, true, kFar);
  EXPECT_EQ(awaited(), 1u) << "another site knows nothing of it";
  observe({run});
  EXPECT_EQ(awaited(), 1u) << "the site has it, or its usage";
  observe({});
  EXPECT_EQ(awaited(), 0u);
  EXPECT_EQ(recorded_us(), 0);
  ASSERT_EQ(recorded().size(), 1u);
  observe({});
  EXPECT_EQ(recorded().size(), 1u) << "said once";
  start();
  EXPECT_EQ(awaited(), 0u);
}

TEST_F(UsageTest, OfARunThatWasMeteredItsRestIsWaitedFor) {
  EXPECT_TRUE(report(100, 200));
  retire();
  observe({});
  EXPECT_EQ(awaited(), 1u);
  EXPECT_TRUE(report(200, 300, 100));
  EXPECT_EQ(awaited(), 0u);
  EXPECT_EQ(recorded_us(), 200);
}

TEST_F(UsageTest, OfARunWhoseSiteIsAwayIsWaitedFor) {
  retire();
  turn(Loop::Detached{kHub, connection_of(kHub)});
  observe({}, true, kFar);
  EXPECT_EQ(awaited(), 1u);
  EXPECT_TRUE(recorded().empty());
}

TEST_F(UsageTest, IsNotAcknowledgedWhileTheDiskHasNoRoom) {
  log.limit_space(log.bytes());
  EXPECT_FALSE(report(100, 200));
  log.limit_space(InMemoryLogStore::kUnlimited);
  EXPECT_TRUE(report(200, 300));
  EXPECT_TRUE(report(100, 200)) << "said again";
  EXPECT_EQ(recorded_us(), 200);
}

TEST_F(UsageTest, IsNotAcknowledgedOverAConnectionThatCountsNoMore) {
  EXPECT_TRUE(report(100, 200));
  now_us += 2 * LoopOptions{}.site_silence_us;
  turn(Loop::Heartbeat{kFar, connection});
  turn(Loop::Heartbeat{kFar, connection});
  ASSERT_EQ(loop->head().site(kHub).state, Liveness::kDown) << "it was silent, and its stream is dropped";
  EXPECT_FALSE(report(200, 300)) << "it was on its way";
  turn(Loop::Attached{kFar, connection + 2, {.version = "t"}});
  turn(Loop::Attached{kHub, ++connection, {.version = "t"}});
  ++connection;
  EXPECT_TRUE(report(200, 300)) << "said again";
  EXPECT_EQ(recorded_us(), 200);
}

}  // namespace
}  // namespace weir
