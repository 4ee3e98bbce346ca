#include "orchestration/placement/expected_fill.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace weir {
namespace {

uint64_t splitmix64(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

size_t ExpectedFill::Hash::operator()(const AcceleratorNode& node) const {
  uint64_t state = static_cast<uint64_t>(static_cast<uint32_t>(node.cpu_milli)) << 32 |
                   static_cast<uint32_t>(node.memory_mib);
  uint64_t hash = splitmix64(state) ^ (uint64_t{node.model} << 8 | node.accelerators);
  for (size_t d = 0; d < node.accelerators; d += 4) {
    uint64_t four = 0;
    for (size_t k = 0; k < 4; ++k) four = four << 16 | static_cast<uint16_t>(node.free_milli[d + k]);
    state = hash ^ four;
    hash = splitmix64(state);
  }
  return hash;
}

ExpectedFill::ExpectedFill(const std::vector<TaskMix::Row>& mix, ExpectedFillParameters parameters)
    : parameters_(parameters) {
  std::vector<TaskMix::Row> kinds;
  std::vector<uint64_t> up_to;  // running sum of the weights
  uint64_t sum = 0;
  for (const TaskMix::Row& row : mix) {
    if (row.task.accelerators == 0 || row.count <= 0) continue;
    sum += static_cast<uint64_t>(row.count);
    kinds.push_back(row);
    up_to.push_back(sum);
    models_matter_ = models_matter_ || row.task.models != 0;
  }
  if (kinds.empty()) return;
  cpu_milli_least_ = std::numeric_limits<int32_t>::max();
  for (const TaskMix::Row& row : kinds) cpu_milli_least_ = std::min(cpu_milli_least_, row.task.cpu_milli);
  const size_t offers = static_cast<size_t>(parameters_.offers_per_accelerator) * kAcceleratorsPerNodeMax;
  blocks_per_sequence_ = (offers + kLanes - 1) / kLanes;
  blocks_.resize(blocks_per_sequence_ * static_cast<size_t>(parameters_.sequences));
  uint64_t state = 1;
  for (Block& block : blocks_) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const auto draw = static_cast<uint64_t>(static_cast<unsigned __int128>(splitmix64(state)) * sum >> 64);
      const size_t kind =
          static_cast<size_t>(std::upper_bound(up_to.begin(), up_to.end(), draw) - up_to.begin());
      const AcceleratorTask& task = kinds[kind].task;
      block.cpu_milli[lane] = task.cpu_milli;
      block.memory_mib[lane] = task.memory_mib;
      block.milli[lane] = task.accelerator_milli;
      block.whole[lane] = task.shares() ? 0 : task.accelerators;
      block.models[lane] = task.models == 0 ? ~ModelSet{0} : task.models;
    }
  }
}

int64_t ExpectedFill::fill(const AcceleratorNode& node, const Block* sequence, size_t blocks) const {
  std::array<int16_t, kAcceleratorsPerNodeMax> free = node.free_milli;
  int32_t cpu = node.cpu_milli, memory = node.memory_mib;
  int32_t most = 0, whole = 0;
  int64_t left = 0;
  const auto look = [&] {
    most = 0;
    whole = 0;
    for (size_t d = 0; d < node.accelerators; ++d) {
      most = std::max<int32_t>(most, free[d]);
      whole += free[d] == kAcceleratorMilli ? 1 : 0;
    }
  };
  look();
  for (size_t d = 0; d < node.accelerators; ++d) left += free[d];
  const int64_t at_first = left;
  for (size_t b = 0; b < blocks && left > 0 && cpu >= cpu_milli_least_; ++b) {
    const Block& offers = sequence[b];
    // What does not fit now does not fit later: room only shrinks.
    uint32_t fitting = 0;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      // Without branches: a comparison is 0 or 1.
      const int fit = int{offers.cpu_milli[lane] <= cpu} & int{offers.memory_mib[lane] <= memory} &
                      int{offers.milli[lane] <= most} & int{offers.whole[lane] <= whole};
      fitting |= static_cast<uint32_t>(fit) << lane;
    }
    for (; fitting != 0; fitting &= fitting - 1) {
      const auto lane = static_cast<size_t>(std::countr_zero(fitting));
      if (offers.cpu_milli[lane] > cpu || offers.memory_mib[lane] > memory || offers.milli[lane] > most ||
          offers.whole[lane] > whole || (offers.models[lane] >> node.model & 1) == 0)
        continue;
      cpu -= offers.cpu_milli[lane];
      memory -= offers.memory_mib[lane];
      if (int32_t missing = offers.whole[lane]; missing > 0) {
        left -= int64_t{missing} * kAcceleratorMilli;
        for (size_t d = 0; missing > 0; ++d) {
          if (free[d] != kAcceleratorMilli) continue;
          free[d] = 0;
          --missing;
        }
      } else {
        size_t best = kAcceleratorsPerNodeMax;
        for (size_t d = 0; d < node.accelerators; ++d) {
          if (free[d] >= offers.milli[lane] && (best == kAcceleratorsPerNodeMax || free[d] < free[best]))
            best = d;
        }
        free[best] = static_cast<int16_t>(free[best] - offers.milli[lane]);
        left -= offers.milli[lane];
      }
      look();
    }
  }
  return at_first - left;
}

int64_t ExpectedFill::of(const AcceleratorNode& node) {
  const int64_t free = free_milli(node);
  if (free == 0 || blocks_.empty()) return 0;
  AcceleratorNode rounded = canonical(node);
  rounded.cpu_milli -= rounded.cpu_milli % parameters_.cpu_step_milli;
  rounded.memory_mib -= rounded.memory_mib % parameters_.memory_step_mib;
  if (!models_matter_) rounded.model = 0;
  if (const auto known = known_.find(rounded); known != known_.end()) return known->second;
  const int64_t offers =
      (free * parameters_.offers_per_accelerator + kAcceleratorMilli - 1) / kAcceleratorMilli;
  const size_t blocks = std::min(blocks_per_sequence_, (static_cast<size_t>(offers) + kLanes - 1) / kLanes);
  int64_t sum = 0;
  for (size_t first = 0; first < blocks_.size(); first += blocks_per_sequence_)
    sum += fill(rounded, &blocks_[first], blocks);
  ++computed_;
  if (known_.size() >= parameters_.remembered_max) known_.clear();
  known_.emplace(rounded, static_cast<int32_t>(sum));
  return sum;
}

}  // namespace weir
