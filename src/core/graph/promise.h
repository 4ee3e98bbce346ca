#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "core/graph/graph.h"

// What a plan can promise: arithmetic that deciding and verifying share. Latencies are at the promised
// percentile, for one request from the ingress and its answer back.
namespace weir {

// Time that one request spends at an instance, at a percentile.
struct ServiceTime {
  int64_t work_us = 0;      // on the reserved share of a core of this speed
  int64_t queueing_us = 0;  // waiting behind requests of other streams
  friend bool operator==(const ServiceTime&, const ServiceTime&) = default;
};

// An instance that carries `streams` streams of periodic requests is a multiplexer of constant-rate sources:
// the N*D/D/1 queue. Its tail in units of one service time is P(wait > x) = exp(-2x(x/N + 1 - load))
// (Roberts, Mocci, Virtamo: Broadband Network Teletraffic, COST 242 final report, 1996, part III), and never
// more than N - 1 services. A share of less than one core stretches the work: the kernel's quota lets a
// request use its share only.
//
// nullopt: the instance cannot keep up (load > 95%). Without requests everything is zero.
// `percentile_ppm` in (0, 1e6); a `speed_milli` below 1 counts as 1.
std::optional<ServiceTime> service_time(const Workload& workload, const Traffic& traffic,
                                        int32_t percentile_ppm, int32_t speed_milli, int32_t streams);
// The same at a site, whose nodes are as fast as the slowest of them.
std::optional<ServiceTime> service_time(const Graph& graph, SiteId site, const IntentSpec& spec,
                                        int32_t streams);

// Serialisation of one request on every hop of the path and of its answer on the way back: store and forward,
// which is an upper bound. us, rounded up for every hop.
int64_t path_serialisation_us(const Graph& graph, const std::vector<LinkId>& path, const Traffic& traffic);

// The first site that the path passes through; none if there is none. Sites carry no transit: traffic begins
// and ends there. O(hops * log sites).
SiteId site_crossed(const Graph& graph, const std::vector<LinkId>& path);

// Availability in ppm, rounded down, of a site as reached over the path: the product over its duplex links,
// where the protection path stands in for the working one. An empty path is at home; an empty protection path
// is none.
int64_t way_availability_ppm(const Graph& graph, SiteId site, const std::vector<LinkId>& path,
                             const std::vector<LinkId>& protection);

// What sites have in common: the name that their owners gave it, or the site itself where they gave none. Valid as long
// as the graph is.
using Common = std::pair<std::string_view, SiteId>;
Common region_of(const Graph& graph, SiteId site);
Common failure_domain_of(const Graph& graph, SiteId site);

// The different places in which instances stand together.
class Spread {
 public:
  explicit Spread(const Graph& graph) : graph_(&graph) {}
  void add(SiteId site);
  int32_t sites() const { return static_cast<int32_t>(sites_.size()); }
  int32_t regions() const { return static_cast<int32_t>(regions_.size()); }
  int32_t failure_domains() const { return static_cast<int32_t>(failure_domains_.size()); }
  bool has(SiteId site) const { return sites_.contains(site); }
  bool has_region(SiteId site) const { return regions_.contains(region_of(*graph_, site)); }
  bool has_failure_domain(SiteId site) const { return failure_domains_.contains(failure_domain_of(*graph_, site)); }
  // The first that it is short of, with what was needed and what there is: failure domains, regions, sites; kNone: nothing.
  Reason lacks(const Where& where) const;

 private:
  const Graph* graph_;
  std::set<SiteId> sites_;
  std::set<Common> regions_, failure_domains_;
};

// Adds up the ways by which ingresses are served; what instances exchange with each other does not count. To one site counts the worst way; of different sites the
// worst one too, or, where the intent asked for spread, any one, since then each site is meant to stand in
// for the others. Sites of one failure domain fail together, and count as the best of them.
class Availability {
 public:
  explicit Availability(bool spread) : spread_(spread) {}
  bool spread() const { return spread_; }
  // `ingress` is none for a job without one.
  void add(SiteId ingress, SiteId site, int64_t way_ppm);
  // That serve the ingress.
  std::set<SiteId> sites(SiteId ingress) const;
  // What the worst served ingress gets, rounded down; 1e6 without ways. Requires sites of the graph.
  int32_t worst_ppm(const Graph& graph) const;

 private:
  struct Way {
    SiteId ingress, site;
    int64_t ppm;
  };
  bool spread_;
  std::vector<Way> ways_;  // by ingress, then site
};

// Whether what the instances of a job exchange is reserved where they are at more than one site.
bool instances_exchange(const IntentSpec& spec);

// What one of the instances `there` exchanges with those `here` where every instance exchanges Traffic::between_bps with all the
// others together: the smaller side is the bound. Requires at least one on each side.
int64_t bps_between(const Traffic& traffic, int32_t here, int32_t there);

// What a plan adds up to; what emits carbon does so by the hour that it is now, whenever it began. Requires identifiers that the graph knows. O(size of the plan * log).
struct PlanTotals {
  Nanocredits billed_per_hour = 0;
  int64_t power_mw = 0;
  int64_t carbon_mg_per_hour = 0;
  int32_t availability_ppm = 0;
};
PlanTotals plan_totals(const Graph& graph, const IntentSpec& spec, const Plan& plan);

}  // namespace weir
