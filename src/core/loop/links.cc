#include "core/loop/links.h"

#include <algorithm>
#include <map>
#include <set>

namespace weir {
namespace {

// Whether an agent at the site can measure paths.
bool there(const Graph& graph, SiteId site) {
  return graph.site(site).state == Liveness::kUp || graph.site(site).state == Liveness::kDraining;
}

// From each end of a link a way to a site where a path can be led, the two without a vertex in common: over as few links
// that are down as possible, then by hops. Neighbouring links that died together can only be watched together. A flow of
// two units at least cost through the links that can be steered; a way goes through a vertex once, and not through sites.
class WaysToSites {
 public:
  // To sites where an agent can measure, or to any.
  WaysToSites(const Graph& graph, LinkId link, bool to_any) : graph_(graph), link_(link), to_any_(to_any) {}

  // The links of the way that ends at `link`'s beginning, of `link`, and of the way from its end.
  std::optional<WatchedPath> find() {
    const VertexId a = graph_.link(link_).from, b = graph_.link(link_).to;
    if (!leads(link_) || !extend(a) || !extend(b)) return std::nullopt;
    const std::vector<LinkId> left = way(a), right = way(b);
    const auto site = [this](const std::vector<LinkId>& links, VertexId start) {
      return graph_.site_at(links.empty() ? start : graph_.link(links.back()).to);
    };
    WatchedPath path{site(left, a), site(right, b), reversed(left), false};
    path.links.push_back(link_);
    path.links.insert(path.links.end(), right.begin(), right.end());
    return path;
  }

 private:
  using State = std::pair<VertexId, bool>;  // a vertex, on arrival or on leaving
  static constexpr int64_t kDown = int64_t{1} << 32;

  int64_t cost(LinkId link) const { return 1 + (graph_.usable(link) ? 0 : kDown); }
  bool leads(LinkId link) const { return graph_.link(link).steerable; }
  bool ends_at(VertexId at, SiteId site) const { return (to_any_ || there(graph_, site)) && !used_.count(at); }

  // One more unit from here, over the way that adds least; it may turn aside the one that is there.
  bool extend(VertexId from) {
    std::set<std::pair<int64_t, State>> queue = {{0, {from, false}}};
    std::map<State, int64_t> best = {{{from, false}, 0}};
    std::map<State, std::pair<State, LinkId>> by;
    std::optional<std::pair<int64_t, State>> found;
    while (!queue.empty()) {
      const auto [so_far, at] = *queue.begin();
      if (found && so_far >= found->first + spent_) break;  // turning aside saves no more than was spent
      queue.erase(queue.begin());
      const auto reach = [&, here = at, sum = so_far](State next, int64_t more, LinkId link) {
        const auto known = best.find(next);
        if (known != best.end() && known->second <= sum + more) return;
        if (known != best.end()) queue.erase({known->second, next});
        best[next] = sum + more;
        by[next] = {here, link};
        queue.insert({sum + more, next});
      };
      const VertexId vertex = at.first;
      if (at.second) {
        for (const LinkId link : graph_.links_out(vertex)) {
          const bool taken = out_.count(vertex) && out_.at(vertex) == link;
          if (duplex(link) != duplex(link_) && !taken && leads(link)) reach({graph_.link(link).to, false}, cost(link), link);
        }
        if (used_.count(vertex)) reach({vertex, false}, 0, {});
        continue;
      }
      const SiteId site = graph_.site_at(vertex);
      if (site.valid()) {
        if (ends_at(vertex, site) && (!found || so_far < found->first)) found = {so_far, at};
      } else if (!used_.count(vertex)) {
        reach({vertex, true}, 0, {});
      }
      if (const auto in = in_.find(vertex); in != in_.end()) {
        reach({graph_.link(in->second).from, true}, -cost(in->second), in->second);
      }
    }
    if (!found) return false;
    std::set<LinkId> flow;
    for (const auto& [vertex, link] : out_) flow.insert(link);
    for (State at = found->second; by.count(at); at = by[at].first) {
      const LinkId link = by[at].second;
      if (link.valid() && !flow.erase(link)) flow.insert(link);
    }
    spent_ += found->first;
    starts_.insert(from);
    used_ = starts_;
    in_.clear();
    out_.clear();
    for (const LinkId link : flow) {
      in_[graph_.link(link).to] = out_[graph_.link(link).from] = link;
      used_.insert(graph_.link(link).from);
      used_.insert(graph_.link(link).to);
    }
    return true;
  }

