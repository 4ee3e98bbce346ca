#include "orchestration/plan/domain_pass.h"

#include <gtest/gtest.h>

#include "core/event/limits.h"
#include "infrastructure/solver/clp.h"
#include "orchestration/plan/decide.h"

namespace weir {
namespace {

constexpr SiteId kCity(0u), kDear(1u), kCheap(2u);
constexpr int64_t kMbps = 1'000'000;

// Cameras in a city, and two sites that can serve them, over any of three routers.
class DomainPassTest : public testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({1, "brain", std::move(body)}); }
  void SetUp() override {
    add(DomainCreated{.name = "d", .scarcity_core_hour = kCredit});
    add(TenantDefined{TenantId(0u), "t"});
    for (const SiteId site : {kCity, kDear, kCheap}) {
      SiteSpec spec{.name = "s" + std::to_string(site.value), .sid = "fd00::" + std::to_string(site.value + 1)};
      spec.asks.per_core_hour = site == kCheap ? kCredit : 2 * kCredit;
      add(SiteDefined{site, VertexId(site.value), spec});
      if (site != kCity) {
        add(NodesReported{site, NodeId(site.value - 1), {NodeSpec{"n", 4000, 65'536, 0, "", 1000}}});
      }
      add(SiteStateChanged{site, Liveness::kUp, ""});
    }
    for (uint32_t r = 3; r < 6; ++r) {
      add(RouterDefined{VertexId(r), "r" + std::to_string(r)});
      link(0, r, 1000), link(r, 1, 100), link(r, 2, 100);
    }
  }
  void link(uint32_t a, uint32_t b, int64_t mbps) {
    const LinkId id(graph.link_count());
    add(LinkDefined{id, {.name = "l" + std::to_string(id.value), .a = VertexId(a), .b = VertexId(b),
                         .bandwidth_bps = mbps * kMbps, .latency_us = 1000, .sid_a = "fd00::a", .sid_b = "fd00::b"}});
  }
  IntentId submit(int32_t cpu_milli, int64_t mbps) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "i" + std::to_string(id.value), .from = {{kCity, 1}}};
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = cpu_milli;
    spec.workload.memory_mib = 1024;
    spec.traffic = {.up_bps = mbps * kMbps, .down_bps = kMbps};
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    return id;
  }
  void decide(IntentId intent, const std::vector<SiteId>& sites = {}) {
    const Decision decision = sites.empty() ? JointPlanner().decide(graph, intent) : JointPlanner().decide_among(graph, intent, sites);
    ASSERT_TRUE(std::holds_alternative<Plan>(decision));
    ASSERT_TRUE(add(PlanCommitted{std::get<Plan>(decision)}).effect);
  }
  Graph graph;
  ClpSolver solver;
};

TEST_F(DomainPassTest, MovesWhatIsCheaperElsewhereAndSaysWhatItSaves) {
  const IntentId intent = submit(1000, 1);
  decide(intent, {kDear});
  PeriodicPass pass(solver);
  const auto advice = pass.run(graph);
  ASSERT_TRUE(advice) << advice.error().text();
  ASSERT_EQ(advice->moves.size(), 1u);
  const Plan& move = advice->moves[0];
  EXPECT_EQ(move.placements[0].site, kCheap);
  EXPECT_EQ(move.reason, (Reason{ReasonCode::kTogether, kCheap, {}, kCredit, 0}));
  EXPECT_TRUE(verify(graph, move).granted) << verify(graph, move).why;
  EXPECT_EQ(advice->prices.basis, graph.version());
  EXPECT_EQ(advice->prices.moves, 1);
  EXPECT_EQ(advice->prices.items, 1);
  EXPECT_EQ(advice->prices.before - advice->prices.after, kCredit);
  EXPECT_LE(advice->prices.bound, advice->prices.after);
  add(PlanCommitted{move});
  const auto again = pass.run(graph);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->moves.empty());
}

TEST_F(DomainPassTest, AnotherPathLeavesTheInstanceWhereItRuns) {
  const IntentId intent = submit(3000, 10);  // of 4 cores: a second would not fit beside it
  decide(intent, {kCheap});
  const Flow flow = graph.intent(intent).active->plan.flows[0];
  const LinkId first = LinkId(flow.path[0].value / 2 * 2);
  LinkSpec dearer = graph.link_spec(first);
  dearer.per_gbps_hour = 100 * kCredit;
  add(LinkDefined{first, dearer});
  PeriodicPass pass(solver);
  const auto advice = pass.run(graph);
  ASSERT_TRUE(advice) << advice.error().text();
  ASSERT_EQ(advice->moves.size(), 1u);
  const Plan& move = advice->moves[0];
  EXPECT_EQ(move.placements[0].continues, graph.intent(intent).active->run(0));
  EXPECT_NE(move.flows[0].path, flow.path);
  EXPECT_TRUE(verify(graph, move).granted) << verify(graph, move).why;
  EXPECT_EQ(advice->prices.before - advice->prices.after, move.reason.needed);
}

TEST(JointSteps, AreTakenAsFarAsTheySaveTogether) {
  const auto takes = [](Nanocredits saves) { return JointStep{JointStep::Kind::kTake, {}, {}, saves}; };
  const JointStep leaves{JointStep::Kind::kLeave, {}, {}, 0};
  const auto count = [](const std::vector<JointStep>& steps) { return worthwhile(steps).size(); };
  EXPECT_EQ(count({}), 0u);
  EXPECT_EQ(count({takes(-1), leaves, takes(100)}), 0u);
  EXPECT_EQ(count({takes(5), takes(-1), takes(3), takes(-2), leaves, takes(100)}), 3u);
  EXPECT_EQ(count({takes(5), takes(-1)}), 1u);
  EXPECT_EQ(count({takes(-1), takes(1), takes(1)}), 3u);
}

// The cheap site has room for four of eight: what one core more there would save is what the dear one asks more.
TEST_F(DomainPassTest, ShadowPricesSayWhatIsScarceWhere) {
  for (int i = 0; i < 8; ++i) decide(submit(1000, 1));
  PeriodicPass pass(solver);
  const auto advice = pass.run(graph);
  ASSERT_TRUE(advice) << advice.error().text();
  ASSERT_EQ(advice->prices.sites.size(), 1u);
  EXPECT_EQ(advice->prices.sites[0].site, kCheap);
  EXPECT_GE(advice->prices.sites[0].per_core_hour, kCredit / 2);
  ASSERT_TRUE(add(advice->prices).effect);
  EXPECT_EQ(graph.shadow_prices().items, 8);
}

TEST_F(DomainPassTest, WhereNothingIsToMoveTrafficLeavesACrowdedLink) {
  // A promise of availability keeps them out of the joint pass.
  const auto crowd = [this] {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "i" + std::to_string(id.value), .from = {{kCity, 1}}};
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = 100;
    spec.workload.memory_mib = 10;
    spec.traffic = {.up_bps = 40 * kMbps, .down_bps = kMbps};
    spec.promise.availability_ppm = 1;
    spec.where.only = {kCheap};
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    decide(id);
    return id;
  };
  const IntentId one = crowd(), two = crowd();
  ASSERT_EQ(graph.intent(one).active->plan.flows[0].path, graph.intent(two).active->plan.flows[0].path)
      << "without a price of scarcity on links both take the first of equals";
  PeriodicPass pass(solver, {.rebalance = {.utilisation_ppm_min = 500'000}});
  const auto advice = pass.run(graph);
  ASSERT_TRUE(advice) << advice.error().text();
  EXPECT_EQ(advice->prices.items, 0);
  ASSERT_EQ(advice->moves.size(), 1u);
  const Plan& move = advice->moves[0];
  EXPECT_EQ(move.reason, (Reason{ReasonCode::kRerouted, kCheap, kCity, 800'000, 400'000}));
  EXPECT_TRUE(move.placements[0].continues.valid());
  EXPECT_TRUE(verify(graph, move).granted) << verify(graph, move).why;
}

// Half of either node is taken: nothing as large as a node fits any more, until one of them is empty.
TEST_F(DomainPassTest, WhereNothingElseIsToDoWhatIsFreeComesTogether) {
  add(NodesReported{kCheap, NodeId(2u), {NodeSpec{"n", 4000, 65'536, 0, "", 1000}, NodeSpec{"m", 4000, 65'536, 0, "", 1000}}});
  const auto at = [this](int32_t cpu_milli, NodeId node) {
    const IntentId id = submit(cpu_milli, 1);
    Decision decision = JointPlanner().decide_among(graph, id, {kCheap});
    Plan& plan = std::get<Plan>(decision);
    plan.placements[0].node = node;
    const Position position = graph.version();
    ASSERT_TRUE(add(PlanCommitted{plan}).effect);
    add(RunStateChanged{RunId{position, 0}, id, RunState::kRunning, 0, ""});
  };
  at(2000, NodeId(1u));
  at(1500, NodeId(2u));
  submit(3500, 1);  // of the mix; it waits
  for (int i = 0; i < 3; ++i) submit(4000, 1);
  PeriodicPass pass(solver, {.joint = {.worth = {}}});
  const auto advice = pass.run(graph);
  ASSERT_TRUE(advice) << advice.error().text();
  ASSERT_EQ(advice->moves.size(), 1u);
  const Plan& move = advice->moves[0];
  EXPECT_EQ(move.reason.code, ReasonCode::kConsolidated);
  EXPECT_GT(move.reason.needed, 0);
  EXPECT_FALSE(move.placements[0].continues.valid());
  EXPECT_TRUE(verify(graph, move).granted) << verify(graph, move).why;
}

// What a site held before it offered less is no assignment that the bound forgets.
TEST_F(DomainPassTest, WhatIsHeldMayStayWhereLessIsOfferedSince) {
  for (int i = 0; i < 4; ++i) decide(submit(1000, 1), {kCheap});
  add(NodesReported{kCheap, NodeId(1u), {NodeSpec{"n", 2000, 65'536, 0, "", 1000}}});
  PeriodicPass pass(solver);
  const auto advice = pass.run(graph);
  ASSERT_TRUE(advice) << advice.error().text();
  EXPECT_EQ(advice->prices.served_after, 4);
  EXPECT_LE(advice->prices.bound, advice->prices.after);
  EXPECT_LE(advice->prices.after, advice->prices.before);
}

TEST_F(DomainPassTest, IsCancelled) {
  decide(submit(1000, 1));
  PeriodicPass pass(solver);
  pass.cancel();
  const auto advice = pass.run(graph);
  ASSERT_FALSE(advice);
  EXPECT_EQ(advice.error().code, ErrorCode::kUnavailable);
}

TEST(Quantised, KeepsThreeSignificantBits) {
  EXPECT_EQ(quantised(0), 0);
  EXPECT_EQ(quantised(999), 0);
  EXPECT_EQ(quantised(1000), 1024);
  EXPECT_EQ(quantised(1'151), 1024);
  EXPECT_EQ(quantised(1'152), 1280);
  EXPECT_EQ(quantised(1'000'000'000'000'000'000), limits::kMoneyMax);
}

}  // namespace
}  // namespace weir
