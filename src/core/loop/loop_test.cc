#include "core/loop/loop.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/event/codec.h"
#include "core/graph/promise.h"
#include "core/ledger/memory_log_store.h"

namespace weir {
namespace {

constexpr SiteId kEdge(0u), kHub(1u), kFar(2u);
constexpr IntentId kIntent(0u);

// edge and hub are joined through r0 (links 0, 2) and r1 (links 4, 6); far hangs on r0 (link 8). Decisions are scripted.
class LoopTest : public testing::Test, public Clock, public Wire {
 protected:
  TimeUs wall_us() override { return now_us; }
  TimeUs steady_us() override { return now_us; }
  void send(const SiteDirective& directive) override { directives[directive.site] = directive; }
  void drop(SiteId) override {}

  void start(const std::vector<SiteId>& attaching = {kEdge, kHub, kFar}) {
    loop.reset();
    directives.clear();
    auto made = Loop::start({.clock = *this,
                             .log = log,
                             .wire = *this,
                             .decide =
                                 [this](uint64_t ticket, Snapshot snapshot, IntentId intent, const std::vector<SiteId>&) {
                                   asked.push_back({ticket, std::move(snapshot), intent});
                                   return true;
                                 },
                             .needs_decision = broken,
                             .publish = [](Snapshot) {}},
                            {}, "test", DomainCreated{.name = "test"});
    ASSERT_TRUE(made) << made.error().text();
    loop = std::move(*made);
    for (const SiteId site : attaching) attach(site);
  }
  // As a planner sees it: no whole plan of the newest generation.
  static bool broken(const Graph& graph, IntentId id) {
    const IntentRow& row = graph.intent(id);
    if (row.state == IntentState::kWithdrawn) return false;
    if (!row.active || row.active->plan.generation != row.generation) return true;
    const bool job = row.spec->workload.kind == WorkKind::kJob;
    for (size_t k = 0; k < row.active->plan.placements.size(); ++k) {
      if (graph.site(row.active->plan.placements[k].site).state != Liveness::kUp) return true;
      for (const RunRow& run : row.runs) {
        if (run.run != row.active->run(k)) continue;
        if (run.state == RunState::kFailed || run.state == RunState::kLost) return true;
        if (run.state == RunState::kExited && !(job && run.exit_code == 0)) return true;
      }
    }
    return false;
  }
  void SetUp() override {
    write(DomainCreated{.name = "test", .service_prefix = "fd77:1:2::/64"});
    write(TenantDefined{TenantId(0u), "city"});
    for (const SiteId site : {kEdge, kHub, kFar}) {
      const std::string n = std::to_string(site.value + 1);
      write(SiteDefined{site, VertexId(site.value),
                        SiteSpec{.name = "s" + n, .prefix = "fd77:1:1:" + n + "::/64", .sid = "fd77:1:f:" + n + "::d6"}});
      write(NodesReported{site, NodeId(site.value), {NodeSpec{"n", 4000, 4096, 0, "", 1000}}});
    }
    write(RouterDefined{VertexId(3u), "r0"});
    write(RouterDefined{VertexId(4u), "r1"});
    const uint32_t ends[][2] = {{3, 0}, {3, 1}, {4, 0}, {4, 1}, {3, 2}};
    for (uint32_t l = 0; l < 5; ++l) {
      write(LinkDefined{LinkId(2 * l), LinkSpec{.name = "l" + std::to_string(l), .a = VertexId(ends[l][0]),
                                                .b = VertexId(ends[l][1]), .bandwidth_bps = 1'000'000'000,
                                                .latency_us = 1'000,
                                                .sid_a = "fd77:a:" + std::to_string(l) + "::",
                                                .sid_b = "fd77:b:" + std::to_string(l) + "::"}});
    }
  }
  void write(EventBody body) {
    std::vector<std::byte> bytes;
    encode(Event{1, "test", std::move(body)}, bytes);
    const Bytes record(bytes);
    ASSERT_TRUE(log.append({&record, 1}, LogStore::Urgency::kOrdinary));
    ASSERT_TRUE(log.flush());
  }
  IntentSpec service(int32_t port = 80) {
    IntentSpec spec{.name = "i", .from = {{kEdge, 1}}};
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = 500;
    spec.workload.port = port;
    return spec;
  }
  IntentSpec job() {
    IntentSpec spec{.name = "i"};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = 500;
    return spec;
  }
  // One instance at hub, reached by r0, protected by r1.
  Plan plan(const IntentSpec& spec, uint32_t generation = 1, SiteId at = kHub) {
    Plan p{.intent = kIntent, .generation = generation};
    p.placements.push_back({.site = at, .node = NodeId(at.value), .cpu_milli = spec.workload.cpu_milli, .streams = 1, .continues = {}});
    if (!spec.from.empty()) {
      p.flows.push_back({.ingress = kEdge, .placement = 0, .streams = 1, .path = {LinkId(1u), LinkId(at == kHub ? 2u : 8u)}});
    }
    return p;
  }
  Plan labelled(Plan p, uint16_t label) {
    p.flows[0].label_working = label;
    return p;
  }

