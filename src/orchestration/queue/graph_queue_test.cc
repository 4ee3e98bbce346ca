#include "orchestration/queue/graph_queue.h"

#include <gtest/gtest.h>

namespace weir::queue {
namespace {

constexpr TimeUs kHour = 3'600'000'000;

// Two sites, "a" with one node of 8 cores and "b" with one of 4; tenants "city" and "lab".
class GraphQueueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    add(TenantDefined{TenantId(1u), "lab"});
    for (uint32_t s = 0; s < 2; ++s) {
      add(SiteDefined{SiteId(s), VertexId(s), SiteSpec{.name = s == 0 ? "a" : "b"}});
      add(NodesReported{SiteId(s), NodeId(s), {NodeSpec{"n", s == 0 ? 8000 : 4000, 65'536, 0, "", 1000}}});
      add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    }
  }
  void add(EventBody body) {
    const Position at = graph.version();
    ASSERT_TRUE(graph.apply({now, "t", body}).effect);
    queue.note(graph, body, at);
  }
  IntentId submit(int32_t cores, TimeUs limit = kHour, Schedule schedule = {}, TenantId tenant = TenantId(0u)) {
    const IntentId id(graph.intent_count());
    schedule.run_time_us_max = limit;
    IntentSpec spec{.name = "j" + std::to_string(id.value), .schedule = schedule};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = cores * 1000;
    spec.workload.memory_mib = 1024;
    add(IntentSubmitted{id, tenant, 1, spec});
    return id;
  }
  IntentId submit_where(Where where, int32_t cores = 1) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "j" + std::to_string(id.value), .where = std::move(where)};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = cores * 1000;
    spec.workload.memory_mib = 1024;
    spec.schedule.run_time_us_max = kHour;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    return id;
  }
  IntentId service(const std::string& name) {
    const IntentId id(graph.intent_count());
    add(IntentSubmitted{id, TenantId(0u), 1, IntentSpec{.name = name}});
    return id;
  }
  void commit(IntentId id, std::vector<SiteId> sites) {
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    const Workload& need = graph.intent(id).spec->workload;
    for (const SiteId site : sites) {
      plan.placements.push_back({.site = site, .node = NodeId(site.value), .cpu_milli = need.cpu_milli,
                                 .memory_mib = need.memory_mib, .continues = {}});
    }
    add(PlanCommitted{plan});
  }
  void finish(IntentId id) {
    const auto active = graph.intent(id).active;
    for (size_t k = 0; k < active->plan.placements.size(); ++k) {
      add(RunStateChanged{active->run(k), id, RunState::kExited, 0, ""});
    }
    add(IntentWithdrawn{id, true});
    add(PlanRetired{id, active->position});
  }
  std::vector<uint32_t> turns() {
    std::vector<uint32_t> out;
    for (const auto& turn : queue.turns(graph, now)) out.push_back(turn.intent.value);
    return out;
  }
  // Takes every turn at the offered sites.
  std::vector<uint32_t> start_all() {
    std::vector<uint32_t> out;
    for (const auto& turn : queue.turns(graph, now)) {
      commit(turn.intent, turn.sites);
      out.push_back(turn.intent.value);
    }
    return out;
  }
  using Ids = std::vector<uint32_t>;

  Graph graph;
  GraphQueue queue;
  TimeUs now = 1'000'000;
};

TEST_F(GraphQueueTest, OffersWhatFitsAndKeepsRoomForTheFirstThatDoesNot) {
  add(QueueDefined{::weir::QueueId(0u), {.name = kDomainQueue, .policy = "fcfs"}});
  const IntentId wide = submit(6);
  EXPECT_EQ(start_all(), Ids({wide.value}));
  submit(8);                                  // waits for the end of `wide`
  const IntentId small = submit(2, kHour / 2);  // is over before that
  const IntentId other = submit(4, 2 * kHour);  // fits site b
  EXPECT_EQ(start_all(), Ids({small.value, other.value}));
  const IntentId late = submit(2, 2 * kHour);
  EXPECT_TRUE(start_all().empty()) << "it would delay the first";
  EXPECT_EQ(queue.why(IntentId(1u)).code, WhyCode::kResource);
  EXPECT_EQ(queue.why(IntentId(1u)).estimated_start, now + kHour);
  EXPECT_NE(queue.why(late).estimated_start, kNever);
  now += kHour / 4;
  finish(wide);
  finish(small);
  EXPECT_EQ(start_all(), Ids({1}));
}

TEST_F(GraphQueueTest, AJobThatEndsBreaksNoPromise) {
  add(QueueDefined{::weir::QueueId(0u), {.name = kDomainQueue, .policy = "sjf", .backfill = Backfill::kConservative}});
  const TimeUs begun = now;
  const IntentId wide = submit(8), other = submit(4);
  EXPECT_EQ(start_all(), Ids({wide.value, other.value}));
  const IntentId longer = submit(8, 2 * kHour);
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(longer).promised_start, begun + kHour);
  const IntentId shorter = submit(8);
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(shorter).promised_start, begun + 3 * kHour);
  now += kHour / 2;
  finish(other);
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(longer).promised_start, begun + kHour);
  EXPECT_EQ(queue.why(shorter).promised_start, begun + 3 * kHour);
}

