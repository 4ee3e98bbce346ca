#pragma once

#include <cstddef>
#include <cstdint>

#include "core/event/types.h"

namespace weir::simulation {

// The only source of chance in a simulation: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom
// number generators, OOPSLA 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) { state_ = next() ^ 0x2545f4914f6cdd1du; }

  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // In [low, high].
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1));
  }
  size_t below(size_t n) { return static_cast<size_t>(next() % n); }
  bool chance(int64_t ppm) { return between(0, kPpm - 1) < ppm; }

 private:
  uint64_t state_;
};

}  // namespace weir::simulation
