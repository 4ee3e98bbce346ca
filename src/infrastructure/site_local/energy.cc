#include "infrastructure/site_local/energy.h"

#include <algorithm>
#include <limits>

namespace weir::site_local {

uint64_t energy_microjoule(const PowerCurve& curve, uint32_t cpu_milli, uint64_t wall_us, uint64_t cpu_us) {
  using Wide = unsigned __int128;
  // Bounded so that the 128-bit products cannot overflow: a megawatt, and 2^32 thousandths of a core.
  constexpr uint64_t kPowerMax = 1'000'000'000;
  const uint64_t idle = std::min(curve.idle_milliwatt, kPowerMax);
  const uint64_t dynamic = std::min(std::max(curve.peak_milliwatt, idle), kPowerMax) - idle;
  const uint64_t capacity = std::max<uint64_t>(curve.capacity_milli, 1);
  const Wide idle_part = Wide{idle} * wall_us * cpu_milli;
  const Wide dynamic_part = Wide{dynamic} * cpu_us * 1000;
  const Wide divisor = Wide{capacity} * 1000;
  const Wide energy = (idle_part + dynamic_part + divisor / 2) / divisor;
  return static_cast<uint64_t>(std::min<Wide>(energy, std::numeric_limits<uint64_t>::max()));
}

}  // namespace weir::site_local
