#pragma once

#include <cstdint>

namespace weir::telemetry {

enum class PathState : uint8_t { kUnknown, kUp, kDown };

struct PathHealthOptions {
  uint64_t interval_us = 100'000;     // between probes while nothing is wrong
  uint32_t losses_to_down = 3;        // consecutive
  uint32_t replies_to_up = 5;         // consecutive, after being down
  uint64_t dwell_us_min = 1'000'000;  // least time down; doubles with each fall, up to dwell_us_max
  uint64_t dwell_us_max = 16'000'000;
  uint64_t calm_us = 60'000'000;  // this long up, and the dwell is dwell_us_min again
};

// Whether a path works, from the replies and losses of numbered probes. Pure: time is an argument and must
// not go back.
//
// A probe is lost when unanswered for srtt + max(4·rttvar, interval/5), with the smoothed round-trip time and
// variation of RFC 6298, and at most max(interval, 2·srtt); before the first reply, 10 intervals. After a
// first loss the next probes follow at a quarter of the interval, so that three losses of separate probes fit
// between two and a half and three intervals since the last reply, whenever the round trip is at most one
// and a quarter intervals and its variation at most a twentieth. Down is never declared before two and a half
// intervals without a reply, so a pause of the machine that long does no harm.
//
// Up again needs `replies_to_up` consecutive replies and the dwell. A link that oscillates is thus declared
// up at most once per dwell, and ever less often.
class PathHealth {
 public:
  explicit PathHealth(PathHealthOptions options);

  PathState state() const { return state_; }
  uint64_t smoothed_rtt_us() const { return srtt_us_; }
  uint64_t rtt_variation_us() const { return rttvar_us_; }
  // How long a probe sent now may stay unanswered before it counts as lost.
  uint64_t loss_timeout_us() const;
  // When the probe after one sent at `sent_us` is due.
  uint64_t next_probe_us(uint64_t sent_us) const;
  // When evaluate() may declare the path down though no probe is sent, answered or lost; 0: not now.
  uint64_t deadline_us() const;

  // Each returns true when the state has changed.
  bool on_sent(uint64_t now_us);
  bool on_reply(uint64_t now_us, uint64_t rtt_us);
  bool on_loss(uint64_t now_us);
  bool evaluate(uint64_t now_us);

  uint64_t changed_us() const { return changed_us_; }
  // When the last probe was answered, or the first was sent: detection time counts from here.
  uint64_t last_good_us() const { return last_good_us_; }
  uint64_t dwell_us() const { return dwell_us_; }

 private:
  bool become(PathState state, uint64_t now_us);

  PathHealthOptions options_;
  PathState state_ = PathState::kUnknown;
  uint64_t srtt_us_ = 0;
  uint64_t rttvar_us_ = 0;
  bool have_rtt_ = false;
  bool sent_ = false;
  uint32_t losses_ = 0;
  uint32_t replies_ = 0;
  uint64_t last_good_us_ = 0;
  uint64_t changed_us_ = 0;
  uint64_t dwell_us_ = 0;
};

}  // namespace weir::telemetry
