#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "orchestration/placement/accelerator_fit.h"

namespace weir {

// How often each kind of task comes: what was seen so far, what is known, or what is forecast.
class TaskMix {
 public:
  struct Row {
    AcceleratorTask task;
    int64_t count = 0;
  };

  void add(const AcceleratorTask& task, int64_t count = 1);
  // Ascending by task, so that equal mixes are equal whatever the order in which they were added.
  std::vector<Row> rows() const;
  int64_t count() const { return count_; }

 private:
  std::map<AcceleratorTask, int64_t> counts_;
  int64_t count_ = 0;
};

// The most frequent kinds, most first (of equals that with more CPU, share, accelerators), until they make up
// `percent` of all tasks: the "typical" tasks of FGD. The kinds leave memory out, as the paper does: rows
// that differ by memory are summed, and have none.
std::vector<TaskMix::Row> typical_tasks(const TaskMix& mix, int percent);

}  // namespace weir
