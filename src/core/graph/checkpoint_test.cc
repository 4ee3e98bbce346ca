#include "core/graph/checkpoint.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

Graph busy_graph(bool retired = false) {
  Graph graph;
  const auto add = [&graph](EventBody body) { EXPECT_TRUE(graph.apply({7, "t", std::move(body)}).effect); };
  add(DomainCreated{.name = "d", .carbon_price_per_kg = 5, .service_prefix = "fd77:1:2::/64"});
  add(BrainStarted{"v", 3});
  add(TenantDefined{TenantId(0u), "city"});
  add(RouterDefined{VertexId(0u), "r"});
  for (uint32_t s = 0; s < 2; ++s) {
    SiteSpec spec{.name = "s" + std::to_string(s), .residency = {"cn"}, .prefix = "fd77::/64", .sid = "fd77:5::"};
    spec.asks.per_core_hour = 9;
    add(SiteDefined{SiteId(s), VertexId(1 + s), spec});
    add(NodesReported{SiteId(s), NodeId(s), {{"n", 2000, 4096, 2, "A100", 1100}}});
    add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    add(LinkDefined{LinkId(2 * s), LinkSpec{.name = "l" + std::to_string(s), .a = VertexId(0u), .b = VertexId(1 + s),
                                            .bandwidth_bps = 1'000'000, .latency_us = 900, .per_gbps_hour = 4, .sid_a = "fd77:a::",
                                            .sid_b = "fd77:b::"}});
  }
  add(LinkMeasured{LinkId(1u), 1200, 30, 5});
  add(DatasetDefined{DatasetId(0u), {.name = "data", .at = {SiteId(0u)}, .residency = {"cn", "eu"}}});
  add(TokenIssued{.token = "t", .secret_sha256 = std::string(64, 'a'), .join = true, .subject = "s0", .expires = 9});
  add(CertificateRevoked{SiteId(0u), "stolen"});
  add(SiteSteeringChanged{SiteId(0u), false, "no seg6"});
  IntentSpec spec{.name = "i", .from = {{SiteId(0u), 1}}, .data = {DatasetId(0u)}};
  spec.workload.cpu_milli = 100;
  spec.traffic.up_bps = 1000;
  add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, spec});
  add(WorkMeasured{IntentId(0u), 1, spec.traffic.work_us_per_request + 9});
  for (int round = 0; round < 2; ++round) {
    Plan plan{.intent = IntentId(0u), .generation = 1, .basis = graph.version()};
    plan.placements.push_back({.site = SiteId(1u), .node = NodeId(1u), .cpu_milli = 100, .streams = 1, .continues = {}});
    plan.flows.push_back({.ingress = SiteId(0u), .placement = 0, .streams = 1, .up_bps = 1000,
                          .path = {LinkId(1u), LinkId(2u)}, .label_working = 256});
    add(PlanCommitted{plan});
  }
  // Both runs are metered with a gap; the first one's plan is retired before the gap is filled.
  for (const RunRow& run : std::vector<RunRow>(graph.intent(IntentId(0u)).runs)) {
    add(UsageReported{.run = run.run, .intent = IntentId(0u), .from = 5, .to = 9});
    add(UsageReported{.run = run.run, .intent = IntentId(0u), .from = 11, .to = 20, .begun = 5});
  }
  if (retired) add(PlanRetired{IntentId(0u), graph.intent(IntentId(0u)).retiring.at(0)->position});
  add(PathSwitched{graph.intent(IntentId(0u)).active->position, IntentId(0u), 0, true});
  add(ReservationDefined{ReservationId(0u), TenantId(0u), {.name = "night", .site = SiteId(1u), .amount = {.cpu_milli = 5}, .from = 8, .to = 9}});
  add(ReservationCancelled{ReservationId(0u)});
  add(NodeCordoned{NodeId(0u), true, "disk"});
  add(QueueDefined{QueueId(0u), {.name = "research", .guaranteed = {.cpu_milli = 2000}}});
  add(QueueDefined{QueueId(1u), {.name = "genomes", .parent = QueueId(0u), .policy = "fcfs"}});
  IntentSpec job{.name = "j", .schedule = {.queue = "genomes", .priority = -1, .run_time_us_max = 60}};
  job.workload.kind = WorkKind::kJob;
  job.workload.cpu_milli = 10;
  add(IntentSubmitted{IntentId(1u), TenantId(0u), 1, job});
  Plan plan{.intent = IntentId(1u), .generation = 1, .basis = graph.version()};
  plan.placements.push_back({.site = SiteId(1u), .node = NodeId(1u), .cpu_milli = 10, .continues = {}});
  add(PlanCommitted{plan});
  add(RunStateChanged{graph.intent(IntentId(1u)).active->run(0), IntentId(1u), RunState::kRunning, 0, ""});
  job.name = "urgent";
  add(IntentSubmitted{IntentId(2u), TenantId(0u), 1, job});
  add(JobPreempted{.intent = IntentId(1u), .plan = graph.intent(IntentId(1u)).active->position, .by = IntentId(2u),
                   .why = "for another", .site = SiteId(1u), .reclaims = true, .lost_us = 5, .cost = 7, .victims = 1});
  add(IntentRefused{Refusal{IntentId(0u), 1, 3, {{ReasonCode::kCpu, SiteId(0u), SiteId{}, 4, 2}}}});
  Workflow flow{.name = "w", .kind = WorkflowKind::kStream, .stages = {{.name = "camera", .at = {SiteId(0u)}}}};
  add(WorkflowSubmitted{WorkflowId(0u), TenantId(0u), 1, flow});
  add(WorkflowPlanned{.workflow = WorkflowId(0u), .generation = 1, .stages = {{.site = SiteId(0u), .price = 5}}, .price = 5});
  add(IntentSubmitted{.intent = IntentId(3u), .tenant = TenantId(0u), .generation = 1, .spec = {.name = "w.camera"},
                      .workflow = WorkflowId(0u), .stage = "camera"});
  flow.prefer.carbon_milli = 7;
  add(WorkflowSubmitted{WorkflowId(0u), TenantId(0u), 2, flow});
  add(WorkflowPlanned{.workflow = WorkflowId(0u), .generation = 2, .refused = true, .why = "no room"});
  SiteSpec nightly = graph.site_spec(SiteId(1u));
  nightly.hours.assign(24, HourRate{});
  nightly.hours[3] = {600, 800};
  add(SiteDefined{SiteId(1u), graph.site(SiteId(1u)).vertex, nightly});
  add(HourBegan{3});
  // It ends well, so that how long it ran is known to the next.
  add(IntentSubmitted{IntentId(4u), TenantId(0u), 1, [&] {
                        IntentSpec brief = job;
                        brief.name = "brief";
                        return brief;
                      }()});
  plan.intent = IntentId(4u);
  add(PlanCommitted{plan});
  add(RunStateChanged{graph.intent(IntentId(4u)).active->run(0), IntentId(4u), RunState::kRunning, 0, ""});
  add(RunStateChanged{graph.intent(IntentId(4u)).active->run(0), IntentId(4u), RunState::kExited, 0, ""});
  add(IntentWithdrawn{IntentId(4u), true, ""});
  job.name = "elastic";
  job.schedule.instances = 8;
  job.schedule.instances_min = 2;
  add(IntentSubmitted{IntentId(5u), TenantId(0u), 1, job});
  add(JobResized{IntentId(5u), 1, 3, {}, "no room for more"});
  // One came of a dialogue, one is judged, and nothing came of the last.
  add(DialogueHeld{TenantId(0u), DialogueEnd::kTaken, true, "要12路", {{{.work = "detection", .streams = 1, .from = {SiteId(0u)}, .only = {}}, {"asked", "fastest"}, "fastest", IntentId(0u), 1}}});
  add(PromiseMeasured{.intent = IntentId(0u), .ingress = SiteId(0u), .from = 1, .to = 9, .samples = 9, .misses = 2, .lost = 1});
  add(IntentRated{IntentId(5u), 1, false, Blame::kDear, "too much"});
  add(DialogueHeld{TenantId(0u), DialogueEnd::kLeft, false, "no", {{}}});
  return graph;
}

