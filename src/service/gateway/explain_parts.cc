#include "service/gateway/explain_parts.h"

#include <algorithm>

#include "core/loop/links.h"
#include "core/units/quantity.h"
#include "service/gateway/explain.h"

namespace weir::gateway {

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string out;
  for (const std::string& part : parts) {
    if (!out.empty()) out += between;
    out += part;
  }
  return out;
}

bool of_a_pass(ReasonCode code) {
  return code == ReasonCode::kTogether || code == ReasonCode::kConsolidated || code == ReasonCode::kRerouted;
}

std::string credits_text(Nanocredits nanocredits) {
  return format_money((nanocredits + (nanocredits >= 0 ? 500 : -500)) / 1000 * 1000);
}

std::optional<KeptLink> kept_link(const Graph& graph, const Reason& reason) {
  if (!graph.keeps_bandwidth() || !reason.ingress.valid() || !reason.site.valid()) return std::nullopt;
  // Of other ways whoever asks knows nothing, and is told nothing.
  std::vector<LinkId> way = routed_way(graph, graph.site(reason.ingress).vertex, graph.site(reason.site).vertex).value_or(std::vector<LinkId>());
  for (const LinkId back : reversed(way)) way.push_back(back);
  for (const LinkId link : way) {
    const int64_t kept_bps = graph.kept_bps(link, {}), free_bps = graph.load(link).free_bps;
    if (kept_bps == 0 || free_bps < reason.needed || std::max<int64_t>(free_bps - kept_bps, 0) != reason.available) continue;
    TimeUs until = INT64_MAX;
    for (size_t r = 0; r < graph.reservation_count(); ++r) {
      const TimeUs to = graph.reservation(ReservationId(r)).spec.to;
      if (to < until && graph.room_bps(link, {to, INT64_MAX, {}}) >= reason.needed) until = to;
    }
    return KeptLink{link, kept_bps, until};
  }
  return std::nullopt;
}

std::vector<Group> groups_of(const Graph& graph, const Plan& plan, SiteId only) {
  std::vector<Group> out;
  std::map<std::tuple<SiteId, SiteId, std::vector<LinkId>>, size_t> known;
  for (const Flow& flow : plan.flows) {
    if (only.valid() && flow.ingress != only) continue;
    const SiteId to = plan.placements[flow.placement].site;
    const auto [it, fresh] = known.try_emplace({flow.ingress, to, flow.path}, out.size());
    if (fresh) out.push_back({.ingress = flow.ingress, .way = hops(graph, flow.ingress, flow.path)});
    Group& group = out[it->second];
    group.placements.insert(flow.placement);
    group.streams += flow.streams;
    group.path += flow.path_per_hour;
    if (!group.worst || flow.latency_us_predicted > group.worst->latency_us_predicted) group.worst = &flow;
  }
  return out;
}

Nanocredits compute_per_hour(const Plan& plan, const Group& group) {
  Nanocredits out = 0;
  for (const uint32_t k : group.placements) out += placement_per_hour(plan.placements[k]);
  return out;
}

std::map<std::pair<SiteId, NodeId>, int64_t> places_of(const Plan& plan) {
  std::map<std::pair<SiteId, NodeId>, int64_t> out;
  for (const Placement& placement : plan.placements) ++out[{placement.site, placement.node}];
  return out;
}

std::set<SiteId> whereabouts_of(const Graph& graph, const Reason& reason) {
  const auto row = static_cast<size_t>(reason.needed);
  std::set<SiteId> at;
  if (reason.needed < 0) return at;
  if (reason.code == ReasonCode::kDataElsewhere) {
    if (row < graph.dataset_count()) {
      const auto& sites = graph.dataset(DatasetId(row)).spec.at;
      at.insert(sites.begin(), sites.end());
    }
  } else if (row < graph.intent_count() && graph.intent(IntentId(row)).active) {
    for (const Placement& p : graph.intent(IntentId(row)).active->plan.placements) at.insert(p.site);
  }
  return at;
}

std::string taints_in_the_way(const Graph& graph, const IntentSpec& spec, SiteId site) {
  std::vector<std::string> out;
  if (site.index() < graph.site_count()) {
    for (const auto& taint : graph.site_spec(site).taints) {
      if (std::find(spec.where.tolerates.begin(), spec.where.tolerates.end(), taint) == spec.where.tolerates.end()) out.push_back(taint);
    }
  }
  return joined(out, ", ");
}

std::optional<std::pair<int64_t, int64_t>> instances_with_room(const IntentSpec& spec, const Reason& reason) {
  const int64_t each = spec.workload.cpu_milli;
  if (reason.code != ReasonCode::kCpu || each <= 0 || reason.available >= reason.needed) return std::nullopt;
  return std::pair(reason.available / each, reason.needed / each);
}

}  // namespace weir::gateway
