#pragma once

#include "core/ports/workflow_planner.h"
#include "orchestration/workflow/batch.h"
#include "orchestration/workflow/stream.h"

namespace weir {

// Plans the workflows of the graph: streams with plan_stream, of a batch what is left to run (rerun) with
// plan_batch.
//
// What is planned again is planned thrice at most: first with every sound stage where it stands, then freely,
// then freely also where a stage was refused before. The first that succeeds counts; the bound of a stream is
// that of the free plan. A stage of a stream is sound when its site is up, its intent was not refused and its
// promise is kept; one of a batch while it runs. Work that was measured of a stage of a stream counts where
// it is more than declared.
//
// Times of a batch are from when it was submitted; what has run has the start and finish 0.
class GraphWorkflowPlanner final : public WorkflowPlanner {
 public:
  explicit GraphWorkflowPlanner(const StreamPlanLimits& stream = {}, const BatchLimits& batch = {})
      : stream_(stream), batch_(batch) {}
  WorkflowPlanned plan(const Graph& snapshot, WorkflowId workflow) override;

 private:
  StreamPlanLimits stream_;
  BatchLimits batch_;
};

}  // namespace weir
