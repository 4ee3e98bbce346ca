#include "core/event/workflow.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

Stage stage(std::string name) {
  Stage s{.name = std::move(name), .work_us = 1000};
  s.workload.cpu_milli = 1000;
  return s;
}

Workflow batch(std::vector<Stage> stages, std::vector<WorkflowEdge> edges) {
  return {.name = "w", .stages = std::move(stages), .edges = std::move(edges)};
}

Error error_of(const Workflow& workflow) {
  const Status status = check(workflow);
  return status ? Error{} : status.error();
}

TEST(Workflow, AcceptsWhatIsWell) {
  EXPECT_TRUE(check(batch({stage("a"), stage("b")}, {{.from = 0, .to = 1, .bytes = 10}})));
}

TEST(Workflow, NamesTheCycle) {
  const Error error = error_of(
      batch({stage("in"), stage("a"), stage("b"), stage("c"), stage("out")}, {{.from = 0, .to = 1},
                                                                              {.from = 1, .to = 2},
                                                                              {.from = 2, .to = 3},
                                                                              {.from = 3, .to = 1},
                                                                              {.from = 3, .to = 4}}));
  EXPECT_EQ(error.code, ErrorCode::kInvalid);
  EXPECT_EQ(error.what, "the stages form a cycle: a -> b -> c -> a");
  EXPECT_EQ(error.where, "spec.edges");
  EXPECT_EQ(error_of(batch({stage("a")}, {{.from = 0, .to = 0}})).what, "the stages form a cycle: a -> a");
}

TEST(Workflow, NamesAnUnknownStage) {
  const std::vector<Stage> stages{stage("camera"), stage("detect")};
  const auto linked = link_stages(stages, std::vector<NamedEdge>{{"camera", "detect"}, {"camera", "detekt"}});
  ASSERT_FALSE(linked);
  EXPECT_EQ(linked.error().text(),
            "spec.edges[1].to: there is no stage \"detekt\"; did you mean \"detect\"?");
  EXPECT_EQ(link_stages(stages, std::vector<NamedEdge>{{"camera", "detect"}})->at(0).to, 1u);
}

TEST(Workflow, RefusesWhatNoGraphCanMakeGood) {
  EXPECT_EQ(error_of(batch({stage("a"), stage("a")}, {})).where, "spec.stages[1].name");
  EXPECT_EQ(error_of(batch({stage("")}, {})).where, "spec.stages[0].name");
  EXPECT_EQ(error_of(batch({}, {})).where, "spec.stages");
  EXPECT_EQ(error_of(batch({stage("a"), stage("b")}, {{.from = 0, .to = 2}})).where, "spec.edges[0].to");
  EXPECT_EQ(error_of(batch({stage("a"), stage("b")}, {{.from = 0, .to = 1}, {.from = 0, .to = 1}})).where,
            "spec.edges[1]");
  EXPECT_EQ(error_of(batch({stage("a"), stage("b")}, {{.from = 0, .to = 1, .bytes = -1}})).where,
            "spec.edges[0].bytes");
  EXPECT_EQ(error_of(batch({stage("a"), stage("b")}, {{.from = 0, .to = 1, .bps = 1}})).where,
            "spec.edges[0].rate");
  Workflow workflow = batch({stage("a")}, {});
  workflow.stages[0].work_us = -1;
  EXPECT_EQ(error_of(workflow).text(), "spec.stages[0].work: -1 is negative; write at least 0");
  workflow.stages[0].work_us = kWorkUsMax + 1;
  EXPECT_EQ(error_of(workflow).where, "spec.stages[0].work");
  workflow = batch({stage("a")}, {});
  workflow.stages[0].workload.cpu_milli = 0;
  EXPECT_EQ(error_of(workflow).where, "spec.stages[0].cpu");
  workflow.stages[0].work_us = 0;
  EXPECT_EQ(error_of(workflow).where, "spec.stages[0].at");
  workflow = batch({stage("a")}, {});
  workflow.stages[0].reads = {WorkflowInputId(0u)};
  EXPECT_EQ(error_of(workflow).where, "spec.stages[0].reads[0]");
  workflow.inputs = {{.name = "x", .bytes = 1}};
  EXPECT_EQ(error_of(workflow).where, "spec.inputs[0].at");
  workflow.inputs[0].at = {SiteId(0u)};
  EXPECT_TRUE(check(workflow));
  workflow.kind = WorkflowKind::kStream;
  EXPECT_EQ(error_of(workflow).where, "spec.stages[0].reads");
  workflow = batch({stage("a")}, {});
  workflow.deadline_us = -5;
  EXPECT_EQ(error_of(workflow).where, "spec.deadline");
}

TEST(Workflow, OrdersForward) {
  const Workflow workflow =
      batch({stage("c"), stage("b"), stage("a")}, {{.from = 2, .to = 1}, {.from = 1, .to = 0}});
  EXPECT_EQ(topological_order(workflow), (std::vector<uint32_t>{2, 1, 0}));
}

}  // namespace
}  // namespace weir
