#include <gtest/gtest.h>

#include "core/graph/checkpoint.h"
#include "core/graph/hours.h"
#include "core/graph/promise.h"

namespace weir {
namespace {

constexpr SiteId kHub(0u);
constexpr NodeId kNode(0u), kOther(1u);

// Two nodes of 8 cores and 8 GiB at a hub.
class SpareTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({1, "t", std::move(body)}); }

  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    describe(0);
    const NodeSpec node{.name = "n", .cpu_milli = 8000, .memory_mib = 8192};
    add(NodesReported{kHub, kNode, {node, node}});
    add(SiteStateChanged{kHub, Liveness::kUp, ""});
  }
  void describe(int32_t best_effort_asks_milli) {
    SiteSpec spec{.name = "hub"};
    spec.asks = {kCredit, 10, 0};
    spec.best_effort_asks_milli = best_effort_asks_milli;
    add(SiteDefined{kHub, VertexId(0u), spec});
  }
  IntentId submit(int32_t cpu_milli, int32_t memory_mib, bool best_effort, int32_t instances = 1) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "i" + std::to_string(id.value)};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = cpu_milli;
    spec.workload.memory_mib = memory_mib;
    spec.workload.best_effort = best_effort;
    spec.schedule.instances = instances;
    EXPECT_TRUE(add(IntentSubmitted{id, TenantId(0u), 1, spec}).effect);
    return id;
  }
  Plan plan(IntentId id, std::vector<NodeId> nodes) const {
    const Workload& work = graph.intent(id).spec->workload;
    Plan out{.intent = id, .generation = 1, .basis = graph.version()};
    for (const NodeId node : nodes) {
      out.placements.push_back({.site = kHub, .node = node, .cpu_milli = work.cpu_milli, .memory_mib = work.memory_mib,
                                .asks = asks_of(graph, kHub, work), .continues = {}, .best_effort = work.best_effort});
    }
    return complete(std::move(out));
  }
  Plan complete(Plan out) const {
    const PlanTotals totals = plan_totals(graph, *graph.intent(out.intent).spec, out);
    out.billed_per_hour = totals.billed_per_hour;
    out.power_mw = totals.power_mw;
    out.carbon_mg_per_hour = totals.carbon_mg_per_hour;
    out.availability_ppm = totals.availability_ppm;
    return out;
  }
  IntentId place(int32_t cpu_milli, int32_t memory_mib, bool best_effort, NodeId node = kNode) {
    const IntentId id = submit(cpu_milli, memory_mib, best_effort);
    const Plan made = plan(id, {node});
    EXPECT_TRUE(verify(graph, made).granted) << verify(graph, made).why;
    EXPECT_TRUE(add(PlanCommitted{made}).effect);
    return id;
  }
  void end(IntentId id) {
    ASSERT_TRUE(add(RunStateChanged{graph.intent(id).active->run(0), id, RunState::kExited, 0, ""}).effect);
  }
  void measure(int32_t cpu_milli, int32_t memory_mib, NodeId node = kNode) {
    ASSERT_TRUE(add(ReclaimableMeasured{kHub, {{node, cpu_milli, memory_mib}}}).effect);
  }

  Graph graph;
};

TEST_F(SpareTest, BestEffortWorkTakesNothingThatOrdinaryWorkCouldHave) {
  place(6000, 6000, true);
  EXPECT_EQ(graph.free(kNode).cpu_milli, 8000);
  EXPECT_EQ(graph.load(kHub).cpu_milli_free, 16'000);
  EXPECT_EQ(graph.spare(kNode).cpu_milli_taken, 6000);
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, 2000);
  EXPECT_EQ(graph.spare_room(kNode).memory_mib, 2192);
  EXPECT_EQ(graph.spare_room(kOther).cpu_milli, 8000) << "of others nothing is said";
  place(8000, 8192, false);
  EXPECT_EQ(graph.free(kNode).cpu_milli, 0);
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, -6000) << "so much has to make way";
  EXPECT_EQ(graph.best_effort_nodes(), std::vector<NodeId>{kNode});
}

TEST_F(SpareTest, WhatItHeldIsGivenBackOnce) {
  const IntentId id = place(6000, 6000, true);
  const uint64_t relief = graph.relief();
  const Position at = graph.intent(id).active->position;
  ASSERT_TRUE(add(JobPreempted{.intent = id, .plan = at}).effect);
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, 2000) << "until it is gone";
  ASSERT_TRUE(add(PlanRetired{id, at}).effect);
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, 8000);
  EXPECT_GT(graph.relief(), relief);
  EXPECT_TRUE(graph.best_effort_nodes().empty());
  const IntentId again = place(1000, 1000, true);
  end(again);
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, 8000);
  ASSERT_TRUE(add(IntentWithdrawn{again, true}).effect);
  ASSERT_TRUE(add(PlanRetired{again, graph.intent(again).retiring.at(0)->position}).effect);
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, 8000);
}

TEST_F(SpareTest, NoMoreIsReclaimedThanIsReserved) {
  place(6000, 4096, false);
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, 2000);
  const uint64_t relief = graph.relief();
  measure(5000, 1024);
  EXPECT_GT(graph.relief(), relief) << "more is possible";
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, 7000);
  EXPECT_EQ(graph.spare_room(kNode).memory_mib, 5120);
  measure(9000, 9000);
  EXPECT_EQ(graph.spare(kNode).cpu_milli_reclaimed, 6000);
  EXPECT_EQ(graph.spare(kNode).memory_mib_reclaimed, 4096);
  const uint64_t before = graph.relief();
  measure(100, 0);
  EXPECT_EQ(graph.relief(), before) << "less is";
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, 2100) << "what was measured last counts";
  EXPECT_EQ(graph.free(kNode).cpu_milli, 2000);
}

