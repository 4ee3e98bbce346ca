#include <algorithm>

#include "core/loop/loop.h"

namespace weir {

// Each change makes every plan be looked at again, and agents of one site may disagree: after a word against
// it, a word for it waits, ever longer.
void Loop::hear_steering(SiteId site, const Hello& hello) {
  const auto found = steering_.find(site);
  if (found == steering_.end() && head_.site(site).agent_steers == hello.steerable) return;
  Steering& known = steering_[site];
  known.steers = hello.steerable;
  known.why = hello.not_steerable_why;
  if (!hello.steerable) known.denied_us = now_us_;
  write_steering(site, known);
}

void Loop::write_steering(SiteId site, Steering& known) {
  if (head_.site(site).agent_steers == known.steers) return;
  if (known.steers && now_us_ < steers_again_us(known)) return;
  // A disk without room leaves it for a later turn.
  if (!record("site/" + head_.site_name(site), {SiteSteeringChanged{site, known.steers, known.why}})) return;
  if (!known.steers) {
    const bool calm = known.dwell_us == 0 || now_us_ - known.changed_us >= options_.steering_calm_us;
    known.dwell_us =
        calm ? options_.steering_dwell_us : std::min(2 * known.dwell_us, options_.steering_dwell_us_max);
  }
  known.changed_us = now_us_;
}

TimeUs Loop::steers_again_us(const Steering& known) const { return known.denied_us + known.dwell_us; }

// Of an agent that is away nothing is written: when it is back it says it again.
void Loop::watch_steering() {
  for (auto& [site, known] : steering_) {
    const auto session = sessions_.find(site);
    if (session != sessions_.end() && session->second.attached) write_steering(site, known);
  }
}

TimeUs Loop::steering_wake_us() const {
  TimeUs wake_us = INT64_MAX;
  for (const auto& [site, known] : steering_) {
    const auto session = sessions_.find(site);
    if (session == sessions_.end() || !session->second.attached || !known.steers) continue;
    const TimeUs again_us = steers_again_us(known);
    if (again_us > now_us_ && !head_.site(site).agent_steers) wake_us = std::min(wake_us, again_us);
  }
  return wake_us;
}

}  // namespace weir
