#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/ports/planner.h"
#include "core/ports/rehearsal.h"
#include "core/ports/scheduler.h"
#include "twin/rehearse/forecast.h"

// The next hours of a domain with and without a wish: the production loop in virtual time, from the graph as it is.
namespace weir::twin {

struct RehearseBounds {
  uint64_t turns_max = 0, decisions_max = 0;
};

struct RehearseOptions {
  TimeUs window_us = 14'400'000'000;       // at most a day
  ForecastLimits forecast = {};
  // Of a graph with more intents or nodes nothing is rehearsed.
  size_t intents_max = 5'000, nodes_max = 20'000;
  // Where a run takes more, it ends there. Counted, so that every machine stops at the same place. With more intents and nodes a turn takes longer:
  // of k * 100 of them there are so many turns divided by 1 + k.
  RehearseBounds run = {.turns_max = 10'000, .decisions_max = 1'000};
  // Of all runs for one call; what is left is shared evenly among those that are left.
  RehearseBounds all = {.turns_max = 30'000, .decisions_max = 3'000};
};

// Who decides. Each run has new ones: what they remember of one branch is wrong for the next.
struct RehearseWith {
  std::function<std::unique_ptr<Planner>()> planner;
  std::function<std::unique_ptr<Scheduler>()> scheduler;  // empty: each job is decided as it comes
  std::function<bool(const Graph&, IntentId)> needs_decision;
};

// As Rehearse says. One run without any wish, which all are compared with; for each wish one with it, and, where it starts, a
// second that loses the site of most of its instances half way from its start to its end or to the end of the window.
std::vector<Rehearsal> rehearse(const Graph& graph, TimeUs now, const std::vector<IntentSubmitted>& wishes, const RehearseWith& with,
                                const RehearseOptions& options = {});

}  // namespace weir::twin
