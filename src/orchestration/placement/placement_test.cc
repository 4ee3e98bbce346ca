#include <gtest/gtest.h>

#include "orchestration/placement/site_offer.h"

namespace weir {
namespace {

Workload workload(int32_t cpu_milli) {
  Workload w;
  w.cpu_milli = cpu_milli;
  w.memory_mib = 256;
  return w;
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
  std::vector<NodeId> chosen;
  for (const NodeChoice& choice : choose_nodes(graph, SiteId(0u), workload(300), 4)) chosen.push_back(choice.node);
  EXPECT_EQ(chosen, (std::vector<NodeId>{NodeId(1u), NodeId(1u), NodeId(0u), NodeId(0u)}));
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
