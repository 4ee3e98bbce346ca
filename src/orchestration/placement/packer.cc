#include "orchestration/placement/packer.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

namespace weir {
namespace {

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::min();
constexpr int64_t kDoesNotFit = std::numeric_limits<int64_t>::max();
constexpr size_t kKindsMax = 16'384;
constexpr size_t kClassesLeast = 65'536;  // before empty ones are forgotten

}  // namespace

NodePacker::NodePacker(const std::vector<AcceleratorNode>& nodes, PackingPolicy& policy, PackingTie tie,
                       uint64_t seed)
    : policy_(policy),
      tie_(tie),
      random_state_(seed),
      class_of_(nodes.size()),
      place_in_class_(nodes.size()) {
  nodes_.reserve(nodes.size());
  for (const AcceleratorNode& node : nodes) nodes_.push_back({node, 0});
  forget();
}

PackingNode NodePacker::state_of(const PackingNode& node) const {
  return {policy_.sees_device_order() ? node.free : canonical(node.free),
          policy_.sees_kinds() ? node.kinds : 0};
}

void NodePacker::forget() {
  classes_.clear();
  class_by_state_.clear();
  live_.clear();
  kind_by_task_.clear();
  ratings_.clear();
  for (uint32_t n = 0; n < nodes_.size(); ++n) enter(n);
}

void NodePacker::enter(uint32_t node) {
  const PackingNode state = state_of(nodes_[node]);
  const auto [at, added] = class_by_state_.try_emplace(state, static_cast<ClassId>(classes_.size()));
  if (added) classes_.push_back({.state = state});
  Class& to = classes_[at->second];
  if (to.members.empty()) {
    to.live_at = static_cast<uint32_t>(live_.size());
    live_.push_back(at->second);
  }
  class_of_[node] = at->second;
  place_in_class_[node] = static_cast<uint32_t>(to.members.size());
  to.members.push_back(node);
  to.lowest.push(node);
}

void NodePacker::leave(uint32_t node) {
  Class& from = classes_[class_of_[node]];
  const uint32_t last = from.members.back();
  from.members[place_in_class_[node]] = last;
  place_in_class_[last] = place_in_class_[node];
  from.members.pop_back();
  if (!from.members.empty()) return;
  from.lowest = {};
  live_[from.live_at] = live_.back();
  classes_[live_.back()].live_at = from.live_at;
  live_.pop_back();
}

void NodePacker::change(uint32_t node, const PackingNode& to) {
  leave(node);
  nodes_[node] = to;
  enter(node);
  if (classes_.size() > kClassesLeast && classes_.size() > 8 * live_.size()) forget();
}

uint32_t NodePacker::lowest(ClassId id) {
  auto& queue = classes_[id].lowest;
  while (class_of_[queue.top()] != id) queue.pop();
  return queue.top();
}

int64_t NodePacker::rated(std::vector<Rating>& ratings, ClassId id, const AcceleratorTask& task) {
  if (ratings.size() <= id) ratings.resize(classes_.size(), {kUnknown, 0});
  Rating& rating = ratings[id];
  if (rating.loss == kUnknown) {
    const PackingNode& state = classes_[id].state;
    rating = {kDoesNotFit, 0};
    if (fits(state.free, task)) {
      const PackingOffer offer = policy_.rate(state, task);
      rating = {offer.loss, offer.devices};
    }
  }
  return rating.loss;
}

// The devices of a state stand for those of the node with the same free shares, lowest first.
AcceleratorMask NodePacker::devices_of(uint32_t node, AcceleratorMask of_state) const {
  if (policy_.sees_device_order()) return of_state;
  const AcceleratorNode& free = nodes_[node].free;
  std::array<uint8_t, kAcceleratorsPerNodeMax> order{};
  for (uint8_t d = 0; d < free.accelerators; ++d) order[d] = d;
  std::stable_sort(order.begin(), order.begin() + free.accelerators,
                   [&](uint8_t a, uint8_t b) { return free.free_milli[a] > free.free_milli[b]; });
  AcceleratorMask devices = 0;
  for (; of_state != 0; of_state &= of_state - 1)
    devices |= AcceleratorMask{1} << order[static_cast<size_t>(std::countr_zero(of_state))];
  return devices;
}

uint64_t NodePacker::draw(uint64_t below) {
  random_state_ += 0x9e3779b97f4a7c15;  // splitmix64
  uint64_t z = random_state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return static_cast<uint64_t>(static_cast<unsigned __int128>(z ^ (z >> 31)) * below >> 64);
}

std::optional<NodePacker::Choice> NodePacker::place(const AcceleratorTask& task) {
  if (policy_.arrived(task)) {
    for (auto& ratings : ratings_) ratings.clear();
  }
  if (kind_by_task_.size() >= kKindsMax) {
    kind_by_task_.clear();
    ratings_.clear();
  }
  const auto [kind, added] = kind_by_task_.try_emplace(task, ratings_.size());
  if (added) ratings_.emplace_back();
  std::vector<Rating>& ratings = ratings_[kind->second];

  int64_t least = kDoesNotFit;
  uint32_t node = 0;
  uint64_t equal = 0;  // nodes with the least loss
  for (const ClassId id : live_) {
    const int64_t loss = rated(ratings, id, task);
    if (loss > least || loss == kDoesNotFit) continue;
    const std::vector<uint32_t>& members = classes_[id].members;
    if (tie_ == PackingTie::kLowest) {
      const uint32_t first = lowest(id);
      if (loss < least || first < node) node = first;
    } else {
      if (loss < least) equal = 0;
      equal += members.size();
      const uint64_t drawn = draw(equal);
      if (drawn < members.size()) node = members[drawn];
    }
    least = loss;
  }
  if (least == kDoesNotFit) return std::nullopt;
  AcceleratorMask devices = ratings[class_of_[node]].devices;
  for (auto spare = std::popcount(devices) - task.accelerators; spare > 0; --spare) {
    AcceleratorMask dropped = devices;
    const int kept = tie_ == PackingTie::kLowest
                         ? std::popcount(devices) - 1
                         : static_cast<int>(draw(static_cast<uint64_t>(std::popcount(devices))));
    for (int i = 0; i < kept; ++i) dropped &= dropped - 1;
    devices &= ~(dropped & (~dropped + 1));
  }
  Choice choice{node, devices_of(node, devices), least, policy_.refuses(task, {least, devices})};
  if (choice.refused) return choice;
  change(node, {without(nodes_[node].free, task, choice.devices), nodes_[node].kinds | kind_of(task)});
  return choice;
}

void NodePacker::release(const AcceleratorTask& task, uint32_t node, AcceleratorMask devices,
                         uint32_t kinds_left) {
  change(node, {with_again(nodes_[node].free, task, devices), kinds_left});
}

}  // namespace weir
