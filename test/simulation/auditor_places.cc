#include <algorithm>

#include "simulation/auditor.h"

// What wishes say of different places, of one another, of data and of taints.
namespace weir::simulation {

std::string Auditor::domain_of(SiteId site) const {
  const Site& at = sites_[site.index()];
  return at.failure_domain.empty() ? "site " + at.name : "domain " + at.failure_domain;
}

void Auditor::check_different(const Plan& plan, const Wish& wish) const {
  std::set<std::string> sites, regions, domains;
  for (const Placement& p : plan.placements) {
    const Site& at = sites_[p.site.index()];
    sites.insert(at.name);
    regions.insert(at.region.empty() ? "site " + at.name : "region " + at.region);
    domains.insert(domain_of(p.site));
  }
  const Where& where = wish.spec.where;
  if (std::ssize(sites) < where.sites_min) fail("too few sites");
  if (std::ssize(regions) < where.regions_min) fail("too few regions");
  if (std::ssize(domains) < where.failure_domains_min) fail("too few failure domains");
  const int64_t asked =
      std::max({1, where.sites_min, where.regions_min, where.failure_domains_min, wish.spec.schedule.instances});
  if (wish.spec.from.empty() && std::ssize(plan.placements) != asked) fail("another number of instances than asked for");
}

bool Auditor::stands(IntentId intent, SiteId site) const {
  if (intent.index() >= wishes_.size()) return false;
  const Wish& other = wishes_[intent.index()];
  const auto active = other.held.find(other.active);
  if (other.withdrawn || active == other.held.end()) return false;
  for (size_t i = 0; i < active->second.plan.placements.size(); ++i) {
    if (active->second.plan.placements[i].site != site) continue;
    const auto run = runs_.find(active->second.run(i));
    if (run == runs_.end() || !has_ended(run->second.state)) return true;
  }
  return false;
}

void Auditor::check_place(const Placement& placement, const Wish& wish) const {
  const Where& where = wish.spec.where;
  const Site& site = sites_[placement.site.index()];
  for (const std::string& taint : site.taints) {
    if (std::find(where.tolerates.begin(), where.tolerates.end(), taint) == where.tolerates.end()) {
      fail("a run is placed at " + site.name + ", whose taint it does not tolerate");
    }
  }
  if (nodes_[placement.node.index()].speed < wish.spec.workload.speed_milli_min) {
    fail("a run is placed on a slower node than asked for");
  }
  for (const DatasetId data : wish.spec.data) {
    if (where.at_data && !data_at_[data.index()].contains(placement.site)) fail("a run is placed where its data does not lie");
  }
  for (const IntentId other : where.near) {
    if (!stands(other, placement.site)) fail("a run is placed where no instance stands of an intent that it is to be near");
  }
  for (const IntentId other : where.apart_from) {
    if (stands(other, placement.site)) fail("a run is placed beside an intent that it is to be apart from");
  }
}

}  // namespace weir::simulation
