#include "orchestration/placement/fragmentation.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace weir {

Fragmentation::Fragmentation(std::vector<TaskMix::Row> mix) : mix_(std::move(mix)) {
  for (const TaskMix::Row& row : mix_) {
    weight_ += row.count;
    if (row.task.accelerators == 0) weight_without_ += row.count;
  }
  std::erase_if(mix_, [](const TaskMix::Row& row) { return row.task.accelerators == 0; });
}

int64_t Fragmentation::of(const AcceleratorNode& node) const {
  const AcceleratorNode sorted = canonical(node);
  // lost[n]: what is free on all devices past the n with most.
  std::array<int64_t, kAcceleratorsPerNodeMax + 1> lost{};
  for (size_t d = node.accelerators; d-- > 0;) lost[d] = lost[d + 1] + sorted.free_milli[d];
  const int64_t total = lost[0];
  if (total == 0) return 0;
  int64_t sum = weight_without_ * total;
  for (const auto& [task, count] : mix_) {
    if (node.cpu_milli < task.cpu_milli || node.memory_mib < task.memory_mib || !right_model(node, task)) {
      sum += count * total;
      continue;
    }
    size_t with_room = 0;
    while (with_room < node.accelerators && sorted.free_milli[with_room] >= task.accelerator_milli)
      ++with_room;
    sum += count * (with_room >= static_cast<size_t>(task.accelerators) ? lost[with_room] : total);
  }
  return sum;
}

}  // namespace weir
