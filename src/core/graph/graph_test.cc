#include "core/graph/graph.h"

#include "core/graph/promise.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

// street --l0-- router --l1-- hub; one node at the hub.
class GraphTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply(Event{1, "test", std::move(body)}); }

  void SetUp() override {
    add(DomainCreated{.name = "lab"});
    add(TenantDefined{TenantId(0u), "city"});
    add(RouterDefined{VertexId(0u), "r"});
    add(SiteDefined{SiteId(0u), VertexId(1u), site("street", 0)});
    add(SiteDefined{SiteId(1u), VertexId(2u), site("hub", 10'000)});
    add(LinkDefined{LinkId(0u), link("street-r", 1, 0)});
    add(LinkDefined{LinkId(2u), link("r-hub", 0, 2)});
    add(NodesReported{SiteId(1u), NodeId(0u), {NodeSpec{"n0", 1000, 1024, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
    add(SiteStateChanged{SiteId(1u), Liveness::kUp, ""});
    IntentSpec spec{.name = "cameras", .from = {{SiteId(0u), 2}}};
    spec.workload.cpu_milli = 300;
    spec.workload.memory_mib = 256;
    spec.workload.streams_per_instance = 2;
    spec.traffic.up_bps = 2'000'000;
    spec.traffic.down_bps = 50'000;
    spec.promise.latency_us_max = 500'000;
    add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, spec});
  }
  static SiteSpec site(std::string name, Nanocredits ask) {
    SiteSpec spec{.name = std::move(name), .residency = {"cn"}, .sid = "fd77:5::"};
    spec.asks.per_core_hour = ask;
    return spec;
  }
  static LinkSpec link(std::string name, uint32_t a, uint32_t b) {
    return {.name = std::move(name), .a = VertexId(a), .b = VertexId(b), .bandwidth_bps = 10'000'000,
            .latency_us = 1000, .per_gbps_hour = 1'000'000, .sid_a = "fd77:a::", .sid_b = "fd77:b::"};
  }
  // With the totals that follow from its parts.
  Plan complete(Plan p) const {
    const PlanTotals totals = plan_totals(graph, *graph.intent(IntentId(0u)).spec, p);
    p.billed_per_hour = totals.billed_per_hour;
    p.power_mw = totals.power_mw;
    p.carbon_mg_per_hour = totals.carbon_mg_per_hour;
    p.availability_ppm = totals.availability_ppm;
    return p;
  }
  Plan plan() const {
    Plan p{.intent = IntentId(0u), .generation = 1, .basis = graph.version()};
    p.placements.push_back({.site = SiteId(1u), .node = NodeId(0u), .cpu_milli = 300, .memory_mib = 256,
                            .streams = 2, .asks = graph.site(SiteId(1u)).asks, .continues = {}});
    Flow flow{.ingress = SiteId(0u), .placement = 0, .streams = 2, .up_bps = 4'000'000, .down_bps = 100'000};
    flow.path = {LinkId(0u), LinkId(2u)};
    flow.path_per_hour = path_per_hour(graph, flow.path, flow.up_bps, flow.down_bps);
    flow.latency_us_path = path_round_trip_us(graph, flow.path);
    flow.latency_us_predicted = flow.latency_us_path;
    p.flows.push_back(flow);
    return complete(p);
  }

  Graph graph;
};

TEST_F(GraphTest, CommitTakesAndRetireGivesBack) {
  ASSERT_TRUE(verify(graph, plan()).granted) << verify(graph, plan()).why;
  const Position at = graph.version();
  ASSERT_TRUE(add(PlanCommitted{plan()}).effect);
  EXPECT_EQ(graph.free(NodeId(0u)).cpu_milli, 700);
  EXPECT_EQ(graph.load(SiteId(1u)).memory_mib_free, 768);
  EXPECT_EQ(graph.load(LinkId(0u)).free_bps, 6'000'000);
  EXPECT_EQ(graph.load(LinkId(3u)).free_bps, 9'900'000);
  EXPECT_EQ(graph.intent(IntentId(0u)).runs.at(0).run, (RunId{at, 0}));
  ASSERT_TRUE(add(IntentWithdrawn{IntentId(0u)}).effect);
  EXPECT_EQ(graph.free(NodeId(0u)).cpu_milli, 700) << "a retiring plan keeps what it holds";
  ASSERT_TRUE(add(PlanRetired{IntentId(0u), at}).effect);
  EXPECT_EQ(graph.free(NodeId(0u)).cpu_milli, 1000);
  EXPECT_EQ(graph.load(LinkId(0u)).free_bps, 10'000'000);
  EXPECT_TRUE(graph.intent(IntentId(0u)).runs.empty());
  EXPECT_FALSE(add(PlanRetired{IntentId(0u), at}).effect);
}

TEST_F(GraphTest, AContinuedRunIsHandedOverNotTakenTwice) {
  const Position at = graph.version();
  add(PlanCommitted{plan()});
  Plan next = plan();
  next.placements[0].continues = {at, 0};
  ASSERT_TRUE(verify(graph, next).granted) << verify(graph, next).why;
  add(PlanCommitted{next});
  EXPECT_EQ(graph.free(NodeId(0u)).cpu_milli, 700);
  EXPECT_EQ(graph.load(LinkId(0u)).free_bps, 6'000'000);
  add(PlanRetired{IntentId(0u), at});
  EXPECT_EQ(graph.free(NodeId(0u)).cpu_milli, 700);
  EXPECT_EQ(graph.load(LinkId(0u)).free_bps, 6'000'000);
  EXPECT_EQ(graph.intent(IntentId(0u)).runs.at(0).run, (RunId{at, 0}));
}

TEST_F(GraphTest, WhatARunHeldIsFreeWhenItHasEndedAndIsGivenBackOnce) {
  const RunId run{graph.version(), 0};
  add(PlanCommitted{plan()});
  const uint64_t relief = graph.relief();
  ASSERT_TRUE(add(RunStateChanged{run, IntentId(0u), RunState::kFailed, 1, ""}).effect);
  EXPECT_GT(graph.relief(), relief);
  EXPECT_FALSE(add(RunStateChanged{run, IntentId(0u), RunState::kRunning, 0, ""}).effect) << "it has ended";
  const auto all_free = [this] {
    return graph.free(NodeId(0u)).cpu_milli == 1000 && graph.load(SiteId(1u)).memory_mib_free == 1024 &&
           graph.load(LinkId(0u)).free_bps == 10'000'000;
  };
  EXPECT_TRUE(all_free());
  // Its successor takes the same room; then both plans go.
  add(PlanCommitted{plan()});
  EXPECT_EQ(graph.free(NodeId(0u)).cpu_milli, 700);
  add(PlanRetired{IntentId(0u), run.plan});
  EXPECT_EQ(graph.free(NodeId(0u)).cpu_milli, 700);
  EXPECT_EQ(graph.load(LinkId(0u)).free_bps, 6'000'000);
  const Position second = graph.intent(IntentId(0u)).active->position;
  add(IntentWithdrawn{IntentId(0u)});
  add(PlanRetired{IntentId(0u), second});
  EXPECT_TRUE(all_free());
}

TEST_F(GraphTest, UsageOfARetiredRunIsTakenUntilItIsComplete) {
  const RunId run{graph.version(), 0};
  const IntentId intent(0u);
  add(PlanCommitted{plan()});
  const auto usage = [&](TimeUs from, TimeUs to, TimeUs begun = 0) {
    return add(UsageReported{.run = run, .intent = intent, .from = from, .to = to, .begun = begun}).effect;
  };
  EXPECT_TRUE(usage(10, 20));
  EXPECT_FALSE(usage(10, 20)) << "said twice";
  EXPECT_EQ(graph.metered(intent, run, SiteId(0u)), nullptr) << "it runs at another site";
  add(IntentWithdrawn{intent});
  add(PlanRetired{intent, run.plan});
  ASSERT_EQ(graph.intent(intent).retired_runs.size(), 1u);
  EXPECT_TRUE(usage(30, 40, 10)) << "overtook the one before";
  ASSERT_NE(graph.metered(intent, run, SiteId(1u)), nullptr);
  EXPECT_TRUE(usage(20, 30));
  EXPECT_TRUE(graph.intent(intent).retired_runs.empty());
  EXPECT_EQ(graph.metered(intent, run, SiteId(1u)), nullptr);
  EXPECT_FALSE(usage(20, 30));
  EXPECT_FALSE(usage(40, 50));
}

TEST_F(GraphTest, ARunThatHasUsedNothingIsForgotten) {
  const RunId run{graph.version(), 0};
  const IntentId intent(0u);
  add(PlanCommitted{plan()});
  add(IntentWithdrawn{intent});
  add(PlanRetired{intent, run.plan});
  ASSERT_EQ(graph.intent(intent).retired_runs.size(), 1u);
  const auto nothing = [&](TimeUs begun) {
    return add(UsageReported{.run = run, .intent = intent, .from = 10, .to = 10, .begun = begun}).effect;
  };
  EXPECT_FALSE(nothing(0)) << "more may come";
  ASSERT_EQ(graph.intent(intent).retired_runs.size(), 1u);
  EXPECT_TRUE(nothing(10));
  EXPECT_TRUE(graph.intent(intent).retired_runs.empty());
  EXPECT_EQ(graph.metered(intent, run, SiteId(1u)), nullptr);
}

TEST_F(GraphTest, ARunThatIsMeteredInWholeIsForgottenWithItsPlan) {
  const RunId run{graph.version(), 0};
  add(PlanCommitted{plan()});
  add(UsageReported{.run = run, .intent = IntentId(0u), .from = 10, .to = 20, .begun = 10});
  add(IntentWithdrawn{IntentId(0u)});
  add(PlanRetired{IntentId(0u), run.plan});
  EXPECT_TRUE(graph.intent(IntentId(0u)).retired_runs.empty());
}

TEST_F(GraphTest, UsageOfARetiredRunIsNotTakenForEver) {
  const RunId run{graph.version(), 0};
  add(PlanCommitted{plan()});
  add(IntentWithdrawn{IntentId(0u)});
  add(PlanRetired{IntentId(0u), run.plan});
  const auto usage = [&](TimeUs at, TimeUs from) {
    return graph.apply(Event{at, "test", UsageReported{.run = run, .intent = IntentId(0u), .from = from, .to = from + 1}});
  };
  EXPECT_TRUE(usage(kRetiredUsageUs + 1, 1).effect) << "retired at 1";
  EXPECT_FALSE(usage(kRetiredUsageUs + 2, 2).effect);
}

TEST_F(GraphTest, OfTooManyRetiredRunsTheOldestIsForgotten) {
  add(NodesReported{SiteId(1u), NodeId(0u), {NodeSpec{"n0", 100'000'000, 100'000'000, 0, "", 1000}}});
  Plan many = plan();
  many.flows.clear();
  many.placements.resize(kRetiredRunsMax, many.placements[0]);
  const Position first = graph.version();
  ASSERT_TRUE(add(PlanCommitted{many}).effect);
  const Position second = graph.version();
  ASSERT_TRUE(add(PlanCommitted{plan()}).effect);
  add(PlanRetired{IntentId(0u), first});
  add(IntentWithdrawn{IntentId(0u)});
  EXPECT_NE(graph.metered(IntentId(0u), {first, 0}, SiteId(1u)), nullptr);
  add(PlanRetired{IntentId(0u), second});
  EXPECT_EQ(graph.intent(IntentId(0u)).retired_runs.size(), kRetiredRunsMax);
  EXPECT_EQ(graph.metered(IntentId(0u), {first, 0}, SiteId(1u)), nullptr);
  EXPECT_NE(graph.metered(IntentId(0u), {first, 1}, SiteId(1u)), nullptr);
  EXPECT_NE(graph.metered(IntentId(0u), {second, 0}, SiteId(1u)), nullptr);
}

TEST_F(GraphTest, VerifyRefusesWhatTheHeadCannotGive) {
  const auto refused = [this](auto&& change, bool conflict) {
    Plan p = plan();
    change(p);
    const Verdict verdict = verify(graph, p);
    EXPECT_FALSE(verdict.granted);
    EXPECT_EQ(verdict.conflict, conflict) << verdict.why;
  };
  refused([](Plan& p) { p.generation = 2; }, true);
  refused([](Plan& p) { p.billed_per_hour += 1; }, false);
  refused([](Plan& p) { p.placements[0].cpu_milli = 100; }, false);
  refused([](Plan& p) { p.placements[0].asks.per_core_hour += 1; }, true);
  refused([](Plan& p) { p.placements[0].node = NodeId(7u); }, false);
  refused([](Plan& p) { p.flows[0].path = {LinkId(0u)}; }, false);
  refused([](Plan& p) { p.flows[0].path = {LinkId(2u), LinkId(0u)}; }, false);
  refused([](Plan& p) { p.flows[0].path = {LinkId(0u), LinkId(1u), LinkId(0u), LinkId(2u)}; }, false);
  refused([](Plan& p) { p.flows[0].streams = 1; }, false);
  refused([](Plan& p) { p.flows.push_back(p.flows[0]); }, false);
  add(LinkStateChanged{LinkId(3u), false, "cut"});
  refused([](Plan&) {}, true);
  add(LinkStateChanged{LinkId(3u), true, ""});
  add(LinkMeasured{LinkId(0u), 600'000, 0, 0});
  refused([](Plan&) {}, true);
  add(LinkMeasured{LinkId(0u), 1000, 0, 0});
  ASSERT_TRUE(verify(graph, plan()).granted);
  add(SiteStateChanged{SiteId(1u), Liveness::kDraining, ""});
  refused([](Plan&) {}, true);
}

TEST_F(GraphTest, VerifyCountsTheWholePlanAgainstOneNodeAndLink) {
  IntentSpec spec = *graph.intent(IntentId(0u)).spec;
  spec.from = {{SiteId(0u), 5}};
  spec.workload.cpu_milli = 400;
  spec.workload.streams_per_instance = 2;
  add(IntentSubmitted{IntentId(0u), TenantId(0u), 2, spec});
  Plan p{.intent = IntentId(0u), .generation = 2, .basis = graph.version()};
  for (uint32_t i = 0; i < 3; ++i) {
    const int streams = i < 2 ? 2 : 1;
    p.placements.push_back({.site = SiteId(1u), .node = NodeId(0u), .cpu_milli = 400, .memory_mib = 256,
                            .streams = streams, .asks = graph.site(SiteId(1u)).asks, .continues = {}});
    Flow flow{.ingress = SiteId(0u), .placement = i, .streams = streams, .up_bps = streams * 2'000'000,
              .down_bps = streams * 50'000};
    flow.path = {LinkId(0u), LinkId(2u)};
    flow.path_per_hour = path_per_hour(graph, flow.path, flow.up_bps, flow.down_bps);
    flow.latency_us_path = flow.latency_us_predicted = path_round_trip_us(graph, flow.path);
    p.flows.push_back(flow);
  }
  const Verdict verdict = verify(graph, complete(p));  // each fits alone; 1200 of 1000 milli-cores do not
  EXPECT_FALSE(verdict.granted);
  EXPECT_TRUE(verdict.conflict);
}

TEST_F(GraphTest, AnyEventAtAnyTimeIsTotal) {
  const uint32_t far = 4'000'000'000u;
  for (const EventBody& body : std::vector<EventBody>{
           DomainCreated{}, SiteDefined{SiteId(far), VertexId(far), {}}, LinkDefined{LinkId(far), {}},
           NodesReported{SiteId(far), NodeId(far), {{}}}, NodesReported{SiteId(0u), NodeId(far), {{}}},
           SiteStateChanged{SiteId(far)}, LinkStateChanged{LinkId(far)}, LinkMeasured{LinkId(far)},
           IntentSubmitted{IntentId(far), TenantId(0u)}, IntentWithdrawn{IntentId(far)}, PlanCommitted{},
           PlanRetired{IntentId(far)}, IntentRefused{}, RunStateChanged{{}, IntentId(far)},
           PathSwitched{0, IntentId(far)}, PromiseMeasured{IntentId(far)}, PromiseStateChanged{IntentId(far)},
           TokenRedeemed{"none"}, TokenRevoked{"none"}, CertificateIssued{SiteId(far)}, CertificateRevoked{SiteId(far), ""},
           WorkMeasured{IntentId(far), 1, 9}, SiteSteeringChanged{SiteId(far), true, ""},
           WorkflowSubmitted{WorkflowId(far), TenantId(0u), 1, {.stages = {{.name = "a", .at = {SiteId(0u)}}}}},
           WorkflowSubmitted{WorkflowId(0u), TenantId(0u), 1, {.stages = {{.name = "a", .at = {SiteId(far)}}}}},
           WorkflowSubmitted{WorkflowId(0u), TenantId(0u)}, WorkflowPlanned{.workflow = WorkflowId(far)},
           WorkflowWithdrawn{WorkflowId(far)}, IntentSubmitted{.intent = IntentId(9u), .tenant = TenantId(0u), .workflow = WorkflowId(far)},
           DatasetDefined{DatasetId(far), {}}, RouterDefined{VertexId(far), "x"}, TenantDefined{TenantId(far), "y"}}) {
    const Position before = graph.version();
    const Applied applied = add(body);
    EXPECT_FALSE(applied.effect) << kEventNames[body.index()];
    EXPECT_FALSE(applied.why_not.empty());
    EXPECT_EQ(graph.version(), before + 1);
  }
}

TEST_F(GraphTest, ASnapshotDoesNotMove) {
  const Graph snapshot = graph;
  add(PlanCommitted{plan()});
  EXPECT_EQ(snapshot.free(NodeId(0u)).cpu_milli, 1000);
  EXPECT_EQ(snapshot.intent(IntentId(0u)).state, IntentState::kPending);
  EXPECT_EQ(graph.intent(IntentId(0u)).state, IntentState::kPlaced);
}

TEST_F(GraphTest, ReliefCountsOnlyWhatCanMakeAPathCheaper) {
  const uint64_t before = graph.path_relief();
  const Position at = graph.version();
  add(PlanCommitted{plan()});
  EXPECT_EQ(graph.path_relief(), before);
  add(IntentWithdrawn{IntentId(0u)});
  add(PlanRetired{IntentId(0u), at});
  EXPECT_GT(graph.path_relief(), before);
}

TEST_F(GraphTest, APreemptedJobKeepsWhatItHoldsUntilItsPlanIsRetiredAndWaitsAgain) {
  const Position at = graph.version();
  add(PlanCommitted{plan()});
  add(RunStateChanged{RunId{at, 0}, IntentId(0u), RunState::kRunning, 0, ""});
  EXPECT_EQ(graph.intent(IntentId(0u)).runs.at(0).began, 1);
  EXPECT_FALSE(add(JobPreempted{IntentId(0u), at + 1, IntentId(0u), "", SiteId()}).effect);
  EXPECT_TRUE(add(JobPreempted{IntentId(0u), at, IntentId(0u), "for another", SiteId()}).effect);
  const IntentRow& row = graph.intent(IntentId(0u));
  EXPECT_EQ(row.state, IntentState::kPending);
  EXPECT_EQ(row.active, nullptr);
  EXPECT_EQ(row.preemptions, 1u);
  ASSERT_EQ(row.retiring.size(), 1u);
  EXPECT_EQ(graph.free(NodeId(0u)).cpu_milli, 700);
  EXPECT_TRUE(add(PlanRetired{IntentId(0u), at}).effect);
  EXPECT_EQ(graph.free(NodeId(0u)).cpu_milli, 1000);
}

TEST_F(GraphTest, RoomIsClaimedByWhomOthersGaveWayToUntilItIsDecidedOn) {
  const Position at = graph.version();
  add(PlanCommitted{plan()});
  IntentSpec other = *graph.intent(IntentId(0u)).spec;
  other.name = "urgent";
  const IntentId by(1u);
  const auto ask = [&](uint32_t generation) { add(IntentSubmitted{by, TenantId(0u), generation, other}); };
  const auto preempt = [&](Position plan) {
    EXPECT_TRUE(add(JobPreempted{.intent = IntentId(0u), .plan = plan, .by = by, .why = "", .site = SiteId(1u), .cost = 5}).effect);
  };
  ask(1);
  preempt(at);
  ASSERT_NE(graph.intent(IntentId(0u)).preempted, nullptr);
  EXPECT_EQ(graph.intent(IntentId(0u)).preempted->cost, 5);
  ASSERT_NE(graph.intent(by).claim, nullptr);
  EXPECT_EQ(graph.intent(by).claim->site, SiteId(1u));
  EXPECT_EQ(graph.intent(by).claim->from, (std::vector<std::pair<IntentId, Position>>{{IntentId(0u), at}}));
  EXPECT_EQ(graph.intent(by).claims, 1u);
  EXPECT_TRUE(add(IntentRefused{{by, 1, graph.version(), {{ReasonCode::kBudget}}}}).effect);
  EXPECT_EQ(graph.intent(by).claim, nullptr);
  add(PlanRetired{IntentId(0u), at});

  const Position again = graph.version();
  add(PlanCommitted{plan()});
  preempt(again);
  EXPECT_EQ(graph.intent(by).claims, 2u);
  EXPECT_EQ(graph.intent(IntentId(0u)).preemptions, 2u);
  ask(2);
  EXPECT_EQ(graph.intent(by).claim, nullptr) << "another wish";
  EXPECT_EQ(graph.intent(by).claims, 0u);
  add(IntentSubmitted{IntentId(0u), TenantId(0u), 2, *graph.intent(IntentId(0u)).spec});
  EXPECT_EQ(graph.intent(IntentId(0u)).preempted, nullptr);
}

TEST_F(GraphTest, WhatIsFreeOnACordonedNodeIsNotTheSites) {
  const Position at = graph.version();
  add(PlanCommitted{plan()});
  EXPECT_TRUE(add(NodeCordoned{NodeId(0u), true, "disk"}).effect);
  EXPECT_EQ(graph.load(SiteId(1u)).cpu_milli_free, 0);
  EXPECT_FALSE(add(NodeCordoned{NodeId(0u), true, "disk"}).effect);
  add(NodesReported{SiteId(1u), NodeId(0u), {NodeSpec{"n0", 1000, 1024, 0, "", 1000}}});
  EXPECT_EQ(graph.load(SiteId(1u)).cpu_milli_free, 0) << "what its agent says of it is another matter";
  add(IntentWithdrawn{IntentId(0u)});
  add(PlanRetired{IntentId(0u), at});
  EXPECT_EQ(graph.load(SiteId(1u)).cpu_milli_free, 0);
  EXPECT_TRUE(add(NodeCordoned{NodeId(0u), false, ""}).effect);
  EXPECT_EQ(graph.load(SiteId(1u)).cpu_milli_free, 1000);
}

TEST_F(GraphTest, QueuesAreATree) {
  EXPECT_TRUE(add(QueueDefined{QueueId(0u), {.name = "research"}}).effect);
  EXPECT_FALSE(add(QueueDefined{QueueId(1u), {.name = "genomes", .parent = QueueId(1u)}}).effect);
  EXPECT_TRUE(add(QueueDefined{QueueId(1u), {.name = "genomes", .parent = QueueId(0u)}}).effect);
  EXPECT_FALSE(add(QueueDefined{QueueId(1u), {.name = "other", .parent = QueueId(0u)}}).effect);
  EXPECT_FALSE(add(QueueDefined{QueueId(0u), {.name = "research", .parent = QueueId(1u)}}).effect);
  EXPECT_FALSE(add(QueueDefined{QueueId(3u), {.name = "late"}}).effect);
  EXPECT_TRUE(add(QueueDefined{QueueId(0u), {.name = "research", .weight_milli = 2000}}).effect);
  EXPECT_EQ(graph.queue(QueueId(0u)).weight_milli, 2000);
  EXPECT_EQ(graph.find_queue("genomes"), QueueId(1u));
  EXPECT_EQ(graph.queue_count(), 2u);
}

TEST_F(GraphTest, AWorkflowIsPlannedForItsNewestGenerationAndKnowsItsStages) {
  Workflow spec{.name = "w", .kind = WorkflowKind::kStream, .stages = {{.name = "camera", .at = {SiteId(0u)}}, {.name = "detect", .at = {SiteId(1u)}}}};
  spec.edges = {{.from = 0, .to = 1, .bps = 5}};
  EXPECT_TRUE(add(WorkflowSubmitted{WorkflowId(0u), TenantId(0u), 1, spec}).effect);
  EXPECT_EQ(graph.find_workflow("city", "w"), WorkflowId(0u));
  EXPECT_EQ(add(WorkflowSubmitted{WorkflowId(0u), TenantId(0u), 1, spec}).why_not, "a newer generation exists");
  WorkflowPlanned planned{.workflow = WorkflowId(0u), .generation = 1, .stages = {{.site = SiteId(0u)}}};
  EXPECT_EQ(add(planned).why_not, "the plan is not for these stages");
  planned.stages.push_back({.site = SiteId(9u)});
  EXPECT_EQ(add(planned).why_not, "a stage is planned for an unknown site");
  planned.stages[1].site = SiteId(1u);
  planned.transfers = {{.item = 1, .stage = 1}};
  EXPECT_EQ(add(planned).why_not, "it moves something unknown");
  planned.transfers = {{.item = 0, .stage = 1, .path = {LinkId(99u)}}};
  EXPECT_EQ(add(planned).why_not, "it moves something over an unknown link");
  planned.transfers[0].path = {LinkId(0u), LinkId(2u)};
  EXPECT_TRUE(add(planned).effect);
  EXPECT_EQ(graph.workflow(WorkflowId(0u)).state, WorkflowState::kPlanned);
  EXPECT_TRUE(add(WorkflowPlanned{.workflow = WorkflowId(0u), .generation = 1, .refused = true, .why = "no room"}).effect);
  EXPECT_EQ(graph.workflow(WorkflowId(0u)).state, WorkflowState::kPlanned) << "the earlier plan stays";
  EXPECT_TRUE(add(IntentSubmitted{.intent = IntentId(1u), .tenant = TenantId(0u), .generation = 1, .spec = {.name = "w.detect"},
                                  .workflow = WorkflowId(0u), .stage = "detect"}).effect);
  EXPECT_EQ(graph.stage_intent(graph.workflow(WorkflowId(0u)), "detect"), IntentId(1u));
  EXPECT_FALSE(graph.stage_intent(graph.workflow(WorkflowId(0u)), "camera").valid());
  EXPECT_TRUE(add(WorkflowSubmitted{WorkflowId(0u), TenantId(0u), 2, spec}).effect);
  EXPECT_EQ(graph.workflow(WorkflowId(0u)).state, WorkflowState::kPending);
  EXPECT_EQ(graph.workflow(WorkflowId(0u)).refusal, nullptr);
  EXPECT_EQ(add(planned).why_not, "the plan is for another generation");
  EXPECT_TRUE(add(WorkflowPlanned{.workflow = WorkflowId(0u), .generation = 2, .refused = true, .why = "no room"}).effect);
  EXPECT_EQ(graph.workflow(WorkflowId(0u)).state, WorkflowState::kRefused);
  EXPECT_TRUE(add(WorkflowWithdrawn{.workflow = WorkflowId(0u)}).effect);
  EXPECT_EQ(add(WorkflowWithdrawn{.workflow = WorkflowId(0u)}).why_not, "the workflow is withdrawn");
  // An intent that is wished without a workflow leaves it.
  EXPECT_TRUE(add(IntentSubmitted{IntentId(1u), TenantId(0u), 2, {.name = "w.detect"}}).effect);
  EXPECT_TRUE(graph.workflow(WorkflowId(0u)).intents.empty());
}

}  // namespace
}  // namespace weir
