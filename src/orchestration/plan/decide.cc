#include "orchestration/plan/decide.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "orchestration/plan/refusal.h"

namespace weir {
namespace {

constexpr size_t kAlternativesMax = 8;

// What of the active plan still holds.
struct Kept {
  std::vector<Placement> placements;
  std::vector<Flow> flows;             // Flow::placement refers to `placements`
};

bool alive(const Graph& graph, const IntentRow& row, const CommittedPlan& active, size_t placement) {
  const Placement& p = active.plan.placements[placement];
  if (graph.site(p.site).state != Liveness::kUp) return false;
  const RunId run = active.run(placement);
  const auto found = std::find_if(row.runs.begin(), row.runs.end(), [run](const RunRow& r) { return r.run == run; });
  if (found == row.runs.end() || found->state == RunState::kFailed || found->state == RunState::kLost) return false;
  return found->state != RunState::kExited || (row.spec->workload.kind == WorkKind::kJob && found->exit_code == 0);
}

int64_t latency_now_us(const Graph& graph, const Flow& flow) {
  return flow.latency_us_predicted - flow.latency_us_path + path_round_trip_us(graph, flow.path);
}

bool intact(const Graph& graph, const IntentSpec& spec, const Flow& flow) {
  if (!std::all_of(flow.path.begin(), flow.path.end(), [&](LinkId id) { return graph.usable(id); })) return false;
  return spec.promise.latency_us_max == 0 || latency_now_us(graph, flow) <= spec.promise.latency_us_max;
}

class Decider {
 public:
  Decider(const Graph& graph, IntentId intent, const DecideLimits& limits, PlanCache& cache)
      : graph_(graph), intent_(intent), row_(graph.intent(intent)), spec_(*row_.spec), limits_(limits), cache_(cache) {}

  Decision run() {
    const auto residency = residency_demand(graph_, spec_);
    if (!residency) return refused({{ReasonCode::kResidency}});
    for (const Ingress& from : spec_.from) {
      if (graph_.site(from.site).state == Liveness::kDown) {
        return refused({{ReasonCode::kIngressDown, SiteId{}, from.site}});
      }
    }
    std::vector<Source> sources;
    for (const Ingress& from : spec_.from) sources.push_back({from.site, from.streams});
    if (sources.empty()) sources.push_back({SiteId{}, std::max(1, spec_.where.sites_min)});
    residency_ = *residency;

    Kept kept;
    if (row_.active && row_.active->plan.generation == row_.generation) kept = keep(sources);
    Candidates candidates(graph_, spec_, residency_, sources, cache_);
    Whole whole{.sites_min = spec_.where.sites_min};
    for (const Placement& p : kept.placements) {
      whole.sites_kept.push_back(p.site);
      whole.billed_kept += placement_per_hour(p);
    }
    for (const Flow& flow : kept.flows) whole.billed_kept += flow.path_per_hour;

    whole.use = use_;

    Solution solution{.quality = Quality::kExact};
    const bool anything_left =
        std::any_of(sources.begin(), sources.end(), [](const Source& s) { return s.streams > 0; });
    if (anything_left) {
      SolverOutcome outcome = solve(candidates, whole, limits_.solver);
      if (const auto* blocked = std::get_if<Blocked>(&outcome)) return refused(refusal(candidates, *blocked, whole).reasons);
      solution = std::get<Solution>(std::move(outcome));
    }
    return plan(candidates, kept, solution);
  }

 private:
  Refusal refused(std::vector<Reason> reasons) const {
    return {intent_, row_.generation, graph_.version(), std::move(reasons)};
  }

