#include "orchestration/path/path_search.h"

#include <algorithm>
#include <queue>
#include <tuple>
#include <unordered_map>

namespace weir {
namespace {

// Serialisation of `bits` at `bps`, us, rounded up.
int64_t serialise_us(int64_t bits, int64_t bps) {
  return bits == 0 || bps <= 0 ? 0 : charge(bits, 1'000'000, bps);
}

// A duplex link in the direction of `link`: its rows lie side by side.
struct Duplex {
  Duplex(const Graph& graph, LinkId id)
      : link(id), row(&graph.link(id)), there(&graph.load(id)), home(&graph.load(opposite(id))) {}
  bool usable() const { return there->up && home->up; }
  bool has_room(const StreamDemand& demand, const PathLimits& limits) const {
    const int64_t up = limits.streams * demand.up_bps + (limits.use ? limits.use->of(link) : 0);
    const int64_t down = limits.streams * demand.down_bps + (limits.use ? limits.use->of(opposite(link)) : 0);
    return up <= there->free_bps && down <= home->free_bps;
  }
  // Both directions have the same description.
  Hop hop(const PricePolicy& prices, const StreamDemand& demand) const {
    const auto price = [&](const LinkLoad& load) {
      return row->per_gbps_hour + scarcity(kScarcityPpm, prices.scarcity_gbps_hour,
                                           utilisation_bucket(row->bandwidth_bps, load.free_bps));
    };
    const Nanocredits ask =
        charge(demand.up_bps, price(*there), kGbpsUnit) + charge(demand.down_bps, price(*home), kGbpsUnit);
    return {charge(ask, demand.cost_milli, 1000),
            int64_t{there->latency_us} + there->jitter_us + home->latency_us + home->jitter_us,
            serialise_us(demand.request_bits, row->bandwidth_bps) +
                serialise_us(demand.response_bits, row->bandwidth_bps)};
  }

  int64_t latency_us(const StreamDemand& demand) const {
    return int64_t{there->latency_us} + there->jitter_us + home->latency_us + home->jitter_us +
           serialise_us(demand.request_bits, row->bandwidth_bps) + serialise_us(demand.response_bits, row->bandwidth_bps);
  }

