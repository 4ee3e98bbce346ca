#include "orchestration/traffic/network.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "orchestration/traffic/test_networks.h"

namespace weir::traffic {
namespace {

Network line() { return {3, {{0, 1, 100, 1}, {1, 2, 50, 1}}}; }

ErrorCode code_of(const Network& network, const std::vector<Demand>& demands) {
  const Status status = check(network, demands);
  return status ? ErrorCode::kInternal : status.error().code;
}

TEST(TrafficNetwork, IsCheckedAtEachBound) {
  EXPECT_TRUE(check(line(), {{0, 2, 7}}));
  EXPECT_TRUE(check(line(), {{2, 0, 0}})) << "a demand of nothing needs no path";
  EXPECT_TRUE(check({}, {}));
  EXPECT_EQ(code_of(line(), {{2, 0, 1}}), ErrorCode::kInfeasible);
  EXPECT_EQ(code_of(line(), {{0, 0, 1}}), ErrorCode::kInvalid);
  EXPECT_EQ(code_of(line(), {{0, 3, 1}}), ErrorCode::kInvalid);
  EXPECT_EQ(code_of(line(), {{0, 2, -1}}), ErrorCode::kInvalid);
  EXPECT_TRUE(check(line(), {{0, 2, kDemandBpsMax}}));
  EXPECT_EQ(code_of(line(), {{0, 2, kDemandBpsMax + 1}}), ErrorCode::kInvalid);
  EXPECT_TRUE(check(line(), std::vector<Demand>(64, {0, 2, kDemandBpsMax})));
  EXPECT_EQ(code_of(line(), std::vector<Demand>(65, {0, 2, kDemandBpsMax})), ErrorCode::kInvalid);
  const auto with = [](Link link) { return Network{3, {link}}; };
  EXPECT_TRUE(check(with({0, 1, 1, 1}), {}));
  EXPECT_TRUE(check(with({0, 1, kCapacityBpsMax, kWeightMax}), {}));
  EXPECT_EQ(code_of(with({0, 1, 0, 1}), {}), ErrorCode::kInvalid);
  EXPECT_EQ(code_of(with({0, 1, kCapacityBpsMax + 1, 1}), {}), ErrorCode::kInvalid);
  EXPECT_EQ(code_of(with({0, 1, 1, 0}), {}), ErrorCode::kInvalid);
  EXPECT_EQ(code_of(with({0, 1, 1, kWeightMax + 1}), {}), ErrorCode::kInvalid);
  EXPECT_EQ(code_of(with({1, 1, 1, 1}), {}), ErrorCode::kInvalid);
  EXPECT_EQ(code_of(with({0, 3, 1, 1}), {}), ErrorCode::kInvalid);
  EXPECT_EQ(check(with({0, 3, 1, 1}), {}).error().where, "link 0");
}

TEST(TrafficNetwork, UtilisationIsRoundedUp) {
  EXPECT_EQ(utilisation_ppm({0, 1, 3, 1}, 1), 333'334);
  EXPECT_EQ(utilisation_ppm({0, 1, 3, 1}, 0), 0);
  EXPECT_EQ(utilisation_ppm({0, 1, 1, 1}, int64_t{1} << 60), INT64_MAX);
  EXPECT_EQ(max_utilisation_ppm(line(), {50, 30}), 600'000);
  EXPECT_EQ(max_utilisation_ppm({}, {}), 0);
}

RC_GTEST_PROP(TrafficNetwork, ShortestPathsAreThoseOfFloydAndWarshall, (uint64_t seed)) {
  TestDice dice(seed);
  const auto n = static_cast<uint32_t>(dice.roll(2, 9));
  const Network network = random_network(n, static_cast<uint32_t>(dice.roll(0, 12)), dice);
  std::vector<int64_t> lengths;
  std::vector<std::vector<int64_t>> least(n, std::vector<int64_t>(n, INT64_MAX / 4));
  for (uint32_t v = 0; v < n; ++v) least[v][v] = 0;
  for (const Link& link : network.links) {
    lengths.push_back(dice.roll(0, 5));
    least[link.from][link.to] = std::min(least[link.from][link.to], lengths.back());
  }
  for (uint32_t k = 0; k < n; ++k)
    for (uint32_t i = 0; i < n; ++i)
      for (uint32_t j = 0; j < n; ++j) least[i][j] = std::min(least[i][j], least[i][k] + least[k][j]);
  ShortestPaths from(network, Adjacency::By::kFrom), to(network, Adjacency::By::kTo);
  for (uint32_t root = 0; root < n; ++root) {
    const std::vector<int64_t> away = from.run(root, lengths);
    const std::vector<int64_t> towards = to.run(root, lengths);
    for (uint32_t v = 0; v < n; ++v) {
      RC_ASSERT(away[v] == least[root][v]);
      RC_ASSERT(towards[v] == least[v][root]);
      const uint32_t link = to.tree()[v];
      RC_ASSERT((v == root) == (link == ShortestPaths::kNoLink));
      if (v != root) RC_ASSERT(towards[v] == lengths[link] + towards[network.links[link].to]);
    }
    RC_ASSERT(std::is_sorted(to.order().begin(), to.order().end(),
                             [&](uint32_t a, uint32_t b) { return towards[a] < towards[b]; }));
  }
}

}  // namespace
}  // namespace weir::traffic
