#include <map>
#include <set>

#include "simulation/auditor.h"

// What the instances of a job exchange with each other.
namespace weir::simulation {

bool Auditor::exchanges(const IntentSpec& spec) { return spec.from.empty() && spec.traffic.between_bps > 0; }

// Each instance is led to from every other site with a lesser number at which others are, with room for what the fewer of the
// two sites' instances may exchange, shared among those that are led to.
void Auditor::check_exchange(const Plan& plan, const Wish& wish) const {
  if (!exchanges(wish.spec)) return;
  std::map<SiteId, std::set<uint32_t>> at;
  for (uint32_t k = 0; k < plan.placements.size(); ++k) at[plan.placements[k].site].insert(k);
  std::map<std::pair<SiteId, uint32_t>, const Flow*> led;
  for (const Flow& flow : plan.flows) {
    if (!led.emplace(std::pair(flow.ingress, flow.placement), &flow).second) fail("what instances exchange is led twice");
  }
  for (auto lesser = at.begin(); lesser != at.end(); ++lesser) {
    for (auto greater = std::next(lesser); greater != at.end(); ++greater) {
      const auto there = static_cast<int64_t>(greater->second.size());
      const int64_t fewer = std::min(static_cast<int64_t>(lesser->second.size()), there);
      for (const uint32_t k : greater->second) {
        const auto flow = led.find({lesser->first, k});
        if (flow == led.end()) return fail("instances at two sites are not led to each other");
        const int64_t bps = fewer * wish.spec.traffic.between_bps / there;
        if (flow->second->up_bps != bps || flow->second->down_bps != bps) fail("what instances exchange is not what is reserved");
        led.erase(flow);
      }
    }
  }
  if (!led.empty()) fail("a flow between instances leads where none are");
}

}  // namespace weir::simulation
