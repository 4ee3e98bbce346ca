#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/graph/promise.h"
#include "orchestration/path/link_price.h"
#include "orchestration/plan/prices_for_test.h"

// A search that tries everything: every way of dividing streams among instances, every node, every device,
// every simple path, judged by what the graph says and by nothing that the planner uses to prune.
namespace weir {

// A domain, and the wish that is decided there.
struct World {
  Graph graph;
  IntentId intent{0u};
};

class Everything {
 public:
  // `lives` tells which placements of the active plan are kept; empty: none. It knows of what is kept only
  // the committed plan and which of its runs live.
  explicit Everything(const World& world, const std::vector<bool>& lives = {})
      : graph_(world.graph),
        row_(graph_.intent(world.intent)),
        spec_(*row_.demand),
        prices_(graph_, spec_),
        own_(own_reservation()) {
    for (const Ingress& from : spec_.from) left_.push_back(from.streams);
    const Where& where = spec_.where;
    if (spec_.from.empty()) {
      left_.push_back(std::max(
          {1, where.sites_min, where.regions_min, where.failure_domains_min, spec_.schedule.instances}));
    }
    for (size_t n = 0; n < graph_.node_count(); ++n) {
      const NodeSpare& spare = graph_.spare(NodeId(n));
      const bool reclaims = spec_.workload.best_effort;
      cpu_.push_back(graph_.free(NodeId(n)).cpu_milli +
                     (reclaims ? spare.cpu_milli_reclaimed - spare.cpu_milli_taken : 0));
      memory_.push_back(graph_.free(NodeId(n)).memory_mib +
                        (reclaims ? spare.memory_mib_reclaimed - spare.memory_mib_taken : 0));
      const DeviceRoom room = graph_.device_room(NodeId(n));
      devices_.emplace_back(room.devices().begin(), room.devices().end());
    }
    for (size_t l = 0; l < graph_.link_count(); ++l)
      room_.push_back(graph_.load(LinkId(l)).free_bps - kept_from_it(LinkId(l)));
    free_ = room_;
    for (size_t k = 0; k < lives.size(); ++k) {
      if (lives[k] && !(spec_.from.empty() && left_[0] == 0)) keep(static_cast<uint32_t>(k));
    }
  }

  // The decision price of the best; none: there is no plan.
  std::optional<Nanocredits> best() {
    for (const Ingress& from : spec_.from) {
      const Liveness state = graph_.site(from.site).state;
      if (state != Liveness::kUp && state != Liveness::kDraining) return std::nullopt;
    }
    next_instance(price_kept_, billed_kept_);
    // Where not all fits in what the reservation keeps, some may go another way.
    if (!best_ && own_ != nullptr) {
      any_way_ = true;
      next_instance(price_kept_, billed_kept_);
    }
    return best_;
  }

  // What the plan comes to by the same reckoning.
  Nanocredits price_of(const Plan& plan) const {
    Nanocredits sum = 0;
    for (const Placement& p : plan.placements) {
      sum += p.continues.valid() ? prices_.site_kept(p.site) : prices_.site(p.site).decision;
    }
    for (const Flow& flow : plan.flows) sum += flow.streams * prices_.path(flow.path);
    return sum;
  }

 private:
  // Streams of one ingress on their way to a site.
  struct Way {
    size_t source;
    SiteId site;
    int streams;
    int64_t service_us;
    std::vector<LinkId> path, protection;
    bool kept;  // with the protection that it has
  };

  // Of a job, while its window is open.
  const ReservationSpec* own_reservation() const {
    if (spec_.workload.kind != WorkKind::kJob) return nullptr;
    for (size_t r = 0; r < graph_.reservation_count(); ++r) {
      const ReservationSpec& each = graph_.reservation(ReservationId(r)).spec;
      if (each.name == spec_.schedule.reservation && each.from <= graph_.now() && graph_.now() < each.to)
        return &each;
    }
    return nullptr;
  }

