#pragma once

#include <cstdint>
#include <vector>

#include "orchestration/traffic/ecmp.h"
#include "orchestration/traffic/network.h"
#include "orchestration/traffic/segment_list.h"

namespace weir::traffic {

// The cheapest segment lists of every pair of vertices under prices of links, exactly (but for rounding down
// by less than one at each vertex): min-plus products of the matrix of what one segment costs. This prices
// all lists of three segments of all pairs in O(vertices^3), 16 million additions for 200 vertices, of which
// the compiler makes vector code.
class ListPrices {
 public:
  static constexpr int32_t kFar = 1 << 28;       // cut off here; also: cannot be reached
  static constexpr int32_t kPriceMax = 1 << 22;  // of a link

  // `links` tells whether segments may be links. 1 <= segments_max <= kSegmentsMax.
  ListPrices(const Network& network, const EcmpRoutes& routes, uint32_t segments_max, bool links);

  // Prices by link, 1 to kPriceMax.
  void set(const std::vector<int64_t>& prices);

  // Of traffic along shortest paths.
  int32_t shortest(uint32_t from, uint32_t to) const { return shortest_[size_t{to} * vertices_ + from]; }
  // Of a list; the price of the same traffic whatever its length.
  int32_t of(const SegmentList& list, uint32_t from) const;
  // The least of any list.
  int32_t least(uint32_t from, uint32_t to) const {
    return by_count_[segments_max_ - 1][size_t{to} * vertices_ + from];
  }
  // A list that has it, with the fewest segments; of those, the one that turns off last at the lowest number.
  // O(vertices).
  SegmentList cheapest(uint32_t from, uint32_t to) const;

 private:
  Segment segment(uint32_t from, uint32_t to) const;

  const Network& network_;
  const EcmpRoutes& routes_;
  const uint32_t vertices_;
  const uint32_t segments_max_;
  const bool links_;
  Adjacency links_in_;
  std::vector<int64_t> prices_;
  std::vector<int32_t> shortest_;               // by destination, then source
  std::vector<std::vector<int32_t>> by_count_;  // the least of at most so many segments, less one
};

}  // namespace weir::traffic