  // Two paths over link 0: to hub over link 2, labelled 300, and to far over link 8, labelled 301.
  void write_two_paths() {
    for (uint32_t i = 0; i < 2; ++i) {
      IntentSpec spec = service();
      spec.name = "i" + std::to_string(i);
      write(IntentSubmitted{IntentId(i), TenantId(0u), 1, spec});
      Plan p = labelled(plan(spec, 1, i == 0 ? kHub : kFar), static_cast<uint16_t>(300 + i));
      p.intent = IntentId(i);
      write(PlanCommitted{p});
    }
  }

  void turn(std::vector<Loop::Message> messages) {
    ASSERT_TRUE(loop->turn(std::move(messages)));
  }
  void pass(TimeUs us) {
    for (const TimeUs until = now_us + us; now_us < until; now_us = std::min(until, now_us + 100'000)) {
      std::vector<Loop::Message> beats;
      for (const auto& [site, connection] : connections) beats.push_back(Loop::Heartbeat{site, connection});
      turn(std::move(beats));
    }
    turn({});
  }
  void attach(SiteId site) { turn({Loop::Attached{site, connections[site] = ++last_connection, {.version = "t", .steerable = true}}}); }
  void propose(EventBody body) {
    bool ok = false;
    turn({Loop::Propose{{{"operator/o", std::move(body)}}, [&ok](const Result<Admitted>& result) { ok = result.has_value(); }}});
    EXPECT_TRUE(ok);
  }
  void report(SiteId site, Brain::Report said) {
    now_us += 1'000;
    turn({Loop::Reported{site, connections[site], {std::move(said)}, {}}});
  }
  struct Asked {
    uint64_t ticket;
    Snapshot snapshot;
    IntentId intent;
  };
  // The planner's answer.
  void answer(const Asked& question, Plan p) {
    p.intent = question.intent;
    p.basis = question.snapshot->version();
    const PlanTotals totals = plan_totals(*question.snapshot, *question.snapshot->intent(question.intent).spec, p);
    p.billed_per_hour = totals.billed_per_hour;
    p.power_mw = totals.power_mw;
    p.carbon_mg_per_hour = totals.carbon_mg_per_hour;
    p.availability_ppm = totals.availability_ppm;
    turn({Loop::Decided{question.ticket, question.intent, std::move(p)}});
  }
  // The site does what it was told; its runs are in this state.
  void settle(SiteId site, RunState state = RunState::kRunning, int32_t exit_code = 0) {
    const SiteDirective& told = directives[site];
    Observation seen{.applied_version = told.version, .applied_brain_epoch = told.brain_epoch, .settled = true};
    for (const DirectedRun& run : told.runs) seen.runs.push_back({run.run, state, exit_code, "", state == RunState::kRunning});
    report(site, seen);
  }
  void settle_all() {
    for (int i = 0; i < 6; ++i) {
      for (const auto& [site, connection] : connections) settle(site);
    }
  }
  const IntentRow& row() const { return loop->head().intent(kIntent); }
  bool up(uint32_t link) const { return loop->head().usable(LinkId(link)); }
  template <class Body>
  size_t count() const {
    size_t n = 0;
    EXPECT_TRUE(log.read(0, log.durable_end(), [&n](Position, Bytes bytes) -> Status {
      n += std::holds_alternative<Body>(decode(bytes)->body);
      return {};
    }));
    return n;
  }

  TimeUs now_us = 1'000'000;
  uint64_t last_connection = 0;
  std::map<SiteId, uint64_t> connections;
  std::map<SiteId, SiteDirective> directives;
  std::vector<Asked> asked;
  InMemoryLogStore log;
  std::unique_ptr<Loop> loop;
};

TEST_F(LoopTest, ARunOfAnEarlierGenerationDoesNotFinishALaterOne) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, job()});
  write(PlanCommitted{plan(job())});
  start();
  settle(kHub);
  IntentSpec more = job();
  more.workload.cpu_milli = 900;
  propose(IntentSubmitted{{}, TenantId(0u), 0, more});
  settle(kHub, RunState::kExited);
  EXPECT_EQ(row().generation, 2u);
  EXPECT_NE(row().state, IntentState::kWithdrawn);
  EXPECT_EQ(count<IntentWithdrawn>(), 0u);
}

