#pragma once

#include <rapidcheck.h>

#include "orchestration/placement/accelerator_fit.h"

// Small nodes and tasks, on which most tasks nearly fit.
namespace weir {

inline rc::Gen<AcceleratorTask> any_task() {
  return rc::gen::apply(
      [](int cpu, int memory, int kind, int milli, ModelSet models) {
        AcceleratorTask task{cpu * 1000, memory * 1024, 0, 0, models};
        if (kind > 0) task.accelerators = kind > 4 ? int16_t{1} : static_cast<int16_t>(kind);
        if (kind > 0) task.accelerator_milli = kind > 4 ? static_cast<int16_t>(milli * 10) : int16_t{1000};
        return task;
      },
      rc::gen::inRange(0, 8), rc::gen::inRange(0, 8), rc::gen::inRange(0, 10), rc::gen::inRange(1, 100),
      rc::gen::element<ModelSet>(0, 0, 0, 1, 2, 3));
}

inline rc::Gen<AcceleratorNode> any_node() {
  return rc::gen::apply(
      [](int cpu, int memory, int accelerators, int model, std::vector<int> free) {
        AcceleratorNode node =
            empty_node(cpu * 1000, memory * 1024, accelerators, static_cast<uint8_t>(model));
        for (size_t d = 0; d < node.accelerators; ++d)
          node.free_milli[d] = static_cast<int16_t>(free[d] > 100 ? 1000 : free[d] * 10);
        return node;
      },
      rc::gen::inRange(0, 16), rc::gen::inRange(0, 16), rc::gen::inRange(0, 5), rc::gen::inRange(0, 2),
      rc::gen::container<std::vector<int>>(4, rc::gen::inRange(0, 200)));
}

}  // namespace weir
