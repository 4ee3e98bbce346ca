#include "orchestration/placement/defragment.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace weir {
namespace {

constexpr Asks kWorth{.per_core_hour = kCredit};

using Cores = std::vector<std::vector<int32_t>>;

// One site; each node has 16 cores and runs jobs of so many.
struct Site {
  Graph graph;
  void add(EventBody body) { ASSERT_TRUE(graph.apply({1, "t", std::move(body)}).effect); }
  explicit Site(const Cores& cores_on_node, int32_t cores = 16) {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "t"});
    add(SiteDefined{SiteId(0u), VertexId(0u), {.name = "hub"}});
    std::vector<NodeSpec> nodes;
    for (size_t n = 0; n < cores_on_node.size(); ++n) {
      nodes.push_back({"n" + std::to_string(n), cores * 1000, 65'536, 0, "", 1000});
    }
    add(NodesReported{SiteId(0u), NodeId(0u), std::move(nodes)});
    add(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
    for (size_t n = 0; n < cores_on_node.size(); ++n) {
      for (const int32_t c : cores_on_node[n]) run(c, NodeId(n));
    }
  }
  void run(int32_t cores, NodeId node) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "i" + std::to_string(id.value)};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = cores * 1000;
    spec.workload.memory_mib = 1;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    plan.placements.push_back({.site = SiteId(0u), .node = node, .cpu_milli = cores * 1000, .memory_mib = 1});
    const Position at = graph.version();
    add(PlanCommitted{plan});
    add(RunStateChanged{RunId{at, 0}, id, RunState::kRunning, 0, ""});
  }
};
ExpectedTask task(int32_t cores, int64_t weight = 1) {
  ExpectedTask one{.weight = weight};
  one.workload.cpu_milli = cores * 1000;
  return one;
}
std::optional<Nanocredits> tenth(IntentId, uint32_t) { return kCredit / 10; }

TEST(Usable, CountsWholeTasks) {
  const Site site(Cores{{}, {6}});
  const std::vector<ExpectedTask> mix{task(8), task(5, 3)};
  EXPECT_EQ(usable_per_hour(site.graph, NodeId(0u), site.graph.free(NodeId(0u)), mix, kWorth),
            (16 + 3 * 15) * kCredit / 4);
  EXPECT_EQ(usable_per_hour(site.graph, NodeId(1u), site.graph.free(NodeId(1u)), mix, kWorth),
            (8 + 3 * 10) * kCredit / 4);
  EXPECT_EQ(usable_per_hour(site.graph, NodeId(1u), {-1, 0, 0}, mix, kWorth), 0);
  EXPECT_EQ(usable_per_hour(site.graph, NodeId(1u), {1, 1, 1}, {}, kWorth), 0);
}

TEST(Defragment, BringsFreeCoresTogetherWhereThatPays) {
  const Site site(Cores{{8}, {8}, {4, 4}});
  const std::vector<ExpectedTask> whole{task(16)};
  const Defragmentation found = defragment(site.graph, whole, {.worth = kWorth}, tenth);
  ASSERT_EQ(found.moves.size(), 1u);
  EXPECT_EQ(found.moves[0], (Move{IntentId(0u), 0, NodeId(0u), NodeId(1u), kCredit / 10}));
  EXPECT_EQ(found.usable_before, 0);
  EXPECT_EQ(found.usable_after, 16 * kCredit);
  EXPECT_EQ(found.cost, kCredit / 10);
  EXPECT_TRUE(defragment(site.graph, whole, {.horizon_us = 10'000'000, .worth = kWorth}, tenth).moves.empty())
      << "not worth it for ten seconds";
  EXPECT_TRUE(defragment(site.graph, {{task(8)}}, {.worth = kWorth}, tenth).moves.empty())
      << "nothing is lost";
  EXPECT_TRUE(defragment(site.graph, whole, {.worth = kWorth}, [](IntentId, uint32_t) {
                return std::optional<Nanocredits>();
              }).moves.empty());
  EXPECT_TRUE(defragment(site.graph, whole, {.moves_max = 0, .worth = kWorth}, tenth).moves.empty());
  EXPECT_FALSE(defragment(site.graph, whole, {.steps_max = 1, .worth = kWorth}, tenth).complete);
}

TEST(Defragment, LeadsSeveralAwayTogether) {
  const Site site(Cores{{4, 4}, {12}, {12}});
  const std::vector<ExpectedTask> whole{task(16)};
  EXPECT_EQ(defragment(site.graph, whole, {.worth = kWorth}, tenth).moves.size(), 2u);
  EXPECT_TRUE(defragment(site.graph, whole, {.moves_max = 1, .worth = kWorth}, tenth).moves.empty());
  EXPECT_TRUE(defragment(site.graph, whole, {.worth = kWorth}, tenth, {NodeId(1u)}).moves.empty())
      << "a cordoned node takes nothing";
  Site shut = site;
  shut.add(NodeCordoned{.node = NodeId(1u)});
  EXPECT_TRUE(defragment(shut.graph, whole, {.worth = kWorth}, tenth).moves.empty());
}

