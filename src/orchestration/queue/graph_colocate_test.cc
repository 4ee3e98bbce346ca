#include "orchestration/queue/graph_colocate.h"

#include <gtest/gtest.h>

namespace weir::queue {
namespace {

constexpr TimeUs kWindow = 10'000'000;
constexpr SiteId kSite(0u);
constexpr NodeId kNode(0u), kOther(1u);

// Two nodes of 10 cores and 10,000 MiB, measured every ten seconds of virtual time.
class ColocationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    add(SiteDefined{kSite, VertexId(0u), SiteSpec{.name = "a"}});
    const NodeSpec node{.name = "n", .cpu_milli = 10'000, .memory_mib = 10'000};
    add(NodesReported{kSite, kNode, {node, node}});
    add(SiteStateChanged{kSite, Liveness::kUp, ""});
  }
  void add(EventBody body) {
    const Position at = graph.version();
    ASSERT_TRUE(graph.apply({now, "t", body}).effect);
    colocation.note(graph, body, at);
  }
  IntentId place(int32_t cores, int32_t memory_mib, bool best_effort, std::vector<NodeId> nodes = {kNode}, Schedule schedule = {}) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "i" + std::to_string(id.value), .schedule = std::move(schedule)};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = cores * 1000;
    spec.workload.memory_mib = memory_mib;
    spec.workload.best_effort = best_effort;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    for (const NodeId node : nodes) {
      plan.placements.push_back({.site = kSite, .node = node, .cpu_milli = cores * 1000, .memory_mib = memory_mib,
                                 .continues = {}, .best_effort = best_effort});
    }
    add(PlanCommitted{plan});
    for (size_t k = 0; k < nodes.size(); ++k) add(RunStateChanged{run(id, k), id, RunState::kRunning, 0, ""});
    return id;
  }
  RunId run(IntentId id, size_t k = 0) const { return graph.intent(id).active->run(k); }
  // So often in a row it uses as much as this of each of its runs.
  void use(IntentId id, int64_t cpu_milli, int64_t memory_mib, int times = 1) {
    for (int i = 0; i < times; ++i) {
      for (size_t k = 0; k < graph.intent(id).active->plan.placements.size(); ++k) {
        add(UsageReported{.run = run(id, k), .intent = id, .from = now, .to = now + kWindow,
                          .cpu_us = cpu_milli * kWindow / 1000, .memory_mib_us = memory_mib * kWindow});
      }
      now += kWindow;
    }
  }
  void end(IntentId id) {
    const auto active = graph.intent(id).active;
    for (size_t k = 0; k < active->plan.placements.size(); ++k) add(RunStateChanged{active->run(k), id, RunState::kExited, 0, ""});
    add(IntentWithdrawn{id, true});
    add(PlanRetired{id, active->position});
  }
  // Does what it says until it says no more: who made way, in order, and how often something was measured.
  struct Said {
    std::vector<uint32_t> evicted;
    std::vector<JobPreempted> events;
    int measured = 0;
  };
  Said act() {
    Said out;
    for (auto bodies = colocation.act(graph, now); !bodies.empty(); bodies = colocation.act(graph, now)) {
      for (EventBody& body : bodies) {
        if (const auto* e = std::get_if<JobPreempted>(&body)) {
          out.evicted.push_back(e->intent.value);
          out.events.push_back(*e);
        } else {
          ++out.measured;
        }
        add(std::move(body));
      }
    }
    return out;
  }
  int64_t room_cores() const { return graph.spare_room(kNode).cpu_milli / 1000; }
  using Ids = std::vector<uint32_t>;

  Graph graph;
  Colocation colocation;
  TimeUs now = 1'000'000'000;
};

TEST_F(ColocationTest, ReclaimsWhatIsIdleOnceItWasMeasuredOftenEnough) {
  const IntentId service = place(8, 8000, false);
  place(1, 10, true, {kOther});  // somebody wants it
  use(service, 1000, 1000, 59);
  EXPECT_EQ(act().measured, 0);
  EXPECT_EQ(room_cores(), 2) << "what is free";
  use(service, 1000, 1000);
  EXPECT_EQ(act().measured, 1);
  // 8 less 1 and a margin of 5% of 8, and a bucket.
  EXPECT_GT(graph.spare(kNode).cpu_milli_reclaimed, 6400);
  EXPECT_LE(graph.spare(kNode).cpu_milli_reclaimed, 6600);
  EXPECT_GT(graph.spare(kNode).memory_mib_reclaimed, 6400);
  EXPECT_LE(graph.spare(kNode).memory_mib_reclaimed, 6600);
  EXPECT_EQ(room_cores(), 8);
  EXPECT_EQ(graph.spare(kOther).cpu_milli_reclaimed, 0);
  use(service, 1000, 1000, 60);
  EXPECT_EQ(act().measured, 0) << "nothing has changed";
}

