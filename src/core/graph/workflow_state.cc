#include "core/graph/workflow_state.h"

namespace weir {

bool runs(const Stage& stage) {
  return stage.workload.cpu_milli > 0 || stage.workload.memory_mib > 0 || stage.workload.accelerators > 0;
}

const IntentRow* stage_of_generation(const Graph& graph, const WorkflowRow& row, size_t stage) {
  const IntentId id = graph.stage_intent(row, row.spec->stages[stage].name);
  if (!id.valid() || graph.intent(id).submitted < row.submitted) return nullptr;
  return &graph.intent(id);
}

std::vector<bool> done_stages(const Graph& graph, const WorkflowRow& row) {
  const Workflow& workflow = *row.spec;
  std::vector<bool> done(workflow.stages.size(), true);
  std::vector<std::vector<uint32_t>> before(workflow.stages.size());
  for (const WorkflowEdge& edge : workflow.edges) before[edge.to].push_back(edge.from);
  for (const uint32_t s : topological_order(workflow)) {
    if (runs(workflow.stages[s])) {
      const IntentRow* intent = stage_of_generation(graph, row, s);
      done[s] = intent != nullptr && intent->state == IntentState::kWithdrawn && intent->finished;
    } else {
      for (const uint32_t from : before[s]) done[s] = done[s] && done[from];
    }
  }
  return done;
}

}  // namespace weir
