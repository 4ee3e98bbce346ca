#include <gtest/gtest.h>

#include "core/loop/loop_for_test.h"

namespace weir {
namespace {

constexpr TimeUs kSecond = 1'000'000;

// Services that a pass may move between the two sites.
class PassesTest : public LoopOfTwoSites {
 protected:
  void send(const SiteDirective& directive) override { sent[directive.site] = directive; }

  void SetUp() override {
    describe();
    Loop::Ports with = ports();
    with.advise = [this](uint64_t ticket, Snapshot snapshot) { passes.push_back({ticket, std::move(snapshot)}); };
    start(std::move(with),
          {.pass_us = 10 * kSecond, .moves_under_way_max = 1, .move_patience_us = 20 * kSecond, .move_dwell_us = 60 * kSecond});
  }
  // A word from both every half a second.
  void wait(TimeUs us) {
    for (const TimeUs end = now_us + us; now_us < end;) idle(std::min(kSecond / 2, end - now_us));
  }
  // Every site does at once as it was told.
  void obey() {
    for (int round = 0; round < 4; ++round) {
      for (const auto& [site, directive] : sent) {
        Observation seen{.applied_version = directive.version, .applied_brain_epoch = directive.brain_epoch, .settled = true};
        for (const auto& run : directive.runs) seen.runs.push_back({.run = run.run, .state = RunState::kRunning, .ready = true});
        turn(Loop::Reported{site, connection_of(site), {seen}, {}});
      }
    }
  }
  static Plan plan(const Graph& graph, IntentId intent, SiteId site) {
    const IntentRow& row = graph.intent(intent);
    Plan plan{.intent = intent, .generation = row.generation, .basis = graph.version()};
    plan.placements = {{.site = site, .node = NodeId(site.value), .cpu_milli = 2500}};
    plan.availability_ppm = 1'000'000;
    return plan;
  }
  IntentId place(SiteId site) {
    IntentSpec spec{.name = "i" + std::to_string(loop->head().intent_count())};
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = 2500;
    const IntentId id(loop->head().intent_count());
    turn(Loop::Propose{{{"tenant/city", IntentSubmitted{{}, TenantId(0u), 0, spec}}}, [](Result<Admitted> answer) {
                         ASSERT_TRUE(answer) << answer.error().text();
                       }});
    if (site.valid()) {
      turn(Loop::Decided{asked.back().ticket, id, plan(loop->head(), id, site)});
      EXPECT_NE(loop->head().intent(id).active, nullptr);
      obey();
    }
    return id;
  }
  // The pass that is due, answered.
  void answer(std::vector<std::pair<IntentId, SiteId>> moves) {
    const size_t before = passes.size();
    wait(10 * kSecond);
    ASSERT_EQ(passes.size(), before + 1);
    const Graph& seen = *passes.back().second;
    DomainAdvice advice{{.basis = seen.version(), .bound = 5, .after = 6}, {}};
    for (const auto& [intent, site] : moves) advice.moves.push_back(plan(seen, intent, site));
    turn(Loop::Advised{passes.back().first, std::move(advice)});
  }
  SiteId site_of(IntentId intent) const {
    const auto& active = loop->head().intent(intent).active;
    return active ? active->plan.placements[0].site : SiteId();
  }

