#include "orchestration/queue/graph_preempt.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "core/event/limits.h"
#include "orchestration/queue/graph_amounts.h"

namespace weir::queue {
namespace {

// What destroyed work is worth at least, by the hour: the price at full use may be set to nothing.
constexpr PreemptPrices kPricesLeast{kCredit / 25, kCredit / 200, 2 * kCredit, 0};

Amount lacking(const Amount& need, const Amount& free) { return Amount::most({}, need - free); }

// One place, and which part of the node that lacks most must be freed: by this places are compared.
struct Place {
  int64_t lacks = 0;
  std::vector<Shortfall> shortfalls;
};

class Places {
 public:
  Places(const Graph& head, const IntentSpec& spec, int32_t instances, const KeptRoom& kept)
      : head_(head), spec_(spec), workload_(spec.workload), kept_(kept), instances_(instances) {}

  void add(SiteId site) {
    std::map<Graph::RackKey, std::vector<NodeId>> racks;
    for (const NodeRange& range : head_.nodes(site)) {
      for (uint32_t n = range.first; n < range.first + range.count; ++n) {
        const NodeId id(n);
        if (!head_.takes(head_.node(id), workload_)) continue;
        racks[spec_.where.same_rack ? head_.rack(id) : Graph::RackKey()].push_back(id);
      }
    }
    for (const auto& [rack, nodes] : racks) add(nodes);
  }
  void add(const std::vector<NodeId>& nodes) {
    struct Slot {
      int64_t lacks;
      NodeId node;
      bool operator<(const Slot& other) const {
        return std::tie(lacks, node) < std::tie(other.lacks, other.node);
      }
    };
    std::vector<Slot> slots;
    for (const NodeId id : nodes) {
      const int32_t holds = each(id).times_in(total(id), instances_);
      for (int32_t k = 1; k <= holds; ++k) slots.push_back({lacks(id, each(id) * k), id});
    }
    std::sort(slots.begin(), slots.end());
    if (instances_ == 1) {
      for (const Slot& slot : slots)
        places_.push_back({slot.lacks, {{slot.node.value, lacking(each(slot.node), free(slot.node))}}});
      return;
    }
    if (slots.size() < static_cast<size_t>(instances_)) return;
    std::map<NodeId, int32_t> count;
    Place place;
    for (int32_t i = 0; i < instances_; ++i) {
      ++count[slots[static_cast<size_t>(i)].node];
      place.lacks += slots[static_cast<size_t>(i)].lacks;
    }
    for (const auto& [node, times] : count)
      place.shortfalls.push_back({node.value, lacking(each(node) * times, free(node))});
    places_.push_back(std::move(place));
  }

  std::vector<std::vector<Shortfall>> best(size_t most) {
    std::stable_sort(places_.begin(), places_.end(),
                     [](const Place& a, const Place& b) { return a.lacks < b.lacks; });
    std::vector<std::vector<Shortfall>> out;
    for (size_t i = 0; i < std::min(most, places_.size()); ++i)
      out.push_back(std::move(places_[i].shortfalls));
    return out;
  }

 private:
  // Of a device as the node is sliced.
  Amount each(NodeId id) const {
    Amount out = amount_of(workload_);
    if (workload_.accelerator_milli > 0) out.accelerator_milli = device_milli_on(id);
    return out;
  }
  int64_t device_milli_on(NodeId id) const {
    return int64_t{workload_.accelerators} * device_need(workload_, head_.devices(head_.node(id))).milli;
  }
  Amount total(NodeId id) const {
    const NodeRow& node = head_.node(id);
    const int64_t usable_milli = workload_.accelerators_linked ? linked_milli(id, head_.device_room_empty(id))
                                                               : int64_t{node.accelerators} * kDeviceMilli;
    return {node.cpu_milli, node.memory_mib, usable_milli};
  }
  // Of devices what such an instance could use: parts of several are not one, and those of several islands not linked.
  Amount free(NodeId id) const {
    const NodeFree& node = head_.free(id);
    const int64_t usable_milli = workload_.accelerators_linked     ? linked_milli(id, head_.device_room(id))
                                 : workload_.accelerator_milli > 0 ? head_.device_fits(id, workload_) * device_milli_on(id)
                                                                   : int64_t{node.accelerators} * kDeviceMilli;
    const Amount free{node.cpu_milli, node.memory_mib, usable_milli};
    const auto kept = kept_.find(id);
    return kept == kept_.end() ? free : free - kept->second;
  }
  // Whole ones in the islands that are looked at; of several islands only what instances fill.
  int64_t linked_milli(NodeId id, const DeviceRoom& room) const {
    const DeviceMask looked_at = devices_looked_at(head_, id, spec_);
    const int count = std::max<int>(1, workload_.accelerators);
    int64_t whole = 0;
    for (size_t i = 0; i < room.islands(); ++i) {
      if ((room.island(i) & looked_at) == 0) continue;
      whole += instances_ == 1 ? room.whole_in(i) : room.whole_in(i) / count * count;
    }
    return whole * kDeviceMilli;
  }
  int64_t lacks(NodeId id, const Amount& need) const {
    return dominant_share(lacking(need, free(id)), total(id));
  }