  LinkId link;
  const LinkRow* row;
  const LinkLoad* there;
  const LinkLoad* home;
};

bool avoided(LinkId link, const PathLimits& limits) {
  if (!limits.avoid) return false;
  return std::any_of(limits.avoid->begin(), limits.avoid->end(),
                     [link](LinkId other) { return other == link || opposite(other) == link; });
}

// A way from some vertex to the target, found backwards; links are chained through `next`.
struct Label {
  Nanocredits price = 0;
  int64_t round_trip_us = 0, serialisation_us = 0;
  uint64_t tie = 0;       // sum of tie_break over the way
  VertexId at;
  LinkId link;            // first link of the way, leaving `at`
  uint32_t next = 0;      // label at the other end of `link`
  int64_t latency_us() const { return round_trip_us + serialisation_us; }
};

struct QueueItem {
  Nanocredits estimate;
  int64_t latency_us;
  uint64_t tie;
  uint32_t label;
  bool operator>(const QueueItem& other) const {
    return std::tie(estimate, latency_us, tie, label) > std::tie(other.estimate, other.latency_us, other.tie, other.label);
  }
};
using Queue = std::priority_queue<QueueItem, std::vector<QueueItem>, std::greater<>>;

PathOption unroll(const std::vector<Label>& labels, uint32_t last) {
  PathOption path{{}, labels[last].price, labels[last].round_trip_us, labels[last].serialisation_us};
  for (uint32_t i = last; i != 0; i = labels[i].next) path.links.push_back(labels[i].link);
  return path;
}

// By how much every path from the root has become dearer at least, since each leaves by one of the root's links. Access
// links are the thinnest and rise first; without this, one of their steps would blunt the whole tree.
Nanocredits rise(const Graph& graph, const PathTree& tree, const StreamDemand& demand) {
  Nanocredits least = PathTree::kUnreachable;
  const auto& links = graph.links_out(tree.from);
  for (size_t i = 0; i < links.size(); ++i) {
    const Duplex duplex(graph, links[i]);
    const Nanocredits then = i < tree.first.size() ? tree.first[i] : 0;
    if (duplex.usable()) least = std::min(least, duplex.hop(graph.prices(), demand).price - then);
  }
  return least == PathTree::kUnreachable ? 0 : std::max<Nanocredits>(least, 0);
}

// Runs labels backwards from `to`. admit(label) decides whether a popped label may go on, worth(vertex, latency) whether
// a new one is worth queueing; arrive(label) takes a complete path and returns whether to go on searching. Returns
// whether the search was exhaustive.
template <class Admit, class Worth, class Arrive>
bool search(const Graph& graph, const PathTree& tree, VertexId to, const StreamDemand& demand,
            const PathLimits& limits, uint64_t* steps, std::vector<Label>& labels, Admit&& admit, Worth&& worth,
            Arrive&& arrive) {
  if (tree.price[to.index()] == PathTree::kUnreachable) return true;
  labels.assign(1, Label{.at = to});
  const Nanocredits risen = rise(graph, tree, demand);
  Queue queue;
  queue.push({tree.price[to.index()], 0, 0, 0});
  while (!queue.empty()) {
    const uint32_t index = queue.top().label;
    queue.pop();
    const Label label = labels[index];
    if (!admit(index)) continue;
    if (label.at == tree.from) {
      if (!arrive(index)) return false;
      continue;
    }
    if (steps) {
      if (*steps == 0) return false;
      --*steps;
    }
    for (const LinkId back : graph.links_out(label.at)) {
      const LinkId link = opposite(back);  // towards the target
      const Duplex duplex(graph, link);
      const VertexId via = duplex.row->from;
      if (tree.price[via.index()] == PathTree::kUnreachable) continue;
      if (!duplex.row->steerable || !duplex.usable() || !duplex.has_room(demand, limits) || avoided(link, limits)) {
        continue;
      }
      const Hop cost = duplex.hop(graph.prices(), demand);
      Label next{label.price + cost.price, label.round_trip_us + cost.round_trip_us,
                 label.serialisation_us + cost.serialisation_us, label.tie + tie_break(link), via, link, index};
      if (next.latency_us() > limits.latency_us_max || !worth(via, next.latency_us())) continue;
      labels.push_back(next);
      queue.push({next.price + tree.price[via.index()] + (via == tree.from ? 0 : risen), next.latency_us(), next.tie,
                  static_cast<uint32_t>(labels.size() - 1)});
    }
  }
  return true;
}

// The tree's own path, if it is still the best: a path that has risen by no more than every path has to has no better,
// because the prices of all others have not fallen, and latencies, which break ties, are as they were.
std::optional<PathOption> tree_path(const Graph& graph, const PathTree& tree, VertexId to, const StreamDemand& demand,
                                    const PathLimits& limits) {
  if ((!tree.floor && tree.relief != graph.path_relief()) || tree.routing != graph.routing() || !tree.all_steerable || limits.avoid ||
      tree.price[to.index()] == PathTree::kUnreachable) {
    return std::nullopt;
  }
  PathOption path;
  for (VertexId at = to; at != tree.from;) {
    const Duplex duplex(graph, tree.by[at.index()]);
    if (!duplex.has_room(demand, limits)) return std::nullopt;
    const Hop cost = duplex.hop(graph.prices(), demand);
    path.price += cost.price;
    path.round_trip_us += cost.round_trip_us;
    path.serialisation_us += cost.serialisation_us;
    path.links.push_back(duplex.link);
    at = duplex.row->from;
  }
  if (path.price != tree.price[to.index()] + rise(graph, tree, demand) || path.latency_us() > limits.latency_us_max) return std::nullopt;
  std::reverse(path.links.begin(), path.links.end());
  return path;
}

std::optional<PathOption> routed_option(const Graph& graph, VertexId from, VertexId to, const StreamDemand& demand,
                                        const PathLimits& limits) {
  auto links = routed_path(graph, from, to);
  if (!links) return std::nullopt;
  PathOption path = priced(graph, std::move(*links), demand);
  if (!fits(graph, path, demand, limits)) return std::nullopt;
  return path;
}

// Dijkstra; length(link) is none where a link may not be used. Ties by vertex.
template <class Length>
std::optional<std::vector<LinkId>> shortest(const Graph& graph, VertexId from, VertexId to, Length&& length) {
  std::vector<int64_t> distance(graph.vertex_count(), INT64_MAX);
  std::vector<LinkId> by(graph.vertex_count());
  using Item = std::pair<int64_t, uint32_t>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
  distance[from.index()] = 0;
  queue.push({0, from.value});
  while (!queue.empty()) {
    const auto [so_far, v] = queue.top();
    queue.pop();
    if (so_far > distance[v]) continue;
    if (v == to.value) break;
    for (const LinkId link : graph.links_out(VertexId(v))) {
      const auto more = length(link);
      const uint32_t next = graph.link(link).to.value;
      if (more && so_far + *more < distance[next]) {
        distance[next] = so_far + *more;
        by[next] = link;
        queue.push({distance[next], next});
      }
    }
  }
  if (distance[to.index()] == INT64_MAX) return std::nullopt;
  std::vector<LinkId> links;
  for (VertexId at = to; at != from; at = graph.link(links.back()).from) links.push_back(by[at.index()]);
  std::reverse(links.begin(), links.end());
  return links;
}

bool better(const PathOption& a, const PathOption& b) {
  const int64_t la = a.latency_us(), lb = b.latency_us();
  return std::tie(a.price, la, a.links) < std::tie(b.price, lb, b.links);
}

// Plain routing is asked only where some link cannot be steered: elsewhere its path is among the others.
bool all_steerable(const Graph& graph, const std::vector<LinkId>& links) {
  return std::all_of(links.begin(), links.end(), [&](LinkId id) { return graph.link(id).steerable; });
}

}  // namespace

StreamDemand stream_demand(const IntentSpec& spec) {
  const Traffic& t = spec.traffic;
  StreamDemand demand{t.up_bps, t.down_bps, 0, 0, spec.prefer.cost_milli};
  if (t.requests_per_second_milli > 0) {
    demand.request_bits = charge(t.up_bps, 1000, t.requests_per_second_milli);
    demand.response_bits = charge(t.down_bps, 1000, t.requests_per_second_milli);
  }
  return demand;
}

Hop hop(const Graph& graph, LinkId link, const StreamDemand& demand) {
  return Duplex(graph, link).hop(graph.prices(), demand);
}

uint64_t tie_break(LinkId link) {
  uint64_t x = (uint64_t{link.value} / 2 + 1) * 0x9e3779b97f4a7c15;  // splitmix64; 16 bits left for the sum
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return (x ^ (x >> 31)) >> 16;
}

int64_t PathUse::of(LinkId link) const {
  for (const auto& [id, bps] : uses_) {
    if (id == link) return bps;
  }
  return 0;
}

int64_t& PathUse::at(LinkId link) {
  for (auto& [id, bps] : uses_) {
    if (id == link) return bps;
  }
  return uses_.emplace_back(link, 0).second;
}

void PathUse::add(const std::vector<LinkId>& path, int64_t up_bps, int64_t down_bps) {
  for (const LinkId id : path) {
    at(id) += up_bps;
    at(opposite(id)) += down_bps;
  }
}

void PathUse::remove(const std::vector<LinkId>& path, int64_t up_bps, int64_t down_bps) {
  add(path, -up_bps, -down_bps);
  std::erase_if(uses_, [](const auto& use) { return use.second == 0; });
}

PathTree price_tree(const Graph& graph, VertexId from, const StreamDemand& demand, bool floor) {
  const size_t vertices = graph.vertex_count();
  PathTree tree{.from = from, .relief = graph.path_relief(), .routing = graph.routing(), .floor = floor};
  PricePolicy prices = graph.prices();
  if (floor) prices.scarcity_gbps_hour = 0;
  tree.price.assign(vertices, PathTree::kUnreachable);
  tree.by.resize(vertices);
  for (const LinkId link : graph.links_out(from)) tree.first.push_back(Duplex(graph, link).hop(prices, demand).price);
  std::vector<std::pair<int64_t, uint64_t>> rest(vertices);  // latency and tie break of the best path so far
  struct Item {
    Nanocredits price;
    std::pair<int64_t, uint64_t> rest;
    uint32_t at;
    bool operator>(const Item& other) const {
      return std::tie(price, rest, at) > std::tie(other.price, other.rest, other.at);
    }
  };
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
  tree.price[from.index()] = 0;
  queue.push({0, {}, from.value});
  while (!queue.empty()) {
    const Item item = queue.top();
    queue.pop();
    if (item.price != tree.price[item.at] || item.rest != rest[item.at]) continue;
    for (const LinkId link : graph.links_out(VertexId(item.at))) {
      const Duplex duplex(graph, link);
      if (!duplex.usable()) continue;
      tree.all_steerable = tree.all_steerable && duplex.row->steerable;
      const Hop cost = duplex.hop(prices, demand);
      const uint32_t to = duplex.row->to.value;
      const Item next{item.price + cost.price,
                      {item.rest.first + cost.round_trip_us + cost.serialisation_us, item.rest.second + tie_break(link)},
                      to};
      if (std::tie(next.price, next.rest) < std::tie(tree.price[to], rest[to])) {
        tree.price[to] = next.price;
        rest[to] = next.rest;
        tree.by[to] = link;
        queue.push(next);
      }
    }
  }
  return tree;
}

FastestTree fastest_tree(const Graph& graph, VertexId from, const StreamDemand& demand) {
  FastestTree tree{.from = from, .routing = graph.routing()};
  tree.latency_us.assign(graph.vertex_count(), FastestTree::kUnreachable);
  tree.by.resize(graph.vertex_count());
  using Item = std::pair<int64_t, uint32_t>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
  tree.latency_us[from.index()] = 0;
  queue.push({0, from.value});
  while (!queue.empty()) {
    const auto [so_far, v] = queue.top();
    queue.pop();
    if (so_far > tree.latency_us[v]) continue;
    for (const LinkId link : graph.links_out(VertexId(v))) {
      const Duplex duplex(graph, link);
      if (!duplex.usable()) continue;
      const int64_t next = so_far + duplex.latency_us(demand);
      const uint32_t to = duplex.row->to.value;
      if (next < tree.latency_us[to]) {
        tree.latency_us[to] = next;
        tree.by[to] = link;
        queue.push({next, to});
      }
    }
  }
  return tree;
}

std::optional<PathOption> fastest_path(const Graph& graph, const FastestTree& tree, VertexId to,
                                       const StreamDemand& demand) {
  if (tree.latency_us[to.index()] == FastestTree::kUnreachable) return std::nullopt;
  std::vector<LinkId> links;
  for (VertexId at = to; at != tree.from; at = graph.link(links.back()).from) links.push_back(tree.by[at.index()]);
  std::reverse(links.begin(), links.end());
  return priced(graph, std::move(links), demand);
}

std::optional<PathOption> cheapest_path(const Graph& graph, const PathTree& tree, VertexId to,
                                        const StreamDemand& demand, const PathLimits& limits) {
  if (limits.latency_us_max < 0) return std::nullopt;
  if (to == tree.from) return PathOption{};
  if (auto path = tree_path(graph, tree, to, demand, limits)) return path;
  std::vector<Label> labels;
  // Labels of a vertex are popped in order of price, so one is dominated if it is not faster than an earlier.
  std::unordered_map<uint32_t, int64_t> fastest;  // looked up, never iterated
  std::optional<PathOption> best;
  search(
      graph, tree, to, demand, limits, nullptr, labels,
      [&](uint32_t index) {
        const Label& label = labels[index];
        const auto [known, fresh] = fastest.try_emplace(label.at.value, label.latency_us());
        if (!fresh && known->second <= label.latency_us()) return false;
        known->second = label.latency_us();
        if (!limits.avoid) ++tree.detours;
        return true;
      },
      [&](VertexId at, int64_t latency_us) {
        const auto known = fastest.find(at.value);
        return known == fastest.end() || latency_us < known->second;
      },
      [&](uint32_t index) {
        best = unroll(labels, index);
        return false;
      });
  if (tree.all_steerable) return best;
  auto routed = routed_option(graph, tree.from, to, demand, limits);
  if (routed && !all_steerable(graph, routed->links) && (!best || better(*routed, *best))) best = std::move(routed);
  return best;
}

PathList paths_by_price(const Graph& graph, const PathTree& tree, VertexId to, const StreamDemand& demand,
                        const PathLimits& limits, size_t most, uint64_t& steps) {
  PathList list;
  if (limits.latency_us_max < 0) return {{}, true};
  if (to == tree.from) return {{PathOption{}}, true};
  std::vector<Label> labels;
  list.complete = search(
      graph, tree, to, demand, limits, &steps, labels,
      [&](uint32_t index) {  // simple paths only
        for (uint32_t i = index; i != 0;) {
          i = labels[i].next;
          if (labels[i].at == labels[index].at) return false;
        }
        return true;
      },
      [](VertexId, int64_t) { return true; },
      [&](uint32_t index) {
        if (list.paths.size() == most) return false;
        list.paths.push_back(unroll(labels, index));
        return true;
      });
  if (tree.all_steerable) return list;
  auto routed = routed_option(graph, tree.from, to, demand, limits);
  if (routed && !all_steerable(graph, routed->links)) {
    const auto at = std::upper_bound(list.paths.begin(), list.paths.end(), *routed, better);
    list.paths.insert(at, std::move(*routed));
  }
  return list;
}

std::optional<std::vector<LinkId>> routed_path(const Graph& graph, VertexId from, VertexId to) {
  return shortest(graph, from, to, [&](LinkId link) -> std::optional<int64_t> { return graph.link(link).latency_us; });
}

PathOption priced(const Graph& graph, std::vector<LinkId> links, const StreamDemand& demand) {
  PathOption path{std::move(links)};
  for (const LinkId id : path.links) {
    const Hop cost = hop(graph, id, demand);
    path.price += cost.price;
    path.round_trip_us += cost.round_trip_us;
    path.serialisation_us += cost.serialisation_us;
  }
  return path;
}

bool fits(const Graph& graph, const PathOption& path, const StreamDemand& demand, const PathLimits& limits) {
  return path.latency_us() <= limits.latency_us_max &&
         std::all_of(path.links.begin(), path.links.end(), [&](LinkId id) {
           return graph.usable(id) && Duplex(graph, id).has_room(demand, limits) && !avoided(id, limits);
         });
}

int32_t path_availability_ppm(const Graph& graph, const std::vector<LinkId>& path) {
  int64_t ppm = kPpm;
  for (const LinkId id : path) ppm = ppm * graph.link(id).availability_ppm / kPpm;
  return static_cast<int32_t>(ppm);
}

}  // namespace weir
