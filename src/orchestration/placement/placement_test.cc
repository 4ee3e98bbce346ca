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

NodeSpec with_devices(int16_t accelerators, int16_t per_island, int16_t slices = 0) {
  return {.name = "n",
          .cpu_milli = 8000,
          .memory_mib = 8192,
          .accelerators = accelerators,
          .accelerators_per_island = per_island,
          .accelerator_slices = slices};
}

TEST(SiteOffer, CountsLinkedAcceleratorsByIsland) {
  Graph graph = site_with({with_devices(8, 4), with_devices(6, 4)});
  IntentSpec spec;
  spec.workload = workload(100);
  spec.workload.accelerators = 3;
  EXPECT_EQ(instances_that_fit(graph, SiteId(0u), spec.workload, 100), 2 + 2);
  spec.workload.accelerators_linked = true;
  EXPECT_EQ(instances_that_fit(graph, SiteId(0u), spec.workload, 100), 2 + 1);
  EXPECT_EQ(choose_nodes(graph, SiteId(0u), spec.workload, 9).size(), 3u);
  spec.workload.accelerators = 4;
  EXPECT_FALSE(site_obstacle(graph, SiteId(0u), spec, 0));
  spec.workload.accelerators = 5;
  EXPECT_EQ(*site_obstacle(graph, SiteId(0u), spec, 0),
            (Reason{ReasonCode::kAcceleratorsLinked, SiteId(0u), SiteId{}, 5, 4}));
  spec.workload.accelerators = 9;
  EXPECT_EQ(site_obstacle(graph, SiteId(0u), spec, 0)->code, ReasonCode::kAccelerators) << "nor without links";
}

TEST(SiteOffer, PricesTheSlicesThatAShareTakes) {
  Graph graph = site_with({with_devices(1, 0, 7)});
  SiteSpec asks = graph.site_spec(SiteId(0u));
  asks.asks.per_accelerator_hour = kCredit;
  graph.apply({1, "t", SiteDefined{SiteId(0u), VertexId(0u), asks}});
  IntentSpec spec;
  spec.workload = workload(0);
  spec.workload.memory_mib = 0;
  spec.workload.accelerators = 1;
  spec.workload.accelerator_milli = 300;
  EXPECT_EQ(site_price(graph, SiteId(0u), spec.workload, {}).billed, kCredit * 428 / 1000);
  EXPECT_LE(least_price(graph, SiteId(0u), spec.workload, {}), site_price(graph, SiteId(0u), spec.workload, {}).decision);
  EXPECT_EQ(instances_that_fit(graph, SiteId(0u), spec.workload, 100), 2);
}

TEST(RackFor, TakesTheTightestWithRoomElseTheRoomiest) {
  std::vector<NodeSpec> nodes;
  for (const char* rack : {"r1", "r1", "r2", "r2", "r2", "", "r3"}) {
    nodes.push_back({.name = "n", .cpu_milli = 1000, .memory_mib = 8192, .rack = rack});
  }
  const Graph graph = site_with(std::move(nodes));
  const auto room = [&](int32_t count) { return rack_for(graph, SiteId(0u), workload(500), count); };
  EXPECT_EQ(room(1)->instances, 2);
  EXPECT_EQ(room(3)->rack, graph.rack(NodeId(0u)));
  EXPECT_EQ(room(3)->instances, 4);
  EXPECT_EQ(room(5)->rack, graph.rack(NodeId(2u)));
  EXPECT_EQ(room(7)->instances, 6) << "none has room for so many";
  EXPECT_FALSE(rack_for(graph, SiteId(0u), workload(1001), 1));
  EXPECT_NE(graph.rack(NodeId(5u)), graph.rack(NodeId(6u)));
  EXPECT_EQ(instances_that_fit(graph, SiteId(0u), workload(500), 100, graph.rack(NodeId(1u))), 4);
  for (const NodeChoice& choice : choose_nodes(graph, SiteId(0u), workload(500), 6, graph.rack(NodeId(3u)))) {
    EXPECT_EQ(graph.rack_name(choice.node), "r2");
  }
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
