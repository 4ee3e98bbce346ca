#include "core/loop/holdings.h"

#include <algorithm>
#include <iterator>

namespace weir {
namespace {

template <class Id>
void sort_unique(std::vector<Id>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

// Enters the intent where it is now and was not, and takes it out where it was and is not.
template <class Id>
void move(std::map<Id, std::set<IntentId>>& index, IntentId intent, const std::vector<Id>& was,
          const std::vector<Id>& is) {
  for (const Id id : is) {
    if (!std::binary_search(was.begin(), was.end(), id)) index[id].insert(intent);
  }
  for (const Id id : was) {
    if (std::binary_search(is.begin(), is.end(), id)) continue;
    const auto found = index.find(id);
    found->second.erase(intent);
    if (found->second.empty()) index.erase(found);
  }
}

void put(std::set<IntentId>& set, IntentId intent, bool in) {
  if (in) {
    set.insert(intent);
  } else {
    set.erase(intent);
  }
}

const std::set<IntentId> kNobody;
const std::vector<SiteId> kNowhere;

}  // namespace

void Holdings::follow(const Graph& graph, IntentId intent) {
  const IntentRow& row = graph.intent(intent);
  Held now;
  bool flows = false;
  const auto take = [&](const CommittedPlan& held) {
    flows = flows || !held.plan.flows.empty();
    for (const Placement& placement : held.plan.placements) now.sites.push_back(placement.site);
    for (const Flow& flow : held.plan.flows) {
      now.sites.push_back(flow.ingress);
      for (const auto* path : {&flow.path, &flow.protection}) {
        std::transform(path->begin(), path->end(), std::back_inserter(now.links), duplex);
      }
    }
  };
  if (row.active) take(*row.active);
  for (const auto& held : row.retiring) take(*held);
  sort_unique(now.sites);
  sort_unique(now.links);
  put(with_paths_, intent, !now.links.empty());
  put(with_flows_, intent, flows);
  put(retiring_, intent, !row.retiring.empty());

  const auto known = held_.find(intent);
  const Held was = known == held_.end() ? Held{} : std::move(known->second);
  move(at_, intent, was.sites, now.sites);
  move(over_, intent, was.links, now.links);
  if (!now.sites.empty()) {
    held_.insert_or_assign(intent, std::move(now));
  } else if (known != held_.end()) {
    held_.erase(known);
  }
}

const std::set<IntentId>& Holdings::at(SiteId site) const {
  const auto found = at_.find(site);
  return found == at_.end() ? kNobody : found->second;
}

const std::set<IntentId>& Holdings::over(LinkId link) const {
  const auto found = over_.find(duplex(link));
  return found == over_.end() ? kNobody : found->second;
}

const std::vector<SiteId>& Holdings::sites(IntentId intent) const {
  const auto found = held_.find(intent);
  return found == held_.end() ? kNowhere : found->second.sites;
}

}  // namespace weir
