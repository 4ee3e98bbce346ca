#include "orchestration/workflow/packing.h"

#include <algorithm>
#include <tuple>

namespace weir {
namespace {

struct Room {
  NodeId node;
  int64_t cpu_milli, memory_mib, accelerators;
  uint16_t model;
  auto key() const { return std::tie(cpu_milli, memory_mib, accelerators, model); }
};

struct Unit {
  const Workload* need;
  size_t item;
};

class Packer {
 public:
  Packer(const Graph& graph, SiteId site, const std::vector<PackingItem>& items, uint64_t steps)
      : graph_(graph), steps_(steps) {
    for (const NodeRange& range : graph.nodes(site)) {
      for (uint32_t n = range.first; n < range.first + range.count; ++n) {
        const NodeFree& free = graph.free(NodeId(n));
        rooms_.push_back({NodeId(n), free.cpu_milli, free.memory_mib, free.accelerators,
                          graph.node(NodeId(n)).accelerator_model});
      }
    }
    for (size_t i = 0; i < items.size(); ++i) {
      const Workload& need = *items[i].need;
      if (need.cpu_milli == 0 && need.memory_mib == 0 && need.accelerators == 0) continue;
      for (int32_t k = 0; k < items[i].count; ++k) units_.push_back({items[i].need, i});
    }
    std::stable_sort(units_.begin(), units_.end(), [](const Unit& a, const Unit& b) {
      return std::tie(a.need->accelerators, a.need->cpu_milli, a.need->memory_mib) >
             std::tie(b.need->accelerators, b.need->cpu_milli, b.need->memory_mib);
    });
    packing_.nodes.resize(items.size());
  }

  Packing run() {
    packing_.fits = place(0);
    packing_.exact = packing_.fits || steps_ > 0;
    if (!packing_.fits) {
      for (auto& nodes : packing_.nodes) nodes.clear();
    }
    return packing_;
  }

 private:
  bool place(size_t at) {
    if (at == units_.size()) return true;
    const Workload& need = *units_[at].need;
    std::vector<size_t> fitting;
    for (size_t r = 0; r < rooms_.size(); ++r) {
      const Room& room = rooms_[r];
      if (need.cpu_milli > room.cpu_milli || need.memory_mib > room.memory_mib ||
          need.accelerators > room.accelerators || !graph_.takes(graph_.node(room.node), need) ||
          (need.accelerators_linked && !has_island(room, need))) {
        continue;
      }
      fitting.push_back(r);
    }
    std::stable_sort(fitting.begin(), fitting.end(),
                     [&](size_t a, size_t b) { return rooms_[a].key() < rooms_[b].key(); });
    for (size_t i = 0; i < fitting.size(); ++i) {
      if (i > 0 && rooms_[fitting[i]].key() == rooms_[fitting[i - 1]].key()) continue;
      if (steps_ == 0) return false;
      --steps_;
      Room& room = rooms_[fitting[i]];
      room.cpu_milli -= need.cpu_milli;
      room.memory_mib -= need.memory_mib;
      room.accelerators -= need.accelerators;
      packing_.nodes[units_[at].item].push_back(room.node);
      if (place(at + 1)) return true;
      packing_.nodes[units_[at].item].pop_back();
      room.cpu_milli += need.cpu_milli;
      room.memory_mib += need.memory_mib;
      room.accelerators += need.accelerators;
    }
    return false;
  }

  // Islands are known of devices as they are: of a node that was given away from, nothing is said of them.
  bool has_island(const Room& room, const Workload& need) const {
    return room.accelerators == graph_.free(room.node).accelerators && graph_.device_fits(room.node, need) > 0;
  }

  const Graph& graph_;
  uint64_t steps_;
  std::vector<Room> rooms_;
  std::vector<Unit> units_;
  Packing packing_;
};

}  // namespace

Packing pack(const Graph& graph, SiteId site, const std::vector<PackingItem>& items, uint64_t steps) {
  return Packer(graph, site, items, steps).run();
}

}  // namespace weir
