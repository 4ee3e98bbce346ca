#include "infrastructure/telemetry/significant_change.h"

#include <algorithm>

namespace weir::telemetry {

bool SignificantChange::offer(uint64_t value, uint64_t now_us) {
  bool report = !any_;
  if (any_) {
    const bool above = value > reported_;
    const uint64_t change = above ? value - reported_ : reported_ - value;
    const auto relative =
        static_cast<uint64_t>(static_cast<unsigned __int128>(reported_) * options_.threshold_permille / 1000);
    if (change > std::max(relative, options_.threshold_min)) {
      outside_ = outside_ > 0 && above == above_ ? std::min(outside_ + 1, options_.confirmations) : 1;
      above_ = above;
    } else {
      outside_ = 0;
    }
    const uint64_t since_us = now_us - reported_us_;
    report = (outside_ > 0 && outside_ >= options_.confirmations && since_us >= options_.spacing_us_min) ||
             (options_.heartbeat_us > 0 && since_us >= options_.heartbeat_us);
  }
  if (!report) return false;
  any_ = true;
  reported_ = value;
  reported_us_ = now_us;
  outside_ = 0;
  return true;
}

}  // namespace weir::telemetry