  // Keeps the instances that live and their intact flows, leads broken flows around where that is possible,
  // and takes what is kept off the sources.
  Kept keep(std::vector<Source>& sources) {
    const CommittedPlan& active = *row_.active;
    const StreamDemand demand = stream_demand(spec_);
    Kept kept;
    std::map<uint32_t, uint32_t> moved;  // old placement -> kept one
    for (uint32_t k = 0; k < active.plan.placements.size(); ++k) {
      if (!alive(graph_, row_, active, k)) continue;
      std::vector<Flow> flows;
      bool all = true;
      for (const Flow& old : active.plan.flows) {
        if (old.placement != k) continue;
        Flow flow = old;
        if (intact(graph_, spec_, flow)) {
          refresh(flow);
        } else {
          all = all && lead_around(flow, active.plan.placements[k].site, demand);
        }
        flows.push_back(std::move(flow));
      }
      if (!all) continue;
      Placement placement = active.plan.placements[k];
      placement.continues = active.run(k);
      for (Flow& flow : flows) {
        flow.placement = static_cast<uint32_t>(kept.placements.size());
        for (Source& source : sources) {
          if (source.site == flow.ingress) source.streams -= flow.streams;
        }
        kept.flows.push_back(std::move(flow));
      }
      if (spec_.from.empty()) --sources[0].streams;
      kept.placements.push_back(std::move(placement));
    }
    return kept;
  }

  void refresh(Flow& flow) const {
    const int64_t now = path_round_trip_us(graph_, flow.path);
    flow.latency_us_predicted += now - flow.latency_us_path;
    flow.latency_us_path = now;
  }

  // Finds another path for a flow whose path is broken or slow. Its old reservation is still held, so only
  // room beyond it counts; links that both paths share would be counted twice, which errs to the safe side.
  bool lead_around(Flow& flow, SiteId site, const StreamDemand& demand) {
    const int64_t rest_us = flow.latency_us_work + flow.latency_us_queueing;
    const PathLimits limits{
        .streams = flow.streams,
        .latency_us_max = spec_.promise.latency_us_max == 0 ? INT64_MAX : spec_.promise.latency_us_max - rest_us,
        .use = &use_};
    const auto path = PathSearch(graph_, demand, cache_.paths)
                          .cheapest(graph_.site(flow.ingress).vertex, graph_.site(site).vertex, limits);
    if (!path) return false;
    use_.add(path->links, flow.up_bps, flow.down_bps);
    set_path(flow, *path);
    flow.protection.clear();
    return true;
  }

  void set_path(Flow& flow, const PathOption& path) const {
    flow.path = path.links;
    flow.path_per_hour = path_per_hour(graph_, path.links, flow.up_bps, flow.down_bps);
    flow.latency_us_path = path.round_trip_us;
    flow.latency_us_serialisation = path.serialisation_us;
    flow.latency_us_predicted =
        path.round_trip_us + path.serialisation_us + flow.latency_us_work + flow.latency_us_queueing;
  }

