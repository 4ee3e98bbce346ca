#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/graph/graph.h"

namespace weir {

struct PackingItem {
  const Workload* need = nullptr;
  int32_t count = 0;
};

struct Packing {
  bool fits = false;
  bool exact = true;                       // false: it may fit after all; the budget ended
  std::vector<std::vector<NodeId>> nodes;  // by item; of each instance
};

// Do these instances fit on the nodes of the site as they are, side by side? Best fit, largest first, then
// depth-first over every assignment, `steps` placements at most. Nodes with equal room and accelerators count
// once.
Packing pack(const Graph& graph, SiteId site, const std::vector<PackingItem>& items, uint64_t steps);

}  // namespace weir
