#include <algorithm>

#include "core/loop/loop.h"

namespace weir {

// A run that has stood for long may end at any time; one that ends soon is likely to do so again.
void Loop::count_failure(IntentId intent, RunId run) {
  const auto found = restarts_.find(intent);
  const IntentRow& row = head_.intent(intent);
  if (found == restarts_.end() || !row.active || row.active->plan.generation != row.generation) return;
  Restarts& known = found->second;
  const auto placed = known.placed_us.find(run.plan);
  if (placed == known.placed_us.end() || now_us_ - placed->second > options_.restart_us_max) return;
  const RunRow* ended_run = nullptr;
  for (size_t k = 0; k < row.active->plan.placements.size(); ++k) {
    if (row.active->run(k) != run) continue;
    for (const RunRow& r : row.runs) {
      if (r.run == run) ended_run = &r;
    }
  }
  // Those of one plan that end together count once; one that was replaced already, or is done, not at all.
  if (!ended_run || run.plan <= known.counted) return;
  if (is_job(*row.active) && ended_run->state == RunState::kExited && ended_run->exit_code == 0) return;
  known.counted = run.plan;
  if (now_us_ - known.not_before_us > options_.restart_us_max) known.failures = 0;
  ++known.failures;
  TimeUs delay_us = known.failures == 1 ? 0 : options_.restart_us;
  for (uint32_t i = 2; i < known.failures && delay_us < options_.restart_us_max; ++i) delay_us *= 2;
  known.not_before_us = now_us_ + std::min(delay_us, options_.restart_us_max);
  restarting_.insert(intent);
}

TimeUs Loop::restart_at_us(IntentId intent) const {
  const auto found = restarts_.find(intent);
  if (found == restarts_.end() || found->second.not_before_us <= now_us_) return 0;
  const IntentRow& row = head_.intent(intent);
  if (!row.active || row.active->plan.generation != row.generation) return 0;
  // What the world broke is mended at once.
  const Plan& plan = row.active->plan;
  const bool sound = std::all_of(plan.placements.begin(), plan.placements.end(),
                                 [this](const Placement& p) { return head_.site(p.site).state == Liveness::kUp; }) &&
                     std::all_of(plan.flows.begin(), plan.flows.end(), [this](const Flow& flow) {
                       return std::all_of(flow.path.begin(), flow.path.end(), [this](LinkId id) { return head_.usable(id); });
                     });
  return sound ? found->second.not_before_us : 0;
}

bool Loop::say_restart(IntentId intent) {
  const TimeUs at_us = restart_at_us(intent);
  if (at_us <= now_us_) return true;
  const IntentRow& row = head_.intent(intent);
  Refusal refusal{intent, row.generation, head_.version(), {{ReasonCode::kRestarting}}};
  refusal.reasons[0].needed = at_us - now_us_;
  if (row.refusal && row.refusal->reasons[0].code == ReasonCode::kRestarting) return true;
  return record(kBrain, {IntentRefused{std::move(refusal)}}).has_value();
}

}  // namespace weir
