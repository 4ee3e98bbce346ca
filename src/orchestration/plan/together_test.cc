#include <gtest/gtest.h>

#include <algorithm>

#include "orchestration/plan/decide.h"

// Accelerators of one island, and instances of one rack.
namespace weir {
namespace {

// Street reaches near, which is dear, and far, which is cheap, by one router.
class TogetherTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({1, "t", std::move(body)}); }

  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    add(RouterDefined{VertexId(0u), "r"});
    site(0, "street", 30, 50);
    site(1, "near", 20, 2000);
    site(2, "far", 5, 2000);
    spec.name = "cameras";
    spec.from = {{SiteId(0u), 4}};
    spec.workload.cpu_milli = 300;
    spec.workload.memory_mib = 256;
    spec.traffic = {2'000'000, 50'000, 2000, 10'000};
  }
  void site(uint32_t id, std::string name, int64_t ask, int32_t cpu) {
    SiteSpec s{.name = std::move(name), .sid = "fd77:5::"};
    s.asks.per_core_hour = ask * kCredit;
    add(SiteDefined{SiteId(id), VertexId(1 + id), s});
    add(NodesReported{SiteId(id), NodeId(id), {{"n", cpu, 4096, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(id), Liveness::kUp, ""});
    add(LinkDefined{LinkId(2 * id), {.name = "l" + std::to_string(id), .a = VertexId(0u), .b = VertexId(1 + id),
                                     .bandwidth_bps = 100'000'000, .latency_us = 1000, .per_gbps_hour = kCredit,
                                     .sid_a = "fd77:a::", .sid_b = "fd77:b::"}});
  }
  // At far: two nodes in one rack, three in another.
  void put_racks() {
    std::vector<NodeSpec> nodes;
    for (const char* rack : {"r1", "r1", "r2", "r2", "r2"}) {
      nodes.push_back({.name = "n", .cpu_milli = 2000, .memory_mib = 4096, .rack = rack});
    }
    ASSERT_TRUE(add(NodesReported{SiteId(2u), NodeId(3u), nodes}).effect);
  }
  void make_job() {
    spec.from.clear();
    spec.traffic = {};
    spec.workload.kind = WorkKind::kJob;
  }
  void submit(uint32_t generation = 1) { add(IntentSubmitted{IntentId(0u), TenantId(0u), generation, spec}); }
  Plan placed() {
    Decision decision = planner.decide(graph, IntentId(0u));
    if (auto* refusal = std::get_if<Refusal>(&decision)) {
      ADD_FAILURE() << "refused: " << static_cast<int>(refusal->reasons.at(0).code);
      return {};
    }
    Plan plan = std::get<Plan>(std::move(decision));
    const Verdict verdict = verify(graph, plan);
    EXPECT_TRUE(verdict.granted) << verdict.why;
    return plan;
  }
  Reason refused(IntentId intent = IntentId(0u)) {
    const Decision decision = planner.decide(graph, intent);
    const auto* refusal = std::get_if<Refusal>(&decision);
    return refusal && !refusal->reasons.empty() ? refusal->reasons.front() : Reason{};
  }

  Graph graph;
  IntentSpec spec;
  JointPlanner planner;
};

TEST_F(TogetherTest, AGangStandsInOneRackOrIsToldOfTheBest) {
  put_racks();
  make_job();
  spec.workload.cpu_milli = 1000;
  spec.schedule.instances = 5;
  spec.where.same_rack = true;
  submit();
  const Plan plan = placed();
  ASSERT_EQ(plan.placements.size(), 5u);
  for (const Placement& p : plan.placements) EXPECT_EQ(graph.rack_name(p.node), "r2");
  EXPECT_EQ(plan.quality, Quality::kExact);
  spec.schedule.instances = 7;
  submit(2);
  EXPECT_EQ(refused(), (Reason{ReasonCode::kRack, SiteId(2u), SiteId{}, 7, 6}));
  spec.where.same_rack = false;
  submit(3);
  EXPECT_EQ(placed().placements.size(), 7u);
}

TEST_F(TogetherTest, WhatJoinsAGangGoesToItsRack) {
  put_racks();
  spec.where.same_rack = true;
  spec.workload.cpu_milli = 1000;
  submit();
  Plan first = placed();
  ASSERT_EQ(first.placements.size(), 4u);
  for (const Placement& p : first.placements) EXPECT_EQ(graph.rack_name(p.node), "r1");
  add(PlanCommitted{first});
  const IntentRow row = graph.intent(IntentId(0u));
  add(RunStateChanged{row.runs[1].run, IntentId(0u), RunState::kFailed, 1, ""});
  const Plan repaired = placed();
  ASSERT_EQ(repaired.placements.size(), 4u);
  EXPECT_EQ(std::count_if(repaired.placements.begin(), repaired.placements.end(), [](const Placement& p) { return p.continues.valid(); }), 3);
  for (const Placement& p : repaired.placements) EXPECT_EQ(graph.rack_name(p.node), "r1");
  // The rack is full: all go to the other.
  IntentSpec other{.name = "other"};
  other.workload.cpu_milli = 1000;
  add(IntentSubmitted{IntentId(1u), TenantId(0u), 1, other});
  Plan filler{.intent = IntentId(1u), .generation = 1};
  filler.placements.push_back({.site = SiteId(2u), .node = row.active->plan.placements[1].node, .cpu_milli = 1000, .continues = {}});
  ASSERT_TRUE(add(PlanCommitted{filler}).effect);
  const Plan anew = placed();
  ASSERT_EQ(anew.placements.size(), 4u);
  for (const Placement& p : anew.placements) EXPECT_EQ(graph.rack_name(p.node), "r2");
}

TEST_F(TogetherTest, LinkedAcceleratorsAreOfOneIsland) {
  NodeSpec node{.name = "n", .cpu_milli = 8000, .memory_mib = 8192, .accelerators = 8};
  node.accelerators_per_island = 4;
  ASSERT_TRUE(add(NodesReported{SiteId(2u), NodeId(3u), {node}}).effect);
  make_job();
  spec.workload.accelerators = 3;
  spec.workload.accelerators_linked = true;
  spec.schedule.instances = 2;
  submit();
  ASSERT_TRUE(add(PlanCommitted{placed()}).effect);
  const auto& placements = graph.intent(IntentId(0u)).active->plan.placements;
  ASSERT_EQ(placements.size(), 2u);
  EXPECT_EQ(placements[0].devices | placements[1].devices, 0x77u);
  spec.workload.accelerators = 2;
  spec.name = "more";
  add(IntentSubmitted{IntentId(1u), TenantId(0u), 1, spec});
  EXPECT_EQ(refused(IntentId(1u)), (Reason{ReasonCode::kAcceleratorsLinked, SiteId(2u), SiteId{}, 2, 1}));
}

}  // namespace
}  // namespace weir
