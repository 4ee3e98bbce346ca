#include <gtest/gtest.h>

#include "core/graph/checkpoint.h"
#include "core/graph/graph.h"
#include "core/graph/subject.h"

namespace weir {
namespace {

// A site of one node, and the array city/render of 5 tasks as intent 0.
class ArrayTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply(Event{++now, "test", std::move(body)}); }
  void SetUp() override {
    add(DomainCreated{.name = "lab"});
    add(TenantDefined{TenantId(0u), "city"});
    add(TenantDefined{TenantId(1u), "farm"});
    add(SiteDefined{SiteId(0u), VertexId(0u), {.name = "hub"}});
    add(NodesReported{SiteId(0u), NodeId(0u), {NodeSpec{"n0", 4000, 4096, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
    ASSERT_TRUE(add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, array(5)}).effect);
  }
  static IntentSpec array(int32_t tasks) {
    IntentSpec spec{.name = "render", .schedule = {.tasks = tasks}};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = 500;
    return spec;
  }
  static IntentSubmitted task(uint32_t index, IntentId intent, uint32_t generation = 1) {
    return {intent, TenantId(0u), generation, {}, IntentId(0u), index};
  }
  Position place(IntentId intent) {
    Plan plan{.intent = intent, .generation = graph.intent(intent).generation, .basis = graph.version()};
    plan.placements.push_back({.site = SiteId(0u), .node = NodeId(0u), .cpu_milli = 500, .continues = {}});
    EXPECT_TRUE(add(PlanCommitted{plan}).effect);
    return graph.version() - 1;
  }
  const TaskCounts& counts() const { return graph.intent(IntentId(0u)).tasks; }

  Graph graph;
  TimeUs now = 0;
};

TEST_F(ArrayTest, ATaskIsAsItsArraySays) {
  EXPECT_TRUE(is_array(graph.intent(IntentId(0u))));
  ASSERT_TRUE(add(task(0, IntentId(1u))).effect);
  ASSERT_TRUE(add(task(1, IntentId(2u))).effect);
  const IntentRow &parent = graph.intent(IntentId(0u)), &row = graph.intent(IntentId(2u));
  EXPECT_EQ(graph.intent_name(IntentId(2u)), "city/render.1");
  EXPECT_EQ(row.spec, parent.spec) << "shared, not copied";
  EXPECT_EQ(row.array, IntentId(0u));
  EXPECT_EQ(row.task, 1u);
  EXPECT_FALSE(is_array(row));
  EXPECT_EQ(row.submitted_at, parent.submitted_at) << "it waits for as long as its array does";
  EXPECT_EQ(graph.find_task(IntentId(0u), 1), IntentId(2u));
  EXPECT_FALSE(graph.find_task(IntentId(0u), 2).valid());
  EXPECT_EQ(subject_of(graph, Event{1, "brain", task(1, IntentId(2u))}).name, "intent/city/render.1");
}

TEST_F(ArrayTest, CountsWhatBecomesOfItsTasks) {
  for (uint32_t i = 0; i < 5; ++i) ASSERT_TRUE(add(task(i, IntentId(1 + i))).effect);
  EXPECT_EQ(counts(), (TaskCounts{.submitted = 5, .waiting = 5}));
  for (uint32_t i = 1; i <= 3; ++i) place(IntentId(i));
  EXPECT_EQ(counts(), (TaskCounts{.submitted = 5, .waiting = 2, .running = 3}));
  place(IntentId(1u));  // a later plan of the same task
  EXPECT_EQ(counts(), (TaskCounts{.submitted = 5, .waiting = 2, .running = 3}));
  add(JobPreempted{.intent = IntentId(2u), .plan = graph.intent(IntentId(2u)).active->position});
  EXPECT_EQ(counts(), (TaskCounts{.submitted = 5, .waiting = 3, .running = 2}));
  add(IntentWithdrawn{IntentId(1u), true});
  add(IntentWithdrawn{IntentId(3u), false, "it ran over its longest run time"});
  add(IntentWithdrawn{IntentId(4u)});
  EXPECT_EQ(counts(), (TaskCounts{.submitted = 5, .waiting = 2, .finished = 1, .failed = 2}));
  EXPECT_FALSE(all_ended(graph.intent(IntentId(0u))));
  add(IntentWithdrawn{IntentId(1u)});  // forgotten, and done nevertheless
  for (uint32_t i = 1; i <= 5; ++i) add(IntentWithdrawn{IntentId(i), true});
  EXPECT_EQ(counts(), (TaskCounts{.submitted = 5, .finished = 3, .failed = 2}));
  EXPECT_TRUE(all_ended(graph.intent(IntentId(0u))));
}

TEST_F(ArrayTest, WhatIsOutOfTurnHasNoEffect) {
  const auto refused = [this](IntentSubmitted e) {
    const Applied done = add(std::move(e));
    EXPECT_FALSE(done.effect);
    return done.why_not;
  };
  const auto of = [](IntentSubmitted e, IntentId array) { return e.array = array, e; };
  EXPECT_EQ(refused(of(task(0, IntentId(1u)), IntentId(9u))), "unknown array");
  EXPECT_EQ(refused(task(1, IntentId(1u))), "the task is out of turn");
  EXPECT_EQ(refused(task(7, IntentId(1u))), "the task is out of turn");
  EXPECT_EQ(refused(task(0, IntentId(7u))), "the name is taken, or the identifier is out of turn");
  EXPECT_EQ(refused(task(0, IntentId(0u))), "the name is another intent's");
  IntentSubmitted others = task(0, IntentId(1u));
  others.tenant = TenantId(1u);
  EXPECT_EQ(refused(others), "the array is another tenant's");
  ASSERT_TRUE(add(task(0, IntentId(1u))).effect);
  EXPECT_EQ(refused(task(0, IntentId(1u), 2)), "the task is out of turn") << "twice the same";
  EXPECT_EQ(refused(of(task(0, IntentId(2u)), IntentId(1u))), "the intent is no array") << "a task has no tasks";
  for (uint32_t i = 1; i < 5; ++i) ASSERT_TRUE(add(task(i, IntentId(1 + i))).effect);
  EXPECT_EQ(refused(task(5, IntentId(6u))), "the task is out of turn") << "beyond the last";
  IntentSpec named = array(0);
  named.name = "render.1";
  EXPECT_EQ(refused({IntentId(2u), TenantId(0u), 2, named}), "the intent is a task of an array");
  EXPECT_NE(refused({IntentId(0u), TenantId(0u), 2, array(0)}), "") << "it has not ended";
  Plan plan{.intent = IntentId(0u), .generation = 1};
  EXPECT_FALSE(add(PlanCommitted{plan}).effect) << "its tasks have plans";
  add(IntentWithdrawn{IntentId(0u)});
  EXPECT_EQ(refused(task(0, IntentId(1u), 2)), "the array has ended");
}

TEST_F(ArrayTest, CountsAfreshWhenSubmittedAnew) {
  for (uint32_t i = 0; i < 2; ++i) ASSERT_TRUE(add(task(i, IntentId(1 + i))).effect);
  const Position plan = place(IntentId(1u));
  add(IntentWithdrawn{IntentId(0u)});
  ASSERT_TRUE(add(IntentSubmitted{IntentId(0u), TenantId(0u), 2, array(3)}).effect);
  EXPECT_EQ(counts(), TaskCounts{});
  EXPECT_FALSE(add(task(0, IntentId(1u), 2)).effect) << "that of before has not ended";
  add(IntentWithdrawn{IntentId(1u)});
  add(IntentWithdrawn{IntentId(2u)});
  EXPECT_EQ(counts(), TaskCounts{}) << "those of before are not of it";
  ASSERT_TRUE(add(task(0, IntentId(1u), 2)).effect);
  EXPECT_EQ(counts(), (TaskCounts{.submitted = 1, .waiting = 1}));
  EXPECT_TRUE(add(PlanRetired{IntentId(1u), plan}).effect);
  EXPECT_EQ(counts(), (TaskCounts{.submitted = 1, .waiting = 1}));
}

TEST_F(ArrayTest, AnotherWishHoldsForTheTasksToCome) {
  ASSERT_TRUE(add(task(0, IntentId(1u))).effect);
  IntentSpec wider = array(3);
  wider.workload.cpu_milli = 700;
  ASSERT_TRUE(add(IntentSubmitted{IntentId(0u), TenantId(0u), 2, wider}).effect);
  EXPECT_EQ(counts(), (TaskCounts{.submitted = 1, .waiting = 1}));
  ASSERT_TRUE(add(task(1, IntentId(2u))).effect);
  EXPECT_EQ(graph.intent(IntentId(1u)).spec->workload.cpu_milli, 500);
  EXPECT_EQ(graph.intent(IntentId(2u)).spec->workload.cpu_milli, 700);
  ASSERT_TRUE(add(IntentSubmitted{IntentId(0u), TenantId(0u), 3, array(2)}).effect);
  add(IntentWithdrawn{IntentId(1u), true});
  add(IntentWithdrawn{IntentId(2u), true});
  EXPECT_TRUE(all_ended(graph.intent(IntentId(0u)))) << "it is shorter now";
}

TEST_F(ArrayTest, IsKeptInCheckpoints) {
  for (uint32_t i = 0; i < 3; ++i) ASSERT_TRUE(add(task(i, IntentId(1 + i))).effect);
  place(IntentId(1u));
  add(IntentSubmitted{IntentId(0u), TenantId(0u), 2, array(6)});
  add(task(3, IntentId(4u)));
  const auto bytes = encode_graph(graph);
  auto back = decode_graph(bytes);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(encode_graph(*back), bytes);
  EXPECT_EQ(back->intent(IntentId(0u)).tasks, counts());
  EXPECT_EQ(back->intent(IntentId(4u)).spec, back->intent(IntentId(0u)).spec) << "shared again";
  EXPECT_EQ(back->intent(IntentId(1u)).spec->schedule.tasks, 5);
  EXPECT_EQ(back->intent(IntentId(2u)).array, IntentId(0u));
  EXPECT_TRUE(back->apply(Event{99, "brain", task(4, IntentId(5u))}).effect);
}

}  // namespace
}  // namespace weir