TEST(Checkpoint, GivesTheSameGraphBack) {
  const Graph graph = busy_graph();
  const auto bytes = encode_graph(graph);
  auto back = decode_graph(bytes);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(encode_graph(*back), bytes);
  EXPECT_EQ(back->version(), graph.version());
  EXPECT_EQ(back->relief(), graph.relief());
  EXPECT_EQ(back->free(NodeId(1u)).cpu_milli, 1790);
  EXPECT_EQ(back->load(SiteId(1u)).cpu_milli_free, 1790);
  EXPECT_EQ(back->load(LinkId(1u)).free_bps, graph.load(LinkId(1u)).free_bps);
  EXPECT_EQ(back->load(LinkId(1u)).latency_us, 1200);
  EXPECT_EQ(back->site(SiteId(0u)).residency, graph.site(SiteId(0u)).residency);
  EXPECT_EQ(back->dataset(DatasetId(0u)).residency, graph.dataset(DatasetId(0u)).residency);
  EXPECT_EQ(back->find_site("s1"), SiteId(1u));
  EXPECT_FALSE(back->site(SiteId(0u)).agent_steers);
  EXPECT_FALSE(back->link(LinkId(0u)).steerable) << "ends at a site that cannot steer";
  EXPECT_TRUE(back->link(LinkId(2u)).steerable);
  EXPECT_EQ(back->service_prefix(), "fd77:1:2::/64");
  const IntentRow &a = back->intent(IntentId(0u)), &b = graph.intent(IntentId(0u));
  EXPECT_EQ(*a.spec, *b.spec);
  EXPECT_EQ(a.active->plan, b.active->plan);
  EXPECT_EQ(a.retiring.at(0)->plan, b.retiring.at(0)->plan);
  EXPECT_EQ(a.flows_on_protection, b.flows_on_protection);
  EXPECT_EQ(*a.refusal, *b.refusal);
  const IntentRow &preempted = back->intent(IntentId(1u)), &preemptor = back->intent(IntentId(2u));
  ASSERT_NE(preempted.preempted, nullptr);
  EXPECT_EQ(*preempted.preempted, *graph.intent(IntentId(1u)).preempted);
  EXPECT_EQ(preempted.preempted_at, 7);
  ASSERT_NE(preemptor.claim, nullptr);
  EXPECT_EQ(preemptor.claim->site, SiteId(1u));
  EXPECT_EQ(preemptor.claim->from, graph.intent(IntentId(2u)).claim->from);
  EXPECT_EQ(preemptor.claims, 1u);
  const WorkflowRow &flow = back->workflow(WorkflowId(0u)), &flow_before = graph.workflow(WorkflowId(0u));
  EXPECT_EQ(flow.state, WorkflowState::kRefused);
  EXPECT_EQ(*flow.plan, *flow_before.plan);
  EXPECT_EQ(*flow.planned_spec, *flow_before.planned_spec);
  EXPECT_EQ(*flow.refusal, *flow_before.refusal);
  EXPECT_EQ(flow.intents, std::vector<IntentId>{IntentId(3u)});
  EXPECT_EQ(back->stage_intent(flow, "camera"), IntentId(3u));
  EXPECT_EQ(back->find_workflow("city", "w"), WorkflowId(0u));
}