  // The most that other reservations keep of the link while the flow is there, which changes only where a
  // window begins.
  int64_t kept_from_it(LinkId link) const {
    const bool ends = spec_.workload.kind == WorkKind::kJob && spec_.schedule.run_time_us_max > 0;
    const TimeUs now = graph_.now(),
                 until = ends ? now + kRunBeginsUs + spec_.schedule.run_time_us_max : INT64_MAX;
    std::vector<const ReservationSpec*> others;
    std::vector<TimeUs> times = {now};
    for (size_t r = 0; r < graph_.reservation_count(); ++r) {
      others.push_back(&graph_.reservation(ReservationId(r)).spec);
      times.push_back(others.back()->from);
    }
    int64_t most = 0;
    for (const TimeUs at : times) {
      int64_t sum = 0;
      for (const ReservationSpec* each : others) {
        if (each == own_ || at < std::max(now, each->from) || at >= std::min(until, each->to)) continue;
        for (const LinkId kept : each->path)
          sum += kept == link ? each->up_bps : opposite(kept) == link ? each->down_bps : 0;
      }
      most = std::max(most, sum);
    }
    return most;
  }

  static bool holds(int64_t room_bps, int64_t need_bps) { return need_bps == 0 || room_bps >= need_bps; }

  // Whether so many streams fit in what the reservation keeps for its jobs.
  bool in_own(size_t source, SiteId site, int streams, int64_t service_us) const {
    if (own_ == nullptr || any_way_ || own_->site != site || spec_.from.empty() ||
        own_->ingress != spec_.from[source].site)
      return false;
    int64_t path_us = service_us;
    for (const LinkId link : own_->path) {
      const int64_t up = streams * spec_.traffic.up_bps, down = streams * spec_.traffic.down_bps;
      if (!graph_.usable(link) || !holds(room_[link.index()], up) ||
          !holds(room_[opposite(link).index()], down))
        return false;
      int64_t used_up = 0, used_down = 0;
      for (const Way& way : ways_) {
        if (!way.kept || std::find(way.path.begin(), way.path.end(), link) == way.path.end()) continue;
        used_up += way.streams * spec_.traffic.up_bps;
        used_down += way.streams * spec_.traffic.down_bps;
      }
      if (up > std::max<int64_t>(0, own_->up_bps - used_up) ||
          down > std::max<int64_t>(0, own_->down_bps - used_down))
        return false;
      path_us += prices_.hop_us(link);
    }
    return (spec_.promise.latency_us_max == 0 || path_us <= spec_.promise.latency_us_max) && held(own_->path);
  }

  // Can packets be led along the path, or does plain routing take it anyway?
  bool held(const std::vector<LinkId>& path) const {
    const auto end = [this](VertexId vertex, const std::string& sid) {
      for (size_t s = 0; s < graph_.site_count(); ++s) {
        if (graph_.site(SiteId(s)).vertex != vertex) continue;
        const SiteSpec& site = graph_.site_spec(SiteId(s));
        return site.steerable && !site.sid.empty() && graph_.site(SiteId(s)).agent_steers;
      }
      return !sid.empty();
    };
    const bool led = std::all_of(path.begin(), path.end(), [&](LinkId link) {
      const LinkSpec& spec = graph_.link_spec(link);
      return spec.steerable && end(spec.a, spec.sid_a) && end(spec.b, spec.sid_b);
    });
    return led || path == routed(graph_.link(path.front()).from, graph_.link(path.back()).to);
  }

  // The shortest by described latency, whatever is up. Requires that no two are equally short.
  const std::vector<LinkId>& routed(VertexId from, VertexId to) const {
    const auto [known, fresh] = routed_.try_emplace({from, to});
    if (!fresh) return known->second;
    int64_t best_us = INT64_MAX;
    std::vector<LinkId> path;
    std::set<VertexId> seen = {from};
    const auto extend = [&](const auto& self, VertexId at, int64_t so_far_us) -> void {
      if (at == to) {
        if (so_far_us >= best_us) return;
        best_us = so_far_us;
        known->second = path;
        return;
      }
      for (const LinkId link : graph_.links_out(at)) {
        const VertexId next = graph_.link(link).to;
        if ((transit(next) || next == to) && seen.insert(next).second) {
          path.push_back(link);
          self(self, next, so_far_us + graph_.link_spec(link).latency_us);
          path.pop_back();
          seen.erase(next);
        }
      }
    };
    extend(extend, from, 0);
    return known->second;
  }

