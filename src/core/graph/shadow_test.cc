#include <gtest/gtest.h>

#include "core/graph/checkpoint.h"
#include "core/graph/graph.h"

namespace weir {
namespace {

constexpr SiteId kHub(0u), kFar(1u);

class ShadowTest : public testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({++now, "brain", std::move(body)}); }
  void SetUp() override {
    add(DomainCreated{.name = "d", .scarcity_core_hour = 1'000'000, .scarcity_gbps_hour = 1'000'000});
    for (const SiteId site : {kHub, kFar}) {
      add(SiteDefined{site, VertexId(site.value), {.name = "s" + std::to_string(site.value)}});
      add(NodesReported{site, NodeId(site.value), {NodeSpec{"n", 4000, 4096, 2, "gpu", 1000}}});
      add(SiteStateChanged{site, Liveness::kUp, ""});
    }
    add(LinkDefined{LinkId(0u), {.name = "l", .a = VertexId(0u), .b = VertexId(1u), .bandwidth_bps = 1'000'000'000,
                                 .per_gbps_hour = 7}});
  }
  ShadowPricesRevised prices() const {
    return {.basis = graph.version() - 1,
            .sites = {{kHub, 500'000, 30, 40}},
            .links = {{LinkId(1u), 900}},
            .bound = 10,
            .before = 14,
            .after = 11,
            .items = 3,
            .served_before = 2,
            .served_after = 3,
            .moves = 1};
  }
  Graph graph;
  TimeUs now = 0;
};

TEST_F(ShadowTest, ScarcityIsTheLargerOfUseAndShadowPrice) {
  EXPECT_EQ(graph.scarcity_at(kHub), (SiteShadow{}));
  ASSERT_TRUE(add(prices()).effect);
  EXPECT_EQ(graph.scarcity_at(kHub), (SiteShadow{500'000, 30, 40}));
  EXPECT_EQ(graph.scarcity_at(kFar), (SiteShadow{}));
  EXPECT_EQ(graph.link_price(LinkId(0u)), 7);
  EXPECT_EQ(graph.link_price(LinkId(1u)), 907);
  // Full use says more than the shadow price.
  IntentSpec spec{.name = "i"};
  add(TenantDefined{TenantId(0u), "t"});
  add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, spec});
  Plan plan{.intent = IntentId(0u), .generation = 1};
  plan.placements = {{.site = kHub, .node = NodeId(0u), .cpu_milli = 4000}};
  ASSERT_TRUE(add(PlanCommitted{plan}).effect);
  EXPECT_EQ(graph.scarcity_at(kHub).per_core_hour, 1'000'000);
}

TEST_F(ShadowTest, WhatIsRepricedIsToldAndWhatFallsEases) {
  const uint64_t repricings = graph.repricings(), relief = graph.relief(), path_relief = graph.path_relief();
  ASSERT_TRUE(add(prices()).effect);
  ASSERT_EQ(graph.repricings(), repricings + 2);
  EXPECT_EQ(graph.repriced(repricings).site, kHub);
  EXPECT_EQ(graph.repriced(repricings + 1).link, LinkId(1u));
  EXPECT_EQ(graph.relief(), relief);  // nothing became cheaper

  ShadowPricesRevised next = prices();
  next.sites[0].per_core_hour = 600'000;
  ASSERT_TRUE(add(next).effect);
  EXPECT_EQ(graph.repricings(), repricings + 3);
  EXPECT_EQ(graph.relief(), relief);

  next = prices();
  next.sites.clear();
  next.links[0].per_gbps_hour = 899;
  ASSERT_TRUE(add(next).effect);
  EXPECT_EQ(graph.repricings(), repricings + 5);
  EXPECT_EQ(graph.path_relief(), path_relief + 1);
  EXPECT_GT(graph.relief(), relief + 1);
  EXPECT_EQ(graph.scarcity_at(kHub), (SiteShadow{}));
}

TEST_F(ShadowTest, TakesOnlyWhatItKnows) {
  const auto refused = [this](auto change) {
    ShadowPricesRevised bad = prices();
    change(bad);
    const Applied applied = add(bad);
    EXPECT_EQ(graph.shadow_prices().basis, 0u);
    return !applied.effect && !applied.why_not.empty();
  };
  EXPECT_TRUE(refused([](auto& bad) { bad.sites.push_back({SiteId(2u), 1, 0, 0}); }));
  EXPECT_TRUE(refused([](auto& bad) { bad.sites.push_back(bad.sites[0]); }));
  EXPECT_TRUE(refused([](auto& bad) { bad.links = {{LinkId(2u), 1}}; }));
  EXPECT_TRUE(refused([](auto& bad) { bad.links = {{LinkId(1u), 1}, {LinkId(0u), 1}}; }));
  EXPECT_TRUE(refused([](auto& bad) { bad.basis += 100; }));
  EXPECT_TRUE(add(prices()).effect);
  // An older pass that ended late.
  ShadowPricesRevised late = prices();
  late.basis = 1;
  EXPECT_FALSE(add(late).effect);
}

TEST_F(ShadowTest, ACheckpointKeepsThem) {
  ASSERT_TRUE(add(prices()).effect);
  const auto copy = decode_graph(encode_graph(graph));
  ASSERT_TRUE(copy) << copy.error().text();
  EXPECT_EQ(copy->shadow_prices(), graph.shadow_prices());
  EXPECT_EQ(copy->scarcity_at(kHub), graph.scarcity_at(kHub));
  EXPECT_EQ(copy->link_price(LinkId(1u)), 907);
  // A place that joins later has no shadow price.
  add(SiteDefined{SiteId(2u), VertexId(2u), {.name = "late"}});
  EXPECT_EQ(graph.scarcity_at(SiteId(2u)).per_gib_hour, 0);
}

}  // namespace
}  // namespace weir
