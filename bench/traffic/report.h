#pragma once

#include <string>
#include <vector>

#include "bench/traffic/trial.h"

namespace weir::bench {

enum class TrafficFormat { kTable, kMarkdown, kJson };

// A row for each run of trials of one name: means and worst cases, as multiples of the lower bound. JSON has
// each trial.
std::string report(const std::vector<TrafficTrial>& trials, TrafficFormat format);

}  // namespace weir::bench
