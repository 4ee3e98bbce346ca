#include "core/loop/holdings.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr SiteId kEdge(0u), kHub(1u), kFar(2u);

class HoldingsTest : public testing::Test {
 protected:
  void SetUp() override {
    apply(DomainCreated{.name = "test"});
    apply(TenantDefined{TenantId(0u), "t"});
    for (const SiteId site : {kEdge, kHub, kFar}) {
      apply(SiteDefined{site, VertexId(site.value), SiteSpec{.name = "s" + std::to_string(site.value)}});
      apply(NodesReported{site, NodeId(site.value), {NodeSpec{"n", 4000, 4096, 0, "", 1000}}});
    }
    for (uint32_t l = 0; l < 2; ++l) {
      apply(LinkDefined{LinkId(2 * l), LinkSpec{.name = "l" + std::to_string(l),
                                                .a = VertexId(0u),
                                                .b = VertexId(l + 1),
                                                .bandwidth_bps = 1'000'000'000,
                                                .latency_us = 1'000}});
    }
    IntentSpec spec{.name = "i", .from = {{kEdge, 1}}};
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = 500;
    for (uint32_t i = 0; i < 2; ++i) {
      spec.name = "i" + std::to_string(i);
      apply(IntentSubmitted{IntentId(i), TenantId(0u), 1, spec});
    }
  }
  void apply(EventBody body) { graph.apply(Event{1, "test", std::move(body)}); }
  void commit(IntentId intent, SiteId at, LinkId over) {
    Plan plan{.intent = intent, .generation = 1};
    plan.placements.push_back(
        {.site = at, .node = NodeId(at.value), .cpu_milli = 500, .streams = 1, .continues = {}});
    plan.flows.push_back({.ingress = kEdge, .placement = 0, .streams = 1, .path = {over}});
    apply(PlanCommitted{plan});
    holdings.follow(graph, intent);
  }

  Graph graph;
  Holdings holdings;
};

TEST_F(HoldingsTest, AnIntentIsFoundWhereItsPlansHoldSomething) {
  commit(IntentId(0u), kHub, LinkId(0u));
  commit(IntentId(1u), kFar, LinkId(2u));
  EXPECT_EQ(holdings.at(kEdge), (std::set<IntentId>{IntentId(0u), IntentId(1u)}));
  EXPECT_EQ(holdings.at(kHub), (std::set<IntentId>{IntentId(0u)}));
  EXPECT_EQ(holdings.over(LinkId(0u)), (std::set<IntentId>{IntentId(0u)}));
  EXPECT_EQ(holdings.over(LinkId(3u)), (std::set<IntentId>{IntentId(1u)})) << "either direction";
  EXPECT_EQ(holdings.sites(IntentId(1u)), (std::vector<SiteId>{kEdge, kFar}));
  EXPECT_EQ(holdings.with_paths().size(), 2u);
  EXPECT_TRUE(holdings.retiring().empty());
}

TEST_F(HoldingsTest, WhatMovesIsFoundAtBothPlacesUntilTheOldPlanHasRetired) {
  commit(IntentId(0u), kHub, LinkId(0u));
  const Position first = graph.intent(IntentId(0u)).active->position;
  commit(IntentId(0u), kFar, LinkId(2u));
  EXPECT_EQ(holdings.sites(IntentId(0u)), (std::vector<SiteId>{kEdge, kHub, kFar}));
  EXPECT_EQ(holdings.retiring(), (std::set<IntentId>{IntentId(0u)}));
  apply(PlanRetired{IntentId(0u), first});
  holdings.follow(graph, IntentId(0u));
  EXPECT_EQ(holdings.sites(IntentId(0u)), (std::vector<SiteId>{kEdge, kFar}));
  EXPECT_TRUE(holdings.at(kHub).empty());
  EXPECT_TRUE(holdings.over(LinkId(0u)).empty());
  EXPECT_TRUE(holdings.retiring().empty());
}

TEST_F(HoldingsTest, WhatIsWithdrawnIsKeptUntilItsPlanHasRetiredAndThenForgotten) {
  commit(IntentId(0u), kHub, LinkId(0u));
  const Position first = graph.intent(IntentId(0u)).active->position;
  apply(IntentWithdrawn{IntentId(0u), false});
  holdings.follow(graph, IntentId(0u));
  EXPECT_EQ(holdings.at(kHub).size(), 1u);
  apply(PlanRetired{IntentId(0u), first});
  holdings.follow(graph, IntentId(0u));
  EXPECT_TRUE(holdings.at(kHub).empty());
  EXPECT_TRUE(holdings.with_paths().empty());
  EXPECT_TRUE(holdings.sites(IntentId(0u)).empty());
}

}  // namespace
}  // namespace weir
