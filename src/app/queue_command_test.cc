// What people see of queues and of the jobs in them.
#include "app/command_test.h"
#include "app/table.h"

namespace weir::app {
namespace {

// A job of 8 cores runs at the hub and another waits for them, below a queue of queues.
class QueueCommandTest : public CommandTest {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    const std::string path = (folder / name).string();
    std::ofstream(path) << text;
    return path;
  }
  std::string job(const std::string& tenant, const std::string& name, const std::string& cpu,
                  const std::string& schedule = "run_time_max: 1h") {
    return file(name + ".yaml", "apiVersion: weir/v1\nkind: Intent\nmetadata: {name: " + name + ", tenant: " +
                                    tenant + "}\nspec:\n  workload: {job: {artifact: train, cpu: \"" + cpu +
                                    "\", memory: 256Mi}}\n  schedule: {" + schedule + "}\n");
  }
  void fill() {
    serve();
    const std::string queues = file("queues.yaml", R"(
apiVersion: weir/v1
kind: Queue
metadata: {name: research}
spec: {policy: fcfs, weight: 2}
---
apiVersion: weir/v1
kind: Queue
metadata: {name: models}
spec: {parent: research, maximum: {cpu: "2"}}
)");
    ASSERT_EQ(weir({"apply", "-f", queues}).code, kExitOk);
    ASSERT_EQ(weir({"apply", "-f", job("city", "first", "8")}).code, kExitOk);
    brain.decide();
    const Outcome wide = weir({"apply", "-f", job("city", "wide", "8")});
    EXPECT_EQ(wide.out,
              "Intent city/wide created (generation 1), waiting:\n  8 cores needed at hub, 0 cores free\n");
    ASSERT_EQ(weir({"apply", "-f", job("rival", "capped", "3", "queue: models, run_time_max: 2h")}).code,
              kExitOk);
  }
  static void expect_narrow(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), kTableWidth) << line;
  }
};

TEST_F(QueueCommandTest, ATaskIsNamedWithItsTenant) {
  serve();
  ASSERT_EQ(weir({"apply", "-f", job("city", "render", "1", "tasks: 2, run_time_max: 1h")}).code, kExitOk);
  const IntentId array = brain.durable()->find_intent("city", "render");
  brain.record("brain", IntentSubmitted{IntentId(brain.durable()->intent_count()), TenantId(0u), 1, {}, array, 0});
  const Outcome task = weir({"get", "task/city/render.0"});
  EXPECT_EQ(task.code, kExitOk) << task.error;
  EXPECT_NE(task.out.find("render.0"), std::string::npos) << task.out;
}

TEST_F(QueueCommandTest, QueuesAreATreeWithTheirShares) {
  fill();
  const Outcome table = weir({"get", "queues"});
  ASSERT_EQ(table.code, kExitOk) << table.error;
  expect_narrow(table.out);
  std::istringstream lines(table.out);
  std::vector<std::string> row(7);
  for (std::string& line : row) std::getline(lines, line);
  EXPECT_EQ(row[0].find("QUEUE"), 0u) << table.out;
  EXPECT_NE(row[0].find("SHARE"), std::string::npos);
  EXPECT_NE(row[0].find("DUE"), std::string::npos);
  EXPECT_NE(row[0].find("OLDEST WAIT"), std::string::npos);
  EXPECT_EQ(row[1].find("domain "), 0u) << table.out;
  EXPECT_NE(row[1].find("64%"), std::string::npos) << "8 of 12.5 cores: " << table.out;
  EXPECT_EQ(row[2].find("  tenant city "), 0u) << table.out;
  EXPECT_EQ(row[3].find("  research "), 0u) << table.out;
  EXPECT_NE(row[3].find("fcfs"), std::string::npos) << table.out;
  EXPECT_EQ(row[4].find("    models "), 0u) << table.out;
  EXPECT_EQ(row[5].find("      tenant rival "), 0u) << table.out;
  EXPECT_NE(weir({"get", "queues", "-o", "wide"}).out.find("2 cores"), std::string::npos);
  EXPECT_NE(weir({"get", "queue/models", "-o", "yaml"}).out.find("parent: research"), std::string::npos);
  EXPECT_NE(weir({"get", "queue/models", "-o", "json"}).out.find("\"jobs_waiting\""), std::string::npos);
  // A tenant sees itself alone.
  EXPECT_EQ(weir({"get", "queues", "--context", "city"}).out.find("rival"), std::string::npos);
}

