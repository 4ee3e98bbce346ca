#include <algorithm>

#include "simulation/auditor.h"

// Hours, and what sites ask of jobs in them.
namespace weir::simulation {

// Of what is placed now, in thousandths rounded up: first of the hour, then of its class.
Asks Auditor::asked(const Site& site, const Workload& work) const {
  const auto part = [](const Asks& asks, int64_t milli) {
    const auto at = [milli](Nanocredits ask) { return static_cast<Nanocredits>((static_cast<__int128>(ask) * milli + 999) / 1000); };
    return Asks{at(asks.per_core_hour), at(asks.per_gib_hour), at(asks.per_accelerator_hour)};
  };
  Asks asks = site.asks;
  if (work.kind == WorkKind::kJob && !site.hours.empty()) asks = part(asks, site.hours[static_cast<size_t>(hour_)].asks_milli);
  if (work.best_effort && site.best_effort_asks_milli > 0) asks = part(asks, site.best_effort_asks_milli);
  return asks;
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