TEST_F(GraphQueueTest, WhatIsHopelessCountsAsWaitingOnlyOnceItMayCome) {
  const IntentId huge = submit(16);
  EXPECT_EQ(turns(), Ids({huge.value})) << "a decision says why";
  const auto waiting = [this] { return queue.lines(graph).front().standing.waiting_jobs; };
  EXPECT_TRUE(queue.is_too_large(huge));
  EXPECT_EQ(waiting(), 0);
  add(NodesReported{SiteId(1u), NodeId(1u), {NodeSpec{"n", 16'000, 65'536, 0, "", 1000}}});
  EXPECT_EQ(start_all(), Ids({huge.value}));
  EXPECT_FALSE(queue.is_too_large(huge));
  const IntentId other = submit(16);
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(waiting(), 1);
  add(IntentRefused{Refusal{.intent = other, .generation = 1, .basis = graph.version(),
                            .reasons = {{.code = ReasonCode::kResidency, .site = SiteId(0u)}}}});
  EXPECT_EQ(waiting(), 0);
  finish(huge);
  EXPECT_EQ(start_all(), Ids({other.value}));
  finish(other);
  EXPECT_EQ(waiting(), 0);
}

TEST_F(GraphQueueTest, WhatAJobHeldThatBecomesAServiceIsFreeWhenItEnds) {
  const IntentId job = submit(8, 0);
  EXPECT_EQ(start_all(), Ids({job.value}));
  const IntentId next = submit(8);
  EXPECT_TRUE(turns().empty());
  IntentSpec spec = *graph.intent(job).spec;
  spec.workload.kind = WorkKind::kService;
  add(IntentSubmitted{job, TenantId(0u), 2, spec});
  EXPECT_TRUE(turns().empty()) << "until it is decided, what runs goes on";
  add(RunStateChanged{graph.intent(job).active->run(0), job, RunState::kExited, 0, ""});
  EXPECT_EQ(turns(), Ids({next.value}));
}

TEST_F(GraphQueueTest, OfEqualJobsTheOneSubmittedFirstGoesFirst) {
  add(QueueDefined{::weir::QueueId(0u), {.name = kDomainQueue, .policy = "weir"}});
  const IntentId early = submit(8);
  add(IntentWithdrawn{early});
  now += 1'000;
  const IntentId first = submit(8);
  now += 1'000;
  IntentSpec again = *graph.intent(early).spec;
  again.workload.artifact = "again";
  add(IntentSubmitted{early, TenantId(0u), 2, again});
  EXPECT_EQ(turns(), Ids({first.value}));
}

TEST_F(GraphQueueTest, AnOfferHoldsItsRoomUntilItIsAnswered) {
  const IntentId first = submit(8);
  EXPECT_EQ(turns(), Ids({first.value}));
  submit(8);
  EXPECT_TRUE(turns().empty());
  queue.refused(first, graph.relief(), now + 10);
  EXPECT_EQ(turns(), Ids({1})) << "the next may try";
  queue.refused(IntentId(1u), graph.relief(), now + 10);
  now += 20;
  EXPECT_TRUE(turns().empty()) << "nothing eased since both were refused";
  add(SiteDefined{SiteId(0u), VertexId(0u), SiteSpec{.name = "a", .region = "changed"}});
  now += 60'000'000;
  EXPECT_EQ(turns().size(), 1u);
}

TEST_F(GraphQueueTest, AdmitsAnotherSiteThanOfferedUnlessItIsKeptForAnother) {
  add(QueueDefined{::weir::QueueId(0u), {.name = kDomainQueue, .policy = "fcfs"}});
  commit(submit(7), {SiteId(0u)});
  submit(8);  // site a is kept for it in an hour
  const IntentId small = submit(1, 2 * kHour);
  const auto offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].intent, small);
  EXPECT_EQ(offered[0].sites, std::vector<SiteId>({SiteId(1u)}));
  Plan plan{.intent = small, .generation = 1};
  plan.placements.push_back({.site = SiteId(0u), .node = NodeId(0u), .cpu_milli = 1000, .memory_mib = 1024, .continues = {}});
  EXPECT_FALSE(queue.admits(graph, plan));
  plan.placements[0].site = SiteId(1u);
  EXPECT_TRUE(queue.admits(graph, plan));
  plan.placements.resize(4, plan.placements[0]);
  EXPECT_TRUE(queue.admits(graph, plan)) << "streams may need more instances than at least";
  plan.placements.resize(5, plan.placements[0]);
  EXPECT_FALSE(queue.admits(graph, plan));
}

