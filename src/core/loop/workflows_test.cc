#include <gtest/gtest.h>

#include <algorithm>

#include "core/event/limits.h"
#include "core/loop/loop_for_test.h"
#include "core/loop/workflow_stages.h"

namespace weir {
namespace {

constexpr TimeUs kSecond = 1'000'000;

Stage working(std::string name) {
  Stage stage{.name = std::move(name)};
  stage.workload = {.artifact = "a", .port = 9000, .cpu_milli = 500, .memory_mib = 64};
  return stage;
}

// camera (at the hub) -> detect -> archive, all of which but the camera run somewhere.
Workflow street() {
  Workflow spec{.name = "street", .kind = WorkflowKind::kStream};
  spec.stages = {{.name = "camera", .at = {SiteId(0u)}}, working("detect"), working("archive")};
  spec.stages[1].replicas = 2;
  spec.stages[1].items_per_second_milli = 10'000;
  spec.stages[1].work_us = 30'000;
  spec.stages[1].workload.command = {"--to", "{to:archive}"};
  spec.edges = {{.from = 0, .to = 1, .bps = 8'000'000, .item_bits = 800'000},
                {.from = 1, .to = 2, .bps = 100'000}};
  return spec;
}

class WorkflowsTest : public LoopOfTwoSites {
 protected:
  struct AskedWorkflow {
    uint64_t ticket;
    Snapshot snapshot;
    WorkflowId workflow;
  };

  void SetUp() override {
    describe();
    begin();
  }
  void begin() {
    Loop::Ports with = ports();
    with.arrange = [this](uint64_t ticket, Snapshot snapshot, WorkflowId id) {
      arranging.push_back({ticket, std::move(snapshot), id});
    };
    start(std::move(with), {.pass_us = 0});
  }
  void wait(TimeUs us) {
    for (const TimeUs end = now_us + us; now_us < end;) idle(std::min(kSecond / 2, end - now_us));
  }
  Result<Admitted> propose(EventBody body) {
    Result<Admitted> out;
    turn(Loop::Propose{{{"tenant/city", std::move(body)}},
                       [&out](Result<Admitted> answer) { out = std::move(answer); }});
    return out;
  }
  void submit(Workflow spec) {
    const auto answer =
        propose(WorkflowSubmitted{.tenant = TenantId(0u), .generation = 0, .spec = std::move(spec)});
    ASSERT_TRUE(answer) << answer.error().text();
  }
  // The newest question, answered: the stages at these sites.
  void arrange(std::vector<SiteId> sites) {
    ASSERT_FALSE(arranging.empty());
    const AskedWorkflow question = arranging.back();
    WorkflowPlanned planned{.workflow = question.workflow,
                            .generation = question.snapshot->workflow(question.workflow).generation,
                            .basis = question.snapshot->version()};
    for (const SiteId site : sites) planned.stages.push_back({.site = site});
    turn(Loop::Arranged{question.ticket, std::move(planned)});
  }
  void refuse(const std::string& why) {
    const AskedWorkflow question = arranging.back();
    turn(Loop::Arranged{question.ticket,
                        {.workflow = question.workflow,
                         .generation = question.snapshot->workflow(question.workflow).generation,
                         .basis = question.snapshot->version(),
                         .refused = true,
                         .why = why,
                         .where = "spec.stages[1]"}});
  }
  const WorkflowRow& row() const { return loop->head().workflow(WorkflowId(0u)); }
  const IntentRow& stage(const std::string& name) const {
    return loop->head().intent(loop->head().stage_intent(row(), name));
  }

  std::vector<AskedWorkflow> arranging;
};

TEST_F(WorkflowsTest, WhatIsPlannedBecomesIntents) {
  submit(street());
  ASSERT_EQ(arranging.size(), 1u);
  EXPECT_EQ(row().state, WorkflowState::kPending);
  EXPECT_EQ(loop->head().intent_count(), 0u);
  arrange({kHub, kFar, kHub});
  EXPECT_EQ(row().state, WorkflowState::kPlanned);
  ASSERT_EQ(loop->head().intent_count(), 2u) << "the camera runs nothing";
  const IntentRow& detect = stage("detect");
  EXPECT_EQ(loop->head().intent_name(row().intents[0]), "city/street.detect");
  EXPECT_EQ(detect.workflow, WorkflowId(0u));
  EXPECT_EQ(detect.spec->where.only, std::vector<SiteId>{kFar});
  EXPECT_EQ(detect.spec->from, (std::vector<Ingress>{{kHub, 2}}));
  EXPECT_EQ(detect.spec->traffic.up_bps, 4'000'000) << "two instances share the rate";
  EXPECT_EQ(detect.spec->traffic.requests_per_second_milli, 5'000);
  EXPECT_EQ(detect.spec->workload.streams_per_instance, 1);
  EXPECT_EQ(stage("archive").spec->from, (std::vector<Ingress>{{kFar, 1}}));
  EXPECT_EQ(stage("archive").spec->where.only, std::vector<SiteId>{kHub});
  EXPECT_EQ(asked.size(), 2u) << "each is decided like any other intent";
  wait(5 * kSecond);
  EXPECT_EQ(arranging.size(), 1u) << "nothing asks for another plan";
}

TEST_F(WorkflowsTest, StagesAreToldWhereTheNextOnesAnswer) {
  log = InMemoryLogStore();
  write(DomainCreated{.name = "test", .service_prefix = "fd77:2::/64"});
  write(TenantDefined{TenantId(0u), "city"});
  for (const SiteId site : {kHub, kFar}) {
    write(SiteDefined{site, VertexId(site.value), {.name = "s" + std::to_string(site.value)}});
    write(NodesReported{site, NodeId(site.value), {NodeSpec{"n", 4000, 4096, 0, "", 1000}}});
  }
  begin();
  submit(street());
  arrange({kHub, kFar, kHub});
  EXPECT_EQ(stage("detect").spec->workload.command,
            (std::vector<std::string>{"--to", "[fd77:2::2]:9000"}))
      << "the archive is the second intent";
}

TEST_F(WorkflowsTest, RefusesAddressesThatNobodyListensAt) {
  const auto error = [this](const Workflow& spec) {
    const auto answer = propose(WorkflowSubmitted{.tenant = TenantId(0u), .generation = 0, .spec = spec});
    return answer ? std::string() : answer.error().text();
  };
  const auto with = [](std::string argument) {
    Workflow spec = street();
    spec.stages[1].workload.command = {"--to", std::move(argument)};
    return spec;
  };
  const std::string field = "workflow city/street: spec.stages[1].command[1]: ";
  EXPECT_EQ(error(with("{to:archve}")), field + "{to:archve} is no stage that an edge leads to from here; name a stage that it "
                                                "has an edge to, or add the edge");
  EXPECT_NE(error(with("{to:camera}")).find("is no stage that an edge leads to"), std::string::npos) << "the edge leads here";
  EXPECT_NE(error(with("{to:}")), "");
  Workflow silent = with("{to:archive}");
  silent.stages[2].workload.port = 0;
  EXPECT_EQ(error(silent), field + "{to:archive} listens on no port; give that stage a port, or leave this out");
  Workflow batch{.name = "b", .stages = {working("a"), working("b")}, .edges = {{.from = 0, .to = 1}}};
  batch.stages[0].workload.command = {"{to:b}"};
  EXPECT_NE(error(batch).find("spec.stages[0].command[0]: {to:b} is in a batch"), std::string::npos) << error(batch);
  // An address takes 47 bytes at most, where the mark takes 12.
  const std::string most(limits::kArgumentBytesMax - 47, 'x');
  EXPECT_EQ(error(with(most + "x{to:archive}")).substr(field.size(), 47), "it may have 4097 bytes once addresses are in it");
  EXPECT_EQ(error(with(most + "{to:archive}")), "");
  EXPECT_EQ(error(with("{to:archive and {nothing:else}")), field + "{to:archive and {nothing:else} is no stage that an edge "
                                                                   "leads to from here; name a stage that it has an edge to, "
                                                                   "or add the edge");
  EXPECT_EQ(error(with("{to:never closed")), "");
}

TEST_F(WorkflowsTest, ATighterPromiseThatIsBrokenIsLoosenedToWhatThereIs) {
  Workflow spec = street();
  spec.latency_us_max = 100'000;
  submit(spec);
  arrange({kHub, kFar, kHub});
  const int64_t tight_us = stage("archive").spec->promise.latency_us_max;
  spec.latency_us_max = 300'000;
  submit(spec);
  arrange({kHub, kFar, kHub});
  EXPECT_EQ(stage("archive").spec->promise.latency_us_max, tight_us) << "while it is kept it stands";
  EXPECT_EQ(stage("archive").generation, 1u);
  const IntentId archive = loop->head().stage_intent(row(), "archive");
  loop.reset();
  write(PromiseStateChanged{archive, false, "late", kFar});
  begin();
  wait(kSecond);
  EXPECT_GT(stage("archive").spec->promise.latency_us_max, tight_us);
  EXPECT_EQ(stage("archive").generation, 2u);
  wait(5 * kSecond);
  EXPECT_EQ(stage("archive").generation, 2u) << "once";
}

TEST_F(WorkflowsTest, AStagePinnedByNamePutsUpWithTheTaintsOfItsSite) {
  SiteSpec tainted{.name = "s1", .taints = {"owner", "noisy"}};
  ASSERT_TRUE(propose(SiteDefined{{}, {}, tainted}));
  Workflow spec = street();
  spec.stages[1].at = {kFar};
  submit(spec);
  arrange({kHub, kFar, kHub});
  EXPECT_EQ(stage("detect").spec->where.tolerates, (std::vector<std::string>{"noisy", "owner"}));
  EXPECT_TRUE(stage("archive").spec->where.tolerates.empty()) << "it may be anywhere";
  EXPECT_EQ(place_obstacle(loop->head(), stage("detect").spec->where, {}, kFar).code, ReasonCode::kNone);
}

TEST_F(WorkflowsTest, ARefusalSaysWhyAndIsTriedAgainOnceSomethingEased) {
  submit(street());
  refuse("no site can hold stage \"detect\"");
  EXPECT_EQ(row().state, WorkflowState::kRefused);
  ASSERT_NE(row().refusal, nullptr);
  EXPECT_EQ(row().refusal->where, "spec.stages[1]");
  wait(30 * kSecond);
  EXPECT_EQ(arranging.size(), 1u) << "nothing eased";
  ASSERT_TRUE(propose(NodeCordoned{NodeId(0u), true, "disk"}));
  wait(2 * kSecond);
  ASSERT_EQ(arranging.size(), 2u);
  const Position before = loop->head().version();
  refuse("no site can hold stage \"detect\"");
  EXPECT_EQ(loop->head().version(), before) << "the same refusal is not written twice";
  ASSERT_TRUE(propose(NodeCordoned{NodeId(0u), false, ""}));
  wait(5 * kSecond);
  ASSERT_EQ(arranging.size(), 3u);
  arrange({kHub, kHub, kHub});
  EXPECT_EQ(row().state, WorkflowState::kPlanned);
  EXPECT_EQ(row().refusal, nullptr);
}

TEST_F(WorkflowsTest, WhatStoodAtADeadSiteMovesAndTheRestStays) {
  submit(street());
  arrange({kHub, kFar, kHub});
  // Only the hub is heard of.
  for (int i = 0; i < 6; ++i) {
    now_us += kSecond / 2;
    ASSERT_TRUE(loop->turn({Loop::Heartbeat{kHub, connection_of(kHub)}}));
  }
  ASSERT_EQ(loop->head().site(kFar).state, Liveness::kDown);
  ASSERT_EQ(arranging.size(), 2u);
  arrange({kHub, kHub, kHub});
  EXPECT_EQ(row().plan->why, "stage detect is at s1, which is down");
  EXPECT_EQ(stage("detect").generation, 2u);
  EXPECT_EQ(stage("detect").spec->where.only, std::vector<SiteId>{kHub});
  EXPECT_EQ(stage("archive").generation, 2u) << "what feeds it has moved";
  EXPECT_EQ(stage("archive").spec->from, (std::vector<Ingress>{{kHub, 1}}));
}

TEST_F(WorkflowsTest, AStageThatNothingMovesKeepsItsGeneration) {
  Workflow spec = street();
  spec.stages.push_back(working("index"));
  spec.edges.push_back({.from = 0, .to = 3, .bps = 1'000});
  submit(spec);
  arrange({kHub, kFar, kHub, kHub});
  const IntentId detect = loop->head().stage_intent(row(), "detect");
  turn(Loop::Decided{asked[0].ticket, detect,
                     Refusal{detect, 1, 3, {{ReasonCode::kBandwidth, kFar, kHub, 8, 4}}}});
  ASSERT_EQ(arranging.size(), 2u) << "its stage was refused where it was planned";
  arrange({kHub, kHub, kHub, kHub});
  EXPECT_EQ(stage("detect").generation, 2u);
  EXPECT_EQ(stage("archive").generation, 2u);
  EXPECT_EQ(stage("index").generation, 1u);
}

TEST_F(WorkflowsTest, WhatIsRefusedAtEachPlaceInTurnIsPlannedLessAndLessOften) {
  submit(street());
  SiteId site = kHub;
  const TimeUs began = now_us;
  for (uint32_t generation = 1; generation <= 8; ++generation) {
    site = site == kHub ? kFar : kHub;
    for (int looks = 0; arranging.size() < generation && looks < 1'000; ++looks) idle(kSecond / 10);
    ASSERT_EQ(arranging.size(), generation);
    arrange({kHub, site, kHub});
    const IntentId detect = loop->head().stage_intent(row(), "detect");
    ASSERT_EQ(loop->head().intent(detect).generation, generation);
    const auto question = std::find_if(asked.rbegin(), asked.rend(), [detect](const Asked& one) { return one.intent == detect; });
    ASSERT_NE(question, asked.rend());
    turn(Loop::Decided{question->ticket, detect, Refusal{detect, generation, 3, {{ReasonCode::kBandwidth, site, kHub, 8, 4}}}});
  }
  EXPECT_GT(now_us - began, 60 * kSecond);
}

TEST_F(WorkflowsTest, ThePlanThatDidNotHelpIsNotAskedForAgainBeforeSomethingEases) {
  submit(street());
  arrange({kHub, kFar, kHub});
  const IntentId detect = loop->head().stage_intent(row(), "detect");
  turn(Loop::Decided{asked[0].ticket, detect,
                     Refusal{detect, 1, 3, {{ReasonCode::kBandwidth, kFar, kHub, 8, 4}}}});
  const Position before = loop->head().version();
  arrange({kHub, kFar, kHub});
  EXPECT_EQ(loop->head().version(), before) << "it says nothing new";
  wait(50 * kSecond);
  EXPECT_EQ(arranging.size(), 2u);
}

TEST_F(WorkflowsTest, AProgramThatEndsAgainAndAgainMovesNobody) {
  submit(street());
  arrange({kHub, kFar, kHub});
  const IntentId detect = loop->head().stage_intent(row(), "detect");
  turn(Loop::Decided{asked[0].ticket, detect,
                     Refusal{detect, 1, 3, {{ReasonCode::kRestarting, {}, {}, 500'000, 0}}}});
  wait(5 * kSecond);
  EXPECT_EQ(arranging.size(), 1u);
}

TEST_F(WorkflowsTest, AWithdrawnWorkflowTakesItsStagesAlong) {
  submit(street());
  arrange({kHub, kFar, kHub});
  ASSERT_TRUE(propose(WorkflowWithdrawn{.workflow = WorkflowId(0u)}));
  EXPECT_EQ(row().state, WorkflowState::kWithdrawn);
  EXPECT_EQ(stage("detect").state, IntentState::kWithdrawn);
  EXPECT_EQ(stage("archive").state, IntentState::kWithdrawn);
  wait(5 * kSecond);
  EXPECT_EQ(arranging.size(), 1u);
  submit(street());
  ASSERT_EQ(arranging.size(), 2u);
  arrange({kHub, kHub, kHub});
  EXPECT_EQ(stage("detect").state, IntentState::kPending);
  EXPECT_EQ(stage("detect").generation, 2u);
}

TEST_F(WorkflowsTest, ANewGenerationTakesOverAndDropsWhatItDoesNotName) {
  submit(street());
  arrange({kHub, kFar, kHub});
  Workflow spec = street();
  spec.stages.pop_back();
  spec.edges.pop_back();
  spec.stages[1].workload.command.clear();
  submit(spec);
  EXPECT_EQ(row().generation, 2u);
  EXPECT_EQ(stage("archive").state, IntentState::kPending) << "until there is a plan the old one goes on";
  ASSERT_EQ(arranging.size(), 2u);
  arrange({kHub, kFar});
  EXPECT_EQ(stage("archive").state, IntentState::kWithdrawn);
  EXPECT_EQ(stage("detect").generation, 2u) << "it is told of no archive any more";
  submit(spec);
  EXPECT_EQ(row().generation, 2u) << "saying the same changes nothing";
}

TEST_F(WorkflowsTest, AnAnswerToAnEarlierQuestionCountsNoMore) {
  submit(street());
  Workflow spec = street();
  spec.prefer.carbon_milli = 500;
  submit(spec);
  arrange({kHub, kFar, kHub});
  EXPECT_EQ(row().state, WorkflowState::kPending) << "it was for the first generation";
  ASSERT_EQ(arranging.size(), 2u);
  arrange({kHub, kHub, kHub});
  EXPECT_EQ(row().state, WorkflowState::kPlanned);
}

TEST_F(WorkflowsTest, StagesBelongToTheirWorkflow) {
  submit(street());
  arrange({kHub, kFar, kHub});
  const IntentId detect = loop->head().stage_intent(row(), "detect");
  auto answer = propose(IntentWithdrawn{detect});
  ASSERT_FALSE(answer);
  EXPECT_EQ(
      answer.error().text(),
      "intent city/street.detect: it is a stage of workflow city/street; change or delete the workflow");
  IntentSpec other = *stage("detect").spec;
  other.traffic.up_bps = 1;
  answer = propose(IntentSubmitted{{}, TenantId(0u), 0, other});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kConflict);
  other.name = "new";
  answer = propose(
      IntentSubmitted{.tenant = TenantId(0u), .generation = 0, .spec = other, .workflow = WorkflowId(0u)});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalid);
}

TEST_F(WorkflowsTest, AfterARestartWhatWasPlannedIsSubmitted) {
  write(WorkflowSubmitted{
      .workflow = WorkflowId(0u), .tenant = TenantId(0u), .generation = 1, .spec = street()});
  write(WorkflowPlanned{.workflow = WorkflowId(0u),
                        .generation = 1,
                        .stages = {{.site = kHub}, {.site = kFar}, {.site = kHub}}});
  begin();
  wait(kSecond);
  EXPECT_EQ(loop->head().intent_count(), 2u);
  EXPECT_TRUE(arranging.empty());
}

TEST_F(WorkflowsTest, NonsenseFromThePlannerIsNotWritten) {
  submit(street());
  arrange({kHub, kFar});
  EXPECT_EQ(row().state, WorkflowState::kPending);
  EXPECT_EQ(loop->head().intent_count(), 0u);
}

TEST_F(WorkflowsTest, RefusesWhatNoGraphCanMakeGood) {
  Workflow spec = street();
  spec.edges.push_back({.from = 2, .to = 1, .bps = 1});
  auto answer = propose(WorkflowSubmitted{.tenant = TenantId(0u), .generation = 0, .spec = spec});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().where, "workflow city/street: spec.edges");
  spec = street();
  spec.stages[0].at = {SiteId(7u)};
  answer = propose(WorkflowSubmitted{.tenant = TenantId(0u), .generation = 0, .spec = spec});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().what, "stage camera is pinned to an unknown site");
}

TEST_F(WorkflowsTest, ARefusalIsPastWhenWhatStoodStandsAgain) {
  submit(street());
  arrange({kHub, kFar, kHub});
  ASSERT_TRUE(propose(SiteStateChanged{kFar, Liveness::kDraining, "asked"}));
  ASSERT_EQ(arranging.size(), 2u);
  refuse("there is no room elsewhere");
  EXPECT_EQ(row().state, WorkflowState::kPlanned);
  ASSERT_NE(row().refusal, nullptr);
  ASSERT_TRUE(propose(SiteStateChanged{kFar, Liveness::kUp, "asked"}));
  EXPECT_EQ(row().refusal, nullptr);
  EXPECT_EQ(stage("detect").generation, 1u);
}

// ---- batches ---------------------------------------------------------------------------------------------

// a -> b -> d, a -> c -> d
Workflow diamond() {
  Workflow spec{.name = "mosaic"};
  for (const char* name : {"a", "b", "c", "d"}) {
    Stage stage{.name = name, .work_us = 1'000'000};
    stage.workload = {.artifact = "p", .cpu_milli = 500, .memory_mib = 64};
    spec.stages.push_back(std::move(stage));
  }
  spec.edges = {{.from = 0, .to = 1}, {.from = 0, .to = 2}, {.from = 1, .to = 3}, {.from = 2, .to = 3}};
  return spec;
}

class BatchTest : public WorkflowsTest {
 protected:
  void send(const SiteDirective& directive) override { sent[directive.site] = directive; }
  void arrange_batch(std::vector<SiteId> sites, std::vector<bool> to_run = {true, true, true, true}) {
    ASSERT_FALSE(arranging.empty());
    const AskedWorkflow question = arranging.back();
    WorkflowPlanned planned{.workflow = question.workflow,
                            .generation = question.snapshot->workflow(question.workflow).generation,
                            .basis = question.snapshot->version()};
    for (size_t s = 0; s < sites.size(); ++s)
      planned.stages.push_back({.site = sites[s], .finish_us = to_run[s] ? 9 : 0});
    turn(Loop::Arranged{question.ticket, std::move(planned)});
  }
  bool submitted(const std::string& name) const {
    const IntentId id = loop->head().stage_intent(row(), name);
    return id.valid() && loop->head().intent(id).state != IntentState::kWithdrawn;
  }
  void place(const std::string& name) {
    const IntentId id = loop->head().stage_intent(row(), name);
    const IntentRow& wish = loop->head().intent(id);
    const SiteId site = wish.spec->where.only[0];
    Plan plan{.intent = id, .generation = wish.generation, .basis = loop->head().version()};
    plan.placements = {{.site = site, .node = NodeId(site.value), .cpu_milli = 500, .memory_mib = 64}};
    plan.availability_ppm = 1'000'000;
    const auto question =
        std::find_if(asked.rbegin(), asked.rend(), [id](const Asked& a) { return a.intent == id; });
    ASSERT_NE(question, asked.rend());
    turn(Loop::Decided{question->ticket, id, plan});
    ASSERT_NE(loop->head().intent(id).active, nullptr);
  }
  // It runs at its site, and ends well.
  void finish(const std::string& name) {
    place(name);
    const IntentRow& wish = stage(name);
    const SiteId site = wish.active->plan.placements[0].site;
    const RunId run = wish.active->run(0);
    for (const RunState state : {RunState::kRunning, RunState::kExited}) {
      Observation seen{.applied_version = sent[site].version,
                       .applied_brain_epoch = sent[site].brain_epoch,
                       .settled = true};
      seen.runs = {{.run = run, .state = state, .ready = true}};
      turn(Loop::Reported{site, connection_of(site), {seen}, {}});
    }
    ASSERT_TRUE(stage(name).finished);
    Observation nothing{.applied_version = sent[site].version,
                        .applied_brain_epoch = sent[site].brain_epoch,
                        .settled = true};
    turn(Loop::Reported{site, connection_of(site), {nothing}, {}});
  }
  void lose_far(TimeUs us) {
    for (const TimeUs end = now_us + us; now_us < end;) {
      now_us += kSecond / 2;
      ASSERT_TRUE(loop->turn({Loop::Heartbeat{kHub, connection_of(kHub)}}));
    }
  }
  std::map<SiteId, SiteDirective> sent;
};

TEST_F(BatchTest, AStageBeginsWhenAllBeforeItHaveEndedWell) {
  submit(diamond());
  arrange_batch({kHub, kFar, kHub, kFar});
  EXPECT_TRUE(submitted("a"));
  EXPECT_FALSE(submitted("b"));
  EXPECT_EQ(stage("a").spec->workload.kind, WorkKind::kJob);
  EXPECT_EQ(stage("a").spec->where.only, std::vector<SiteId>{kHub});
  finish("a");
  EXPECT_TRUE(submitted("b"));
  EXPECT_TRUE(submitted("c"));
  finish("b");
  EXPECT_FALSE(submitted("d"));
  finish("c");
  ASSERT_TRUE(submitted("d"));
  finish("d");
  EXPECT_EQ(row().state, WorkflowState::kWithdrawn);
  EXPECT_TRUE(row().finished);
  EXPECT_EQ(arranging.size(), 1u);
  submit(diamond());
  EXPECT_TRUE(row().finished) << "what is finished is not done twice by being said twice";
  ASSERT_TRUE(propose(WorkflowWithdrawn{.workflow = WorkflowId(0u)}));
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_FALSE(is_over(stage(name))) << name;
  submit(diamond());
  arrange_batch({kHub, kFar, kHub, kFar});
  EXPECT_TRUE(submitted("a")) << "all of it runs anew";
  EXPECT_FALSE(submitted("b"));
}

TEST_F(BatchTest, OnlyWhatIsLostAndStillNeededRunsAgain) {
  submit(diamond());
  arrange_batch({kFar, kHub, kHub, kHub});
  finish("a");
  finish("b");
  lose_far(3 * kSecond);
  ASSERT_EQ(loop->head().site(kFar).state, Liveness::kDown);
  EXPECT_EQ(arranging.size(), 1u) << "what it holds may come back until its leases have ended";
  lose_far(6 * kSecond);
  ASSERT_EQ(arranging.size(), 2u) << "c needs what a made";
  arrange_batch({kHub, kHub, kHub, kHub}, {true, false, true, true});
  EXPECT_EQ(row().plan->why, "what stage a made lies at s1, which is down");
  EXPECT_TRUE(submitted("a"));
  EXPECT_EQ(stage("a").generation, 2u);
  EXPECT_EQ(stage("a").spec->where.only, std::vector<SiteId>{kHub});
  EXPECT_FALSE(submitted("b")) << "it has run";
  EXPECT_FALSE(submitted("c")) << "it waits for a, and had not begun";
  finish("a");
  EXPECT_TRUE(submitted("c"));
  EXPECT_EQ(stage("b").generation, 1u);
}

TEST_F(BatchTest, WhatHasBegunGoesOnWithoutWhatItWasMadeOf) {
  submit(diamond());
  arrange_batch({kFar, kHub, kHub, kHub});
  finish("a");
  place("b");
  place("c");
  lose_far(9 * kSecond);
  EXPECT_EQ(arranging.size(), 1u) << "both have begun with what a made";
  EXPECT_TRUE(submitted("b"));
  EXPECT_TRUE(submitted("c"));
}

TEST_F(BatchTest, ASilentSiteKeepsWhatRanThereUntilItsLeasesHaveEnded) {
  submit(diamond());
  arrange_batch({kFar, kHub, kHub, kHub});
  finish("a");
  lose_far(3 * kSecond);
  ASSERT_EQ(loop->head().site(kFar).state, Liveness::kDown);
  const IntentId b = loop->head().stage_intent(row(), "b");
  const auto question = std::find_if(asked.rbegin(), asked.rend(), [b](const Asked& a) { return a.intent == b; });
  ASSERT_NE(question, asked.rend());
  turn(Loop::Decided{question->ticket, b, Refusal{b, 1, 3, {{ReasonCode::kMemory, kHub, {}, 8, 4}}}});
  EXPECT_EQ(arranging.size(), 1u) << "b is to be planned again, but a may lie where it ran";
  EXPECT_GT(loop->wake_us(), now_us + 1'000) << "nor is it asked over and over";
  EXPECT_TRUE(stage("a").finished);
  turn(Loop::Attached{kFar, ++connection, {.version = "t"}});
  ASSERT_EQ(loop->head().site(kFar).state, Liveness::kUp);
  ASSERT_EQ(arranging.size(), 2u);
  arrange_batch({kFar, kFar, kHub, kHub}, {false, true, true, true});
  EXPECT_TRUE(stage("a").finished);
  EXPECT_EQ(stage("b").spec->where.only, std::vector<SiteId>{kFar});
}

TEST_F(BatchTest, APlanMadeWhileASiteIsSilentIsDropped) {
  submit(diamond());
  arrange_batch({kFar, kHub, kHub, kHub});
  finish("a");
  const IntentId b = loop->head().stage_intent(row(), "b");
  const auto question = std::find_if(asked.rbegin(), asked.rend(), [b](const Asked& a) { return a.intent == b; });
  turn(Loop::Decided{question->ticket, b, Refusal{b, 1, 3, {{ReasonCode::kMemory, kHub, {}, 8, 4}}}});
  ASSERT_EQ(arranging.size(), 2u);
  lose_far(3 * kSecond);
  ASSERT_EQ(loop->head().site(kFar).state, Liveness::kDown);
  arrange_batch({kHub, kHub, kHub, kHub});
  EXPECT_TRUE(stage("a").finished) << "what it made is not lost yet";
  EXPECT_TRUE(row().plan->why.empty());
}

TEST_F(BatchTest, AStageThatHasEndedIsForgottenWithItsWorkflow) {
  submit(diamond());
  arrange_batch({kHub, kHub, kHub, kHub});
  finish("a");
  const IntentId a = loop->head().stage_intent(row(), "a");
  EXPECT_FALSE(propose(IntentWithdrawn{a})) << "others need what it made";
  ASSERT_TRUE(propose(WorkflowWithdrawn{.workflow = WorkflowId(0u)}));
  EXPECT_FALSE(is_over(stage("a")));
}

TEST_F(BatchTest, AWithdrawnBatchTakesItsJobsAlong) {
  submit(diamond());
  arrange_batch({kHub, kHub, kHub, kHub});
  ASSERT_TRUE(propose(WorkflowWithdrawn{.workflow = WorkflowId(0u)}));
  EXPECT_FALSE(submitted("a"));
}

// ---- the wish of one stage -----------------------------------------------------------------------------

Graph sites(uint32_t count) {
  Graph graph;
  graph.apply({1, "t", DomainCreated{.name = "d"}});
  graph.apply({1, "t", TenantDefined{TenantId(0u), "city"}});
  for (uint32_t s = 0; s < count; ++s) {
    graph.apply({1, "t", SiteDefined{SiteId(s), VertexId(s), {.name = "s" + std::to_string(s)}}});
    graph.apply({1, "t", NodesReported{SiteId(s), NodeId(s), {NodeSpec{"n", 64'000, 65'536, 0, "", 1000}}}});
  }
  return graph;
}

IntentSpec joining(const std::vector<int64_t>& rates_bps, int32_t replicas) {
  const auto count = static_cast<uint32_t>(rates_bps.size());
  const Graph graph = sites(count + 1);
  WorkflowRow row;
  Workflow spec{.name = "w", .kind = WorkflowKind::kStream};
  WorkflowPlanned plan;
  for (uint32_t s = 0; s < count; ++s) {
    spec.stages.push_back({.name = "c" + std::to_string(s), .at = {SiteId(s)}});
    spec.edges.push_back({.from = s, .to = count, .bps = rates_bps[s]});
    plan.stages.push_back({.site = SiteId(s)});
  }
  spec.stages.push_back(working("join"));
  spec.stages.back().replicas = replicas;
  plan.stages.push_back({.site = SiteId(count)});
  row.spec = row.planned_spec = std::make_shared<const Workflow>(spec);
  row.plan = std::make_shared<const WorkflowPlanned>(plan);
  return stream_stage(graph, row, count, std::vector<IntentId>(count + 1));
}

TEST(StreamStage, SharesTheRatesOfSeveralSites) {
  for (const auto& rates : std::vector<std::vector<int64_t>>{{8'000'000},
                                                             {4'000'000, 4'000'000},
                                                             {9'000'000, 1'000'000},
                                                             {1, 1'000'000'000},
                                                             {7, 11, 13},
                                                             {5'000, 0},
                                                             {0},
                                                             {0, 0, 0}}) {
    for (const int32_t replicas : {1, 2, 3, 7}) {
      const IntentSpec spec = joining(rates, replicas);
      int64_t asked = 0, held = 0, streams = 0;
      ASSERT_EQ(spec.from.size(), rates.size());
      for (size_t i = 0; i < rates.size(); ++i) {
        const int64_t bps = spec.from[i].streams * spec.traffic.up_bps;
        EXPECT_GE(bps, rates[i]) << i;
        EXPECT_GT(spec.from[i].streams, 0);
        asked += rates[i];
        held += bps;
        streams += spec.from[i].streams;
      }
      const int64_t each = spec.workload.streams_per_instance;
      EXPECT_LE((streams + each - 1) / each, replicas) << "no more instances than asked for";
      if (asked > 1'000 && rates[0] > 1) {
        EXPECT_LE(held, asked + asked / 4) << rates.size() << " x" << replicas;
        if (rates.size() == 1) {
          EXPECT_EQ(streams, replicas);
        }
      }
    }
  }
}

TEST(StreamStage, ADividedPromiseIsKeptAsAWhole) {
  const Graph graph = sites(3);
  WorkflowRow row;
  Workflow spec = street();
  spec.latency_us_max = 100'000;
  WorkflowPlanned plan;
  plan.stages = {{.site = SiteId(0u)},
                 {.site = SiteId(1u), .latency_us = 30'000},
                 {.site = SiteId(2u), .latency_us = 10'000}};
  plan.transfers = {{.item = 0, .stage = 1, .arrive_us = 5'000}, {.item = 1, .stage = 2, .arrive_us = 7'000}};
  row.spec = row.planned_spec = std::make_shared<const Workflow>(spec);
  row.plan = std::make_shared<const WorkflowPlanned>(plan);
  const std::vector<IntentId> intents = {IntentId(), IntentId(0u), IntentId(1u)};
  // 52 of 100 ms are needed; each of the two stages that run may take 24 ms more for the way in.
  EXPECT_EQ(stream_stage(graph, row, 2, intents).promise.latency_us_max, 2 * (7'000 + 24'000) + 10'000);
  const IntentSpec detect = stream_stage(graph, row, 1, intents);
  EXPECT_GE(detect.promise.latency_us_max, 2 * (5'000 + 24'000) + 30'000);
  EXPECT_EQ(detect.promise.percentile_ppm, 990'000);
}

TEST(StreamStage, ASourceThatRunsHasItsInstancesWithoutIngress) {
  const Graph graph = sites(2);
  WorkflowRow row;
  Workflow spec{.name = "w", .kind = WorkflowKind::kStream, .stages = {working("source")}};
  spec.stages[0].replicas = 3;
  row.spec = row.planned_spec = std::make_shared<const Workflow>(spec);
  row.plan = std::make_shared<const WorkflowPlanned>(WorkflowPlanned{.stages = {{.site = SiteId(1u)}}});
  const IntentSpec source = stream_stage(graph, row, 0, {IntentId(0u)});
  EXPECT_TRUE(source.from.empty());
  EXPECT_EQ(instances_asked(source), 3);
}

}  // namespace
}  // namespace weir
