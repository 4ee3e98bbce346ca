#include "orchestration/plan/reconsider.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "core/graph/promise.h"
#include "infrastructure/solver/clp.h"
#include "orchestration/plan/decide.h"
#include "orchestration/plan/domain_pass.h"

namespace weir {
namespace {

constexpr SiteId kEast(0u), kWest(1u), kDear(2u), kCheap(3u);
constexpr int64_t kMbps = 1'000'000;

// Two places where streams come in, a dear site and a cheap one, around one router.
class ReconsiderTest : public testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({1, "brain", std::move(body)}); }
  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "t"});
    for (const SiteId site : {kEast, kWest, kDear, kCheap}) {
      SiteSpec spec{.name = "s" + std::to_string(site.value), .region = "r" + std::to_string(site.value), .sid = "fd00::" + std::to_string(site.value + 1)};
      spec.availability_ppm = 999'000;
      spec.asks.per_core_hour = site == kCheap ? kCredit : 2 * kCredit;
      add(SiteDefined{site, VertexId(site.value), spec});
      if (site == kDear || site == kCheap) add(NodesReported{site, NodeId(graph.node_count()), {NodeSpec{"n", 8000, 65'536, 0, "", 1000}}});
      add(SiteStateChanged{site, Liveness::kUp, ""});
    }
    add(RouterDefined{VertexId(4u), "core"});
    for (uint32_t site = 0; site < 4; ++site) {
      add(LinkDefined{LinkId(graph.link_count()), {.name = "l" + std::to_string(site), .a = VertexId(site), .b = VertexId(4u), .bandwidth_bps = 1000 * kMbps,
                                                   .latency_us = 1000, .sid_a = "fd00::a", .sid_b = "fd00::b"}});
    }
  }
  // Streams of both places, which keeps it out of the joint problem.
  IntentSpec both() const {
    IntentSpec spec{.name = "i" + std::to_string(graph.intent_count()), .from = {{kEast, 1}, {kWest, 1}}};
    spec.workload.artifact = "a";
    spec.workload.streams_per_instance = 2;
    spec.workload.cpu_milli = 1000;
    spec.workload.memory_mib = 1024;
    spec.traffic = {.up_bps = kMbps, .down_bps = kMbps};
    return spec;
  }
  // At the dear site, whatever it says of places.
  IntentId at_the_dear(IntentSpec spec) {
    const IntentId id(graph.intent_count());
    EXPECT_TRUE(add(IntentSubmitted{id, TenantId(0u), 1, spec}).effect);
    const Decision decision = JointPlanner().decide_among(graph, id, {kDear});
    EXPECT_TRUE(std::holds_alternative<Plan>(decision));
    EXPECT_TRUE(add(PlanCommitted{std::get<Plan>(decision)}).effect);
    return id;
  }
  Reconsidered look(ReconsiderOptions options = {}) { return reconsider(graph, graph.shadow_prices(), {}, cursor, options, cancelled); }
  bool stays(const IntentSpec& spec) {
    at_the_dear(spec);
    const Reconsidered found = look();
    EXPECT_EQ(found.looked, 1u);
    return found.moves.empty();
  }

  Graph graph;
  IntentId cursor{0u};
  std::atomic<bool> cancelled = false;
};

TEST_F(ReconsiderTest, WhatStreamsOfSeveralPlacesShareMovesWhereItIsCheaper) {
  const IntentId intent = at_the_dear(both());
  ASSERT_EQ(graph.intent(intent).active->plan.placements.size(), 1u);
  const Reconsidered found = look();
  EXPECT_EQ(found.looked, 1u);
  ASSERT_EQ(found.moves.size(), 1u);
  const Plan& move = found.moves[0];
  EXPECT_EQ(move.placements[0].site, kCheap);
  EXPECT_EQ(move.flows.size(), 2u);
  EXPECT_EQ(move.basis, graph.version());
  EXPECT_EQ(move.reason, (Reason{ReasonCode::kTogether, kCheap, {}, kCredit, 0}));
  ASSERT_TRUE(verify(graph, move).granted) << verify(graph, move).why;
  ASSERT_TRUE(add(PlanCommitted{move}).effect);
  add(PlanRetired{intent, graph.intent(intent).retiring.at(0)->position});
  const Reconsidered again = look();
  EXPECT_EQ(again.looked, 1u);
  EXPECT_TRUE(again.moves.empty()) << "it stands where it is best";
}

TEST_F(ReconsiderTest, WhatHasABudgetAPromiseOrASpreadMoves) {
  IntentSpec poor = both();
  poor.budget_per_hour_max = 5 * kCredit;
  EXPECT_FALSE(stays(poor));
}
TEST_F(ReconsiderTest, WhatIsPromisedIsKeptThere) {
  IntentSpec available = both();
  available.promise.availability_ppm = 990'000;
  EXPECT_FALSE(stays(available));
  add(SiteDefined{kCheap, VertexId(3u), [this] {
                    SiteSpec worse = graph.site_spec(kCheap);
                    worse.availability_ppm = 980'000;
                    return worse;
                  }()});
  EXPECT_TRUE(look().moves.empty());
}
TEST_F(ReconsiderTest, ASpreadIsKeptThere) {
  IntentSpec apart = both();
  apart.workload.streams_per_instance = 1;
  apart.where.sites_min = 2;
  const IntentId id(graph.intent_count());
  add(IntentSubmitted{id, TenantId(0u), 1, apart});
  const Decision decision = JointPlanner().decide(graph, id);
  ASSERT_TRUE(std::holds_alternative<Plan>(decision));
  add(PlanCommitted{std::get<Plan>(decision)});
  EXPECT_TRUE(look().moves.empty()) << "one at each, however dear";
}

TEST_F(ReconsiderTest, WhereItMayNotBeItDoesNotMove) {
  IntentSpec only = both();
  only.where.only = {kDear};
  EXPECT_TRUE(stays(only));
}

TEST_F(ReconsiderTest, WhatStaysKeepsTheAsksOfItsTime) {
  // One instance at each; then the dear site asks more, and a third one becomes the better second.
  IntentSpec apart = both();
  apart.workload.streams_per_instance = 1;
  apart.where.sites_min = 2;
  const IntentId id(graph.intent_count());
  add(IntentSubmitted{id, TenantId(0u), 1, apart});
  const Decision decision = JointPlanner().decide(graph, id);
  ASSERT_TRUE(std::holds_alternative<Plan>(decision));
  add(PlanCommitted{std::get<Plan>(decision)});
  add(NodesReported{kEast, NodeId(graph.node_count()), {NodeSpec{"n", 8000, 65'536, 0, "", 1000}}});
  const auto ask = [this](SiteId site, Nanocredits per_core_hour) {
    SiteSpec spec = graph.site_spec(site);
    spec.asks.per_core_hour = per_core_hour;
    add(SiteDefined{site, VertexId(site.value), spec});
  };
  ask(kCheap, kCredit + kCredit / 100);
  ask(kDear, 9 * kCredit);
  ask(kEast, kCredit);
  const Reconsidered found = look();
  ASSERT_EQ(found.moves.size(), 1u);
  const Plan& move = found.moves[0];
  EXPECT_TRUE(verify(graph, move).granted) << verify(graph, move).why;
  const auto stays = std::ranges::find_if(move.placements, [](const Placement& p) { return p.continues.valid(); });
  ASSERT_NE(stays, move.placements.end());
  EXPECT_EQ(stays->site, kCheap);
  EXPECT_EQ(stays->asks.per_core_hour, kCredit);
}

TEST_F(ReconsiderTest, NobodyPaysMoreForAMove) {
  at_the_dear(both());  // billed at 2 an hour
  const auto ask = [this](SiteId site, Nanocredits per_core_hour) {
    SiteSpec spec = graph.site_spec(site);
    spec.asks.per_core_hour = per_core_hour;
    add(SiteDefined{site, VertexId(site.value), spec});
  };
  ask(kDear, 9 * kCredit);
  ask(kCheap, 3 * kCredit);
  EXPECT_TRUE(look().moves.empty()) << "its bill is that of when it was placed";
}

TEST_F(ReconsiderTest, ALittleIsNotWorthAMove) {
  at_the_dear(both());
  EXPECT_EQ(look({.move_ppm = 500'000}).moves.size(), 1u) << "it saves half";
  EXPECT_TRUE(look({.move_ppm = 500'001}).moves.empty());
}

TEST_F(ReconsiderTest, WhatIsWorthMoreToOthersIsLeftToThem) {
  at_the_dear(both());
  ShadowPricesRevised prices{.basis = graph.version(), .sites = {{kCheap, 2 * kCredit, 0, 0}}};
  EXPECT_TRUE(reconsider(graph, prices, {}, cursor, {}, cancelled).moves.empty());
  prices.sites[0].per_core_hour = kCredit / 2;
  EXPECT_EQ(reconsider(graph, prices, {}, cursor, {}, cancelled).moves.size(), 1u);
}

TEST_F(ReconsiderTest, NoMoreThanThereIsRoomForBesideWhatIsHeld) {
  for (int i = 0; i < 8; ++i) at_the_dear(both());
  IntentSpec other = both();
  other.workload.cpu_milli = 5000;
  const IntentId id(graph.intent_count());
  add(IntentSubmitted{id, TenantId(0u), 1, other});
  const Decision decision = JointPlanner().decide_among(graph, id, {kCheap});
  ASSERT_TRUE(std::holds_alternative<Plan>(decision));
  add(PlanCommitted{std::get<Plan>(decision)});
  const Reconsidered found = look();
  EXPECT_EQ(found.looked, 9u);
  EXPECT_EQ(found.moves.size(), 3u);
  for (const Plan& move : found.moves) {
    EXPECT_TRUE(verify(graph, move).granted) << verify(graph, move).why;
    ASSERT_TRUE(add(PlanCommitted{move}).effect);
  }
}

TEST_F(ReconsiderTest, MovesOfTheJointPassAreMadeBefore) {
  at_the_dear(both());
  IntentSpec large = both();
  large.from = {{kEast, 1}};
  large.workload.cpu_milli = 7500;
  const IntentId one(graph.intent_count());
  add(IntentSubmitted{one, TenantId(0u), 1, large});
  const Decision decision = JointPlanner().decide_among(graph, one, {kCheap});
  ASSERT_TRUE(std::holds_alternative<Plan>(decision));
  const std::vector<Plan> first = {std::get<Plan>(decision)};
  EXPECT_TRUE(reconsider(graph, graph.shadow_prices(), first, cursor, {}, cancelled).moves.empty());
}

TEST_F(ReconsiderTest, AllHaveTheirTurn) {
  for (int i = 0; i < 6; ++i) at_the_dear(both());
  std::set<IntentId> moved;
  for (int turn = 0; turn < 3; ++turn) {
    const Reconsidered found = look({.looks_max = 2});
    EXPECT_EQ(found.looked, 2u);
    for (const Plan& move : found.moves) moved.insert(move.intent);
  }
  EXPECT_EQ(moved.size(), 6u);
  EXPECT_EQ(look({.looks_max = 0}).looked, 0u);
  cancelled = true;
  EXPECT_EQ(look().looked, 0u);
}

TEST_F(ReconsiderTest, JobsAndWhatTheJointPassPlacesAreNotLookedAt) {
  IntentSpec alone = both();
  alone.from = {{kEast, 1}};
  at_the_dear(alone);
  IntentSpec job = both();
  job.from.clear();
  job.workload.kind = WorkKind::kJob;
  at_the_dear(job);
  EXPECT_EQ(look().looked, 0u);
}

TEST_F(ReconsiderTest, ThePeriodicPassAdvisesThem) {
  const IntentId intent = at_the_dear(both());
  ClpSolver solver;
  PeriodicPass pass(solver);
  const auto advice = pass.run(graph);
  ASSERT_TRUE(advice) << advice.error().text();
  ASSERT_EQ(advice->moves.size(), 1u);
  EXPECT_EQ(advice->moves[0].intent, intent);
  EXPECT_EQ(advice->prices.moves, 1);
  EXPECT_EQ(advice->prices.items, 0);
}

// Whatever stands anywhere: moves are granted one after another, each makes the whole cheaper, and they come to an end.
RC_GTEST_FIXTURE_PROP(ReconsiderTest, MovesMakeTheWholeCheaperUntilNothingIsToGain, ()) {
  graph = {};
  SetUp();
  const int count = *rc::gen::inRange(1, 8);
  for (int i = 0; i < count; ++i) {
    IntentSpec spec = both();
    spec.from[0].streams = *rc::gen::inRange(1, 5);
    spec.from[1].streams = *rc::gen::inRange(1, 5);
    spec.workload.streams_per_instance = *rc::gen::inRange(1, 4);
    spec.workload.cpu_milli = *rc::gen::inRange(1, 5) * 500;
    spec.where.sites_min = *rc::gen::inRange(0, 3);
    spec.promise.availability_ppm = *rc::gen::element(0, 0, 990'000);
    const IntentId id(graph.intent_count());
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    const SiteId site = *rc::gen::element(kDear, kCheap);
    Decision decision = JointPlanner().decide_among(graph, id, {site});
    if (std::holds_alternative<Refusal>(decision)) decision = JointPlanner().decide(graph, id);
    if (const auto* plan = std::get_if<Plan>(&decision)) add(PlanCommitted{*plan});
  }
  const auto whole = [this] {
    Nanocredits sum = 0;
    for (size_t i = 0; i < graph.intent_count(); ++i) {
      const auto& active = graph.intent(IntentId(i)).active;
      if (active) sum += plan_totals(graph, *active->spec, active->plan).billed_per_hour;
    }
    return sum;
  };
  int rounds = 0;
  for (;; ++rounds) {
    RC_ASSERT(rounds < 20);
    const Reconsidered found = look({.move_ppm = 0});
    if (found.moves.empty()) break;
    for (const Plan& move : found.moves) {
      const Nanocredits before = whole();
      if (!verify(graph, move).granted) continue;  // one made before took the room beside it
      RC_ASSERT(add(PlanCommitted{move}).effect);
      RC_ASSERT(whole() <= before - move.reason.needed);
    }
    for (size_t i = 0; i < graph.intent_count(); ++i) {
      while (!graph.intent(IntentId(i)).retiring.empty()) add(PlanRetired{IntentId(i), graph.intent(IntentId(i)).retiring.front()->position});
    }
  }
}

}  // namespace
}  // namespace weir
