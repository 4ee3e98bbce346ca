#pragma once

#include "core/event/types.h"

namespace weir {

// Whether time, or others that end, may heal what is named first; whatever else is wrong stays wrong until something is changed.
// `hourly`: sites ask for more or less by the hour.
inline bool may_ease(const Refusal& refusal, bool hourly) {
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
    case ReasonCode::kBudget:
      return hourly;
    default:
      return false;
  }
}

}  // namespace weir
