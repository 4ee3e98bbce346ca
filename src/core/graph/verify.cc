#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <queue>
#include <set>

#include "core/graph/graph.h"
#include "core/graph/hours.h"
#include "core/graph/promise.h"

namespace weir {

int64_t path_round_trip_us(const Graph& graph, const std::vector<LinkId>& path) {
  int64_t sum = 0;
  for (const LinkId forward : path) {
    for (const LinkId id : {forward, opposite(forward)}) {
      sum += int64_t{graph.load(id).latency_us} + graph.load(id).jitter_us;
    }
  }
  return sum;
}

Nanocredits path_per_hour(const Graph& graph, const std::vector<LinkId>& path, int64_t up_bps, int64_t down_bps) {
  Nanocredits sum = 0;
  for (const LinkId id : path) {
    sum += charge(up_bps, graph.link(id).per_gbps_hour, kGbpsUnit);
    sum += charge(down_bps, graph.link(opposite(id)).per_gbps_hour, kGbpsUnit);
  }
  return sum;
}

Nanocredits placement_per_hour(const Placement& p) {
  return charge(p.cpu_milli, p.asks.per_core_hour, kCoreUnit) + charge(p.memory_mib, p.asks.per_gib_hour, kGibUnit) +
         charge(device_milli(p), p.asks.per_accelerator_hour, kDeviceMilli);
}

bool can_be_held(const Graph& graph, const std::vector<LinkId>& path) {
  if (graph.steerable(path)) return true;
  int64_t length = 0;
  for (const LinkId id : path) length += graph.link(id).latency_us;
  const VertexId from = graph.link(path.front()).from, to = graph.link(path.back()).to;
  std::vector<int64_t> distance(graph.vertex_count(), length);
  using Item = std::pair<int64_t, VertexId>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue;
  distance[from.index()] = 0;
  queue.push({0, from});
  while (!queue.empty()) {
    const auto [so_far, at] = queue.top();
    queue.pop();
    if (so_far > distance[at.index()] || (at != from && graph.site_at(at).valid())) continue;
    for (const LinkId id : graph.links_out(at)) {
      const LinkRow& link = graph.link(id);
      const int64_t there = so_far + link.latency_us;
      if (there >= distance[link.to.index()]) continue;
      if (link.to == to) return false;
      distance[link.to.index()] = there;
      queue.push({there, link.to});
    }
  }
  return true;
}

namespace {

class Verifier {
 public:
  Verifier(const Graph& head, const Plan& plan, TimeUs now) : head_(head), plan_(plan), now_(now) {}

  Verdict run() {
    if (plan_.intent.index() >= head_.intent_count()) return wrong("unknown intent");
    row_ = &head_.intent(plan_.intent);
    if (plan_.generation != row_->generation || row_->state == IntentState::kWithdrawn) {
      return changed("the intent has another generation, or was withdrawn");
    }
    if (plan_.basis > head_.version()) return wrong("the plan was decided on a future graph");
    spec_ = row_->demand.get();
    Verdict verdict = placements();
    if (verdict.granted) verdict = flows();
    if (verdict.granted) verdict = room();
    if (verdict.granted) verdict = totals();
    return verdict;
  }

 private:
  static Verdict granted() { return {true, false, {}}; }
  static Verdict wrong(std::string why) { return {false, false, std::move(why)}; }
  static Verdict changed(std::string why) { return {false, true, std::move(why)}; }

  static std::string why_not_there(ReasonCode obstacle, const std::string& site) {
    switch (obstacle) {
      case ReasonCode::kTaint: return site + " has taints that the intent does not tolerate";
      case ReasonCode::kDataElsewhere: return "not all of the data lies at " + site;
      case ReasonCode::kAntiAffinity: return site + " has an instance of an intent that this one is to be apart from";
      default: return site + " has no instance of an intent that this one is to be near";
    }
  }

  // The placement of the active plan whose run this one continues.
  const Placement* continued(const Placement& p) const {
    if (!row_->active) return nullptr;
    const CommittedPlan& active = *row_->active;
    for (size_t k = 0; k < active.plan.placements.size(); ++k) {
      if (active.run(k) == p.continues) return &active.plan.placements[k];
    }
    return nullptr;
  }

