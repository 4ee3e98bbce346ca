#include "orchestration/traffic/flow_bound.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "orchestration/traffic/test_networks.h"

namespace weir::traffic {
namespace {

TEST(FlowBound, OfTwoPathsIsTheirSum) {
  // 0 to 3 over 1 with 30 and over 2 with 10 Mbit/s.
  const Network network{
      4, {{0, 1, 30'000'000, 1}, {1, 3, 50'000'000, 1}, {0, 2, 50'000'000, 1}, {2, 3, 10'000'000, 1}}};
  const FlowBound bound = bound_flow(network, {{0, 3, 20'000'000}}, {.rounds_max = 300, .gap_ppm = 1'000});
  EXPECT_LE(bound.lower_ppm, 500'000);
  EXPECT_GE(bound.upper_ppm, 500'000);
  EXPECT_GE(bound.lower_ppm, 499'000);
  EXPECT_LE(bound.upper_ppm, 501'000);
  EXPECT_EQ(lower_bound_ppm(network, {{0, 3, 20'000'000}}, {1, 0, 0, 1}), 500'000)
      << "the lengths of the cut";
  EXPECT_EQ(lower_bound_ppm(network, {{0, 3, 20'000'000}}, {1, 1, 0, 0}), 0);
  EXPECT_EQ(lower_bound_ppm(network, {{0, 3, 20'000'000}}, {0, 0, 0, 0}), 0);
}

TEST(FlowBound, OfNothingIsZero) {
  const FlowBound bound = bound_flow({2, {{0, 1, 5, 1}}}, {{0, 1, 0}}, {});
  EXPECT_EQ(bound.lower_ppm, 0);
  EXPECT_EQ(bound.upper_ppm, 0);
}

RC_GTEST_PROP(FlowBound, EncloseTheOptimumClosely, (uint64_t seed)) {
  TestDice dice(seed);
  const auto n = static_cast<uint32_t>(dice.roll(2, 8));
  const Network network = random_network(n, static_cast<uint32_t>(dice.roll(0, 10)), dice);
  const std::vector<Demand> demands = random_demands(n, static_cast<uint32_t>(dice.roll(1, 12)), dice);
  RC_PRE(std::any_of(demands.begin(), demands.end(), [](const Demand& demand) { return demand.bps > 0; }));
  const FlowBound bound = bound_flow(network, demands, {.rounds_max = 400, .gap_ppm = 5'000});
  RC_ASSERT(bound.lower_ppm <= bound.upper_ppm);
  RC_ASSERT(bound.lower_ppm == lower_bound_ppm(network, demands, bound.lengths));
  RC_ASSERT(bound.upper_ppm - bound.lower_ppm <= bound.lower_ppm / 100);
  std::vector<int64_t> lengths;
  for (size_t e = 0; e < network.links.size(); ++e) lengths.push_back(dice.roll(0, int64_t{1} << 40));
  RC_ASSERT(lower_bound_ppm(network, demands, lengths) <= bound.upper_ppm);
}

}  // namespace
}  // namespace weir::traffic
