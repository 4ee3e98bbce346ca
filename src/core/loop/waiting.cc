#include <algorithm>

#include "core/loop/loop.h"

// Jobs that wait for their turn, and those that ran too long.
namespace weir {

bool Loop::waits(IntentId intent) const {
  const IntentRow& row = head_.intent(intent);
  return ports_.scheduler != nullptr && !row.active && row.state != IntentState::kWithdrawn &&
         row.spec->workload.kind == WorkKind::kJob;
}

Status Loop::scheduled(const Graph& seen, const Admission& admission) {
  if (ports_.scheduler == nullptr || !admission.changes) return {};
  if (const auto* e = std::get_if<IntentSubmitted>(&admission.body); e && e->spec.workload.kind == WorkKind::kJob) {
    return ports_.scheduler->submits(seen, e->tenant, e->spec.schedule.queue, event_time_us());
  }
  if (const auto* e = std::get_if<ReservationDefined>(&admission.body)) {
    return ports_.scheduler->reserves(seen, e->spec, event_time_us());
  }
  return {};
}

TimeUs Loop::event_time_us() const { return std::max(ports_.clock.wall_us(), head_.now()); }

void Loop::take_turns() {
  if (ports_.scheduler == nullptr || held_) return;
  for (Scheduler::Turn& turn : ports_.scheduler->turns(head_, event_time_us())) {
    to_decide_.insert(turn.intent);
    turns_[turn.intent] = {std::move(turn.sites), false};
  }
}

// Its turn is over: it is to be had again from the scheduler.
void Loop::give_up_turn(IntentId intent, uint64_t relief) {
  turns_.erase(intent);
  ports_.scheduler->refused(intent, relief, event_time_us() + options_.retry_us);
}

void Loop::watch_run_times() {
  while (!run_time_ends_.empty() && run_time_ends_.begin()->first <= event_time_us()) {
    const auto [end, intent] = *run_time_ends_.begin();
    run_time_ends_.erase(run_time_ends_.begin());
    const IntentRow& row = head_.intent(intent);
    const int64_t most_us = row.active ? row.active->spec->schedule.run_time_us_max : 0;
    if (most_us == 0 || row.state == IntentState::kWithdrawn) continue;
    const bool over = std::any_of(row.runs.begin(), row.runs.end(), [&](const RunRow& run) {
      return run.began != 0 && run.began + most_us <= end && !has_ended(run.state);
    });
    if (!over) continue;
    const Status written = record(kBrain, {IntentWithdrawn{
        intent, false, "it ran over its longest run time of " + std::to_string(most_us / 1'000'000) + " s"}});
    if (!written) {
      run_time_ends_.insert({end + options_.retry_us, intent});
      return;
    }
  }
}

void Loop::await_end(IntentId intent) {
  if (intent.index() >= head_.intent_count()) return;
  const IntentRow& row = head_.intent(intent);
  if (!row.active || row.active->spec->schedule.run_time_us_max == 0) return;
  for (const RunRow& run : row.runs) {
    if (run.began != 0 && !has_ended(run.state)) {
      run_time_ends_.insert({run.began + row.active->spec->schedule.run_time_us_max, intent});
    }
  }
}

}  // namespace weir
