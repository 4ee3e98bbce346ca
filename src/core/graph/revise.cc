#include "core/graph/revise.h"

#include <algorithm>

#include "core/graph/promise.h"

namespace weir {

bool is_whole(const IntentRow& row) {
  if (!row.active || row.state != IntentState::kPlaced || row.generation != row.active->plan.generation) return false;
  const auto none = [](const std::vector<bool>& flags) {
    return std::find(flags.begin(), flags.end(), true) == flags.end();
  };
  return none(row.active->placement_passed_on) && none(row.active->flow_passed_on);
}

Result<Plan> continued_plan(const Graph& graph, IntentId intent) {
  if (intent.index() >= graph.intent_count()) return fail(ErrorCode::kInvalid, "unknown intent");
  const IntentRow& row = graph.intent(intent);
  if (!is_whole(row)) return fail(ErrorCode::kConflict, "the intent has no whole active plan any more");
  Plan plan = row.active->plan;
  plan.basis = graph.version();
  plan.quality = Quality::kHeuristic;
  plan.bound = 0;
  plan.steps = 0;
  plan.alternatives.clear();
  for (size_t k = 0; k < plan.placements.size(); ++k) plan.placements[k].continues = row.active->run(k);
  return plan;
}

Status complete_plan(const Graph& graph, Plan& plan) {
  const IntentSpec& spec = *graph.intent(plan.intent).demand;
  for (Flow& flow : plan.flows) {
    const Placement& placement = plan.placements[flow.placement];
    const auto service = service_time(graph, placement.site, spec, placement.streams);
    if (!service) return fail(ErrorCode::kConflict, "an instance cannot keep up with its streams");
    flow.latency_us_serialisation = path_serialisation_us(graph, flow.path, spec.traffic);
    flow.latency_us_work = service->work_us;
    flow.latency_us_queueing = service->queueing_us;
    flow.latency_us_predicted =
        flow.latency_us_path + flow.latency_us_serialisation + flow.latency_us_work + flow.latency_us_queueing;
  }
  const PlanTotals totals = plan_totals(graph, spec, plan);
  plan.billed_per_hour = totals.billed_per_hour;
  plan.power_mw = totals.power_mw;
  plan.carbon_mg_per_hour = totals.carbon_mg_per_hour;
  plan.availability_ppm = totals.availability_ppm;
  const Verdict verdict = verify(graph, plan);
  if (verdict.granted) return {};
  return fail(verdict.conflict ? ErrorCode::kConflict : ErrorCode::kInvalid, verdict.why);
}

}  // namespace weir
