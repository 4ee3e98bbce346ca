#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "core/event/types.h"
#include "core/ids/ids.h"

namespace weir {

// For how long a flow holds its links, and in which reservation its job runs: which part of what reservations keep is none
// of its own. Without an end: from its beginning it meets every window that is not over by then.
struct FlowTerm {
  TimeUs from = 0;
  TimeUs until = INT64_MAX;                // INT64_MAX: it has no end
  ReservationId in;                        // none: in none
};

// The bandwidth that advance reservations keep on links, by time: of each what flows of its own jobs do not hold already.
// Integers, in order: equal calls give equal answers.
class KeptBandwidth {
 public:
  bool empty() const { return links_.empty(); }
  size_t link_count() const { return links_.size(); }
  // When the first window ends; INT64_MAX: nothing is kept.
  TimeUs first_end() const;

  // On every link of its path and every twin. Requires a reservation with a path that is not kept yet.
  void keep(ReservationId of, const ReservationSpec& spec);
  void drop(ReservationId of);
  // Those whose windows end by then, sorted.
  std::vector<ReservationId> over(TimeUs now) const;
  void drop_over(TimeUs now);
  void clear() { links_.clear(); }

  // A flow of a job in the reservation takes so much of the link, or gives it back, below 0. Where the reservation keeps
  // nothing, nothing happens.
  void use(ReservationId of, LinkId link, int64_t bps);

  // The most that is kept of the link at any time of the term, for others. O(log links + windows of the link).
  int64_t most_bps(LinkId link, const FlowTerm& term) const;
  // What the reservation keeps of the link beside what flows of its jobs hold; 0: nothing, or no such window.
  int64_t left_bps(ReservationId of, LinkId link) const;

  friend bool operator==(const KeptBandwidth&, const KeptBandwidth&) = default;

 private:
  struct Window {
    ReservationId of;
    TimeUs from = 0, to = 0;               // [from, to)
    int64_t kept_bps = 0, used_bps = 0;
    int64_t left_bps() const { return used_bps < kept_bps ? kept_bps - used_bps : 0; }
    friend bool operator==(const Window&, const Window&) = default;
  };
  struct Step {
    TimeUs at = 0;                         // from then until the next step
    int64_t bps = 0;                       // sum of left_bps()
    friend bool operator==(const Step&, const Step&) = default;
  };
  struct Row {
    std::vector<Window> windows;           // by reservation
    std::vector<Step> steps;               // the last is 0
    friend bool operator==(const Row&, const Row&) = default;
  };
  static void add_up(Row& row);
  template <class Gone>
  void drop_if(const Gone& gone);

  std::map<LinkId, Row> links_;            // those of which something is kept
};

}  // namespace weir
