#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "orchestration/placement/site_offer.h"
#include "orchestration/plan/decide.h"

namespace weir {
namespace {

// Sites without links between them, of two nodes each; ordinary work has some of it, of which some is reclaimed.
class BestEffortPlans : public testing::Test {
 protected:
  void add(EventBody body) { ASSERT_TRUE(graph.apply({1, "t", std::move(body)}).effect); }
  void SetUp() override {
    graph = Graph();
    add(DomainCreated{.name = "d", .scarcity_core_hour = 64 * kCredit, .scarcity_gib_hour = kCredit});
    add(TenantDefined{TenantId(0u), "city"});
  }
  SiteId site(Nanocredits core_hour, int32_t best_effort_asks_milli, int32_t cpu_milli = 8000) {
    const SiteId id(graph.site_count());
    SiteSpec spec{.name = "s" + std::to_string(id.value)};
    spec.asks.per_core_hour = core_hour;
    spec.best_effort_asks_milli = best_effort_asks_milli;
    add(SiteDefined{id, VertexId(id.value), spec});
    const NodeSpec node{.name = "n", .cpu_milli = cpu_milli, .memory_mib = 8192};
    add(NodesReported{id, NodeId(2 * id.value), {node, node}});
    add(SiteStateChanged{id, Liveness::kUp, ""});
    return id;
  }
  IntentId submit(int32_t cpu_milli, bool best_effort, int32_t instances = 0) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "i" + std::to_string(id.value)};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = cpu_milli;
    spec.workload.memory_mib = 1024;
    spec.workload.best_effort = best_effort;
    spec.schedule.instances = instances;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    return id;
  }
  void reserve(NodeId node, int32_t cpu_milli) {
    const IntentId id = submit(cpu_milli, false);
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    plan.placements.push_back({.site = graph.node(node).site, .node = node, .cpu_milli = cpu_milli, .memory_mib = 1024, .continues = {}});
    add(PlanCommitted{plan});
  }
  void reclaim(NodeId node, int32_t cpu_milli) { add(ReclaimableMeasured{graph.node(node).site, {{node, cpu_milli, 0}}}); }

  Graph graph;
  JointPlanner planner;
};

TEST_F(BestEffortPlans, GoWhereOthersLeaveRoomAndPayNoScarcity) {
  const SiteId full = site(kCredit, 300), dear = site(2 * kCredit, 0);
  reserve(NodeId(0u), 8000);
  reserve(NodeId(1u), 8000);
  const IntentId ordinary = submit(2000, false), spare = submit(2000, true);
  // The same amounts at the same prices, but for the class: what is remembered of one is not taken for the other.
  for (int round = 0; round < 2; ++round) {
    for (const IntentId id : {ordinary, spare}) {
      const auto plan = std::get<Plan>(planner.decide(graph, id));
      EXPECT_EQ(plan.placements[0].site, dear);
      EXPECT_EQ(plan.placements[0].best_effort, id == spare);
      EXPECT_EQ(plan.placements[0].asks.per_core_hour, 2 * kCredit);
      EXPECT_TRUE(verify(graph, plan).granted) << verify(graph, plan).why;
    }
    reclaim(NodeId(0u), 1999);
  }
  reclaim(NodeId(0u), 2000);
  const auto plan = std::get<Plan>(planner.decide(graph, spare));
  EXPECT_EQ(plan.placements[0].site, full);
  EXPECT_EQ(plan.placements[0].node, NodeId(0u));
  EXPECT_EQ(plan.billed_per_hour, 2 * kCredit * 3 / 10);
  EXPECT_EQ(plan.decision_price, plan.billed_per_hour) << "it takes nothing that anybody else could want";
  EXPECT_TRUE(verify(graph, plan).granted) << verify(graph, plan).why;
  EXPECT_EQ(std::get<Plan>(planner.decide(graph, ordinary)).placements[0].site, dear);
}

TEST_F(BestEffortPlans, SayWhatIsToSpare) {
  const SiteId hub = site(kCredit, 0);
  reserve(NodeId(0u), 8000);
  reserve(NodeId(1u), 7000);
  reclaim(NodeId(0u), 3000);
  const auto refusal = std::get<Refusal>(planner.decide(graph, submit(4000, true)));
  EXPECT_EQ(refusal.reasons.at(0), (Reason{ReasonCode::kCpu, hub, SiteId{}, 4000, 3000}));
  const auto gang = std::get<Plan>(planner.decide(graph, submit(1000, true, 4)));
  EXPECT_EQ(std::count_if(gang.placements.begin(), gang.placements.end(), [](const Placement& p) { return p.node == NodeId(0u); }), 3);
  EXPECT_TRUE(verify(graph, gang).granted);
}

// Against every node of every site.
TEST_F(BestEffortPlans, AreTheCheapestThatThereAre) {
  std::mt19937 random(7);
  const auto between = [&random](int low, int high) { return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1)); };
  for (int world = 0; world < 60; ++world) {
    SetUp();
    const int sites = between(1, 6);
    for (int s = 0; s < sites; ++s) site(between(1, 20) * kCredit / 10, between(0, 5) * 200, between(1, 8) * 1000);
    for (uint32_t n = 0; n < graph.node_count(); ++n) {
      const int32_t whole = graph.node(NodeId(n)).cpu_milli;
      const int32_t reserved = whole * between(0, 4) / 4;
      if (reserved == 0) continue;
      reserve(NodeId(n), reserved);
      if (between(0, 1) == 1) reclaim(NodeId(n), reserved * between(0, 10) / 10);
    }
    const IntentId id = submit(between(1, 12) * 500, true);
    const Workload& need = graph.intent(id).spec->workload;
    Nanocredits cheapest = INT64_MAX;
    for (uint32_t n = 0; n < graph.node_count(); ++n) {
      const NodeRow& row = graph.node(NodeId(n));
      const int64_t room = int64_t{graph.free(NodeId(n)).cpu_milli} + graph.spare(NodeId(n)).cpu_milli_reclaimed;
      if (room < need.cpu_milli || graph.free(NodeId(n)).memory_mib < need.memory_mib) continue;
      const SiteSpec& spec = graph.site_spec(row.site);
      const int64_t milli = spec.best_effort_asks_milli == 0 ? 1000 : spec.best_effort_asks_milli;
      cheapest = std::min(cheapest, need.cpu_milli * (spec.asks.per_core_hour * milli / 1000) / 1000);
    }
    JointPlanner fresh;  // what another remembers is of another domain
    const Decision decision = fresh.decide(graph, id);
    if (cheapest == INT64_MAX) {
      EXPECT_TRUE(std::holds_alternative<Refusal>(decision)) << world;
      continue;
    }
    ASSERT_TRUE(std::holds_alternative<Plan>(decision)) << world;
    const Plan& plan = std::get<Plan>(decision);
    EXPECT_EQ(plan.billed_per_hour, cheapest) << world;
    EXPECT_TRUE(verify(graph, plan).granted) << world << ": " << verify(graph, plan).why;
  }
}

}  // namespace
}  // namespace weir