  bool transit(VertexId vertex) const {
    for (size_t s = 0; s < graph_.site_count(); ++s) {
      if (graph_.site(SiteId(s)).vertex == vertex) return false;
    }
    return true;
  }

  void keep(uint32_t k) {
    const Plan& plan = row_.active->plan;
    const SiteId site = plan.placements[k].site;
    used_.push_back(site);
    on_.push_back(plan.placements[k].node);
    price_kept_ += prices_.site_kept(site);
    billed_kept_ += placement_per_hour(plan.placements[k]);
    if (spec_.from.empty()) {
      --left_[0];
      ways_.push_back({0, site, 1, 0, {}, {}, true});
    }
    for (const Flow& flow : plan.flows) {
      if (flow.placement != k) continue;
      size_t source = 0;
      while (spec_.from[source].site != flow.ingress) ++source;
      left_[source] -= flow.streams;
      price_kept_ += flow.streams * prices_.path(flow.path);
      billed_kept_ += flow.path_per_hour;
      ways_.push_back({source, site, flow.streams, 0, flow.path, flow.protection, true});
    }
  }

  static double available(const Graph& graph, const std::vector<LinkId>& path) {
    double all = 1;
    for (const LinkId link : path) all *= graph.link(link).availability_ppm / 1e6;
    return all;
  }

  bool available_enough() const {
    for (size_t source = 0; source < left_.size(); ++source) {
      std::map<SiteId, double> sites;
      for (const Way& way : ways_) {
        if (way.source != source) continue;
        const std::vector<LinkId> protection = way.kept ? way.protection : protection_of(way);
        double path = available(graph_, way.path);
        if (!protection.empty()) path = 1 - (1 - path) * (1 - available(graph_, protection));
        const double here = path * graph_.site(way.site).availability_ppm / 1e6;
        const auto [known, fresh] = sites.try_emplace(way.site, here);
        if (!fresh) known->second = std::min(known->second, here);
      }
      double worst = 1, none = 1;
      std::map<std::string, double> together;  // the best of those that fail together
      for (const auto& [site, here] : sites) {
        worst = std::min(worst, here);
        double& best = together[called(graph_.site_spec(site).failure_domain, site)];
        best = std::max(best, here);
      }
      for (const auto& [domain, best] : together) none *= 1 - best;
      if ((different_ ? 1 - none : worst) * 1e6 < spec_.promise.availability_ppm) return false;
    }
    return true;
  }

  static std::string called(const std::string& name, SiteId site) {
    return name.empty() ? "alone " + std::to_string(site.value) : "named " + name;
  }

  bool different_enough() const {
    std::set<std::string> sites, regions, domains;
    for (const SiteId site : used_) {
      sites.insert(std::to_string(site.value));
      regions.insert(called(graph_.site_spec(site).region, site));
      domains.insert(called(graph_.site_spec(site).failure_domain, site));
    }
    return std::ssize(sites) >= spec_.where.sites_min && std::ssize(regions) >= spec_.where.regions_min &&
           std::ssize(domains) >= spec_.where.failure_domains_min;
  }

  // The cheapest path that shares no link with the way's, is fast enough, and has room on the graph as it is.
  std::vector<LinkId> protection_of(const Way& way) const {
    std::vector<LinkId> path, best;
    if (way.path.empty()) return best;
    std::set<VertexId> seen = {graph_.site(spec_.from[way.source].site).vertex};
    std::tuple<Nanocredits, int64_t, uint64_t> best_rank{INT64_MAX, 0, 0};
    spare(way, *seen.begin(), 0, path, seen, best, best_rank);
    return best;
  }

