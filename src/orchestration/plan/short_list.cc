#include "orchestration/plan/short_list.h"

#include <algorithm>
#include <array>
#include <deque>
#include <tuple>

#include "core/graph/hours.h"
#include "core/graph/promise.h"
#include "orchestration/placement/site_offer.h"
#include "orchestration/plan/candidates.h"

namespace weir {
namespace {

constexpr size_t kAlternativesMost = 8;

// What is free of a direction of a link while its use stays in the bucket that it is in.
int64_t free_at_least_bps(const Graph& graph, LinkId link) {
  const int64_t all = graph.link(link).bandwidth_bps;
  if (all <= 0 || all > INT64_MAX / (2 * kUtilisationBuckets)) return -1;
  const int64_t bucket = utilisation_bucket(all, graph.load(link).free_bps);
  return all - ((bucket + 1) * all - 1) / (kUtilisationBuckets - 1);
}

bool is_roomy(const Graph& graph, const PathOption& path, const StreamDemand& demand) {
  return std::all_of(path.links.begin(), path.links.end(), [&](LinkId link) {
    return demand.up_bps <= free_at_least_bps(graph, link) && demand.down_bps <= free_at_least_bps(graph, opposite(link));
  });
}

int64_t latency_us_max(const IntentSpec& spec) {
  return spec.promise.latency_us_max == 0 ? INT64_MAX : spec.promise.latency_us_max;
}

}  // namespace

bool ShortLists::serves(const Graph& graph, const IntentSpec& spec, const FlowTerm& term) {
  const Where& where = spec.where;
  return spec.from.size() == 1 && spec.from[0].streams == 1 && spec.workload.accelerators == 0 && !spec.workload.best_effort &&
         (spec.traffic.requests_per_second_milli == 0 || spec.traffic.work_us_per_request == 0) &&
         spec.promise.availability_ppm == 0 && where.only.empty() && where.not_at.empty() && !spreads(where) &&
         where.near.empty() && where.apart_from.empty() && !where.at_data && where.tolerates.empty() && !where.same_rack &&
         !term.in.valid() && !graph.keeps_bandwidth();
}

size_t ShortLists::Hash::operator()(const Key& key) const {
  uint64_t sum = 0;
  const auto add = [&sum](uint64_t value) {
    sum = (sum ^ value) * 0x9e3779b97f4a7c15;
    sum ^= sum >> 32;
  };
  add(key.from.value);
  add(static_cast<uint64_t>(key.demand.up_bps));
  add(static_cast<uint64_t>(key.demand.down_bps));
  add(static_cast<uint64_t>(key.demand.request_bits) ^ static_cast<uint64_t>(key.demand.response_bits) << 1);
  add(static_cast<uint64_t>(key.demand.cost_milli) << 32 | static_cast<uint32_t>(key.carbon_milli));
  add(static_cast<uint64_t>(key.cpu_milli) << 32 | static_cast<uint32_t>(key.memory_mib));
  add(static_cast<uint64_t>(key.speed_milli_min) << 8 | static_cast<uint64_t>(key.kind));
  add(key.residency);
  return sum;
}

void ShortLists::follow(const Graph& graph) {
  if (described_ != graph.described() || routing_ != graph.routing() || graph.version() < version_ ||
      graph.repricings() < seen_ || graph.repricings() - seen_ > Graph::kRepricingsKept ||
      link_seen_.size() != graph.link_count() / 2 || sites_held_ > kSitesMax) {
    lists_.clear();
    sites_held_ = 0;
    described_ = graph.described();
    routing_ = graph.routing();
    link_seen_.assign(graph.link_count() / 2, 0);
    site_seen_.assign(graph.site_count(), 0);
    seen_ = graph.repricings();
  }
  version_ = graph.version();
  for (; seen_ < graph.repricings(); ++seen_) {
    const auto& [link, site] = graph.repriced(seen_);
    if (link.valid()) {
      link_seen_[link.index() / 2] = seen_ + 1;
    } else {
      site_seen_[site.index()] = seen_ + 1;
    }
  }
}

bool ShortLists::changed(const Known& known) const {
  return std::any_of(known.path.links.begin(), known.path.links.end(),
                     [&](LinkId link) { return link_seen_[link.index() / 2] > known.seen; });
}

// One decision.
class ShortLists::Look {
 public:
  Look(ShortLists& memory, const Graph& graph, const IntentSpec& spec, uint64_t residency, PlanCache& cache)
      : memory_(memory),
        graph_(graph),
        spec_(spec),
        residency_(residency),
        cache_(cache),
        demand_(stream_demand(spec)),
        latency_us_max_(latency_us_max(spec)) {}

