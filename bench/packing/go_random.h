#pragma once

#include <array>
#include <cstdint>

namespace weir::bench {

// The numbers of Go's math/rand after rand.Seed(seed): the additive lagged Fibonacci generator x(n) =
// x(n−607) + x(n−273) mod 2^64 of Mitchell and Reeds, whose first state is the seed's, mixed with the
// generator's own state after 7.8·10^12 steps. The published results were drawn with it, so that the same
// seed gives the same sequence of tasks.
class GoRandom {
 public:
  explicit GoRandom(int64_t seed);

  int64_t int63();                      // rand.Int63, rand.Int
  int32_t intn(int32_t below);          // rand.Intn
  int32_t shuffle_draw(int32_t below);  // what rand.Shuffle draws

 private:
  static constexpr int kLength = 607;
  static constexpr int kTap = 273;
  static const std::array<uint64_t, kLength>& mixed_in();

  std::array<uint64_t, kLength> state_{};
  int tap_ = 0;
  int feed_ = kLength - kTap;
};

}  // namespace weir::bench
