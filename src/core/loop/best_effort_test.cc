#include <gtest/gtest.h>

#include "core/loop/loop_for_test.h"

namespace weir {
namespace {

// Gives no turns, and says of best-effort work what the test says.
class NoTurns : public Scheduler {
 public:
  void restart(const Graph&) override {}
  void note(const Graph&, const EventBody&, Position) override {}
  std::vector<Turn> turns(const Graph&, TimeUs) override { return {}; }
  bool admits(const Graph&, const Plan&) const override { return false; }
  void refused(IntentId, uint64_t, TimeUs) override { ADD_FAILURE() << "it had a turn"; }
  std::vector<JobPreempted> preemptions(const Graph&, TimeUs) override { return {}; }
  std::vector<EventBody> colocate(const Graph&, TimeUs) override {
    ++looked;
    return std::exchange(said, {});
  }
  int64_t tasks_at_once(const Graph&, IntentId) const override { return 0; }
  TimeUs wake() const override { return INT64_MAX; }
  Status reserves(const Graph&, const ReservationSpec&, TimeUs) override { return {}; }
  Status submits(const Graph&, TenantId, const std::string&, TimeUs) override { return {}; }

  std::vector<EventBody> said;
  int looked = 0;
};

class BestEffortTest : public LoopOfTwoSites {
 protected:
  void SetUp() override {
    describe();
    Loop::Ports with = ports();
    with.scheduler = &scheduler;
    start(std::move(with));
  }
  static IntentSpec job(const std::string& name) {
    IntentSpec spec{.name = name};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = 500;
    spec.workload.best_effort = true;
    return spec;
  }
  Result<Admitted> submit(IntentSpec spec) {
    Result<Admitted> result = fail(ErrorCode::kInternal, "no answer");
    turn(Loop::Propose{{{"tenant/city", IntentSubmitted{{}, TenantId(0u), 0, std::move(spec)}}},
                       [&result](Result<Admitted> answer) { result = std::move(answer); }});
    return result;
  }
  void answer(Decision decision) {
    ASSERT_FALSE(asked.empty());
    const Asked last = asked.back();
    asked.pop_back();
    turn(Loop::Decided{last.ticket, last.intent, std::move(decision)});
  }
  Plan plan(IntentId intent = IntentId(0u)) const {
    Plan plan{.intent = intent, .generation = 1, .basis = loop->head().version()};
    plan.placements.push_back({.site = kHub, .node = NodeId(0u), .cpu_milli = 500, .continues = {}, .best_effort = true});
    plan.availability_ppm = 1'000'000;
    return plan;
  }
  const IntentRow& row(uint32_t intent = 0) const { return loop->head().intent(IntentId(intent)); }

