#include "orchestration/queue/colocate.h"

#include <algorithm>

namespace weir::queue {
namespace {

int64_t part(int64_t whole, int64_t ppm) {
  return static_cast<int64_t>(static_cast<__int128>(whole) * ppm / kPpm);
}

void sort_for_eviction(std::vector<const BestEffortRun*>& runs, int resource) {
  std::sort(runs.begin(), runs.end(), [resource](const BestEffortRun* a, const BestEffortRun* b) {
    if (a->priority != b->priority) return a->priority < b->priority;
    const bool a_over = a->used[resource] > a->reserved[resource],
               b_over = b->used[resource] > b->reserved[resource];
    if (a_over != b_over) return a_over;
    const __int128 left = static_cast<__int128>(a->cost) * std::max<int64_t>(b->used[resource], 1);
    const __int128 right = static_cast<__int128>(b->cost) * std::max<int64_t>(a->used[resource], 1);
    if (left != right) return left < right;
    return a->job < b->job;
  });
}

std::vector<const BestEffortRun*> pointers(const std::vector<BestEffortRun>& runs) {
  std::vector<const BestEffortRun*> out;
  for (const BestEffortRun& run : runs) out.push_back(&run);
  return out;
}

}  // namespace

void UsageHistogram::add(int64_t used, TimeUs at) {
  if (samples_ == 0) halved_at_ = at;
  if (at - halved_at_ >= half_life_us_) {
    const int64_t halvings = (at - halved_at_) / half_life_us_;
    weight_ = 0;
    for (int64_t& count : counts_) {
      count = halvings > 62 ? 0 : count >> halvings;
      weight_ += count;
    }
    halved_at_ += halvings * half_life_us_;
  }
  // Bucket b holds what is above b and at most b + 1 widths, the first also 0.
  const int64_t clipped = std::clamp<int64_t>(used, 0, full_);
  const auto edge = static_cast<int64_t>((static_cast<__int128>(clipped) * kBuckets + full_ - 1) / full_);
  counts_[static_cast<size_t>(std::max<int64_t>(edge, 1) - 1)] += kSampleWeight;
  weight_ += kSampleWeight;
  ++samples_;
}

int64_t UsageHistogram::quantile(int64_t ppm) const {
  const __int128 wanted = static_cast<__int128>(weight_) * ppm;
  __int128 below = 0;
  for (int b = 0; b < kBuckets && weight_ > 0; ++b) {
    below += static_cast<__int128>(counts_[static_cast<size_t>(b)]) * kPpm;
    if (below < wanted) continue;
    return static_cast<int64_t>((static_cast<__int128>(full_) * (b + 1) + kBuckets - 1) / kBuckets);
  }
  return full_;
}

Amount best_effort_room(const Amount& capacity, const Amount& reserved, const UsageHistogram& cpu,
                        const UsageHistogram& memory, const ColocationPolicy& policy) {
  const auto kept = [&policy](int64_t whole, int64_t held, const UsageHistogram& use, int64_t quantile_ppm) {
    if (use.samples() < policy.samples_min) return held;
    return std::min(held, use.quantile(quantile_ppm) + part(whole, policy.margin_ppm));
  };
  const Amount expected{kept(capacity.cpu_milli, reserved.cpu_milli, cpu, policy.cpu_quantile_ppm),
                        kept(capacity.memory_mib, reserved.memory_mib, memory, policy.memory_quantile_ppm),
                        reserved.accelerator_milli};
  return Amount::most({}, capacity - expected);
}

Amount pressure(const Amount& capacity, const Amount& used, const ColocationPolicy& policy) {
  Amount over;
  for (int r = 0; r < kResources; ++r) {
    over[r] = std::max<int64_t>(0, used[r] - part(capacity[r], policy.high_water_ppm));
  }
  return over;
}

std::vector<uint64_t> eviction_order(std::vector<BestEffortRun> runs, int resource) {
  std::vector<const BestEffortRun*> order = pointers(runs);
  sort_for_eviction(order, resource);
  std::vector<uint64_t> jobs;
  for (const BestEffortRun* run : order) jobs.push_back(run->job);
  return jobs;
}

std::vector<uint64_t> evict(const std::vector<BestEffortRun>& runs, const Amount& over) {
  std::vector<const BestEffortRun*> chosen;
  Amount freed;
  for (int r = 0; r < kResources; ++r) {
    std::vector<const BestEffortRun*> order = pointers(runs);
    sort_for_eviction(order, r);
    for (const BestEffortRun* run : order) {
      if (freed[r] >= over[r]) break;
      if (run->used[r] <= 0 || std::find(chosen.begin(), chosen.end(), run) != chosen.end()) continue;
      chosen.push_back(run);
      freed += run->used;
    }
  }
  for (size_t i = chosen.size(); i-- > 0;) {
    if (!over.fits(freed - chosen[i]->used)) continue;
    freed -= chosen[i]->used;
    chosen.erase(chosen.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::vector<uint64_t> jobs;
  for (const BestEffortRun* run : chosen) jobs.push_back(run->job);
  std::sort(jobs.begin(), jobs.end());
  return jobs;
}

}  // namespace weir::queue
