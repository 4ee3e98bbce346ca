#include "orchestration/path/path_search.h"

#include <algorithm>
#include <functional>
#include <tuple>

namespace weir {
namespace {

constexpr size_t kHopsUsual = 12;  // paths of up to so many are collected without growing

bool avoided(LinkId link, const PathLimits& limits) {
  if (!limits.avoid) return false;
  return std::any_of(limits.avoid->begin(), limits.avoid->end(),
                     [link](LinkId other) { return other == link || opposite(other) == link; });
}

bool has_room(const Graph& graph, LinkId link, const StreamDemand& demand, const PathLimits& limits) {
  const int64_t up = limits.streams * demand.up_bps + (limits.use ? limits.use->of(link) : 0);
  const int64_t down = limits.streams * demand.down_bps + (limits.use ? limits.use->of(opposite(link)) : 0);
  // Who wants nothing of a direction is not kept from it.
  const auto fits = [&](LinkId id, int64_t bps) {
    return bps <= graph.load(id).free_bps - (bps > 0 ? graph.kept_bps(id, limits.term) : 0);
  };
  return fits(link, up) && fits(opposite(link), down);
}

bool better(const PathOption& a, const PathOption& b) {
  const int64_t la = a.latency_us(), lb = b.latency_us();
  return std::tie(a.price, la, a.links) < std::tie(b.price, lb, b.links);
}

// Length of the shortest way to `to` in the tree; length(link) as the tree was made. `last` is the access it
// takes.
template <class Length>
int64_t length_to(const Network& network, const ShortestTree& tree, VertexId to, Length&& length,
                  Network::Access* last = nullptr) {
  if (to == tree.from) return 0;
  int64_t least = kUnreachable;
  for (const Network::Access& access : network.accesses(to)) {
    const int64_t more = access.link.valid() ? length(opposite(access.link)) : 0;
    const int64_t sum = more < 0 ? kUnreachable : tree.length[access.core] + more;
    if (sum >= least) continue;
    least = sum;
    if (last) *last = access;
  }
  return least;
}

template <class Length>
std::optional<std::vector<LinkId>> path_to(const Network& network, const ShortestTree& tree, VertexId to,
                                           Length&& length) {
  Network::Access last{};
  if (length_to(network, tree, to, length, &last) >= kUnreachable) return std::nullopt;
  std::vector<LinkId> links;
  if (to == tree.from) return links;
  if (last.link.valid()) links.push_back(opposite(last.link));
  // Ends at the start itself, or beyond the start's own link.
  for (uint32_t at = last.core; at != Network::kNone && tree.by[at].valid();) {
    links.push_back(tree.by[at]);
    at = network.joined(links.back()).from;
  }
  std::reverse(links.begin(), links.end());
  return links;
}

}  // namespace

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

Nanocredits PriceBounds::of(size_t core) const {
  Nanocredits least = kUnreachable;
  for (const Way& way : ways_) least = std::min(least, way.price + way.tree->price[core]);
  return least;
}

void PriceBounds::of(size_t first, std::span<Nanocredits> out) const {
  std::ranges::fill(out, kUnreachable);
  for (const Way& way : ways_) {
    const Nanocredits* price = way.tree->price.data() + first;
    for (size_t i = 0; i < out.size(); ++i) out[i] = std::min(out[i], way.price + price[i]);
  }
}

Nanocredits PriceBounds::least(size_t block) const {
  Nanocredits least = kUnreachable;
  for (const Way& way : ways_) least = std::min(least, way.price + way.tree->least[block]);
  return least;
}

PathSearch::PathSearch(const Graph& graph, const StreamDemand& demand, PathMemory& memory)
    : graph_(graph), demand_(demand), memory_(memory), labels_(memory.scratch().labels) {
  memory_.follow(graph);
  prices_ = memory_.prices(graph, demand);
}

const PathSearch::Gates& PathSearch::gates(VertexId from) {
  for (const auto& [vertex, known] : gates_) {
    if (vertex == from) return known;
  }
  Gates& fresh = gates_.emplace_back(from, Gates{}).second;
  for (const auto& [core, link] : network().accesses(from)) {
    const Nanocredits price = link.valid() ? prices_->link[link.index()] : 0;
    if (price < kUnreachable)
      fresh.push_back({core, link, price, memory_.tree(graph_, *prices_, core, demand_)});
  }
  return fresh;
}

// With bounds as of this snapshot.
const PathSearch::Gates& PathSearch::gates_now(VertexId from) {
  const auto [known, fresh] = gates_now_.try_emplace(from);
  if (!fresh) return known->second;
  for (const auto& [core, link] : network().accesses(from)) {
    const Nanocredits price = link.valid() ? prices_->link[link.index()] : 0;
    if (price >= kUnreachable) continue;
    known->second.push_back(
        {core, link, price,
         std::make_shared<PriceTree>(price_tree(graph_, network(), *prices_, core, demand_))});
  }
  return known->second;
}

bool PathSearch::may_enter(const Gate& gate, const PathLimits& limits) const {
  return !gate.link.valid() || (!avoided(gate.link, limits) && has_room(graph_, gate.link, demand_, limits));
}

PriceBounds PathSearch::price_bounds(VertexId from, int32_t streams, const FlowTerm& term) {
  PriceBounds bounds;
  for (const Gate& gate : gates(from)) {
    if (may_enter(gate, {.streams = streams, .term = term})) bounds.ways_.push_back({gate.price, gate.tree});
  }
  return bounds;
}

PathOption PathSearch::unroll(uint32_t last) const {
  PathOption path{{}, labels_[last].price, labels_[last].round_trip_us, labels_[last].serialisation_us};
  path.links.reserve(kHopsUsual);
  for (uint32_t i = last; i != 0; i = labels_[i].next) {
    if (labels_[i].link.valid()) path.links.push_back(labels_[i].link);
  }
  return path;
}

// Runs labels backwards from `to`. admit(label) decides whether a popped label may go on, worth(core,
// latency) whether a new one is worth queueing; arrive(label) takes a complete path and returns whether to go
// on searching. Returns whether the search was exhaustive.
template <class Admit, class Worth, class Arrive>
bool PathSearch::search(VertexId from, const Gates& gates, VertexId to, const PathLimits& limits,
                        uint64_t* steps, Admit&& admit, Worth&& worth, Arrive&& arrive) {
  const Network& net = network();
  const uint32_t start = gates.size() == 1 && !gates[0].link.valid() ? gates[0].core : Network::kNone;
  const std::vector<int64_t>* fastest = limits.latency_us_max == INT64_MAX ? nullptr : &fastest_bounds(from);
  labels_.assign(1, Label{});
  left_out_ = kUnreachable;
  auto& queue = memory_.scratch().queue;
  queue.clear();
  const auto push = [&](const PathMemory::QueueItem& item) {
    queue.push_back(item);
    std::push_heap(queue.begin(), queue.end(), std::greater<>());
  };
  auto& open = memory_.scratch().open;  // those that may be taken: what a full one promises would mislead
  open.clear();
  for (const Gate& gate : gates) {
    if (may_enter(gate, limits)) open.push_back(&gate);
  }
  const auto bound = [&](uint32_t core) {
    Nanocredits least = kUnreachable;
    for (const auto* gate : open) least = std::min(least, gate->price + gate->tree->price[core]);
    return least;
  };
  // Extends label `index` by `link`, which leads from `via` towards the target.
  const auto extend = [&](uint32_t index, uint32_t via, LinkId link, bool home) {
    const Nanocredits price = prices_->link[link.index()];
    const Nanocredits ahead = home ? 0 : bound(via);
    if (price >= kUnreachable || ahead >= kUnreachable) return;
    const Nanocredits estimate = labels_[index].price + price + ahead;
    if (avoided(link, limits) || !graph_.link(link).steerable || !has_room(graph_, link, demand_, limits)) {
      const auto [out, in] = net.joined(link);
      const bool inside = in != Network::kNone && (out != Network::kNone || !graph_.link(link).steerable);
      if (inside) left_out_ = std::min(left_out_, estimate);
      return;
    }
    const Label& label = labels_[index];
    const Hop cost = hop(graph_, link, demand_, price);
    const Label next{label.price + cost.price,
                     label.round_trip_us + cost.round_trip_us,
                     label.serialisation_us + cost.serialisation_us,
                     label.tie + tie_break(link),
                     via,
                     link,
                     index,
                     home};
    const int64_t still_us = home || !fastest ? 0 : (*fastest)[via];  // at least, from here to the start
    if (next.latency_us() > limits.latency_us_max - still_us) {
      left_out_ = std::min(left_out_, estimate);
      return;
    }
    if (!home && !worth(via, next.latency_us())) return;
    labels_.push_back(next);
    push({estimate, next.latency_us(), next.tie, static_cast<uint32_t>(labels_.size() - 1)});
  };
  for (const auto& [core, link] : net.accesses(to)) {
    if (link.valid()) {
      extend(0, core, opposite(link), false);
    } else {
      labels_[0].at = core;
      push({bound(core), 0, 0, 0});
    }
  }
  while (!queue.empty()) {
    const uint32_t index = queue.front().label;
    std::pop_heap(queue.begin(), queue.end(), std::greater<>());
    queue.pop_back();
    if (labels_[index].home) {
      if (!arrive(index)) return false;
      continue;
    }
    if (!admit(index)) continue;
    const uint32_t at = labels_[index].at;
    if (at == start) {
      if (!arrive(index)) return false;
      continue;
    }
    if (steps) {
      if (*steps == 0) return false;
      --*steps;
    }
    for (const Gate& gate : gates) {
      if (gate.core == at) extend(index, Network::kNone, gate.link, true);
    }
    for (const Network::Edge& edge : net.edges(at)) {
      if (net.transit(edge.to) || edge.to == start) extend(index, edge.to, opposite(edge.link), false);
    }
  }
  return true;
}

// The path that the trees remember, if it is still the best for certain: no other way into the core or out of
// it that may be taken has as low a bound, and none of its prices has risen. Latencies, which break ties,
// have to be as they were.
std::optional<PathOption> PathSearch::remembered(const Gates& gates, VertexId to,
                                                 const PathLimits& limits) const {
  const Gate* entry = nullptr;
  Network::Access exit{};
  Nanocredits least = kUnreachable;
  bool alone = false;
  for (const Gate& gate : gates) {
    if (!may_enter(gate, limits)) continue;
    for (const Network::Access& access : network().accesses(to)) {
      Nanocredits last = 0;
      if (access.link.valid()) {
        const LinkId link = opposite(access.link);
        if (avoided(link, limits) || !has_room(graph_, link, demand_, limits)) continue;
        last = prices_->link[link.index()];
      }
      const Nanocredits sum = gate.price + gate.tree->price[access.core] + last;
      alone = sum < least || (alone && sum > least);
      if (sum >= least) continue;
      least = sum;
      entry = &gate;
      exit = access;
    }
  }
  if (!entry || !alone || entry->tree->routing != graph_.routing()) return std::nullopt;
  PathOption path;
  path.links.reserve(kHopsUsual);
  const auto take = [&](LinkId link) {
    if (avoided(link, limits) || !has_room(graph_, link, demand_, limits)) return false;
    const Hop cost = hop(graph_, link, demand_, prices_->link[link.index()]);
    path.price += cost.price;
    path.round_trip_us += cost.round_trip_us;
    path.serialisation_us += cost.serialisation_us;
    path.links.push_back(link);
    return true;
  };
  if (exit.link.valid() && !take(opposite(exit.link))) return std::nullopt;
  for (uint32_t at = exit.core; at != entry->core;) {
    const LinkId link = entry->tree->by[at];
    if (!link.valid() || prices_->link[link.index()] >= kUnreachable || !take(link)) return std::nullopt;
    at = network().joined(link).from;
  }
  if (entry->link.valid() && !take(entry->link)) return std::nullopt;
  if (path.price != least || path.latency_us() > limits.latency_us_max) return std::nullopt;
  std::reverse(path.links.begin(), path.links.end());
  return path;
}

// Raises the bounds where the search found that nothing is cheaper (what Koenig and Likhachev call Adaptive A*, AAMAS
// 2005), and remembers the path. Ways in and out that it left out change nothing between the two. Returns whether the path is
// known now.
bool PathSearch::teach(uint32_t found) {
  PathMemory::Scratch& scratch = memory_.scratch();
  const Nanocredits price = labels_[found].price;
  const LinkId entry = labels_[found].home ? labels_[found].link : LinkId{};
  scratch.way.clear();
  for (uint32_t i = labels_[found].home ? labels_[found].next : found; i != 0; i = labels_[i].next) {
    const uint32_t at = labels_[labels_[i].next].at;
    if (at == Network::kNone) break;
    scratch.way.push_back({at, labels_[i].link});
  }
  bool known = false;
  for (const Gate* gate : scratch.open) {
    scratch.least.clear();
    for (const uint32_t index : scratch.first) {
      scratch.least.push_back({labels_[index].at, price - labels_[index].price - gate->price});
    }
    if (gate->link != entry || gate->tree->routing != graph_.routing()) {
      learn(network(), *prices_, scratch.least, {}, *gate->tree);
    } else {
      known = learn(network(), *prices_, scratch.least, scratch.way, *gate->tree);
    }
  }
  return known;
}

std::optional<PathOption> PathSearch::routed(VertexId from, VertexId to, const PathLimits& limits) {
  const auto tree = memory_.routed(graph_, from);
  auto links =
      path_to(network(), *tree, to, [&](LinkId link) { return int64_t{graph_.link(link).latency_us}; });
  if (!links) return std::nullopt;
  PathOption path = priced(graph_, std::move(*links), demand_);
  if (graph_.steerable(path.links) || !fits(graph_, path, demand_, limits)) return std::nullopt;
  return path;
}

std::optional<PathOption> PathSearch::cheapest(VertexId from, VertexId to, const PathLimits& limits) {
  if (limits.latency_us_max < 0) return std::nullopt;
  if (to == from) return PathOption{};
  const Gates& ways = gates(from);
  // The bounds are of all links. So where the path that attained them can be led, it is the cheapest that can be, and only
  // the routed one may be as good.
  if (auto path = remembered(ways, to, limits); path && graph_.steerable(path->links)) {
    if (network().all_steerable()) return path;
    auto plain = routed(from, to, limits);
    return plain && better(*plain, *path) ? plain : path;
  }
  // Labels of a vertex are popped in order of price, so one is dominated if it is not faster than an earlier.
  PathMemory::Scratch& seen = memory_.scratch();
  ++seen.rounds;
  seen.first.clear();
  uint64_t expanded = 0;
  uint32_t found = 0;
  std::optional<PathOption> best;
  search(
      from, ways, to, limits, nullptr,
      [&](uint32_t index) {
        const Label& label = labels_[index];
        if (seen.round[label.at] != seen.rounds) {
          seen.first.push_back(index);
        } else if (seen.latency_us[label.at] <= label.latency_us()) {
          return false;
        }
        seen.round[label.at] = seen.rounds;
        seen.latency_us[label.at] = label.latency_us();
        ++expanded;
        return true;
      },
      [&](uint32_t at, int64_t latency_us) {
        return seen.round[at] != seen.rounds || latency_us < seen.latency_us[at];
      },
      [&](uint32_t index) {
        best = unroll(index);
        found = index;
        return false;
      });
  // What was left out cannot have been on a way as cheap.
  const bool taught = best && best->price < left_out_ && teach(found);
  if (!taught && !limits.avoid) {
    for (const Gate& gate : ways) gate.tree->detours += expanded;
  }
  if (network().all_steerable()) return best;
  auto plain = routed(from, to, limits);
  if (plain && (!best || better(*plain, *best))) best = std::move(plain);
  return best;
}

PathList PathSearch::by_price(VertexId from, VertexId to, const PathLimits& limits, size_t most,
                              uint64_t& steps) {
  PathList list;
  if (limits.latency_us_max < 0) return {{}, true};
  if (to == from) return {{PathOption{}}, true};
  list.complete = search(
      from, gates_now(from), to, limits, &steps,
      [&](uint32_t index) {  // simple paths only
        for (uint32_t i = index; i != 0;) {
          i = labels_[i].next;
          if (labels_[i].at == labels_[index].at) return false;
        }
        return true;
      },
      [](uint32_t, int64_t) { return true; },
      [&](uint32_t index) {
        if (list.paths.size() == most) return false;
        list.paths.push_back(unroll(index));
        return true;
      });
  if (network().all_steerable()) return list;
  if (auto plain = routed(from, to, limits)) {
    const auto at = std::upper_bound(list.paths.begin(), list.paths.end(), *plain, better);
    list.paths.insert(at, std::move(*plain));
  }
  return list;
}

const ShortestTree& PathSearch::fastest_tree(VertexId from) {
  for (const auto& known : fastest_) {
    if (known->from == from) return *known;
  }
  return *fastest_.emplace_back(memory_.fastest(graph_, from, demand_));
}

int64_t PathSearch::fastest_us(VertexId from, VertexId to) {
  return length_to(network(), fastest_tree(from), to, [&](LinkId link) {
    return graph_.usable(link) ? hop_latency_us(graph_, link, demand_) : -1;
  });
}

std::optional<PathOption> PathSearch::fastest(VertexId from, VertexId to) {
  auto links = path_to(network(), fastest_tree(from), to, [&](LinkId link) {
    return graph_.usable(link) ? hop_latency_us(graph_, link, demand_) : -1;
  });
  if (!links) return std::nullopt;
  return priced(graph_, std::move(*links), demand_);
}

std::optional<std::vector<LinkId>> routed_path(const Graph& graph, VertexId from, VertexId to) {
  PathMemory memory;
  memory.follow(graph);
  return routed_path(graph, memory, from, to);
}

std::optional<std::vector<LinkId>> routed_path(const Graph& graph, PathMemory& memory, VertexId from, VertexId to) {
  return path_to(memory.network(), *memory.routed(graph, from), to,
                 [&](LinkId link) { return int64_t{graph.link(link).latency_us}; });
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

}  // namespace weir
