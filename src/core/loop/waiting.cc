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
  // Best-effort work has no turn: it is decided as it comes.
  const bool turns = ports_.scheduler != nullptr && !row.spec->workload.best_effort;
  return (turns || is_array(row)) && !row.active && row.state != IntentState::kWithdrawn &&
         row.spec->workload.kind == WorkKind::kJob;
}

Status Loop::scheduled(const Graph& seen, const Admission& admission) {
  if (ports_.scheduler == nullptr || !admission.changes) return {};
  if (const auto* e = std::get_if<IntentSubmitted>(&admission.body); e && e->spec.workload.kind == WorkKind::kJob) {
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
    if (!begin_with(turn.intent, turn.instances)) {
      give_up_turn(turn.intent, head_.relief() - 1);
      continue;
    }
    to_decide_.insert(turn.intent);
    turns_[turn.intent] = {std::move(turn.sites), false};
  }
  for (int given = 0; given < kPreemptingMax && resize_running(); ++given) {
  }
  // A disk without room leaves it for a later turn.
  for (int given = 0; given < kPreemptingMax; ++given) {
    std::vector<EventBody> bodies = ports_.scheduler->colocate(head_, queue_time_us());
    if (bodies.empty() || !record(kBrain, std::move(bodies))) break;
  }
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

bool Loop::begin_with(IntentId intent, int32_t instances) {
  const IntentRow& row = head_.intent(intent);
  if (instances == 0 || !is_malleable(row.spec->schedule) || row.demand->schedule.instances == instances) return true;
  const int32_t all = row.spec->schedule.instances;
  return record(kBrain, {JobResized{intent, row.generation, instances, {},
                                    instances == all ? "there is room for all of them"
                                                     : "it begins with what there is room for, of " + std::to_string(all)}})
      .has_value();
}

// False: nobody is to be resized. A disk without room leaves it for a later turn.
bool Loop::resize_running() {
  std::vector<Scheduler::Resize> resizes = ports_.scheduler->resizes(head_, queue_time_us());
  std::vector<EventBody> bodies;
  for (const Scheduler::Resize& resize : resizes) bodies.push_back(resize.event);
  if (bodies.empty() || !record(kBrain, std::move(bodies))) return false;
  for (Scheduler::Resize& resize : resizes) {
    to_decide_.insert(resize.event.intent);
    if (!resize.sites.empty()) turns_[resize.event.intent] = {std::move(resize.sites), true};
  }
  return true;
}

// A job that waits, with the fewest that it can begin with; one that runs, with those of it that go on, if it does with them.
bool Loop::try_fewer(IntentId intent) {
  const IntentRow& row = head_.intent(intent);
  if (row.state == IntentState::kWithdrawn || !is_malleable(row.spec->schedule)) return false;
  const int32_t least = row.spec->schedule.instances_min;
  int32_t fewer = least;
  if (row.active) {
    int32_t going = 0;
    for (size_t k = 0; k < row.active->plan.placements.size(); ++k) {
      const RunState state = state_of(row, row.active->run(k));
      going += head_.site(row.active->plan.placements[k].site).state == Liveness::kUp && state != RunState::kFailed &&
               state != RunState::kLost;
    }
    fewer = std::max(fewer, going);
  }
  if (fewer >= row.demand->schedule.instances) return false;
  if (!record(kBrain, {JobResized{intent, row.generation, fewer, {}, "there is no room for " + std::to_string(row.demand->schedule.instances)}})) {
    return false;
  }
  if (waits(intent)) {
    if (const auto turn = turns_.find(intent); turn != turns_.end()) turn->second.only_there = false;
    to_decide_.insert(intent);
  } else {
    turns_.erase(intent);
  }
  return true;
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
