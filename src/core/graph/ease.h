#pragma once

#include "core/event/types.h"

namespace weir {

// Whether time, or others that end, may heal what is named first; whatever else is wrong stays wrong until something is changed.
inline bool may_ease(const Refusal& refusal) {
  if (refusal.reasons.empty()) return true;
  switch (refusal.reasons.front().code) {
    case ReasonCode::kCpu:
    case ReasonCode::kMemory:
    case ReasonCode::kAccelerators:
    case ReasonCode::kAcceleratorShare:
    case ReasonCode::kAcceleratorMemory:
    case ReasonCode::kAcceleratorsLinked:
    case ReasonCode::kRack:
    case ReasonCode::kBandwidth:
    case ReasonCode::kAffinity:
    case ReasonCode::kAntiAffinity:
    case ReasonCode::kSearchBudget:
    case ReasonCode::kRestarting:
      return true;
    default:
      return false;
  }
}

}  // namespace weir
