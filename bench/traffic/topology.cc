#include "bench/traffic/topology.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <set>
#include <tuple>
#include <utility>

#include "orchestration/traffic/link_potential.h"

namespace weir::bench {
namespace {

using traffic::Demand;
using traffic::Link;
using traffic::Network;

constexpr int64_t kGbps = 1'000'000'000;
constexpr int64_t kSideKm = 4'000;

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  // Uniform but for a bias below 2^-32. std::uniform_int_distribution differs between libraries.
  int64_t roll(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  template <size_t N>
  int64_t pick(const std::array<int64_t, N>& values) {
    return values[static_cast<size_t>(roll(0, N - 1))];
  }

 private:
  std::mt19937_64 engine_;
};

struct Point {
  int64_t x = 0, y = 0;  // km
};

int64_t distance_km(Point a, Point b) {
  const int64_t area = (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
  int64_t root = 0;
  for (int64_t bit = int64_t{1} << 15; bit > 0; bit /= 2) {
    if ((root + bit) * (root + bit) <= area) root += bit;
  }
  return root;
}

class Builder {
 public:
  explicit Builder(uint32_t vertices) { network_.vertices = vertices; }
  // Once for each pair.
  bool join(uint32_t a, uint32_t b, int64_t capacity_bps, int64_t weight) {
    if (a == b || !pairs_.insert(std::minmax(a, b)).second) return false;
    network_.links.push_back({a, b, capacity_bps, weight});
    network_.links.push_back({b, a, capacity_bps, weight});
    return true;
  }
  Network take() { return std::move(network_); }

 private:
  Network network_;
  std::set<std::pair<uint32_t, uint32_t>> pairs_;
};

std::vector<Point> scatter(uint32_t count, Dice& dice) {
  std::vector<Point> points;
  for (uint32_t i = 0; i < count; ++i) points.push_back({dice.roll(0, kSideKm), dice.roll(0, kSideKm)});
  return points;
}

// The vertices before `count`, nearest to the point first.
std::vector<uint32_t> nearest(const std::vector<Point>& points, uint32_t to, uint32_t count) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::erase(order, to);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::tuple(distance_km(points[a], points[to]), a) <
           std::tuple(distance_km(points[b], points[to]), b);
  });
  return order;
}

Network waxman(uint32_t vertices, Dice& dice) {
  constexpr std::array<int64_t, 6> kCapacities = {10, 10, 40, 40, 100, 400};
  const std::vector<Point> points = scatter(vertices, dice);
  Builder builder(vertices);
  const auto join = [&](uint32_t a, uint32_t b) {
    return builder.join(a, b, dice.pick(kCapacities) * kGbps, 1 + distance_km(points[a], points[b]));
  };
  for (uint32_t v = 1; v < vertices; ++v) join(v, nearest(points, v, v).front());
  for (uint32_t more = vertices; more > 0;) {
    const auto a = static_cast<uint32_t>(dice.roll(0, vertices - 1)),
               b = static_cast<uint32_t>(dice.roll(0, vertices - 1));
    // 2^(-6 d / side): about exp(-d / (0.17 L)) with the diagonal L.
    const int64_t x = -6 * (distance_km(points[a], points[b]) << 32) / kSideKm;
    if (dice.roll(0, (int64_t{1} << traffic::kPowerPlaces) - 1) < traffic::power_of_two(x) && join(a, b))
      --more;
  }
  return builder.take();
}

