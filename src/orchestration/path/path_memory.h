#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "orchestration/path/link_price.h"
#include "orchestration/path/network.h"

namespace weir {

// "Not connected" among prices and latencies; four of them add up without overflow.
inline constexpr int64_t kUnreachable = INT64_MAX / 8;

// What one stream pays on every direction of every link, both directions of its traffic counted, kept
// current.
struct LinkPrices {
  std::vector<Nanocredits> link;  // by LinkId; kUnreachable: not usable
  std::vector<Nanocredits>
      access;         // by place in Network::all_accesses(): of the link *towards* the site; 0 without link
  uint64_t seen = 0;  // Graph::repricings() up to which it is current
};

// Lower bounds of the price from one core vertex to every other, and the paths that attained them.
//
// At its making they are the prices of the best paths. When prices rise they stay lower bounds, and searches raise those
// that they found too low. Where one falls, PathMemory lowers what it has to. So price[v] <= price[u] + (link from u to v)
// always holds, which makes them lower bounds.
//
// A best path is known if `by` leads from a vertex to the root and its price is the bound. To keep that true where prices
// are equal, no vertex whose path is unknown has a link to one whose path is known that attains the bound there.
struct PriceTree {
  static constexpr size_t kBlock = 64;
  uint32_t root = Network::kNone;
  std::vector<Nanocredits> price;  // by core vertex
  std::vector<Nanocredits> least;  // by block of kBlock of them
  std::vector<LinkId> by;  // last link of the best path by (price, latency, tie_break); invalid: not known
  uint64_t made = 0, seen = 0;  // Graph::repricings()
  uint64_t relief = 0;          // Graph::path_relief()
  uint64_t routing = 0;         // Graph::routing() at its making: latency breaks ties
  uint64_t detours = 0;         // labels that searches expanded because it was out of date, and learned nothing
};
// O(links log vertices).
PriceTree price_tree(const Graph& graph, const Network& network, const LinkPrices& prices, uint32_t root,
                     const StreamDemand& demand);

// What a search found about one core vertex: no path from the root to it is cheaper.
struct LeastPrice {
  uint32_t at;
  Nanocredits price;
};
// A link of a best path, and where it leads.
struct BestLink {
  uint32_t at;
  LinkId by;
};
// Takes over what a search found that left out no way of the core as cheap as its answer. `way`: the best path from the root to the
// last of its vertices, in order, whose prices are among `least`; empty: none is known. It is remembered as far as no
// other link attains the bound of a vertex on it: what does so may turn out as good, and faster. Is it known now?
bool learn(const Network& network, const LinkPrices& prices, const std::vector<LeastPrice>& least,
           const std::vector<BestLink>& way, PriceTree& tree);

// The shortest paths from a vertex by some length, over the core. kUnreachable: not connected.
struct ShortestTree {
  VertexId from;
  uint64_t basis = 0;           // of the counter that tells when it is out of date
  std::vector<int64_t> length;  // by core vertex
  std::vector<LinkId> by;
};

// What searches remember between snapshots of one history. It only saves work: no path depends on how old it
// is. Bounded by kBytesMax for each kind of thing remembered.
class PathMemory {
 public:
  static constexpr size_t kBytesMax = size_t{384} << 20;

  // To be called with each new snapshot before anything else.
  void follow(const Graph& graph);
  const Network& network() const { return *network_; }
  std::shared_ptr<const LinkPrices> prices(const Graph& graph, const StreamDemand& demand);
  std::shared_ptr<PriceTree> tree(const Graph& graph, const LinkPrices& prices, uint32_t root,
                                  const StreamDemand& demand);
  // By round trip and serialisation, ignoring price, steering and room.
  std::shared_ptr<const ShortestTree> fastest(const Graph& graph, VertexId from, const StreamDemand& demand);
  // By described latency, ignoring whether links are up: as plain routing goes.
  std::shared_ptr<const ShortestTree> routed(const Graph& graph, VertexId from);

  // A way from some vertex to the target, found backwards; links are chained through `next`.
  struct Label {
    Nanocredits price = 0;
    int64_t round_trip_us = 0, serialisation_us = 0;
    uint64_t tie = 0;              // sum of tie_break over the way
    uint32_t at = Network::kNone;  // core; kNone: the target before its first link, or the start
    LinkId link;                   // first link of the way, leaving `at`
    uint32_t next = 0;             // label at the other end of `link`
    bool home = false;             // complete
    int64_t latency_us() const { return round_trip_us + serialisation_us; }
  };
  // One way from the start into the core, with bounds of what follows.
  struct Gate {
    uint32_t core;
    LinkId link;        // invalid: the start is in the core
    Nanocredits price;  // of the link
    std::shared_ptr<PriceTree> tree;
  };
  struct QueueItem {
    Nanocredits estimate;
    int64_t latency_us;
    uint64_t tie;
    uint32_t label;
    friend auto operator<=>(const QueueItem&, const QueueItem&) = default;
  };
  // Room for searches to work in, so that they allocate little.
  struct Scratch {
    std::vector<Label> labels;
    std::vector<QueueItem> queue;     // a heap
    std::vector<const Gate*> open;
    std::vector<uint32_t> first;      // labels that were the first to reach their vertex
    std::vector<LeastPrice> least;
    std::vector<BestLink> way;
    std::vector<int64_t> latency_us;  // by core vertex; valid where round equals the search's
    std::vector<uint32_t> round;
    uint32_t rounds = 0;
  };
  Scratch& scratch() { return scratch_; }

 private:
  struct FastestKey {
    VertexId from;
    int64_t request_bits, response_bits;
    friend auto operator<=>(const FastestKey&, const FastestKey&) = default;
  };
  std::shared_ptr<const Network> network_;
  uint64_t described_ = 0, newest_ = 0;
  // Of streams of one demand.
  struct OfDemand {
    std::shared_ptr<LinkPrices> prices;
    std::vector<std::shared_ptr<PriceTree>> trees;  // by core vertex
  };
  OfDemand& of(const StreamDemand& demand);

  std::map<StreamDemand, OfDemand> demands_;
  size_t trees_ = 0;
  std::map<FastestKey, std::shared_ptr<const ShortestTree>> fastest_;
  std::map<VertexId, std::shared_ptr<const ShortestTree>> routed_;
  Scratch scratch_;
};

}  // namespace weir
