#include "orchestration/plan/joint_pass.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/units/dice.h"
#include "infrastructure/solver/clp.h"
#include "orchestration/plan/decide.h"
#include "orchestration/plan/joint_problem.h"

// Compares the pass with a search that tries every set of columns on small domains, and checks its prices,
// its assignment and its steps with nothing but the graph.
namespace weir {
namespace {

constexpr int64_t kMbps = 1'000'000;

// Sites have the first vertices. Every second world has plans already, decided one by one.
Graph small_world(uint64_t seed) {
  Dice dice(seed);
  Graph graph;
  const auto add = [&graph](EventBody body) { ASSERT_TRUE(graph.apply({1, "t", std::move(body)}).effect); };
  add(DomainCreated{
      .name = "d", .carbon_price_per_kg = dice.roll(0, 1) * kCredit, .scarcity_core_hour = kCredit});
  add(TenantDefined{TenantId(0u), "t"});
  const auto sites = static_cast<uint32_t>(dice.roll(2, 3));
  const auto routers = static_cast<uint32_t>(dice.roll(1, 3));
  uint32_t node = 0;
  for (uint32_t s = 0; s < sites; ++s) {
    SiteSpec spec{.name = "s" + std::to_string(s), .sid = "fd77:5::"};
    spec.asks.per_core_hour = dice.roll(1, 10) * kCredit / 10;
    spec.power = {5'000, 10'000, 1'200, dice.roll(100'000, 600'000)};
    if (dice.roll(0, 3) > 0) spec.residency = {"cn"};
    add(SiteDefined{SiteId(s), VertexId(s), spec});
    std::vector<NodeSpec> nodes;
    for (int64_t n = dice.roll(1, 2); n > 0; --n) {
      nodes.push_back({"n", static_cast<int32_t>(dice.roll(2, 9) * 100),
                       static_cast<int32_t>(dice.roll(2, 8) * 256), 0, "", 1000});
    }
    const auto count = static_cast<uint32_t>(nodes.size());
    add(NodesReported{SiteId(s), NodeId(node), std::move(nodes)});
    node += count;
    if (dice.roll(0, 9) > 0) add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
  }
  for (uint32_t r = 0; r < routers; ++r) add(RouterDefined{VertexId(sites + r), "r" + std::to_string(r)});
  const uint32_t vertices = sites + routers;
  const auto links = static_cast<uint32_t>(dice.roll(3, 7));
  for (uint32_t l = 0; l < links; ++l) {
    const auto a = static_cast<uint32_t>(dice.roll(0, vertices - 1));
    const auto b = static_cast<uint32_t>((a + dice.roll(1, vertices - 1)) % vertices);
    add(LinkDefined{LinkId(2 * l), LinkSpec{.name = "l" + std::to_string(l),
                                            .a = VertexId(a),
                                            .b = VertexId(b),
                                            .bandwidth_bps = dice.roll(2, 8) * kMbps,
                                            .latency_us = dice.roll(0, 30) * 1000,
                                            .per_gbps_hour = dice.roll(0, 100) * kCredit,
                                            .sid_a = "fd77:a::",
                                            .sid_b = "fd77:b::"}});
  }
  const auto intents = static_cast<uint32_t>(dice.roll(2, 6));
  JointPlanner planner;
  for (uint32_t i = 0; i < intents; ++i) {
    IntentSpec spec{.name = "i" + std::to_string(i)};
    if (dice.roll(0, 5) > 0) spec.from = {{SiteId(static_cast<uint32_t>(dice.roll(0, sites - 1))), 1}};
    spec.workload.cpu_milli = static_cast<int32_t>(dice.roll(1, 5) * 100);
    spec.workload.memory_mib = 256;
    spec.traffic = {dice.roll(1, 4) * kMbps, dice.roll(0, 2) * kMbps, dice.roll(0, 1) * 2000,
                    dice.roll(0, 10) * 100};
    if (dice.roll(0, 1) > 0) spec.promise.latency_us_max = dice.roll(10, 100) * 1000;
    if (dice.roll(0, 3) == 0) spec.where.residency = {"cn"};
    spec.prefer = {1000, static_cast<int32_t>(dice.roll(0, 1) * 1000)};
    add(IntentSubmitted{IntentId(i), TenantId(0u), 1, spec});
    if (seed % 2 == 0) continue;
    const Decision decision = planner.decide(graph, IntentId(i));
    if (const auto* plan = std::get_if<Plan>(&decision)) add(PlanCommitted{*plan});
  }
  return graph;
}

// Every way of serving an intent, found by walking.
struct Way {
  SiteId site;
  std::vector<LinkId> path;
  Nanocredits price = 0;
};

void walk(const Graph& graph, const IntentSpec& spec, SiteId to, VertexId at, std::set<VertexId>& seen,
          std::vector<LinkId>& path, std::vector<std::vector<LinkId>>& found) {
  if (at == graph.site(to).vertex) {
    found.push_back(path);
    return;
  }
  for (const LinkId link : graph.links_out(at)) {
    const VertexId next = graph.link(link).to;
    const bool transit = next.index() >= graph.site_count();
    if ((!transit && next != graph.site(to).vertex) || !graph.usable(link) || !seen.insert(next).second)
      continue;
    path.push_back(link);
    walk(graph, spec, to, next, seen, path, found);
    path.pop_back();
    seen.erase(next);
  }
}

std::vector<Way> ways_of(const Graph& graph, IntentId intent) {
  const IntentSpec& spec = *graph.intent(intent).spec;
  std::vector<Way> ways;
  const auto mask = graph.residency_mask(spec.where.residency);
  if (!mask || (!spec.from.empty() && graph.site(spec.from[0].site).state != Liveness::kUp)) return ways;
  for (size_t s = 0; s < graph.site_count(); ++s) {
    const SiteId site(s);
    const SiteRow& row = graph.site(site);
    if (row.state != Liveness::kUp || (row.residency & *mask) != *mask) continue;
    const auto service = service_time(graph, site, spec, 1);
    bool fits_somewhere = false;
    for (size_t n = 0; n < graph.node_count(); ++n) {
      const NodeRow& node = graph.node(NodeId(n));
      fits_somewhere = fits_somewhere || (node.site == site && node.cpu_milli >= spec.workload.cpu_milli &&
                                          node.memory_mib >= spec.workload.memory_mib);
    }
    if (!service || !fits_somewhere) continue;
    std::vector<std::vector<LinkId>> paths;
    if (spec.from.empty()) {
      paths.emplace_back();
    } else {
      const VertexId from = graph.site(spec.from[0].site).vertex;
      std::vector<LinkId> path;
      std::set<VertexId> seen = {from};
      walk(graph, spec, site, from, seen, path, paths);
    }
    const Nanocredits carbon = charge(carbon_mg_per_hour(row.power, spec.workload.cpu_milli),
                                      graph.prices().carbon_price_per_kg, 1'000'000);
    for (auto& path : paths) {
      if (!spec.from.empty() && spec.promise.latency_us_max > 0 &&
          path_round_trip_us(graph, path) + path_serialisation_us(graph, path, spec.traffic) +
                  service->work_us + service->queueing_us >
              spec.promise.latency_us_max) {
        continue;
      }
      Nanocredits price = charge(spec.workload.cpu_milli, row.asks.per_core_hour, kCoreUnit) +
                          charge(carbon, spec.prefer.carbon_milli, 1000);
      if (!spec.from.empty()) price += path_per_hour(graph, path, spec.traffic.up_bps, spec.traffic.down_bps);
      ways.push_back({site, std::move(path), price});
    }
  }
  return ways;
}

// Capacities as described, and what is taken of them: independent of what the pass counts.
struct Ledger {
  explicit Ledger(const Graph& graph) : graph_(graph) {
    for (size_t n = 0; n < graph.node_count(); ++n) {
      cpu.push_back(graph.node(NodeId(n)).cpu_milli);
      memory.push_back(graph.node(NodeId(n)).memory_mib);
    }
    for (size_t l = 0; l < graph.link_count(); ++l) bps.push_back(graph.link(LinkId(l)).bandwidth_bps);
  }
  void take(const IntentSpec& spec, NodeId node, const std::vector<LinkId>& path, int64_t sign) {
    cpu[node.index()] -= sign * spec.workload.cpu_milli;
    memory[node.index()] -= sign * spec.workload.memory_mib;
    for (const LinkId link : path) {
      bps[link.index()] -= sign * spec.traffic.up_bps;
      bps[opposite(link).index()] -= sign * spec.traffic.down_bps;
    }
  }
  bool kept() const {
    const auto negative = [](int64_t left) { return left < 0; };
    return std::none_of(cpu.begin(), cpu.end(), negative) &&
           std::none_of(memory.begin(), memory.end(), negative) &&
           std::none_of(bps.begin(), bps.end(), negative);
  }
  const Graph& graph_;
  std::vector<int64_t> cpu, memory, bps;
};

class Everything {
 public:
  Everything(const Graph& graph, const std::vector<Nanocredits>& worth)
      : graph_(graph), worth_(worth), left_(graph) {
    for (size_t i = 0; i < graph.intent_count(); ++i) ways_.push_back(ways_of(graph, IntentId(i)));
    next(0, 0);
  }
  Nanocredits best() const { return best_; }
  const std::vector<std::vector<Way>>& ways() const { return ways_; }

 private:
  void next(size_t i, Nanocredits sum) {
    if (sum >= best_) return;
    if (i == ways_.size()) {
      best_ = sum;
      return;
    }
    const IntentSpec& spec = *graph_.intent(IntentId(i)).spec;
    for (const Way& way : ways_[i]) {
      for (size_t n = 0; n < graph_.node_count(); ++n) {
        if (graph_.node(NodeId(n)).site != way.site) continue;
        left_.take(spec, NodeId(n), way.path, 1);
        if (left_.kept()) next(i + 1, sum + way.price);
        left_.take(spec, NodeId(n), way.path, -1);
      }
    }
    next(i + 1, sum + worth_[i]);
  }

  const Graph& graph_;
  const std::vector<Nanocredits>& worth_;
  Ledger left_;
  std::vector<std::vector<Way>> ways_;
  Nanocredits best_ = INT64_MAX;
};

constexpr JointPassOptions kOptions{.worth = {.per_intent = kCredit / 7, .per_core_hour = 3 * kCredit},
                                    .served_worth_factor = 1,
                                    .relaxation = {.gap_ppm = 0},
                                    .rounding = {.move_ppm = 0}};

// 0 for what is not the pass's: nobody can serve it.
std::vector<Nanocredits> worths(const Graph& graph) {
  std::vector<Nanocredits> worth;
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    const IntentSpec& spec = *graph.intent(IntentId(i)).spec;
    const bool dead = !spec.from.empty() && graph.site(spec.from[0].site).state != Liveness::kUp;
    const bool nowhere = !graph.residency_mask(spec.where.residency).has_value();
    worth.push_back(dead || nowhere ? 0 : worth_of(kOptions.worth, spec.workload));
  }
  return worth;
}

// What is held after the steps, by intent; every state on the way keeps what there is.
std::map<IntentId, Plan> walk_steps(const Graph& graph, const std::vector<JointStep>& steps) {
  Ledger left(graph);
  std::map<IntentId, Plan> held;
  const auto take = [&](const Plan& plan, int64_t sign) {
    left.take(*graph.intent(plan.intent).spec, plan.placements[0].node,
              plan.flows.empty() ? std::vector<LinkId>{} : plan.flows[0].path, sign);
  };
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    if (const auto& active = graph.intent(IntentId(i)).active) {
      held[IntentId(i)] = active->plan;
      take(active->plan, 1);
    }
  }
  EXPECT_TRUE(left.kept());
  for (const JointStep& step : steps) {
    const auto old = held.find(step.intent);
    if (step.kind == JointStep::Kind::kTake) {
      // What goes on takes its node once, and both ways until it has gone over.
      const bool stays = step.plan.placements[0].continues.valid();
      if (stays && (old == held.end() || old->second.placements[0].node != step.plan.placements[0].node)) {
        ADD_FAILURE() << "what goes on is not there";
        continue;
      }
      const auto node = [&](int64_t sign) {
        if (stays) left.take(*graph.intent(step.intent).spec, step.plan.placements[0].node, {}, sign);
      };
      node(-1);
      take(step.plan, 1);
      EXPECT_TRUE(left.kept()) << "a step takes what there is not";
      if (old != held.end()) take(old->second, -1);
      node(1);
      held[step.intent] = step.plan;
    } else {
      if (old == held.end()) {
        ADD_FAILURE() << "what is not held is left";
        continue;
      }
      take(old->second, -1);
      held.erase(old);
    }
  }
  return held;
}

TEST(JointPass, LiesBetweenBoundAndExhaustiveSearchOn1500Domains) {
  ClpSolver solver;
  int optimal = 0, refusing = 0, moving = 0, priced = 0;
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Graph graph = small_world(seed);
    const auto result = JointPass(solver).run(graph, kOptions);
    ASSERT_TRUE(result) << result.error().text();
    const std::vector<Nanocredits> worth = worths(graph);
    const Everything everything(graph, worth);
    ASSERT_LE(result->bound, everything.best());
    ASSERT_LE(result->bound, result->relaxed + 1'000);
    ASSERT_LE(everything.best(), result->after);
    ASSERT_LE(result->after, result->before);
    optimal += result->after == everything.best();

    // Weak duality, over every way there is.
    std::map<LinkId, Nanocredits> link_price;
    std::map<SiteId, SiteShadowPrice> site_price;
    __int128 dual = 0;
    for (const LinkShadowPrice& price : result->links) {
      ASSERT_GT(price.per_gbps_hour, 0);
      link_price[price.link] = price.per_gbps_hour;
      dual -= static_cast<__int128>(price.per_gbps_hour) * graph.link(price.link).bandwidth_bps / kGbpsUnit;
    }
    for (const SiteShadowPrice& price : result->sites) {
      site_price[price.site] = price;
      dual -= static_cast<__int128>(price.per_core_hour) * graph.load(price.site).cpu_milli_total / kCoreUnit;
      dual -= static_cast<__int128>(price.per_gib_hour) * graph.load(price.site).memory_mib_total / kGibUnit;
    }
    priced += !link_price.empty() || !site_price.empty();
    for (size_t i = 0; i < worth.size(); ++i) {
      const IntentSpec& spec = *graph.intent(IntentId(i)).spec;
      __int128 least = worth[i];
      for (const Way& way : everything.ways()[i]) {
        const SiteShadowPrice& at = site_price[way.site];
        __int128 sum = way.price + charge(spec.workload.cpu_milli, at.per_core_hour, kCoreUnit) +
                       charge(spec.workload.memory_mib, at.per_gib_hour, kGibUnit);
        for (const LinkId link : way.path) {
          sum += charge(spec.traffic.up_bps, link_price[link], kGbpsUnit) +
                 charge(spec.traffic.down_bps, link_price[opposite(link)], kGbpsUnit);
        }
        least = std::min(least, sum);
      }
      dual += least;
    }
    ASSERT_LE(result->bound, dual + 100);

    // What the steps come to is what the pass says.
    const std::map<IntentId, Plan> held = walk_steps(graph, result->steps);
    Nanocredits sum = 0;
    for (size_t i = 0; i < worth.size(); ++i) {
      const auto plan = held.find(IntentId(i));
      if (plan == held.end()) {
        sum += worth[i];
        ++refusing;
        continue;
      }
      const auto way = std::ranges::find_if(everything.ways()[i], [&](const Way& one) {
        return one.site == plan->second.placements[0].site &&
               one.path == (plan->second.flows.empty() ? std::vector<LinkId>{} : plan->second.flows[0].path);
      });
      ASSERT_NE(way, everything.ways()[i].end());
      sum += way->price;
    }
    ASSERT_EQ(sum, result->after);
    moving += result->moved;
  }
  EXPECT_GT(optimal, 1300);
  EXPECT_GT(refusing, 300);
  EXPECT_GT(moving, 100);
  EXPECT_GT(priced, 300);
  RecordProperty("optimal", optimal);
  RecordProperty("refusing", refusing);
  RecordProperty("moving", moving);
  RecordProperty("priced", priced);
}

TEST(JointPass, PlansAreGrantedWhereNothingIsHeld) {
  ClpSolver solver;
  for (uint64_t seed = 0; seed < 400; seed += 2) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Graph graph = small_world(seed);
    const auto result = JointPass(solver).run(graph, kOptions);
    ASSERT_TRUE(result) << result.error().text();
    for (const JointStep& step : result->steps) {
      ASSERT_EQ(step.kind, JointStep::Kind::kTake);
      const Verdict verdict = verify(graph, step.plan);
      ASSERT_TRUE(verdict.granted) << verdict.why;
      ASSERT_TRUE(graph.apply({1, "t", PlanCommitted{step.plan}}).effect);
    }
    // The next pass has nothing to add but what it refused before.
    const auto again = JointPass(solver).run(graph, kOptions);
    ASSERT_TRUE(again) << again.error().text();
    ASSERT_LE(again->after, result->after);
    ASSERT_EQ(again->before, result->after);
  }
}