TEST_F(GraphQueueTest, WhatNoSiteHoldsIsDecidedOnceToSayWhy) {
  const IntentId huge = submit(9);
  const auto offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].intent, huge);
  EXPECT_TRUE(offered[0].sites.empty());
  queue.refused(huge, graph.relief(), now + 1);
  now += kHour;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(huge).code, WhyCode::kTooLarge);
}

TEST_F(GraphQueueTest, IslandsRacksAndSlicesThatNeverHoldAJobAreTooSmall) {
  NodeSpec node{.name = "g", .cpu_milli = 8000, .memory_mib = 65'536, .accelerators = 8};
  node.accelerators_per_island = 4;
  node.rack = "r1";
  NodeSpec sliced{.name = "s", .cpu_milli = 8000, .memory_mib = 65'536, .accelerators = 1};
  sliced.accelerator_slices = 2;
  add(NodesReported{SiteId(0u), NodeId(2u), {node, sliced}});
  const auto code = [&](int16_t accelerators, bool linked, int32_t milli, int32_t instances, bool same_rack) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "j" + std::to_string(id.value), .where = {.same_rack = same_rack}, .schedule = {.instances = instances}};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = 1000;
    spec.workload.accelerators = accelerators;
    spec.workload.accelerators_linked = linked;
    spec.workload.accelerator_milli = milli;
    spec.schedule.run_time_us_max = kHour;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    (void)queue.turns(graph, now);
    return queue.why(id).code;
  };
  EXPECT_EQ(code(5, true, 0, 1, false), WhyCode::kTooLarge);
  EXPECT_NE(code(5, false, 0, 1, false), WhyCode::kTooLarge);
  EXPECT_NE(code(4, true, 0, 2, false), WhyCode::kTooLarge);
  EXPECT_EQ(code(4, true, 0, 3, false), WhyCode::kTooLarge);
  EXPECT_EQ(code(0, false, 0, 9, true), WhyCode::kTooLarge) << "8 of 1 core in a rack";
  EXPECT_NE(code(0, false, 0, 8, true), WhyCode::kTooLarge);
  EXPECT_NE(code(0, false, 0, 9, false), WhyCode::kTooLarge);
  EXPECT_NE(code(1, false, 600, 9, false), WhyCode::kTooLarge);
  EXPECT_EQ(code(1, false, 600, 10, false), WhyCode::kTooLarge) << "0.6 of two halves is all of a device";
}

TEST_F(GraphQueueTest, WhatIsAllowedNowhereIsDecidedOnceToSayWhy) {
  IntentSpec spec{.name = "nowhere"};
  spec.workload.kind = WorkKind::kJob;
  spec.workload.cpu_milli = 1000;
  spec.where = {.only = {SiteId(0u)}, .not_at = {SiteId(0u)}};
  add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, spec});
  const auto offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_TRUE(offered[0].sites.empty());
  EXPECT_TRUE(turns().empty());
}

// Where a job may run follows where others stand, taints and data, while it waits.
TEST_F(GraphQueueTest, WhereAJobMayRunFollowsWhatItIsToBeNear) {
  const IntentId web = service("web");
  const IntentId near = submit_where({.near = {web}});
  auto offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 1u) << "to say why";
  EXPECT_TRUE(offered[0].sites.empty());
  queue.refused(near, graph.relief(), now + 1);
  now += kHour;
  EXPECT_TRUE(turns().empty());
  commit(web, {SiteId(1u)});
  offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].sites, std::vector<SiteId>{SiteId(1u)});
  // It moves away while the job is being placed.
  commit(web, {SiteId(0u)});
  queue.refused(near, graph.relief() - 1, now);
  now += 1;
  offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].sites, std::vector<SiteId>{SiteId(0u)});
}

TEST_F(GraphQueueTest, WhereAJobMayRunFollowsWhatItIsToBeApartFrom) {
  const IntentId web = service("web");
  commit(web, {SiteId(0u), SiteId(1u)});
  const IntentId apart = submit_where({.apart_from = {web}});
  EXPECT_EQ(turns(), Ids({apart.value})) << "to say why";
  queue.refused(apart, graph.relief(), now + 1);
  now += kHour;
  EXPECT_TRUE(turns().empty());
  add(IntentWithdrawn{web});
  EXPECT_EQ(start_all(), Ids({apart.value}));
}

