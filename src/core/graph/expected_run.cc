#include "core/graph/expected_run.h"

#include <algorithm>

namespace weir {

bool goes_by_prediction(const Graph& graph, const IntentRow& row) {
  const QueueId domain = graph.find_queue(kDomainQueue);
  if (domain.valid() && graph.queue(domain).predicts) return true;
  const std::string& name = row.spec->schedule.queue;
  QueueId queue = name.empty() ? QueueId{} : graph.find_queue(name);
  while (queue.valid() && !graph.queue(queue).predicts) queue = graph.queue(queue).parent;
  return queue.valid();
}

TimeUs expected_run_us(const Graph& graph, const IntentRow& row) {
  const Schedule& schedule = row.spec->schedule;
  if (row.predicted_us > 0 && (schedule.run_time_us_estimated == 0 || goes_by_prediction(graph, row))) {
    return schedule.run_time_us_max > 0 ? std::min(row.predicted_us, schedule.run_time_us_max)
                                        : row.predicted_us;
  }
  return schedule.run_time_us_estimated > 0 ? schedule.run_time_us_estimated : schedule.run_time_us_max;
}

TimeUs expected_end_us(const Graph& graph, const IntentRow& array, TimeUs now) {
  const TaskCounts& tasks = array.tasks;
  IntentRow known = array;  // with what its own tasks taught
  known.predicted_us = graph.predicted_run_us(array.tenant, array.spec->workload.artifact);
  const TimeUs each_us = expected_run_us(graph, known);
  if (!is_array(array) || array.state == IntentState::kWithdrawn || tasks.running <= 0 || each_us == 0) return 0;
  const int64_t left = std::max(array.spec->schedule.tasks, tasks.submitted) - tasks.finished - tasks.failed - tasks.running;
  // In halves of a task; what is left keeps them all busy but for the last round.
  const __int128 halves = static_cast<__int128>(2 * std::max<int64_t>(left, 0) + tasks.running) * each_us;
  const __int128 rest_us = (halves + 2 * tasks.running - 1) / (2 * tasks.running);
  return static_cast<TimeUs>(std::min<__int128>(now + rest_us, INT64_MAX));
}

}  // namespace weir
