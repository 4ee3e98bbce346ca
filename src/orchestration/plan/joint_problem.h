#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/graph/graph.h"
#include "orchestration/path/link_price.h"
#include "orchestration/path/network.h"

namespace weir {

// What the joint pass weighs a refusal with: the price from which on serving an intent is not worth it, per
// hour.
struct JointWorth {
  Nanocredits per_intent = 0;
  Nanocredits per_core_hour = 0;
  Nanocredits per_gib_hour = 0;
  Nanocredits per_accelerator_hour = 0;
};

// Saturating at a quarter of the largest int64.
Nanocredits worth_of(const JointWorth& worth, const Workload& workload);

// What plans compete for. Sites count as the sum of their nodes, which is a relaxation.
enum class SiteResource : uint8_t { kCpu, kMemory, kAccelerators };
using Resource = uint32_t;

// Prices of scarce things on top of the asks, nanocredits per core-hour, GiB-hour, accelerator-hour and
// Gbit/s-hour, by Resource; 0: there is enough.
using ShadowPrices = std::vector<Nanocredits>;

// What is the same for many intents as to where one instance may run, and what that costs.
struct JointWork {
  Workload workload;
  std::vector<Nanocredits> price;   // by site: asks and carbon weighted by the preferences; kNever: not there
  std::vector<int64_t> service_us;  // by site: work and queueing at the promised percentile
  static constexpr Nanocredits kNever = INT64_MAX / 4;
};

// What is the same for many intents as to what a path costs and how long it takes.
struct JointTraffic {
  int64_t up = 0, down = 0;  // in lowest terms
  StreamDemand demand;       // of a stream, without its bandwidths
};

// An intent that the pass may place: one instance, and at most one ingress.
struct JointItem {
  IntentId intent;
  SiteId ingress;  // invalid: a job, which needs no path
  int32_t streams = 0;
  int64_t up_bps = 0, down_bps = 0;  // of all streams
  int64_t latency_us_max = INT64_MAX;
  Nanocredits worth = 0;
  uint32_t work = 0, traffic = 0;  // rows of JointProblem
};

// Its `work` and `traffic` are not set. None: the intent takes no part, see JointProblem.
std::optional<JointItem> joint_item(const Graph& graph, IntentId intent, const JointWorth& worth);

// One way of serving an item.
struct JointColumn {
  uint32_t item = 0;
  SiteId site;
  std::vector<LinkId> path;  // from the ingress
  Nanocredits price = 0;     // per hour, asks and carbon weighted by the preferences
  friend bool operator==(const JointColumn&, const JointColumn&) = default;
};

// The joint problem of a snapshot: which intents to serve, at which site and over which path each, so that
// the price of what is served and the worth of what is refused are least together, within what sites and
// links have. It frees what the items hold now.
//
// Items are intents, not withdrawn, that fit one instance with at most one ingress, without a promise of
// availability, spread or budget of their own, and whom no other intent draws near or keeps apart. What others hold, what
// goes on where it could not be placed any more, and what is being retired, is taken as given.
class JointProblem {
 public:
  // The snapshot outlives it. O(intents + sites * kinds of work).
  JointProblem(const Graph& graph, const JointWorth& worth);

  const Graph& graph() const { return graph_; }
  const Network& network() const { return network_; }
  const std::vector<JointItem>& items() const { return items_; }
  const std::vector<JointWork>& works() const { return works_; }
  const std::vector<JointTraffic>& traffics() const { return traffics_; }
  // Where an item is now; none: it is not served, or not as it is to be.
  const std::optional<JointColumn>& current(uint32_t item) const { return current_[item]; }
  NodeId current_node(uint32_t item) const { return current_node_[item]; }

  size_t resource_count() const { return capacity_.size(); }
  Resource resource(SiteId site, SiteResource kind) const {
    return site.value * 3 + static_cast<uint32_t>(kind);
  }
  Resource resource(LinkId link) const {
    return static_cast<Resource>(graph_.site_count() * 3 + link.index());
  }
  // Units in which prices of the resource are per: kCoreUnit, kGibUnit, 1 or kGbpsUnit.
  int64_t unit(Resource resource) const;
  // milli-cores, MiB, accelerators, bit/s; for items, never negative.
  int64_t capacity(Resource resource) const { return capacity_[resource]; }
  // What of every node and link is free for items: what the snapshot has and what items hold now.
  const std::vector<NodeFree>& node_free() const { return node_free_; }

  // Calls visit(Resource, amount) for everything that the column takes.
  template <class Visit>
  void each_use(const JointColumn& column, Visit&& visit) const {
    const JointItem& item = items_[column.item];
    const Workload& workload = works_[item.work].workload;
    if (workload.cpu_milli > 0) visit(resource(column.site, SiteResource::kCpu), int64_t{workload.cpu_milli});
    if (workload.memory_mib > 0)
      visit(resource(column.site, SiteResource::kMemory), int64_t{workload.memory_mib});
    if (workload.accelerators > 0) {
      visit(resource(column.site, SiteResource::kAccelerators), int64_t{workload.accelerators});
    }
    for (const LinkId link : column.path) {
      if (item.up_bps > 0) visit(resource(link), item.up_bps);
      if (item.down_bps > 0) visit(resource(opposite(link)), item.down_bps);
    }
  }

  // Is the path, which joins the item's ingress and the site, fast enough for its promise?
  bool fast_enough(uint32_t item, SiteId site, const std::vector<LinkId>& path) const;
  // The column with its price. Requires a site at which the item's work may run.
  JointColumn column(uint32_t item, SiteId site, std::vector<LinkId> path) const;
  // Its price and shadow prices, each part rounded down.
  Nanocredits shadow_price(const JointColumn& column, const ShadowPrices& prices) const;

 private:
  uint32_t work(const IntentSpec& spec, int32_t streams);
  uint32_t traffic(const IntentSpec& spec);
  // Adds it to `held` and `held_bps`, by node and link.
  void free_what_it_holds(const Plan& plan, std::vector<NodeFree>& held, std::vector<int64_t>& held_bps);

  const Graph& graph_;
  Network network_;
  std::vector<JointItem> items_;
  std::vector<std::optional<JointColumn>> current_;
  std::vector<NodeId> current_node_;
  std::vector<JointWork> works_;
  std::vector<JointTraffic> traffics_;
  std::map<std::vector<int64_t>, uint32_t> work_of_,
      traffic_of_;  // by what of a specification makes the kind
  std::vector<int64_t> capacity_;
  std::vector<NodeFree> node_free_;
};

// amount * price / unit, rounded down, with a 128-bit product.
inline Nanocredits charge_down(int64_t amount, Nanocredits price, int64_t unit) {
  return static_cast<Nanocredits>(static_cast<__int128>(amount) * price / unit);
}

}  // namespace weir
