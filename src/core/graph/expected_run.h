#pragma once

#include "core/graph/graph.h"

// How long jobs are believed to run. Advice: it orders them and plans for them, and nothing that is promised rests on it.
namespace weir {

// Whether the job's queue, one above it or the domain's takes its jobs to run as long as is predicted (QueueSpec::predicts).
bool goes_by_prediction(const Graph& graph, const IntentRow& row);

// From 1 to its longest run time: as predicted where its queue goes by that, or where it says nothing and something is
// known; else as it says; else its longest. 0: nothing is known.
TimeUs expected_run_us(const Graph& graph, const IntentRow& row);

// When the last task of an array ends if as many run as now, each as long as is expected, and those that run are half through.
// 0: not foreseen, for none runs, all have ended, or it is not known how long they run.
TimeUs expected_end_us(const Graph& graph, const IntentRow& array, TimeUs now);

}  // namespace weir
