#include "orchestration/plan/decide.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <numeric>
#include <tuple>

#include "core/graph/hours.h"
#include "orchestration/placement/site_offer.h"
#include "orchestration/plan/exchange.h"
#include "orchestration/plan/refusal.h"

namespace weir {
namespace {

constexpr size_t kAlternativesMax = 8;

// What of the active plan still holds.
struct Kept {
  std::vector<Placement> placements;
  std::vector<Flow> flows;             // Flow::placement refers to `placements`
};

// May a run at the site go on: is it up, and does it carry what the intent and its data demand?
bool may_run_at(const Graph& graph, SiteId id, const std::optional<uint64_t>& residency) {
  const SiteRow& site = graph.site(id);
  return site.state == Liveness::kUp && residency && (site.residency & *residency) == *residency;
}

bool alive(const Graph& graph, const IntentRow& row, const CommittedPlan& active, size_t placement,
           const std::optional<uint64_t>& residency) {
  if (!may_run_at(graph, active.plan.placements[placement].site, residency)) return false;
  const Placement& p = active.plan.placements[placement];
  const NodeRow& node = graph.node(p.node);
  if (!graph.right_accelerator(node, row.spec->workload)) return false;
  if (row.spec->workload.accelerators_linked && !in_one_island(p.devices, graph.devices(node))) return false;
  const RunId run = active.run(placement);
  const auto found = std::find_if(row.runs.begin(), row.runs.end(), [run](const RunRow& r) { return r.run == run; });
  if (found == row.runs.end() || found->state == RunState::kFailed || found->state == RunState::kLost) return false;
  return found->state != RunState::kExited || (row.spec->workload.kind == WorkKind::kJob && found->exit_code == 0);
}

// Whether packets could be led along the path, were it not for what the agents at its ends say. Where a link or a site is
// described as plain, or without a SID, a path is the routed one from the start.
bool agent_denies(const Graph& graph, const std::vector<LinkId>& path) {
  if (path.empty() || graph.steerable(path)) return false;
  const SiteRow& from = graph.site(graph.site_at(graph.link(path.front()).from));
  const SiteRow& to = graph.site(graph.site_at(graph.link(path.back()).to));
  if (from.agent_steers && to.agent_steers) return false;
  const auto end = [&graph](VertexId vertex, const std::string& sid) {
    const SiteId site = graph.site_at(vertex);
    return site.valid() ? graph.site_spec(site).steerable && !graph.site_spec(site).sid.empty() : !sid.empty();
  };
  return std::all_of(path.begin(), path.end(), [&](LinkId id) {
    const LinkSpec& link = graph.link_spec(id);
    return link.steerable && end(link.a, link.sid_a) && end(link.b, link.sid_b);
  });
}

// Can traffic take this path now, and within the promise? Not: is there room.
bool passable(const Graph& graph, const IntentSpec& spec, const std::vector<LinkId>& path, const ServiceTime& service) {
  if (!std::all_of(path.begin(), path.end(), [&](LinkId id) { return graph.usable(id); })) return false;
  if (site_crossed(graph, path).valid()) return false;
  if (agent_denies(graph, path) && !can_be_held(graph, path)) return false;
  if (spec.promise.latency_us_max == 0) return true;
  return path_round_trip_us(graph, path) + path_serialisation_us(graph, path, spec.traffic) + service.work_us +
             service.queueing_us <=
         spec.promise.latency_us_max;
}

// Whether runs of the earlier wish do what the later one asks for: the same work for the same streams. Where the preference is
// another, the choice is to be another too.
bool goes_on(const IntentSpec& before, const IntentSpec& now) {
  Workload work = before.workload;
  work.speed_milli_min = now.workload.speed_milli_min;  // said of the node
  Traffic traffic = before.traffic;
  traffic.between_bps = now.traffic.between_bps;  // led anew for instances that go on
  return before.from == now.from && work == now.workload && traffic == now.traffic && before.prefer == now.prefer;
}

// Whether the later wish says other things of what has to hold where something is placed: then it has to hold of what goes
// on too.
bool says_otherwise(const IntentSpec& before, const IntentSpec& now) {
  const auto said = [](const IntentSpec& spec) {
    return std::tie(spec.where.near, spec.where.apart_from, spec.where.at_data, spec.where.tolerates, spec.workload.speed_milli_min);
  };
  return said(before) != said(now) || (now.where.at_data && before.data != now.data);
}

bool shares_link(const std::vector<LinkId>& a, const std::vector<LinkId>& b) {
  return std::any_of(a.begin(), a.end(), [&b](LinkId id) {
    return std::any_of(b.begin(), b.end(), [id](LinkId other) { return id == other || id == opposite(other); });
  });
}

class Decider {
 public:
  Decider(const Graph& graph, IntentId intent, const IntentSpec& spec, const DecideLimits& limits, PlanCache& cache)
      : graph_(graph), intent_(intent), row_(graph.intent(intent)), spec_(spec), limits_(limits), cache_(cache) {}

