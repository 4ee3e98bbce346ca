#include "core/graph/graph.h"

#include <algorithm>
#include <bit>

#include "core/event/limits.h"

namespace weir {

Graph::Graph() = default;
Graph::Graph(const Graph& other) = default;
Graph::Graph(Graph&& other) noexcept = default;
Graph& Graph::operator=(const Graph& other) = default;
Graph& Graph::operator=(Graph&& other) noexcept = default;
Graph::~Graph() = default;

SiteId Graph::site_at(VertexId vertex) const {
  size_t low = 0, high = sites_.size();  // both kinds of identifier are given out in order of joining
  while (low < high) {
    const size_t mid = (low + high) / 2;
    if (sites_[mid].vertex < vertex) {
      low = mid + 1;
    } else {
      high = mid;
    }
  }
  return low < sites_.size() && sites_[low].vertex == vertex ? SiteId(low) : SiteId{};
}

LinkId Graph::find_link(std::string_view name) const {
  const uint32_t row = link_names_.find(name);
  return row == LinkId::kNone ? LinkId{} : LinkId(row * 2);
}

Nanocredits Graph::link_price(LinkId id) const {
  const LinkRow& row = link(id);
  const Nanocredits of_use = scarcity(kScarcityPpm, prices_.scarcity_gbps_hour,
                                      utilisation_bucket(row.bandwidth_bps, load(id).free_bps));
  return row.per_gbps_hour + std::max(of_use, shadow(id));
}

bool allows(const Where& where, SiteId site) {
  const auto names = [site](const std::vector<SiteId>& sites) {
    return std::find(sites.begin(), sites.end(), site) != sites.end();
  };
  return !names(where.not_at) && (where.only.empty() || names(where.only));
}

int32_t instances_at(const Graph& graph, IntentId intent, SiteId site) {
  if (intent.index() >= graph.intent_count()) return 0;
  const IntentRow& row = graph.intent(intent);
  if (!row.active) return 0;
  const auto& placements = row.active->plan.placements;
  int32_t count = 0;
  for (size_t k = 0; k < placements.size(); ++k) {
    if (placements[k].site != site) continue;
    const RunId id = row.active->run(k);
    count += std::none_of(row.runs.begin(), row.runs.end(), [id](const RunRow& run) { return run.run == id && has_ended(run.state); });
  }
  return count;
}

Reason place_obstacle(const Graph& graph, const Where& where, const std::vector<DatasetId>& data, SiteId site) {
  const auto because = [site](ReasonCode code, int64_t needed = 0, int64_t available = 0) {
    return Reason{code, site, SiteId{}, needed, available};
  };
  if (!allows(where, site)) return because(ReasonCode::kForbidden);
  if (const uint64_t taints = graph.site(site).taints; taints != 0) {
    if (const int count = std::popcount(taints & ~graph.taint_mask(where.tolerates)); count > 0) {
      return because(ReasonCode::kTaint, count);
    }
  }
  if (where.at_data) {
    for (const DatasetId id : data) {
      if (id.index() >= graph.dataset_count()) return because(ReasonCode::kDataElsewhere, id.value);
      const std::vector<SiteId>& at = graph.dataset(id).spec.at;
      if (std::find(at.begin(), at.end(), site) == at.end()) {
        return because(ReasonCode::kDataElsewhere, id.value, static_cast<int64_t>(at.size()));
      }
    }
  }
  for (const IntentId other : where.apart_from) {
    if (const int32_t there = instances_at(graph, other, site); there > 0) {
      return because(ReasonCode::kAntiAffinity, other.value, there);
    }
  }
  for (const IntentId other : where.near) {
    if (instances_at(graph, other, site) == 0) return because(ReasonCode::kAffinity, other.value);
  }
  return {};
}

ReservationId Graph::find_reservation(TenantId tenant, std::string_view name) const {
  for (size_t i = reservations_.size(); i-- > 0;) {
    if (reservations_[i]->tenant == tenant && reservations_[i]->spec.name == name) return ReservationId(i);
  }
  return {};
}

int32_t instances_asked(const IntentSpec& spec) {
  return std::max({1, spec.where.sites_min, spec.where.regions_min, spec.where.failure_domains_min, spec.schedule.instances});
}

std::shared_ptr<const IntentSpec> with_instances(const IntentSpec& spec, int32_t instances) {
  IntentSpec out = spec;
  out.schedule.instances = instances;
  return std::make_shared<const IntentSpec>(std::move(out));
}

std::shared_ptr<const IntentSpec> with_work(const IntentSpec& spec, int64_t work_us_per_request) {
  auto out = std::make_shared<IntentSpec>(spec);
  out->traffic.work_us_per_request = work_us_per_request;
  return out;
}

IntentId Graph::find_intent(std::string_view tenant, std::string_view name) const {
  std::string key;
  key.reserve(tenant.size() + 1 + name.size());
  key.append(tenant).append("/").append(name);
  return IntentId(intent_names_.find(key));
}

IntentId Graph::find_task(IntentId array, uint32_t task) const {
  if (array.index() >= intents_.size()) return {};
  return IntentId(intent_names_.find(intent_name(array) + "." + std::to_string(task)));
}

const Metered* Graph::metered(IntentId id, RunId run, SiteId site) const {
  if (id.index() >= intents_.size()) return nullptr;
  for (const RunRow& held : intent(id).runs) {
    if (held.run == run) return held.site == site ? &held.metered : nullptr;
  }
  for (const RetiredRun& retired : intent(id).retired_runs) {
    if (retired.run != run) continue;
    return retired.site == site && now_ - retired.retired <= kRetiredUsageUs ? &retired.metered : nullptr;
  }
  return nullptr;
}

TimeUs Graph::certificates_revoked_until(SiteId site) const {
  const auto found = revoked_until_->find(site);
  return found == revoked_until_->end() ? 0 : found->second;
}

const TokenRow* Graph::find_token(std::string_view token) const {
  const uint32_t row = token_names_.find(token);
  return row == Id<void>::kNone ? nullptr : &*tokens_[row];
}

std::optional<uint64_t> Graph::intern_taints(const std::vector<std::string>& taints) {
  size_t fresh = 0;
  for (const auto& taint : taints) fresh += taint_names_.find(taint) == Id<void>::kNone;
  if (taint_names_.size() + fresh > limits::kTaintsKnownMax) return std::nullopt;
  for (const auto& taint : taints) {
    if (taint_names_.find(taint) == Id<void>::kNone) taint_names_.add(taint);
  }
  return taint_mask(taints);
}

void Graph::count_named(const IntentSpec& spec, int sign) {
  for (const auto* names : {&spec.where.near, &spec.where.apart_from}) {
    for (const IntentId id : *names) intents_.mutate(id.index()).mutate().named += static_cast<uint32_t>(sign);
  }
}

std::optional<uint64_t> Graph::residency_mask(const std::vector<std::string>& labels) const {
  uint64_t mask = 0;
  for (const auto& label : labels) {
    const uint32_t bit = residency_labels_.find(label);
    if (bit == Id<void>::kNone) return std::nullopt;
    mask |= uint64_t{1} << bit;
  }
  return mask;
}

uint64_t Graph::taint_mask(const std::vector<std::string>& taints) const {
  uint64_t mask = 0;
  for (const auto& taint : taints) {
    const uint32_t bit = taint_names_.find(taint);
    if (bit != Id<void>::kNone) mask |= uint64_t{1} << bit;
  }
  return mask;
}

GraphBytes Graph::bytes() const {
  GraphBytes total;
  total.scheduling = sites_.bytes() + site_loads_.bytes() + site_nodes_.bytes() + nodes_.bytes() +
                     node_free_.bytes() + node_spare_.bytes() + devices_.bytes() + device_free_.bytes() + node_racks_.bytes() + links_out_.bytes() + links_.bytes() + link_loads_.bytes() + repriced_.bytes();
  for (size_t i = 0; i < site_nodes_.size(); ++i) total.scheduling += site_nodes_[i].capacity() * sizeof(NodeRange);
  for (size_t i = 0; i < links_out_.size(); ++i) total.scheduling += links_out_[i].capacity() * sizeof(LinkId);
  total.strings = site_names_.bytes() + vertex_names_.bytes() + link_names_.bytes() + tenants_.bytes() +
                  intent_names_.bytes() + dataset_names_.bytes() + token_names_.bytes() + node_names_.bytes() + rack_names_.bytes() +
                  site_specs_.size() * sizeof(SiteSpec);
  for (size_t i = 0; i < node_names_.size(); ++i) {
    if (node_names_[i].capacity() > 15) total.strings += node_names_[i].capacity() + 1;
  }
  total.commitments = intents_.bytes();
  for (size_t i = 0; i < intents_.size(); ++i) {
    const IntentRow& row = *intents_[i];
    total.commitments += sizeof(IntentRow) + row.runs.capacity() * sizeof(RunRow) +
                         row.retired_runs.capacity() * sizeof(RetiredRun);
    const auto add = [&total](const CommittedPlan& held) {
      total.commitments += sizeof(CommittedPlan) + held.plan.placements.capacity() * sizeof(Placement) +
                           held.plan.flows.capacity() * sizeof(Flow);
    };
    if (row.active) add(*row.active);
    for (const auto& held : row.retiring) add(*held);
  }
  return total;
}

bool Graph::steerable(const std::vector<LinkId>& path) const {
  return std::all_of(path.begin(), path.end(), [this](LinkId id) { return links_[id.index()].steerable; });
}

}  // namespace weir
