#include <gtest/gtest.h>

#include "core/loop/loop_for_test.h"

namespace weir {
namespace {

constexpr TimeUs kMinute = 60'000'000;

// Gives turns and resizes as the test says.
class ResizingScheduler : public Scheduler {
 public:
  void restart(const Graph&) override {}
  void note(const Graph&, const EventBody&, Position) override {}
  std::vector<Turn> turns(const Graph&, TimeUs) override { return std::exchange(next, {}); }
  bool admits(const Graph&, const Plan&) const override { return admitting; }
  void refused(IntentId intent, uint64_t, TimeUs) override { gave_up.push_back(intent); }
  std::vector<JobPreempted> preemptions(const Graph&, TimeUs) override { return {}; }
  std::vector<Resize> resizes(const Graph&, TimeUs) override { return std::exchange(resizing, {}); }
  int64_t tasks_at_once(const Graph&, IntentId) const override { return 0; }
  TimeUs wake() const override { return INT64_MAX; }
  Status reserves(const Graph&, const ReservationSpec&, TimeUs) override { return {}; }
  Status submits(const Graph&, TenantId, const std::string&, TimeUs) override { return {}; }

  std::vector<Turn> next;
  std::vector<Resize> resizing;
  std::vector<IntentId> gave_up;
  bool admitting = true;
};

// One malleable job of two to five instances.
class ResizeTest : public LoopOfTwoSites {
 protected:
  void begin() {
    needs = [](const Graph& graph, IntentId id) {
      const IntentRow& row = graph.intent(id);
      return row.state != IntentState::kWithdrawn &&
             (!row.active || std::ssize(row.active->plan.placements) != row.demand->schedule.instances);
    };
    Loop::Ports with = ports();
    with.scheduler = &scheduler;
    start(std::move(with));
  }
  void SetUp() override {
    now_us = kMinute;
    describe();
    begin();
    IntentSpec spec{.name = "sweep", .schedule = {.instances = 5, .instances_min = 2}};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = 500;
    turn(Loop::Propose{{{"tenant/city", IntentSubmitted{{}, TenantId(0u), 0, spec}}},
                       [](const Result<Admitted>& answer) { EXPECT_TRUE(answer); }});
  }
  // With so many at each; those of its plan go on.
  Plan plan(int32_t at_hub, int32_t at_far) const {
    Plan plan{.intent = kJob, .generation = 1, .basis = loop->head().version()};
    for (int32_t k = 0; k < at_hub + at_far; ++k) {
      const SiteId site = k < at_hub ? kHub : kFar;
      plan.placements.push_back({.site = site, .node = NodeId(site.value), .cpu_milli = 500,
                                 .asks = loop->head().site(site).asks, .continues = {}});
      if (row().active && static_cast<size_t>(k) < row().active->plan.placements.size()) {
        plan.placements.back().continues = row().active->run(static_cast<size_t>(k));
      }
    }
    plan.availability_ppm = 1'000'000;
    return plan;
  }
  Asked question() {
    for (int i = 0; i < 3 && asked.empty(); ++i) idle();
    EXPECT_EQ(asked.size(), 1u);
    if (asked.empty()) return {};
    const Asked last = asked.back();
    asked.clear();
    return last;
  }
  void answer(const Asked& question, Decision decision) {
    turn(Loop::Decided{question.ticket, question.intent, std::move(decision)});
  }
  Refusal refusal() const { return {kJob, 1, loop->head().version(), {{ReasonCode::kCpu}}}; }
  const IntentRow& row() const { return loop->head().intent(kJob); }
  int32_t to_have() const { return row().demand->schedule.instances; }
  void begin_with(int32_t instances) {
    scheduler.next = {{kJob, {kHub}, instances}};
    idle();
    answer(question(), plan(instances, 0));
    ASSERT_EQ(row().state, IntentState::kPlaced);
  }
  void resize(int32_t instances, std::vector<SiteId> sites) {
    scheduler.resizing = {{JobResized{kJob, 1, instances, {}, "test"}, std::move(sites)}};
    idle();
  }

