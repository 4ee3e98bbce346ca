#include <algorithm>
#include <limits>

#include "core/graph/hours.h"

// Best-effort work: what of the nodes it may have, and what it has.
namespace weir {
namespace {

constexpr int64_t kBestEffortWhole = 1000;  // thousandths of the asks

int32_t clamped(int64_t amount) {
  return static_cast<int32_t>(std::clamp<int64_t>(amount, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}

}  // namespace

NodeFree Graph::spare_room(NodeId id) const {
  const NodeFree& free = this->free(id);
  const NodeSpare& known = spare(id);
  return {clamped(free.cpu_milli + known.cpu_milli_reclaimed - known.cpu_milli_taken),
          clamped(free.memory_mib + known.memory_mib_reclaimed - known.memory_mib_taken), 0};
}

std::vector<NodeId> Graph::best_effort_nodes() const {
  std::vector<NodeId> out;
  for (size_t n = 0; n < node_spare_.size(); ++n) {
    if (node_spare_[n].cpu_milli_taken > 0 || node_spare_[n].memory_mib_taken > 0) out.push_back(NodeId(n));
  }
  return out;
}

NodeSpare& Graph::keep_spare(NodeId id) {
  while (node_spare_.size() <= id.index()) node_spare_.push_back({});
  return node_spare_.mutate(id.index());
}

// What is reclaimed is of all ordinary work on the node together. Of what ends, all may have been idle: until it is measured
// again no more is reclaimed than would be then.
void Graph::forget_reclaimed(const Placement& ended) {
  const NodeSpare& known = spare(ended.node);
  if (known.cpu_milli_reclaimed == 0 && known.memory_mib_reclaimed == 0) return;
  NodeSpare& spare = keep_spare(ended.node);
  spare.cpu_milli_reclaimed = std::max<int64_t>(0, spare.cpu_milli_reclaimed - ended.cpu_milli);
  spare.memory_mib_reclaimed = std::max<int64_t>(0, spare.memory_mib_reclaimed - ended.memory_mib);
}

Applied Graph::on(const ReclaimableMeasured& e) {
  if (e.site.index() >= sites_.size()) return {false, "unknown site"};
  for (const NodeReclaimable& node : e.nodes) {
    if (node.node.index() >= nodes_.size() || nodes_[node.node.index()].site != e.site) return {false, "a node of another site"};
  }
  bool grew = false;
  for (const NodeReclaimable& node : e.nodes) {
    const NodeRow& row = nodes_[node.node.index()];
    const NodeFree& free = node_free_[node.node.index()];
    NodeSpare& spare = keep_spare(node.node);
    const auto take = [&grew](int64_t& known, int64_t measured, int64_t reserved) {
      const int64_t before = known;
      known = std::clamp<int64_t>(measured, 0, std::max<int64_t>(reserved, 0));
      grew = grew || known > before;
    };
    take(spare.cpu_milli_reclaimed, node.cpu_milli, int64_t{row.cpu_milli} - free.cpu_milli);
    take(spare.memory_mib_reclaimed, node.memory_mib, int64_t{row.memory_mib} - free.memory_mib);
  }
  if (grew) ++relief_;
  return {};
}

Asks asks_of(const Graph& graph, SiteId site, const Workload& workload) {
  const Asks asks = asks_of(graph, site, workload.kind);
  const int64_t milli = workload.best_effort ? graph.site_spec(site).best_effort_asks_milli : 0;
  if (milli == 0) return asks;
  return {charge(asks.per_core_hour, milli, kBestEffortWhole), charge(asks.per_gib_hour, milli, kBestEffortWhole),
          charge(asks.per_accelerator_hour, milli, kBestEffortWhole)};
}

}  // namespace weir
