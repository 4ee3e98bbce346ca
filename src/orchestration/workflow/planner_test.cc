#include "orchestration/workflow/planner.h"

#include <gtest/gtest.h>

#include "orchestration/workflow/test_world.h"

namespace weir {
namespace {

constexpr int64_t kMbps = 1'000'000;

// street - r - {near, far}; a camera in the street, and two stages that may be anywhere.
class PlannerTest : public testing::Test {
 protected:
  void SetUp() override {
    street = world.site("street", kCredit, {});
    near = world.site("near", kCredit / 10, {4'000});
    far = world.site("far", kCredit / 5, {4'000});
    const VertexId r = world.router("r");
    for (const SiteId site : {street, near, far})
      world.link(world.at(site), r, 100 * kMbps, 1'000, kCredit / 100);
    Workflow spec{.name = "video", .kind = WorkflowKind::kStream};
    spec.stages = {{.name = "camera", .at = {street}}, {.name = "detect"}, {.name = "index"}};
    for (const size_t s : {1, 2}) {
      spec.stages[s].workload = {.artifact = "a", .port = 9000, .cpu_milli = 2'000, .memory_mib = 64};
    }
    spec.edges = {{.from = 0, .to = 1, .bps = 8 * kMbps}, {.from = 1, .to = 2, .bps = kMbps}};
    submit(spec, 1);
  }
  void submit(Workflow spec, uint32_t generation) {
    world.add(WorkflowSubmitted{WorkflowId(0u), TenantId(0u), generation, std::move(spec)});
  }
  WorkflowPlanned plan() { return GraphWorkflowPlanner().plan(world.graph(), WorkflowId(0u)); }
  // Its stages have intents where it says, which hold all that they ask for.
  void place(const WorkflowPlanned& planned) {
    world.add(planned);
    for (const uint32_t s : {1u, 2u}) {
      const IntentId id(s - 1);
      const Stage& stage = world.graph().workflow(WorkflowId(0u)).spec->stages[s];
      IntentSpec spec{.name = "video." + stage.name, .workload = stage.workload};
      const uint32_t generation =
          id.index() < world.graph().intent_count() ? world.graph().intent(id).generation + 1 : 1;
      world.add(IntentSubmitted{.intent = id,
                                .tenant = TenantId(0u),
                                .generation = generation,
                                .spec = spec,
                                .workflow = WorkflowId(0u),
                                .stage = stage.name});
      Plan held{.intent = id, .generation = generation, .basis = world.graph().version()};
      const SiteId site = planned.stages[s].site;
      held.placements = {{.site = site,
                          .node = NodeId(world.graph().nodes(site)[0].first),
                          .cpu_milli = 2'000,
                          .memory_mib = 64}};
      world.add(PlanCommitted{held});
    }
  }
  static std::vector<SiteId> places(const WorkflowPlanned& planned) {
    std::vector<SiteId> out;
    for (const PlannedStage& stage : planned.stages) out.push_back(stage.site);
    return out;
  }

  TestWorld world;
  SiteId street, near, far;
};

TEST_F(PlannerTest, PlansStagesAndTheWaysBetweenThem) {
  const WorkflowPlanned planned = plan();
  ASSERT_FALSE(planned.refused) << planned.why;
  EXPECT_EQ(places(planned), (std::vector<SiteId>{street, near, near}));
  EXPECT_EQ(planned.quality, Quality::kExact);
  EXPECT_EQ(planned.price, planned.bound);
  ASSERT_EQ(planned.transfers.size(), 2u);
  EXPECT_EQ(planned.transfers[0].path.size(), 2u);
  EXPECT_EQ(planned.transfers[0].bps, 8 * kMbps);
  EXPECT_EQ(planned.transfers[0].arrive_us, 2'000);
  EXPECT_TRUE(planned.transfers[1].path.empty()) << "both are at one site";
  EXPECT_EQ(planned.latency_us, 2'000);
  world.add(planned);
}

TEST_F(PlannerTest, WhatItsOwnStagesHoldIsFree) {
  place(plan());
  EXPECT_EQ(world.graph().load(near).cpu_milli_free, 0);
  const WorkflowPlanned again = plan();
  ASSERT_FALSE(again.refused) << again.why;
  EXPECT_EQ(places(again), (std::vector<SiteId>{street, near, near}));
}

TEST_F(PlannerTest, ASoundStageStaysAndTheOtherMoves) {
  place(plan());
  SiteSpec dearer = world.graph().site_spec(near);
  dearer.asks.per_core_hour = kCredit;
  world.add(SiteDefined{near, world.at(near), dearer});
  const IntentId detect(0u);
  world.add(IntentRefused{Refusal{detect, 1, 1, {{ReasonCode::kBandwidth, near, street, 8, 4}}}});
  const WorkflowPlanned again = plan();
  ASSERT_FALSE(again.refused) << again.why;
  EXPECT_EQ(places(again), (std::vector<SiteId>{street, far, near}))
      << "it was refused at near, and the index is well there";
  EXPECT_LT(again.bound, again.price) << "both at far would spare a way";
}

TEST_F(PlannerTest, WhereItWasRefusedIsBetterThanNowhere) {
  Workflow spec = *world.graph().workflow(WorkflowId(0u)).spec;
  spec.where.only = {near};
  submit(spec, 2);
  place(plan());
  world.add(IntentRefused{Refusal{IntentId(0u), 1, 1, {{ReasonCode::kBandwidth, near, street, 8, 4}}}});
  const WorkflowPlanned again = plan();
  ASSERT_FALSE(again.refused) << again.why;
  EXPECT_EQ(places(again), (std::vector<SiteId>{street, near, near}));
}

TEST_F(PlannerTest, EverythingMovesWhereThatIsTheOnlyWay) {
  place(plan());
  world.add(SiteStateChanged{near, Liveness::kDown, ""});
  const WorkflowPlanned again = plan();
  ASSERT_FALSE(again.refused) << again.why;
  EXPECT_EQ(places(again), (std::vector<SiteId>{street, far, far}));
}

TEST_F(PlannerTest, MeasuredWorkCounts) {
  Workflow spec = *world.graph().workflow(WorkflowId(0u)).spec;
  spec.stages[1].work_us = 10'000;
  spec.stages[1].items_per_second_milli = 10'000;
  submit(spec, 2);
  const WorkflowPlanned first = plan();
  EXPECT_EQ(first.stages[1].latency_us, 10'000);
  place(first);
  world.add(WorkMeasured{IntentId(0u), 1, 50'000});
  EXPECT_EQ(plan().stages[1].latency_us, 50'000);
}

TEST_F(PlannerTest, ARefusalNamesTheStage) {
  Workflow spec = *world.graph().workflow(WorkflowId(0u)).spec;
  spec.stages[2].workload.cpu_milli = 5'000;
  submit(spec, 2);
  const WorkflowPlanned planned = plan();
  EXPECT_TRUE(planned.refused);
  EXPECT_EQ(planned.where, "spec.stages[2]");
  EXPECT_NE(planned.why.find("\"index\""), std::string::npos) << planned.why;
  EXPECT_TRUE(planned.stages.empty());
  world.add(planned);
}

}  // namespace
}  // namespace weir