  void spare(const Way& way, VertexId at, int64_t path_us, std::vector<LinkId>& path,
             std::set<VertexId>& seen, std::vector<LinkId>& best,
             std::tuple<Nanocredits, int64_t, uint64_t>& best_rank) const {
    if (at == graph_.site(way.site).vertex) {
      if (spec_.promise.latency_us_max > 0 && path_us + way.service_us > spec_.promise.latency_us_max) return;
      if (!held(path)) return;
      uint64_t tie = 0;
      for (const LinkId link : path) tie += tie_break(link);
      const std::tuple rank{prices_.path(path), path_us, tie};
      if (rank >= best_rank) return;
      best_rank = rank;
      best = path;
      return;
    }
    for (const LinkId link : graph_.links_out(at)) {
      const VertexId next = graph_.link(link).to;
      if (!transit(next) && next != graph_.site(way.site).vertex) continue;
      const auto is = [link](LinkId other) { return other == link || other == opposite(link); };
      if (!graph_.usable(link) || !holds(room_[link.index()], way.streams * spec_.traffic.up_bps) ||
          !holds(room_[opposite(link).index()], way.streams * spec_.traffic.down_bps) ||
          std::any_of(way.path.begin(), way.path.end(), is) || !seen.insert(next).second) {
        continue;
      }
      path.push_back(link);
      spare(way, next, path_us + prices_.hop_us(link), path, seen, best, best_rank);
      path.pop_back();
      seen.erase(next);
    }
  }

  int32_t slowest(SiteId site) const {
    int32_t speed = INT32_MAX;
    for (size_t n = 0; n < graph_.node_count(); ++n) {
      if (graph_.node(NodeId(n)).site == site) speed = std::min(speed, graph_.node(NodeId(n)).speed_milli);
    }
    return speed;
  }

  void next_instance(Nanocredits price, Nanocredits billed) {
    if (best_ && price >= *best_) return;  // prices are never below 0
    if (std::all_of(left_.begin(), left_.end(), [](int s) { return s == 0; })) {
      if (!different_enough()) return;
      if (spec_.budget_per_hour_max > 0 && billed > spec_.budget_per_hour_max) return;
      if (spec_.promise.availability_ppm > 0 && !available_enough()) return;
      best_ = price;
      return;
    }
    for (size_t n = 0; n < cpu_.size(); ++n) {
      const SiteId site = graph_.node(NodeId(n)).site;
      if (cpu_[n] < spec_.workload.cpu_milli || memory_[n] < spec_.workload.memory_mib || !allowed(site))
        continue;
      if (graph_.node(NodeId(n)).cordoned ||
          graph_.node(NodeId(n)).speed_milli < spec_.workload.speed_milli_min)
        continue;
      if (spec_.where.same_rack && !on_.empty() && !together(on_.front(), NodeId(n))) continue;
      each_devices(n, [&] { at_node(n, site, price, billed); });
    }
  }

  bool together(NodeId a, NodeId b) const {
    return a == b || (graph_.node(a).site == graph_.node(b).site && !graph_.rack_name(a).empty() &&
                      graph_.rack_name(a) == graph_.rack_name(b));
  }

