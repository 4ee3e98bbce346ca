#pragma once

#include <cstdint>

namespace weir::telemetry {

struct SignificantChangeOptions {
  uint32_t threshold_permille = 200;  // of the value last reported
  uint64_t threshold_min = 1'000;     // in the unit of the value: smaller changes never count
  uint32_t confirmations = 3;         // consecutive readings outside the band, on the same side
  uint64_t spacing_us_min = 1'000'000;
  uint64_t heartbeat_us = 30'000'000;  // report an unchanged value this often; 0: never
};

// Decides when a reading becomes an event, so that the ledger sees changes and not noise. The band around
// the value last reported is re-centred by each report, so a value that swings about one edge of it is
// reported once, not at every swing. Pure: time is an argument and must not go back.
class SignificantChange {
 public:
  explicit SignificantChange(SignificantChangeOptions options) : options_(options) {}

  // True: report this value now. The first reading is always reported.
  bool offer(uint64_t value, uint64_t now_us);
  uint64_t reported() const { return reported_; }

 private:
  SignificantChangeOptions options_;
  bool any_ = false;
  uint64_t reported_ = 0;
  uint64_t reported_us_ = 0;
  uint32_t outside_ = 0;
  bool above_ = false;
};

}  // namespace weir::telemetry
