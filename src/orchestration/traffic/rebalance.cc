#include "orchestration/traffic/rebalance.h"

#include <algorithm>
#include <optional>
#include <queue>
#include <string>
#include <tuple>
#include <utility>

#include "core/graph/promise.h"
#include "core/graph/revise.h"
#include "orchestration/traffic/link_potential.h"
#include "orchestration/traffic/network.h"

namespace weir::traffic {
namespace {

constexpr int64_t kFar = INT64_MAX / 4;
constexpr int32_t kSteepness = 64;

// A flow that may be moved.
struct Movable {
  IntentId intent;
  uint32_t flow = 0;
  friend auto operator<=>(const Movable&, const Movable&) = default;
};

class Rebalance {
 public:
  Rebalance(const Graph& graph, const RebalanceOptions& options);
  Rebalanced run();

 private:
  // What a flow's new path must keep to.
  struct Limits {
    int64_t latency_us = kFar;  // round trip with serialisation
    Nanocredits per_hour = 0;
  };
  struct Label {
    int64_t price = 0, latency_us = 0;
    Nanocredits per_hour = 0;
    VertexId vertex;
    LinkId by;            // none: the first
    uint32_t before = 0;  // label
  };

  const Flow& flow(const Movable& movable) const {
    return graph_.intent(movable.intent).active->plan.flows[movable.flow];
  }
  bool carries(LinkId link) const {
    return graph_.usable(link) && network_.links[link.index()].capacity_bps > 0;
  }
  int64_t utilisation(LinkId link) const {
    return utilisation_ppm(network_.links[link.index()], loads_bps_[link.index()]);
  }
  int64_t worst_ppm(const std::vector<LinkId>& path) const;
  int64_t max_ppm() const;
  // The most utilised link with flows that were not tried in vain; none: all are below the minimum.
  LinkId hottest() const;
  bool relieve(LinkId link);
  std::optional<Reroute> better_path(const Movable& movable);
  std::optional<std::vector<LinkId>> search(const Movable& movable, const Limits& limits);
  bool may_use(const Flow& flow, LinkId link) const;
  std::vector<int64_t> least_to(VertexId to, const Flow& flow, const Traffic& traffic, bool latency) const;
  void take(const Reroute& move);

