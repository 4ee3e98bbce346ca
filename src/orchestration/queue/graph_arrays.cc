#include "orchestration/queue/graph_queue.h"

// How many tasks of an array are worth to be submitted.
namespace weir::queue {

void GraphQueue::count_task(const Work& work, int sign) {
  if (work.task && !work.hopeless && work.state != Work::State::kRunning) tasks_waiting_ += work.job.whole() * sign;
}

// What is free is counted as if it were all in one place, but for the places that the array names.
int64_t GraphQueue::tasks_at_once(const Graph& head, IntentId array) const {
  const auto known = rests_.find(array);
  if (known == rests_.end()) return 0;
  const Rest& rest = known->second;
  const IntentRow& row = head.intent(array);
  Amount room = free_all_;
  if (!row.spec->where.only.empty()) {
    room = {};
    for (const SiteId site : row.spec->where.only) {
      if (site.index() < free_.size() && place_obstacle(head, *row.spec, site).code == ReasonCode::kNone) room += free_[site.index()];
    }
  }
  // What tasks of others wait for is not there for its own; these are counted by whoever asks.
  const Amount others = tasks_waiting_ - rest.each * row.tasks.waiting;
  room = room - Amount::most(others, {});
  for (const QueueId node : leaves_[rest.leaf].chain) {
    const Amount& most = tree_.spec(node).maximum;
    if (most != kUnlimited) room = Amount::least(room, most - tree_.standing(node).used);
  }
  return rest.each.times_in(room, row.spec->schedule.tasks);
}

}  // namespace weir::queue
