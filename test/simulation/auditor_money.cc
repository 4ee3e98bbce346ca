#include <algorithm>
#include <string>

#include "simulation/auditor.h"

// What is owed for what was used, from the ledger alone.
namespace weir::simulation {

Auditor::Owed Auditor::owed() const {
  Owed out;
  for (const auto& [run, billed] : billed_) {
    for (const auto& [from, to] : billed.windows) {
      for (const Billed::Term& term : billed.terms) {
        const TimeUs time = std::min(to, term.to) - std::max(from, term.from);
        if (time <= 0) continue;
        const Placement& p = billed.placement;
        const auto add = [&](const char* item, int64_t reserved, Nanocredits price) {
          if (reserved == 0) return;
          out[{billed.tenant.substr(billed.tenant.find('/') + 1), billed.task ? 0 : term.plan,
               billed.provider.substr(billed.provider.find('/') + 1), item, price}] +=
              static_cast<unsigned __int128>(time) * static_cast<uint64_t>(reserved);
        };
        add("core", p.cpu_milli, p.asks.per_core_hour);
        add("memory", p.memory_mib, p.asks.per_gib_hour);
        add("accelerator", device_milli(p), p.asks.per_accelerator_hour);
        add("network", term.path_per_hour > 0 ? 1 : 0, term.path_per_hour);
      }
    }
  }
  return out;
}

TimeUs Auditor::billed_us(RunId run) const {
  const auto found = billed_.find(run);
  return found == billed_.end() ? 0 : found->second.total;
}

}  // namespace weir::simulation
