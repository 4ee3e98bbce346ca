#pragma once

#include <vector>

#include "bench/joint/instance.h"
#include "bench/joint/report.h"

namespace weir::bench {

// Offers the intents one after another to a policy on a copy of the region, and tells what it has achieved
// when the demand offered reaches each load, in percent of capacity, ascending. Every accepted plan is
// committed by PlanCommitted. One that verify() would not grant is a promise broken from the start: it keeps
// what it took, but does not count as served. Plans that came before it on a link that it overloads count as
// kept. `after` gets the region as it is then.
std::vector<Outcome> run_trial(const Instance& instance, PolicyKind kind,
                               const std::vector<int>& load_percent, Graph* after = nullptr);

}  // namespace weir::bench
