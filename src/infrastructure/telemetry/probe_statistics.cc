#include "infrastructure/telemetry/probe_statistics.h"

#include <algorithm>
#include <limits>

namespace weir::telemetry {
namespace {
constexpr uint64_t kLost = std::numeric_limits<uint64_t>::max();
}

ProbeStatistics::ProbeStatistics(size_t size) : size_(std::max<size_t>(size, 1)) { outcomes_.reserve(size_); }

void ProbeStatistics::add_reply(uint64_t rtt_us) { add(std::min(rtt_us, kLost - 1)); }
void ProbeStatistics::add_loss() { add(kLost); }

void ProbeStatistics::clear() {
  outcomes_.clear();
  next_ = 0;
}

void ProbeStatistics::add(uint64_t outcome) {
  if (outcomes_.size() < size_) {
    outcomes_.push_back(outcome);
  } else {
    outcomes_[next_] = outcome;
  }
  next_ = (next_ + 1) % size_;
}

ProbeWindow ProbeStatistics::window() const {
  ProbeWindow out;
  out.samples = static_cast<uint32_t>(outcomes_.size());
  std::vector<uint64_t> rtts;
  rtts.reserve(outcomes_.size());
  // Oldest first, for the differences of consecutive probes.
  const size_t start = outcomes_.size() < size_ ? 0 : next_;
  for (size_t i = 0; i < outcomes_.size(); ++i) {
    const uint64_t outcome = outcomes_[(start + i) % outcomes_.size()];
    if (outcome == kLost) {
      ++out.losses;
    } else {
      rtts.push_back(outcome);
    }
  }
  if (rtts.empty()) return out;
  uint64_t differences = 0;
  for (size_t i = 1; i < rtts.size(); ++i) {
    differences += rtts[i] > rtts[i - 1] ? rtts[i] - rtts[i - 1] : rtts[i - 1] - rtts[i];
  }
  if (rtts.size() > 1) out.variation_us_mean = differences / (rtts.size() - 1);
  std::sort(rtts.begin(), rtts.end());
  const auto rank = [&](size_t percent) { return rtts[(rtts.size() * percent + 99) / 100 - 1]; };
  out.rtt_us_min = rtts.front();
  out.rtt_us_p50 = rank(50);
  out.rtt_us_p99 = rank(99);
  return out;
}

}  // namespace weir::telemetry
