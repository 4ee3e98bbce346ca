#include "core/loop/latencies.h"

#include <algorithm>
#include <map>
#include <set>

namespace weir {
namespace {

constexpr int64_t kFloorUs = 1000;

constexpr bool much_more(int64_t value, int64_t than) { return value > than + than / 4 + kFloorUs; }

int64_t described_us(const Graph& graph, LinkId link) {
  return int64_t{graph.link(link).latency_us} + graph.link(opposite(link)).latency_us;
}
int64_t known_us(const Graph& graph, LinkId link) {
  return int64_t{graph.load(link).latency_us} + graph.load(opposite(link)).latency_us;
}

}  // namespace

std::vector<LinkLatency> judge_latencies(const Graph& graph, const std::vector<TimedPath>& paths) {
  std::set<LinkId> acquitted;
  std::vector<const TimedPath*> slow, quick;
  for (const TimedPath& path : paths) {
    if (path.links.empty() || path.round_trip_us <= 0) continue;
    int64_t latency_us = 0;
    for (const LinkId link : path.links) latency_us += known_us(graph, link);
    if (much_more(path.round_trip_us, path_round_trip_us(graph, path.links))) {
      slow.push_back(&path);
    } else if (much_more(latency_us, path.round_trip_us)) {
      quick.push_back(&path);
    } else {
      for (const LinkId link : path.links) acquitted.insert(duplex(link));
    }
  }
  std::map<LinkId, int64_t> round_trips;  // as they are to be
  for (const TimedPath* path : slow) {
    std::vector<LinkId> suspects;
    int64_t known = 0;
    for (const LinkId link : path->links) {
      known += known_us(graph, link);
      if (!acquitted.count(duplex(link))) suspects.push_back(link);
    }
    if (suspects.empty()) suspects = path->links;
    const int64_t more = (path->round_trip_us - known) / static_cast<int64_t>(suspects.size());
    for (const LinkId link : suspects) {
      int64_t& round_trip = round_trips.try_emplace(duplex(link), known_us(graph, link)).first->second;
      round_trip = std::max(round_trip, known_us(graph, link) + more);
    }
  }
  for (const TimedPath* path : quick) {
    int64_t known = 0, excess = 0;
    for (const LinkId link : path->links) {
      known += known_us(graph, link);
      excess += std::max<int64_t>(0, known_us(graph, link) - described_us(graph, link));
    }
    if (excess == 0) continue;  // quicker than described: a promise need not rest on it
    const int64_t less = std::min(excess, known - path->round_trip_us);
    for (const LinkId link : path->links) {
      const int64_t own = std::max<int64_t>(0, known_us(graph, link) - described_us(graph, link));
      if (own == 0 || round_trips.count(duplex(link))) continue;
      round_trips[duplex(link)] = known_us(graph, link) - charge(less, own, excess);
    }
  }
  std::vector<LinkLatency> out;
  for (const auto& [link, round_trip] : round_trips) {
    if (round_trip / 2 != graph.load(link).latency_us) out.push_back({link, round_trip / 2});
  }
  return out;
}

bool held_slow(const Graph& graph, LinkId link) { return much_more(known_us(graph, link), described_us(graph, link)); }

bool worth_exploring(const Graph& graph, LinkId link) { return !graph.usable(link) || held_slow(graph, link); }

}  // namespace weir
