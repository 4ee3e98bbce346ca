#include "orchestration/path/path_search.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <set>

namespace weir {
namespace {

struct RawLink {
  uint32_t a, b;
  int64_t bandwidth_bps, latency_us, price;
  bool steerable = true;
};

Graph network(size_t routers, const std::vector<RawLink>& links) {
  Graph graph;
  graph.apply({1, "t", DomainCreated{.name = "d", .scarcity_gbps_hour = 1'000'000'000}});
  for (uint32_t i = 0; i < routers; ++i) graph.apply({1, "t", RouterDefined{VertexId(i), "r" + std::to_string(i)}});
  for (uint32_t i = 0; i < links.size(); ++i) {
    const RawLink& l = links[i];
    graph.apply({1, "t",
                 LinkDefined{LinkId(2 * i), LinkSpec{.name = "l" + std::to_string(i), .a = VertexId(l.a),
                                                     .b = VertexId(l.b), .bandwidth_bps = l.bandwidth_bps,
                                                     .latency_us = l.latency_us, .per_gbps_hour = l.price,
                                                     .steerable = l.steerable, .sid_a = "fd77:a::",
                                                     .sid_b = "fd77:b::"}}});
  }
  return graph;
}

constexpr int64_t kMbps = 1'000'000;
const StreamDemand kDemand{10 * kMbps, kMbps, 0, 0, 1000};

std::optional<PathOption> cheapest(const Graph& graph, VertexId to, const PathLimits& limits) {
  PathMemory memory;
  return PathSearch(graph, kDemand, memory).cheapest(VertexId(0u), to, limits);
}

// Every simple path by depth-first search: the referee.
void all_paths(const Graph& graph, VertexId at, VertexId to, std::vector<LinkId>& path, std::set<VertexId>& seen,
               std::vector<std::vector<LinkId>>& out) {
  if (at == to) {
    out.push_back(path);
    return;
  }
  for (const LinkId link : graph.links_out(at)) {
    const VertexId next = graph.link(link).to;
    if (!seen.insert(next).second) continue;
    path.push_back(link);
    all_paths(graph, next, to, path, seen, out);
    path.pop_back();
    seen.erase(next);
  }
}

TEST(CheapestPath, TakesTheDearerWayOnlyWhenTheCheapIsTooSlowOrFull) {
  // 0 - 1 - 3 cheap and slow, 0 - 2 - 3 dear and fast.
  Graph graph = network(4, {{0, 1, 100 * kMbps, 50'000, 1000}, {1, 3, 100 * kMbps, 50'000, 1000},
                            {0, 2, 100 * kMbps, 1'000, 9'000'000}, {2, 3, 100 * kMbps, 1'000, 9'000'000}});
  const auto links = [](const std::optional<PathOption>& path) { return path ? path->links : std::vector<LinkId>{}; };
  const std::vector<LinkId> slow = {LinkId(0u), LinkId(2u)}, fast = {LinkId(4u), LinkId(6u)};
  EXPECT_EQ(links(cheapest(graph, VertexId(3u), {})), slow);
  EXPECT_EQ(links(cheapest(graph, VertexId(3u), {.latency_us_max = 200'000})), slow);
  EXPECT_EQ(links(cheapest(graph, VertexId(3u), {.latency_us_max = 199'999})), fast);
  EXPECT_FALSE(cheapest(graph, VertexId(3u), {.latency_us_max = 3'999}));
  PathUse use;
  use.add(slow, 90 * kMbps, 0);
  EXPECT_EQ(links(cheapest(graph, VertexId(3u), {.use = &use})), slow);
  use.add({LinkId(0u)}, 1, 0);
  EXPECT_EQ(links(cheapest(graph, VertexId(3u), {.use = &use})), fast);
  EXPECT_FALSE(cheapest(graph, VertexId(3u), {.streams = 11}));
  EXPECT_TRUE(cheapest(graph, VertexId(3u), {.streams = 10}));
  graph.apply({1, "t", LinkStateChanged{LinkId(3u), false, "cut"}});
  EXPECT_EQ(links(cheapest(graph, VertexId(3u), {})), fast) << "one dead direction kills both";
  EXPECT_FALSE(cheapest(graph, VertexId(3u), {.avoid = &fast}));
}

TEST(CheapestPath, OnPlainLinksOnlyTheRoutedPathIsACandidate) {
  Graph graph = network(4, {{0, 1, 100 * kMbps, 50'000, 1000, false},
                            {1, 3, 100 * kMbps, 50'000, 1000, false},
                            {0, 2, 100 * kMbps, 1'000, 9'000'000, false},
                            {2, 3, 100 * kMbps, 1'000, 9'000'000, false}});
  const auto path = cheapest(graph, VertexId(3u), {});
  ASSERT_TRUE(path);
  EXPECT_EQ(path->links, (std::vector<LinkId>{LinkId(4u), LinkId(6u)}));
  EXPECT_FALSE(cheapest(graph, VertexId(3u), {.streams = 11}));
}

TEST(CheapestPath, FromOrToASiteThatCannotSteerOnlyTheRoutedPathIsACandidate) {
  // Routers 0 and 1 are joined by a dear link and, over router 2, by cheap and slow ones; a site hangs on each.
  Graph graph = network(3, {{0, 1, 100 * kMbps, 1'000, 9'000'000}, {0, 2, 100 * kMbps, 1'000, 50}, {2, 1, 100 * kMbps, 1'000, 50}});
  for (uint32_t s = 0; s < 2; ++s) {
    graph.apply({1, "t", SiteDefined{SiteId(s), VertexId(3 + s), SiteSpec{.name = "s" + std::to_string(s), .sid = "fd77:5::"}}});
    const auto id = static_cast<uint32_t>(graph.link_count());
    graph.apply({1, "t", LinkDefined{LinkId(id), LinkSpec{.name = "a" + std::to_string(s), .a = VertexId(3 + s), .b = VertexId(s),
                                                          .bandwidth_bps = 100 * kMbps, .latency_us = 100,
                                                          .sid_b = "fd77:b::"}}});
  }
  const std::vector<LinkId> led = {LinkId(6u), LinkId(2u), LinkId(4u), LinkId(9u)};
  const std::vector<LinkId> routed = {LinkId(6u), LinkId(0u), LinkId(9u)};
  PathMemory memory;
  const auto found = [&] {
    PathSearch search(graph, kDemand, memory);
    uint64_t steps = 1000;
    const PathList list = search.by_price(VertexId(3u), VertexId(4u), {}, 10, steps);
    EXPECT_EQ(list.paths.at(0).links, search.cheapest(VertexId(3u), VertexId(4u), {})->links);
    std::vector<std::vector<LinkId>> paths;
    for (const PathOption& option : list.paths) paths.push_back(option.links);
    return paths;
  };
  EXPECT_EQ(found(), (std::vector<std::vector<LinkId>>{led, routed}));
  for (const SiteId site : {SiteId(0u), SiteId(1u)}) {
    graph.apply({1, "t", SiteSteeringChanged{site, false, "no seg6"}});
    EXPECT_EQ(found(), (std::vector<std::vector<LinkId>>{routed}));
    graph.apply({1, "t", SiteSteeringChanged{site, true, ""}});
    EXPECT_EQ(found(), (std::vector<std::vector<LinkId>>{led, routed}));
  }
}

TEST(CheapestPath, NeverPassesThroughASite) {
  // Routers 0 and 1 are joined by a dear link; site 2 hangs on both by cheap ones, sites 3 and 4 on one each.
  Graph graph = network(2, {{0, 1, 100 * kMbps, 1'000, 50'000'000}});
  for (uint32_t s = 0; s < 3; ++s) {
    graph.apply({1, "t", SiteDefined{SiteId(s), VertexId(2 + s), SiteSpec{.name = "s" + std::to_string(s), .sid = "fd77:5::"}}});
  }
  const auto link = [&](uint32_t a, uint32_t b) {
    const auto id = static_cast<uint32_t>(graph.link_count());
    graph.apply({1, "t", LinkDefined{LinkId(id), LinkSpec{.name = "l" + std::to_string(id), .a = VertexId(a), .b = VertexId(b),
                                                          .bandwidth_bps = 100 * kMbps, .latency_us = 100,
                                                          .per_gbps_hour = 1000, .sid_a = "fd77:a::",
                                                          .sid_b = "fd77:b::"}}});
  };
  link(2, 0);
  link(2, 1);
  link(3, 0);
  link(4, 1);
  PathMemory memory;
  PathSearch search(graph, kDemand, memory);
  const auto path = search.cheapest(VertexId(3u), VertexId(4u), {});
  ASSERT_TRUE(path);
  EXPECT_EQ(path->links, (std::vector<LinkId>{LinkId(6u), LinkId(0u), LinkId(9u)}));
  EXPECT_EQ(search.fastest(VertexId(3u), VertexId(4u))->links, path->links);
  EXPECT_EQ(routed_path(graph, VertexId(3u), VertexId(4u)), path->links);
  uint64_t steps = 1000;
  EXPECT_EQ(search.by_price(VertexId(3u), VertexId(4u), {}, 10, steps).paths.size(), 1u);
  // A link straight to another site may be taken, though still not on the way elsewhere.
  link(3, 2);
  PathSearch with_direct(graph, kDemand, memory);
  EXPECT_EQ(with_direct.cheapest(VertexId(3u), VertexId(2u), {})->links, (std::vector<LinkId>{LinkId(10u)}));
  EXPECT_EQ(with_direct.cheapest(VertexId(3u), VertexId(4u), {})->links, path->links);
  EXPECT_EQ(with_direct.fastest(VertexId(3u), VertexId(4u))->links, path->links);
}

// Few prices, so that many ways cost the same; sites with two ways into the core, some of them full.
class Moving {
 public:
  explicit Moving(uint64_t seed, uint32_t routers, uint32_t sites) : engine_(seed), routers_(routers), sites_(sites) {
    std::vector<RawLink> links;
    const auto join = [&](uint32_t a, uint32_t b) {
      if (a != b) links.push_back({a, b, roll(2, 3) * 40 * kMbps, roll(1, 3) * 1'000, roll(1, 2) * 1'000'000'000});
    };
    for (uint32_t r = 1; r < routers; ++r) join(r, static_cast<uint32_t>(roll(0, r - 1)));
    for (uint32_t r = 0; r < routers; ++r) join(r, static_cast<uint32_t>(roll(0, routers - 1)));
    graph = network(routers, links);
    for (uint32_t s = 0; s < sites; ++s) {
      add(SiteDefined{SiteId(s), site(s), SiteSpec{.name = "s" + std::to_string(s), .sid = "fd77:5::"}});
      add(NodesReported{SiteId(s), NodeId(s), {{"n", 1000, 1024, 0, "", 1000}}});
      for (int way = 0; way < 2; ++way) {
        const auto id = static_cast<uint32_t>(graph.link_count());
        add(LinkDefined{LinkId(id), LinkSpec{.name = "a" + std::to_string(id), .a = site(s),
                                             .b = VertexId(static_cast<uint32_t>(roll(0, routers - 1))),
                                             .bandwidth_bps = 80 * kMbps, .latency_us = 1'000,
                                             .per_gbps_hour = 1'000'000'000, .sid_b = "fd77:b::"}});
      }
    }
    add(TenantDefined{TenantId(0u), "t"});
  }

  // A link takes more, gives it back, goes down or comes up again, or is measured anew.
  void change() {
    const LinkId some(static_cast<uint32_t>(roll(0, static_cast<int64_t>(graph.link_count()) - 1)));
    const int64_t what = roll(0, 19);
    if (what == 0) add(LinkMeasured{some, roll(1, 3) * 1'000, 0, 0});
    if (what == 1 || what == 2) add(LinkStateChanged{some, !graph.load(some).up, ""});
    if (what < 3) return;
    if (what < 12) {
      const IntentId id(graph.intent_count());
      add(IntentSubmitted{id, TenantId(0u), 1, IntentSpec{.name = "i" + std::to_string(id.value)}});
      Plan plan{.intent = id, .generation = 1};
      plan.placements.push_back({.site = SiteId(0u), .node = NodeId(0u), .asks = {}, .continues = {}});
      plan.flows.push_back({.ingress = SiteId(0u), .up_bps = roll(1, 4) * 10 * kMbps, .path = {some}, .protection = {}});
      held_.emplace_back(id, graph.version());
      add(PlanCommitted{plan});
    } else if (!held_.empty()) {
      const auto at = static_cast<ptrdiff_t>(roll(0, std::ssize(held_) - 1));
      const auto [id, position] = held_[static_cast<size_t>(at)];
      held_.erase(held_.begin() + at);
      add(IntentWithdrawn{id});
      add(PlanRetired{id, position});
    }
  }

  VertexId site(uint32_t s) const { return VertexId(routers_ + s); }
  VertexId any() { return VertexId(static_cast<uint32_t>(roll(0, routers_ + sites_ - 1))); }
  int64_t roll(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }

  Graph graph;

 private:
  void add(EventBody body) { graph.apply({1, "t", std::move(body)}); }
  std::mt19937_64 engine_;
  uint32_t routers_, sites_;
  std::vector<std::pair<IntentId, Position>> held_;
};

TEST(CheapestPath, WhatSearchesLearnedChangesNothing) {
  size_t found = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Moving moving(seed, 6 + static_cast<uint32_t>(seed % 20), 4);
    PathMemory memory;
    for (int step = 0; step < 60; ++step) {
      moving.change();
      PathSearch search(moving.graph, kDemand, memory);
      for (int ask = 0; ask < 4; ++ask) {
        const VertexId from = moving.site(static_cast<uint32_t>(moving.roll(0, 2))), to = moving.any();
        PathLimits limits{.streams = static_cast<int32_t>(moving.roll(1, 2))};
        if (moving.roll(0, 3) == 0) limits.latency_us_max = moving.roll(4, 20) * 1'000;
        PathMemory nothing;
        PathSearch fresh(moving.graph, kDemand, nothing);
        const auto path = search.cheapest(from, to, limits), expected = fresh.cheapest(from, to, limits);
        ASSERT_EQ(path.has_value(), expected.has_value()) << "seed " << seed << " step " << step;
        if (!path) continue;
        ++found;
        ASSERT_EQ(path->price, expected->price) << "seed " << seed << " step " << step;
        ASSERT_EQ(path->latency_us(), expected->latency_us()) << "seed " << seed << " step " << step;
        ASSERT_EQ(path->links, expected->links) << "seed " << seed << " step " << step;
        limits.avoid = &expected->links;
        const auto spare = search.cheapest(from, to, limits), apart = fresh.cheapest(from, to, limits);
        ASSERT_EQ(spare.has_value(), apart.has_value()) << "seed " << seed << " step " << step;
        if (!spare) continue;
        ASSERT_EQ(spare->links, apart->links) << "seed " << seed << " step " << step;
      }
    }
  }
  EXPECT_GT(found, 20'000u);
}

TEST(Hop, SerialisationIsBitsOverRate) {
  Graph graph = network(2, {{0, 1, 100 * kMbps, 1'000, 0}});
  StreamDemand demand{2 * kMbps, 0, kMbps, 0, 1000};  // one request of 1 Mbit
  EXPECT_EQ(hop(graph, LinkId(0u), demand).serialisation_us, 10'000);
  EXPECT_EQ(hop(graph, LinkId(0u), demand).round_trip_us, 2'000);
}

RC_GTEST_PROP(CheapestPath, EqualsExhaustiveSearch, ()) {
  const auto routers = *rc::gen::inRange<uint32_t>(2, 7);
  std::vector<RawLink> links;
  const auto count = *rc::gen::inRange<size_t>(1, 12);
  std::set<std::pair<uint32_t, uint32_t>> seen;
  while (links.size() < count) {
    const auto a = *rc::gen::inRange<uint32_t>(0, routers);
    const auto b = (a + *rc::gen::inRange<uint32_t>(1, routers)) % routers;
    links.push_back({a, b, *rc::gen::inRange<int64_t>(5, 60) * kMbps, *rc::gen::inRange<int64_t>(0, 20) * 1000,
                     *rc::gen::inRange<int64_t>(0, 50) * 1'000'000, *rc::gen::inRange(0, 4) > 0});
  }
  Graph graph = network(routers, links);
  const VertexId to(routers - 1);
  const PathLimits limits{.streams = *rc::gen::inRange(1, 4), .latency_us_max = *rc::gen::inRange<int64_t>(0, 100) * 1000};
  std::vector<std::vector<LinkId>> every;
  std::vector<LinkId> path;
  std::set<VertexId> visited = {VertexId(0u)};
  all_paths(graph, VertexId(0u), to, path, visited, every);
  const auto routed = routed_path(graph, VertexId(0u), to);
  std::erase_if(every, [&](const auto& links_of) { return !graph.steerable(links_of) && links_of != *routed; });
  std::vector<Nanocredits> prices;
  for (auto& links_of : every) {
    const PathOption option = priced(graph, links_of, kDemand);
    if (fits(graph, option, kDemand, limits)) prices.push_back(option.price);
  }
  std::sort(prices.begin(), prices.end());
  const auto found = cheapest(graph, to, limits);
  RC_ASSERT(found.has_value() == !prices.empty());
  if (found) {
    RC_ASSERT(found->price == prices.front());
    RC_ASSERT(fits(graph, priced(graph, found->links, kDemand), kDemand, limits));
  }
  PathMemory memory;
  if (found) {  // and the cheapest one apart from it, on the same bounds
    const PathLimits apart{.streams = limits.streams, .latency_us_max = limits.latency_us_max, .avoid = &found->links};
    std::optional<Nanocredits> least;
    for (const auto& links_of : every) {
      const PathOption option = priced(graph, links_of, kDemand);
      if (fits(graph, option, kDemand, apart)) least = std::min(least.value_or(option.price), option.price);
    }
    PathSearch search(graph, kDemand, memory);
    RC_ASSERT(search.cheapest(VertexId(0u), to, limits)->links == found->links);
    const auto spare = search.cheapest(VertexId(0u), to, apart);
    RC_ASSERT(spare.has_value() == least.has_value());
    if (spare) {
      RC_ASSERT(spare->price == *least);
      RC_ASSERT(fits(graph, *spare, kDemand, apart));
    }
  }
  uint64_t steps = 1'000'000;
  const PathList list = PathSearch(graph, kDemand, memory).by_price(VertexId(0u), to, limits, 100'000, steps);
  RC_ASSERT(list.complete);
  std::vector<Nanocredits> listed;
  for (const auto& option : list.paths) listed.push_back(option.price);
  RC_ASSERT(listed == prices);
}

}  // namespace
}  // namespace weir
