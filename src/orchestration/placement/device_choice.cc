#include "orchestration/placement/device_choice.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <tuple>

namespace weir {

DeviceLoss::DeviceLoss(const Graph& graph) : graph_(graph) {
  for (const auto& [kind, count] : graph.device_mix()) {
    if (count > 0) mix_.push_back({kind, count});
  }
  if (mix_.size() > kKindsMax) {
    std::sort(mix_.begin(), mix_.end(), [](const Row& a, const Row& b) {
      return a.count != b.count ? a.count > b.count : a.kind < b.kind;
    });
    mix_.resize(kKindsMax);
  }
  for (const Row& row : mix_) weight_ += row.count;
}

int64_t DeviceLoss::of(const NodeRow& node, int64_t cpu_milli_free, const DeviceRoom& room) const {
  std::array<int32_t, kDevicesPerNodeMax> free{};
  const size_t devices = room.devices().size();
  for (size_t d = 0; d < devices; ++d) free[d] = std::max(0, room.devices()[d].milli);
  std::sort(free.begin(), free.begin() + devices, std::greater<>());
  // lost[n]: what is free on all devices past the n with most.
  std::array<int64_t, kDevicesPerNodeMax + 1> lost{};
  for (size_t d = devices; d-- > 0;) lost[d] = lost[d + 1] + free[d];
  const int64_t total = lost[0];
  if (total == 0) return 0;
  const DevicesRow& able = graph_.devices(node);
  int64_t sum = 0;
  for (const auto& [kind, count] : mix_) {
    size_t with_room = 0;
    int64_t linked_milli = 0;  // of whole devices in islands that have enough of them
    if (kind.cpu_milli <= cpu_milli_free && kind.memory_mib <= able.memory_mib &&
        kind.fp16_gflops_min <= able.fp16_gflops &&
        (kind.model.empty() || graph_.accelerator_model(node) == kind.model)) {
      if (kind.linked) {
        for (size_t i = 0; i < room.islands(); ++i) {
          const int32_t whole = room.whole_in(i);
          if (whole >= kind.count) linked_milli += int64_t{whole} * kDeviceMilli;
        }
      } else {
        const int32_t milli = sliced_milli(kind.milli, able.slices);
        while (with_room < devices && free[with_room] >= milli) ++with_room;
      }
    }
    sum += count * (kind.linked                                      ? total - linked_milli
                    : static_cast<int64_t>(with_room) >= kind.count ? lost[with_room]
                                                                     : total);
  }
  return sum;
}

namespace {

// A node as it would be with the instances given to it so far, and what the next would be offered there.
struct Offer {
  NodeId node;
  int64_t cpu_milli = 0, memory_mib = 0;
  DeviceRoom room;
  int64_t loss_before = 0;
  DeviceMask devices = 0;  // 0: it does not fit
  int64_t loss = 0;
  int64_t cpu_left = 0;
  auto rank() const { return std::tie(loss, cpu_left, node); }
};

class Chooser {
 public:
  Chooser(const Graph& graph, const Workload& workload, const DeviceLoss& loss)
      : graph_(graph), workload_(workload), loss_(loss) {}

  void rate(Offer& offer) const {
    offer.devices = 0;
    if (offer.cpu_milli < workload_.cpu_milli || offer.memory_mib < workload_.memory_mib) return;
    const NodeRow& row = graph_.node(offer.node);
    const DeviceNeed need = device_need(workload_, graph_.devices(row));
    offer.cpu_left = offer.cpu_milli - workload_.cpu_milli;
    int32_t whole_around = 0;
    const auto consider = [&](DeviceMask devices, int32_t whole) {
      DeviceRoom after = offer.room;
      after.take(need, devices);
      const int64_t added = loss_.of(row, offer.cpu_left, after) - offer.loss_before;
      if (offer.devices == 0 || std::tie(added, whole) < std::tie(offer.loss, whole_around)) {
        offer.devices = devices;
        offer.loss = added;
        whole_around = whole;
      }
    };
    if (!need.shares()) {
      if (const DeviceMask devices = offer.room.tightest(need)) consider(devices, 0);
      return;
    }
    const auto all = offer.room.devices();
    for (size_t d = 0; d < all.size(); ++d) {
      if (!has_room(all[d], need)) continue;
      // Of devices of an island with as much free the lowest stands for all.
      const size_t island = offer.room.island_of(d);
      size_t first = static_cast<size_t>(std::countr_zero(offer.room.island(island)));
      while (all[first] != all[d]) ++first;
      if (first == d) consider(DeviceMask{1} << d, offer.room.whole_in(island));
    }
  }

  Offer offer(NodeId node) const {
    const NodeFree& free = graph_.free(node);
    Offer out{.node = node,
              .cpu_milli = free.cpu_milli,
              .memory_mib = free.memory_mib,
              .room = graph_.device_room(node)};
    out.loss_before = loss_.of(graph_.node(node), out.cpu_milli, out.room);
    rate(out);
    return out;
  }

  void take(Offer& offer) const {
    const NodeRow& row = graph_.node(offer.node);
    offer.room.take(device_need(workload_, graph_.devices(row)), offer.devices);
    offer.cpu_milli -= workload_.cpu_milli;
    offer.memory_mib -= workload_.memory_mib;
    offer.loss_before += offer.loss;
    rate(offer);
  }

 private:
  const Graph& graph_;
  const Workload& workload_;
  const DeviceLoss& loss_;
};

}  // namespace

std::vector<DeviceChoice> choose_devices(const Graph& graph, SiteId site, const Workload& workload,
                                         int32_t count, const DeviceLoss& loss,
                                         const std::optional<Graph::RackKey>& rack) {
  const Chooser chooser(graph, workload, loss);
  std::vector<Offer> offers;
  for (const NodeRange& range : graph.nodes(site)) {
    for (uint32_t n = range.first; n < range.first + range.count; ++n) {
      const NodeRow& row = graph.node(NodeId(n));
      if (row.accelerators == 0 || !graph.takes(row, workload)) continue;
      if (rack && graph.rack(NodeId(n)) != *rack) continue;
      const NodeFree& free = graph.free(NodeId(n));
      if (free.cpu_milli < workload.cpu_milli || free.memory_mib < workload.memory_mib) continue;
      Offer offer = chooser.offer(NodeId(n));
      if (offer.devices != 0) offers.push_back(std::move(offer));
    }
  }
  std::vector<DeviceChoice> chosen;
  while (static_cast<int64_t>(chosen.size()) < count) {
    Offer* best = nullptr;
    for (Offer& offer : offers) {
      if (offer.devices != 0 && (best == nullptr || offer.rank() < best->rank())) best = &offer;
    }
    if (best == nullptr) break;
    chosen.push_back({best->node, best->devices, best->loss});
    chooser.take(*best);
  }
  return chosen;
}

}  // namespace weir
