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
  std::set<std::string> racks;
  for (const Placement& p : plan.placements) {
    const std::string& rack = nodes_[p.node.index()].rack;
    racks.insert(std::to_string(p.site.value) + (rack.empty() ? " node " + std::to_string(p.node.value) : " rack " + rack));
  }
  if (where.same_rack && racks.size() > 1) fail("an intent that is to be in one rack is in several");
  if (std::ssize(sites) < where.sites_min) fail("too few sites");
  if (std::ssize(regions) < where.regions_min) fail("too few regions");
  if (std::ssize(domains) < where.failure_domains_min) fail("too few failure domains");
  const int64_t asked =
      std::max({1, where.sites_min, where.regions_min, where.failure_domains_min, wish.to_have});
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

void Auditor::check_placements(const Plan& plan, const Wish& wish) {
  const Workload& need = wish.spec.workload;
  const auto names = [](const std::vector<SiteId>& sites, SiteId id) {
    return std::find(sites.begin(), sites.end(), id) != sites.end();
  };
  check_different(plan, wish);
  for (const Placement& p : plan.placements) {
    const Site& site = sites_[p.site.index()];
    if (p.cpu_milli != need.cpu_milli || p.memory_mib != need.memory_mib || p.accelerators != need.accelerators ||
        !is_share(nodes_[p.node.index()], p, need)) {
      fail("an instance has other resources than asked for");
    }
    if (p.best_effort != need.best_effort) fail("an instance is of another class than asked for");
    if (p.streams > need.streams_per_instance) fail("an instance carries too many streams");
    if (!wish.spec.from.empty() && p.streams <= 0) fail("an instance is paid for and carries nothing");
    if (names(wish.spec.where.not_at, p.site) || (!wish.spec.where.only.empty() && !names(wish.spec.where.only, p.site))) {
      fail("an instance at a forbidden site");
    }
    std::vector<std::string> labels = wish.spec.where.residency;
    for (const DatasetId id : wish.spec.data) {
      if (id.index() >= datasets_.size()) return fail("an unknown data set");
      labels.insert(labels.end(), datasets_[id.index()].begin(), datasets_[id.index()].end());
    }
    for (const std::string& label : labels) {
      if (std::find(site.residency.begin(), site.residency.end(), label) == site.residency.end()) {
        fail("an instance at " + site.name + " without residency " + label);
      }
    }
  }
  if (plan.placements.empty()) fail("a plan without instances");
}

}  // namespace weir::simulation