TEST_F(LoopTest, WhatASiteIsToDoIsSaidAgainAfterAnOlderWordOfIt) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  write(PlanCommitted{labelled(plan(service()), 300)});
  start();
  settle_all();
  directives.clear();
  pass(2'000'000);
  EXPECT_TRUE(directives.empty()) << "all was applied";
  report(kHub, Observation{.applied_version = 1, .applied_brain_epoch = loop->head().brain_epoch()});
  pass(2'000'000);
  EXPECT_EQ(directives.count(kHub), 1u);
  EXPECT_EQ(directives.count(kEdge), 0u);
}

TEST_F(LoopTest, WhatEndsWhileTheDiskIsFullIsFinishedWhenThereIsRoom) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, job()});
  write(PlanCommitted{plan(job())});
  start();
  settle(kHub);
  // Room for the run's end, and for nothing after it.
  std::vector<std::byte> bytes;
  encode(Event{now_us, "site/s2", RunStateChanged{row().runs[0].run, kIntent, RunState::kExited, 0, ""}}, bytes);
  log.limit_space(log.bytes() + bytes.size() + 4);
  settle(kHub, RunState::kExited);
  EXPECT_EQ(row().runs[0].state, RunState::kExited);
  EXPECT_EQ(row().state, IntentState::kPlaced);
  log.limit_space(InMemoryLogStore::kUnlimited);
  turn({});
  EXPECT_EQ(row().state, IntentState::kWithdrawn);
}

TEST_F(LoopTest, AJobIsDoneWhenItsNewestRunsAre) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, job()});
  write(PlanCommitted{plan(job())});
  start();
  settle(kHub, RunState::kExited);
  EXPECT_EQ(row().state, IntentState::kWithdrawn);
  EXPECT_TRUE(row().finished);
  propose(IntentSubmitted{{}, TenantId(0u), 0, job()});
  EXPECT_EQ(row().generation, 1u) << "a client that missed the answer says it again";
  propose(IntentWithdrawn{kIntent});
  EXPECT_FALSE(row().finished);
  propose(IntentSubmitted{{}, TenantId(0u), 0, job()});
  EXPECT_EQ(row().generation, 2u);
}

TEST_F(LoopTest, AJobThatGoesOnWithWhatHasEndedMeanwhileIsDone) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, job()});
  write(PlanCommitted{plan(job())});
  start();
  settle(kHub);
  IntentSpec capped = job();
  capped.budget_per_hour_max = kCredit;
  propose(IntentSubmitted{{}, TenantId(0u), 0, capped});
  settle(kHub, RunState::kExited);
  ASSERT_FALSE(asked.empty());
  Plan next = plan(capped, 2);
  next.placements[0].streams = 0;
  next.placements[0].continues = row().active->run(0);
  answer(asked.back(), next);
  EXPECT_EQ(count<PlanCommitted>(), 2u);
  EXPECT_TRUE(row().finished);
}

TEST_F(LoopTest, WhereTheSearchEndedTooEarlyAnythingThatMovesIsAReasonToTryAgain) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  start();
  settle_all();
  for (int i = 0; i < 4; ++i) {  // sites came up meanwhile
    for (const Asked& question : std::exchange(asked, {})) {
      turn({Loop::Decided{question.ticket, kIntent,
                          Refusal{kIntent, 1, question.snapshot->version(), {{ReasonCode::kSearchBudget}}}}});
    }
    pass(2'000'000);
  }
  EXPECT_TRUE(asked.empty()) << "nothing is another";
  IntentSpec other = service();
  other.name = "other";
  propose(IntentSubmitted{{}, TenantId(0u), 0, other});
  ASSERT_EQ(asked.size(), 1u);
  answer(std::exchange(asked, {}).back(), plan(other));
  ASSERT_EQ(count<PlanCommitted>(), 1u);
  pass(2'000'000);
  ASSERT_EQ(asked.size(), 1u) << "other plans, other prices";
  EXPECT_EQ(asked.back().intent, kIntent);
  const Asked again = std::exchange(asked, {}).back();
  turn({Loop::Decided{again.ticket, kIntent,
                      Refusal{kIntent, 1, again.snapshot->version(), {{ReasonCode::kSearchBudget}}}}});
  pass(2'000'000);
  ASSERT_TRUE(asked.empty());
  propose(PricesRevised{.scarcity_core_hour = kCredit});
  pass(2'000'000);
  EXPECT_EQ(asked.size(), 1u) << "an operator's prices";
}

