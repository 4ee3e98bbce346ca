#include "infrastructure/agent/stamp_prober.h"

namespace weir::agent {
namespace {

PathLife life_of(telemetry::PathState state) {
  switch (state) {
    case telemetry::PathState::kUp:
      return PathLife::kAlive;
    case telemetry::PathState::kDown:
      return PathLife::kDead;
    case telemetry::PathState::kUnknown:
      break;
  }
  return PathLife::kUnknown;
}

ProbeSample sample_of(const telemetry::PathReading& reading) {
  return {.life = life_of(reading.state),
          .round_trip_us = static_cast<int64_t>(reading.window.rtt_us_p50),
          .jitter_us = static_cast<int64_t>(reading.window.variation_us_mean),
          .loss_ppm = static_cast<int32_t>(reading.window.loss_permille() * 1000)};
}

}  // namespace

Result<std::unique_ptr<StampProber>> StampProber::open(
    const StampProberOptions& options, std::function<void(uint64_t watch, ProbeSample)> changed) {
  std::unique_ptr<StampProber> prober(new StampProber(options, std::move(changed)));
  StampProber* self = prober.get();
  auto engine = telemetry::ProbeEngine::open(
      {.on_change = [self](const telemetry::PathChange& change) { self->on_change(change); }});
  if (!engine) return tl::unexpected(engine.error());
  prober->engine_ = std::move(*engine);
  return prober;
}

void StampProber::on_change(const telemetry::PathChange& change) {
  uint64_t watch = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = watches_.find(change.session);
    if (found == watches_.end()) return;
    watch = found->second;
  }
  ProbeSample sample = sample_of(change.reading);
  sample.life = life_of(change.after);
  changed_(watch, sample);
}

Status StampProber::watch(uint64_t watch, PathLabel label, const std::string& reflector) {
  telemetry::ProbeSessionOptions session{
      .remote_address = reflector, .remote_port = options_.reflector_port, .ssid = label, .mark = label};
  session.health.interval_us = static_cast<uint64_t>(options_.interval_us);
  const std::lock_guard lock(mutex_);  // a change waits until the session is known
  const auto id = engine_->add(session);
  if (!id) return tl::unexpected(id.error());
  sessions_[watch] = *id;
  watches_[*id] = watch;
  return {};
}

void StampProber::unwatch(uint64_t watch) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(watch);
  if (found == sessions_.end()) return;
  (void)engine_->remove(found->second);
  watches_.erase(found->second);
  sessions_.erase(found);
}

ProbeSample StampProber::sample(uint64_t watch) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(watch);
  if (found == sessions_.end()) return {};
  const auto reading = engine_->reading(found->second);
  return reading ? sample_of(*reading) : ProbeSample{};
}

}  // namespace weir::agent
