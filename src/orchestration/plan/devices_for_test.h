#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/graph/graph.h"
#include "core/units/dice.h"

// Accelerators of small random worlds, what is asked of them, and who holds some already.
namespace weir {

// What is asked for and offered beside CPU and memory.
enum class Devices { kNone, kShares, kWhole, kAble, kLinked, kSliced };

inline void put_devices(NodeSpec& node, Devices devices, Dice& dice) {
  node.accelerators = static_cast<int16_t>(std::max<int64_t>(0, dice.roll(-1, 4)));
  if (node.accelerators == 0) return;
  node.accelerator_model = dice.roll(0, 3) > 0 ? "a" : "b";
  node.accelerator_memory_mib = static_cast<int32_t>(dice.roll(0, 2) * 1000);
  node.accelerator_fp16_gflops = dice.roll(0, 2) * 100'000;
  if (devices == Devices::kLinked) {
    node.accelerators = static_cast<int16_t>(node.accelerators + dice.roll(0, 3));
    node.accelerators_per_island = static_cast<int16_t>(dice.roll(0, 4));
  }
  if (devices == Devices::kSliced) node.accelerator_slices = 7;
}

inline void ask_for_devices(Workload& work, Devices devices, Dice& dice) {
  work.accelerators = 1;
  if (dice.roll(0, 2) == 0) work.accelerator_model = "a";
  if (devices == Devices::kShares || devices == Devices::kSliced) {
    work.accelerator_milli = static_cast<int32_t>(dice.roll(2, 7) * 100);
    if (dice.roll(0, 2) == 0) work.accelerator_memory_mib = static_cast<int32_t>(dice.roll(1, 7) * 200);
  } else {
    work.accelerators = static_cast<int16_t>(dice.roll(1, 2));
  }
  if (devices == Devices::kLinked) {
    work.accelerators = static_cast<int16_t>(dice.roll(2, 3));
    work.accelerators_linked = dice.roll(0, 3) > 0;
  }
  if (devices == Devices::kAble) {
    work.accelerator_fp16_gflops_min = dice.roll(0, 2) * 100'000;
    work.accelerator_memory_mib = static_cast<int32_t>(dice.roll(0, 2) * 1000);
  }
}

// Others that hold parts of devices, so that few are whole.
inline void hold_devices(Graph& graph, Dice& dice) {
  for (size_t n = 0; n < graph.node_count(); ++n) {
    const NodeRow& row = graph.node(NodeId(n));
    for (int d = 0; d < row.accelerators; ++d) {
      if (dice.roll(0, 2) > 0) continue;
      const auto part = static_cast<int32_t>(dice.roll(1, 9) * 100);
      const int32_t slices = graph.devices(row).slices;
      const int32_t milli = slices > 0 ? sliced_milli(std::min(part, 800), slices) : part;
      const IntentId other(graph.intent_count());
      IntentSpec spec{.name = "other" + std::to_string(other.value)};
      spec.workload.accelerators = 1;
      spec.workload.accelerator_milli = milli;
      ASSERT_TRUE(graph.apply({1, "t", IntentSubmitted{other, TenantId(0u), 1, spec}}).effect);
      Plan plan{.intent = other, .generation = 1};
      plan.placements.push_back({.site = row.site,
                                 .node = NodeId(n),
                                 .accelerators = 1,
                                 .continues = {},
                                 .accelerator_milli = milli,
                                 .accelerator_memory_mib = graph.devices(row).memory_mib * milli / 1000,
                                 .devices = DeviceMask{1} << d});
      ASSERT_TRUE(graph.apply({1, "t", PlanCommitted{plan}}).effect);
    }
  }
}

}  // namespace weir