TEST(Evacuate, EmptiesANodeOrSaysWhatDoesNotFit) {
  const Site site(Cores{{2, 10, 6}, {8}, {4}}, 18);
  const Evacuation found = evacuate(site.graph, {NodeId(0u)}, 10, tenth);
  ASSERT_EQ(found.moves.size(), 3u);
  EXPECT_EQ(found.moves[0].to, NodeId(1u)) << "10 of the 10 that are left";
  EXPECT_EQ(found.moves[1].to, NodeId(2u));
  EXPECT_TRUE(found.elsewhere.empty());
  const Evacuation two = evacuate(site.graph, {NodeId(0u), NodeId(1u)}, 10, tenth);
  EXPECT_EQ(two.elsewhere,
            (std::vector<std::pair<IntentId, uint32_t>>{{IntentId(2u), 0}, {IntentId(3u), 0}}));
  EXPECT_FALSE(evacuate(site.graph, {NodeId(0u)}, 2, tenth).complete);
}

RC_GTEST_PROP(Defragment, GainsMoreThanItCostsAndOneMoveIsTheBest, ()) {
  const auto nodes = *rc::gen::inRange<size_t>(1, 5);
  Cores cores(nodes);
  for (auto& on : cores) {
    for (int32_t left = 16; left > 0 && on.size() < 3;) {
      const int32_t c = *rc::gen::inRange(1, 9);
      if (c > left) break;
      on.push_back(c);
      left -= c;
    }
  }
  const Site site(cores);
  std::vector<ExpectedTask> mix;
  for (int k = *rc::gen::inRange(1, 4); k > 0; --k)
    mix.push_back(task(*rc::gen::inRange(1, 17), *rc::gen::inRange<int64_t>(1, 5)));
  const auto price = [](IntentId id, uint32_t) {
    return std::optional<Nanocredits>((1 + id.value % 3) * kCredit);
  };
  const DefragmentPolicy policy{.moves_max = *rc::gen::inRange(1, 6), .worth = kWorth};
  const Defragmentation found = defragment(site.graph, mix, policy, price);
  RC_ASSERT(static_cast<int32_t>(found.moves.size()) <= policy.moves_max);
  if (!found.moves.empty()) RC_ASSERT(found.usable_after - found.usable_before > found.cost);

  std::vector<NodeFree> free;
  for (size_t n = 0; n < nodes; ++n) free.push_back(site.graph.free(NodeId(n)));
  const auto usable = [&] {
    Nanocredits sum = 0;
    for (size_t n = 0; n < nodes; ++n) sum += usable_per_hour(site.graph, NodeId(n), free[n], mix, kWorth);
    return sum;
  };
  const auto shift = [&](IntentId id, NodeId from, NodeId to) {
    const Placement& p = site.graph.intent(id).active->plan.placements[0];
    free[from.index()].cpu_milli += p.cpu_milli;
    free[from.index()].memory_mib += p.memory_mib;
    free[to.index()].cpu_milli -= p.cpu_milli;
    free[to.index()].memory_mib -= p.memory_mib;
    return free[to.index()].cpu_milli >= 0 && free[to.index()].memory_mib >= 0;
  };
  const Nanocredits before = usable();
  RC_ASSERT(before == found.usable_before);
  Nanocredits best = 0;
  for (size_t i = 0; i < site.graph.intent_count(); ++i) {
    const NodeId from = site.graph.intent(IntentId(i)).active->plan.placements[0].node;
    for (size_t to = 0; to < nodes; ++to) {
      if (NodeId(to) == from) continue;
      if (shift(IntentId(i), from, NodeId(to)))
        best = std::max(best, usable() - before - *price(IntentId(i), 0));
      shift(IntentId(i), NodeId(to), from);
    }
  }
  const Defragmentation one = defragment(site.graph, mix, {.moves_max = 1, .worth = kWorth}, price);
  RC_ASSERT(one.usable_after - one.usable_before - one.cost == best);
  for (const Move& move : found.moves) {
    RC_ASSERT(site.graph.intent(move.intent).active->plan.placements[0].node == move.from);
    RC_ASSERT(shift(move.intent, move.from, move.to));
  }
  RC_ASSERT(usable() == found.usable_after);
}

}  // namespace
}  // namespace weir
