#include <algorithm>

#include "core/loop/loop.h"

namespace weir {
namespace {

constexpr TimeUs kWindowUsMin = 500'000;     // shorter windows tell little
constexpr int64_t kMorePercent = 10;         // than known, to be worth a new plan
constexpr int64_t kOfDeclaredMax = 16;       // times
constexpr int64_t kSaturatedPercent = 95;    // of its share: what it would use is more, by how much nobody knows
constexpr int64_t kGuessPercent = 25;        // more

}  // namespace

// What a request took, by the processor time that the site metered and the requests that the run is there for: exact
// while it keeps up, and a guess above that where it uses its whole share. The lower of two windows in a row counts, so
// that neither a start nor a single outburst does.
void Loop::learn_work(SiteId site, IntentId intent, const UsageReport& report) {
  const IntentRow& row = head_.intent(intent);
  const int64_t declared_us = row.spec->traffic.work_us_per_request;
  const TimeUs span_us = report.to - report.from;
  if (!row.active || row.active->plan.generation != row.generation || declared_us == 0 || span_us < kWindowUsMin) return;
  const std::vector<Placement>& placements = row.active->plan.placements;
  for (size_t k = 0; k < placements.size(); ++k) {
    if (row.active->run(k) != report.run) continue;
    // 1e-9 requests
    const __int128 requests =
        static_cast<__int128>(placements[k].streams) * row.spec->traffic.requests_per_second_milli * span_us;
    if (requests <= 0) return;
    const bool saturated = static_cast<__int128>(report.cpu_us) * 100'000 >=
                           static_cast<__int128>(span_us) * placements[k].cpu_milli * kSaturatedPercent;
    const __int128 taken_us = static_cast<__int128>(report.cpu_us) * (saturated ? 100 + kGuessPercent : 100) /
                              100 * std::max(1, head_.load(site).speed_milli_min) * 1'000'000 / requests;
    const int64_t now_us = static_cast<int64_t>(std::min<__int128>(taken_us, kOfDeclaredMax * declared_us));
    const auto [seen, first] = work_seen_us_.try_emplace(report.run, now_us);
    const int64_t work_us = first ? 0 : std::min(now_us, std::exchange(seen->second, now_us));
    const int64_t known_us = row.demand->traffic.work_us_per_request;
    if (!row.promise_kept && work_us > known_us + known_us * kMorePercent / 100) {
      (void)record("site/" + head_.site_name(site), {WorkMeasured{intent, row.generation, work_us}});
    }
    return;
  }
}

}  // namespace weir
