#include <gtest/gtest.h>

#include "bench/workflow/generate.h"
#include "orchestration/workflow/batch.h"
#include "orchestration/workflow/stream.h"

namespace weir::bench {
namespace {

TEST(Generate, HasThePublishedNumbersOfTasks) {
  EXPECT_EQ(gaussian_elimination(5).cost.size(), 14u);
  EXPECT_EQ(gaussian_elimination(20).cost.size(), 209u);
  EXPECT_EQ(fourier_transform(4).cost.size(), 15u);
  EXPECT_EQ(fourier_transform(32).cost.size(), 223u);
  Dice dice(1);
  for (const int tasks : {20, 100})
    EXPECT_EQ(random_graph(dice, tasks, 100, 3).cost.size(), static_cast<size_t>(tasks));
}

TEST(Generate, HasNoCyclesAndTheRatioAskedFor) {
  for (uint64_t seed = 1; seed < 50; ++seed) {
    Dice dice(seed);
    for (const TaskGraph& graph :
         {random_graph(dice, 60, 50, 4), random_graph(dice, 20, 200, 20), montage_like(dice, 10),
          epigenomics_like(dice, 2, 3), gaussian_elimination(8), fourier_transform(8)}) {
      const BatchProblem problem = problem_of(dice, graph, 4, 200, 50);
      ASSERT_EQ(problem.order().size(), graph.cost.size());
      int64_t runs = 0, transfers = 0;
      for (size_t t = 0; t < graph.cost.size(); ++t) {
        for (size_t m = 0; m < 4; ++m) runs += problem.run_us(t, m);
      }
      for (const auto& arc : problem.arcs()) transfers += arc.bytes;
      const double ratio = static_cast<double>(transfers) / static_cast<double>(graph.arcs.size()) /
                           (static_cast<double>(runs) / 4 / static_cast<double>(graph.cost.size()));
      EXPECT_NEAR(ratio, 2, 0.2);
    }
  }
}

TEST(Generate, StreamsAreWellAndCanBeHeld) {
  Dice dice(3);
  const StreamRegion region = stream_region(dice, 60, 12);
  for (const StreamShape shape : {StreamShape::kChain, StreamShape::kTree, StreamShape::kDag}) {
    const Workflow workflow = random_stream(dice, region.graph, shape, 8);
    ASSERT_TRUE(check(workflow)) << check(workflow).error().text();
    const auto plan = plan_stream(region.graph, workflow);
    ASSERT_TRUE(plan) << plan.error().text();
    EXPECT_LE(plan->bound, plan->price);
  }
}

}  // namespace
}  // namespace weir::bench
