#include "orchestration/traffic/ecmp.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <map>

#include "orchestration/traffic/segment_list.h"
#include "orchestration/traffic/test_networks.h"

namespace weir::traffic {
namespace {

TEST(EcmpRoutes, ShareEquallyAtEachVertexAndNotByPath) {
  // 0 to 1 and 2; 1 to 3 by two parallel links, 2 to 3 by one.
  const Network network{4,
                        {{0, 1, 9, 1}, {0, 2, 9, 1}, {1, 3, 9, 1}, {1, 3, 9, 1}, {2, 3, 9, 1}, {0, 3, 9, 3}}};
  const auto routes = EcmpRoutes::make(network);
  ASSERT_TRUE(routes);
  const uint32_t half = kWholeShare / 2;
  std::map<uint32_t, uint32_t> by_link;
  for (const LinkShare& entry : routes->shares(0, 3)) by_link[entry.link] = entry.share;
  EXPECT_EQ(by_link,
            (std::map<uint32_t, uint32_t>{{0, half}, {1, half}, {2, half / 2}, {3, half / 2}, {4, half}}));
  EXPECT_TRUE(routes->shares(3, 3).empty());
  EXPECT_TRUE(routes->reaches(3, 3));
  EXPECT_FALSE(routes->reaches(3, 0));
  EXPECT_FALSE(EcmpRoutes::make(network, 5));
  EXPECT_EQ(EcmpRoutes::make(network, 5).error().code, ErrorCode::kExhausted);
}

RC_GTEST_PROP(EcmpRoutes, ConserveTrafficAndKeepTheirErrorBound, (uint64_t seed)) {
  TestDice dice(seed);
  const auto n = static_cast<uint32_t>(dice.roll(2, 10));
  const Network network = random_network(n, static_cast<uint32_t>(dice.roll(0, 30)), dice);
  const auto routes = EcmpRoutes::make(network);
  RC_ASSERT(routes.has_value());
  for (uint32_t to = 0; to < n; ++to) {
    for (uint32_t from = 0; from < n; ++from) {
      if (from == to) continue;
      std::vector<int64_t> surplus(n, 0);
      std::vector<double> exact(n, 0);
      exact[from] = 1;
      std::map<uint32_t, uint32_t> share;
      for (const LinkShare& entry : routes->shares(from, to)) {
        surplus[network.links[entry.link].from] -= entry.share;
        surplus[network.links[entry.link].to] += entry.share;
        RC_ASSERT(share.emplace(entry.link, entry.share).second);
      }
      for (uint32_t v = 0; v < n; ++v)
        RC_ASSERT(surplus[v] == (v == to ? int64_t{kWholeShare} : v == from ? -int64_t{kWholeShare} : 0));
      const auto hops = routes->hops(to);
      for (size_t r = hops.size(); r-- > 1;) {
        for (const EcmpRoutes::NextLink& next : routes->next_links(hops[r])) {
          const double part = exact[hops[r].vertex] / hops[r].link_count;
          exact[next.to] += part;
          const double got = share.count(next.link) ? share[next.link] : 0;
          RC_ASSERT(std::abs(got - part * kWholeShare) < static_cast<double>(network.links.size()));
        }
      }
    }
  }
}

TEST(SegmentLists, LeadWhereTheySay) {
  const Network network{4, {{0, 1, 9, 1}, {1, 2, 9, 1}, {2, 3, 9, 1}, {0, 3, 9, 1}, {1, 3, 9, 9}}};
  const auto routes = EcmpRoutes::make(network);
  ASSERT_TRUE(routes);
  const auto vertex = [](uint32_t v) { return Segment{Segment::Kind::kVertex, v}; };
  const auto link = [](uint32_t e) { return Segment{Segment::Kind::kLink, e}; };
  EXPECT_TRUE(leads(network, *routes, SegmentList::shortest_paths_to(3), 0, 3));
  EXPECT_TRUE(leads(network, *routes, {2, {vertex(2), vertex(3)}}, 0, 3));
  EXPECT_TRUE(leads(network, *routes, {1, {link(4)}}, 0, 3));
  EXPECT_FALSE(leads(network, *routes, {1, {link(4)}}, 0, 2));
  EXPECT_FALSE(leads(network, *routes, {1, {link(4)}}, 2, 3)) << "2 does not reach 1";
  EXPECT_FALSE(leads(network, *routes, {1, {link(5)}}, 0, 3));
  EXPECT_FALSE(leads(network, *routes, {1, {vertex(4)}}, 0, 3));
  EXPECT_FALSE(leads(network, *routes, {0, {}}, 3, 3));
  const std::vector<std::string> vertices = {"a", "b", "c", "d"}, links = {"ab", "bc", "cd", "ad", "bd"};
  EXPECT_EQ(text({2, {link(4), vertex(3)}}, vertices, links), "bd d");
  const std::vector<Way> ways = {{0, 10, {1, {link(4)}}}, {0, 5, SegmentList::shortest_paths_to(3)}};
  EXPECT_EQ(loads_bps(network, *routes, {{0, 3, 15}}, ways), (std::vector<int64_t>{10, 0, 0, 5, 10}));
}

}  // namespace
}  // namespace weir::traffic
