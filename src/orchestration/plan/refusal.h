#pragma once

#include "orchestration/plan/solver.h"

namespace weir {

// Why nothing serves the sources: for each site the constraints that fail, nearest to being feasible first,
// or the constraint on the whole.
Refusal refusal(Candidates& candidates, const Blocked& blocked, const Whole& whole);

// Orders sites by how near they are to being feasible: by the ratio of what is needed to what there is, of
// the reason that is farthest from being met; then by that reason's kind, and by site. A site's reasons
// follow each other, the farthest first. Exclusions by the tenant's own words come last.
void nearest_first(std::vector<Reason>& reasons);

}  // namespace weir