TEST_F(ColocationTest, SaysNothingWhereNobodyWantsIt) {
  const IntentId service = place(8, 8000, false);
  use(service, 1000, 1000, 100);
  EXPECT_EQ(act().measured, 0);
  EXPECT_EQ(colocation.wake(), INT64_MAX);
  place(1, 10, true);
  EXPECT_EQ(act().measured, 1) << "and at once when somebody does";
}

TEST_F(ColocationTest, MoreIsSaidOnceAMinuteAndLessAtOnce) {
  const IntentId first = place(4, 1000, false), second = place(4, 1000, false);
  place(1, 10, true, {kOther});
  use(first, 400, 100, 60);
  EXPECT_EQ(act().measured, 1);
  const int64_t before = graph.spare(kNode).cpu_milli_reclaimed;
  const TimeUs said = now;
  use(second, 400, 100, 60);
  now = said + Colocation::kMeasuredEveryUs - 1;
  EXPECT_EQ(act().measured, 0);
  EXPECT_EQ(colocation.wake(), said + Colocation::kMeasuredEveryUs);
  now = said + Colocation::kMeasuredEveryUs;
  EXPECT_EQ(act().measured, 1);
  EXPECT_EQ(graph.spare(kNode).cpu_milli_reclaimed, 2 * before);
  use(first, 4000, 100, 3);
  now = said + Colocation::kMeasuredEveryUs + 1;
  EXPECT_EQ(act().measured, 1);
  EXPECT_EQ(graph.spare(kNode).cpu_milli_reclaimed, before);
}

TEST_F(ColocationTest, ANewcomerIsTakenToUseAllThatItHas) {
  const IntentId old = place(4, 4000, false);
  place(1, 10, true, {kOther});
  use(old, 100, 100, 60);
  act();
  EXPECT_GE(room_cores(), 9);
  place(5, 1000, false);
  EXPECT_GE(room_cores(), 4);
  EXPECT_LT(room_cores(), 5);
  use(old, 100, 100, 30);
  act();
  EXPECT_LT(room_cores(), 5);
}

TEST_F(ColocationTest, WhoEndsLeavesNothingOfItselfBehind) {
  const IntentId idle = place(5, 4000, false), busy = place(4, 4000, false);
  place(1, 10, true, {kOther});
  for (int i = 0; i < 60; ++i) {
    use(idle, 100, 100);
    use(busy, 4000, 3900);
  }
  act();
  EXPECT_EQ(room_cores(), 5);
  end(idle);
  act();
  EXPECT_EQ(room_cores(), 6) << "of ten, four are used";
  EXPECT_EQ(graph.spare(kNode).cpu_milli_reclaimed, 0);
}

TEST_F(ColocationTest, OrdinaryWorkThatComesHasBestEffortWorkMakeWay) {
  const IntentId low = place(3, 100, true, {kNode}, {.priority = -1});
  const IntentId high = place(3, 100, true, {kNode}, {.priority = 0});
  const IntentId elsewhere = place(3, 100, true, {kOther}, {.priority = -5});
  EXPECT_TRUE(act().evicted.empty()) << "ten cores are enough";
  const IntentId service = place(6, 100, false);
  const Said said = act();
  EXPECT_EQ(said.evicted, Ids({low.value})) << "the lowest priority, and no more than is short";
  EXPECT_EQ(said.events[0].by, service);
  EXPECT_EQ(said.events[0].why, "node n at a needs what it had borrowed");
  EXPECT_EQ(graph.intent(low).state, IntentState::kPending);
  EXPECT_TRUE(act().evicted.empty()) << "what makes way counts as gone";
  const IntentId another = place(2, 100, false);
  EXPECT_EQ(act().evicted, Ids({high.value}));
  EXPECT_EQ(graph.intent(high).preempted->by, another);
  EXPECT_TRUE(graph.intent(elsewhere).active);
}

