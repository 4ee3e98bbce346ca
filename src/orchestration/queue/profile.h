#pragma once

#include <cstddef>
#include <vector>

#include "core/event/types.h"
#include "orchestration/queue/amount.h"

namespace weir::queue {

// Later than anything that happens; sums with a duration do not overflow.
inline constexpr TimeUs kNever = INT64_MAX / 4;

// What is free of a pool from now on, exactly: a step function of time over every resource. Running jobs,
// promised starts and advance reservations are all entries. Free amounts may be below zero, where a pool
// shrank under what it had promised.
class Profile {
 public:
  explicit Profile(const Amount& total = {}) : steps_{{0, total}} {}

  // Adds to (or takes from) the whole future.
  void resize(const Amount& difference);
  // Forgets what is before `now`. Times before it count as `now` from then on.
  void advance(TimeUs now);

  // [from, to); nothing if empty.
  void take(const Amount& amount, TimeUs from, TimeUs to) { add(amount * -1, from, to); }
  void give(const Amount& amount, TimeUs from, TimeUs to) { add(amount, from, to); }

  Amount free_at(TimeUs at) const;
  // The least that is free of each resource during [from, to), which must not be empty.
  Amount free_least(TimeUs from, TimeUs to) const;
  // The first time, not before `from`, at which `need` is free for `duration_us`; kNever if there is none.
  TimeUs earliest(const Amount& need, TimeUs from, TimeUs duration_us) const;
  // The first time after `at` at which what is free changes; kNever if it does not.
  TimeUs next_change(TimeUs at) const;

  size_t size() const { return steps_.size(); }

 private:
  struct Step {
    TimeUs from;
    Amount free;  // until the next step
  };
  void add(const Amount& amount, TimeUs from, TimeUs to);
  size_t step_at(TimeUs at) const;  // index of the step in force
  size_t split(TimeUs at);          // index of the step that begins at `at`, made if need be

  std::vector<Step> steps_;  // by `from`, never empty
};

}  // namespace weir::queue
