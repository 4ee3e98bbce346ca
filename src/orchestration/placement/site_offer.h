#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/graph/graph.h"
#include "orchestration/placement/device_choice.h"

namespace weir {

// What one instance costs at a site by the hour; of a job, if it begins now.
struct SitePrice {
  Nanocredits decision = 0;  // asks, scarcity and carbon, weighted by the preferences
  Nanocredits billed = 0;    // asks
};
SitePrice site_price(const Graph& graph, SiteId site, const Workload& workload, const Prefer& prefer);

// The same with what fragmentation costs: of accelerators scarcity is paid for what the instance takes from others, which
// is its own part and what it makes of no use to them, less what was of none. Where none fits as site_price() has it.
// O(nodes of the site * kinds of the mix).
SitePrice instance_price(const Graph& graph, SiteId site, const Workload& workload, const Prefer& prefer,
                         const DeviceLoss& loss);

// No instance costs less, whatever holds which devices.
Nanocredits least_price(const Graph& graph, SiteId site, const Workload& workload, const Prefer& prefer);

// The first reason why no instance of the workload may or can run at the site, whatever the network; none
// if at least one can. `residency` is what the intent and its data demand. O(nodes of the site).
std::optional<Reason> site_obstacle(const Graph& graph, SiteId site, const IntentSpec& spec, uint64_t residency);

// How many instances fit on the nodes of the site, or of its rack, as they are, at most `most`. O(nodes of the site).
int32_t instances_that_fit(const Graph& graph, SiteId site, const Workload& workload, int32_t most,
                           const std::optional<Graph::RackKey>& rack = std::nullopt);

// The rack of the site for `count` instances together: of those with room the one with least, so that large holes stay
// whole, else the one with most; of equals the lowest key. None: not one instance fits. O(nodes of the site).
struct RackRoom {
  Graph::RackKey rack;
  int32_t instances = 0;
};
std::optional<RackRoom> rack_for(const Graph& graph, SiteId site, const Workload& workload, int32_t count);

// Nodes of the site, or of its rack, for `count` more instances, best fit first (least CPU left over, then lowest NodeId), so that large
// holes stay whole; where accelerators are needed, as choose_devices() has it. Requires that they fit.
struct NodeChoice {
  NodeId node;
  DeviceMask devices = 0;  // of which shares are taken; 0: the commit says which
};
std::vector<NodeChoice> choose_nodes(const Graph& graph, SiteId site, const Workload& workload, int32_t count,
                                     const std::optional<Graph::RackKey>& rack = std::nullopt);

// The node for one instance, as choose_nodes() has it; none: it fits nowhere. Requires a workload without accelerators.
NodeId choose_node(const Graph& graph, SiteId site, const Workload& workload);
// Does one instance fit in what is free of a node, accelerators aside?
bool has_room(const NodeFree& free, const Workload& workload);
// Some node that has room for one instance; none: it fits nowhere. Requires a workload without accelerators.
NodeId node_with_room(const Graph& graph, SiteId site, const Workload& workload);

// Residency bits that the intent and its data sets demand; nullopt: a label that no site carries.
std::optional<uint64_t> residency_demand(const Graph& graph, const IntentSpec& spec);

}  // namespace weir