  Decision run() {
    const auto residency = residency_demand(graph_, spec_);
    if (!residency) return refused({{ReasonCode::kResidency}});
    for (const Ingress& from : spec_.from) {
      const Liveness state = graph_.site(from.site).state;
      if (state != Liveness::kUp && state != Liveness::kDraining) {
        return refused({{ReasonCode::kIngressDown, SiteId{}, from.site}});
      }
    }
    if (!row_.active && graph_.site_count() > Candidates::kSitesExplained && ShortLists::serves(graph_, spec_, term_)) {
      auto plan = cache_.short_lists.decide(graph_, intent_, spec_, *residency, limits_.alternatives, cache_);
      if (plan) return std::move(*plan);
    }
    std::vector<Source> sources;
    sources.reserve(spec_.from.size());
    for (const Ingress& from : spec_.from) sources.push_back({from.site, from.streams});
    if (sources.empty()) sources.push_back({SiteId{}, instances_asked(spec_)});
    residency_ = *residency;

    Kept kept;
    std::vector<Source> left = sources;
    if (row_.active && goes_on(*row_.active->spec, *row_.spec)) kept = keep(left);
    const bool nothing_kept = kept.placements.empty();
    Decision decision = decide(std::move(kept), left);
    const auto* refusal = std::get_if<Refusal>(&decision);
    if (!refusal || nothing_kept || spec_.workload.kind == WorkKind::kJob) return decision;
    if (!spec_.where.same_rack && !about_the_whole(*refusal)) return decision;
    // What is kept may itself stand in the way.
    use_ = {};
    Decision anew = decide({}, sources);
    return std::holds_alternative<Plan>(anew) ? anew : decision;
  }

 private:
  static bool about_the_whole(const Refusal& refusal) {
    if (refusal.reasons.empty()) return false;
    return weir::about_the_whole(refusal.reasons.front().code);
  }

  // The plan that keeps this and serves what is left.
  Decision decide(Kept kept, const std::vector<Source>& left, Candidates::KeptPath path = Candidates::KeptPath::kTaken) {
    Candidates candidates(graph_, spec_, residency_, left, cache_, term_, path);
    if (spec_.where.same_rack && !kept.placements.empty()) candidates.set_beside(kept.placements[0].node);
    protect(candidates, kept.placements, kept.flows, 0);
    Whole whole{.where = spec_.where,
                .budget_per_hour_max = spec_.budget_per_hour_max,
                .availability_ppm_min = spec_.promise.availability_ppm,
                .ways_kept = Availability(spreads(spec_.where)),
                .use = use_};
    for (const Placement& p : kept.placements) {
      whole.sites_kept.push_back(p.site);
      whole.billed_kept += placement_per_hour(p);
      if (spec_.from.empty()) whole.ways_kept.add(SiteId{}, p.site, graph_.site(p.site).availability_ppm);
    }
    for (const Flow& flow : kept.flows) {
      const SiteId site = kept.placements[flow.placement].site;
      whole.billed_kept += flow.path_per_hour;
      whole.ways_kept.add(flow.ingress, site, way_availability_ppm(graph_, site, flow.path, flow.protection));
    }
    std::sort(whole.sites_kept.begin(), whole.sites_kept.end());
    whole.sites_kept.erase(std::unique(whole.sites_kept.begin(), whole.sites_kept.end()), whole.sites_kept.end());

    // Ingresses draw instances to different sites, and of many sites not all combinations can be tried.
    std::optional<Solution> one_site;
    if (spec_.where.same_rack && left.size() > 1 && !candidates.explains_refused()) one_site = site_by_site(candidates, whole, path);
    SolverOutcome outcome =
        one_site ? SolverOutcome(std::move(*one_site)) : solve(candidates, whole, limits_.solver);
    if (const auto* none = std::get_if<Blocked>(&outcome); none && none->quality != Quality::kExact && spec_.where.same_rack) {
      if (auto one = site_by_site(candidates, whole, path)) outcome = std::move(*one);
    }
    if (const auto* blocked = std::get_if<Blocked>(&outcome)) {
      // Where not all fits in what the reservation keeps, some may go another way.
      if (term_.in.valid() && path == Candidates::KeptPath::kTaken) {
        return decide(std::move(kept), left, Candidates::KeptPath::kNot);
      }
      auto cheap = cheaper(candidates, left, whole, *blocked);
      if (!cheap) return refused(refusal(candidates, *blocked, whole).reasons);
      outcome = std::move(*cheap);
    }
    const Solution& solution = std::get<Solution>(outcome);
    if (!instances_exchange(spec_)) return plan(candidates, kept, solution);
    Exchange exchange(graph_, row_, spec_, term_, kept.placements);
    auto gathered = exchange.gather(candidates, whole, solution);
    if (auto* none = std::get_if<Reason>(&gathered)) return refused({*none});
    const auto& found = std::get<Exchange::Gathered>(gathered);
    return plan(candidates, kept, found.solution, [&](Plan& made) { exchange.add_flows(found.ways, made); });
  }

