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
  Where where;                           // of which the numbers of different places count
  Nanocredits budget_per_hour_max = 0;   // 0: none
  int32_t availability_ppm_min = 0;
  std::vector<SiteId> sites_kept;        // sorted, unique
  Nanocredits billed_kept = 0;
  Availability ways_kept{false};         // whose spread() says how ways add up
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
  // The best among the combinations tried that failed the whole.
  Nanocredits billed_least = 0;
  int32_t availability_ppm_most = 0;
  int32_t sites_most = 0, regions_most = 0, failure_domains_most = 0;
  ReasonCode code = ReasonCode::kNone;
  SiteId ingress;                        // kNone unless this source alone cannot be served
  Quality quality = Quality::kExact;     // kExact: no combination serves them
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

// Availability in ppm of the ways that an option offers to its sources; parallel to the share, meaningless where that
// is 0. A path counts with its protection path.
std::vector<int64_t> ways_ppm(Candidates& candidates, const Option& option);

// The cheapest path that shares no link with `path` and keeps the promise; not reserved. None if none exists.
std::optional<PathOption> protection_path(Candidates& candidates, size_t source, SiteId site, int32_t streams,
                                          const ServiceTime& service, const PathOption& path);

}  // namespace weir
