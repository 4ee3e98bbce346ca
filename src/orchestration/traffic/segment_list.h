#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "orchestration/traffic/ecmp.h"
#include "orchestration/traffic/network.h"

namespace weir::traffic {

inline constexpr uint32_t kSegmentsMax = 3;

// A segment of an SRv6 list (RFC 8986): End leads along shortest paths to a vertex; End.X leads along
// shortest paths to where a link begins and then over that link. The locator of either is routed, so each
// takes one segment.
struct Segment {
  enum class Kind : uint8_t { kVertex, kLink };
  Kind kind = Kind::kVertex;
  uint32_t index = 0;  // of the vertex or link
  friend bool operator==(const Segment&, const Segment&) = default;
};

struct SegmentList {
  uint32_t count = 0;  // 1 to kSegmentsMax
  std::array<Segment, kSegmentsMax> segments = {};
  static SegmentList shortest_paths_to(uint32_t vertex) {
    return {1, {Segment{Segment::Kind::kVertex, vertex}}};
  }
  friend bool operator==(const SegmentList&, const SegmentList&) = default;
};

// Can traffic follow the list, and does it end at `to`? A list may pass a vertex twice.
bool leads(const Network& network, const EcmpRoutes& routes, const SegmentList& list, uint32_t from,
           uint32_t to);

// "A B.c": the names of vertices and links, as given, in order.
std::string text(const SegmentList& list, std::span<const std::string> vertices,
                 std::span<const std::string> links);

// What traffic of so many bit/s takes of a link; rounded up to a whole bit/s.
inline int64_t load_bps(int64_t bps, uint32_t share) {
  return static_cast<int64_t>((static_cast<__int128>(bps) * share + (kWholeShare - 1)) >> kShareBits);
}

// Calls visit(link, share) for every link that the list uses, once for each segment that uses it.
template <class Visit>
void for_each_share(const Network& network, const EcmpRoutes& routes, const SegmentList& list, uint32_t from,
                    Visit visit) {
  uint32_t at = from;
  for (uint32_t i = 0; i < list.count; ++i) {
    const Segment& segment = list.segments[i];
    const bool crosses = segment.kind == Segment::Kind::kLink;
    const uint32_t to = crosses ? network.links[segment.index].from : segment.index;
    for (const LinkShare& entry : routes.shares(at, to)) visit(entry.link, entry.share);
    if (crosses) visit(segment.index, kWholeShare);
    at = crosses ? network.links[segment.index].to : to;
  }
}

// One way of a demand's traffic. A demand with several is a weighted set of segment lists (RFC 9256,
// section 2.2).
struct Way {
  uint32_t demand = 0;
  int64_t bps = 0;
  SegmentList list;
  friend bool operator==(const Way&, const Way&) = default;
};

// By link, bit/s: the sum of load_bps() over everything that crosses it. Hence never below the exact figure
// but for the error of EcmpRoutes, and above it by less than one bit/s for each way, segment and link.
std::vector<int64_t> loads_bps(const Network& network, const EcmpRoutes& routes,
                               const std::vector<Demand>& demands, const std::vector<Way>& ways);

}  // namespace weir::traffic
