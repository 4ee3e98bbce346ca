#include <gtest/gtest.h>

#include <cmath>

#include "orchestration/placement/service_time.h"
#include "orchestration/placement/site_offer.h"

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

Graph site_with(std::vector<NodeSpec> nodes) {
  Graph graph;
  graph.apply({1, "t", DomainCreated{.name = "d", .scarcity_core_hour = 64 * kCredit}});
  SiteSpec spec{.name = "hub", .residency = {"cn"}};
  spec.asks.per_core_hour = kCredit;
  graph.apply({1, "t", SiteDefined{SiteId(0u), VertexId(0u), spec}});
  graph.apply({1, "t", NodesReported{SiteId(0u), NodeId(0u), std::move(nodes)}});
  graph.apply({1, "t", SiteStateChanged{SiteId(0u), Liveness::kUp, ""}});
  return graph;
}

TEST(SiteOffer, CountsWholeInstancesPerNode) {
  const Graph graph = site_with({{"a", 1000, 600, 0, "", 1000}, {"b", 700, 4096, 0, "", 1000}});
  EXPECT_EQ(instances_that_fit(graph, SiteId(0u), workload(300), 100), 2 + 2);
  EXPECT_EQ(instances_that_fit(graph, SiteId(0u), workload(300), 3), 3);
  EXPECT_EQ(instances_that_fit(graph, SiteId(0u), workload(701), 100), 1);
  EXPECT_EQ(choose_nodes(graph, SiteId(0u), workload(300), 4),
            (std::vector<NodeId>{NodeId(1u), NodeId(1u), NodeId(0u), NodeId(0u)}));
}

TEST(SiteOffer, NamesTheObstacleAndWhatThereIs) {
  const Graph graph = site_with({{"a", 1000, 600, 2, "A100", 1000}});
  IntentSpec spec;
  spec.workload = workload(300);
  EXPECT_FALSE(site_obstacle(graph, SiteId(0u), spec, 1));
  spec.workload.cpu_milli = 1001;
  EXPECT_EQ(*site_obstacle(graph, SiteId(0u), spec, 1), (Reason{ReasonCode::kCpu, SiteId(0u), SiteId{}, 1001, 1000}));
  spec.workload = workload(300);
  spec.workload.accelerators = 4;
  EXPECT_EQ(site_obstacle(graph, SiteId(0u), spec, 1)->available, 2);
  spec.workload.accelerators = 2;
  spec.workload.accelerator_model = "H100";
  EXPECT_EQ(site_obstacle(graph, SiteId(0u), spec, 1)->code, ReasonCode::kAccelerators);
  EXPECT_EQ(site_obstacle(graph, SiteId(0u), spec, 2)->code, ReasonCode::kResidency);
  spec.where.not_at = {SiteId(0u)};
  EXPECT_EQ(site_obstacle(graph, SiteId(0u), spec, 1)->code, ReasonCode::kForbidden);
}

TEST(SiteOffer, PriceIsAskPlusScarcity) {
  Graph graph = site_with({{"a", 1000, 600, 0, "", 1000}});
  EXPECT_EQ(site_price(graph, SiteId(0u), workload(500), {}).decision, kCredit / 2);
  const Graph full = site_with({{"a", 0, 600, 0, "", 1000}});
  EXPECT_EQ(site_price(full, SiteId(0u), workload(500), {}).decision, kCredit / 2 + 32 * kCredit);
  EXPECT_EQ(site_price(full, SiteId(0u), workload(500), {}).billed, kCredit / 2);
}

}  // namespace
}  // namespace weir
