#include <algorithm>

#include "core/loop/loop.h"

namespace weir {
namespace {

constexpr TimeUs kWindowUsMin = 500'000;  // shorter windows tell little
constexpr int64_t kMorePercent = 10;      // than known, to be worth a new plan
constexpr int64_t kOfDeclaredMax = 16;    // times
// Of all shares: what would be used is more, by how much nobody knows; so much more is guessed.
constexpr int64_t kSaturatedPercent = 95;
constexpr int64_t kGuessPercent = 25;
constexpr int64_t kPpmMax = 1'000'000'000'000;  // a million cores

}  // namespace

// What a request takes, by the processor time that sites meter for the runs of a plan and the requests that
// the plan is there for: exact while they keep up, and a guess above that where they use all that they may.
// Over all runs, because connections may be shared out otherwise than planned. Of each run the lower of two
// windows in a row counts, so that neither a start nor a single outburst does.
void Loop::learn_work(SiteId site, IntentId intent, const UsageReport& report) {
  const IntentRow& row = head_.intent(intent);
  const int64_t declared_us = row.spec->traffic.work_us_per_request;
  const TimeUs span_us = report.to - report.from;
  // Its last report may have ended what is known of the run.
  if (declared_us == 0 || span_us < kWindowUsMin || !intent_of_plan_.count(report.run.plan)) return;
  const auto ppm = static_cast<int64_t>(
      std::min<__int128>(static_cast<__int128>(report.cpu_us) * 1'000'000 / span_us, kPpmMax));
  const auto [seen, first] = work_seen_.try_emplace(report.run, WorkSeen{ppm, {}});
  if (!first) seen->second = {ppm, std::min(ppm, seen->second.ppm_newest)};
  // Where an instance is missing the others do its work too.
  if (row.promise_kept || !row.active || row.active->plan.generation != row.generation ||
      !active_is_ready(row))
    return;

  const std::vector<Placement>& placements = row.active->plan.placements;
  __int128 used_ppm = 0, share_ppm = 0;  // of a core
  __int128 taken_ppm = 0;                // of the reference core
  __int128 requests_milli = 0;           // per second
  bool own = false;
  for (size_t k = 0; k < placements.size(); ++k) {
    own = own || row.active->run(k) == report.run;
    const Placement& p = placements[k];
    const auto found = work_seen_.find(row.active->run(k));
    if (found == work_seen_.end() || !found->second.ppm_low) return;
    const int64_t low_ppm = *found->second.ppm_low;
    used_ppm += low_ppm;
    share_ppm += int64_t{p.cpu_milli} * 1'000;
    taken_ppm += static_cast<__int128>(low_ppm) * std::max(1, head_.load(p.site).speed_milli_min) / 1'000;
    requests_milli += static_cast<__int128>(p.streams) * row.spec->traffic.requests_per_second_milli;
  }
  if (!own || requests_milli <= 0) return;
  const bool saturated = used_ppm * 100 >= share_ppm * kSaturatedPercent;
  const __int128 taken_us =
      taken_ppm * 1'000 * (saturated ? 100 + kGuessPercent : 100) / 100 / requests_milli;
  const auto work_us = static_cast<int64_t>(std::min<__int128>(taken_us, kOfDeclaredMax * declared_us));
  const int64_t known_us = row.demand->traffic.work_us_per_request;
  if (work_us > known_us + known_us * kMorePercent / 100) {
    (void)record("site/" + head_.site_name(site), {WorkMeasured{intent, row.generation, work_us}});
  }
}

}  // namespace weir
