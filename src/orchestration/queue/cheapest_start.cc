#include "orchestration/queue/cheapest_start.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "core/graph/hours.h"
#include "core/price/price.h"

namespace weir::queue {
namespace {

constexpr TimeUs kHoursADay = 24;

// What the intent and its data demand; none: no site has it.
std::optional<uint64_t> residency_of(const Graph& graph, const IntentSpec& spec) {
  auto mask = graph.residency_mask(spec.where.residency);
  if (!mask) return std::nullopt;
  for (const DatasetId id : spec.data) {
    if (id.index() < graph.dataset_count()) *mask |= graph.dataset(id).residency;
  }
  return mask;
}

bool has_right_accelerator(const Graph& graph, SiteId site, const Workload& work) {
  if (work.accelerators == 0) return true;
  for (const NodeRange& range : graph.nodes(site)) {
    for (uint32_t n = range.first; n < range.first + range.count; ++n) {
      if (graph.right_accelerator(graph.node(NodeId(n)), work)) return true;
    }
  }
  return false;
}

std::vector<SiteId> sites_for(const Graph& graph, const IntentSpec& spec, const Job& job) {
  std::vector<SiteId> sites;
  const auto residency = residency_of(graph, spec);
  if (!residency) return sites;
  for (size_t s = 0; s < graph.site_count(); ++s) {
    const SiteId site(s);
    if (!job.pools.empty() && !std::binary_search(job.pools.begin(), job.pools.end(), site.value)) continue;
    const SiteRow& row = graph.site(site);
    if (row.state != Liveness::kUp || (row.residency & *residency) != *residency) continue;
    const SiteLoad& load = graph.load(site);
    const Amount all{load.cpu_milli_total, load.memory_mib_total,
                     int64_t{load.accelerators_total} * kDeviceMilli};
    if (job.each.times_in(all, 1) == 0 || !has_right_accelerator(graph, site, spec.workload)) continue;
    sites.push_back(site);
  }
  // One that holds all of it, where any does.
  std::vector<SiteId> whole = sites;
  std::erase_if(whole, [&](SiteId site) {
    const SiteLoad& load = graph.load(site);
    return job.each.times_in(
               {load.cpu_milli_total, load.memory_mib_total, int64_t{load.accelerators_total} * kDeviceMilli},
               job.count) < job.count;
  });
  return whole.empty() ? sites : whole;
}

// As the decision price has it, without scarcity.
Nanocredits price_at(const Graph& graph, SiteId site, const HourRate& rate, const IntentSpec& spec) {
  const Workload& work = spec.workload;
  const Asks asks = asks_at(graph.site(site).asks, rate);
  Nanocredits asked = charge(work.cpu_milli, asks.per_core_hour, kCoreUnit);
  asked = saturating_add(asked, charge(work.memory_mib, asks.per_gib_hour, kGibUnit));
  asked = saturating_add(asked, charge(device_milli(work), asks.per_accelerator_hour, kDeviceMilli));
  const Nanocredits carbon =
      charge(carbon_mg_per_hour(power_at(graph.site(site).power, rate), work.cpu_milli),
             graph.prices().carbon_price_per_kg, 1'000'000);
  return saturating_add(charge(asked, spec.prefer.cost_milli, 1000),
                        charge(carbon, spec.prefer.carbon_milli, 1000));
}

}  // namespace

CheapestStart cheapest_start(const Graph& graph, const IntentRow& row, const Job& job) {
  const IntentSpec& spec = *row.spec;
  const Schedule& schedule = spec.schedule;
  if (graph.hourly_sites() == 0 || schedule.start_slack_us == 0 || !schedule.reservation.empty()) return {};
  const TimeUs from = std::max(row.submitted_at, schedule.not_before);
  TimeUs to = from + schedule.start_slack_us;
  if (schedule.deadline != 0) {
    const TimeUs runs_us =
        schedule.run_time_us_max > 0 ? schedule.run_time_us_max : schedule.run_time_us_estimated;
    if (runs_us == 0) return {};
    to = std::min(to, schedule.deadline - runs_us);
  }
  if (to < next_hour(from)) return {};
  std::vector<SiteId> hourly = sites_for(graph, spec, job);
  Nanocredits flat = INT64_MAX;  // the least of those that ask the same at all hours
  std::erase_if(hourly, [&](SiteId site) {
    if (!graph.site_spec(site).hours.empty()) return false;
    flat = std::min(flat, price_at(graph, site, HourRate{}, spec));
    return true;
  });
  if (hourly.empty()) return {};
  const auto cheapest = [&](int32_t hour) {
    Nanocredits least = flat;
    for (const SiteId site : hourly) {
      least = std::min(least, price_at(graph, site, graph.site_spec(site).hours[static_cast<size_t>(hour)], spec));
    }
    return least;
  };
  CheapestStart best{0, cheapest(hour_of_day(from)), cheapest(graph.hour())};
  TimeUs at = next_hour(from);
  for (TimeUs k = 1; k < kHoursADay && at <= to; ++k, at += kUsOfHour) {
    const Nanocredits price = cheapest(hour_of_day(at));
    if (price >= best.per_hour) continue;
    best.per_hour = price;
    best.at = at;
  }
  return best;
}

}  // namespace weir::queue
