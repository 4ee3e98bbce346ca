#include "simulation/auditor.h"

// Arrays and their tasks, from the ledger alone.
namespace weir::simulation {

bool Auditor::is_array(const Wish& wish) { return !wish.array.valid() && wish.spec.schedule.tasks > 0; }

// What the next task of an array is to be.
const IntentSpec& Auditor::task_of(const IntentSubmitted& e) {
  static const IntentSpec kNone;
  if (!by_brain()) fail("a task by another's word than the brain's");
  if (e.array.index() >= wishes_.size() || e.array == e.intent) return fail("a task of nothing"), kNone;
  Wish& array = wishes_[e.array.index()];
  const Wish& task = wishes_[e.intent.index()];
  if (!is_array(array) || array.withdrawn) fail("a task of what is no array, or has ended");
  if (array.tenant != tenants_[e.tenant.index()]) fail("a task of another tenant's array");
  if (e.task != array.submitted || array.submitted >= static_cast<uint32_t>(array.spec.schedule.tasks)) fail("a task is submitted out of turn");
  if (e.generation > 1 && (task.array != e.array || task.task != e.task || !task.withdrawn)) fail("a task takes the place of another");
  ++array.submitted;
  return array.spec;
}

Auditor::Tasks Auditor::count_tasks(IntentId array) const {
  Tasks out;
  for (const Wish& task : wishes_) {
    if (task.array != array || task.task >= wishes_[array.index()].submitted) continue;
    ++(!task.withdrawn ? task.active == kNoPosition ? out.waiting : out.running : task.ended_well ? out.finished : out.failed);
  }
  return out;
}

// Whether the brain may withdraw it so: a task whose array was withdrawn, or an array whose tasks have all ended.
bool Auditor::ends_with_array(IntentId intent, bool well) const {
  const Wish& wish = wishes_[intent.index()];
  if (wish.array.valid()) {
    const Wish& array = wishes_[wish.array.index()];
    return !well && (array.withdrawn || wish.task >= array.submitted);
  }
  if (!is_array(wish) || wish.submitted < static_cast<uint32_t>(wish.spec.schedule.tasks)) return false;
  const Tasks tasks = count_tasks(intent);
  return tasks.waiting == 0 && tasks.running == 0 && (tasks.failed == 0) == well;
}

void Auditor::compare_tasks(const Graph& graph, IntentId array) const {
  if (wishes_[array.index()].withdrawn) return;  // how far it had come stays
  const TaskCounts& counts = graph.intent(array).tasks;
  const Tasks tasks = count_tasks(array);
  if (counts.submitted != static_cast<int32_t>(wishes_[array.index()].submitted) || counts.waiting != tasks.waiting ||
      counts.running != tasks.running || counts.finished != tasks.finished || counts.failed != tasks.failed) {
    fail("intent " + std::to_string(array.value) + ": the graph counts other tasks");
  }
}

}  // namespace weir::simulation
