#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "orchestration/plan/solver.h"

namespace weir {

// What the instances of a job exchange with each other (Traffic::between_bps), where they are at more than one site: paths
// with that much room between each two of its sites, and the sites for which that is cheapest.
class Exchange {
 public:
  // Of an intent's row, as this wish, with what goes on of its active plan. All but `kept` outlive it.
  Exchange(const Graph& graph, const IntentRow& row, const IntentSpec& spec, const FlowTerm& term, const std::vector<Placement>& kept);

  using Counts = std::map<SiteId, int32_t>;  // instances, at least one each
  struct Ways {
    std::map<std::pair<SiteId, SiteId>, std::vector<LinkId>> paths;  // from the lesser identifier to the greater
    Nanocredits price = 0, billed = 0;  // by the hour
  };
  // For each two sites, one after another beside those before: the path that instances which go on have there, if there is room
  // beside them for those that do not; else the cheapest. Else the two that have none, `needed` and `available` in bit/s. One
  // path search for each two sites.
  std::variant<Ways, Reason> ways(const Counts& instances);

  struct Gathered {
    Solution solution;                   // its price with that of the ways
    Ways ways;
  };
  // The instances of the solution with the ways between them and those that are kept, where that is as cheap as they are
  // without; else the cheapest of that and of what is found from each of kSeeds sites, to which others are added while there is
  // room between them. Exact if it costs no more than the bound of the solution, which knows of no ways. Else why there
  // are no ways for the solution, or that they cost more than the budget. At most kSearchesMax path searches beyond those for the
  // solution.
  static constexpr size_t kSeeds = 16;
  static constexpr size_t kSearchesMax = 4096;
  std::variant<Gathered, Reason> gather(Candidates& candidates, const Whole& whole, const Solution& solution);

  // Flows for the ways from each site to every instance at each after it. Requires that the plan stands at their sites.
  void add_flows(const Ways& ways, Plan& plan);

  size_t searches() const { return searches_; }  // for paths, so far

 private:
  // Of the active plan, from the site to the run that goes on; null: there is none, or it is broken.
  const Flow* earlier(SiteId from, RunId continues) const;
  std::vector<const Flow*> earlier(SiteId from, SiteId to, int64_t bps) const;
  std::optional<PathOption> cheapest(VertexId from, VertexId to, const PathLimits& limits);
  std::optional<Gathered> gather_from(Candidates& candidates, const Whole& whole, const std::vector<Option>& by_price,
                                      size_t seed, int32_t count);

  const Graph& graph_;
  const IntentSpec& spec_;
  const FlowTerm term_;
  PathMemory memory_, spare_memory_;
  PathSearch search_, spare_search_;     // the second for paths that reserve nothing
  Counts kept_;
  std::map<SiteId, std::vector<RunId>> continuing_;
  std::map<std::pair<SiteId, RunId>, const Flow*> earlier_;  // of the active plan, where its path still serves
  size_t searches_ = 0, searches_max_ = SIZE_MAX;
};

}  // namespace weir