TEST_F(SpareTest, OfWhatEndsAllMayHaveBeenIdle) {
  const IntentId idle = place(5000, 1024, false);
  const IntentId busy = place(3000, 1024, false);
  measure(4500, 512);
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, 4500);
  end(idle);
  EXPECT_EQ(graph.spare(kNode).cpu_milli_reclaimed, 0) << "not what the other uses";
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, 5000);
  end(busy);
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli, 8000);
  EXPECT_EQ(graph.spare_room(kNode).memory_mib, 8192);
}

TEST_F(SpareTest, AMeasurementOfWhatIsNotThereHasNoEffect) {
  EXPECT_FALSE(add(ReclaimableMeasured{SiteId(7u), {}}).effect);
  EXPECT_FALSE(add(ReclaimableMeasured{kHub, {{kNode, 5, 5}, {NodeId(2u), 1, 1}}}).effect);
  SiteSpec spec{.name = "yard"};
  add(SiteDefined{SiteId(1u), VertexId(1u), spec});
  EXPECT_FALSE(add(ReclaimableMeasured{SiteId(1u), {{kNode, 5, 5}}}).effect) << "a node of another site";
  EXPECT_EQ(graph.spare(kNode).cpu_milli_reclaimed, 0);
}

TEST_F(SpareTest, TheLastBitOfRoomIsGrantedAndNoMore) {
  place(8000, 4096, false);
  measure(3000, 0);
  for (const auto& [cpu_milli, fits] : {std::pair{3000, true}, std::pair{3001, false}}) {
    const Plan made = plan(submit(cpu_milli, 4096, true), {kNode});
    const Verdict verdict = verify(graph, made);
    EXPECT_EQ(verdict.granted, fits) << verdict.why;
    EXPECT_EQ(verdict.conflict, !fits);
  }
  EXPECT_FALSE(verify(graph, plan(submit(1000, 4097, true), {kNode})).granted) << "memory";
  EXPECT_FALSE(verify(graph, plan(submit(2000, 8, true, 2), {kNode, kNode})).granted) << "both together";
  EXPECT_TRUE(verify(graph, plan(submit(2000, 8, true, 2), {kNode, kOther})).granted);
  EXPECT_FALSE(verify(graph, plan(submit(1, 8, false), {kNode})).granted) << "ordinary work reclaims nothing";
}

TEST_F(SpareTest, OrdinaryWorkGoesBeforeWhateverIsThere) {
  place(8000, 8192, true);
  EXPECT_TRUE(verify(graph, plan(submit(8000, 8192, false), {kNode})).granted);
  EXPECT_FALSE(verify(graph, plan(submit(1, 1, true), {kNode})).granted);
}

TEST_F(SpareTest, ItPaysItsPartOfTheAsks) {
  const IntentId id = submit(1000, 1024, true);
  const Plan full = plan(id, {kNode});
  EXPECT_EQ(full.billed_per_hour, kCredit + 10) << "without a word as others do";
  describe(300);
  EXPECT_TRUE(verify(graph, full).conflict) << "the asks were revised";
  const Plan part = plan(id, {kNode});
  EXPECT_EQ(part.placements[0].asks, (Asks{kCredit * 3 / 10, 3, 0}));
  EXPECT_TRUE(verify(graph, part).granted) << verify(graph, part).why;
  EXPECT_EQ(asks_of(graph, kHub, graph.intent(submit(1, 1, false)).spec->workload), (Asks{kCredit, 10, 0}));
}

TEST_F(SpareTest, AClassOtherThanTheWishIsRefused) {
  for (const bool best_effort : {false, true}) {
    Plan made = plan(submit(1000, 1024, best_effort), {kNode});
    made.placements[0].best_effort = !best_effort;
    EXPECT_FALSE(verify(graph, made).granted);
    EXPECT_FALSE(verify(graph, made).conflict) << "the plan is wrong";
  }
}

TEST_F(SpareTest, WhatChangesItsClassIsNotHandedOver) {
  const IntentId id = place(1000, 1024, true);
  IntentSpec spec = *graph.intent(id).spec;
  spec.workload.best_effort = false;
  ASSERT_TRUE(add(IntentSubmitted{id, TenantId(0u), 2, spec}).effect);
  Plan next = plan(id, {kNode});
  next.generation = 2;
  next.placements[0].continues = graph.intent(id).active->run(0);
  EXPECT_FALSE(verify(graph, next).granted);
  ASSERT_TRUE(add(PlanCommitted{next}).effect);
  EXPECT_EQ(graph.free(kNode).cpu_milli, 7000);
  EXPECT_EQ(graph.spare(kNode).cpu_milli_taken, 1000) << "its earlier plan retires";
}

TEST_F(SpareTest, ACheckpointKeepsIt) {
  place(8000, 4096, false, kOther);
  measure(3000, 100, kOther);
  place(2000, 50, true, kOther);
  auto back = decode_graph(encode_graph(graph));
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(encode_graph(*back), encode_graph(graph));
  EXPECT_EQ(back->spare_room(kOther).cpu_milli, 1000);
  EXPECT_EQ(back->spare(kOther).memory_mib_reclaimed, 100);
}

}  // namespace
}  // namespace weir