  Plan plan(Candidates& candidates, const Kept& kept, const Solution& solution) {
    Plan plan{.intent = intent_, .generation = row_.generation, .basis = graph_.version()};
    plan.placements = kept.placements;
    plan.flows = kept.flows;
    plan.quality = solution.quality;
    plan.steps = solution.steps;
    plan.price_policy = graph_.prices().version;
    plan.decision_price = solution.price;
    plan.bound = solution.bound;
    plan.reason = {ReasonCode::kChosen};

    std::map<SiteId, int32_t> counts;
    for (const Option& option : solution.instances) ++counts[option.site];
    std::map<SiteId, std::vector<NodeId>> nodes;
    for (const auto& [site, count] : counts) nodes[site] = choose_nodes(graph_, site, spec_.workload, count);
    for (const Option& option : solution.instances) {
      auto& free = nodes[option.site];
      const auto index = static_cast<uint32_t>(plan.placements.size());
      plan.placements.push_back({.site = option.site,
                                 .node = free.back(),
                                 .cpu_milli = spec_.workload.cpu_milli,
                                 .memory_mib = spec_.workload.memory_mib,
                                 .accelerators = spec_.workload.accelerators,
                                 .streams = 0,
                                 .asks = graph_.site(option.site).asks,
                                 .continues = {}});
      free.pop_back();
      for (size_t i = 0; i < option.share.size(); ++i) {
        const Source& source = candidates.sources()[i];
        if (option.share[i] == 0 || !source.site.valid()) continue;
        plan.placements.back().streams += option.share[i];
        Flow flow{.ingress = source.site,
                  .placement = index,
                  .streams = option.share[i],
                  .up_bps = option.share[i] * spec_.traffic.up_bps,
                  .down_bps = option.share[i] * spec_.traffic.down_bps};
        flow.latency_us_work = option.service.work_us;
        flow.latency_us_queueing = option.service.queueing_us;
        set_path(flow, option.paths[i]);
        plan.flows.push_back(std::move(flow));
      }
    }
    protect(candidates, plan);
    for (const Placement& p : kept.placements) {
      const Nanocredits price = site_price(graph_, p.site, spec_.workload, spec_.prefer).decision;
      plan.decision_price += price;
      plan.bound += price;
    }
    const StreamDemand demand = candidates.demand();
    for (const Flow& flow : kept.flows) {
      const Nanocredits price = flow.streams * priced(graph_, flow.path, demand).price;
      plan.decision_price += price;
      plan.bound += price;
    }
    for (const Placement& p : plan.placements) {
      plan.billed_per_hour += placement_per_hour(p);
      plan.power_mw += power_mw(graph_.site(p.site).power, p.cpu_milli);
      plan.carbon_mg_per_hour += carbon_mg_per_hour(graph_.site(p.site).power, p.cpu_milli);
    }
    for (const Flow& flow : plan.flows) plan.billed_per_hour += flow.path_per_hour;
    plan.availability_ppm = availability(plan);
    explain(candidates, solution, plan);
    return plan;
  }

  // A spare path for every flow that has none yet, or whose spare path broke.
  void protect(Candidates& candidates, Plan& plan) {
    for (Flow& flow : plan.flows) {
      const bool usable = !flow.protection.empty() &&
                          std::all_of(flow.protection.begin(), flow.protection.end(),
                                      [&](LinkId id) { return graph_.usable(id); });
      if (usable) continue;
      flow.protection.clear();
      for (size_t i = 0; i < candidates.sources().size(); ++i) {
        if (candidates.sources()[i].site != flow.ingress) continue;
        const ServiceTime service{flow.latency_us_work, flow.latency_us_queueing};
        const PathOption working{flow.path, 0, 0, 0};
        if (auto spare = protection_path(candidates, i, plan.placements[flow.placement].site, flow.streams, service, working)) {
          flow.protection = std::move(spare->links);
        }
        break;
      }
    }
  }

  int32_t availability(const Plan& plan) const {
    const bool spread = spec_.where.sites_min > 1;
    std::map<SiteId, std::map<SiteId, int64_t>> ways;  // ingress (none for a job without one), site
    const auto add = [&ways](SiteId ingress, SiteId site, int64_t way) {
      const auto [known, fresh] = ways[ingress].try_emplace(site, way);
      if (!fresh) known->second = std::min(known->second, way);
    };
    for (const Flow& flow : plan.flows) {
      const SiteId site = plan.placements[flow.placement].site;
      int64_t path = path_availability_ppm(graph_, flow.path);
      if (!flow.protection.empty()) {
        path = kPpm - (kPpm - path) * (kPpm - path_availability_ppm(graph_, flow.protection)) / kPpm;
      }
      add(flow.ingress, site, graph_.site(site).availability_ppm * path / kPpm);
    }
    if (plan.flows.empty()) {
      for (const Placement& p : plan.placements) add(SiteId{}, p.site, graph_.site(p.site).availability_ppm);
    }
    int64_t worst = kPpm;
    for (const auto& [ingress, sites] : ways) worst = std::min(worst, together_ppm(sites, spread));
    return static_cast<int32_t>(worst);
  }

