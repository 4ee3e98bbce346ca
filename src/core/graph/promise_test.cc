#include "core/graph/promise.h"

#include <gtest/gtest.h>

#include <cmath>

namespace weir {
namespace {

Workload workload(int32_t cpu_milli) {
  Workload w;
  w.cpu_milli = cpu_milli;
  w.memory_mib = 256;
  return w;
}
const Traffic kCamera{2'000'000, 50'000, 2000, 30'000};  // 2 requests/s of 30 ms

TEST(ServiceTime, OneStreamNeverWaits) {
  const auto time = service_time(workload(300), kCamera, 990'000, 1000, 1);
  ASSERT_TRUE(time);
  EXPECT_EQ(time->work_us, 100'000);  // 30 ms of work on 0.3 of a core
  EXPECT_EQ(time->queueing_us, 0);
}

TEST(ServiceTime, TheTailFollowsTheFormula) {
  // Four streams of 2/s on a whole core at 30 ms: load 0.24.
  const auto time = service_time(workload(1000), kCamera, 990'000, 1000, 4);
  ASSERT_TRUE(time);
  const double idle = 0.76, l = std::log(100.0), n = 4;
  const double x = n / 2 * (std::sqrt(idle * idle + 2 * l / n) - idle);
  EXPECT_NEAR(static_cast<double>(time->queueing_us), x * 30'000, 30);
  EXPECT_LE(time->queueing_us, 3 * 30'000);
}

TEST(ServiceTime, LoadAtUnderAndOverTheBound) {
  Traffic t = kCamera;
  t.requests_per_second_milli = 9'500;  // 9.5/s * 30 ms = 0.285 cores of 0.3: exactly 95%
  EXPECT_TRUE(service_time(workload(300), t, 990'000, 1000, 1));
  t.requests_per_second_milli = 9'501;
  EXPECT_FALSE(service_time(workload(300), t, 990'000, 1000, 1));
  EXPECT_TRUE(service_time(workload(300), t, 990'000, 1002, 1)) << "a faster core keeps up";
}

// street --l0-- r0 --l1-- hub, and street --l2-- hub by itself.
Graph street() {
  Graph graph;
  const auto add = [&graph](EventBody body) { ASSERT_TRUE(graph.apply({1, "t", std::move(body)}).effect); };
  add(DomainCreated{.name = "d"});
  add(SiteDefined{SiteId(0u), VertexId(0u), {.name = "street"}});
  add(RouterDefined{VertexId(1u), "r0"});
  add(SiteDefined{SiteId(1u), VertexId(2u), {.name = "hub", .availability_ppm = 990'000}});
  const auto link = [&](uint32_t id, uint32_t a, uint32_t b, int64_t bps, int32_t ppm) {
    add(LinkDefined{LinkId(2 * id),
                    {.name = "l" + std::to_string(id),
                     .a = VertexId(a),
                     .b = VertexId(b),
                     .bandwidth_bps = bps,
                     .availability_ppm = ppm}});
  };
  link(0, 0, 1, 10'000'000, 900'000);
  link(1, 1, 2, 20'000'000, 1'000'000);
  link(2, 0, 2, 10'000'000, 990'000);
  return graph;
}
const std::vector<LinkId> kByRouter = {LinkId(0u), LinkId(2u)}, kStraight = {LinkId(4u)};

TEST(Serialisation, AddsUpOverHopsAndBothWays) {
  // 1 Mbit up and 25,000 bit down per request.
  EXPECT_EQ(path_serialisation_us(street(), kByRouter, kCamera), 100'000 + 2'500 + 50'000 + 1'250);
  EXPECT_EQ(path_serialisation_us(street(), {}, kCamera), 0);
  Traffic none = kCamera;
  none.requests_per_second_milli = 0;
  EXPECT_EQ(path_serialisation_us(street(), kByRouter, none), 0);
}

TEST(SiteCrossed, OnlyRoutersCarryTransit) {
  const Graph graph = street();
  EXPECT_EQ(graph.site_at(VertexId(0u)), SiteId(0u));
  EXPECT_EQ(graph.site_at(VertexId(1u)), SiteId{});
  EXPECT_EQ(graph.site_at(VertexId(2u)), SiteId(1u));
  EXPECT_EQ(graph.site_at(VertexId(3u)), SiteId{});
  EXPECT_EQ(site_crossed(graph, kByRouter), SiteId{});
  EXPECT_EQ(site_crossed(graph, {}), SiteId{});
  EXPECT_EQ(site_crossed(graph, {LinkId(1u), LinkId(4u)}), SiteId(0u)) << "from r0 by the street to the hub";
}

TEST(Availability, OfAWayIsSiteTimesPathWithItsProtection) {
  EXPECT_EQ(way_availability_ppm(street(), SiteId(1u), {}, {}), 990'000);
  EXPECT_EQ(way_availability_ppm(street(), SiteId(1u), kByRouter, {}), 891'000);
  EXPECT_EQ(way_availability_ppm(street(), SiteId(1u), kByRouter, kStraight), 989'010)
      << "0.99 of 1 - 0.1 * 0.01";
}

// Sites as described, but for their names.
Graph cities(std::vector<SiteSpec> specs) {
  Graph graph;
  graph.apply({1, "t", DomainCreated{.name = "d"}});
  for (uint32_t s = 0; s < specs.size(); ++s) {
    specs[s].name = "s" + std::to_string(s);
    EXPECT_TRUE(graph.apply({1, "t", SiteDefined{SiteId(s), VertexId(s), specs[s]}}).effect);
  }
  return graph;
}

TEST(Availability, CountsTheWorstWayUnlessSitesStandInForOneAnother) {
  const SiteId a(0u), b(1u), c(2u);
  const Graph graph = cities({{}, {}, {}});
  for (const bool spread : {false, true}) {
    Availability sum(spread);
    EXPECT_EQ(sum.worst_ppm(graph), 1'000'000) << "nothing is served badly";
    sum.add(a, b, 990'000);
    sum.add(a, b, 980'000);
    sum.add(a, c, 900'000);
    EXPECT_EQ(sum.worst_ppm(graph), spread ? 998'000 : 900'000);
    sum.add(b, c, 999'000);
    EXPECT_EQ(sum.worst_ppm(graph), spread ? 998'000 : 900'000);
    sum.add(c, c, 1'000);
    EXPECT_EQ(sum.worst_ppm(graph), 1'000) << "an ingress with one site has no other";
    EXPECT_EQ(sum.sites(a), (std::set<SiteId>{b, c}));
  }
}

TEST(Availability, CountsTheBestOfSitesThatFailTogether) {
  const Graph graph = cities({{.failure_domain = "grid-a"}, {.failure_domain = "grid-a"}, {.failure_domain = "grid-b"}});
  for (const bool spread : {false, true}) {
    Availability sum(spread);
    sum.add({}, SiteId(0u), 900'000);
    sum.add({}, SiteId(1u), 990'000);
    EXPECT_EQ(sum.worst_ppm(graph), spread ? 990'000 : 900'000);
    sum.add({}, SiteId(2u), 900'000);
    EXPECT_EQ(sum.worst_ppm(graph), spread ? 999'000 : 900'000);
  }
}

TEST(Spread, TellsSitesRegionsAndFailureDomainsApart) {
  const Graph graph = cities({{.region = "Hangzhou", .failure_domain = "grid-a"},
                              {.region = "Hangzhou", .failure_domain = "grid-b"},
                              {.region = "Guizhou", .failure_domain = "grid-b"},
                              {},
                              {}});
  Spread spread(graph);
  const Where where{.sites_min = 3, .regions_min = 2, .failure_domains_min = 2};
  const auto short_of = [&](SiteId site) {
    spread.add(site);
    return spread.lacks(where);
  };
  EXPECT_EQ(spread.lacks(Where{}).code, ReasonCode::kSpread) << "nothing stands nowhere";
  EXPECT_EQ(short_of(SiteId(0u)), (Reason{ReasonCode::kFailureDomains, SiteId{}, SiteId{}, 2, 1}));
  EXPECT_EQ(short_of(SiteId(0u)), (Reason{ReasonCode::kFailureDomains, SiteId{}, SiteId{}, 2, 1}));
  EXPECT_EQ(short_of(SiteId(1u)), (Reason{ReasonCode::kRegions, SiteId{}, SiteId{}, 2, 1}));
  EXPECT_TRUE(spread.has_region(SiteId(0u)));
  EXPECT_FALSE(spread.has_region(SiteId(2u)));
  EXPECT_TRUE(spread.has_failure_domain(SiteId(2u)));
  EXPECT_FALSE(spread.has(SiteId(2u)));
  EXPECT_EQ(short_of(SiteId(3u)), Reason{}) << "a site without a region is one of its own";
  EXPECT_EQ(short_of(SiteId(4u)), Reason{});
  EXPECT_EQ(spread.regions(), 3);
  EXPECT_EQ(spread.failure_domains(), 4);
}

TEST(Availability, IsNeverRoundedUpToCertainty) {
  const Graph graph = cities(std::vector<SiteSpec>(9));
  Availability sum(true);
  for (uint32_t s = 0; s < 9; ++s) sum.add(SiteId{}, SiteId(s), 999'999);
  EXPECT_EQ(sum.worst_ppm(graph), 999'999);
}

}  // namespace
}  // namespace weir
