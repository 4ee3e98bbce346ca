#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/event/types.h"
#include "core/result/result.h"

// A workflow: stages and what flows between them, without a cycle. A *batch* workflow runs each stage once,
// after everything that it needs has arrived; a *stream* runs all stages at once, and items pass through.
namespace weir {

enum class WorkflowKind : uint8_t { kBatch, kStream };

// A row of Workflow::inputs.
using WorkflowInputId = Id<struct WorkflowInputTag>;

struct Stage {
  std::string name;
  Workload workload;  // of one instance; one that asks for nothing runs on no node (a camera, an archive)
  // Batch: how long it runs on its cores at reference speed. Stream: of one item, on one core at that speed.
  int64_t work_us = 0;
  int64_t items_per_second_milli = 0;  // stream: that all of its instances take together
  int32_t replicas = 1;                // stream: instances, at one site, that share the items evenly
  std::vector<SiteId> at;              // pinned: one of these; empty: anywhere
  std::vector<WorkflowInputId> reads;  // batch: sorted, unique
  friend bool operator==(const Stage&, const Stage&) = default;
};

struct WorkflowEdge {
  uint32_t from = 0, to = 0;  // rows of Workflow::stages
  int64_t bytes = 0;          // batch: what `to` needs of what `from` made
  int64_t bps = 0;            // stream
  int64_t item_bits = 0;      // stream: of one item, which each hop must serialise
  friend bool operator==(const WorkflowEdge&, const WorkflowEdge&) = default;
};

// What lies somewhere before a batch begins.
struct WorkflowInput {
  std::string name;
  int64_t bytes = 0;
  std::vector<SiteId> at;  // each holds all of it
  friend bool operator==(const WorkflowInput&, const WorkflowInput&) = default;
};

struct Workflow {
  std::string name;
  WorkflowKind kind = WorkflowKind::kBatch;
  std::vector<Stage> stages;
  std::vector<WorkflowEdge> edges;
  std::vector<WorkflowInput> inputs;
  Where where;  // of every stage that is not pinned; how many different places is not used
  Prefer prefer;
  int64_t latency_us_max = 0;        // stream: from any source to any sink, one way; 0: no promise
  int32_t percentile_ppm = 990'000;  // of that promise
  int64_t deadline_us = 0;           // batch: from its start; 0: as soon as possible
  friend bool operator==(const Workflow&, const Workflow&) = default;
};

// Where one stage is to be.
struct PlannedStage {
  SiteId site;
  Nanocredits price = 0;                     // of the decision; stream: per hour
  int64_t latency_us = 0;                    // stream: of one item
  int64_t start_us = 0, finish_us = 0;       // batch: from its start
  friend bool operator==(const PlannedStage&, const PlannedStage&) = default;
};

// What moves between two sites. Of a stream all edges, in order; of a batch only what has to move.
struct PlannedTransfer {
  uint32_t item = 0;                       // row of Workflow::edges, or of inputs where `stored`
  bool stored = false;
  uint32_t stage = 0;                      // that needs it
  int64_t start_us = 0, arrive_us = 0;     // batch: from its start; stream: how long one item is under way
  int64_t bps = 0;                         // meanwhile, on every link of the path
  Nanocredits price = 0;                   // stream: of the decision, per hour
  std::vector<LinkId> path;
  friend bool operator==(const PlannedTransfer&, const PlannedTransfer&) = default;
};

inline constexpr size_t kStagesMax = 10'000;
inline constexpr size_t kWorkflowEdgesMax = 100'000;
inline constexpr int64_t kWorkUsMax = 31'536'000'000'000;  // a year
inline constexpr int64_t kWorkflowBytesMax = int64_t{1} << 55;
inline constexpr int32_t kReplicasMax = 10'000;

// An edge as a file names it.
struct NamedEdge {
  std::string from, to;
};
// The rows of the stages that edges name, parallel to `edges`. kNotFound names the edge
// ("spec.edges[2].from") and the nearest name of a stage.
Result<std::vector<WorkflowEdge>> link_stages(std::span<const Stage> stages,
                                              std::span<const NamedEdge> edges);

// What no graph can make good: nothing to run, names that are empty or given twice, edges from or to nowhere,
// given twice or closing a cycle (which is named, "a -> b -> a"), negative or immense figures, what belongs
// to the other kind of workflow. Only the first is reported; Error::where is its path in the resource
// ("spec.stages[3].work"), for the reader of the file to add file and line.
Status check(const Workflow& workflow);

// Stages in an order in which every edge leads forward, lowest row first. Requires a workflow without a
// cycle.
std::vector<uint32_t> topological_order(const Workflow& workflow);

}  // namespace weir
