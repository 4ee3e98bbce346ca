#include "orchestration/traffic/engineer.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "orchestration/traffic/flow_bound.h"
#include "orchestration/traffic/test_networks.h"

namespace weir::traffic {
namespace {

RC_GTEST_PROP(Engineer, RoutesEveryDemandAndCountsItsLoads, (uint64_t seed)) {
  TestDice dice(seed);
  const auto n = static_cast<uint32_t>(dice.roll(2, 10));
  const Network network = random_network(n, static_cast<uint32_t>(dice.roll(0, 15)), dice);
  const std::vector<Demand> demands = random_demands(n, static_cast<uint32_t>(dice.roll(0, 40)), dice);
  RC_ASSERT(check(network, demands).has_value());
  const auto routes = EcmpRoutes::make(network);
  RC_ASSERT(routes.has_value());
  const EngineerOptions options{.segments_max = static_cast<uint32_t>(dice.roll(1, kSegmentsMax)),
                                .lists_max = static_cast<uint32_t>(dice.roll(1, 4)),
                                .link_segments = dice.roll(0, 1) == 1};
  const Engineered result = engineer(network, *routes, demands, options);

  RC_ASSERT(result.loads_bps == loads_bps(network, *routes, demands, result.ways));
  RC_ASSERT(result.max_utilisation_ppm == max_utilisation_ppm(network, result.loads_bps));
  std::vector<int64_t> sent(demands.size(), 0);
  std::vector<std::vector<SegmentList>> lists(demands.size());
  for (const Way& way : result.ways) {
    RC_ASSERT(leads(network, *routes, way.list, demands[way.demand].from, demands[way.demand].to));
    RC_ASSERT(way.list.count <= options.segments_max);
    sent[way.demand] += way.bps;
    RC_ASSERT(std::find(lists[way.demand].begin(), lists[way.demand].end(), way.list) ==
              lists[way.demand].end());
    lists[way.demand].push_back(way.list);
    RC_ASSERT(lists[way.demand].size() <= options.lists_max);
    if (!options.link_segments)
      for (uint32_t i = 0; i < way.list.count; ++i)
        RC_ASSERT(way.list.segments[i].kind == Segment::Kind::kVertex);
  }
  for (size_t d = 0; d < demands.size(); ++d) RC_ASSERT(sent[d] == demands[d].bps);
  RC_ASSERT(result.max_utilisation_ppm <=
            engineer(network, *routes, demands, {.steps_max = 0}).max_utilisation_ppm);
  const FlowBound bound = bound_flow(network, demands, {.rounds_max = 30});
  RC_ASSERT(bound.lower_ppm <= result.max_utilisation_ppm);
  RC_ASSERT(engineer(network, *routes, demands, options).ways == result.ways);
}

// The least maximum over every choice of lists. Lists of the same loads count once.
int64_t optimum_ppm(const Network& network, const EcmpRoutes& routes, const std::vector<Demand>& demands,
                    uint32_t segments_max) {
  std::vector<Segment> all;
  for (uint32_t v = 0; v < network.vertices; ++v) all.push_back({Segment::Kind::kVertex, v});
  for (uint32_t e = 0; e < network.links.size(); ++e) all.push_back({Segment::Kind::kLink, e});
  std::vector<std::set<std::vector<int64_t>>> choices(demands.size());
  for (uint32_t d = 0; d < demands.size(); ++d) {
    const std::function<void(SegmentList)> extend = [&](SegmentList list) {
      if (leads(network, routes, list, demands[d].from, demands[d].to))
        choices[d].insert(loads_bps(network, routes, demands, {{d, demands[d].bps, list}}));
      if (list.count == segments_max) return;
      for (const Segment& segment : all) {
        SegmentList longer = list;
        longer.segments[longer.count++] = segment;
        extend(longer);
      }
    };
    extend({});
  }
  int64_t best = INT64_MAX;
  std::vector<int64_t> loads(network.links.size(), 0);
  const std::function<void(size_t)> choose = [&](size_t d) {
    if (d == demands.size()) {
      best = std::min(best, max_utilisation_ppm(network, loads));
      return;
    }
    for (const std::vector<int64_t>& choice : choices[d]) {
      for (size_t e = 0; e < loads.size(); ++e) loads[e] += choice[e];
      if (max_utilisation_ppm(network, loads) < best) choose(d + 1);
      for (size_t e = 0; e < loads.size(); ++e) loads[e] -= choice[e];
    }
  };
  choose(0);
  return best;
}

TEST(Engineer, IsNearTheExhaustiveOptimumWhereDemandsAreFewAndLarge) {
  int equal = 0, total = 0;
  int64_t excess_ppm = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    TestDice dice(seed);
    const auto n = static_cast<uint32_t>(dice.roll(3, 5));
    const Network network = random_network(n, static_cast<uint32_t>(dice.roll(0, 4)), dice);
    const std::vector<Demand> demands = random_demands(n, 4, dice);
    const auto routes = EcmpRoutes::make(network);
    ASSERT_TRUE(routes);
    const int64_t optimum = optimum_ppm(network, *routes, demands, 2);
    const Engineered result = engineer(network, *routes, demands, {.segments_max = 2});
    ASSERT_GE(result.max_utilisation_ppm, optimum);
    ++total;
    equal += result.max_utilisation_ppm == optimum ? 1 : 0;
    excess_ppm += (result.max_utilisation_ppm - optimum) * 1'000'000 / std::max<int64_t>(optimum, 1);
  }
  EXPECT_GE(equal, 185) << "of " << total;
  EXPECT_LE(excess_ppm / total, 15'000) << "the mean excess";
}

}  // namespace
}  // namespace weir::traffic
