#pragma once

#include <cstdint>
#include <random>

namespace weir {

// Draws for tests and benchmarks: the same after the same seed with every standard library, whose distributions differ.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  // From low to high, both included; uniform but for a bias below 2^-32 while they are less than 2^32 apart.
  int64_t roll(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace weir
