#include <gtest/gtest.h>

#include <algorithm>

#include "core/loop/loop_for_test.h"

namespace weir {
namespace {

constexpr TimeUs kMinute = 60'000'000;

// A scheduler that does as the test says, and notes what it is told.
class ScriptedScheduler : public Scheduler {
 public:
  void restart(const Graph& head) override { restarted_at = head.version(); }
  void note(const Graph& head, const EventBody&, Position at) override {
    EXPECT_EQ(head.version(), at + 1);
    ++noted;
  }
  std::vector<Turn> turns(const Graph&, TimeUs) override { return std::exchange(next, {}); }
  bool admits(const Graph&, const Plan& plan) const override {
    return plan.placements.empty() || plan.placements[0].site != kept_for_another;
  }
  void refused(IntentId intent, uint64_t, TimeUs until) override { gave_up.push_back({intent, until}); }
  std::vector<JobPreempted> preemptions(const Graph&, TimeUs) override { return std::exchange(give_way, {}); }
  int64_t tasks_at_once(const Graph&, IntentId) const override { return at_once; }
  TimeUs wake() const override { return wake_at; }
  Status reserves(const Graph&, const ReservationSpec&, TimeUs) override { return rate; }
  Status submits(const Graph&, TenantId, const std::string&, TimeUs) override { return rate; }

  std::vector<Turn> next;
  std::vector<JobPreempted> give_way;
  int64_t at_once = 0;
  SiteId kept_for_another;
  std::vector<std::pair<IntentId, TimeUs>> gave_up;
  TimeUs wake_at = INT64_MAX;
  Status rate;
  Position restarted_at = 0;
  uint64_t noted = 0;
};

class WaitingTest : public LoopOfTwoSites {
 protected:
  void start() {
    Loop::Ports with = ports();
    with.scheduler = &scheduler;
    LoopOfTwoSites::start(std::move(with));
  }
  void SetUp() override {
    now_us = kMinute;
    describe();
    start();
  }
  Result<Admitted> submit(WorkKind kind = WorkKind::kJob, TimeUs longest = 0) {
    IntentSpec spec{.name = "i" + std::to_string(loop->head().intent_count()), .schedule = {.run_time_us_max = longest}};
    spec.workload.kind = kind;
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = 500;
    Result<Admitted> result = fail(ErrorCode::kInternal, "no answer");
    turn(Loop::Propose{{{"tenant/city", IntentSubmitted{{}, TenantId(0u), 0, spec}}},
                       [&result](Result<Admitted> answer) { result = std::move(answer); }});
    return result;
  }
  Plan plan(IntentId intent, SiteId site) const {
    Plan plan{.intent = intent, .generation = 1, .basis = loop->head().version()};
    plan.placements.push_back({.site = site, .node = NodeId(site.value), .cpu_milli = 500,
                               .asks = loop->head().site(site).asks, .continues = {}});
    plan.availability_ppm = 1'000'000;
    return plan;
  }
  void answer(Decision decision) {
    ASSERT_FALSE(asked.empty());
    const Asked last = asked.back();
    asked.pop_back();
    turn(Loop::Decided{last.ticket, last.intent, std::move(decision)});
  }
  const IntentRow& row(uint32_t intent = 0) const { return loop->head().intent(IntentId(intent)); }

  ScriptedScheduler scheduler;
};

TEST_F(WaitingTest, AJobIsDecidedWhenItsTurnComesAndAServiceAtOnce) {
  ASSERT_TRUE(submit());
  EXPECT_TRUE(asked.empty());
  ASSERT_TRUE(submit(WorkKind::kService));
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].intent, IntentId(1u));
  asked.clear();
  scheduler.next = {{IntentId(0u), {kHub}}};
  idle();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].intent, IntentId(0u));
  EXPECT_TRUE(asked[0].sites.empty()) << "it may choose freely first";
  answer(plan(IntentId(0u), kFar));
  EXPECT_EQ(row().state, IntentState::kPlaced);
}

