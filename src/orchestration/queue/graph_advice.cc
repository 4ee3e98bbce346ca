#include <algorithm>
#include <utility>

#include "core/graph/expected_run.h"
#include "orchestration/queue/cheapest_start.h"
#include "orchestration/queue/graph_queue.h"

// When jobs are to begin that may wait for a cheaper hour, and how long jobs are believed to run.
namespace weir::queue {

void GraphQueue::look_when(const Graph& head) {
  for (const IntentId intent : may_wait_) {
    Work& work = work_.at(intent);
    if (work.state == Work::State::kRunning) continue;
    const IntentRow& row = head.intent(intent);
    const TimeUs from = std::max(row.spec->schedule.not_before, cheapest_start(head, row, work.job).at);
    if (std::exchange(work.job.not_before, from) == from || work.state != Work::State::kWaiting) continue;
    queue_again(intent, work);
    if (too_large_.contains(intent)) look_whether_it_fits(head, intent, work);
  }
}

void GraphQueue::estimate_again(const Graph& head) {
  for (auto& [intent, work] : work_) {
    const TimeUs expected = expected_run_us(head, head.intent(intent));
    const TimeUs estimated = expected > 0 ? std::min(expected, work.job.limit_us) : work.job.limit_us;
    if (std::exchange(work.job.estimated_us, estimated) != estimated)
      (void)engine_.estimate(id_of(intent), estimated);
  }
}

}  // namespace weir::queue
