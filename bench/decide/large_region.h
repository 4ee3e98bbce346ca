#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/graph/graph.h"

namespace weir::bench {

struct LargeShape {
  uint32_t sites = 10'000;
  uint32_t nodes_per_site = 100;
  uint32_t links = 50'000;      // duplex
  uint32_t ingresses = 200;     // sites where streams enter
  // Mean use of nodes and links before the first intent, at most 80. Of each site, and of each direction of a link, up
  // to 15 points more or less; of each node again up to 5.
  uint32_t load_percent = 0;
};

// A hierarchical network: for 100 sites one core router, 10 aggregation and 50 metro routers. Each site hangs on two
// metro routers, each metro on two aggregation routers of its core router, each aggregation router on two core routers;
// core routers form a ring with random chords; what is left of the links joins neighbouring metro routers. Delays
// 0.1 to 0.5 ms in the metro, 0.5 to 2 ms in the aggregation, 2 to 10 ms in the core; rates 10, 100 and 400 Gbit/s.
// Nodes have 32 to 128 cores. Sites ask 0.02 to 0.10 credits per core-hour. The same seed gives the same region.
class LargeRegion {
 public:
  LargeRegion(uint64_t seed, const LargeShape& shape);

  Graph graph;
  // The next intent: one stream from a random ingress to one instance, of one of four kinds of 1 to 8 cores, 5 to 50
  // Mbit/s and a network round trip of 10 to 100 ms.
  IntentSubmitted next_intent();

 private:
  int64_t roll(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  void add(EventBody body) { graph.apply(Event{1, "generator", std::move(body)}); }
  void link(uint32_t a, uint32_t b, int64_t gbps, int64_t latency_us);
  void fill();
  IntentId background(const std::string& name);

  LargeShape shape_;
  std::mt19937_64 engine_;
  std::vector<SiteId> ingresses_;
  uint32_t links_ = 0;
};

}  // namespace weir::bench
