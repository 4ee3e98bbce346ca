#pragma once

#include <cstdint>
#include <vector>

#include "orchestration/traffic/network.h"

namespace weir::traffic {

// Numbers that follow from a seed (splitmix64).
class TestDice {
 public:
  explicit TestDice(uint64_t seed) : state_(seed) {}
  int64_t roll(int64_t low, int64_t high) {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return low + static_cast<int64_t>((z ^ (z >> 31)) % static_cast<uint64_t>(high - low + 1));
  }

 private:
  uint64_t state_;
};

// A ring in both directions, so that everybody reaches everybody, with chords of one direction, some of them
// beside another; few different weights, so that paths tie.
inline Network random_network(uint32_t vertices, uint32_t chords, TestDice& dice) {
  Network network{vertices, {}};
  const auto add = [&](uint32_t a, uint32_t b) {
    if (a != b) network.links.push_back({a, b, dice.roll(1, 20) * 1'000'000'000, dice.roll(1, 3)});
  };
  for (uint32_t v = 0; v < vertices; ++v) {
    add(v, (v + 1) % vertices);
    add((v + 1) % vertices, v);
  }
  for (uint32_t i = 0; i < chords; ++i) {
    const auto a = static_cast<uint32_t>(dice.roll(0, vertices - 1));
    add(a, static_cast<uint32_t>(dice.roll(0, vertices - 1)));
  }
  return network;
}

inline std::vector<Demand> random_demands(uint32_t vertices, uint32_t count, TestDice& dice) {
  std::vector<Demand> demands;
  for (uint32_t i = 0; i < count; ++i) {
    const auto from = static_cast<uint32_t>(dice.roll(0, vertices - 1));
    const auto to = (from + static_cast<uint32_t>(dice.roll(1, vertices - 1))) % vertices;
    demands.push_back({from, to, dice.roll(0, 5'000'000'000)});
  }
  return demands;
}

}  // namespace weir::traffic
