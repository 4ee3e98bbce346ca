#pragma once

#include "core/event/types.h"
#include "orchestration/queue/amount.h"

namespace weir::queue {

inline Amount amount_of(const Quota& quota) {
  return {quota.cpu_milli, quota.memory_mib, quota.accelerators * kDeviceMilli};
}
inline Amount amount_of(const Placement& placement) {
  return {placement.cpu_milli, placement.memory_mib, device_milli(placement)};
}

}  // namespace weir::queue