TEST_F(LoopTest, WhatRunsIsDirectedAsItWasPlannedNotAsItIsWishedNow) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service(80)});
  write(PlanCommitted{plan(service(80))});
  start();
  settle_all();
  IntentSpec next = service(90);
  next.workload.cpu_milli = 8000;  // more than there is
  propose(IntentSubmitted{{}, TenantId(0u), 0, next});
  settle_all();
  ASSERT_EQ(directives[kHub].runs.size(), 1u);
  EXPECT_EQ(directives[kHub].runs[0].workload.cpu_milli, 500);
  ASSERT_EQ(directives[kEdge].services.size(), 1u);
  EXPECT_EQ(directives[kEdge].services[0].port, 80);
  EXPECT_EQ(directives[kEdge].services[0].backends.at(0).port, 80);
}

TEST_F(LoopTest, AProgramThatEndsAtOnceIsStartedMoreAndMoreSeldom) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  start();
  TimeUs first_mended_us = 0;
  const TimeUs begun_us = now_us;
  for (; now_us < begun_us + 30'000'000; pass(20'000)) {
    for (const Asked& question : std::exchange(asked, {})) {
      answer(question, plan(*question.snapshot->intent(kIntent).spec));
      if (count<PlanCommitted>() == 2 && first_mended_us == 0) first_mended_us = now_us;
    }
    if (directives.count(kHub)) settle(kHub, RunState::kFailed, 1);
    settle(kEdge);
  }
  EXPECT_LT(first_mended_us - begun_us, 300'000) << "the first time is no habit";
  EXPECT_GE(count<PlanCommitted>(), 4u);
  EXPECT_LE(count<PlanCommitted>(), 9u);
  ASSERT_TRUE(row().refusal);
}

TEST_F(LoopTest, AnIngressThatNeverAttachedKeepsNothingFromRetiring) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  write(PlanCommitted{plan(service())});
  start({kHub});
  settle(kHub);
  propose(IntentWithdrawn{kIntent});
  for (int i = 0; i < 4; ++i) settle(kHub);
  EXPECT_TRUE(row().retiring.empty());
  EXPECT_EQ(loop->head().free(NodeId(1u)).cpu_milli, 4000);
}

TEST_F(LoopTest, WhatWasToldToStopIsNotToldToBeginAgainByTheNextBrain) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  write(PlanCommitted{plan(service())});
  start();
  settle_all();
  ASSERT_EQ(directives[kHub].runs.size(), 1u);
  propose(IntentWithdrawn{kIntent});
  // The hub is told to stop it and does, and the brain is killed before it hears of that.
  for (int i = 0; i < 6 && !directives[kHub].runs.empty(); ++i) settle(kEdge);
  ASSERT_TRUE(directives[kHub].runs.empty());
  ASSERT_EQ(row().retiring.size(), 1u);
  start();
  report(kHub, Observation{.settled = true});
  for (int i = 0; i < 6; ++i) {
    EXPECT_TRUE(directives[kHub].runs.empty()) << "it would run a second time";
    settle(kEdge);
    settle(kHub);
  }
  EXPECT_TRUE(row().retiring.empty());
}

TEST_F(LoopTest, WhatHasEndedIsNotAliveAgainByWordThatCameLate) {
  IntentSpec spec = job();
  write(IntentSubmitted{kIntent, TenantId(0u), 1, spec});
  Plan two = plan(spec);
  two.placements.push_back(two.placements[0]);
  write(PlanCommitted{two});
  start();
  const auto say = [&](RunState first) {
    const SiteDirective& told = directives[kHub];
    const Position position = row().active->position;
    report(kHub, Observation{.applied_version = told.version,
                             .applied_brain_epoch = told.brain_epoch,
                             .runs = {{{position, 0}, first, 0, "", true}, {{position, 1}, RunState::kRunning, 0, "", true}},
                             .settled = true});
  };
  say(RunState::kRunning);
  say(RunState::kExited);
  say(RunState::kRunning);  // overtaken
  EXPECT_EQ(row().runs[0].state, RunState::kExited);
  ASSERT_EQ(directives[kHub].runs.size(), 2u);
  EXPECT_TRUE(directives[kHub].runs[0].ended) << "a machine that starts anew does not do the job twice";
  EXPECT_FALSE(directives[kHub].runs[1].ended);
}