TEST_F(WaitingTest, ARefusalForWhichTheDiskHadNoRoomIsSaidLater) {
  ASSERT_TRUE(submit(WorkKind::kService));
  log.limit_space(log.bytes());
  const Refusal refusal{IntentId(0u), 1, loop->head().version(), {{ReasonCode::kBudget}}};
  answer(refusal);
  EXPECT_EQ(row().state, IntentState::kPending);
  log.limit_space(InMemoryLogStore::kUnlimited);
  for (int i = 0; i < 20 && asked.empty(); ++i) idle(100'000);
  answer(refusal);
  EXPECT_EQ(row().state, IntentState::kRefused);
}

TEST_F(WaitingTest, ADeadlineThatCannotBeKeptIsRefused) {
  const TimeUs at = now_us + 1000;  // of the turn that hears it
  const auto with = [this](TimeUs deadline, TimeUs estimated) {
    IntentSpec spec{.name = "i" + std::to_string(loop->head().intent_count()),
                    .schedule = {.run_time_us_estimated = estimated, .deadline = deadline}};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = 500;
    Result<Admitted> result = fail(ErrorCode::kInternal, "no answer");
    turn(Loop::Propose{{{"tenant/city", IntentSubmitted{{}, TenantId(0u), 0, spec}}},
                       [&result](Result<Admitted> answer) { result = std::move(answer); }});
    return result;
  };
  const auto past = with(at - 1, 0);
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(past.error().what, "has passed");
  const auto soon = with(at + kMinute, 2 * kMinute);
  ASSERT_FALSE(soon);
  EXPECT_EQ(soon.error().what, "is sooner than it is estimated to run");
  EXPECT_TRUE(with(at + kMinute, kMinute / 2));
  EXPECT_TRUE(with(0, 2 * kMinute));
}

TEST_F(WaitingTest, WhatWouldDelayAnotherIsDecidedAgainAmongTheSitesOffered) {
  ASSERT_TRUE(submit());
  scheduler.next = {{IntentId(0u), {kHub}}};
  scheduler.kept_for_another = kFar;
  idle();
  answer(plan(IntentId(0u), kFar));
  EXPECT_EQ(row().state, IntentState::kPending);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].sites, std::vector<SiteId>({kHub}));
  answer(plan(IntentId(0u), kHub));
  EXPECT_EQ(row().state, IntentState::kPlaced);
  EXPECT_TRUE(scheduler.gave_up.empty());
}

TEST_F(WaitingTest, ATurnThatLeadsNowhereIsGivenBack) {
  ASSERT_TRUE(submit());
  scheduler.next = {{IntentId(0u), {kHub}}};
  scheduler.kept_for_another = kFar;
  idle();
  answer(plan(IntentId(0u), kFar));
  answer(plan(IntentId(0u), kFar));
  ASSERT_EQ(scheduler.gave_up.size(), 1u);
  idle();
  EXPECT_TRUE(asked.empty());
  scheduler.next = {{IntentId(0u), {kHub}}};
  idle();
  answer(Refusal{IntentId(0u), 1, 0, {{ReasonCode::kCpu, kHub, SiteId{}, 500, 0}}});
  ASSERT_EQ(scheduler.gave_up.size(), 2u);
  EXPECT_GT(scheduler.gave_up[1].second, now_us);
  EXPECT_EQ(row().state, IntentState::kRefused) << "people are told why";
  idle(kMinute);
  EXPECT_TRUE(asked.empty()) << "the scheduler says when to try again";
}

TEST_F(WaitingTest, AWithdrawnOrChangedJobLosesItsTurn) {
  ASSERT_TRUE(submit());
  scheduler.next = {{IntentId(0u), {kHub}}};
  idle();
  ASSERT_EQ(asked.size(), 1u);
  turn(Loop::Propose{{{"tenant/city", IntentWithdrawn{IntentId(0u)}}}, [](const Result<Admitted>&) {}});
  answer(plan(IntentId(0u), kHub));
  EXPECT_EQ(row().state, IntentState::kWithdrawn);
  EXPECT_EQ(row().active, nullptr);
}

