#include <gtest/gtest.h>

#include "orchestration/workflow/batch.h"
#include "orchestration/workflow/test_world.h"

namespace weir {
namespace {

constexpr int64_t kMbps = 1'000'000;

Stage stage(std::string name, int64_t work_us, int32_t cpu_milli = 1000) {
  Stage s{.name = std::move(name), .work_us = work_us};
  s.workload.cpu_milli = cpu_milli;
  return s;
}

// An edge site and a cloud twice as fast, joined by a quick narrow way and a slow wide one.
struct TwoSites {
  TwoSites() {
    edge = world.site("edge", 4 * kCredit, {1000, 1000});
    cloud = world.site("cloud", 1 * kCredit, {4000}, 2000);
    const VertexId a = world.router("a"), b = world.router("b");
    world.link(world.at(edge), a, 1000 * kMbps, 0);
    quick = world.link(a, b, 10 * kMbps, 1'000);
    wide = world.link(a, b, 100 * kMbps, 20'000, 3600 * kCredit);
    world.link(b, world.at(cloud), 1000 * kMbps, 0);
  }
  TestWorld world;
  SiteId edge, cloud;
  LinkId quick, wide;
};

TEST(BatchPlan, TakesTheQuickestWayForItsBytes) {
  TwoSites two;
  for (const auto& [bytes, by, us] : {std::tuple{int64_t{1'000}, two.quick, int64_t{1'800}},
                                      std::tuple{int64_t{1'000'000}, two.wide, int64_t{100'000}}}) {
    Workflow workflow{.stages = {stage("a", 1'000'000), stage("b", 1'000'000)}, .edges = {{0, 1, bytes}}};
    workflow.stages[0].at = {two.edge};
    workflow.stages[1].at = {two.cloud};
    const auto plan = plan_batch(two.world.graph(), workflow);
    ASSERT_TRUE(plan) << plan.error().text();
    ASSERT_EQ(plan->transfers.size(), 1u);
    const Transfer& transfer = plan->transfers[0];
    EXPECT_EQ(transfer.path[1], by);
    EXPECT_EQ(transfer.start_us, 1'000'000);
    EXPECT_EQ(transfer.arrive_us - transfer.start_us, us);
    EXPECT_EQ(plan->runs[1].start_us, transfer.arrive_us);
    EXPECT_EQ(plan->makespan_us, 1'000'000 + us + 500'000);
    EXPECT_EQ(plan->quality, Quality::kExact);
  }
}

TEST(BatchPlan, DoesNotMoveDataThatIsInPlace) {
  TwoSites two;
  Workflow workflow{.stages = {stage("a", 1'000'000)}, .inputs = {{"big", 100'000'000, {two.edge}}}};
  workflow.stages[0].reads = {WorkflowInputId(0u)};
  auto plan = plan_batch(two.world.graph(), workflow);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->runs[0].site, two.edge);
  EXPECT_TRUE(plan->transfers.empty());
  workflow.inputs[0].bytes = 1'000'000;
  plan = plan_batch(two.world.graph(), workflow);
  EXPECT_EQ(plan->runs[0].site, two.cloud);
  ASSERT_EQ(plan->transfers.size(), 1u);
  EXPECT_TRUE(plan->transfers[0].stored);
  EXPECT_EQ(plan->makespan_us, 100'000 + 500'000);
}

TEST(BatchPlan, IsCheapestWithinADeadline) {
  TwoSites two;
  Workflow workflow{.stages = {stage("a", 3'600'000), stage("b", 3'600'000)}, .edges = {{0, 1, 1'000'000}}};
  workflow.stages[0].at = {two.edge};
  // At the edge 3.6 s cost 0.004 credits; in the cloud 1.8 s cost 0.0005 and the transfer over the wide way
  // 0.008.
  workflow.deadline_us = 10'000'000;
  auto plan = plan_batch(two.world.graph(), workflow);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->runs[1].site, two.edge);
  EXPECT_EQ(plan->price, 8 * kCredit / 1000);
  EXPECT_TRUE(plan->in_time);
  workflow.deadline_us = 6'000'000;
  plan = plan_batch(two.world.graph(), workflow);
  EXPECT_EQ(plan->runs[1].site, two.cloud);
  EXPECT_TRUE(plan->in_time);
  workflow.deadline_us = 1'000'000;
  plan = plan_batch(two.world.graph(), workflow);
  EXPECT_FALSE(plan->in_time);
  EXPECT_EQ(plan->makespan_us, 3'600'000 + 100'000 + 1'800'000);
}

TEST(BatchPlan, RunsTogetherWhatFitsTogether) {
  TestWorld world;
  world.site("s", kCredit, {1000});
  Workflow workflow{.stages = {stage("a", 100, 400), stage("b", 100, 600), stage("c", 100, 600)}};
  const auto plan = plan_batch(world.graph(), workflow);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->makespan_us, 200);
  EXPECT_EQ(plan->bound_us, 160);
}

TEST(BatchPlan, PinsStagesThatTakeNothingToSitesWithoutNodes) {
  TwoSites two;
  const SiteId archive = two.world.site("archive", 0, {});
  two.world.link(two.world.at(archive), two.world.graph().link(two.quick).from, 8 * kMbps, 0);
  Workflow workflow{.stages = {stage("a", 1'000), {.name = "archive", .at = {archive}}},
                    .edges = {{0, 1, 1'000}}};
  const auto plan = plan_batch(two.world.graph(), workflow);
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(plan->runs[0].site, two.edge);
  EXPECT_EQ(plan->runs[1], (StageRun{archive, NodeId(), 2'000, 2'000}));
}

TEST(BatchPlan, TakesTheRoutedPathWhereNoneCanBeLed) {
  TestWorld world;
  const SiteId a = world.site("a", kCredit, {1000}), b = world.site("b", kCredit, {1000});
  const LinkId routed = world.link(world.at(a), world.at(b), 8 * kMbps, 1'000, 0, false);
  world.link(world.at(a), world.at(b), 800 * kMbps, 2'000, 0, false);
  Workflow workflow{.stages = {stage("a", 1'000), stage("b", 1'000)}, .edges = {{0, 1, 1'000}}};
  workflow.stages[0].at = {a};
  workflow.stages[1].at = {b};
  const auto plan = plan_batch(world.graph(), workflow);
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(plan->transfers[0].path, std::vector<LinkId>{routed});
  EXPECT_EQ(plan->makespan_us, 1'000 + 2'000 + 1'000);
}

TEST(BatchPlan, WaitsForRoomThatOthersHave) {
  TestWorld world;
  const SiteId site = world.site("s", kCredit, {1000});
  world.add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, {.name = "other"}});
  Plan held{.intent = IntentId(0u), .generation = 1};
  held.placements.push_back({.site = site, .node = NodeId(0u), .cpu_milli = 900, .continues = {}});
  world.add(PlanCommitted{held});
  Workflow workflow{.stages = {stage("a", 1'000'000)}};
  workflow.stages[0].workload.cpu_milli = 1000;
  const auto plan = plan_batch(world.graph(), workflow);
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(plan->runs[0].site, site);
  world.add(NodeCordoned{NodeId(0u), true, ""});
  EXPECT_FALSE(plan_batch(world.graph(), workflow)) << "it takes nothing new";
}

TEST(BatchPlan, SaysWhatNothingCanRun) {
  TwoSites two;
  Workflow workflow{.stages = {stage("a", 1'000), stage("giant", 1'000, 64'000)}};
  const auto plan = plan_batch(two.world.graph(), workflow);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kInfeasible);
  EXPECT_EQ(plan.error().where, "spec.stages[1]");
  workflow.stages.pop_back();
  workflow.where.residency = {"mars"};
  EXPECT_EQ(plan_batch(two.world.graph(), workflow).error().where, "spec.where.residency");
}

TEST(BatchPlan, ServesEveryStageThoughMachinesAreLeftOut) {
  TestWorld world;
  for (int s = 0; s < 10; ++s) world.site("fast" + std::to_string(s), kCredit, {1000, 1000}, 4000);
  const SiteId large = world.site("large", kCredit, {64'000}, 1000);
  const VertexId hub = world.router("hub");
  for (size_t s = 0; s < 11; ++s) world.link(world.at(SiteId(s)), hub, 100 * kMbps, 100);
  Workflow workflow{.stages = {stage("small", 1'000), stage("giant", 1'000, 32'000)}, .edges = {{0, 1, 10}}};
  const auto plan = plan_batch(world.graph(), workflow, {}, {.machines = 3});
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(plan->runs[1].site, large);
  EXPECT_GE(plan->makespan_us, plan->bound_us);
  EXPECT_EQ(plan->bound_us, 1'250);
}

}  // namespace
}  // namespace weir
