#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/graph/graph.h"
#include "orchestration/path/network.h"
#include "core/event/workflow.h"

namespace weir {

// "Not possible" among prices and latencies; eight of them add up without overflow.
inline constexpr int64_t kImpossible = INT64_MAX / 16;

// A stream on a snapshot: what each stage costs and takes at each site, what each edge costs and takes on
// each link.
struct StreamProblem {
  struct StageCosts {
    std::vector<Nanocredits> price;   // per hour, of all instances, by SiteId; kImpossible: not there
    std::vector<int64_t> latency_us;  // of one item
  };
  struct LinkCosts {  // of one demand, which edges may share
    // Per hour, by LinkId; kImpossible: not usable, or without room. Whether it can be steered is another
    // matter.
    std::vector<Nanocredits> price;
    std::vector<int64_t> latency_us;  // one way, with jitter and serialisation
  };
  struct Edge {
    uint32_t from, to;
    int64_t bps;
    std::shared_ptr<const LinkCosts> links;
  };
  const Graph* graph = nullptr;
  std::shared_ptr<const Network> network;
  // Between two sites, as plain routing goes, where packets cannot be led; by the site where it begins and
  // ends.
  struct PlainWay {
    SiteId from, to;
    std::vector<LinkId> links;
  };
  std::vector<PlainWay> plain;
  std::vector<std::vector<uint32_t>> plain_from, plain_to;
  std::vector<StageCosts> stages;
  std::vector<Edge> edges;
  int64_t latency_us_max = 0;  // 0: no promise
};

// Of a domain with more sites than these, only paths that can be led are looked at.
inline constexpr size_t kPlainSitesMax = 256;

// Whether the places named for the stage, or else those of the workflow, allow the site. `residency` is the mask of
// Workflow::where.
bool may_be_at(const Graph& graph, const Workflow& workflow, const Stage& stage, uint64_t residency, SiteId site);

// Requires check(workflow), and the graph to outlive it. Paths are those that can be led, and the routed
// ones. kInfeasible names a stage that can stand nowhere.
Result<StreamProblem> stream_problem(const Graph& graph, const Workflow& workflow);

}  // namespace weir
