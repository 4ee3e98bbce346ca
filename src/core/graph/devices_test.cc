#include "core/graph/devices.h"

#include <gtest/gtest.h>

#include <set>

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

// Islands of four; the last has two.
DeviceRoom islands(std::initializer_list<int32_t> milli) {
  DeviceRoom room(4);
  for (const int32_t each : milli) room.add({each, 8 * each});
  return room;
}

TEST(DeviceRoom, KnowsItsIslands) {
  const DeviceRoom room = islands({1000, 0, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 500});
  EXPECT_EQ(room.islands(), 3u);
  EXPECT_EQ(room.island(0), 0x00fu);
  EXPECT_EQ(room.island(2), 0x300u);
  EXPECT_EQ(room.whole_in(0), 3);
  EXPECT_EQ(room.whole_in(2), 1);
  EXPECT_EQ(room.whole_in_best_island(), 4);
  DeviceRoom all;
  for (int d = 0; d < kDevicesPerNodeMax + 1; ++d) all.add({});
  EXPECT_EQ(all.islands(), 1u);
  EXPECT_EQ(all.island(0), ~DeviceMask{0});
  EXPECT_EQ(all.whole_in_best_island(), kDevicesPerNodeMax);
  EXPECT_EQ(DeviceRoom().whole_in_best_island(), 0);
}

TEST(DeviceRoom, GivesLinkedOnesTheIslandThatJustHasEnough) {
  const DeviceRoom room = islands({1000, 1000, 1000, 1000, 1000, 0, 1000, 1000, 1000, 1000});
  const auto linked = [](int32_t count) { return DeviceNeed{count, 1000, 0, true}; };
  EXPECT_EQ(room.tightest(linked(2)), 0x300u);
  EXPECT_EQ(room.tightest(linked(3)), 0x0d0u);
  EXPECT_EQ(room.tightest(linked(4)), 0x00fu);
  EXPECT_EQ(room.tightest(linked(5)), 0u);
  EXPECT_EQ(room.times(linked(2)), 2 + 1 + 1);
  EXPECT_EQ(room.times(linked(3)), 2);
  EXPECT_EQ(room.times({3, 1000, 0}), 3);
  EXPECT_TRUE(room.fits(linked(2), 0x0c0));
  EXPECT_FALSE(room.fits(linked(2), 0x018)) << "of two islands";
  EXPECT_TRUE(room.fits({2, 1000, 0}, 0x018));
}

TEST(DeviceRoom, BreaksSmallIslandsFirstWhereLinksAreNotAskedFor) {
  const DeviceRoom room = islands({1000, 1000, 1000, 1000, 1000, 0, 0, 1000, 1000, 1000});
  EXPECT_EQ(room.tightest({1, 1000, 0}), 0x010u);
  EXPECT_EQ(room.tightest({3, 1000, 0}), 0x190u);
  EXPECT_EQ(room.tightest({5, 1000, 0}), 0x391u) << "the whole one last, from its lowest";
  EXPECT_EQ(islands({1000, 1000, 1000, 1000, 500, 1000, 500, 500}).tightest({1, 500, 0}), 0x010u);
  EXPECT_EQ(islands({1000, 1000, 500, 1000, 500, 1000, 0, 0}).tightest({1, 500, 0}), 0x010u) << "of equals in the broken one";
  EXPECT_EQ(islands({1000, 1000, 1000, 1000, 1000, 0, 0, 0}).tightest({1, 500, 0}), 0x010u);
}

TEST(DeviceRoom, OneIslandOrNoneAreInOne) {
  const DevicesRow fours{.per_island = 4};
  EXPECT_TRUE(in_one_island(0x0c0, fours));
  EXPECT_FALSE(in_one_island(0x018, fours));
  EXPECT_TRUE(in_one_island(0, fours));
  EXPECT_TRUE(in_one_island(DeviceMask{1} << 63, fours));
  EXPECT_TRUE(in_one_island(0x018, {}));
}

