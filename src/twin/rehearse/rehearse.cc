#include "twin/rehearse/rehearse.h"

#include <algorithm>
#include <set>
#include <string>

#include "twin/rehearse/run.h"

namespace weir::twin {
namespace {

constexpr TimeUs kLaterUs = 1'000'000;  // what is less is no delay
constexpr uint64_t kRowsPerTurn = 100;  // of intents and nodes

// What the others suffer, as far as both runs came.
void compare(const Branch& branch, const RunOutcome& without, const RunOutcome& with, Rehearsal& out) {
  const TimeUs reached_us = std::min(without.reached_us, with.reached_us);
  for (size_t i = 0; i < with.others.size(); ++i) {
    if (i < branch.waiting.size() && branch.waiting[i] == with.wish) continue;
    const auto &before = without.others[i], &after = with.others[i];
    if (!before || *before > reached_us) continue;
    const TimeUs later_us = std::min(after.value_or(reached_us), reached_us) - *before;
    const bool never = !after || *after > reached_us;
    if (later_us < kLaterUs && !never) continue;
    ++out.others_later;
    out.others_later_us = std::max(out.others_later_us, later_us);
  }
  for (size_t i = 0; i < with.preemptions.size(); ++i) {
    if (IntentId(i) != with.wish && with.preemptions[i] > without.preemptions[i]) ++out.others_preempted;
  }
  for (size_t i = 0; i < with.others_preempted.size(); ++i) {
    if (with.others_preempted[i] > without.others_preempted[i]) ++out.others_preempted;
  }
}

// When a site is to be lost: half way from the start to the end. None: it does not start, or is an array.
std::optional<TimeUs> half_way(const RunOutcome& run, const IntentSubmitted& wish) {
  if (!run.starts_us || wish.spec.schedule.tasks > 0) return std::nullopt;
  return *run.starts_us + (run.ends_us.value_or(run.reached_us) - *run.starts_us) / 2;
}

}  // namespace

std::vector<Rehearsal> rehearse(const Graph& graph, TimeUs now, const std::vector<IntentSubmitted>& wishes, const RehearseWith& with,
                                const RehearseOptions& options) {
  std::vector<Rehearsal> out(wishes.size());
  for (Rehearsal& one : out) one.window_us = options.window_us;
  const auto refuse = [&out](const std::string& why) {
    for (Rehearsal& one : out) one.problem = why;
    return out;
  };
  if (graph.intent_count() > options.intents_max || graph.node_count() > options.nodes_max) {
    return refuse("the domain has more than " + std::to_string(options.intents_max) + " intents or " + std::to_string(options.nodes_max) + " nodes");
  }
  if (wishes.empty()) return out;
  std::set<std::string> taken;
  for (const IntentSubmitted& wish : wishes) taken.insert(wish.spec.name);
  const Branch branch = branch_of(graph, now, options, taken);
  const uint64_t longer = 1 + (graph.intent_count() + graph.node_count()) / kRowsPerTurn;
  RehearseBounds left = options.all;
  left.turns_max /= longer;
  uint64_t runs_left = 1 + 2 * wishes.size();
  const auto through = [&](const IntentSubmitted* wish, std::optional<TimeUs> lose_at_us) {
    const RehearseBounds bounds{std::min(options.run.turns_max / longer, left.turns_max / runs_left), std::min(options.run.decisions_max, left.decisions_max / runs_left)};
    const RunOutcome outcome = Run(branch, wish, lose_at_us, with, options, bounds).go();
    left.turns_max -= std::min(left.turns_max, outcome.turns);
    left.decisions_max -= std::min(left.decisions_max, outcome.decisions);
    --runs_left;
    return outcome;
  };
  const RunOutcome without = through(nullptr, std::nullopt);
  if (!without.problem.empty()) return refuse(without.problem);
  for (size_t i = 0; i < wishes.size(); ++i) {
    Rehearsal& one = out[i];
    const RunOutcome run = through(&wishes[i], std::nullopt);
    if (!run.problem.empty()) {
      one.problem = run.problem;
      --runs_left;
      continue;
    }
    one.reached_us = run.reached_us;
    one.forecast = branch.forecast.source;
    one.arrivals = run.arrivals;
    one.starts_us = run.starts_us;
    one.ends_us = run.ends_us;
    one.billed = run.billed;
    one.moves = run.moves;
    one.preemptions = run.preempted;
    one.short_us = run.short_us;
    compare(branch, without, run, one);
    const auto lose_at_us = half_way(run, wishes[i]);
    if (!lose_at_us) {
      --runs_left;
      continue;
    }
    const RunOutcome loss = through(&wishes[i], lose_at_us);
    if (!loss.problem.empty()) continue;
    one.lost = loss.lost;
    one.repaired_us = loss.repaired_us;
  }
  return out;
}

}  // namespace weir::twin