  // A site with a path that is fast enough.
  struct Found {
    Nanocredits price = 0;
    Site* site = nullptr;
    const PathOption* path = nullptr;
    Nanocredits billed = 0;
  };

  // The longest list may be too short.
  bool make(List& list, size_t length) {
    memory_.sites_held_ -= list.sites.size();
    std::vector<Site> before = std::move(list.sites);
    list.sites.clear();
    list.order.clear();
    list.length = length;
    Candidates candidates(graph_, spec_, residency_, {{spec_.from[0].site, 1}}, cache_);
    const auto order = candidates.sites_by_price(0, 1);
    while (list.sites.size() < length && order->next_bound() != SiteOrder::kNever) {
      list.order.push_back({order->next_bound(), static_cast<uint32_t>(list.sites.size())});
      Site& site = list.sites.emplace_back();
      site.site = order->take();
      const auto known = std::find_if(before.begin(), before.end(), [&site](const Site& s) { return s.site == site.site; });
      if (known != before.end()) site = std::move(*known);
    }
    list.beyond = order->next_bound();
    list.complete = list.beyond == SiteOrder::kNever;
    list.made = true;
    memory_.sites_held_ += list.sites.size();
    return !list.sites.empty();
  }

  // The `want` cheapest; false: the list is too short to say.
  bool find(List& list, size_t want) {
    count_ = 0;
    for (size_t i = 0; i < list.order.size();) {
      Rank& rank = list.order[i];
      if (count_ == want && rank.least > found_[want - 1].price) break;
      Site& site = list.sites[rank.at];
      const Nanocredits now = renew(site);
      if (now > rank.least) {
        rank.least = now;
        for (size_t k = i; k + 1 < list.order.size() && list.order[k + 1].least < now; ++k) {
          std::swap(list.order[k], list.order[k + 1]);
        }
        continue;
      }
      ++i;
      if (site.reached && takes(site)) add(site, want);
    }
    return list.complete || (count_ == want && list.beyond > found_[want - 1].price);
  }

  size_t count() const { return count_; }
  const Found& at(size_t i) const { return found_[i]; }

  Plan plan(IntentId intent, size_t alternatives) {
    const Found& main = found_[0];
    Site& site = *main.site;
    const SiteId ingress = spec_.from[0].site;
    const SiteRow& row = graph_.site(site.site);
    const PathOption* spare = protection(main);
    const std::vector<LinkId> none;

    Plan plan{.intent = intent, .generation = graph_.intent(intent).generation, .basis = graph_.version()};
    plan.placements.reserve(1);
    plan.placements.push_back({.site = site.site,
                               .node = choose_node(graph_, site.site, spec_.workload),
                               .cpu_milli = spec_.workload.cpu_milli,
                               .memory_mib = spec_.workload.memory_mib,
                               .streams = 1,
                               .asks = asks_of(graph_, site.site, spec_.workload),
                               .continues = {}});
    Flow flow{.ingress = ingress,
              .placement = 0,
              .streams = 1,
              .up_bps = spec_.traffic.up_bps,
              .down_bps = spec_.traffic.down_bps,
              .path = main.path->links,
              .protection = spare ? spare->links : none};
    flow.path_per_hour = main.billed - site.instance_billed;
    flow.latency_us_path = main.path->round_trip_us;
    flow.latency_us_serialisation = main.path->serialisation_us;
    flow.latency_us_predicted = main.path->latency_us();
    plan.flows.reserve(1);
    plan.flows.push_back(std::move(flow));

    const Placement& placement = plan.placements[0];
    const Power power = power_of(graph_, site.site, spec_.workload.kind);
    plan.billed_per_hour = placement_per_hour(placement) + plan.flows[0].path_per_hour;
    plan.decision_price = plan.bound = main.price;
    plan.power_mw = power_mw(power, placement.cpu_milli);
    plan.carbon_mg_per_hour = carbon_mg_per_hour(power, placement.cpu_milli);
    plan.availability_ppm = static_cast<int32_t>(std::min(kPpm, available_ppm(main, spare, row.availability_ppm)));
    plan.quality = Quality::kExact;
    plan.price_policy = graph_.prices().version;
    plan.reason = {ReasonCode::kChosen};
    if (alternatives == 0) return plan;
    plan.reason.site = site.site;
    plan.reason.ingress = ingress;
    plan.alternatives.reserve(count_ - 1);
    for (size_t i = 1; i < count_; ++i) {
      const Found& other = found_[i];
      plan.alternatives.push_back(
          {.reason = {ReasonCode::kPrice, other.site->site, ingress, main.price, other.price},
           .decision_price = plan.decision_price - main.price + other.price,
           .billed_per_hour = plan.billed_per_hour - main.billed + other.billed,
           .latency_us_predicted = other.path->latency_us(),
           .path = other.path->links});
    }
    return plan;
  }

