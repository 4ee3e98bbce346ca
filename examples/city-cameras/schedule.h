#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace city_cameras {

// How far apart in phase neighbouring streams are: near the golden section of the phases and coprime to them,
// so that every stream has its own phase, and any few neighbours, which are likely to share a detector, are
// spread over the whole period. Requires phases > 0.
inline std::int64_t phase_stride(std::int64_t phases) {
  std::int64_t stride = std::max<std::int64_t>(1, phases * 618 / 1000);
  while (std::gcd(stride, phases) != 1) ++stride;
  return stride;
}

// When each stream takes its frames: stream s takes frame n at epoch + n·period + phase(s)/phases·period,
// where phase(s) = s · phase_stride mod phases. Cameras whose epoch is a multiple of the period on the wall
// clock interleave evenly with each other, so that frames of many streams do not arrive in bursts.
struct Schedule {
  std::int64_t epoch_us = 0;
  std::int64_t period_us = 500'000;  // > 0
  std::int64_t phases = 1;           // > 0; streams of the whole service, over all ingress points

  std::int64_t due_us(std::int64_t stream, std::int64_t frame) const {
    const std::int64_t phase = stream % phases * phase_stride(phases) % phases;
    return epoch_us + frame * period_us + phase * period_us / phases;
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
