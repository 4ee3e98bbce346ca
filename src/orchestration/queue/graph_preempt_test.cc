#include "orchestration/queue/graph_preempt.h"

#include <gtest/gtest.h>

#include <bit>

namespace weir::queue {
namespace {

constexpr TimeUs kHour = TokenBucket::kHourUs;

// Site "a" with two nodes of 8 cores, "b" with one of 4.
class GraphPreemptTest : public ::testing::Test {
 protected:
  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    add(SiteDefined{SiteId(0u), VertexId(0u), {.name = "a"}});
    add(SiteDefined{SiteId(1u), VertexId(1u), {.name = "b"}});
    add(NodesReported{
        SiteId(0u), NodeId(0u), {{"n", 8000, 65'536, 0, "", 1000}, {"m", 8000, 65'536, 0, "", 1000}}});
    add(NodesReported{SiteId(1u), NodeId(2u), {{"n", 4000, 65'536, 0, "", 1000}}});
    for (uint32_t s = 0; s < 2; ++s) add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    tree.set_capacity({20'000, 3 * 65'536, 0});
    ASSERT_TRUE(tree.define(queue::QueueId(0u), {}));
  }
  void add(EventBody body) { ASSERT_TRUE(graph.apply({now, "t", std::move(body)}).effect); }
  IntentId submit(int32_t cores, int32_t priority, int32_t instances = 0) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "j" + std::to_string(id.value)};
    spec.schedule.priority = priority;
    spec.schedule.instances = instances;
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = cores * 1000;
    spec.workload.memory_mib = 1;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    return id;
  }
  void run(int32_t cores, int32_t priority, SiteId site, NodeId node) {
    const IntentId id = submit(cores, priority);
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    plan.placements.push_back(
        {.site = site, .node = node, .cpu_milli = cores * 1000, .memory_mib = 1, .continues = {}});
    const Position at = graph.version();
    add(PlanCommitted{plan});
    add(RunStateChanged{RunId{at, 0}, id, RunState::kRunning, 0, ""});
    tree.take(queue::QueueId(0u), {cores * 1000, 1, 0}, now);
  }
  std::vector<Running> running() const {
    std::vector<IntentId> all;
    for (size_t i = 0; i < graph.intent_count(); ++i) all.push_back(IntentId(i));
    return running_jobs(graph, all, now, 60'000'000, [](IntentId) { return queue::QueueId(0u); });
  }
  Graph graph;
  QueueTree tree;
  TimeUs now = kHour;
};

TEST_F(GraphPreemptTest, LooksForLinkedAcceleratorsInOneIsland) {
  NodeSpec node{.name = "g", .cpu_milli = 64'000, .memory_mib = 65'536, .accelerators = 8};
  node.accelerators_per_island = 4;
  add(NodesReported{SiteId(0u), NodeId(3u), {node}});
  const auto runs_on = [&](DeviceMask devices) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "j" + std::to_string(id.value)};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.accelerators = static_cast<int16_t>(std::popcount(devices));
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    plan.placements.push_back({.site = SiteId(0u), .node = NodeId(3u), .accelerators = spec.workload.accelerators,
                               .continues = {}, .devices = devices});
    const Position at = graph.version();
    add(PlanCommitted{plan});
    add(RunStateChanged{RunId{at, 0}, id, RunState::kRunning, 0, ""});
    return id;
  };
  runs_on(0x07);  // three of the first island, one free
  runs_on(0x30);  // two of the second
  IntentSpec wish{.name = "wish"};
  wish.workload.kind = WorkKind::kJob;
  wish.workload.accelerators = 4;
  wish.workload.accelerators_linked = true;
  wish.schedule.priority = 2;
  const IntentId waiting(graph.intent_count());
  add(IntentSubmitted{waiting, TenantId(0u), 1, wish});
  EXPECT_EQ(devices_looked_at(graph, NodeId(3u), wish), 0xf0u);
  const Need need = need_of(graph, waiting, queue::QueueId(0u), 8);
  ASSERT_EQ(need.options.size(), 1u);
  EXPECT_EQ(need.options[0][0].amount, (Amount{0, 0, 2000})) << "two are free beside the two, and three elsewhere do not help";
  const std::vector<IntentId> all{IntentId(0u), IntentId(1u)};
  const auto jobs = running_jobs(graph, all, now, 60'000'000, [](IntentId) { return queue::QueueId(0u); }, &wish);
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].holds[0].amount, (Amount{0, 0, 0}));
  EXPECT_EQ(jobs[1].holds[0].amount, (Amount{0, 0, 2000}));
  wish.workload.accelerators = 5;
  EXPECT_EQ(devices_looked_at(graph, NodeId(3u), wish), 0u);
}

