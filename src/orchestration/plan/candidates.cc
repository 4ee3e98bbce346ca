#include "orchestration/plan/candidates.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <tuple>

namespace weir {

std::shared_ptr<const PathTree> PlanCache::tree(const Graph& graph, VertexId from, const StreamDemand& demand) {
  const size_t vertices = graph.vertex_count();
  const size_t bytes = 2 * vertices * (sizeof(Nanocredits) + sizeof(LinkId));
  if (trees_.size() * bytes > kBytesMax) trees_.clear();
  const auto worn = [vertices](const PathTree& tree) { return tree.detours > vertices / 2; };
  auto& [loaded, floor] = trees_[{from, demand}];
  if (loaded && loaded->relief == graph.path_relief() && loaded->price.size() == vertices && !worn(*loaded)) return loaded;
  if (loaded && loaded->relief != graph.path_relief()) {
    if (!floor || floor->routing != graph.routing() || floor->price.size() != vertices) {
      floor = std::make_shared<const PathTree>(price_tree(graph, from, demand, true));
    }
    if (!worn(*floor)) return floor;
    floor->detours = 0;
  }
  loaded = std::make_shared<const PathTree>(price_tree(graph, from, demand));
  return loaded;
}

std::shared_ptr<const FastestTree> PlanCache::fastest(const Graph& graph, VertexId from, const StreamDemand& demand) {
  auto& known = fastest_[{from, demand.request_bits, demand.response_bits}];
  if (!known || known->routing != graph.routing() || known->latency_us.size() != graph.vertex_count()) {
    auto made = std::make_shared<const FastestTree>(fastest_tree(graph, from, demand));
    known = made;
    const size_t bytes = graph.vertex_count() * (sizeof(int64_t) + sizeof(LinkId));
    if (fastest_.size() * bytes > kBytesMax) fastest_.clear();
    return made;
  }
  return known;
}

std::shared_ptr<PlanCache::Entry> PlanCache::entry(const Key& key) {
  if (entries_.size() * kItemsMax * sizeof(Entry::Item) > kBytesMax) entries_.clear();
  auto& known = entries_[key];
  if (!known) known = std::make_shared<Entry>();
  return known;
}

Candidates::Candidates(const Graph& graph, const IntentSpec& spec, uint64_t residency, std::vector<Source> sources,
                       PlanCache& cache)
    : graph_(graph),
      spec_(spec),
      residency_(residency),
      sources_(std::move(sources)),
      demand_(stream_demand(spec)),
      cache_(cache),
      trees_(sources_.size()),
      trees_now_(sources_.size()),
      fastest_(sources_.size()) {}

const PathTree& Candidates::tree(size_t source) {
  if (!trees_[source]) trees_[source] = cache_.tree(graph_, vertex(source), demand_);
  return *trees_[source];
}

const PathTree& Candidates::tree_now(size_t source) {
  if (!trees_now_[source]) {
    trees_now_[source] = std::make_shared<const PathTree>(price_tree(graph_, vertex(source), demand_));
  }
  return *trees_now_[source];
}

const FastestTree& Candidates::fastest(size_t source) {
  if (!fastest_[source]) fastest_[source] = cache_.fastest(graph_, vertex(source), demand_);
  return *fastest_[source];
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

Nanocredits Candidates::price_by_fastest(SiteId site, const Share& share) {
  Nanocredits sum = site_price(graph_, site, spec_.workload, spec_.prefer).decision;
  for (size_t i = 0; i < share.size(); ++i) {
    if (share[i] == 0 || !sources_[i].site.valid()) continue;
    const auto path = fastest_path(graph_, fastest(i), graph_.site(site).vertex, demand_);
    if (!path) return PathTree::kUnreachable;
    sum += share[i] * path->price;
  }
  return sum;
}

PlanCache::Key Candidates::key(const Share& share) const {
  PlanCache::Key key{.sources = {},
                     .demand = demand_,
                     .cpu_milli = spec_.workload.cpu_milli,
                     .memory_mib = spec_.workload.memory_mib,
                     .accelerators = spec_.workload.accelerators,
                     .carbon_milli = spec_.prefer.carbon_milli};
  for (size_t i = 0; i < share.size(); ++i) {
    if (share[i] > 0) key.sources.emplace_back(sources_[i].site.value, share[i]);
  }
  return key;
}

void Candidates::open(const Share& share, Search& search) {
  search.opened = true;
  if (search.keeps_refused) {
    search.heap.reserve(graph_.site_count());
    for (size_t s = 0; s < graph_.site_count(); ++s) search.heap.emplace_back(bound(SiteId(s), share), SiteId(s));
    std::make_heap(search.heap.begin(), search.heap.end(), std::greater<>());
    return;
  }
  search.list = cache_.entry(key(share));
  PlanCache::Entry& entry = *search.list;
  const size_t sites = graph_.site_count();
  if (entry.relief != graph_.relief() || entry.sites != sites || entry.looked_at > sites) {
    using Item = PlanCache::Entry::Item;
    std::vector<Item> items(sites);
    for (size_t s = 0; s < sites; ++s) items[s] = {bound(SiteId(s), share), SiteId(s), graph_.site(SiteId(s)).vertex};
    const auto before = [](const Item& a, const Item& b) { return std::tie(a.bound, a.site) < std::tie(b.bound, b.site); };
    const size_t kept = std::min(sites, PlanCache::kItemsMax);
    std::nth_element(items.begin(), items.begin() + static_cast<ptrdiff_t>(kept) - 1, items.end(), before);
    items.resize(kept);
    items.shrink_to_fit();
    std::sort(items.begin(), items.end(), before);
    entry = {graph_.relief(), sites, std::move(items), 0};
  }
  search.truncated = entry.items.size() < sites;
}

void Candidates::push(const Share& share, Search& search, SiteId site) {
  search.heap.emplace_back(bound(site, share), site);
  std::push_heap(search.heap.begin(), search.heap.end(), std::greater<>());
}

// Brings to the heap whatever may come before its front.
void Candidates::pull(const Share& share, Search& search) {
  if (!search.list) return;
  const auto& items = search.list->items;
  while (search.next < items.size() &&
         (search.heap.empty() || items[search.next].bound <= search.heap.front().first)) {
    const auto& item = items[search.next++];
    ++search.list->looked_at;
    if (!hopeless(share, item.site, item.vertex)) push(share, search, item.site);
  }
  if (!search.truncated || search.next < items.size() ||
      (!search.heap.empty() && search.heap.front().first < items.back().bound)) {
    return;
  }
  search.truncated = false;
  search.list->looked_at += graph_.site_count();
  std::vector<bool> listed(graph_.site_count(), false);
  for (const auto& item : items) listed[item.site.index()] = true;
  for (size_t s = 0; s < listed.size(); ++s) {
    if (!listed[s] && !hopeless(share, SiteId(s), graph_.site(SiteId(s)).vertex)) push(share, search, SiteId(s));
  }
}

// Certainly impossible, seen without looking at nodes or paths.
bool Candidates::hopeless(const Share& share, SiteId site, VertexId vertex) {
  if (spec_.promise.latency_us_max > 0) {
    for (size_t i = 0; i < share.size(); ++i) {
      if (share[i] > 0 && sources_[i].site.valid() &&
          fastest(i).latency_us[vertex.index()] > spec_.promise.latency_us_max) {
        return true;
      }
    }
  }
  const SiteLoad& load = graph_.load(site);
  return load.cpu_milli_free < spec_.workload.cpu_milli || load.memory_mib_free < spec_.workload.memory_mib ||
         load.accelerators_free < spec_.workload.accelerators;
}

const Candidates::Ranking& Candidates::rank(const Share& share, size_t want) {
  Search& search = searches_[share];
  if (want == kAll && search.opened && !search.keeps_refused) search = {};
  if (!search.opened) {
    search.keeps_refused = want == kAll || explains_refused();
    open(share, search);
  }
  auto& [feasible, refused, all] = search.ranking;
  for (;;) {
    pull(share, search);
    // Equal bounds are looked at too: among options of equal price the lower SiteId has to win.
    if (search.heap.empty() || (feasible.size() >= want && search.heap.front().first > feasible[want - 1].price)) break;
    std::pop_heap(search.heap.begin(), search.heap.end(), std::greater<>());
    const SiteId site = search.heap.back().second;
    search.heap.pop_back();
    auto outcome = evaluate(site, share);
    if (auto* reason = std::get_if<Reason>(&outcome)) {
      if (search.keeps_refused) refused.push_back(*reason);
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
    const VertexId to = graph_.site(site).vertex;
    std::optional<PathOption> path;
    // Only where nothing is wrong with the fastest path: a search that has to fail looks everywhere first.
    if (fastest(i).latency_us[to.index()] <= *latency_us_max) path = cheapest_path(graph_, tree(i), to, demand_, limits);
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
  const auto path = fastest_path(graph_, fastest(source), graph_.site(site).vertex, demand_);
  if (!path) return reason;
  reason.needed = spec_.promise.latency_us_max;
  reason.available = path->latency_us() + service_us;
  if (path->latency_us() > limits.latency_us_max) {
    reason.code = ReasonCode::kLatency;
    return reason;
  }
  if (fits(graph_, *path, demand_, limits)) {
    reason.code = ReasonCode::kSteering;
    return reason;
  }
  reason.code = ReasonCode::kBandwidth;
  reason.needed = streams * demand_.up_bps;
  reason.available = INT64_MAX;
  for (const LinkId link : path->links) {
    reason.available = std::min(reason.available, graph_.load(link).free_bps - (limits.use ? limits.use->of(link) : 0));
  }
  return reason;
}

}  // namespace weir
