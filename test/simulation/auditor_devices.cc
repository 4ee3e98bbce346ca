#include <algorithm>
#include <bit>
#include <set>

#include "simulation/auditor.h"

// The books of accelerators: what of each device is in use, and by how much.
namespace weir::simulation {

void Auditor::hold_devices(Node& node, const Placement& p, int sign) {
  if (std::popcount(p.devices) != p.accelerators) fail("a placement names other devices than it takes");
  for (int d = 0; d < kDevicesPerNodeMax; ++d) {
    if ((p.devices >> d & 1) == 0) continue;
    if (sign > 0 && d >= node.accelerators) fail("a placement on a device that is not there");
    auto& [milli, memory] = node.devices_used[d];
    milli += sign * (p.accelerator_milli > 0 ? p.accelerator_milli : 1000);
    memory += sign * int64_t{p.accelerator_memory_mib};
    if (sign > 0 && (milli > 1000 || memory > node.device_memory)) {
      fail("device " + std::to_string(d) + " of node " + std::to_string(p.node.value) + " is over-committed");
    }
    if (milli == 0) node.devices_used.erase(d);
  }
}

// What was asked for; of a sliced device no slice more than that takes.
bool Auditor::is_share(const Node& node, const Placement& p, const Workload& need) const {
  if (need.accelerator_milli == 0 || node.slices == 0) return p.accelerator_milli == need.accelerator_milli;
  int64_t taken = 1;
  while (taken * 1000 < need.accelerator_milli * node.slices) ++taken;
  return p.accelerator_milli == (taken == node.slices ? 0 : taken * 1000 / node.slices);
}

void Auditor::check_islands(const Placement& p, const Workload& need) const {
  const Node& node = nodes_[p.node.index()];
  if (!need.accelerators_linked || node.per_island == 0) return;
  std::set<int64_t> islands;
  for (int d = 0; d < kDevicesPerNodeMax; ++d) {
    if ((p.devices >> d & 1) != 0) islands.insert(d / node.per_island);
  }
  if (islands.size() > 1) fail("an instance's accelerators are in " + std::to_string(islands.size()) + " islands");
}

// Whether the graph has as many devices as the books, with as much free.
bool Auditor::has_devices(const Graph& graph, NodeId id) const {
  const Node& node = nodes_[id.index()];
  const int64_t touched = std::count_if(node.devices_used.begin(), node.devices_used.end(),
                                        [&](const auto& device) { return device.first < node.accelerators; });
  const DeviceRoom room = graph.device_room(id);
  for (int d = 0; d < static_cast<int>(room.devices().size()); ++d) {
    const auto used = node.devices_used.find(d);
    const auto [milli, memory] = used == node.devices_used.end() ? std::pair<int64_t, int64_t>() : used->second;
    const DeviceFree& device = room.devices()[static_cast<size_t>(d)];
    if (device.milli != 1000 - milli || device.memory_mib != node.device_memory - memory) {
      fail("node " + std::to_string(id.value) + ": the graph has " + std::to_string(device.milli) + " of device " + std::to_string(d) +
           " free, the books " + std::to_string(1000 - milli));
    }
  }
  return graph.free(id).accelerators == node.accelerators - touched &&
         static_cast<int64_t>(room.devices().size()) == node.accelerators;
}

DeviceMask Auditor::devices_of(RunId run) const {
  const auto found = billed_.find(run);
  return found == billed_.end() ? 0 : found->second.placement.devices;
}

}  // namespace weir::simulation
