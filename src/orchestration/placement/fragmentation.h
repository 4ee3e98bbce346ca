#pragma once

#include <cstdint>
#include <vector>

#include "orchestration/placement/accelerator_fit.h"
#include "orchestration/placement/task_mix.h"

namespace weir {

// Expected fragmentation (Weng et al., "Beware of Fragmentation", USENIX ATC'23, section 3.2): how much of
// what is free on a node a task drawn from the mix cannot use. All of it if the task takes no accelerator or
// does not fit; else what is free on the devices that have too little for it. The paper leaves memory out:
// its kinds of task have none here.
class Fragmentation {
 public:
  explicit Fragmentation(std::vector<TaskMix::Row> mix);

  // Milli-accelerators times weight(): the sum over the mix, exact. O(kinds · accelerators).
  int64_t of(const AcceleratorNode& node) const;
  // Sum of the counts of the mix.
  int64_t weight() const { return weight_; }

 private:
  std::vector<TaskMix::Row> mix_;  // those that take accelerators
  int64_t weight_ = 0;
  int64_t weight_without_ = 0;  // of tasks that take none
};

}  // namespace weir
