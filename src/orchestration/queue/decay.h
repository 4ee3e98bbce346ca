#pragma once

#include <cstdint>

// Powers of two in fixed point, the same on every machine: products of a table of 2^-(2^-k).
namespace weir::queue {

// value * 2^-(elapsed / half_life), rounded towards zero; nothing is left after 62 half-lives.
// Requires value >= 0, half_life_us > 0; an elapsed time below 0 counts as 0.
int64_t decayed(int64_t value, int64_t elapsed_us, int64_t half_life_us);

// 10^6 * 2^(exponent / 10^6), rounded down. Requires 0 <= exponent_ppm <= 40,000,000.
int64_t power_of_two_ppm(int64_t exponent_ppm);

}  // namespace weir::queue