Network isp(uint32_t vertices, Dice& dice) {
  const uint32_t core = std::max<uint32_t>(4, vertices / 8);
  const std::vector<Point> points = scatter(vertices, dice);
  Builder builder(vertices);
  const auto join = [&](uint32_t a, uint32_t b, int64_t gbps) {
    builder.join(a, b, gbps * kGbps, 4'000 / gbps);
  };
  for (uint32_t v = 0; v < core; ++v) {
    const std::vector<uint32_t> near = nearest(points, v, core);
    if (v > 0) join(v, nearest(points, v, v).front(), 400);
    for (size_t i = 0; i < 3 && i < near.size(); ++i) join(v, near[i], dice.roll(0, 1) == 0 ? 100 : 400);
    join(v, static_cast<uint32_t>(dice.roll(0, core - 1)), 100);
  }
  for (uint32_t v = core; v < vertices; ++v) {
    const std::vector<uint32_t> near = nearest(points, v, core);
    join(v, near[0], dice.pick(std::array<int64_t, 3>{10, 40, 100}));
    join(v, near[1], dice.pick(std::array<int64_t, 3>{10, 40, 100}));
    if (dice.roll(0, 3) == 0)
      join(v, nearest(points, v, v).front(), dice.pick(std::array<int64_t, 2>{10, 40}));
  }
  return builder.take();
}

Network rings(uint32_t vertices, Dice& dice) {
  constexpr std::array<int64_t, 4> kCapacities = {10, 10, 40, 100};
  Builder builder(vertices);
  std::vector<std::pair<uint32_t, uint32_t>> all;  // the first vertex and the count of each
  for (uint32_t first = 0; first < vertices;) {
    uint32_t count = static_cast<uint32_t>(dice.roll(6, 14));
    if (vertices - first < count + 6) count = vertices - first;
    all.emplace_back(first, count);
    const int64_t capacity = dice.pick(kCapacities) * kGbps;
    for (uint32_t i = 0; i < count; ++i) builder.join(first + i, first + (i + 1) % count, capacity, 10);
    if (count >= 10) builder.join(first, first + count / 2, capacity, 10);
    first += count;
  }
  const auto any = [&dice](std::pair<uint32_t, uint32_t> ring) {
    return ring.first + static_cast<uint32_t>(dice.roll(0, ring.second - 1));
  };
  for (size_t r = 1; r < all.size(); ++r) {
    for (int times = 0; times < 2; ++times) {
      const auto other = static_cast<size_t>(dice.roll(0, static_cast<int64_t>(r) - 1));
      for (int joins = 0; joins < 2; ++joins) {
        const int64_t capacity = dice.pick(kCapacities) * 4 * kGbps;
        const uint32_t a = any(all[r]), b = any(all[other]);
        builder.join(a, b, capacity, 10);
      }
    }
  }
  return builder.take();
}

}  // namespace

Network make_network(const std::string& kind, uint32_t vertices, uint64_t seed) {
  Dice dice(seed);
  return kind == "waxman" ? waxman(vertices, dice)
         : kind == "isp"  ? isp(vertices, dice)
                          : rings(vertices, dice);
}

std::vector<Demand> gravity_demands(const Network& network, uint64_t seed) {
  Dice dice(seed ^ 0x9e3779b97f4a7c15ull);
  std::vector<int64_t> mass(network.vertices, 0);
  for (const Link& link : network.links) mass[link.from] += link.capacity_bps / 1'000'000;  // Mbit/s
  // 1 / uniform: a Pareto draw with exponent 1, cut off at 16 times the least.
  for (int64_t& m : mass) m = std::max<int64_t>(1, m * 16 / dice.roll(1, 16));
  const int64_t sum = std::accumulate(mass.begin(), mass.end(), int64_t{0});
  __int128 total_bps = 0;
  for (const Link& link : network.links) total_bps += link.capacity_bps;
  std::vector<Demand> demands;
  for (uint32_t a = 0; a < network.vertices; ++a) {
    for (uint32_t b = 0; b < network.vertices; ++b) {
      if (a != b)
        demands.push_back(
            {a, b, std::max<int64_t>(1, static_cast<int64_t>(total_bps * mass[a] / sum * mass[b] / sum))});
    }
  }
  return demands;
}

std::vector<Demand> scaled(std::vector<Demand> demands, int64_t wanted_ppm, int64_t found_ppm) {
  for (Demand& demand : demands) {
    const __int128 bps = static_cast<__int128>(demand.bps) * wanted_ppm / found_ppm;
    demand.bps = std::max<int64_t>(1, static_cast<int64_t>(bps));
  }
  return demands;
}

}  // namespace weir::bench
