#pragma once

#include <functional>
#include <vector>

#include "core/graph/graph.h"
#include "orchestration/queue/preempt.h"

// A graph as choose_victims() sees it. Pools are nodes; a job is its intent's identifier.
namespace weir::queue {

// In which queue of the tree an intent's job is.
using QueueOf = std::function<QueueId(IntentId)>;

// The jobs that run, by intent. A job writes no checkpoint that the graph knows of: what it would lose is all
// since it was first seen running. `restart_us`: until it would be where it was, besides. O(intents).
std::vector<Running> running_jobs(const Graph& head, TimeUs now, int64_t restart_us, const QueueOf& queue_of);

// Where a waiting job could start if others gave way: with one instance each node that could hold it when
// empty, with more each site, its instances on the nodes that lack least. Sites that are not up, are drained,
// or that its places or labels of residency exclude are left out; the network is not asked: that the job can
// start there is for a decision to say. At most `options_max`, those that lack least first. O(nodes of the
// sites).
Need need_of(const Graph& head, IntentId waiting, QueueId queue, size_t options_max);

}  // namespace weir::queue
