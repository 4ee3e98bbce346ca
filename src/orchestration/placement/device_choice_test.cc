#include "orchestration/placement/device_choice.h"

#include <gtest/gtest.h>

#include "orchestration/placement/site_offer.h"

namespace weir {
namespace {

// One site of nodes with two devices each, of which others hold what is said, and intents that ask for more.
class DeviceChoiceTest : public ::testing::Test {
 protected:
  void add(EventBody body) { ASSERT_TRUE(graph.apply({1, "t", std::move(body)}).effect); }

  void nodes(const std::vector<std::array<int32_t, 2>>& held, const std::vector<std::string>& models = {}) {
    add(DomainCreated{.name = "d", .scarcity_accelerator_hour = kCredit});
    add(TenantDefined{TenantId(0u), "t"});
    add(SiteDefined{SiteId(0u), VertexId(0u), {.name = "hall"}});
    std::vector<NodeSpec> specs;
    for (size_t n = 0; n < held.size(); ++n) {
      specs.push_back({.name = "n", .cpu_milli = 8000, .memory_mib = 65'536, .accelerators = 2});
      specs.back().accelerator_model = n < models.size() ? models[n] : "a";
      specs.back().accelerator_memory_mib = 1000;
    }
    add(NodesReported{SiteId(0u), NodeId(0u), specs});
    add(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
    for (uint32_t n = 0; n < held.size(); ++n) {
      for (uint32_t d = 0; d < 2; ++d) {
        const int32_t milli = held[n][d];
        if (milli == 0) continue;
        const IntentId other(graph.intent_count());
        // Without anything that would count as asked for.
        add(IntentSubmitted{other, TenantId(0u), 1, {.name = "held" + std::to_string(other.value)}});
        Plan plan{.intent = other, .generation = 1};
        plan.placements.push_back({.site = SiteId(0u),
                                   .node = NodeId(n),
                                   .accelerators = 1,
                                   .continues = {},
                                   .accelerator_milli = milli == 1000 ? 0 : milli,
                                   .accelerator_memory_mib = milli == 1000 ? 0 : milli,
                                   .devices = DeviceMask{1} << d});
        add(PlanCommitted{plan});
      }
    }
  }
  static Workload share(int32_t milli) {
    Workload work;
    work.cpu_milli = 500;
    work.memory_mib = 64;
    work.accelerators = 1;
    work.accelerator_milli = milli == 1000 ? 0 : milli;
    return work;
  }
  void asked(const Workload& work, int32_t times) {
    IntentSpec spec{.name = "i" + std::to_string(graph.intent_count())};
    spec.workload = work;
    spec.schedule.instances = times;
    add(IntentSubmitted{IntentId(graph.intent_count()), TenantId(0u), 1, spec});
  }
  std::vector<std::pair<uint32_t, DeviceMask>> chosen(const Workload& work, int32_t count) const {
    std::vector<std::pair<uint32_t, DeviceMask>> out;
    for (const DeviceChoice& choice : choose_devices(graph, SiteId(0u), work, count, DeviceLoss(graph)))
      out.push_back({choice.node.value, choice.devices});
    return out;
  }
  using Chosen = std::vector<std::pair<uint32_t, DeviceMask>>;

  Graph graph;
};

TEST_F(DeviceChoiceTest, AShareGoesWhereAPartIsTakenAlready) {
  nodes({{0, 0}, {0, 300}});
  asked(share(700), 1);
  EXPECT_EQ(chosen(share(700), 1), (Chosen{{1, 2}}));
}

TEST_F(DeviceChoiceTest, IslandsStayWholeForThoseThatNeedThem) {
  nodes({{0, 0}, {0, 0}});
  NodeSpec node{.name = "n", .cpu_milli = 8000, .memory_mib = 65'536, .accelerators = 6};
  node.accelerator_model = "a";
  node.accelerators_per_island = 3;
  add(NodesReported{SiteId(0u), NodeId(0u), {node}});
  Workload linked = share(1000);
  linked.accelerators = 3;
  linked.accelerators_linked = true;
  asked(linked, 10);
  const DeviceLoss loss(graph);
  DeviceRoom room = graph.device_room(NodeId(0u));
  const auto lost = [&] { return loss.of(graph.node(NodeId(0u)), 8000, room) / loss.weight(); };
  EXPECT_EQ(lost(), 0);
  room.take({1, 1000, 0}, 0x02);
  EXPECT_EQ(lost(), 2000) << "what is left of the broken island";
  room.take({1, 400, 0}, 0x10);
  EXPECT_EQ(lost(), 4600) << "none is whole";
  EXPECT_EQ(loss.of(graph.node(NodeId(1u)), 8000, graph.device_room(NodeId(1u))), 2000 * loss.weight()) << "too few";
  // One alone goes to the node that is of no use to them; a share beside a whole one that is taken.
  EXPECT_EQ(chosen(share(1000), 1), (Chosen{{1, 1}}));
  EXPECT_EQ(chosen(linked, 3), (Chosen{{0, 0x07}, {0, 0x38}}));
  graph.apply({1, "t", NodeCordoned{.node = NodeId(1u), .cordoned = true}});
  EXPECT_EQ(chosen(share(1000), 3), (Chosen{{0, 0x01}, {0, 0x02}, {0, 0x04}})) << "of one island all, before one of the other";
}

TEST_F(DeviceChoiceTest, WholeDevicesStayForThoseThatNeedThem) {
  nodes({{500, 0}, {0, 0}});
  asked(share(1000), 10);
  Workload both = share(1000);
  both.accelerators = 2;
  asked(both, 10);
  asked(share(300), 1);
  EXPECT_EQ(chosen(share(300), 1), (Chosen{{0, 1}}));
  EXPECT_EQ(chosen(share(1000), 1), (Chosen{{0, 2}})) << "the pair stays together";
}

TEST_F(DeviceChoiceTest, TheMixTellsWhichRemainderIsOfUse) {
  // A share of 300: it fits beside 400 and beside 200 taken. Best fit would leave 300, of which halves have
  // no use.
  nodes({{400, 200}});
  asked(share(500), 100);
  asked(share(300), 1);
  EXPECT_EQ(chosen(share(300), 1), (Chosen{{0, 2}}));
}

TEST_F(DeviceChoiceTest, WhatOthersCannotUseIsTakenFirst) {
  nodes({{0, 0}, {0, 0}}, {"a", "b"});
  Workload only_a = share(500);
  only_a.accelerator_model = "a";
  asked(only_a, 10);
  EXPECT_EQ(chosen(share(500), 1), (Chosen{{1, 1}}));
}

TEST_F(DeviceChoiceTest, GivesAsManyAsFitEachOnWhatTheOthersLeave) {
  nodes({{0, 500}, {1000, 700}});
  const Workload work = share(400);
  asked(work, 1);
  const auto all = chosen(work, 10);
  EXPECT_EQ(all.size(), 3u);
  EXPECT_EQ(std::count(all.begin(), all.end(), std::pair<uint32_t, DeviceMask>{0, 1}), 2);
  EXPECT_EQ(instances_that_fit(graph, SiteId(0u), work, 10), 3);
  EXPECT_EQ(site_price(graph, SiteId(0u), work, {}).billed, 0);
}

TEST_F(DeviceChoiceTest, AShareWithoutMemoryNeedsItsPartOfIt) {
  nodes({{0, 1000}});
  const IntentId other(graph.intent_count());
  add(IntentSubmitted{other, TenantId(0u), 1, {.name = "other"}});
  Plan plan{.intent = other, .generation = 1};
  plan.placements.push_back({.site = SiteId(0u), .node = NodeId(0u), .accelerators = 1, .continues = {},
                             .accelerator_milli = 100, .accelerator_memory_mib = 900, .devices = 1});
  add(PlanCommitted{plan});
  IntentSpec spec;
  spec.workload = share(500);
  EXPECT_EQ(*site_obstacle(graph, SiteId(0u), spec, 0),
            (Reason{ReasonCode::kAcceleratorMemory, SiteId(0u), SiteId{}, 500, 100}));
}

TEST_F(DeviceChoiceTest, TheObstacleIsWhatNoDeviceHas) {
  nodes({{700, 1000}, {800, 900}});
  IntentSpec spec;
  spec.workload = share(500);
  EXPECT_EQ(*site_obstacle(graph, SiteId(0u), spec, 0),
            (Reason{ReasonCode::kAcceleratorShare, SiteId(0u), SiteId{}, 500, 300}));
  spec.workload = share(200);
  EXPECT_FALSE(site_obstacle(graph, SiteId(0u), spec, 0));
  spec.workload.accelerator_memory_mib = 400;
  EXPECT_EQ(*site_obstacle(graph, SiteId(0u), spec, 0),
            (Reason{ReasonCode::kAcceleratorMemory, SiteId(0u), SiteId{}, 400, 300}));
  spec.workload.accelerator_model = "b";
  EXPECT_EQ(site_obstacle(graph, SiteId(0u), spec, 0)->code, ReasonCode::kAccelerators);
}

TEST_F(DeviceChoiceTest, FragmentationIsPartOfThePrice) {
  nodes({{500, 1000}, {0, 1000}});
  asked(share(1000), 100);
  const DeviceLoss loss(graph);
  const SiteId site(0u);
  // Beside the half that is taken nobody else would have use for the rest.
  const Workload half = share(500);
  EXPECT_LT(instance_price(graph, site, half, {}, loss).decision, site_price(graph, site, half, {}).decision);
  EXPECT_EQ(instance_price(graph, site, half, {}, loss).decision, least_price(graph, site, half, {}));
  // What takes part of the whole one costs the others all of it.
  const Workload more = share(600);
  EXPECT_EQ(instance_price(graph, site, more, {}, loss).decision, site_price(graph, site, share(1000), {}).decision);
  EXPECT_EQ(instance_price(graph, site, more, {}, loss).billed, site_price(graph, site, more, {}).billed);
}

TEST_F(DeviceChoiceTest, AShareCostsItsPart) {
  nodes({{0, 0}, {0, 0}});
  const Nanocredits whole = site_price(graph, SiteId(0u), share(1000), {}).decision;
  EXPECT_EQ(site_price(graph, SiteId(0u), share(250), {}).decision, whole / 4);
}

}  // namespace
}  // namespace weir
