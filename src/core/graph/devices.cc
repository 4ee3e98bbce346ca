#include "core/graph/devices.h"

#include <algorithm>
#include <bit>
#include <climits>
#include <map>

#include "core/graph/graph.h"

namespace weir {

DeviceNeed device_need(const Workload& workload, int32_t memory_mib) {
  if (workload.accelerator_milli <= 0) return {workload.accelerators, kDeviceMilli, 0};
  const auto in_proportion =
      static_cast<int32_t>(int64_t{memory_mib} * workload.accelerator_milli / kDeviceMilli);
  return {workload.accelerators, workload.accelerator_milli,
          workload.accelerator_memory_mib > 0 ? workload.accelerator_memory_mib : in_proportion};
}

DeviceNeed device_need(const Placement& placement) {
  if (placement.accelerator_milli <= 0) return {placement.accelerators, kDeviceMilli, 0};
  return {placement.accelerators, placement.accelerator_milli, placement.accelerator_memory_mib};
}

int32_t shares_that_fit(const DeviceFree& free, const DeviceNeed& need) {
  int32_t fit = std::max(0, free.milli) / std::max(1, need.milli);
  if (need.memory_mib > 0) fit = std::min(fit, std::max(0, free.memory_mib) / need.memory_mib);
  return fit;
}

DeviceKind device_kind(const Workload& workload) {
  // Two leading bits tell enough of the CPU that goes with a device, and keep kinds few.
  int32_t cpu_milli = 1;
  while (cpu_milli < workload.cpu_milli && cpu_milli < INT32_MAX / 2) {
    cpu_milli = std::has_single_bit(static_cast<uint32_t>(cpu_milli)) && cpu_milli > 1 ? cpu_milli / 2 * 3
                : cpu_milli > 1                                                        ? cpu_milli / 3 * 4
                                                                                       : 2;
  }
  constexpr int32_t kStep = kDeviceMilli / 20;
  const int32_t milli = workload.accelerator_milli > 0
                            ? (workload.accelerator_milli + kStep - 1) / kStep * kStep
                            : kDeviceMilli;
  return {cpu_milli,
          workload.accelerators,
          milli,
          workload.accelerator_memory_mib,
          workload.accelerator_fp16_gflops_min,
          workload.accelerator_model};
}

DeviceMask DeviceRoom::tightest(const DeviceNeed& need) const {
  if (need.shares()) {
    size_t best = count_;
    for (size_t d = 0; d < count_; ++d) {
      if (has_room(of_[d], need) && (best == count_ || of_[d].milli < of_[best].milli)) best = d;
    }
    return best == count_ ? 0 : DeviceMask{1} << best;
  }
  DeviceMask devices = 0;
  int32_t missing = need.count;
  for (size_t d = 0; d < count_ && missing > 0; ++d) {
    if (!has_room(of_[d], need)) continue;
    devices |= DeviceMask{1} << d;
    --missing;
  }
  return missing > 0 ? 0 : devices;
}

bool DeviceRoom::fits(const DeviceNeed& need, DeviceMask devices) const {
  if (std::popcount(devices) != need.count) return false;
  for (DeviceMask rest = devices; rest != 0; rest &= rest - 1) {
    const auto d = static_cast<size_t>(std::countr_zero(rest));
    if (d >= count_ || !has_room(of_[d], need)) return false;
  }
  return true;
}

void DeviceRoom::take(const DeviceNeed& need, DeviceMask devices) {
  for (DeviceMask rest = devices; rest != 0; rest &= rest - 1) {
    const auto d = static_cast<size_t>(std::countr_zero(rest));
    if (d >= count_) break;
    of_[d].milli -= need.milli;
    of_[d].memory_mib -= need.memory_mib;
  }
}

DeviceRoom Graph::device_room(NodeId id) const {
  const NodeRow& node = nodes_[id.index()];
  const DevicesRow& row = devices(node);
  const uint32_t count =
      std::min<uint32_t>(row.kept, static_cast<uint32_t>(std::max<int16_t>(node.accelerators, 0)));
  DeviceRoom room;
  for (uint32_t d = 0; d < count; ++d) room.add(device_free_[row.first + d]);
  return room;
}

int64_t Graph::shares_that_fit(NodeId id, const Workload& workload) const {
  const DeviceNeed need = device_need(workload, devices(node(id)).memory_mib);
  int64_t sum = 0;
  const DeviceRoom room = device_room(id);
  for (const DeviceFree& device : room.devices()) sum += weir::shares_that_fit(device, need);
  return sum;
}

void Graph::count_kind(const IntentSpec& spec, int sign) {
  if (spec.workload.accelerators <= 0) return;
  DeviceMix& mix = device_mix_.mutate();
  const auto at = mix.try_emplace(device_kind(spec.workload)).first;
  at->second += sign * instances_asked(spec);
  if (at->second == 0) mix.erase(at);
}

uint32_t Graph::keep_devices(uint32_t at, const NodeSpec& spec) {
  const auto count = static_cast<uint32_t>(std::clamp<int>(spec.accelerators, 0, kDevicesPerNodeMax));
  if (at == 0) {
    if (count == 0) return 0;
    if (devices_.empty()) devices_.push_back({});
    at = static_cast<uint32_t>(devices_.size());
    devices_.push_back({.first = static_cast<uint32_t>(device_free_.size()),
                        .kept = count,
                        .memory_mib = spec.accelerator_memory_mib,
                        .fp16_gflops = spec.accelerator_fp16_gflops});
    for (uint32_t d = 0; d < count; ++d) device_free_.push_back({kDeviceMilli, spec.accelerator_memory_mib});
    return at;
  }
  DevicesRow& row = devices_.mutate(at);
  const int32_t more_mib = spec.accelerator_memory_mib - row.memory_mib;
  row.memory_mib = spec.accelerator_memory_mib;
  row.fp16_gflops = spec.accelerator_fp16_gflops;
  if (more_mib != 0) {
    for (uint32_t d = 0; d < row.kept; ++d) device_free_.mutate(row.first + d).memory_mib += more_mib;
  }
  if (count > row.kept) {
    const auto first = static_cast<uint32_t>(device_free_.size());
    for (uint32_t d = 0; d < count; ++d) {
      device_free_.push_back(d < row.kept ? DeviceFree(device_free_[row.first + d])
                                          : DeviceFree{kDeviceMilli, spec.accelerator_memory_mib});
    }
    row.first = first;
    row.kept = count;
  }
  return at;
}

// Devices that the node has no more are not counted, but keep what is held of them.
Graph::DevicesDelta Graph::account_devices(const Placement& p, Sign sign) {
  const NodeRow& node = nodes_[p.node.index()];
  const DevicesRow& row = devices(node);
  const DeviceNeed need = device_need(p);
  DevicesDelta delta;
  for (DeviceMask rest = p.devices; rest != 0; rest &= rest - 1) {
    const auto d = static_cast<uint32_t>(std::countr_zero(rest));
    if (d >= row.kept) break;
    DeviceFree& free = device_free_.mutate(row.first + d);
    const bool was_whole = free.milli == kDeviceMilli;
    free.milli += static_cast<int>(sign) * need.milli;
    free.memory_mib += static_cast<int>(sign) * need.memory_mib;
    if (static_cast<int>(d) >= node.accelerators) continue;
    delta.whole += (free.milli == kDeviceMilli) - was_whole;
    delta.milli += static_cast<int>(sign) * need.milli;
  }
  return delta;
}

void give_devices(const Graph& head, Plan& plan) {
  std::map<NodeId, DeviceRoom> rooms;
  const auto room_of = [&](NodeId node) -> DeviceRoom& {
    const auto [at, added] = rooms.try_emplace(node);
    if (added) at->second = head.device_room(node);
    return at->second;
  };
  const CommittedPlan* active =
      plan.intent.index() < head.intent_count() ? head.intent(plan.intent).active.get() : nullptr;
  const auto goes_on = [&](Placement& p) {
    for (size_t k = 0; p.continues.valid() && active && k < active->plan.placements.size(); ++k) {
      if (active->run(k) != p.continues) continue;
      p.devices = active->plan.placements[k].devices;
      return true;
    }
    return false;
  };
  std::vector<Placement*> open;
  for (Placement& p : plan.placements) {
    if (p.accelerators <= 0 || p.node.index() >= head.node_count()) continue;
    if (p.devices != 0) {
      if (!p.continues.valid()) room_of(p.node).take(device_need(p), p.devices);
    } else if (!goes_on(p)) {
      open.push_back(&p);
    }
  }
  for (Placement* p : open) {
    DeviceRoom& room = room_of(p->node);
    const DeviceNeed need = device_need(*p);
    p->devices = room.tightest(need);
    // A plan that was never verified may take more than there is.
    if (p->devices == 0)
      p->devices = ~DeviceMask{0} >> (kDevicesPerNodeMax - std::min(need.count, kDevicesPerNodeMax));
    room.take(need, p->devices);
  }
}

}  // namespace weir
