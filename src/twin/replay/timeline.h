#pragma once

#include <cstddef>
#include <vector>

#include "core/event/types.h"

namespace weir::twin {

// Values over time in a bounded number of equal bins, without knowing beforehand how long it takes: when they
// do not suffice, two become one and the width doubles.
class Timeline {
 public:
  static constexpr size_t kBinsMax = 2'000;

  explicit Timeline(size_t channels) : channels_(channels) {}

  // The channel had this value during [from, to). Requires 0 <= from.
  void hold(size_t channel, TimeUs from, TimeUs to, double value);
  // Adds the amount to the bin that the time is in.
  void add(size_t channel, TimeUs at, double amount);

  size_t bins() const { return sums_.size() / channels_; }
  TimeUs width_us() const { return width_us_; }
  // The bin's beginning.
  TimeUs at_us(size_t bin) const { return static_cast<TimeUs>(bin) * width_us_; }
  // Of held values, over the time in the bin; the last bin's may have just begun.
  double mean(size_t channel, size_t bin) const;
  // Of added amounts.
  double sum(size_t channel, size_t bin) const { return sums_[bin * channels_ + channel]; }

 private:
  void reach(TimeUs at);

  size_t channels_;
  TimeUs width_us_ = 1'000'000;
  TimeUs end_us_ = 0;  // of the newest hold
  std::vector<double> sums_;
};

}  // namespace weir::twin