  // The best found at one site alone, of those that are cheapest for one stream.
  std::optional<Solution> site_by_site(Candidates& candidates, const Whole& whole, Candidates::KeptPath path) {
    constexpr size_t kSitesTried = 16;
    std::optional<Solution> best;
    Share one(candidates.sources().size(), 0);
    const auto first = std::find_if(candidates.sources().begin(), candidates.sources().end(),
                                    [](const Source& source) { return source.streams > 0; });
    if (first == candidates.sources().end()) return std::nullopt;
    one[static_cast<size_t>(first - candidates.sources().begin())] = 1;
    std::vector<SiteId> sites;
    for (const Option& option : candidates.rank(one, kSitesTried).feasible) {
      if (sites.size() < kSitesTried) sites.push_back(option.site);
    }
    for (const SiteId site : sites) {
      IntentSpec here = spec_;
      here.where.only = {site};
      Candidates narrowed(graph_, here, residency_, candidates.sources(), cache_, term_, path);
      if (candidates.beside().valid()) narrowed.set_beside(candidates.beside());
      SolverOutcome outcome = solve(narrowed, whole, limits_.solver);
      auto* found = std::get_if<Solution>(&outcome);
      if (!found || (best && found->price >= best->price)) continue;
      found->quality = Quality::kHeuristic;
      found->bound = 0;
      best = std::move(*found);
    }
    return best;
  }

  // When carbon or scarcity stood above the budget and not every combination was tried: what cost alone would choose, or what
  // is asked alone.
  std::optional<Solution> cheaper(const Candidates& dear, const std::vector<Source>& left, const Whole& whole, const Blocked& blocked) {
    if (blocked.code != ReasonCode::kBudget || blocked.quality == Quality::kExact) return std::nullopt;
    IntentSpec cost_only = spec_;
    cost_only.prefer = {};
    Graph by_asks = graph_;
    by_asks.apply({graph_.now(), {}, PricesRevised{.policy = graph_.prices().version + 1}});
    by_asks.apply({graph_.now(), {}, ShadowPricesRevised{.basis = graph_.shadow_prices().basis}});
    for (const Graph* graph : {&graph_, static_cast<const Graph*>(&by_asks)}) {
      if (graph == &graph_ && spec_.prefer.carbon_milli == 0) continue;  // that was tried
      PlanCache cache;
      Candidates candidates(*graph, cost_only, residency_, left, cache, term_);
      if (dear.beside().valid()) candidates.set_beside(dear.beside());
      SolverOutcome outcome = solve(candidates, whole, limits_.solver);
      auto* solution = std::get_if<Solution>(&outcome);
      if (!solution) continue;
      solution->price = solution->bound = 0;
      for (Option& option : solution->instances) {
        option.price = dear.price(option.site, spec_.prefer).decision;
        for (size_t i = 0; i < option.share.size(); ++i) {
          option.paths[i].price = priced(graph_, option.paths[i].links, dear.demand()).price;
          option.price += option.share[i] * option.paths[i].price;
        }
        solution->price += option.price;
      }
      solution->quality = Quality::kHeuristic;
      return std::move(*solution);
    }
    return std::nullopt;
  }

  Refusal refused(std::vector<Reason> reasons) const {
    return {intent_, row_.generation, graph_.version(), std::move(reasons)};
  }

  bool may_be_placed(const Placement& placement) const {
    return place_obstacle(graph_, spec_, placement.site).code == ReasonCode::kNone &&
           graph_.node(placement.node).speed_milli >= spec_.workload.speed_milli_min;
  }

