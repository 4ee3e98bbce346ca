#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/ports/understanding.h"
#include "intelligence/learning/linear_weights.h"

namespace weir::trainer {

// Values that a grammar can draw: "n:2-64" a count, "short" a time to answer, "long" a time to run, "instant" a point in time, "money",
// "mbps", "gib", "percent", "nines", "pct" (p99), "per" (an hour), "site", "region", "label", "intent", "artifact", "model".
bool is_value(std::string_view name);
// As somebody would write it in the language. Requires is_value(name).
std::string draw_value(std::string_view name, Language language, learning::Draws& draws);

// The names that values speak of.
const std::vector<KnownName>& training_names();

}  // namespace weir::trainer
