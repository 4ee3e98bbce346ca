#pragma once

#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "orchestration/plan/solver.h"

namespace weir {

// What the instances of a job exchange with each other (Traffic::between_bps), where they are at more than one site: paths
// with that much room between each two of its sites, and the sites for which that is cheapest.
class Exchange {
 public:
  // Of an intent's row, as this wish, with paths that go on as those of its active plan. All outlive it.
  Exchange(const Graph& graph, const IntentRow& row, const IntentSpec& spec, const FlowTerm& term);

  using Counts = std::map<SiteId, int32_t>;  // instances, at least one each
  struct Ways {
    std::map<std::pair<SiteId, SiteId>, std::vector<LinkId>> paths;  // from the lesser identifier
    Nanocredits price = 0, billed = 0;  // by the hour
  };
  // The cheapest path for each two sites, one after another beside those before. Else the two that have none, `needed` and
  // `available` in bit/s.
  std::variant<Ways, Reason> ways(const Counts& instances);

  struct Gathered {
    Solution solution;                   // its price with that of the ways
    Ways ways;
  };
  // The instances of the solution with the ways between them and those that are kept, where that is as cheap as they are
  // without; else the cheapest of that and of what is found from each of kSeeds sites, to which others are added while there is
  // room between them. Exact if it costs no more than the bound of the solution, which knows of no ways. Else why there
  // are no ways for the solution. O(kSeeds^2) path searches for each site that is added.
  static constexpr size_t kSeeds = 16;
  std::variant<Gathered, Reason> gather(Candidates& candidates, const Whole& whole, const std::vector<Placement>& kept,
                                        const Solution& solution);

  // Flows for the ways from each site to every instance at each after it. Requires that the plan stands at their sites.
  void add_flows(const Ways& ways, Plan& plan);

 private:
  // Of the active plan, from the site to the run that goes on; null: there is none, or it is broken.
  const Flow* earlier(SiteId from, RunId continues) const;
  std::vector<LinkId> earlier_path(SiteId from, SiteId to, int64_t bps) const;
  std::optional<Gathered> gather_from(Candidates& candidates, const Whole& whole, const Counts& kept,
                                      const std::vector<Option>& by_price, size_t seed, int32_t count);

  const Graph& graph_;
  const IntentRow& row_;
  const IntentSpec& spec_;
  const FlowTerm& term_;
  PathMemory memory_, spare_memory_;
  PathSearch search_, spare_search_;     // the second for paths that reserve nothing
};

}  // namespace weir
