#include "orchestration/workflow/stream_problem.h"

#include <algorithm>
#include <map>

#include "core/graph/promise.h"
#include "core/price/price.h"
#include "orchestration/path/path_search.h"
#include "orchestration/placement/site_offer.h"

namespace weir {
namespace {

std::shared_ptr<const StreamProblem::LinkCosts> link_costs(const Graph& graph, const WorkflowEdge& edge,
                                                           int32_t cost_milli) {
  const StreamDemand demand{.up_bps = edge.bps, .cost_milli = cost_milli};
  auto costs = std::make_shared<StreamProblem::LinkCosts>();
  for (size_t l = 0; l < graph.link_count(); ++l) {
    const LinkId link(l);
    const LinkLoad& load = graph.load(link);
    const bool open = graph.usable(link) && graph.room_bps(link) >= edge.bps;
    costs->price.push_back(open ? std::min(kImpossible, hop_price(graph, link, demand)) : kImpossible);
    const int64_t bandwidth_bps = graph.link(link).bandwidth_bps;
    const int64_t sending_us =
        edge.item_bits == 0 || bandwidth_bps <= 0 ? 0 : charge(edge.item_bits, 1'000'000, bandwidth_bps);
    costs->latency_us.push_back(
        std::min(kImpossible, int64_t{load.latency_us} + load.jitter_us + sending_us));
  }
  return costs;
}

void add_plain_ways(const Graph& graph, StreamProblem& problem) {
  const size_t sites = graph.site_count();
  problem.plain_from.resize(sites);
  problem.plain_to.resize(sites);
  if (problem.network->all_steerable() || sites > kPlainSitesMax) return;
  PathMemory memory;
  memory.follow(graph);
  for (size_t a = 0; a < sites; ++a) {
    for (size_t b = 0; b < sites; ++b) {
      if (a == b) continue;
      auto links = routed_path(graph, memory, graph.site(SiteId(a)).vertex, graph.site(SiteId(b)).vertex);
      if (!links || graph.steerable(*links)) continue;
      problem.plain_from[a].push_back(static_cast<uint32_t>(problem.plain.size()));
      problem.plain_to[b].push_back(static_cast<uint32_t>(problem.plain.size()));
      problem.plain.push_back({SiteId(a), SiteId(b), std::move(*links)});
    }
  }
}

}  // namespace

bool may_be_at(const Graph& graph, const Workflow& workflow, const Stage& stage, uint64_t residency, SiteId site) {
  if (!stage.at.empty()) return std::find(stage.at.begin(), stage.at.end(), site) != stage.at.end();
  return place_obstacle(graph, workflow.where, {}, site).code == ReasonCode::kNone &&
         (graph.site(site).residency & residency) == residency;
}

Result<StreamProblem> stream_problem(const Graph& graph, const Workflow& workflow) {
  StreamProblem problem{.graph = &graph,
                        .network = std::make_shared<const Network>(graph),
                        .latency_us_max = workflow.latency_us_max};
  add_plain_ways(graph, problem);
  const auto residency = graph.residency_mask(workflow.where.residency);
  if (!residency)
    return fail(ErrorCode::kInfeasible, "no site carries its labels of residency", "spec.where.residency");
  for (size_t k = 0; k < workflow.stages.size(); ++k) {
    const Stage& stage = workflow.stages[k];
    const Workload& need = stage.workload;
    const bool takes_nothing = need.cpu_milli == 0 && need.memory_mib == 0 && need.accelerators == 0;
    StreamProblem::StageCosts costs;
    bool somewhere = false;
    for (size_t s = 0; s < graph.site_count(); ++s) {
      costs.price.push_back(kImpossible);
      costs.latency_us.push_back(kImpossible);
      const SiteId site(s);
      const bool allowed = may_be_at(graph, workflow, stage, *residency, site);
      if (!allowed || graph.site(site).state != Liveness::kUp) continue;
      ServiceTime time;
      Nanocredits price = 0;
      if (!takes_nothing) {
        if (instances_that_fit(graph, site, need, stage.replicas) < stage.replicas) continue;
        // Instances take turns, so that each gets its share of the items evenly spaced.
        const Traffic traffic{
            .requests_per_second_milli = (stage.items_per_second_milli + stage.replicas - 1) / stage.replicas,
            .work_us_per_request = stage.work_us};
        const auto served =
            service_time(need, traffic, workflow.percentile_ppm, graph.load(site).speed_milli_min, 1);
        if (!served) continue;
        time = *served;
        price = charge(site_price(graph, site, need, workflow.prefer).decision, stage.replicas, 1);
      }
      costs.price.back() = std::min(kImpossible - 1, price);
      costs.latency_us.back() = std::min(kImpossible - 1, time.work_us + time.queueing_us);
      somewhere = true;
    }
    if (!somewhere) {
      return fail(
          ErrorCode::kInfeasible, "no site can hold stage \"" + stage.name + "\" and keep up with its items",
          "spec.stages[" + std::to_string(k) + "]", "ask for less, add replicas, or allow more sites");
    }
    problem.stages.push_back(std::move(costs));
  }
  std::map<std::pair<int64_t, int64_t>, std::shared_ptr<const StreamProblem::LinkCosts>> known;
  for (const WorkflowEdge& edge : workflow.edges) {
    auto& costs = known[{edge.bps, edge.item_bits}];
    if (!costs) costs = link_costs(graph, edge, workflow.prefer.cost_milli);
    problem.edges.push_back({edge.from, edge.to, edge.bps, costs});
  }
  return problem;
}

}  // namespace weir
