#include "orchestration/placement/task_mix.h"

#include <algorithm>
#include <tuple>

namespace weir {

void TaskMix::add(const AcceleratorTask& task, int64_t count) {
  counts_[task] += count;
  count_ += count;
}

std::vector<TaskMix::Row> TaskMix::rows() const {
  std::vector<Row> rows;
  rows.reserve(counts_.size());
  for (const auto& [task, count] : counts_) rows.push_back({task, count});
  return rows;
}

std::vector<TaskMix::Row> typical_tasks(const TaskMix& mix, int percent) {
  TaskMix without_memory;
  for (TaskMix::Row row : mix.rows()) {
    row.task.memory_mib = 0;
    without_memory.add(row.task, row.count);
  }
  std::vector<TaskMix::Row> rows = without_memory.rows();
  const auto key = [](const TaskMix::Row& row) {
    return std::tuple(row.count, row.task.cpu_milli, row.task.accelerator_milli, row.task.accelerators,
                      row.task.models);
  };
  std::sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) { return key(a) > key(b); });
  size_t kept = 0;
  for (int64_t sum = 0; kept < rows.size() && sum * 100 < mix.count() * percent; ++kept)
    sum += rows[kept].count;
  rows.resize(kept);
  return rows;
}

}  // namespace weir
