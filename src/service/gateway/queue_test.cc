// Queues, reservations, jobs that wait, and cordoned nodes, as users meet them.
#include <gtest/gtest.h>

#include "core/units/text.h"
#include "service/gateway/rest_routes.h"
#include "service/gateway/test_brain.h"
#include "service/resource/resource.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

using policy::Principal;

const Principal kOperator = policy::principal_of(policy::Role::kOperator, "alice");
const Principal kCity = policy::principal_of(policy::Role::kTenant, "city");
const Principal kRival = policy::principal_of(policy::Role::kTenant, "rival");
const Principal kHub = policy::principal_of(policy::Role::kProvider, "hub");

constexpr const char* kQueues = R"(
apiVersion: weir/v1
kind: Queue
metadata: {name: models}
spec: {parent: research, maximum: {cpu: "2"}}
---
apiVersion: weir/v1
kind: Queue
metadata: {name: research}
spec: {policy: fcfs}
)";

// The region holds 4 cores at metro and 8 at hub.
class QueueTest : public ::testing::Test {
 protected:
  void SetUp() override { brain.build_region(); }

  Result<v1::ApplyResponse> apply(const Principal& who, const std::string& yaml, bool dry_run = false) {
    v1::ApplyRequest request;
    request.set_dry_run(dry_run);
    const auto read = resource::parse(yaml, "test.yaml");
    EXPECT_TRUE(read) << read.error().text();
    for (const auto& item : *read) resource::to_message(item, *request.add_resources());
    std::optional<Result<v1::ApplyResponse>> out;
    service.apply(who, request, [&out](Result<v1::ApplyResponse> answer) { out = std::move(answer); });
    return *out;
  }
  static std::string job(const std::string& tenant, const std::string& name, const std::string& cpu,
                         const std::string& schedule = "run_time_max: 1h") {
    return "apiVersion: weir/v1\nkind: Intent\nmetadata: {name: " + name + ", tenant: " + tenant +
           "}\nspec:\n  workload: {job: {artifact: train, cpu: \"" + cpu +
           "\", memory: 256Mi}}\n  schedule: {" + schedule + "}\n";
  }
  // A job that runs and leaves room for 4 cores at metro alone.
  void fill_hub() {
    ASSERT_TRUE(apply(kCity, job("city", "first", "8")));
    brain.decide();
  }
  template <class Request, class Response>
  Result<Response> change(const Principal& who, const Request& request,
                          void (Service::*handler)(const Principal&, const Request&,
                                                   Service::Reply<Response>)) {
    std::optional<Result<Response>> out;
    (service.*handler)(who, request, [&out](Result<Response> answer) { out = std::move(answer); });
    return *out;
  }
  Result<v1::GetResponse> get(const Principal& who, const std::string& kind, const std::string& name,
                              const std::string& tenant = "") {
    v1::GetRequest request;
    request.set_kind(kind);
    request.set_name(name);
    request.set_tenant(tenant);
    return service.get(who, request);
  }
  Result<v1::ListResponse> list(const Principal& who, const std::string& kind) {
    v1::ListRequest request;
    request.set_kind(kind);
    return service.list(who, request);
  }
  Result<v1::ExplainResponse> explain(const Principal& who, const std::string& tenant,
                                      const std::string& name, const std::vector<std::string>& what_if = {},
                                      const std::string& language = "") {
    v1::ExplainRequest request;
    request.set_language(language);
    request.set_intent(name);
    request.set_tenant(tenant);
    for (const std::string& change : what_if) request.add_what_if(change);
    return service.explain(who, request);
  }
  v1::Intent::Status status(const std::string& tenant, const std::string& name) {
    const auto one = get(kOperator, "intent", name, tenant);
    EXPECT_TRUE(one) << one.error().text();
    return one ? one->resource().intent().status() : v1::Intent::Status();
  }

  TestBrain brain;
  Service service{brain.ports()};
};

TEST_F(QueueTest, ATreeOfQueuesIsAppliedInAnyOrder) {
  const auto made = apply(kOperator, kQueues);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(made->results(0).action(), "created");
  const auto again = apply(kOperator, kQueues);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->results(0).action(), "unchanged");
  const auto all = list(kOperator, "queues");
  ASSERT_TRUE(all);
  ASSERT_EQ(all->items_size(), 3);
  EXPECT_EQ(all->items(0).queue().metadata().name(), "domain");
  EXPECT_EQ(all->items(0).queue().status().policy(), "weir");
  EXPECT_EQ(all->items(0).queue().status().backfill(), "easy");
  const auto models = get(kCity, "queue", "models");
  ASSERT_TRUE(models);
  EXPECT_EQ(models->resource().queue().spec().parent(), "research");
  EXPECT_EQ(models->resource().queue().status().policy(), "fcfs") << "its parent's";
}

TEST_F(QueueTest, WhatAQueueCannotBeIsRefusedAtItsPlace) {
  EXPECT_EQ(apply(kCity, kQueues).error().code, ErrorCode::kDenied);
  const auto one = [](const std::string& spec) {
    return "apiVersion: weir/v1\nkind: Queue\nmetadata: {name: a}\nspec: " + spec + "\n";
  };
  EXPECT_EQ(apply(kOperator, one("{policy: fcsf}")).error().text(),
            "spec.policy: no policy \"fcsf\"; did you mean fcfs?");
  EXPECT_EQ(apply(kOperator, one("{policy: fcfs, settings: {deep: 1}}")).error().where, "spec.settings.deep");
  EXPECT_EQ(apply(kOperator, one("{parent: none}")).error().where, "spec.parent");
  EXPECT_EQ(apply(kOperator, one("{parent: b}") + "---\n" +
                                 "apiVersion: weir/v1\nkind: Queue\nmetadata: {name: b}\nspec: {parent: a}\n")
                .error()
                .text(),
            "resources[0].spec.parent: is below itself; a queue's parents end at the domain");
  EXPECT_EQ(apply(kCity, job("city", "lost", "1", "queue: reserch")).error().where, "spec.schedule.queue");
  v1::DeleteRequest gone;
  gone.set_kind("queue");
  gone.set_name("models");
  EXPECT_EQ(change<>(kOperator, gone, &Service::remove).error().code, ErrorCode::kUnsupported);
}

