#include "core/graph/graph.h"

// Arrays: what their tasks are, and how many of them are how far.
namespace weir {
namespace {

// Under which of an array's counts a task falls.
int32_t TaskCounts::*kind_of(const IntentRow& task) {
  if (task.state == IntentState::kWithdrawn) return task.finished ? &TaskCounts::finished : &TaskCounts::failed;
  return task.active ? &TaskCounts::running : &TaskCounts::waiting;
}

}  // namespace

Applied Graph::submit_task(const IntentSubmitted& e) {
  if (e.array.index() >= intents_.size()) return no_effect("unknown array");
  const IntentRow& array = intent(e.array);
  if (!is_array(array)) return no_effect("the intent is no array");
  if (array.state == IntentState::kWithdrawn) return no_effect("the array has ended");
  if (array.tenant != e.tenant) return no_effect("the array is another tenant's");
  if (e.task != static_cast<uint32_t>(array.tasks.submitted) || array.tasks.submitted >= array.spec->schedule.tasks) {
    return no_effect("the task is out of turn");
  }
  if (e.intent.index() < intents_.size()) {
    const IntentRow& known = intent(e.intent);
    if (known.array != e.array) return no_effect("the name is another intent's");
    if (known.state != IntentState::kWithdrawn || known.active) return no_effect("the task has not ended");
  }
  const TimeUs asked = array.submitted_at;
  if (Applied done = submit(e, intent_name(e.array) + "." + std::to_string(e.task), array.spec); !done.effect) return done;
  IntentRow& row = intents_.mutate(e.intent.index()).mutate();
  row.array = e.array;
  row.task = e.task;
  row.submitted_at = asked;  // it has waited since then, in its array
  ++intents_.mutate(e.array.index()).mutate().tasks.submitted;
  count_task(row, 1);
  return {};
}

// What was submitted before the array was submitted anew is not of it any more; and of one that was withdrawn it stays known
// how far it had come.
void Graph::count_task(const IntentRow& row, int sign) {
  if (!row.array.valid() || row.task >= static_cast<uint32_t>(intent(row.array).tasks.submitted)) return;
  if (intent(row.array).state == IntentState::kWithdrawn) return;
  intents_.mutate(row.array.index()).mutate().tasks.*kind_of(row) += sign;
}

}  // namespace weir
