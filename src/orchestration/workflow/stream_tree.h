#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "orchestration/workflow/stream_problem.h"

namespace weir {

// What a branch of the search over shared capacity forbids.
struct StreamLimits {
  std::vector<SiteId> fixed;                       // by stage; none: free
  std::set<std::pair<uint32_t, SiteId>> not_at;    // stage, site
  std::set<std::pair<uint32_t, LinkId>> not_over;  // edge, link
  friend auto operator<=>(const StreamLimits&, const StreamLimits&) = default;
};

// Where stages stand and which way edges take; entries of stages and edges outside the tree are not set.
struct StreamChoice {
  std::vector<SiteId> sites;               // by stage
  std::vector<std::vector<LinkId>> paths;  // by edge
};

struct TreeAnswer {
  std::optional<StreamChoice> choice;  // the best found
  Nanocredits price = kImpossible;     // of it
  Nanocredits bound = 0;  // nothing within the limits is cheaper; kImpossible: nothing is within them
  bool exact = false;     // the choice is the cheapest, or there is none
};

// The cheapest way to stand and to connect stages whose edges form a tree when their directions are ignored
// (chains, in-trees, out-trees, any polytree), every path from a source to a sink within the promise;
// capacity that several stages or edges would share is not looked at.
//
// Exact, by a dynamic programme over the layered graph (stage, site) and (edge, router): labels of price and
// of latency, which is that of the slowest way in for what flows towards the root and of the slowest way out
// for what flows from it; dominated labels are dropped. Bounds from the Lagrangian relaxation of the promise
// (multipliers flow along the paths from sources to sinks; Handler and Zang, Networks 10, 1980) drop what
// cannot become better than the best known.
class StreamTree {
 public:
  // `edges` join `stages`, and form a tree. `weights` of latency by stage and by edge are not kept between
  // calls.
  StreamTree(const StreamProblem& problem, std::vector<uint32_t> stages, std::vector<uint32_t> edges);

  // `steps` is a budget of expanded labels and is decreased; when it is spent the answer has a bound and is
  // not exact.
  TreeAnswer solve(const StreamLimits& limits, uint64_t& steps) const;

 private:
  friend class TreeSolve;
  struct Node {
    uint32_t stage;
    uint32_t parent_edge;           // kNoEdge: the root
    bool flows_up;                  // the parent edge leads to the parent
    std::vector<uint32_t> in, out;  // positions in nodes_ of children whose edge leads to this, from this
  };
  static constexpr uint32_t kNoEdge = UINT32_MAX;
  const StreamProblem& problem_;
  std::vector<Node> nodes_;         // children before parents
  std::vector<uint32_t> position_;  // in nodes_, by stage
};

// Cheapest paths for one edge of the workflow from some sites to all others, by price + weight * latency, or
// by latency alone.
class StreamField {
 public:
  static constexpr int64_t kLatencyAlone = -1;  // as a weight
  // Values to start with, by site; kImpossible: none. Forward: along the links; else against them, so that it
  // tells what it takes from anywhere to the sites.
  StreamField(const StreamProblem& problem, uint32_t edge, int64_t weight, const StreamLimits& limits,
              bool forward, const std::vector<int64_t>& start, uint64_t& steps);
  int64_t at_core(uint32_t core) const { return core_[core]; }
  int64_t at_site(size_t site) const { return site_[site]; }
  const std::vector<int64_t>& sites() const { return site_; }
  // Links from the start to the site, or from the site to the start, in the direction of traffic; and the
  // start.
  std::pair<SiteId, std::vector<LinkId>> path(SiteId site) const;

 private:
  const StreamProblem& problem_;
  bool forward_;
  std::vector<int64_t> core_, site_;
  std::vector<LinkId> by_core_, by_site_;  // in the direction of traffic; by_site_ none: starts there
  std::vector<uint32_t> by_plain_;         // by site: the plain way that it came by; kNoWay: none
  static constexpr uint32_t kNoWay = UINT32_MAX;
};

}  // namespace weir
