#pragma once

#include "core/ports/clock.h"

namespace weir::runtime {

// CLOCK_REALTIME and CLOCK_MONOTONIC.
class SystemClock : public Clock {
 public:
  TimeUs wall_us() override;
  TimeUs steady_us() override;
};

}  // namespace weir::runtime
