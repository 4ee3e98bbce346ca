#include <gtest/gtest.h>

#include "core/graph/checkpoint.h"
#include "core/graph/graph.h"

namespace weir {
namespace {

// Four sites with a node each; "web" stands at the second, "batch" at the third.
class PlaceTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({1, "t", std::move(body)}); }

  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    for (uint32_t s = 0; s < 4; ++s) {
      add(SiteDefined{SiteId(s), VertexId(s), {.name = "s" + std::to_string(s)}});
      add(NodesReported{SiteId(s), NodeId(s), {{"n", 1000, 1024, 0, "", 1000}}});
      add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    }
    add(DatasetDefined{DatasetId(0u), {.name = "maps", .at = {SiteId(0u), SiteId(2u)}}});
    add(DatasetDefined{DatasetId(1u), {.name = "tiles", .at = {SiteId(2u), SiteId(3u)}}});
    submit(web, {.name = "web"});
    submit(batch, {.name = "batch"});
    commit(web, 1);
    commit(batch, 2);
  }
  Applied submit(IntentId intent, IntentSpec spec, uint32_t generation = 1) {
    return add(IntentSubmitted{intent, TenantId(0u), generation, std::move(spec)});
  }
  void commit(IntentId intent, uint32_t site) {
    Plan plan{.intent = intent, .generation = graph.intent(intent).generation};
    plan.placements.push_back({.site = SiteId(site), .node = NodeId(site), .cpu_milli = 100, .continues = {}});
    ASSERT_TRUE(add(PlanCommitted{plan}).effect);
  }
  void taint(uint32_t site, std::vector<std::string> taints) {
    ASSERT_TRUE(add(SiteDefined{SiteId(site), VertexId(site), {.name = "s" + std::to_string(site), .taints = std::move(taints)}}).effect);
  }
  // By site.
  std::vector<ReasonCode> obstacles(const IntentSpec& spec) const {
    std::vector<ReasonCode> out;
    for (uint32_t s = 0; s < 4; ++s) out.push_back(place_obstacle(graph, spec, SiteId(s)).code);
    return out;
  }
  using Codes = std::vector<ReasonCode>;
  static constexpr ReasonCode kMay = ReasonCode::kNone, kNear = ReasonCode::kAffinity, kApart = ReasonCode::kAntiAffinity,
                              kData = ReasonCode::kDataElsewhere;

  const IntentId web{0u}, batch{1u}, third{2u};
  Graph graph;
};

TEST_F(PlaceTest, NearIsWhereEachOfThemHasAnInstance) {
  EXPECT_EQ(obstacles({.where = {.near = {web}}}), (Codes{kNear, kMay, kNear, kNear}));
  EXPECT_EQ(obstacles({.where = {.near = {web, batch}}}), Codes(4, kNear));
  EXPECT_EQ(place_obstacle(graph, {.where = {.near = {web, batch}}}, SiteId(1u)), (Reason{kNear, SiteId(1u), SiteId{}, 1}));
  commit(batch, 1);
  EXPECT_EQ(obstacles({.where = {.near = {web, batch}}}), (Codes{kNear, kMay, kNear, kNear}));
  add(IntentWithdrawn{web, false, ""});
  EXPECT_EQ(obstacles({.where = {.near = {web}}}), Codes(4, kNear));
  EXPECT_EQ(obstacles({.where = {.near = {IntentId(9u)}}}), Codes(4, kNear)) << "unknown";
}

TEST_F(PlaceTest, ApartIsWhereNoneOfThemHasAnInstance) {
  const IntentSpec spec{.where = {.apart_from = {web, batch}}};
  EXPECT_EQ(obstacles(spec), (Codes{kMay, kApart, kApart, kMay}));
  EXPECT_EQ(place_obstacle(graph, spec, SiteId(2u)), (Reason{kApart, SiteId(2u), SiteId{}, 1, 1}));
  // What moved away is gone from where it was, although its run has yet to stop.
  commit(web, 3);
  EXPECT_EQ(obstacles(spec), (Codes{kMay, kMay, kApart, kApart}));
  // So is what has ended.
  add(RunStateChanged{graph.intent(batch).active->run(0), batch, RunState::kExited, 0, ""});
  EXPECT_EQ(obstacles(spec), (Codes{kMay, kMay, kMay, kApart}));
}