  NoTurns scheduler;
};

TEST_F(BestEffortTest, ItIsDecidedAsItComes) {
  ASSERT_TRUE(submit(job("j")));
  ASSERT_EQ(asked.size(), 1u);
  answer(plan());
  EXPECT_EQ(row().state, IntentState::kPlaced);
  EXPECT_EQ(loop->head().free(NodeId(0u)).cpu_milli, 4000);
  EXPECT_GT(scheduler.looked, 0);
}

TEST_F(BestEffortTest, WhatWasRefusedIsTriedAgainWhenMoreMayBeReclaimed) {
  ASSERT_TRUE(submit(job("j")));
  answer(Refusal{IntentId(0u), 1, loop->head().version(), {{ReasonCode::kCpu, kHub, {}, 500, 100}}});
  EXPECT_EQ(row().state, IntentState::kRefused);
  for (int i = 0; i < 4; ++i) idle(500'000);
  EXPECT_TRUE(asked.empty()) << "nothing has eased";
  // Somebody else has the node, and does not use it.
  IntentSpec other = job("other");
  other.workload.best_effort = false;
  other.workload.kind = WorkKind::kService;
  other.workload.cpu_milli = 4000;
  ASSERT_TRUE(submit(other));
  Plan whole = plan(IntentId(1u));
  whole.placements[0].best_effort = false;
  whole.placements[0].cpu_milli = 4000;
  answer(whole);
  ASSERT_EQ(row(1).state, IntentState::kPlaced);
  scheduler.said = {ReclaimableMeasured{kHub, {{NodeId(0u), 3000, 0}}}};
  for (int i = 0; i < 4 && asked.empty(); ++i) idle(500'000);
  ASSERT_EQ(asked.size(), 1u);
  answer(plan());
  EXPECT_EQ(row().state, IntentState::kPlaced);
}

TEST_F(BestEffortTest, WhoMakesWayIsDecidedAgain) {
  ASSERT_TRUE(submit(job("j")));
  answer(plan());
  scheduler.said = {JobPreempted{.intent = IntentId(0u), .plan = row().active->position, .why = "node n at s0 needs what it had borrowed"}};
  idle();
  EXPECT_EQ(row().preemptions, 1u);
  EXPECT_FALSE(row().active);
  for (int i = 0; i < 4 && asked.empty(); ++i) idle(1'000);
  ASSERT_EQ(asked.size(), 1u);
  answer(Refusal{IntentId(0u), 1, loop->head().version(), {{ReasonCode::kCpu, kHub, {}, 500, 0}}});
  EXPECT_EQ(row().state, IntentState::kRefused);
}

TEST_F(BestEffortTest, TheTasksOfAnArrayComeAFewAtATime) {
  IntentSpec array = job("a");
  array.schedule.tasks = 40;
  ASSERT_TRUE(submit(array));
  idle();
  EXPECT_EQ(row().tasks.submitted, LoopOptions().tasks_waiting_max);
  EXPECT_EQ(asked.size(), static_cast<size_t>(LoopOptions().tasks_waiting_max));
}

TEST_F(BestEffortTest, WhatRunsWithoutATurnCannotBecomeOrdinaryWorkWithoutOne) {
  ASSERT_TRUE(submit(job("j")));
  IntentSpec ordinary = job("j");
  ordinary.workload.best_effort = false;
  answer(plan());
  ASSERT_EQ(row().state, IntentState::kPlaced);
  const auto result = submit(ordinary);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kConflict);
  IntentSpec service = job("j");
  service.workload.kind = WorkKind::kService;
  service.workload.best_effort = false;
  const auto other = submit(service);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().text().find("its kind cannot be changed"), std::string::npos) << other.error().text();
  IntentSpec longer = job("j");
  longer.schedule.run_time_us_max = 50'000'000;
  EXPECT_TRUE(submit(longer)) << "of the same class";
}

TEST_F(BestEffortTest, WhatItCannotBeIsRefused) {
  const auto refused = [this](auto change) {
    IntentSpec spec = job("j");
    change(spec);
    const auto result = submit(spec);
    return !result && result.error().code == ErrorCode::kInvalid;
  };
  EXPECT_TRUE(refused([](IntentSpec& s) { s.workload.kind = WorkKind::kService; }));
  EXPECT_TRUE(refused([](IntentSpec& s) { s.workload.accelerators = 1; }));
  EXPECT_TRUE(refused([](IntentSpec& s) { s.from = {{kHub, 1}}; }));
  EXPECT_TRUE(refused([](IntentSpec& s) { s.promise.latency_us_max = 5; }));
  EXPECT_TRUE(refused([](IntentSpec& s) { s.promise.availability_ppm = 5; }));
  EXPECT_TRUE(refused([](IntentSpec& s) { s.schedule.deadline = INT64_MAX; }));
  EXPECT_TRUE(refused([](IntentSpec& s) { s.schedule.not_before = 5; }));
  EXPECT_TRUE(refused([](IntentSpec& s) { s.schedule.instances = s.schedule.instances_min = 2; }));
  EXPECT_TRUE(refused([](IntentSpec& s) { s.schedule.start_slack_us = 5; }));
  EXPECT_TRUE(refused([](IntentSpec& s) { s.schedule.priority = 1; })) << "of the domain's queue, as for others";
  EXPECT_TRUE(submit(job("j")));
}

}  // namespace
}  // namespace weir