  static constexpr IntentId kJob{0u};
  ResizingScheduler scheduler;
};

TEST_F(ResizeTest, WhatItsTurnSaysIsWrittenBeforeItIsDecided) {
  scheduler.next = {{kJob, {kHub}, 3}};
  idle();
  EXPECT_EQ(to_have(), 3);
  EXPECT_TRUE(asked.empty()) << "it is not durable yet";
  const Asked first = question();
  answer(first, plan(3, 0));
  EXPECT_EQ(row().state, IntentState::kPlaced);
  EXPECT_EQ(row().active->plan.placements.size(), 3u);
}

TEST_F(ResizeTest, WhereThereIsNoRoomForSoManyTheFewestAreTriedOnce) {
  scheduler.next = {{kJob, {kHub}, 4}};
  idle();
  answer(question(), refusal());
  EXPECT_EQ(to_have(), 2);
  EXPECT_TRUE(scheduler.gave_up.empty());
  const Asked second = question();
  answer(second, refusal());
  EXPECT_EQ(scheduler.gave_up, std::vector<IntentId>{kJob});
  EXPECT_EQ(row().state, IntentState::kRefused);
  // Its next turn may say more again.
  begin_with(5);
  EXPECT_EQ(row().active->plan.placements.size(), 5u);
}

TEST_F(ResizeTest, ADiskWithoutRoomLeavesItsTurnForLater) {
  log.limit_space(log.bytes());
  scheduler.next = {{kJob, {kHub}, 4}};
  idle();
  EXPECT_EQ(scheduler.gave_up, std::vector<IntentId>{kJob});
  log.limit_space(InMemoryLogStore::kUnlimited);
  begin_with(4);
}

TEST_F(ResizeTest, OneThatRunsIsGivenMoreBesideWhatGoesOn) {
  begin_with(2);
  resize(4, {kHub, kFar});
  EXPECT_EQ(to_have(), 4);
  const Asked grown = question();
  EXPECT_EQ(grown.sites, (std::vector<SiteId>{kHub, kFar}));
  answer(grown, plan(3, 1));
  ASSERT_EQ(row().active->plan.placements.size(), 4u);
  EXPECT_EQ(row().active->run(0).plan, row().active->run(1).plan);
  EXPECT_EQ(row().active->run(3).plan, row().active->position);
  EXPECT_EQ(row().runs.size(), 4u) << "nothing is begun again";
}

TEST_F(ResizeTest, WhatItIsNotGivenItIsNotToHave) {
  begin_with(3);
  const Position plan_of_three = row().active->position;
  resize(5, {kHub});
  answer(question(), refusal());
  EXPECT_EQ(to_have(), 3);
  EXPECT_EQ(row().active->position, plan_of_three);
  EXPECT_EQ(row().state, IntentState::kPlaced) << "it runs as before";
  scheduler.admitting = false;
  resize(4, {kHub});
  answer(question(), plan(4, 0));
  EXPECT_EQ(to_have(), 3) << "it would delay another";
  EXPECT_EQ(row().active->position, plan_of_three);
  for (int i = 0; i < 5; ++i) idle(kMinute / 100);
  EXPECT_TRUE(asked.empty());
}

TEST_F(ResizeTest, FewerAreDecidedLikeMoreAndTheRestStops) {
  begin_with(4);
  const Position first = row().active->position;
  resize(2, {});
  const Asked shrunk = question();
  EXPECT_TRUE(shrunk.sites.empty());
  answer(shrunk, plan(4, 0));
  EXPECT_EQ(row().active->position, first) << "a plan of before is no plan for what it is to have now";
  answer(question(), plan(2, 0));
  EXPECT_EQ(row().active->plan.placements.size(), 2u);
  idle();
  const auto state = [this, first](uint32_t item) {
    for (const RunRow& run : row().runs) {
      if (run.run == RunId{first, item}) return run.state;
    }
    return RunState::kLost;
  };
  EXPECT_EQ(state(0), RunState::kPlanned);
  EXPECT_EQ(state(1), RunState::kPlanned);
  EXPECT_EQ(state(2), RunState::kStopping);
  EXPECT_EQ(state(3), RunState::kStopping);
}

TEST_F(ResizeTest, WhatWasWithdrawnMeanwhileIsNotToHaveFewer) {
  begin_with(2);
  resize(5, {kHub, kFar});
  const Asked grown = question();
  turn(Loop::Propose{{{"tenant/city", IntentWithdrawn{kJob}}}, [](const Result<Admitted>&) {}});
  answer(grown, refusal());
  EXPECT_EQ(to_have(), 5);
}

TEST_F(ResizeTest, RestartedInTheMiddleItIsDecidedForWhatItIsToHave) {
  begin_with(2);
  resize(5, {kHub, kFar});
  EXPECT_EQ(question().intent, kJob);
  begin();
  EXPECT_EQ(to_have(), 5);
  answer(question(), plan(2, 3));
  EXPECT_EQ(row().active->plan.placements.size(), 5u);
}

}  // namespace
}  // namespace weir
