#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "orchestration/path/path_search.h"
#include "orchestration/placement/service_time.h"
#include "orchestration/placement/site_offer.h"

namespace weir {

// Where streams come from. A job that has no ingress has one source without a site: it needs no path.
struct Source {
  SiteId site;
  int32_t streams = 0;
};

// Streams of each source that one instance carries; as long as the list of sources.
using Share = std::vector<int32_t>;

// One instance at one site with a path for each source that it serves.
struct Option {
  SiteId site;
  Share share;
  std::vector<PathOption> paths;   // parallel to share; empty path where the share is 0
  ServiceTime service;
  Nanocredits price = 0;           // decision price per hour, the instance and its streams' paths
  Nanocredits billed = 0;
  bool fits_together = true;       // the paths of different sources have room side by side
};

// What a planner remembers between decisions on snapshots of one history. It only saves work: prices kept here are
// lower bounds of the present ones while Graph::relief() stands still, everything is priced again before it is used,
// and no choice depends on how old they are. Memory is bounded by kBytesMax for each of the three kinds.
class PlanCache {
 public:
  // The sites with the lowest bounds of their price, in order, for one way of asking.
  struct Entry {
    struct Item {
      Nanocredits bound;
      SiteId site;
      VertexId vertex;
    };
    uint64_t relief = 0;
    size_t sites = 0;                    // of the graph
    std::vector<Item> items;             // by bound, then site; the others' bounds are no lower than the last
    uint64_t looked_at = 0;              // items, since it was made
  };
  struct Key {
    std::vector<std::pair<uint32_t, int32_t>> sources;  // site, share
    StreamDemand demand;
    int32_t cpu_milli, memory_mib, accelerators, carbon_milli;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  static constexpr size_t kItemsMax = 1024;
  static constexpr size_t kBytesMax = size_t{384} << 20;

  std::shared_ptr<const PathTree> tree(const Graph& graph, VertexId from, const StreamDemand& demand);
  std::shared_ptr<const FastestTree> fastest(const Graph& graph, VertexId from, const StreamDemand& demand);
  // Empty, or as left.
  std::shared_ptr<Entry> entry(const Key& key);

 private:
  struct FastestKey {
    VertexId from;
    int64_t request_bits, response_bits;
    friend auto operator<=>(const FastestKey&, const FastestKey&) = default;
  };
  // `loaded` knows the load and is sharp, but any path that becomes cheaper makes it invalid; `floor` then guides until
  // its detours have cost as much as a new one.
  struct Trees {
    std::shared_ptr<const PathTree> loaded, floor;
  };
  std::map<std::pair<VertexId, StreamDemand>, Trees> trees_;
  std::map<FastestKey, std::shared_ptr<const FastestTree>> fastest_;
  std::map<Key, std::shared_ptr<Entry>> entries_;
};

// Answers "the cheapest sites for an instance with this share", on one snapshot, for one intent.
class Candidates {
 public:
  Candidates(const Graph& graph, const IntentSpec& spec, uint64_t residency, std::vector<Source> sources,
             PlanCache& cache);

  const Graph& graph() const { return graph_; }
  const IntentSpec& spec() const { return spec_; }
  const std::vector<Source>& sources() const { return sources_; }
  const StreamDemand& demand() const { return demand_; }

  struct Ranking {
    std::vector<Option> feasible;  // cheapest first
    std::vector<Reason> refused;   // sites whose bound was low enough to be looked at, but which cannot
    bool all = false;              // every site was looked at
  };
  static constexpr size_t kAll = SIZE_MAX;
  // At least the `want` cheapest feasible options, or all there are. Deepens an earlier answer. Of domains with more
  // than kSitesExplained sites, `refused` is kept only when all are wanted.
  const Ranking& rank(const Share& share, size_t want);
  static constexpr size_t kSitesExplained = 256;
  bool explains_refused() const { return graph_.site_count() <= kSitesExplained; }

  // What an instance with this share would cost at the site along the fastest paths, however full: at least the bound
  // by which rank() proceeds, and the same whatever is remembered.
  Nanocredits price_by_fastest(SiteId site, const Share& share);

  // An instance with this share at this site with the cheapest paths, or why not.
  std::variant<Option, Reason> evaluate(SiteId site, const Share& share);

  // Largest latency that paths from source to site may have, for an instance that carries `streams`;
  // none if it cannot keep up.
  std::optional<int64_t> path_latency_us_max(SiteId site, int32_t streams, ServiceTime& service) const;

  // Guides searches; may be out of date.
  const PathTree& tree(size_t source);
  // As of this snapshot: for searches whose number of steps is told.
  const PathTree& tree_now(size_t source);
  VertexId vertex(size_t source) const { return graph_.site(sources_[source].site).vertex; }

 private:
  struct Search {
    Ranking ranking;
    std::vector<std::pair<Nanocredits, SiteId>> heap;  // present bounds of sites to look at
    std::shared_ptr<PlanCache::Entry> list;            // of sites that join the heap when their turn comes
    size_t next = 0;
    bool truncated = false;                            // sites beyond the list were not yet looked at
    bool opened = false;
    bool keeps_refused = false;
  };
  void open(const Share& share, Search& search);
  void push(const Share& share, Search& search, SiteId site);
  void pull(const Share& share, Search& search);
  bool hopeless(const Share& share, SiteId site, VertexId vertex);
  PlanCache::Key key(const Share& share) const;
  Nanocredits bound(SiteId site, const Share& share);
  const FastestTree& fastest(size_t source);
  Reason path_obstacle(SiteId site, size_t source, int32_t streams, const PathLimits& limits, int64_t service_us);

  const Graph& graph_;
  const IntentSpec& spec_;
  uint64_t residency_;
  std::vector<Source> sources_;
  StreamDemand demand_;
  PlanCache& cache_;
  std::vector<std::shared_ptr<const PathTree>> trees_, trees_now_;
  std::vector<std::shared_ptr<const FastestTree>> fastest_;
  std::map<Share, Search> searches_;
};

}  // namespace weir