TEST_F(GraphQueueTest, WhereAJobMayRunFollowsTaintsAndData) {
  add(SiteDefined{SiteId(0u), VertexId(0u), SiteSpec{.name = "a", .taints = {"noisy"}}});
  const IntentId any = submit_where({});
  auto offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].sites, std::vector<SiteId>{SiteId(1u)}) << "the larger one has a taint";
  commit(any, {SiteId(1u)});
  const IntentId patient = submit_where({.tolerates = {"noisy"}}, 6), other = submit_where({}, 6);
  offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 2u);
  EXPECT_TRUE(offered[0].sites.empty()) << "the untainted one never holds it";
  EXPECT_EQ(offered[0].intent, other);
  EXPECT_EQ(offered[1].intent, patient);
  commit(patient, {SiteId(0u)});
  finish(patient);
  queue.refused(other, graph.relief() - 1, now);
  add(SiteDefined{SiteId(0u), VertexId(0u), SiteSpec{.name = "a"}});
  now += 1;
  EXPECT_EQ(start_all(), Ids({other.value}));
  finish(other);
  add(DatasetDefined{DatasetId(0u), {.name = "maps", .at = {SiteId(1u)}}});
  IntentSpec spec = *graph.intent(any).spec;
  spec.name = "reader";
  spec.where.at_data = true;
  spec.data = {DatasetId(0u)};
  add(IntentSubmitted{IntentId(graph.intent_count()), TenantId(0u), 1, spec});
  add(DatasetDefined{DatasetId(0u), {.name = "maps", .at = {SiteId(0u)}}});
  offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].sites, std::vector<SiteId>{SiteId(0u)}) << "the data moved while it waited";
}

// A site that joins is one more for those that only say where not.
TEST_F(GraphQueueTest, ASiteThatJoinsIsOfferedToJobsThatWait) {
  const IntentId big = submit_where({.not_at = {SiteId(1u)}}, 16);
  EXPECT_EQ(turns(), Ids({big.value})) << "to say why";
  queue.refused(big, graph.relief(), now);
  add(SiteDefined{SiteId(2u), VertexId(2u), SiteSpec{.name = "c"}});
  add(NodesReported{SiteId(2u), NodeId(2u), {NodeSpec{"n", 16'000, 65'536, 0, "", 1000}}});
  add(SiteStateChanged{SiteId(2u), Liveness::kUp, ""});
  now += 1;
  const auto offered = queue.turns(graph, now);
  ASSERT_FALSE(offered.empty());
  EXPECT_EQ(offered.back().intent, big);
  EXPECT_EQ(offered.back().sites, std::vector<SiteId>{SiteId(2u)});
}

TEST_F(GraphQueueTest, InstancesBeginTogether) {
  Schedule schedule;
  schedule.instances = 3;
  const IntentId gang = submit(4, kHour, schedule);
  const auto offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].intent, gang);
  commit(gang, {SiteId(0u), SiteId(0u), SiteId(1u)});
  submit(1);
  EXPECT_TRUE(turns().empty());
  finish(gang);
  EXPECT_EQ(turns(), Ids({1}));
}

TEST_F(GraphQueueTest, TenantsTakeTurnsByTheirShares) {
  for (int i = 0; i < 3; ++i) submit(4);
  for (int i = 0; i < 3; ++i) submit(4, kHour, {}, TenantId(1u));
  const Ids started = start_all();
  ASSERT_EQ(started.size(), 3u);
  EXPECT_EQ(std::count_if(started.begin(), started.end(), [](uint32_t id) { return id >= 3; }), 1);
  finish(IntentId(3u));
  EXPECT_EQ(start_all(), Ids({4})) << "city holds two, lab none";
}

TEST_F(GraphQueueTest, AQuotaIsNeverExceeded) {
  add(QueueDefined{::weir::QueueId(0u), {.name = "capped", .maximum = {.cpu_milli = 5000}}});
  Schedule schedule;
  schedule.queue = "capped";
  submit(4, kHour, schedule);
  submit(4, kHour, schedule, TenantId(1u));
  EXPECT_EQ(start_all().size(), 1u);
  EXPECT_EQ(queue.why(IntentId(1u)).code, WhyCode::kQuota);
  finish(IntentId(0u));
  EXPECT_EQ(start_all(), Ids({1}));
}

