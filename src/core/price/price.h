#pragma once

#include <array>
#include <cstdint>

#include "core/event/types.h"

// The one price: what the provider asks plus a scarcity price that grows exponentially with use (Awerbuch,
// Azar and Plotkin 1993; Buchbinder and Naor 2009, section 14), both per unit and hour.
namespace weir {

inline constexpr int kUtilisationBuckets = 64;

// Millionths of the full scarcity price per bucket: (mu^(b/63) - 1) / (mu - 1) * 1e6 with mu = 64, rounded to
// nearest. A table and not exp(): processors disagree in the last bit, and a cached path stays valid while
// its links stay in their buckets.
extern const std::array<int32_t, kUtilisationBuckets> kScarcityPpm;

// Bucket of `total - free` of `total`, rounded down; the last bucket is full use. Nothing to give is full.
constexpr int utilisation_bucket(int64_t total, int64_t free) {
  if (total <= 0 || free <= 0) return kUtilisationBuckets - 1;
  if (free >= total) return 0;
  const int64_t used = total - free;  // 64 bits divide several times faster than 128
  if (used <= INT64_MAX / kUtilisationBuckets) return static_cast<int>(used * (kUtilisationBuckets - 1) / total);
  return static_cast<int>(static_cast<__int128>(used) * (kUtilisationBuckets - 1) / total);
}

// The parameters in force, from DomainCreated or the newest PricesRevised. All per full unit and hour.
struct PricePolicy {
  uint32_t version = 0;
  Nanocredits carbon_price_per_kg = 0;
  Nanocredits scarcity_core_hour = 0;
  Nanocredits scarcity_gib_hour = 0;
  Nanocredits scarcity_accelerator_hour = 0;
  Nanocredits scarcity_gbps_hour = 0;
  friend bool operator==(const PricePolicy&, const PricePolicy&) = default;
};

// Shadow price per unit-hour of a resource in `bucket` whose price at full use is `at_full`.
constexpr Nanocredits scarcity(const std::array<int32_t, kUtilisationBuckets>& table, Nanocredits at_full, int bucket) {
  const int64_t ppm = table[static_cast<size_t>(bucket)];
  if (at_full <= INT64_MAX / kPpm && at_full >= 0) return at_full * ppm / kPpm;
  return static_cast<Nanocredits>(static_cast<__int128>(at_full) * ppm / kPpm);
}

// amount * price / unit with a 128-bit product, rounded up, saturating at the largest int64.
// Requires amount >= 0, price >= 0, unit > 0.
int64_t charge_wide(int64_t amount, int64_t price, int64_t unit);
inline int64_t charge(int64_t amount, int64_t price, int64_t unit) {
  int64_t product = 0;
  if (__builtin_mul_overflow(amount, price, &product) || __builtin_add_overflow(product, unit - 1, &product)) {
    return charge_wide(amount, price, unit);
  }
  return product / unit;
}

// quantity * price / divisor of an invoice line with a 128-bit product, rounded half up, saturating at the largest
// int64. Requires price >= 0, divisor > 0.
Nanocredits line_amount(unsigned __int128 quantity, Nanocredits price, uint64_t divisor);
// Requires a >= 0, b >= 0.
constexpr int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

inline constexpr int64_t kCoreUnit = 1000;                  // milli-cores in a core
inline constexpr int64_t kGibUnit = 1024;                   // MiB in a GiB
inline constexpr int64_t kGbpsUnit = 1'000'000'000;         // bit/s in a Gbit/s

// Power that a reservation draws at full use of its cores, PUE included. mW.
int64_t power_mw(const Power& power, int64_t cpu_milli);
// Carbon of that power, mg per hour.
int64_t carbon_mg_per_hour(const Power& power, int64_t cpu_milli);

}  // namespace weir
