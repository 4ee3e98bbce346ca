#include "orchestration/queue/water_fill.h"

#include "core/units/bisect.h"

namespace weir::queue {
namespace {

constexpr int kFractionBits = 40;

int64_t part(int64_t whole, int64_t fraction) {
  return static_cast<int64_t>(static_cast<__int128>(whole) * fraction >> kFractionBits);
}

// A claim on its line: at `low` it has its base, at `high` its demand.
struct Line {
  Amount base, growth;
  int64_t low = 0, high = 0;
  bool frozen = false;
  Amount fixed = {};

  Amount at(int64_t level) const {
    if (frozen) return fixed;
    if (level >= high) return base + growth;
    if (level <= low) return base;
    const auto fraction =
        static_cast<int64_t>((static_cast<__int128>(level - low) << kFractionBits) / (high - low));
    return {base.cpu_milli + part(growth.cpu_milli, fraction),
            base.memory_mib + part(growth.memory_mib, fraction),
            base.accelerator_milli + part(growth.accelerator_milli, fraction)};
  }
};

Amount total(std::span<const Line> lines, int64_t level) {
  Amount sum;
  for (const Line& line : lines) sum += line.at(level);
  return sum;
}

bool holds(const Amount& sum, const Amount& budget) {
  return sum.cpu_milli <= budget.cpu_milli && sum.memory_mib <= budget.memory_mib &&
         sum.accelerator_milli <= budget.accelerator_milli;
}

// Requires that the bases together are within the budget.
std::vector<Amount> fill(std::span<const Claim> claims, const Amount& budget, const Amount& capacity) {
  std::vector<Line> lines;
  lines.reserve(claims.size());
  int64_t level = 0, top = 0;
  for (const Claim& claim : claims) {
    Line line{claim.base, claim.demand - claim.base};
    line.low = weighted(dominant_share(claim.base, capacity), claim.weight_milli);
    line.high = weighted(dominant_share(claim.demand, capacity), claim.weight_milli);
    top = std::max(top, line.high);
    lines.push_back(line);
  }
  for (int round = 0; round <= kResources; ++round) {
    if (holds(total(lines, top), budget)) {
      level = top;
      break;
    }
    level = greatest(level, top, [&](int64_t middle) { return holds(total(lines, middle), budget); });
    const int64_t high = level + 1;  // does not hold
    const Amount beyond = total(lines, high);
    for (Line& line : lines) {
      const Amount now = line.at(level);
      bool stops = false;
      for (int r = 0; r < kResources; ++r) {
        stops |= beyond[r] > budget[r] && line.base[r] + line.growth[r] > now[r];
      }
      if (stops && !line.frozen) {
        line.frozen = true;
        line.fixed = now;
      }
    }
  }
  std::vector<Amount> out;
  out.reserve(lines.size());
  for (const Line& line : lines) out.push_back(line.at(level));
  return out;
}

}  // namespace

int64_t weighted(int64_t share, int32_t weight_milli) {
  return (share * 1000 + weight_milli - 1) / weight_milli;
}

int64_t dominant_share(const Amount& use, const Amount& capacity, uint32_t mask) {
  int64_t share = 0;
  for (int r = 0; r < kResources; ++r) {
    if ((mask >> r & 1) == 0 || use[r] <= 0) continue;
    if (capacity[r] <= 0) {
      share = std::max(share, kWholeShare);
      continue;
    }
    const __int128 exact = (static_cast<__int128>(use[r]) * kWholeShare + capacity[r] - 1) / capacity[r];
    share = std::max(share, exact > kShareMax ? kShareMax : static_cast<int64_t>(exact));
  }
  return share;
}

std::vector<Amount> water_fill(std::span<const Claim> claims, const Amount& budget, const Amount& capacity) {
  Amount bases, demands;
  for (const Claim& claim : claims) {
    bases += claim.base;
    demands += claim.demand;
  }
  std::vector<Amount> out;
  if (holds(demands, budget)) {
    for (const Claim& claim : claims) out.push_back(claim.demand);
    return out;
  }
  if (holds(bases, budget)) return fill(claims, budget, capacity);
  std::vector<Claim> floors(claims.begin(), claims.end());
  for (Claim& floor : floors) {
    floor.demand = floor.base;
    floor.base = {};
  }
  out = fill(floors, budget, capacity);
  for (size_t i = 0; i < floors.size(); ++i) {
    floors[i].base = out[i];
    floors[i].demand = claims[i].demand;
  }
  return fill(floors, budget, capacity);
}

}  // namespace weir::queue