TEST_F(GraphQueueTest, AReservationKeepsItsRoomForTheJobsThatNameIt) {
  add(ReservationDefined{ReservationId(0u), TenantId(0u),
                         {.name = "night", .site = SiteId(0u), .amount = {.cpu_milli = 8000, .memory_mib = 8192},
                          .from = now + kHour, .to = now + 2 * kHour}});
  submit(6, 2 * kHour);
  EXPECT_TRUE(turns().empty()) << "it would run into the window";
  Schedule in;
  in.reservation = "night";
  submit(8, kHour / 2, in);
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(IntentId(1u)).code, WhyCode::kReservation);
  now += kHour;
  EXPECT_EQ(start_all(), Ids({1}));
}

TEST_F(GraphQueueTest, ReservesOnlyWhatIsThere) {
  const ReservationSpec six{.name = "r", .site = SiteId(0u), .amount = {.cpu_milli = 6000}, .from = now + kHour, .to = now + 2 * kHour};
  ASSERT_TRUE(queue.reserves(graph, six, now));
  ASSERT_TRUE(queue.reserves(graph, six, now)) << "to ask takes nothing";
  add(ReservationDefined{ReservationId(0u), TenantId(0u), six});
  EXPECT_EQ(queue.reserves(graph, six, now).error().code, ErrorCode::kInfeasible);
  ReservationSpec later = six;
  later.from = six.to;
  later.to = six.to + 1;
  EXPECT_TRUE(queue.reserves(graph, later, now));
  add(ReservationCancelled{ReservationId(0u)});
  EXPECT_TRUE(queue.reserves(graph, six, now));
}

TEST_F(GraphQueueTest, WhereBandwidthAloneIsReservedItsJobsWaitForTheWindow) {
  add(LinkDefined{LinkId(0u), {.name = "l", .a = VertexId(0u), .b = VertexId(1u), .bandwidth_bps = 1000}});
  ReservationSpec spec{.name = "night", .site = SiteId(1u), .from = now + kHour, .to = now + 2 * kHour, .ingress = SiteId(0u),
                       .up_bps = 500, .path = {LinkId(0u)}};
  ASSERT_TRUE(queue.reserves(graph, spec, now)) << "it takes no room";
  add(ReservationDefined{ReservationId(0u), TenantId(0u), spec});
  Schedule in;
  in.reservation = "night";
  const IntentId job = submit(4, kHour / 2, in);
  const IntentId other = submit(8, kHour / 2);
  EXPECT_EQ(start_all(), Ids({other.value})) << "nothing of the room is kept";
  now += kHour - 1;
  finish(other);
  EXPECT_TRUE(turns().empty());
  now += 1;
  GraphQueue anew;
  anew.restart(graph);
  EXPECT_EQ(anew.turns(graph, now).size(), 1u);
  EXPECT_EQ(turns(), Ids({job.value}));
  anew.restart(graph);
  EXPECT_TRUE(anew.turns(graph, now + kHour).empty()) << "the window is over";
}

TEST_F(GraphQueueTest, AReservationInAnotherWindowIsWaitedForAnew) {
  add(LinkDefined{LinkId(0u), {.name = "l", .a = VertexId(0u), .b = VertexId(1u), .bandwidth_bps = 1000}});
  ReservationSpec spec{.name = "night", .site = SiteId(1u), .from = now + kHour, .to = now + 3 * kHour, .ingress = SiteId(0u),
                       .up_bps = 500, .path = {LinkId(0u)}};
  add(ReservationDefined{ReservationId(0u), TenantId(0u), spec});
  Schedule in;
  in.reservation = "night";
  const IntentId job = submit(4, kHour / 2, in);
  add(ReservationCancelled{ReservationId(0u)});
  spec.from = now + 2 * kHour;
  add(ReservationDefined{ReservationId(1u), TenantId(0u), spec});
  now += kHour;
  EXPECT_TRUE(turns().empty()) << "the window opens later now";
  EXPECT_LE(queue.wake(), now + kHour);
  now += kHour;
  EXPECT_EQ(turns(), Ids({job.value})) << "though nothing has happened";
  queue.refused(job, graph.relief(), now + 1);
  add(ReservationCancelled{ReservationId(1u)});
  spec.from = now;
  add(ReservationDefined{ReservationId(2u), TenantId(0u), spec});
  now += 1;
  EXPECT_EQ(turns(), Ids({job.value}));
}

