#include "core/graph/promise.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/graph/hours.h"
#include "core/price/price.h"
#include "core/units/bisect.h"

namespace weir {
namespace {

constexpr int64_t kLoadMaxPpm = 950'000;

// 1e6 * ln(1 / (1 - p)) for the percentiles that a promise can name; others take the next higher.
constexpr std::array<std::pair<int32_t, int64_t>, 9> kTail = {{{500'000, 693'147},
                                                               {750'000, 1'386'294},
                                                               {900'000, 2'302'585},
                                                               {950'000, 2'995'732},
                                                               {990'000, 4'605'170},
                                                               {995'000, 5'298'317},
                                                               {999'000, 6'907'755},
                                                               {999'900, 9'210'340},
                                                               {999'999, 13'815'511}}};

int64_t tail_ppm(int32_t percentile_ppm) {
  for (const auto& [percentile, value] : kTail) {
    if (percentile_ppm <= percentile) return value;
  }
  return kTail.back().second;
}

// Largest r with r * r <= value.
int64_t square_root(__int128 value) {
  return greatest(int64_t{0}, (int64_t{1} << 40) + 1, [value](int64_t root) { return static_cast<__int128>(root) * root <= value; });
}

}  // namespace

std::optional<ServiceTime> service_time(const Workload& workload, const Traffic& traffic,
                                        int32_t percentile_ppm, int32_t speed_milli, int32_t streams) {
  if (traffic.work_us_per_request == 0 || traffic.requests_per_second_milli == 0 || streams == 0)
    return ServiceTime{};
  const int64_t core_us = charge(traffic.work_us_per_request, 1000, std::max(1, speed_milli));
  // A request runs on one core, or on the share of it that is reserved.
  const int64_t share_milli = std::clamp<int64_t>(workload.cpu_milli, 1, 1000);
  const int64_t service_us = charge(core_us, 1000, share_milli);
  // Work offered per second against work that can be done: requests/s * seconds of core, over cores.
  const __int128 offered =
      static_cast<__int128>(streams) * traffic.requests_per_second_milli * core_us;  // 1e-9 cores
  const int64_t load_ppm =
      static_cast<int64_t>(std::min<__int128>(offered / std::max(1, workload.cpu_milli), 2 * kPpm));
  if (load_ppm > kLoadMaxPpm) return std::nullopt;

  // x = N/2 * (sqrt((1 - load)^2 + 2L/N) - (1 - load)), in ppm of a service time.
  const int64_t idle = kPpm - load_ppm;
  const __int128 inside = static_cast<__int128>(idle) * idle +
                          static_cast<__int128>(2) * tail_ppm(percentile_ppm) * kPpm / streams;
  const int64_t x_ppm = (square_root(inside) - idle) * streams / 2;
  const int64_t waiting = std::min<int64_t>(x_ppm, (streams - 1) * kPpm);
  return ServiceTime{service_us, charge(service_us, waiting, kPpm)};
}

std::optional<ServiceTime> service_time(const Graph& graph, SiteId site, const IntentSpec& spec,
                                        int32_t streams) {
  return service_time(spec.workload, spec.traffic, spec.promise.percentile_ppm,
                      graph.load(site).speed_milli_min, streams);
}

int64_t path_serialisation_us(const Graph& graph, const std::vector<LinkId>& path, const Traffic& traffic) {
  const int64_t rate_milli = traffic.requests_per_second_milli;
  if (rate_milli == 0) return 0;
  const int64_t request_bits = charge(traffic.up_bps, 1000, rate_milli);
  const int64_t response_bits = charge(traffic.down_bps, 1000, rate_milli);
  int64_t sum = 0;
  for (const LinkId id : path) {
    const int64_t bandwidth_bps = graph.link(id).bandwidth_bps;  // of both directions
    if (bandwidth_bps <= 0) continue;
    sum += charge(request_bits, 1'000'000, bandwidth_bps) + charge(response_bits, 1'000'000, bandwidth_bps);
  }
  return sum;
}

SiteId site_crossed(const Graph& graph, const std::vector<LinkId>& path) {
  for (size_t hop = 0; hop + 1 < path.size(); ++hop) {
    const SiteId site = graph.site_at(graph.link(path[hop]).to);
    if (site.valid()) return site;
  }
  return {};
}

int64_t way_availability_ppm(const Graph& graph, SiteId site, const std::vector<LinkId>& path,
                             const std::vector<LinkId>& protection) {
  const auto together = [&graph](const std::vector<LinkId>& links) {
    int64_t ppm = kPpm;
    for (const LinkId id : links) ppm = ppm * graph.link(id).availability_ppm / kPpm;
    return ppm;
  };
  int64_t there = together(path);
  if (!protection.empty()) there = kPpm - charge(kPpm - there, kPpm - together(protection), kPpm);
  return there * graph.site(site).availability_ppm / kPpm;
}

Common region_of(const Graph& graph, SiteId site) {
  const std::string& name = graph.site_spec(site).region;
  return {name, name.empty() ? site : SiteId{}};
}

Common failure_domain_of(const Graph& graph, SiteId site) {
  const std::string& name = graph.site_spec(site).failure_domain;
  return {name, name.empty() ? site : SiteId{}};
}

void Spread::add(SiteId site) {
  if (!sites_.insert(site).second) return;
  regions_.insert(region_of(*graph_, site));
  failure_domains_.insert(failure_domain_of(*graph_, site));
}

Reason Spread::lacks(const Where& where) const {
  if (failure_domains() < where.failure_domains_min) {
    return {ReasonCode::kFailureDomains, SiteId{}, SiteId{}, where.failure_domains_min, failure_domains()};
  }
  if (regions() < where.regions_min) return {ReasonCode::kRegions, SiteId{}, SiteId{}, where.regions_min, regions()};
  if (sites() < where.sites_min) return {ReasonCode::kSpread, SiteId{}, SiteId{}, where.sites_min, sites()};
  return {};
}

void Availability::add(SiteId ingress, SiteId site, int64_t way_ppm) {
  const auto key = std::make_pair(ingress, site);
  const auto at = std::lower_bound(ways_.begin(), ways_.end(), key, [](const Way& way, const auto& k) {
    return std::make_pair(way.ingress, way.site) < k;
  });
  if (at != ways_.end() && std::make_pair(at->ingress, at->site) == key) {
    at->ppm = std::min(at->ppm, way_ppm);
  } else {
    ways_.insert(at, {ingress, site, way_ppm});
  }
}

std::set<SiteId> Availability::sites(SiteId ingress) const {
  std::set<SiteId> out;
  for (const Way& way : ways_) {
    if (way.ingress == ingress) out.insert(way.site);
  }
  return out;
}

int32_t Availability::worst_ppm(const Graph& graph) const {
  int64_t worst = kPpm;
  for (size_t i = 0; i < ways_.size();) {
    int64_t lowest = kPpm;
    std::vector<std::pair<Common, int64_t>> best;  // by failure domain, in order of their first sites
    const SiteId ingress = ways_[i].ingress;
    for (; i < ways_.size() && ways_[i].ingress == ingress; ++i) {
      lowest = std::min(lowest, ways_[i].ppm);
      if (!spread_) continue;
      const Common domain = failure_domain_of(graph, ways_[i].site);
      const auto known = std::find_if(best.begin(), best.end(), [&domain](const auto& one) { return one.first == domain; });
      if (known == best.end()) {
        best.emplace_back(domain, ways_[i].ppm);
      } else {
        known->second = std::max(known->second, ways_[i].ppm);
      }
    }
    int64_t none = kPpm;  // that no site is available
    for (const auto& [domain, ppm] : best) none = charge(none, kPpm - ppm, kPpm);
    worst = std::min(worst, spread_ ? kPpm - none : lowest);
  }
  return static_cast<int32_t>(worst);
}

bool instances_exchange(const IntentSpec& spec) { return spec.from.empty() && spec.traffic.between_bps > 0; }

int64_t bps_between(const Traffic& traffic, int32_t here, int32_t there) {
  const __int128 exchanged = static_cast<__int128>(std::min(here, there)) * traffic.between_bps;
  return static_cast<int64_t>(exchanged / std::max(there, 1));
}

PlanTotals plan_totals(const Graph& graph, const IntentSpec& spec, const Plan& plan) {
  PlanTotals totals;
  Availability availability(spreads(spec.where));
  for (const Placement& p : plan.placements) {
    const SiteRow& site = graph.site(p.site);
    totals.billed_per_hour += placement_per_hour(p);
    const Power power = power_of(graph, p.site, spec.workload.kind);
    totals.power_mw += power_mw(power, p.cpu_milli);
    totals.carbon_mg_per_hour += carbon_mg_per_hour(power, p.cpu_milli);
    if (spec.from.empty()) availability.add(SiteId{}, p.site, site.availability_ppm);
  }
  for (const Flow& flow : plan.flows) {
    const SiteId site = plan.placements[flow.placement].site;
    totals.billed_per_hour += flow.path_per_hour;
    if (flow.streams == 0) continue;
    availability.add(flow.ingress, site, way_availability_ppm(graph, site, flow.path, flow.protection));
  }
  totals.availability_ppm = availability.worst_ppm(graph);
  return totals;
}

}  // namespace weir
