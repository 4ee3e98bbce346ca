#include "orchestration/plan/candidates.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace weir {

const PathTree& PlanCache::tree(const Graph& graph, VertexId from, const StreamDemand& demand) {
  const auto key = std::make_pair(from, demand);
  auto found = trees_.find(key);
  if (found != trees_.end() && found->second.relief == graph.path_relief() &&
      found->second.price.size() == graph.vertex_count()) {
    return found->second;
  }
  if (found == trees_.end() && trees_.size() >= kTreesMax) trees_.clear();
  return trees_.insert_or_assign(key, price_tree(graph, from, demand)).first->second;
}

Candidates::Candidates(const Graph& graph, const IntentSpec& spec, uint64_t residency, std::vector<Source> sources,
                       PlanCache& cache)
    : graph_(graph),
      spec_(spec),
      residency_(residency),
      sources_(std::move(sources)),
      demand_(stream_demand(spec)),
      cache_(cache),
      trees_(sources_.size(), nullptr) {}

const PathTree& Candidates::tree(size_t source) {
  if (!trees_[source]) trees_[source] = &cache_.tree(graph_, vertex(source), demand_);
  return *trees_[source];
}

Nanocredits Candidates::bound(SiteId site, const Share& share) {
  Nanocredits sum = site_price(graph_, site, spec_.workload, spec_.prefer).decision;
  for (size_t i = 0; i < share.size(); ++i) {
    if (share[i] == 0 || !sources_[i].site.valid()) continue;
    const Nanocredits path = tree(i).price[graph_.site(site).vertex.index()];
    if (path == PathTree::kUnreachable) return PathTree::kUnreachable;
    sum += share[i] * path;
  }
  return sum;
}

void Candidates::open(const Share& share, Search& search) {
  search.opened = true;
  search.heap.reserve(graph_.site_count());
  for (size_t s = 0; s < graph_.site_count(); ++s) {
    search.heap.emplace_back(bound(SiteId(s), share), SiteId(s));
  }
  std::make_heap(search.heap.begin(), search.heap.end(), std::greater<>());
}

const Candidates::Ranking& Candidates::rank(const Share& share, size_t want) {
  Search& search = searches_[share];
  if (!search.opened) open(share, search);
  auto& [feasible, refused, all] = search.ranking;
  while (!search.heap.empty() &&
         (feasible.size() < want || search.heap.front().first < feasible[want - 1].price)) {
    std::pop_heap(search.heap.begin(), search.heap.end(), std::greater<>());
    const SiteId site = search.heap.back().second;
    search.heap.pop_back();
    auto outcome = evaluate(site, share);
    if (auto* reason = std::get_if<Reason>(&outcome)) {
      refused.push_back(*reason);
      continue;
    }
    auto& option = std::get<Option>(outcome);
    const auto at = std::upper_bound(feasible.begin(), feasible.end(), option, [](const Option& a, const Option& b) {
      return std::tie(a.price, a.site) < std::tie(b.price, b.site);
    });
    feasible.insert(at, std::move(option));
  }
  all = search.heap.empty();
  return search.ranking;
}

std::optional<int64_t> Candidates::path_latency_us_max(SiteId site, int32_t streams, ServiceTime& service) const {
  const auto time = service_time(spec_.workload, spec_.traffic, spec_.promise.percentile_ppm,
                                 graph_.load(site).speed_milli_min, streams);
  if (!time) return std::nullopt;
  service = *time;
  if (spec_.promise.latency_us_max == 0) return INT64_MAX;
  return spec_.promise.latency_us_max - service.work_us - service.queueing_us;
}

std::variant<Option, Reason> Candidates::evaluate(SiteId site, const Share& share) {
  if (const auto obstacle = site_obstacle(graph_, site, spec_, residency_)) return *obstacle;
  const int32_t streams = std::accumulate(share.begin(), share.end(), 0);
  Option option{.site = site, .share = share, .paths = std::vector<PathOption>(share.size())};
  const auto latency_us_max = path_latency_us_max(site, streams, option.service);
  if (!latency_us_max) {
    const Traffic& t = spec_.traffic;
    const int64_t needed = charge(charge(t.work_us_per_request, streams * t.requests_per_second_milli, 1'000'000), 1000,
                                  graph_.load(site).speed_milli_min);
    return Reason{ReasonCode::kOverload, site, SiteId{}, needed, spec_.workload.cpu_milli};
  }
  const SitePrice price = site_price(graph_, site, spec_.workload, spec_.prefer);
  option.price = price.decision;
  option.billed = price.billed;
  PathUse use;
  for (size_t i = 0; i < share.size(); ++i) {
    if (share[i] == 0 || !sources_[i].site.valid()) continue;
    // Each source by itself: the price stays a lower bound of the option. Whether the paths fit together
    // is noted, and the solver looks further where they do not.
    const PathLimits limits{.streams = share[i], .latency_us_max = *latency_us_max};
    auto path = cheapest_path(graph_, tree(i), graph_.site(site).vertex, demand_, limits);
    if (!path) {
      return path_obstacle(site, i, share[i], limits, option.service.work_us + option.service.queueing_us);
    }
    option.fits_together =
        option.fits_together &&
        fits(graph_, *path, demand_, {.streams = share[i], .latency_us_max = *latency_us_max, .use = &use});
    use.add(path->links, share[i] * demand_.up_bps, share[i] * demand_.down_bps);
    option.price += share[i] * path->price;
    option.billed += path_per_hour(graph_, path->links, share[i] * demand_.up_bps, share[i] * demand_.down_bps);
    option.paths[i] = std::move(*path);
  }
  return option;
}

Reason Candidates::path_obstacle(SiteId site, size_t source, int32_t streams, const PathLimits& limits,
                                 int64_t service_us) {
  Reason reason{ReasonCode::kNoPath, site, sources_[source].site};
  const auto fastest = fastest_path(graph_, vertex(source), graph_.site(site).vertex, demand_, {});
  if (!fastest) return reason;
  reason.needed = spec_.promise.latency_us_max;
  reason.available = fastest->latency_us() + service_us;
  if (fastest->latency_us() > limits.latency_us_max) {
    reason.code = ReasonCode::kLatency;
    return reason;
  }
  if (fits(graph_, *fastest, demand_, limits)) {
    reason.code = ReasonCode::kSteering;
    return reason;
  }
  reason.code = ReasonCode::kBandwidth;
  reason.needed = streams * demand_.up_bps;
  reason.available = INT64_MAX;
  for (const LinkId link : fastest->links) {
    reason.available = std::min(reason.available, graph_.load(link).free_bps - (limits.use ? limits.use->of(link) : 0));
  }
  return reason;
}

}  // namespace weir
