#include "bench/packing/published_fgd.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace weir::bench {
namespace {

struct Kind {
  AcceleratorTask task;
  double share;
};

std::vector<Kind> typical(const PackingTrace& trace) {
  using Key = std::tuple<int32_t, int16_t, int16_t, std::string>;
  std::map<Key, std::pair<int64_t, AcceleratorTask>> counts;
  for (const PackingTask& row : trace.tasks) {
    AcceleratorTask task = row.task;
    task.memory_mib = 0;
    auto& [count, of] = counts[{task.cpu_milli, task.accelerator_milli, task.accelerators, row.spec}];
    ++count;
    of = task;
  }
  std::vector<std::tuple<int64_t, Key, AcceleratorTask>> sorted;
  for (const auto& [key, value] : counts) sorted.emplace_back(value.first, key, value.second);
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::tie(std::get<0>(a), std::get<1>(a)) > std::tie(std::get<0>(b), std::get<1>(b));
  });
  const auto total = static_cast<double>(trace.tasks.size());
  std::vector<Kind> kinds;
  double sum = 0;
  for (const auto& [count, key, task] : sorted) {
    if (sum >= 95 * total / 100) break;
    sum += static_cast<double>(count);
    kinds.push_back({task, static_cast<double>(count) / total});
  }
  if (kinds.size() < sorted.size()) {
    for (Kind& kind : kinds) kind.share /= sum / total;
  }
  return kinds;
}

class PublishedFgd final : public PackingPolicy {
 public:
  explicit PublishedFgd(std::vector<Kind> kinds) : kinds_(std::move(kinds)) {}
  std::string_view name() const override { return "fgd-published"; }
  bool sees_device_order() const override { return true; }
  PackingOffer rate(const PackingNode& node, const AcceleratorTask& task) override {
    const double before = fragmentation(node.free);
    const auto score = [&](AcceleratorMask devices) {
      const double gain = (before - fragmentation(without(node.free, task, devices))) / 1000;
      return static_cast<int64_t>(100 / (1 + std::exp(-gain)));
    };
    if (!task.shares()) {
      const AcceleratorMask devices = tightest_devices(node.free, task);
      return {-score(devices), devices};
    }
    PackingOffer best{.loss = 1};
    for (size_t d = 0; d < node.free.accelerators; ++d) {
      if (node.free.free_milli[d] < task.accelerator_milli) continue;
      const int64_t loss = -score(AcceleratorMask{1} << d);
      if (loss < best.loss) best = {loss, AcceleratorMask{1} << d};
    }
    return best;
  }

 private:
  enum {
    kLackBoth,
    kLackAccelerator,
    kSatisfied,
    kLackCpu,
    kNoneWithCpu,
    kNoneLackCpu,
    kNoAccess,
    kCategories
  };

  double fragmentation(const AcceleratorNode& node) const {
    std::array<double, kCategories> sums{};
    const int64_t total = free_milli(node);
    for (const auto& [task, share] : kinds_) {
      const bool cpu = node.cpu_milli >= task.cpu_milli;
      const double all = share * static_cast<double>(total);
      if (task.accelerators == 0) {
        sums[cpu ? kNoneWithCpu : kNoneLackCpu] += all;
      } else if (!right_model(node, task)) {
        sums[kNoAccess] += all;
      } else if (!accelerators_fit(node, task)) {
        sums[cpu ? kLackAccelerator : kLackBoth] += all;
      } else if (!cpu) {
        sums[kLackCpu] += all;
      } else {
        int64_t small = 0;
        for (size_t d = 0; d < node.accelerators; ++d) {
          if (node.free_milli[d] < task.accelerator_milli) small += node.free_milli[d];
        }
        sums[kLackAccelerator] += share * static_cast<double>(small);
        sums[kSatisfied] += share * static_cast<double>(total - small);
      }
    }
    double sum = 0;
    for (size_t c = 0; c < kCategories; ++c) {
      if (c != kSatisfied) sum += sums[c];
    }
    return sum;
  }

  std::vector<Kind> kinds_;
};

}  // namespace

std::unique_ptr<PackingPolicy> make_published_fgd(const PackingTrace& trace) {
  return std::make_unique<PublishedFgd>(typical(trace));
}

}  // namespace weir::bench