TEST_F(QueueTest, AJobThatWaitsForRoomSaysSoAndWhenItStarts) {
  fill_hub();
  ASSERT_TRUE(apply(kCity, job("city", "wide", "8")));
  const v1::Intent::Status waits = status("city", "wide");
  EXPECT_EQ(waits.state(), "waiting");
  EXPECT_EQ(waits.why(), "8 cores needed at hub, 0 cores free");
  EXPECT_EQ(waits.waiting().queue(), "domain");
  EXPECT_EQ(waits.waiting().reason(), "room");
  EXPECT_EQ(waits.waiting().resource(), "cpu");
  EXPECT_EQ(waits.waiting().site(), "hub");
  EXPECT_EQ(waits.waiting().estimated_start(), brain.clock.wall + 3'600'000'000);
  // Also when its turn came once, and to nothing.
  brain.decide();
  EXPECT_EQ(status("city", "wide").state(), "waiting");
  const auto jobs = list(kOperator, "jobs");
  ASSERT_TRUE(jobs);
  EXPECT_EQ(jobs->items_size(), 2);
}

TEST_F(QueueTest, AListIsOfTheStateAndTheTenantThatThereAre) {
  fill_hub();
  ASSERT_TRUE(apply(kCity, job("city", "wide", "8")));
  const auto listed = [this](const std::string& kind, const std::string& filter, const std::string& tenant = "") {
    v1::ListRequest request;
    request.set_kind(kind);
    request.set_filter(filter);
    request.set_tenant(tenant);
    return service.list(kOperator, request);
  };
  const auto waiting = listed("jobs", "state=waiting");
  ASSERT_TRUE(waiting) << waiting.error().text();
  ASSERT_EQ(waiting->items_size(), 1);
  EXPECT_EQ(waiting->items(0).intent().metadata().name(), "wide");
  EXPECT_EQ(listed("intents", "state=placed")->items_size(), 1);
  EXPECT_EQ(listed("jobs", "state=running")->items_size(), 0);
  EXPECT_EQ(listed("jobs", "state=nope").error().what, "\"nope\" is no state of what is of the kind intent");
  EXPECT_EQ(listed("queues", "state=up").error().what, "a queue has no state");
  EXPECT_EQ(listed("jobs", "", "nope").error().code, ErrorCode::kNotFound);
}

TEST_F(QueueTest, WhatCanNeverBeIsRefused) {
  ASSERT_TRUE(apply(kCity, job("city", "huge", "64")));
  brain.decide();
  EXPECT_EQ(status("city", "huge").state(), "refused");
}

TEST_F(QueueTest, WhatHasNoRoomTogetherSaysForHowMany) {
  ASSERT_TRUE(apply(kCity, job("city", "gang", "4", "instances: 4, run_time_max: 1h")));
  brain.decide();
  EXPECT_EQ(status("city", "gang").why(),
            "There is room for 3 of its 4 instances at once. It would do if there were room for 1 more, or with so many less.");
  const auto fewer = explain(kCity, "city", "gang", {"instances=3"});
  ASSERT_TRUE(fewer) << fewer.error().text();
  EXPECT_EQ(fewer->what_if().state(), "placed");
  EXPECT_EQ(fewer->what_if().why(), "hub was chosen: the cheapest with room");
  ASSERT_TRUE(apply(kCity, job("city", "gang", "4", "instances: 3, run_time_max: 1h")));
  brain.decide();
  const auto placed = explain(kCity, "city", "gang");
  ASSERT_TRUE(placed);
  EXPECT_NE(placed->text().find("The cheapest place with room: 1 instance at metro on node n0, 2 instances at hub on node n0, billed "),
            std::string::npos) << placed->text();
}

TEST_F(QueueTest, AJobThatRanTooLongIsShownAsFailedUntilItIsDeleted) {
  ASSERT_TRUE(apply(kCity, job("city", "over", "1")));
  brain.decide();
  const IntentId over = brain.durable()->find_intent("city", "over");
  const Position plan = brain.durable()->intent(over).active->position;
  brain.record("brain", IntentWithdrawn{over, false, "it ran over its longest run time of 3 s"});
  brain.record("brain", PlanRetired{over, plan});
  EXPECT_EQ(status("city", "over").state(), "failed");
  EXPECT_EQ(status("city", "over").why(), "it ran over its longest run time of 3 s");
  EXPECT_EQ(list(kOperator, "jobs")->items_size(), 1);
  const auto told = explain(kCity, "city", "over");
  ASSERT_TRUE(told);
  EXPECT_NE(told->text().find("It has failed: it ran over its longest run time of 3 s.\n"), std::string::npos) << told->text();
  EXPECT_EQ(explain(kCity, "city", "over", {"cpu=2"}).error().what, "it has failed");
  v1::DeleteRequest gone;
  gone.set_kind("intent");
  gone.set_name("over");
  ASSERT_TRUE(change<>(kCity, gone, &Service::remove));
  EXPECT_EQ(list(kOperator, "jobs")->items_size(), 0);
  EXPECT_EQ(change<>(kCity, gone, &Service::remove).error().code, ErrorCode::kNotFound);
  // Applied again it begins anew, and nothing of the past is held against it.
  ASSERT_TRUE(apply(kCity, job("city", "over", "1")));
  brain.decide();
  EXPECT_EQ(status("city", "over").state(), "placed");
}

TEST_F(QueueTest, ADryRunKnowsTheQueues) {
  ASSERT_TRUE(apply(kOperator, kQueues));
  ASSERT_TRUE(apply(kOperator, "apiVersion: weir/v1\nkind: Queue\nmetadata: {name: domain}\nspec: {priority_max: 10}\n"));
  fill_hub();
  const auto tried = apply(kCity, job("city", "capped", "3", "queue: models, run_time_max: 1h") + "---\n" +
                                      job("city", "wide", "8") + "---\n" + job("city", "small", "2") + "---\n" +
                                      job("city", "urgent", "8", "priority: 5, run_time_max: 1h"), true);
  ASSERT_TRUE(tried) << tried.error().text();
  EXPECT_EQ(tried->results(0).waiting().reason(), "quota");
  EXPECT_EQ(tried->results(0).why(), "3 cores needed, queue models may use 2 cores more");
  EXPECT_FALSE(tried->results(0).has_plan());
  EXPECT_EQ(tried->results(1).waiting().reason(), "room");
  EXPECT_FALSE(tried->results(1).has_refusal());
  EXPECT_TRUE(tried->results(2).has_plan());
  EXPECT_EQ(tried->results(3).waiting().reason(), "preempting");
  EXPECT_FALSE(brain.durable()->find_intent("city", "wide").valid());
}

TEST_F(QueueTest, AParentAndItsChildAreLoweredAndRaisedAtOnceInAnyOrder) {
  const auto both = [](int parent, int child, bool parent_first) {
    const auto one = [](const std::string& name, const std::string& spec) {
      return "apiVersion: weir/v1\nkind: Queue\nmetadata: {name: " + name + "}\nspec: {" + spec + "}\n";
    };
    const std::string above = one("research", "maximum: {cpu: " + std::to_string(parent) + "}, guaranteed: {cpu: " + std::to_string(parent) + "}");
    const std::string below =
        one("models", "parent: research, maximum: {cpu: " + std::to_string(child) + "}, guaranteed: {cpu: " + std::to_string(child) + "}");
    return parent_first ? above + "---\n" + below : below + "---\n" + above;
  };
  for (const bool parent_first : {true, false}) {
    for (const auto& [parent, child] : {std::pair(12, 8), std::pair(2, 1), std::pair(6, 5)}) {
      const auto done = apply(kOperator, both(parent, child, parent_first));
      ASSERT_TRUE(done) << done.error().text();
      EXPECT_EQ(get(kOperator, "queue", "research")->resource().queue().spec().maximum().cpu(), std::to_string(parent));
      EXPECT_EQ(get(kOperator, "queue", "models")->resource().queue().spec().maximum().cpu(), std::to_string(child));
    }
  }
  const auto wrong = apply(kOperator, both(1, 2, true));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().where, "resources[0].spec.guaranteed.cpu");
  const auto lower = apply(kOperator, "apiVersion: weir/v1\nkind: Queue\nmetadata: {name: research}\nspec: {maximum: {cpu: 2}}\n");
  ASSERT_FALSE(lower);
  EXPECT_EQ(lower.error().where, "spec.guaranteed.cpu");
  EXPECT_EQ(apply(kCity, job("city", "first", "1", "priority: 1")).error().where, "spec.schedule.priority");
}

