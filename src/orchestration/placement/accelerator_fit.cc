#include "orchestration/placement/accelerator_fit.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace weir {

bool valid(const AcceleratorTask& task) {
  if (task.cpu_milli < 0 || task.memory_mib < 0) return false;
  if (task.accelerators == 0) return task.accelerator_milli == 0;
  if (task.accelerators < 0 || task.accelerators > static_cast<int16_t>(kAcceleratorsPerNodeMax))
    return false;
  if (task.accelerator_milli < 1 || task.accelerator_milli > kAcceleratorMilli) return false;
  return task.accelerators == 1 || task.accelerator_milli == kAcceleratorMilli;
}

AcceleratorNode empty_node(int32_t cpu_milli, int32_t memory_mib, int32_t accelerators, uint8_t model) {
  AcceleratorNode node{cpu_milli, memory_mib, model, static_cast<uint8_t>(accelerators), {}};
  std::fill_n(node.free_milli.begin(), accelerators, static_cast<int16_t>(kAcceleratorMilli));
  return node;
}

int64_t free_milli(const AcceleratorNode& node) {
  int64_t sum = 0;
  for (size_t d = 0; d < node.accelerators; ++d) sum += node.free_milli[d];
  return sum;
}

int32_t whole_accelerators(const AcceleratorNode& node) {
  int32_t whole = 0;
  for (size_t d = 0; d < node.accelerators; ++d) whole += node.free_milli[d] == kAcceleratorMilli ? 1 : 0;
  return whole;
}

bool accelerators_fit(const AcceleratorNode& node, const AcceleratorTask& task) {
  int32_t missing = task.accelerators;
  for (size_t d = 0; d < node.accelerators && missing > 0; ++d) {
    if (node.free_milli[d] >= task.accelerator_milli) --missing;
  }
  return missing == 0;
}

bool fits(const AcceleratorNode& node, const AcceleratorTask& task) {
  return node.cpu_milli >= task.cpu_milli && node.memory_mib >= task.memory_mib && right_model(node, task) &&
         accelerators_fit(node, task);
}

AcceleratorMask tightest_devices(const AcceleratorNode& node, const AcceleratorTask& task) {
  if (task.shares()) {
    size_t best = node.accelerators;
    for (size_t d = 0; d < node.accelerators; ++d) {
      if (node.free_milli[d] < task.accelerator_milli) continue;
      if (best == node.accelerators || node.free_milli[d] < node.free_milli[best]) best = d;
    }
    return AcceleratorMask{1} << best;
  }
  AcceleratorMask devices = 0;
  int32_t missing = task.accelerators;
  for (size_t d = 0; d < node.accelerators && missing > 0; ++d) {
    if (node.free_milli[d] != kAcceleratorMilli) continue;
    devices |= AcceleratorMask{1} << d;
    --missing;
  }
  return devices;
}

AcceleratorNode without(const AcceleratorNode& node, const AcceleratorTask& task, AcceleratorMask devices) {
  AcceleratorNode left = node;
  left.cpu_milli -= task.cpu_milli;
  left.memory_mib -= task.memory_mib;
  for (AcceleratorMask rest = devices; rest != 0; rest &= rest - 1) {
    int16_t& free = left.free_milli[static_cast<size_t>(std::countr_zero(rest))];
    free = static_cast<int16_t>(free - task.accelerator_milli);
  }
  return left;
}

AcceleratorNode with_again(const AcceleratorNode& node, const AcceleratorTask& task, AcceleratorMask devices) {
  AcceleratorNode left = node;
  left.cpu_milli += task.cpu_milli;
  left.memory_mib += task.memory_mib;
  for (AcceleratorMask rest = devices; rest != 0; rest &= rest - 1) {
    int16_t& free = left.free_milli[static_cast<size_t>(std::countr_zero(rest))];
    free = static_cast<int16_t>(free + task.accelerator_milli);
  }
  return left;
}

AcceleratorNode canonical(const AcceleratorNode& node) {
  AcceleratorNode sorted = node;
  std::sort(sorted.free_milli.begin(), sorted.free_milli.begin() + sorted.accelerators, std::greater<>());
  return sorted;
}

std::optional<ModelSet> models_that_offer(std::span<const AcceleratorCapability> models,
                                          const AcceleratorCapability& wanted) {
  ModelSet set = 0;
  for (size_t m = 0; m < models.size() && m < kAcceleratorModelsMax; ++m) {
    if (models[m].fp16_gflops >= wanted.fp16_gflops && models[m].memory_mib >= wanted.memory_mib)
      set |= ModelSet{1} << m;
  }
  if (set == 0) return std::nullopt;
  return set;
}

}  // namespace weir