TEST(Checkpoint, GoesOnLikeTheOriginal) {
  Graph graph = busy_graph();
  Graph back = *decode_graph(encode_graph(graph));
  const Event event{8, "t", PlanRetired{IntentId(0u), graph.intent(IntentId(0u)).retiring.at(0)->position}};
  EXPECT_TRUE(graph.apply(event).effect);
  EXPECT_TRUE(back.apply(event).effect);
  EXPECT_EQ(encode_graph(back), encode_graph(graph));
}

TEST(Checkpoint, KeepsWhatIsMeteredAlsoOfRetiredRuns) {
  Graph graph = busy_graph(true);
  const RunId held = graph.intent(IntentId(0u)).runs.at(0).run, gone = graph.intent(IntentId(0u)).retired_runs.at(0).run;
  Graph back = *decode_graph(encode_graph(graph));
  for (const RunId run : {held, gone}) {
    const Metered* metered = back.metered(IntentId(0u), run, SiteId(1u));
    ASSERT_NE(metered, nullptr);
    EXPECT_EQ(*metered, *graph.metered(IntentId(0u), run, SiteId(1u)));
    EXPECT_EQ(metered->missing({0, 30}), (std::vector<Window>{{0, 5}, {9, 11}, {20, 30}}));
  }
  const Event late{8, "t", UsageReported{.run = gone, .intent = IntentId(0u), .from = 9, .to = 11}};
  EXPECT_TRUE(back.apply(late).effect);
  EXPECT_TRUE(back.intent(IntentId(0u)).retired_runs.empty()) << "it is metered in whole";
  graph.apply(late);
  EXPECT_EQ(encode_graph(back), encode_graph(graph));
}

TEST(Checkpoint, RefusesEveryTruncationAndOtherFormats) {
  auto bytes = encode_graph(busy_graph());
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_graph(std::span(bytes).first(n))) << n;
  bytes.push_back(std::byte{0});
  EXPECT_EQ(decode_graph(bytes).error().code, ErrorCode::kCorrupt);
  bytes[0] = std::byte{3};
  EXPECT_EQ(decode_graph(bytes).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace weir
