#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "core/event/types.h"

// The accelerators of a node, of which a request takes whole ones or a share of one.
namespace weir {

// What is free of one device.
struct DeviceFree {
  int32_t milli = kDeviceMilli;
  int32_t memory_mib = 0;  // what shares leave of it; 0 where it is unknown how much it has
  friend bool operator==(const DeviceFree&, const DeviceFree&) = default;
};

// Of a node that has accelerators.
struct DevicesRow {
  uint32_t first = 0;      // row of its device 0
  uint32_t kept = 0;       // rows: as many devices as it ever had
  int32_t memory_mib = 0;  // of each; 0: unknown
  int64_t fp16_gflops = 0;  // of each; 0: unknown
  int16_t per_island = 0;   // devices that reach each other fast; 0: all of the node
  int16_t slices = 0;       // parts that shares are made of; 0: any share
};

// What an instance takes: `count` devices, of each so much.
struct DeviceNeed {
  int32_t count = 0;
  int32_t milli = 0;       // 1 to 1000
  int32_t memory_mib = 0;  // of a shared device; 0: none is counted
  bool linked = false;     // all in one island
  bool shares() const { return milli < kDeviceMilli; }
  // As placements say it: 0 of whole devices.
  int32_t placed_milli() const { return shares() ? milli : 0; }
};

// What a share comes to on a device of so many slices, 0 to kDeviceSlicesMax: as many whole slices as hold it, in
// thousandths rounded down, so that as many slices as there are never come to more than the device. 0: the share itself.
// Requires 1 to 1000 thousandths.
int32_t sliced_milli(int32_t milli, int32_t slices);

// On devices like these. A share that takes every slice is a whole device.
DeviceNeed device_need(const Workload& workload, const DevicesRow& able);
// As it was placed; whether its devices have to be linked is not known here.
DeviceNeed device_need(const Placement& placement);
// Bit n: a node has devices of n slices (0: not sliced). The most that one instance takes of devices on any of them, in
// thousandths.
int64_t device_milli_most(const Workload& workload, uint32_t slices);

inline bool has_room(const DeviceFree& free, const DeviceNeed& need) {
  return free.milli >= need.milli && (!need.shares() || free.memory_mib >= need.memory_mib);
}

// How many more times such a share fits on the device. Requires a share.
int32_t shares_that_fit(const DeviceFree& free, const DeviceNeed& need);

// Requests for accelerators that count as one kind, where it is asked what most others need.
struct DeviceKind {
  int32_t cpu_milli = 0;   // rounded up to 1, 1.5, 2, 3, 4, 6... cores, or their binary parts
  int32_t count = 0;
  int32_t milli = 0;       // of each; of a share rounded up to twentieths
  int32_t memory_mib = 0;  // of each at least: rounded down to 1, 1.25, 1.5, 1.75, 2, 2.5... GiB, at most 1 TiB
  int64_t fp16_gflops_min = 0;  // of each at least: down to 1, 1.25, 1.5... times a power of two from 1024, at most 2^24
  std::string model;       // empty: any
  bool linked = false;
  friend auto operator<=>(const DeviceKind&, const DeviceKind&) = default;
};
DeviceKind device_kind(const Workload& workload);
// How many instances of each kind are asked for.
using DeviceMix = std::map<DeviceKind, int64_t>;

// What is free of the devices of one node, to try placements on. A copy.
class DeviceRoom {
 public:
  // `per_island`: as DevicesRow has it.
  explicit DeviceRoom(int32_t per_island = 0)
      : per_island_(per_island > 0 ? static_cast<size_t>(per_island) : of_.size()) {}

  // Devices beyond kDevicesPerNodeMax are left out.
  void add(const DeviceFree& device) {
    if (count_ < of_.size()) of_[count_++] = device;
  }

  std::span<const DeviceFree> devices() const { return std::span(of_).first(count_); }
  size_t islands() const { return (count_ + per_island_ - 1) / per_island_; }
  size_t island_of(size_t device) const { return device / per_island_; }
  // The last may be smaller than the others. Requires island < islands().
  DeviceMask island(size_t island) const;
  // Whole devices free in it, and in the island that has most.
  int32_t whole_in(size_t island) const;
  int32_t whole_in_best_island() const;

  bool fits(const DeviceNeed& need) const { return tightest(need) != 0; }
  // How many such instances fit.
  int64_t times(const DeviceNeed& need) const;
  // The devices that an instance takes by best fit, so that large islands stay whole. A share: the fullest device that has
  // room, of equals that in the island with the fewest whole devices free. Linked ones: the island with the fewest that are
  // enough. Others: those of islands with few before those of islands with many. Of equals always the lowest. 0: it does
  // not fit. Requires need.count > 0. O(devices * islands).
  DeviceMask tightest(const DeviceNeed& need) const;
  // Whether these are as many devices as are needed, with room, and in one island where they have to be.
  bool fits(const DeviceNeed& need, DeviceMask devices) const;
  // Devices beyond the last are left out.
  void take(const DeviceNeed& need, DeviceMask devices);

 private:
  // The lowest `most` whole ones of the island.
  DeviceMask whole_of(size_t island, int32_t most) const;

  std::array<DeviceFree, kDevicesPerNodeMax> of_{};
  size_t count_ = 0;
  size_t per_island_;
};

// Whether devices of such a node are all in one island. None are.
bool in_one_island(DeviceMask devices, const DevicesRow& row);

}  // namespace weir
