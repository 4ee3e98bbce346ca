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

bool has_room(const Graph& graph, LinkId link, const StreamDemand& demand, const PathLimits& limits) {
  const int64_t up = limits.streams * demand.up_bps + (limits.use ? limits.use->of(link) : 0);
  const int64_t down = limits.streams * demand.down_bps + (limits.use ? limits.use->of(opposite(link)) : 0);
  return up <= graph.load(link).free_bps && down <= graph.load(opposite(link)).free_bps;
}

bool avoided(LinkId link, const PathLimits& limits) {
  if (!limits.avoid) return false;
  return std::any_of(limits.avoid->begin(), limits.avoid->end(),
                     [link](LinkId other) { return other == link || opposite(other) == link; });
}

// A way from some vertex to the target, found backwards; links are chained through `next`.
struct Label {
  Nanocredits price = 0;
  int64_t round_trip_us = 0, serialisation_us = 0;
  VertexId at;
  LinkId link;            // first link of the way, leaving `at`
  uint32_t next = 0;      // label at the other end of `link`
  int64_t latency_us() const { return round_trip_us + serialisation_us; }
};

struct QueueItem {
  Nanocredits estimate;
  int64_t latency_us;
  uint32_t label;
  bool operator>(const QueueItem& other) const {
    return std::tie(estimate, latency_us, label) > std::tie(other.estimate, other.latency_us, other.label);
  }
};
using Queue = std::priority_queue<QueueItem, std::vector<QueueItem>, std::greater<>>;

PathOption unroll(const std::vector<Label>& labels, uint32_t last) {
  PathOption path{{}, labels[last].price, labels[last].round_trip_us, labels[last].serialisation_us};
  for (uint32_t i = last; i != 0; i = labels[i].next) path.links.push_back(labels[i].link);
  return path;
}

// Runs labels backwards from `to`. admit(label) decides whether a popped label may go on; arrive(label) takes a
// complete path and returns whether to go on searching. Returns whether the search was exhaustive.
template <class Admit, class Arrive>
bool search(const Graph& graph, const PathTree& tree, VertexId to, const StreamDemand& demand,
            const PathLimits& limits, uint64_t* steps, std::vector<Label>& labels, Admit&& admit, Arrive&& arrive) {
  if (tree.price[to.index()] == PathTree::kUnreachable) return true;
  labels.assign(1, Label{.at = to});
  Queue queue;
  queue.push({tree.price[to.index()], 0, 0});
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
      const VertexId via = graph.link(link).from;
      if (tree.price[via.index()] == PathTree::kUnreachable) continue;
      if (!graph.link(link).steerable || !graph.usable(link) || !has_room(graph, link, demand, limits) ||
          avoided(link, limits)) {
        continue;
      }
      const Hop cost = hop(graph, link, demand);
      Label next{label.price + cost.price, label.round_trip_us + cost.round_trip_us,
                 label.serialisation_us + cost.serialisation_us, via, link, index};
      if (next.latency_us() > limits.latency_us_max) continue;
      labels.push_back(next);
      queue.push({next.price + tree.price[via.index()], next.latency_us(), static_cast<uint32_t>(labels.size() - 1)});
    }
  }
  return true;
}

std::optional<PathOption> routed_option(const Graph& graph, VertexId from, VertexId to, const StreamDemand& demand,
                                        const PathLimits& limits) {
  auto links = routed_path(graph, from, to);
  if (!links) return std::nullopt;
  PathOption path = priced(graph, std::move(*links), demand);
  if (!fits(graph, path, demand, limits)) return std::nullopt;
  return path;
}

// Dijkstra over usable links; length(link) is none where a link may not be used. Ties by vertex.
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
      if (!graph.usable(link)) continue;
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
  const LinkId back = opposite(link);
  const LinkLoad& there = graph.load(link);
  const LinkLoad& home = graph.load(back);
  const Nanocredits ask = charge(demand.up_bps, graph.link_price(link), kGbpsUnit) +
                          charge(demand.down_bps, graph.link_price(back), kGbpsUnit);
  return {charge(ask, demand.cost_milli, 1000),
          int64_t{there.latency_us} + there.jitter_us + home.latency_us + home.jitter_us,
          serialise_us(demand.request_bits, graph.link(link).bandwidth_bps) +
              serialise_us(demand.response_bits, graph.link(back).bandwidth_bps)};
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

PathTree price_tree(const Graph& graph, VertexId from, const StreamDemand& demand) {
  PathTree tree{from, graph.path_relief(), std::vector<Nanocredits>(graph.vertex_count(), PathTree::kUnreachable)};
  using Item = std::pair<Nanocredits, uint32_t>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
  tree.price[from.index()] = 0;
  queue.push({0, from.value});
  while (!queue.empty()) {
    const auto [price, v] = queue.top();
    queue.pop();
    if (price > tree.price[v]) continue;
    for (const LinkId link : graph.links_out(VertexId(v))) {
      if (!graph.usable(link)) continue;
      const uint32_t to = graph.link(link).to.value;
      const Nanocredits next = price + hop(graph, link, demand).price;
      if (next < tree.price[to]) {
        tree.price[to] = next;
        queue.push({next, to});
      }
    }
  }
  return tree;
}

std::optional<PathOption> cheapest_path(const Graph& graph, const PathTree& tree, VertexId to,
                                        const StreamDemand& demand, const PathLimits& limits) {
  if (limits.latency_us_max < 0) return std::nullopt;
  if (to == tree.from) return PathOption{};
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
        return true;
      },
      [&](uint32_t index) {
        best = unroll(labels, index);
        return false;
      });
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
      [&](uint32_t index) {
        if (list.paths.size() == most) return false;
        list.paths.push_back(unroll(labels, index));
        return true;
      });
  auto routed = routed_option(graph, tree.from, to, demand, limits);
  if (routed && !all_steerable(graph, routed->links)) {
    const auto at = std::upper_bound(list.paths.begin(), list.paths.end(), *routed, better);
    list.paths.insert(at, std::move(*routed));
  }
  return list;
}

std::optional<PathOption> fastest_path(const Graph& graph, VertexId from, VertexId to, const StreamDemand& demand,
                                       const PathLimits& limits) {
  auto links = shortest(graph, from, to, [&](LinkId link) -> std::optional<int64_t> {
    if (avoided(link, limits)) return std::nullopt;
    const Hop cost = hop(graph, link, demand);
    return cost.round_trip_us + cost.serialisation_us;
  });
  if (!links) return std::nullopt;
  return priced(graph, std::move(*links), demand);
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
           return graph.usable(id) && has_room(graph, id, demand, limits) && !avoided(id, limits);
         });
}

int32_t path_availability_ppm(const Graph& graph, const std::vector<LinkId>& path) {
  int64_t ppm = kPpm;
  for (const LinkId id : path) ppm = ppm * graph.link(id).availability_ppm / kPpm;
  return static_cast<int32_t>(ppm);
}

}  // namespace weir
