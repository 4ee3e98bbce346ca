#include "core/graph/devices.h"

#include <gtest/gtest.h>

#include "core/graph/checkpoint.h"
#include "core/graph/graph.h"

namespace weir {
namespace {

TEST(DeviceRoom, GivesAShareTheFullestDeviceWithRoomAndWholeOnesTheLowest) {
  DeviceRoom room;
  for (const int32_t milli : {1000, 600, 300, 1000}) room.add({milli, 8 * milli});
  EXPECT_EQ(room.tightest({1, 250, 0}), 0b0100u);
  EXPECT_EQ(room.tightest({1, 301, 0}), 0b0010u);
  EXPECT_EQ(room.tightest({1, 250, 4000}), 0b0010u);  // by memory
  EXPECT_EQ(room.tightest({1, 250, 9000}), 0u);
  EXPECT_EQ(room.tightest({2, 1000, 0}), 0b1001u);
  EXPECT_EQ(room.tightest({3, 1000, 0}), 0u);
  EXPECT_TRUE(room.fits({1, 600, 0}, 0b0010));
  EXPECT_FALSE(room.fits({1, 601, 0}, 0b0010));
  EXPECT_FALSE(room.fits({1, 100, 0}, 0b0110)) << "one device is needed";
  EXPECT_FALSE(room.fits({1, 100, 0}, 0b10000)) << "there is no such device";
  room.take({1, 250, 1000}, 0b0100);
  EXPECT_EQ(room.devices()[2], (DeviceFree{50, 1400}));
}

TEST(DeviceNeed, TakesMemoryInProportionUnlessItIsSaid) {
  Workload work;
  work.accelerators = 1;
  work.accelerator_milli = 300;
  EXPECT_EQ(device_need(work, 81'920).memory_mib, 24'576);
  EXPECT_EQ(device_need(work, 0).memory_mib, 0);
  work.accelerator_memory_mib = 40'000;
  EXPECT_EQ(device_need(work, 81'920).memory_mib, 40'000);
  work.accelerator_milli = 0;
  EXPECT_FALSE(device_need(work, 81'920).shares());
  EXPECT_EQ(device_milli(work), 1000);
}

TEST(DeviceKind, CountsNearlyEqualRequestsAsOne) {
  Workload work;
  work.accelerators = 1;
  const auto cpu = [&](int32_t milli) {
    work.cpu_milli = milli;
    return device_kind(work).cpu_milli;
  };
  for (const int32_t milli : {0, 1, 2, 3, 4, 5, 6, 7, 100, 1000, 1'000'000'000}) EXPECT_GE(cpu(milli), milli);
  EXPECT_EQ(cpu(1000), 1024);
  EXPECT_EQ(cpu(1025), 1536);
  EXPECT_EQ(cpu(1537), 2048);
  work.accelerator_milli = 301;
  EXPECT_EQ(device_kind(work).milli, 350);
  work.accelerator_milli = 999;
  EXPECT_EQ(device_kind(work).milli, 1000);
}

// One site with a node of two devices of 1,000 MiB, and one without any.
class DevicesTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({1, "t", std::move(body)}); }

  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    SiteSpec site{.name = "hub"};
    site.asks.per_accelerator_hour = kCredit;
    add(SiteDefined{SiteId(0u), VertexId(0u), site});
    report(2);
    add(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
    work.cpu_milli = 100;
    work.memory_mib = 64;
    work.accelerators = 1;
    work.accelerator_milli = 400;
  }
  void report(int16_t accelerators, int32_t memory_mib = 1000) {
    NodeSpec node{.name = "a", .cpu_milli = 8000, .memory_mib = 8192, .accelerators = accelerators};
    node.accelerator_memory_mib = memory_mib;
    node.accelerator_fp16_gflops = 300'000;
    ASSERT_TRUE(add(NodesReported{
                        SiteId(0u), NodeId(0u), {node, {.name = "b", .cpu_milli = 8000, .memory_mib = 8192}}})
                    .effect);
  }
  IntentId submit() {
    IntentSpec spec{.name = "i" + std::to_string(graph.intent_count())};
    spec.workload = work;
    const IntentId id(graph.intent_count());
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    return id;
  }
  Plan plan(IntentId intent, DeviceMask devices = 0) const {
    const Workload& need = graph.intent(intent).spec->workload;
    Plan p{.intent = intent, .generation = 1, .basis = graph.version()};
    p.placements.push_back({.site = SiteId(0u),
                            .node = NodeId(0u),
                            .cpu_milli = need.cpu_milli,
                            .memory_mib = need.memory_mib,
                            .accelerators = need.accelerators,
                            .asks = graph.site(SiteId(0u)).asks,
                            .continues = {},
                            .accelerator_milli = need.accelerator_milli,
                            .accelerator_memory_mib = device_need(need, 1000).memory_mib,
                            .devices = devices});
    p.billed_per_hour = placement_per_hour(p.placements[0]);
    p.availability_ppm = 1'000'000;
    return p;
  }
  // Where it runs.
  DeviceMask commit(DeviceMask devices = 0) {
    const IntentId id = submit();
    const Plan p = plan(id, devices);
    EXPECT_TRUE(verify(graph, p).granted) << verify(graph, p).why;
    EXPECT_TRUE(add(PlanCommitted{p}).effect);
    return graph.intent(id).active->plan.placements[0].devices;
  }
  void withdraw(IntentId id) {
    const Position at = graph.intent(id).active->position;
    add(IntentWithdrawn{id});
    add(PlanRetired{id, at});
  }
  std::vector<int32_t> free_milli() const {
    std::vector<int32_t> out;
    const DeviceRoom room = graph.device_room(NodeId(0u));
    for (const DeviceFree& device : room.devices()) out.push_back(device.milli);
    return out;
  }
  const SiteLoad& load() const { return graph.load(SiteId(0u)); }

  Graph graph;
  Workload work;
};

TEST_F(DevicesTest, SharesMeetOnADeviceAndWholeOnesAreCountedApart) {
  EXPECT_EQ(load().accelerators_free, 2);
  EXPECT_EQ(load().accelerator_milli_free, 2000);
  EXPECT_EQ(commit(), 1u);
  EXPECT_EQ(commit(), 1u);
  EXPECT_EQ(free_milli(), (std::vector<int32_t>{200, 1000}));
  EXPECT_EQ(load().accelerators_free, 1);
  EXPECT_EQ(graph.free(NodeId(0u)).accelerators, 1);
  EXPECT_EQ(load().accelerator_milli_free, 1200);
  EXPECT_EQ(graph.shares_that_fit(NodeId(0u), work), 2);
  work.accelerator_milli = 0;
  EXPECT_EQ(commit(), 2u);
  EXPECT_EQ(load().accelerators_free, 0);
  EXPECT_EQ(load().accelerator_milli_free, 200);
  const IntentId third = submit();
  EXPECT_FALSE(verify(graph, plan(third)).granted);
  EXPECT_TRUE(verify(graph, plan(third)).conflict);
  withdraw(IntentId(0u));
  withdraw(IntentId(1u));
  EXPECT_EQ(free_milli(), (std::vector<int32_t>{1000, 0}));
  EXPECT_EQ(load().accelerators_free, 1);
  EXPECT_TRUE(verify(graph, plan(third)).granted);
}

TEST_F(DevicesTest, ADeviceThatIsNamedIsTakenOrTheWorldMovedOn) {
  EXPECT_EQ(commit(2), 2u);
  EXPECT_EQ(free_milli(), (std::vector<int32_t>{1000, 600}));
  work.accelerator_milli = 700;
  const IntentId id = submit();
  EXPECT_TRUE(verify(graph, plan(id, 2)).conflict);
  EXPECT_FALSE(verify(graph, plan(id, 2)).granted);
  EXPECT_TRUE(verify(graph, plan(id, 1)).granted);
  EXPECT_FALSE(verify(graph, plan(id, 3)).conflict) << "two devices for one are wrong, not late";
  EXPECT_FALSE(verify(graph, plan(id, 4)).granted);
}

TEST_F(DevicesTest, MemoryOfADeviceRunsOutByItself) {
  work.accelerator_milli = 100;
  work.accelerator_memory_mib = 600;
  EXPECT_EQ(commit(), 1u);
  EXPECT_EQ(commit(), 2u);
  EXPECT_EQ(graph.shares_that_fit(NodeId(0u), work), 0);
  const IntentId id = submit();
  EXPECT_FALSE(verify(graph, plan(id)).granted);
  work.accelerator_memory_mib = 400;
  EXPECT_EQ(commit(), 1u);
}

TEST_F(DevicesTest, AShareIsBilledAsAPartOfADevice) {
  const IntentId id = submit();
  EXPECT_EQ(plan(id).billed_per_hour, kCredit * 4 / 10);
  Plan cheaper = plan(id);
  --cheaper.billed_per_hour;
  EXPECT_FALSE(verify(graph, cheaper).granted);
  Plan another = plan(id);
  another.placements[0].accelerator_milli = 300;
  EXPECT_FALSE(verify(graph, another).granted);
}

TEST_F(DevicesTest, ARunThatGoesOnKeepsItsDevice) {
  commit(2);
  commit();
  Plan next = plan(IntentId(0u));
  next.placements[0].continues = graph.intent(IntentId(0u)).active->run(0);
  EXPECT_FALSE(verify(graph, next).granted) << "it says nothing of the device";
  next.placements[0].devices = 2;
  ASSERT_TRUE(verify(graph, next).granted) << verify(graph, next).why;
  add(PlanCommitted{next});
  EXPECT_EQ(free_milli(), (std::vector<int32_t>{1000, 200}));
}

TEST_F(DevicesTest, DevicesThatGoAndComeKeepWhatIsHeldOfThem) {
  commit(2);
  report(1);
  EXPECT_EQ(free_milli(), (std::vector<int32_t>{1000}));
  EXPECT_EQ(load().accelerator_milli_free, 1000);
  report(3, 2000);
  EXPECT_EQ(free_milli(), (std::vector<int32_t>{1000, 600, 1000}));
  EXPECT_EQ(graph.device_room(NodeId(0u)).devices()[1].memory_mib, 1600);
  EXPECT_EQ(load().accelerators_free, 2);
  withdraw(IntentId(0u));
  EXPECT_EQ(free_milli(), (std::vector<int32_t>{1000, 1000, 1000}));
  report(0);
  EXPECT_EQ(load().accelerator_milli_free, 0);
}

TEST_F(DevicesTest, ARequestMayNameWhatADeviceCanDoInPlaceOfItsModel) {
  work.accelerator_milli = 0;
  work.accelerator_fp16_gflops_min = 300'000;
  EXPECT_TRUE(graph.right_accelerator(graph.node(NodeId(0u)), work));
  work.accelerator_fp16_gflops_min = 300'001;
  EXPECT_FALSE(graph.right_accelerator(graph.node(NodeId(0u)), work));
  work.accelerator_fp16_gflops_min = 0;
  work.accelerator_memory_mib = 1001;
  EXPECT_FALSE(graph.right_accelerator(graph.node(NodeId(0u)), work));
  work.accelerators = 0;
  EXPECT_TRUE(graph.right_accelerator(graph.node(NodeId(1u)), work));
}

TEST_F(DevicesTest, TheMixIsOfTheNewestWishes) {
  submit();
  const IntentId id = submit();
  EXPECT_EQ(graph.device_mix().at(device_kind(work)), 2);
  const DeviceKind before = device_kind(work);
  work.accelerator_milli = 0;
  IntentSpec spec{.name = "i1"};
  spec.workload = work;
  spec.schedule.instances = 3;
  ASSERT_TRUE(add(IntentSubmitted{id, TenantId(0u), 2, spec}).effect);
  EXPECT_EQ(graph.device_mix().at(before), 1);
  EXPECT_EQ(graph.device_mix().at(device_kind(work)), 3);
  EXPECT_EQ(graph.device_mix().size(), 2u);
}

TEST_F(DevicesTest, ACheckpointKeepsThem) {
  commit(2);
  commit();
  const auto again = decode_graph(encode_graph(graph));
  ASSERT_TRUE(again);
  EXPECT_EQ(encode_graph(*again), encode_graph(graph));
  EXPECT_EQ(again->load(SiteId(0u)).accelerator_milli_free, load().accelerator_milli_free);
  EXPECT_EQ(again->device_mix(), graph.device_mix());
  EXPECT_EQ(again->devices(again->node(NodeId(0u))).fp16_gflops, 300'000);
  EXPECT_EQ(again->device_room(NodeId(0u)).devices()[1], graph.device_room(NodeId(0u)).devices()[1]);
}

}  // namespace
}  // namespace weir
