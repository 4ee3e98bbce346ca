#include <algorithm>

#include "orchestration/queue/graph_queue.h"

// The queues as people see them.
namespace weir::queue {

std::vector<IntentId> GraphQueue::order(size_t most) const {
  std::vector<IntentId> out;
  for (const uint64_t id : engine_.order(most)) out.push_back(intent_of(id));
  return out;
}

std::vector<GraphQueue::Line> GraphQueue::lines(const Graph& head) {
  tree_.advance(std::max(now_, head.now()));
  tree_.entitle();
  std::vector<int64_t> running(leaves_.size());
  for (const auto& [intent, work] : work_) {
    if (work.state != Work::State::kRunning) continue;
    for (const QueueId node : leaves_[work.leaf].chain) ++running[node.index()];
  }
  std::vector<uint32_t> at(leaves_.size());
  for (uint32_t l = 0; l < leaves_.size(); ++l) at[l] = l;
  std::sort(at.begin(), at.end(), [this](uint32_t a, uint32_t b) { return leaves_[a].chain < leaves_[b].chain; });
  std::vector<Line> out;
  for (const uint32_t l : at) {
    const Leaf& leaf = leaves_[l];
    out.push_back({leaf.queue, leaf.tenant, leaf.policy.kind, tree_.standing(QueueId(l)), running[l]});
  }
  return out;
}

}  // namespace weir::queue
