#include "core/price/price.h"

#include <limits>

namespace weir {

const std::array<int32_t, kUtilisationBuckets> kScarcityPpm = {
    0, 1083, 2240, 3476, 4797, 6207, 7714, 9324,
    11043, 12880, 14842, 16938, 19177, 21569, 24124, 26854,
    29770, 32884, 36212, 39766, 43563, 47619, 51952, 56580,
    61525, 66806, 72449, 78476, 84914, 91792, 99140, 106988,
    115372, 124329, 133896, 144117, 155035, 166698, 179157, 192466,
    206684, 221871, 238095, 255426, 273940, 293718, 314845, 337413,
    361522, 387276, 414788, 444177, 475572, 509109, 544934, 583205,
    624087, 667759, 714411, 764247, 817484, 874353, 935104, 1000000,
};

int64_t charge_wide(int64_t amount, int64_t price, int64_t unit) {
  const __int128 exact = (static_cast<__int128>(amount) * price + unit - 1) / unit;
  constexpr __int128 kMax = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(exact > kMax ? kMax : exact);
}

Nanocredits line_amount(unsigned __int128 quantity, Nanocredits price, uint64_t divisor) {
  constexpr auto kMax = static_cast<unsigned __int128>(std::numeric_limits<Nanocredits>::max());
  const auto p = static_cast<unsigned __int128>(price);
  const unsigned __int128 whole = quantity / divisor;
  if (p != 0 && whole > kMax / p) return std::numeric_limits<Nanocredits>::max();
  const unsigned __int128 rest = (quantity % divisor) * p;
  const unsigned __int128 amount = whole * p + (rest + divisor / 2) / divisor;
  return amount > kMax ? std::numeric_limits<Nanocredits>::max() : static_cast<Nanocredits>(amount);
}

int64_t power_mw(const Power& power, int64_t cpu_milli) {
  return charge(charge(cpu_milli, power.peak_mw_per_core, kCoreUnit), power.pue_milli, 1000);
}

int64_t carbon_mg_per_hour(const Power& power, int64_t cpu_milli) {
  // mW for an hour is 1e-6 kWh.
  return charge(power_mw(power, cpu_milli), power.grid_carbon_mg_per_kwh, 1'000'000);
}

}  // namespace weir
