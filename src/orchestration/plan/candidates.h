#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <variant>
#include <vector>

#include "core/graph/promise.h"
#include "orchestration/path/path_search.h"
#include "orchestration/placement/site_offer.h"
#include "orchestration/plan/short_list.h"
#include "orchestration/plan/site_order.h"

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
  std::vector<PathOption> paths;  // parallel to share; empty path where the share is 0
  ServiceTime service;
  Nanocredits price = 0;  // decision price per hour, the instance and its streams' paths
  Nanocredits billed = 0;
  bool fits_together = true;  // the paths of different sources have room side by side
};

// What a planner remembers between decisions on snapshots of one history. It only saves work: no choice
// depends on how old it is. Memory is bounded: see PathMemory, and kWorkloadsMax.
class PlanCache {
 public:
  PathMemory paths;
  SitesByRouter::Room order_room;
  ShortLists short_lists;

  // The least that one instance costs, current, by SiteId.
  struct SitePrices {
    std::vector<Nanocredits> of;
    uint64_t described = 0, seen = 0;  // Graph::described(), Graph::repricings()
  };
  std::shared_ptr<const SitePrices> site_prices(const Graph& graph, const IntentSpec& spec);

  // By core vertex: the least that an instance and the last hop of its streams cost at a site met there.
  struct RouterPrices {
    std::vector<Nanocredits> of;     // kUnreachable where no site is met
    std::vector<Nanocredits> least;  // by block of PriceBounds::kBlock
    uint64_t described = 0, seen = 0;
  };
  std::shared_ptr<const RouterPrices> router_prices(const Graph& graph, const IntentSpec& spec,
                                                    const SitePrices& sites, const PathSearch& search,
                                                    int32_t streams);

 private:
  static constexpr size_t kWorkloadsMax = 256;
  struct WorkloadKey {
    int32_t cpu_milli, memory_mib;
    int64_t accelerator_milli;
    int32_t cost_milli, carbon_milli;
    WorkKind kind;
    bool best_effort;
    friend auto operator<=>(const WorkloadKey&, const WorkloadKey&) = default;
  };
  static WorkloadKey key(const IntentSpec& spec);
  std::map<WorkloadKey, std::shared_ptr<SitePrices>> site_prices_;
  std::map<std::tuple<WorkloadKey, StreamDemand, int32_t>, std::shared_ptr<RouterPrices>> router_prices_;
};

// Answers "the cheapest sites for an instance with this share", on one snapshot, for one intent.
class Candidates {
 public:
  // With the path that the reservation of the term keeps, for what fits in it; else with any that has room.
  enum class KeptPath : uint8_t { kTaken, kNot };
  Candidates(const Graph& graph, const IntentSpec& spec, uint64_t residency, std::vector<Source> sources,
             PlanCache& cache, const FlowTerm& term = {}, KeptPath kept = KeptPath::kTaken);

  const Graph& graph() const { return graph_; }
  const IntentSpec& spec() const { return spec_; }
  const std::vector<Source>& sources() const { return sources_; }
  const StreamDemand& demand() const { return paths_.demand(); }
  const FlowTerm& term() const { return term_; }

  struct Ranking {
    std::vector<Option> feasible;  // cheapest first
    std::vector<Reason> refused;   // sites whose bound was low enough to be looked at, but which cannot
    bool all = false;              // every site was looked at
  };
  static constexpr size_t kAll = SIZE_MAX;
  // At least the `want` cheapest feasible options, or all there are. Deepens an earlier answer. Of domains
  // with more than kSitesExplained sites, `refused` is kept only when all are wanted.
  const Ranking& rank(const Share& share, size_t want);
  static constexpr size_t kSitesExplained = 256;
  bool explains_refused() const { return graph_.site_count() <= kSitesExplained; }

  // The order in which rank() looks at sites for streams of one source, whatever is promised. Requires a source with a site;
  // one at a time.
  std::unique_ptr<SiteOrder> sites_by_price(size_t source, int32_t streams) { return by_router(source, streams, 0); }

  // What an instance with this share would cost at the site along the fastest paths, however full: at least
  // the bound by which rank() proceeds, and the same whatever is remembered.
  Nanocredits price_by_fastest(SiteId site, const Share& share);

  // An instance with this share at this site with the cheapest paths, or why not.
  std::variant<Option, Reason> evaluate(SiteId site, const Share& share);

  // How many instances fit at the site at once, at most `most`: where all have to be in one rack, in the best.
  int32_t room(SiteId site, int32_t most);
  // Where all have to be in one rack, it is that of this node.
  void set_beside(NodeId node) { beside_ = node; }
  NodeId beside() const { return beside_; }
  // The least number of instances that carry all streams.
  int32_t instances_min() const;

  // Why no path leads one stream from the source to the site in time, whatever else is wrong with the site;
  // none: one does.
  std::optional<Reason> path_too_far(SiteId site, size_t source);

  // The path that the reservation keeps from the source to the site, if the streams fit in what it keeps; none: any is taken.
  std::optional<PathOption> kept_path(SiteId site, size_t source, const PathLimits& limits) const;

  // Largest latency that paths from source to site may have, for an instance that carries `streams`;
  // none if it cannot keep up.
  std::optional<int64_t> path_latency_us_max(SiteId site, int32_t streams, ServiceTime& service) const;

  // What one more instance costs at the site, fragmentation of accelerators included.
  SitePrice price(SiteId site, const Prefer& prefer) const;

  PathSearch& paths() { return paths_; }
  VertexId vertex(size_t source) const { return graph_.site(sources_[source].site).vertex; }

 private:
  struct Search {
    Ranking ranking;
    std::unique_ptr<SiteOrder> order;
    bool keeps_refused = false;
  };
  std::unique_ptr<SiteOrder> every_site(const Share& share);
  std::unique_ptr<SiteOrder> by_router(size_t source, int32_t streams, int64_t latency_us_max);
  Reason path_obstacle(SiteId site, size_t source, int32_t streams, const PathLimits& limits,
                       int64_t service_us);

  const Graph& graph_;
  const IntentSpec& spec_;
  uint64_t residency_;
  std::vector<Source> sources_;
  PlanCache& cache_;
  const FlowTerm term_;
  const KeptPath kept_;
  PathSearch paths_;
  std::shared_ptr<const PlanCache::SitePrices> site_prices_;
  std::vector<std::shared_ptr<const PlanCache::RouterPrices>> router_prices_;  // that orders look at
  std::optional<DeviceLoss> device_loss_;  // where accelerators are asked for
  NodeId beside_;
  std::map<SiteId, int32_t> rack_room_;  // where all have to be in one
  std::map<Share, Search> searches_;
};

}  // namespace weir
