#pragma once

#include "core/ports/workflow_planner.h"
#include "orchestration/workflow/stream.h"

namespace weir {

// Plans the workflows of the graph with plan_stream.
//
// What is planned again is planned thrice at most: first with every sound stage where it stands, then freely,
// then freely also where a stage was refused before. The first that succeeds counts; the bound is that of the
// free one. A stage is sound when its site is up, its intent was not refused and its promise is kept. Work
// that was measured of a stage counts where it is more than declared.
class GraphWorkflowPlanner final : public WorkflowPlanner {
 public:
  explicit GraphWorkflowPlanner(const StreamPlanLimits& stream = {}) : stream_(stream) {}
  WorkflowPlanned plan(const Graph& snapshot, WorkflowId workflow) override;

 private:
  StreamPlanLimits stream_;
};

}  // namespace weir