TEST_F(PlaceTest, ASiteWithTaintsTakesWhoToleratesAllOfThem) {
  taint(0, {"gpu-only", "noisy"});
  taint(3, {"noisy"});
  EXPECT_EQ(graph.tainted_sites(), 2u);
  const auto of = [&](std::vector<std::string> tolerates) { return obstacles({.where = {.tolerates = std::move(tolerates)}}); };
  constexpr ReasonCode kTaint = ReasonCode::kTaint;
  EXPECT_EQ(of({}), (Codes{kTaint, kMay, kMay, kTaint}));
  EXPECT_EQ(of({"noisy"}), (Codes{kTaint, kMay, kMay, kMay}));
  EXPECT_EQ(of({"gpu-only", "noisy", "unheard-of"}), Codes(4, kMay));
  EXPECT_EQ(place_obstacle(graph, IntentSpec{}, SiteId(0u)).needed, 2) << "so many are in the way";
  const uint64_t relief = graph.relief();
  taint(0, {});
  EXPECT_GT(graph.relief(), relief);
  EXPECT_EQ(graph.tainted_sites(), 1u);
  EXPECT_EQ(of({}), (Codes{kMay, kMay, kMay, kTaint}));
}

TEST_F(PlaceTest, ADomainHasAtMost64Taints) {
  for (uint32_t round = 0; round < 4; ++round) {
    std::vector<std::string> taints;
    for (uint32_t t = 0; t < 16; ++t) taints.push_back("t" + std::to_string(round * 16 + t));
    taint(round, taints);
  }
  EXPECT_FALSE(add(SiteDefined{SiteId(0u), VertexId(0u), {.name = "s0", .taints = {"one-more"}}}).effect);
  EXPECT_TRUE(add(SiteDefined{SiteId(0u), VertexId(0u), {.name = "s0", .taints = {"t63"}}}).effect);
}

TEST_F(PlaceTest, AtDataIsWhereAllOfItLies) {
  EXPECT_EQ(obstacles({.where = {.at_data = true}, .data = {DatasetId(0u)}}), (Codes{kMay, kData, kMay, kData}));
  const IntentSpec both{.where = {.at_data = true}, .data = {DatasetId(0u), DatasetId(1u)}};
  EXPECT_EQ(obstacles(both), (Codes{kData, kData, kMay, kData}));
  EXPECT_EQ(place_obstacle(graph, both, SiteId(0u)), (Reason{kData, SiteId(0u), SiteId{}, 1, 2})) << "of the first that is not there";
  EXPECT_EQ(obstacles({.data = {DatasetId(0u)}}), Codes(4, kMay)) << "not asked for";
  EXPECT_EQ(obstacles({.where = {.at_data = true}, .data = {DatasetId(7u)}}), Codes(4, kData)) << "unknown";
}

TEST_F(PlaceTest, WhatIsNamedStaysPossibleInTheOrderInWhichItIsAsked) {
  taint(1, {"noisy"});
  const IntentSpec spec{.where = {.not_at = {SiteId(1u)}, .near = {batch}, .apart_from = {web}, .at_data = true}, .data = {DatasetId(0u)}};
  EXPECT_EQ(obstacles(spec), (Codes{kNear, ReasonCode::kForbidden, kMay, kData}));
}

// Whoever waits for others is looked at again when they come and go, and only then.
TEST_F(PlaceTest, ReliefCountsThePlansOfIntentsThatOthersName) {
  const auto relief_of = [&](auto&& change) {
    const uint64_t before = graph.relief();
    change();
    return graph.relief() - before;
  };
  EXPECT_EQ(relief_of([&] { commit(web, 2); }), 0u) << "nobody names it";
  ASSERT_TRUE(submit(third, {.name = "third", .where = {.near = {batch}, .apart_from = {web}}}).effect);
  EXPECT_EQ(graph.intent(web).named, 1u);
  EXPECT_EQ(relief_of([&] { commit(web, 1); }), 1u);
  EXPECT_EQ(relief_of([&] { add(IntentWithdrawn{batch, false, ""}); }), 1u);
  EXPECT_EQ(relief_of([&] { add(IntentWithdrawn{batch, false, ""}); }), 0u);
  EXPECT_EQ(relief_of([&] { add(JobPreempted{.intent = web, .plan = graph.intent(web).active->position}); }), 1u);
  ASSERT_TRUE(submit(third, {.name = "third", .where = {.near = {batch}}}, 2).effect);
  EXPECT_EQ(graph.intent(web).named, 0u);
  EXPECT_EQ(relief_of([&] { commit(web, 3); }), 0u);
}

TEST_F(PlaceTest, AnIntentNamesOnlyOthersThatExist) {
  EXPECT_FALSE(submit(third, {.name = "third", .where = {.near = {IntentId(7u)}}}).effect);
  EXPECT_FALSE(submit(third, {.name = "third", .where = {.apart_from = {third}}}).effect);
  EXPECT_FALSE(submit(web, {.name = "web", .where = {.near = {web}}}, 2).effect);
  EXPECT_TRUE(submit(third, {.name = "third", .where = {.near = {web}}}).effect);
}

