#include "core/graph/devices.h"

#include <algorithm>
#include <bit>
#include <climits>
#include <map>

#include "core/graph/graph.h"

namespace weir {

namespace {

int64_t slices_for(int64_t part, int64_t whole, int32_t slices) { return (part * slices + whole - 1) / whole; }

// Down to the next with three leading bits.
int64_t coarse(int64_t value, int64_t least, int64_t most) {
  if (value < least) return 0;
  value = std::min(value, most);
  const int low_bits = std::max(0, static_cast<int>(std::bit_width(static_cast<uint64_t>(value))) - 3);
  return value >> low_bits << low_bits;
}

}  // namespace

int32_t sliced_milli(int32_t milli, int32_t slices) {
  if (slices <= 0) return milli;
  return static_cast<int32_t>(slices_for(milli, kDeviceMilli, slices) * kDeviceMilli / slices);
}

DeviceNeed device_need(const Workload& workload, const DevicesRow& able) {
  const DeviceNeed whole{workload.accelerators, kDeviceMilli, 0, workload.accelerators_linked};
  if (workload.accelerator_milli <= 0) return whole;
  const int32_t milli = sliced_milli(workload.accelerator_milli, able.slices);
  if (milli >= kDeviceMilli) return whole;
  int64_t memory_mib = workload.accelerator_memory_mib;
  if (able.slices > 0 && able.memory_mib > 0) {
    const int64_t slices = memory_mib > 0 ? slices_for(memory_mib, able.memory_mib, able.slices)
                                          : slices_for(workload.accelerator_milli, kDeviceMilli, able.slices);
    memory_mib = slices * able.memory_mib / able.slices;
  } else if (memory_mib <= 0) {
    memory_mib = int64_t{able.memory_mib} * workload.accelerator_milli / kDeviceMilli;
  }
  return {workload.accelerators, milli, static_cast<int32_t>(std::min<int64_t>(memory_mib, INT32_MAX)), false};
}

int64_t device_milli_most(const Workload& workload, uint32_t slices) {
  int64_t most = device_milli(workload);
  if (workload.accelerator_milli <= 0) return most;
  for (uint32_t rest = slices & ~uint32_t{1}; rest != 0; rest &= rest - 1) {
    most = std::max(most, int64_t{workload.accelerators} * sliced_milli(workload.accelerator_milli, std::countr_zero(rest)));
  }
  return most;
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
          static_cast<int32_t>(coarse(workload.accelerator_memory_mib, 1 << 10, 1 << 20)),
          coarse(workload.accelerator_fp16_gflops_min, 1 << 10, 1 << 24),
          workload.accelerator_model,
          workload.accelerators_linked && workload.accelerators > 1};
}

DeviceMask DeviceRoom::island(size_t island) const {
  const size_t first = island * per_island_;
  const size_t size = std::min(count_ - first, per_island_);
  return ~DeviceMask{0} >> (of_.size() - size) << first;
}

int32_t DeviceRoom::whole_in(size_t island) const {
  int32_t whole = 0;
  for (size_t d = island * per_island_; d < std::min(count_, (island + 1) * per_island_); ++d) {
    whole += of_[d].milli >= kDeviceMilli ? 1 : 0;
  }
  return whole;
}

int32_t DeviceRoom::whole_in_best_island() const {
  int32_t most = 0;
  for (size_t i = 0; i < islands(); ++i) most = std::max(most, whole_in(i));
  return most;
}

DeviceMask DeviceRoom::whole_of(size_t island, int32_t most) const {
  DeviceMask devices = 0;
  for (size_t d = island * per_island_; d < std::min(count_, (island + 1) * per_island_) && most > 0; ++d) {
    if (of_[d].milli < kDeviceMilli) continue;
    devices |= DeviceMask{1} << d;
    --most;
  }
  return devices;
}

int64_t DeviceRoom::times(const DeviceNeed& need) const {
  int64_t sum = 0;
  if (need.shares()) {
    for (const DeviceFree& device : devices()) sum += shares_that_fit(device, need);
    return sum;
  }
  const int32_t count = std::max(1, need.count);
  for (size_t i = 0; i < islands(); ++i) sum += need.linked ? whole_in(i) / count : whole_in(i);
  return need.linked ? sum : sum / count;
}

