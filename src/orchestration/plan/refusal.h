#pragma once

#include "orchestration/plan/solver.h"

namespace weir {

// Why nothing serves the sources: for each site the constraint that fails, nearest to being met first, or
// the constraint on the whole.
Refusal refusal(Candidates& candidates, const Blocked& blocked, const Whole& whole);

// Orders reasons by how near they are to being met: by the ratio of what is needed to what there is, then by
// kind and site. Exclusions by the tenant's own words come last.
void nearest_first(std::vector<Reason>& reasons);

}  // namespace weir
