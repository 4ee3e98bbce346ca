#include "core/loop/admit.h"

#include <gtest/gtest.h>

#include "core/event/limits.h"
#include "core/loop/address.h"

namespace weir {
namespace {

class AdmitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    put(DomainCreated{.name = "d"});
    put(TenantDefined{{}, "city"});
    put(SiteDefined{{}, {}, SiteSpec{.name = "hub"}});
    put(RouterDefined{{}, "r"});
  }
  void put(const EventBody& proposal) {
    auto admission = admit(graph, proposal, 0);
    ASSERT_TRUE(admission) << admission.error().text();
    ASSERT_TRUE(admission->changes);
    ASSERT_TRUE(graph.apply({1, "t", admission->body}).effect);
  }
  ErrorCode refused(const EventBody& proposal, TimeUs now = 0) {
    auto admission = admit(graph, proposal, now);
    EXPECT_FALSE(admission);
    return admission ? ErrorCode::kInternal : admission.error().code;
  }
  bool changes(const EventBody& proposal) { return admit(graph, proposal, 0)->changes; }

  Graph graph;
};

TEST_F(AdmitTest, GivesOutIdentifiersInTurnAndOnlyOnce) {
  put(SiteDefined{{}, {}, SiteSpec{.name = "edge"}});
  EXPECT_EQ(graph.find_site("edge"), SiteId(1u));
  EXPECT_EQ(graph.site(SiteId(1u)).vertex, VertexId(2u));
  EXPECT_FALSE(changes(SiteDefined{{}, {}, SiteSpec{.name = "edge"}}));
  EXPECT_TRUE(changes(SiteDefined{{}, {}, SiteSpec{.name = "edge", .region = "other"}}));
  EXPECT_EQ(refused(SiteDefined{{}, {}, SiteSpec{.name = "r"}}), ErrorCode::kConflict);
  EXPECT_EQ(refused(RouterDefined{{}, "hub"}), ErrorCode::kConflict);
  EXPECT_FALSE(changes(RouterDefined{{}, "r"}));
}

TEST_F(AdmitTest, ALinkKeepsItsEnds) {
  LinkSpec spec{.name = "l", .a = VertexId(0u), .b = VertexId(1u)};
  put(LinkDefined{{}, spec});
  spec.bandwidth_bps = 5;
  EXPECT_TRUE(changes(LinkDefined{{}, spec}));
  std::swap(spec.a, spec.b);
  EXPECT_EQ(refused(LinkDefined{{}, spec}), ErrorCode::kConflict);
  spec.b = spec.a;
  EXPECT_EQ(refused(LinkDefined{{}, spec}), ErrorCode::kInvalid);
  spec.b = VertexId(9u);
  EXPECT_EQ(refused(LinkDefined{{}, spec}), ErrorCode::kNotFound);
}

TEST_F(AdmitTest, DialoguesAndVerdictsOfATenantAreBoundedByTheHour) {
  put(TenantDefined{{}, "farm"});
  put(IntentSubmitted{{}, TenantId(0u), 0, IntentSpec{.name = "i", .from = {{SiteId(0u), 1}}}});
  const IntentId intent(0u);
  DialogueHeld held{.tenant = TenantId(0u), .end = DialogueEnd::kTaken, .said = "one", .offers = {{{}, {"asked", "fastest"}, "fastest", intent, 1}}};
  put(held);
  IntentRated rated{.intent = intent, .good = false, .blame = Blame::kSlow, .comment = {}};
  put(rated);
  EXPECT_FALSE(changes(rated)) << "it was judged so already";
  rated.comment = "really";
  EXPECT_TRUE(changes(rated)) << "it says more";
  for (int i = 2; i < kRecordsPerHourMax; ++i) put(held);
  const auto last = admit(graph, held, 0);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(refused(rated), ErrorCode::kExhausted);
  rated.comment.clear();
  EXPECT_FALSE(changes(rated)) << "nothing is written";
  EXPECT_TRUE(admit(graph, held, kHourOfRecordsUs)) << "another hour";
  EXPECT_TRUE(admit(graph, DialogueHeld{.tenant = TenantId(1u), .end = DialogueEnd::kLeft, .said = {}, .offers = {{}}}, 0)) << "another tenant";
}

