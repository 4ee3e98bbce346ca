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

}  // namespace weir
