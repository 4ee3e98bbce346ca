#pragma once

#include <cstdint>

#include "core/graph/graph.h"

// What the hour of the day makes of what a site asks of jobs (SiteSpec::hours).
namespace weir {

inline constexpr TimeUs kUsOfHour = 3'600'000'000;

// Of the day in UTC, 0 to 23. Requires at >= 0.
constexpr int32_t hour_of_day(TimeUs at) { return static_cast<int32_t>(at / kUsOfHour % 24); }
// When the next hour begins. Requires at >= 0.
constexpr TimeUs next_hour(TimeUs at) { return (at / kUsOfHour + 1) * kUsOfHour; }

// At the rate; rounded up, at most the largest price that a plan may hold.
Asks asks_at(const Asks& asks, const HourRate& rate);
Power power_at(const Power& power, const HourRate& rate);

// What work of the kind that is placed at the site now pays there for as long as it runs, and what its energy emits. The
// hour is nothing to services.
Asks asks_of(const Graph& graph, SiteId site, WorkKind kind);
// What an instance of it that is placed now pays, which is less for best-effort work where the site says so.
Asks asks_of(const Graph& graph, SiteId site, const Workload& workload);
Power power_of(const Graph& graph, SiteId site, WorkKind kind);

}  // namespace weir
