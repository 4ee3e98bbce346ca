#include "orchestration/plan/candidates.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <tuple>

namespace weir {

namespace {

template <class Prices>
bool stale(const Prices* known, const Graph& graph) {
  return !known || known->described != graph.described() || known->seen > graph.repricings() ||
         graph.repricings() - known->seen > Graph::kRepricingsKept;
}

}  // namespace

PlanCache::WorkloadKey PlanCache::key(const IntentSpec& spec) {
  return {spec.workload.cpu_milli, spec.workload.memory_mib, device_milli(spec.workload),
          spec.prefer.cost_milli, spec.prefer.carbon_milli, spec.workload.kind, spec.workload.best_effort};
}

std::shared_ptr<const PlanCache::SitePrices> PlanCache::site_prices(const Graph& graph,
                                                                    const IntentSpec& spec) {
  if (site_prices_.size() > kWorkloadsMax) site_prices_.clear();
  auto& known = site_prices_[key(spec)];
  const auto look = [&](SiteId site) {
    known->of[site.index()] = least_price(graph, site, spec.workload, spec.prefer);
  };
  const bool anew = stale(known.get(), graph);
  if (anew) {
    known = std::make_shared<SitePrices>(SitePrices{.of = {}, .described = graph.described()});
    known->of.resize(graph.site_count());
  }
  // Where more has changed than there are sites, a site has changed more than once.
  if (anew || graph.repricings() - known->seen >= graph.site_count()) {
    for (size_t s = 0; s < graph.site_count(); ++s) look(SiteId(s));
  } else {
    for (uint64_t i = known->seen; i < graph.repricings(); ++i) {
      if (const SiteId site = graph.repriced(i).site; site.valid()) look(site);
    }
  }
  known->seen = graph.repricings();
  return known;
}

std::shared_ptr<const PlanCache::RouterPrices> PlanCache::router_prices(const Graph& graph,
                                                                        const IntentSpec& spec,
                                                                        const SitePrices& sites,
                                                                        const PathSearch& search,
                                                                        int32_t streams) {
  if (router_prices_.size() > kWorkloadsMax) router_prices_.clear();
  auto& known = router_prices_[{key(spec), search.demand(), streams}];
  const Network& network = search.network();
  const auto look = [&](uint32_t core) {
    Nanocredits least = kUnreachable;
    for (const auto& [site, access] : network.met(core)) {
      const Nanocredits last = search.prices().access[access];
      if (last < kUnreachable) least = std::min(least, sites.of[site.index()] + streams * last);
    }
    known->of[core] = least;
  };
  constexpr size_t kBlock = PriceBounds::kBlock;
  const auto renew = [&](size_t block) {
    const auto first = known->of.begin() + static_cast<ptrdiff_t>(block * kBlock);
    known->least[block] = *std::min_element(
        first, first + static_cast<ptrdiff_t>(std::min(kBlock, known->of.size() - block * kBlock)));
  };
  const auto look_again = [&](uint32_t core) {
    look(core);
    renew(core / kBlock);
  };
  const auto look_around = [&](SiteId site) {
    for (uint32_t a = network.site_access_begin(site.index());
         a < network.site_access_begin(site.index() + 1); ++a) {
      look_again(network.all_accesses()[a].core);
    }
  };
  if (stale(known.get(), graph)) {
    known = std::make_shared<RouterPrices>();
    known->described = graph.described();
    known->of.resize(network.core_count());
    known->least.resize((network.core_count() + kBlock - 1) / kBlock);
    for (uint32_t c = 0; c < network.core_count(); ++c) look(c);
    for (size_t block = 0; block < known->least.size(); ++block) renew(block);
  } else {
    for (uint64_t i = known->seen; i < graph.repricings(); ++i) {
      const auto& [link, site] = graph.repriced(i);
      if (site.valid()) {
        look_around(site);
        continue;
      }
      for (const LinkId id : {link, opposite(link)}) {
        if (const uint32_t a = network.access_of(id); a != Network::kNone) {
          look_again(network.all_accesses()[a].core);
        }
      }
    }
  }
  known->seen = graph.repricings();
  return known;
}

Candidates::Candidates(const Graph& graph, const IntentSpec& spec, uint64_t residency,
                       std::vector<Source> sources, PlanCache& cache, const FlowTerm& term, KeptPath kept)
    : graph_(graph),
      spec_(spec),
      residency_(residency),
      sources_(std::move(sources)),
      cache_(cache),
      term_(term),
      kept_(kept),
      paths_(graph, stream_demand(spec), cache.paths),
      site_prices_(cache.site_prices(graph, spec)) {
  if (spec.workload.accelerators > 0) device_loss_.emplace(graph);
}

SitePrice Candidates::price(SiteId site, const Prefer& prefer) const {
  return device_loss_ ? instance_price(graph_, site, spec_.workload, prefer, *device_loss_)
                      : site_price(graph_, site, spec_.workload, prefer);
}

std::unique_ptr<SiteOrder> Candidates::every_site(const Share& share) {
  std::vector<Nanocredits> sums = site_prices_->of;
  const Network& network = paths_.network();
  const auto accesses = network.all_accesses();
  const auto& last = paths_.prices().access;
  for (size_t i = 0; i < share.size(); ++i) {
    if (share[i] == 0 || !sources_[i].site.valid()) continue;
    const PriceBounds reach = paths_.price_bounds(vertex(i), share[i], term_);
    for (size_t s = 0; s < sums.size(); ++s) {
      Nanocredits path = s == sources_[i].site.index() ? 0 : kUnreachable;
      for (uint32_t a = network.site_access_begin(s); a < network.site_access_begin(s + 1); ++a) {
        path = std::min(path, reach.of(accesses[a].core) + last[a]);
      }
      sums[s] = path >= kUnreachable || sums[s] >= kUnreachable ? kUnreachable : sums[s] + share[i] * path;
    }
  }
  return std::make_unique<AllSites>(std::move(sums));
}

// Without those that no path from the source reaches in time; 0: any time.
std::unique_ptr<SiteOrder> Candidates::by_router(size_t source, int32_t streams, int64_t latency_us_max) {
  router_prices_.push_back(cache_.router_prices(graph_, spec_, *site_prices_, paths_, streams));
  const PlanCache::RouterPrices& routers = *router_prices_.back();
  const RouterBounds bounds{.of = routers.of,
                            .least = routers.least,
                            .access = paths_.prices().access,
                            .site = site_prices_->of,
                            .fastest_us = latency_us_max > 0 ? &paths_.fastest_bounds(vertex(source)) : nullptr,
                            .latency_us_max = latency_us_max};
  return std::make_unique<SitesByRouter>(bounds, paths_.price_bounds(vertex(source), streams, term_), paths_.network(), streams,
                                         sources_[source].site, cache_.order_room);
}

Nanocredits Candidates::price_by_fastest(SiteId site, const Share& share) {
  Nanocredits sum = price(site, spec_.prefer).decision;
  for (size_t i = 0; i < share.size(); ++i) {
    if (share[i] == 0 || !sources_[i].site.valid()) continue;
    const auto path = paths_.fastest(vertex(i), graph_.site(site).vertex);
    if (!path) return kUnreachable;
    sum += share[i] * path->price;
  }
  return sum;
}

const Candidates::Ranking& Candidates::rank(const Share& share, size_t want) {
  Search& search = searches_[share];
  if (want == kAll && search.order && !search.keeps_refused) search = {};
  if (!search.order) {
    search.keeps_refused = want == kAll || explains_refused();
    const auto first = std::find_if(share.begin(), share.end(), [](int32_t streams) { return streams > 0; });
    const bool one =
        first != share.end() && std::count(share.begin(), share.end(), 0) + 1 == std::ssize(share);
    const auto source = static_cast<size_t>(first - share.begin());
    search.order = one && !search.keeps_refused && sources_[source].site.valid()
                       ? by_router(source, *first, spec_.promise.latency_us_max)
                       : every_site(share);
  }
  auto& [feasible, refused, all] = search.ranking;
  for (;;) {
    const Nanocredits bound = search.order->next_bound();
    // Equal bounds are looked at too: among options of equal price the lower SiteId has to win.
    if (bound == SiteOrder::kNever || (feasible.size() >= want && bound > feasible[want - 1].price)) break;
    const SiteId site = search.order->take();
    auto outcome = evaluate(site, share);
    if (auto* reason = std::get_if<Reason>(&outcome)) {
      if (search.keeps_refused) refused.push_back(*reason);
      continue;
    }
    auto& option = std::get<Option>(outcome);
    const auto at =
        std::upper_bound(feasible.begin(), feasible.end(), option, [](const Option& a, const Option& b) {
          return std::tie(a.price, a.site) < std::tie(b.price, b.site);
        });
    feasible.insert(at, std::move(option));
  }
  all = search.order->next_bound() == SiteOrder::kNever;
  return search.ranking;
}

std::optional<int64_t> Candidates::path_latency_us_max(SiteId site, int32_t streams,
                                                       ServiceTime& service) const {
  const auto time = service_time(spec_.workload, spec_.traffic, spec_.promise.percentile_ppm,
                                 graph_.load(site).speed_milli_min, streams);
  if (!time) return std::nullopt;
  service = *time;
  if (spec_.promise.latency_us_max == 0) return INT64_MAX;
  return spec_.promise.latency_us_max - service.work_us - service.queueing_us;
}

std::optional<PathOption> Candidates::kept_path(SiteId site, size_t source, const PathLimits& limits) const {
  if (!term_.in.valid() || kept_ == KeptPath::kNot) return std::nullopt;
  const ReservationSpec& spec = graph_.reservation(term_.in).spec;
  if (spec.site != site || spec.ingress != sources_[source].site) return std::nullopt;
  PathOption path = priced(graph_, spec.path, demand());
  if (!fits(graph_, path, demand(), limits) || !can_be_held(graph_, path.links)) return std::nullopt;
  const KeptBandwidth& kept = graph_.kept_bandwidth();
  const bool holds = std::all_of(path.links.begin(), path.links.end(), [&](LinkId link) {
    return limits.streams * demand().up_bps <= kept.left_bps(term_.in, link) &&
           limits.streams * demand().down_bps <= kept.left_bps(term_.in, opposite(link));
  });
  return holds ? std::optional(std::move(path)) : std::nullopt;
}

std::variant<Option, Reason> Candidates::evaluate(SiteId site, const Share& share) {
  if (const auto obstacle = site_obstacle(graph_, site, spec_, residency_)) return *obstacle;
  if (spec_.where.same_rack) {
    // Others would have nowhere to go.
    const int32_t all = instances_min(), fit = room(site, all);
    if (fit < all) return Reason{ReasonCode::kRack, site, SiteId{}, all, fit};
  }
  const int32_t streams = std::accumulate(share.begin(), share.end(), 0);
  Option option{.site = site, .share = share, .paths = std::vector<PathOption>(share.size())};
  const auto latency_us_max = path_latency_us_max(site, streams, option.service);
  if (!latency_us_max) {
    const Traffic& t = spec_.traffic;
    const int64_t needed =
        charge(charge(t.work_us_per_request, streams * t.requests_per_second_milli, 1'000'000), 1000,
               std::max(1, graph_.load(site).speed_milli_min));
    return Reason{ReasonCode::kOverload, site, SiteId{}, needed, spec_.workload.cpu_milli};
  }
  const SitePrice instance = price(site, spec_.prefer);
  option.price = instance.decision;
  option.billed = instance.billed;
  PathUse use;
  const auto last = static_cast<size_t>(share.rend() - std::find_if(share.rbegin(), share.rend(),
                                                                    [](int32_t k) { return k > 0; })) -
                    1;
  for (size_t i = 0; i < share.size(); ++i) {
    if (share[i] == 0 || !sources_[i].site.valid()) continue;
    // Each source by itself: the price stays a lower bound of the option. Whether the paths fit together
    // is noted, and the solver looks further where they do not.
    const PathLimits limits{.streams = share[i], .latency_us_max = *latency_us_max, .term = term_};
    const VertexId to = graph_.site(site).vertex;
    std::optional<PathOption> path = kept_path(site, i, limits);
    // Only where nothing is wrong with the fastest path: a search that has to fail looks everywhere first.
    if (!path && paths_.fastest_us(vertex(i), to) <= *latency_us_max) path = paths_.cheapest(vertex(i), to, limits);
    if (!path) {
      return path_obstacle(site, i, share[i], limits, option.service.work_us + option.service.queueing_us);
    }
    if (!use.empty() && option.fits_together) {
      option.fits_together = fits(graph_, *path, demand(),
                                  {.streams = share[i], .latency_us_max = *latency_us_max, .use = &use, .term = term_});
    }
    if (i < last) use.add(path->links, share[i] * demand().up_bps, share[i] * demand().down_bps);
    option.price += share[i] * path->price;
    option.billed +=
        path_per_hour(graph_, path->links, share[i] * demand().up_bps, share[i] * demand().down_bps);
    option.paths[i] = std::move(*path);
  }
  return option;
}

int32_t Candidates::instances_min() const {
  int64_t streams = 0;
  for (const Source& source : sources_) streams += source.streams;
  const int64_t each = std::max(1, spec_.workload.streams_per_instance);
  return static_cast<int32_t>(std::min<int64_t>((streams + each - 1) / each, INT32_MAX));
}

int32_t Candidates::room(SiteId site, int32_t most) {
  if (!spec_.where.same_rack) return instances_that_fit(graph_, site, spec_.workload, most);
  const auto [known, fresh] = rack_room_.try_emplace(site, 0);
  if (fresh && beside_.valid()) {
    known->second = instances_that_fit(graph_, site, spec_.workload, INT32_MAX, graph_.rack(beside_));
  } else if (fresh) {
    const auto best = rack_for(graph_, site, spec_.workload, INT32_MAX);
    known->second = best ? best->instances : 0;
  }
  return std::min(known->second, most);
}

std::optional<Reason> Candidates::path_too_far(SiteId site, size_t source) {
  if (!sources_[source].site.valid()) return std::nullopt;
  ServiceTime service;
  const auto latency_us_max = path_latency_us_max(site, 1, service);
  if (!latency_us_max) return std::nullopt;
  const int64_t fastest = paths_.fastest_us(vertex(source), graph_.site(site).vertex);
  if (fastest < kUnreachable && fastest <= *latency_us_max) return std::nullopt;
  return path_obstacle(site, source, 1, {.streams = 1, .latency_us_max = *latency_us_max, .term = term_},
                       service.work_us + service.queueing_us);
}

Reason Candidates::path_obstacle(SiteId site, size_t source, int32_t streams, const PathLimits& limits,
                                 int64_t service_us) {
  Reason reason{ReasonCode::kNoPath, site, sources_[source].site};
  const auto path = paths_.fastest(vertex(source), graph_.site(site).vertex);
  if (!path) return reason;
  reason.needed = spec_.promise.latency_us_max;
  reason.available = path->latency_us() + service_us;
  if (path->latency_us() > limits.latency_us_max) {
    reason.code = ReasonCode::kLatency;
    return reason;
  }
  if (fits(graph_, *path, demand(), limits)) {
    reason.code = ReasonCode::kSteering;
    return reason;
  }
  // Of the direction that falls shortest on the fastest path.
  reason.code = ReasonCode::kBandwidth;
  int64_t shortage = INT64_MIN;
  for (const LinkId forward : path->links) {
    for (const LinkId link : {forward, opposite(forward)}) {
      const int64_t needed = streams * (link == forward ? demand().up_bps : demand().down_bps);
      const int64_t available = graph_.room_bps(link, limits.term) - (limits.use ? limits.use->of(link) : 0);
      if (needed - available <= shortage) continue;
      shortage = needed - available;
      reason.needed = needed;
      reason.available = std::max<int64_t>(available, 0);
    }
  }
  return reason;
}

}  // namespace weir
