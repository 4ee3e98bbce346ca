#include "twin/replay/timeline.h"

#include <algorithm>

namespace weir::twin {

void Timeline::reach(TimeUs at) {
  while (at / width_us_ >= static_cast<TimeUs>(kBinsMax)) {
    width_us_ *= 2;
    const size_t half = (bins() + 1) / 2;
    for (size_t bin = 0; bin < half; ++bin) {
      for (size_t c = 0; c < channels_; ++c) {
        const size_t second = (2 * bin + 1) * channels_ + c;
        sums_[bin * channels_ + c] =
            sums_[2 * bin * channels_ + c] + (second < sums_.size() ? sums_[second] : 0);
      }
    }
    sums_.resize(half * channels_);
  }
  const size_t needed = (static_cast<size_t>(at / width_us_) + 1) * channels_;
  if (sums_.size() < needed) sums_.resize(needed);
}

void Timeline::hold(size_t channel, TimeUs from, TimeUs to, double value) {
  if (to <= from) return;
  reach(to - 1);
  end_us_ = std::max(end_us_, to);
  while (from < to) {
    const TimeUs bin = from / width_us_, until = std::min(to, (bin + 1) * width_us_);
    sums_[static_cast<size_t>(bin) * channels_ + channel] += value * static_cast<double>(until - from);
    from = until;
  }
}

void Timeline::add(size_t channel, TimeUs at, double amount) {
  reach(at);
  sums_[static_cast<size_t>(at / width_us_) * channels_ + channel] += amount;
}

double Timeline::mean(size_t channel, size_t bin) const {
  const TimeUs covered = std::min(width_us_, end_us_ - at_us(bin));
  return covered <= 0 ? 0 : sum(channel, bin) / static_cast<double>(covered);
}

}  // namespace weir::twin
