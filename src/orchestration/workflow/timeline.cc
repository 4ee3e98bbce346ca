#include "orchestration/workflow/timeline.h"

#include <algorithm>

namespace weir {

size_t Timeline::step_at(int64_t time_us) const {
  const auto after = std::upper_bound(steps_.begin(), steps_.end(), time_us,
                                      [](int64_t time, const Step& step) { return time < step.from_us; });
  return static_cast<size_t>(after - steps_.begin()) - 1;
}

int64_t Timeline::earliest_us(int64_t ready_us, int64_t duration_us, const Resources& need) const {
  if (duration_us == 0) return ready_us;
  int64_t start_us = ready_us;
  for (size_t i = step_at(ready_us); i < steps_.size(); ++i) {
    if (!steps_[i].free.fits(need)) {
      start_us = i + 1 < steps_.size() ? steps_[i + 1].from_us : start_us;
    } else if (i + 1 == steps_.size() || steps_[i + 1].from_us - start_us >= duration_us) {
      break;
    }
  }
  return start_us;
}

size_t Timeline::split(int64_t time_us) {
  const size_t at = step_at(time_us);
  if (steps_[at].from_us == time_us) return at;
  steps_.insert(steps_.begin() + static_cast<ptrdiff_t>(at) + 1, {time_us, steps_[at].free});
  return at + 1;
}

void Timeline::reserve(int64_t start_us, int64_t duration_us, const Resources& need) {
  if (duration_us == 0) return;
  const size_t first = split(start_us), end = split(start_us + duration_us);
  for (size_t i = first; i < end; ++i) {
    steps_[i].free.cpu_milli -= need.cpu_milli;
    steps_[i].free.memory_mib -= need.memory_mib;
    steps_[i].free.accelerators -= need.accelerators;
  }
}

}  // namespace weir
