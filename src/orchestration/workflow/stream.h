#pragma once

#include <cstdint>
#include <vector>

#include "orchestration/workflow/stream_problem.h"

namespace weir {

struct StreamPlanLimits {
  uint64_t steps = 5'000'000;  // labels and vertices expanded, and sites looked at, 16 to a step
  size_t branches = 2'000;     // problems with something forbidden that are solved
};

struct StagePlace {
  SiteId site;
  std::vector<NodeId> nodes;  // of each instance; empty where the stage takes nothing
  Nanocredits price = 0;      // decision price per hour
  int64_t latency_us = 0;     // of one item
  friend bool operator==(const StagePlace&, const StagePlace&) = default;
};
struct EdgeWay {
  int64_t bps = 0;  // reserved on every link of the path
  std::vector<LinkId> path;
  Nanocredits price = 0;
  int64_t latency_us = 0;  // one way
  friend bool operator==(const EdgeWay&, const EdgeWay&) = default;
};
struct StreamPlan {
  std::vector<StagePlace> stages;
  std::vector<EdgeWay> edges;
  Nanocredits price = 0;   // decision price per hour
  Nanocredits bound = 0;   // no plan is cheaper
  int64_t latency_us = 0;  // of the slowest path from a source to a sink
  Quality quality = Quality::kBounded;
  uint64_t steps = 0;
  friend bool operator==(const StreamPlan&, const StreamPlan&) = default;
};

// The cheapest way to hold a stream: where each stage stands and which way each edge takes, such that the
// slowest path from a source to a sink keeps the promise and nodes and links have room for all of it
// together.
//
// Stages and edges that form a tree are solved exactly (StreamTree); of a general DAG the widest edges form
// one, and the others count at least what they cost between the nearest sites that are still allowed. Where
// the solution takes more than a site or a link has, one problem follows for each stage or edge that could
// give way, cheapest bound first, until the best is one that fits: it is then exact. So are the edges outside
// the tree treated: by where their ends stand. When a budget ends, the best found is returned with the bound.
//
// Requires check(workflow). kInfeasible: nothing keeps the promise, or has room; kExhausted: the budget ended
// before anything was found.
Result<StreamPlan> plan_stream(const Graph& graph, const Workflow& workflow,
                               const StreamPlanLimits& limits = {});

}  // namespace weir