DeviceMask DeviceRoom::tightest(const DeviceNeed& need) const {
  if (need.shares()) {
    size_t best = count_;
    int32_t whole_around = 0;
    for (size_t d = 0; d < count_; ++d) {
      if (!has_room(of_[d], need) || (best != count_ && of_[d].milli > of_[best].milli)) continue;
      const int32_t whole = whole_in(island_of(d));
      if (best != count_ && of_[d].milli == of_[best].milli && whole >= whole_around) continue;
      best = d;
      whole_around = whole;
    }
    return best == count_ ? 0 : DeviceMask{1} << best;
  }
  std::array<std::pair<int32_t, size_t>, kDevicesPerNodeMax> by_whole{};
  for (size_t i = 0; i < islands(); ++i) by_whole[i] = {whole_in(i), i};
  std::sort(by_whole.begin(), by_whole.begin() + static_cast<ptrdiff_t>(islands()));
  DeviceMask devices = 0;
  int32_t missing = need.count;
  for (size_t i = 0; i < islands() && missing > 0; ++i) {
    const auto [whole, island] = by_whole[i];
    if (need.linked && whole < need.count) continue;
    devices |= whole_of(island, missing);
    missing -= std::min(missing, whole);
  }
  return missing > 0 ? 0 : devices;
}

bool DeviceRoom::fits(const DeviceNeed& need, DeviceMask devices) const {
  if (std::popcount(devices) != need.count) return false;
  for (DeviceMask rest = devices; rest != 0; rest &= rest - 1) {
    const auto d = static_cast<size_t>(std::countr_zero(rest));
    if (d >= count_ || !has_room(of_[d], need)) return false;
    if (need.linked && island_of(d) != island_of(static_cast<size_t>(std::countr_zero(devices)))) return false;
  }
  return true;
}

bool in_one_island(DeviceMask devices, const DevicesRow& row) {
  if (devices == 0 || row.per_island <= 0) return true;
  return std::countr_zero(devices) / row.per_island == (static_cast<int>(std::bit_width(devices)) - 1) / row.per_island;
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
  DeviceRoom room(row.per_island);
  for (uint32_t d = 0; d < count; ++d) room.add(device_free_[row.first + d]);
  return room;
}

DeviceRoom Graph::device_room_empty(NodeId id) const {
  const NodeRow& node = nodes_[id.index()];
  const DevicesRow& row = devices(node);
  DeviceRoom room(row.per_island);
  for (int d = 0; d < node.accelerators; ++d) room.add({kDeviceMilli, row.memory_mib});
  return room;
}

int64_t Graph::device_fits(NodeId id, const Workload& workload) const {
  if (workload.accelerator_milli <= 0) {
    // Of most full nodes nothing else has to be looked at.
    const int64_t whole = free(id).accelerators / std::max<int>(1, workload.accelerators);
    if (whole <= 0 || !workload.accelerators_linked) return whole;
  }
  return device_room(id).times(device_need(workload, devices(node(id))));
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
                        .fp16_gflops = spec.accelerator_fp16_gflops,
                        .per_island = std::max<int16_t>(spec.accelerators_per_island, 0),
                        .slices = std::clamp<int16_t>(spec.accelerator_slices, 0, kDeviceSlicesMax)});
    for (uint32_t d = 0; d < count; ++d) device_free_.push_back({kDeviceMilli, spec.accelerator_memory_mib});
    return at;
  }
  DevicesRow& row = devices_.mutate(at);
  const int32_t more_mib = spec.accelerator_memory_mib - row.memory_mib;
  row.memory_mib = spec.accelerator_memory_mib;
  row.fp16_gflops = spec.accelerator_fp16_gflops;
  row.per_island = std::max<int16_t>(spec.accelerators_per_island, 0);
  row.slices = std::clamp<int16_t>(spec.accelerator_slices, 0, kDeviceSlicesMax);
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
  const bool linked =
      plan.intent.index() < head.intent_count() && head.intent(plan.intent).spec->workload.accelerators_linked;
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
    DeviceNeed need = device_need(*p);
    need.linked = linked;
    p->devices = room.tightest(need);
    // A plan that was never verified may take more than there is.
    if (p->devices == 0)
      p->devices = ~DeviceMask{0} >> (kDevicesPerNodeMax - std::min(need.count, kDevicesPerNodeMax));
    room.take(need, p->devices);
  }
}

}  // namespace weir