TEST_F(ColocationTest, GrowingUseTakesBackWhatWasBorrowed) {
  const IntentId service = place(8, 8000, false);
  const IntentId job = place(2, 100, true);
  use(service, 1000, 1000, 60);
  act();
  const IntentId more = place(5, 100, true);
  EXPECT_TRUE(act().evicted.empty());
  use(service, 8000, 1000, 3);
  const Said said = act();
  EXPECT_EQ(said.measured, 1);
  EXPECT_EQ(said.evicted, Ids({more.value})) << "two cores are free still";
  EXPECT_FALSE(said.events[0].by.valid());
  EXPECT_TRUE(graph.intent(job).active);
}

TEST_F(ColocationTest, MemoryIsTakenBackBeforeItRunsOut) {
  const IntentId service = place(1, 9000, false);
  place(1, 10, true, {kOther});
  use(service, 100, 3000, 60);
  act();
  const IntentId job = place(1, 6400, true);
  use(job, 100, 6400);
  EXPECT_TRUE(act().evicted.empty());
  // The figure stands, as so little more says nothing.
  use(service, 100, 3100);  // and 6,400: at the mark of 9,500
  EXPECT_EQ(act().evicted, Ids());
  use(service, 100, 3101);
  const Said said = act();
  EXPECT_EQ(said.measured, 0);
  EXPECT_EQ(said.evicted, Ids({job.value}));
  EXPECT_EQ(said.events[0].why, "node n at a is short of memory");
}

TEST_F(ColocationTest, OfEqualPriorityTheCheapestGoes) {
  const IntentId old = place(4, 100, true);
  now += 3'600'000'000;
  const IntentId fresh = place(4, 100, true);
  now += 1'000'000;
  place(3, 100, false);
  const Said said = act();
  EXPECT_EQ(said.evicted, Ids({fresh.value})) << "the other would lose an hour";
  EXPECT_EQ(said.events[0].lost_us, 1'000'000);
  EXPECT_TRUE(graph.intent(old).active);
}

TEST_F(ColocationTest, AGangMakesWayAsOneAndForAllOfItsNodes) {
  Schedule two{.priority = -1};
  two.instances = 2;
  const IntentId gang = place(6, 100, true, {kNode, kOther}, two);
  place(6, 100, false);
  place(6, 100, false, {kOther});
  EXPECT_EQ(act().evicted, Ids({gang.value}));
}

TEST_F(ColocationTest, ANodeThatBecameSmallerIsLeft) {
  const IntentId job = place(6, 100, true);
  const NodeSpec small{.name = "n", .cpu_milli = 5000, .memory_mib = 10'000};
  add(NodesReported{kSite, kNode, {small, small}});
  EXPECT_EQ(act().evicted, Ids({job.value}));
}

TEST_F(ColocationTest, AfterARestartTheFigureStandsUntilItIsMeasuredAnew) {
  const IntentId service = place(8, 8000, false);
  place(1, 10, true, {kOther});
  use(service, 1000, 1000, 60);
  act();
  const IntentId job = place(6, 100, true);
  EXPECT_EQ(graph.spare_room(kNode).cpu_milli / 1000, 2);
  const int64_t figure = graph.spare(kNode).cpu_milli_reclaimed;
  colocation.restart();
  use(service, 8000, 1000, 59);
  EXPECT_EQ(act().measured, 0);
  EXPECT_EQ(graph.spare(kNode).cpu_milli_reclaimed, figure);
  use(service, 8000, 1000);
  const Said said = act();
  EXPECT_EQ(said.measured, 1);
  EXPECT_EQ(graph.spare(kNode).cpu_milli_reclaimed, 0);
  EXPECT_EQ(said.evicted, Ids({job.value}));
}

TEST_F(ColocationTest, ARestartInTheMiddleOfAnEvictionGoesOnWithIt) {
  place(6, 100, true);
  place(8, 100, false);
  colocation.restart();
  EXPECT_EQ(act().evicted, Ids({0}));
  colocation.restart();
  EXPECT_TRUE(act().evicted.empty());
}

TEST_F(ColocationTest, EmptyWindowsAndUnknownRunsSayNothing) {
  const IntentId service = place(8, 8000, false);
  place(1, 10, true);
  const RunId gone = run(service);
  add(UsageReported{.run = gone, .intent = service, .from = 5, .to = 5, .begun = 5});
  end(service);
  colocation.note(graph, UsageReported{.run = gone, .intent = service, .from = 5, .to = 9, .cpu_us = 1}, graph.version());
  EXPECT_EQ(act().measured, 0);
}

}  // namespace
}  // namespace weir::queue