  std::map<SiteId, SiteDirective> sent;
  std::vector<std::pair<uint64_t, Snapshot>> passes;
};

TEST_F(PassesTest, OnePassAtATimeAndNoneWhereNothingHappened) {
  wait(9 * kSecond);
  EXPECT_TRUE(passes.empty());
  wait(2 * kSecond);
  ASSERT_EQ(passes.size(), 1u);
  wait(30 * kSecond);
  EXPECT_EQ(passes.size(), 1u);  // it has not come back
  turn(Loop::Advised{passes[0].first, DomainAdvice{{.basis = passes[0].second->version(), .bound = 5, .after = 6}, {}}});
  EXPECT_EQ(loop->head().shadow_prices().bound, 5);
  // It took half a minute: the next may come in four and a half, and only if there is anything new.
  wait(200 * kSecond);
  EXPECT_EQ(passes.size(), 1u);
  wait(200 * kSecond);
  EXPECT_EQ(passes.size(), 1u);
  place({});
  wait(11 * kSecond);
  EXPECT_EQ(passes.size(), 2u);
}

TEST_F(PassesTest, WhatHappensDuringAPassIsLookedAtByTheNext) {
  wait(11 * kSecond);
  ASSERT_EQ(passes.size(), 1u);
  place({});
  turn(Loop::Advised{passes[0].first, DomainAdvice{{.basis = passes[0].second->version(), .bound = 5, .after = 6}, {}}});
  wait(20 * kSecond);
  ASSERT_EQ(passes.size(), 2u);
  EXPECT_EQ(passes[1].second->intent_count(), 1u);
}

TEST_F(PassesTest, AMoveIsMadeBeforeWhatItReplacesIsBroken) {
  const IntentId intent = place(kHub);
  answer({{intent, kFar}});
  EXPECT_EQ(site_of(intent), kFar);
  EXPECT_EQ(loop->head().intent(intent).retiring.size(), 1u);
  EXPECT_EQ(loop->counters().moves, 1u);
  obey();
  EXPECT_TRUE(loop->head().intent(intent).retiring.empty());
}

TEST_F(PassesTest, WhatMovedStaysForAWhile) {
  const IntentId intent = place(kHub);
  answer({{intent, kFar}});
  obey();
  answer({{intent, kHub}});
  EXPECT_EQ(site_of(intent), kFar);
  EXPECT_EQ(loop->counters().moves_given_up, 1u);
  wait(60 * kSecond);
  turn(Loop::Advised{passes.back().first, DomainAdvice{{.basis = passes.back().second->version(), .bound = 7, .after = 7}, {}}});
  place({});
  answer({{intent, kHub}});
  EXPECT_EQ(site_of(intent), kHub);
}

TEST_F(PassesTest, AMoveWaitsForTheRoomThatAnEarlierOneLeaves) {
  const IntentId first = place(kHub), second = place(kFar);
  // There is no room at either for a second of 2.5 of 4 cores: neither can go first.
  answer({{first, kFar}, {second, kHub}});
  EXPECT_EQ(site_of(first), kHub);
  EXPECT_EQ(site_of(second), kFar);
  EXPECT_EQ(loop->counters().moves_given_up, 0u);
  turn(Loop::Propose{{{"tenant/city", IntentWithdrawn{second}}}, [](Result<Admitted>) {}});
  obey();
  wait(kSecond);
  EXPECT_EQ(site_of(first), kFar);
  EXPECT_EQ(loop->counters().moves_given_up, 1u);  // of what was withdrawn
}

TEST_F(PassesTest, MovesThatFindNoRoomAreGivenUpInTime) {
  const IntentId first = place(kHub), second = place(kFar);
  answer({{first, kFar}});
  wait(21 * kSecond);
  EXPECT_EQ(loop->counters().moves_given_up, 1u);
  turn(Loop::Propose{{{"tenant/city", IntentWithdrawn{second}}}, [](Result<Admitted>) {}});
  obey();
  EXPECT_EQ(site_of(first), kHub);
}

TEST_F(PassesTest, AdviceOnWhatChangedSinceIsNotTaken) {
  const IntentId intent = place(kHub);
  wait(10 * kSecond);
  ASSERT_EQ(passes.size(), 1u);
  const Graph& seen = *passes[0].second;
  DomainAdvice advice{{.basis = seen.version()}, {plan(seen, intent, kFar)}};
  IntentSpec spec = *loop->head().intent(intent).spec;
  spec.workload.cpu_milli = 1000;
  turn(Loop::Propose{{{"tenant/city", IntentSubmitted{intent, TenantId(0u), 0, spec}}}, [](Result<Admitted>) {}});
  turn(Loop::Advised{passes[0].first, advice});
  EXPECT_EQ(site_of(intent), kHub);
  EXPECT_EQ(loop->counters().moves_given_up, 1u);
  // What is ill-formed, comes twice or was not asked for says nothing either.
  turn(Loop::Advised{passes[0].first, advice});
  turn(Loop::Advised{99, advice});
  EXPECT_EQ(loop->counters().moves_given_up, 1u);
}

TEST_F(PassesTest, AdmitsWhatWasRefused) {
  const IntentId intent = place({});
  turn(Loop::Decided{asked.back().ticket, intent, Refusal{intent, 1, loop->head().version(), {{ReasonCode::kCpu}}}});
  EXPECT_EQ(loop->head().intent(intent).state, IntentState::kRefused);
  answer({{intent, kFar}});
  EXPECT_EQ(site_of(intent), kFar);
}

TEST_F(PassesTest, AFailedPassIsTriedAgainLater) {
  wait(11 * kSecond);
  ASSERT_EQ(passes.size(), 1u);
  turn(Loop::Advised{passes[0].first, fail(ErrorCode::kInternal, "no optimum")});
  EXPECT_EQ(loop->counters().pass_failures, 1u);
  EXPECT_EQ(loop->head().shadow_prices().basis, 0u);
  wait(11 * kSecond);
  EXPECT_EQ(passes.size(), 2u);
}

}  // namespace
}  // namespace weir
