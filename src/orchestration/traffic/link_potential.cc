#include "orchestration/traffic/link_potential.h"

#include <algorithm>
#include <array>
#include <bit>

namespace weir::traffic {
namespace {

using Wide = __int128;

constexpr int kTableBits = 10;
constexpr int kTablePlaces = 40;

// 2^(2^-k) for k = 1 to kTableBits, by repeated square roots, with 60 binary places.
constexpr uint64_t root_of(uint64_t value) {
  const unsigned __int128 wide = static_cast<unsigned __int128>(value) << 60;
  uint64_t low = uint64_t{1} << 60, high = uint64_t{1} << 61;
  while (high - low > 1) {
    const uint64_t mid = low + (high - low) / 2;
    if (static_cast<unsigned __int128>(mid) * mid <= wide) {
      low = mid;
    } else {
      high = mid;
    }
  }
  return low;
}

constexpr std::array<int64_t, (1 << kTableBits) + 1> make_table() {
  std::array<uint64_t, kTableBits> roots{};
  uint64_t root = uint64_t{1} << 61;  // 2
  for (uint64_t& out : roots) out = root = root_of(root);
  std::array<int64_t, (1 << kTableBits) + 1> table{};
  for (uint32_t i = 0; i < (1u << kTableBits); ++i) {
    unsigned __int128 product = static_cast<unsigned __int128>(1) << 60;
    for (int bit = 0; bit < kTableBits; ++bit) {
      if ((i >> (kTableBits - 1 - bit)) & 1u) product = (product * roots[static_cast<size_t>(bit)]) >> 60;
    }
    table[i] = static_cast<int64_t>(product >> (60 - kTablePlaces));
  }
  table[1u << kTableBits] = int64_t{2} << kTablePlaces;
  return table;
}

constexpr auto kTable = make_table();

}  // namespace

int64_t power_of_two(int64_t x) {
  x = std::min(x, kPowerMax);
  const int64_t whole = x >> 32;
  if (whole < -kPowerPlaces - 1) return 0;
  const auto fraction = static_cast<uint32_t>(x);
  const uint32_t index = fraction >> (32 - kTableBits);
  const auto rest = static_cast<int64_t>(fraction & ((1u << (32 - kTableBits)) - 1));
  // Neighbours differ by less than 2^30, and the rest has 22 places.
  const int64_t mantissa =
      kTable[index] + (((kTable[index + 1] - kTable[index]) * rest) >> (32 - kTableBits));
  return whole >= 0 ? mantissa << whole : mantissa >> -whole;
}

LinkPotential::LinkPotential(const Network& network) : network_(network), scales_(network.links.size()) {
  calibrate(std::vector<int64_t>(network.links.size(), 0), 1);
}

void LinkPotential::calibrate(const std::vector<int64_t>& loads_bps, int32_t steepness) {
  int64_t load = 1, capacity = 1;  // of the most utilised link; without any load, 100%
  for (size_t e = 0, found = 0; e < network_.links.size(); ++e) {
    const int64_t of_link = network_.links[e].capacity_bps;
    if (loads_bps[e] == 0 || (found > 0 && Wide{loads_bps[e]} * capacity <= Wide{load} * of_link)) continue;
    load = loads_bps[e];
    capacity = of_link;
    ++found;
  }
  int64_t lowest = INT64_MAX;
  const auto at_max_bps = [&](const Link& link) {
    return static_cast<int64_t>(
        std::clamp<Wide>(Wide{link.capacity_bps} * load / capacity, 1, Wide{1} << 60));
  };
  for (const Link& link : network_.links) lowest = std::min(lowest, at_max_bps(link));
  for (size_t e = 0; e < network_.links.size(); ++e) {
    const int64_t at_max = at_max_bps(network_.links[e]);
    const auto width = static_cast<int>(std::bit_width(static_cast<uint64_t>(at_max)));
    scales_[e] = {static_cast<int64_t>((Wide{steepness} << (32 + width)) / at_max),
                  static_cast<int64_t>((Wide{lowest} << kPowerPlaces) / at_max), width};
  }
  offset_ = int64_t{steepness} << 32;
}

void LinkPotential::prices(const std::vector<int64_t>& potentials, int64_t lowest, int64_t highest,
                           std::vector<int64_t>& out) const {
  out.resize(potentials.size());
  int64_t steepest = 1;
  for (uint32_t e = 0; e < potentials.size(); ++e) {
    out[e] = price(e, potentials[e]);
    steepest = std::max(steepest, out[e]);
  }
  for (int64_t& value : out)
    value = static_cast<int64_t>(std::clamp<Wide>(Wide{value} * highest / steepest, lowest, highest));
}

}  // namespace weir::traffic
