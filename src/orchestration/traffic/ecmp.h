#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/result/result.h"
#include "orchestration/traffic/network.h"

namespace weir::traffic {

// A share of traffic in units of 2^-30.
inline constexpr int kShareBits = 30;
inline constexpr uint32_t kWholeShare = uint32_t{1} << kShareBits;

struct LinkShare {
  uint32_t link = 0;
  uint32_t share = 0;  // of what is sent, 1 to kWholeShare
  friend bool operator==(const LinkShare&, const LinkShare&) = default;
};

// Equal-cost multipath forwarding: at each vertex, traffic to a destination is shared equally among all links
// that begin a shortest path by IGP weight, parallel links counting each. What does not divide goes to the
// first links, one unit of 2^-30 each, so that what leaves a vertex is exactly what came in. A share is
// therefore wrong by less than one unit for each link on the ways from the source to it, its own included:
// 2^-30 * kLinksMax = 61 ppm at the very worst, about 0.1 ppm in a network of 200 vertices.
//
// Holds the shares of every pair of vertices: 8 bytes for each link of each pair's paths.
class EcmpRoutes {
 public:
  // kExhausted: the pairs have more than `shares_max` shares. The network passes check(). O(vertices^2 +
  // shares).
  static Result<EcmpRoutes> make(const Network& network, size_t shares_max = size_t{1} << 27);

  uint32_t vertices() const { return vertices_; }
  // Of traffic from one vertex to another, by link, ascending by remaining distance from the source on.
  // Empty: the same vertex, or no path.
  std::span<const LinkShare> shares(uint32_t from, uint32_t to) const {
    const size_t pair = size_t{to} * vertices_ + from;
    return {shares_.data() + first_[pair], first_[pair + 1] - first_[pair]};
  }
  bool reaches(uint32_t from, uint32_t to) const { return from == to || !shares(from, to).empty(); }

  // The vertices that reach `to`, nearest first (itself the first), each with the links over which it sends
  // there.
  struct Hop {
    uint32_t vertex = 0;
    uint32_t first_link = 0,
             link_count = 0;  // in next_links(), which has the vertices that they lead to beside
  };
  struct NextLink {
    uint32_t link = 0, to = 0;
  };
  std::span<const Hop> hops(uint32_t to) const {
    return {hops_.data() + hops_of_[to], hops_of_[to + 1] - hops_of_[to]};
  }
  std::span<const NextLink> next_links(const Hop& hop) const {
    return {next_.data() + hop.first_link, hop.link_count};
  }

 private:
  uint32_t vertices_ = 0;
  std::vector<size_t> first_;  // by destination, then source
  std::vector<LinkShare> shares_;
  std::vector<size_t> hops_of_;  // by destination
  std::vector<Hop> hops_;
  std::vector<NextLink> next_;
};

}  // namespace weir::traffic
