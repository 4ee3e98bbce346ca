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
};

// What an instance takes: `count` devices, of each so much.
struct DeviceNeed {
  int32_t count = 0;
  int32_t milli = 0;       // 1 to 1000
  int32_t memory_mib = 0;  // of a shared device; 0: none is counted
  bool shares() const { return milli < kDeviceMilli; }
};

// Where each device has `memory_mib` (0: unknown).
DeviceNeed device_need(const Workload& workload, int32_t memory_mib);
// As it was placed.
DeviceNeed device_need(const Placement& placement);

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
  int32_t memory_mib = 0;  // as Workload::accelerator_memory_mib
  int64_t fp16_gflops_min = 0;
  std::string model;       // empty: any
  friend auto operator<=>(const DeviceKind&, const DeviceKind&) = default;
};
DeviceKind device_kind(const Workload& workload);
// How many instances of each kind are asked for.
using DeviceMix = std::map<DeviceKind, int64_t>;

// What is free of the devices of one node, to try placements on. A copy.
class DeviceRoom {
 public:
  // Devices beyond kDevicesPerNodeMax are left out.
  void add(const DeviceFree& device) {
    if (count_ < of_.size()) of_[count_++] = device;
  }

  std::span<const DeviceFree> devices() const { return std::span(of_).first(count_); }
  bool fits(const DeviceNeed& need) const { return tightest(need) != 0; }
  // The devices that an instance takes by best fit: the fullest that still has room for a share, the lowest of equals;
  // the lowest whole ones otherwise. 0: it does not fit. Requires need.count > 0.
  DeviceMask tightest(const DeviceNeed& need) const;
  // Whether these are as many devices as are needed, with room.
  bool fits(const DeviceNeed& need, DeviceMask devices) const;
  // Devices beyond the last are left out.
  void take(const DeviceNeed& need, DeviceMask devices);

 private:
  std::array<DeviceFree, kDevicesPerNodeMax> of_{};
  size_t count_ = 0;
};

}  // namespace weir
