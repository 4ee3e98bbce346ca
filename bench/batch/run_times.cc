#include "bench/batch/run_times.h"

#include <algorithm>

namespace weir::bench {

void RunTimes::ended(uint64_t who, TimeUs run_us) {
  run_us = std::max<TimeUs>(run_us, 1);
  const auto [known, fresh] = last_.try_emplace(who);
  Last& last = known->second;
  if (!fresh) turns_of_.erase(last.turn);
  last.before_us = fresh ? run_us : last.run_us;
  last.run_us = run_us;
  last.turn = turns_++;
  turns_of_.emplace(last.turn, who);
  if (last_.size() <= remembered_max_) return;
  last_.erase(turns_of_.begin()->second);
  turns_of_.erase(turns_of_.begin());
}

TimeUs RunTimes::estimate(uint64_t who, TimeUs limit_us) const {
  const auto known = last_.find(who);
  if (known == last_.end()) return limit_us;
  const TimeUs mean_us = known->second.before_us + (known->second.run_us - known->second.before_us) / 2;
  return std::clamp<TimeUs>(mean_us, 1, limit_us);
}

}  // namespace weir::bench
