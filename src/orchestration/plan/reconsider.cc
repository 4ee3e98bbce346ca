#include "orchestration/plan/reconsider.h"

#include <algorithm>

#include "core/graph/hours.h"
#include "core/graph/promise.h"
#include "orchestration/path/link_price.h"
#include "orchestration/placement/site_offer.h"
#include "orchestration/plan/decide.h"
#include "orchestration/plan/joint_problem.h"

namespace weir {
namespace {

// The snapshot while services give up what they hold, and take what they held or what they move to.
class Trial {
 public:
  Trial(const Graph& snapshot, const ShadowPricesRevised& prices) : snapshot_(snapshot), graph_(snapshot) { add(prices); }

  // The move was made, and what it replaces is gone.
  void take(Plan plan) {
    const IntentId intent = plan.intent;
    if (const auto& active = graph_.intent(intent).active) end_runs(intent, *active);
    for (Placement& placement : plan.placements) placement.continues = {};
    add(PlanCommitted{std::move(plan)});
  }

  // A better plan, if there is one.
  std::optional<Plan> look(IntentId intent, int32_t move_ppm) {
    const CommittedPlan active = *graph_.intent(intent).active;
    end_runs(intent, active);
    Decision decision = planner_.decide(graph_, intent);
    Plan* found = std::get_if<Plan>(&decision);
    const Worth before = worth(active.plan);
    const Worth after = found != nullptr ? worth(*found) : Worth{};
    const Nanocredits saves = before.cost - after.cost;
    if (found == nullptr || saves <= 0 || saves < charge(before.cost, move_ppm, kPpm) || after.price > before.price) {
      take(active.plan);
      return std::nullopt;
    }
    Plan plan = *found;
    plan.basis = snapshot_.version();
    go_on(active, plan);
    // Nor does anybody pay more for a move that nobody asked for: what stands keeps the asks of its time.
    if (plan.billed_per_hour > active.plan.billed_per_hour || !verify(snapshot_, plan).granted) {
      take(active.plan);
      return std::nullopt;
    }
    const auto moved = std::ranges::find_if(plan.placements, [](const Placement& placement) { return !placement.continues.valid(); });
    plan.reason = {ReasonCode::kTogether, (moved == plan.placements.end() ? plan.placements.begin() : moved)->site, {}, saves, 0};
    take(plan);
    return plan;
  }

 private:
  struct Worth {
    Nanocredits cost = 0;   // asks and carbon, by the preferences
    Nanocredits price = 0;  // with what is scarce
  };

  void add(EventBody body) { (void)graph_.apply({graph_.now(), {}, std::move(body)}); }

  void end_runs(IntentId intent, const CommittedPlan& held) {
    for (size_t i = 0; i < held.plan.placements.size(); ++i) add(RunStateChanged{held.run(i), intent, RunState::kExited, 0, ""});
    while (!graph_.intent(intent).retiring.empty()) add(PlanRetired{intent, graph_.intent(intent).retiring.front()->position});
  }

  // At the prices of now, whatever was agreed on when it was placed.
  Worth worth(const Plan& plan) const {
    const IntentSpec& spec = *graph_.intent(plan.intent).demand;
    const StreamDemand demand = stream_demand(spec);
    Plan now = plan;
    Worth out;
    for (Placement& placement : now.placements) {
      placement.asks = asks_of(graph_, placement.site, spec.workload);
      out.price = saturating_add(out.price, site_price(graph_, placement.site, spec.workload, spec.prefer).decision);
    }
    for (Flow& flow : now.flows) {
      flow.path_per_hour = path_per_hour(graph_, flow.path, flow.up_bps, flow.down_bps);
      out.price = saturating_add(out.price, flow.streams * priced(graph_, flow.path, demand).price);
    }
    const PlanTotals totals = plan_totals(graph_, spec, now);
    const Nanocredits carbon = charge(totals.carbon_mg_per_hour, graph_.prices().carbon_price_per_kg, 1'000'000);
    out.cost = charge(totals.billed_per_hour, spec.prefer.cost_milli, 1000) + charge(carbon, spec.prefer.carbon_milli, 1000);
    return out;
  }

  // What is to stand where an instance stands is that instance, at the asks that it has.
  void go_on(const CommittedPlan& active, Plan& plan) const {
    std::vector<bool> taken(active.plan.placements.size());
    for (Placement& placement : plan.placements) {
      for (size_t i = 0; i < taken.size(); ++i) {
        const Placement& old = active.plan.placements[i];
        if (taken[i] || active.placement_passed_on[i] || old.node != placement.node || old.cpu_milli != placement.cpu_milli ||
            old.memory_mib != placement.memory_mib || old.accelerators != placement.accelerators || old.accelerator_milli != placement.accelerator_milli ||
            old.accelerator_memory_mib != placement.accelerator_memory_mib) {
          continue;
        }
        taken[i] = true;
        placement.continues = active.run(i);
        placement.devices = old.devices;
        placement.asks = old.asks;
        break;
      }
    }
    for (Flow& flow : plan.flows) {
      const RunId run = plan.placements[flow.placement].continues;
      for (const Flow& old : active.plan.flows) {
        const bool same = run.valid() && active.run(old.placement) == run && old.ingress == flow.ingress && old.path == flow.path && old.up_bps == flow.up_bps && old.down_bps == flow.down_bps;
        if (same) flow.path_per_hour = old.path_per_hour;
      }
    }
    plan.billed_per_hour = plan_totals(snapshot_, *graph_.intent(plan.intent).demand, plan).billed_per_hour;
  }

  const Graph& snapshot_;
  Graph graph_;
  JointPlanner planner_;
};

// Does it stand firmly, outside of the joint problem?
bool to_reconsider(const Graph& graph, IntentId intent) {
  const IntentRow& row = graph.intent(intent);
  if (!row.active || row.finished || row.state == IntentState::kWithdrawn || row.active->spec->workload.kind == WorkKind::kJob) return false;
  const auto passed_on = [](const std::vector<bool>& parts) { return std::ranges::find(parts, true) != parts.end(); };
  if (!row.retiring.empty() || passed_on(row.active->placement_passed_on) || passed_on(row.active->flow_passed_on)) return false;
  return !joint_item(graph, intent, {}) && !needs_decision(graph, intent);
}

}  // namespace

Reconsidered reconsider(const Graph& snapshot, const ShadowPricesRevised& prices, std::span<const Plan> first, IntentId& cursor, const ReconsiderOptions& options,
                        const std::atomic<bool>& cancelled) {
  Reconsidered out;
  const size_t count = snapshot.intent_count();
  std::optional<Trial> trial;
  size_t begin = cursor.valid() ? cursor.index() : 0;
  for (size_t i = 0; i < count && out.looked < options.looks_max && !cancelled; ++i) {
    const IntentId intent((begin + i) % count);
    cursor = IntentId((begin + i + 1) % count);
    if (!to_reconsider(snapshot, intent)) continue;
    if (!trial) {
      trial.emplace(snapshot, prices);
      for (const Plan& plan : first) trial->take(plan);
    }
    ++out.looked;
    if (auto better = trial->look(intent, options.move_ppm)) out.moves.push_back(std::move(*better));
  }
  return out;
}

}  // namespace weir
