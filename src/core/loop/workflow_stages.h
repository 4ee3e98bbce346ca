#pragma once

#include <optional>

#include "core/graph/graph.h"
#include "core/graph/workflow_state.h"

namespace weir {

// The wish of one stage of a stream at its planned site, with all that the ordinary machinery needs to
// reserve, steer and bill it: the sites of the stages before it are its ingresses, with the bandwidth of
// their edges, and it gets its part of the promise. Requires a workflow that has a plan for its newest
// generation, and a stage that runs. Pure.
//
// Streams: as many per instance as it takes to share the bandwidth among ingresses in proportion, at most an
// eighth more than asked where the edges differ. Latency: what the plan needs, and an equal share, among the
// stages of the longest chain, of what the promise leaves.
//
// In the arguments of its command "{to:NAME}" becomes the stable address and port of that stage,
// "[fd77::5]:9000", or, in a domain without addresses of services, "". `intents`: by stage; none for those that do not
// run.
IntentSpec stream_stage(const Graph& graph, const WorkflowRow& row, size_t stage,
                        const std::vector<IntentId>& intents);

// The job of one stage of a batch, at its planned site. Requires as stream_stage. Pure.
IntentSpec batch_stage(const Graph& graph, const WorkflowRow& row, size_t stage);

// Whether every "{to:NAME}" in a command can be filled in: NAME is a stage that an edge leads to and that listens on a port,
// and with the longest addresses the argument is no longer than one may be. A batch has none. kInvalid:
// Error::where is the path of the argument ("spec.stages[1].command[0]"). Requires what check() lets pass.
Status check_addresses(const Workflow& workflow);

}  // namespace weir