TEST_F(GraphQueueTest, AShareOfASlicedDeviceCountsAsTheSlicesThatItTakes) {
  NodeSpec sliced{.name = "n", .cpu_milli = 8000, .memory_mib = 65'536, .accelerators = 2, .accelerator_model = "a100", .speed_milli = 1000};
  sliced.accelerator_slices = 7;
  add(NodesReported{SiteId(0u), NodeId(0u), {sliced}});
  add(QueueDefined{::weir::QueueId(0u), {.name = kDomainQueue, .policy = "fcfs"}});
  weir::QueueSpec models{.name = "models"};
  models.maximum.accelerators = 1;
  add(QueueDefined{::weir::QueueId(1u), models});
  for (int i = 0; i < 20; ++i) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "j" + std::to_string(i)};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = 100;
    spec.workload.memory_mib = 10;
    spec.workload.accelerators = 1;
    spec.workload.accelerator_milli = 1;
    spec.schedule.queue = "models";
    spec.schedule.run_time_us_max = kHour;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
  }
  EXPECT_EQ(turns().size(), 7u) << "as many slices as one device has";
}

TEST_F(GraphQueueTest, WhatHasEndedHoldsNothingWhileItsPlanStays) {
  const IntentId first = submit(8, kHour);
  EXPECT_EQ(start_all(), Ids({first.value}));
  // A newer wish for which there is no plan leaves the older one in place.
  IntentSpec larger = *graph.intent(first).spec;
  larger.workload.cpu_milli = 64'000;
  add(IntentSubmitted{first, TenantId(0u), 2, larger});
  const IntentId next = submit(8, kHour);
  EXPECT_TRUE(turns().empty());
  add(RunStateChanged{graph.intent(first).active->run(0), first, RunState::kExited, 0, ""});
  EXPECT_EQ(turns(), Ids({next.value}));
  GraphQueue anew;
  anew.restart(graph);
  EXPECT_EQ(anew.turns(graph, now).size(), 1u);
}

TEST_F(GraphQueueTest, AfterARestartItGoesOnFromTheGraph) {
  commit(submit(6), {SiteId(0u)});
  submit(8);
  submit(2, kHour / 2);
  GraphQueue again;
  again.restart(graph);
  std::vector<IntentId> a, b;
  for (const auto& turn : queue.turns(graph, now)) a.push_back(turn.intent);
  for (const auto& turn : again.turns(graph, now)) b.push_back(turn.intent);
  EXPECT_EQ(a, b);
  EXPECT_EQ(queue.order(10), again.order(10));
}

TEST_F(GraphQueueTest, APreemptedJobWaitsAgainAndItsRoomIsFreeWhenItHasStopped) {
  const IntentId victim = submit(8);
  EXPECT_EQ(start_all(), Ids({victim.value}));
  const auto plan = graph.intent(victim).active;
  Schedule schedule;
  schedule.priority = 5;
  const IntentId urgent = submit(8, kHour, schedule);
  EXPECT_TRUE(turns().empty());
  add(JobPreempted{victim, plan->position, urgent, ""});
  EXPECT_TRUE(turns().empty()) << "it has not stopped yet";
  add(RunStateChanged{plan->run(0), victim, RunState::kExited, 0, ""});
  EXPECT_EQ(start_all(), Ids({urgent.value}));
  add(PlanRetired{victim, plan->position});
  EXPECT_TRUE(turns().empty());
  finish(urgent);
  EXPECT_EQ(turns(), Ids({victim.value}));
}

