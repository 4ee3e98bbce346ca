#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "core/event/types.h"

// How much each caller may ask for. Pure: the time comes from outside.
namespace weir::gateway {

// A bucket that is filled with `per_second` units until it holds `burst`. Both from 1 to kRateMax.
struct Rate {
  int64_t per_second = 1;
  int64_t burst = 1;
};
inline constexpr int64_t kRateMax = 1'000'000;

struct RateSettings {
  Rate operators{2'000, 10'000};  // each operator
  Rate users{200, 1'000};         // each tenant and each provider
  Rate addresses{20, 200};        // each address that has shown no good token
  size_t buckets_max = 8'192;     // of addresses, and of subjects; beyond it the one unused longest begins anew
};

struct Allowance {
  bool allowed = true;
  int64_t remaining = 0;  // whole units
  int64_t full_s = 0;     // until the bucket is full again
  int64_t retry_s = 0;    // until what was refused would be allowed; at least 1 then
};

// Token buckets by name. What costs more than a burst needs a full bucket. Safe to call from several threads.
class TokenBuckets {
 public:
  explicit TokenBuckets(size_t buckets_max) : buckets_max_(buckets_max) {}
  // What is refused takes nothing. `now` is steady; the rate of one name does not change.
  Allowance take(const std::string& name, const Rate& rate, int64_t cost, TimeUs now);
  size_t size() const;

 private:
  struct Bucket {
    int64_t millionths = 0;  // of a unit
    TimeUs at = 0;
    std::list<std::string>::iterator place;
  };
  const size_t buckets_max_;
  mutable std::mutex mutex_;
  std::list<std::string> used_;  // the newest first
  std::map<std::string, Bucket> buckets_;
};

// The header lines RateLimit-Policy and RateLimit of draft-ietf-httpapi-ratelimit-headers-10, and Retry-After where it was refused.
std::string rate_headers(std::string_view policy, const Rate& rate, const Allowance& allowance);

}  // namespace weir::gateway
