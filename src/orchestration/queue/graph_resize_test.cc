#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>

#include "orchestration/queue/graph_queue.h"

namespace weir::queue {
namespace {

constexpr TimeUs kHour = 3'600'000'000;
constexpr TimeUs kSecond = 1'000'000;

// Site "a" with two nodes of 8 cores, site "b" with one of 4.
class GraphResizeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
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
  IntentId submit(int32_t cores, Schedule schedule) {
    const IntentId id(graph.intent_count());
    if (schedule.run_time_us_max == 0) schedule.run_time_us_max = 10 * kHour;
    IntentSpec spec{.name = "j" + std::to_string(id.value), .schedule = schedule};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = cores * 1000;
    spec.workload.memory_mib = 1024;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    return id;
  }
  // With instances on these nodes: those of its plan so far go on, from the first.
  void commit(IntentId id, const std::vector<NodeId>& nodes) {
    const IntentRow& row = graph.intent(id);
    const auto count = static_cast<int32_t>(nodes.size());
    if (is_malleable(row.spec->schedule) && row.demand->schedule.instances != count) {
      add(JobResized{id, row.generation, count, {}, "test"});
    }
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    const auto active = graph.intent(id).active;
    for (size_t k = 0; k < nodes.size(); ++k) {
      const Workload& need = graph.intent(id).spec->workload;
      plan.placements.push_back({.site = graph.node(nodes[k]).site, .node = nodes[k], .cpu_milli = need.cpu_milli,
                                 .memory_mib = need.memory_mib, .continues = {}});
      if (active && k < active->plan.placements.size()) plan.placements[k].continues = active->run(k);
    }
    const Position at = graph.version();
    add(PlanCommitted{plan});
    for (uint32_t k = 0; k < plan.placements.size(); ++k) {
      if (!plan.placements[k].continues.valid()) add(RunStateChanged{RunId{at, k}, id, RunState::kRunning, 0, ""});
    }
    retire(id);
  }
  // What no later plan goes on with, ends.
  void retire(IntentId id) {
    const auto retiring = graph.intent(id).retiring;
    for (const auto& held : retiring) {
      for (size_t k = 0; k < held->plan.placements.size(); ++k) {
        if (!held->placement_passed_on[k]) add(RunStateChanged{held->run(k), id, RunState::kExited, 143, ""});
      }
      add(PlanRetired{id, held->position});
    }
  }
  std::vector<Scheduler::Turn> turns() { return queue.turns(graph, now); }
  // As the loop asks after turns: intent and instances, which are written at once.
  using Sizes = std::vector<std::pair<IntentId, int32_t>>;
  Sizes resize() {
    Sizes out;
    for (auto some = queue.resizes(graph, now); !some.empty(); some = queue.resizes(graph, now)) {
      for (const Scheduler::Resize& one : some) {
        out.emplace_back(one.event.intent, one.event.instances);
        last = one;
        add(one.event);
      }
    }
    return out;
  }
  static constexpr SiteId kA{0u}, kB{1u};
  static constexpr NodeId kM{0u}, kN{1u}, kSmall{2u};
  const Schedule kMalleable{.instances = 8, .instances_min = 2};

  Graph graph;
  GraphQueue queue;
  Scheduler::Resize last;
  TimeUs now = kSecond;
};

TEST_F(GraphResizeTest, ItsTurnSaysWithHowManyInstancesAMalleableJobBegins) {
  const IntentId rigid = submit(8, {});
  commit(rigid, {kM});
  const IntentId job = submit(2, kMalleable);
  auto offered = turns();
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].intent, job);
  EXPECT_EQ(offered[0].instances, 6) << "four at a and two at b";
  queue.refused(job, graph.relief(), now);
  const IntentId large = submit(3, {.instances = 30, .instances_min = 6});
  offered = turns();
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].intent, large);
  EXPECT_TRUE(offered[0].sites.empty()) << "even its fewest do not fit";
  EXPECT_EQ(offered[0].instances, 6);
  EXPECT_TRUE(queue.is_too_large(large));
  add(IntentWithdrawn{rigid});
  retire(rigid);
  now += kSecond;
  offered = turns();
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].intent, job);
  EXPECT_EQ(offered[0].instances, 2) << "as it was refused, it begins with its fewest";
}

