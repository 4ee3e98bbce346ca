#include <algorithm>

#include "core/loop/loop.h"

// Arrays: their tasks are submitted in order of their index, only so many at once as there is room for and a few more, so
// that an array waits as one. With the last task the array ends.
namespace weir {
namespace {

std::string failed_text(const TaskCounts& tasks) {
  return std::to_string(tasks.failed) + " of " + std::to_string(tasks.submitted) + (tasks.submitted == 1 ? " task" : " tasks") +
         " did not end well";
}

}  // namespace

void Loop::note_array(IntentId intent) {
  if (intent.index() >= head_.intent_count()) return;
  const IntentRow& row = head_.intent(intent);
  const bool ended = row.state == IntentState::kWithdrawn;
  if (row.array.valid()) {
    if (ended) {
      tasks_.erase({row.array, intent});
    } else {
      tasks_.insert({row.array, intent});
      arrays_.insert(row.array);
    }
  } else if (is_array(row) && !ended) {
    arrays_.insert(intent);
  }
}

void Loop::watch_arrays() {
  if (held_) return;
  int64_t left = options_.tasks_per_turn_max;
  const std::vector<IntentId> arrays(arrays_.begin(), arrays_.end());
  for (size_t i = 0; i < arrays.size(); ++i) {
    // Alike parts, of which the next have what one leaves.
    const auto others = static_cast<int64_t>(arrays.size() - i - 1);
    int64_t own = (left + others) / (others + 1);
    left -= own;
    watch_array(arrays[i], own);
    left += own;
  }
}

// A disk without room leaves everything for a later turn.
void Loop::watch_array(IntentId array, int64_t& tasks_left) {
  const IntentRow& row = head_.intent(array);
  const bool open = row.state != IntentState::kWithdrawn && is_array(row);
  // Tasks go with their array; also where it was submitted anew at once.
  if (!open || row.tasks.submitted == 0) {
    std::vector<EventBody> bodies;
    for (auto at = tasks_.lower_bound({array, IntentId(0u)}); at != tasks_.end() && at->first == array; ++at) {
      if (tasks_left <= 0) return void(record(kBrain, std::move(bodies)));
      --tasks_left;
      bodies.push_back(IntentWithdrawn{at->second, false, "its array was withdrawn"});
    }
    if (!bodies.empty()) return void(record(kBrain, std::move(bodies)));
    if (!open) return void(arrays_.erase(array));
  }
  if (all_ended(row)) {
    const bool well = row.tasks.failed == 0;
    return void(record(kBrain, {IntentWithdrawn{array, well, well ? "" : failed_text(row.tasks)}}));
  }
  const int64_t at_once = ports_.scheduler != nullptr ? ports_.scheduler->tasks_at_once(head_, array)
                                                      : static_cast<int64_t>(options_.deciding_max);
  const int64_t more = std::min({options_.tasks_waiting_max + at_once - row.tasks.waiting,
                                 int64_t{row.spec->schedule.tasks} - row.tasks.submitted, tasks_left});
  std::vector<EventBody> bodies;
  size_t fresh = head_.intent_count();
  for (int64_t k = 0; k < more; ++k) {
    const auto task = static_cast<uint32_t>(row.tasks.submitted + k);
    const IntentId known = head_.find_task(array, task);
    if (known.valid() && (head_.intent(known).array != array || head_.intent(known).state != IntentState::kWithdrawn)) break;
    const uint32_t generation = known.valid() ? head_.intent(known).generation + 1 : 1;
    bodies.push_back(IntentSubmitted{known.valid() ? known : IntentId(fresh++), row.tenant, generation, {}, array, task});
  }
  tasks_left -= static_cast<int64_t>(bodies.size());
  (void)record(kBrain, std::move(bodies));
}

}  // namespace weir