 private:
  // Made where something has to be searched for.
  PathSearch& paths() {
    if (!paths_) paths_.emplace(graph_, demand_, cache_.paths);
    return *paths_;
  }
  VertexId vertex(SiteId site) const { return graph_.site(site).vertex; }
  VertexId entry() const { return vertex(spec_.from[0].site); }
  Nanocredits path_billed(const PathOption& path) const {
    return path_per_hour(graph_, path.links, spec_.traffic.up_bps, spec_.traffic.down_bps);
  }

  bool is_known(const Known& known) const {
    return !memory_.changed(known) && (known.roomy || fits(graph_, known.path, demand_, {.streams = 1}));
  }
  Known known(PathOption path) const {
    Known out{.path = std::move(path), .seen = graph_.repricings()};
    out.roomy = is_roomy(graph_, out.path, demand_);
    return out;
  }

  // What an instance costs there with its cheapest path; kUnreachable: no path leads there.
  Nanocredits renew(Site& site) {
    if (!site.looked_at || memory_.site_seen_[site.site.index()] > site.seen) {
      const SitePrice price = site_price(graph_, site.site, spec_.workload, spec_.prefer);
      site.instance = price.decision;
      site.instance_billed = price.billed;
      site.seen = graph_.repricings();
      site.node = NodeId{};
    }
    if (!site.looked_at || (site.reached && !is_known(site.way))) {
      auto path = paths().cheapest(entry(), vertex(site.site), {.streams = 1});
      site.reached = path.has_value();
      if (path) {
        if (!site.looked_at) site.fastest_us = paths().fastest_us(entry(), vertex(site.site));
        if (!site.looked_at || path->links != site.way.path.links) {
          site.spare = {};
          site.path_billed = path_billed(*path);
        }
        site.way = known(std::move(*path));
      }
      site.looked_at = true;
    }
    return site.reached ? site.instance + site.way.path.price : kUnreachable;
  }

  bool takes(Site& site) const {
    const SiteRow& row = graph_.site(site.site);
    if (row.state != Liveness::kUp || row.taints != 0 || (row.residency & residency_) != residency_) return false;
    const Workload& work = spec_.workload;
    if (site.node.valid() && has_room(graph_.free(site.node), work)) return true;
    site.node = node_with_room(graph_, site.site, work);
    return site.node.valid();
  }

  void add(Site& site, size_t want) {
    Found found{.price = site.instance + site.way.path.price,
                .site = &site,
                .path = &site.way.path,
                .billed = site.instance_billed + site.path_billed};
    if (site.way.path.latency_us() > latency_us_max_) {
      if (site.fastest_us > latency_us_max_) return;
      const PathLimits limits{.streams = 1, .latency_us_max = latency_us_max_};
      auto faster = paths().cheapest(entry(), vertex(site.site), limits);
      if (!faster) return;
      found.price = site.instance + faster->price;
      found.billed = site.instance_billed + path_billed(*faster);
      found.path = &faster_.emplace_back(std::move(*faster));
    }
    size_t at = count_;
    while (at > 0 && std::tie(found.price, site.site) < std::tie(found_[at - 1].price, found_[at - 1].site->site)) --at;
    if (at == want) return;
    count_ = std::min(count_ + 1, want);
    for (size_t i = count_ - 1; i > at; --i) found_[i] = found_[i - 1];
    found_[at] = found;
  }

