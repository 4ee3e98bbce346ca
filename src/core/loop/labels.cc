#include "core/loop/labels.h"

#include "core/loop/desired.h"

#include <map>
#include <set>

namespace weir {
namespace {

constexpr uint32_t kLabelMin = 256;  // routing tables 253 to 255 belong to the system
constexpr uint32_t kLabels = 65'535 - kExploratoryLabels - kLabelMin + 1;

}  // namespace

Status give_labels(const Graph& head, Plan& plan) {
  std::set<IntentId> all;
  for (size_t i = 0; i < head.intent_count(); ++i) all.insert(all.end(), IntentId(i));
  return give_labels(head, plan, all);
}

Status give_labels(const Graph& head, Plan& plan, const std::set<IntentId>& holders) {
  std::map<SiteId, std::set<uint16_t>> used;
  for (const Flow& flow : plan.flows) {
    used[flow.ingress];
    used[plan.placements[flow.placement].site];
  }
  const auto note = [&used](const CommittedPlan& held) {
    for (const Flow& flow : held.plan.flows) {
      for (const SiteId end : {flow.ingress, held.plan.placements[flow.placement].site}) {
        const auto found = used.find(end);
        if (found == used.end()) continue;
        found->second.insert(flow.label_working);
        found->second.insert(flow.label_protection);
      }
    }
  };
  for (const IntentId holder : holders) {
    const IntentRow& row = head.intent(holder);
    if (row.active) note(*row.active);
    for (const auto& held : row.retiring) note(*held);
  }
  const auto give = [&used, &head](SiteId a, SiteId b, uint16_t& label) {
    for (uint32_t step = 0; step < kLabels; ++step) {
      const auto value = static_cast<uint16_t>(kLabelMin + (head.version() + step) % kLabels);
      if (used[a].count(value) || used[b].count(value)) continue;
      used[a].insert(value);
      used[b].insert(value);
      label = value;
      return true;
    }
    return false;
  };
  const auto& active = head.intent(plan.intent).active;
  for (Flow& flow : plan.flows) {
    flow.label_working = flow.label_protection = 0;
    const Placement& placement = plan.placements[flow.placement];
    if (active && placement.continues.valid()) {
      for (const Flow& old : active->plan.flows) {
        if (active->run(old.placement) != placement.continues || old.ingress != flow.ingress) continue;
        if (old.path == flow.path) flow.label_working = old.label_working;
        if (old.protection == flow.protection) flow.label_protection = old.label_protection;
      }
    }
    if ((!flow.path.empty() && flow.label_working == 0 && !give(flow.ingress, placement.site, flow.label_working)) ||
        (!flow.protection.empty() && flow.label_protection == 0 &&
         !give(flow.ingress, placement.site, flow.label_protection))) {
      return fail(ErrorCode::kExhausted, "no path label is free", "site " + head.site_name(flow.ingress));
    }
    if (flow.path.empty()) flow.label_working = 0;
    if (flow.protection.empty()) flow.label_protection = 0;
  }
  return {};
}

}  // namespace weir
