#include "orchestration/plan/joint_pass.h"

#include <algorithm>
#include <tuple>

#include "core/graph/hours.h"
#include "core/graph/promise.h"
#include "orchestration/plan/solver.h"

namespace weir {
namespace {

// What the snapshot has free while steps are taken.
class Holding {
 public:
  explicit Holding(const JointProblem& problem) : problem_(problem) {
    const Graph& graph = problem.graph();
    for (size_t n = 0; n < graph.node_count(); ++n) nodes_.push_back(graph.free(NodeId(n)));
    for (size_t l = 0; l < graph.link_count(); ++l) links_bps_.push_back(graph.room_bps(LinkId(l)));
  }

  // `stays`: its instance goes on where it is, and only its path is another.
  bool fits(const Assignment::Place& place, bool stays) const {
    const Workload& need = workload(place);
    const NodeFree& node = nodes_[place.node.index()];
    if (!stays && (node.cpu_milli < need.cpu_milli || node.memory_mib < need.memory_mib ||
                   node.accelerators < need.accelerators)) {
      return false;
    }
    const JointItem& item = problem_.items()[place.column.item];
    return std::ranges::all_of(place.column.path, [&](LinkId link) {
      return links_bps_[link.index()] >= item.up_bps && links_bps_[opposite(link).index()] >= item.down_bps;
    });
  }

  // sign -1: it takes the place; 1: it gives it back.
  void account(const Assignment::Place& place, int32_t sign, bool stays) {
    if (!stays) {
      const Workload& need = workload(place);
      NodeFree& node = nodes_[place.node.index()];
      node.cpu_milli += sign * need.cpu_milli;
      node.memory_mib += sign * need.memory_mib;
      node.accelerators += sign * need.accelerators;
    }
    const JointItem& item = problem_.items()[place.column.item];
    for (const LinkId link : place.column.path) {
      links_bps_[link.index()] += sign * item.up_bps;
      links_bps_[opposite(link).index()] += sign * item.down_bps;
    }
  }

 private:
  const Workload& workload(const Assignment::Place& place) const {
    return problem_.works()[problem_.items()[place.column.item].work].workload;
  }

