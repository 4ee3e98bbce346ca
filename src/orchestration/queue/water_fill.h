#pragma once

#include <span>
#include <vector>

#include "orchestration/queue/amount.h"

namespace weir::queue {

// Dominant share of `use` in `capacity` over the resources in `mask` (bit r: resource r), in parts per 10^9,
// rounded up: the largest use_r / capacity_r (Ghodsi et al., Dominant Resource Fairness, NSDI 2011). At most
// kShareMax; use of what there is none of is a whole share.
inline constexpr int64_t kWholeShare = 1'000'000'000;
inline constexpr int64_t kShareMax = 1000 * kWholeShare;
inline constexpr uint32_t kAllResources = (1u << kResources) - 1;
int64_t dominant_share(const Amount& use, const Amount& capacity, uint32_t mask = kAllResources);

// A share for each unit of weight, rounded up.
int64_t weighted(int64_t share, int32_t weight_milli);

// One who shares: owed `base` whatever others want, and wanting `demand` >= base in all.
struct Claim {
  Amount base;
  Amount demand;
  int32_t weight_milli = 1000;
};

// What each gets of `budget` by progressive filling: the weighted dominant shares in `capacity` rise
// together, each on the straight line from base to demand, until it has its demand or a resource that it
// still wants is used up (Parkes, Procaccia and Shah, EC 2012). Where the budget does not cover the bases
// these are filled alike, from nothing. Never more than the budget or the demand; what rounding leaves is
// below one unit for each claim. O(claims · log range).
std::vector<Amount> water_fill(std::span<const Claim> claims, const Amount& budget, const Amount& capacity);

}  // namespace weir::queue
