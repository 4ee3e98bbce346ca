#pragma once

#include <cstdint>
#include <vector>

#include "core/graph/graph.h"
#include "core/event/workflow.h"

namespace weir {

// What a batch has made so far, and where it lies.
struct WorkflowProgress {
  std::vector<std::vector<SiteId>> outputs;  // by stage: sites that hold all that it made; empty: nothing yet
  std::vector<std::vector<SiteId>> delivered;  // by edge: sites beside those that hold what it carries
};

struct Rerun {
  std::vector<uint32_t> stages;  // to be run (again), sorted
  // The same as a workflow of its own, stage i of which is stages[i]: what other stages made is an input that
  // lies where it lies, so that nothing in place is moved or made again.
  Workflow rest;
};

// The smallest set of stages to run such that every sink (a stage that nothing follows) has its result at a
// site that is alive, up or draining: stages whose result is wanted and lies nowhere alive, and of what those
// need in turn. Whatever other set does it contains this one. Requires check(workflow), and progress as long
// as its stages and edges (either list may be empty: nothing). kInfeasible names an input of which no copy is
// left.
Result<Rerun> rerun(const Graph& graph, const Workflow& workflow, const WorkflowProgress& progress);

}  // namespace weir
