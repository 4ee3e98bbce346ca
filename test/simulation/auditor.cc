#include "simulation/auditor.h"

#include <algorithm>
#include <limits>

#include "core/event/codec.h"

namespace weir::simulation {

void Auditor::fail(const std::string& why) const { fail_("event " + std::to_string(at_) + ": " + why); }

void Auditor::take(Position at, std::span<const std::byte> record) {
  at_ = at;
  if (at != leaves_.size()) return fail("a position was skipped or used again");
  leaves_.push_back(leaf_hash(record));
  tree_.append(leaves_.back());
  auto event = decode(record);
  kinds_.push_back(static_cast<uint8_t>(event ? event->body.index() : 255));
  if (!event) return fail("unreadable: " + event.error().text());
  on(*event);
}

void Auditor::recovered(Position at, std::span<const std::byte> record) {
  at_ = at;
  if (at < leaves_.size() && leaf_hash(record) != leaves_[at]) fail("a durable record changed across a restart");
}

void Auditor::on(const Event& event) {
  if (event.at < last_at_) fail("time went back");
  last_at_ = event.at;
  actor_ = event.actor;
  std::visit([this](const auto& e) { body(e); }, event.body);
}

// ---- what there is -----------------------------------------------------------------------------------

void Auditor::body(const BrainStarted& e) {
  if (e.epoch != epoch_ + 1) fail("brain epochs do not count up");
  epoch_ = e.epoch;
}

void Auditor::body(const TenantDefined& e) {
  if (e.tenant.index() != tenants_.size()) return fail("tenant out of turn");
  tenants_.push_back(e.name);
}

void Auditor::body(const RouterDefined& e) {
  if (e.vertex.value != vertices_++) fail("router out of turn");
}

void Auditor::body(const SiteDefined& e) {
  if (e.site.index() > sites_.size()) return fail("site out of turn");
  if (e.site.index() == sites_.size()) {
    if (e.vertex.value != vertices_++) return fail("vertex out of turn");
    sites_.push_back({.vertex = e.vertex.value, .name = e.spec.name});
  }
  Site& site = sites_[e.site.index()];
  if (site.name != e.spec.name) fail("a site changed its name");
  site.asks = e.spec.asks;
  site.hours = e.spec.hours;
  site.best_effort_asks_milli = e.spec.best_effort_asks_milli;
  site.availability = e.spec.availability_ppm;
  site.residency = e.spec.residency;
  site.region = e.spec.region;
  site.failure_domain = e.spec.failure_domain;
  site.taints = e.spec.taints;
}

void Auditor::body(const LinkDefined& e) {
  if (e.link.index() > links_.size()) return fail("link out of turn");
  const bool fresh = e.link.index() == links_.size();
  if (fresh) links_.resize(links_.size() + 2);
  for (const bool back : {false, true}) {
    Direction& d = links_[e.link.index() + back];
    d.from = back ? e.spec.b.value : e.spec.a.value;
    d.to = back ? e.spec.a.value : e.spec.b.value;
    d.bandwidth = e.spec.bandwidth_bps;
    d.ask = e.spec.per_gbps_hour;
    d.described_latency = e.spec.latency_us;
    d.steerable = e.spec.steerable;
    d.availability = e.spec.availability_ppm;
    if (fresh) {
      d.latency = e.spec.latency_us;
      d.jitter = e.spec.jitter_us;
    }
  }
}

void Auditor::body(const NodesReported& e) {
  const size_t first = e.first_node.index();
  if (first > nodes_.size()) return fail("nodes out of turn");
  for (size_t i = 0; i < e.nodes.size(); ++i) {
    if (first + i == nodes_.size()) nodes_.push_back({.site = e.site.value});
    Node& node = nodes_[first + i];
    if (node.site != e.site.value) return fail("a node changed its site");
    node.cpu = e.nodes[i].cpu_milli;
    node.memory = e.nodes[i].memory_mib;
    node.speed = std::max(1, e.nodes[i].speed_milli);
    node.accelerators = e.nodes[i].accelerators;
    node.device_memory = e.nodes[i].accelerator_memory_mib;
    node.per_island = e.nodes[i].accelerators_per_island;
    node.slices = e.nodes[i].accelerator_slices;
    node.rack = e.nodes[i].rack;
  }
}

void Auditor::check_actor(uint32_t site, const char* what) const {
  if (site >= sites_.size() || actor_ != "site/" + sites_[site].name) fail(actor_ + " speaks of " + what + " of another");
}

void Auditor::check_link_actor(LinkId link) const {
  if (by_brain()) return;
  const Direction& d = links_[link.index()];
  const auto speaks = [this](uint32_t vertex) {
    return std::any_of(sites_.begin(), sites_.end(),
                       [&](const Site& site) { return site.vertex == vertex && actor_ == "site/" + site.name; });
  };
  if (!speaks(d.from) && !speaks(d.to)) fail(actor_ + " speaks of a link that does not end there");
}

void Auditor::body(const SiteStateChanged& e) {
  Site& site = sites_[e.site.index()];
  site.state = e.state;
  if (actor_.starts_with("operator/")) site.drained = e.drained || e.state == Liveness::kDraining;
}
void Auditor::body(const SiteSteeringChanged& e) {
  check_actor(e.site.value, "steering");
  bool& steers = sites_[e.site.index()].steers;
  if (steers == e.steerable) fail("steering changes to what it was");
  steers = e.steerable;
}
void Auditor::body(const LinkStateChanged& e) {
  check_link_actor(e.link);
  links_[e.link.index()].up = e.up;
}
void Auditor::body(const DatasetDefined& e) {
  if (e.dataset.index() > datasets_.size()) return fail("data set out of turn");
  datasets_.resize(std::max(datasets_.size(), e.dataset.index() + 1));
  datasets_[e.dataset.index()] = e.spec.residency;
  data_at_.resize(datasets_.size());
  data_at_[e.dataset.index()] = {e.spec.at.begin(), e.spec.at.end()};
}

void Auditor::body(const LinkMeasured& e) {
  check_link_actor(e.link);
  links_[e.link.index()].latency = e.latency_us;
  links_[e.link.index()].jitter = e.jitter_us;
}

void Auditor::body(const IntentSubmitted& e) {
  if (e.intent.index() > wishes_.size()) return fail("intent out of turn");
  if (e.intent.index() == wishes_.size()) {
    wishes_.emplace_back();
    stage_of_.emplace_back();
  }
  check_stage_wish(e);
  stage_of_[e.intent.index()] = {e.workflow, e.stage};
  Wish& wish = wishes_[e.intent.index()];
  if (e.generation != wish.generation + 1) fail("generations do not count up");
  const IntentSpec& spec = e.array.valid() ? task_of(e) : e.spec;
  if (wish.withdrawn) wish.submitted = 0;
  wish.array = e.array;
  wish.task = e.task;
  std::erase_if(wish.kept, [&](const auto& known) {
    return wish.withdrawn || std::none_of(spec.from.begin(), spec.from.end(),
                                          [&](const Ingress& from) { return from.site == known.first; });
  });
  wish.tenant = tenants_[e.tenant.index()];
  wish.generation = e.generation;
  wish.flow_generation = e.workflow.valid() ? workflows_[e.workflow.index()].generation : 0;
  wish.withdrawn = false;
  wish.finished = wish.given_up = false;
  wish.spec = spec;
  wish.preemptions = 0;
  wish.preempts_at = 0;
  wish.work_us = spec.traffic.work_us_per_request;
  wish.to_have = spec.schedule.instances;
}

void Auditor::body(const IntentWithdrawn& e) {
  Wish& wish = wishes_[e.intent.index()];
  const bool ended = is_array(wish) && wish.submitted >= static_cast<uint32_t>(wish.spec.schedule.tasks);
  if (wish.withdrawn && ((!wish.finished && !wish.given_up && !ended) || e.finished)) fail("withdrawn twice");
  if (wish.withdrawn) wish.submitted = 0;
  if (e.finished && !by_brain()) fail("finished by another's word than the brain's");
  const bool may_drop = may_drop_stage(e.intent);
  wish.finished = e.finished;
  if (!wish.withdrawn) wish.ended_well = e.finished;
  wish.given_up = !wish.withdrawn && by_brain() && !e.finished;
  if (by_brain() && !ends_with_array(e.intent, e.finished) && !(e.finished ? all_exited_well(wish) : over_its_time(wish) || may_drop)) fail("the brain withdrew what is not done");
  wish.on_protection.clear();
  wish.withdrawn = true;
  wish.active = kNoPosition;
}

bool Auditor::all_exited_well(const Wish& wish) const {
  const auto active = wish.held.find(wish.active);
  if (active == wish.held.end() || active->second.plan.generation != wish.generation) return false;
  for (size_t i = 0; i < active->second.plan.placements.size(); ++i) {
    const auto run = runs_.find(active->second.run(i));
    if (run == runs_.end() || run->second.state != RunState::kExited || run->second.exit_code != 0) return false;
  }
  return wish.spec.workload.kind == WorkKind::kJob;
}

bool Auditor::over_its_time(const Wish& wish) const {
  const int64_t most_us = wish.spec.schedule.run_time_us_max;
  const auto active = wish.held.find(wish.active);
  if (most_us == 0 || active == wish.held.end()) return false;
  for (size_t i = 0; i < active->second.plan.placements.size(); ++i) {
    const auto run = runs_.find(active->second.run(i));
    if (run != runs_.end() && run->second.began != 0 && last_at_ - run->second.began >= most_us) return true;
  }
  return false;
}

void Auditor::body(const NodeCordoned& e) {
  if (e.node.index() >= nodes_.size()) return fail("a node that is not is cordoned");
  nodes_[e.node.index()].cordoned = e.cordoned;
}

void Auditor::body(const ShadowPricesRevised& e) {
  if (!by_brain()) fail("shadow prices by another's word than the brain's");
  if (e.basis > at_) fail("shadow prices of a future graph");
  if (e.bound > e.after || e.after > e.before) fail("a pass found worse than there was, or better than can be: " + std::to_string(e.bound) + " " + std::to_string(e.before) + " " + std::to_string(e.after));
  for (const SiteShadowPrice& price : e.sites) {
    if (price.site.index() >= sites_.size()) fail("a site that is not has a shadow price");
  }
  for (const LinkShadowPrice& price : e.links) {
    if (price.link.index() >= links_.size()) fail("a link that is not has a shadow price");
  }
}

void Auditor::body(const RunStateChanged& e) {
  if (!by_brain()) {
    const auto known = billed_.find(e.run);
    if (known == billed_.end()) return fail("a run that no plan asked for changed");
    check_actor(known->second.placement.site.value, "a run");
  }
  // What a run held is free when it has ended.
  if (has_ended(e.state) && !has_ended(runs_[e.run].state)) {
    for (const auto& [position, held] : wishes_[e.intent.index()].held) {
      for (size_t k = 0; k < held.plan.placements.size(); ++k) {
        if (held.run(k) != e.run) continue;
        if (held.holds_placement[k]) hold(held.plan.placements[k], -1);
        for (size_t f = 0; f < held.plan.flows.size(); ++f) {
          if (held.plan.flows[f].placement == k && held.holds_flow[f]) hold(held.plan.flows[f], -1);
        }
      }
    }
  }
  RunAs& run = runs_[e.run];
  run.state = e.state;
  run.exit_code = e.exit_code;
  run.ended_once = run.ended_once || e.state == RunState::kExited || e.state == RunState::kFailed;
  if (e.state == RunState::kRunning && run.began == 0) run.began = last_at_;
}

void Auditor::body(const PathSwitched& e) {
  Wish& wish = wishes_[e.intent.index()];
  const auto held = wish.held.find(e.plan);
  if (held == wish.held.end() || e.plan != wish.active || e.flow >= held->second.plan.flows.size()) return;
  check_actor(held->second.plan.flows[e.flow].ingress.value, "a flow");
  if (e.to_protection) {
    wish.on_protection.insert(e.flow);
  } else {
    wish.on_protection.erase(e.flow);
  }
}

void Auditor::body(const PromiseMeasured& e) {
  Wish& wish = wishes_[e.intent.index()];
  check_actor(e.ingress.value, "a promise");
  const auto enters = [&](const IntentSpec& spec) {
    return std::any_of(spec.from.begin(), spec.from.end(), [&](const Ingress& from) { return from.site == e.ingress; });
  };
  if (!enters(wish.spec)) {
    if (std::none_of(wish.held.begin(), wish.held.end(), [&](const auto& held) { return enters(held.second.spec); })) {
      fail("a promise is measured where no traffic enters");
    }
    return;
  }
  if (wish.withdrawn) return;
  const __int128 asked = static_cast<__int128>(e.samples) + e.lost;
  wish.kept[e.ingress] = (static_cast<__int128>(e.misses) + e.lost) * 1'000'000 <=
                         asked * (1'000'000 - wish.spec.promise.percentile_ppm);
}

void Auditor::body(const WorkMeasured& e) {
  Wish& wish = wishes_[e.intent.index()];
  if (by_brain()) {
    wish.work_us = wish.spec.traffic.work_us_per_request;
    if (e.work_us_per_request != wish.work_us) fail("the brain measured work");
    return;
  }
  if (promise_kept(e.intent)) fail("work is measured although the promise is kept");
  const auto active = wish.held.find(wish.active);
  if (wish.generation != e.generation || active == wish.held.end()) return fail("work is measured of what does not run");
  if (std::none_of(active->second.plan.placements.begin(), active->second.plan.placements.end(), [&](const Placement& p) {
        return actor_ == "site/" + sites_[p.site.index()].name;
      })) {
    fail("work is measured by " + actor_ + ", where nothing runs");
  }
  if (e.work_us_per_request <= wish.work_us) fail("work is measured that is no more than known");
  wish.work_us = e.work_us_per_request;
}

bool Auditor::promise_kept(IntentId intent) const {
  const Wish& wish = wishes_[intent.index()];
  return wish.withdrawn || std::all_of(wish.kept.begin(), wish.kept.end(), [](const auto& known) { return known.second; });
}

const Workload* Auditor::workload_of(RunId run) const {
  const auto found = billed_.find(run);
  return found == billed_.end() ? nullptr : &found->second.workload;
}

// ---- plans -------------------------------------------------------------------------------------------

void Auditor::hold(const Placement& p, int sign) {
  Node& node = nodes_[p.node.index()];
  if (p.best_effort) return lend(node, p, sign);
  if (sign < 0) forget_reclaimed(node, p);
  node.cpu_used += sign * int64_t{p.cpu_milli};
  node.memory_used += sign * int64_t{p.memory_mib};
  if (sign > 0 && (node.cpu_used > node.cpu || node.memory_used > node.memory)) {
    fail("node " + std::to_string(p.node.value) + " is over-committed");
  }
  hold_devices(node, p, sign);
}

void Auditor::body(const PlanCommitted& e) {
  if (e.plan.intent.index() >= wishes_.size()) return fail("a plan for nothing");
  Wish& wish = wishes_[e.plan.intent.index()];
  if (wish.withdrawn || e.plan.generation != wish.generation) return fail("a plan for another generation");
  if (is_array(wish)) return fail("a plan for an array");
  for (const Placement& p : e.plan.placements) {
    if (p.node.index() >= nodes_.size() || nodes_[p.node.index()].site != p.site.value) {
      return fail("a placement on an unknown node");
    }
  }
  for (const Flow& flow : e.plan.flows) {
    if (flow.placement >= e.plan.placements.size() || flow.ingress.index() >= sites_.size()) {
      return fail("a flow that leads nowhere");
    }
  }
  Held now{.plan = e.plan, .position = at_, .spec = wish.spec};
  now.holds_placement.assign(e.plan.placements.size(), true);
  now.holds_flow.assign(e.plan.flows.size(), true);
  check_placements(e.plan, wish);
  check_flows(e.plan, wish);
  check_availability(e.plan, wish);
  check_haste(wish);

  // A run that goes on, and a flow to it that stays as it is, pass from the plan before to this one.
  std::vector<bool> fresh_placement(e.plan.placements.size(), true), fresh_flow(e.plan.flows.size(), true);
  const auto before = wish.held.find(wish.active);
  std::set<RunId> gone_on;
  for (size_t i = 0; i < e.plan.placements.size(); ++i) {
    const Placement& p = e.plan.placements[i];
    if (!p.continues.valid()) continue;
    bool found = false;
    if (before != wish.held.end()) {
      Held& old = before->second;
      for (size_t k = 0; k < old.plan.placements.size() && !found; ++k) {
        if (old.run(k) != p.continues || old.plan.placements[k].node != p.node) continue;
        found = true;
        old.holds_placement[k] = fresh_placement[i] = false;
        if (p.asks != old.plan.placements[k].asks) fail("a run that goes on changed its price");
        if (p.best_effort != old.plan.placements[k].best_effort) fail("a run that goes on changed its class");
        if (p.devices != old.plan.placements[k].devices) fail("a run that goes on changed its devices");
        for (size_t f = 0; f < e.plan.flows.size(); ++f) {
          const Flow& flow = e.plan.flows[f];
          if (flow.placement != i) continue;
          for (size_t g = 0; g < old.plan.flows.size(); ++g) {
            const Flow& was = old.plan.flows[g];
            if (was.placement != k || !old.holds_flow[g] || was.ingress != flow.ingress || was.path != flow.path ||
                was.up_bps != flow.up_bps || was.down_bps != flow.down_bps) {
              continue;
            }
            old.holds_flow[g] = fresh_flow[f] = false;
            break;
          }
        }
      }
    }
    if (!found || !gone_on.insert(p.continues).second) fail("a run that does not exist goes on, or goes on twice");
  }
  for (size_t i = 0; i < fresh_placement.size(); ++i) {
    const Placement& p = e.plan.placements[i];
    const Site& site = sites_[p.site.index()];
    if (!fresh_placement[i]) {
      if (site.state == Liveness::kDown) fail("a run goes on at a dead site");
      continue;
    }
    if (site.state != Liveness::kUp) fail("a run is placed at " + site.name + ", which is not up");
    if (site.drained) fail("a run is placed at " + site.name + ", which an operator drains");
    check_place(p, wish);
    check_islands(p, wish.spec.workload);
    if (!(p.asks == asked(site, wish.spec.workload))) fail("a run is placed at a price that " + site.name + " does not ask");
    hold(p, 1);
  }
  std::vector<const Flow*> fresh;
  for (size_t f = 0; f < fresh_flow.size(); ++f) {
    // To a job that is done nothing flows.
    if (!fresh_flow[f] || has_ended(runs_[now.run(e.plan.flows[f].placement)].state)) continue;
    hold(e.plan.flows[f], 1);
    fresh.push_back(&e.plan.flows[f]);
  }
  check_kept(wish, fresh);
  for (size_t i = 0; i < e.plan.placements.size(); ++i) {
    runs_of_plan_[at_].insert(now.run(i));
    if (!fresh_placement[i]) continue;
    billed_[now.run(i)] = {.tenant = "tenant/" + wish.tenant,
                           .provider = "provider/" + sites_[e.plan.placements[i].site.index()].name,
                           .placement = e.plan.placements[i],
                           .workload = wish.spec.workload,
                           .task = wish.array.valid()};
    billed_[now.run(i)].workload.speed_milli_min = 0;  // chose the node, and is nothing to its agent
    // Of a shared device it is told what it was given.
    billed_[now.run(i)].workload.accelerator_milli = e.plan.placements[i].accelerator_milli;
    if (e.plan.placements[i].accelerator_milli > 0)
      billed_[now.run(i)].workload.accelerator_memory_mib = e.plan.placements[i].accelerator_memory_mib;
    runs_[now.run(i)] = {};
  }
  for (size_t i = 0; i < e.plan.placements.size(); ++i) {
    auto& terms = billed_[now.run(i)].terms;
    if (!terms.empty()) terms.back().to = last_at_;
    Nanocredits path = 0;
    for (const Flow& flow : e.plan.flows) path += flow.placement == i ? flow.path_per_hour : 0;
    terms.push_back({last_at_, std::numeric_limits<TimeUs>::max(), at_, path});
  }
  check_labels(now);
  wish.held.emplace(at_, std::move(now));
  wish.active = at_;
  wish.on_protection.clear();
}

// A program that ends at once is started more and more seldom: the world alone does not ask for so many plans.
void Auditor::check_haste(Wish& wish) {
  constexpr TimeUs kWindowUs = 10'000'000;
  constexpr size_t kPlansMax = 30;
  ++wish.committed[last_at_];
  wish.committed.erase(wish.committed.begin(), wish.committed.lower_bound(last_at_ - kWindowUs));
  size_t plans = 0;
  for (const auto& [at, count] : wish.committed) plans += count;
  if (plans > kPlansMax) fail("an intent was planned " + std::to_string(plans) + " times within 10 s");
}

// Of ways that stand in for one another: several sites for one ingress, the spare path for the working one.
void Auditor::check_availability(const Plan& plan, const Wish& wish) {
  if (wish.spec.promise.availability_ppm == 0) return;
  constexpr __int128 kAll = 1'000'000;
  const auto way = [&](const std::vector<LinkId>& path) {
    __int128 ppm = kAll;
    for (const LinkId id : path) ppm = ppm * links_[id.index()].availability / kAll;
    return ppm;
  };
  std::map<SiteId, std::map<SiteId, __int128>> ways;
  const auto add = [&](SiteId ingress, SiteId site, __int128 path) {
    const __int128 ppm = path * sites_[site.index()].availability / kAll;
    const auto [known, fresh] = ways[ingress].try_emplace(site, ppm);
    if (!fresh) known->second = std::min(known->second, ppm);
  };
  for (const Flow& flow : plan.flows) {
    if (flow.streams == 0) continue;
    __int128 path = way(flow.path);
    if (!flow.protection.empty()) path = kAll - (kAll - path) * (kAll - way(flow.protection)) / kAll;
    add(flow.ingress, plan.placements[flow.placement].site, path);
  }
  if (wish.spec.from.empty()) {
    for (const Placement& p : plan.placements) add(SiteId{}, p.site, kAll);
  }
  for (const auto& [ingress, sites] : ways) {
    __int128 together = kAll, worst = kAll;
    std::map<std::string, __int128> best;
    for (const auto& [site, ppm] : sites) {
      worst = std::min(worst, ppm);
      best[domain_of(site)] = std::max(best[domain_of(site)], ppm);
    }
    for (const auto& [domain, ppm] : best) together = together * (kAll - ppm) / kAll;
    const Where& where = wish.spec.where;
    const bool spread = std::max({where.sites_min, where.regions_min, where.failure_domains_min}) > 1;
    const __int128 ppm = spread ? kAll - together : worst;
    // Every product above is rounded down; a few millionths are no broken promise.
    if (ppm + 10 < wish.spec.promise.availability_ppm) fail("a plan that is not as available as promised");
  }
}

// Is this the way that plain routing takes? By described latency, whether or not a link is up; equals count.
bool Auditor::is_site(uint32_t vertex) const {
  return std::any_of(sites_.begin(), sites_.end(), [vertex](const Site& site) { return site.vertex == vertex; });
}

bool Auditor::routed(const std::vector<LinkId>& path, uint32_t from, uint32_t to) const {
  std::vector<int64_t> distance(vertices_, INT64_MAX);
  distance[from] = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (const Direction& d : links_) {
      if (distance[d.from] == INT64_MAX || distance[d.from] + d.described_latency >= distance[d.to]) continue;
      if (d.from != from && is_site(d.from)) continue;  // sites carry no transit
      distance[d.to] = distance[d.from] + d.described_latency;
      moved = true;
    }
  }
  int64_t length = 0;
  for (const LinkId id : path) length += links_[id.index()].described_latency;
  return length == distance[to];
}

