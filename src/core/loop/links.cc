#include "core/loop/links.h"

#include <algorithm>
#include <map>
#include <set>

namespace weir {
namespace {

constexpr LinkId duplex(LinkId link) { return LinkId(link.value & ~1u); }

// The nearest site that is up, from `start`, avoiding the vertices in `avoid`: over as few links that are down as
// possible, then by hops; the way as links leading from `start` to it. Two neighbouring links that died together
// can only be watched together.
struct Way {
  SiteId site;
  std::vector<LinkId> links;
};
std::optional<Way> nearest_site(const Graph& graph, const std::vector<SiteId>& site_at, VertexId start,
                                const std::set<VertexId>& avoid) {
  using Cost = std::pair<uint32_t, uint32_t>;  // links that are down, links
  std::set<std::pair<Cost, VertexId>> queue = {{{0, 0}, start}};
  std::map<VertexId, Cost> best = {{start, {0, 0}}};
  std::vector<LinkId> by(graph.vertex_count());
  while (!queue.empty()) {
    const auto [cost, at] = *queue.begin();
    queue.erase(queue.begin());
    const SiteId site = site_at[at.index()];
    if (site.valid() && graph.site(site).state == Liveness::kUp) {
      Way way{site, {}};
      for (VertexId v = at; v != start; v = graph.link(way.links.back()).from) way.links.push_back(by[v.index()]);
      std::reverse(way.links.begin(), way.links.end());
      return way;
    }
    for (const LinkId link : graph.links_out(at)) {
      const VertexId next = graph.link(link).to;
      if (avoid.count(next)) continue;
      const Cost more = {cost.first + (graph.usable(link) ? 0 : 1), cost.second + 1};
      const auto known = best.find(next);
      if (known != best.end() && known->second <= more) continue;
      if (known != best.end()) queue.erase({known->second, next});
      best[next] = more;
      queue.insert({more, next});
      by[next.index()] = link;
    }
  }
  return std::nullopt;
}

// Below this difference two ways are not told apart by their round trip.
constexpr int64_t kTellApartUs = 500;
// Sites nearest to a link that are tried as ends of a routed path over it.
constexpr size_t kEndsTried = 4;

// How plain routing leads from one vertex to all: by described latency, ties by vertex.
struct Routes {
  std::vector<int64_t> distance_us;
  std::vector<LinkId> by;
};
Routes routes_from(const Graph& graph, VertexId from, const std::set<LinkId>& without = {}) {
  Routes routes{std::vector<int64_t>(graph.vertex_count(), INT64_MAX), std::vector<LinkId>(graph.vertex_count())};
  std::set<std::pair<int64_t, VertexId>> queue = {{0, from}};
  routes.distance_us[from.index()] = 0;
  while (!queue.empty()) {
    const auto [so_far, at] = *queue.begin();
    queue.erase(queue.begin());
    if (at != from && graph.site_at(at).valid()) continue;  // sites carry no transit
    for (const LinkId link : graph.links_out(at)) {
      if (without.count(duplex(link))) continue;
      const VertexId next = graph.link(link).to;
      const int64_t more = so_far + graph.link(link).latency_us;
      if (more >= routes.distance_us[next.index()]) continue;
      queue.erase({routes.distance_us[next.index()], next});
      routes.distance_us[next.index()] = more;
      routes.by[next.index()] = link;
      queue.insert({more, next});
    }
  }
  return routes;
}

std::vector<LinkId> way_to(const Graph& graph, const Routes& routes, VertexId from, VertexId to) {
  std::vector<LinkId> links;
  for (VertexId at = to; at != from; at = graph.link(links.back()).from) links.push_back(routes.by[at.index()]);
  std::reverse(links.begin(), links.end());
  return links;
}

// The sites that are up, nearest first.
std::vector<SiteId> sites_by_distance(const Graph& graph, const Routes& routes) {
  std::vector<std::pair<int64_t, SiteId>> near;
  for (size_t s = 0; s < graph.site_count(); ++s) {
    const int64_t us = routes.distance_us[graph.site(SiteId(s)).vertex.index()];
    if (us != INT64_MAX && graph.site(SiteId(s)).state == Liveness::kUp) near.push_back({us, SiteId(s)});
  }
  std::sort(near.begin(), near.end());
  std::vector<SiteId> sites;
  for (const auto& [us, site] : near) sites.push_back(site);
  return sites;
}

// A routed path over the link between sites that are up, with no other link that is down if there is one.
std::optional<WatchedPath> routed_over(const Graph& graph, LinkId link) {
  const std::vector<SiteId> ends = sites_by_distance(graph, routes_from(graph, graph.link(link).from));
  std::optional<WatchedPath> second_best;
  for (size_t i = 0; i < std::min(ends.size(), kEndsTried); ++i) {
    const VertexId from = graph.site(ends[i]).vertex;
    const Routes routes = routes_from(graph, from);
    for (const SiteId to : sites_by_distance(graph, routes)) {
      WatchedPath path{ends[i], to, way_to(graph, routes, from, graph.site(to).vertex), false};
      const auto over = [&](LinkId id) { return duplex(id) == duplex(link); };
      if (std::none_of(path.links.begin(), path.links.end(), over)) continue;
      const bool alone = std::all_of(path.links.begin(), path.links.end(),
                                     [&](LinkId id) { return over(id) || graph.usable(id); });
      if (alone) return path;
      if (!second_best) second_best = std::move(path);
    }
  }
  return second_best;
}

}  // namespace

std::vector<LinkId> reversed(const std::vector<LinkId>& path) {
  std::vector<LinkId> back;
  for (auto link = path.rbegin(); link != path.rend(); ++link) back.push_back(opposite(*link));
  return back;
}

LinkVerdicts judge_links(const Graph& graph, const std::vector<WatchedPath>& paths) {
  std::set<LinkId> alive, suspected;
  for (const WatchedPath& path : paths) {
    if (!path.alive) continue;
    for (const LinkId link : path.links) alive.insert(duplex(link));
  }
  for (const WatchedPath& path : paths) {
    if (path.alive || graph.site(path.from).state == Liveness::kDown || graph.site(path.to).state == Liveness::kDown) {
      continue;
    }
    for (const LinkId link : path.links) {
      if (!alive.count(duplex(link))) suspected.insert(duplex(link));
    }
  }
  return {{suspected.begin(), suspected.end()}, {alive.begin(), alive.end()}};
}

std::optional<WatchedPath> exploratory_path(const Graph& graph, LinkId link) {
  std::vector<SiteId> site_at(graph.vertex_count());
  for (size_t s = 0; s < graph.site_count(); ++s) site_at[graph.site(SiteId(s)).vertex.index()] = SiteId(s);
  const VertexId a = graph.link(link).from, b = graph.link(link).to;
  const auto left = nearest_site(graph, site_at, a, {b});
  if (!left) return std::nullopt;
  std::set<VertexId> taken = {a};
  for (const LinkId l : left->links) taken.insert(graph.link(l).to);
  const auto right = nearest_site(graph, site_at, b, taken);
  if (!right) return std::nullopt;
  WatchedPath path{left->site, right->site, reversed(left->links), false};
  path.links.push_back(link);
  path.links.insert(path.links.end(), right->links.begin(), right->links.end());
  return steered(graph, path) ? path : routed_over(graph, link);
}

std::optional<std::vector<LinkId>> routed_way(const Graph& graph, VertexId from, VertexId to,
                                              const std::set<LinkId>& without) {
  const Routes routes = routes_from(graph, from, without);
  if (routes.distance_us[to.index()] == INT64_MAX) return std::nullopt;
  return way_to(graph, routes, from, to);
}

bool steered(const Graph& graph, const WatchedPath& path) {
  return !segments(graph, path.links, path.to).empty() && !segments(graph, reversed(path.links), path.from).empty();
}

bool shows_link(const Graph& graph, const WatchedPath& path, LinkId link, int64_t round_trip_us) {
  if (steered(graph, path)) return true;
  const auto around = routed_way(graph, graph.site(path.from).vertex, graph.site(path.to).vertex, {duplex(link)});
  if (!around) return true;
  const auto described_us = [&graph](const std::vector<LinkId>& links) {
    int64_t us = 0;
    for (const LinkId id : links) us += int64_t{graph.link(id).latency_us} + graph.link(opposite(id)).latency_us;
    return us;
  };
  const int64_t direct_us = described_us(path.links), around_us = described_us(*around);
  return around_us - direct_us < kTellApartUs || 2 * round_trip_us < direct_us + around_us;
}

std::vector<std::string> segments(const Graph& graph, const std::vector<LinkId>& path, SiteId to) {
  const SiteSpec& site = graph.site_spec(to);
  if (site.sid.empty() || !site.steerable) return {};
  std::vector<std::string> sids;
  for (size_t i = 0; i < path.size(); ++i) {
    const LinkSpec& spec = graph.link_spec(path[i]);
    if (!spec.steerable) return {};
    if (i == 0) continue;
    const std::string& sid = path[i].value % 2 == 0 ? spec.sid_a : spec.sid_b;
    if (sid.empty()) return {};
    sids.push_back(sid);
  }
  sids.push_back(site.sid);
  return sids;
}

}  // namespace weir