TEST_F(GraphResizeTest, ARunningJobIsGivenMoreInRoomThatNobodyCanBeginWith) {
  const IntentId job = submit(2, kMalleable);
  EXPECT_EQ(turns().size(), 1u);
  commit(job, {kM, kM});
  EXPECT_EQ(resize(), Sizes()) << "it has just begun";
  now += GraphQueue::kResizeUs - 1;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes());
  EXPECT_EQ(queue.wake(), now + 1);
  now += 1;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes({{job, 8}}));
  EXPECT_EQ(last.sites, std::vector<SiteId>({kA})) << "that suffices";
  EXPECT_EQ(last.event.why, "there is room for all of them");
  now += kHour;
  EXPECT_EQ(resize(), Sizes()) << "its decision comes first";
  commit(job, {kM, kM, kM, kM, kN, kN, kN, kN});
  now += kHour;
  EXPECT_EQ(resize(), Sizes()) << "it has all";
}

TEST_F(GraphResizeTest, MoreDelaysNoPromisedStart) {
  const IntentId job = submit(4, {.instances = 5, .instances_min = 1});
  commit(job, {kM});
  const IntentId other = submit(4, {.run_time_us_max = kHour});
  commit(other, {kM});
  commit(submit(8, {.run_time_us_max = kHour}), {kN});
  const IntentId promised = submit(6, {.instances = 2});
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(promised).reserved_start, kSecond + kHour) << "all that the job leaves of a";
  now += GraphQueue::kResizeUs;
  add(IntentWithdrawn{other});
  retire(other);
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes({{job, 2}})) << "one more at b, none in what is free at a until then";
  EXPECT_EQ(last.sites, std::vector<SiteId>({kA, kB}));
  Plan plan{.intent = job, .generation = 1};
  const RunId run = graph.intent(job).active->run(0);
  plan.placements.push_back({.site = kA, .node = kM, .cpu_milli = 4000, .memory_mib = 1024, .continues = run});
  plan.placements.push_back({.site = kB, .node = kSmall, .cpu_milli = 4000, .memory_mib = 1024, .continues = {}});
  EXPECT_TRUE(queue.admits(graph, plan));
  plan.placements[1].site = kA;
  plan.placements[1].node = kM;
  EXPECT_FALSE(queue.admits(graph, plan));
}

TEST_F(GraphResizeTest, WhatItIsNotGivenItIsToHaveEverMoreSeldom) {
  const IntentId job = submit(2, kMalleable);
  commit(job, {kM, kM});
  TimeUs asked_at = now;
  for (TimeUs pause = GraphQueue::kResizeUs; pause <= 8 * GraphQueue::kResizeUs; pause *= 2) {
    now = asked_at + pause - 1;
    EXPECT_EQ(resize(), Sizes()) << pause;
    now += kSecond;
    EXPECT_EQ(resize(), Sizes({{job, 8}})) << pause;
    add(JobResized{job, 1, 2, {}, "there is no room"});
    asked_at = now;
  }
}

TEST_F(GraphResizeTest, WhatWasBorrowedGoesBackToAnEqualThatWaits) {
  const IntentId job = submit(2, kMalleable);
  commit(job, {kM, kM, kM, kM, kN, kN, kN});
  commit(submit(4, {.priority = 3}), {kSmall});
  const IntentId equal = submit(4, {});
  now += kSecond;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes()) << "not so soon";
  EXPECT_LE(queue.wake(), kSecond + GraphQueue::kResizeUs);
  now = kSecond + GraphQueue::kResizeUs;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes({{job, 6}})) << "its newest, on the node that has two cores free";
  EXPECT_EQ(last.event.by, equal);
  EXPECT_EQ(last.event.why, "it gives back what it has beyond its fewest");
  EXPECT_TRUE(last.sites.empty());
  EXPECT_EQ(queue.why(equal).code, WhyCode::kPreempting);
  now += kSecond;
  EXPECT_TRUE(turns().empty()) << "the instance has not ended";
  EXPECT_EQ(resize(), Sizes());
  EXPECT_TRUE(queue.preemptions(graph, now).empty());
  // Restarted in the middle it knows as much.
  GraphQueue again;
  again.restart(graph);
  EXPECT_EQ(again.why(equal).code, WhyCode::kPreempting);
  commit(job, {kM, kM, kM, kM, kN, kN});
  for (GraphQueue* each : {&queue, &again}) {
    if (each == &again) again.restart(graph);
    const auto offered = each->turns(graph, now);
    ASSERT_EQ(offered.size(), 1u);
    EXPECT_EQ(offered[0].intent, equal);
    EXPECT_EQ(offered[0].sites, std::vector<SiteId>({kA}));
  }
  commit(equal, {kN});
  now += kHour;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes());
}