  // With every choice of devices taken in turn, of those that are alike of one; whole ones, of an island
  // where they have to be linked, are all alike.
  template <class Visit>
  void each_devices(size_t n, const Visit& visit) {
    const Workload& work = spec_.workload;
    if (work.accelerators == 0) return visit();
    const NodeRow& row = graph_.node(NodeId(n));
    const DevicesRow& able = graph_.devices(row);
    if ((!work.accelerator_model.empty() && graph_.accelerator_model(row) != work.accelerator_model) ||
        able.memory_mib < work.accelerator_memory_mib ||
        able.fp16_gflops < work.accelerator_fp16_gflops_min) {
      return;
    }
    if (work.accelerators_linked) {
      const size_t size = able.per_island > 0 ? static_cast<size_t>(able.per_island) : devices_[n].size();
      for (size_t first = 0; first < devices_[n].size(); first += size) {
        std::vector<DeviceFree*> whole;
        for (size_t d = first; d < std::min(first + size, devices_[n].size()); ++d) {
          if (devices_[n][d].milli == 1000 && static_cast<int>(whole.size()) < work.accelerators)
            whole.push_back(&devices_[n][d]);
        }
        if (static_cast<int>(whole.size()) < work.accelerators) continue;
        for (DeviceFree* device : whole) device->milli = 0;
        visit();
        for (DeviceFree* device : whole) device->milli = 1000;
      }
      return;
    }
    if (work.accelerator_milli == 0) {
      std::vector<DeviceFree*> whole;
      for (DeviceFree& device : devices_[n]) {
        if (device.milli == 1000 && static_cast<int>(whole.size()) < work.accelerators)
          whole.push_back(&device);
      }
      if (static_cast<int>(whole.size()) < work.accelerators) return;
      for (DeviceFree* device : whole) device->milli = 0;
      visit();
      for (DeviceFree* device : whole) device->milli = 1000;
      return;
    }
    int32_t milli = work.accelerator_milli;
    int32_t memory_mib = work.accelerator_memory_mib > 0
                             ? work.accelerator_memory_mib
                             : static_cast<int32_t>(int64_t{able.memory_mib} * work.accelerator_milli / 1000);
    if (able.slices > 0) {
      // By counting slices up.
      int32_t slices = 1, of_memory = 1;
      while (slices * 1000 < milli * able.slices) ++slices;
      while (of_memory * able.memory_mib < memory_mib * able.slices) ++of_memory;
      if (work.accelerator_memory_mib == 0) of_memory = slices;
      milli = slices * 1000 / able.slices;
      if (able.memory_mib > 0) memory_mib = of_memory * able.memory_mib / able.slices;
    }
    for (DeviceFree& device : devices_[n]) {
      if (device.milli < milli || device.memory_mib < memory_mib) continue;
      if (std::find(devices_[n].data(), &device, device) != &device) continue;  // like an earlier one
      device.milli -= milli;
      device.memory_mib -= memory_mib;
      visit();
      device.milli += milli;
      device.memory_mib += memory_mib;
    }
  }

  void at_node(size_t n, SiteId site, Nanocredits price, Nanocredits billed) {
    cpu_[n] -= spec_.workload.cpu_milli;
    memory_[n] -= spec_.workload.memory_mib;
    used_.push_back(site);
    on_.push_back(NodeId(n));
    const ReckonedPrice at = prices_.site(site);
    const int32_t speed = slowest(site);
    std::vector<int> share(left_.size(), 0);
    each_share(share, 0, 0, [&] {
      // Whoever is first among those left is served now: order does not matter to a set.
      const auto first =
          std::find_if(left_.begin(), left_.end(), [](int s) { return s > 0; }) - left_.begin();
      if (share[static_cast<size_t>(first)] == 0) return;
      const int streams = std::accumulate(share.begin(), share.end(), 0);
      const auto time =
          service_time(spec_.workload, spec_.traffic, spec_.promise.percentile_ppm, speed, streams);
      if (!time) return;
      const std::vector<int> taken = share;
      for (size_t i = 0; i < left_.size(); ++i) left_[i] -= taken[i];
      route(taken, 0, site, time->work_us + time->queueing_us, price + at.decision, billed + at.billed);
      for (size_t i = 0; i < left_.size(); ++i) left_[i] += taken[i];
    });
    used_.pop_back();
    on_.pop_back();
    cpu_[n] += spec_.workload.cpu_milli;
    memory_[n] += spec_.workload.memory_mib;
  }

  template <class Visit>
  void each_share(std::vector<int>& share, size_t i, int sum, const Visit& visit) {
    if (i == share.size()) {
      if (sum > 0) visit();
      return;
    }
    for (int k = 0; k <= left_[i] && sum + k <= spec_.workload.streams_per_instance; ++k) {
      share[i] = k;
      each_share(share, i + 1, sum + k, visit);
    }
    share[i] = 0;
  }

  void route(const std::vector<int>& share, size_t i, SiteId site, int64_t service_us, Nanocredits price,
             Nanocredits billed) {
    if (i == share.size()) return next_instance(price, billed);
    if (share[i] == 0) return route(share, i + 1, site, service_us, price, billed);
    if (spec_.from.empty()) {
      ways_.push_back({i, site, share[i], service_us, {}, {}, false});
      route(share, i + 1, site, service_us, price, billed);
      ways_.pop_back();
      return;
    }
    std::vector<LinkId> path;
    std::set<VertexId> seen = {graph_.site(spec_.from[i].site).vertex};
    walk(share, i, site, service_us, price, billed, graph_.site(spec_.from[i].site).vertex, path, seen, 0);
  }

