#include "bench/packing/bound.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

namespace weir::bench {
namespace {

constexpr int64_t kMicro = 1'000'000;

// How many shares of each size fill one accelerator at the highest rent, and what they pay.
struct Fullest {
  int64_t rent = 0;
  std::vector<int64_t> count;
};
Fullest fullest(const BoundInstance& instance, const std::vector<int64_t>& rents) {
  std::array<int64_t, kAcceleratorMilli + 1> best{};
  std::array<int16_t, kAcceleratorMilli + 1> last{};  // share placed last, plus 1
  for (size_t size = 1; size < best.size(); ++size) {
    best[size] = best[size - 1];
    for (size_t s = 0; s < instance.shares.size(); ++s) {
      const auto share = static_cast<size_t>(instance.shares[s]);
      if (share > size || best[size - share] + rents[s] <= best[size]) continue;
      best[size] = best[size - share] + rents[s];
      last[size] = static_cast<int16_t>(s + 1);
    }
  }
  Fullest result{best.back(), std::vector<int64_t>(instance.shares.size(), 0)};
  for (size_t size = kAcceleratorMilli; size > 0;) {
    if (last[size] == 0) {
      --size;
      continue;
    }
    const auto s = static_cast<size_t>(last[size] - 1);
    ++result.count[s];
    size -= static_cast<size_t>(instance.shares[s]);
  }
  return result;
}

struct Place {
  int64_t gain = 0;  // above rent, in millionths
  std::optional<size_t> pool;
};
Place best_place(const BoundInstance& instance, const BoundInstance::Kind& kind, const BoundPrices& prices,
                 int64_t accelerator) {
  Place best;
  const int64_t rent = kind.task.shares() ? prices.share[kind.share] : kind.task.accelerators * accelerator;
  for (size_t p = 0; p < instance.pools.size(); ++p) {
    if (!fits(instance.pools[p].node, kind.task)) continue;
    const int64_t gain = kind.task.total_milli() * kMicro - rent - kind.task.cpu_milli * prices.cpu_milli[p] -
                         kind.task.memory_mib * prices.memory_mib[p];
    if (gain > best.gain) best = {gain, p};
  }
  return best;
}

}  // namespace

BoundInstance bound_instance(const PackingTrace& trace, const PackingSequence& sequence) {
  std::map<AcceleratorNode, int64_t> nodes;
  for (const AcceleratorNode& node : trace.nodes) ++nodes[node];
  std::map<AcceleratorTask, int64_t> tasks;
  for (const uint32_t task : sequence.tasks) {
    if (trace.tasks[task].task.accelerators > 0) ++tasks[trace.tasks[task].task];
  }
  BoundInstance instance{.capacity_milli = trace.capacity_milli};
  for (const auto& [node, count] : nodes) instance.pools.push_back({node, count});
  for (const auto& [task, count] : tasks) {
    instance.kinds.push_back({task, count, 0});
    if (task.shares()) instance.shares.push_back(task.accelerator_milli);
  }
  instance.shares.push_back(kAcceleratorMilli);
  std::sort(instance.shares.begin(), instance.shares.end());
  instance.shares.erase(std::unique(instance.shares.begin(), instance.shares.end()), instance.shares.end());
  for (BoundInstance::Kind& kind : instance.kinds) {
    const auto at =
        std::lower_bound(instance.shares.begin(), instance.shares.end(), kind.task.accelerator_milli);
    kind.share = static_cast<size_t>(at - instance.shares.begin());
  }
  return instance;
}

int64_t bound_of(const BoundInstance& instance, const BoundPrices& prices) {
  const int64_t accelerator = fullest(instance, prices.share).rent;
  int64_t sum = 0;
  for (size_t p = 0; p < instance.pools.size(); ++p) {
    const auto& [node, count] = instance.pools[p];
    sum += count * (node.cpu_milli * prices.cpu_milli[p] + node.memory_mib * prices.memory_mib[p] +
                    node.accelerators * accelerator);
  }
  for (const BoundInstance::Kind& kind : instance.kinds)
    sum += kind.count * best_place(instance, kind, prices, accelerator).gain;
  return sum;
}

double packing_bound_percent(const BoundInstance& instance, int steps) {
  const size_t pools = instance.pools.size(), shares = instance.shares.size();
  // Prices are moved in units that make them alike: what all of a node's CPU or memory costs per accelerator
  // of it.
  std::vector<double> cpu(pools, 0), memory(pools, 0), share;
  for (const int16_t size : instance.shares) share.push_back(size);
  int64_t least = instance.capacity_milli * kMicro;
  const auto per_node = [&](size_t p) { return std::max<double>(1, instance.pools[p].node.accelerators); };
  for (int step = 0; step < steps; ++step) {
    BoundPrices prices;
    for (size_t p = 0; p < pools; ++p) {
      const AcceleratorNode& node = instance.pools[p].node;
      prices.cpu_milli.push_back(std::llround(cpu[p] * kMicro * per_node(p) / std::max(1, node.cpu_milli)));
      prices.memory_mib.push_back(
          std::llround(memory[p] * kMicro * per_node(p) / std::max(1, node.memory_mib)));
    }
    for (const double rent : share) prices.share.push_back(std::llround(rent * kMicro));
    least = std::min(least, bound_of(instance, prices));

    const Fullest best = fullest(instance, prices.share);
    std::vector<double> cpu_slope(pools, 0), memory_slope(pools, 0), share_slope(shares, 0);
    double accelerators = 0;  // to rent, less those that whole tasks take
    for (size_t p = 0; p < pools; ++p) {
      const double count = static_cast<double>(instance.pools[p].count) * per_node(p);
      cpu_slope[p] = memory_slope[p] = count;
      accelerators += static_cast<double>(instance.pools[p].count * instance.pools[p].node.accelerators);
    }
    for (const BoundInstance::Kind& kind : instance.kinds) {
      const Place place = best_place(instance, kind, prices, best.rent);
      if (!place.pool) continue;
      const AcceleratorNode& node = instance.pools[*place.pool].node;
      const double count = static_cast<double>(kind.count);
      cpu_slope[*place.pool] -=
          count * kind.task.cpu_milli * per_node(*place.pool) / std::max(1, node.cpu_milli);
      memory_slope[*place.pool] -=
          count * kind.task.memory_mib * per_node(*place.pool) / std::max(1, node.memory_mib);
      if (kind.task.shares()) {
        share_slope[kind.share] -= count;
      } else {
        accelerators -= count * kind.task.accelerators;
      }
    }
    for (size_t s = 0; s < shares; ++s) share_slope[s] += accelerators * static_cast<double>(best.count[s]);
    double norm = 0;
    for (const auto* slope : {&cpu_slope, &memory_slope, &share_slope}) {
      for (const double value : *slope) norm += value * value;
    }
    if (norm == 0) break;
    const double length = 100.0 / (1 + step / 40.0) / std::sqrt(norm);
    const auto move = [length](std::vector<double>& price, const std::vector<double>& slope) {
      for (size_t i = 0; i < price.size(); ++i) price[i] = std::max(0.0, price[i] - length * slope[i]);
    };
    move(cpu, cpu_slope);
    move(memory, memory_slope);
    move(share, share_slope);
  }
  return std::ceil(static_cast<double>(least) / static_cast<double>(instance.capacity_milli * kMicro) *
                   100'000) /
         1000;
}

}  // namespace weir::bench
