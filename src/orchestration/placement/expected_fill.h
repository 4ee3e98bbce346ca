#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "orchestration/placement/accelerator_fit.h"
#include "orchestration/placement/task_mix.h"

namespace weir {

// How much of what is free on a node tasks of a mix will come to use, when the node is offered one after
// another and takes each that fits, on the fullest device with room: the value of the node. What a placement
// takes from it is what it really costs: CPU without which accelerators stand idle, memory, the last whole
// accelerators, a share that leaves nothing useful beside it. It looks past the next task, which
// Fragmentation does not.
//
// The expectation is the mean over fixed sequences of offers, the same for every node, so that two values
// differ by what differs in the nodes and not by luck; all integers. A node is offered a number of tasks in
// proportion to what is free on it, each kind as often as the mix counts it.
struct ExpectedFillParameters {
  int32_t sequences = 24;
  int32_t offers_per_accelerator = 20;
  int32_t cpu_step_milli = 500;  // CPU and memory are rounded down to these: more nodes are alike
  int32_t memory_step_mib = 1024;
  size_t remembered_max = size_t{1} << 20;  // values kept, about 80 bytes each
};

class ExpectedFill {
 public:
  explicit ExpectedFill(const std::vector<TaskMix::Row>& mix, ExpectedFillParameters parameters = {});

  // In milli-accelerators times scale(). 0 if the mix has no task with accelerators. What was asked before is
  // remembered; else O(sequences · offers), some microseconds.
  int64_t of(const AcceleratorNode& node);
  int64_t scale() const { return parameters_.sequences; }
  uint64_t computed() const { return computed_; }

 private:
  static constexpr size_t kLanes = 8;
  struct Block {  // offers side by side, to compare them at once
    std::array<int32_t, kLanes> cpu_milli, memory_mib, milli, whole;
    std::array<ModelSet, kLanes> models;
  };
  struct Hash {
    size_t operator()(const AcceleratorNode& node) const;
  };
  int64_t fill(const AcceleratorNode& node, const Block* sequence, size_t blocks) const;

  ExpectedFillParameters parameters_;
  std::vector<Block> blocks_;  // sequence by sequence
  size_t blocks_per_sequence_ = 0;
  int32_t cpu_milli_least_ = 0;  // of any offer
  bool models_matter_ = false;
  std::unordered_map<AcceleratorNode, int32_t, Hash> known_;
  uint64_t computed_ = 0;
};

}  // namespace weir