TEST_F(QueueTest, ExplainTellsWhatDecidesAndWhatWouldChangeIt) {
  fill_hub();
  ASSERT_TRUE(apply(kOperator, kQueues));
  ASSERT_TRUE(apply(kCity, job("city", "wide", "8")));
  ASSERT_TRUE(apply(kCity, job("city", "capped", "3", "queue: models, run_time_max: 1h")));
  const auto wide = explain(kCity, "city", "wide");
  ASSERT_TRUE(wide) << wide.error().text();
  EXPECT_NE(wide->text().find("It waits in queue domain (policy weir)"), std::string::npos) << wide->text();
  EXPECT_NE(wide->text().find("What decides: 8 cores needed at hub, 0 cores free."), std::string::npos)
      << wide->text();
  EXPECT_NE(wide->text().find("Estimated start: "), std::string::npos) << wide->text();
  EXPECT_NE(wide->text().find("in 1 h"), std::string::npos) << wide->text();
  EXPECT_NE(wide->text().find("It would start with 8 cores less"), std::string::npos) << wide->text();
  const auto capped = explain(kCity, "city", "capped");
  ASSERT_TRUE(capped);
  EXPECT_NE(capped->text().find("3 cores needed, queue models may use 2 cores more"), std::string::npos)
      << capped->text();
  EXPECT_NE(capped->text().find("maximum.cpu"), std::string::npos) << capped->text();
}

