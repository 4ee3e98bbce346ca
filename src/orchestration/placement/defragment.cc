#include "orchestration/placement/defragment.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <tuple>

#include "core/graph/hours.h"
#include "core/graph/revise.h"

namespace weir {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;

struct Instance {
  IntentId intent;
  uint32_t placement = 0;
  const Workload* workload = nullptr;
  bool in_rack = false;                    // where the others of its plan are
  NodeFree takes;
  Nanocredits cost = 0;
};

bool fits(const NodeFree& takes, const NodeFree& free) {
  return takes.cpu_milli <= free.cpu_milli && takes.memory_mib <= free.memory_mib &&
         takes.accelerators <= free.accelerators;
}
NodeFree add(const NodeFree& a, const NodeFree& b, int sign) {
  return {a.cpu_milli + sign * b.cpu_milli, a.memory_mib + sign * b.memory_mib,
          a.accelerators + sign * b.accelerators};
}

// The nodes as they would be, and what runs on them.
class Nodes {
 public:
  Nodes(const Graph& graph, const MoveCost& cost, const std::vector<NodeId>& cordoned)
      : graph_(graph), cordoned_(cordoned) {
    std::sort(cordoned_.begin(), cordoned_.end());
    for (size_t i = 0; i < graph.intent_count(); ++i) add_instances(IntentId(i), cost);
  }

  const NodeFree& free(NodeId node) const {
    const auto changed = changed_.find(node);
    return changed == changed_.end() ? graph_.free(node) : changed->second;
  }
  bool cordoned(NodeId node) const {
    return graph_.node(node).cordoned || std::binary_search(cordoned_.begin(), cordoned_.end(), node);
  }
  const std::map<NodeId, std::vector<Instance>>& instances() const { return instances_; }

  bool takes(NodeId to, NodeId from, const Instance& instance, const NodeFree& room) const {
    const NodeRow &target = graph_.node(to), &source = graph_.node(from);
    return to != from && target.speed_milli >= source.speed_milli && !cordoned(to) &&
           fits(instance.takes, room) && graph_.right_accelerator(target, *instance.workload) &&
           (!instance.in_rack || graph_.rack(to) == graph_.rack(from)) && linked_room(to, instance, room);
  }
  // Islands are known of devices as they are: where others are led to as well, nothing is said of them.
  bool linked_room(NodeId to, const Instance& instance, const NodeFree& room) const {
    return !instance.workload->accelerators_linked ||
           (room.accelerators == graph_.free(to).accelerators && graph_.device_fits(to, *instance.workload) > 0);
  }
  template <class Visit>
  void each_node(SiteId site, Visit visit) const {
    for (const NodeRange& range : graph_.nodes(site)) {
      for (uint32_t n = range.first; n < range.first + range.count; ++n) visit(NodeId(n));
    }
  }
  // The instance leaves for good: what has moved stays where it is.
  void move(const Move& move) {
    std::vector<Instance>& at = instances_[move.from];
    const auto found = std::find_if(at.begin(), at.end(), [&move](const Instance& each) {
      return each.intent == move.intent && each.placement == move.placement;
    });
    changed_[move.from] = add(free(move.from), found->takes, 1);
    changed_[move.to] = add(free(move.to), found->takes, -1);
    at.erase(found);
  }

 private:
  void add_instances(IntentId id, const MoveCost& cost) {
    const IntentRow& intent = graph_.intent(id);
    if (intent.state != IntentState::kPlaced || !intent.active) return;
    const CommittedPlan& plan = *intent.active;
    for (uint32_t p = 0; p < plan.plan.placements.size(); ++p) {
      const Placement& placement = plan.plan.placements[p];
      const SiteRow& site = graph_.site(placement.site);
      if (plan.placement_passed_on[p] || site.state != Liveness::kUp || site.drained) continue;
      if (placement.accelerator_milli > 0) continue;  // room is counted in whole devices here
      if (placement.best_effort) continue;            // it holds none of this room
      const RunId run = plan.run(p);
      const bool runs = std::any_of(intent.runs.begin(), intent.runs.end(), [run](const RunRow& row) {
        return row.run == run && row.state == RunState::kRunning;
      });
      if (!runs) continue;
      const auto price = cost(id, p);
      if (!price) continue;
      instances_[placement.node].push_back(
          {id,
           p,
           &plan.spec->workload,
           plan.spec->where.same_rack && plan.plan.placements.size() > 1,
           {placement.cpu_milli, placement.memory_mib, placement.accelerators},
           *price});
    }
  }

  const Graph& graph_;
  std::vector<NodeId> cordoned_;
  std::map<NodeId, std::vector<Instance>> instances_;
  std::map<NodeId, NodeFree> changed_;
};

// Some instances of one node led away together.
struct Step {
  std::vector<Move> moves;
  __int128 net = 0;  // gain over the horizon less cost
};

class Defragmenter {
 public:
  Defragmenter(const Graph& graph, std::span<const ExpectedTask> mix, const DefragmentPolicy& policy,
               const MoveCost& cost, const std::vector<NodeId>& cordoned)
      : graph_(graph), mix_(mix), policy_(policy), nodes_(graph, cost, cordoned) {}

