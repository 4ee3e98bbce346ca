#pragma once

#include <cstdint>
#include <vector>

#include "orchestration/traffic/network.h"

namespace weir::traffic {

// 2^x in fixed point: x and the result have 32 and 40 binary places. x above kPowerMax counts as that; below
// -41 the result is 0. Monotone; relative error below 10^-6 while x > -20, never more than one unit besides.
inline constexpr int kPowerPlaces = 40;
inline constexpr int64_t kPowerMax = int64_t{12} << 32;
int64_t power_of_two(int64_t x);

// A smooth stand-in for the maximum utilisation: the sum over the links of 2^(steepness * (u / u_max - 1)),
// where u_max is the maximum when it was calibrated. A link at u_max has 1, and one whose utilisation is
// lower by 1/steepness of u_max has half of it. The derivative is a link's price. Prices that are exponential
// in load are those of the packing algorithms of Plotkin, Shmoys and Tardos (1995): where no demand has a
// cheaper path, the maximum is above the optimum by at most the fraction log2(links) / steepness.
class LinkPotential {
 public:
  static constexpr int32_t kSteepnessMax = 4'096;

  explicit LinkPotential(const Network& network);

  // Sets u_max to the highest utilisation under these loads, or to 100% where all are zero. 1 <= steepness <=
  // kSteepnessMax. O(links).
  void calibrate(const std::vector<int64_t>& loads_bps, int32_t steepness);

  // Of one link, with kPowerPlaces binary places; load_bps from 0 to 2^60.
  int64_t of(uint32_t link, int64_t load_bps) const {
    const Scale& scale = scales_[link];
    const __int128 x = ((static_cast<__int128>(load_bps) * scale.factor) >> scale.shift) - offset_;
    return power_of_two(x > kPowerMax ? kPowerMax : static_cast<int64_t>(x));
  }

  // Its derivative by load, in a unit that lasts until the next calibration: at most the potential.
  int64_t price(uint32_t link, int64_t potential) const {
    return static_cast<int64_t>((static_cast<__int128>(potential) * scales_[link].per_load) >> kPowerPlaces);
  }
  // Of all links, scaled so that the highest is `highest`; at least `lowest`. `potentials` by link, as of()
  // gives them. 1 <= lowest <= highest <= 2^40.
  void prices(const std::vector<int64_t>& potentials, int64_t lowest, int64_t highest,
              std::vector<int64_t>& out) const;

 private:
  struct Scale {
    int64_t factor = 0;    // of the load, with 32 + shift binary places
    int64_t per_load = 0;  // inverse of the load at u_max, relative to that of the link where it is lowest
    int32_t shift = 0;
  };
  const Network& network_;
  std::vector<Scale> scales_;
  int64_t offset_ = 0;
};

}  // namespace weir::traffic
