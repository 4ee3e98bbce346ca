#pragma once

#include <algorithm>
#include <cstdint>

namespace weir::queue {

// A rate limit on event time: up to `burst` at once, refilled evenly by `per_hour` an hour. Exact: what a
// microsecond refills is not rounded. A clock that goes back refills nothing.
class TokenBucket {
 public:
  static constexpr int64_t kHourUs = 3'600'000'000;

  // 1 <= per_hour, burst <= 1,000,000. A new bucket is full; a changed one keeps what it held, up to its
  // burst.
  void set(int32_t per_hour, int32_t burst) {
    const bool fresh = per_hour_ == 0;
    per_hour_ = per_hour;
    full_ = burst * kHourUs;
    held_ = fresh ? full_ : std::min(held_, full_);
  }
  bool limits() const { return per_hour_ > 0; }
  // Whole tokens that are there.
  int64_t held(int64_t at) const { return held_at(at) / kHourUs; }
  // Microseconds after `at` until one can be taken; 0: now.
  int64_t wait_us(int64_t at) const {
    const int64_t held = held_at(at);
    return held >= kHourUs ? 0 : (kHourUs - held + per_hour_ - 1) / per_hour_;
  }
  // Requires wait_us(at) == 0.
  void take(int64_t at) {
    held_ = held_at(at) - kHourUs;
    at_ = std::max(at_, at);
  }

 private:
  int64_t held_at(int64_t at) const {
    if (at <= at_) return held_;
    if ((at - at_) > (full_ - held_) / per_hour_) return full_;
    return held_ + (at - at_) * per_hour_;
  }

  int64_t per_hour_ = 0;
  int64_t full_ = 0;
  int64_t held_ = 0;  // tokens · microseconds in an hour
  int64_t at_ = 0;
};

}  // namespace weir::queue