  const Graph& head_;
  const IntentSpec& spec_;
  const Workload& workload_;
  const KeptRoom& kept_;
  int32_t instances_;
  std::vector<Place> places_;
};

bool carries(const Graph& head, SiteId site, const IntentSpec& spec) {
  const auto within = [&](const std::vector<std::string>& labels) {
    const auto mask = head.residency_mask(labels);
    return mask && (head.site(site).residency & *mask) == *mask;
  };
  return within(spec.where.residency) && std::all_of(spec.data.begin(), spec.data.end(), [&](DatasetId id) {
           const uint64_t mask = head.dataset(id).residency;
           return (head.site(site).residency & mask) == mask;
         });
}

}  // namespace

DeviceMask devices_looked_at(const Graph& head, NodeId node, const IntentSpec& waiting) {
  if (!waiting.workload.accelerators_linked) return ~DeviceMask{0};
  const DeviceRoom room = head.device_room(node);
  DeviceMask all = 0, best = 0;
  int32_t best_whole = -1;
  for (size_t i = 0; i < room.islands(); ++i) {
    const DeviceMask island = room.island(i);
    if (std::popcount(island) < waiting.workload.accelerators) continue;
    all |= island;
    if (room.whole_in(i) <= best_whole) continue;
    best_whole = room.whole_in(i);
    best = island;
  }
  return instances_at_least(waiting) > 1 ? all : best;
}

PreemptPrices prices_of(const Graph& head) {
  const PricePolicy& full = head.prices();
  return {std::max(full.scarcity_core_hour, kPricesLeast.per_core_hour),
          std::max(full.scarcity_gib_hour, kPricesLeast.per_gib_hour),
          std::max(full.scarcity_accelerator_hour, kPricesLeast.per_accelerator_hour), 0};
}

std::vector<Running> running_jobs(const Graph& head, std::span<const IntentId> jobs, TimeUs now,
                                  int64_t restart_us, const QueueOf& queue_of, const IntentSpec* waiting) {
  std::vector<Running> out;
  for (const IntentId id : jobs) {
    const IntentRow& row = head.intent(id);
    // Another generation is being decided on.
    if (!row.active || row.active->plan.generation != row.generation) continue;
    TimeUs began = now;
    std::map<NodeId, Amount> held;
    for (size_t k = 0; k < row.active->plan.placements.size(); ++k) {
      const RunId run = row.active->run(k);
      const auto known =
          std::find_if(row.runs.begin(), row.runs.end(), [run](const RunRow& r) { return r.run == run; });
      if (known == row.runs.end() || has_ended(known->state)) continue;
      if (known->began != 0) began = std::min(began, known->began);
      const Placement& placement = row.active->plan.placements[k];
      Amount amount = amount_of(placement);
      if (waiting != nullptr && waiting->workload.accelerators_linked && placement.accelerators > 0) {
        const int counts = std::popcount(placement.devices & devices_looked_at(head, placement.node, *waiting));
        amount.accelerator_milli = amount.accelerator_milli / placement.accelerators * counts;
      }
      held[placement.node] += amount;
    }
    if (held.empty()) continue;
    const Schedule& schedule = row.spec->schedule;
    int64_t lost_us = std::clamp<int64_t>(now - began, 0, limits::kRunTimeUsMax);
    if (schedule.checkpoint_interval_us > 0) lost_us = std::min(lost_us, schedule.checkpoint_interval_us);
    Running job{.job = id.value,
                .queue = queue_of(id),
                .priority = schedule.priority,
                .lost_us = lost_us,
                .restart_us = restart_us,
                .preemptions = static_cast<int32_t>(row.preemptions)};
    for (const auto& [node, amount] : held) job.holds.push_back({node.value, amount});
    out.push_back(std::move(job));
  }
  return out;
}

int32_t instances_at_least(const IntentSpec& spec) {
  if (spec.from.empty()) return instances_asked(spec);
  int64_t streams = 0;
  for (const Ingress& from : spec.from) streams += from.streams;
  const int64_t each = std::max(1, spec.workload.streams_per_instance);
  return static_cast<int32_t>(std::clamp<int64_t>((streams + each - 1) / each, 1, limits::kPlacementsMax));
}

Need need_of(const Graph& head, IntentId waiting, QueueId queue, size_t options_max, const KeptRoom& kept) {
  const IntentRow& row = head.intent(waiting);
  const Workload& workload = row.spec->workload;
  const Schedule& schedule = row.spec->schedule;
  const int32_t instances = is_malleable(schedule) ? schedule.instances_min : instances_at_least(*row.spec);
  Need need{queue,
            row.spec->schedule.priority,
            amount_of(workload) * instances,
            {}};
  Places places(head, *row.spec, instances, kept);
  for (size_t s = 0; s < head.site_count(); ++s) {
    const SiteId site(s);
    if (head.site(site).state != Liveness::kUp || head.site(site).drained) continue;
    if (place_obstacle(head, *row.spec, site).code == ReasonCode::kNone && carries(head, site, *row.spec)) places.add(site);
  }
  need.options = places.best(options_max);
  return need;
}

}  // namespace weir::queue