  Verdict placements() {
    uint64_t residency = 0;
    for (const DatasetId id : spec_->data) {
      if (id.index() >= head_.dataset_count()) return wrong("unknown data set");
      residency |= head_.dataset(id).residency;
    }
    const auto wanted = head_.residency_mask(spec_->where.residency);
    if (!wanted) return wrong("no site carries a residency label of the intent");
    residency |= *wanted;

    const Workload& need = spec_->workload;
    if (need.best_effort && (need.kind != WorkKind::kJob || need.accelerators > 0)) {
      return wrong("only jobs without accelerators are best-effort");
    }
    std::set<RunId> continued_runs;
    Spread spread(head_);
    for (const Placement& p : plan_.placements) {
      if (p.site.index() >= head_.site_count() || p.node.index() >= head_.node_count() ||
          head_.node(p.node).site != p.site) {
        return wrong("unknown site or node");
      }
      const std::string& name = head_.site_name(p.site);
      const SiteRow& site = head_.site(p.site);
      const NodeRow& node = head_.node(p.node);
      spread.add(p.site);
      if (p.cpu_milli != need.cpu_milli || p.memory_mib != need.memory_mib || p.accelerators != need.accelerators ||
          (need.accelerator_milli == 0 && p.accelerator_milli != 0) || p.best_effort != need.best_effort) {
        return wrong("a placement differs from the demand");
      }
      if (spec_->where.same_rack && !in_rack_of_first(p)) return changed("the plan stands in more than one rack");
      if (p.streams < 0 || p.streams > need.streams_per_instance) return wrong("an instance carries too many streams");
      if (p.streams == 0 && !spec_->from.empty()) return wrong("an instance carries nothing");
      if (!head_.right_accelerator(node, need)) {
        return wrong("the node at " + name + " has another accelerator");
      }
      if ((site.residency & residency) != residency) return changed(name + " lacks a residency label");
      if (!allows(spec_->where, p.site)) return wrong(name + " is excluded by the intent");
      if (p.continues.valid()) {
        const Placement* old = continued(p);
        if (!old || old->node != p.node || old->cpu_milli != p.cpu_milli || old->memory_mib != p.memory_mib ||
            old->accelerators != p.accelerators || old->accelerator_milli != p.accelerator_milli ||
            old->accelerator_memory_mib != p.accelerator_memory_mib || old->devices != p.devices ||
            old->best_effort != p.best_effort || !continued_runs.insert(p.continues).second) {
          return changed("the run to continue at " + name + " is gone");
        }
        if (row_->active->spec->workload.accelerator_milli != need.accelerator_milli) {
          return wrong("a run that goes on has another share of a device than asked for");
        }
        if (need.accelerators_linked && !in_one_island(p.devices, head_.devices(node))) {
          return changed("the accelerators of a run at " + name + " are linked no more");
        }
        if (site.state == Liveness::kDown) return changed(name + " is down");
        if (p.asks != old->asks) return wrong("a continued run keeps its asks");
      } else {
        if (site.state != Liveness::kUp) return changed(name + " is not up");
        if (node.cordoned) return changed("a node at " + name + " takes nothing new");
        if (node.speed_milli < need.speed_milli_min) return changed("the node at " + name + " is slower than asked for");
        if (const ReasonCode obstacle = place_obstacle(head_, *spec_, p.site).code; obstacle != ReasonCode::kNone) {
          return changed(why_not_there(obstacle, name));
        }
        if (p.asks != asks_of(head_, p.site, need)) return changed("the asks of " + name + " were revised");
        node_need_[p.node].cpu_milli += p.cpu_milli;
        node_need_[p.node].memory_mib += p.memory_mib;
        if (p.accelerators > 0) {
          const DeviceNeed device = device_need(need, head_.devices(node));
          if (p.accelerator_milli != device.placed_milli() || p.accelerator_memory_mib != device.memory_mib) {
            // What is taken beyond what was asked for comes of the slices and the memory that devices had.
            if (p.accelerator_milli != 0 && p.accelerator_milli < need.accelerator_milli) {
              return wrong("a placement has less of a device than asked for");
            }
            return changed("the slices or the memory of the accelerators at " + name + " were revised");
          }
          if (p.devices != 0 && std::popcount(p.devices) != p.accelerators) {
            return wrong("a placement names another number of devices than it takes");
          }
          node_need_[p.node].on_devices.push_back(&p);
        } else if (p.devices != 0 || p.accelerator_memory_mib != 0) {
          return wrong("a placement without accelerators names devices");
        }
      }
      const auto service = service_time(head_, p.site, *spec_, p.streams);
      if (!service) return changed("an instance at " + name + " cannot keep up with its streams");
      services_.push_back(*service);
    }
    const Reason short_of = spread.lacks(spec_->where);
    if (short_of.code == ReasonCode::kSpread) return wrong("the plan uses too few sites");
    if (short_of.code != ReasonCode::kNone) {
      return changed(short_of.code == ReasonCode::kRegions ? "the plan stands in too few regions"
                                                           : "the plan stands in too few failure domains");
    }
    if (spec_->from.empty() && plan_.placements.size() != static_cast<size_t>(instances_asked(*spec_))) {
      constexpr const char* kOther = "the plan has another number of instances than asked for";
      return is_malleable(row_->spec->schedule) ? changed(kOther) : wrong(kOther);
    }
    return granted();
  }

