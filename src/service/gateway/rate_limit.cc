#include "service/gateway/rate_limit.h"

#include <algorithm>

namespace weir::gateway {
namespace {

constexpr int64_t kUnit = 1'000'000;  // so that a rate a second is one of millionths a microsecond

// Whole seconds, rounded up, in which so many millionths come.
int64_t seconds_for(int64_t millionths, const Rate& rate) {
  const int64_t a_second = rate.per_second * kUnit;
  return (std::max<int64_t>(0, millionths) + a_second - 1) / a_second;
}

}  // namespace

Allowance TokenBuckets::take(const std::string& name, const Rate& rate, int64_t cost, TimeUs now) {
  const std::lock_guard lock(mutex_);
  const int64_t full = rate.burst * kUnit;
  auto found = buckets_.find(name);
  if (found == buckets_.end()) {
    if (buckets_.size() >= buckets_max_) {
      buckets_.erase(used_.back());
      used_.pop_back();
    }
    used_.push_front(name);
    found = buckets_.emplace(name, Bucket{full, now, used_.begin()}).first;
  }
  Bucket& bucket = found->second;
  used_.splice(used_.begin(), used_, bucket.place);
  const TimeUs passed = std::max<TimeUs>(0, now - bucket.at);
  // Before the product: what fills the bucket is enough.
  const TimeUs needed = (full - bucket.millionths + rate.per_second - 1) / rate.per_second;
  bucket.millionths = passed >= needed ? full : bucket.millionths + passed * rate.per_second;
  bucket.at = std::max(bucket.at, now);
  const int64_t price = std::min(cost, rate.burst) * kUnit;
  Allowance out;
  out.allowed = bucket.millionths >= price;
  if (out.allowed) {
    bucket.millionths -= price;
  } else {
    out.retry_s = seconds_for(price - bucket.millionths, rate);
  }
  out.remaining = bucket.millionths / kUnit;
  out.full_s = seconds_for(full - bucket.millionths, rate);
  return out;
}

size_t TokenBuckets::size() const {
  const std::lock_guard lock(mutex_);
  return buckets_.size();
}

std::string rate_headers(std::string_view policy, const Rate& rate, const Allowance& allowance) {
  const std::string name = "\"" + std::string(policy) + "\"";
  std::string out = "RateLimit-Policy: " + name + ";q=" + std::to_string(rate.burst) + ";w=" + std::to_string(seconds_for(rate.burst * kUnit, rate)) + "\r\n";
  out += "RateLimit: " + name + ";r=" + std::to_string(allowance.remaining) + ";t=" + std::to_string(allowance.full_s) + "\r\n";
  if (!allowance.allowed) out += "Retry-After: " + std::to_string(allowance.retry_s) + "\r\n";
  return out;
}

}  // namespace weir::gateway