  const Graph& graph_;
  const RebalanceOptions& options_;
  Network network_;                 // for the potential; a link that cannot be used has no load
  std::vector<int64_t> loads_bps_;  // reserved, by link
  std::vector<int64_t> free_bps_;   // less what moves take; what they leave is not counted
  LinkPotential potential_;
  std::vector<std::pair<LinkId, Movable>> users_;  // sorted
  std::vector<Movable> moved_;
  std::vector<uint8_t> tried_;  // by link: in vain
  size_t searches_ = 0;
  Rebalanced out_;
};

Network network_of(const Graph& graph) {
  Network network{static_cast<uint32_t>(graph.vertex_count()), {}};
  for (uint32_t e = 0; e < graph.link_count(); ++e) {
    const LinkRow& link = graph.link(LinkId(e));
    network.links.push_back(
        {link.from.value, link.to.value, std::clamp<int64_t>(link.bandwidth_bps, 0, kCapacityBpsMax), 1});
  }
  return network;
}

Network with_capacity(Network network) {
  for (Link& link : network.links) link.capacity_bps = std::max<int64_t>(1, link.capacity_bps);
  return network;
}

Rebalance::Rebalance(const Graph& graph, const RebalanceOptions& options)
    : graph_(graph),
      options_(options),
      network_(with_capacity(network_of(graph))),
      potential_(network_),
      tried_(graph.link_count(), false) {
  for (uint32_t e = 0; e < graph.link_count(); ++e) {
    const int64_t bandwidth_bps = graph.link(LinkId(e)).bandwidth_bps,
                  free_bps = graph.load(LinkId(e)).free_bps;
    free_bps_.push_back(graph.room_bps(LinkId(e)));
    const bool counts = bandwidth_bps > 0 && graph.usable(LinkId(e));
    loads_bps_.push_back(counts ? std::clamp<int64_t>(bandwidth_bps - free_bps, 0, kDemandSumBpsMax) : 0);
  }
  for (uint32_t i = 0; i < graph.intent_count(); ++i) {
    const IntentRow& row = graph.intent(IntentId(i));
    if (!is_whole(row) || flow_term(graph, row).in.valid()) continue;  // what is reserved for it lies where it is
    const std::vector<Flow>& flows = row.active->plan.flows;
    for (uint32_t f = 0; f < flows.size(); ++f) {
      if (std::binary_search(row.flows_on_protection.begin(), row.flows_on_protection.end(), f)) continue;
      for (const LinkId link : flows[f].path) {
        if (flows[f].up_bps > 0) users_.push_back({link, {IntentId(i), f}});
        if (flows[f].down_bps > 0) users_.push_back({opposite(link), {IntentId(i), f}});
      }
    }
  }
  std::sort(users_.begin(), users_.end());
}

int64_t Rebalance::worst_ppm(const std::vector<LinkId>& path) const {
  int64_t worst = 0;
  for (const LinkId link : path) worst = std::max({worst, utilisation(link), utilisation(opposite(link))});
  return worst;
}

int64_t Rebalance::max_ppm() const { return max_utilisation_ppm(network_, loads_bps_); }

LinkId Rebalance::hottest() const {
  LinkId found;
  int64_t most = options_.utilisation_ppm_min - 1;
  for (uint32_t e = 0; e < loads_bps_.size(); ++e) {
    if (tried_[e] || utilisation(LinkId(e)) <= most) continue;
    most = utilisation(LinkId(e));
    found = LinkId(e);
  }
  return found;
}

bool Rebalance::may_use(const Flow& flow, LinkId link) const {
  if (!graph_.usable(link) || !graph_.link(link).steerable) return false;
  if (free_bps_[link.index()] < flow.up_bps || free_bps_[opposite(link).index()] < flow.down_bps)
    return false;
  for (const LinkId other : flow.protection) {
    if (other == link || other == opposite(link)) return false;
  }
  return true;
}

// Of the latency or else of the asks, from every vertex to this one, over links that the flow may use; sites
// carry no transit.
std::vector<int64_t> Rebalance::least_to(VertexId to, const Flow& flow, const Traffic& traffic,
                                         bool latency) const {
  std::vector<int64_t> least(graph_.vertex_count(), kFar);
  using Item = std::pair<int64_t, VertexId>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
  least[to.index()] = 0;
  queue.push({0, to});
  while (!queue.empty()) {
    const auto [so_far, at] = queue.top();
    queue.pop();
    if (so_far > least[at.index()] || (at != to && graph_.site_at(at).valid())) continue;
    for (const LinkId out : graph_.links_out(at)) {
      const LinkId link = opposite(out);  // towards `at`
      if (!may_use(flow, link)) continue;
      const std::vector<LinkId> hop = {link};
      const int64_t length =
          latency ? path_round_trip_us(graph_, hop) + path_serialisation_us(graph_, hop, traffic)
                  : path_per_hour(graph_, hop, flow.up_bps, flow.down_bps);
      const VertexId from = graph_.link(link).from;
      if (so_far + length >= least[from.index()]) continue;
      least[from.index()] = so_far + length;
      queue.push({least[from.index()], from});
    }
  }
  return least;
}

// The cheapest by the potential's prices of all that keep the limits: labels of (price, latency, asks), those
// without prospect or dominated at their vertex dropped.
std::optional<std::vector<LinkId>> Rebalance::search(const Movable& movable, const Limits& limits) {
  const IntentRow& row = graph_.intent(movable.intent);
  const Flow& moved = flow(movable);
  const Traffic& traffic = row.demand->traffic;
  const VertexId from = graph_.site(moved.ingress).vertex;
  const VertexId to = graph_.site(row.active->plan.placements[moved.placement].site).vertex;
  const std::vector<int64_t> latency_left = least_to(to, moved, traffic, true);
  const std::vector<int64_t> asks_left = least_to(to, moved, traffic, false);
  std::vector<Label> labels;
  std::vector<std::vector<uint32_t>> at_vertex(graph_.vertex_count());
  using Item = std::pair<int64_t, uint32_t>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
  const auto add = [&](const Label& label) {
    const size_t v = label.vertex.index();
    if (latency_left[v] >= kFar || label.latency_us + latency_left[v] > limits.latency_us ||
        label.per_hour + asks_left[v] > limits.per_hour)
      return;
    for (const uint32_t other : at_vertex[v]) {
      const Label& o = labels[other];
      if (o.price <= label.price && o.latency_us <= label.latency_us && o.per_hour <= label.per_hour) return;
    }
    at_vertex[v].push_back(static_cast<uint32_t>(labels.size()));
    queue.push({label.price, static_cast<uint32_t>(labels.size())});
    labels.push_back(label);
  };
  add({.vertex = from});
  while (!queue.empty() && labels.size() < options_.labels_max) {
    const uint32_t index = queue.top().second;
    queue.pop();
    const Label label = labels[index];
    if (label.vertex == to) {
      std::vector<LinkId> path;
      for (uint32_t l = index; labels[l].by.valid(); l = labels[l].before) path.push_back(labels[l].by);
      std::reverse(path.begin(), path.end());
      return path;
    }
    if (label.vertex != from && graph_.site_at(label.vertex).valid()) continue;
    for (const LinkId link : graph_.links_out(label.vertex)) {
      if (!may_use(moved, link)) continue;
      const std::vector<LinkId> hop = {link};
      // What the flow adds to the potential there; above zero, so that shorter paths are preferred.
      const auto price_of = [&](LinkId id, int64_t bps) {
        const int64_t load_bps = loads_bps_[id.index()];
        return potential_.of(id.value, load_bps + bps) - potential_.of(id.value, load_bps) + 1;
      };
      add({.price = label.price + price_of(link, moved.up_bps) + price_of(opposite(link), moved.down_bps),
           .latency_us = label.latency_us + path_round_trip_us(graph_, hop) +
                         path_serialisation_us(graph_, hop, traffic),
           .per_hour = label.per_hour + path_per_hour(graph_, hop, moved.up_bps, moved.down_bps),
           .vertex = graph_.link(link).to,
           .by = link,
           .before = index});
    }
  }
  return std::nullopt;
}

// With the flow taken off its links, so that they cost what they would without it.
std::optional<Reroute> Rebalance::better_path(const Movable& movable) {
  const IntentRow& row = graph_.intent(movable.intent);
  const CommittedPlan& active = *row.active;
  const Flow& old = active.plan.flows[movable.flow];
  const IntentSpec& spec = *row.demand;
  const Placement& placement = active.plan.placements[old.placement];
  Limits limits{.per_hour = old.path_per_hour + options_.extra_per_hour_max};
  if (spec.promise.latency_us_max > 0) {
    const auto service = service_time(graph_, placement.site, spec, placement.streams);
    if (!service) return std::nullopt;
    limits.latency_us = spec.promise.latency_us_max - service->work_us - service->queueing_us;
  }
  const int64_t before_ppm = worst_ppm(old.path);
  const auto shift = [&](const std::vector<LinkId>& path, int sign) {
    for (const LinkId link : path) {
      loads_bps_[link.index()] += sign * old.up_bps;
      loads_bps_[opposite(link).index()] += sign * old.down_bps;
    }
  };
  shift(old.path, -1);
  const auto path = search(movable, limits);
  std::optional<Reroute> found;
  if (path && *path != old.path) {
    shift(*path, 1);
    const int64_t after_ppm = std::max(worst_ppm(*path), worst_ppm(old.path));
    shift(*path, -1);
    if (after_ppm + options_.gain_ppm_min <= before_ppm) {
      found = Reroute{.intent = movable.intent,
                      .plan = active.position,
                      .flow = movable.flow,
                      .path = *path,
                      .latency_us_path = path_round_trip_us(graph_, *path),
                      .path_per_hour = path_per_hour(graph_, *path, old.up_bps, old.down_bps)};
    }
  }
  shift(old.path, 1);
  return found;
}

void Rebalance::take(const Reroute& move) {
  const Flow& old = flow({move.intent, move.flow});
  for (const LinkId link : old.path) {
    loads_bps_[link.index()] -= old.up_bps;
    loads_bps_[opposite(link).index()] -= old.down_bps;
  }
  for (const LinkId link : move.path) {
    loads_bps_[link.index()] += old.up_bps;
    loads_bps_[opposite(link).index()] += old.down_bps;
    free_bps_[link.index()] -= old.up_bps;
    free_bps_[opposite(link).index()] -= old.down_bps;
  }
}

// Moves one flow off the link, of those that can go the one that takes most of it.
bool Rebalance::relieve(LinkId link) {
  const auto first =
      std::lower_bound(users_.begin(), users_.end(), std::pair(link, Movable{IntentId(0u), 0}));
  std::vector<std::pair<int64_t, Movable>> users;  // most first
  for (auto user = first; user != users_.end() && user->first == link; ++user) {
    const Movable& movable = user->second;
    if (std::find(moved_.begin(), moved_.end(), movable) != moved_.end()) continue;
    const Flow& used = flow(movable);
    const bool up = std::find(used.path.begin(), used.path.end(), link) != used.path.end();
    users.emplace_back(up ? -used.up_bps : -used.down_bps, movable);
  }
  std::sort(users.begin(), users.end());
  potential_.calibrate(loads_bps_, kSteepness);
  for (const auto& [load, movable] : users) {
    if (searches_++ >= options_.searches_max) return false;
    auto move = better_path(movable);
    if (!move || !rerouted(graph_, std::span(&*move, 1))) continue;
    take(*move);
    moved_.push_back(movable);
    out_.moves.push_back(std::move(*move));
    return true;
  }
  return false;
}

Rebalanced Rebalance::run() {
  out_.before_ppm = max_ppm();
  while (out_.moves.size() < options_.moves_max && searches_ < options_.searches_max) {
    const LinkId link = hottest();
    if (!link.valid()) break;
    if (!relieve(link)) tried_[link.index()] = true;
  }
  out_.after_ppm = max_ppm();
  return std::move(out_);
}

}  // namespace

Rebalanced rebalance(const Graph& graph, const RebalanceOptions& options) {
  return Rebalance(graph, options).run();
}

Result<Plan> rerouted(const Graph& graph, std::span<const Reroute> moves) {
  if (moves.empty()) return fail(ErrorCode::kInvalid, "nothing to move");
  const IntentId intent = moves.front().intent;
  Result<Plan> plan = continued_plan(graph, intent);
  if (!plan) return plan;
  for (const Reroute& move : moves) {
    if (move.intent != intent || move.plan != graph.intent(intent).active->position || move.flow >= plan->flows.size())
      return fail(ErrorCode::kConflict, "another plan is active than the one that the move was proposed for");
    Flow& flow = plan->flows[move.flow];
    if (flow.path == move.path) return fail(ErrorCode::kInvalid, "the flow is on that path already");
    flow.path = move.path;
    flow.latency_us_path = path_round_trip_us(graph, move.path);
    flow.path_per_hour = path_per_hour(graph, move.path, flow.up_bps, flow.down_bps);
  }
  if (const Status complete = complete_plan(graph, *plan); !complete) return tl::unexpected(complete.error());
  return plan;
}

}  // namespace weir::traffic