  const JointProblem& problem_;
  std::vector<NodeFree> nodes_;
  std::vector<int64_t> links_bps_;
};

// Whether the instance of the item is where it is to be: no run has to begin anew.
bool is_there(const JointProblem& problem, const Assignment::Place& place) {
  const uint32_t item = place.column.item;
  return problem.current(item) && problem.current_node(item) == place.node;
}

}  // namespace

Plan plan_of(const JointProblem& problem, const Assignment::Place& place, bool stays, PlanCache& cache) {
  const Graph& graph = problem.graph();
  const JointItem& item = problem.items()[place.column.item];
  const IntentRow& row = graph.intent(item.intent);
  const IntentSpec& spec = *row.demand;
  const SiteId site = place.column.site;
  Plan plan{.intent = item.intent, .generation = row.generation, .basis = graph.version()};
  plan.price_policy = graph.prices().version;
  plan.reason = {ReasonCode::kChosen};
  plan.decision_price = site_price(graph, site, spec.workload, spec.prefer).decision;
  if (stays) {
    plan.placements.push_back(row.active->plan.placements.front());
    plan.placements.front().continues = row.active->run(0);
  } else {
    plan.placements.push_back({.site = site,
                               .node = place.node,
                               .cpu_milli = spec.workload.cpu_milli,
                               .memory_mib = spec.workload.memory_mib,
                               .accelerators = spec.workload.accelerators,
                               .streams = spec.from.empty() ? 0 : item.streams,
                               .asks = asks_of(graph, site, spec.workload),
                               .continues = {}});
  }
  if (item.ingress.valid()) {
    const ServiceTime service = service_time(graph, site, spec, item.streams).value_or(ServiceTime{});
    const PathOption path = priced(graph, place.column.path, stream_demand(spec));
    Flow flow{.ingress = item.ingress,
              .placement = 0,
              .streams = item.streams,
              .up_bps = item.up_bps,
              .down_bps = item.down_bps,
              .path = path.links};
    flow.path_per_hour = path_per_hour(graph, path.links, item.up_bps, item.down_bps);
    flow.latency_us_path = path.round_trip_us;
    flow.latency_us_serialisation = path.serialisation_us;
    flow.latency_us_work = service.work_us;
    flow.latency_us_queueing = service.queueing_us;
    flow.latency_us_predicted = path.latency_us() + service.work_us + service.queueing_us;
    plan.decision_price += item.streams * path.price;
    Candidates candidates(graph, spec, *residency_demand(graph, spec), {{item.ingress, item.streams}}, cache);
    if (auto spare = protection_path(candidates, 0, site, item.streams, service, path)) {
      flow.protection = std::move(spare->links);
    }
    plan.flows.push_back(std::move(flow));
  }
  const PlanTotals totals = plan_totals(graph, spec, plan);
  plan.billed_per_hour = totals.billed_per_hour;
  plan.power_mw = totals.power_mw;
  plan.carbon_mg_per_hour = totals.carbon_mg_per_hour;
  plan.availability_ppm = totals.availability_ppm;
  return plan;
}

std::vector<JointStep> steps_to(const JointProblem& problem, const Assignment& assignment,
                                const std::vector<Nanocredits>& worth) {
  struct Mover {
    uint32_t item;
    Nanocredits saves;
    bool holds;
    bool stays;
  };
  const auto held = [&](uint32_t i) {
    return Assignment::Place{*problem.current(i), problem.current_node(i)};
  };
  Holding holding(problem);
  PlanCache cache;
  std::vector<JointStep> steps;
  std::vector<Mover> waiting;
  for (uint32_t i = 0; i < assignment.of.size(); ++i) {
    const auto& now = problem.current(i);
    const auto& then = assignment.of[i];
    if (now && then && *now == then->column && problem.current_node(i) == then->node) continue;
    if (now && !then) {
      steps.push_back({JointStep::Kind::kLeave, problem.items()[i].intent, {}, 0});
      holding.account(held(i), 1, false);
    } else if (then) {
      waiting.push_back(
          {i, (now ? now->price : worth[i]) - then->column.price, now.has_value(), is_there(problem, *then)});
    }
  }
  std::sort(waiting.begin(), waiting.end(), [](const Mover& a, const Mover& b) {
    return std::tuple(-a.saves, a.item) < std::tuple(-b.saves, b.item);
  });
  while (!waiting.empty()) {
    const size_t before = waiting.size();
    std::erase_if(waiting, [&](const Mover& mover) {
      const Assignment::Place& place = *assignment.of[mover.item];
      if (!holding.fits(place, mover.stays)) return false;
      steps.push_back({JointStep::Kind::kTake, problem.items()[mover.item].intent,
                       plan_of(problem, place, mover.stays, cache), mover.saves});
      holding.account(place, -1, mover.stays);
      if (mover.holds) holding.account(held(mover.item), 1, mover.stays);
      return true;
    });
    if (waiting.size() < before) continue;
    const auto leaver =
        std::find_if(waiting.begin(), waiting.end(), [](const Mover& mover) { return mover.holds; });
    if (leaver == waiting.end()) break;  // the snapshot holds more than it has: what waits stays as it is
    steps.push_back({JointStep::Kind::kLeave, problem.items()[leaver->item].intent, {}, 0});
    holding.account(held(leaver->item), 1, false);
    leaver->holds = leaver->stays = false;
  }
  return steps;
}

std::span<const JointStep> worthwhile(std::span<const JointStep> steps) {
  Nanocredits saved = 0, most = 0;
  size_t count = 0;
  for (size_t i = 0; i < steps.size() && steps[i].kind == JointStep::Kind::kTake; ++i) {
    saved = saturating_add(saved, steps[i].saves_per_hour);
    if (saved <= most) continue;
    most = saved;
    count = i + 1;
  }
  return steps.first(count);
}

Result<JointPassResult> JointPass::run(const Graph& graph, const JointPassOptions& options) {
  const JointProblem problem(graph, options.worth);
  JointRelaxation relaxation(problem, solver_);
  std::vector<Nanocredits> worth;
  for (uint32_t i = 0; i < problem.items().size(); ++i) {
    const Nanocredits once = problem.items()[i].worth;
    const bool served = problem.current(i).has_value();
    worth.push_back(served ? std::min(INT64_MAX / 4, charge(once, options.served_worth_factor, 1)) : once);
  }
  auto relaxed = relaxation.solve(worth, options.relaxation);
  if (!relaxed) return tl::unexpected<Error>(relaxed.error());
  auto assignment = round(problem, relaxation, *relaxed, worth, options.rounding);
  if (!assignment) return tl::unexpected<Error>(assignment.error());

  JointPassResult result{.bound = relaxed->bound,
                         .relaxed = relaxed->relaxed,
                         .after = assignment->price,
                         .items = static_cast<int32_t>(problem.items().size()),
                         .rounds = relaxed->rounds,
                         .iterations = relaxed->iterations};
  for (uint32_t i = 0; i < worth.size(); ++i) {
    const auto& now = problem.current(i);
    const auto& then = assignment->of[i];
    result.before = saturating_add(result.before, now ? now->price : worth[i]);
    result.served_before += now.has_value();
    result.served += then.has_value();
    result.admitted += then && !now;
    result.dropped += now && !then;
    result.moved += now && then && (*now != then->column || problem.current_node(i) != then->node);
  }
  if (result.bound > 0) {
    result.gap_ppm =
        static_cast<int64_t>(static_cast<__int128>(result.after - result.bound) * kPpm / result.bound);
  }
  for (size_t s = 0; s < graph.site_count(); ++s) {
    const SiteId site(s);
    const auto of = [&](SiteResource kind) { return relaxed->prices[problem.resource(site, kind)]; };
    const SiteShadowPrice price{site, of(SiteResource::kCpu), of(SiteResource::kMemory),
                                of(SiteResource::kAccelerators)};
    if (price.per_core_hour > 0 || price.per_gib_hour > 0 || price.per_accelerator_hour > 0)
      result.sites.push_back(price);
  }
  for (size_t l = 0; l < graph.link_count(); ++l) {
    const Nanocredits price = relaxed->prices[problem.resource(LinkId(l))];
    if (price > 0) result.links.push_back({LinkId(l), price});
  }
  result.steps = steps_to(problem, *assignment, worth);
  return result;
}

}  // namespace weir
