#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "core/ids/ids.h"

namespace weir::queue {

using QueueId = Id<struct QueueTag>;

inline constexpr int kResources = 3;
inline constexpr std::array<std::string_view, kResources> kResourceNames{"cpu", "memory", "accelerators"};

// An amount of what a queue shares out. Sums of what a domain has stay far below 2^63; limits saturate.
struct Amount {
  int64_t cpu_milli = 0;
  int64_t memory_mib = 0;
  int64_t accelerator_milli = 0;

  // Requires 0 <= resource < kResources, in the order of kResourceNames.
  constexpr int64_t operator[](int resource) const {
    return resource == 0 ? cpu_milli : resource == 1 ? memory_mib : accelerator_milli;
  }
  constexpr int64_t& operator[](int resource) {
    return resource == 0 ? cpu_milli : resource == 1 ? memory_mib : accelerator_milli;
  }
  constexpr Amount& operator+=(const Amount& other) {
    cpu_milli += other.cpu_milli;
    memory_mib += other.memory_mib;
    accelerator_milli += other.accelerator_milli;
    return *this;
  }
  constexpr Amount& operator-=(const Amount& other) {
    cpu_milli -= other.cpu_milli;
    memory_mib -= other.memory_mib;
    accelerator_milli -= other.accelerator_milli;
    return *this;
  }
  friend constexpr Amount operator+(Amount a, const Amount& b) { return a += b; }
  friend constexpr Amount operator-(Amount a, const Amount& b) { return a -= b; }
  friend constexpr bool operator==(const Amount&, const Amount&) = default;

  // Whether no resource of this exceeds that of `room`.
  constexpr bool within(const Amount& room) const {
    return cpu_milli <= room.cpu_milli && memory_mib <= room.memory_mib &&
           accelerator_milli <= room.accelerator_milli;
  }
  constexpr bool empty() const { return *this == Amount{}; }
};

constexpr Amount least(const Amount& a, const Amount& b) {
  return {std::min(a.cpu_milli, b.cpu_milli), std::min(a.memory_mib, b.memory_mib),
          std::min(a.accelerator_milli, b.accelerator_milli)};
}
constexpr Amount most(const Amount& a, const Amount& b) {
  return {std::max(a.cpu_milli, b.cpu_milli), std::max(a.memory_mib, b.memory_mib),
          std::max(a.accelerator_milli, b.accelerator_milli)};
}

}  // namespace weir::queue
