#include "orchestration/traffic/flow_bound.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "orchestration/traffic/link_potential.h"

namespace weir::traffic {
namespace {

using Wide = __int128;

constexpr int64_t kPriceSteps = 16'384;  // prices that differ by less than one part in so many are equal
constexpr int64_t kMoveSteps = 64;  // a move takes away all of a difference of prices but one part in so many
constexpr int64_t kFallenPpm = 20;  // by which the potential falls in a round, for each unit of steepness

// What each source sends to whom.
struct Source {
  uint32_t vertex = 0;
  std::vector<std::pair<uint32_t, int64_t>> to;  // vertex, bit/s
};

std::vector<Source> by_source(const Network& network, const std::vector<Demand>& demands) {
  std::vector<Source> all(network.vertices);
  for (uint32_t v = 0; v < network.vertices; ++v) all[v].vertex = v;
  for (const Demand& demand : demands) {
    if (demand.bps > 0) all[demand.from].to.emplace_back(demand.to, demand.bps);
  }
  std::erase_if(all, [](const Source& source) { return source.to.empty(); });
  return all;
}

int64_t lower_bound_ppm(const Network& network, const std::vector<Source>& sources, ShortestPaths& paths,
                        const std::vector<int64_t>& lengths) {
  Wide volume = 0, capacity = 0;
  for (size_t e = 0; e < network.links.size(); ++e)
    capacity += Wide{network.links[e].capacity_bps} * lengths[e];
  if (capacity == 0) return 0;
  for (const Source& source : sources) {
    const std::vector<int64_t>& distance = paths.run(source.vertex, lengths);
    for (const auto& [to, bps] : source.to) volume += Wide{bps} * distance[to];
  }
  // Below 2^56 * 2^52 (demands by a path of all vertices), so the millions fit.
  return static_cast<int64_t>(volume / capacity * 1'000'000 + volume % capacity * 1'000'000 / capacity);
}

class Descent {
 public:
  Descent(const Network& network, const std::vector<Demand>& demands, const FlowBoundOptions& options)
      : network_(network),
        options_(options),
        sources_(by_source(network, demands)),
        paths_(network, Adjacency::By::kFrom),
        potential_(network),
        loads_(network.links.size(), 0),
        potentials_(network.links.size(), 0),
        prices_(network.links.size(), 0),
        average_(network.links.size(), 0),
        is_on_cheapest_(network.links.size(), false) {}

  FlowBound run();

 private:
  struct Path {
    std::vector<uint32_t> links;  // from the destination back
    int64_t bps = 0;
  };

  void calibrate(int32_t steepness);
  void walk(uint32_t to, std::vector<uint32_t>& links) const;
  int64_t price(const std::vector<uint32_t>& links) const {
    int64_t sum = 0;
    for (const uint32_t link : links) sum += prices_[link];
    return sum;
  }
  void add(uint32_t link, int64_t bps) {
    loads_[link] += bps;
    potentials_[link] = potential_.of(link, loads_[link]);
    prices_[link] = potential_.price(link, potentials_[link]);
  }
  // How much of it to lead over the cheapest path instead, so that the potential is least.
  int64_t amount(const Path& path) const;
  void balance(std::vector<Path>& ways);
  void prove(const std::vector<int64_t>& lengths);

