#pragma once

#include <cstdint>
#include <map>
#include <span>

namespace weir::twin {

// Of values >= 0, in memory that does not grow with their number: quantiles are right to 1 %, the rest is
// exact.
class Distribution {
 public:
  void add(double value);
  uint64_t count() const { return count_; }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  double max() const { return max_; }
  // The value that the share `q` of all does not exceed; 0 of nothing.
  double quantile(double q) const;

 private:
  std::map<int32_t, uint64_t> buckets_;  // by the logarithm to base 1.01
  uint64_t zeros_ = 0, count_ = 0;
  double sum_ = 0, max_ = 0;
};

// Mean of the values and half the width of its 95 % confidence interval by Student's t; none (NaN) for one
// value.
struct Interval {
  double mean = 0, half_width = 0;
};
Interval confidence_95(std::span<const double> values);
// The 97.5 % quantile of Student's t distribution; degrees >= 1.
double student_t_975(int degrees);

}  // namespace weir::twin
