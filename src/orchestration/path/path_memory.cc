#include "orchestration/path/path_memory.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

namespace weir {
namespace {

// Shortest paths by length(link) from a vertex, through routers only; length is negative where a link may not
// be used. Ties by core vertex.
template <class Length>
ShortestTree shortest_tree(const Network& network, VertexId from, Length&& length) {
  ShortestTree tree{.from = from};
  tree.length.assign(network.core_count(), kUnreachable);
  tree.by.resize(network.core_count());
  using Item = std::pair<int64_t, uint32_t>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
  const auto reach = [&](uint32_t core, int64_t so_far, LinkId by) {
    if (so_far >= tree.length[core]) return;
    tree.length[core] = so_far;
    tree.by[core] = by;
    queue.push({so_far, core});
  };
  for (const Network::Access& access : network.accesses(from)) {
    const int64_t first = access.link.valid() ? length(access.link) : 0;
    if (first >= 0) reach(access.core, first, access.link);
  }
  const uint32_t home = network.core(from);
  while (!queue.empty()) {
    const auto [so_far, at] = queue.top();
    queue.pop();
    if (so_far > tree.length[at] || (!network.transit(at) && at != home)) continue;
    for (const Network::Edge& edge : network.edges(at)) {
      const int64_t more = length(edge.link);
      if (more >= 0) reach(edge.to, so_far + more, edge.link);
    }
  }
  return tree;
}

// Lowers the tree where the price of `link` fell, and forgets the best paths of what that touches.
void relax(const Network& network, const LinkPrices& prices, LinkId link, PriceTree& tree,
           std::vector<uint32_t>& touched) {
  const auto set = [&](uint32_t at, Nanocredits price) {
    tree.price[at] = price;
    Nanocredits& least = tree.least[at / PriceTree::kBlock];
    least = std::min(least, price);
    tree.by[at] = LinkId{};
    touched.push_back(at);
  };
  const auto lower = [&](uint32_t from, uint32_t to, LinkId by) {
    if (to == tree.root || (!network.transit(from) && from != tree.root)) return;
    const Nanocredits price = tree.price[from] + prices.link[by.index()];
    if (price >= kUnreachable || price > tree.price[to]) return;
    const bool known = from == tree.root || tree.by[from].valid();
    if (price == tree.price[to] && (!tree.by[to].valid() || (tree.by[to] == by && known))) return;
    set(to, price);
  };
  // From a vertex whose best path is no longer known, every path of equal price through it becomes doubtful
  // too.
  const auto spread = [&](uint32_t from, const Network::Edge& edge) {
    if (edge.to == tree.root) return;
    const Nanocredits price = tree.price[from] + prices.link[edge.link.index()];
    if (price >= kUnreachable || price > tree.price[edge.to]) return;
    if (price == tree.price[edge.to] && !tree.by[edge.to].valid()) return;
    set(edge.to, price);
  };
  const auto [a, b] = network.joined(link);
  if (a == Network::kNone || b == Network::kNone) return;
  touched.clear();
  lower(a, b, link);
  lower(b, a, opposite(link));
  for (size_t i = 0; i < touched.size(); ++i) {
    const uint32_t at = touched[i];
    if (!network.transit(at)) continue;
    for (const Network::Edge& edge : network.edges(at)) spread(at, edge);
  }
}

}  // namespace

bool learn(const Network& network, const LinkPrices& prices, const std::vector<LeastPrice>& least,
           const std::vector<BestLink>& way, PriceTree& tree) {
  std::vector<uint32_t> changed;
  const auto raise = [&](uint32_t at, Nanocredits price) {
    constexpr size_t kBlock = PriceTree::kBlock;
    const Nanocredits before = std::exchange(tree.price[at], price);
    Nanocredits& of_block = tree.least[at / kBlock];
    if (before != of_block) return;
    const auto first = tree.price.begin() + static_cast<ptrdiff_t>(at / kBlock * kBlock);
    of_block = *std::min_element(first, first + std::min(static_cast<ptrdiff_t>(kBlock), tree.price.end() - first));
  };
  for (const auto& [at, price] : least) {
    if (at == tree.root || price <= tree.price[at]) continue;
    raise(at, price);
    tree.by[at] = LinkId{};
    changed.push_back(at);
  }
  for (const auto& [at, by] : way) {
    if (tree.by[at] == by) continue;
    tree.by[at] = LinkId{};
    changed.push_back(at);
  }
  // What led through them is unknown now, and so is all that may as well lead through what is unknown.
  const size_t themselves = changed.size();
  for (size_t i = 0; i < changed.size(); ++i) {
    const uint32_t at = changed[i];
    if (!network.transit(at)) continue;
    for (const Network::Edge& edge : network.edges(at)) {
      if (edge.to == tree.root || !tree.by[edge.to].valid()) continue;
      const bool through = i < themselves && tree.by[edge.to] == edge.link;
      if (!through && tree.price[at] + prices.link[edge.link.index()] != tree.price[edge.to]) continue;
      tree.by[edge.to] = LinkId{};
      changed.push_back(edge.to);
    }
  }
  for (const auto& [at, by] : way) {
    if (tree.by[at] == by) continue;
    for (const Network::Edge& edge : network.edges(at)) {
      const LinkId link = opposite(edge.link);
      if (link == by || (edge.to != tree.root && !network.transit(edge.to))) continue;
      if (tree.price[edge.to] + prices.link[link.index()] == tree.price[at]) return false;
    }
    tree.by[at] = by;
  }
  return true;
}

PriceTree price_tree(const Graph& graph, const Network& network, const LinkPrices& prices, uint32_t root,
                     const StreamDemand& demand) {
  PriceTree tree{.root = root,
                 .made = graph.repricings(),
                 .seen = graph.repricings(),
                 .relief = graph.path_relief(),
                 .routing = graph.routing()};
  const size_t count = network.core_count();
  tree.price.assign(count, kUnreachable);
  tree.by.resize(count);
  struct Rest {  // of the best path so far
    int64_t latency_us;
    uint64_t tie;
    auto operator<=>(const Rest&) const = default;
  };
  std::vector<Rest> rest(count);
  std::vector<uint8_t> done(count, 0);
  struct Ahead {
    Nanocredits price;
    Rest rest;
    uint32_t at;
    auto operator<=>(const Ahead&) const = default;
  };
  std::priority_queue<Ahead, std::vector<Ahead>, std::greater<>> queue;
  tree.price[root] = 0;
  queue.push({0, {0, 0}, root});
  while (!queue.empty()) {
    const Ahead ahead = queue.top();
    queue.pop();
    if (done[ahead.at]) continue;
    done[ahead.at] = 1;
    if (!network.transit(ahead.at) && ahead.at != root) continue;
    for (const auto [to, link] : network.edges(ahead.at)) {
      const Nanocredits price = ahead.price + prices.link[link.index()];
      if (price >= kUnreachable || price > tree.price[to] || done[to]) continue;
      const Rest further{ahead.rest.latency_us + hop_latency_us(graph, link, demand),
                         ahead.rest.tie + tie_break(link)};
      if (price == tree.price[to] && further >= rest[to]) continue;
      tree.price[to] = price;
      rest[to] = further;
      tree.by[to] = link;
      queue.push({price, further, to});
    }
  }
  for (size_t first = 0; first < count; first += PriceTree::kBlock) {
    const auto from = tree.price.begin() + static_cast<ptrdiff_t>(first);
    tree.least.push_back(
        *std::min_element(from, from + static_cast<ptrdiff_t>(std::min(PriceTree::kBlock, count - first))));
  }
  return tree;
}

void PathMemory::follow(const Graph& graph) {
  if (!network_ || described_ != graph.described() || graph.repricings() < newest_) {
    *this = {};
    network_ = std::make_shared<const Network>(graph);
    described_ = graph.described();
    scratch_.latency_us.resize(network_->core_count());
    scratch_.round.resize(network_->core_count());
  }
  newest_ = graph.repricings();
}

PathMemory::OfDemand& PathMemory::of(const StreamDemand& demand) {
  OfDemand& known = demands_[demand];
  if (known.trees.empty()) known.trees.resize(network_->core_count());
  return known;
}

std::shared_ptr<const LinkPrices> PathMemory::prices(const Graph& graph, const StreamDemand& demand) {
  const size_t bytes =
      graph.link_count() * 2 * sizeof(Nanocredits) + network_->core_count() * sizeof(std::shared_ptr<PriceTree>);
  if (demands_.size() * bytes > kBytesMax) {
    demands_.clear();
    trees_ = 0;
  }
  auto& known = of(demand).prices;
  const auto look = [&](LinkId link) {
    for (const LinkId id : {link, opposite(link)}) {
      const Nanocredits price = graph.usable(id) ? hop_price(graph, id, demand) : kUnreachable;
      known->link[id.index()] = price;
      if (const uint32_t access = network_->access_of(opposite(id)); access != Network::kNone) {
        known->access[access] = price;
      }
    }
  };
  if (!known || graph.repricings() - known->seen > Graph::kRepricingsKept) {
    known = std::make_shared<LinkPrices>();
    known->link.resize(graph.link_count());
    known->access.resize(network_->all_accesses().size());
    for (size_t l = 0; l < graph.link_count(); l += 2) look(LinkId(l));
  } else {
    for (uint64_t i = known->seen; i < graph.repricings(); ++i) {
      if (const LinkId link = graph.repriced(i).link; link.valid()) look(link);
    }
  }
  known->seen = graph.repricings();
  return known;
}

std::shared_ptr<PriceTree> PathMemory::tree(const Graph& graph, const LinkPrices& prices, uint32_t root,
                                            const StreamDemand& demand) {
  const size_t bytes = network_->core_count() * (sizeof(Nanocredits) + sizeof(LinkId));
  if (trees_ * bytes > kBytesMax) {
    for (auto& [other, held] : demands_) held.trees.clear();
    trees_ = 0;
  }
  auto& known = of(demand).trees[root];
  // Worn: searches have wasted on it what a new one costs, and a new one would be better.
  const bool worn = known && known->detours > network_->core_count() &&
                    (known->made != graph.repricings() || known->routing != graph.routing());
  if (!known) ++trees_;
  if (!known || worn || graph.repricings() - known->seen > Graph::kRepricingsKept) {
    known = std::make_shared<PriceTree>(price_tree(graph, *network_, prices, root, demand));
    return known;
  }
  if (known->relief != graph.path_relief()) {
    std::vector<uint32_t> touched;
    for (uint64_t i = known->seen; i < graph.repricings(); ++i) {
      if (const LinkId link = graph.repriced(i).link; link.valid())
        relax(*network_, prices, link, *known, touched);
    }
    known->relief = graph.path_relief();
  }
  known->seen = graph.repricings();
  return known;
}

std::shared_ptr<const ShortestTree> PathMemory::fastest(const Graph& graph, VertexId from,
                                                        const StreamDemand& demand) {
  const size_t bytes = network_->core_count() * (sizeof(int64_t) + sizeof(LinkId));
  if (fastest_.size() * bytes > kBytesMax) fastest_.clear();
  auto& known = fastest_[{from, demand.request_bits, demand.response_bits}];
  if (!known || known->basis != graph.routing()) {
    ShortestTree made = shortest_tree(*network_, from, [&](LinkId link) {
      return graph.usable(link) ? hop_latency_us(graph, link, demand) : -1;
    });
    made.basis = graph.routing();
    known = std::make_shared<const ShortestTree>(std::move(made));
  }
  return known;
}

std::shared_ptr<const ShortestTree> PathMemory::routed(const Graph& graph, VertexId from) {
  const size_t bytes = network_->core_count() * (sizeof(int64_t) + sizeof(LinkId));
  if (routed_.size() * bytes > kBytesMax) routed_.clear();
  auto& known = routed_[from];
  if (!known) {
    known = std::make_shared<const ShortestTree>(
        shortest_tree(*network_, from, [&](LinkId link) { return int64_t{graph.link(link).latency_us}; }));
  }
  return known;
}

}  // namespace weir
