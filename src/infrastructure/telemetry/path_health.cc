#include "infrastructure/telemetry/path_health.h"

#include <algorithm>

namespace weir::telemetry {

PathHealth::PathHealth(PathHealthOptions options) : options_(options), dwell_us_(options.dwell_us_min) {}

uint64_t PathHealth::loss_timeout_us() const {
  if (!have_rtt_) return 10 * options_.interval_us;
  const uint64_t margin = std::max(4 * rttvar_us_, options_.interval_us / 5);
  return std::min(srtt_us_ + margin, std::max(options_.interval_us, 2 * srtt_us_));
}

uint64_t PathHealth::next_probe_us(uint64_t sent_us) const {
  const bool suspect = state_ == PathState::kUp && losses_ > 0;
  return sent_us + (suspect ? options_.interval_us / 4 : options_.interval_us);
}

uint64_t PathHealth::deadline_us() const {
  if (state_ == PathState::kDown || losses_ < options_.losses_to_down) return 0;
  return last_good_us_ + options_.interval_us * 5 / 2;
}

bool PathHealth::on_sent(uint64_t now_us) {
  if (!sent_) {
    sent_ = true;
    last_good_us_ = now_us;
  }
  return evaluate(now_us);
}

bool PathHealth::on_reply(uint64_t now_us, uint64_t rtt_us) {
  if (!have_rtt_) {
    have_rtt_ = true;
    srtt_us_ = rtt_us;
    rttvar_us_ = rtt_us / 2;
  } else {
    const uint64_t error = srtt_us_ > rtt_us ? srtt_us_ - rtt_us : rtt_us - srtt_us_;
    rttvar_us_ = (3 * rttvar_us_ + error) / 4;
    srtt_us_ = (7 * srtt_us_ + rtt_us) / 8;
  }
  losses_ = 0;
  last_good_us_ = now_us;
  replies_ = std::min(replies_ + 1, options_.replies_to_up);
  return evaluate(now_us);
}

bool PathHealth::on_loss(uint64_t now_us) {
  losses_ = std::min(losses_ + 1, options_.losses_to_down);
  replies_ = 0;
  return evaluate(now_us);
}

bool PathHealth::evaluate(uint64_t now_us) {
  if (state_ == PathState::kUp && now_us - changed_us_ >= options_.calm_us) dwell_us_ = options_.dwell_us_min;
  if (state_ != PathState::kDown && losses_ >= options_.losses_to_down && now_us >= deadline_us()) {
    return become(PathState::kDown, now_us);
  }
  if (state_ == PathState::kUnknown && replies_ > 0) return become(PathState::kUp, now_us);
  if (state_ == PathState::kDown && replies_ >= options_.replies_to_up && now_us - changed_us_ >= dwell_us_) {
    return become(PathState::kUp, now_us);
  }
  return false;
}

bool PathHealth::become(PathState state, uint64_t now_us) {
  // The first fall waits dwell_us_min; each further one, before a calm, twice the one before.
  if (state_ == PathState::kDown) dwell_us_ = std::min(2 * dwell_us_, options_.dwell_us_max);
  state_ = state;
  changed_us_ = now_us;
  return true;
}

}  // namespace weir::telemetry
