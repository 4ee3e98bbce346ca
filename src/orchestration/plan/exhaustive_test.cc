#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <random>
#include <set>

#include "orchestration/plan/decide.h"

// Compares the planner with a search that tries everything: every way of dividing streams among instances,
// every node, every simple path, judged by what the graph says and by nothing that the planner uses to prune.
namespace weir {
namespace {

constexpr int64_t kMbps = 1'000'000;

struct World {
  Graph graph;
  IntentId intent{0u};
};

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  int64_t roll(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }

 private:
  std::mt19937_64 engine_;
};

World small_world(uint64_t seed) {
  Dice dice(seed);
  World world;
  Graph& graph = world.graph;
  const auto add = [&graph](EventBody body) { ASSERT_TRUE(graph.apply({1, "t", std::move(body)}).effect); };
  add(DomainCreated{.name = "d",
                    .carbon_price_per_kg = dice.roll(0, 1) * kCredit,
                    .scarcity_core_hour = dice.roll(0, 5) * kCredit,
                    .scarcity_gbps_hour = dice.roll(0, 50) * kCredit});
  add(TenantDefined{TenantId(0u), "t"});
  const auto sites = static_cast<uint32_t>(dice.roll(2, 4));
  const auto routers = static_cast<uint32_t>(dice.roll(0, 4));
  uint32_t node = 0;
  for (uint32_t s = 0; s < sites; ++s) {
    SiteSpec spec{.name = "s" + std::to_string(s)};
    spec.asks.per_core_hour = dice.roll(1, 10) * kCredit / 10;
    spec.power = {5'000, 10'000, 1'200, dice.roll(100'000, 600'000)};
    if (dice.roll(0, 3) > 0) spec.residency = {"cn"};
    add(SiteDefined{SiteId(s), VertexId(s), spec});
    std::vector<NodeSpec> nodes;
    for (int64_t n = dice.roll(1, 2); n > 0; --n) {
      nodes.push_back({"n", static_cast<int32_t>(dice.roll(0, 10) * 100), 1024, 0, "", 1000});
    }
    const auto count = static_cast<uint32_t>(nodes.size());
    add(NodesReported{SiteId(s), NodeId(node), std::move(nodes)});
    node += count;
    if (dice.roll(0, 9) > 0) add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
  }
  for (uint32_t r = 0; r < routers; ++r) add(RouterDefined{VertexId(sites + r), "r" + std::to_string(r)});
  const uint32_t vertices = sites + routers;
  const auto links = static_cast<uint32_t>(dice.roll(2, 9));
  for (uint32_t l = 0; l < links; ++l) {
    const auto a = static_cast<uint32_t>(dice.roll(0, vertices - 1));
    const auto b = static_cast<uint32_t>((a + dice.roll(1, vertices - 1)) % vertices);
    add(LinkDefined{LinkId(2 * l), LinkSpec{.name = "l" + std::to_string(l), .a = VertexId(a), .b = VertexId(b),
                                            .bandwidth_bps = dice.roll(1, 8) * kMbps,
                                            .latency_us = dice.roll(0, 30) * 1000,
                                            .per_gbps_hour = dice.roll(0, 100) * kCredit}});
  }
  IntentSpec spec{.name = "i"};
  for (uint32_t i = 0, from = static_cast<uint32_t>(dice.roll(1, 2)); i < from; ++i) {
    spec.from.push_back({SiteId(i), static_cast<int32_t>(dice.roll(1, 3))});
  }
  spec.workload.cpu_milli = static_cast<int32_t>(dice.roll(1, 6) * 100);
  spec.workload.memory_mib = 256;
  spec.workload.streams_per_instance = static_cast<int32_t>(dice.roll(1, 3));
  spec.traffic = {dice.roll(1, 4) * kMbps, dice.roll(0, 1) * kMbps, dice.roll(0, 1) * 2000, dice.roll(0, 30) * 1000};
  if (dice.roll(0, 2) > 0) spec.promise.latency_us_max = dice.roll(20, 400) * 1000;
  if (dice.roll(0, 2) == 0) spec.where.residency = {"cn"};
  if (dice.roll(0, 3) == 0) spec.where.not_at = {SiteId(static_cast<uint32_t>(dice.roll(0, sites - 1)))};
  if (dice.roll(0, 3) == 0) spec.where.sites_min = 2;
  if (dice.roll(0, 3) == 0) spec.budget_per_hour_max = dice.roll(1, 20) * kCredit / 5;
  spec.prefer = {1000, static_cast<int32_t>(dice.roll(0, 1) * 1000)};
  add(IntentSubmitted{world.intent, TenantId(0u), 1, spec});
  return world;
}

class Everything {
 public:
  Everything(const World& world) : graph_(world.graph), spec_(*world.graph.intent(world.intent).spec) {
    for (const Ingress& from : spec_.from) left_.push_back(from.streams);
    for (size_t n = 0; n < graph_.node_count(); ++n) {
      cpu_.push_back(graph_.free(NodeId(n)).cpu_milli);
      memory_.push_back(graph_.free(NodeId(n)).memory_mib);
    }
    for (size_t l = 0; l < graph_.link_count(); ++l) free_.push_back(graph_.load(LinkId(l)).free_bps);
  }

  std::optional<Nanocredits> best() {
    for (const Ingress& from : spec_.from) {
      if (graph_.site(from.site).state == Liveness::kDown) return std::nullopt;
    }
    if (!graph_.residency_mask(spec_.where.residency)) return std::nullopt;
    next_instance(0, 0);
    return best_;
  }

 private:
  void next_instance(Nanocredits price, Nanocredits billed) {
    if (std::all_of(left_.begin(), left_.end(), [](int s) { return s == 0; })) {
      if (static_cast<int>(std::set<SiteId>(used_.begin(), used_.end()).size()) < spec_.where.sites_min) return;
      if (spec_.budget_per_hour_max > 0 && billed > spec_.budget_per_hour_max) return;
      if (!best_ || price < *best_) best_ = price;
      return;
    }
    for (size_t n = 0; n < cpu_.size(); ++n) {
      const SiteId site = graph_.node(NodeId(n)).site;
      if (cpu_[n] < spec_.workload.cpu_milli || memory_[n] < spec_.workload.memory_mib || !allowed(site)) continue;
      cpu_[n] -= spec_.workload.cpu_milli;
      memory_[n] -= spec_.workload.memory_mib;
      used_.push_back(site);
      const SitePrice at = site_price(graph_, site, spec_.workload, spec_.prefer);
      std::vector<int> share(left_.size(), 0);
      each_share(share, 0, 0, [&] {
        // Whoever is first among those left is served now: order does not matter to a set.
        const auto first = std::find_if(left_.begin(), left_.end(), [](int s) { return s > 0; }) - left_.begin();
        if (share[static_cast<size_t>(first)] == 0) return;
        const int streams = std::accumulate(share.begin(), share.end(), 0);
        const auto time = service_time(spec_.workload, spec_.traffic, spec_.promise.percentile_ppm, 1000, streams);
        if (!time) return;
        const std::vector<int> taken = share;
        for (size_t i = 0; i < left_.size(); ++i) left_[i] -= taken[i];
        route(taken, 0, site, time->work_us + time->queueing_us, price + at.decision, billed + at.billed);
        for (size_t i = 0; i < left_.size(); ++i) left_[i] += taken[i];
      });
      used_.pop_back();
      cpu_[n] += spec_.workload.cpu_milli;
      memory_[n] += spec_.workload.memory_mib;
    }
  }

  template <class Visit>
  void each_share(std::vector<int>& share, size_t i, int sum, const Visit& visit) {
    if (i == share.size()) {
      if (sum > 0) visit();
      return;
    }
    for (int k = 0; k <= left_[i] && sum + k <= spec_.workload.streams_per_instance; ++k) {
      share[i] = k;
      each_share(share, i + 1, sum + k, visit);
    }
    share[i] = 0;
  }

  void route(const std::vector<int>& share, size_t i, SiteId site, int64_t service_us, Nanocredits price,
             Nanocredits billed) {
    if (i == share.size()) return next_instance(price, billed);
    if (share[i] == 0) return route(share, i + 1, site, service_us, price, billed);
    std::vector<LinkId> path;
    std::set<VertexId> seen = {graph_.site(spec_.from[i].site).vertex};
    walk(share, i, site, service_us, price, billed, graph_.site(spec_.from[i].site).vertex, path, seen, 0);
  }

  void walk(const std::vector<int>& share, size_t i, SiteId site, int64_t service_us, Nanocredits price,
            Nanocredits billed, VertexId at, std::vector<LinkId>& path, std::set<VertexId>& seen, int64_t path_us) {
    const int64_t up = share[i] * spec_.traffic.up_bps, down = share[i] * spec_.traffic.down_bps;
    if (at == graph_.site(site).vertex) {
      if (spec_.promise.latency_us_max > 0 && path_us + service_us > spec_.promise.latency_us_max) return;
      const Nanocredits per_stream = priced(graph_, path, stream_demand(spec_)).price;
      route(share, i + 1, site, service_us, price + share[i] * per_stream,
            billed + path_per_hour(graph_, path, up, down));
      return;
    }
    for (const LinkId link : graph_.links_out(at)) {
      const VertexId next = graph_.link(link).to;
      int64_t& there = free_[link.index()];
      int64_t& back = free_[opposite(link).index()];
      const bool transit = next.index() >= graph_.site_count();  // small_world() gives sites the first vertices
      if (!transit && next != graph_.site(site).vertex) continue;
      if (!graph_.usable(link) || there < up || back < down || !seen.insert(next).second) continue;
      there -= up;
      back -= down;
      path.push_back(link);
      const Hop cost = hop(graph_, link, stream_demand(spec_));
      walk(share, i, site, service_us, price, billed, next, path, seen,
           path_us + cost.round_trip_us + cost.serialisation_us);
      path.pop_back();
      there += up;
      back += down;
      seen.erase(next);
    }
  }

  bool allowed(SiteId site) const {
    const auto lists = [site](const auto& v) { return std::find(v.begin(), v.end(), site) != v.end(); };
    const uint64_t mask = *graph_.residency_mask(spec_.where.residency);
    return graph_.site(site).state == Liveness::kUp && !lists(spec_.where.not_at) &&
           (graph_.site(site).residency & mask) == mask;
  }

  const Graph& graph_;
  const IntentSpec& spec_;
  std::vector<int> left_;
  std::vector<int64_t> cpu_, memory_, free_;
  std::vector<SiteId> used_;
  std::optional<Nanocredits> best_;
};

TEST(JointPlanner, EqualsExhaustiveSearchOn2500Instances) {
  int placed = 0, refused = 0, searched = 0;
  for (uint64_t seed = 0; seed < 2500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const World world = small_world(seed);
    const auto best = Everything(world).best();
    JointPlanner planner;
    const Decision decision = planner.decide(world.graph, world.intent);
    if (const auto* plan = std::get_if<Plan>(&decision)) {
      ASSERT_TRUE(best) << "a plan where there is none";
      ASSERT_EQ(plan->decision_price, *best);
      ASSERT_EQ(plan->quality, Quality::kExact);
      const Verdict verdict = verify(world.graph, *plan);
      ASSERT_TRUE(verdict.granted) << verdict.why;
      ++placed;
      searched += plan->steps > 0;
    } else {
      ASSERT_FALSE(best) << "refused, but a plan costs " << *best;
      ASSERT_FALSE(std::get<Refusal>(decision).reasons.empty());
      ++refused;
    }
  }
  // The sample has to exercise all three outcomes.
  EXPECT_GT(placed, 800);
  EXPECT_GT(refused, 500);
  EXPECT_GT(searched, 100);
  RecordProperty("placed", placed);
  RecordProperty("refused", refused);
  RecordProperty("searched", searched);
}

}  // namespace
}  // namespace weir