TEST_F(LoopTest, ADrainOutlastsThatTheAgentIsAway) {
  start();
  propose(SiteStateChanged{kHub, Liveness::kDraining, "maintenance"});
  connections.erase(kHub);
  pass(2'000'000);
  ASSERT_EQ(loop->head().site(kHub).state, Liveness::kDown);
  start({kEdge, kFar});
  attach(kHub);
  EXPECT_EQ(loop->head().site(kHub).state, Liveness::kDraining);
  propose(SiteStateChanged{kHub, Liveness::kUp, "done"});
  connections.erase(kHub);
  pass(2'000'000);
  attach(kHub);
  EXPECT_EQ(loop->head().site(kHub).state, Liveness::kUp);
}

TEST_F(LoopTest, ASiteThatIsDownCanBeDrainedAndUndrained) {
  start();
  connections.erase(kHub);
  pass(2'000'000);
  propose(SiteStateChanged{kHub, Liveness::kDraining, "maintenance"});
  EXPECT_EQ(loop->head().site(kHub).state, Liveness::kDown);
  attach(kHub);
  EXPECT_EQ(loop->head().site(kHub).state, Liveness::kDraining);
  connections.erase(kHub);
  pass(2'000'000);
  propose(SiteStateChanged{kHub, Liveness::kUp, "done"});
  EXPECT_EQ(loop->head().site(kHub).state, Liveness::kDown);
  attach(kHub);
  EXPECT_EQ(loop->head().site(kHub).state, Liveness::kUp);
}

TEST_F(LoopTest, WhereNothingIsAnsweredThePromiseIsBroken) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  start();
  report(kEdge, PromiseReport{.intent = kIntent, .from = 1, .to = 2, .samples = 0, .lost = 120});
  EXPECT_FALSE(row().promise_kept);
  report(kEdge, PromiseReport{.intent = kIntent, .from = 2, .to = 3, .samples = 120});
  EXPECT_TRUE(row().promise_kept);
}

TEST_F(LoopTest, APromiseIsKeptWhenItIsAtEveryIngress) {
  IntentSpec spec = service();
  spec.from.push_back({kFar, 1});
  write(IntentSubmitted{kIntent, TenantId(0u), 1, spec});
  start();
  for (TimeUs t = 1; t < 20; t += 2) {
    report(kEdge, PromiseReport{.intent = kIntent, .from = t, .to = t + 1, .samples = 100});
    report(kFar, PromiseReport{.intent = kIntent, .from = t, .to = t + 1, .samples = 100, .misses = 90});
  }
  EXPECT_FALSE(row().promise_kept);
  EXPECT_EQ(count<PromiseStateChanged>(), 1u);
  report(kFar, PromiseReport{.intent = kIntent, .from = 30, .to = 31, .samples = 100});
  EXPECT_TRUE(row().promise_kept);
}

