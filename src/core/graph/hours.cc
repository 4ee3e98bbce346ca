#include "core/graph/hours.h"

#include <algorithm>

#include "core/event/limits.h"
#include "core/price/price.h"

namespace weir {

Asks asks_at(const Asks& asks, const HourRate& rate) {
  const auto at = [&rate](Nanocredits ask) {
    return std::min<Nanocredits>(charge(ask, rate.asks_milli, 1000), limits::kMoneyMax);
  };
  return {at(asks.per_core_hour), at(asks.per_gib_hour), at(asks.per_accelerator_hour)};
}

Power power_at(const Power& power, const HourRate& rate) {
  Power out = power;
  out.grid_carbon_mg_per_kwh = charge(power.grid_carbon_mg_per_kwh, rate.grid_carbon_milli, 1000);
  return out;
}

Asks asks_of(const Graph& graph, SiteId site, WorkKind kind) {
  const SiteRow& row = graph.site(site);
  if (kind != WorkKind::kJob || row.hour.asks_milli == 1000) return row.asks;
  return asks_at(row.asks, row.hour);
}

Power power_of(const Graph& graph, SiteId site, WorkKind kind) {
  const SiteRow& row = graph.site(site);
  if (kind != WorkKind::kJob || row.hour.grid_carbon_milli == 1000) return row.power;
  return power_at(row.power, row.hour);
}

}  // namespace weir
