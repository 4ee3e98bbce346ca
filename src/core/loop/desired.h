#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "core/graph/graph.h"
#include "core/loop/links.h"
#include "core/ports/wire.h"

namespace weir {

// How far the change from a retiring plan to the active one has come. Kept by the loop in memory: after a restart a
// retiring plan begins at kMaking again, which repeats steps that are idempotent, or, where a run of it was told to stop
// already, at kBreaking.
enum class Phase : uint8_t {
  kMaking,     // the new runs start; the old ones carry the traffic
  kSwitching,  // ingresses move to the new runs and paths; the old ones still stand
  kBreaking,   // nobody uses the old ones: runs stop, paths are withdrawn
};
using Phases = std::map<std::pair<IntentId, Position>, Phase>;  // of retiring plans; absent: kMaking

// What every one of these sites is to do now, where no other intents than `holders` hold anything at them and the links
// worth exploring are measured over `explored` (exploratory_paths). Pure. O(commitments of the holders).
std::map<SiteId, SiteDirective> desired(const Graph& graph, const std::set<SiteId>& sites, const Phases& phases,
                                        const std::set<IntentId>& holders, const std::vector<WatchedPath>& explored);
// The same, looking for both. O(commitments + links).
std::map<SiteId, SiteDirective> desired(const Graph& graph, const std::set<SiteId>& sites, const Phases& phases);

// A path for each of these duplex links that has one, in their order.
std::vector<WatchedPath> exploratory_paths(const Graph& graph, const std::set<LinkId>& links);
// The duplex links that are worth exploring.
std::set<LinkId> links_to_explore(const Graph& graph);

// A dead link is watched by an exploratory path whose label follows from its links, so that what was measured on
// one way is never taken for another. Committed paths have theirs below all of these (give_labels). Two ways may
// share a label, rarely: then one waits (LabelRests).
inline constexpr uint32_t kExploratoryLabels = 16'384;
uint16_t exploratory_label(const WatchedPath& path);

// kLost where the intent does not have the run.
RunState state_of(const IntentRow& row, RunId run);

// What the plan that asked for the run was made for; the newest wish where no plan holds the run.
const IntentSpec& spec_of(const IntentRow& row, RunId run);

bool is_job(const CommittedPlan& held);
// Of a job: every run that the newest wish asked for has ended well.
bool finished(const IntentRow& row);

// Every run of the active plan carries traffic (a service) or runs or has ended well (a job). Without one the plans
// before have nothing to wait for: their intent was withdrawn, even if it has been submitted again.
bool active_is_ready(const IntentRow& row);

}  // namespace weir
