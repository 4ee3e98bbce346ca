#include "orchestration/queue/profile.h"

#include <algorithm>

namespace weir::queue {

size_t Profile::step_at(TimeUs at) const {
  const auto after = std::upper_bound(steps_.begin() + 1, steps_.end(), at,
                                      [](TimeUs time, const Step& step) { return time < step.from; });
  return static_cast<size_t>(after - steps_.begin()) - 1;
}

size_t Profile::split(TimeUs at) {
  const size_t index = step_at(at);
  if (at <= steps_[index].from) return index;
  steps_.insert(steps_.begin() + static_cast<ptrdiff_t>(index) + 1, {at, steps_[index].free});
  return index + 1;
}

void Profile::add(const Amount& amount, TimeUs from, TimeUs to) {
  from = std::max(from, steps_.front().from);
  to = std::min(to, kNever);
  if (from >= to || amount.none()) return;
  const size_t first = split(from);
  const size_t last = to == kNever ? steps_.size() : split(to);
  for (size_t i = first; i < last; ++i) steps_[i].free += amount;
  const auto merge = [this](size_t index) {
    if (index == 0 || index >= steps_.size() || !(steps_[index].free == steps_[index - 1].free)) return;
    steps_.erase(steps_.begin() + static_cast<ptrdiff_t>(index));
  };
  merge(last);
  merge(first);
}

void Profile::resize(const Amount& difference) {
  for (Step& step : steps_) step.free += difference;
}

void Profile::advance(TimeUs now) {
  const size_t current = step_at(now);
  steps_.erase(steps_.begin(), steps_.begin() + static_cast<ptrdiff_t>(current));
  steps_.front().from = std::max(steps_.front().from, now);
}

Amount Profile::free_at(TimeUs at) const { return steps_[step_at(at)].free; }

Amount Profile::free_least(TimeUs from, TimeUs to) const {
  size_t i = step_at(from);
  Amount least = steps_[i].free;
  while (++i < steps_.size() && steps_[i].from < to) least = Amount::least(least, steps_[i].free);
  return least;
}

TimeUs Profile::earliest(const Amount& need, TimeUs from, TimeUs duration_us) const {
  size_t i = step_at(from);
  TimeUs start = std::max(from, steps_.front().from);
  for (; i < steps_.size(); ++i) {
    if (steps_[i].from >= start + duration_us) return start;
    if (!need.fits(steps_[i].free)) {
      if (i + 1 == steps_.size()) return kNever;
      start = steps_[i + 1].from;
    }
  }
  return start;
}

TimeUs Profile::next_change(TimeUs at) const {
  const size_t next = step_at(at) + 1;
  return next < steps_.size() ? steps_[next].from : kNever;
}

}  // namespace weir::queue
