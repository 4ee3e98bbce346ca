#include "orchestration/traffic/list_prices.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>

#include "orchestration/traffic/test_networks.h"

namespace weir::traffic {
namespace {

// Calls visit for every list of at most so many segments that leads from `from` to `to`.
void for_each_list(const Network& network, const EcmpRoutes& routes, uint32_t from, uint32_t to,
                   uint32_t segments_max, bool links, const std::function<void(const SegmentList&)>& visit) {
  std::vector<Segment> all;
  for (uint32_t v = 0; v < network.vertices; ++v) all.push_back({Segment::Kind::kVertex, v});
  for (uint32_t e = 0; links && e < network.links.size(); ++e) all.push_back({Segment::Kind::kLink, e});
  const std::function<void(SegmentList)> extend = [&](SegmentList list) {
    if (leads(network, routes, list, from, to)) visit(list);
    if (list.count == segments_max) return;
    for (const Segment& segment : all) {
      SegmentList longer = list;
      longer.segments[longer.count++] = segment;
      extend(longer);
    }
  };
  extend({});
}

RC_GTEST_PROP(ListPrices, AreTheLeastOfAllLists, (uint64_t seed)) {
  TestDice dice(seed);
  const auto n = static_cast<uint32_t>(dice.roll(2, 5));
  const Network network = random_network(n, static_cast<uint32_t>(dice.roll(0, 4)), dice);
  const auto routes = EcmpRoutes::make(network);
  RC_ASSERT(routes.has_value());
  std::vector<int64_t> prices;
  for (size_t e = 0; e < network.links.size(); ++e)
    prices.push_back(dice.roll(0, 1) == 0 ? dice.roll(1, 9) : dice.roll(1, ListPrices::kPriceMax));
  const auto segments_max = static_cast<uint32_t>(dice.roll(1, kSegmentsMax));
  const bool links = dice.roll(0, 1) == 1;
  ListPrices lists(network, *routes, segments_max, links);
  lists.set(prices);
  for (uint32_t from = 0; from < n; ++from) {
    for (uint32_t to = 0; to < n; ++to) {
      if (from == to) continue;
      int32_t least = ListPrices::kFar;
      uint32_t count = kSegmentsMax + 1;
      for_each_list(network, *routes, from, to, segments_max, links, [&](const SegmentList& list) {
        const int32_t price = lists.of(list, from);
        if (price < least) count = kSegmentsMax + 1;
        least = std::min(least, price);
        if (price == least) count = std::min(count, list.count);
      });
      RC_ASSERT(lists.least(from, to) == least);
      const SegmentList cheapest = lists.cheapest(from, to);
      RC_ASSERT(leads(network, *routes, cheapest, from, to));
      RC_ASSERT(lists.of(cheapest, from) == least);
      RC_ASSERT(cheapest.count == count);
    }
  }
}

TEST(ListPrices, WeighEqualPathsByWhatTheyCarry) {
  const Network network{4, {{0, 1, 9, 1}, {0, 2, 9, 1}, {1, 3, 9, 1}, {2, 3, 9, 1}}};
  const auto routes = EcmpRoutes::make(network);
  ASSERT_TRUE(routes);
  ListPrices lists(network, *routes, 3, true);
  lists.set({100, 10, 200, 20});
  EXPECT_EQ(lists.shortest(0, 3), 165);
  EXPECT_EQ(lists.least(0, 3), 30);
  EXPECT_EQ(lists.cheapest(0, 3).count, 1u) << "End.X at 2 leads there and over its link";
  EXPECT_EQ(lists.least(3, 0), ListPrices::kFar);
}

}  // namespace
}  // namespace weir::traffic
