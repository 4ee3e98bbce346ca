#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "core/event/types.h"

namespace weir::bench {

// How long somebody's next job will run: the mean of their last two run times (Tsafrir, Etsion, Feitelson:
// Backfilling using system-generated predictions rather than user runtime estimates, TPDS 2007). Advice: it
// may be Job::estimated_us, which orders jobs and lets them pass; reservations go by limit_us whatever it
// says.
class RunTimes {
 public:
  // Remembers that many; beyond it forgets whose last job ended first.
  explicit RunTimes(size_t remembered_max = 100'000) : remembered_max_(remembered_max) {}

  void ended(uint64_t who, TimeUs run_us);
  // From 1 to limit_us; limit_us of somebody unknown.
  TimeUs estimate(uint64_t who, TimeUs limit_us) const;
  size_t remembered() const { return last_.size(); }

 private:
  struct Last {
    TimeUs run_us = 0, before_us = 0;
    uint64_t turn = 0;
  };
  size_t remembered_max_;
  uint64_t turns_ = 0;
  std::map<uint64_t, Last> last_;          // by who
  std::map<uint64_t, uint64_t> turns_of_;  // who, by turn
};

}  // namespace weir::bench
