#pragma once

#include <functional>
#include <map>
#include <span>
#include <vector>

#include "core/graph/graph.h"
#include "orchestration/queue/preempt.h"

// A graph as choose_victims() sees it. Pools are nodes; a job is its intent's identifier.
namespace weir::queue {

// In which queue of the tree an intent's job is.
using QueueOf = std::function<QueueId(IntentId)>;

// Those of the jobs whose newest wish has a plan of which something still holds room, in the order given. What
// one would lose is all since it was first seen running, but no more than the time between its checkpoints.
// `restart_us`: until it would be where it was, besides. `waiting`: the wish for which they are looked at; where its
// accelerators have to be linked only those that they hold of devices_looked_at() count. None: all count. O(runs of these).
std::vector<Running> running_jobs(const Graph& head, std::span<const IntentId> jobs, TimeUs now,
                                  int64_t restart_us, const QueueOf& queue_of, const IntentSpec* waiting = nullptr);

// Of a node the devices that room is made on for the wish: all; for one instance with linked ones those of the island, as
// large as it needs, in which most are free; for more those of all such islands.
DeviceMask devices_looked_at(const Graph& head, NodeId node, const IntentSpec& waiting);

// Until a job that was preempted is where it was, besides the work that it lost.
inline constexpr int64_t kRestartUs = 30'000'000;
// What destroyed work is worth: as much as room does at full use.
PreemptPrices prices_of(const Graph& head);

// Instances of a job: at least so many, where streams decide how many there will be.
int32_t instances_at_least(const IntentSpec& spec);

// Where a waiting job could start if others gave way: with one instance each node that could hold it when
// empty, with more each site, or each rack where all have to be in one, its instances on the nodes that lack least. Sites that are not up, are drained,
// or that its places or labels of residency exclude are left out; the network is not asked: that the job can
// start there is for a decision to say. At most `options_max`, those that lack least first. What is `kept` for
// others is not free. O(nodes of the sites).
using KeptRoom = std::map<NodeId, Amount>;
Need need_of(const Graph& head, IntentId waiting, QueueId queue, size_t options_max,
             const KeptRoom& kept = {});

}  // namespace weir::queue
