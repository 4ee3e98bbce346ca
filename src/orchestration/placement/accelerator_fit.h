#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>

namespace weir {

// Whether a task fits on a node, and on which of its accelerators, where accelerators can be shared: a node
// has free CPU, memory and, of each accelerator, free thousandths.

inline constexpr int32_t kAcceleratorMilli = 1000;
inline constexpr size_t kAcceleratorsPerNodeMax = 16;
inline constexpr size_t kAcceleratorModelsMax = 64;

// Models by number, 0 to 63: bit m stands for model m.
using ModelSet = uint64_t;

// Accelerators of one node: bit d stands for device d.
using AcceleratorMask = uint32_t;

struct AcceleratorTask {
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  int16_t accelerators = 0;       // 0 to kAcceleratorsPerNodeMax
  int16_t accelerator_milli = 0;  // of each: 1000, or 1 to 999 where `accelerators` is 1; 0 where it is 0
  ModelSet models = 0;            // any of these will do; 0: any at all

  int64_t total_milli() const { return int64_t{accelerators} * accelerator_milli; }
  bool shares() const { return accelerators == 1 && accelerator_milli < kAcceleratorMilli; }
  friend auto operator<=>(const AcceleratorTask&, const AcceleratorTask&) = default;
};

// Whether the task keeps to the ranges above.
bool valid(const AcceleratorTask& task);

// What is free on a node.
struct AcceleratorNode {
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  uint8_t model = 0;                                          // 0 to 63
  uint8_t accelerators = 0;                                   // 0 to kAcceleratorsPerNodeMax
  std::array<int16_t, kAcceleratorsPerNodeMax> free_milli{};  // of each device, 0 to 1000; 0 past the last

  friend auto operator<=>(const AcceleratorNode&, const AcceleratorNode&) = default;
};

// A node with nothing on it.
AcceleratorNode empty_node(int32_t cpu_milli, int32_t memory_mib, int32_t accelerators, uint8_t model);

// Of all its accelerators.
int64_t free_milli(const AcceleratorNode& node);

// Accelerators with nothing on them.
int32_t whole_accelerators(const AcceleratorNode& node);

// Whether the task may use the node's model.
inline bool right_model(const AcceleratorNode& node, const AcceleratorTask& task) {
  return task.models == 0 || (task.models >> node.model & 1) != 0;
}

// Whether the accelerators alone would do, models aside.
bool accelerators_fit(const AcceleratorNode& node, const AcceleratorTask& task);

bool fits(const AcceleratorNode& node, const AcceleratorTask& task);

// The devices that a task takes by best fit: the fullest that still has room for a share, the lowest of
// equals; the lowest whole ones otherwise. Requires that the task fits. 0 for a task without accelerators.
AcceleratorMask tightest_devices(const AcceleratorNode& node, const AcceleratorTask& task);

// What is left when the task runs on these devices, or what is free again when it has ended. Require that
// `devices` names as many as the task takes, with room, or with that much taken.
AcceleratorNode without(const AcceleratorNode& node, const AcceleratorTask& task, AcceleratorMask devices);
AcceleratorNode with_again(const AcceleratorNode& node, const AcceleratorTask& task, AcceleratorMask devices);

// The same node with its devices in order of free share, most first: nodes that differ by the order of their
// devices only are one state.
AcceleratorNode canonical(const AcceleratorNode& node);

// What a model of accelerator offers, or a task asks for in place of naming models: half-precision arithmetic
// and device memory.
struct AcceleratorCapability {
  int64_t fp16_gflops = 0;
  int64_t memory_mib = 0;
};

// The models that offer at least that much, by their place in the table (at most kAcceleratorModelsMax rows;
// later ones are not considered); nothing if none does.
std::optional<ModelSet> models_that_offer(std::span<const AcceleratorCapability> models,
                                          const AcceleratorCapability& wanted);

}  // namespace weir