TEST_F(AdmitTest, WhatCameOfADialogueIsTheTenantsOwn) {
  put(TenantDefined{{}, "farm"});
  put(IntentSubmitted{{}, TenantId(0u), 0, IntentSpec{.name = "i", .from = {{SiteId(0u), 1}}}});
  const IntentId intent(0u);
  DialogueHeld held{.tenant = TenantId(1u), .end = DialogueEnd::kTaken, .said = {}, .offers = {{{}, {"asked"}, "", intent, 1}}};
  EXPECT_EQ(refused(held), ErrorCode::kNotFound);
  held.tenant = TenantId(0u);
  EXPECT_TRUE(changes(held));
  held.offers[0].taken = "fastest";
  EXPECT_EQ(refused(held), ErrorCode::kInvalid) << "it was not offered";
  held.offers[0].taken = "";
  held.end = DialogueEnd::kLeft;
  EXPECT_EQ(refused(held), ErrorCode::kInvalid) << "nothing comes of what was left";
  held.end = DialogueEnd::kTaken;
  held.offers[0].intent = {};
  EXPECT_EQ(refused(held), ErrorCode::kInvalid);
  held.offers.clear();
  EXPECT_EQ(refused(held), ErrorCode::kInvalid);
  held.tenant = TenantId(7u);
  EXPECT_EQ(refused(held), ErrorCode::kNotFound);
  EXPECT_EQ(refused(IntentRated{.intent = IntentId(7u), .comment = {}}), ErrorCode::kNotFound);
  EXPECT_EQ(refused(IntentRated{.intent = intent, .good = true, .blame = Blame::kSlow, .comment = {}}), ErrorCode::kInvalid);
  const auto newest = admit(graph, IntentRated{.intent = intent, .comment = {}}, 0);
  ASSERT_TRUE(newest);
  EXPECT_EQ(std::get<IntentRated>(newest->body).generation, 1u);
}

TEST_F(AdmitTest, GenerationsCountUpAndTheSameWishChangesNothing) {
  IntentSubmitted wish{{}, TenantId(0u), 0, IntentSpec{.name = "i", .from = {{SiteId(0u), 1}}}};
  put(wish);
  EXPECT_EQ(graph.intent(IntentId(0u)).generation, 1u);
  EXPECT_FALSE(changes(wish));
  wish.spec.from[0].streams = 2;
  put(wish);
  EXPECT_EQ(graph.intent(IntentId(0u)).generation, 2u);
  wish.generation = 2;
  EXPECT_EQ(refused(wish), ErrorCode::kConflict);
  wish.generation = 3;
  EXPECT_FALSE(changes(wish));
  wish.spec.from[0].streams = 3;
  EXPECT_TRUE(changes(wish));
  wish.spec.from.push_back({SiteId(0u), 1});
  EXPECT_EQ(refused(wish), ErrorCode::kInvalid);
}