  // Requires that its node is known, and that of the first.
  bool in_rack_of_first(const Placement& p) const {
    return head_.rack(p.node) == head_.rack(plan_.placements[0].node);
  }

  Verdict flows() {
    std::map<SiteId, int64_t> streams;
    std::vector<int64_t> carried(plan_.placements.size());
    if (instances_exchange(*spec_)) {
      for (const Placement& p : plan_.placements) ++instances_at_[p.site];
    }
    for (const Flow& flow : plan_.flows) {
      if (flow.placement >= plan_.placements.size() || flow.ingress.index() >= head_.site_count()) {
        return wrong("a flow leads nowhere");
      }
      const Liveness ingress = head_.site(flow.ingress).state;
      if (ingress != Liveness::kUp && ingress != Liveness::kDraining) {
        return changed("ingress " + head_.site_name(flow.ingress) + " is not up");
      }
      const bool between = flow.streams == 0 && instances_exchange(*spec_);
      if (flow.streams <= 0 && !between) return wrong("a flow carries no stream");
      if (between) {
        if (Verdict verdict = exchanged(flow); !verdict.granted) return verdict;
      } else if (flow.up_bps != static_cast<__int128>(flow.streams) * spec_->traffic.up_bps ||
          flow.down_bps != static_cast<__int128>(flow.streams) * spec_->traffic.down_bps) {
        return wrong("a flow reserves other bandwidth than its streams need");
      }
      if (!between) streams[flow.ingress] += flow.streams;
      carried[flow.placement] += flow.streams;
      Verdict verdict = path(flow, flow.path);
      if (verdict.granted) verdict = latency(flow);
      if (verdict.granted && !flow.protection.empty()) verdict = protection(flow);
      if (!verdict.granted) return verdict;
      const Flow* old = handed_over(flow);
      // What goes on was steered or routed there already.
      if (!old && !can_be_held(head_, flow.path)) return wrong("a path cannot be steered, and is not the routed one");
      if ((!old || flow.protection != old->protection) && !can_be_held(head_, flow.protection)) {
        return wrong("a protection path cannot be steered, and is not the routed one");
      }
      if (old) {
        if (flow.path_per_hour != old->path_per_hour) return wrong("a flow that goes on keeps its asks");
        continue;
      }
      if (path_per_hour(head_, flow.path, flow.up_bps, flow.down_bps) != flow.path_per_hour) {
        return changed("the asks of a path were revised");
      }
      for (const LinkId id : flow.path) {
        link_need_[id] += flow.up_bps;
        link_need_[opposite(id)] += flow.down_bps;
      }
    }
    for (const Ingress& from : spec_->from) {
      if (streams[from.site] != from.streams) return wrong("a stream is not carried, or carried twice");
      streams.erase(from.site);
    }
    if (!streams.empty()) return wrong("a flow starts where the intent has no stream");
    if (exchanged_.size() != flows_between()) return wrong("instances at two sites have no path between them");
    for (size_t i = 0; i < carried.size(); ++i) {
      if (carried[i] != plan_.placements[i].streams) return wrong("flows and placements disagree on streams");
    }
    return granted();
  }

