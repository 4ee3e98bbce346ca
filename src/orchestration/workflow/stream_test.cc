#include "orchestration/workflow/stream.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "core/units/dice.h"
#include "orchestration/path/path_search.h"
#include "orchestration/workflow/packing.h"
#include "orchestration/workflow/test_world.h"

namespace weir {
namespace {

constexpr int64_t kMbps = 1'000'000;

enum class Shape { kChain, kTree, kDag };

struct Case {
  TestWorld world;
  Workflow workflow;
};

// `tight`: nodes and links hold one or two stages or edges.
std::unique_ptr<Case> random_case(uint64_t seed, Shape shape, bool tight, bool promise) {
  Dice dice(seed);
  const bool plain = dice.roll(0, 2) == 0;  // some links cannot be steered
  auto made = std::make_unique<Case>();
  TestWorld& world = made->world;
  const auto sites = dice.roll(2, 4);
  for (int64_t s = 0; s < sites; ++s) {
    std::vector<int32_t> nodes;
    for (int64_t n = dice.roll(1, 2); n > 0; --n)
      nodes.push_back(static_cast<int32_t>(tight ? dice.roll(3, 9) * 100 : 10'000));
    world.site("s" + std::to_string(s), dice.roll(1, 10) * kCredit / 10, nodes,
               static_cast<int32_t>(dice.roll(2, 4) * 500));
  }
  const auto routers = dice.roll(1, 3);
  for (int64_t r = 0; r < routers; ++r) world.router("r" + std::to_string(r));
  const auto vertices = static_cast<uint32_t>(sites + routers);
  const auto link = [&](uint32_t a, uint32_t b) {
    world.link(VertexId(a), VertexId(b), (tight ? dice.roll(2, 8) : 1'000) * kMbps, dice.roll(0, 20) * 1'000,
               dice.roll(0, 100) * kCredit, !plain || dice.roll(0, 2) > 0);
  };
  for (uint32_t s = 0; s < sites; ++s) link(s, static_cast<uint32_t>(sites + dice.roll(0, routers - 1)));
  for (int64_t l = dice.roll(1, 5); l > 0; --l) {
    const auto a = static_cast<uint32_t>(dice.roll(0, vertices - 1));
    link(a, static_cast<uint32_t>((a + dice.roll(1, vertices - 1)) % vertices));
  }
  Workflow& workflow = made->workflow;
  workflow.kind = WorkflowKind::kStream;
  const auto stages = static_cast<uint32_t>(dice.roll(2, shape == Shape::kDag ? 4 : 5));
  for (uint32_t k = 0; k < stages; ++k) {
    Stage stage{.name = "k" + std::to_string(k),
                .work_us = dice.roll(0, 10) * 1'000,
                .items_per_second_milli = 5'000};
    stage.workload.cpu_milli = static_cast<int32_t>(dice.roll(1, 5) * 100);
    stage.replicas = dice.roll(0, 5) == 0 ? 2 : 1;
    if (dice.roll(0, 2) == 0) stage.at = {SiteId(static_cast<size_t>(dice.roll(0, sites - 1)))};
    workflow.stages.push_back(std::move(stage));
  }
  const auto join = [&](uint32_t from, uint32_t to) {
    workflow.edges.push_back(
        {.from = from, .to = to, .bps = dice.roll(1, 4) * kMbps, .item_bits = dice.roll(0, 1) * 10'000});
  };
  for (uint32_t k = 1; k < stages; ++k) {
    const auto other = shape == Shape::kChain ? k - 1 : static_cast<uint32_t>(dice.roll(0, k - 1));
    // Rows rise along edges of a DAG, so that it has no cycle; a tree may go either way.
    if (shape == Shape::kTree && dice.roll(0, 1) == 0) {
      join(k, other);
    } else {
      join(other, k);
    }
  }
  for (uint32_t a = 0; shape == Shape::kDag && a < stages; ++a) {
    for (uint32_t b = a + 1; b < stages; ++b) {
      const bool known = std::any_of(workflow.edges.begin(), workflow.edges.end(),
                                     [&](const WorkflowEdge& e) { return e.from == a && e.to == b; });
      if (!known && workflow.edges.size() < 5 && dice.roll(0, 1) == 0) join(a, b);
    }
  }
  if (promise) workflow.latency_us_max = dice.roll(20, 150) * 1'000;
  return made;
}

// Tries every site for every stage and every simple path for every edge.
class Everything {
 public:
  Everything(const Graph& graph, const Workflow& workflow, const StreamProblem& problem)
      : graph_(graph), workflow_(workflow), problem_(problem) {
    sites_.resize(workflow.stages.size());
    paths_.resize(workflow.edges.size());
    for (size_t l = 0; l < graph.link_count(); ++l) free_.push_back(graph.load(LinkId(l)).free_bps);
  }
  std::optional<Nanocredits> best() {
    place(0, 0);
    return best_;
  }

  // Longest way through the stages.
  int64_t slowest_us() const {
    std::vector<int64_t> done(sites_.size(), 0);
    int64_t slowest = 0;
    for (const uint32_t k : topological_order(workflow_)) {
      for (size_t e = 0; e < paths_.size(); ++e) {
        if (workflow_.edges[e].to != k) continue;
        int64_t us = done[workflow_.edges[e].from];
        for (const LinkId link : paths_[e]) us += problem_.edges[e].links->latency_us[link.index()];
        done[k] = std::max(done[k], us);
      }
      done[k] += problem_.stages[k].latency_us[sites_[k].index()];
      slowest = std::max(slowest, done[k]);
    }
    return slowest;
  }

 private:
  bool worse(Nanocredits price) const { return best_ && price >= *best_; }

  void place(size_t k, Nanocredits price) {
    if (worse(price)) return;
    if (k == sites_.size()) {
      if (fits()) lead(0, price);
      return;
    }
    for (size_t s = 0; s < graph_.site_count(); ++s) {
      if (problem_.stages[k].price[s] >= kImpossible) continue;
      sites_[k] = SiteId(s);
      place(k + 1, price + problem_.stages[k].price[s]);
    }
  }

  // Every node for every instance.
  bool fits() const {
    std::vector<std::pair<SiteId, int32_t>> units;
    for (size_t k = 0; k < sites_.size(); ++k) {
      for (int32_t r = 0; r < workflow_.stages[k].replicas; ++r)
        units.emplace_back(sites_[k], workflow_.stages[k].workload.cpu_milli);
    }
    std::vector<int64_t> cpu;
    for (size_t n = 0; n < graph_.node_count(); ++n) cpu.push_back(graph_.free(NodeId(n)).cpu_milli);
    const std::function<bool(size_t)> put = [&](size_t u) {
      if (u == units.size()) return true;
      for (size_t n = 0; n < cpu.size(); ++n) {
        if (graph_.node(NodeId(n)).site != units[u].first || cpu[n] < units[u].second) continue;
        cpu[n] -= units[u].second;
        if (put(u + 1)) return true;
        cpu[n] += units[u].second;
      }
      return false;
    };
    return put(0);
  }

  void lead(size_t e, Nanocredits price) {
    if (worse(price)) return;
    if (e == paths_.size()) {
      if (workflow_.latency_us_max == 0 || slowest_us() <= workflow_.latency_us_max) best_ = price;
      return;
    }
    const auto& edge = workflow_.edges[e];
    std::vector<VertexId> visited{graph_.site(sites_[edge.from]).vertex};
    walk(e, price, visited);
  }

  void walk(size_t e, Nanocredits price, std::vector<VertexId>& visited) {
    if (worse(price)) return;
    const VertexId at = visited.back();
    if (at == graph_.site(sites_[workflow_.edges[e].to]).vertex) {
      if (graph_.steerable(paths_[e]) || paths_[e] == routed_path(graph_, visited.front(), at))
        lead(e + 1, price);
      return;
    }
    if (visited.size() > 1 && graph_.site_at(at).valid()) return;
    for (const LinkId link : graph_.links_out(at)) {
      const VertexId next = graph_.link(link).to;
      if (free_[link.index()] < problem_.edges[e].bps ||
          std::find(visited.begin(), visited.end(), next) != visited.end())
        continue;
      free_[link.index()] -= problem_.edges[e].bps;
      visited.push_back(next);
      paths_[e].push_back(link);
      walk(e, price + problem_.edges[e].links->price[link.index()], visited);
      paths_[e].pop_back();
      visited.pop_back();
      free_[link.index()] += problem_.edges[e].bps;
    }
  }

  const Graph& graph_;
  const Workflow& workflow_;
  const StreamProblem& problem_;
  std::vector<SiteId> sites_;
  std::vector<std::vector<LinkId>> paths_;
  std::vector<int64_t> free_;
  std::optional<Nanocredits> best_;
};

// Everything that a plan says about itself is so.
void expect_valid(const Graph& graph, const Workflow& workflow, const StreamProblem& problem,
                  const StreamPlan& plan) {
  Nanocredits price = 0;
  std::map<NodeId, int64_t> cpu;
  for (size_t k = 0; k < plan.stages.size(); ++k) {
    const StagePlace& place = plan.stages[k];
    ASSERT_LT(problem.stages[k].price[place.site.index()], kImpossible);
    ASSERT_EQ(place.price, problem.stages[k].price[place.site.index()]);
    price += place.price;
    ASSERT_EQ(place.nodes.size(), static_cast<size_t>(workflow.stages[k].replicas));
    for (const NodeId node : place.nodes) {
      ASSERT_EQ(graph.node(node).site, place.site);
      cpu[node] += workflow.stages[k].workload.cpu_milli;
    }
  }
  for (const auto& [node, used] : cpu) ASSERT_LE(used, graph.free(node).cpu_milli);
  std::map<LinkId, int64_t> used_bps;
  std::vector<int64_t> done(plan.stages.size(), 0);
  for (size_t e = 0; e < plan.edges.size(); ++e) {
    const EdgeWay& way = plan.edges[e];
    VertexId at = graph.site(plan.stages[workflow.edges[e].from].site).vertex;
    Nanocredits cost = 0;
    for (const LinkId link : way.path) {
      ASSERT_EQ(graph.link(link).from, at);
      at = graph.link(link).to;
      used_bps[link] += way.bps;
      cost += problem.edges[e].links->price[link.index()];
    }
    ASSERT_EQ(at, graph.site(plan.stages[workflow.edges[e].to].site).vertex);
    for (size_t i = 0; i + 1 < way.path.size(); ++i)
      ASSERT_FALSE(graph.site_at(graph.link(way.path[i]).to).valid());
    ASSERT_EQ(cost, way.price);
    ASSERT_TRUE(graph.steerable(way.path) || can_be_held(graph, way.path));
    price += cost;
  }
  for (const auto& [link, bps] : used_bps) ASSERT_LE(bps, graph.load(link).free_bps);
  int64_t slowest = 0;
  for (const uint32_t k : topological_order(workflow)) {
    for (size_t e = 0; e < plan.edges.size(); ++e) {
      if (workflow.edges[e].to == k)
        done[k] = std::max(done[k], done[workflow.edges[e].from] + plan.edges[e].latency_us);
    }
    done[k] += plan.stages[k].latency_us;
    slowest = std::max(slowest, done[k]);
  }
  ASSERT_EQ(slowest, plan.latency_us);
  if (workflow.latency_us_max > 0) {
    ASSERT_LE(slowest, workflow.latency_us_max);
  }
  ASSERT_EQ(price, plan.price);
  ASSERT_LE(plan.bound, plan.price);
}

struct Score {
  int placed = 0, refused = 0, exact = 0, optimal = 0, missed = 0;
};

void compare(uint64_t seed, Shape shape, bool tight, bool promise, Score& score) {
  const auto given = random_case(seed, shape, tight, promise);
  const Graph& graph = given->world.graph();
  ASSERT_TRUE(check(given->workflow)) << check(given->workflow).error().text();
  const auto problem = stream_problem(graph, given->workflow);
  const auto plan = plan_stream(graph, given->workflow);
  if (!problem) {
    ASSERT_FALSE(plan);
    return;
  }
  const auto best = Everything(graph, given->workflow, *problem).best();
  if (!best) {
    ASSERT_FALSE(plan) << "seed " << seed;
    ++score.refused;
    return;
  }
  if (!plan) {
    ASSERT_EQ(plan.error().code, ErrorCode::kExhausted) << "seed " << seed;
    ++score.missed;
    return;
  }
  expect_valid(graph, given->workflow, *problem, *plan);
  ++score.placed;
  ASSERT_LE(plan->bound, *best) << "seed " << seed;
  ASSERT_GE(plan->price, *best) << "seed " << seed;
  if (plan->quality == Quality::kExact) {
    ASSERT_EQ(plan->price, *best) << "seed " << seed;
    ++score.exact;
  }
  score.optimal += plan->price == *best;
}

Score compare_all(Shape shape, bool tight, bool promise, uint64_t cases) {
  Score score;
  for (uint64_t seed = 0; seed < cases && !testing::Test::HasFatalFailure(); ++seed)
    compare(seed, shape, tight, promise, score);
  return score;
}

constexpr uint64_t kCases = 400;

TEST(StreamExhaustive, ChainsAreExact) {
  for (const bool tight : {false, true}) {
    for (const bool promise : {false, true}) {
      const Score score = compare_all(Shape::kChain, tight, promise, kCases);
      EXPECT_GT(score.placed, 100);
      EXPECT_EQ(score.exact, score.placed);
      EXPECT_EQ(score.missed, 0);
    }
  }
}

TEST(StreamExhaustive, TreesAreExact) {
  for (const bool tight : {false, true}) {
    for (const bool promise : {false, true}) {
      const Score score = compare_all(Shape::kTree, tight, promise, kCases);
      EXPECT_GT(score.placed, 100);
      EXPECT_EQ(score.exact, score.placed);
      EXPECT_EQ(score.missed, 0);
    }
  }
}

TEST(StreamExhaustive, OtherGraphsHaveABoundAndAreMostlyOptimal) {
  for (const bool tight : {false, true}) {
    for (const bool promise : {false, true}) {
      const Score score = compare_all(Shape::kDag, tight, promise, kCases);
      EXPECT_GT(score.placed, 100);
      EXPECT_GE(score.optimal * 100, score.placed * 95);
      EXPECT_LE(score.missed * 100, kCases * 2);
    }
  }
}

RC_GTEST_PROP(StreamExhaustive, TreesWithEverythingTight, (uint64_t seed)) {
  Score score;
  compare(seed, Shape::kTree, true, true, score);
  RC_ASSERT(score.exact == score.placed);
  RC_ASSERT(!testing::Test::HasFatalFailure());
}

// A camera at an edge site, a detector, an archive in the cloud.
struct Cameras {
  Cameras() {
    edge = world.site("edge", 8 * kCredit, {4000});
    cloud = world.site("cloud", 1 * kCredit, {64'000}, 2000);
    const VertexId a = world.router("a"), b = world.router("b");
    world.link(world.at(edge), a, 1'000 * kMbps, 500);
    backbone = world.link(a, b, 100 * kMbps, 20'000, 100 * kCredit);
    world.link(b, world.at(cloud), 1'000 * kMbps, 500);
    workflow.kind = WorkflowKind::kStream;
    workflow.stages = {{.name = "camera", .at = {edge}},
                       {.name = "detect", .work_us = 10'000, .items_per_second_milli = 25'000},
                       {.name = "archive", .at = {cloud}}};
    workflow.stages[1].workload.cpu_milli = 1000;
    workflow.edges = {{.from = 0, .to = 1, .bps = 40 * kMbps}, {.from = 1, .to = 2, .bps = kMbps}};
  }
  TestWorld world;
  SiteId edge, cloud;
  LinkId backbone;
  Workflow workflow;
};

TEST(Stream, PaysForBandwidthOrForThePlace) {
  Cameras cameras;
  // In the cloud: 1 credit and 4 for 40 Mbit/s over the backbone. At the edge: 8 and 0.1.
  auto plan = plan_stream(cameras.world.graph(), cameras.workflow);
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(plan->stages[1].site, cameras.cloud);
  EXPECT_EQ(plan->price, 5 * kCredit);
  EXPECT_EQ(plan->latency_us, 21'000 + 5'000);
  EXPECT_EQ(plan->quality, Quality::kExact);
  // Video that has no room on the backbone stays where it is.
  cameras.workflow.edges[0].bps = 101 * kMbps;
  plan = plan_stream(cameras.world.graph(), cameras.workflow);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->stages[1].site, cameras.edge);
  EXPECT_EQ(plan->price, 8 * kCredit + kCredit / 10);
  EXPECT_EQ(plan->edges[0].path, std::vector<LinkId>());
}

TEST(Stream, KeepsThePromiseOrSaysThatNothingDoes) {
  Cameras cameras;
  cameras.workflow.latency_us_max = 26'000;
  EXPECT_EQ(plan_stream(cameras.world.graph(), cameras.workflow)->stages[1].site, cameras.cloud);
  cameras.workflow.latency_us_max = 25'999;
  const auto plan = plan_stream(cameras.world.graph(), cameras.workflow);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::kInfeasible);
  cameras.workflow.latency_us_max = 0;
  cameras.workflow.stages[1].items_per_second_milli =
      250'000;  // 10 ms each: no site keeps up with one instance
  EXPECT_EQ(plan_stream(cameras.world.graph(), cameras.workflow).error().where, "spec.stages[1]");
  cameras.workflow.stages[1].replicas = 4;
  const auto wide = plan_stream(cameras.world.graph(), cameras.workflow);
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->stages[1].nodes.size(), 4u);
}

TEST(Stream, GivesWayWhereEdgesShareALink) {
  Cameras cameras;
  // A second way, dearer, for one of two videos that have no room side by side.
  const Graph& graph = cameras.world.graph();
  const VertexId a = graph.link(cameras.backbone).from, b = graph.link(cameras.backbone).to;
  const LinkId second = cameras.world.link(a, b, 100 * kMbps, 30'000, 150 * kCredit);
  Workflow& workflow = cameras.workflow;
  workflow.stages.push_back(workflow.stages[0]);
  workflow.stages.back().name = "camera 2";
  workflow.edges[0].bps = 60 * kMbps;
  workflow.edges.push_back({.from = 3, .to = 1, .bps = 50 * kMbps});
  workflow.stages[1].at = {cameras.cloud};
  const auto plan = plan_stream(graph, workflow);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->edges[0].path[1], cameras.backbone);
  EXPECT_EQ(plan->edges[2].path[1], second);
  EXPECT_EQ(plan->price, kCredit + 6 * kCredit + 15 * kCredit / 2);
  EXPECT_EQ(plan->quality, Quality::kExact);
}

TEST(Stream, SaysTheSameTwice) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto given = random_case(seed, Shape::kDag, true, true);
    const auto first = plan_stream(given->world.graph(), given->workflow);
    const auto second = plan_stream(given->world.graph(), given->workflow);
    ASSERT_EQ(first.has_value(), second.has_value());
    if (first) {
      EXPECT_EQ(*first, *second);
    }
  }
}

TEST(Packing, FindsWhatBestFitMisses) {
  TestWorld world;
  const SiteId site = world.site("s", kCredit, {1000, 900});
  Workload five, four, three;
  five.cpu_milli = 500;
  four.cpu_milli = 400;
  three.cpu_milli = 300;
  // Best fit puts 500 and 400 on the node of 900, and then 300, 300 and 400 fill the other exactly.
  EXPECT_TRUE(pack(world.graph(), site, {{&five, 1}, {&four, 2}, {&three, 2}}, 1'000).fits);
  // 500 with 500; 300, 300 and 300.
  EXPECT_TRUE(pack(world.graph(), site, {{&five, 2}, {&three, 3}}, 1'000).fits);
  const Packing none = pack(world.graph(), site, {{&five, 2}, {&three, 2}, {&four, 1}}, 1'000);
  EXPECT_FALSE(none.fits);
  EXPECT_TRUE(none.exact);
  EXPECT_FALSE(pack(world.graph(), site, {{&five, 2}, {&three, 2}, {&four, 1}}, 3).exact);
}

}  // namespace
}  // namespace weir
