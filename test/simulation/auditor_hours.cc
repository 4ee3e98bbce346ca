#include <algorithm>

#include "simulation/auditor.h"

// Hours, and what sites ask of jobs in them.
namespace weir::simulation {

// Of what is placed now, in thousandths rounded up.
Asks Auditor::asked(const Site& site, WorkKind kind) const {
  if (kind == WorkKind::kService || site.hours.empty()) return site.asks;
  const auto at = [rate = site.hours[static_cast<size_t>(hour_)].asks_milli](Nanocredits ask) {
    return static_cast<Nanocredits>((static_cast<__int128>(ask) * rate + 999) / 1000);
  };
  return {at(site.asks.per_core_hour), at(site.asks.per_gib_hour), at(site.asks.per_accelerator_hour)};
}

void Auditor::body(const HourBegan& e) {
  if (e.hour == hour_) fail("hour " + std::to_string(e.hour) + " began twice");
  hour_ = e.hour;
  if (std::none_of(sites_.begin(), sites_.end(), [](const Site& site) { return !site.hours.empty(); })) {
    fail("an hour is written though no site has any");
  }
  if (!by_brain()) fail("an hour by another's word than the brain's");
  if (e.hour != last_at_ / 3'600'000'000 % 24)
    fail("hour " + std::to_string(e.hour) + " began at another time");
}

}  // namespace weir::simulation