TEST_F(QueueTest, WhatIfOfPlaces) {
  ASSERT_TRUE(apply(kCity, job("city", "other", "1")));
  ASSERT_TRUE(apply(kCity, job("city", "mover", "1")));
  brain.decide();
  const auto refused = [&](const std::string& change) {
    const auto answer = explain(kCity, "city", "mover", {change});
    EXPECT_TRUE(answer) << answer.error().text();
    return answer ? answer->what_if().why() : "";
  };
  const auto near = explain(kCity, "city", "mover", {"near=other"});
  ASSERT_TRUE(near) << near.error().text();
  ASSERT_EQ(near->now().sites_size(), 1);
  const std::string stands = near->now().sites(0);
  EXPECT_EQ(near->what_if().state(), "placed");
  EXPECT_NE(refused("regions=4").find("where.regions asks for 4"), std::string::npos) << refused("regions=4");
  EXPECT_NE(refused("speed_min=9").find("has a core of at least 9 of the reference core"), std::string::npos) << refused("speed_min=9");
  EXPECT_EQ(explain(kCity, "city", "mover", {"apart_from=other"})->what_if().state(), "placed");
  EXPECT_NE(explain(kCity, "city", "mover", {"apart_from=other"})->what_if().sites(0), stands);
  EXPECT_EQ(explain(kCity, "city", "mover", {"tolerates=noisy,old"})->what_if().state(), "placed");
  EXPECT_EQ(explain(kCity, "city", "mover", {"at_data=true"}).error().where, "what_if spec.where.at_data");
  EXPECT_EQ(explain(kCity, "city", "mover", {"at_data=perhaps"}).error().text(),
            "what_if \"at_data=perhaps\": \"perhaps\" is not true or false");
  EXPECT_EQ(explain(kCity, "city", "mover", {"near=nobody"}).error().code, ErrorCode::kNotFound);
}