TEST_F(PlaceTest, OneRackIsOfOneSiteAndANodeWithoutIsItsOwn) {
  std::vector<NodeSpec> nodes;
  for (const char* rack : {"r1", "r1", "r2", "", ""}) {
    nodes.push_back({.name = "n", .cpu_milli = 1000, .memory_mib = 1024, .rack = rack});
  }
  ASSERT_TRUE(add(NodesReported{SiteId(0u), NodeId(4u), nodes}).effect);
  nodes.resize(1);
  ASSERT_TRUE(add(NodesReported{SiteId(1u), NodeId(9u), nodes}).effect);
  EXPECT_EQ(graph.rack(NodeId(4u)), graph.rack(NodeId(5u)));
  EXPECT_NE(graph.rack(NodeId(4u)), graph.rack(NodeId(6u)));
  EXPECT_NE(graph.rack(NodeId(4u)), graph.rack(NodeId(9u))) << "of another site";
  EXPECT_NE(graph.rack(NodeId(7u)), graph.rack(NodeId(8u)));
  EXPECT_EQ(graph.rack_name(NodeId(6u)), "r2");
  EXPECT_EQ(graph.rack_name(NodeId(7u)), "");
  submit(third, {.name = "third", .where = {.same_rack = true}, .schedule = {.instances = 2}});
  const auto granted = [&](uint32_t a, uint32_t b) {
    Plan plan{.intent = third, .generation = 1, .basis = graph.version()};
    for (const uint32_t node : {a, b}) {
      plan.placements.push_back({.site = graph.node(NodeId(node)).site, .node = NodeId(node), .continues = {}});
    }
    plan.availability_ppm = 1'000'000;
    return verify(graph, plan);
  };
  EXPECT_TRUE(granted(4, 5).granted) << granted(4, 5).why;
  EXPECT_TRUE(granted(7, 7).granted);
  EXPECT_FALSE(granted(4, 6).granted);
  EXPECT_FALSE(granted(7, 8).granted);
  EXPECT_FALSE(granted(4, 9).granted);
  // Reported anew.
  nodes[0].rack = "r2";
  ASSERT_TRUE(add(NodesReported{SiteId(0u), NodeId(4u), nodes}).effect);
  EXPECT_TRUE(granted(4, 6).granted);
  EXPECT_FALSE(granted(4, 5).granted);
  const auto back = decode_graph(encode_graph(graph));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->rack(NodeId(4u)), back->rack(NodeId(6u)));
}

TEST_F(PlaceTest, OutlastsACheckpoint) {
  taint(0, {"gpu-only", "noisy"});
  taint(0, {"noisy"});
  submit(third, {.name = "third", .where = {.regions_min = 2, .near = {web}, .tolerates = {"noisy"}}});
  const auto bytes = encode_graph(graph);
  const auto back = decode_graph(bytes);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(encode_graph(*back), bytes);
  EXPECT_EQ(back->site(SiteId(0u)).taints, graph.site(SiteId(0u)).taints);
  EXPECT_EQ(back->taint_mask({"gpu-only"}), graph.taint_mask({"gpu-only"})) << "no site has it now, but one had";
  EXPECT_EQ(back->tainted_sites(), 1u);
  EXPECT_EQ(back->intent(web).named, 1u);
  EXPECT_EQ(*back->intent(third).spec, *graph.intent(third).spec);
}

TEST_F(PlaceTest, TakesOnlyNodesThatAreFastEnough) {
  Workload work{.speed_milli_min = 1000};
  EXPECT_TRUE(graph.takes(graph.node(NodeId(0u)), work));
  work.speed_milli_min = 1001;
  EXPECT_FALSE(graph.takes(graph.node(NodeId(0u)), work));
}

TEST(InstancesAsked, AreAsManyAsThereAreToBeDifferentPlaces) {
  EXPECT_EQ(instances_asked({}), 1);
  EXPECT_EQ(instances_asked({.where = {.regions_min = 3}}), 3);
  EXPECT_EQ(instances_asked({.where = {.sites_min = 2, .regions_min = 3, .failure_domains_min = 4}}), 4);
  EXPECT_FALSE(spreads({}));
  EXPECT_TRUE(spreads({.regions_min = 2}));
  EXPECT_TRUE(spreads({.failure_domains_min = 2}));
}

}  // namespace
}  // namespace weir
