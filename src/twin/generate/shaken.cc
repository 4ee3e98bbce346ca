#include "twin/generate/shaken.h"

#include <algorithm>

namespace weir::twin {
namespace {

constexpr int64_t kShakePpm = 50'000;
constexpr int64_t kWholePpm = 1'000'000;

}  // namespace

TimeUs ShakenSource::shake(TimeUs us) {
  const auto ppm = static_cast<int64_t>(draws_.next() % (2 * kShakePpm + 1)) - kShakePpm;
  return us + static_cast<TimeUs>(static_cast<__int128>(us) * ppm / kWholePpm);
}

Result<std::optional<TraceJob>> ShakenSource::next() {
  auto job = source_.next();
  if (!job || !*job) return job;
  TraceJob& j = **job;
  is_us_ += shake(j.submit_us - was_us_);
  was_us_ = std::exchange(j.submit_us, is_us_);
  const bool within = j.run_us <= j.estimate_us;
  j.run_us = std::max<TimeUs>(1, shake(j.run_us));
  if (within) j.run_us = std::min(j.run_us, j.estimate_us);
  return job;
}

Result<std::optional<TraceJob>> WindowSource::next() {
  for (; skip_ > 0; --skip_) {
    auto job = source_.next();
    if (!job || !*job) return job;
  }
  if (left_ == 0) return std::nullopt;
  --left_;
  auto job = source_.next();
  if (!job || !*job) return job;
  if (begin_us_ < 0) begin_us_ = (*job)->submit_us;
  (*job)->submit_us -= begin_us_;
  return job;
}

}  // namespace weir::twin
