#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "core/ports/rehearsal.h"

// The batch work that is expected to come.
namespace weir::twin {

struct Arrival {
  TimeUs at_us = 0;                        // from the moment of the graph
  TenantId tenant;
  IntentSpec spec;                         // under a name that no intent of the tenant has
};

struct Forecast {
  ForecastSource source = ForecastSource::kNone;
  std::vector<Arrival> arrivals;           // in ascending time
  TimeUs complete_us = 0;                  // so far there are no more than these
};

struct ForecastLimits {
  size_t known_min = 5;                    // jobs and arrays of the last day; of fewer nothing is concluded
  size_t arrivals_max = 500;
};

// From the graph alone, which holds every intent with the time of its newest generation. Of a domain that has had intents for a
// day: what came in the same hours a day before comes again (the seasonal naive forecast, against which others are measured:
// Hyndman and Athanasopoulos, Forecasting: Principles and Practice, section 5.2). Of a younger one: as many as came on average, a
// burst counting as an hour, evenly spread. Requires 0 < window_us <= a day. What is not seen: an earlier generation of an intent that was
// wished anew, services, and jobs in reservations, whose room is kept anyway. Stages of workflows come as jobs of their own.
// Equal graphs and times give equal forecasts. No arrival has one of the names that are `taken`. O(intents).
Forecast forecast(const Graph& graph, TimeUs now, TimeUs window_us, const ForecastLimits& limits = {},
                  const std::set<std::string>& taken = {});

}  // namespace weir::twin
