#include "orchestration/workflow/rerun.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <random>

#include "orchestration/workflow/batch.h"
#include "orchestration/workflow/test_world.h"

namespace weir {
namespace {

Stage stage(std::string name, int64_t work_us = 1'000) {
  Stage s{.name = std::move(name), .work_us = work_us};
  s.workload.cpu_milli = 1000;
  return s;
}

// Two sites, the second of which is dead.
struct Half {
  Half() {
    alive = world.site("alive", kCredit, {4000});
    dead = world.site("dead", kCredit, {4000});
    other = world.site("other", kCredit, {4000});
    const VertexId hub = world.router("hub");
    for (const SiteId site : {alive, dead, other}) world.link(world.at(site), hub, 8'000'000, 1'000);
    world.add(SiteStateChanged{dead, Liveness::kDown, ""});
  }
  TestWorld world;
  SiteId alive, dead, other;
};

// a -> b -> d, a -> c -> d, d -> e
Workflow diamond() {
  return {.stages = {stage("a"), stage("b"), stage("c"), stage("d"), stage("e")},
          .edges = {{0, 1, 100}, {0, 2, 100}, {1, 3, 1'000}, {2, 3, 2'000}, {3, 4, 10}}};
}

TEST(Rerun, RunsWhatIsLostAndWhatThatNeeds) {
  Half half;
  const Workflow workflow = diamond();
  // What a and b made died with their site before it was delivered; c's is safe.
  const auto again =
      rerun(half.world.graph(), workflow, {.outputs = {{half.dead}, {half.dead}, {half.alive}, {}, {}}});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->stages, (std::vector<uint32_t>{0, 1, 3, 4}));
  EXPECT_EQ(again->rest.edges, (std::vector<WorkflowEdge>{{0, 1, 100}, {1, 2, 1'000}, {2, 3, 10}}));
  ASSERT_EQ(again->rest.inputs.size(), 1u);
  EXPECT_EQ(again->rest.inputs[0], (WorkflowInput{"c -> d", 2'000, {half.alive}}));
  EXPECT_TRUE(check(again->rest));
}

TEST(Rerun, KeepsWhatWasDelivered) {
  Half half;
  const auto again = rerun(half.world.graph(), diamond(),
                           {.outputs = {{half.dead}, {half.dead}, {half.alive}, {}, {}},
                            .delivered = {{}, {}, {half.other}, {}, {}}});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->stages, (std::vector<uint32_t>{3, 4}));
  // d runs where the larger part lies; only the smaller one moves.
  const auto plan = plan_batch(half.world.graph(), again->rest);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->runs[0].site, half.alive);
  ASSERT_EQ(plan->transfers.size(), 1u);
  EXPECT_EQ(plan->transfers[0].path.size(), 2u);
}

TEST(Rerun, IsNothingWhereTheResultIsSafeAndEverythingAtFirst) {
  Half half;
  EXPECT_EQ(rerun(half.world.graph(), diamond(), {.outputs = {{half.dead}, {}, {}, {}, {half.alive}}})
                ->stages.size(),
            0u);
  EXPECT_EQ(rerun(half.world.graph(), diamond(), {})->rest.edges, diamond().edges);
  half.world.add(SiteStateChanged{half.alive, Liveness::kDraining, ""});
  EXPECT_EQ(rerun(half.world.graph(), diamond(), {.outputs = {{}, {}, {}, {half.alive}, {}}})->stages,
            (std::vector<uint32_t>{4}));
}

TEST(Rerun, NamesAnInputThatIsGone) {
  Half half;
  Workflow workflow = diamond();
  workflow.inputs = {{"left", 10, {half.alive}}, {"gone", 10, {half.dead}}};
  workflow.stages[0].reads = {WorkflowInputId(0u), WorkflowInputId(1u)};
  const auto again = rerun(half.world.graph(), workflow, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().where, "spec.inputs[1]");
  EXPECT_EQ(
      rerun(half.world.graph(), workflow, {.outputs = {{half.alive}, {}, {}, {}, {}}})->rest.inputs.size(),
      2u);
}

// Against every set of stages.
RC_GTEST_PROP(Rerun, IsWithinEverySetThatDoes, (uint64_t seed)) {
  std::mt19937_64 engine(seed);
  const auto roll = [&](size_t n) { return static_cast<size_t>(engine() % n); };
  Half half;
  Workflow workflow;
  const size_t stages = 1 + roll(8);
  for (size_t s = 0; s < stages; ++s) workflow.stages.push_back(stage("s" + std::to_string(s)));
  for (uint32_t a = 0; a < stages; ++a) {
    for (uint32_t b = a + 1; b < stages; ++b) {
      if (roll(3) == 0) workflow.edges.push_back({a, b, 10});
    }
  }
  WorkflowProgress progress{std::vector<std::vector<SiteId>>(stages),
                            std::vector<std::vector<SiteId>>(workflow.edges.size())};
  for (auto& at : progress.outputs) {
    if (roll(2) == 0) at.push_back(roll(2) == 0 ? half.alive : half.dead);
  }
  for (auto& at : progress.delivered) {
    if (roll(4) == 0) at.push_back(roll(2) == 0 ? half.other : half.dead);
  }
  const auto safe = [&](const std::vector<SiteId>& at) { return !at.empty() && at[0] != half.dead; };
  const auto does = [&](uint32_t set) {
    std::vector<uint8_t> followed(stages, 0);
    for (size_t e = 0; e < workflow.edges.size(); ++e) {
      const WorkflowEdge& edge = workflow.edges[e];
      followed[edge.from] = 1;
      const bool there =
          safe(progress.outputs[edge.from]) || safe(progress.delivered[e]) || (set >> edge.from & 1) != 0;
      if ((set >> edge.to & 1) != 0 && !there) return false;
    }
    for (size_t s = 0; s < stages; ++s) {
      if (!followed[s] && !safe(progress.outputs[s]) && (set >> s & 1) == 0) return false;
    }
    return true;
  };
  uint32_t ours = 0;
  const auto again = rerun(half.world.graph(), workflow, progress);
  RC_ASSERT(again.has_value());
  for (const uint32_t s : again->stages) ours |= 1u << s;
  RC_ASSERT(does(ours));
  for (uint32_t set = 0; set < 1u << stages; ++set) RC_ASSERT(!does(set) || (set & ours) == ours);
  RC_ASSERT(again->stages.empty() || check(again->rest).has_value());
}

}  // namespace
}  // namespace weir