TEST_F(GraphQueueTest, ServicesAndDeadSitesTakeRoomAway) {
  const IntentId service(graph.intent_count());
  IntentSpec spec{.name = "s", .from = {{SiteId(1u), 1}}};
  spec.workload.cpu_milli = 5000;
  add(IntentSubmitted{service, TenantId(0u), 1, spec});
  commit(service, {SiteId(0u)});
  submit(4);
  EXPECT_EQ(queue.turns(graph, now).at(0).sites, std::vector<SiteId>({SiteId(1u)}));
  submit(3);
  add(SiteStateChanged{SiteId(0u), Liveness::kDown, ""});
  EXPECT_TRUE(turns().empty());
  add(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
  EXPECT_EQ(turns(), Ids({2}));
}

TEST_F(GraphQueueTest, RatesAreOfEachTenant) {
  add(QueueDefined{::weir::QueueId(0u), {.name = "slow", .submissions_per_hour_max = 1}});
  EXPECT_TRUE(queue.submits(graph, TenantId(0u), "slow", now));
  EXPECT_FALSE(queue.submits(graph, TenantId(0u), "slow", now));
  EXPECT_TRUE(queue.submits(graph, TenantId(1u), "slow", now));
  EXPECT_TRUE(queue.submits(graph, TenantId(0u), "", now));
  EXPECT_TRUE(queue.submits(graph, TenantId(0u), "slow", now + kHour));
}

// ---- arrays ------------------------------------------------------------------------------------------

TEST_F(GraphQueueTest, AnArrayWaitsAsAllItsTasksAndOnlyThoseSubmittedHaveTurns) {
  add(QueueDefined{::weir::QueueId(0u), {.name = kDomainQueue, .policy = "fcfs"}});
  const IntentId array = submit(2, kHour, {.tasks = 10});
  const auto waiting = [this] { return queue.lines(graph).at(0).standing; };
  EXPECT_EQ(waiting().waiting_jobs, 10);
  EXPECT_EQ(waiting().waiting, (Amount{20'000, 10'240, 0}));
  EXPECT_TRUE(turns().empty()) << "it stands for its tasks";
  EXPECT_EQ(queue.tasks_at_once(graph, array), 6) << "12 cores are free";
  now += 1;
  const IntentId later = submit(2);
  Ids tasks;
  for (uint32_t task = 0; task < 7; ++task) {
    tasks.push_back(static_cast<uint32_t>(graph.intent_count()));
    add(IntentSubmitted{IntentId(graph.intent_count()), TenantId(0u), 1, {}, array, task});
    EXPECT_EQ(waiting().waiting_jobs, 11);
  }
  EXPECT_EQ(start_all(), Ids(tasks.begin(), tasks.begin() + 6)) << "its turn is that of its submission";
  EXPECT_EQ(waiting().waiting_jobs, 5);
  EXPECT_EQ(waiting().used.cpu_milli, 12'000);
  EXPECT_EQ(queue.tasks_at_once(graph, array), 0);
  // As queues made anew see it.
  GraphQueue anew;
  anew.restart(graph);
  EXPECT_EQ(anew.lines(graph).at(0).standing.waiting, waiting().waiting);
  EXPECT_EQ(anew.tasks_at_once(graph, array), 0);
  finish(IntentId(tasks[0]));
  EXPECT_EQ(queue.tasks_at_once(graph, array), 1);
  EXPECT_EQ(start_all(), Ids({tasks[6]}));
  // A longer one waits for more, and one that is withdrawn for nothing.
  IntentSpec longer = *graph.intent(array).spec;
  longer.schedule.tasks = 12;
  add(IntentSubmitted{array, TenantId(0u), 2, longer});
  EXPECT_EQ(waiting().waiting_jobs, 6);
  add(IntentWithdrawn{array});
  EXPECT_EQ(waiting().waiting_jobs, 1);
  EXPECT_EQ(queue.tasks_at_once(graph, array), 0);
  add(IntentWithdrawn{later});
  EXPECT_EQ(waiting().waiting, Amount{});
}

TEST_F(GraphQueueTest, AJobThatMayWaitBeginsInTheCheapestHourWhateverBecameOfItMeanwhile) {
  const auto hourly = [this](int hour) {
    SiteSpec spec{.name = "a", .asks = {.per_core_hour = 1000}};
    spec.hours.assign(24, HourRate{});
    if (hour >= 0) spec.hours[static_cast<size_t>(hour)].asks_milli = 500;
    add(SiteDefined{SiteId(0u), VertexId(0u), spec});
  };
  add(SiteDefined{SiteId(1u), VertexId(1u), {.name = "b", .asks = {.per_core_hour = 900}}});
  hourly(3);
  const IntentId patient = submit(2, kHour, {.start_slack_us = 6 * kHour});
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(patient).code, WhyCode::kNotBefore);
  EXPECT_EQ(queue.why(patient).estimated_start, 3 * kHour);
  hourly(2);
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(patient).estimated_start, 2 * kHour);
  add(SiteStateChanged{SiteId(0u), Liveness::kDown, ""});
  EXPECT_EQ(start_all(), Ids({patient.value})) << "where it may begin it is the same at all times";
  const IntentId other = submit(2, kHour, {.start_slack_us = 6 * kHour});
  EXPECT_EQ(turns(), Ids({other.value}));
  add(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
  queue.refused(other, graph.relief() - 1, now);
  EXPECT_TRUE(turns().empty()) << "it waits for the hour after all";
  EXPECT_EQ(queue.why(other).estimated_start, 2 * kHour);
  GraphQueue anew;
  anew.restart(graph);
  EXPECT_TRUE(anew.turns(graph, now).empty());
  EXPECT_EQ(anew.why(other).estimated_start, 2 * kHour);
  now = 2 * kHour;
  EXPECT_EQ(turns(), Ids({other.value}));
}

TEST_F(GraphQueueTest, PredictionsOrderJobsAndMoveNoPromise) {
  add(QueueDefined{::weir::QueueId(0u), {.name = kDomainQueue, .policy = "sjf", .backfill = Backfill::kConservative}});
  const auto seen = submit(8);
  EXPECT_EQ(start_all(), Ids({seen.value}));
  add(RunStateChanged{graph.intent(seen).active->run(0), seen, RunState::kRunning, 0, ""});
  now += kHour / 60;
  finish(seen);  // jobs like it run a minute
  const IntentId wide = submit(8), narrow = submit(4, 2 * kHour);
  EXPECT_EQ(start_all(), Ids({wide.value, narrow.value}));
  const TimeUs begun = now;
  const IntentId says_short = submit(8, kHour, {.run_time_us_estimated = kHour / 120});
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(says_short).promised_start, begun + kHour);
  const IntentId says_long = submit(8, kHour, {.run_time_us_estimated = kHour});
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(says_long).promised_start, begun + 2 * kHour);
  EXPECT_EQ(queue.order(2)[0], says_short);
  ASSERT_EQ(queue.job(says_long)->estimated_us, kHour);
  add(QueueDefined{::weir::QueueId(0u), {.name = kDomainQueue, .policy = "sjf", .backfill = Backfill::kConservative, .predicts = true}});
  EXPECT_EQ(queue.job(says_long)->estimated_us, kHour / 60);
  EXPECT_EQ(queue.job(says_short)->estimated_us, kHour / 60);
  EXPECT_EQ(queue.job(says_long)->limit_us, kHour);
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(says_short).promised_start, begun + kHour) << "of a running job too the limit counts";
  EXPECT_EQ(queue.why(says_long).promised_start, begun + 2 * kHour);
  EXPECT_EQ(queue.why(says_short).estimated_start, begun + kHour / 60);
}

