#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/result/result.h"

// What traffic engineering sees of a network: routers, directed links with an interior-gateway-protocol (IGP)
// weight, and a matrix of demands.
namespace weir::traffic {

// So that sums of products stay within 128 bits and the loads of all pairs of vertices within memory.
inline constexpr uint32_t kVerticesMax = 4'096;
inline constexpr uint32_t kLinksMax = 65'536;
inline constexpr size_t kDemandsMax = size_t{1} << 24;
inline constexpr int64_t kCapacityBpsMax = int64_t{1} << 50;
inline constexpr int64_t kWeightMax = int64_t{1} << 32;
inline constexpr int64_t kDemandBpsMax = int64_t{1} << 50;     // of one
inline constexpr int64_t kDemandSumBpsMax = int64_t{1} << 56;  // of all

// One direction.
struct Link {
  uint32_t from = 0, to = 0;
  int64_t capacity_bps = 0;  // 1 to kCapacityBpsMax
  int64_t weight = 1;        // 1 to kWeightMax
  friend bool operator==(const Link&, const Link&) = default;
};

struct Network {
  uint32_t vertices = 0;
  std::vector<Link> links;  // several between the same two are allowed
  friend bool operator==(const Network&, const Network&) = default;
};

struct Demand {
  uint32_t from = 0, to = 0;  // different
  int64_t bps = 0;            // 0 to kDemandBpsMax
  friend bool operator==(const Demand&, const Demand&) = default;
};

// kInvalid: a figure outside its bounds, or a link or demand from a vertex to itself or to none; kInfeasible:
// a demand above zero that no path serves. O(vertices * links) at worst.
Status check(const Network& network, const std::vector<Demand>& demands);

// Load by capacity of one link, in ppm, rounded up. Requires load_bps >= 0.
int64_t utilisation_ppm(const Link& link, int64_t load_bps);
// The highest of all links; 0 without links.
int64_t max_utilisation_ppm(const Network& network, const std::vector<int64_t>& loads_bps);

// Links by the vertex where they begin or end, in order of their numbers.
class Adjacency {
 public:
  enum class By { kFrom, kTo };
  Adjacency(const Network& network, By by);

  const uint32_t* begin(uint32_t vertex) const { return links_.data() + first_[vertex]; }
  const uint32_t* end(uint32_t vertex) const { return links_.data() + first_[vertex + 1]; }

 private:
  std::vector<uint32_t> first_;
  std::vector<uint32_t> links_;
};

inline constexpr int64_t kUnreachable = INT64_MAX;

// Distances over links of these lengths, all at least 1, from (over links_from) or to (over links_to) the
// root; kUnreachable where there is no path. Dijkstra's algorithm; ties need no breaking. Keeps its memory
// between calls.
class ShortestPaths {
 public:
  ShortestPaths(const Network& network, Adjacency::By by);

  // `lengths` by link. O(links log vertices).
  const std::vector<int64_t>& run(uint32_t root, const std::vector<int64_t>& lengths);
  // Of the last run: the link over which the shortest path arrives (leaves, if towards the root); kNoLink at
  // the root and where there is none. Of equal ones the first found, which depends on nothing but the input.
  const std::vector<uint32_t>& tree() const { return tree_; }
  // Vertices reached by the last run, nearest first.
  const std::vector<uint32_t>& order() const { return order_; }
  static constexpr uint32_t kNoLink = UINT32_MAX;

 private:
  const Network& network_;
  Adjacency adjacency_;
  bool forward_;
  std::vector<int64_t> distance_;
  std::vector<uint32_t> tree_;
  std::vector<uint32_t> order_;
  std::vector<bool> done_;
  struct Entry {
    int64_t distance;
    uint32_t vertex;
  };
  std::vector<Entry> heap_;
};

}  // namespace weir::traffic
