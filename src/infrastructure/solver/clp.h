#pragma once

#include <atomic>
#include <memory>

#include "core/ports/linear_program.h"

namespace weir {

// The simplex methods of CLP (COIN-OR), without presolve, so that every basis can be gone on from: the dual
// method after rows or bounds changed, the primal one after columns or costs did.
class ClpSolver : public LinearSolver {
 public:
  std::unique_ptr<LinearProgram> program() override;
  void cancel() override;

 private:
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace weir