TEST_F(QueueTest, WhatIfDecidesOnACopy) {
  fill_hub();
  ASSERT_TRUE(apply(kCity, job("city", "wide", "8")));
  const Position version = brain.durable()->version();
  const auto smaller = explain(kCity, "city", "wide", {"cpu=2"});
  ASSERT_TRUE(smaller) << smaller.error().text();
  EXPECT_EQ(smaller->now().state(), "waiting");
  EXPECT_EQ(smaller->what_if().state(), "placed");
  ASSERT_EQ(smaller->what_if().sites_size(), 1);
  EXPECT_EQ(smaller->what_if().sites(0), "metro");
  EXPECT_GT(smaller->what_if().billed_per_hour_nanocredits(), 0);
  const auto later = explain(kCity, "city", "wide", {"schedule.deadline=+2h", "run_time_max=30m"});
  ASSERT_TRUE(later) << later.error().text();
  EXPECT_EQ(later->what_if().state(), "waiting");
  EXPECT_EQ(later->what_if().waiting().reason(), "room");
  EXPECT_EQ(brain.durable()->version(), version);
  EXPECT_EQ(status("city", "wide").state(), "waiting");

  EXPECT_EQ(explain(kCity, "city", "wide", {"deadlin=+2h"}).error().text(),
            "what_if \"deadlin=+2h\": no field \"deadlin\" can be set; did you mean deadline?");
  EXPECT_EQ(explain(kCity, "city", "wide", {"deadline"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(explain(kCity, "city", "wide", {"deadline=+2"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(explain(kCity, "city", "wide", {"latency=never"}).error().where, "what_if spec.promise.latency");
  EXPECT_EQ(explain(kCity, "city", "wide", {"priority=high"}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(explain(kRival, "city", "wide", {"cpu=2"}).error().code, ErrorCode::kNotFound);
}

TEST_F(QueueTest, WhoGivesWayToWhomIsToldToBoth) {
  ASSERT_TRUE(apply(kOperator, "apiVersion: weir/v1\nkind: Queue\nmetadata: {name: domain}\nspec: {priority_max: 10}\n"));
  fill_hub();
  ASSERT_TRUE(apply(kCity, job("city", "wide", "8")));
  EXPECT_EQ(status("city", "wide").waiting().reason(), "room");
  const auto raised = explain(kCity, "city", "wide", {"priority=5"});
  ASSERT_TRUE(raised) << raised.error().text();
  EXPECT_EQ(raised->what_if().waiting().reason(), "preempting");
  EXPECT_EQ(raised->what_if().why(), "city/first makes room for it at hub");
  ASSERT_TRUE(apply(kRival, job("rival", "urgent", "8", "priority: 5, run_time_max: 1h")));
  EXPECT_EQ(status("rival", "urgent").waiting().reason(), "preempting");

  const auto graph = brain.durable();
  const IntentId first = graph->find_intent("city", "first"), urgent = graph->find_intent("rival", "urgent");
  brain.record("brain", JobPreempted{.intent = first,
                                     .plan = graph->intent(first).active->position,
                                     .by = urgent,
                                     .why = "priority 5 over 0",
                                     .site = graph->find_site("hub"),
                                     .lost_us = 90'000'000,
                                     .cost = kCredit / 4,
                                     .victims = 1,
                                     .cost_all = kCredit / 4,
                                     .spared_by_priority = 2});
  const v1::Intent::Status gave = status("city", "first");
  EXPECT_EQ(gave.state(), "waiting");
  EXPECT_EQ(gave.preemptions(), 1u);
  EXPECT_EQ(gave.preempted().job(), "rival/urgent");
  EXPECT_EQ(gave.preempted().site(), "hub");
  EXPECT_EQ(gave.preempted().lost_us(), 90'000'000);
  const v1::Intent::Status took = status("rival", "urgent");
  ASSERT_EQ(took.preempts_size(), 1);
  EXPECT_EQ(took.preempts(0).job(), "city/first");
  EXPECT_EQ(took.waiting().reason(), "preempting");
  EXPECT_EQ(get(kOperator, "queue", "domain")->resource().queue().status().use().preemptions(), 1u);
  const auto told = explain(kCity, "city", "first");
  ASSERT_TRUE(told) << told.error().text();
  for (const char* part : {"It was preempted 1 time, at 2027-01-15T08:00:00Z for a job of another tenant: priority 5 over 0.",
                           "Lost at most 1 min 30 s of its work, all since it began, as it writes no checkpoints",
                           "No other that was looked at there costs less.", "2 of equal or higher priority"}) {
    EXPECT_NE(told->text().find(part), std::string::npos) << part << " is not in:\n" << told->text();
  }
  const std::string chinese = explain(kCity, "city", "first", {}, "zh")->text();
  for (const char* part : {"它被抢占了 1 次，在 2027-01-15T08:00:00Z，让位给其他租户的一个作业（账本所记的原因：priority 5 over 0）。\n",
                           "它最多损失了 1 min 30 s 的工作，即开始以来的全部，因为它不写检查点：作价 0.25 信用点。\n在那里看过的作业中，没有别的代价更小。\n",
                           "占着所缺资源而没有被动的作业：2 个优先级相同或更高。\n"}) {
    EXPECT_NE(chinese.find(part), std::string::npos) << part << " is not in:\n" << chinese;
  }
  EXPECT_NE(explain(kOperator, "rival", "urgent", {}, "zh")->text().find("city/first 在 hub 为它让了位，损失的工作作价 0.25 信用点。\n"), std::string::npos);
  const auto why = explain(kOperator, "rival", "urgent");
  ASSERT_TRUE(why);
  EXPECT_NE(why->text().find("What decides: city/first makes room for it at hub."), std::string::npos) << why->text();
  EXPECT_NE(why->text().find("city/first gave way to it at hub, at a price of 0.25 credits of lost work."), std::string::npos)
      << why->text();
}

TEST_F(QueueTest, BestEffortWorkSaysWhatItWaitsForAndWhyItMadeWay) {
  std::string yaml = job("city", "sift", "6");
  yaml.replace(yaml.find("memory: 256Mi"), 13, "memory: 256Mi, best_effort: true");
  fill_hub();
  ASSERT_TRUE(apply(kCity, yaml));
  EXPECT_EQ(status("city", "sift").state(), "pending");
  brain.decide();
  const v1::Intent::Status waits = status("city", "sift");
  EXPECT_EQ(waits.state(), "waiting");
  EXPECT_EQ(waits.waiting().reason(), "spare");
  EXPECT_EQ(waits.waiting().queue(), "-");
  EXPECT_NE(waits.why().find("to spare"), std::string::npos) << waits.why();
  EXPECT_EQ(get(kOperator, "queue", "domain")->resource().queue().status().use().jobs_waiting(), 0u);
  const auto told = explain(kCity, "city", "sift");
  ASSERT_TRUE(told);
  EXPECT_NE(told->text().find("It is best-effort work: it waits in no queue"), std::string::npos) << told->text();
  EXPECT_EQ(told->text().find("ahead of it"), std::string::npos) << told->text();

  const auto graph = brain.durable();
  const SiteId hub = graph->find_site("hub");
  const NodeId node(graph->nodes(hub)[0].first);
  brain.record("brain", ReclaimableMeasured{hub, {{node, 7000, 0}}});
  brain.decide();
  EXPECT_TRUE(status("city", "sift").has_plan());
  const auto machine = get(kOperator, "node", std::to_string(node.value));
  ASSERT_TRUE(machine) << machine.error().text();
  EXPECT_EQ(machine->resource().node().cpu_milli_best_effort(), 6000);
  EXPECT_EQ(machine->resource().node().cpu_milli_spare(), 1000);
  EXPECT_EQ(machine->resource().node().cpu_milli_free(), 0);

  const IntentId sift = graph->find_intent("city", "sift");
  brain.record("brain", JobPreempted{.intent = sift,
                                     .plan = brain.durable()->intent(sift).active->position,
                                     .why = "node n at hub needs what it had borrowed",
                                     .victims = 1});
  const auto why = explain(kCity, "city", "sift");
  ASSERT_TRUE(why);
  EXPECT_NE(why->text().find("Z: node n at hub needs what it had borrowed."), std::string::npos) << why->text();
}

TEST_F(QueueTest, WhatIfAlsoAnswersForServices) {
  brain.record("op", IntentSubmitted{IntentId(0u), TenantId(0u), 1, brain.cameras()});
  brain.decide();
  const auto tighter = explain(kCity, "city", "cameras", {"promise.latency=2ms"});
  ASSERT_TRUE(tighter) << tighter.error().text();
  EXPECT_EQ(tighter->now().state(), "placed");
  EXPECT_EQ(tighter->what_if().state(), "refused");
  ASSERT_GT(tighter->what_if().reasons_size(), 0);
}

TEST_F(QueueTest, ATenantSeesItsOwnShareAndNoNamesOfOthers) {
  fill_hub();
  ASSERT_TRUE(apply(kCity, job("city", "wide", "8")));
  ASSERT_TRUE(apply(kRival, job("rival", "late", "8", "run_time_max: 2h")));
  const auto all = get(kOperator, "queue", "domain");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->resource().queue().status().tenants_size(), 2);
  EXPECT_EQ(all->resource().queue().status().use().jobs_waiting(), 2u);
  EXPECT_EQ(all->resource().queue().status().use().jobs_running(), 1u);
  const auto own = get(kRival, "queue", "domain");
  ASSERT_TRUE(own);
  ASSERT_EQ(own->resource().queue().status().tenants_size(), 1);
  EXPECT_EQ(own->resource().queue().status().tenants(0).tenant(), "rival");
  const auto why = explain(kRival, "rival", "late");
  ASSERT_TRUE(why);
  EXPECT_EQ(why->text().find("city/"), std::string::npos) << why->text();
}

TEST_F(QueueTest, AReservationIsMadeShownAndCancelled) {
  const auto text = [](const std::string& from, const std::string& to) {
    return "apiVersion: weir/v1\nkind: Reservation\nmetadata: {name: night, tenant: city}\nspec: {site: hub, "
           "amount: "
           "{cpu: \"2\", memory: 1Gi}, from: " +
           from + ", to: " + to + "}\n";
  };
  // The brain's clock stands at 2027-01-15T08:00:00Z.
  const std::string night = text("2027-01-15T18:00:00Z", "2027-01-15T20:00:00Z");
  EXPECT_EQ(apply(kCity, night).error().code, ErrorCode::kDenied);
  EXPECT_EQ(apply(kOperator, text("2027-01-14T18:00:00Z", "2027-01-14T20:00:00Z")).error().code,
            ErrorCode::kInvalid);
  const auto made = apply(kOperator, night);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(made->results(0).action(), "created");
  const auto shown = get(kCity, "reservation", "night");
  ASSERT_TRUE(shown) << shown.error().text();
  EXPECT_EQ(shown->resource().reservation().status().state(), "planned");
  EXPECT_EQ(shown->resource().reservation().spec().site(), "hub");
  EXPECT_EQ(get(kRival, "reservation", "night", "city").error().code, ErrorCode::kNotFound);
  ASSERT_TRUE(apply(kCity, job("city", "nightly", "1", "reservation: night, run_time_max: 1h")));
  EXPECT_EQ(status("city", "nightly").why(), "reservation night opens at 2027-01-15T18:00:00Z");
  v1::DeleteRequest gone;
  gone.set_kind("reservation");
  gone.set_name("night");
  gone.set_tenant("city");
  EXPECT_FALSE(change<>(kRival, gone, &Service::remove));
  ASSERT_TRUE(change<>(kCity, gone, &Service::remove));
  EXPECT_EQ(change<>(kCity, gone, &Service::remove).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(list(kOperator, "reservations")->items_size(), 0);
}

TEST_F(QueueTest, BandwidthIsReservedAndOthersAreToldWhatKeepsIt) {
  const auto text = [](const std::string& name, const std::string& rates) {
    return "apiVersion: weir/v1\nkind: Reservation\nmetadata: {name: " + name + ", tenant: city}\nspec: {site: hub, ingress: street, " +
           rates + ", from: 2027-01-15T18:00:00Z, to: 2027-01-15T20:00:00Z}\n";
  };
  ASSERT_TRUE(apply(kOperator, text("night", "up: 900Mbps, down: 10Mbps")));
  const auto shown = get(kCity, "reservation", "night");
  ASSERT_TRUE(shown) << shown.error().text();
  const v1::Reservation& night = shown->resource().reservation();
  EXPECT_EQ(night.spec().ingress(), "street");
  EXPECT_EQ(night.spec().up(), "900Mbps");
  EXPECT_EQ(night.spec().down(), "10Mbps");
  ASSERT_EQ(night.status().path_size(), 2);
  EXPECT_EQ(night.status().path(0), "street-core");
  EXPECT_EQ(night.status().path(1), "hub-core");
  const auto more = apply(kOperator, text("other", "up: 200Mbps"));
  ASSERT_FALSE(more);
  EXPECT_NE(more.error().text().find("no path from street to hub has 200Mbps free throughout the window; link street-core has "
                                     "100Mbps towards core at worst"),
            std::string::npos)
      << more.error().text();
  const auto tried = apply(kCity, R"(
apiVersion: weir/v1
kind: Intent
metadata: {name: wide, tenant: city}
spec:
  from: [{site: street, streams: 1}]
  workload:
    service: {artifact: detector, port: 8080, cpu: 1, memory: 256Mi, streams_per_instance: 1}
    traffic: {up: 200Mbps, down: 1Mbps}
)", true);
  ASSERT_TRUE(tried) << tried.error().text();
  ASSERT_GT(tried->results(0).reasons_size(), 0);
  std::string said;
  for (const std::string& reason : tried->results(0).reasons()) said += reason + "\n";
  EXPECT_NE(said.find("with only 100Mbps of 200Mbps: reservations keep 900Mbps of link street-core until 2027-01-15T20:00:00Z"),
            std::string::npos)
      << said;
}

TEST_F(QueueTest, PoliciesSayWhatCanBeSet) {
  const auto all = list(kCity, "policies");
  ASSERT_TRUE(all);
  ASSERT_GT(all->items_size(), 2);
  EXPECT_EQ(all->items(0).policy().name(), "weir");
  EXPECT_GT(all->items(0).policy().parameters_size(), 0);
  EXPECT_TRUE(get(kCity, "policy", "fcfs"));
}

TEST_F(QueueTest, ANodeIsCordonedByWhoMayDrainItsSite) {
  v1::CordonRequest request;
  request.set_site("hub");
  request.set_node("n0");
  EXPECT_EQ(change<>(kCity, request, &Service::cordon).error().code, ErrorCode::kDenied);
  ASSERT_TRUE(change<>(kHub, request, &Service::cordon));
  const auto node = get(kOperator, "node", "2");
  ASSERT_TRUE(node);
  EXPECT_TRUE(node->resource().node().cordoned());
  v1::UncordonRequest back;
  back.set_node("2");
  ASSERT_TRUE(change<>(kOperator, back, &Service::uncordon));
  EXPECT_FALSE(get(kOperator, "node", "2")->resource().node().cordoned());
  back.set_node("99");
  EXPECT_EQ(change<>(kOperator, back, &Service::uncordon).error().code, ErrorCode::kNotFound);
}

// ---- arrays ------------------------------------------------------------------------------------------

TEST_F(QueueTest, AnArrayIsOneRowThatSaysHowFarItIs) {
  fill_hub();
  ASSERT_TRUE(apply(kCity, job("city", "render", "2", "tasks: 10000, run_time: 2m, run_time_max: 5m")));
  const Snapshot graph = brain.durable();
  const IntentId array = graph->find_intent("city", "render");
  const auto first = static_cast<uint32_t>(graph->intent_count());
  for (uint32_t task = 0; task < 4; ++task) {
    brain.record("brain", IntentSubmitted{IntentId(first + task), TenantId(0u), 1, {}, array, task});
  }
  brain.record("brain", IntentWithdrawn{IntentId(first), true});
  v1::Intent::Status shown = status("city", "render");
  EXPECT_EQ(shown.tasks().finished(), 1u);
  EXPECT_EQ(shown.tasks().waiting(), 9'999u);
  EXPECT_EQ(list(kCity, "jobs")->items_size(), 2) << "its tasks are not listed";
  const auto tasks = list(kCity, "tasks");
  ASSERT_TRUE(tasks) << tasks.error().text();
  ASSERT_EQ(tasks->items_size(), 4);
  EXPECT_EQ(tasks->items(1).intent().metadata().name(), "render.1");
  EXPECT_EQ(tasks->items(1).intent().status().array(), "render");
  EXPECT_EQ(tasks->items(1).intent().status().task(), 1u);
  EXPECT_FALSE(tasks->items(1).intent().spec().schedule().has_tasks());
  v1::ListRequest some;
  some.set_kind("tasks");
  some.set_filter("intent=render");
  EXPECT_EQ(service.list(kCity, some)->items_size(), 4);
  some.set_filter("intent=train");
  EXPECT_EQ(service.list(kCity, some)->items_size(), 0);
  EXPECT_EQ(status("city", "render.0").state(), "finished");
  EXPECT_FALSE(get(kRival, "intent", "render.0", "city"));
  const auto text = explain(kCity, "city", "render");
  ASSERT_TRUE(text) << text.error().text();
  EXPECT_NE(text->text().find("It is an array of 10000 tasks: 1 finished, 9999 waiting.\nIts next task is render.1.\n"), std::string::npos)
      << text->text();
  EXPECT_NE(explain(kCity, "city", "render.2")->text().find("It is task 2 of the array render of 10000.\n"), std::string::npos);
  EXPECT_NE(explain(kCity, "city", "render.2", {}, "zh")->text().find("它是数组 render 的第 2 个任务，共 10000 个。\n"), std::string::npos);
  const std::string chinese = explain(kCity, "city", "render", {}, "zh")->text();
  EXPECT_NE(chinese.find("它是有 10000 个任务的数组：1 个已完成，9999 个等待。\n下一个任务是 render.1。\n"), std::string::npos) << chinese;
  const auto supposed = explain(kCity, "city", "render", {"cpu=1"});
  ASSERT_TRUE(supposed) << supposed.error().text();
  EXPECT_EQ(supposed->now().state(), "waiting") << "two before it begin at metro";
  EXPECT_EQ(supposed->what_if().state(), "placed") << supposed->what_if().why();
  const auto nothing = explain(kCity, "city", "render", {"tasks=9000"});
  ASSERT_TRUE(nothing) << nothing.error().text();
  EXPECT_EQ(nothing->what_if().SerializeAsString(), nothing->now().SerializeAsString()) << "of one task that changes nothing";
  EXPECT_EQ(explain(kCity, "city", "render", {"cpu=900"})->what_if().state(), "refused") << "no machine has so many";
  const auto one = explain(kCity, "city", "render.2", {"cpu=1"});
  EXPECT_EQ(one.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(one.error().remedy, "ask about render");
  EXPECT_EQ(explain(kCity, "city", "render", {"tasks=4"}).error().what, "all its tasks were submitted, and keep what was said then");
  EXPECT_EQ(status("city", "render").tasks().waiting(), 9'999u) << "nothing came of it";
  EXPECT_EQ(get(kOperator, "queue", "domain")->resource().queue().status().use().jobs_waiting(), 9'997u) << "two begin at metro";
}

TEST_F(QueueTest, AnArrayThatWaitsSaysWhatItsNextTaskWaitsFor) {
  fill_hub();
  ASSERT_TRUE(apply(kCity, job("city", "wide", "8", "tasks: 3, run_time_max: 1h")));
  const IntentId array = brain.durable()->find_intent("city", "wide");
  const IntentId task(brain.durable()->intent_count());
  brain.record("brain", IntentSubmitted{task, TenantId(0u), 1, {}, array, 0});
  const v1::Intent::Status shown = status("city", "wide");
  EXPECT_EQ(shown.state(), "waiting");
  EXPECT_EQ(shown.why(), status("city", "wide.0").why());
  EXPECT_GT(shown.waiting().estimated_start(), brain.clock.wall_us());
  EXPECT_EQ(shown.tasks().estimated_end(), 0) << "none runs";
  // Half as wide the next would begin at once; those that wait already keep what was said.
  const auto narrower = explain(kCity, "city", "wide", {"cpu=1"});
  ASSERT_TRUE(narrower) << narrower.error().text();
  EXPECT_EQ(narrower->now().state(), "waiting");
  EXPECT_EQ(narrower->what_if().state(), "placed") << narrower->what_if().why();
  EXPECT_FALSE(explain(kCity, "city", "wide", {"cpu=0"})) << "as an array could not be";
}

TEST_F(QueueTest, AnArrayThatEndedBadlyIsShownUntilItIsDeleted) {
  ASSERT_TRUE(apply(kCity, job("city", "render", "2", "tasks: 2")));
  const IntentId array = brain.durable()->find_intent("city", "render");
  const auto first = static_cast<uint32_t>(brain.durable()->intent_count());
  for (uint32_t task = 0; task < 2; ++task) {
    brain.record("brain", IntentSubmitted{IntentId(first + task), TenantId(0u), 1, {}, array, task});
    brain.record("brain", IntentWithdrawn{IntentId(first + task), task == 0, task == 0 ? "" : "it ran over its longest run time"});
  }
  brain.record("brain", IntentWithdrawn{array, false, "1 of 2 tasks did not end well"});
  EXPECT_EQ(status("city", "render").state(), "failed");
  EXPECT_EQ(status("city", "render").tasks().failed(), 1u);
  EXPECT_EQ(list(kCity, "jobs")->items_size(), 1);
  v1::DeleteRequest gone;
  gone.set_kind("intent");
  gone.set_name("render");
  ASSERT_TRUE(change<>(kCity, gone, &Service::remove));
  EXPECT_EQ(list(kCity, "jobs")->items_size(), 0);
  EXPECT_FALSE(change<>(kCity, gone, &Service::remove));
}

TEST_F(QueueTest, AJobThatWaitsForACheaperHourSaysForWhichAndWhatItSaves) {
  const TimeUs now = brain.clock.wall_us();
  const TimeUs cheap = (now / 3'600'000'000 + 3) * 3'600'000'000;
  SiteSpec hub = brain.durable()->site_spec(SiteId(2u));
  hub.hours.assign(24, HourRate{});
  hub.hours[static_cast<size_t>(cheap / 3'600'000'000 % 24)].asks_milli = 620;
  brain.record("op", SiteDefined{SiteId(2u), VertexId(3u), hub});
  const auto dry = apply(kCity, job("city", "patient", "2", "run_time_max: 1h, start_slack: 5h"), true);
  ASSERT_TRUE(dry) << dry.error().text();
  EXPECT_EQ(dry->results(0).waiting().reason(), "cheaper-later");
  ASSERT_TRUE(apply(kCity, job("city", "patient", "2", "run_time_max: 1h, start_slack: 5h")));
  const v1::Intent::Status waits = status("city", "patient");
  EXPECT_EQ(waits.state(), "waiting");
  EXPECT_EQ(waits.waiting().reason(), "cheaper-later");
  EXPECT_EQ(waits.waiting().estimated_start(), cheap);
  EXPECT_EQ(waits.waiting().saves_ppm(), 380'000);
  const auto told = explain(kCity, "city", "patient");
  ASSERT_TRUE(told);
  EXPECT_NE(told->text().find(", when an hour of it costs 38% less."), std::string::npos) << told->text();
  EXPECT_NE(told->text().find("without schedule.start_slack"), std::string::npos) << told->text();
  brain.record("brain", HourBegan{static_cast<int32_t>(cheap / 3'600'000'000 % 24)});
  const auto price = get(kOperator, "price", "core.hub");
  ASSERT_TRUE(price) << price.error().text();
  EXPECT_EQ(price->resource().price().ask_nanocredits(), 200'000'000);
  EXPECT_EQ(price->resource().price().job_ask_nanocredits(), 124'000'000);
}

TEST_F(QueueTest, AJobIsToldHowLongItIsPredictedToRun) {
  ASSERT_TRUE(apply(kCity, job("city", "first", "2", "run_time: 1h")));
  brain.decide();
  const RunId run = brain.durable()->intent(IntentId(0u)).active->run(0);
  brain.record("site/hub", RunStateChanged{run, IntentId(0u), RunState::kRunning, 0, ""});
  brain.clock.wall += 180'000'000;
  brain.record("site/hub", RunStateChanged{run, IntentId(0u), RunState::kExited, 0, ""});
  brain.record("brain", IntentWithdrawn{IntentId(0u), true, ""});
  ASSERT_TRUE(apply(kCity, job("city", "second", "8", "run_time: 1h")));
  EXPECT_EQ(status("city", "second").predicted_run_us(), 180'000'000);
  EXPECT_EQ(status("city", "second").expected_run_us(), 3'600'000'000);
  auto told = explain(kCity, "city", "second");
  ASSERT_TRUE(told);
  EXPECT_NE(told->text().find("The last ones like it, two at most, ran 3 min"), std::string::npos) << told->text();
  ASSERT_TRUE(apply(kOperator, "apiVersion: weir/v1\nkind: Queue\nmetadata: {name: domain}\nspec: {predict_run_times: true}\n"));
  EXPECT_EQ(status("city", "second").expected_run_us(), 180'000'000);
  told = explain(kCity, "city", "second");
  ASSERT_TRUE(told);
  EXPECT_NE(told->text().find("It is predicted to run 3 min, by the last ones like it, two at most; it says 1 h."), std::string::npos) << told->text();
  const std::string chinese = explain(kCity, "city", "second", {}, "zh")->text();
  EXPECT_NE(chinese.find("按最近与它相像的作业（最多看两个）预测，它要运行 3 min；它自己估计 1 h。\n"), std::string::npos) << chinese;
}

}  // namespace
}  // namespace weir::gateway
