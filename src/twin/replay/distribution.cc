#include "twin/replay/distribution.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace weir::twin {
namespace {

constexpr double kStep = 0.00995033085316808;  // log(1.01)
constexpr double kLeast = 1e-6;                // below it a value counts as 0

// P(T <= t) for t >= 0 by the finite sums of Abramowitz and Stegun 26.7.3 and 26.7.4.
double student_t_cdf(double t, int degrees) {
  const double angle = std::atan(t / std::sqrt(degrees)), cosine = std::cos(angle), sine = std::sin(angle);
  double sum = 0, term = degrees % 2 == 0 ? 1 : cosine;
  for (int k = degrees % 2 == 0 ? 2 : 3; k <= degrees; k += 2) {
    sum += term;
    term *= cosine * cosine * (k - 1) / k;
  }
  const double within = degrees % 2 == 0 ? sine * sum : 2 / std::numbers::pi * (angle + sine * sum);
  return 0.5 + within / 2;
}

}  // namespace

void Distribution::add(double value) {
  ++count_;
  sum_ += value;
  max_ = std::max(max_, value);
  if (value < kLeast) {
    ++zeros_;
  } else {
    ++buckets_[static_cast<int32_t>(std::floor(std::log(value) / kStep))];
  }
}

double Distribution::quantile(double q) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<uint64_t>(std::ceil(q * static_cast<double>(count_)));
  uint64_t seen = zeros_;
  if (rank >= count_) return max_;
  if (seen >= rank) return 0;
  for (const auto& [bucket, n] : buckets_) {
    seen += n;
    if (seen >= rank) return std::min(max_, std::exp((bucket + 0.5) * kStep));
  }
  return max_;
}

double student_t_975(int degrees) {
  double low = 0, high = 13;  // 12.706 for one degree
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (student_t_cdf(middle, degrees) < 0.975 ? low : high) = middle;
  }
  return (low + high) / 2;
}

Interval confidence_95(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  const double mean = values.empty() ? 0 : sum / n;
  if (values.size() < 2) return {mean, std::numeric_limits<double>::quiet_NaN()};
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, student_t_975(static_cast<int>(values.size()) - 1) * std::sqrt(squares / (n - 1) / n)};
}

}  // namespace weir::twin