TEST_F(WaitingTest, WhatWasDecidedOfAnEarlierWishSaysNothingOfThisOne) {
  ASSERT_TRUE(submit());
  scheduler.next = {{IntentId(0u), {kHub}}};
  idle();
  ASSERT_EQ(asked.size(), 1u);
  IntentSpec spec = *row().spec;
  spec.workload.cpu_milli = 600;
  turn(Loop::Propose{{{"tenant/city", IntentSubmitted{{}, TenantId(0u), 0, spec}}}, [](const Result<Admitted>&) {}});
  scheduler.next = {{IntentId(0u), {kHub}}};
  idle();
  answer(Refusal{IntentId(0u), 1, 0, {{ReasonCode::kCpu, kHub, SiteId{}, 500, 0}}});
  EXPECT_TRUE(scheduler.gave_up.empty());
  ASSERT_EQ(asked.size(), 1u) << "the new wish is decided";
}

TEST_F(WaitingTest, ASearchThatEndedTooSoonGoesOnAmongTheSitesOffered) {
  ASSERT_TRUE(submit());
  scheduler.next = {{IntentId(0u), {kHub}}};
  idle();
  const Refusal incomplete{IntentId(0u), 1, 0, {{ReasonCode::kSearchBudget}}};
  answer(incomplete);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].sites, std::vector<SiteId>({kHub}));
  EXPECT_TRUE(scheduler.gave_up.empty());
  answer(incomplete);
  EXPECT_EQ(scheduler.gave_up.size(), 1u);
}

TEST_F(WaitingTest, WhatAWholePlanMustMeetIsLookedAtAgainAmongTheSitesOffered) {
  for (const ReasonCode code : {ReasonCode::kAvailability, ReasonCode::kBudget, ReasonCode::kSpread}) {
    const IntentId id(loop->head().intent_count());
    ASSERT_TRUE(submit());
    scheduler.next = {{id, {kHub}}};
    idle();
    answer(Refusal{id, 1, 0, {{code}}});
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(asked[0].sites, std::vector<SiteId>({kHub}));
    answer(plan(id, kHub));
    EXPECT_EQ(row(id.value).state, IntentState::kPlaced);
  }
  EXPECT_TRUE(scheduler.gave_up.empty());
}

TEST_F(WaitingTest, AJobIsEndedWhenItRanForItsLongestTime) {
  ASSERT_TRUE(submit(WorkKind::kJob, kMinute));
  scheduler.next = {{IntentId(0u), {kHub}}};
  idle();
  answer(plan(IntentId(0u), kHub));
  const RunId run = row().active->run(0);
  const Position version = loop->head().version();
  turn(Loop::Reported{kHub, connection_of(kHub),
                      {Observation{.applied_version = version, .applied_brain_epoch = loop->head().brain_epoch(),
                                   .runs = {{.run = run, .state = RunState::kRunning}}}},
                      {}});
  ASSERT_EQ(row().runs.at(0).state, RunState::kRunning);
  const TimeUs began = row().runs[0].began;
  EXPECT_LE(loop->wake_us(), now_us + kMinute);
  for (TimeUs left = began + kMinute - 1 - now_us; left > 0; left = began + kMinute - 1 - now_us) {
    idle(std::min<TimeUs>(left, 1'000'000));
    ASSERT_EQ(row().state, IntentState::kPlaced);
  }
  // A brain that starts in between knows it too.
  start();
  while (now_us < began + kMinute) idle(500);
  EXPECT_EQ(row().state, IntentState::kWithdrawn);
  EXPECT_FALSE(row().finished);
}