  // Of each two sites the first leads to every instance at the second.
  size_t flows_between() const {
    if (!instances_exchange(*spec_)) return 0;
    size_t before = 0, flows = 0;
    for (const auto& [site, count] : instances_at_) flows += before++ * static_cast<size_t>(count);
    return flows;
  }

  Verdict exchanged(const Flow& flow) {
    const SiteId there = plan_.placements[flow.placement].site;
    const auto here = instances_at_.find(flow.ingress);
    if (flow.ingress >= there || here == instances_at_.end()) return wrong("a flow between instances leads from where none is");
    const int64_t bps = bps_between(spec_->traffic, here->second, instances_at_.at(there));
    if (flow.up_bps != bps || flow.down_bps != bps) return wrong("a flow reserves other bandwidth than instances exchange");
    if (!exchanged_.insert({flow.ingress, flow.placement}).second) return wrong("a flow between instances is there twice");
    return granted();
  }

  // The flow of the active plan that holds this one's bandwidth already; none: it has to be reserved. One old flow
  // serves one new.
  const Flow* handed_over(const Flow& flow) {
    const RunId& run = plan_.placements[flow.placement].continues;
    if (!run.valid()) return nullptr;
    const CommittedPlan& active = *row_->active;
    for (size_t k = 0; k < active.plan.flows.size(); ++k) {
      const Flow& old = active.plan.flows[k];
      if (active.run(old.placement) == run && old.ingress == flow.ingress && old.path == flow.path &&
          old.up_bps == flow.up_bps && old.down_bps == flow.down_bps && handed_over_.insert(k).second) {
        return &old;
      }
    }
    return nullptr;
  }

  // What the path adds to the time at the instance, as predicted and as it is now.
  Verdict latency(const Flow& flow) const {
    const ServiceTime& service = services_[flow.placement];
    const int64_t serialisation_us = path_serialisation_us(head_, flow.path, spec_->traffic);
    if (flow.latency_us_work != service.work_us || flow.latency_us_queueing != service.queueing_us ||
        flow.latency_us_serialisation != serialisation_us) {
      return changed("the speed of a node or a link was revised");
    }
    const int64_t rest_us = serialisation_us + service.work_us + service.queueing_us;
    if (static_cast<__int128>(flow.latency_us_path) + rest_us != flow.latency_us_predicted) {
      return wrong("a predicted latency is not the sum of its parts");
    }
    if (spec_->promise.latency_us_max > 0 && rest_us + path_round_trip_us(head_, flow.path) > spec_->promise.latency_us_max) {
      return changed("a path became too slow for the promise");
    }
    return granted();
  }

  Verdict protection(const Flow& flow) const {
    Verdict verdict = path(flow, flow.protection);
    if (!verdict.granted) return verdict;
    for (const LinkId id : flow.protection) {
      if (std::find_if(flow.path.begin(), flow.path.end(), [id](LinkId other) {
            return other == id || other == opposite(id);
          }) != flow.path.end()) {
        return wrong("a protection path shares a link with what it protects");
      }
    }
    const ServiceTime& service = services_[flow.placement];
    if (spec_->promise.latency_us_max > 0 &&
        path_round_trip_us(head_, flow.protection) + path_serialisation_us(head_, flow.protection, spec_->traffic) +
                service.work_us + service.queueing_us >
            spec_->promise.latency_us_max) {
      return changed("a protection path became too slow for the promise");
    }
    return granted();
  }

