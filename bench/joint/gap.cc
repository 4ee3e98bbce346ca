#include "bench/joint/gap.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "bench/joint/trial.h"
#include "bench/support/arguments.h"
#include "infrastructure/solver/clp.h"
#include "orchestration/plan/joint_pass.h"

namespace weir::bench {
namespace {

constexpr const char* kHelp =
    "Usage: weir bench joint --gap [--instances N] [--seed S] [--load LOAD]\n"
    "\n"
    "Random regions of 500 sites and 5,000 intents: Weir deciding one by one, Weir\n"
    "after its periodic pass, place-first and path-first, against the bound of the\n"
    "relaxed joint problem.\n"
    "  --instances N   regions for each load, seeds S to S+N-1 (default 3)\n"
    "  --seed S        first seed (default 1)\n"
    "  --load LOAD     low (demand 0.5 of capacity), medium (0.9) or saturated (1.4);\n"
    "                  default all three\n"
    "  --sites N       sites that compute; routers are twice as many (default 500)\n"
    "  --intents N     (default 5000)\n"
    "\n"
    "Example: weir bench joint --gap --instances 1 --load low\n";

// The pass weighs a refused core-hour like this; the asks are 0.02 to 0.10.
constexpr Nanocredits kWorth = 10 * kCredit;
constexpr RelaxationLimits kRelaxation{.rounds_max = 60, .gap_ppm = 1'000};

double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Achieved achieved(const Outcome& outcome) {
  return {outcome.accepted - outcome.broken, outcome.served_cpu_milli, outcome.billed_per_hour};
}

// What the assignment comes to on a region without load, judged by verify().
Result<Achieved> commit(const Instance& instance, const JointProblem& problem, const Assignment& assignment) {
  Graph graph = instance.graph;
  Achieved sum;
  PlanCache cache;
  for (size_t i = 0; i < instance.intents.size(); ++i) {
    graph.apply(Event{1, "generator", IntentSubmitted{IntentId(i), TenantId(0u), 1, instance.intents[i]}});
  }
  for (const auto& place : assignment.of) {
    if (!place) continue;
    Plan plan = plan_of(problem, *place, false, cache);
    plan.basis = graph.version();
    const Verdict verdict = verify(graph, plan);
    if (!verdict.granted)
      return fail(ErrorCode::kInternal, "a plan of the pass was not granted: " + verdict.why);
    graph.apply(Event{1, "brain", PlanCommitted{plan}});
    ++sum.accepted;
    sum.served_cpu_milli += plan.placements[0].cpu_milli;
    sum.billed_per_hour += plan.billed_per_hour;
  }
  return sum;
}

struct Column {
  std::vector<double> values;
  double mean() const {
    double sum = 0;
    for (const double v : values) sum += v;
    return values.empty() ? 0 : sum / static_cast<double>(values.size());
  }
  double worst() const { return values.empty() ? 0 : *std::max_element(values.begin(), values.end()); }
};

void print(const char* load, const std::vector<GapOutcome>& outcomes) {
  std::printf("\n%s: %zu regions, mean (worst)\n", load, outcomes.size());
  std::printf("  %-24s %10s %22s %14s %24s\n", "", "served", "below the bound", "per core-hour",
              "cost over the bound");
  for (int w = 0; w < kWays; ++w) {
    Column served, below, unit, over;
    for (const GapOutcome& outcome : outcomes) {
      const Achieved& one = outcome.achieved[w];
      double dearest = 0;
      for (const Achieved& each : outcome.achieved)
        dearest = std::max(dearest, static_cast<double>(each.billed_per_hour));
      const auto cores = static_cast<double>(one.served_cpu_milli);
      const double most = outcome.frontier.served_cpu_milli(2 * dearest);
      const double least = outcome.frontier.cost(one.served_cpu_milli);
      const auto billed = static_cast<double>(one.billed_per_hour);
      served.values.push_back(100 * cores / static_cast<double>(outcome.frontier.offered_cpu_milli));
      below.values.push_back(100 * (1 - cores / most));
      unit.values.push_back(billed / kCredit / (cores / 1000));
      over.values.push_back(least > 0 ? 100 * (billed / least - 1) : 0);
    }
    std::printf("  %-24s %9.2f%% %12.2f%% (%.2f%%) %14.4f %13.2f%% (%.2f%%)\n", name(static_cast<Way>(w)),
                served.mean(), below.mean(), below.worst(), unit.mean(), over.mean(), over.worst());
  }
  Column moved, admitted, dropped, pass, online;
  for (const GapOutcome& outcome : outcomes) {
    moved.values.push_back(static_cast<double>(outcome.moved));
    admitted.values.push_back(static_cast<double>(outcome.admitted));
    dropped.values.push_back(static_cast<double>(outcome.dropped));
    pass.values.push_back(outcome.pass_seconds);
    online.values.push_back(outcome.online_seconds);
  }
  std::printf(
      "  the pass: %.0f moved, %.0f admitted, %.0f given up for others; %.1f s (%.1f s) of processor time; "
      "one by one %.1f s\n",
      moved.mean(), admitted.mean(), dropped.mean(), pass.mean(), pass.worst(), online.mean());
  std::fflush(stdout);
}

}  // namespace

const char* name(Way way) {
  switch (way) {
    case Way::kPlaceFirst:
      return "place-first";
    case Way::kPathFirst:
      return "path-first";
    case Way::kOnline:
      return "Weir, one by one";
    case Way::kPass:
      return "Weir, after the pass";
  }
  return "";
}

double Frontier::cost(int64_t served) const {
  double least = 0;
  for (const Cut& cut : cuts) {
    const auto refused = static_cast<double>(offered_cpu_milli - served) / 1000;
    least = std::max(least,
                     static_cast<double>(cut.bound) - static_cast<double>(cut.worth_per_core_hour) * refused);
  }
  return least;
}

double Frontier::served_cpu_milli(double billed_per_hour_max) const {
  auto most = static_cast<double>(offered_cpu_milli);
  for (const Cut& cut : cuts) {
    const double refused =
        (static_cast<double>(cut.bound) - billed_per_hour_max) / static_cast<double>(cut.worth_per_core_hour);
    most = std::min(most, static_cast<double>(offered_cpu_milli) - 1000 * refused);
  }
  return most;
}

Result<GapOutcome> measure_gap(const Instance& instance, LinearSolver& solver) {
  const auto failed = [](const Error& error) { return tl::unexpected<Error>(error); };
  constexpr int kEverything = 1'000'000;  // percent of capacity: all intents are offered
  GapOutcome out{.intents = static_cast<int64_t>(instance.intents.size())};
  const auto at = [&](Way way) -> Achieved& { return out.achieved[static_cast<int>(way)]; };
  at(Way::kPlaceFirst) = achieved(run_trial(instance, PolicyKind::kPlaceFirst, {kEverything}).at(0));
  at(Way::kPathFirst) = achieved(run_trial(instance, PolicyKind::kPathFirst, {kEverything}).at(0));
  Graph graph;
  double start = seconds();
  at(Way::kOnline) = achieved(run_trial(instance, PolicyKind::kJoint, {kEverything}, &graph).at(0));
  out.online_seconds = seconds() - start;

  start = seconds();
  const JointProblem problem(graph, JointWorth{.per_core_hour = kWorth});
  JointRelaxation relaxation(problem, solver);
  const auto worth = [&](Nanocredits per_core_hour) {
    std::vector<Nanocredits> of;
    for (const JointItem& item : problem.items()) {
      of.push_back(worth_of({.per_core_hour = per_core_hour}, problem.works()[item.work].workload));
    }
    return of;
  };
  auto relaxed = relaxation.solve(worth(kWorth), kRelaxation);
  if (!relaxed) return failed(relaxed.error());
  const auto assignment = round(problem, relaxation, *relaxed, worth(kWorth));
  if (!assignment) return failed(assignment.error());
  const std::vector<JointStep> steps = steps_to(problem, *assignment, worth(kWorth));
  out.pass_seconds = seconds() - start;
  auto whole = commit(instance, problem, *assignment);
  if (!whole) return failed(whole.error());
  at(Way::kPass) = *whole;
  for (uint32_t i = 0; i < assignment->of.size(); ++i) {
    const auto& now = problem.current(i);
    const auto& then = assignment->of[i];
    out.admitted += then && !now;
    out.dropped += now && !then;
    out.moved += now && then && (*now != then->column || problem.current_node(i) != then->node);
  }

  for (const IntentSpec& spec : instance.intents) out.frontier.offered_cpu_milli += spec.workload.cpu_milli;
  out.frontier.cuts.push_back({kWorth, relaxed->bound});
  const bool refuses = relaxed->bound > 2 * whole->billed_per_hour;
  for (const Nanocredits each : {100 * kCredit, kCredit, 3 * kCredit / 10}) {
    if (each > kWorth && !refuses) continue;
    auto more = relaxation.solve(worth(each), kRelaxation);
    if (!more) return failed(more.error());
    out.frontier.cuts.push_back({each, more->bound});
  }
  return out;
}

int run_gap_bench(const std::vector<std::string>& args) {
  uint64_t instances = 3, seed = 1;
  std::string load;
  RegionShape shape{.sites = 500, .intents = 5'000};
  const auto ended = read_arguments("weir bench joint --gap", kHelp, args,
                                    {Option::number<uint64_t>("--instances", 1, 1'000'000, instances),
                                     Option::number<uint64_t>("--seed", 0, UINT32_MAX, seed),
                                     Option::choice("--load", {"low", "medium", "saturated"}, load),
                                     Option::number<uint32_t>("--sites", 2, 10'000, shape.sites),
                                     Option::number<uint32_t>("--intents", 1, 1'000'000, shape.intents)});
  if (ended) return *ended;
  shape.routers = 2 * shape.sites;
  struct Load {
    const char* name;
    int percent;
  };
  ClpSolver solver;
  for (const Load& each : {Load{"low", 50}, Load{"medium", 90}, Load{"saturated", 140}}) {
    if (!load.empty() && load != each.name) continue;
    shape.load_percent = each.percent;
    std::vector<GapOutcome> outcomes;
    for (uint64_t i = 0; i < instances; ++i) {
      auto outcome = measure_gap(make_instance(seed + i, shape), solver);
      if (!outcome) {
        std::fprintf(stderr, "weir bench joint --gap: %s\n", outcome.error().text().c_str());
        return 1;
      }
      outcomes.push_back(std::move(*outcome));
      std::fprintf(stderr, "%s: %llu of %llu regions\n", each.name, static_cast<unsigned long long>(i + 1),
                   static_cast<unsigned long long>(instances));
    }
    print(each.name, outcomes);
  }
  return 0;
}

}  // namespace weir::bench
