#include "twin/generate/lublin.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace weir::twin {
namespace {

constexpr int kPilotJobs = 20'000;  // from which the load is foretold
constexpr double kSecondsMax = 1e9;
constexpr double kDayS = 86'400;

// Parameters of the paper's model of all jobs, batch and interactive.
constexpr double kSerial = 0.244, kPowerOfTwo = 0.576;
constexpr double kSizeLow = 0.8, kSizeMediumBelowHigh = 2.5, kSizeFirst = 0.86;
constexpr double kShortShape = 4.2, kShortScale = 0.94, kLongShape = 312, kLongScale = 0.03;
constexpr double kShortSlope = -0.0054, kShortAtZero = 0.78;
constexpr double kGapShape = 10.2303, kGapScale = 0.4871;
constexpr double kDailySwing = 0.8;

}  // namespace

uint64_t Draws::next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

double Draws::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Draws::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

double Draws::gamma(double shape, double scale) {
  if (shape < 1) return gamma(shape + 1, scale) * std::pow(1 - uniform(), 1 / shape);
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal(), v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v * scale;
  }
}

LublinSource::Shape LublinSource::shape(Draws& draws, int32_t processors) {
  Shape out;
  if (draws.uniform() >= kSerial) {
    const double high = std::log2(processors), low = std::min(kSizeLow, high),
                 medium = std::max(low, high - kSizeMediumBelowHigh);
    const double log_size = draws.uniform() < kSizeFirst ? low + (medium - low) * draws.uniform()
                                                         : medium + (high - medium) * draws.uniform();
    const bool rounded = draws.uniform() < kPowerOfTwo / (1 - kSerial);
    out.processors = static_cast<int32_t>(std::lround(std::exp2(rounded ? std::round(log_size) : log_size)));
    out.processors = std::clamp(out.processors, 1, processors);
  }
  const bool is_short = draws.uniform() < std::clamp(kShortSlope * out.processors + kShortAtZero, 0.0, 1.0);
  const double log_run =
      is_short ? draws.gamma(kShortShape, kShortScale) : draws.gamma(kLongShape, kLongScale);
  out.run_s = std::clamp(std::exp(log_run), 1.0, 30 * kDayS);
  return out;
}

double LublinSource::gap_s(Draws& draws) {
  return std::min(std::exp(draws.gamma(kGapShape, kGapScale)), kDayS);
}

LublinSource::LublinSource(const LublinOptions& options) : options_(options), draws_(options.seed) {
  Draws pilot(options.seed ^ 0x5f0e);
  double work_s = 0, gaps_s = 0;
  for (int i = 0; i < kPilotJobs; ++i) {
    const Shape job = shape(pilot, options_.processors);
    work_s += job.processors * job.run_s;
    gaps_s += gap_s(pilot);
  }
  scale_ = work_s / (options_.processors * options_.load) / gaps_s;
}

Result<std::optional<TraceJob>> LublinSource::next() {
  if (number_ == options_.jobs) return std::nullopt;
  // By day gaps are shorter, by night longer; over a day they are as scaled.
  const double rate = 1 - kDailySwing * std::cos(2 * std::numbers::pi * std::fmod(at_s_, kDayS) / kDayS);
  at_s_ = std::min(at_s_ + scale_ * gap_s(draws_) / std::max(rate, 0.1), 10 * kSecondsMax);
  const Shape drawn = shape(draws_, options_.processors);
  const double estimate_s =
      std::ceil(drawn.run_s * (1 + (options_.overestimate - 1) * draws_.uniform()) / 60) * 60;
  return TraceJob{.id = std::to_string(++number_),
                  .submit_us = static_cast<TimeUs>(at_s_) * 1'000'000,
                  .run_us = static_cast<TimeUs>(drawn.run_s) * 1'000'000,
                  .estimate_us = static_cast<TimeUs>(estimate_s) * 1'000'000,
                  .cpu_milli = drawn.processors * 1'000};
}

}  // namespace weir::twin
