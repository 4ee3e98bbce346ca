#include "simulation/sweep.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

namespace weir::simulation {
namespace {

constexpr size_t kFailuresMax = 20;

Outcome run(uint64_t seed, const Sweep& sweep, bool twice) {
  Outcome outcome = simulate(seed, sweep.options);
  if (!outcome.ok || !twice) return outcome;
  const Outcome again = simulate(seed, sweep.options);
  if (!(again.head == outcome.head)) {
    outcome.ok = false;
    outcome.why = "the same seed ran differently the second time: heads " + to_hex(outcome.head.root) + " of " +
                  std::to_string(outcome.head.size) + " and " + to_hex(again.head.root) + " of " +
                  std::to_string(again.head.size);
  }
  return outcome;
}

}  // namespace

std::string reproduce(uint64_t seed) {
  return "weir sim run --seeds " + std::to_string(seed) + ".." + std::to_string(seed) + " --verbose";
}

SweepResult sweep(const Sweep& wanted, const std::function<void(const Outcome&)>& each) {
  SweepResult result;
  std::atomic<uint64_t> next{wanted.first};
  std::mutex mutex;
  const auto work = [&] {
    for (uint64_t seed = next++; seed <= wanted.last; seed = next++) {
      const bool twice = wanted.twice_every != 0 && seed % wanted.twice_every == 0;
      Outcome outcome = run(seed, wanted, twice);
      const std::lock_guard lock(mutex);
      ++result.seeds;
      result.twice += twice;
      result.events += outcome.head.size;
      result.turns += outcome.totals.turns;
      result.crashes += outcome.totals.crashes;
      result.commits += outcome.totals.commits;
      result.refusals += outcome.totals.refusals;
      result.preemptions += outcome.preemptions;
      result.resizes += outcome.resizes;
      result.reclaims += outcome.reclaims;
      result.made_way += outcome.made_way;
      result.exchanged += outcome.exchanged;
      result.conflicts += outcome.totals.conflicts;
      result.defects += outcome.totals.defects;
      result.moves += outcome.totals.moves;
      result.virtual_us += outcome.ended_us;
      result.converged_us_max = std::max(result.converged_us_max, outcome.converged_us);
      if (each) each(outcome);
      if (outcome.ok) continue;
      ++result.failed;
      result.failures.push_back(std::move(outcome));
      std::sort(result.failures.begin(), result.failures.end(),
                [](const Outcome& a, const Outcome& b) { return a.seed < b.seed; });
      if (result.failures.size() > kFailuresMax) result.failures.pop_back();
    }
  };
  std::vector<std::thread> others;
  for (unsigned j = 1; j < wanted.jobs; ++j) others.emplace_back(work);
  work();
  for (std::thread& thread : others) thread.join();
  return result;
}

}  // namespace weir::simulation
