#include "bench/joint/policies.h"

#include <algorithm>
#include <queue>
#include <tuple>

#include "core/graph/promise.h"
#include "orchestration/path/path_search.h"
#include "orchestration/placement/site_offer.h"
#include "orchestration/plan/decide.h"

namespace weir::bench {
namespace {

// Fastest paths from one vertex over links with room for the stream, by round trip.
class FastestPaths {
 public:
  FastestPaths(const Graph& graph, VertexId from, const StreamDemand& demand, bool with_room)
      : graph_(graph), from_(from), round_trip_us_(graph.vertex_count(), kNever), by_(graph.vertex_count()) {
    using Item = std::pair<int64_t, uint32_t>;
    std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
    round_trip_us_[from.index()] = 0;
    queue.push({0, from.value});
    while (!queue.empty()) {
      const auto [so_far, v] = queue.top();
      queue.pop();
      if (so_far > round_trip_us_[v]) continue;
      for (const LinkId link : graph.links_out(VertexId(v))) {
        const LinkId back = opposite(link);
        if (!graph.usable(link)) continue;
        if (with_room &&
            (graph.load(link).free_bps < demand.up_bps || graph.load(back).free_bps < demand.down_bps))
          continue;
        const Hop cost = hop(graph, link, demand);
        const int64_t next_us = so_far + cost.round_trip_us + cost.serialisation_us;
        const uint32_t to = graph.link(link).to.value;
        if (next_us < round_trip_us_[to]) {
          round_trip_us_[to] = next_us;
          by_[to] = link;
          queue.push({next_us, to});
        }
      }
    }
  }

  static constexpr int64_t kNever = INT64_MAX;
  int64_t round_trip_us(VertexId to) const { return round_trip_us_[to.index()]; }
  std::vector<LinkId> path(VertexId to) const {
    std::vector<LinkId> links;
    for (VertexId at = to; at != from_; at = graph_.link(links.back()).from) links.push_back(by_[at.index()]);
    std::reverse(links.begin(), links.end());
    return links;
  }

 private:
  const Graph& graph_;
  VertexId from_;
  std::vector<int64_t> round_trip_us_;
  std::vector<LinkId> by_;
};

// What the separate policies share: the intent at hand and the plan for a chosen site and path.
struct Wish {
  Wish(const Graph& g, IntentId id)
      : graph(g),
        intent(id),
        spec(*g.intent(id).spec),
        demand(stream_demand(spec)),
        ingress(spec.from.at(0).site),
        from(g.site(ingress).vertex) {}

  bool has_room(SiteId site) const { return !site_obstacle(graph, site, spec, 0); }
  bool fast_enough(int64_t round_trip_us) const {
    return spec.promise.latency_us_max == 0 || round_trip_us <= spec.promise.latency_us_max;
  }

  Plan plan(SiteId site, const std::vector<LinkId>& path) const {
    Plan plan{.intent = intent, .generation = graph.intent(intent).generation, .basis = graph.version()};
    plan.placements.push_back({.site = site,
                               .node = choose_nodes(graph, site, spec.workload, 1).at(0).node,
                               .cpu_milli = spec.workload.cpu_milli,
                               .memory_mib = spec.workload.memory_mib,
                               .accelerators = spec.workload.accelerators,
                               .streams = spec.from[0].streams,
                               .asks = graph.site(site).asks,
                               .continues = {}});
    const int32_t streams = spec.from[0].streams;
    Flow flow{.ingress = ingress,
              .placement = 0,
              .streams = streams,
              .up_bps = streams * spec.traffic.up_bps,
              .down_bps = streams * spec.traffic.down_bps,
              .path = path};
    const PathOption option = priced(graph, path, demand);
    flow.path_per_hour = path_per_hour(graph, path, flow.up_bps, flow.down_bps);
    flow.latency_us_path = option.round_trip_us;
    flow.latency_us_serialisation = option.serialisation_us;
    flow.latency_us_predicted = option.latency_us();
    plan.flows.push_back(std::move(flow));
    const PlanTotals totals = plan_totals(graph, spec, plan);
    plan.billed_per_hour = totals.billed_per_hour;
    plan.power_mw = totals.power_mw;
    plan.carbon_mg_per_hour = totals.carbon_mg_per_hour;
    plan.availability_ppm = totals.availability_ppm;
    return plan;
  }

