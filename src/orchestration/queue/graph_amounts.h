#pragma once

#include <set>
#include <vector>

#include "core/event/types.h"
#include "orchestration/queue/amount.h"

namespace weir::queue {

inline Amount amount_of(const Quota& quota) {
  return {quota.cpu_milli, quota.memory_mib, quota.accelerators * kDeviceMilli};
}
inline Amount amount_of(const Workload& workload) {
  return {workload.cpu_milli, workload.memory_mib, device_milli(workload)};
}
inline Amount amount_of(const Placement& placement) {
  return {placement.cpu_milli, placement.memory_mib, device_milli(placement)};
}

// Of its instances, each once, in order.
inline std::vector<SiteId> sites_of(const Plan& plan) {
  std::set<SiteId> sites;
  for (const Placement& p : plan.placements) sites.insert(p.site);
  return {sites.begin(), sites.end()};
}

}  // namespace weir::queue