  // Names the runners-up for the instance that carries most, and the cheaper sites that could not.
  void explain(Candidates& candidates, const Solution& solution, Plan& plan) {
    if (solution.instances.empty() || limits_.alternatives == 0) return;
    const auto streams = [](const Option& o) { return std::accumulate(o.share.begin(), o.share.end(), 0); };
    const Option& main = *std::max_element(solution.instances.begin(), solution.instances.end(),
                                           [&](const Option& a, const Option& b) { return streams(a) < streams(b); });
    plan.reason.site = main.site;
    const auto first = std::find_if(main.share.begin(), main.share.end(), [](int32_t s) { return s > 0; });
    const auto source = static_cast<size_t>(first - main.share.begin());
    if (first != main.share.end()) plan.reason.ingress = candidates.sources()[source].site;
    const auto& ranking = candidates.rank(main.share, limits_.alternatives + 1);
    std::vector<Reason> unavailable;
    for (const Option& option : ranking.feasible) {
      if (option.site == main.site || plan.alternatives.size() == limits_.alternatives) continue;
      // Spread is judged for the plan as a whole; otherwise every way has to be available enough by itself.
      if (spec_.promise.availability_ppm > 0 && spec_.where.sites_min <= 1) {
        const int32_t available = availability_ppm(candidates, {option});
        if (available < spec_.promise.availability_ppm) {
          unavailable.push_back({ReasonCode::kAvailability, option.site, plan.reason.ingress,
                                 spec_.promise.availability_ppm, available});
          continue;
        }
      }
      Alternative alternative{.reason = {ReasonCode::kPrice, option.site, plan.reason.ingress, main.price, option.price},
                              .decision_price = plan.decision_price - main.price + option.price,
                              .billed_per_hour = plan.billed_per_hour - main.billed + option.billed};
      if (source < option.paths.size()) {
        alternative.latency_us_predicted =
            option.paths[source].latency_us() + option.service.work_us + option.service.queueing_us;
        alternative.path = option.paths[source].links;
      }
      // Cheaper than what was chosen: it was full for the plan as a whole.
      if (option.price < main.price) alternative.reason.code = ReasonCode::kCpu;
      plan.alternatives.push_back(std::move(alternative));
    }
    for (const Reason& reason : unavailable) {
      if (plan.alternatives.size() < kAlternativesMax) plan.alternatives.push_back({.reason = reason});
    }
    if (!candidates.explains_refused()) return;
    // Sites that would be cheaper than the last runner-up but cannot. Told by the price along the fastest path and not
    // by the bound, which depends on what is remembered.
    const Nanocredits dearest = ranking.feasible.size() > limits_.alternatives
                                    ? ranking.feasible[limits_.alternatives].price
                                    : INT64_MAX;
    std::vector<Reason> refused;
    for (const Reason& reason : ranking.refused) {
      if (candidates.price_by_fastest(reason.site, main.share) < dearest) refused.push_back(reason);
    }
    nearest_first(refused);
    for (const Reason& reason : refused) {
      if (plan.alternatives.size() == kAlternativesMax) break;
      plan.alternatives.push_back({.reason = reason});
    }
  }

  const Graph& graph_;
  IntentId intent_;
  const IntentRow& row_;
  const IntentSpec& spec_;
  const DecideLimits& limits_;
  PlanCache& cache_;
  uint64_t residency_ = 0;
  PathUse use_;
};

}  // namespace

Decision JointPlanner::decide(const Graph& snapshot, IntentId intent) {
  return Decider(snapshot, intent, limits_, cache_).run();
}

bool needs_decision(const Graph& graph, IntentId intent) {
  const IntentRow& row = graph.intent(intent);
  if (row.state == IntentState::kWithdrawn) return false;
  if (!row.active || row.active->plan.generation != row.generation) return true;
  const CommittedPlan& active = *row.active;
  for (size_t k = 0; k < active.plan.placements.size(); ++k) {
    if (!alive(graph, row, active, k)) return true;
  }
  return std::any_of(active.plan.flows.begin(), active.plan.flows.end(),
                     [&](const Flow& flow) { return !intact(graph, *row.spec, flow); });
}

}  // namespace weir
