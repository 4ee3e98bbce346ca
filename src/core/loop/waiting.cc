#include <algorithm>

#include "core/graph/hours.h"
#include "core/loop/loop.h"

// Jobs that wait for their turn or for a cheaper hour, and those that ran too long.
namespace weir {
namespace {

constexpr int kPreemptingMax = 16;  // waiting jobs for which others give way in one turn

}  // namespace

bool Loop::waits(IntentId intent) const {
  const IntentRow& row = head_.intent(intent);
  return (ports_.scheduler != nullptr || is_array(row)) && !row.active && row.state != IntentState::kWithdrawn &&
         row.spec->workload.kind == WorkKind::kJob;
}

Status Loop::scheduled(const Graph& seen, const Admission& admission) {
  if (ports_.scheduler == nullptr || !admission.changes) return {};
  if (const auto* e = std::get_if<IntentSubmitted>(&admission.body); e && e->spec.workload.kind == WorkKind::kJob) {
    const Schedule& schedule = e->spec.schedule;
    if (schedule.deadline != 0 && schedule.deadline < queue_time_us() + schedule.run_time_us_estimated) {
      return fail(ErrorCode::kInvalid,
                  schedule.deadline < queue_time_us() ? "has passed" : "is sooner than it is estimated to run",
                  "intent " + e->spec.name + ": spec.schedule.deadline", "choose a later one, or leave it out");
    }
    return ports_.scheduler->submits(seen, e->tenant, e->spec.schedule.queue, queue_time_us());
  }
  if (const auto* e = std::get_if<ReservationDefined>(&admission.body)) {
    return ports_.scheduler->reserves(seen, e->spec, queue_time_us());
  }
  return {};
}

TimeUs Loop::event_time_us() const { return std::max(ports_.clock.wall_us(), head_.now()); }

// Goes on also while a clock that was set back has not caught up with the ledger.
TimeUs Loop::queue_time_us() {
  queue_time_us_ = std::max(event_time_us(), queue_time_us_ + (now_us_ - queue_time_at_us_));
  queue_time_at_us_ = now_us_;
  return queue_time_us_;
}

void Loop::take_turns() {
  if (ports_.scheduler == nullptr || held_) return;
  for (Scheduler::Turn& turn : ports_.scheduler->turns(head_, queue_time_us())) {
    to_decide_.insert(turn.intent);
    turns_[turn.intent] = {std::move(turn.sites), false};
  }
  // A disk without room leaves it for a later turn.
  for (int given = 0; given < kPreemptingMax; ++given) {
    std::vector<EventBody> bodies;
    for (JobPreempted& victim : ports_.scheduler->preemptions(head_, queue_time_us())) bodies.push_back(std::move(victim));
    if (bodies.empty() || !record(kBrain, std::move(bodies))) return;
  }
}

// An hour that began is written before anything is decided in it. A disk without room leaves it for a later turn.
void Loop::watch_hour() {
  if (head_.hourly_sites() == 0) return;
  const int32_t hour = hour_of_day(event_time_us());
  if (hour != head_.hour()) (void)record(kBrain, {HourBegan{hour}});
}

// Its turn is over: it is to be had again from the scheduler.
void Loop::give_up_turn(IntentId intent, uint64_t relief) {
  turns_.erase(intent);
  ports_.scheduler->refused(intent, relief, queue_time_us() + options_.retry_us);
}

// The first of the runs that the plan stands for which ends by then; the newest wish says how long they may run.
std::optional<TimeUs> Loop::run_time_end(const IntentRow& row) const {
  const int64_t most_us = row.spec->schedule.run_time_us_max;
  if (!row.active || row.state == IntentState::kWithdrawn || most_us == 0 || !is_job(*row.active)) return std::nullopt;
  std::optional<TimeUs> first;
  for (size_t k = 0; k < row.active->plan.placements.size(); ++k) {
    for (const RunRow& run : row.runs) {
      if (run.run != row.active->run(k) || run.began == 0 || has_ended(run.state)) continue;
      first = std::min(first.value_or(INT64_MAX), run.began + most_us);
    }
  }
  return first;
}

void Loop::watch_run_times() {
  const TimeUs now = event_time_us();
  while (!run_time_ends_.empty() && run_time_ends_.begin()->first <= now) {
    const IntentId intent = run_time_ends_.begin()->second;
    run_time_ends_.erase(run_time_ends_.begin());
    const IntentRow& row = head_.intent(intent);
    const auto end = run_time_end(row);
    if (!end || *end > now) continue;
    const Status written = record(kBrain, {IntentWithdrawn{
        intent, false, "it ran over its longest run time of " + std::to_string(row.spec->schedule.run_time_us_max / 1'000'000) + " s"}});
    // A disk without room leaves it for later.
    if (!written) return void(run_time_ends_.insert({now + options_.retry_us, intent}));
  }
}

// Whoever was refused what they kept is tried again.
void Loop::watch_reservations() {
  const TimeUs now = event_time_us();
  if (head_.kept_end() > now || now_us_ < kept_look_us_) return;
  std::vector<EventBody> over;
  for (const ReservationId id : head_.kept_bandwidth().over(now)) over.push_back(ReservationCancelled{id});
  // A disk without room leaves it for later.
  if (!record(kBrain, std::move(over))) kept_look_us_ = now_us_ + options_.retry_us;
}

void Loop::await_end(IntentId intent) {
  if (intent.index() >= head_.intent_count()) return;
  if (const auto end = run_time_end(head_.intent(intent))) run_time_ends_.insert({*end, intent});
}

}  // namespace weir
