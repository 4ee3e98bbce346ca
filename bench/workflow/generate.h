#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/graph/graph.h"
#include "orchestration/workflow/batch_problem.h"
#include "core/event/workflow.h"

namespace weir::bench {

// Draws that are the same everywhere.
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  // Uniform but for a bias below 2^-32.
  int64_t roll(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1));
  }
  template <class Value, size_t N>
  Value of(const Value (&values)[N]) {
    return values[static_cast<size_t>(roll(0, N - 1))];
  }

 private:
  uint64_t next();
  uint64_t state_;
};

// Tasks with a mean cost and arcs with a cost, both in thousandths of what their generator calls one.
struct TaskGraph {
  std::vector<int64_t> cost;
  std::vector<BatchProblem::Arc> arcs;  // bytes: relative cost of the transfer
};

// The random graph generator of Topcuoglu, Hariri and Wu (IEEE TPDS 13(3), 2002), section 5.1: `alpha` shapes
// the height, sqrt(v) / alpha on average, and the width of each level, sqrt(v) * alpha on average.
TaskGraph random_graph(Dice& dice, int tasks, int alpha_percent, int out_degree);
// Gaussian elimination of an m by m matrix: (m^2 + m - 2) / 2 tasks.
TaskGraph gaussian_elimination(int m);
// Fast Fourier transform of m points, a power of two: 2m - 1 recursive calls and m log2 m butterflies.
TaskGraph fourier_transform(int m);
// In the shape of an image mosaic: projections, differences of neighbours, a fit, corrections, one sum.
TaskGraph montage_like(Dice& dice, int images);
// In the shape of a genome pipeline: lanes that are split, worked on in four steps and merged.
TaskGraph epigenomics_like(Dice& dice, int lanes, int width);

// On so many machines of one core, each at a place of its own, all joined alike: run times are each task's
// cost give or take half of `beta`, transfers cost `ccr` times as much as runs on average.
BatchProblem problem_of(Dice& dice, const TaskGraph& graph, int machines, int ccr_percent, int beta_percent);

// Sites in a plane, each joined to its two nearest of a mesh of routers: cheap large ones far out, dear small
// ones elsewhere.
struct StreamRegion {
  Graph graph;
};
StreamRegion stream_region(Dice& dice, int sites, int routers);

enum class StreamShape { kChain, kTree, kDag };
// Cameras (sources) and an archive pinned to random sites, stages in between that thin out what flows.
Workflow random_stream(Dice& dice, const Graph& graph, StreamShape shape, int stages);

}  // namespace weir::bench
