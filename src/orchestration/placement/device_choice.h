#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/graph/graph.h"

namespace weir {

// Expected fragmentation (Weng et al., "Beware of Fragmentation", USENIX ATC'23, section 3.2) by what the intents of
// the graph ask for: how much of the accelerators free on a node a request drawn from them cannot use. All of it if the
// request does not fit there; else what is free on the devices that have too little for it, or are in an island that has.
class DeviceLoss {
 public:
  // The kinds most asked for, at most so many, tell the mix.
  static constexpr size_t kKindsMax = 48;
  explicit DeviceLoss(const Graph& graph);

  // Thousandths of a device times weight(), summed over the mix. O(kinds * devices).
  int64_t of(const NodeRow& node, int64_t cpu_milli_free, const DeviceRoom& room) const;
  // Instances in the mix; 0: nobody asks for accelerators.
  int64_t weight() const { return weight_; }

 private:
  struct Row {
    DeviceKind kind;
    int64_t count;
  };
  const Graph& graph_;
  std::vector<Row> mix_;
  int64_t weight_ = 0;
};

struct DeviceChoice {
  NodeId node;
  DeviceMask devices = 0;
  int64_t loss = 0;  // that it adds, as DeviceLoss counts; less than 0: what it takes was of little use to others
};

// Nodes and devices of the site, or of its rack, for so many more instances, each where it adds the least loss; of equals
// where the least CPU is left over, then the lowest node. Shares go on any device, of equals in the island with the fewest
// whole ones free, then on the lowest; whole devices are those of DeviceRoom::tightest. As many as fit. Requires a workload
// with accelerators. O(nodes * kinds * devices + count * nodes).
std::vector<DeviceChoice> choose_devices(const Graph& graph, SiteId site, const Workload& workload, int32_t count,
                                         const DeviceLoss& loss, const std::optional<Graph::RackKey>& rack = std::nullopt);

}  // namespace weir
