#include <algorithm>

#include "core/event/limits.h"
#include "core/graph/graph.h"

namespace weir {
namespace {

constexpr size_t kResidencyLabelsMax = 64;

}  // namespace

Applied Graph::apply(const Event& event) {
  ++version_;
  now_ = std::max(now_, event.at);
  const IntentId beside_kept = kept_end_ == INT64_MAX ? IntentId{} : before_beside_kept(event.body);
  Applied applied = std::visit([this](const auto& body) { return on(body); }, event.body);
  if (beside_kept.index() < intents_.size()) count_kept_use(intent(beside_kept), 1);
  return applied;
}

// ---- the domain --------------------------------------------------------------------------------------

Applied Graph::on(const DomainCreated& e) {
  if (version_ != 1) return no_effect("a domain is created once, by the first event");
  domain_.mutate() = e;
  prices_ = {0, e.carbon_price_per_kg, e.scarcity_core_hour, e.scarcity_gib_hour, e.scarcity_accelerator_hour,
             e.scarcity_gbps_hour};
  return {};
}

Applied Graph::on(const PricesRevised& e) {
  if (e.policy <= prices_.version) return no_effect("a newer revision of the prices is in force");
  prices_ = {e.policy, e.carbon_price_per_kg, e.scarcity_core_hour, e.scarcity_gib_hour,
             e.scarcity_accelerator_hour, e.scarcity_gbps_hour};
  ++described_;
  ++path_relief_;
  return {};
}

Applied Graph::on(const BrainStarted& e) {
  if (e.epoch <= brain_epoch_) return no_effect("a newer brain has started");
  brain_epoch_ = e.epoch;
  return {};
}

Applied Graph::on(const TenantDefined& e) {
  if (tenants_.find(e.name) != TenantId::kNone) return no_effect("the tenant exists");
  if (e.tenant.index() != tenants_.size()) return no_effect("tenant identifier out of turn");
  tenants_.add(e.name);
  return {};
}

// ---- sites, nodes, links -----------------------------------------------------------------------------

bool Graph::add_vertex(VertexId id, const std::string& name) {
  if (id.index() != vertex_names_.size() || vertex_names_.find(name) != VertexId::kNone) return false;
  vertex_names_.add(name);
  links_out_.push_back({});
  ++described_;
  return true;
}

Applied Graph::on(const RouterDefined& e) {
  return add_vertex(e.vertex, e.name) ? Applied{} : no_effect("the name is taken, or the identifier is out of turn");
}

std::optional<uint64_t> Graph::intern_residency(const std::vector<std::string>& labels) {
  size_t fresh = 0;
  for (const auto& label : labels) fresh += residency_labels_.find(label) == Id<void>::kNone;
  if (residency_labels_.size() + fresh > kResidencyLabelsMax) return std::nullopt;
  uint64_t mask = 0;
  for (const auto& label : labels) {
    uint32_t bit = residency_labels_.find(label);
    if (bit == Id<void>::kNone) bit = residency_labels_.add(label);
    mask |= uint64_t{1} << bit;
  }
  return mask;
}

Applied Graph::on(const SiteDefined& e) {
  const bool known = e.site.index() < sites_.size();
  if (known ? site_names_.name(e.site.index()) != e.spec.name : e.site.index() != sites_.size()) {
    return no_effect("the identifier belongs to another site, or is out of turn");
  }
  if (!known && (e.vertex.index() != vertex_names_.size() || vertex_names_.find(e.spec.name) != VertexId::kNone)) {
    return no_effect("the name is taken, or the vertex is out of turn");
  }
  const auto residency = intern_residency(e.spec.residency);
  if (!residency) return no_effect("a domain has at most 64 residency labels");
  const auto taints = intern_taints(e.spec.taints);
  if (!taints) return no_effect("a domain has at most 64 taints");
  if (!e.spec.hours.empty() && e.spec.hours.size() != limits::kHoursPerDay) return no_effect("its hours are not those of a day");
  if (!known) {
    add_vertex(e.vertex, e.spec.name);
    site_names_.add(e.spec.name);
    sites_.push_back({.vertex = e.vertex});
    site_loads_.push_back({});
    site_nodes_.push_back({});
    site_specs_.push_back(nullptr);
  }
  SiteRow& row = sites_.mutate(e.site.index());
  row.tier = e.spec.tier;
  row.availability_ppm = e.spec.availability_ppm;
  row.residency = *residency;
  if (row.taints != 0) --tainted_sites_;
  if (*taints != 0) ++tainted_sites_;
  row.taints = *taints;
  row.asks = e.spec.asks;
  row.power = e.spec.power;
  if (site_specs_[e.site.index()] && !site_spec(e.site).hours.empty()) --hourly_sites_;
  if (!e.spec.hours.empty()) ++hourly_sites_;
  site_specs_.mutate(e.site.index()) = std::make_shared<const SiteSpec>(e.spec);
  set_hour(e.site);
  set_steerable(e.site);
  reprice({.link = {}, .site = e.site});
  ++relief_;
  return {};
}

LinkRow link_row(const LinkSpec& spec, bool forward) {
  return {.from = forward ? spec.a : spec.b,
          .to = forward ? spec.b : spec.a,
          .bandwidth_bps = spec.bandwidth_bps,
          .per_gbps_hour = spec.per_gbps_hour,
          .latency_us = static_cast<int32_t>(spec.latency_us),
          .jitter_us = static_cast<int32_t>(spec.jitter_us),
          .loss_ppm = spec.loss_ppm,
          .availability_ppm = spec.availability_ppm};
}

bool Graph::steerable_by(const SiteSpec& spec, bool agent_steers) {
  return spec.steerable && !spec.sid.empty() && agent_steers;
}

bool Graph::steerable_by(const LinkSpec& spec) const {
  const auto end = [this](VertexId at, const std::string& sid) {
    const SiteId site = site_at(at);
    return site.valid() ? this->site(site).steerable : !sid.empty();
  };
  return spec.steerable && end(spec.a, spec.sid_a) && end(spec.b, spec.sid_b);
}

// From what is known of it by now; its links too.
void Graph::set_steerable(SiteId id) {
  const bool steerable = steerable_by(site_spec(id), site(id).agent_steers);
  if (site(id).steerable == steerable) return;
  sites_.mutate(id.index()).steerable = steerable;
  for (const LinkId out : links_out(site(id).vertex)) {
    const bool led = steerable_by(link_spec(out));
    for (const LinkId link : {out, opposite(out)}) links_.mutate(link.index()).steerable = led;
  }
  ++described_;
  ++path_relief_;
}

Applied Graph::on(const SiteSteeringChanged& e) {
  if (e.site.index() >= sites_.size()) return no_effect("unknown site");
  if (site(e.site).agent_steers == e.steerable) return no_effect("its agent has said so before");
  sites_.mutate(e.site.index()).agent_steers = e.steerable;
  set_steerable(e.site);
  return {};
}

Applied Graph::on(const LinkDefined& e) {
  if (e.link.value % 2 != 0) return no_effect("a duplex link has an even identifier");
  if (e.spec.a.index() >= vertex_names_.size() || e.spec.b.index() >= vertex_names_.size() || e.spec.a == e.spec.b) {
    return no_effect("a link joins two different known vertices");
  }
  const bool known = e.link.index() < links_.size();
  if (known) {
    const LinkRow& old = link(e.link);
    if (link_name(e.link) != e.spec.name || old.from != e.spec.a || old.to != e.spec.b) {
      return no_effect("the identifier belongs to another link");
    }
  } else if (e.link.index() != links_.size() || link_names_.find(e.spec.name) != Id<void>::kNone) {
    return no_effect("the name is taken, or the identifier is out of turn");
  }
  auto spec = std::make_shared<const LinkSpec>(e.spec);
  if (known) {
    link_specs_.mutate(e.link.index() / 2) = std::move(spec);
  } else {
    link_names_.add(e.spec.name);
    link_specs_.push_back(std::move(spec));
  }
  for (const LinkId id : {e.link, opposite(e.link)}) {
    LinkRow row = link_row(e.spec, id == e.link);
    row.steerable = steerable_by(e.spec);
    LinkLoad load{.free_bps = row.bandwidth_bps,
                  .latency_us = row.latency_us,
                  .jitter_us = row.jitter_us,
                  .loss_ppm = row.loss_ppm,
                  .up = true};
    if (known) {
      const LinkLoad& old = link_loads_[id.index()];
      load.free_bps = old.free_bps + row.bandwidth_bps - links_[id.index()].bandwidth_bps;
      load.up = old.up;
      // A revision of something else does not undo what was measured.
      if (const LinkRow& was = links_[id.index()]; was.latency_us == row.latency_us &&
                                                   was.jitter_us == row.jitter_us && was.loss_ppm == row.loss_ppm) {
        load.latency_us = old.latency_us;
        load.jitter_us = old.jitter_us;
        load.loss_ppm = old.loss_ppm;
      }
      links_.mutate(id.index()) = row;
      link_loads_.mutate(id.index()) = load;
    } else {
      links_.push_back(row);
      link_loads_.push_back(load);
      links_out_.mutate(row.from.index()).push_back(id);
    }
  }
  ++described_;
  ++path_relief_;
  ++routing_;
  return {};
}

Applied Graph::on(const DatasetDefined& e) {
  for (const SiteId at : e.spec.at) {
    if (at.index() >= sites_.size()) return no_effect("the data set lies at an unknown site");
  }
  const bool known = e.dataset.index() < datasets_.size();
  if (known ? dataset_names_.name(e.dataset.index()) != e.spec.name
            : e.dataset.index() != datasets_.size() || dataset_names_.find(e.spec.name) != Id<void>::kNone) {
    return no_effect("the name is taken, or the identifier is out of turn");
  }
  const auto residency = intern_residency(e.spec.residency);
  if (!residency) return no_effect("a domain has at most 64 residency labels");
  auto row = std::make_shared<const DatasetRow>(DatasetRow{e.spec, *residency});
  if (known) {
    datasets_.mutate(e.dataset.index()) = std::move(row);
  } else {
    dataset_names_.add(e.spec.name);
    datasets_.push_back(std::move(row));
  }
  ++relief_;
  return {};
}

Applied Graph::on(const NodesReported& e) {
  if (e.site.index() >= sites_.size()) return no_effect("unknown site");
  if (e.nodes.empty()) return no_effect("no nodes");
  const size_t first = e.first_node.index();
  bool known = false;
  for (const NodeRange& range : site_nodes_[e.site.index()]) {
    known |= first >= range.first && first + e.nodes.size() <= size_t{range.first} + range.count;
  }
  if (!known && first != nodes_.size()) return no_effect("node identifiers out of turn, or of another site");
  for (size_t i = 0; i < e.nodes.size(); ++i) {
    const NodeSpec& spec = e.nodes[i];
    uint16_t model = 0;
    if (!spec.accelerator_model.empty()) {
      if (accelerator_models_.size() == 0) accelerator_models_.add("");
      uint32_t row = accelerator_models_.find(spec.accelerator_model);
      if (row == Id<void>::kNone) row = accelerator_models_.add(spec.accelerator_model);
      model = static_cast<uint16_t>(row);
    }
    const uint32_t devices = keep_devices(known ? nodes_[first + i].devices : 0, spec);
    const NodeRow row{.site = e.site,
                      .cpu_milli = spec.cpu_milli,
                      .memory_mib = spec.memory_mib,
                      .speed_milli = spec.speed_milli,
                      .accelerators = static_cast<int16_t>(std::min<int>(spec.accelerators, kDevicesPerNodeMax)),
                      .accelerator_model = model,
                      .devices = devices & 0x7fff'ffffu};
    set_rack(NodeId(first + i), spec.rack);
    if (known) {
      const NodeRow old = nodes_[first + i];
      NodeFree& free = node_free_.mutate(first + i);
      free.cpu_milli += row.cpu_milli - old.cpu_milli;
      free.memory_mib += row.memory_mib - old.memory_mib;
      nodes_.mutate(first + i) = row;
      nodes_.mutate(first + i).cordoned = old.cordoned;
      node_names_.mutate(first + i) = spec.name;
      if (devices != 0) {
        int32_t whole = 0;
        const DeviceRoom room = device_room(NodeId(first + i));
        for (const DeviceFree& device : room.devices()) whole += device.milli == kDeviceMilli ? 1 : 0;
        free.accelerators = whole;
      }
    } else {
      nodes_.push_back(row);
      node_free_.push_back({row.cpu_milli, row.memory_mib, row.accelerators});
      node_names_.push_back(spec.name);
    }
  }
  if (!known) {
    site_nodes_.mutate(e.site.index())
        .push_back({static_cast<uint32_t>(first), static_cast<uint32_t>(e.nodes.size())});
  }
  account_site_nodes(e.site);
  ++relief_;
  return {};
}

void Graph::set_rack(NodeId node, const std::string& rack) {
  uint32_t row = 0;
  if (!rack.empty()) {
    if (rack_names_.size() == 0) rack_names_.add("");
    row = rack_names_.find(rack);
    if (row == Id<void>::kNone) row = rack_names_.add(rack);
    while (node_racks_.size() <= node.index()) node_racks_.push_back(0);
  }
  if (node.index() < node_racks_.size() && node_racks_[node.index()] != row) node_racks_.mutate(node.index()) = row;
}

void Graph::account_site_nodes(SiteId site) {
  SiteLoad sum;
  for (const NodeRange& range : site_nodes_[site.index()]) {
    for (size_t n = range.first; n < size_t{range.first} + range.count; ++n) {
      const NodeRow& row = nodes_[n];
      const NodeFree& free = node_free_[n];
      sum.cpu_milli_total += row.cpu_milli;
      sum.memory_mib_total += row.memory_mib;
      sum.accelerators_total += row.accelerators;
      if (row.accelerators > 0) sum.device_slices |= uint32_t{1} << devices(row).slices;
      if (!row.cordoned) {
        sum.cpu_milli_free += free.cpu_milli;
        sum.memory_mib_free += free.memory_mib;
        sum.accelerators_free += free.accelerators;
        if (row.devices != 0) {
          const DeviceRoom room = device_room(NodeId(n));
          for (const DeviceFree& device : room.devices()) sum.accelerator_milli_free += device.milli;
        }
      }
      if (sum.speed_milli_min == 0 || row.speed_milli < sum.speed_milli_min) sum.speed_milli_min = row.speed_milli;
    }
  }
  site_loads_.mutate(site.index()) = sum;
  reprice({.link = {}, .site = site});
}

void Graph::reprice(Repriced what) {
  if (repriced_.size() < kRepricingsKept) {
    repriced_.push_back(what);
  } else {
    repriced_.mutate(repricings_ % kRepricingsKept) = what;
  }
  ++repricings_;
}

Applied Graph::on(const SiteStateChanged& e) {
  if (e.site.index() >= sites_.size()) return no_effect("unknown site");
  const bool drained = e.drained || e.state == Liveness::kDraining;
  const SiteRow& old = sites_[e.site.index()];
  if (old.state == e.state && old.drained == drained) return no_effect("the site is in this state");
  SiteRow& row = sites_.mutate(e.site.index());
  row.state = e.state;
  row.drained = drained;
  ++relief_;
  return {};
}

Applied Graph::on(const LinkStateChanged& e) {
  if (e.link.index() >= links_.size()) return no_effect("unknown link");
  if (link_loads_[e.link.index()].up == e.up) return no_effect("the link is in this state");
  link_loads_.mutate(e.link.index()).up = e.up;
  reprice({.link = e.link, .site = {}});
  if (e.up) ++path_relief_;
  ++routing_;
  return {};
}

Applied Graph::on(const LinkMeasured& e) {
  if (e.link.index() >= links_.size()) return no_effect("unknown link");
  LinkLoad& load = link_loads_.mutate(e.link.index());
  load.latency_us = static_cast<int32_t>(e.latency_us);
  load.jitter_us = static_cast<int32_t>(e.jitter_us);
  load.loss_ppm = e.loss_ppm;
  ++relief_;
  ++routing_;
  return {};
}

// ---- intents and plans -------------------------------------------------------------------------------

Applied Graph::on(const IntentSubmitted& e) {
  if (e.tenant.index() >= tenants_.size()) return no_effect("unknown tenant");
  if (e.array.valid()) return submit_task(e);
  if (e.workflow.valid() && e.workflow.index() >= workflows_.size()) return no_effect("unknown workflow");
  for (const Ingress& from : e.spec.from) {
    if (from.site.index() >= sites_.size()) return no_effect("unknown ingress site");
  }
  if (e.intent.index() < intents_.size()) {
    const IntentRow& known = intent(e.intent);
    if (known.array.valid()) return no_effect("the intent is a task of an array");
    if (known.state != IntentState::kWithdrawn && is_array(known) != (e.spec.schedule.tasks > 0)) {
      return no_effect("what is no array becomes one, or the other way, only after it has ended");
    }
  }
  return submit(e, tenants_.name(e.tenant.index()) + "/" + e.spec.name, std::make_shared<const IntentSpec>(e.spec));
}

Applied Graph::submit(const IntentSubmitted& e, const std::string& key, const std::shared_ptr<const IntentSpec>& spec) {
  const bool known = e.intent.index() < intents_.size();
  if (known ? intent_names_.name(e.intent.index()) != key
            : e.intent.index() != intents_.size() || intent_names_.find(key) != IntentId::kNone) {
    return no_effect("the name is taken, or the identifier is out of turn");
  }
  if (known && e.generation <= intent(e.intent).generation) return no_effect("a newer generation exists");
  for (const auto* names : {&e.spec.where.near, &e.spec.where.apart_from}) {
    for (const IntentId other : *names) {
      if (other.index() >= intents_.size() || other == e.intent) return no_effect("it is to be near an unknown intent, or apart from one");
    }
  }
  if (!known) {
    intent_names_.add(key);
    intents_.push_back({});
  }
  join_workflow(e.intent, e.workflow, e.stage);
  IntentRow& row = intents_.mutate(e.intent.index()).mutate();
  row.tenant = e.tenant;
  row.generation = e.generation;
  const bool anew = row.state == IntentState::kWithdrawn;
  row.state = IntentState::kPending;
  row.finished = row.failed = false;
  row.submitted = version_ - 1;
  row.submitted_at = now_;
  row.preemptions = row.claims = 0;
  row.preempted_at = 0;
  row.preempted = nullptr;
  row.claim = nullptr;
  const std::shared_ptr<const IntentSpec> before = row.spec;
  if (anew) row.tasks = {};
  row.spec = row.demand = spec;
  row.predicted_us = spec->workload.kind == WorkKind::kJob ? predicted_run_us(e.tenant, spec->workload.artifact) : 0;
  row.refusal = nullptr;
  if (anew) row.promise_kept = true;
  // Nobody measures any more at an ingress that is no longer one.
  if (!row.promise_broken_at.empty()) {
    std::erase_if(row.promise_broken_at, [&spec](SiteId site) {
      return std::none_of(spec->from.begin(), spec->from.end(), [site](const Ingress& from) { return from.site == site; });
    });
    row.promise_kept = row.promise_broken_at.empty();
  }
  if (before) {
    count_kind(*before, -1);
    count_named(*before, -1);
  }
  count_kind(*spec, 1);
  count_named(*spec, 1);
  return {};
}

Applied Graph::on(const IntentWithdrawn& e) {
  if (e.intent.index() >= intents_.size()) return no_effect("unknown intent");
  if (intent(e.intent).state == IntentState::kWithdrawn) {
    if (e.finished || !is_over(intent(e.intent))) return no_effect("the intent is withdrawn");
    IntentRow& ended = intents_.mutate(e.intent.index()).mutate();  // it is to be forgotten
    ended.finished = ended.failed = false;
    ended.tasks = {};
    return {};
  }
  IntentRow& row = intents_.mutate(e.intent.index()).mutate();
  if (e.finished) remember_run_time(row);
  count_task(row, -1);
  row.state = IntentState::kWithdrawn;
  row.finished = e.finished;
  if (row.active) stands_elsewhere(row);
  row.failed = !e.why.empty() && !row.workflow.valid() &&
               !(row.array.valid() && intent(row.array).state == IntentState::kWithdrawn);
  // Nobody measures it any more.
  row.promise_broken_at.clear();
  row.promise_kept = true;
  if (row.active) row.retiring.push_back(std::move(row.active));
  row.active = nullptr;
  row.claim = nullptr;
  row.flows_on_protection.clear();
  count_task(row, 1);
  note_end(e.intent);
  return {};
}

void Graph::account(const Placement& p, Sign sign) {
  const int s = static_cast<int>(sign);
  if (p.best_effort) {
    NodeSpare& spare = keep_spare(p.node);
    spare.cpu_milli_taken -= s * int64_t{p.cpu_milli};
    spare.memory_mib_taken -= s * int64_t{p.memory_mib};
    return;
  }
  if (sign == Sign::kGive) forget_reclaimed(p);
  NodeFree& free = node_free_.mutate(p.node.index());
  free.cpu_milli += s * p.cpu_milli;
  free.memory_mib += s * p.memory_mib;
  DevicesDelta devices;
  if (p.accelerators > 0) devices = account_devices(p, sign);
  free.accelerators += devices.whole;
  if (nodes_[p.node.index()].cordoned) return;  // what is free there is not the site's
  SiteLoad& load = site_loads_.mutate(p.site.index());
  const auto add = [](auto total, auto& room, auto amount) {
    const int before = utilisation_bucket(total, room);
    room += amount;
    return utilisation_bucket(total, room) != before;
  };
  const bool cpu = add(load.cpu_milli_total, load.cpu_milli_free, s * p.cpu_milli);
  const bool memory = add(load.memory_mib_total, load.memory_mib_free, s * p.memory_mib);
  load.accelerators_free += devices.whole;
  const bool accelerators =
      add(int64_t{load.accelerators_total} * kDeviceMilli, load.accelerator_milli_free, devices.milli);
  if (cpu || memory || accelerators) reprice({.link = {}, .site = p.site});
}

void Graph::account(const Flow& flow, Sign sign) {
  for (const LinkId forward : flow.path) {
    bool changed = false;
    for (const LinkId id : {forward, opposite(forward)}) {
      LinkLoad& load = link_loads_.mutate(id.index());
      const int64_t bandwidth = links_[id.index()].bandwidth_bps;
      const int before = utilisation_bucket(bandwidth, load.free_bps);
      load.free_bps += static_cast<int>(sign) * (id == forward ? flow.up_bps : flow.down_bps);
      const int after = utilisation_bucket(bandwidth, load.free_bps);
      changed = changed || after != before;
      if (after < before) ++path_relief_;
    }
    if (changed) reprice({.link = forward, .site = {}});
  }
}

namespace {

bool run_ended(const IntentRow& row, RunId run) {
  return std::any_of(row.runs.begin(), row.runs.end(),
                     [run](const RunRow& known) { return known.run == run && has_ended(known.state); });
}

// A retiring plan that holds no flow to such placements any more: their runs have ended, and may be forgotten before it.
template <class Ended>
std::shared_ptr<const CommittedPlan> without_flows(const CommittedPlan& held, const Ended& ended) {
  auto out = std::make_shared<CommittedPlan>(held);
  for (size_t i = 0; i < held.plan.flows.size(); ++i) {
    if (ended(held.plan.flows[i].placement)) out->flow_passed_on[i] = true;
  }
  return out;
}

}  // namespace

void Graph::release(const IntentRow& row, const CommittedPlan& held, RunId only) {
  ++relief_;
  const auto holds = [&](size_t placement) {
    const RunId run = held.run(placement);
    return !run_ended(row, run) && (!only.valid() || run == only);
  };
  for (size_t i = 0; i < held.plan.placements.size(); ++i) {
    if (!held.placement_passed_on[i] && holds(i)) account(held.plan.placements[i], Sign::kGive);
  }
  for (size_t i = 0; i < held.plan.flows.size(); ++i) {
    if (!held.flow_passed_on[i] && holds(held.plan.flows[i].placement)) account(held.plan.flows[i], Sign::kGive);
  }
}

Applied Graph::on(const PlanCommitted& e) {
  const Plan& plan = e.plan;
  if (plan.intent.index() >= intents_.size()) return no_effect("unknown intent");
  if (plan.generation != intent(plan.intent).generation || intent(plan.intent).state == IntentState::kWithdrawn) {
    return no_effect("the plan is for another generation");
  }
  if (is_array(intent(plan.intent))) return no_effect("an array has no plan, its tasks do");
  for (const Placement& p : plan.placements) {
    if (p.site.index() >= sites_.size() || p.node.index() >= nodes_.size() || nodes_[p.node.index()].site != p.site) {
      return no_effect("the plan names an unknown site or node");
    }
  }
  for (const Flow& flow : plan.flows) {
    if (flow.placement >= plan.placements.size()) return no_effect("a flow of the plan leads nowhere");
    for (const auto* path : {&flow.path, &flow.protection}) {
      for (const LinkId id : *path) {
        if (id.index() >= links_.size()) return no_effect("the plan names an unknown link");
      }
    }
  }

  IntentRow& row = intents_.mutate(plan.intent.index()).mutate();
  auto held = std::make_shared<CommittedPlan>();
  held->position = version_ - 1;
  held->plan = plan;
  give_devices(*this, held->plan);
  held->spec = row.spec;
  held->placement_passed_on.resize(plan.placements.size());
  held->flow_passed_on.resize(plan.flows.size());

  // What the active plan hands over is neither taken again nor given back.
  std::vector<bool> placement_taken(plan.placements.size()), flow_taken(plan.flows.size());
  if (row.active) {
    auto old = std::make_shared<CommittedPlan>(*row.active);
    std::vector<size_t> successor(old->plan.placements.size(), plan.placements.size());
    for (size_t i = 0; i < plan.placements.size(); ++i) {
      const Placement& p = held->plan.placements[i];
      if (!p.continues.valid()) continue;
      for (size_t k = 0; k < successor.size(); ++k) {
        const Placement& q = old->plan.placements[k];
        if (old->placement_passed_on[k] || old->run(k) != p.continues) continue;
        if (q.node != p.node || q.cpu_milli != p.cpu_milli || q.memory_mib != p.memory_mib ||
            q.accelerators != p.accelerators || q.accelerator_milli != p.accelerator_milli ||
            q.accelerator_memory_mib != p.accelerator_memory_mib || q.devices != p.devices || q.best_effort != p.best_effort) {
          continue;
        }
        old->placement_passed_on[k] = placement_taken[i] = true;
        successor[k] = i;
        break;
      }
    }
    for (size_t i = 0; i < plan.flows.size(); ++i) {
      const Flow& f = plan.flows[i];
      for (size_t k = 0; k < old->plan.flows.size(); ++k) {
        const Flow& g = old->plan.flows[k];
        if (old->flow_passed_on[k] || successor[g.placement] != f.placement || g.ingress != f.ingress ||
            g.path != f.path || g.up_bps != f.up_bps || g.down_bps != f.down_bps) {
          continue;
        }
        old->flow_passed_on[k] = flow_taken[i] = true;
        break;
      }
    }
    row.retiring.push_back(without_flows(*old, [&](size_t placement) { return run_ended(row, old->run(placement)); }));
  }
  for (size_t i = 0; i < plan.placements.size(); ++i) {
    if (!placement_taken[i]) account(held->plan.placements[i], Sign::kTake);
    if (!plan.placements[i].continues.valid()) row.runs.push_back({held->run(i), plan.placements[i].site});
  }
  for (size_t i = 0; i < plan.flows.size(); ++i) {
    if (!flow_taken[i] && !run_ended(row, held->run(plan.flows[i].placement))) account(plan.flows[i], Sign::kTake);
  }
  count_task(row, -1);
  row.active = std::move(held);
  stands_elsewhere(row);
  count_task(row, 1);
  row.state = IntentState::kPlaced;
  row.refusal = nullptr;
  row.claim = nullptr;
  row.flows_on_protection.clear();
  note_plan(plan.intent);
  return {};
}

Applied Graph::on(const PlanRetired& e) {
  if (e.intent.index() >= intents_.size()) return no_effect("unknown intent");
  const auto& retiring = intent(e.intent).retiring;
  const auto found = std::find_if(retiring.begin(), retiring.end(),
                                  [&](const auto& held) { return held->position == e.plan; });
  if (found == retiring.end()) return no_effect("no such plan is retiring");
  const auto held = *found;
  IntentRow& row = intents_.mutate(e.intent.index()).mutate();
  row.retiring.erase(row.retiring.begin() + (found - retiring.begin()));
  release(row, *held);
  const auto still_held = [&row](RunId run) {
    const auto holds = [run](const CommittedPlan& plan) {
      for (size_t i = 0; i < plan.plan.placements.size(); ++i) {
        if (!plan.placement_passed_on[i] && plan.run(i) == run) return true;
      }
      return false;
    };
    return (row.active && holds(*row.active)) ||
           std::any_of(row.retiring.begin(), row.retiring.end(), [&](const auto& plan) { return holds(*plan); });
  };
  for (RunRow& run : row.runs) {
    if (still_held(run.run) || run.metered.complete()) continue;
    row.retired_runs.push_back({run.run, run.site, now_, std::move(run.metered)});
  }
  std::erase_if(row.runs, [&](const RunRow& run) { return !still_held(run.run); });
  std::erase_if(row.retired_runs, [this](const RetiredRun& run) { return now_ - run.retired > kRetiredUsageUs; });
  if (row.retired_runs.size() > kRetiredRunsMax) {
    row.retired_runs.erase(row.retired_runs.begin(), row.retired_runs.end() - static_cast<ptrdiff_t>(kRetiredRunsMax));
  }
  return {};
}

Applied Graph::on(const IntentRefused& e) {
  if (e.refusal.intent.index() >= intents_.size()) return no_effect("unknown intent");
  const IntentRow& old = intent(e.refusal.intent);
  if (old.generation != e.refusal.generation || old.state == IntentState::kWithdrawn) {
    return no_effect("the refusal is for another generation");
  }
  IntentRow& row = intents_.mutate(e.refusal.intent.index()).mutate();
  row.refusal = std::make_shared<const Refusal>(e.refusal);
  row.claim = nullptr;
  if (!row.active || row.active->plan.generation != row.generation) row.state = IntentState::kRefused;
  return {};
}

Applied Graph::on(const RunStateChanged& e) {
  if (e.intent.index() >= intents_.size()) return no_effect("unknown intent");
  const auto& runs = intent(e.intent).runs;
  const auto found = std::find_if(runs.begin(), runs.end(), [&](const RunRow& r) { return r.run == e.run; });
  if (found == runs.end()) return no_effect("no such run");
  if (found->state == e.state && found->exit_code == e.exit_code) return no_effect("the run is in this state");
  if (has_ended(found->state)) return no_effect("the run has ended");
  if (has_ended(e.state)) {
    // What it held is free for its successor.
    IntentRow& now = intents_.mutate(e.intent.index()).mutate();
    if (now.active) release(now, *now.active, e.run);
    for (auto& held : now.retiring) {
      release(now, *held, e.run);
      held = without_flows(*held, [&](size_t placement) { return held->run(placement) == e.run; });
    }
  }
  RunRow& row = intents_.mutate(e.intent.index()).mutate().runs[static_cast<size_t>(found - runs.begin())];
  row.state = e.state;
  row.exit_code = e.exit_code;
  if (e.state == RunState::kRunning && row.began == 0) row.began = now_;
  return {};
}

Applied Graph::on(const UsageReported& e) {
  if (e.intent.index() >= intents_.size()) return no_effect("unknown intent");
  const auto place = [&](const auto& runs) -> size_t {
    return static_cast<size_t>(std::find_if(runs.begin(), runs.end(), [&](const auto& r) { return r.run == e.run; }) -
                               runs.begin());
  };
  const IntentRow& old = intent(e.intent);
  const size_t held = place(old.runs);
  const size_t retired = held < old.runs.size() ? old.retired_runs.size() : place(old.retired_runs);
  if (held == old.runs.size() &&
      (retired == old.retired_runs.size() || now_ - old.retired_runs[retired].retired > kRetiredUsageUs)) {
    return no_effect("no such run, or its usage is not taken any more");
  }
  const Metered& before = held < old.runs.size() ? old.runs[held].metered : old.retired_runs[retired].metered;
  if (before.missing({e.from, e.to}).empty() && e.begun == 0) return no_effect("this time has been taken");
  IntentRow& row = intents_.mutate(e.intent.index()).mutate();
  Metered& metered = held < row.runs.size() ? row.runs[held].metered : row.retired_runs[retired].metered;
  metered.take({e.from, e.to});
  if (e.begun != 0) metered.finish(e.begun, e.to);
  if (held == row.runs.size() && metered.complete()) {
    row.retired_runs.erase(row.retired_runs.begin() + static_cast<ptrdiff_t>(retired));
  }
  return {};
}

Applied Graph::on(const PathSwitched& e) {
  if (e.intent.index() >= intents_.size()) return no_effect("unknown intent");
  const IntentRow& old = intent(e.intent);
  if (!old.active || old.active->position != e.plan || e.flow >= old.active->plan.flows.size()) {
    return no_effect("the plan is not active");
  }
  const bool on_protection = std::binary_search(old.flows_on_protection.begin(), old.flows_on_protection.end(), e.flow);
  if (on_protection == e.to_protection) return no_effect("the flow is on this path");
  auto& flows = intents_.mutate(e.intent.index()).mutate().flows_on_protection;
  const auto at = std::lower_bound(flows.begin(), flows.end(), e.flow);
  if (e.to_protection) {
    flows.insert(at, e.flow);
  } else {
    flows.erase(at);
  }
  return {};
}

Applied Graph::on(const PromiseStateChanged& e) {
  if (e.intent.index() >= intents_.size()) return no_effect("unknown intent");
  if (intent(e.intent).state == IntentState::kWithdrawn) return no_effect("the intent is withdrawn");
  std::vector<SiteId> broken_at = intent(e.intent).promise_broken_at;
  const auto at = std::lower_bound(broken_at.begin(), broken_at.end(), e.ingress);
  if (!e.ingress.valid()) {
    broken_at.clear();
  } else if (e.kept && at != broken_at.end() && *at == e.ingress) {
    broken_at.erase(at);
  } else if (!e.kept && (at == broken_at.end() || *at != e.ingress)) {
    broken_at.insert(at, e.ingress);
  }
  const bool kept = e.ingress.valid() ? broken_at.empty() : e.kept;
  if (intent(e.intent).promise_kept == kept && intent(e.intent).promise_broken_at == broken_at) {
    return no_effect("the promise is in this state");
  }
  IntentRow& row = intents_.mutate(e.intent.index()).mutate();
  row.promise_kept = kept;
  row.promise_broken_at = std::move(broken_at);
  return {};
}

Applied Graph::on(const WorkMeasured& e) {
  if (e.intent.index() >= intents_.size()) return no_effect("unknown intent");
  if (e.generation != intent(e.intent).generation) return no_effect("of another generation");
  const int64_t declared_us = intent(e.intent).spec->traffic.work_us_per_request;
  if (e.work_us_per_request < declared_us) return no_effect("less than declared");
  if (e.work_us_per_request == declared_us && intent(e.intent).demand == intent(e.intent).spec) {
    return no_effect("nothing else was measured");
  }
  IntentRow& row = intents_.mutate(e.intent.index()).mutate();
  row.demand = e.work_us_per_request == declared_us ? row.spec : with_work(*row.spec, e.work_us_per_request);
  return {};
}

}  // namespace weir
