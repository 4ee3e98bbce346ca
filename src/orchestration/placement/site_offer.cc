#include "orchestration/placement/site_offer.h"

#include <algorithm>
#include <map>

#include "core/graph/hours.h"

namespace weir {
namespace {

// Until visit(node) says no.
template <class Visit>
void each_node(const Graph& graph, SiteId site, Visit&& visit) {
  for (const NodeRange& range : graph.nodes(site)) {
    for (uint32_t n = range.first; n < range.first + range.count; ++n) {
      if (!visit(NodeId(n))) return;
    }
  }
}

int64_t fit_on(const Graph& graph, NodeId node, const Workload& workload) {
  const NodeFree free = graph.room(node, workload);
  int64_t fit = INT32_MAX;
  if (workload.cpu_milli > 0) fit = std::min<int64_t>(fit, free.cpu_milli / workload.cpu_milli);
  if (workload.memory_mib > 0) fit = std::min<int64_t>(fit, free.memory_mib / workload.memory_mib);
  if (workload.accelerators > 0 && fit > 0) {
    fit = std::min(fit, graph.device_fits(node, workload));
  }
  return std::max<int64_t>(fit, 0);
}

}  // namespace

bool has_room(const NodeFree& free, const Workload& workload) {
  return (workload.cpu_milli == 0 || free.cpu_milli >= workload.cpu_milli) &&
         (workload.memory_mib == 0 || free.memory_mib >= workload.memory_mib);
}

namespace {

// Where nodes of the site are sliced otherwise than each other, the dearest: no instance costs more.
int64_t taken_milli(const Graph& graph, SiteId site, const Workload& workload) {
  return device_milli_most(workload, graph.load(site).device_slices);
}

// `scarce_milli`: of devices, for which scarcity is paid.
SitePrice price_of(const Graph& graph, SiteId id, const Workload& workload, const Prefer& prefer, int64_t scarce_milli) {
  const Asks asks = asks_of(graph, id, workload);
  const SiteLoad& load = graph.load(id);
  const PricePolicy& policy = graph.prices();
  const SiteShadow& shadow = graph.shadow(id);
  const auto priced = [&workload](int64_t amount, int64_t unit, Nanocredits ask, Nanocredits at_full, int64_t total,
                         int64_t free, Nanocredits least, Nanocredits& billed) {
    if (amount == 0) return Nanocredits{0};
    // It takes nothing that anybody else could want.
    const Nanocredits scarce =
        workload.best_effort ? 0 : std::max(scarcity(kScarcityPpm, at_full, utilisation_bucket(total, free)), least);
    billed += charge(amount, ask, unit);
    return charge(amount, ask + scarce, unit);
  };
  SitePrice price;
  Nanocredits asked =
      priced(workload.cpu_milli, kCoreUnit, asks.per_core_hour, policy.scarcity_core_hour,
             load.cpu_milli_total, load.cpu_milli_free, shadow.per_core_hour, price.billed);
  asked += priced(workload.memory_mib, kGibUnit, asks.per_gib_hour, policy.scarcity_gib_hour,
                  load.memory_mib_total, load.memory_mib_free, shadow.per_gib_hour, price.billed);
  if (workload.accelerators > 0) {
    const Nanocredits scarce = std::max(
        scarcity(kScarcityPpm, policy.scarcity_accelerator_hour,
                 utilisation_bucket(int64_t{load.accelerators_total} * kDeviceMilli, load.accelerator_milli_free)),
        shadow.per_accelerator_hour);
    const Nanocredits ask = charge(taken_milli(graph, id, workload), asks.per_accelerator_hour, kDeviceMilli);
    price.billed += ask;
    asked += ask + charge(scarce_milli, scarce, kDeviceMilli);
  }
  const Nanocredits carbon =
      prefer.carbon_milli == 0
          ? 0
          : charge(carbon_mg_per_hour(power_of(graph, id, workload.kind), workload.cpu_milli), policy.carbon_price_per_kg, 1'000'000);
  price.decision = charge(asked, prefer.cost_milli, 1000) + charge(carbon, prefer.carbon_milli, 1000);
  return price;
}

}  // namespace

SitePrice site_price(const Graph& graph, SiteId id, const Workload& workload, const Prefer& prefer) {
  return price_of(graph, id, workload, prefer, taken_milli(graph, id, workload));
}

SitePrice instance_price(const Graph& graph, SiteId id, const Workload& workload, const Prefer& prefer,
                         const DeviceLoss& loss) {
  int64_t scarce_milli = taken_milli(graph, id, workload);
  if (workload.accelerators > 0 && loss.weight() > 0) {
    const std::vector<DeviceChoice> first = choose_devices(graph, id, workload, 1, loss);
    if (!first.empty()) scarce_milli = std::max<int64_t>(0, scarce_milli + first[0].loss / loss.weight());
  }
  return price_of(graph, id, workload, prefer, scarce_milli);
}

Nanocredits least_price(const Graph& graph, SiteId id, const Workload& workload, const Prefer& prefer) {
  return price_of(graph, id, workload, prefer, 0).decision;
}

std::optional<Reason> site_obstacle(const Graph& graph, SiteId id, const IntentSpec& spec,
                                    uint64_t residency) {
  const SiteRow& site = graph.site(id);
  const Workload& need = spec.workload;
  const auto because = [id](ReasonCode code, int64_t needed = 0, int64_t available = 0) {
    return Reason{code, id, SiteId{}, needed, available};
  };
  if (const Reason reason = place_obstacle(graph, spec, id); reason.code != ReasonCode::kNone) return reason;
  if ((site.residency & residency) != residency) return because(ReasonCode::kResidency);
  if (site.state != Liveness::kUp) return because(ReasonCode::kSiteNotUp);
  if (instances_that_fit(graph, id, need, 1) > 0) return std::nullopt;
  // The best node for each resource alone.
  Workload unlinked = need;
  unlinked.accelerators_linked = false;
  int64_t cpu = 0, memory = 0, accelerators = 0, linked = 0, speed = 0;
  // Of the device that lacks least.
  struct Short {
    int64_t needed = INT64_MAX, available = 0;
    void lacks(int64_t need, int64_t has) {
      if (needed == INT64_MAX || need - has < needed - available) *this = {need, has};
    }
  } share, device_memory;
  bool right_one = false;
  each_node(graph, id, [&](NodeId node) {
    const NodeFree free = graph.room(node, need);
    const NodeRow& row = graph.node(node);
    speed = std::max<int64_t>(speed, row.speed_milli);
    if (row.speed_milli < need.speed_milli_min) return true;
    cpu = std::max<int64_t>(cpu, free.cpu_milli);
    memory = std::max<int64_t>(memory, free.memory_mib);
    if (!graph.takes(row, unlinked) || row.accelerators == 0) return true;
    right_one = true;
    accelerators = std::max<int64_t>(accelerators, free.accelerators);
    if (need.accelerator_milli == 0 && !need.accelerators_linked) return true;
    const DeviceRoom room = graph.device_room(node);
    linked = std::max<int64_t>(linked, room.whole_in_best_island());
    if (need.accelerator_milli == 0) return true;
    const DeviceNeed here = device_need(need, graph.devices(row));
    for (const DeviceFree& device : room.devices()) {
      share.lacks(here.milli, device.milli);
      if (device.milli >= here.milli) device_memory.lacks(here.memory_mib, device.memory_mib);
    }
    return true;
  });
  if (speed < need.speed_milli_min) return because(ReasonCode::kSpeed, need.speed_milli_min, speed);
  if (need.accelerator_milli > 0 && right_one) {
    if (share.available < share.needed) return because(ReasonCode::kAcceleratorShare, share.needed, share.available);
    if (device_memory.available < device_memory.needed)
      return because(ReasonCode::kAcceleratorMemory, device_memory.needed, device_memory.available);
  } else if (accelerators < need.accelerators) {
    return because(ReasonCode::kAccelerators, need.accelerators, accelerators);
  } else if (need.accelerators_linked && linked < need.accelerators) {
    return because(ReasonCode::kAcceleratorsLinked, need.accelerators, linked);
  }
  if (memory < need.memory_mib) return because(ReasonCode::kMemory, need.memory_mib, memory);
  return because(ReasonCode::kCpu, need.cpu_milli, cpu < need.cpu_milli ? cpu : 0);
}

int32_t instances_that_fit(const Graph& graph, SiteId site, const Workload& workload, int32_t most,
                           const std::optional<Graph::RackKey>& rack) {
  int64_t sum = 0;
  each_node(graph, site, [&](NodeId node) {
    if (rack && graph.rack(node) != *rack) return true;
    // What is free first: of most full nodes nothing else has to be looked at.
    const int64_t fit = fit_on(graph, node, workload);
    if (fit > 0 && graph.takes(graph.node(node), workload)) sum += fit;
    return sum < most;
  });
  return static_cast<int32_t>(std::min<int64_t>(sum, most));
}

std::optional<RackRoom> rack_for(const Graph& graph, SiteId site, const Workload& workload, int32_t count) {
  std::map<Graph::RackKey, int64_t> room;
  each_node(graph, site, [&](NodeId node) {
    const int64_t fit = fit_on(graph, node, workload);
    if (fit > 0 && graph.takes(graph.node(node), workload)) room[graph.rack(node)] += fit;
    return true;
  });
  std::optional<RackRoom> best;
  for (const auto& [rack, sum] : room) {
    const auto fit = static_cast<int32_t>(std::min<int64_t>(sum, INT32_MAX));
    const bool better = !best                      ? true
                        : best->instances >= count ? fit >= count && fit < best->instances
                                                   : fit > best->instances;
    if (better) best = {rack, fit};
  }
  return best;
}

NodeId choose_node(const Graph& graph, SiteId site, const Workload& workload) {
  NodeId best;
  int64_t best_left = INT64_MAX;
  each_node(graph, site, [&](NodeId node) {
    const NodeFree free = graph.room(node, workload);
    const int64_t left = int64_t{free.cpu_milli} - workload.cpu_milli;
    if (left < best_left && has_room(free, workload) && graph.takes(graph.node(node), workload)) {
      best_left = left;
      best = node;
    }
    return true;
  });
  return best;
}

NodeId node_with_room(const Graph& graph, SiteId site, const Workload& workload) {
  NodeId found;
  each_node(graph, site, [&](NodeId node) {
    if (has_room(graph.room(node, workload), workload) && graph.takes(graph.node(node), workload)) found = node;
    return !found.valid();
  });
  return found;
}

std::vector<NodeChoice> choose_nodes(const Graph& graph, SiteId site, const Workload& workload, int32_t count,
                                     const std::optional<Graph::RackKey>& rack) {
  std::vector<NodeChoice> chosen;
  if (workload.accelerators > 0) {
    for (const DeviceChoice& choice : choose_devices(graph, site, workload, count, DeviceLoss(graph), rack))
      chosen.push_back({choice.node, workload.accelerator_milli > 0 ? choice.devices : 0});
    return chosen;
  }
  if (count == 1 && !rack) {
    if (const NodeId node = choose_node(graph, site, workload); node.valid()) chosen.push_back({node, 0});
    return chosen;
  }
  std::map<NodeId, int32_t> taken;
  for (int32_t i = 0; i < count; ++i) {
    NodeId best;
    int64_t best_left = INT64_MAX;
    each_node(graph, site, [&](NodeId node) {
      if (rack && graph.rack(node) != *rack) return true;
      const NodeFree free = graph.room(node, workload);
      const auto known = taken.find(node);
      const int64_t used = known == taken.end() ? 0 : known->second;
      const int64_t left = free.cpu_milli - (used + 1) * workload.cpu_milli;
      if (left < best_left && fit_on(graph, node, workload) > used && graph.takes(graph.node(node), workload)) {
        best_left = left;
        best = node;
      }
      return true;
    });
    if (!best.valid()) break;
    ++taken[best];
    chosen.push_back({best, 0});
  }
  return chosen;
}

std::optional<uint64_t> residency_demand(const Graph& graph, const IntentSpec& spec) {
  auto mask = graph.residency_mask(spec.where.residency);
  if (!mask) return std::nullopt;
  for (const DatasetId id : spec.data) {
    if (id.index() >= graph.dataset_count()) return std::nullopt;
    *mask |= graph.dataset(id).residency;
  }
  return mask;
}

}  // namespace weir
