#include <gtest/gtest.h>

#include <algorithm>

#include "orchestration/queue/graph_queue.h"

namespace weir::queue {
namespace {

constexpr TimeUs kHour = 3'600'000'000;
constexpr TimeUs kSecond = 1'000'000;

// Site "a" with two nodes of 8 cores, site "b" with one of 4; tenants "city" and "lab".
class GraphClaimsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    add(TenantDefined{TenantId(1u), "lab"});
    for (uint32_t s = 0; s < 2; ++s) {
      add(SiteDefined{SiteId(s), VertexId(s), SiteSpec{.name = s == 0 ? "a" : "b"}});
    }
    add(NodesReported{kA, NodeId(0u), {{"m", 8000, 65'536, 0, "", 1000}, {"n", 8000, 65'536, 0, "", 1000}}});
    add(NodesReported{kB, NodeId(2u), {{"m", 4000, 65'536, 0, "", 1000}}});
    for (uint32_t s = 0; s < 2; ++s) add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
  }
  void add(EventBody body) {
    const Position at = graph.version();
    ASSERT_TRUE(graph.apply({now, "t", body}).effect);
    queue.note(graph, body, at);
  }
  IntentId submit(int32_t cores, Schedule schedule = {}, TenantId tenant = TenantId(0u)) {
    const IntentId id(graph.intent_count());
    if (schedule.run_time_us_max == 0) schedule.run_time_us_max = 10 * kHour;
    IntentSpec spec{.name = "j" + std::to_string(id.value), .schedule = schedule};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = cores * 1000;
    spec.workload.memory_mib = 1024;
    add(IntentSubmitted{id, tenant, 1, spec});
    return id;
  }
  void commit(IntentId id, NodeId node) {
    const Workload& need = graph.intent(id).spec->workload;
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    for (int32_t i = 0; i < std::max(graph.intent(id).spec->schedule.instances, 1); ++i) {
      plan.placements.push_back({.site = graph.node(node).site, .node = node, .cpu_milli = need.cpu_milli,
                                 .memory_mib = need.memory_mib, .continues = {}});
    }
    const Position at = graph.version();
    add(PlanCommitted{plan});
    for (uint32_t i = 0; i < plan.placements.size(); ++i) {
      add(RunStateChanged{RunId{at, i}, id, RunState::kRunning, 0, ""});
    }
  }
  IntentId run(int32_t cores, NodeId node, Schedule schedule = {}, TenantId tenant = TenantId(0u)) {
    const IntentId id = submit(cores, schedule, tenant);
    commit(id, node);
    return id;
  }
  // Ends what it was told to stop.
  void stop(IntentId id) {
    const auto retiring = graph.intent(id).retiring;
    for (const auto& held : retiring) {
      for (size_t k = 0; k < held->plan.placements.size(); ++k) {
        add(RunStateChanged{held->run(k), id, RunState::kExited, 143, ""});
      }
      add(PlanRetired{id, held->position});
    }
  }
  std::vector<uint32_t> turns() {
    std::vector<uint32_t> out;
    for (const auto& turn : queue.turns(graph, now)) out.push_back(turn.intent.value);
    return out;
  }
  // As the loop asks: who gives way to whom is written at once.
  std::vector<uint32_t> preempt() {
    EXPECT_TRUE(turns().empty());
    std::vector<uint32_t> out;
    for (std::vector<JobPreempted> some = queue.preemptions(graph, now); !some.empty();
         some = queue.preemptions(graph, now)) {
      for (JobPreempted& one : some) {
        out.push_back(one.intent.value);
        last = one;
        add(std::move(one));
      }
    }
    return out;
  }
  using Ids = std::vector<uint32_t>;
  static constexpr SiteId kA{0u}, kB{1u};
  static constexpr NodeId kM{0u}, kN{1u}, kSmall{2u};

  Graph graph;
  GraphQueue queue;
  JobPreempted last;
  TimeUs now = kSecond;
};

TEST_F(GraphClaimsTest, WhoLosesLeastGivesWayAndItsRoomIsKeptForWhomItWasMade) {
  const IntentId old = run(8, kM);
  now += kHour;
  const IntentId young = run(8, kN);
  run(4, kSmall, {.priority = 5});
  now += kHour;
  const IntentId urgent = submit(6, {.priority = 5});
  EXPECT_EQ(preempt(), Ids({young.value}));
  EXPECT_EQ(last.by, urgent);
  EXPECT_EQ(last.site, kA);
  EXPECT_EQ(last.why, "priority 5 over 0");
  EXPECT_EQ(last.lost_us, kHour);
  EXPECT_EQ(last.victims, 1);
  EXPECT_EQ(last.cost, last.cost_all);
  EXPECT_EQ(graph.intent(young).preemptions, 1u);
  EXPECT_EQ(queue.why(urgent).code, WhyCode::kPreempting);
  EXPECT_EQ(queue.why(urgent).pool, kA.value);

  // While it stops nobody else is chosen, and its room is nobody's.
  const IntentId small = submit(2, {.priority = 1});
  now += 5 * kSecond;
  EXPECT_TRUE(preempt().empty());
  stop(young);
  const auto offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 2u);
  EXPECT_EQ(offered[0].intent, urgent);
  EXPECT_EQ(offered[0].sites, std::vector<SiteId>({kA}));
  EXPECT_EQ(offered[1].intent, small) << "beside it there are two cores";
  Plan plan{.intent = urgent, .generation = 1};
  plan.placements.push_back({.site = kB, .node = kSmall, .cpu_milli = 6000, .memory_mib = 1024, .continues = {}});
  EXPECT_FALSE(queue.admits(graph, plan)) << "it is to begin where room was made";
  plan.placements[0].site = kA;
  plan.placements[0].node = kN;
  EXPECT_TRUE(queue.admits(graph, plan));
  commit(urgent, kN);
  commit(small, kN);
  EXPECT_EQ(queue.why(young).code, WhyCode::kResource);
  EXPECT_EQ(queue.why(old).code, WhyCode::kRunning);
}

TEST_F(GraphClaimsTest, NobodyGivesWayToAnEqualOrToOneForWhichThereIsRoom) {
  run(8, kM, {.priority = 2});
  const IntentId other = run(4, kN, {.priority = 1});
  submit(8, {.priority = 1});
  EXPECT_TRUE(preempt().empty());
  const IntentId fits = submit(4, {.priority = 2});
  EXPECT_EQ(turns(), Ids({fits.value}));
  EXPECT_TRUE(queue.preemptions(graph, now).empty());
  commit(fits, kN);
  run(4, kSmall, {.priority = 2});
  submit(4, {.priority = 2});
  now += 2 * kSecond;
  EXPECT_EQ(preempt(), Ids({other.value}));
}

TEST_F(GraphClaimsTest, WhatJobsThatStopLeaveIsTakenByNoOtherTurn) {
  const IntentId first = run(8, kM);
  run(6, kN, {.priority = 5});
  run(4, kSmall, {.priority = 5});
  const IntentId urgent = submit(8, {.priority = 5});
  EXPECT_EQ(preempt(), Ids({first.value}));
  const IntentId two = submit(2);
  stop(first);
  // Two cores are free on the other node: a decision that takes them of the node which was left is not admitted.
  const auto offered = queue.turns(graph, now);
  ASSERT_EQ(offered.size(), 2u);
  EXPECT_EQ(offered[0].intent, urgent);
  ASSERT_EQ(offered[1].intent, two);
  Plan plan{.intent = two, .generation = 1};
  plan.placements.push_back({.site = kA, .node = kM, .cpu_milli = 2000, .memory_mib = 1024, .continues = {}});
  EXPECT_FALSE(queue.admits(graph, plan));
  plan.placements[0].node = kN;
  EXPECT_TRUE(queue.admits(graph, plan));
}

TEST_F(GraphClaimsTest, ACheckpointBoundsWhatIsLost) {
  run(8, kM);
  const IntentId saves = run(8, kN, {.checkpoint_interval_us = kHour / 4});
  run(4, kSmall, {.priority = 5});
  now += kHour / 6;
  run(4, kSmall, {.priority = 5});
  now += 5 * kHour;
  submit(8, {.priority = 5});
  EXPECT_EQ(preempt(), Ids({saves.value}));
  EXPECT_EQ(last.lost_us, kHour / 4);
}

TEST_F(GraphClaimsTest, AQueueTakesBackWhatItIsGuaranteedWhateverThePriorities) {
  add(QueueDefined{::weir::QueueId(0u), {.name = "lab", .guaranteed = {.cpu_milli = 8000, .memory_mib = 4096}}});
  const IntentId borrower = run(8, kM, {.priority = 3});
  run(8, kN, {.priority = 3});
  run(4, kSmall, {.priority = 3});
  now += 1;
  const IntentId owed = submit(8, {.queue = "lab"}, TenantId(1u));
  EXPECT_EQ(preempt(), Ids({borrower.value}));
  EXPECT_TRUE(last.reclaims);
  EXPECT_EQ(last.why, "its queue borrowed what queue lab is guaranteed");
  stop(borrower);
  EXPECT_EQ(turns(), Ids({owed.value}));
  commit(owed, kM);
  submit(8, {.queue = "lab"}, TenantId(1u));
  now += 2 * kSecond;
  EXPECT_TRUE(preempt().empty()) << "it has what it is guaranteed";
}

TEST_F(GraphClaimsTest, AJobIsPreemptedNoMoreOftenThanItsQueueAllows) {
  add(QueueDefined{::weir::QueueId(0u),
                   {.name = kDomainQueue, .policy = "fcfs", .settings = {{"preemptions_max", 1}}}});
  run(8, kM, {.priority = 5});
  run(4, kSmall, {.priority = 5});
  const IntentId victim = run(8, kN);
  const IntentId urgent = submit(8, {.priority = 1});
  EXPECT_EQ(preempt(), Ids({victim.value}));
  stop(victim);
  EXPECT_EQ(turns(), Ids({urgent.value}));
  commit(urgent, kN);
  add(IntentWithdrawn{urgent, false, ""});
  stop(urgent);
  EXPECT_EQ(turns(), Ids({victim.value}));
  commit(victim, kN);
  submit(8, {.priority = 1});
  now += kHour;
  EXPECT_TRUE(preempt().empty());
  add(QueueDefined{::weir::QueueId(0u),
                   {.name = kDomainQueue, .policy = "fcfs", .settings = {{"preemptions_max", 2}}}});
  now += kHour;
  EXPECT_EQ(preempt(), Ids({victim.value}));
  EXPECT_EQ(graph.intent(victim).preemptions, 2u);
}

TEST_F(GraphClaimsTest, AQueueWhoseJobsArePreemptedEnoughIsLeftAloneForAWhile) {
  add(QueueDefined{::weir::QueueId(0u),
                   {.name = kDomainQueue, .policy = "fcfs", .settings = {{"preemptions_per_hour", 1}}}});
  run(4, kSmall, {.priority = 5});
  const IntentId one = run(8, kM);
  const IntentId two = run(8, kN);
  submit(8, {.priority = 1});
  submit(8, {.priority = 1});
  EXPECT_EQ(preempt(), Ids({one.value}));
  now += kHour / 2;
  EXPECT_TRUE(preempt().empty());
  now += kHour;
  stop(one);
  (void)turns();
  EXPECT_EQ(queue.preemptions(graph, now).at(0).intent, two) << "by the hour one more";
}

TEST_F(GraphClaimsTest, WhatIsMadeRoomForAndDoesNotBeginWaitsAsOthersDo) {
  run(4, kSmall, {.priority = 5});
  const IntentId one = run(8, kM);
  run(8, kN);
  const IntentId urgent = submit(8, {.priority = 5});
  EXPECT_EQ(preempt(), Ids({one.value}));
  // Its room never comes: the runs do not end.
  now += GraphQueue::kClaimUs;
  EXPECT_EQ(queue.wake(), now);
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(urgent).code, WhyCode::kResource);
  EXPECT_EQ(preempt().size(), 1u) << "another may give way now";
  // A decision finds no way there.
  stop(last.intent);
  EXPECT_EQ(turns(), Ids({urgent.value}));
  queue.refused(urgent, graph.relief(), now + kSecond);
  add(IntentRefused{{urgent, 1, graph.version(), {{ReasonCode::kBudget}}}});
  EXPECT_EQ(turns(), Ids({one.value})) << "the room is free for all again";
  EXPECT_EQ(queue.why(urgent).code, WhyCode::kHeld);
  now += kHour;
  EXPECT_TRUE(queue.preemptions(graph, now).empty()) << "more room does not help it";
}

TEST_F(GraphClaimsTest, AWithdrawnJobGivesUpTheRoomThatWasMadeForIt) {
  run(4, kSmall, {.priority = 5});
  const IntentId one = run(8, kM);
  run(8, kN, {.priority = 5});
  const IntentId urgent = submit(8, {.priority = 5});
  EXPECT_EQ(preempt(), Ids({one.value}));
  add(IntentWithdrawn{urgent, false, ""});
  stop(one);
  EXPECT_EQ(turns(), Ids({one.value}));
}

TEST_F(GraphClaimsTest, ServicesThatTakeTheRoomEndTheWait) {
  run(4, kSmall, {.priority = 5});
  const IntentId one = run(8, kM);
  run(8, kN, {.priority = 5});
  const IntentId urgent = submit(8, {.priority = 5});
  EXPECT_EQ(preempt(), Ids({one.value}));
  const IntentId service(graph.intent_count());
  IntentSpec spec{.name = "service"};
  spec.workload.cpu_milli = 1000;
  add(IntentSubmitted{service, TenantId(0u), 1, spec});
  stop(one);
  Plan plan{.intent = service, .generation = 1, .basis = graph.version()};
  plan.placements.push_back({.site = kA, .node = kM, .cpu_milli = 1000, .continues = {}});
  add(PlanCommitted{plan});
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(urgent).code, WhyCode::kResource);
}

TEST_F(GraphClaimsTest, QueuesMadeAnewKnowForWhomRoomIsKept) {
  run(4, kSmall, {.priority = 5});
  const IntentId one = run(8, kM);
  run(8, kN, {.priority = 5});
  const IntentId urgent = submit(8, {.priority = 5});
  EXPECT_EQ(preempt(), Ids({one.value}));
  GraphQueue anew;
  anew.restart(graph);
  EXPECT_TRUE(anew.turns(graph, now).empty());
  EXPECT_EQ(anew.why(urgent).code, WhyCode::kPreempting);
  EXPECT_TRUE(anew.preemptions(graph, now).empty());
  stop(one);
  anew.restart(graph);
  ASSERT_EQ(anew.turns(graph, now).size(), 1u);
  EXPECT_EQ(anew.why(urgent).code, WhyCode::kOffered);
}

TEST_F(GraphClaimsTest, WhoFindsNobodyDoesNotKeepOthersFromLooking) {
  run(8, kM, {.priority = 9});
  run(8, kN, {.priority = 9});
  const IntentId low = run(4, kSmall);
  for (int i = 0; i < 6; ++i) submit(8, {.priority = 8});  // only their betters could make room for them
  submit(4, {.priority = 1});
  Ids gave;
  for (int looks = 0; looks < 10 && gave.empty(); ++looks) {
    gave = preempt();
    EXPECT_TRUE(!gave.empty() || queue.wake() <= now + kSecond);
    now += kSecond;
  }
  EXPECT_EQ(gave, Ids({low.value}));
}

TEST_F(GraphClaimsTest, WhatAClaimKeptSomebodyFromIsTriedAgainWhenItEnds) {
  run(4, kSmall, {.priority = 5});
  const IntentId one = run(8, kM);
  run(6, kN, {.priority = 5});
  const IntentId urgent = submit(8, {.priority = 5});
  EXPECT_EQ(preempt(), Ids({one.value}));
  stop(one);
  const IntentId two = submit(2);
  EXPECT_EQ(turns(), Ids({urgent.value, two.value}));
  // The decision of the small one led to the room that is kept, and it gave up its turn; then the other one cannot begin.
  queue.refused(two, graph.relief(), now + kSecond);
  queue.refused(urgent, graph.relief(), now + kSecond);
  add(IntentRefused{{urgent, 1, graph.version(), {{ReasonCode::kBudget}}}});
  const Ids after = turns();
  EXPECT_EQ(std::count(after.begin(), after.end(), two.value), 1) << "nothing is kept from it any more";
  EXPECT_EQ(std::count(after.begin(), after.end(), urgent.value), 0);
}

TEST_F(GraphClaimsTest, NobodyIsLookedForWhenNobodyRuns) {
  for (const NodeId node : {kM, kN}) {
    const IntentId service(graph.intent_count());
    IntentSpec spec{.name = "s" + std::to_string(node.value)};
    spec.workload.cpu_milli = 1000;
    add(IntentSubmitted{service, TenantId(0u), 1, spec});
    Plan plan{.intent = service, .generation = 1, .basis = graph.version()};
    plan.placements.push_back({.site = kA, .node = node, .cpu_milli = 1000, .continues = {}});
    add(PlanCommitted{plan});
  }
  const IntentId runs = run(1, kM);
  submit(8, {.priority = 9, .instances = 2});
  EXPECT_TRUE(preempt().empty()) << "services do not give way";
  EXPECT_LE(queue.wake(), now + 60 * kSecond);
  add(IntentWithdrawn{runs, true, ""});
  stop(runs);
  now += 100 * kSecond;
  EXPECT_TRUE(preempt().empty());
  EXPECT_GT(queue.wake(), now + kHour);
}

TEST_F(GraphClaimsTest, WhoWasMadeRoomForDoesNotTakeThatOfAnother) {
  const IntentId left = run(8, kM), right = run(8, kN);
  run(4, kSmall, {.priority = 5});
  const IntentId wide = submit(8, {.priority = 5});
  EXPECT_EQ(preempt(), Ids({left.value}));
  const IntentId narrow = submit(1, {.priority = 5});
  now += 5 * kSecond;
  EXPECT_EQ(preempt(), Ids({right.value}));
  stop(left);
  stop(right);
  EXPECT_EQ(turns(), Ids({wide.value, narrow.value}));
  Plan plan{.intent = narrow, .generation = 1};
  plan.placements.push_back({.site = kA, .node = kM, .cpu_milli = 1000, .memory_mib = 1024, .continues = {}});
  EXPECT_TRUE(queue.admits(graph, plan)) << "the other node holds the wide one as well";
  run(1, kN, {.priority = 5});
  EXPECT_FALSE(queue.admits(graph, plan));
  plan.placements[0].node = kN;
  EXPECT_TRUE(queue.admits(graph, plan));
}

TEST_F(GraphClaimsTest, AGangGetsTheNodesOfOneSite) {
  const IntentId left = run(5, kM), right = run(5, kN);
  run(4, kSmall, {.priority = 5});
  const IntentId gang = submit(8, {.priority = 5, .instances = 2});
  EXPECT_EQ(preempt(), Ids({left.value, right.value}));
  EXPECT_EQ(last.victims, 2);
  EXPECT_GT(last.cost_all, last.cost);
  stop(left);
  EXPECT_TRUE(turns().empty()) << "all of it, or nothing";
  stop(right);
  EXPECT_EQ(turns(), Ids({gang.value}));
}

TEST_F(GraphClaimsTest, WhatIsReservedIsNotMadeRoomFrom) {
  run(4, kSmall, {.priority = 5});
  run(8, kN, {.priority = 5, .run_time_us_max = kHour});
  const IntentId small = run(4, kM, {.run_time_us_max = kHour});
  add(ReservationDefined{ReservationId(0u), TenantId(0u),
                         {.name = "night", .site = kA, .amount = {.cpu_milli = 12'000}, .from = now + 2 * kHour, .to = now + 4 * kHour}});
  const IntentId urgent = submit(8, {.priority = 5});
  EXPECT_TRUE(preempt().empty()) << "it would run into the reservation";
  add(IntentWithdrawn{urgent, false, ""});
  submit(8, {.priority = 5, .run_time_us_max = kHour});
  now += 2 * kSecond;
  EXPECT_EQ(preempt(), Ids({small.value})) << "it is over before that";
}

}  // namespace
}  // namespace weir::queue
