#include <algorithm>
#include <string>

#include "simulation/auditor.h"

// Best-effort work, from the ledger alone: it never has more than others leave, and makes way only where it has to.
namespace weir::simulation {

void Auditor::lend(Node& node, const Placement& p, int sign) {
  node.cpu_lent += sign * int64_t{p.cpu_milli};
  node.memory_lent += sign * int64_t{p.memory_mib};
  if (sign > 0 && (node.cpu_lent > node.cpu - node.cpu_used + node.cpu_reclaimed ||
                   node.memory_lent > node.memory - node.memory_used + node.memory_reclaimed)) {
    fail("node " + std::to_string(p.node.value) + ": best-effort work takes more than others leave");
  }
}

// Of what ends, all may have been idle.
void Auditor::forget_reclaimed(Node& node, const Placement& ended) {
  node.cpu_reclaimed = std::max<int64_t>(0, node.cpu_reclaimed - ended.cpu_milli);
  node.memory_reclaimed = std::max<int64_t>(0, node.memory_reclaimed - ended.memory_mib);
}

bool Auditor::lends_alike(const Graph& graph, NodeId id) const {
  const NodeSpare& spare = graph.spare(id);
  const Node& node = nodes_[id.index()];
  return spare.cpu_milli_taken == node.cpu_lent && spare.memory_mib_taken == node.memory_lent &&
         spare.cpu_milli_reclaimed == node.cpu_reclaimed && spare.memory_mib_reclaimed == node.memory_reclaimed;
}

void Auditor::body(const ReclaimableMeasured& e) {
  if (!by_brain()) fail("what may be reclaimed by another's word than the brain's");
  for (const NodeReclaimable& measured : e.nodes) {
    if (measured.node.index() >= nodes_.size() || nodes_[measured.node.index()].site != e.site.value) {
      return fail("what may be reclaimed of a node of another site");
    }
    Node& node = nodes_[measured.node.index()];
    if (measured.cpu_milli > node.cpu_used || measured.memory_mib > node.memory_used) fail("more is reclaimed than is reserved");
    node.cpu_reclaimed = measured.cpu_milli;
    node.memory_reclaimed = measured.memory_mib;
  }
}

// Somewhere where it is there is too little, with nothing of what makes way already.
void Auditor::make_way(const JobPreempted& e, Wish& wish) {
  if (wish.active != e.plan) return fail("what does not run makes way");
  const Held& held = wish.held.at(e.plan);
  bool needed = false;
  for (const Placement& p : held.plan.placements) {
    const Node& node = nodes_[p.node.index()];
    int64_t cpu = node.cpu_lent, memory = node.memory_lent;
    for (const Wish& other : wishes_) {
      for (const auto& [position, leaving] : other.held) {
        if (position == other.active) continue;
        for (size_t k = 0; k < leaving.plan.placements.size(); ++k) {
          const Placement& q = leaving.plan.placements[k];
          if (!q.best_effort || q.node != p.node || !leaving.holds_placement[k] || has_ended(runs_[leaving.run(k)].state)) continue;
          cpu -= q.cpu_milli;
          memory -= q.memory_mib;
        }
      }
    }
    needed = needed || cpu > node.cpu - node.cpu_used + node.cpu_reclaimed ||
             memory > node.memory - node.memory_used + node.memory_reclaimed ||
             memory > node.memory - node.memory_used;  // and what is used may be short
  }
  if (!needed) fail("best-effort work makes way for nobody");
  ++made_way_;
  wish.active = kNoPosition;
  wish.on_protection.clear();
}

}  // namespace weir::simulation
