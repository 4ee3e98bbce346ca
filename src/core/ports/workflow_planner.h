#pragma once

#include "core/graph/graph.h"

namespace weir {

// Says where the stages of a workflow are to be. Pure, like Planner: equal snapshots give equal plans. One
// planner serves one thread at a time.
class WorkflowPlanner {
 public:
  virtual ~WorkflowPlanner() = default;
  // May take seconds. Requires a workflow of the graph that is not withdrawn. What its stages hold counts as
  // free, and a stage that stands soundly stays where it is unless that is in the way of a plan. `refused`
  // says what stands in the way.
  virtual WorkflowPlanned plan(const Graph& snapshot, WorkflowId workflow) = 0;
};

}  // namespace weir
