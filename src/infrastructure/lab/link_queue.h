#pragma once

#include <cstddef>
#include <cstdint>

#include "core/result/result.h"

// One direction of an emulated link, without input and output: the caller says what arrives when, and is told
// when it is to leave. Times are nanoseconds of any monotonic clock.
namespace weir::lab {

struct LinkSettings {
  int64_t delay_us = 0;
  int64_t jitter_us = 0;  // the delay stays within delay +- jitter; at most delay
  int64_t loss_ppm = 0;
  int64_t rate_bps = 1'000'000'000;
  int64_t queue_us = 20'000;  // at the full rate; past it, arrivals are dropped
  bool cut = false;           // drops everything
  friend bool operator==(const LinkSettings&, const LinkSettings&) = default;
};

// kInvalid: a value that the emulator does not take.
Status check(const LinkSettings& settings);

enum class Fate : uint8_t { kForwarded, kLost, kQueueFull, kCut, kRefused };

struct LinkCounters {
  uint64_t packets = 0;  // forwarded
  uint64_t bytes = 0;
  uint64_t lost = 0;
  uint64_t queue_full = 0;
  uint64_t cut = 0;
  uint64_t refused = 0;  // by the far device: it was down or its own queue was full
  friend bool operator==(const LinkCounters&, const LinkCounters&) = default;
};

class LinkQueue {
 public:
  LinkQueue(const LinkSettings& settings, uint64_t seed);

  struct Verdict {
    Fate fate = Fate::kForwarded;
    int64_t due_ns = 0;  // when the last bit arrives at the far end
  };
  // `now_ns` never goes back. Due times never do either: packets are not reordered.
  Verdict offer(int64_t now_ns, size_t bytes);
  // Takes back a forwarded packet that the caller had to drop for `why`.
  void withdraw(size_t bytes, Fate why);

  const LinkSettings& settings() const { return settings_; }
  void configure(const LinkSettings& settings) { settings_ = settings; }
  const LinkCounters& counters() const { return counters_; }

  // Jitter at a time: a line through uniform draws from +-jitter, one draw every four jitters. It moves at
  // most half a nanosecond per nanosecond, so it cannot reorder, and its mean is zero.
  int64_t jitter_ns(int64_t at_ns) const;

 private:
  uint64_t draw();

  LinkSettings settings_;
  LinkCounters counters_;
  uint64_t seed_;
  uint64_t state_;
  int64_t sender_free_ns_ = 0;  // when the sender has put its last bit on the line
  int64_t last_due_ns_ = 0;
};

}  // namespace weir::lab