TEST(DeviceNeed, RoundsSharesUpToSlices) {
  EXPECT_EQ(sliced_milli(300, 0), 300);
  EXPECT_EQ(sliced_milli(1, 7), 142);
  EXPECT_EQ(sliced_milli(142, 7), 142);
  EXPECT_EQ(sliced_milli(143, 7), 285);
  EXPECT_EQ(sliced_milli(500, 7), 571);
  EXPECT_EQ(sliced_milli(858, 7), 1000);
  // As many slices as there are fit on a device, and not one more; nothing gets less than it asks for.
  for (int32_t slices = 1; slices <= kDeviceSlicesMax; ++slices) {
    const int32_t one = sliced_milli(1, slices);
    EXPECT_LE(one * slices, kDeviceMilli);
    EXPECT_GT(one * (slices + 1), kDeviceMilli);
    for (int32_t milli = 1; milli <= kDeviceMilli; ++milli) {
      EXPECT_GE(sliced_milli(milli, slices), milli);
      EXPECT_EQ(sliced_milli(sliced_milli(milli, slices), slices), sliced_milli(milli, slices));
    }
  }
  Workload work;
  work.accelerators = 1;
  work.accelerator_milli = 300;
  const DevicesRow able{.memory_mib = 40'960, .slices = 7};
  EXPECT_EQ(device_need(work, able).milli, 428);
  EXPECT_EQ(device_need(work, able).memory_mib, 17'554);
  work.accelerator_memory_mib = 20'000;
  EXPECT_EQ(device_need(work, able).memory_mib, 23'405);
  EXPECT_EQ(device_need(work, {.slices = 7}).memory_mib, 20'000) << "it is not known how much there is";
  work.accelerator_milli = 900;
  EXPECT_FALSE(device_need(work, able).shares()) << "every slice is the whole device";
  EXPECT_EQ(device_need(work, able).placed_milli(), 0);
  EXPECT_EQ(device_milli_most(work, 1u), 900);
  EXPECT_EQ(device_milli_most(work, 1u | 1u << 7 | 1u << 4), 1000);
  work.accelerator_milli = 300;
  EXPECT_EQ(device_milli_most(work, 1u << 7 | 1u << 4), 500);
  work.accelerator_milli = 0;
  EXPECT_EQ(device_milli_most(work, 1u << 7), 1000);
}

TEST(DeviceNeed, TakesMemoryInProportionUnlessItIsSaid) {
  Workload work;
  work.accelerators = 1;
  work.accelerator_milli = 300;
  EXPECT_EQ(device_need(work, {.memory_mib = 81'920}).memory_mib, 24'576);
  EXPECT_EQ(device_need(work, {}).memory_mib, 0);
  work.accelerator_memory_mib = 40'000;
  EXPECT_EQ(device_need(work, {.memory_mib = 81'920}).memory_mib, 40'000);
  work.accelerator_milli = 0;
  EXPECT_FALSE(device_need(work, {.memory_mib = 81'920}).shares());
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

TEST(DeviceKind, KeepsFewFiguresOfMemoryAndArithmetic) {
  Workload work;
  work.accelerators = 1;
  const auto memory = [&](int32_t mib) {
    work.accelerator_memory_mib = mib;
    return device_kind(work).memory_mib;
  };
  EXPECT_EQ(memory(0), 0);
  EXPECT_EQ(memory(1023), 0);
  EXPECT_EQ(memory(1024), 1024);
  EXPECT_EQ(memory(81'920), 81'920) << "what has just as much is able";
  EXPECT_EQ(memory(81'919), 65'536);
  EXPECT_EQ(memory(98'303), 81'920);
  EXPECT_EQ(memory(INT32_MAX), 1 << 20);
  const auto fp16 = [&](int64_t gflops) {
    work.accelerator_fp16_gflops_min = gflops;
    return device_kind(work).fp16_gflops_min;
  };
  EXPECT_EQ(fp16(312'000), 262'144);
  EXPECT_EQ(fp16(INT64_MAX), 1 << 24);
  std::set<int32_t> memories;
  for (int32_t mib = 0; mib < 2'000'000; mib += 7) memories.insert(memory(mib));
  EXPECT_LE(memories.size(), 42u);
  work.accelerators_linked = true;
  EXPECT_FALSE(device_kind(work).linked) << "one alone is linked to nothing";
  work.accelerators = 2;
  EXPECT_TRUE(device_kind(work).linked);
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
                            .accelerator_milli = device_need(need, graph.devices(graph.node(NodeId(0u)))).placed_milli(),
                            .accelerator_memory_mib = device_need(need, graph.devices(graph.node(NodeId(0u)))).memory_mib,
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
  EXPECT_EQ(graph.device_fits(NodeId(0u), work), 2);
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
  EXPECT_EQ(graph.device_fits(NodeId(0u), work), 0);
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

TEST_F(DevicesTest, SlicesAreTakenWholeAndBilled) {
  NodeSpec node{.name = "a", .cpu_milli = 8000, .memory_mib = 8192, .accelerators = 1};
  node.accelerator_memory_mib = 700;
  node.accelerator_slices = 7;
  ASSERT_TRUE(add(NodesReported{SiteId(0u), NodeId(0u), {node}}).effect);
  EXPECT_EQ(load().device_slices, 1u << 7) << "nodes without devices have none";
  const IntentId id = submit();
  EXPECT_EQ(plan(id).placements[0].accelerator_milli, 428);
  EXPECT_EQ(plan(id).billed_per_hour, kCredit * 428 / 1000);
  Plan exact = plan(id);
  exact.placements[0].accelerator_milli = 400;
  exact.billed_per_hour = placement_per_hour(exact.placements[0]);
  EXPECT_FALSE(verify(graph, exact).granted) << "no slice is that small";
  EXPECT_EQ(commit(), 1u);
  EXPECT_EQ(free_milli(), (std::vector<int32_t>{572}));
  EXPECT_EQ(graph.device_room(NodeId(0u)).devices()[0].memory_mib, 400);
  EXPECT_EQ(graph.device_fits(NodeId(0u), work), 1);
  work.accelerator_milli = 142;
  EXPECT_EQ(graph.device_fits(NodeId(0u), work), 4);
  work.accelerator_milli = 900;
  EXPECT_EQ(graph.device_fits(NodeId(0u), work), 0);
}

TEST_F(DevicesTest, LinkedOnesAreGrantedInOneIslandOnly) {
  NodeSpec node{.name = "a", .cpu_milli = 8000, .memory_mib = 8192, .accelerators = 8};
  node.accelerators_per_island = 4;
  ASSERT_TRUE(add(NodesReported{SiteId(0u), NodeId(0u), {node}}).effect);
  work.accelerator_milli = 0;
  work.accelerators = 1;
  EXPECT_EQ(commit(), 0x01u);
  work.accelerators = 2;
  work.accelerators_linked = true;
  EXPECT_EQ(commit(), 0x06u);
  EXPECT_EQ(graph.device_fits(NodeId(0u), work), 2);
  work.accelerators = 4;
  const IntentId id = submit();
  EXPECT_FALSE(verify(graph, plan(id, 0x78)).granted);
  EXPECT_TRUE(verify(graph, plan(id, 0x78)).conflict);
  EXPECT_TRUE(verify(graph, plan(id, 0xf0)).granted);
  EXPECT_EQ(commit(), 0xf0u);
  EXPECT_FALSE(verify(graph, plan(id)).granted);
  // Described anew: what runs is linked no more, and none is as large as asked for.
  node.accelerators_per_island = 2;
  ASSERT_TRUE(add(NodesReported{SiteId(0u), NodeId(0u), {node}}).effect);
  EXPECT_FALSE(graph.right_accelerator(graph.node(NodeId(0u)), work));
  const IntentId runs(graph.intent_count() - 1);
  Plan next = plan(runs, 0xf0);
  next.placements[0].continues = graph.intent(runs).active->run(0);
  EXPECT_FALSE(verify(graph, next).granted);
  work.accelerators = 2;
  EXPECT_TRUE(graph.right_accelerator(graph.node(NodeId(0u)), work));
}

TEST_F(DevicesTest, ACheckpointKeepsThem) {
  NodeSpec node{.name = "b", .cpu_milli = 8000, .memory_mib = 8192, .accelerators = 4};
  node.accelerators_per_island = 2;
  node.accelerator_slices = 7;
  node.rack = "r1";
  ASSERT_TRUE(add(NodesReported{SiteId(0u), NodeId(1u), {node}}).effect);
  commit(2);
  commit();
  const auto again = decode_graph(encode_graph(graph));
  ASSERT_TRUE(again);
  EXPECT_EQ(encode_graph(*again), encode_graph(graph));
  EXPECT_EQ(again->load(SiteId(0u)).accelerator_milli_free, load().accelerator_milli_free);
  EXPECT_EQ(again->device_mix(), graph.device_mix());
  EXPECT_EQ(again->devices(again->node(NodeId(0u))).fp16_gflops, 300'000);
  EXPECT_EQ(again->device_room(NodeId(0u)).devices()[1], graph.device_room(NodeId(0u)).devices()[1]);
  EXPECT_EQ(again->device_room(NodeId(1u)).islands(), 2u);
  EXPECT_EQ(again->devices(again->node(NodeId(1u))).slices, 7);
  EXPECT_EQ(again->rack_name(NodeId(1u)), "r1");
  EXPECT_EQ(again->rack_name(NodeId(0u)), "");
  EXPECT_EQ(again->load(SiteId(0u)).device_slices, 1u | 1u << 7);
}

}  // namespace
}  // namespace weir
