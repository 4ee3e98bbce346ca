#include "orchestration/workflow/rerun.h"

#include <algorithm>

namespace weir {
namespace {

std::vector<SiteId> alive(const Graph& graph, std::vector<SiteId> sites) {
  std::erase_if(sites, [&](SiteId site) {
    if (site.index() >= graph.site_count()) return true;
    const Liveness state = graph.site(site).state;
    return state != Liveness::kUp && state != Liveness::kDraining;
  });
  std::sort(sites.begin(), sites.end());
  sites.erase(std::unique(sites.begin(), sites.end()), sites.end());
  return sites;
}

}  // namespace

Result<Rerun> rerun(const Graph& graph, const Workflow& workflow, const WorkflowProgress& progress) {
  const size_t stages = workflow.stages.size();
  std::vector<std::vector<SiteId>> made(stages), carried(workflow.edges.size());
  for (size_t s = 0; s < progress.outputs.size(); ++s) made[s] = alive(graph, progress.outputs[s]);
  std::vector<std::vector<uint32_t>> in(stages);
  std::vector<uint8_t> followed(stages, 0), runs(stages, 0);
  for (uint32_t e = 0; e < workflow.edges.size(); ++e) {
    const WorkflowEdge& edge = workflow.edges[e];
    in[edge.to].push_back(e);
    followed[edge.from] = 1;
    carried[e] = made[edge.from];
    if (e < progress.delivered.size()) {
      carried[e].insert(carried[e].end(), progress.delivered[e].begin(), progress.delivered[e].end());
      carried[e] = alive(graph, std::move(carried[e]));
    }
  }
  // A stage comes after all that follow it.
  const std::vector<uint32_t> order = topological_order(workflow);
  for (auto s = order.rbegin(); s != order.rend(); ++s) {
    if (!followed[*s] && made[*s].empty()) runs[*s] = 1;
    if (!runs[*s]) continue;
    for (const uint32_t e : in[*s]) {
      if (carried[e].empty()) runs[workflow.edges[e].from] = 1;
    }
  }

  Rerun result{.rest = workflow};
  Workflow& rest = result.rest;
  rest.stages.clear();
  rest.edges.clear();
  rest.inputs.clear();
  std::vector<uint32_t> row(stages, 0), input_row(workflow.inputs.size(), UINT32_MAX);
  for (uint32_t s = 0; s < stages; ++s) {
    if (!runs[s]) continue;
    row[s] = static_cast<uint32_t>(rest.stages.size());
    result.stages.push_back(s);
    rest.stages.push_back(workflow.stages[s]);
    for (WorkflowInputId& read : rest.stages.back().reads) {
      const size_t input = read.index();
      if (input_row[input] == UINT32_MAX) {
        input_row[input] = static_cast<uint32_t>(rest.inputs.size());
        rest.inputs.push_back(workflow.inputs[input]);
        rest.inputs.back().at = alive(graph, workflow.inputs[input].at);
        if (rest.inputs.back().at.empty()) {
          return fail(ErrorCode::kInfeasible,
                      "no copy of input \"" + workflow.inputs[input].name + "\" is left",
                      "spec.inputs[" + std::to_string(input) + "]",
                      "bring one of its sites back, or put a copy elsewhere");
        }
      }
      read = WorkflowInputId(input_row[input]);
    }
  }
  for (uint32_t e = 0; e < workflow.edges.size(); ++e) {
    const WorkflowEdge& edge = workflow.edges[e];
    if (!runs[edge.to]) continue;
    Stage& to = rest.stages[row[edge.to]];
    if (runs[edge.from] && carried[e].empty()) {
      rest.edges.push_back(edge);
      rest.edges.back().from = row[edge.from];
      rest.edges.back().to = row[edge.to];
    } else {
      to.reads.push_back(WorkflowInputId(rest.inputs.size()));
      rest.inputs.push_back({workflow.stages[edge.from].name + " -> " + to.name, edge.bytes, carried[e]});
    }
  }
  for (Stage& stage : rest.stages) std::sort(stage.reads.begin(), stage.reads.end());
  return result;
}

}  // namespace weir