TEST_F(GraphResizeTest, WhoGetsNothingDoesNotKeepThoseBehindFromAsking) {
  const IntentId rigid = submit(4, {});
  commit(rigid, {kSmall});
  const IntentId job = submit(2, kMalleable);
  EXPECT_EQ(turns().size(), 1u);
  commit(job, {kM, kM, kM, kM, kN, kN, kN, kN});
  for (int i = 0; i < 20; ++i) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "only b " + std::to_string(i), .where = {.only = {kB}}};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = 4000;
    spec.schedule.run_time_us_max = kHour;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
  }
  const IntentId small = submit(1, {.run_time_us_max = kHour});
  now += 10 * kHour / 2;
  Sizes given;
  for (int look = 0; look < 8 && given.empty(); ++look) {
    EXPECT_TRUE(turns().empty());
    given = resize();
    now += kSecond;
  }
  EXPECT_EQ(given, Sizes({{job, 7}}));
  EXPECT_EQ(last.event.by, small);
}

TEST_F(GraphResizeTest, FewerAreNeverFewerThanItsFewestAndNobodyBelowGetsThem) {
  const IntentId job = submit(4, {.priority = 1, .instances = 4, .instances_min = 3});
  commit(job, {kM, kM, kN, kN});
  commit(submit(4, {.priority = 3}), {kSmall});
  now += GraphQueue::kResizeUs;
  const IntentId lower = submit(4, {});
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes()) << "of lower priority";
  const IntentId equal = submit(8, {.priority = 1});
  now += kSecond;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes()) << "one is not enough, and there is no more";
  const IntentId small = submit(4, {.priority = 1});
  now += kSecond;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes({{job, 3}}));
  EXPECT_EQ(last.event.by, small);
  EXPECT_EQ(queue.why(lower).code, WhyCode::kResource);
  EXPECT_EQ(queue.why(equal).code, WhyCode::kResource);
}

TEST_F(GraphResizeTest, InstancesAreGivenUpAtOnceBeforeAnybodyIsPreemptedWhole) {
  const IntentId job = submit(2, {.priority = 1, .instances = 4, .instances_min = 2});
  commit(job, {kM, kM, kM, kM});
  commit(submit(8, {.priority = 1}), {kN});
  commit(submit(4, {.priority = 3}), {kSmall});
  const IntentId urgent = submit(3, {.priority = 2});
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes({{job, 2}})) << "it has just begun, and the other goes before it";
  EXPECT_EQ(last.event.why, "priority 2 over 1");
  EXPECT_TRUE(queue.preemptions(graph, now).empty());
  commit(job, {kM, kM});
  EXPECT_EQ(turns().size(), 1u);
  commit(urgent, {kM});
  submit(4, {.priority = 2});
  now += kHour;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes());
  EXPECT_EQ(queue.preemptions(graph, now).size(), 1u) << "now there is nothing else";
}