TEST_F(GraphQueueTest, AnArrayGetsNoMoreTasksThanItsQueueItsPlacesAndOthersLeaveRoomFor) {
  add(QueueDefined{::weir::QueueId(0u), {.name = kDomainQueue, .policy = "fcfs"}});
  add(QueueDefined{::weir::QueueId(1u), {.name = "small", .maximum = {.cpu_milli = 5000}}});
  const auto array_at = [this](std::vector<SiteId> only, const std::string& queue_name) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "a" + std::to_string(id.value), .where = {.only = std::move(only)}};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = 1000;
    spec.workload.memory_mib = 64;
    spec.schedule = {.queue = queue_name, .run_time_us_max = kHour, .tasks = 100};
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    return id;
  };
  const auto submit_task = [this](IntentId array, uint32_t task) {
    add(IntentSubmitted{IntentId(graph.intent_count()), TenantId(0u), 1, {}, array, task});
  };
  const IntentId anywhere = array_at({}, ""), small = array_at({}, "small"), at_b = array_at({SiteId(1u)}, "");
  EXPECT_EQ(queue.tasks_at_once(graph, anywhere), 12);
  EXPECT_EQ(queue.tasks_at_once(graph, small), 5) << "its queue has no more";
  EXPECT_EQ(queue.tasks_at_once(graph, at_b), 4) << "it names one site";
  for (uint32_t task = 0; task < 3; ++task) submit_task(small, task);
  EXPECT_EQ(queue.tasks_at_once(graph, small), 5) << "whoever asks counts its own that wait";
  EXPECT_EQ(queue.tasks_at_once(graph, anywhere), 9) << "those of others are about to take theirs";
  EXPECT_EQ(queue.tasks_at_once(graph, at_b), 1);
  ASSERT_EQ(start_all().size(), 3u);
  EXPECT_EQ(queue.tasks_at_once(graph, small), 2);
  EXPECT_EQ(queue.tasks_at_once(graph, anywhere), 9) << "what runs is not free";
  GraphQueue anew;
  for (uint32_t task = 3; task < 5; ++task) submit_task(small, task);
  anew.restart(graph);
  for (const IntentId array : {anywhere, small, at_b}) EXPECT_EQ(anew.tasks_at_once(graph, array), queue.tasks_at_once(graph, array));
  for (uint32_t task = 0; task < 5; ++task) {
    const IntentId id = graph.find_task(small, task);
    if (graph.intent(id).active) finish(id);
    else add(IntentWithdrawn{id});
  }
  EXPECT_EQ(queue.tasks_at_once(graph, anywhere), 12);
  EXPECT_EQ(queue.tasks_at_once(graph, small), 5);
  // A site that may not be used has no room for it.
  add(SiteDefined{SiteId(1u), VertexId(1u), SiteSpec{.name = "b", .taints = {"owner"}}});
  EXPECT_EQ(queue.tasks_at_once(graph, at_b), 0);
}

}  // namespace
}  // namespace weir::queue
