#include "orchestration/plan/joint_problem.h"

#include <algorithm>
#include <numeric>

#include "core/graph/hours.h"
#include "core/graph/promise.h"
#include "orchestration/placement/site_offer.h"

namespace weir {
namespace {

constexpr Nanocredits kWorthMax = INT64_MAX / 4;

// Asks and carbon of one instance, weighted by the preferences: the decision price without scarcity, for
// which shadow prices stand here.
Nanocredits instance_price(const Graph& graph, SiteId id, const Workload& workload, const Prefer& prefer) {
  const Asks asks = asks_of(graph, id, workload);
  Nanocredits asked = charge(workload.cpu_milli, asks.per_core_hour, kCoreUnit);
  asked += charge(workload.memory_mib, asks.per_gib_hour, kGibUnit);
  asked += charge(workload.accelerators, asks.per_accelerator_hour, 1);
  const Nanocredits carbon = charge(carbon_mg_per_hour(power_of(graph, id, workload.kind), workload.cpu_milli),
                                    graph.prices().carbon_price_per_kg, 1'000'000);
  return charge(asked, prefer.cost_milli, 1000) + charge(carbon, prefer.carbon_milli, 1000);
}

bool has_a_node_for(const Graph& graph, SiteId site, const Workload& workload,
                    const std::vector<NodeFree>& free) {
  for (const NodeRange& range : graph.nodes(site)) {
    for (uint32_t n = range.first; n < range.first + range.count; ++n) {
      if (free[n].cpu_milli >= workload.cpu_milli && free[n].memory_mib >= workload.memory_mib &&
          free[n].accelerators >= workload.accelerators &&
          graph.takes(graph.node(NodeId(n)), workload)) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

Nanocredits worth_of(const JointWorth& worth, const Workload& workload) {
  Nanocredits sum = worth.per_intent;
  sum = saturating_add(sum, charge(workload.cpu_milli, worth.per_core_hour, kCoreUnit));
  sum = saturating_add(sum, charge(workload.memory_mib, worth.per_gib_hour, kGibUnit));
  sum = saturating_add(sum, charge(workload.accelerators, worth.per_accelerator_hour, 1));
  return std::min(sum, kWorthMax);
}

JointProblem::JointProblem(const Graph& graph, const JointWorth& worth) : graph_(graph), network_(graph) {
  node_free_.reserve(graph.node_count());
  for (size_t n = 0; n < graph.node_count(); ++n) node_free_.push_back(graph.free(NodeId(n)));
  capacity_.resize(graph.site_count() * 3 + graph.link_count());
  std::vector<NodeFree> held(graph.node_count());
  std::vector<int64_t> held_bps(graph.link_count());
  for (size_t l = 0; l < graph.link_count(); ++l)
    capacity_[resource(LinkId(l))] = graph.room_bps(LinkId(l));
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    const IntentId id(i);
    auto found = joint_item(graph, id, worth);
    if (!found) continue;
    if (const auto& active = graph.intent(id).active) free_what_it_holds(active->plan, held, held_bps);
    items_.push_back(*found);
  }
  for (size_t s = 0; s < graph.site_count(); ++s) {
    for (const NodeRange& range : graph.nodes(SiteId(s))) {
      for (uint32_t n = range.first; n < range.first + range.count; ++n) {
        if (graph.node(NodeId(n)).cordoned) continue;
        // Where less is offered than is held since, what is held may stay.
        capacity_[resource(SiteId(s), SiteResource::kCpu)] += std::max(held[n].cpu_milli, node_free_[n].cpu_milli);
        capacity_[resource(SiteId(s), SiteResource::kMemory)] += std::max(held[n].memory_mib, node_free_[n].memory_mib);
        capacity_[resource(SiteId(s), SiteResource::kAccelerators)] +=
            std::max(held[n].accelerators, node_free_[n].accelerators);
      }
    }
  }
  for (size_t l = 0; l < graph.link_count(); ++l) {
    int64_t& capacity = capacity_[resource(LinkId(l))];
    capacity = std::max(capacity, held_bps[l]);
  }
  // Kinds of work come to know their sites now that it is known what is free there.
  for (JointItem& one : items_) {
    const IntentSpec& spec = *graph.intent(one.intent).demand;
    one.work = work(spec, one.streams);
    one.traffic = traffic(spec);
  }
  current_.resize(items_.size());
  current_node_.resize(items_.size());
  for (uint32_t i = 0; i < items_.size(); ++i) {
    const auto& active = graph.intent(items_[i].intent).active;
    if (!active || active->plan.generation != graph.intent(items_[i].intent).generation) continue;
    const Placement& placement = active->plan.placements[0];
    if (works_[items_[i].work].price[placement.site.index()] == JointWork::kNever) continue;
    if (graph.node(placement.node).cordoned) continue;
    std::vector<LinkId> path =
        active->plan.flows.empty() ? std::vector<LinkId>{} : active->plan.flows[0].path;
    if (!std::all_of(path.begin(), path.end(), [&](LinkId link) { return graph.usable(link); })) continue;
    if (!fast_enough(i, placement.site, path)) continue;
    current_[i] = column(i, placement.site, std::move(path));
    current_node_[i] = placement.node;
  }
}

int64_t JointProblem::unit(Resource resource) const {
  if (resource >= graph_.site_count() * 3) return kGbpsUnit;
  switch (static_cast<SiteResource>(resource % 3)) {
    case SiteResource::kCpu:
      return kCoreUnit;
    case SiteResource::kMemory:
      return kGibUnit;
    case SiteResource::kAccelerators:
      return 1;
  }
  return 1;
}

JointColumn JointProblem::column(uint32_t item, SiteId site, std::vector<LinkId> path) const {
  const JointItem& one = items_[item];
  const Prefer& prefer = graph_.intent(one.intent).demand->prefer;
  JointColumn column{item, site, std::move(path), works_[one.work].price[site.index()]};
  column.price +=
      charge(path_per_hour(graph_, column.path, one.up_bps, one.down_bps), prefer.cost_milli, 1000);
  return column;
}

Nanocredits JointProblem::shadow_price(const JointColumn& column, const ShadowPrices& prices) const {
  Nanocredits sum = column.price;
  each_use(column, [&](Resource r, int64_t amount) {
    if (prices[r] > 0) sum += charge_down(amount, prices[r], unit(r));
  });
  return sum;
}

std::optional<JointItem> joint_item(const Graph& graph, IntentId intent, const JointWorth& worth) {
  const IntentRow& row = graph.intent(intent);
  if (row.state == IntentState::kWithdrawn || !row.demand || row.finished) return std::nullopt;
  const IntentSpec& spec = *row.demand;
  if (spec.workload.kind == WorkKind::kJob) return std::nullopt;  // its queue says when its turn comes
  // The pass counts whole devices, and knows no islands.
  if (spec.workload.accelerator_milli > 0 || spec.workload.accelerators_linked) return std::nullopt;
  if (!spec.where.near.empty() || !spec.where.apart_from.empty()) return std::nullopt;  // where others stand may change meanwhile
  if (spec.from.size() > 1 || spreads(spec.where) || spec.promise.availability_ppm > 0 ||
      spec.budget_per_hour_max > 0 || !residency_demand(graph, spec)) {
    return std::nullopt;
  }
  JointItem item{.intent = intent, .streams = 1, .worth = worth_of(worth, spec.workload)};
  if (!spec.from.empty()) {
    item.ingress = spec.from[0].site;
    item.streams = spec.from[0].streams;
    if (item.streams < 1 || item.streams > spec.workload.streams_per_instance) return std::nullopt;
    const Liveness state = graph.site(item.ingress).state;
    if (state != Liveness::kUp && state != Liveness::kDraining) return std::nullopt;
    item.up_bps = item.streams * spec.traffic.up_bps;
    item.down_bps = item.streams * spec.traffic.down_bps;
    if (spec.promise.latency_us_max > 0) item.latency_us_max = spec.promise.latency_us_max;
  }
  if (row.active) {
    const CommittedPlan& active = *row.active;
    if (active.plan.placements.size() != 1 || active.plan.flows.size() != spec.from.size())
      return std::nullopt;
    if (active.placement_passed_on[0] || (!active.plan.flows.empty() && active.flow_passed_on[0]))
      return std::nullopt;
    const RunId id = active.run(0);
    const auto run =
        std::find_if(row.runs.begin(), row.runs.end(), [id](const RunRow& r) { return r.run == id; });
    if (run == row.runs.end() || has_ended(run->state)) return std::nullopt;
    // It goes on where it is, and could not be placed there any more.
    const Placement& placement = active.plan.placements[0];
    if (place_obstacle(graph, spec, placement.site).code != ReasonCode::kNone ||
        graph.node(placement.node).speed_milli < spec.workload.speed_milli_min) {
      return std::nullopt;
    }
  }
  return item;
}

uint32_t JointProblem::work(const IntentSpec& spec, int32_t streams) {
  const uint64_t residency = *residency_demand(graph_, spec);
  const Workload& workload = spec.workload;
  std::vector<int64_t> key = {workload.cpu_milli,
                              workload.memory_mib,
                              workload.accelerators,
                              graph_.accelerator_models().find(workload.accelerator_model),
                              workload.accelerator_memory_mib,
                              workload.accelerator_fp16_gflops_min,
                              workload.speed_milli_min,
                              spec.prefer.cost_milli,
                              spec.prefer.carbon_milli,
                              spec.traffic.requests_per_second_milli,
                              spec.traffic.work_us_per_request,
                              spec.promise.percentile_ppm,
                              streams,
                              static_cast<int64_t>(residency),
                              static_cast<int64_t>(graph_.taint_mask(spec.where.tolerates)),
                              static_cast<int64_t>(spec.where.at_data ? spec.data.size() : 0),
                              static_cast<int64_t>(spec.where.only.size())};
  if (spec.where.at_data) {
    for (const DatasetId data : spec.data) key.push_back(data.value);
  }
  for (const SiteId site : spec.where.only) key.push_back(site.value);
  for (const SiteId site : spec.where.not_at) key.push_back(site.value);
  const auto [known, fresh] = work_of_.try_emplace(std::move(key), static_cast<uint32_t>(works_.size()));
  if (!fresh) return known->second;
  JointWork work{.workload = workload};
  for (size_t s = 0; s < graph_.site_count(); ++s) {
    const SiteId site(s);
    const SiteRow& row = graph_.site(site);
    const auto service = service_time(graph_, site, spec, streams);
    const bool may = row.state == Liveness::kUp && place_obstacle(graph_, spec, site).code == ReasonCode::kNone &&
                     (row.residency & residency) == residency && service &&
                     has_a_node_for(graph_, site, workload, node_free_);
    work.price.push_back(may ? instance_price(graph_, site, workload, spec.prefer) : JointWork::kNever);
    work.service_us.push_back(may ? service->work_us + service->queueing_us : 0);
  }
  works_.push_back(std::move(work));
  return known->second;
}

uint32_t JointProblem::traffic(const IntentSpec& spec) {
  const int64_t common = std::max<int64_t>(1, std::gcd(spec.traffic.up_bps, spec.traffic.down_bps));
  JointTraffic traffic{spec.traffic.up_bps / common, spec.traffic.down_bps / common, stream_demand(spec)};
  traffic.demand.up_bps = traffic.demand.down_bps = 0;
  const auto [known, fresh] =
      traffic_of_.try_emplace({traffic.up, traffic.down, traffic.demand.request_bits,
                               traffic.demand.response_bits, traffic.demand.cost_milli},
                              static_cast<uint32_t>(traffics_.size()));
  if (fresh) traffics_.push_back(traffic);
  return known->second;
}

bool JointProblem::fast_enough(uint32_t item, SiteId site, const std::vector<LinkId>& path) const {
  const JointItem& one = items_[item];
  if (one.latency_us_max == INT64_MAX) return true;
  return path_round_trip_us(graph_, path) +
             path_serialisation_us(graph_, path, graph_.intent(one.intent).demand->traffic) +
             works_[one.work].service_us[site.index()] <=
         one.latency_us_max;
}

void JointProblem::free_what_it_holds(const Plan& plan, std::vector<NodeFree>& held, std::vector<int64_t>& held_bps) {
  const Placement& placement = plan.placements[0];
  for (auto* nodes : {&node_free_, &held}) {
    NodeFree& node = (*nodes)[placement.node.index()];
    node.cpu_milli += placement.cpu_milli;
    node.memory_mib += placement.memory_mib;
    node.accelerators += placement.accelerators;
  }
  for (const Flow& flow : plan.flows) {
    for (const LinkId forward : flow.path) {
      for (const auto& [link, bps] : {std::pair(forward, flow.up_bps), std::pair(opposite(forward), flow.down_bps)}) {
        capacity_[resource(link)] += bps;
        held_bps[link.index()] += bps;
      }
    }
  }
}

}  // namespace weir
