#pragma once

#include <cstddef>
#include <vector>

#include "core/event/types.h"

namespace weir {

// [from, to)
struct Window {
  TimeUs from = 0, to = 0;
  friend bool operator==(const Window&, const Window&) = default;
};

// The time for which one run's usage has been taken: every microsecond at most once, in whatever order
// reports come. Bounded: of more gaps than kGapsMax the oldest counts as taken, and its time is never billed.
class Metered {
 public:
  static constexpr size_t kGapsMax = 16;

  // The parts of the window that are not taken yet, ascending. O(gaps).
  std::vector<Window> missing(Window window) const;
  void take(Window window);
  // The run's last window: it is metered in whole when all from `begun`, or from the first that was taken, to
  // the window's end is taken. An empty window says that nothing more comes. A run that its machine began
  // anew never is: what it was before may still be reported.
  void finish(TimeUs begun, TimeUs ended) { whole_ = {begun, ended}; }
  bool complete() const { return whole_.to != 0 && gaps_.empty() && missing(whole_).empty(); }

  TimeUs until() const { return span_.to; }
  friend bool operator==(const Metered&, const Metered&) = default;

 private:
  friend class Checkpointer;

  Window span_;               // from the first to the last microsecond taken; empty: none
  Window whole_;              // of the run, once it is known; {0, 0} before
  std::vector<Window> gaps_;  // within span_, not taken; disjoint, ascending
};

}  // namespace weir