  // Keeps the instances that live and their intact flows, and of another wish that says other things of places those that
  // could be placed where they are, leads broken flows around where that is possible,
  // and takes what is kept off the sources.
  Kept keep(std::vector<Source>& sources) {
    const std::vector<Source> all = sources;
    Kept kept = keep_each(sources);
    // Racks may have other names since, and the wish may not have asked for one before.
    const auto elsewhere = [&](const Placement& p) { return graph_.rack(p.node) != graph_.rack(kept.placements[0].node); };
    if (spec_.where.same_rack && std::any_of(kept.placements.begin(), kept.placements.end(), elsewhere)) {
      kept = {};
      use_ = {};
      sources = all;
    }
    return kept;
  }
  Kept keep_each(std::vector<Source>& sources) {
    const CommittedPlan& active = *row_.active;
    const StreamDemand demand = stream_demand(spec_);
    const bool other_words = says_otherwise(*active.spec, *row_.spec);
    Kept kept;
    for (uint32_t k = 0; k < active.plan.placements.size(); ++k) {
      Placement placement = active.plan.placements[k];
      if (!alive(graph_, row_, active, k, residency_) || !allows(spec_.where, placement.site)) continue;
      if (other_words && !may_be_placed(placement)) continue;
      if (spec_.from.empty() && sources[0].streams == 0) continue;  // fewer are asked for now
      const auto service = service_time(graph_, placement.site, spec_, placement.streams);
      if (!service) continue;
      std::vector<Flow> flows;
      const PathUse before = use_;
      bool all = true;
      for (const Flow& old : active.plan.flows) {
        if (old.placement != k || old.streams == 0) continue;  // what instances exchange is led anew
        Flow flow = old;
        flow.latency_us_work = service->work_us;
        flow.latency_us_queueing = service->queueing_us;
        if (passable(graph_, spec_, flow.path, *service)) {
          refresh(flow);
        } else {
          all = all && lead_around(flow, placement.site, demand);
        }
        flows.push_back(std::move(flow));
      }
      if (!all) {
        use_ = before;  // another may take what this one looked at
        continue;
      }
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
    flow.latency_us_path = path_round_trip_us(graph_, flow.path);
    flow.latency_us_serialisation = path_serialisation_us(graph_, flow.path, spec_.traffic);
    flow.latency_us_predicted = flow.latency_us_path + flow.latency_us_serialisation + flow.latency_us_work +
                                flow.latency_us_queueing;
  }

  // Finds another path for a flow whose path is broken or slow. Its old reservation is still held, so only
  // room beyond it counts; links that both paths share would be counted twice, which errs to the safe side.
  bool lead_around(Flow& flow, SiteId site, const StreamDemand& demand) {
    const int64_t rest_us = flow.latency_us_work + flow.latency_us_queueing;
    const PathLimits limits{
        .streams = flow.streams,
        .latency_us_max = spec_.promise.latency_us_max == 0 ? INT64_MAX : spec_.promise.latency_us_max - rest_us,
        .use = &use_,
        .term = term_};
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
    refresh(flow);
  }

  // `add_flows`: more flows between what is placed.
  Plan plan(Candidates& candidates, const Kept& kept, const Solution& solution,
            const std::function<void(Plan&)>& add_flows = nullptr) {
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
    std::map<SiteId, std::vector<NodeChoice>> nodes;
    for (const auto& [site, count] : counts) {
      nodes[site] = choose_nodes(graph_, site, spec_.workload, count, rack(candidates.beside(), site, count));
    }
    for (const Option& option : solution.instances) {
      auto& free = nodes[option.site];
      const DeviceNeed device = device_need(spec_.workload, graph_.devices(graph_.node(free.back().node)));
      const auto index = static_cast<uint32_t>(plan.placements.size());
      plan.placements.push_back({.site = option.site,
                                 .node = free.back().node,
                                 .cpu_milli = spec_.workload.cpu_milli,
                                 .memory_mib = spec_.workload.memory_mib,
                                 .accelerators = spec_.workload.accelerators,
                                 .streams = 0,
                                 .asks = asks_of(graph_, option.site, spec_.workload),
                                 .continues = {},
                                 .accelerator_milli = device.placed_milli(),
                                 .accelerator_memory_mib = device.memory_mib,
                                 .devices = free.back().devices,
                                 .best_effort = spec_.workload.best_effort});
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
    protect(candidates, plan.placements, plan.flows, kept.flows.size());
    if (add_flows) add_flows(plan);
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
    const PlanTotals totals = plan_totals(graph_, spec_, plan);
    plan.billed_per_hour = totals.billed_per_hour;
    plan.power_mw = totals.power_mw;
    plan.carbon_mg_per_hour = totals.carbon_mg_per_hour;
    plan.availability_ppm = totals.availability_ppm;
    explain(candidates, solution, plan);
    return plan;
  }

  // That all instances have to be in.
  std::optional<Graph::RackKey> rack(NodeId beside, SiteId site, int32_t count) const {
    if (!spec_.where.same_rack) return std::nullopt;
    if (beside.valid()) return graph_.rack(beside);
    const auto best = rack_for(graph_, site, spec_.workload, count);
    return best ? std::optional(best->rack) : std::nullopt;
  }

  // A spare path for every flow from the `first` one that has none yet, or whose spare path broke.
  void protect(Candidates& candidates, const std::vector<Placement>& placements, std::vector<Flow>& flows, size_t first) {
    for (size_t f = first; f < flows.size(); ++f) {
      Flow& flow = flows[f];
      const ServiceTime service{flow.latency_us_work, flow.latency_us_queueing};
      if (!flow.protection.empty() && !shares_link(flow.path, flow.protection) &&
          passable(graph_, spec_, flow.protection, service)) {
        continue;
      }
      flow.protection.clear();
      for (size_t i = 0; i < candidates.sources().size(); ++i) {
        if (candidates.sources()[i].site != flow.ingress) continue;
        const PathOption working{flow.path, 0, 0, 0};
        if (auto spare = protection_path(candidates, i, placements[flow.placement].site, flow.streams, service, working)) {
          flow.protection = std::move(spare->links);
        }
        break;
      }
    }
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
      if (spec_.promise.availability_ppm > 0 && !spreads(spec_.where)) {
        int64_t available = kPpm;
        const auto ways = ways_ppm(candidates, option);
        for (size_t i = 0; i < ways.size(); ++i) {
          if (option.share[i] > 0) available = std::min(available, ways[i]);
        }
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
      // Full for the plan as a whole: so it is where it is cheaper than what was chosen, or holds the other instances.
      const auto others = static_cast<int32_t>(std::count_if(
          solution.instances.begin(), solution.instances.end(), [&](const Option& o) { return &o != &main && o.site == option.site; }));
      if (option.price < main.price || candidates.room(option.site, others + 1) <= others) {
        alternative.reason.code = ReasonCode::kCpu;
      }
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
  const FlowTerm term_ = flow_term(graph_, row_);
  uint64_t residency_ = 0;
  PathUse use_;
};

}  // namespace

Decision JointPlanner::decide(const Graph& snapshot, IntentId intent) {
  const ReservationId in = flow_term(snapshot, snapshot.intent(intent)).in;
  if (in.valid()) return decide_among(snapshot, intent, {});
  return Decider(snapshot, intent, *snapshot.intent(intent).demand, limits_, cache_).run();
}

Decision JointPlanner::decide_among(const Graph& snapshot, IntentId intent, const std::vector<SiteId>& sites) {
  IntentSpec narrowed = *snapshot.intent(intent).demand;
  std::vector<SiteId> only;
  std::copy_if(sites.begin(), sites.end(), std::back_inserter(only), [&](SiteId site) { return allows(narrowed.where, site); });
  if (!only.empty()) narrowed.where.only = std::move(only);
  // A job in a reservation of bandwidth runs where that leads, wherever else there is room, unless its own words exclude that.
  if (const ReservationId in = flow_term(snapshot, snapshot.intent(intent)).in; in.valid()) {
    const SiteId site = snapshot.reservation(in).spec.site;
    if (allows(snapshot.intent(intent).demand->where, site)) narrowed.where.only = {site};
  }
  return Decider(snapshot, intent, narrowed, limits_, cache_).run();
}

bool needs_decision(const Graph& graph, IntentId intent) {
  const IntentRow& row = graph.intent(intent);
  if (row.state == IntentState::kWithdrawn || is_array(row)) return false;
  if (!row.active || row.active->plan.generation != row.generation) return true;
  const CommittedPlan& active = *row.active;
  if (is_malleable(row.spec->schedule) &&
      active.plan.placements.size() != static_cast<size_t>(instances_asked(*row.demand))) {
    return true;
  }
  const auto residency = residency_demand(graph, *row.spec);
  std::vector<ServiceTime> services;
  for (size_t k = 0; k < active.plan.placements.size(); ++k) {
    const Placement& p = active.plan.placements[k];
    const auto service = service_time(graph, p.site, *row.demand, p.streams);
    if (!service || !alive(graph, row, active, k, residency)) return true;
    services.push_back(*service);
  }
  return std::any_of(active.plan.flows.begin(), active.plan.flows.end(), [&](const Flow& flow) {
    return !passable(graph, *row.demand, flow.path, services[flow.placement]);
  });
}

}  // namespace weir
