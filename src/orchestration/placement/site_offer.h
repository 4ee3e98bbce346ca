#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/graph/graph.h"

namespace weir {

// What one instance costs at a site by the hour.
struct SitePrice {
  Nanocredits decision = 0;  // asks, scarcity and carbon, weighted by the preferences
  Nanocredits billed = 0;    // asks
};
SitePrice site_price(const Graph& graph, SiteId site, const Workload& workload, const Prefer& prefer);

// The first reason why no instance of the workload may or can run at the site, whatever the network; none
// if at least one can. `residency` is what the intent and its data demand. O(nodes of the site).
std::optional<Reason> site_obstacle(const Graph& graph, SiteId site, const IntentSpec& spec, uint64_t residency);

// How many instances fit on the nodes of the site as they are, at most `most`. O(nodes of the site).
int32_t instances_that_fit(const Graph& graph, SiteId site, const Workload& workload, int32_t most);

// Nodes for `count` more instances, best fit first (least CPU left over, then lowest NodeId), so that large
// holes stay whole. Requires that they fit.
std::vector<NodeId> choose_nodes(const Graph& graph, SiteId site, const Workload& workload, int32_t count);

// Residency bits that the intent and its data sets demand; nullopt: a label that no site carries.
std::optional<uint64_t> residency_demand(const Graph& graph, const IntentSpec& spec);

}  // namespace weir