TEST_F(WaitingTest, AJobThatGivesWayStopsAndWaitsForAnotherTurn) {
  ASSERT_TRUE(submit());
  ASSERT_TRUE(submit());
  scheduler.next = {{IntentId(0u), {kHub}}};
  idle();
  answer(plan(IntentId(0u), kHub));
  const Position position = row().active->position;
  const RunId run = row().active->run(0);
  scheduler.give_way = {{.intent = IntentId(0u), .plan = position, .by = IntentId(1u), .why = "priority 1 over 0", .site = kHub}};
  idle();
  EXPECT_EQ(row().state, IntentState::kPending);
  EXPECT_EQ(row().preemptions, 1u);
  ASSERT_EQ(row().retiring.size(), 1u);
  ASSERT_NE(row(1).claim, nullptr);
  EXPECT_EQ(loop->wake_us(), now_us + 1'000) << "it is written before anybody acts on it";
  idle(1'000);
  EXPECT_EQ(state_of(row(), run), RunState::kStopping);
  EXPECT_TRUE(asked.empty()) << "it waits for its turn";
  // The site has stopped it.
  const Position told = loop->head().version();
  turn(Loop::Reported{kHub, connection_of(kHub),
                      {Observation{.applied_version = told + 9, .applied_brain_epoch = loop->head().brain_epoch(),
                                   .runs = {{.run = run, .state = RunState::kExited, .exit_code = 143}},
                                   .settled = true}},
                      {}});
  idle();
  EXPECT_TRUE(row().retiring.empty());
  scheduler.next = {{IntentId(0u), {kFar}}};
  idle();
  answer(plan(IntentId(0u), kFar));
  EXPECT_EQ(row().state, IntentState::kPlaced);
  EXPECT_NE(row().active->run(0), run) << "it begins from the start";
}

TEST_F(WaitingTest, WhatWasBeingDecidedOfAJobThatGaveWayDoesNotCount) {
  ASSERT_TRUE(submit());
  ASSERT_TRUE(submit());
  scheduler.next = {{IntentId(0u), {kHub}}};
  idle();
  answer(plan(IntentId(0u), kHub));
  // Its run is lost, and it is decided on again, when it gives way.
  const RunId run = row().active->run(0);
  const Position position = row().active->position;
  needs = [](const Graph& graph, IntentId id) { return graph.intent(id).state != IntentState::kWithdrawn && id == IntentId(0u); };
  turn(Loop::Reported{kHub, connection_of(kHub),
                      {Observation{.applied_brain_epoch = loop->head().brain_epoch(), .runs = {{.run = run, .state = RunState::kFailed}}}},
                      {}});
  idle();
  ASSERT_EQ(asked.size(), 1u);
  scheduler.give_way = {{.intent = IntentId(0u), .plan = position, .by = IntentId(1u), .why = "", .site = kHub}};
  idle();
  answer(plan(IntentId(0u), kHub));
  EXPECT_EQ(row().active, nullptr);
  EXPECT_EQ(loop->counters().defects, 0u);
}

TEST_F(WaitingTest, ARefusalGivesUpTheRoomThatWasMadeForIt) {
  ASSERT_TRUE(submit());
  ASSERT_TRUE(submit());
  const Refusal refusal{IntentId(1u), 1, 0, {{ReasonCode::kNoPath, kHub, SiteId{}, 0, 0}}};
  scheduler.next = {{IntentId(0u), {kHub}}, {IntentId(1u), {kHub}}};
  idle();
  ASSERT_EQ(asked.size(), 2u);
  answer(refusal);
  answer(plan(IntentId(0u), kHub));
  scheduler.give_way = {{.intent = IntentId(0u), .plan = row().active->position, .by = IntentId(1u), .why = "", .site = kHub}};
  idle();
  ASSERT_NE(row(1).claim, nullptr);
  scheduler.next = {{IntentId(1u), {kHub}}};
  idle();
  answer(refusal);
  EXPECT_EQ(row(1).claim, nullptr) << "also when it is refused for the same as before";
}

TEST_F(WaitingTest, ARateThatIsUsedUpRefusesTheWholeRequest) {
  scheduler.rate = fail(ErrorCode::kExhausted, "too many");
  const auto refused = submit();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(loop->head().intent_count(), 0u);
  ASSERT_TRUE(submit(WorkKind::kService)) << "services do not wait in queues";
}

TEST_F(WaitingTest, TheSchedulerHearsOfEveryEventAndWakesTheLoop) {
  const Position before = loop->head().version();
  const uint64_t noted = scheduler.noted;
  EXPECT_GT(scheduler.restarted_at, 0u);
  ASSERT_TRUE(submit());
  EXPECT_EQ(scheduler.noted - noted, loop->head().version() - before);
  scheduler.wake_at = now_us + 5'000;
  EXPECT_LE(loop->wake_us(), now_us + 5'000);
}

// A link of 10 Mbit/s joins the sites, and a reservation keeps 8 of them for a minute.
class BesideAReservation : public WaitingTest {
 protected:
  void SetUp() override {
    now_us = kMinute;
    describe();
    write(LinkDefined{LinkId(0u), {.name = "wan", .a = VertexId(0u), .b = VertexId(1u), .bandwidth_bps = 10'000'000}});
    Loop::Ports with = ports();
    with.scheduler = &scheduler;
    with.decide = [this](uint64_t ticket, Snapshot snapshot, IntentId intent, const std::vector<SiteId>& sites) {
      seen = std::move(snapshot);
      asked.push_back({ticket, intent, sites});
      return true;
    };
    LoopOfTwoSites::start(std::move(with));
    from = now_us + kMinute;
  }
  Result<Admitted> reserve(const std::string& name, int64_t up_bps, TimeUs begin, TimeUs end) {
    Result<Admitted> result = fail(ErrorCode::kInternal, "no answer");
    turn(Loop::Propose{{{"tenant/city", ReservationDefined{{}, TenantId(0u),
                                                           {.name = name, .site = kHub, .from = begin, .to = end,
                                                            .ingress = kFar, .up_bps = up_bps}}}},
                       [&result](Result<Admitted> answer) { result = std::move(answer); }});
    return result;
  }
  void pass(TimeUs until) {
    while (now_us < until) idle(std::min<TimeUs>(until - now_us, 1'000'000));
  }

  Snapshot seen;
  TimeUs from = 0;
};

TEST_F(BesideAReservation, WhoWasRefusedWhatItKeepsIsTriedAgainWhenTheWindowEnds) {
  ASSERT_TRUE(reserve("night", 8'000'000, from, from + kMinute));
  EXPECT_EQ(reserve("other", 3'000'000, from + 1, from + 2).error().code, ErrorCode::kInfeasible);
  EXPECT_TRUE(reserve("later", 3'000'000, from + kMinute, from + 2 * kMinute));
  ASSERT_TRUE(submit(WorkKind::kService));
  answer(Refusal{IntentId(0u), 1, 0, {{ReasonCode::kBandwidth, kHub, kFar, 5'000'000, 2'000'000}}});
  ASSERT_EQ(row().state, IntentState::kRefused);
  pass(from + kMinute - 1'000'000);
  EXPECT_TRUE(asked.empty());
  EXPECT_LE(loop->wake_us(), from + kMinute);
  const Position before = loop->head().version();
  idle(1'000'000);
  EXPECT_EQ(loop->head().version(), before + 1) << "the end of the window is written, once";
  pass(from + kMinute + 5'000'000);
  EXPECT_EQ(loop->head().version(), before + 1);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(seen->room_bps(LinkId(1u)), 7'000'000) << "the later one keeps its own";
  EXPECT_FALSE(loop->head().reservation(ReservationId(0u)).cancelled);
  EXPECT_EQ(loop->head().kept_end(), from + 2 * kMinute);
}

TEST_F(BesideAReservation, AJobIsDecidedOnAsOfNowHoweverLongNothingHasHappened) {
  ASSERT_TRUE(reserve("night", 8'000'000, from, from + kMinute));
  ASSERT_TRUE(submit());
  pass(from + kMinute / 2);
  ASSERT_LT(loop->head().now(), from);
  scheduler.next = {{IntentId(0u), {kHub}}};
  idle();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_GE(seen->now(), from + kMinute / 2);
  EXPECT_EQ(seen->version(), loop->head().version());
}

TEST_F(BesideAReservation, AFullDiskLeavesTheEndForLater) {
  ASSERT_TRUE(reserve("night", 8'000'000, from, from + kMinute));
  log.limit_space(log.bytes());
  pass(from + kMinute + 2'000'000);
  EXPECT_TRUE(loop->head().keeps_bandwidth());
  EXPECT_GT(loop->wake_us(), now_us + 10'000) << "it does not ask the disk all the time";
  log.limit_space(InMemoryLogStore::kUnlimited);
  pass(now_us + 10'000'000);
  EXPECT_FALSE(loop->head().keeps_bandwidth());
}

}  // namespace
}  // namespace weir
