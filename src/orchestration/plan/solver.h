#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "orchestration/plan/candidates.h"

namespace weir {

struct SolverLimits {
  uint64_t steps = 200'000;     // options tried in the search, and labels of the path enumeration
  size_t paths_per_pair = 16;   // alternatives considered for one source and site
  size_t states = 40'000;       // of the dynamic programme; beyond, sources are solved one after another
};

// What has to hold for the instances chosen here and those kept from before together.
struct Whole {
  int32_t sites_min = 1;
  std::vector<SiteId> sites_kept;        // sorted, unique
  Nanocredits billed_kept = 0;
  PathUse use;                           // bandwidth that flows led around take
};

struct Solution {
  std::vector<Option> instances;
  Nanocredits price = 0;
  Nanocredits bound = 0;                 // no solution is cheaper
  Quality quality = Quality::kHeuristic;
  uint64_t steps = 0;
};

// What stopped every way of combining options, when each stream alone could be served.
struct Blocked {
  Nanocredits bound = 0;
  Nanocredits billed_least = 0;          // cheapest bill ignoring capacity
  int32_t availability_ppm_best = 0;     // of the combinations tried
  ReasonCode code = ReasonCode::kNone;
  SiteId ingress;                        // kNone unless this source alone cannot be served
  uint64_t steps = 0;
};

// The cheapest set of instances that serves every stream of every source.
//
// Without shared capacity the problem is a dynamic programme over the streams not yet served: an instance takes a
// share of at most streams_per_instance, at its cheapest site. Its value bounds the real one from below, and
// mostly its solution has room and is the answer. Otherwise a depth-first branch and bound over instances
// (site, share, path of each source) with that value as the bound finds the exact optimum; when its step
// budget ends, the best so far is returned with the bound.
using SolverOutcome = std::variant<Solution, Blocked>;
SolverOutcome solve(Candidates& candidates, const Whole& whole, const SolverLimits& limits);

// Availability in ppm of ways to different sites, each with its path: of the worst one; of any one where the
// intent asked for spread, since then each site is meant to stand in for the others.
int64_t together_ppm(const std::map<SiteId, int64_t>& ways, bool spread);

// Availability in ppm that the worst served source gets. A path counts with its protection path.
int32_t availability_ppm(Candidates& candidates, const std::vector<Option>& instances);

// The cheapest path that shares no link with `path` and keeps the promise; not reserved. None if none exists.
std::optional<PathOption> protection_path(Candidates& candidates, size_t source, SiteId site, int32_t streams,
                                          const ServiceTime& service, const PathOption& path);

}  // namespace weir