  const Graph& graph;
  IntentId intent;
  const IntentSpec& spec;
  StreamDemand demand;
  SiteId ingress;
  VertexId from;
};

// The site with the least (key, SiteId) among those that `allowed` lets pass.
template <class Key, class Allowed>
SiteId least(const Graph& graph, Key&& key, Allowed&& allowed) {
  SiteId best;
  int64_t best_key = 0;
  for (size_t s = 0; s < graph.site_count(); ++s) {
    const SiteId site(s);
    if (!allowed(site)) continue;
    const int64_t k = key(site);
    if (!best.valid() || k < best_key) {
      best = site;
      best_key = k;
    }
  }
  return best;
}

class PlaceFirst : public Policy {
 public:
  std::optional<Plan> choose(const Graph& graph, IntentId intent) override {
    const Wish wish(graph, intent);
    const Prefer cost_only;
    const SiteId site = least(
        graph, [&](SiteId s) { return site_price(graph, s, wish.spec.workload, cost_only).billed; },
        [&](SiteId s) { return wish.has_room(s); });
    if (!site.valid()) return std::nullopt;
    const auto path = routed_path(graph, wish.from, graph.site(site).vertex);
    if (!path) return std::nullopt;
    return wish.plan(site, *path);
  }
};

class PathFirst : public Policy {
 public:
  std::optional<Plan> choose(const Graph& graph, IntentId intent) override {
    const Wish wish(graph, intent);
    const FastestPaths paths(graph, wish.from, wish.demand, true);
    const auto round_trip_us = [&](SiteId s) { return paths.round_trip_us(graph.site(s).vertex); };
    const SiteId site = least(graph, round_trip_us, [&](SiteId s) {
      return round_trip_us(s) != FastestPaths::kNever && wish.fast_enough(round_trip_us(s)) &&
             wish.has_room(s);
    });
    if (!site.valid()) return std::nullopt;
    return wish.plan(site, paths.path(graph.site(site).vertex));
  }
};

class PriceAware : public Policy {
 public:
  explicit PriceAware(bool retries) : retries_(retries) {}

  std::optional<Plan> choose(const Graph& graph, IntentId intent) override {
    const Wish wish(graph, intent);
    const FastestPaths routed(graph, wish.from, wish.demand, false);
    const FastestPaths with_room(graph, wish.from, wish.demand, true);
    std::vector<bool> tried(graph.site_count(), false);
    do {
      const SiteId site = least(
          graph,
          [&](SiteId s) { return site_price(graph, s, wish.spec.workload, wish.spec.prefer).decision; },
          [&](SiteId s) {
            const int64_t us = routed.round_trip_us(graph.site(s).vertex);
            return !tried[s.index()] && us != FastestPaths::kNever && wish.fast_enough(us) &&
                   wish.has_room(s);
          });
      if (!site.valid()) return std::nullopt;
      tried[site.index()] = true;
      const VertexId to = graph.site(site).vertex;
      const int64_t us = with_room.round_trip_us(to);
      if (us != FastestPaths::kNever && wish.fast_enough(us)) return wish.plan(site, with_room.path(to));
    } while (retries_);
    return std::nullopt;
  }

 private:
  bool retries_;
};

class Joint : public Policy {
 public:
  std::optional<Plan> choose(const Graph& graph, IntentId intent) override {
    Decision decision = planner_.decide(graph, intent);
    if (auto* plan = std::get_if<Plan>(&decision)) return std::move(*plan);
    return std::nullopt;
  }

 private:
  JointPlanner planner_{DecideLimits{.alternatives = 0}};
};

}  // namespace

std::string_view name(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::kPlaceFirst:
      return "place-first";
    case PolicyKind::kPathFirst:
      return "path-first";
    case PolicyKind::kPriceAware:
      return "price-aware";
    case PolicyKind::kPriceAwareRetry:
      return "price-aware+retry";
    case PolicyKind::kJoint:
      return "joint";
  }
  return "";
}

std::unique_ptr<Policy> make_policy(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::kPlaceFirst:
      return std::make_unique<PlaceFirst>();
    case PolicyKind::kPathFirst:
      return std::make_unique<PathFirst>();
    case PolicyKind::kPriceAware:
      return std::make_unique<PriceAware>(false);
    case PolicyKind::kPriceAwareRetry:
      return std::make_unique<PriceAware>(true);
    case PolicyKind::kJoint:
      return std::make_unique<Joint>();
  }
  return nullptr;
}

}  // namespace weir::bench