TEST_F(GraphPreemptTest, KeepsAGangInOneRack) {
  std::vector<NodeSpec> nodes;
  for (const char* rack : {"r1", "r1", "r2"}) nodes.push_back({.name = "n", .cpu_milli = 8000, .memory_mib = 8192, .rack = rack});
  add(NodesReported{SiteId(1u), NodeId(3u), nodes});
  IntentSpec wish{.name = "wish", .where = {.only = {SiteId(1u)}, .same_rack = true}, .schedule = {.instances = 2}};
  wish.workload.kind = WorkKind::kJob;
  wish.workload.cpu_milli = 8000;
  const IntentId waiting(graph.intent_count());
  add(IntentSubmitted{waiting, TenantId(0u), 1, wish});
  const Need need = need_of(graph, waiting, queue::QueueId(0u), 8);
  ASSERT_EQ(need.options.size(), 1u) << "no other rack holds both";
  EXPECT_EQ(need.options[0][0].pool, 3u);
  EXPECT_EQ(need.options[0][1].pool, 4u);
}

TEST_F(GraphPreemptTest, FindsWhoGivesWayOnWhichNode) {
  run(6, 0, SiteId(0u), NodeId(0u));
  now += kHour;
  run(7, 0, SiteId(0u), NodeId(1u));
  run(4, 3, SiteId(1u), NodeId(2u));
  now += kHour;
  const std::vector<Running> jobs = running();
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(jobs[0].lost_us, 2 * kHour);
  EXPECT_EQ(jobs[1].holds[0].amount, (Amount{7000, 1, 0}));
  const IntentId urgent = submit(4, 2);
  const Need need = need_of(graph, urgent, queue::QueueId(0u), 8);
  ASSERT_EQ(need.options.size(), 3u);
  EXPECT_EQ(need.options[0][0].pool, 0u) << "2 of 8 cores lack";
  EXPECT_EQ(need.options[0][0].amount.cpu_milli, 2000);
  EXPECT_EQ(need_of(graph, urgent, queue::QueueId(0u), 1).options.size(), 1u);
  const PreemptBudget budget(10, 10);
  const Preemption found = choose_victims(tree, need, jobs, {.per_core_hour = kCredit}, {}, budget, now);
  ASSERT_TRUE(found.found);
  EXPECT_EQ(found.victims, std::vector<uint64_t>{1}) << "7 cores for an hour, not 6 for two";
  add(NodeCordoned{.node = NodeId(1u)});
  EXPECT_EQ(need_of(graph, urgent, queue::QueueId(0u), 8).options.size(), 2u);
}

// It would hold that much, so its queue's guarantee has to cover all of it.
TEST_F(GraphPreemptTest, AJobThatServesStreamsNeedsAsManyInstancesAsTheyTake) {
  const IntentId id(graph.intent_count());
  IntentSpec spec{.name = "flow", .from = {{SiteId(0u), 4}, {SiteId(1u), 1}}};
  spec.workload = {.kind = WorkKind::kJob, .cpu_milli = 1500, .memory_mib = 10, .streams_per_instance = 2};
  add(IntentSubmitted{id, TenantId(0u), 1, spec});
  EXPECT_EQ(need_of(graph, id, queue::QueueId(0u), 8).whole, (Amount{4500, 30, 0}));
}

TEST_F(GraphPreemptTest, AGangIsPlacedAtOneSite) {
  run(6, 0, SiteId(0u), NodeId(0u));
  run(2, 0, SiteId(0u), NodeId(1u));
  const Need need = need_of(graph, submit(3, 1, 4), queue::QueueId(0u), 8);
  EXPECT_EQ(need.whole.cpu_milli, 12'000);
  ASSERT_EQ(need.options.size(), 1u) << "b holds one of the four";
  ASSERT_EQ(need.options[0].size(), 2u);
  EXPECT_EQ(need.options[0][0].amount.cpu_milli, 4000);
  EXPECT_EQ(need.options[0][1].amount.cpu_milli, 0);
  EXPECT_TRUE(need_of(graph, submit(3, 1, 5), queue::QueueId(0u), 8).options.empty());
}

}  // namespace
}  // namespace weir::queue
