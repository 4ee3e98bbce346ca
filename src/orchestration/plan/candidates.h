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

// What a planner remembers between decisions. It only saves work: prices kept here are lower bounds of the
// present ones while Graph::relief() stands still, and everything is priced again before it is used.
class PlanCache {
 public:
  // Candidate sites in order of a lower bound of their price.
  struct Entry {
    uint64_t relief = 0;
    std::vector<std::pair<Nanocredits, SiteId>> heap;  // std::greater heap
  };
  struct Key {
    std::vector<std::pair<uint32_t, int32_t>> sources;  // site, share
    StreamDemand demand;
    int32_t cpu_milli, memory_mib, accelerators, carbon_milli;
    uint64_t residency;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  const PathTree& tree(const Graph& graph, VertexId from, const StreamDemand& demand);
  std::map<Key, Entry>& entries() { return entries_; }

 private:
  static constexpr size_t kTreesMax = 4096;
  std::map<std::pair<VertexId, StreamDemand>, PathTree> trees_;
  std::map<Key, Entry> entries_;
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
  // At least the `want` cheapest feasible options, or all there are. Deepens an earlier answer.
  const Ranking& rank(const Share& share, size_t want);

  // An instance with this share at this site with the cheapest paths, or why not.
  std::variant<Option, Reason> evaluate(SiteId site, const Share& share);

  // Largest latency that paths from source to site may have, for an instance that carries `streams`;
  // none if it cannot keep up.
  std::optional<int64_t> path_latency_us_max(SiteId site, int32_t streams, ServiceTime& service) const;

  const PathTree& tree(size_t source);
  VertexId vertex(size_t source) const { return graph_.site(sources_[source].site).vertex; }

 private:
  struct Search {
    Ranking ranking;
    std::vector<std::pair<Nanocredits, SiteId>> heap;
    bool opened = false;
  };
  void open(const Share& share, Search& search);
  Nanocredits bound(SiteId site, const Share& share);
  Reason path_obstacle(SiteId site, size_t source, int32_t streams, const PathLimits& limits, int64_t service_us);

  const Graph& graph_;
  const IntentSpec& spec_;
  uint64_t residency_;
  std::vector<Source> sources_;
  StreamDemand demand_;
  PlanCache& cache_;
  std::vector<const PathTree*> trees_;
  std::map<Share, Search> searches_;
};

}  // namespace weir
