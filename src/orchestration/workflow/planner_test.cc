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

// ---- batches ---------------------------------------------------------------------------------------------

class BatchPlannerTest : public testing::Test {
 protected:
  void SetUp() override {
    near = world.site("near", kCredit / 10, {4'000});
    far = world.site("far", kCredit / 5, {4'000});
    const VertexId r = world.router("r");
    for (const SiteId site : {near, far}) world.link(world.at(site), r, 100 * kMbps, 1'000, kCredit / 100);
    Workflow spec{.name = "mosaic", .inputs = {{.name = "tiles", .bytes = 1'000'000'000, .at = {far}}}};
    for (const char* name : {"a", "b", "c"}) {
      Stage stage{.name = name, .work_us = 10'000'000};
      stage.workload = {.artifact = "p", .cpu_milli = 1'000, .memory_mib = 64};
      spec.stages.push_back(std::move(stage));
    }
    spec.stages[0].reads = {WorkflowInputId(0u)};
    spec.edges = {{.from = 0, .to = 1, .bytes = 1'000'000'000}, {.from = 1, .to = 2, .bytes = 1'000'000'000}};
    world.add(WorkflowSubmitted{WorkflowId(0u), TenantId(0u), 1, spec});
  }
  WorkflowPlanned plan() { return GraphWorkflowPlanner().plan(world.graph(), WorkflowId(0u)); }
  // The stage has run at this site.
  void finish(uint32_t stage, SiteId site) {
    const std::string& name = world.graph().workflow(WorkflowId(0u)).spec->stages[stage].name;
    IntentSpec spec{.name = "mosaic." + name};
    spec.where.only = {site};
    const IntentId id(world.graph().intent_count());
    world.add(IntentSubmitted{.intent = id,
                              .tenant = TenantId(0u),
                              .generation = 1,
                              .spec = spec,
                              .workflow = WorkflowId(0u),
                              .stage = name});
    world.add(IntentWithdrawn{id, true, ""});
  }

  TestWorld world;
  SiteId near, far;
};

TEST_F(BatchPlannerTest, RunsWhereTheDataLie) {
  const WorkflowPlanned planned = plan();
  ASSERT_FALSE(planned.refused) << planned.why;
  for (const PlannedStage& stage : planned.stages) EXPECT_EQ(stage.site, far);
  EXPECT_TRUE(planned.transfers.empty());
  EXPECT_EQ(planned.latency_us, 30'000'000);
  EXPECT_EQ(planned.latency_us_bound, 30'000'000);
  EXPECT_EQ(planned.stages[1].start_us, 10'000'000);
  world.add(planned);
}

TEST_F(BatchPlannerTest, PlansWhatIsLeft) {
  finish(0, far);
  const WorkflowPlanned planned = plan();
  ASSERT_FALSE(planned.refused) << planned.why;
  EXPECT_EQ(planned.stages[0].finish_us, 0) << "it has run";
  EXPECT_EQ(planned.stages[1].site, far);
  EXPECT_EQ(planned.latency_us, 20'000'000);
  world.add(planned);
}

TEST_F(BatchPlannerTest, MovesWhatAStageMadeWhereTheNextMustRun) {
  Workflow spec = *world.graph().workflow(WorkflowId(0u)).spec;
  spec.stages[1].at = {near};
  world.add(WorkflowSubmitted{WorkflowId(0u), TenantId(0u), 2, spec});
  finish(0, far);
  const WorkflowPlanned planned = plan();
  ASSERT_FALSE(planned.refused) << planned.why;
  ASSERT_GE(planned.transfers.size(), 1u);
  EXPECT_FALSE(planned.transfers[0].stored) << "it is what a made, not an input of the whole";
  EXPECT_EQ(planned.transfers[0].item, 0u);
  EXPECT_EQ(planned.transfers[0].stage, 1u);
  world.add(planned);
}

TEST_F(BatchPlannerTest, WhatIsLostRunsAgainAndAnInputThatIsGoneIsSaid) {
  finish(0, near);
  world.add(SiteStateChanged{near, Liveness::kDown, ""});
  const WorkflowPlanned planned = plan();
  ASSERT_FALSE(planned.refused) << planned.why;
  EXPECT_GT(planned.stages[0].finish_us, 0) << "what it made is lost";
  EXPECT_EQ(planned.stages[0].site, far);
  world.add(SiteStateChanged{far, Liveness::kDown, ""});
  const WorkflowPlanned none = plan();
  EXPECT_TRUE(none.refused);
  EXPECT_EQ(none.where, "spec.inputs[0]");
}

}  // namespace
}  // namespace weir
