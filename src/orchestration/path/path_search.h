#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "orchestration/path/path_memory.h"

// Paths by price, on one snapshot.
namespace weir {

// Bandwidth that earlier parts of the same plan take, on top of the graph's reservations. Small: linear.
class PathUse {
 public:
  int64_t of(LinkId link) const;
  void add(const std::vector<LinkId>& path, int64_t up_bps, int64_t down_bps);
  void remove(const std::vector<LinkId>& path, int64_t up_bps, int64_t down_bps);
  bool empty() const { return uses_.empty(); }

 private:
  int64_t& at(LinkId link);
  std::vector<std::pair<LinkId, int64_t>> uses_;
};

struct PathOption {
  std::vector<LinkId> links;
  Nanocredits price = 0;  // per stream
  int64_t round_trip_us = 0;
  int64_t serialisation_us = 0;
  int64_t latency_us() const { return round_trip_us + serialisation_us; }
};

struct PathLimits {
  int32_t streams = 1;                         // every link must have room for so many
  int64_t latency_us_max = INT64_MAX;          // negative: nothing is fast enough, not even staying at home
  const PathUse* use = nullptr;                // taken already by this plan
  const std::vector<LinkId>* avoid = nullptr;  // neither these nor their twins
  FlowTerm term = {};                          // of what reservations keep in it there is no room
};

struct PathList {
  std::vector<PathOption> paths;
  bool complete = false;  // these are all there are
};

// Lower bounds of the price of any path from a vertex to the core vertices, while no search works on a later
// snapshot.
class PriceBounds {
 public:
  static constexpr size_t kBlock = PriceTree::kBlock;
  Nanocredits of(size_t core) const;
  // Of the core vertices from the first on.
  void of(size_t first, std::span<Nanocredits> out) const;
  // Of all core vertices from block * kBlock up to the next block.
  Nanocredits least(size_t block) const;

 private:
  friend class PathSearch;
  struct Way {
    Nanocredits price;  // of the link into the core
    std::shared_ptr<const PriceTree> tree;
  };
  std::vector<Way> ways_;
};

// Searches for streams of one demand. Paths never pass through a site (see Network).
class PathSearch {
 public:
  // The snapshot and the memory outlive it; no other search works with the memory meanwhile.
  PathSearch(const Graph& graph, const StreamDemand& demand, PathMemory& memory);

  const Network& network() const { return memory_.network(); }
  const StreamDemand& demand() const { return demand_; }
  const LinkPrices& prices() const { return *prices_; }

  // The cheapest path within the limits, ties by latency and then by tie_break(); none if there is none.
  // Whatever is remembered, the answer is the same. The remembered path is the answer while no price on it
  // has risen, O(hops). Otherwise exact search: labels of (price, latency) from the target backwards (A*),
  // dominated labels dropped; what it learns is remembered. Only links that can be steered are used, unless the routed path is itself the
  // answer.
  std::optional<PathOption> cheapest(VertexId from, VertexId to, const PathLimits& limits);

  // Up to `most` simple paths within the limits in order of price. `steps` is a budget of label expansions
  // and is decreased; how many are spent depends on the snapshot alone.
  PathList by_price(VertexId from, VertexId to, const PathLimits& limits, size_t most, uint64_t& steps);

  // Round trip and serialisation of the fastest path, ignoring price, steering and room. kUnreachable: not
  // connected.
  int64_t fastest_us(VertexId from, VertexId to);
  std::optional<PathOption> fastest(VertexId from, VertexId to);

  // Of those paths that have room for so many streams where they leave the vertex.
  PriceBounds price_bounds(VertexId from, int32_t streams, const FlowTerm& term = {});
  // By core vertex: fastest_us.
  const std::vector<int64_t>& fastest_bounds(VertexId from) { return fastest_tree(from).length; }

 private:
  using Gate = PathMemory::Gate;
  using Gates = std::vector<Gate>;
  using Label = PathMemory::Label;
  const Gates& gates(VertexId from);
  const Gates& gates_now(VertexId from);
  bool may_enter(const Gate& gate, const PathLimits& limits) const;
  const ShortestTree& fastest_tree(VertexId from);
  std::optional<PathOption> remembered(const Gates& gates, VertexId to, const PathLimits& limits) const;
  std::optional<PathOption> routed(VertexId from, VertexId to, const PathLimits& limits);
  bool teach(uint32_t found);
  PathOption unroll(uint32_t label) const;
  template <class Admit, class Worth, class Arrive>
  bool search(VertexId from, const Gates& gates, VertexId to, const PathLimits& limits, uint64_t* steps,
              Admit&& admit, Worth&& worth, Arrive&& arrive);

  const Graph& graph_;
  const StreamDemand demand_;
  PathMemory& memory_;
  std::shared_ptr<const LinkPrices> prices_;
  // By vertex. Few: those where the streams of one intent enter; what is in place stays there.
  std::deque<std::pair<VertexId, Gates>> gates_;
  std::map<VertexId, Gates> gates_now_;
  std::vector<std::shared_ptr<const ShortestTree>> fastest_;
  std::vector<Label>& labels_;  // of the memory's scratch
  // Of the ways that the last search left out for their time or for links of the core, the least bound.
  Nanocredits left_out_ = kUnreachable;
};

// The path that plain routing takes: least described latency, ties by vertex, whether or not its links are
// up: Weir does not see the routing tables, and a promise must not rest on their converging. None if not
// connected.
std::optional<std::vector<LinkId>> routed_path(const Graph& graph, VertexId from, VertexId to);
// For many: the memory follows the graph.
std::optional<std::vector<LinkId>> routed_path(const Graph& graph, PathMemory& memory, VertexId from, VertexId to);

// Price, round trip and serialisation of a given path; nothing is checked.
PathOption priced(const Graph& graph, std::vector<LinkId> links, const StreamDemand& demand);
// Is there room for the streams, and is every link up?
bool fits(const Graph& graph, const PathOption& path, const StreamDemand& demand, const PathLimits& limits);

}  // namespace weir
