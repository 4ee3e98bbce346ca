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
  return path;
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