TEST_F(QueueCommandTest, JobsSayWhyTheyWaitAndUntilWhen) {
  fill();
  const Outcome table = weir({"get", "jobs"});
  ASSERT_EQ(table.code, kExitOk) << table.error;
  expect_narrow(table.out);
  EXPECT_NE(table.out.find("waiting"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("2027-01-15T09:00Z"), std::string::npos)
      << "an hour after the first: " << table.out;
  EXPECT_NE(table.out.find("cores needed"), std::string::npos) << table.out;
  const Outcome intents = weir({"get", "intents"});
  EXPECT_NE(intents.out.find("city/wide: 8 cores needed at hub, 0 cores free."), std::string::npos)
      << intents.out;
  EXPECT_NE(weir({"get", "jobs", "-o", "wide"}).out.find("PRIORITY"), std::string::npos);
  EXPECT_EQ(weir({"wait", "intent/city/wide", "--for", "waiting"}).code, kExitOk);
  EXPECT_EQ(weir({"wait", "intent/city/wide", "--for", "running", "--timeout", "10ms"}).code, kExitTimeout)
      << "waiting is not hopeless";
}

TEST_F(QueueCommandTest, ADryRunSaysThatAJobWouldWait) {
  fill();
  const Outcome tried = weir({"apply", "--dry-run", "-f", job("rival", "more", "3", "queue: models, run_time_max: 2h")});
  EXPECT_EQ(tried.code, kExitOk) << tried.error;
  expect_narrow(tried.out);
  EXPECT_EQ(tried.out.find("Intent rival/more would be created (generation 1)\nIt would wait in queue models: 3 cores needed, "
                           "queue models may use 2 cores\n  more. 1 job is tried before it.\n"), 0u) << tried.out;
}

TEST_F(QueueCommandTest, WhatRanTooLongIsSaidToHaveFailed) {
  fill();
  const IntentId first = brain.durable()->find_intent("city", "first");
  const Position plan = brain.durable()->intent(first).active->position;
  brain.record("brain", IntentWithdrawn{first, false, "it ran over its longest run time of 3 s"});
  brain.record("brain", PlanRetired{first, plan});
  const Outcome table = weir({"get", "jobs"});
  EXPECT_NE(table.out.find("first   failed"), std::string::npos) << table.out;
  const Outcome waited = weir({"wait", "intent/city/first", "--for", "finished", "--timeout", "60s"});
  EXPECT_EQ(waited.code, kExitFailed);
  EXPECT_EQ(waited.error, "weir: intent/first: has failed, and will not be finished: it ran over its longest run time of 3 s\n"
                          "  apply it again to run it anew\n");
  EXPECT_EQ(weir({"wait", "intent/city/first", "--for", "failed"}).code, kExitOk);
  EXPECT_EQ(weir({"delete", "intent", "city/first"}).code, kExitOk);
  EXPECT_EQ(weir({"get", "intent/city/first"}).code, kExitNotFound);
}

TEST_F(QueueCommandTest, WhatAQueueMayNotHaveIsRefusedAtItsLine) {
  fill();
  const Outcome refused = weir({"apply", "-f", file("low.yaml", "apiVersion: weir/v1\nkind: Queue\nmetadata: {name: research}\nspec:\n"
                                                                  "  policy: fcfs\n  maximum:\n    cpu: 1\n")});
  EXPECT_NE(refused.error.find("low.yaml:7: spec.maximum.cpu: its child models has a higher maximum of cpu"), std::string::npos)
      << refused.error;
  const Outcome high = weir({"apply", "-f", job("city", "high", "1", "priority: 5")});
  EXPECT_NE(high.error.find("high.yaml:6: spec.schedule.priority: priority 5 is above"), std::string::npos) << high.error;
}

TEST_F(QueueCommandTest, ExplainSaysWhatWouldChangeItAndTriesIt) {
  fill();
  const Outcome why = weir({"explain", "city/wide"});
  ASSERT_EQ(why.code, kExitOk) << why.error;
  expect_narrow(why.out);
  EXPECT_NE(why.out.find("What decides: 8 cores needed at hub"), std::string::npos) << why.out;
  const Outcome tried = weir({"explain", "city/wide", "--what-if", "deadline=+2h", "--what-if", "cpu=2"});
  ASSERT_EQ(tried.code, kExitOk) << tried.error;
  expect_narrow(tried.out);
  EXPECT_NE(tried.out.find("WITH deadline=+2h, cpu=2"), std::string::npos) << tried.out;
  EXPECT_NE(tried.out.find("waiting"), std::string::npos) << tried.out;
  EXPECT_NE(tried.out.find("placed"), std::string::npos) << tried.out;
  EXPECT_NE(tried.out.find("metro"), std::string::npos) << tried.out;
  const Outcome wrong = weir({"explain", "city/wide", "--what-if", "deadlin=+2h"});
  EXPECT_EQ(wrong.code, kExitUsage);
  EXPECT_NE(wrong.error.find("did you mean deadline?"), std::string::npos) << wrong.error;
}

TEST_F(QueueCommandTest, AJobThatGaveWayCountsHowOften) {
  fill();
  const auto graph = brain.durable();
  const IntentId first = graph->find_intent("city", "first"), wide = graph->find_intent("city", "wide");
  brain.record("brain", JobPreempted{.intent = first,
                                     .plan = graph->intent(first).active->position,
                                     .by = wide,
                                     .why = "priority 5 over 0",
                                     .site = graph->find_site("hub"),
                                     .lost_us = 60'000'000,
                                     .cost = kCredit,
                                     .victims = 1,
                                     .cost_all = kCredit});
  EXPECT_NE(weir({"get", "jobs", "-o", "wide"}).out.find("PREEMPTIONS"), std::string::npos);
  EXPECT_NE(weir({"get", "queues", "-o", "wide"}).out.find("PREEMPTIONS"), std::string::npos);
  const Outcome why = weir({"explain", "city/first"});
  expect_narrow(why.out);
  EXPECT_NE(why.out.find("It was preempted 1 time"), std::string::npos) << why.out;
  EXPECT_NE(why.out.find("city/wide"), std::string::npos) << why.out;
  const Outcome by = weir({"explain", "city/wide"});
  EXPECT_NE(by.out.find("city/first makes room for it at hub"), std::string::npos) << by.out;
  const std::string saves = job("city", "saves", "1", "run_time_max: 8h, checkpoint_every: 15m");
  ASSERT_EQ(weir({"apply", "-f", saves}).code, kExitOk);
  EXPECT_NE(weir({"get", "intent/city/saves", "-o", "yaml"}).out.find("checkpoint_every: 15m"), std::string::npos);
}

TEST_F(QueueCommandTest, PoliciesShowTheirParameters) {
  serve();
  const Outcome table = weir({"get", "policies"});
  ASSERT_EQ(table.code, kExitOk) << table.error;
  expect_narrow(table.out);
  EXPECT_NE(table.out.find("fcfs"), std::string::npos);
  EXPECT_NE(table.out.find("DEFAULT"), std::string::npos);
}

TEST_F(QueueCommandTest, AnUnknownPolicyIsRefusedAtItsLine) {
  serve();
  const std::string path =
      file("bad.yaml", "apiVersion: weir/v1\nkind: Queue\nmetadata: {name: a}\nspec:\n  policy: fcsf\n");
  const Outcome refused = weir({"apply", "-f", path});
  EXPECT_EQ(refused.code, kExitUsage);
  EXPECT_NE(refused.error.find("bad.yaml:5: spec.policy: no policy \"fcsf\""), std::string::npos)
      << refused.error;
}

TEST_F(QueueCommandTest, ReservationsAreMadeListedAndCancelled) {
  serve();
  const std::string path = file("night.yaml", R"(
apiVersion: weir/v1
kind: Reservation
metadata: {name: night, tenant: city}
spec: {site: hub, amount: {cpu: "2", memory: 1Gi}, from: 2027-01-15T18:00:00Z, to: 2027-01-15T20:00:00Z}
)");
  ASSERT_EQ(weir({"apply", "-f", path}).code, kExitOk);
  const Outcome table = weir({"get", "reservations"});
  expect_narrow(table.out);
  EXPECT_NE(table.out.find("2027-01-15T18:00Z"), std::string::npos) << table.out;
  EXPECT_NE(table.out.find("2 cores, 1Gi"), std::string::npos) << table.out;
  EXPECT_EQ(weir({"delete", "reservation", "city/night"}).out, "reservation night cancelled\n");
  EXPECT_EQ(weir({"get", "reservations"}).out, "No reservations.\n");
}

TEST_F(QueueCommandTest, ANodeIsCordonedByItsNameAndItsNumber) {
  serve();
  EXPECT_EQ(weir({"cordon", "hub/n0", "--why", "a loud fan"}).out,
            "node hub/n0 takes nothing new; what runs there goes on\n");
  const Outcome nodes = weir({"get", "nodes"});
  expect_narrow(nodes.out);
  EXPECT_NE(nodes.out.find("cordoned"), std::string::npos) << nodes.out;
  EXPECT_EQ(weir({"uncordon", "node/2"}).out, "node node/2 takes work again\n");
  EXPECT_EQ(weir({"get", "nodes"}).out.find("cordoned"), std::string::npos);
  EXPECT_EQ(weir({"cordon", "hub/none"}).code, kExitNotFound);
}

}  // namespace
}  // namespace weir::app
