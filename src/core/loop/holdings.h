#pragma once

#include <map>
#include <set>
#include <vector>

#include "core/graph/graph.h"

namespace weir {

// Which intents hold something at a site or on a link by their plans, active or retiring: what has to be
// looked at when something happens there, so that a turn costs what has changed and not what there is. For
// one graph that moves on.
class Holdings {
 public:
  // Requires to be called after every event that gives the intent a plan or takes one from it.
  // O(size of its plans * log intents).
  void follow(const Graph& graph, IntentId intent);

  // Those with a run at the site, or traffic that begins there.
  const std::set<IntentId>& at(SiteId site) const;
  // Those with a working or protection path over the duplex link (either direction may be given).
  const std::set<IntentId>& over(LinkId link) const;
  // Those with a path over any link.
  const std::set<IntentId>& with_paths() const { return with_paths_; }
  // Those with traffic, be it within one site.
  const std::set<IntentId>& with_flows() const { return with_flows_; }
  // Those with a plan that retires.
  const std::set<IntentId>& retiring() const { return retiring_; }
  // Sites of the intent's plans, sorted.
  const std::vector<SiteId>& sites(IntentId intent) const;

 private:
  struct Held {
    std::vector<SiteId> sites;  // sorted
    std::vector<LinkId> links;  // even, sorted
  };

  std::map<IntentId, Held> held_;
  std::map<SiteId, std::set<IntentId>> at_;
  std::map<LinkId, std::set<IntentId>> over_;
  std::set<IntentId> with_paths_, with_flows_, retiring_;
};

}  // namespace weir
