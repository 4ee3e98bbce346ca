#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "core/graph/graph.h"

namespace weir {

// A measured path between two sites, as of now.
struct WatchedPath {
  SiteId from, to;
  std::vector<LinkId> links;
  bool alive = true;
};

// Which duplex links (even identifiers, sorted) are to be held down or up, from paths that are dead or alive: a
// link on an alive path is up; a link on a dead path and on no alive one is suspected, and all suspects are
// held down: a spare link is cheaper than a broken promise. Paths to a site that is itself not up say
// nothing about links. Pure; what changes is compared with the graph by the caller.
struct LinkVerdicts {
  std::vector<LinkId> down;
  std::vector<LinkId> up;
};
LinkVerdicts judge_links(const Graph& graph, const std::vector<WatchedPath>& paths);

// A path between two sites that are up or draining, over this link and as few others that are down as possible, for
// finding out when the link works again; then the shortest by hops. Where none can be steered, a path near the link that
// plain routing takes by itself, if possible one whose round trip tells whether routing went around the link. None if
// there is none.
std::optional<WatchedPath> exploratory_path(const Graph& graph, LinkId link);

// The path that plain routing takes: least described latency, ties by vertex, whether or not its links are up. Links
// in `without` (duplex, even) are not taken. None if not connected.
std::optional<std::vector<LinkId>> routed_way(const Graph& graph, VertexId from, VertexId to,
                                              const std::set<LinkId>& without = {});

// What a graph's description says of ways without a link, kept until more is described: which links are up changes neither
// answer, and paths are judged in every turn while one is dead. For one graph that only moves on. Holds at most `kept_max`
// answers of a kind and then starts afresh.
class Detours {
 public:
  explicit Detours(size_t kept_max = 65'536) : kept_max_(kept_max) {}

  // Described latency, there and back, of the way that plain routing takes without the duplex link; none if not connected.
  std::optional<int64_t> around_us(const Graph& graph, SiteId from, SiteId to, LinkId link);
  // Whether packets are ever led over the duplex link, whatever site is away now.
  bool leadable(const Graph& graph, LinkId link);

  uint64_t searches() const { return searches_; }  // that had to be made
  size_t kept() const { return around_us_.size() + leadable_.size(); }

 private:
  void follow(const Graph& graph);

  size_t kept_max_;
  uint64_t described_ = 0, searches_ = 0;
  std::map<std::tuple<SiteId, SiteId, LinkId>, std::optional<int64_t>> around_us_;
  std::map<LinkId, bool> leadable_;
};

// Whether an answer over this path shows that this link of it works. Over a path that cannot be steered it does not if
// the round trip is nearer to that of the shortest way without the link, or longer: routing may have gone around. Where
// the two cannot be told apart, it never shows a link over which packets can be led, between whatever sites: only a
// steered path does. A link that plain routing alone uses is taken to work while the trip is no longer than over it, unless
// it is `doubted`: another measured path over it is dead.
bool shows_link(const Graph& graph, const WatchedPath& path, LinkId link, int64_t round_trip_us, bool doubted,
                Detours& detours);

// SIDs for following `path`, which ends at `to`: End.X at every vertex after the first, End.DX6 or End.DT6 at the last.
// Empty: plain routing, because the path cannot be led.
std::vector<std::string> segments(const Graph& graph, const std::vector<LinkId>& path, SiteId to);

// Whether packets are led along the path in both directions, whatever routing prefers.
bool steered(const Graph& graph, const WatchedPath& path);

std::vector<LinkId> reversed(const std::vector<LinkId>& path);

}  // namespace weir
