#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir {

struct Resources {
  int64_t cpu_milli = 0;
  int64_t memory_mib = 0;
  int64_t accelerators = 0;
  bool fits(const Resources& need) const {
    return need.cpu_milli <= cpu_milli && need.memory_mib <= memory_mib && need.accelerators <= accelerators;
  }
  friend bool operator==(const Resources&, const Resources&) = default;
};

// What a machine has free over time, from 0 on.
class Timeline {
 public:
  explicit Timeline(const Resources& capacity) : steps_{{0, capacity}} {}
  // As it was made.
  void clear(const Resources& capacity) { steps_.assign(1, {0, capacity}); }

  // The earliest start, at `ready` or later, from which `need` is free for so long. Requires that the machine
  // is large enough, and ready >= 0. O(reservations).
  int64_t earliest_us(int64_t ready_us, int64_t duration_us, const Resources& need) const;
  // Requires that it is free.
  void reserve(int64_t start_us, int64_t duration_us, const Resources& need);

 private:
  struct Step {
    int64_t from_us;
    Resources free;  // until the next step
  };
  size_t step_at(int64_t time_us) const;
  size_t split(int64_t time_us);
  std::vector<Step> steps_;
};

}  // namespace weir