TEST(JointPass, SaysTheSameOnASecondRun) {
  ClpSolver solver;
  for (uint64_t seed = 1; seed < 60; seed += 2) {
    const Graph graph = small_world(seed);
    const auto a = JointPass(solver).run(graph), b = JointPass(solver).run(graph);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->bound, b->bound);
    EXPECT_EQ(a->after, b->after);
    EXPECT_EQ(a->sites, b->sites);
    EXPECT_EQ(a->links, b->links);
    ASSERT_EQ(a->steps.size(), b->steps.size());
    for (size_t k = 0; k < a->steps.size(); ++k) EXPECT_EQ(a->steps[k].plan, b->steps[k].plan);
  }
}

TEST(JointPass, DropsNothingThatIsServed) {
  ClpSolver solver;
  for (uint64_t seed = 1; seed < 400; seed += 2) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto result = JointPass(solver).run(small_world(seed));
    ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(result->dropped, 0);
    EXPECT_LE(result->after, result->before);
  }
}

// The same work with other words about places is another kind of work; whom others draw near or keep apart, and what goes on
// where it could not be placed any more, is left where it is.
TEST(JointProblem, KnowsWhereEachMayBe) {
  Graph graph;
  const auto add = [&graph](EventBody body) { ASSERT_TRUE(graph.apply({1, "t", std::move(body)}).effect); };
  add(DomainCreated{.name = "d"});
  add(TenantDefined{TenantId(0u), "t"});
  for (uint32_t s = 0; s < 3; ++s) {
    SiteSpec spec{.name = "s" + std::to_string(s)};
    if (s == 1) spec.taints = {"noisy"};
    add(SiteDefined{SiteId(s), VertexId(s), spec});
    add(NodesReported{SiteId(s), NodeId(s), {{"n", 1000, 1024, 0, "", s == 2 ? 800 : 1600}}});
    add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
  }
  add(DatasetDefined{DatasetId(0u), {.name = "maps", .at = {SiteId(0u), SiteId(2u)}}});
  const auto submit = [&](Where where, int32_t speed = 0) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "i" + std::to_string(id.value), .where = std::move(where), .data = {DatasetId(0u)}};
    spec.workload.cpu_milli = 100;
    spec.workload.speed_milli_min = speed;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
  };
  submit({});
  submit({.tolerates = {"noisy"}});
  submit({.at_data = true});
  submit({}, 1'000);
  const JointProblem problem(graph, {});
  ASSERT_EQ(problem.items().size(), 4u);
  ASSERT_EQ(problem.works().size(), 4u);
  const auto may = [](const JointProblem& of, uint32_t item) {
    std::vector<bool> out;
    for (const Nanocredits price : of.works()[of.items()[item].work].price) out.push_back(price != JointWork::kNever);
    return out;
  };
  EXPECT_EQ(may(problem, 0), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(may(problem, 1), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(may(problem, 2), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(may(problem, 3), (std::vector<bool>{true, false, false}));
  submit({.near = {IntentId(0u)}});
  submit({.apart_from = {IntentId(0u)}});
  submit({.regions_min = 2});
  submit({.failure_domains_min = 2});
  EXPECT_EQ(JointProblem(graph, {}).items().size(), 4u);
  Plan plan{.intent = IntentId(0u), .generation = 1};
  plan.placements.push_back({.site = SiteId(1u), .node = NodeId(1u), .cpu_milli = 100, .continues = {}});
  add(PlanCommitted{plan});
  EXPECT_EQ(JointProblem(graph, {}).items().size(), 3u);
}

TEST(JointPass, HasNothingToSayOfAnEmptyDomain) {
  ClpSolver solver;
  const auto result = JointPass(solver).run(Graph{});
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_EQ(result->bound, 0);
  EXPECT_TRUE(result->steps.empty());
}

}  // namespace
}  // namespace weir