TEST_F(AdmitTest, AQueueGivesAwayNoMoreThanItHas) {
  put(QueueDefined{{}, {.name = "research", .guaranteed = {.cpu_milli = 8000}, .maximum = {.cpu_milli = 16'000}}});
  const QueueId research = graph.find_queue("research");
  const auto child = [research](const char* name, int64_t guaranteed, int64_t maximum) {
    return QueueDefined{{}, {.name = name, .parent = research, .guaranteed = {.cpu_milli = guaranteed},
                             .maximum = {.cpu_milli = maximum}}};
  };
  EXPECT_EQ(refused(child("a", 8001, 0)), ErrorCode::kInvalid);
  EXPECT_EQ(refused(child("a", 0, 16'001)), ErrorCode::kInvalid);
  EXPECT_EQ(refused(child("a", 5000, 4999)), ErrorCode::kInvalid);
  put(child("a", 5000, 16'000));
  EXPECT_FALSE(changes(child("a", 5000, 16'000)));
  EXPECT_EQ(refused(child("b", 3001, 0)), ErrorCode::kInvalid);
  put(child("b", 3000, 0));
  put(child("a", 5000, 6000));
  QueueDefined parent{{}, graph.queue(research)};
  parent.spec.guaranteed.cpu_milli = 7999;
  EXPECT_EQ(refused(parent), ErrorCode::kConflict);
  parent.spec.guaranteed.cpu_milli = 8000;
  parent.spec.maximum.cpu_milli = 5999;
  EXPECT_EQ(refused(parent), ErrorCode::kInvalid) << "below what is guaranteed";
  parent.spec.maximum.cpu_milli = 8000;
  put(child("a", 5000, 8000));
  parent.spec.maximum.cpu_milli = 8001;
  put(parent);
  EXPECT_EQ(refused(QueueDefined{{}, {.name = "a"}}), ErrorCode::kConflict) << "it would change its parent";
  EXPECT_EQ(refused(QueueDefined{{}, {.name = "c", .parent = QueueId(9u)}}), ErrorCode::kNotFound);
  EXPECT_EQ(refused(QueueDefined{{}, {.name = "d", .backfill = Backfill::kNone}}), ErrorCode::kInvalid);
  EXPECT_EQ(refused(QueueDefined{{}, {.name = kDomainQueue, .guaranteed = {.cpu_milli = 1}}}), ErrorCode::kInvalid);
  put(QueueDefined{{}, {.name = kDomainQueue, .backfill = Backfill::kConservative}});
  put(QueueDefined{{}, {.name = "e", .parent = graph.find_queue(kDomainQueue)}});
  EXPECT_FALSE(graph.queue(graph.find_queue("e")).parent.valid());
  IntentSubmitted job{{}, TenantId(0u), 0, IntentSpec{.name = "j", .schedule = {.queue = "reserch"}}};
  EXPECT_EQ(refused(job), ErrorCode::kNotFound);
  job.spec.schedule.queue = "research";
  put(job);
}

TEST_F(AdmitTest, APriorityIsAsHighAsItsQueueAllows) {
  put(QueueDefined{{}, {.name = "urgent", .priority_max = 7}});
  const auto job = [](const char* queue, int32_t priority) {
    return IntentSubmitted{{}, TenantId(0u), 0, IntentSpec{.name = "j", .schedule = {.queue = queue, .priority = priority}}};
  };
  EXPECT_EQ(refused(job("urgent", 8)), ErrorCode::kInvalid);
  EXPECT_TRUE(changes(job("urgent", 7)));
  EXPECT_EQ(refused(job("", 1)), ErrorCode::kInvalid);
  EXPECT_TRUE(changes(job("", 0)));
  EXPECT_TRUE(changes(job("", -5)));
  put(QueueDefined{{}, {.name = kDomainQueue, .priority_max = 1}});
  EXPECT_TRUE(changes(job("", 1)));
}

TEST_F(AdmitTest, OnlyOthersOfItsTenantCanBeNearOrApart) {
  put(TenantDefined{{}, "lab"});
  const auto wish = [](std::string name, Where where, uint32_t tenant = 0) {
    return IntentSubmitted{{}, TenantId(tenant), 0, IntentSpec{.name = std::move(name), .where = std::move(where)}};
  };
  put(wish("web", {}));
  const IntentId web(0u), cache(1u), logs(2u);
  put(wish("cache", {.near = {web}}));
  put(wish("logs", {.near = {cache}, .apart_from = {}}));
  EXPECT_EQ(refused(wish("other", {.near = {web}}, 1)), ErrorCode::kNotFound) << "of another tenant";
  EXPECT_EQ(refused(wish("other", {.apart_from = {IntentId(9u)}})), ErrorCode::kNotFound);
  EXPECT_EQ(refused(wish("web", {.apart_from = {web}})), ErrorCode::kInvalid);
  EXPECT_EQ(refused(wish("other", {.near = {web}, .apart_from = {web}})), ErrorCode::kInvalid);
  EXPECT_EQ(refused(wish("web", {.near = {logs}})), ErrorCode::kInvalid) << "logs near cache near web";
  EXPECT_TRUE(changes(wish("web", {.apart_from = {logs}}))) << "apart in a circle is well";
  EXPECT_EQ(refused(wish("other", {.at_data = true})), ErrorCode::kInvalid);
}

TEST_F(AdmitTest, NobodyIsNearAnArrayOrApartFromOne) {
  const auto wish = [](std::string name, Where where, int32_t tasks = 0) {
    IntentSpec spec{.name = std::move(name), .where = std::move(where), .schedule = {.tasks = tasks}};
    spec.workload.kind = WorkKind::kJob;
    return IntentSubmitted{{}, TenantId(0u), 0, std::move(spec)};
  };
  put(wish("render", {}, 3));
  const IntentId render(0u);
  const auto near = admit(graph, wish("beside", {.near = {render}}), 0);
  ASSERT_FALSE(near);
  EXPECT_EQ(near.error().text(),
            "intent city/beside: spec.where.near: it is to be near the array city/render, or apart from it, which stands nowhere "
            "itself; name a job or a service");
  EXPECT_EQ(admit(graph, wish("beside", {.apart_from = {render}}), 0).error().where, "intent city/beside: spec.where.apart_from");
  // What is named becomes no array, for as long as anybody names it.
  put(wish("job", {}));
  const IntentId job(1u), clear(2u);
  put(wish("clear", {.apart_from = {job}}));
  put(IntentWithdrawn{job});
  EXPECT_EQ(refused(wish("job", {}, 2)), ErrorCode::kConflict);
  put(IntentWithdrawn{clear});
  put(wish("job", {}, 2));
}

TEST_F(AdmitTest, AJobThatCannotEndByItsDeadlineIsRefused) {
  const auto job = [](TimeUs deadline, TimeUs estimated, TimeUs most) {
    IntentSpec spec{.name = "j", .schedule = {.run_time_us_estimated = estimated, .run_time_us_max = most, .deadline = deadline}};
    spec.workload.kind = WorkKind::kJob;
    return IntentSubmitted{{}, TenantId(0u), 0, std::move(spec)};
  };
  const auto what = [&](const IntentSubmitted& wish, TimeUs now) {
    const auto admission = admit(graph, wish, now);
    return admission ? std::string() : admission.error().text();
  };
  EXPECT_EQ(what(job(100, 0, 0), 101), "intent city/j: spec.schedule.deadline: has passed; choose a later one, or leave it out");
  EXPECT_EQ(what(job(100, 0, 0), 100), "");
  EXPECT_EQ(what(job(100, 11, 0), 90),
            "intent city/j: spec.schedule.deadline: is sooner than it is estimated to run; choose a later one, or leave it out");
  EXPECT_EQ(what(job(100, 10, 0), 90), "");
  EXPECT_NE(what(job(100, 0, 11), 90), "") << "as long as it may run, where it does not say how long it will";
  EXPECT_EQ(what(job(100, 0, 10), 90), "");
  EXPECT_EQ(what(job(100, 10, 50), 90), "");
  put(job(100, 10, 0));
  const auto again = admit(graph, job(100, 10, 0), 95);
  ASSERT_TRUE(again) << "whoever says the same again hears that it is so";
  EXPECT_FALSE(again->changes);
  EXPECT_NE(what(job(100, 6, 0), 95), "");
  IntentSubmitted service = job(100, 0, 0);
  service.spec.name = "s";
  service.spec.workload.kind = WorkKind::kService;
  EXPECT_EQ(what(service, 101), "");
}

TEST_F(AdmitTest, OnlyInstancesOfOneJobThatAreThereFromTheStartExchange) {
  const auto what = [this](auto change) {
    IntentSpec spec{.name = "gang"};
    spec.workload.kind = WorkKind::kJob;
    spec.schedule.instances = 2;
    spec.traffic.between_bps = 1;
    change(spec);
    const auto admission = admit(graph, IntentSubmitted{{}, TenantId(0u), 0, std::move(spec)}, 0);
    return admission ? std::string() : admission.error().text();
  };
  EXPECT_EQ(what([](IntentSpec&) {}), "");
  EXPECT_NE(what([](IntentSpec& s) { s.workload.kind = WorkKind::kService; }), "");
  EXPECT_NE(what([](IntentSpec& s) { s.workload.best_effort = true; }), "");
  EXPECT_NE(what([](IntentSpec& s) { s.from = {{SiteId(0u), 1}}; }), "");
  EXPECT_NE(what([](IntentSpec& s) { s.promise.latency_us_max = 5; }), "");
  EXPECT_NE(what([](IntentSpec& s) { s.schedule.instances = 1; }), "");
  EXPECT_NE(what([](IntentSpec& s) { s.schedule.tasks = 2; }), "");
  EXPECT_NE(what([](IntentSpec& s) { s.schedule.instances_min = 1; }), "");
  EXPECT_NE(what([](IntentSpec& s) { s.traffic.up_bps = 1; }), "");
  EXPECT_EQ(what([](IntentSpec& s) { s.schedule.instances = limits::kInstancesBetweenMax; }), "");
  const std::string many = what([](IntentSpec& s) { s.schedule.instances = limits::kInstancesBetweenMax + 1; });
  EXPECT_NE(many.find("ask for at most 256 instances"), std::string::npos) << many;
}

TEST_F(AdmitTest, AStageGoesOnlyWithItsWorkflow) {
  Workflow batch{.name = "mosaic", .stages = {{.name = "a", .work_us = 1}}};
  batch.stages[0].workload = {.artifact = "p", .cpu_milli = 500};
  put(WorkflowSubmitted{.tenant = TenantId(0u), .generation = 0, .spec = batch});
  IntentSpec stage{.name = "mosaic.a"};
  stage.workload.kind = WorkKind::kJob;
  const IntentId a(0u);
  ASSERT_TRUE(graph.apply({1, "brain", IntentSubmitted{a, TenantId(0u), 1, stage, {}, 0, WorkflowId(0u), "a"}}).effect);
  EXPECT_EQ(refused(IntentWithdrawn{a}), ErrorCode::kConflict);
  graph.apply({1, "brain", IntentWithdrawn{a, true}});
  EXPECT_EQ(refused(IntentWithdrawn{a}), ErrorCode::kConflict) << "others may need what it made";
  graph.apply({1, "brain", WorkflowWithdrawn{.workflow = WorkflowId(0u), .finished = true}});
  EXPECT_EQ(refused(IntentWithdrawn{a}), ErrorCode::kConflict) << "it is shown with its workflow";
  put(WorkflowWithdrawn{.workflow = WorkflowId(0u)});
  put(IntentWithdrawn{a});
  EXPECT_FALSE(is_over(graph.intent(a)));
  EXPECT_EQ(refused(IntentWithdrawn{a}), ErrorCode::kConflict) << "there is nothing left";
}

TEST_F(AdmitTest, AStageIsCalledAsNobodyElse) {
  put(IntentSubmitted{{}, TenantId(0u), 0, IntentSpec{.name = "mosaic.a"}});
  Workflow batch{.name = "mosaic", .stages = {{.name = "a", .work_us = 1}}};
  batch.stages[0].workload = {.artifact = "p", .cpu_milli = 500};
  const auto admission = admit(graph, WorkflowSubmitted{.tenant = TenantId(0u), .generation = 0, .spec = batch}, 0);
  ASSERT_FALSE(admission);
  EXPECT_EQ(admission.error().text(), "stage mosaic.a: the name belongs to an intent; choose another name");
}

TEST_F(AdmitTest, AReservationStandsUntilItIsOverOrCancelled) {
  const auto reservation = [](TimeUs from, TimeUs to) {
    return ReservationDefined{{}, TenantId(0u), {.name = "night", .site = SiteId(0u), .amount = {.cpu_milli = 1000}, .from = from, .to = to}};
  };
  EXPECT_EQ(refused(reservation(10, 10)), ErrorCode::kInvalid);
  EXPECT_EQ(refused(reservation(10, 20), 20), ErrorCode::kInvalid);
  put(reservation(10, 20));
  EXPECT_FALSE(changes(reservation(10, 20)));
  EXPECT_EQ(refused(reservation(10, 21)), ErrorCode::kConflict);
  IntentSubmitted job{{}, TenantId(0u), 0, IntentSpec{.name = "j", .schedule = {.reservation = "night"}}};
  EXPECT_EQ(refused(job, 20), ErrorCode::kNotFound);
  put(job);
  put(ReservationCancelled{ReservationId(0u)});
  EXPECT_FALSE(changes(ReservationCancelled{ReservationId(0u)}));
  EXPECT_EQ(refused(ReservationCancelled{ReservationId(1u)}), ErrorCode::kNotFound);
  put(reservation(10, 21));
  EXPECT_EQ(graph.find_reservation(TenantId(0u), "night"), ReservationId(1u));
}

TEST_F(AdmitTest, BandwidthIsReservedOnAPathWithRoomThroughoutTheWindow) {
  put(SiteDefined{{}, {}, SiteSpec{.name = "street"}});
  put(LinkDefined{{}, {.name = "a", .a = VertexId(0u), .b = VertexId(1u), .bandwidth_bps = 10'000'000}});
  put(LinkDefined{{}, {.name = "b", .a = VertexId(1u), .b = VertexId(2u), .bandwidth_bps = 20'000'000}});
  const auto reservation = [](std::string name, int64_t up_bps, TimeUs from, TimeUs to, int64_t down_bps = 0) {
    return ReservationDefined{{}, TenantId(0u), {.name = std::move(name), .site = SiteId(0u), .from = from, .to = to,
                                                 .ingress = SiteId(1u), .up_bps = up_bps, .down_bps = down_bps}};
  };
  put(reservation("night", 8'000'000, 10, 20));
  EXPECT_EQ(graph.reservation(ReservationId(0u)).spec.path, (std::vector{LinkId(3u), LinkId(1u)}));
  EXPECT_FALSE(changes(reservation("night", 8'000'000, 10, 20))) << "the path is not the tenant's to say";
  const auto said = [this](const ReservationDefined& e) {
    const auto admission = admit(graph, e, 0);
    return admission ? "admitted" : admission.error().text();
  };
  EXPECT_EQ(said(reservation("other", 3'000'000, 15, 25, 500'000)),
            "reservation city/other: no path from street to hub has 3Mbps there and 500kbps back free throughout the window; "
            "link a has 2Mbps towards hub at worst; choose another window or site, or less");
  EXPECT_EQ(said(reservation("other", 2'000'000, 15, 25)), "admitted");
  EXPECT_EQ(said(reservation("other", 10'000'000, 20, 30)), "admitted") << "they abut";
  EXPECT_EQ(refused(reservation("other", 10'000'001, 20, 30)), ErrorCode::kInfeasible);
  ReservationDefined wrong = reservation("other", 0, 20, 30);
  EXPECT_EQ(refused(wrong), ErrorCode::kInvalid) << "an ingress without bandwidth";
  wrong.spec.up_bps = 1;
  wrong.spec.ingress = {};
  EXPECT_EQ(refused(wrong), ErrorCode::kInvalid) << "reserves nothing, and bandwidth without an ingress";
  wrong.spec.amount.cpu_milli = 1;
  EXPECT_EQ(refused(wrong), ErrorCode::kInvalid) << "bandwidth without an ingress";
  wrong.spec.ingress = SiteId(0u);
  EXPECT_EQ(refused(wrong), ErrorCode::kInvalid) << "to itself";
  wrong.spec.ingress = SiteId(9u);
  EXPECT_EQ(refused(wrong), ErrorCode::kNotFound);
  put(LinkStateChanged{LinkId(0u), false, "cut"});
  EXPECT_EQ(said(reservation("other", 1, 30, 40)),
            "reservation city/other: no path from street to hub is up; choose another ingress or site");
}

TEST_F(AdmitTest, WhatIsFinishedIsNotDoneAgainUntilItIsDeleted) {
  const IntentSubmitted wish{{}, TenantId(0u), 0, IntentSpec{.name = "once"}};
  put(wish);
  const IntentId intent = graph.find_intent("city", "once");
  graph.apply({1, "brain", IntentWithdrawn{intent, true}});
  EXPECT_FALSE(changes(wish)) << "its answer may have been lost";
  IntentSpec other = wish.spec;
  other.workload.cpu_milli = 900;
  EXPECT_TRUE(changes(IntentSubmitted{{}, TenantId(0u), 0, other}));
  EXPECT_FALSE(std::get<IntentWithdrawn>(admit(graph, IntentWithdrawn{intent, true}, 0)->body).finished)
      << "only the brain says so";
  put(IntentWithdrawn{intent});
  EXPECT_FALSE(changes(IntentWithdrawn{intent}));
  EXPECT_TRUE(changes(wish));
}

TEST_F(AdmitTest, WhatTheBrainEndedHasFailedUntilItIsDeletedOrWishedAgain) {
  const IntentSubmitted wish{{}, TenantId(0u), 0, IntentSpec{.name = "long"}};
  put(wish);
  const IntentId intent = graph.find_intent("city", "long");
  const auto end = [&] { graph.apply({1, "brain", IntentWithdrawn{intent, false, "it ran too long"}}); };
  end();
  EXPECT_TRUE(graph.intent(intent).failed);
  EXPECT_FALSE(graph.apply({1, "hub", PromiseStateChanged{intent, true, "late word", SiteId(0u)}}).effect);
  EXPECT_TRUE(graph.intent(intent).failed);
  put(IntentWithdrawn{intent});
  EXPECT_FALSE(is_over(graph.intent(intent)));
  EXPECT_FALSE(changes(IntentWithdrawn{intent}));
  put(wish);
  EXPECT_FALSE(graph.intent(intent).failed);
  EXPECT_TRUE(graph.intent(intent).promise_kept);
  end();
  put(wish);
  EXPECT_TRUE(graph.intent(intent).promise_kept) << "it begins anew";
  // A promise that was broken when somebody withdrew it is another matter.
  graph.apply({1, "hub", PromiseStateChanged{intent, false, "late", SiteId(0u)}});
  put(IntentWithdrawn{intent});
  EXPECT_FALSE(is_over(graph.intent(intent)));
}

TEST_F(AdmitTest, OnlySitesThatAreKnownAreRevoked) {
  EXPECT_EQ(refused(CertificateRevoked{SiteId(99u), "stolen"}), ErrorCode::kNotFound);
}

TEST_F(AdmitTest, AJoinTokenIsUsedOnceAndInTime) {
  put(TokenIssued{.token = "t1", .join = true, .subject = "hub", .expires = 100});
  EXPECT_EQ(refused(TokenRedeemed{"t1", "s"}, 101), ErrorCode::kDenied);
  put(TokenRedeemed{"t1", "s"});
  EXPECT_EQ(refused(TokenRedeemed{"t1", "s2"}), ErrorCode::kConflict);
  put(TokenIssued{.token = "u1"});
  EXPECT_EQ(refused(TokenRedeemed{"u1", "s"}), ErrorCode::kNotFound);
  EXPECT_EQ(refused(TokenIssued{.token = "u1"}), ErrorCode::kConflict);
}

TEST_F(AdmitTest, OnlyTheLoopWritesPlansAndRuns) {
  EXPECT_EQ(refused(PlanCommitted{}), ErrorCode::kInvalid);
  EXPECT_EQ(refused(RunStateChanged{}), ErrorCode::kInvalid);
  EXPECT_EQ(refused(SiteStateChanged{SiteId(0u), Liveness::kDraining, ""}), ErrorCode::kConflict);
}

TEST_F(AdmitTest, OnlyItsAgentBringsUpASite) {
  EXPECT_EQ(refused(SiteStateChanged{SiteId(0u), Liveness::kUp, ""}), ErrorCode::kConflict);
  graph.apply({1, "site/hub", SiteStateChanged{SiteId(0u), Liveness::kUp, ""}});
  EXPECT_FALSE(changes(SiteStateChanged{SiteId(0u), Liveness::kUp, ""}));
  put(SiteStateChanged{SiteId(0u), Liveness::kDraining, ""});
  put(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
  graph.apply({1, "brain", SiteStateChanged{SiteId(0u), Liveness::kDown, ""}});
  EXPECT_EQ(refused(SiteStateChanged{SiteId(0u), Liveness::kUp, ""}), ErrorCode::kConflict);
}

TEST(Address, FollowsFromIdentifiers) {
  EXPECT_EQ(run_address("fd77:1:1:3::/64", {0x1234, 2}), "fd77:1:1:3:8000:0:1234:2");
  EXPECT_EQ(site_address("fd77:1:1:3::/64"), "fd77:1:1:3::1");
  EXPECT_EQ(service_address("fd77:1:2::/64", IntentId(0u)), "fd77:1:2::1");
  EXPECT_EQ(run_address("", {1, 1}), "");
  EXPECT_EQ(run_address("nonsense/64", {1, 1}), "");
}

}  // namespace
}  // namespace weir
