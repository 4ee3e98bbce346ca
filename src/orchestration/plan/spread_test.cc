#include <algorithm>
#include <set>

#include "core/graph/ease.h"
#include "orchestration/plan/decide_for_test.h"

namespace weir {
namespace {

// Each site and each link of these tests is there 99% of the time.
class SpreadTest : public DecideTest {
 protected:
  void SetUp() override {
    DecideTest::SetUp();
    for (uint32_t s = 0; s < 3; ++s) available(s, 990'000);
    add(NodesReported{SiteId(0u), NodeId(0u), {{"n", 4000, 4096, 0, "", 1000}}});
    spec.workload.streams_per_instance = 1;
    spec.where.sites_min = 2;
    spec.promise.availability_ppm = 999'800;
  }
  void available(uint32_t site, int32_t ppm) {
    SiteSpec s = graph.site_spec(SiteId(site));
    s.availability_ppm = ppm;
    add(SiteDefined{SiteId(site), VertexId(3 + site), s});
  }
  void fail(size_t placement) {
    add(RunStateChanged{graph.intent(IntentId(0u)).active->run(placement), IntentId(0u), RunState::kFailed, 1, ""});
    ASSERT_TRUE(needs_decision(graph, IntentId(0u)));
  }
};

TEST_F(SpreadTest, ARepairCountsWhatIsKept) {
  spec.from = {{SiteId(0u), 2}};
  submit();
  const Plan first = placed();
  ASSERT_EQ(first.placements.size(), 2u);
  EXPECT_EQ(first.availability_ppm, 999'900);
  add(PlanCommitted{first});
  fail(1);
  const Plan second = placed();
  ASSERT_EQ(second.placements.size(), 2u);
  EXPECT_TRUE(second.placements[0].continues.valid());
  EXPECT_NE(second.placements[0].site, second.placements[1].site);
  EXPECT_EQ(second.availability_ppm, 999'900);
}

TEST_F(SpreadTest, ARepairOfOneIngressLeavesTheOtherAlone) {
  spec.from = {{SiteId(0u), 2}, {SiteId(1u), 2}};
  submit();
  const Plan first = placed();
  add(PlanCommitted{first});
  const auto of_street = std::find_if(first.flows.begin(), first.flows.end(),
                                      [](const Flow& flow) { return flow.ingress == SiteId(0u); });
  fail(of_street->placement);
  const Plan second = placed();
  EXPECT_EQ(std::count_if(second.placements.begin(), second.placements.end(),
                          [](const Placement& p) { return p.continues.valid(); }),
            3);
}

TEST_F(SpreadTest, WhatIsKeptIsPlacedAnewWhereItStandsInTheWay) {
  spec.from = {{SiteId(0u), 2}};
  submit();
  const Plan first = placed();
  add(PlanCommitted{first});
  available(first.placements[0].site.value, 900'000);
  fail(1);
  const Plan second = placed();
  for (const Placement& p : second.placements) {
    EXPECT_FALSE(p.continues.valid());
    EXPECT_NE(p.site, first.placements[0].site) << "90% and 99% do not make 99.98%";
  }
}

TEST_F(SpreadTest, WithNothingLeftToPlaceThePromiseCountsToo) {
  spec.from = {{SiteId(0u), 2}};
  submit();
  const Plan first = placed();
  add(PlanCommitted{first});
  for (uint32_t s = 0; s < 3; ++s) available(s, 900'000);
  EXPECT_EQ(refused(), (Reason{ReasonCode::kAvailability, SiteId{}, SiteId{}, 999'800, 990'000}));
}

TEST_F(SpreadTest, LargeRequestsSpreadEachIngress) {
  planner = JointPlanner(DecideLimits{.solver = {.states = 10}});
  spec.from = {{SiteId(0u), 3}, {SiteId(1u), 3}};
  submit();
  const Plan plan = placed();
  EXPECT_EQ(plan.quality, Quality::kHeuristic);
  EXPECT_EQ(plan.availability_ppm, 999'900);
  spec.promise.availability_ppm = 999'990;
  submit(2);
  EXPECT_EQ(placed().availability_ppm, 999'999) << "from three sites";
  spec.promise.availability_ppm = 1'000'000;
  submit(3);
  EXPECT_EQ(refused(), (Reason{ReasonCode::kAvailability, SiteId{}, SiteId{}, 1'000'000, 999'999}));
}

TEST_F(DecideTest, LargeRequestsAreSentToDifferentSites) {
  for (uint32_t s = 0; s < 3; ++s) add(NodesReported{SiteId(s), NodeId(s), {{"n", 100'000, 100'000, 0, "", 1000}}});
  spec.from = {{SiteId(0u), 60}, {SiteId(1u), 60}};  // 61 * 61 states with 15 shares of an instance
  spec.traffic = {10'000, 10'000, 0, 0};
  spec.workload.streams_per_instance = 4;
  spec.where.sites_min = 3;
  submit();
  const Plan plan = placed();
  EXPECT_EQ(plan.quality, Quality::kHeuristic);
  EXPECT_EQ(plan.placements.size(), 30u);
  spec.where.sites_min = 4;
  submit(2);
  EXPECT_EQ(refused(), (Reason{ReasonCode::kSpread, SiteId{}, SiteId{}, 4, 3}));
}

TEST_F(DecideTest, AJobThatAsksForDifferentPlacesWaitsForThoseThatAreFull) {
  const auto first_reasons = [this] {
    const Decision decision = planner.decide(graph, IntentId(0u));
    const auto* refusal = std::get_if<Refusal>(&decision);
    return refusal ? refusal->reasons : std::vector<Reason>();
  };
  IntentSpec other{.name = "other"};
  other.workload = {.kind = WorkKind::kJob, .cpu_milli = 1900};
  other.where.only = {SiteId(1u)};
  spec.from.clear();
  spec.traffic = {};
  spec.promise = {};
  spec.workload.kind = WorkKind::kJob;
  spec.workload.streams_per_instance = 1;
  spec.where.sites_min = 2;
  submit();
  EXPECT_EQ(placed().placements.size(), 2u);
  add(IntentSubmitted{IntentId(1u), TenantId(0u), 1, other});
  add(PlanCommitted{std::get<Plan>(planner.decide(graph, IntentId(1u)))});
  const std::vector<Reason> full = first_reasons();
  ASSERT_EQ(full.size(), 2u);
  EXPECT_EQ(full[0], (Reason{ReasonCode::kCpu}));
  EXPECT_EQ(full[1], (Reason{ReasonCode::kCpu, SiteId(1u), SiteId{}, 300, 100}));
  EXPECT_TRUE(may_ease(Refusal{.reasons = full}, false));
  spec.where.sites_min = 3;
  submit(2);
  EXPECT_EQ(first_reasons().at(0), (Reason{ReasonCode::kSpread, SiteId{}, SiteId{}, 3, 1})) << "street never holds one";
  spec.where.sites_min = 2;
  spec.where.not_at = {SiteId(1u)};
  submit(3);
  EXPECT_EQ(first_reasons().at(0).code, ReasonCode::kSpread) << "it does not want what is full";
  spec.where.not_at.clear();
  submit(4);
  add(IntentWithdrawn{IntentId(1u)});
  const Position plan = graph.intent(IntentId(1u)).retiring.front()->position;
  add(PlanRetired{.intent = IntentId(1u), .plan = plan});
  EXPECT_EQ(placed().placements.size(), 2u);
}

TEST_F(DecideTest, SpreadIsRefusedForWantOfStreamsToo) {
  spec.from = {{SiteId(0u), 1}};
  spec.where.sites_min = 2;
  submit();
  EXPECT_EQ(refused(), (Reason{ReasonCode::kSpread, SiteId{}, SiteId{}, 2, 1})) << "two sites would take it";
}

}  // namespace
}  // namespace weir
