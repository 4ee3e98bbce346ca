#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/event/types.h"
#include "orchestration/queue/amount.h"

// Latency-sensitive and best-effort work on the same machines: how much the latter may use of what the former
// has reserved and does not use, and which of it goes first when it is wanted back. The idea is that of
// Borg's resource reclamation (Verma et al., EuroSys 2015, section 5.5), with a quantile in place of its
// decaying maximum.
namespace weir::queue {

// What a class was measured to use of one resource of a machine: counts in buckets of equal width, each
// sample worth half after a half-life. O(buckets) at most for each call; the same on every machine.
class UsageHistogram {
 public:
  static constexpr int kBuckets = 128;

  // full > 0: the top of the range, usually the capacity; half_life_us > 0.
  UsageHistogram(int64_t full, int64_t half_life_us) : full_(full), half_life_us_(half_life_us) {}
  // Use beyond `full` counts as full, below 0 as 0. A time that goes back counts as the newest.
  void add(int64_t used, TimeUs at);
  // What is not exceeded by `ppm` of the weight, rounded up to the edge of a bucket; `full` without samples.
  // Requires 0 < ppm <= 10^6.
  int64_t quantile(int64_t ppm) const;
  // Samples since the start, however old.
  int64_t samples() const { return samples_; }

 private:
  static constexpr int64_t kSampleWeight = int64_t{1} << 20;
  int64_t full_;
  int64_t half_life_us_;
  TimeUs halved_at_ = 0;
  int64_t samples_ = 0;
  int64_t weight_ = 0;
  std::array<int64_t, kBuckets> counts_{};
};

struct ColocationPolicy {
  int64_t cpu_quantile_ppm = 990'000;     // a core can be given back at once
  int64_t memory_quantile_ppm = 999'900;  // memory only by evicting
  int64_t margin_ppm = 50'000;            // of the capacity, on top of the quantile
  int64_t samples_min = 60;               // with fewer, what is reserved is taken to be used
  int64_t high_water_ppm = 950'000;       // of the capacity: use beyond it has best-effort work evicted
};

// What best-effort work may use on a machine: its capacity less what latency-sensitive work is expected to
// use at the policy's quantiles with a margin, and never less than what is not reserved at all. Accelerators
// are not overcommitted.
Amount best_effort_room(const Amount& capacity, const Amount& reserved, const UsageHistogram& cpu,
                        const UsageHistogram& memory, const ColocationPolicy& policy);

// By how much what is used is beyond the high-water mark.
Amount pressure(const Amount& capacity, const Amount& used, const ColocationPolicy& policy);

struct BestEffortRun {
  uint64_t job = 0;
  int32_t priority = 0;
  Amount reserved;
  Amount used;
  Nanocredits cost = 0;  // of evicting it: preemption_cost()
};

// Best-effort work in the order in which it is evicted to free `resource`: lowest priority, then those who
// use more than they reserved, then the least cost for what is freed, then the lowest job.
std::vector<uint64_t> eviction_order(std::vector<BestEffortRun> runs, int resource);

// Whom to evict so that `over` is freed: along the order of each resource that is over, passing over who
// frees none of it; who turns out not to be needed stays. All, where all together do not free enough.
std::vector<uint64_t> evict(const std::vector<BestEffortRun>& runs, const Amount& over);

}  // namespace weir::queue
