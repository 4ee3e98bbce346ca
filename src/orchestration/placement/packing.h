#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "core/result/result.h"
#include "orchestration/placement/accelerator_fit.h"
#include "orchestration/placement/expected_fill.h"
#include "orchestration/placement/task_mix.h"

namespace weir {

// A node as a policy of packing sees it.
struct PackingNode {
  AcceleratorNode free;
  uint32_t kinds = 0;  // of the tasks that run on it: bit 0 a share of an accelerator, bit n n whole ones

  friend auto operator<=>(const PackingNode&, const PackingNode&) = default;
};
uint32_t kind_of(const AcceleratorTask& task);  // one bit; 0 for a task without accelerators

struct PackingOffer {
  int64_t loss = 0;        // the node with the least gets the task
  AcceleratorMask devices = 0;  // those that the task takes; of more than these, any
  friend bool operator==(const PackingOffer&, const PackingOffer&) = default;
};

// Which node, and which of its accelerators, is best for a task. Equal nodes and tasks get equal offers until
// arrived() says otherwise.
class PackingPolicy {
 public:
  virtual ~PackingPolicy() = default;
  virtual std::string_view name() const = 0;
  // Requires that the task fits.
  virtual PackingOffer rate(const PackingNode& node, const AcceleratorTask& task) = 0;
  // Whether rate() depends on PackingNode::kinds, and on the order of devices.
  virtual bool sees_kinds() const { return false; }
  virtual bool sees_device_order() const { return false; }
  // A task has come, and is about to be placed. True: what rate() said of any node holds no longer.
  virtual bool arrived(const AcceleratorTask&) { return false; }
  // Whether the task is better turned away, though it fits.
  virtual bool refuses(const AcceleratorTask&, const PackingOffer&) const { return false; }
};

struct PackingParameters {
  // Tasks that are expected. Without, "weir" learns what comes from the tasks placed so far and "fgd" takes
  // none.
  std::optional<TaskMix> mix;
  ExpectedFillParameters fill;
  // "weir" turns away a task whose node would lose that much more of its expected fill than the task brings.
  // Nothing: never turn away what fits.
  std::optional<int64_t> refuse_above_milli;
};

// Names of policies: "random", "dot-product" (Tetris), "gpu-clustering" (Gandiva), "gpu-packing", "best-fit",
// "fgd": the baselines of the FGD paper as its authors' simulator computes them, with scores of whole numbers
// from 0 to 100; and "weir": the least loss of expected fill, then the least free.
std::span<const std::string_view> packing_policies();
Result<std::unique_ptr<PackingPolicy>> make_packing_policy(std::string_view name,
                                                           PackingParameters parameters = {});

}  // namespace weir
