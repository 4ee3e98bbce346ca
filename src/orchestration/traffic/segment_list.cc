#include "orchestration/traffic/segment_list.h"

namespace weir::traffic {

bool leads(const Network& network, const EcmpRoutes& routes, const SegmentList& list, uint32_t from,
           uint32_t to) {
  if (list.count < 1 || list.count > kSegmentsMax) return false;
  uint32_t at = from;
  for (uint32_t i = 0; i < list.count; ++i) {
    const Segment& segment = list.segments[i];
    if (segment.kind == Segment::Kind::kLink) {
      if (segment.index >= network.links.size()) return false;
      const Link& link = network.links[segment.index];
      if (!routes.reaches(at, link.from)) return false;
      at = link.to;
    } else {
      if (segment.index >= network.vertices || !routes.reaches(at, segment.index)) return false;
      at = segment.index;
    }
  }
  return at == to;
}

std::string text(const SegmentList& list, std::span<const std::string> vertices,
                 std::span<const std::string> links) {
  std::string out;
  for (uint32_t i = 0; i < list.count; ++i) {
    const Segment& segment = list.segments[i];
    if (i > 0) out += ' ';
    out += segment.kind == Segment::Kind::kLink ? links[segment.index] : vertices[segment.index];
  }
  return out;
}

std::vector<int64_t> loads_bps(const Network& network, const EcmpRoutes& routes,
                               const std::vector<Demand>& demands, const std::vector<Way>& ways) {
  std::vector<int64_t> loads(network.links.size(), 0);
  for (const Way& way : ways) {
    for_each_share(network, routes, way.list, demands[way.demand].from,
                   [&](uint32_t link, uint32_t share) { loads[link] += load_bps(way.bps, share); });
  }
  return loads;
}

}  // namespace weir::traffic
