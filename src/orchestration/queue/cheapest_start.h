#pragma once

#include "core/graph/graph.h"
#include "orchestration/queue/job.h"

namespace weir::queue {

// When a job that may wait for a cheaper hour (Schedule::start_slack_us) is to begin, by what the sites ask in the hours of
// a day and by nothing that comes and goes: not by how full they are.
struct CheapestStart {
  TimeUs at = 0;                 // 0: as soon as it may
  Nanocredits per_hour = 0;      // of an instance that begins then: asks and carbon, as it prefers, at the cheapest site
  Nanocredits per_hour_now = 0;  // of one that began in the graph's hour
};

// Of the hours in which it may begin, from its submission (that of its array) or its own not_before on, the first of the
// cheapest at any site that is up, that it may run at, and that holds it when it is empty. With a deadline it waits no longer
// than what it may run, or is estimated to where that is not said, leaves; where neither is, not at all. O(sites * 24), and
// O(nodes) where accelerators are asked for. `job` says where it may run and what it takes.
CheapestStart cheapest_start(const Graph& graph, const IntentRow& row, const Job& job);

}  // namespace weir::queue