// Two requests a second of 30 ms each are declared.
TEST_F(LoopTest, WorkIsLearnedWhereThePromiseIsBrokenAndTheSiteMetersMore) {
  IntentSpec spec = service();
  spec.traffic = {0, 0, 2'000, 30'000};
  write(IntentSubmitted{kIntent, TenantId(0u), 1, spec});
  write(PlanCommitted{plan(spec)});
  start();
  settle_all();
  const RunId run = row().active->run(0);
  TimeUs from = 1;
  const auto metered = [&](SiteId site, int64_t cpu_us) {
    report(site, UsageReport{.run = run, .from = from, .to = from + 10'000'000, .cpu_us = cpu_us});
    from += 10'000'000;
  };
  const auto promise = [&](int64_t misses) {
    report(kEdge, PromiseReport{.intent = kIntent, .from = from, .to = from + 1, .samples = 100, .misses = misses});
  };
  metered(kHub, 1'200'000);
  metered(kHub, 1'200'000);
  EXPECT_EQ(count<WorkMeasured>(), 0u) << "60 ms a request, and in time";
  promise(100);
  metered(kFar, 1'200'000);
  EXPECT_EQ(count<WorkMeasured>(), 0u) << "the run is not there";
  metered(kHub, 600'000);
  EXPECT_EQ(count<WorkMeasured>(), 0u) << "the lower of two windows is as declared";
  metered(kHub, 1'200'000);
  EXPECT_EQ(count<WorkMeasured>(), 0u);
  metered(kHub, 1'300'000);
  ASSERT_EQ(count<WorkMeasured>(), 1u);
  EXPECT_EQ(row().demand->traffic.work_us_per_request, 60'000);
  EXPECT_EQ(row().spec->traffic.work_us_per_request, 30'000) << "the wish stays what was wished";
  metered(kHub, 1'300'000);
  EXPECT_EQ(count<WorkMeasured>(), 1u) << "less than a tenth more";
  metered(kHub, 4'800'000);
  metered(kHub, 4'800'000);
  EXPECT_EQ(row().demand->traffic.work_us_per_request, 300'000) << "it used its whole share: a quarter more is guessed";
  metered(kHub, 1'000'000'000);
  metered(kHub, 1'000'000'000);
  EXPECT_EQ(row().demand->traffic.work_us_per_request, 16 * 30'000) << "bounded";
  spec.promise.latency_us_max = 100'000;
  propose(IntentSubmitted{{}, TenantId(0u), 0, spec});
  EXPECT_EQ(row().demand->traffic.work_us_per_request, 30'000) << "a new wish is taken at its word";
}

TEST_F(LoopTest, AnInstanceThatNobodyAsksLeavesTheOthersToBeLearnedFrom) {
  IntentSpec spec = service();
  spec.from = {{kEdge, 2}};
  spec.traffic = {0, 0, 2'000, 30'000};
  Plan both = plan(spec);
  both.placements.push_back(plan(spec, 1, kFar).placements[0]);
  both.flows.push_back(plan(spec, 1, kFar).flows[0]);
  both.flows[1].placement = 1;
  write(IntentSubmitted{kIntent, TenantId(0u), 1, spec});
  write(PlanCommitted{both});
  start();
  settle_all();
  report(kEdge, PromiseReport{.intent = kIntent, .from = 1, .to = 2, .samples = 100, .misses = 100});
  for (const TimeUs from : {1, 10'000'001}) {
    EXPECT_EQ(count<WorkMeasured>(), 0u) << "one window tells nothing";
    report(kFar, UsageReport{.run = row().active->run(1), .from = from, .to = from + 10'000'000, .cpu_us = 0});
    report(kHub, UsageReport{.run = row().active->run(0), .from = from, .to = from + 10'000'000, .cpu_us = 2'400'000});
  }
  EXPECT_EQ(row().demand->traffic.work_us_per_request, 60'000);
}

TEST_F(LoopTest, WhatWasLearnedIsForgottenWhereItStandsInTheWayOfARepair) {
  IntentSpec spec = service();
  spec.traffic = {0, 0, 2'000, 30'000};
  write(IntentSubmitted{kIntent, TenantId(0u), 1, spec});
  write(PlanCommitted{plan(spec)});
  write(WorkMeasured{kIntent, 1, 90'000});
  start();
  settle_all();
  settle(kHub, RunState::kFailed);
  pass(2'000'000);
  ASSERT_FALSE(asked.empty());
  const Asked question = asked.back();
  asked.clear();
  turn({Loop::Decided{question.ticket, kIntent, Refusal{kIntent, 1, question.snapshot->version(), {{ReasonCode::kOverload}}}}});
  EXPECT_EQ(row().demand, row().spec);
  EXPECT_FALSE(row().refusal);
  EXPECT_FALSE(asked.empty()) << "decided anew at once, for what was declared";
}

TEST_F(LoopTest, ARevokedSiteNoLongerSpeaksForLinks) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  write(PlanCommitted{labelled(plan(service()), 300)});
  start();
  report(kEdge, PathReading{.label = 300, .alive = true, .round_trip_us = 4'000});
  propose(CertificateRevoked{kEdge, "stolen"});
  connections.erase(kEdge);
  report(kHub, PathReading{.label = 300, .alive = false});
  now_us += 1'000;
  connections[kEdge] = ++last_connection;
  turn({Loop::Attached{kEdge, last_connection, {.version = "t", .certificate_issued_us = now_us}}});
  pass(1'000'000);
  EXPECT_FALSE(up(2)) << "what the site said before is no word for the link";
}

TEST_F(LoopTest, ALinkThatTurnedSlowIsKnownAfterASecondAndForgivenWhenItIsQuickAgain) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  write(PlanCommitted{labelled(plan(service()), 300)});
  start();
  const auto measured = [&](SiteId site, int64_t round_trip_us, uint16_t label) {
    report(site, PathReading{.label = label, .alive = true, .round_trip_us = round_trip_us});
  };
  measured(kEdge, 4'000, 300);
  pass(3'000'000);
  EXPECT_EQ(count<LinkMeasured>(), 0u);
  measured(kEdge, 40'000, 300);
  pass(900'000);
  EXPECT_EQ(count<LinkMeasured>(), 0u) << "it may be for a moment";
  pass(200'000);
  EXPECT_EQ(count<LinkMeasured>(), 4u) << "both links of the path, both ways";
  EXPECT_EQ(path_round_trip_us(loop->head(), row().active->plan.flows[0].path), 40'000);
  pass(3'000'000);
  EXPECT_EQ(count<LinkMeasured>(), 4u);
  // No traffic of ours any more: the links are measured all the same, each by a path of its own.
  propose(IntentWithdrawn{kIntent});
  settle_all();
  settle_all();
  pass(1'000'000);
  settle_all();
  EXPECT_FALSE(row().active);
  const auto paths = directives[kEdge].paths;
  ASSERT_FALSE(paths.empty());
  for (const DirectedPath& path : paths) measured(kEdge, 4'000, path.label);
  pass(1'200'000);
  for (const LinkId link : {LinkId(0u), LinkId(2u)}) EXPECT_EQ(loop->head().load(link).latency_us, 1'000) << link.value;
  EXPECT_TRUE(directives[kEdge].paths.empty());
}

TEST_F(LoopTest, OnlyAnIngressSpeaksOfAPromise) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  start();
  report(kFar, PromiseReport{.intent = kIntent, .from = 1, .to = 2, .samples = 100, .misses = 100});
  EXPECT_TRUE(row().promise_kept);
  EXPECT_EQ(count<PromiseMeasured>(), 0u);
}

TEST_F(LoopTest, WhatWasHeardBeforeALinkDiedDoesNotBringItUp) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  write(PlanCommitted{labelled(plan(service()), 300)});
  start();
  settle_all();
  report(kEdge, PathReading{.label = 300, .alive = true, .round_trip_us = 4'000});
  propose(LinkStateChanged{LinkId(0u), false, "it is dug up"});
  EXPECT_FALSE(up(0));
  pass(500'000);
  EXPECT_FALSE(up(0));
  report(kEdge, PathReading{.label = 300, .alive = true, .round_trip_us = 4'000});
  EXPECT_TRUE(up(0));
}

TEST_F(LoopTest, APathThatIsNotYetFoundDeadAcquitsNoLink) {
  write_two_paths();
  start();
  settle_all();
  report(kEdge, PathReading{.label = 300, .alive = true});
  report(kEdge, PathReading{.label = 301, .alive = true});
  pass(1'000'000);
  report(kEdge, PathReading{.label = 300, .alive = false});
  turn({Loop::Heartbeat{kEdge, connections[kEdge]}, Loop::Heartbeat{kHub, connections[kHub]}});
  now_us += 1'000;
  turn({Loop::Heartbeat{kEdge, connections[kEdge]}, Loop::Heartbeat{kHub, connections[kHub]}});
  EXPECT_TRUE(up(2)) << "link 0 is as suspect";
  report(kEdge, PathReading{.label = 301, .alive = false});
  now_us += 1'000;
  pass(1'000);
  EXPECT_FALSE(up(0));
  // Where the other lives on, the rest of the way is at fault.
  pass(2'000'000);
  report(kEdge, PathReading{.label = 301, .alive = true});
  EXPECT_TRUE(up(0));
  EXPECT_FALSE(up(2));
}

TEST_F(LoopTest, APlainPathThatRoutingLeadsAroundAcquitsNoLink) {
  write_two_paths();
  LinkSpec plain{.name = "l4", .a = VertexId(3u), .b = VertexId(2u), .bandwidth_bps = 1'000'000'000, .latency_us = 1'000,
                 .steerable = false};
  write(LinkDefined{LinkId(8u), plain});
  plain.name = "l5";
  plain.b = VertexId(4u);
  write(LinkDefined{LinkId(10u), plain});  // from edge to far in 3,000 us without link 0
  start();
  settle_all();
  report(kEdge, PathReading{.label = 300, .alive = true});
  report(kEdge, PathReading{.label = 301, .alive = true, .round_trip_us = 4'000});
  pass(1'000'000);
  report(kEdge, PathReading{.label = 300, .alive = false});
  report(kEdge, PathReading{.label = 301, .alive = true, .round_trip_us = 6'000});
  pass(1'000'000);
  EXPECT_FALSE(up(0));
  EXPECT_FALSE(up(2));
  EXPECT_TRUE(up(8)) << "no other link leads to far";
  report(kEdge, PathReading{.label = 301, .alive = true, .round_trip_us = 4'000});
  EXPECT_TRUE(up(0));
  EXPECT_FALSE(up(2));
}

TEST_F(LoopTest, WhatAnAgentSaysOfSteeringIsWrittenWhenItChangesAndLeadsNoPathThere) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  write(PlanCommitted{labelled(plan(service()), 300)});
  start();
  settle_all();
  EXPECT_EQ(count<SiteSteeringChanged>(), 0u) << "as described";
  EXPECT_EQ(directives[kEdge].paths.at(0).segments.size(), 2u);
  const auto attach_as = [this](bool steerable) {
    turn({Loop::Attached{kHub, connections[kHub] = ++last_connection,
                         {.version = "t", .steerable = steerable, .not_steerable_why = steerable ? "" : "no seg6"}}});
  };
  for (int i = 0; i < 2; ++i) attach_as(false);
  EXPECT_EQ(count<SiteSteeringChanged>(), 1u);
  EXPECT_FALSE(loop->head().site(kHub).steerable);
  for (const SiteId end : {kEdge, kHub}) EXPECT_TRUE(directives[end].paths.at(0).segments.empty());
  start({kEdge, kFar});
  EXPECT_FALSE(loop->head().site(kHub).steerable) << "a restarted brain knows it from the ledger";
  attach_as(true);
  EXPECT_EQ(count<SiteSteeringChanged>(), 2u);
  EXPECT_TRUE(loop->head().site(kHub).steerable);
}

TEST_F(LoopTest, ASiteThatCouldNotSteerCanAgainByItselfAfterADwellThatDoubles) {
  start();
  settle_all();
  const auto attach_as = [this](bool steerable) {
    turn({Loop::Attached{kHub, connections[kHub] = ++last_connection, {.version = "t", .steerable = steerable}}});
  };
  const auto steers = [this] { return loop->head().site(kHub).agent_steers; };
  TimeUs dwell_us = 1'000'000;
  for (int i = 0; i < 3; ++i, dwell_us *= 2) {
    attach_as(false);
    EXPECT_FALSE(steers()) << "at once";
    pass(dwell_us / 2);
    attach_as(true);
    pass(dwell_us / 2 - 1);
    EXPECT_FALSE(steers());
    EXPECT_LE(loop->wake_us(), now_us + 1'000) << "nobody need attach again";
    ++now_us;
    turn({});
    EXPECT_TRUE(steers());
    pass(dwell_us);
  }
  EXPECT_EQ(count<SiteSteeringChanged>(), 6u);
  // Over the dwell, a word is taken when it is said.
  attach_as(false);
  pass(dwell_us + 1);
  EXPECT_FALSE(steers());
  attach_as(true);
  EXPECT_TRUE(steers());
  // Forgotten when it was calm for long.
  pass(60'000'000);
  now_us += LoopOptions{}.steering_calm_us;
  attach_as(false);
  attach_as(true);
  pass(999'999);
  EXPECT_FALSE(steers());
  pass(1);
  EXPECT_TRUE(steers());
}

TEST_F(LoopTest, AgentsOfOneSiteThatDisagreeChangeItOnce) {
  start();
  settle_all();
  for (int i = 0; i < 100; ++i) {
    turn({Loop::Attached{kHub, connections[kHub] = ++last_connection, {.version = "t", .steerable = i % 2 != 0}}});
    pass(400'000);
  }
  EXPECT_EQ(count<SiteSteeringChanged>(), 1u);
}

TEST_F(LoopTest, WhatAnAgentSaidOfSteeringCountsNotWhileItIsAway) {
  start();
  settle_all();
  for (const bool steerable : {false, true}) {
    turn({Loop::Attached{kHub, connections[kHub] = ++last_connection, {.version = "t", .steerable = steerable}}});
  }
  turn({Loop::Detached{kHub, connections[kHub]}});
  pass(1'200'000);
  EXPECT_EQ(count<SiteSteeringChanged>(), 1u);
  attach(kHub);
  EXPECT_EQ(count<SiteSteeringChanged>(), 2u);
}

TEST_F(LoopTest, WhatIsSubmittedAgainWaitsForNothingOfItsFormerLife) {
  write(IntentSubmitted{kIntent, TenantId(0u), 1, service()});
  write(PlanCommitted{plan(service())});
  start();
  settle_all();
  turn({Loop::Propose{{{"tenant/city", IntentWithdrawn{kIntent}}, {"tenant/city", IntentSubmitted{{}, TenantId(0u), 0, service()}}},
                      [](const Result<Admitted>& result) { EXPECT_TRUE(result); }}});
  settle_all();
  EXPECT_EQ(row().generation, 2u);
  EXPECT_TRUE(row().retiring.empty()) << "nothing decides generation 2 yet";
  EXPECT_TRUE(directives[kHub].runs.empty());
}

}  // namespace
}  // namespace weir