  Verdict path(const Flow& flow, const std::vector<LinkId>& path) const {
    VertexId at = head_.site(flow.ingress).vertex;
    std::vector<VertexId> passed;
    passed.reserve(path.size() + 1);
    passed.push_back(at);
    for (const LinkId id : path) {
      if (id.index() >= head_.link_count()) return wrong("unknown link");
      const LinkRow& link = head_.link(id);
      if (link.from != at) return wrong("a path is not contiguous");
      if (!head_.usable(id)) return changed("link " + head_.link_name(id) + " is down");
      at = link.to;
      passed.push_back(at);
    }
    std::ranges::sort(passed);
    if (std::ranges::adjacent_find(passed) != passed.end()) return wrong("a path has a loop");
    if (at != head_.site(plan_.placements[flow.placement].site).vertex) return wrong("a path ends elsewhere");
    const SiteId crossed = site_crossed(head_, path);
    if (crossed.valid()) return wrong("a path crosses site " + head_.site_name(crossed) + ", which carries no transit");
    return granted();
  }

  // Those that name devices come first.
  bool devices_have_room(NodeId node, const std::vector<const Placement*>& placements) const {
    if (placements.empty()) return true;
    DeviceRoom room = head_.device_room(node);
    for (const bool named : {true, false}) {
      for (const Placement* p : placements) {
        if ((p->devices != 0) != named) continue;
        DeviceNeed need = device_need(*p);
        need.linked = spec_->workload.accelerators_linked;
        const DeviceMask devices = named ? p->devices : room.tightest(need);
        if (devices == 0 || !room.fits(need, devices)) return false;
        room.take(need, devices);
      }
    }
    return true;
  }

  Verdict room() {
    for (const auto& [id, need] : node_need_) {
      const NodeFree free = head_.room(id, spec_->workload);
      if (need.cpu_milli > free.cpu_milli || need.memory_mib > free.memory_mib || !devices_have_room(id, need.on_devices)) {
        return changed("node " + head_.node_name(id) + " at " + head_.site_name(head_.node(id).site) + " has no room");
      }
    }
    const FlowTerm term = flow_term(head_, *row_, now_);
    for (const auto& [id, need] : link_need_) {
      if (need > head_.load(id).free_bps) return changed("link " + head_.link_name(id) + " has no room");
      if (need > 0 && need > head_.room_bps(id, term)) return changed("link " + head_.link_name(id) + " has no room beside reservations");
    }
    return granted();
  }

  Verdict totals() const {
    const PlanTotals totals = plan_totals(head_, *spec_, plan_);
    if (totals.billed_per_hour != plan_.billed_per_hour) return wrong("the plan's price is not the sum of its parts");
    if (totals.power_mw != plan_.power_mw || totals.carbon_mg_per_hour != plan_.carbon_mg_per_hour) {
      return changed("the power of a site was revised");
    }
    if (totals.availability_ppm != plan_.availability_ppm) return changed("the availability of a part was revised");
    if (totals.availability_ppm < spec_->promise.availability_ppm) {
      return wrong("the plan is less available than promised");
    }
    if (spec_->budget_per_hour_max > 0 && totals.billed_per_hour > spec_->budget_per_hour_max) {
      return wrong("the plan costs more than the budget");
    }
    return granted();
  }

  const Graph& head_;
  const Plan& plan_;
  const TimeUs now_;
  const IntentRow* row_ = nullptr;
  const IntentSpec* spec_ = nullptr;
  std::vector<ServiceTime> services_;  // by placement
  struct Need {
    int64_t cpu_milli = 0, memory_mib = 0;
    std::vector<const Placement*> on_devices;
  };
  std::map<NodeId, Need> node_need_;
  std::map<LinkId, int64_t> link_need_;
  std::set<size_t> handed_over_;
  std::map<SiteId, int32_t> instances_at_;  // empty: they exchange nothing
  std::set<std::pair<SiteId, uint32_t>> exchanged_;  // ingress and placement of the flows between instances
};

}  // namespace

Verdict verify(const Graph& head, const Plan& plan, TimeUs now) { return Verifier(head, plan, now).run(); }

}  // namespace weir
