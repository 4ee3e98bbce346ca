#pragma once

#include "core/event/types.h"

namespace weir {

// The loop's two clocks. Wall time goes into events; steady time never steps and measures silence, leases
// and waiting.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimeUs wall_us() = 0;
  virtual TimeUs steady_us() = 0;
};

}  // namespace weir
