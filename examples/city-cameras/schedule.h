#pragma once

#include <cstdint>

namespace city_cameras {

// When each stream takes its frames: stream s takes frame n at epoch + n·period + (s mod
// phases)/phases·period. Cameras whose epoch is a multiple of the period on the wall clock interleave evenly
// with each other, so that frames of many streams do not arrive in bursts.
struct Schedule {
  std::int64_t epoch_us = 0;
  std::int64_t period_us = 500'000;  // > 0
  std::int64_t phases = 1;           // > 0; streams of the whole service, over all ingress points

  std::int64_t due_us(std::int64_t stream, std::int64_t frame) const {
    return epoch_us + frame * period_us + (stream % phases) * period_us / phases;
  }
};

// The first multiple of the period after `now_us`, so that cameras started apart share their phases.
inline std::int64_t next_epoch_us(std::int64_t now_us, std::int64_t period_us) {
  return (now_us / period_us + 1) * period_us;
}

// Which picture of a loop of `pictures` a stream shows: streams start evenly spread over the loop, so that
// they do not all send the same picture.
inline std::int64_t picture_of(std::int64_t stream, std::int64_t frame, std::int64_t phases,
                               std::int64_t pictures) {
  return ((stream % phases) * pictures / phases + frame) % pictures;
}

}  // namespace city_cameras