  std::vector<LinkId> way(VertexId at) const {
    std::vector<LinkId> links;
    for (auto next = out_.find(at); next != out_.end(); next = out_.find(graph_.link(next->second).to)) {
      links.push_back(next->second);
    }
    return links;
  }

  const Graph& graph_;
  const LinkId link_;
  const bool to_any_;
  std::set<VertexId> starts_, used_;
  std::map<VertexId, LinkId> in_, out_;  // by which a way comes to a vertex, and leaves it
  int64_t spent_ = 0;
};

// Below this difference two ways are not told apart by their round trip, of which half may be the measurement's own.
constexpr int64_t kTellApartUs = 500;
// Sites behind a link, nearest first, that are tried as ends of a routed path over it: for a better path than one that was
// found, and for any.
constexpr size_t kEndsTried = 4, kEndsTriedForAny = 32;

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

// The sites that can measure, nearest first.
std::vector<SiteId> sites_by_distance(const Graph& graph, const Routes& routes) {
  std::vector<std::pair<int64_t, SiteId>> near;
  for (size_t s = 0; s < graph.site_count(); ++s) {
    const int64_t us = routes.distance_us[graph.site(SiteId(s)).vertex.index()];
    if (us != INT64_MAX && there(graph, SiteId(s))) near.push_back({us, SiteId(s)});
  }
  std::sort(near.begin(), near.end());
  std::vector<SiteId> sites;
  for (const auto& [us, site] : near) sites.push_back(site);
  return sites;
}

// There and back.
struct RoundTrip {
  int64_t us = 0, jitter_us = 0;
};
RoundTrip described(const Graph& graph, const std::vector<LinkId>& links) {
  RoundTrip sum;
  for (const LinkId link : links) {
    for (const LinkId id : {link, opposite(link)}) {
      sum.us += graph.link(id).latency_us;
      sum.jitter_us += graph.link(id).jitter_us;
    }
  }
  return sum;
}
// Whether a trip over the one way is always told from one over the other, which takes at least `around_us`.
bool told_apart(const RoundTrip& direct, int64_t around_us) {
  return around_us - direct.us - direct.jitter_us >= kTellApartUs;
}

// A routed path over the link between sites that can measure: one on which a way around the link would be noticed, then
// one with no other link that is down.
std::optional<WatchedPath> routed_over(const Graph& graph, LinkId link) {
  // What lies on the way between two sites lies on the way from each of them to the link's far end.
  const Routes near = routes_from(graph, graph.link(link).from), far = routes_from(graph, graph.link(link).to);
  const auto behind = [&graph, link](const Routes& here, const Routes& other, SiteId site) {
    const size_t at = graph.site(site).vertex.index();
    return here.distance_us[at] != INT64_MAX && here.distance_us[at] + graph.link(link).latency_us == other.distance_us[at];
  };
  const auto ends_behind = [&](const Routes& here, const Routes& other) {
    std::vector<SiteId> ends = sites_by_distance(graph, here);
    std::erase_if(ends, [&](SiteId site) { return !behind(here, other, site); });
    return ends;
  };
  // From the side with fewer sites, which are soon all tried: most of the others may have no way over the link.
  std::vector<SiteId> ends = ends_behind(near, far), others = ends_behind(far, near);
  if (others.size() < ends.size()) std::swap(ends, others);
  std::optional<WatchedPath> best;
  int best_rank = -1;
  for (size_t i = 0; i < std::min(ends.size(), best ? kEndsTried : kEndsTriedForAny); ++i) {
    const VertexId from = graph.site(ends[i]).vertex;
    const Routes routes = routes_from(graph, from), around = routes_from(graph, from, {duplex(link)});
    for (const SiteId to : others) {
      const VertexId end = graph.site(to).vertex;
      WatchedPath path{ends[i], to, way_to(graph, routes, from, end), false};
      const auto over = [&](LinkId id) { return duplex(id) == duplex(link); };
      if (std::none_of(path.links.begin(), path.links.end(), over)) continue;
      const int64_t around_us = around.distance_us[end.index()];
      const bool tells = around_us == INT64_MAX || told_apart(described(graph, path.links), 2 * around_us);
      const bool alone = std::all_of(path.links.begin(), path.links.end(),
                                     [&](LinkId id) { return over(id) || graph.usable(id); });
      const int rank = 2 * tells + alone;
      if (rank <= best_rank) continue;
      best_rank = rank;
      best = std::move(path);
      if (tells && alone) return best;
    }
  }
  return best;
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
  auto path = WaysToSites(graph, link, false).find();
  return path ? path : routed_over(graph, link);
}

std::optional<std::vector<LinkId>> routed_way(const Graph& graph, VertexId from, VertexId to,
                                              const std::set<LinkId>& without) {
  const Routes routes = routes_from(graph, from, without);
  if (routes.distance_us[to.index()] == INT64_MAX) return std::nullopt;
  return way_to(graph, routes, from, to);
}

bool steered(const Graph& graph, const WatchedPath& path) {
  return graph.steerable(path.links);
}

void Detours::follow(const Graph& graph) {
  const bool full = around_us_.size() >= kept_max_ || leadable_.size() >= kept_max_;
  if (described_ == graph.described() && !full) return;
  described_ = graph.described();
  around_us_.clear();
  leadable_.clear();
}

std::optional<int64_t> Detours::around_us(const Graph& graph, SiteId from, SiteId to, LinkId link) {
  follow(graph);
  const auto [known, fresh] = around_us_.try_emplace({from, to, duplex(link)});
  if (fresh) {
    ++searches_;
    const auto way = routed_way(graph, graph.site(from).vertex, graph.site(to).vertex, {duplex(link)});
    if (way) known->second = described(graph, *way).us;
  }
  return known->second;
}

bool Detours::leadable(const Graph& graph, LinkId link) {
  follow(graph);
  const auto [known, fresh] = leadable_.try_emplace(duplex(link));
  if (fresh) {
    ++searches_;
    // Which links are up decides over which ways, not whether there are any.
    known->second = WaysToSites(graph, duplex(link), true).find().has_value();
  }
  return known->second;
}

bool shows_link(const Graph& graph, const WatchedPath& path, LinkId link, int64_t round_trip_us, bool doubted,
                Detours& detours) {
  if (steered(graph, path)) return true;
  const auto around_us = detours.around_us(graph, path.from, path.to, link);
  if (!around_us) return true;
  // The way itself takes up to its jitter longer, a way around at least its latency.
  const RoundTrip direct = described(graph, path.links);
  const int64_t direct_us = direct.us + direct.jitter_us;
  if (told_apart(direct, *around_us)) return 2 * round_trip_us < direct_us + *around_us;
  if (doubted || *around_us < direct.us || detours.leadable(graph, link)) return false;
  return round_trip_us < direct_us + kTellApartUs / 2;
}

std::vector<std::string> segments(const Graph& graph, const std::vector<LinkId>& path, SiteId to) {
  if (!graph.steerable(path) || !graph.site(to).steerable) return {};
  std::vector<std::string> sids;
  for (size_t i = 1; i < path.size(); ++i) {
    const LinkSpec& spec = graph.link_spec(path[i]);
    sids.push_back(path[i].value % 2 == 0 ? spec.sid_a : spec.sid_b);
  }
  sids.push_back(graph.site_spec(to).sid);
  return sids;
}

}  // namespace weir
