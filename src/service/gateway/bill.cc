#include "service/gateway/bill.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace weir::gateway {
namespace {

constexpr uint64_t kHourUs = 3'600'000'000;

}  // namespace

Nanocredits line_amount(unsigned __int128 quantity, Nanocredits price, uint64_t divisor) {
  constexpr auto kMax = static_cast<unsigned __int128>(std::numeric_limits<Nanocredits>::max());
  const auto p = static_cast<unsigned __int128>(price);
  const unsigned __int128 whole = quantity / divisor;
  if (p != 0 && whole > kMax / p) return std::numeric_limits<Nanocredits>::max();
  const unsigned __int128 rest = (quantity % divisor) * p;
  const unsigned __int128 amount = whole * p + (rest + divisor / 2) / divisor;
  return amount > kMax ? std::numeric_limits<Nanocredits>::max() : static_cast<Nanocredits>(amount);
}

void Billing::take(Position position, const Event& event) {
  next_ = position + 1;
  if (const auto* committed = std::get_if<PlanCommitted>(&event.body)) {
    const Plan& plan = committed->plan;
    for (size_t i = 0; i < plan.placements.size(); ++i) {
      const Placement& placement = plan.placements[i];
      Term term{.since = event.at, .plan = position, .intent = plan.intent, .placement = placement};
      for (const Flow& flow : plan.flows) {
        if (flow.placement == i) term.path_per_hour += flow.path_per_hour;
      }
      const RunId run = placement.continues.valid() ? placement.continues : RunId{position, static_cast<uint32_t>(i)};
      uses_[run].terms.push_back(std::move(term));
    }
  } else if (const auto* usage = std::get_if<UsageReported>(&event.body)) {
    const auto it = uses_.find(usage->run);
    if (it == uses_.end() || usage->to <= usage->from) return;
    // Reports of a run do not overlap; what a faulty agent repeats is counted once.
    std::vector<Window>& windows = it->second.windows;
    const TimeUs from = windows.empty() ? usage->from : std::max(usage->from, windows.back().to);
    if (usage->to <= from) return;
    if (!windows.empty() && windows.back().to == from) {
      windows.back().to = usage->to;
    } else {
      windows.push_back({from, usage->to});
    }
  }
}

std::vector<BillLine> Billing::lines(TimeUs from, TimeUs to) const {
  enum Item { kCore, kMemory, kAccelerator, kNetwork };
  static constexpr const char* kItems[] = {"core", "memory", "accelerator", "network"};
  static constexpr const char* kUnits[] = {"core-hour", "GiB-hour", "accelerator-hour", "path-hour"};
  static constexpr uint64_t kPerUnit[] = {1000, 1024, 1, 1};
  using Key = std::tuple<IntentId, Position, SiteId, int, Nanocredits>;
  std::map<Key, unsigned __int128> sums;  // unit of the resource, times microseconds
  for (const auto& [run, use] : uses_) {
    for (const Window& window : use.windows) {
      for (size_t t = 0; t < use.terms.size(); ++t) {
        const Term& term = use.terms[t];
        const TimeUs begin = std::max({window.from, from, t == 0 ? TimeUs{0} : term.since});
        const TimeUs end = std::min({window.to, to, t + 1 < use.terms.size() ? use.terms[t + 1].since : to});
        if (end <= begin) continue;
        const auto time = static_cast<unsigned __int128>(end - begin);
        const Placement& p = term.placement;
        const auto add = [&](Item item, int64_t amount, Nanocredits price) {
          if (amount > 0) sums[{term.intent, term.plan, p.site, item, price}] += time * static_cast<uint64_t>(amount);
        };
        add(kCore, p.cpu_milli, p.asks.per_core_hour);
        add(kMemory, p.memory_mib, p.asks.per_gib_hour);
        add(kAccelerator, p.accelerators, p.asks.per_accelerator_hour);
        if (term.path_per_hour > 0) add(kNetwork, 1, term.path_per_hour);
      }
    }
  }
  std::vector<BillLine> out;
  for (const auto& [key, sum] : sums) {
    const auto& [intent, plan, site, item, price] = key;
    const uint64_t divisor = kPerUnit[item] * kHourUs;
    out.push_back({.intent = intent,
                   .site = site,
                   .item = kItems[item],
                   .unit = kUnits[item],
                   .quantity_milli = line_amount(sum, 1000, divisor),
                   .price = price,
                   .amount = line_amount(sum, price, divisor),
                   .plan = plan});
  }
  return out;
}

}  // namespace weir::gateway
