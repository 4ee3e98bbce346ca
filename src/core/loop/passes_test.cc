#include <gtest/gtest.h>

#include "core/event/codec.h"
#include "core/ledger/memory_log_store.h"
#include "core/loop/loop.h"

namespace weir {
namespace {

constexpr SiteId kHub(0u), kFar(1u);
constexpr TimeUs kSecond = 1'000'000;

// Two sites of one node each, and services that a pass may move between them.
class PassesTest : public testing::Test, public Clock, public Wire {
 protected:
  TimeUs wall_us() override { return now_us; }
  TimeUs steady_us() override { return now_us; }
  void send(const SiteDirective& directive) override { sent[directive.site] = directive; }
  void drop(SiteId) override {}

  void start(const LoopOptions& options) {
    auto made = Loop::start({.clock = *this,
                             .log = log,
                             .wire = *this,
                             .decide =
                                 [this](uint64_t ticket, Snapshot, IntentId intent, const std::vector<SiteId>&) {
                                   decisions.push_back({ticket, intent});
                                   return true;
                                 },
                             .needs_decision =
                                 [](const Graph& graph, IntentId id) {
                                   return graph.intent(id).state != IntentState::kWithdrawn && !graph.intent(id).active;
                                 },
                             .publish = [](Snapshot) {},
                             .scheduler = nullptr,
                             .advise =
                                 [this](uint64_t ticket, Snapshot snapshot) {
                                   passes.push_back({ticket, std::move(snapshot)});
                                 }},
                            options, "test", DomainCreated{.name = "test"});
    ASSERT_TRUE(made) << made.error().text();
    loop = std::move(*made);
    for (const SiteId site : {kHub, kFar}) turn(Loop::Attached{site, ++connection, {.version = "t"}});
  }
  void write(EventBody body) {
    std::vector<std::byte> bytes;
    encode(Event{1, "test", std::move(body)}, bytes);
    const Bytes record(bytes);
    ASSERT_TRUE(log.append({&record, 1}, LogStore::Urgency::kOrdinary));
    ASSERT_TRUE(log.flush());
  }
  void SetUp() override {
    write(DomainCreated{.name = "test"});
    write(TenantDefined{TenantId(0u), "city"});
    for (const SiteId site : {kHub, kFar}) {
      write(SiteDefined{site, VertexId(site.value), {.name = "s" + std::to_string(site.value)}});
      write(NodesReported{site, NodeId(site.value), {NodeSpec{"n", 4000, 4096, 0, "", 1000}}});
    }
    start({.pass_us = 10 * kSecond, .moves_under_way_max = 1, .move_patience_us = 20 * kSecond, .move_dwell_us = 60 * kSecond});
  }
  void turn(Loop::Message message) {
    now_us += 1000;
    std::vector<Loop::Message> messages;
    messages.push_back(std::move(message));
    ASSERT_TRUE(loop->turn(std::move(messages)));
  }
  void idle(TimeUs us) {
    for (const TimeUs end = now_us + us; now_us < end;) {
      now_us = std::min(end, now_us + kSecond / 2);
      ASSERT_TRUE(loop->turn({Loop::Heartbeat{kHub, connection - 1}, Loop::Heartbeat{kFar, connection}}));
    }
  }
  // Every site does at once as it was told.
  void obey() {
    for (int round = 0; round < 4; ++round) {
      for (const auto& [site, directive] : sent) {
        Observation seen{.applied_version = directive.version, .applied_brain_epoch = directive.brain_epoch, .settled = true};
        for (const auto& run : directive.runs) seen.runs.push_back({.run = run.run, .state = RunState::kRunning, .ready = true});
        turn(Loop::Reported{site, connection - 1 + site.value, {seen}, {}});
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
      turn(Loop::Decided{decisions.back().first, id, plan(loop->head(), id, site)});
      EXPECT_NE(loop->head().intent(id).active, nullptr);
      obey();
    }
    return id;
  }
  // The pass that is due, answered.
  void answer(std::vector<std::pair<IntentId, SiteId>> moves) {
    const size_t before = passes.size();
    idle(10 * kSecond);
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

  InMemoryLogStore log;
  TimeUs now_us = kSecond;
  uint64_t connection = 0;
  std::map<SiteId, SiteDirective> sent;
  std::vector<std::pair<uint64_t, IntentId>> decisions;
  std::vector<std::pair<uint64_t, Snapshot>> passes;
  std::unique_ptr<Loop> loop;
};

TEST_F(PassesTest, OnePassAtATimeAndNoneWhereNothingHappened) {
  idle(9 * kSecond);
  EXPECT_TRUE(passes.empty());
  idle(2 * kSecond);
  ASSERT_EQ(passes.size(), 1u);
  idle(30 * kSecond);
  EXPECT_EQ(passes.size(), 1u);  // it has not come back
  turn(Loop::Advised{passes[0].first, DomainAdvice{{.basis = passes[0].second->version(), .bound = 5, .after = 6}, {}}});
  EXPECT_EQ(loop->head().shadow_prices().bound, 5);
  // It took half a minute: the next may come in four and a half, and only if there is anything new.
  idle(200 * kSecond);
  EXPECT_EQ(passes.size(), 1u);
  idle(200 * kSecond);
  EXPECT_EQ(passes.size(), 1u);
  place({});
  idle(11 * kSecond);
  EXPECT_EQ(passes.size(), 2u);
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
  idle(60 * kSecond);
  const size_t before = passes.size();
  turn(Loop::Advised{passes.back().first, DomainAdvice{{.basis = passes.back().second->version(), .bound = 7, .after = 7}, {}}});
  place({});
  answer({{intent, kHub}});
  EXPECT_EQ(site_of(intent), kHub) << before;
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
  idle(kSecond);
  EXPECT_EQ(site_of(first), kFar);
  EXPECT_EQ(loop->counters().moves_given_up, 1u);  // of what was withdrawn
}

TEST_F(PassesTest, MovesThatFindNoRoomAreGivenUpInTime) {
  const IntentId first = place(kHub), second = place(kFar);
  answer({{first, kFar}});
  idle(21 * kSecond);
  EXPECT_EQ(loop->counters().moves_given_up, 1u);
  turn(Loop::Propose{{{"tenant/city", IntentWithdrawn{second}}}, [](Result<Admitted>) {}});
  obey();
  EXPECT_EQ(site_of(first), kHub);
}

TEST_F(PassesTest, AdviceOnWhatChangedSinceIsNotTaken) {
  const IntentId intent = place(kHub);
  idle(10 * kSecond);
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
  turn(Loop::Decided{decisions.back().first, intent, Refusal{intent, 1, loop->head().version(), {{ReasonCode::kCpu}}}});
  EXPECT_EQ(loop->head().intent(intent).state, IntentState::kRefused);
  answer({{intent, kFar}});
  EXPECT_EQ(site_of(intent), kFar);
}

TEST_F(PassesTest, AFailedPassIsTriedAgainLater) {
  idle(11 * kSecond);
  ASSERT_EQ(passes.size(), 1u);
  turn(Loop::Advised{passes[0].first, fail(ErrorCode::kInternal, "no optimum")});
  EXPECT_EQ(loop->counters().pass_failures, 1u);
  EXPECT_EQ(loop->head().shadow_prices().basis, 0u);
  idle(11 * kSecond);
  EXPECT_EQ(passes.size(), 2u);
}

}  // namespace
}  // namespace weir
