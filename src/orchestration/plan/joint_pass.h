#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "orchestration/plan/candidates.h"
#include "orchestration/plan/joint_rounding.h"

namespace weir {

struct JointPassOptions {
  JointWorth worth{.per_core_hour = 10 * kCredit};
  // What is served now is not refused for the sake of others: its worth counts this many times.
  int32_t served_worth_factor = 16;
  RelaxationLimits relaxation;
  RoundingLimits rounding;
};

// One step on the way to the assignment. Taken in order, no node and no link ever holds more than it has.
struct JointStep {
  enum class Kind : uint8_t {
    kTake,   // the plan is committed; what the intent held until then is given up after
    kLeave,  // the intent gives up what it holds: others need it first, or it is refused now
  };
  Kind kind = Kind::kTake;
  IntentId intent;
  Plan plan;                       // kTake
  Nanocredits saves_per_hour = 0;  // kTake: against where it was, or against refusing it
};

struct JointPassResult {
  // No assignment of what the pass may place has less price and worth of refusals together, per hour.
  Nanocredits bound = 0;
  Nanocredits relaxed = 0;            // of the relaxed optimum, at least the bound
  Nanocredits before = 0, after = 0;  // of the snapshot and of the assignment
  int64_t gap_ppm = 0;                // (after - bound) / bound; 0 where the bound is 0
  int32_t items = 0, served_before = 0, served = 0, moved = 0, admitted = 0, dropped = 0;
  int32_t rounds = 0;
  int64_t iterations = 0;
  std::vector<SiteShadowPrice> sites;  // by SiteId, those that have one
  std::vector<LinkShadowPrice> links;  // by LinkId, alike
  std::vector<JointStep> steps;
};

// The periodic pass over the whole domain: the relaxed joint problem of compute and multicommodity flow, its
// bound and its prices; an assignment that is whole; and the steps there, each worth more than it costs. It
// runs outside `decide`: what it says enters by events, and every plan is verified like any other. Equal
// snapshots give equal results on one machine.
class JointPass {
 public:
  explicit JointPass(LinearSolver& solver) : solver_(solver) {}
  // Errors are those of the solver; nothing was decided then.
  Result<JointPassResult> run(const Graph& graph, const JointPassOptions& options = {});

 private:
  LinearSolver& solver_;
};

// The plan that places the item so, with a protection path where there is one, as committed on the problem's
// snapshot. `stays`: the instance that is there goes on. `cache` only saves work.
Plan plan_of(const JointProblem& problem, const Assignment::Place& place, bool stays, PlanCache& cache);

// The order in which to go from what the snapshot holds to the assignment; every intermediate state keeps
// what nodes and links have. An intent leaves before it can take its new place only where intents wait for
// one another in a circle.
std::vector<JointStep> steps_to(const JointProblem& problem, const Assignment& assignment,
                                const std::vector<Nanocredits>& worth);

// The first steps that save most together without anybody leaving: single ones may cost, and make room for others.
std::span<const JointStep> worthwhile(std::span<const JointStep> steps);

}  // namespace weir
