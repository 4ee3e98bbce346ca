#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "core/event/types.h"
#include "orchestration/queue/amount.h"

namespace weir::queue {

// Later than anything that happens; sums with a duration do not overflow.
inline constexpr TimeUs kNever = INT64_MAX / 4;

// What is free of a pool from now on, exactly: a step function of time over every resource. Running jobs,
// promised starts and advance reservations are all entries. Free amounts may be below zero, where a pool
// shrank under what it had promised.
//
// The steps lie in blocks of bounded size, each with what all of its steps have more or less, the least and
// the most of them: a change touches two blocks and the heads of those between, and a search steps over
// blocks in which everything or nothing fits. With n steps both are O(sqrt(n)), but for the blocks where some
// steps fit.
class Profile {
 public:
  explicit Profile(const Amount& total = {});

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
  // How the least that is free from `from` on falls with time: pairs of an end and what is free until then,
  // at least one. Stops where nothing is left, or after `most` pairs; what comes later has no more than the
  // last.
  std::vector<std::pair<TimeUs, Amount>> falling(TimeUs from, size_t most) const;
  // The first time, not before `from`, at which `need` is free for `duration_us`; kNever if there is none.
  TimeUs earliest(const Amount& need, TimeUs from, TimeUs duration_us) const;
  // The first time after `at` at which what is free changes; kNever if it does not.
  TimeUs next_change(TimeUs at) const;

  // Steps.
  size_t size() const;

 private:
  struct Step {
    TimeUs from;
    Amount free;  // until the next step; to be added to Block::more
  };
  struct Block {
    std::vector<Step> steps;  // by `from`, never empty
    Amount more;
    Amount least, most;  // of the steps, with `more`

    TimeUs from() const { return steps.front().from; }
    Amount free(size_t step) const { return steps[step].free + more; }
    void summarise();
  };
  struct Place {
    size_t block, step;
  };
  void add(const Amount& amount, TimeUs from, TimeUs to);
  Place at(TimeUs time) const;    // the step in force
  Place split(TimeUs time);       // the step that begins at `time`, made if need be
  void merge(TimeUs time);        // drops the step that begins at `time` if it is like the one before
  bool next(Place& place) const;  // false: there is none

  std::vector<Block> blocks_;  // never empty
};

}  // namespace weir::queue