void Auditor::check_path(const Plan& plan, const Flow& flow, const std::vector<LinkId>& path, const char* what) {
  uint32_t at = sites_[flow.ingress.index()].vertex;
  std::set<uint32_t> seen = {at};
  for (const LinkId id : path) {
    if (id.index() >= links_.size()) return fail(std::string(what) + " over an unknown link");
    const Direction& d = links_[id.index()];
    if (d.from != at) return fail(std::string(what) + " is not connected");
    if (!d.up || !links_[id.value ^ 1u].up) fail(std::string(what) + " over a dead link");
    at = d.to;
    if (!seen.insert(at).second) fail(std::string(what) + " has a loop");
  }
  const uint32_t from = sites_[flow.ingress.index()].vertex;
  if (at != sites_[plan.placements[flow.placement].site.index()].vertex) return fail(std::string(what) + " ends elsewhere");
  const bool plain = !sites_[flow.ingress.index()].steers || !sites_[plan.placements[flow.placement].site.index()].steers ||
                     std::any_of(path.begin(), path.end(), [this](LinkId id) { return !links_[id.index()].steerable; });
  if (plain && !routed(path, from, at)) fail(std::string(what) + " cannot be steered, and routing leads elsewhere");
}

void Auditor::check_flows(const Plan& plan, const Wish& wish) {
  std::map<SiteId, int64_t> carried;
  std::vector<int64_t> instance(plan.placements.size());
  __int128 billed = 0;
  const auto rounded_up = [](int64_t amount, int64_t price, int64_t unit) -> __int128 {
    return (static_cast<__int128>(amount) * price + unit - 1) / unit;
  };
  for (const Placement& p : plan.placements) {
    billed += rounded_up(p.cpu_milli, p.asks.per_core_hour, 1000) + rounded_up(p.memory_mib, p.asks.per_gib_hour, 1024) +
              rounded_up(p.accelerators * (p.accelerator_milli > 0 ? p.accelerator_milli : 1000), p.asks.per_accelerator_hour, 1000);
  }
  for (const Flow& flow : plan.flows) {
    const bool between = flow.streams == 0 && exchanges(wish.spec);
    if (!between) carried[flow.ingress] += flow.streams;
    instance[flow.placement] += flow.streams;
    billed += flow.path_per_hour;
    if (between) {
      exchanged_ += 1;
    } else if (flow.streams <= 0 || flow.up_bps != flow.streams * wish.spec.traffic.up_bps ||
        flow.down_bps != flow.streams * wish.spec.traffic.down_bps) {
      fail("a flow reserves other bandwidth than its streams need");
    }
    if (const Liveness ingress = sites_[flow.ingress.index()].state;
        ingress != Liveness::kUp && ingress != Liveness::kDraining) {
      fail("traffic enters at " + sites_[flow.ingress.index()].name + ", which is not there");
    }
    check_path(plan, flow, flow.path, "a path");
    if (!flow.protection.empty()) check_path(plan, flow, flow.protection, "a protection path");
    int64_t round_trip = 0;
    for (const LinkId id : flow.path) {
      if (id.index() >= links_.size()) return;
      for (const uint32_t d : {id.value, id.value ^ 1u}) round_trip += links_[d].latency + links_[d].jitter;
    }
    if (wish.work_us > 0 && wish.spec.traffic.requests_per_second_milli > 0) {
      const Placement& p = plan.placements[flow.placement];
      int64_t speed = INT32_MAX;
      for (const Node& node : nodes_) speed = node.site == p.site.value ? std::min(speed, node.speed) : speed;
      const int64_t core_us = wish.work_us * 1000 / speed;
      const __int128 load_ppm =
          static_cast<__int128>(p.streams) * wish.spec.traffic.requests_per_second_milli * core_us / std::max(1, p.cpu_milli);
      if (load_ppm > 951'000) fail("an instance that cannot keep up");
      if (flow.latency_us_work < core_us * 1000 / std::clamp(p.cpu_milli, 1, 1000)) fail("work is to take less than it does");
    }
    const __int128 latency = static_cast<__int128>(round_trip) + flow.latency_us_serialisation + flow.latency_us_work +
                             flow.latency_us_queueing;
    if (wish.spec.promise.latency_us_max > 0 && latency > wish.spec.promise.latency_us_max) {
      fail("a plan that breaks its promise from the start");
    }
    if (static_cast<__int128>(flow.latency_us_path) + flow.latency_us_serialisation + flow.latency_us_work +
            flow.latency_us_queueing !=
        flow.latency_us_predicted) {
      fail("a predicted latency is not the sum of its parts");
    }
  }
  for (const Ingress& from : wish.spec.from) {
    if (carried[from.site] != from.streams) fail("a stream is not carried, or twice");
    carried.erase(from.site);
  }
  if (!carried.empty()) fail("traffic from where nobody asked for it");
  check_exchange(plan, wish);
  for (size_t i = 0; i < instance.size(); ++i) {
    if (instance[i] != plan.placements[i].streams) fail("an instance's streams are not its flows'");
  }
  if (billed != plan.billed_per_hour) fail("the price is not the sum of its parts");
  if (wish.spec.budget_per_hour_max > 0 && billed > wish.spec.budget_per_hour_max) fail("dearer than the budget");
}

// A label names one way at a site for as long as anybody holds it.
void Auditor::check_labels(const Held& plan) {
  std::map<std::pair<SiteId, uint16_t>, std::vector<LinkId>> known;
  const auto add = [&](SiteId at, uint16_t label, std::vector<LinkId> way, bool back) {
    if (way.empty()) return label != 0 ? fail("a label without a path") : void();
    if (label == 0) return fail("a path without a label");
    if (back) {
      std::reverse(way.begin(), way.end());
      for (LinkId& id : way) id.value ^= 1u;
    }
    const auto [found, fresh] = known.try_emplace({at, label}, way);
    if (!fresh && found->second != way) fail("label " + std::to_string(label) + " names two ways at a site");
  };
  const auto add_plan = [&](const Held& held) {
    for (const Flow& flow : held.plan.flows) {
      const SiteId host = held.plan.placements[flow.placement].site;
      add(flow.ingress, flow.label_working, flow.path, false);
      add(flow.ingress, flow.label_protection, flow.protection, false);
      add(host, flow.label_working, flow.path, true);
      add(host, flow.label_protection, flow.protection, true);
    }
  };
  for (const Wish& wish : wishes_) {
    for (const auto& [position, held] : wish.held) add_plan(held);
  }
  add_plan(plan);
}

void Auditor::body(const PlanRetired& e) {
  if (e.intent.index() >= wishes_.size()) return fail("a plan of nothing is retired");
  Wish& wish = wishes_[e.intent.index()];
  const auto found = wish.held.find(e.plan);
  if (found == wish.held.end()) return fail("a plan is retired that does not stand");
  if (wish.active == e.plan) return fail("the active plan is retired");
  const Held& held = found->second;
  for (size_t i = 0; i < held.plan.placements.size(); ++i) {
    if (!held.holds_placement[i]) continue;
    if (!has_ended(runs_[held.run(i)].state)) hold(held.plan.placements[i], -1);
    billed_[held.run(i)].terms.back().to = last_at_;
  }
  for (size_t f = 0; f < held.plan.flows.size(); ++f) {
    if (held.holds_flow[f] && !has_ended(runs_[held.run(held.plan.flows[f].placement)].state)) hold(held.plan.flows[f], -1);
  }
  wish.held.erase(found);
}

bool Auditor::side_by_side(RunId a, RunId b) const {
  return std::any_of(runs_of_plan_.begin(), runs_of_plan_.end(),
                     [&](const auto& plan) { return plan.second.count(a) && plan.second.count(b); });
}

// ---- money -------------------------------------------------------------------------------------------

void Auditor::body(const UsageReported& e) {
  const auto found = billed_.find(e.run);
  if (found == billed_.end()) return fail("usage of a run that no plan asked for");
  Billed& run = found->second;
  check_actor(run.placement.site.value, "usage");
  if (e.to <= e.from) {
    if (e.begun == 0 || !run.windows.empty()) fail("usage of no time");
    run.closed = true;
    return;
  }
  // Nothing that the site says of a run may be lost because it was given up too early.
  if (run.closed) fail("usage of a run that was said to have used nothing");
  const auto next = run.windows.lower_bound(e.from);
  if ((next != run.windows.end() && next->first < e.to) || (next != run.windows.begin() && std::prev(next)->second > e.from)) {
    fail("usage of run " + std::to_string(e.run.plan) + "." + std::to_string(e.run.item) + " is billed twice");
  }
  run.windows[e.from] = e.to;
  run.total += e.to - e.from;
  const Placement& p = run.placement;
  const __int128 hours = static_cast<__int128>(e.to - e.from);
  const __int128 amount = (hours * p.cpu_milli * p.asks.per_core_hour / 1000 + hours * p.memory_mib * p.asks.per_gib_hour / 1024 +
                           hours * device_milli(p) * p.asks.per_accelerator_hour / 1000) /
                          3'600'000'000;
  balances_[run.tenant] -= amount;
  balances_[run.provider] += amount;
  __int128 sum = 0;
  for (const auto& [account, balance] : balances_) sum += balance;
  if (sum != 0) fail("money does not sum to zero");
}

bool Auditor::ended_once(RunId run) const {
  const auto found = runs_.find(run);
  return found != runs_.end() && found->second.ended_once;
}

void Auditor::compare(const Graph& graph) const {
  if (graph.version() != leaves_.size()) return;
  if (graph.node_count() != nodes_.size() || graph.link_count() != links_.size() || graph.intent_count() != wishes_.size()) {
    return fail("the graph has other rows than the ledger");
  }
  for (size_t n = 0; n < nodes_.size(); ++n) {
    const NodeFree& free = graph.free(NodeId(n));
    const Node& node = nodes_[n];
    if (!lends_alike(graph, NodeId(n))) fail("node " + std::to_string(n) + ": best-effort work has, or may have, other than by the books");
    if (free.cpu_milli != node.cpu - node.cpu_used || free.memory_mib != node.memory - node.memory_used ||
        !has_devices(graph, NodeId(n))) {
      fail("node " + std::to_string(n) + ": the graph has " + std::to_string(free.cpu_milli) + " milli-cores free, the books " +
           std::to_string(node.cpu - node.cpu_used));
    }
  }
  for (size_t l = 0; l < links_.size(); ++l) {
    const LinkLoad& load = graph.load(LinkId(l));
    if (load.free_bps != links_[l].bandwidth - links_[l].used || load.up != links_[l].up) {
      fail("link " + std::to_string(l) + ": the graph has " + std::to_string(load.free_bps) + " bit/s free, the books " +
           std::to_string(links_[l].bandwidth - links_[l].used));
    }
  }
  compare_kept(graph);
  for (size_t i = 0; i < wishes_.size(); ++i) {
    const Wish& wish = wishes_[i];
    const IntentRow& row = graph.intent(IntentId(i));
    const std::string name = "intent " + std::to_string(i) + ": ";
    if (row.generation != wish.generation || (row.state == IntentState::kWithdrawn) != wish.withdrawn) {
      fail(name + "the graph has another generation, or withdrew it");
    }
    compare_tasks(graph, IntentId(i));
    if ((row.active ? row.active->position : kNoPosition) != wish.active) fail(name + "the graph has another active plan");
    if (row.retiring.size() + (row.active ? 1 : 0) != wish.held.size()) fail(name + "the graph holds other plans");
    std::set<RunId> runs;
    const auto held = [&](const CommittedPlan& plan) {
      const auto known = wish.held.find(plan.position);
      if (known == wish.held.end()) return fail(name + "the graph holds a plan that nobody committed");
      if (!(*plan.spec == known->second.spec)) fail(name + "the graph has another wish behind a plan");
      for (size_t k = 0; k < plan.plan.placements.size(); ++k) {
        if (plan.placement_passed_on[k] == known->second.holds_placement[k]) fail(name + "a placement is held twice, or not");
        if (known->second.holds_placement[k]) runs.insert(known->second.run(k));
      }
    };
    if (row.active) held(*row.active);
    for (const auto& plan : row.retiring) held(*plan);
    for (const RunRow& run : row.runs) {
      const auto known = runs_.find(run.run);
      if (known == runs_.end() || known->second.state != run.state || known->second.exit_code != run.exit_code) {
        fail(name + "a run is in another state in the graph");
      }
      if (runs.erase(run.run) != 1) fail(name + "the graph has a run that no plan holds");
    }
    if (!runs.empty()) fail(name + "the graph lacks a run");
    if (!std::equal(row.flows_on_protection.begin(), row.flows_on_protection.end(), wish.on_protection.begin(),
                    wish.on_protection.end())) {
      fail(name + "other flows are on their spare paths in the graph");
    }
  }
}

}  // namespace weir::simulation
