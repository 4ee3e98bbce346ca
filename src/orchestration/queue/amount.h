#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace weir::queue {

inline constexpr int kResources = 3;
inline constexpr std::array<std::string_view, kResources> kResourceNames{"cpu", "memory", "accelerators"};

// What a job takes of a pool, or a pool holds, for each resource that is counted. Signed: what is left of a
// pool that lost machines may be below zero. Sums of a domain stay below 2^62.
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
  constexpr Amount& operator-=(const Amount& other) { return *this += other * -1; }
  friend constexpr Amount operator+(Amount a, const Amount& b) { return a += b; }
  friend constexpr Amount operator-(Amount a, const Amount& b) { return a -= b; }
  constexpr Amount operator*(int64_t times) const {
    return {cpu_milli * times, memory_mib * times, accelerator_milli * times};
  }
  friend constexpr bool operator==(const Amount&, const Amount&) = default;

  // Whether this much of everything is there. What is not asked for does not matter, even below zero.
  constexpr bool fits(const Amount& room) const {
    return (cpu_milli <= room.cpu_milli || cpu_milli == 0) &&
           (memory_mib <= room.memory_mib || memory_mib == 0) &&
           (accelerator_milli <= room.accelerator_milli || accelerator_milli == 0);
  }
  constexpr bool none() const { return cpu_milli == 0 && memory_mib == 0 && accelerator_milli == 0; }

  // How many times this fits, from 0 to `most`.
  constexpr int32_t times_in(const Amount& room, int32_t most) const {
    int64_t times = most;
    if (cpu_milli > 0) times = std::min(times, room.cpu_milli / cpu_milli);
    if (memory_mib > 0) times = std::min(times, room.memory_mib / memory_mib);
    if (accelerator_milli > 0) times = std::min(times, room.accelerator_milli / accelerator_milli);
    return static_cast<int32_t>(std::max<int64_t>(times, 0));
  }

  static constexpr Amount least(const Amount& a, const Amount& b) {
    return {std::min(a.cpu_milli, b.cpu_milli), std::min(a.memory_mib, b.memory_mib),
            std::min(a.accelerator_milli, b.accelerator_milli)};
  }
  static constexpr Amount most(const Amount& a, const Amount& b) {
    return {std::max(a.cpu_milli, b.cpu_milli), std::max(a.memory_mib, b.memory_mib),
            std::max(a.accelerator_milli, b.accelerator_milli)};
  }
};

}  // namespace weir::queue