  Defragmentation run() {
    result_.usable_before = usable();
    std::map<NodeId, Step> steps;
    for (const auto& [node, instances] : nodes_.instances()) steps[node] = best_from(node);
    while (!steps.empty()) {
      const auto best = std::max_element(steps.begin(), steps.end(), [](const auto& a, const auto& b) {
        return a.second.net < b.second.net;
      });
      if (best->second.net <= 0) break;
      const SiteId site = graph_.node(best->first).site;
      for (const Move& move : std::vector<Move>(best->second.moves)) {
        nodes_.move(move);
        result_.moves.push_back(move);
        result_.cost = saturating_add(result_.cost, move.cost);
      }
      const auto left = policy_.moves_max - static_cast<int32_t>(result_.moves.size());
      if (left <= 0) break;
      for (auto& [node, step] : steps) {
        const bool too_many = static_cast<int32_t>(step.moves.size()) > left;
        if (too_many || graph_.node(node).site == site) step = best_from(node);
      }
    }
    result_.usable_after = usable();
    return std::move(result_);
  }

 private:
  Nanocredits usable() const {
    Nanocredits sum = 0;
    for (size_t s = 0; s < graph_.site_count(); ++s) {
      const SiteRow& site = graph_.site(SiteId(s));
      if (site.state != Liveness::kUp || site.drained) continue;
      nodes_.each_node(SiteId(s), [&](NodeId node) {
        if (!nodes_.cordoned(node)) sum = saturating_add(sum, worth(node, nodes_.free(node)));
      });
    }
    return sum;
  }
  Nanocredits worth(NodeId node, const NodeFree& free) const {
    return nodes_.cordoned(node) ? 0 : usable_per_hour(graph_, node, free, mix_, policy_.worth);
  }

  Step best_from(NodeId from) {
    Step best, step;
    std::vector<Instance> order = nodes_.instances().at(from);
    std::stable_sort(order.begin(), order.end(),
                     [](const Instance& a, const Instance& b) { return a.cost < b.cost; });
    // One alone, of any; then more and more of the cheapest.
    const int32_t left = policy_.moves_max - static_cast<int32_t>(result_.moves.size());
    if (left <= 0) return best;
    for (const Instance& alone : order) {
      if (Step one = lead_away(from, {&alone, 1}, 1); one.net > best.net) best = std::move(one);
    }
    if (Step many = lead_away(from, order, left); many.net > best.net) best = std::move(many);
    return best;
  }

  // The best of the first 1, 2, ... of the instances, at most `most`.
  Step lead_away(NodeId from, std::span<const Instance> instances, int32_t most) {
    Step best, step;
    std::map<NodeId, NodeFree> room;
    NodeFree left = nodes_.free(from);
    const Nanocredits before = worth(from, left);
    __int128 lost = 0, cost = 0;
    for (const Instance& instance : instances) {
      if (static_cast<int32_t>(step.moves.size()) >= most) break;
      NodeId to;
      Nanocredits least = std::numeric_limits<Nanocredits>::max();
      nodes_.each_node(graph_.node(from).site, [&](NodeId node) {
        if (result_.complete && ++steps_ > policy_.steps_max) result_.complete = false;
        if (!result_.complete) return;
        const auto known = room.find(node);
        const NodeFree& free = known == room.end() ? nodes_.free(node) : known->second;
        if (!nodes_.takes(node, from, instance, free)) return;
        const Nanocredits loss = worth(node, free) - worth(node, add(free, instance.takes, -1));
        if (loss >= least) return;
        least = loss;
        to = node;
      });
      if (!result_.complete) break;
      if (!to.valid()) continue;
      room[to] = add(room.contains(to) ? room[to] : nodes_.free(to), instance.takes, -1);
      left = add(left, instance.takes, 1);
      lost += least;
      cost += instance.cost;
      step.moves.push_back({instance.intent, instance.placement, from, to, instance.cost});
      step.net =
          (static_cast<__int128>(worth(from, left)) - before - lost) * policy_.horizon_us / kHourUs - cost;
      if (step.net > best.net) best = step;
    }
    return best;
  }

  const Graph& graph_;
  std::span<const ExpectedTask> mix_;
  const DefragmentPolicy& policy_;
  Nodes nodes_;
  int64_t steps_ = 0;
  Defragmentation result_;
};

}  // namespace

