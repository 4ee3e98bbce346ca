#include "service/gateway/history.h"

#include <algorithm>

#include "core/event/codec.h"

namespace weir::gateway {

Status History::catch_up() {
  const std::lock_guard lock(mutex_);
  return log_.read(billing_.next(), log_.durable_end(), [this](Position position, Bytes bytes) -> Status {
    auto event = decode(bytes);
    if (!event) return tl::unexpected(event.error());
    take(position, *event);
    return {};
  });
}

void History::take(Position position, const Event& event) {
  billing_.take(position, event);
  if (const auto* usage = std::get_if<UsageReported>(&event.body)) {
    Run& run = runs_[usage->run];
    run.cpu_us += usage->cpu_us;
    run.memory_mib_us += usage->memory_mib_us;
    run.received_bytes += usage->received_bytes;
    run.sent_bytes += usage->sent_bytes;
    run.energy_microjoule += usage->energy_microjoule;
  } else if (const auto* state = std::get_if<RunStateChanged>(&event.body)) {
    Run& run = runs_[state->run];
    run.why = state->why;
    if (state->state == RunState::kRunning && run.started == 0) run.started = event.at;
  } else if (const auto* promise = std::get_if<PromiseMeasured>(&event.body)) {
    measured_[promise->intent][promise->ingress] = {promise->samples, promise->misses, promise->lost,
                                                    promise->latency_us_p50, promise->latency_us_p99};
  } else if (const auto* site = std::get_if<SiteStateChanged>(&event.body)) {
    site_why_[site->site] = site->why;
  } else if (const auto* link = std::get_if<LinkStateChanged>(&event.body)) {
    link_why_[link->link] = link->why;
  } else if (const auto* kept = std::get_if<PromiseStateChanged>(&event.body)) {
    promise_why_[kept->intent] = kept->why;
  }
}

History::Bill History::bill(TimeUs from, TimeUs to) const {
  const std::lock_guard lock(mutex_);
  return {billing_.lines(from, to), billing_.next()};
}

History::Run History::run(RunId id) const {
  const std::lock_guard lock(mutex_);
  const auto it = runs_.find(id);
  return it == runs_.end() ? Run{} : it->second;
}

std::optional<History::Measured> History::measured(IntentId intent) const {
  const std::lock_guard lock(mutex_);
  const auto it = measured_.find(intent);
  if (it == measured_.end()) return std::nullopt;
  Measured sum;
  for (const auto& [site, m] : it->second) {
    sum.samples += m.samples;
    sum.misses += m.misses;
    sum.lost += m.lost;
    sum.latency_us_p50 = std::max(sum.latency_us_p50, m.latency_us_p50);
    sum.latency_us_p99 = std::max(sum.latency_us_p99, m.latency_us_p99);
  }
  return sum;
}

std::string History::why(SiteId site) const {
  const std::lock_guard lock(mutex_);
  const auto it = site_why_.find(site);
  return it == site_why_.end() ? "" : it->second;
}
std::string History::why(LinkId link) const {
  const std::lock_guard lock(mutex_);
  const auto it = link_why_.find(link);
  return it == link_why_.end() ? "" : it->second;
}
std::string History::why(IntentId intent) const {
  const std::lock_guard lock(mutex_);
  const auto it = promise_why_.find(intent);
  return it == promise_why_.end() ? "" : it->second;
}

}  // namespace weir::gateway
