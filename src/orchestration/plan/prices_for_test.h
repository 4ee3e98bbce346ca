#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "orchestration/placement/device_choice.h"

// What a wish pays at sites and on links, reckoned from what their owners say, what is free and what the
// domain says of scarcity; of what decides it shares no code with the planner but what a device lost to
// others is worth.
namespace weir {

struct ReckonedPrice {
  Nanocredits decision = 0, billed = 0;
};

class Prices {
 public:
  Prices(const Graph& graph, const IntentSpec& spec) : graph_(graph), spec_(spec) {
    for (size_t s = 0; s < graph.site_count(); ++s) {
      const int64_t taken = devices_taken(SiteId(s));
      kept_.push_back(at(SiteId(s), taken, taken));
      sites_.push_back(at(SiteId(s), taken, std::max<int64_t>(0, taken + lost(SiteId(s)))));
    }
    for (size_t l = 0; l < graph.link_count(); ++l) {
      links_.push_back(link(LinkId(l)));
      hops_us_.push_back(latency_us(LinkId(l)));
    }
  }

  // Of one more instance, and of one that goes on, which takes nothing from others anew.
  ReckonedPrice site(SiteId id) const { return sites_[id.index()]; }
  Nanocredits site_kept(SiteId id) const { return kept_[id.index()].decision; }
  // Of one stream.
  Nanocredits path(const std::vector<LinkId>& path) const {
    Nanocredits sum = 0;
    for (const LinkId id : path) sum += links_[id.index()];
    return sum;
  }
  Nanocredits path_billed(const std::vector<LinkId>& path, int64_t up_bps, int64_t down_bps) const {
    Nanocredits sum = 0;
    for (const LinkId id : path) {
      const Nanocredits ask = graph_.link_spec(id).per_gbps_hour;
      sum += up(static_cast<__int128>(up_bps) * ask, 1'000'000'000) +
             up(static_cast<__int128>(down_bps) * ask, 1'000'000'000);
    }
    return sum;
  }
  // There and back, with a request on the way there and its answer on the way back.
  int64_t hop_us(LinkId id) const { return hops_us_[id.index()]; }

 private:
  static int64_t up(__int128 amount, int64_t unit) {
    return static_cast<int64_t>((amount + unit - 1) / unit);
  }

  // Grows with use from nothing to all of it, in 64 steps: (64^(step / 63) - 1) / 63.
  static Nanocredits scarce(Nanocredits at_full, int64_t total, int64_t free) {
    const int64_t used = total <= 0 || free <= 0 ? total : std::max<int64_t>(0, total - free);
    const int64_t step = total <= 0 ? 63 : used * 63 / total;
    const auto ppm =
        static_cast<int64_t>(std::llround((std::pow(64.0, static_cast<double>(step) / 63) - 1) / 63 * 1e6));
    return static_cast<Nanocredits>(static_cast<__int128>(at_full) * ppm / 1'000'000);
  }

  template <class Visit>
  void each_node(SiteId site, const Visit& visit) const {
    for (size_t n = 0; n < graph_.node_count(); ++n) {
      if (graph_.node(NodeId(n)).site == site) visit(NodeId(n));
    }
  }

  // Of the accelerators of the site by one instance, in thousandths: what is in slices is taken by the slice,
  // at the price of the dearest node.
  int64_t devices_taken(SiteId site) const {
    const Workload& work = spec_.workload;
    if (work.accelerators == 0) return 0;
    if (work.accelerator_milli == 0) return int64_t{work.accelerators} * 1000;
    int64_t most = work.accelerator_milli;
    each_node(site, [&](NodeId node) {
      const int slices = graph_.devices(graph_.node(node)).slices;
      int of_them = 1;
      while (slices > 0 && of_them * 1000 < work.accelerator_milli * slices) ++of_them;
      if (slices > 0) most = std::max<int64_t>(most, of_them * 1000 / slices);
    });
    return most;
  }

  int64_t lost(SiteId site) const {
    if (spec_.workload.accelerators == 0) return 0;
    const DeviceLoss loss(graph_);
    const auto first = choose_devices(graph_, site, spec_.workload, 1, loss);
    return first.empty() || loss.weight() == 0 ? 0 : first[0].loss / loss.weight();
  }

  ReckonedPrice at(SiteId id, int64_t devices_milli, int64_t scarce_milli) const {
    const SiteSpec& site = graph_.site_spec(id);
    const Workload& work = spec_.workload;
    const bool job = work.kind == WorkKind::kJob;
    const HourRate rate =
        site.hours.empty() || !job ? HourRate{} : site.hours[static_cast<size_t>(graph_.hour())];
    const int64_t part =
        work.best_effort && site.best_effort_asks_milli > 0 ? site.best_effort_asks_milli : 1000;
    const auto now = [&](Nanocredits ask) {
      return up(static_cast<__int128>(up(static_cast<__int128>(ask) * rate.asks_milli, 1000)) * part, 1000);
    };
    int64_t cpu = 0, cpu_free = 0, memory = 0, memory_free = 0, devices = 0, devices_free = 0;
    each_node(id, [&](NodeId node) {
      const NodeRow& row = graph_.node(node);
      cpu += row.cpu_milli;
      memory += row.memory_mib;
      devices += row.accelerators * 1000;
      if (row.cordoned) return;
      cpu_free += graph_.free(node).cpu_milli;
      memory_free += graph_.free(node).memory_mib;
      const DeviceRoom room = graph_.device_room(node);
      for (const DeviceFree& device : room.devices()) devices_free += device.milli;
    });
    SiteShadowPrice shadow;
    for (const SiteShadowPrice& one : graph_.shadow_prices().sites) {
      if (one.site == id) shadow = one;
    }
    const PricePolicy& policy = graph_.prices();
    ReckonedPrice out;
    Nanocredits asked = 0;
    const auto add = [&](int64_t amount, int64_t unit, Nanocredits ask, Nanocredits scarcity) {
      out.billed += up(static_cast<__int128>(amount) * now(ask), unit);
      asked += up(static_cast<__int128>(amount) * (now(ask) + (work.best_effort ? 0 : scarcity)), unit);
    };
    add(work.cpu_milli, 1000, site.asks.per_core_hour,
        std::max(scarce(policy.scarcity_core_hour, cpu, cpu_free), shadow.per_core_hour));
    add(work.memory_mib, 1024, site.asks.per_gib_hour,
        std::max(scarce(policy.scarcity_gib_hour, memory, memory_free), shadow.per_gib_hour));
    if (work.accelerators > 0) {
      add(devices_milli, 1000, site.asks.per_accelerator_hour, 0);
      asked += up(static_cast<__int128>(scarce_milli) *
                      std::max(scarce(policy.scarcity_accelerator_hour, devices, devices_free),
                               shadow.per_accelerator_hour),
                  1000);
    }
    // Of a kWh 1e6 mW in an hour; of a kilogram 1e6 mg.
    const int64_t grid_mg =
        up(static_cast<__int128>(site.power.grid_carbon_mg_per_kwh) * rate.grid_carbon_milli, 1000);
    const int64_t mw = up(
        static_cast<__int128>(up(static_cast<__int128>(work.cpu_milli) * site.power.peak_mw_per_core, 1000)) *
            site.power.pue_milli,
        1000);
    const Nanocredits carbon = up(static_cast<__int128>(up(static_cast<__int128>(mw) * grid_mg, 1'000'000)) *
                                      policy.carbon_price_per_kg,
                                  1'000'000);
    out.decision = up(static_cast<__int128>(asked) * spec_.prefer.cost_milli, 1000) +
                   up(static_cast<__int128>(carbon) * spec_.prefer.carbon_milli, 1000);
    return out;
  }

  // Of one direction, per Gbit/s.
  Nanocredits direction(LinkId id) const {
    Nanocredits shadow = 0;
    for (const LinkShadowPrice& one : graph_.shadow_prices().links) {
      if (one.link == id) shadow = one.per_gbps_hour;
    }
    const LinkSpec& spec = graph_.link_spec(id);
    return spec.per_gbps_hour +
           std::max(scarce(graph_.prices().scarcity_gbps_hour, spec.bandwidth_bps, graph_.load(id).free_bps),
                    shadow);
  }
  // Of one stream.
  Nanocredits link(LinkId id) const {
    const Nanocredits there = up(static_cast<__int128>(spec_.traffic.up_bps) * direction(id), 1'000'000'000);
    const Nanocredits back =
        up(static_cast<__int128>(spec_.traffic.down_bps) * direction(opposite(id)), 1'000'000'000);
    return up(static_cast<__int128>(there + back) * spec_.prefer.cost_milli, 1000);
  }
  int64_t latency_us(LinkId id) const {
    int64_t sum = 0;
    for (const LinkId one : {id, opposite(id)})
      sum += graph_.load(one).latency_us + graph_.load(one).jitter_us;
    const int64_t rate_milli = spec_.traffic.requests_per_second_milli;
    if (rate_milli == 0) return sum;
    for (const int64_t bps : {spec_.traffic.up_bps, spec_.traffic.down_bps}) {
      sum += up(static_cast<__int128>(up(static_cast<__int128>(bps) * 1000, rate_milli)) * 1'000'000,
                graph_.link_spec(id).bandwidth_bps);
    }
    return sum;
  }

  const Graph& graph_;
  const IntentSpec& spec_;
  std::vector<ReckonedPrice> sites_, kept_;
  std::vector<Nanocredits> links_;
  std::vector<int64_t> hops_us_;
};

}  // namespace weir