  const Network& network_;
  const FlowBoundOptions& options_;
  const std::vector<Source> sources_;
  ShortestPaths paths_;
  LinkPotential potential_;
  std::vector<int64_t> loads_, potentials_, prices_;
  std::vector<int64_t> average_;                      // of the prices of the rounds, the newer the heavier
  std::vector<std::vector<std::vector<Path>>> ways_;  // by source, then destination
  std::vector<uint32_t> cheapest_;                    // links
  std::vector<uint32_t> leaves_, enters_;             // links of one of two paths only
  std::vector<uint8_t> is_on_cheapest_;
  FlowBound best_;
};

void Descent::calibrate(int32_t steepness) {
  potential_.calibrate(loads_, steepness);
  for (uint32_t e = 0; e < loads_.size(); ++e) {
    potentials_[e] = potential_.of(e, loads_[e]);
    prices_[e] = potential_.price(e, potentials_[e]);
  }
}

void Descent::walk(uint32_t to, std::vector<uint32_t>& links) const {
  links.clear();
  while (paths_.tree()[to] != ShortestPaths::kNoLink) {
    links.push_back(paths_.tree()[to]);
    to = network_.links[links.back()].from;
  }
}

int64_t Descent::amount(const Path& path) const {
  // Of what it enters over what it leaves, after so much moved.
  const auto excess = [&](int64_t bps) {
    int64_t sum = 0;
    for (const uint32_t e : enters_) sum += potential_.price(e, potential_.of(e, loads_[e] + bps));
    for (const uint32_t e : leaves_) sum -= potential_.price(e, potential_.of(e, loads_[e] - bps));
    return sum;
  };
  if (excess(path.bps) <= 0) return path.bps;
  const int64_t near_zero = excess(0) / -kMoveSteps;
  int64_t low = 0, high = path.bps;
  while (high - low > 1) {
    const int64_t mid = low + (high - low) / 2;
    const int64_t at_mid = excess(mid);
    (at_mid <= 0 ? low : high) = mid;
    if (at_mid <= 0 && at_mid >= -near_zero) break;
  }
  return low;
}

// Prices age as flow moves, so the cheapest path is the tree's, which need not be the cheapest any more.
void Descent::balance(std::vector<Path>& ways) {
  for (const uint32_t e : cheapest_) is_on_cheapest_[e] = true;
  int64_t moved_bps = 0;
  for (Path& path : ways) {
    const int64_t least = price(cheapest_);
    if (price(path.links) - least <= least / kPriceSteps) continue;
    leaves_.clear();
    enters_.clear();
    for (const uint32_t e : path.links) {
      if (!is_on_cheapest_[e]) leaves_.push_back(e);
      is_on_cheapest_[e] |= 2;
    }
    for (const uint32_t e : cheapest_) {
      if ((is_on_cheapest_[e] & 2) == 0) enters_.push_back(e);
    }
    for (const uint32_t e : path.links) is_on_cheapest_[e] &= 1;
    const int64_t bps = amount(path);
    if (bps == 0) continue;
    for (const uint32_t e : leaves_) add(e, -bps);
    for (const uint32_t e : enters_) add(e, bps);
    path.bps -= bps;
    moved_bps += bps;
  }
  for (const uint32_t e : cheapest_) is_on_cheapest_[e] = false;
  if (moved_bps == 0) return;
  std::erase_if(ways, [](const Path& path) { return path.bps == 0; });
  for (Path& path : ways) {
    if (path.links == cheapest_) {
      path.bps += moved_bps;
      return;
    }
  }
  ways.push_back({cheapest_, moved_bps});
}

void Descent::prove(const std::vector<int64_t>& lengths) {
  const int64_t ppm = lower_bound_ppm(network_, sources_, paths_, lengths);
  if (ppm <= best_.lower_ppm && !best_.lengths.empty()) return;
  best_.lower_ppm = ppm;
  best_.lengths = lengths;
}

FlowBound Descent::run() {
  best_.lengths.assign(network_.links.size(), 1);
  best_.upper_ppm = INT64_MAX;
  if (sources_.empty()) {
    best_.upper_ppm = 0;
    return best_;
  }
  int32_t steepness = 16;
  calibrate(steepness);
  for (const Source& source : sources_) {
    paths_.run(source.vertex, prices_);
    std::vector<std::vector<Path>>& all = ways_.emplace_back();
    for (const auto& [to, bps] : source.to) {
      walk(to, cheapest_);
      for (const uint32_t e : cheapest_) add(e, bps);
      all.push_back({Path{cheapest_, bps}});
    }
  }
  while (true) {
    best_.upper_ppm = std::min(best_.upper_ppm, max_utilisation_ppm(network_, loads_));
    if (best_.rounds >= options_.rounds_max) break;
    calibrate(steepness);
    for (size_t e = 0; e < prices_.size(); ++e) average_[e] += (prices_[e] - average_[e]) / 8;
    prove(prices_);
    prove(average_);
    if (best_.upper_ppm - best_.lower_ppm <= best_.lower_ppm / 1'000 * options_.gap_ppm / 1'000) break;
    const Wide before = std::accumulate(potentials_.begin(), potentials_.end(), Wide{0});
    for (size_t s = 0; s < sources_.size(); ++s) {
      paths_.run(sources_[s].vertex, prices_);
      for (size_t d = 0; d < sources_[s].to.size(); ++d) {
        walk(sources_[s].to[d].first, cheapest_);
        balance(ways_[s][d]);
      }
    }
    const Wide after = std::accumulate(potentials_.begin(), potentials_.end(), Wide{0});
    ++best_.rounds;
    // A fall of the potential by some share is one of the maximum by about that share / steepness.
    if ((before - after) * 1'000'000 < before * steepness * kFallenPpm &&
        steepness < LinkPotential::kSteepnessMax / 2)
      steepness += steepness / 2;
  }
  return best_;
}

}  // namespace

int64_t lower_bound_ppm(const Network& network, const std::vector<Demand>& demands,
                        const std::vector<int64_t>& lengths) {
  ShortestPaths paths(network, Adjacency::By::kFrom);
  return lower_bound_ppm(network, by_source(network, demands), paths, lengths);
}

FlowBound bound_flow(const Network& network, const std::vector<Demand>& demands,
                     const FlowBoundOptions& options) {
  return Descent(network, demands, options).run();
}

}  // namespace weir::traffic