TEST_F(GraphResizeTest, QuotaThatWasBorrowedGoesBackToo) {
  const QueueId research(0u);
  add(QueueDefined{research, {.name = "research", .maximum = {.cpu_milli = 12'000}}});
  const IntentId job = submit(2, {.queue = "research", .instances = 8, .instances_min = 2});
  const auto offered = turns();
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].instances, 6) << "within its maximum";
  commit(job, {kM, kM, kM, kM, kN, kN});
  now += GraphQueue::kResizeUs;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes()) << "it may have no more";
  const IntentId other = submit(3, {.queue = "research"});
  now += kSecond;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(queue.why(other).code, WhyCode::kQuota);
  EXPECT_EQ(resize(), Sizes({{job, 4}}));
  EXPECT_FALSE(last.event.by.valid());
  commit(job, {kM, kM, kM, kM});
  ASSERT_EQ(turns().size(), 1u);
  commit(other, {kN});
  now += kHour;
  EXPECT_TRUE(turns().empty());
  EXPECT_EQ(resize(), Sizes()) << "one more than it may have";
}

// Jobs of one priority come and go, and whoever may begin, or is to be resized, is where there is room first.
RC_GTEST_FIXTURE_PROP(GraphResizeTest, SizesKeepWithinBoundsAndQuotasAndChangeSeldom, ()) {
  const int32_t most = *rc::gen::inRange(4, 17) * 1000;
  add(QueueDefined{QueueId(0u), {.name = "research", .maximum = {.cpu_milli = most}}});
  std::map<IntentId, TimeUs> changed;  // running jobs: when they began, or were resized
  const auto place = [this](IntentId id, std::vector<NodeId> nodes, int32_t count, const std::vector<SiteId>& sites) {
    std::map<NodeId, int32_t> taken;
    const size_t kept = nodes.size();
    const int32_t each = graph.intent(id).spec->workload.cpu_milli;
    for (const NodeId node : {kM, kN, kSmall}) {
      const bool there = sites.empty() || std::find(sites.begin(), sites.end(), graph.node(node).site) != sites.end();
      while (there && std::ssize(nodes) < count && graph.free(node).cpu_milli >= taken[node] + each) {
        taken[node] += each;
        nodes.push_back(node);
      }
    }
    if (std::ssize(nodes) < count) nodes.resize(kept);
    return nodes;
  };
  for (int step = 0; step < 60; ++step) {
    now += *rc::gen::inRange<TimeUs>(0, 4) * kSecond;
    Schedule schedule{.run_time_us_max = *rc::gen::inRange<TimeUs>(1, 400) * kSecond};
    if (*rc::gen::arbitrary<bool>()) schedule.queue = "research";
    const int action = *rc::gen::inRange(0, 4);
    if (action == 0) submit(*rc::gen::inRange(1, 9), schedule);
    if (action == 1) {
      schedule.instances_min = *rc::gen::inRange(1, 4);
      schedule.instances = schedule.instances_min + *rc::gen::inRange(1, 6);
      submit(*rc::gen::inRange(1, 4), schedule);
    }
    if (action == 2 && !changed.empty()) {
      const IntentId ended = std::next(changed.begin(), *rc::gen::inRange<int64_t>(0, std::ssize(changed)))->first;
      add(IntentWithdrawn{ended});
      retire(ended);
      changed.erase(ended);
    }
    for (const Scheduler::Turn& turn : turns()) {
      const Schedule& wished = graph.intent(turn.intent).spec->schedule;
      RC_ASSERT(is_malleable(wished) == (turn.instances > 0));
      if (turn.instances > 0) RC_ASSERT(turn.instances >= wished.instances_min && turn.instances <= wished.instances);
      const std::vector<NodeId> nodes = place(turn.intent, {}, std::max(turn.instances, 1), turn.sites);
      if (nodes.empty()) {
        queue.refused(turn.intent, graph.relief(), now + kSecond);
        continue;
      }
      commit(turn.intent, nodes);
      changed[turn.intent] = now;
    }
    for (auto some = queue.resizes(graph, now); !some.empty(); some = queue.resizes(graph, now)) {
      for (const Scheduler::Resize& one : some) {
        const IntentId id = one.event.intent;
        const Schedule& wished = graph.intent(id).spec->schedule;
        RC_ASSERT(one.event.instances >= wished.instances_min && one.event.instances <= wished.instances);
        RC_ASSERT(now - changed.at(id) >= GraphQueue::kResizeUs);
        changed[id] = now;
        add(one.event);
      }
      for (const Scheduler::Resize& one : some) {
        const IntentId id = one.event.intent;
        std::vector<NodeId> nodes;
        for (const Placement& p : graph.intent(id).active->plan.placements) nodes.push_back(p.node);
        const auto before = static_cast<int32_t>(nodes.size());
        RC_ASSERT((one.event.instances > before) == !one.sites.empty());
        if (one.event.instances < before) nodes.resize(static_cast<size_t>(one.event.instances));
        nodes = place(id, std::move(nodes), one.event.instances, one.sites);
        if (std::ssize(nodes) == one.event.instances) {
          commit(id, nodes);
        } else {
          // Others that grew took the nodes in another order.
          RC_ASSERT(one.event.instances > before && some.size() > 1);
          add(JobResized{id, 1, before, {}, "there is no room"});
        }
      }
    }
    int64_t used = 0;
    for (const auto& [id, at] : changed) {
      const IntentRow& row = graph.intent(id);
      if (row.spec->schedule.queue == "research") used += row.spec->workload.cpu_milli * std::ssize(row.active->plan.placements);
    }
    RC_ASSERT(used <= most);
    for (const NodeId node : {kM, kN, kSmall}) RC_ASSERT(graph.free(node).cpu_milli >= 0);
  }
}

}  // namespace
}  // namespace weir::queue
