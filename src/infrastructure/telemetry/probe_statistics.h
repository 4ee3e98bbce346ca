#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::telemetry {

// What the last probes of a path showed.
struct ProbeWindow {
  uint32_t samples = 0;  // answered or lost
  uint32_t losses = 0;
  uint64_t rtt_us_min = 0;  // round-trip figures are 0 when no probe of the window was answered
  uint64_t rtt_us_p50 = 0;  // nearest-rank percentiles
  uint64_t rtt_us_p99 = 0;
  uint64_t variation_us_mean = 0;  // mean |difference| of consecutive answered probes (RFC 3393)
  uint32_t loss_permille() const {
    return samples == 0 ? 0 : static_cast<uint32_t>(uint64_t{1000} * losses / samples);
  }
  friend bool operator==(const ProbeWindow&, const ProbeWindow&) = default;
};

// Keeps the outcomes of the last `size` probes. Pure.
class ProbeStatistics {
 public:
  explicit ProbeStatistics(size_t size);

  void add_reply(uint64_t rtt_us);
  void add_loss();
  void clear();
  // O(n log n) in the window's size.
  ProbeWindow window() const;

 private:
  void add(uint64_t outcome);

  size_t size_;
  size_t next_ = 0;
  std::vector<uint64_t> outcomes_;
};

}  // namespace weir::telemetry