  void walk(const std::vector<int>& share, size_t i, SiteId site, int64_t service_us, Nanocredits price,
            Nanocredits billed, VertexId at, std::vector<LinkId>& path, std::set<VertexId>& seen,
            int64_t path_us) {
    const int64_t up = share[i] * spec_.traffic.up_bps, down = share[i] * spec_.traffic.down_bps;
    if (at == graph_.site(site).vertex) {
      if (spec_.promise.latency_us_max > 0 && path_us + service_us > spec_.promise.latency_us_max) return;
      if (!path.empty() && !held(path)) return;
      if (in_own(i, site, share[i], service_us) && path != own_->path) return;
      ways_.push_back({i, site, share[i], service_us, path, {}, false});
      route(share, i + 1, site, service_us, price + share[i] * prices_.path(path),
            billed + prices_.path_billed(path, up, down));
      ways_.pop_back();
      return;
    }
    for (const LinkId link : graph_.links_out(at)) {
      const VertexId next = graph_.link(link).to;
      int64_t& there = free_[link.index()];
      int64_t& back = free_[opposite(link).index()];
      if (!transit(next) && next != graph_.site(site).vertex) continue;
      if (!graph_.usable(link) || !holds(there, up) || !holds(back, down) || !seen.insert(next).second)
        continue;
      there -= up;
      back -= down;
      path.push_back(link);
      walk(share, i, site, service_us, price, billed, next, path, seen, path_us + prices_.hop_us(link));
      path.pop_back();
      there += up;
      back += down;
      seen.erase(next);
    }
  }

  bool allowed(SiteId site) const {
    const Where& where = spec_.where;
    const auto lists = [](const auto& all, const auto& one) {
      return std::find(all.begin(), all.end(), one) != all.end();
    };
    const auto named = [&](SiteId one) {
      return !lists(where.not_at, one) && (where.only.empty() || lists(where.only, one));
    };
    const SiteSpec& spec = graph_.site_spec(site);
    const auto carries = [&](const std::string& label) { return lists(spec.residency, label); };
    const auto stands = [&](IntentId other) {
      const IntentRow& row = graph_.intent(other);
      return row.active && std::any_of(row.active->plan.placements.begin(), row.active->plan.placements.end(),
                                       [site](const Placement& p) { return p.site == site; });
    };
    if (own_ != nullptr && named(own_->site) && own_->site != site) return false;
    for (const auto& taint : spec.taints) {
      if (!lists(where.tolerates, taint)) return false;
    }
    if (std::any_of(where.apart_from.begin(), where.apart_from.end(), stands)) return false;
    if (!std::all_of(where.near.begin(), where.near.end(), stands)) return false;
    for (const DatasetId data : spec_.data) {
      const DatasetSpec& set = graph_.dataset(data).spec;
      if (where.at_data && !lists(set.at, site)) return false;
      if (!std::all_of(set.residency.begin(), set.residency.end(), carries)) return false;
    }
    return graph_.site(site).state == Liveness::kUp && named(site) &&
           std::all_of(where.residency.begin(), where.residency.end(), carries);
  }

  const Graph& graph_;
  const IntentRow& row_;
  const IntentSpec& spec_;
  const Prices prices_;
  const ReservationSpec* const own_;
  bool any_way_ = false;  // not only those that the reservation keeps
  bool different_ =
      spec_.where.sites_min > 1 || spec_.where.regions_min > 1 || spec_.where.failure_domains_min > 1;
  std::vector<int> left_;  // streams of each ingress; without one, instances
  std::vector<int64_t> cpu_, memory_;
  std::vector<int64_t> room_, free_;  // at first, and beside what is chosen
  std::vector<std::vector<DeviceFree>> devices_;
  std::vector<SiteId> used_;
  std::vector<NodeId> on_;
  std::vector<Way> ways_;
  mutable std::map<std::pair<VertexId, VertexId>, std::vector<LinkId>> routed_;
  Nanocredits price_kept_ = 0, billed_kept_ = 0;
  std::optional<Nanocredits> best_;
};

}  // namespace weir