Nanocredits usable_per_hour(const Graph& graph, NodeId node, const NodeFree& free,
                            std::span<const ExpectedTask> mix, const Asks& worth) {
  __int128 sum = 0, weights = 0;
  for (const ExpectedTask& task : mix) {
    weights += task.weight;
    const Workload& w = task.workload;
    if (!graph.right_accelerator(graph.node(node), w)) continue;
    int64_t times = std::numeric_limits<int64_t>::max();
    const auto bound = [&times](int64_t has, int64_t needs) {
      if (needs > 0) times = std::min(times, std::max<int64_t>(has, 0) / needs);
    };
    bound(free.cpu_milli, w.cpu_milli);
    bound(free.memory_mib, w.memory_mib);
    bound(free.accelerators, w.accelerators);
    if (times == std::numeric_limits<int64_t>::max()) continue;  // it needs nothing
    const Nanocredits each =
        saturating_add(saturating_add(charge(w.cpu_milli, worth.per_core_hour, kCoreUnit),
                                      charge(w.memory_mib, worth.per_gib_hour, kGibUnit)),
                       charge(w.accelerators, worth.per_accelerator_hour, 1));
    sum += static_cast<__int128>(std::min<int64_t>(times, 1'000'000)) * each * task.weight;
  }
  if (weights == 0) return 0;
  sum /= weights;
  constexpr Nanocredits kMost = std::numeric_limits<Nanocredits>::max();
  return sum > kMost ? kMost : static_cast<Nanocredits>(sum);
}

Defragmentation defragment(const Graph& graph, std::span<const ExpectedTask> mix,
                           const DefragmentPolicy& policy, const MoveCost& cost,
                           const std::vector<NodeId>& cordoned) {
  return Defragmenter(graph, mix, policy, cost, cordoned).run();
}

Evacuation evacuate(const Graph& graph, const std::vector<NodeId>& cordoned, int32_t moves_max,
                    const MoveCost& cost) {
  Evacuation result;
  Nodes nodes(graph, cost, cordoned);
  for (const NodeId from : cordoned) {
    const auto at = nodes.instances().find(from);
    if (at == nodes.instances().end()) continue;
    std::vector<Instance> order = at->second;
    std::stable_sort(order.begin(), order.end(), [](const Instance& a, const Instance& b) {
      return std::make_pair(a.takes.accelerators, a.takes.cpu_milli) >
             std::make_pair(b.takes.accelerators, b.takes.cpu_milli);
    });
    for (const Instance& instance : order) {
      NodeId to;
      nodes.each_node(graph.node(from).site, [&](NodeId node) {
        if (!nodes.takes(node, from, instance, nodes.free(node))) return;
        const auto left = [&](NodeId n) {
          const NodeFree& free = nodes.free(n);
          return std::make_pair(free.accelerators, free.cpu_milli);
        };
        if (!to.valid() || left(node) < left(to)) to = node;
      });
      if (!to.valid()) {
        result.elsewhere.emplace_back(instance.intent, instance.placement);
      } else if (static_cast<int32_t>(result.moves.size()) >= moves_max) {
        result.complete = false;
      } else {
        result.moves.push_back({instance.intent, instance.placement, from, to, instance.cost});
        nodes.move(result.moves.back());
      }
    }
  }
  return result;
}

Result<Plan> relocated(const Graph& graph, std::span<const Move> moves) {
  if (moves.empty()) return fail(ErrorCode::kInvalid, "nothing to move");
  Result<Plan> plan = continued_plan(graph, moves.front().intent);
  if (!plan) return plan;
  for (const Move& move : moves) {
    if (move.intent != plan->intent || move.placement >= plan->placements.size() ||
        plan->placements[move.placement].node != move.from) {
      return fail(ErrorCode::kConflict, "another plan is active than the one that the move was proposed for");
    }
    Placement& placement = plan->placements[move.placement];
    placement.node = move.to;
    placement.continues = {};
    placement.devices = 0;  // of another node: the commit says which
    placement.asks = asks_of(graph, placement.site, graph.intent(plan->intent).demand->workload);
    for (Flow& flow : plan->flows) {
      if (flow.placement == move.placement) {
        flow.path_per_hour = path_per_hour(graph, flow.path, flow.up_bps, flow.down_bps);
      }
    }
  }
  if (const Status complete = complete_plan(graph, *plan); !complete) return tl::unexpected(complete.error());
  return plan;
}

std::vector<ExpectedTask> present_mix(const Graph& graph) {
  std::map<std::tuple<int32_t, int32_t, int16_t, std::string>, int64_t> kinds;
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    const IntentRow& row = graph.intent(IntentId(i));
    if (row.state == IntentState::kWithdrawn || !row.demand) continue;
    const Workload& w = row.demand->workload;
    if (w.accelerator_milli > 0) continue;  // room is counted in whole devices here
    ++kinds[{w.cpu_milli, w.memory_mib, w.accelerators, w.accelerator_model}];
  }
  std::vector<ExpectedTask> mix;
  for (const auto& [kind, count] : kinds) {
    ExpectedTask task{.weight = std::min<int64_t>(count, 1'000'000)};
    std::tie(task.workload.cpu_milli, task.workload.memory_mib, task.workload.accelerators, task.workload.accelerator_model) =
        kind;
    mix.push_back(std::move(task));
  }
  return mix;
}

}  // namespace weir