  // The path that shares no link with that of the site and keeps the promise; null: there is none. Stays where it is.
  const PathOption* protection(const Found& main) {
    if (main.path->links.empty()) return nullptr;
    Site& site = *main.site;
    PathLimits limits{.streams = 1, .latency_us_max = INT64_MAX, .avoid = &main.path->links};
    const auto search = [&] { return paths().cheapest(entry(), vertex(site.site), limits); };
    if (main.path == &site.way.path) {
      Spare& spare = site.spare;
      if (!spare.looked_for || (spare.exists && !is_known(spare.way))) {
        auto path = search();
        spare = {.looked_for = true, .exists = path.has_value()};
        if (path) spare.way = known(std::move(*path));
      }
      if (!spare.exists) return nullptr;
      if (spare.way.path.latency_us() <= latency_us_max_) return &spare.way.path;
    }
    limits.latency_us_max = latency_us_max_;
    auto path = search();
    return path ? &faster_.emplace_back(std::move(*path)) : nullptr;
  }

  int64_t available_ppm(const Found& main, const PathOption* spare, int32_t site_ppm) const {
    Spare& known = main.site->spare;
    const bool both_known = main.path == &main.site->way.path && known.looked_for &&
                            (known.exists ? spare == &known.way.path : spare == nullptr);
    if (both_known && known.way_ppm > 0 && known.site_availability_ppm == site_ppm) return known.way_ppm;
    const int64_t ppm =
        way_availability_ppm(graph_, main.site->site, main.path->links, spare ? spare->links : std::vector<LinkId>{});
    if (both_known) {
      known.way_ppm = ppm;
      known.site_availability_ppm = site_ppm;
    }
    return ppm;
  }

  ShortLists& memory_;
  const Graph& graph_;
  const IntentSpec& spec_;
  const uint64_t residency_;
  PlanCache& cache_;
  const StreamDemand demand_;
  const int64_t latency_us_max_;
  std::optional<PathSearch> paths_;
  std::array<Found, kAlternativesMost + 1> found_;
  size_t count_ = 0;
  std::deque<PathOption> faster_;          // for this promise alone
};

std::optional<Plan> ShortLists::decide(const Graph& graph, IntentId intent, const IntentSpec& spec, uint64_t residency,
                                       size_t alternatives, PlanCache& cache) {
  if (alternatives > kAlternativesMost) return std::nullopt;
  follow(graph);
  List& list = lists_[{spec.from[0].site, stream_demand(spec), spec.workload.cpu_milli, spec.workload.memory_mib,
                       spec.workload.speed_milli_min, spec.prefer.carbon_milli, spec.workload.kind, residency}];
  // Where something became cheaper since, making a list anew may be in vain.
  if (list.relief != graph.relief()) {
    sites_held_ -= list.sites.size();
    list = {.relief = graph.relief()};
    return std::nullopt;
  }
  Look look(*this, graph, spec, residency, cache);
  bool fresh = !list.made;
  if (fresh && !look.make(list, kLengthFirst)) return std::nullopt;
  while (!look.find(list, alternatives + 1)) {
    // What lies beyond may have become dearer since as well: only a list that was just made is too short.
    if (fresh && list.length >= kLengthMax) return std::nullopt;
    if (!look.make(list, fresh ? list.length * 2 : kLengthFirst)) return std::nullopt;
    fresh = true;
  }
  if (look.count() == 0) return std::nullopt;
  if (spec.budget_per_hour_max > 0 && look.at(0).billed > spec.budget_per_hour_max) return std::nullopt;
  return look.plan(intent, alternatives);
}

}  // namespace weir
