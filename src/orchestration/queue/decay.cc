#include "orchestration/queue/decay.h"

#include <algorithm>
#include <array>

namespace weir::queue {
namespace {

constexpr int kFractionBits = 24;
constexpr int kScaleBits = 62;

// 2^62 * 2^-(2^-k) for k = 1, 2, ..., rounded to nearest.
constexpr std::array<int64_t, kFractionBits> kRoots{
    3260954456333195553, 3877950241171266237, 4228934724888366668, 4416165660797809419, 4512867096753504463,
    4562008997483360349, 4586780255215411731, 4599216278082138665, 4605446927862164404, 4608565417332308035,
    4610125453837388245, 4610905670110601999, 4611295827762151833, 4611490918967884501, 4611588467665893036,
    4611637242788701951, 4611661630543559956, 4611673824469352645, 4611679921444339948, 4611682969934856344,
    4611684494180870228, 4611685256304066092, 4611685637365711255, 4611685827896545643};

int64_t scaled(int64_t value, int64_t factor) {
  return static_cast<int64_t>(static_cast<__int128>(value) * factor >> kScaleBits);
}

// 2^62 * 2^-(fraction / 2^24). Requires 0 <= fraction < 2^24.
int64_t root(uint32_t fraction) {
  int64_t factor = int64_t{1} << kScaleBits;
  for (int k = 0; k < kFractionBits; ++k) {
    if ((fraction >> (kFractionBits - 1 - k) & 1) != 0)
      factor = scaled(factor, kRoots[static_cast<size_t>(k)]);
  }
  return factor;
}

}  // namespace

int64_t decayed(int64_t value, int64_t elapsed_us, int64_t half_life_us) {
  if (elapsed_us <= 0 || value == 0) return value;
  const int64_t whole = elapsed_us / half_life_us;
  if (whole > kScaleBits) return 0;
  const auto fraction = static_cast<uint32_t>(
      (static_cast<__int128>(elapsed_us % half_life_us) << kFractionBits) / half_life_us);
  return scaled(value, root(fraction)) >> whole;
}

int64_t power_of_two_ppm(int64_t exponent_ppm) {
  const int64_t up = (exponent_ppm + 999'999) / 1'000'000;
  const auto fraction = static_cast<uint32_t>(((up * 1'000'000 - exponent_ppm) << kFractionBits) / 1'000'000);
  return scaled(int64_t{1'000'000} << up, root(fraction));
}

}  // namespace weir::queue
