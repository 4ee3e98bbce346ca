#include <algorithm>

#include "core/loop/loop.h"

// What runs have used, as their sites report it.
namespace weir {

Status Loop::report(SiteId site, const UsageReport& report) {
  const auto intent = intent_of_plan_.find(report.run.plan);
  if (intent == intent_of_plan_.end() || report.to <= report.from) return {};
  const IntentId id = intent->second;  // the run may be forgotten with its last report
  const Metered* known = head_.metered(id, report.run, site);
  if (!known) return {};
  // Said again because its acknowledgement was lost, or the agent has forgotten what it said: to be billed
  // once. Of a report that is partly known its share of the counters is taken.
  const std::vector<Window> fresh = known->missing({report.from, report.to});
  std::vector<EventBody> bodies;
  for (const Window& part : fresh) {
    const auto share = [&](int64_t counter) {
      return static_cast<int64_t>(static_cast<__int128>(counter) * (part.to - part.from) /
                                  (report.to - report.from));
    };
    bodies.push_back(UsageReported{report.run, id, part.from, part.to, share(report.cpu_us),
                                   share(report.memory_mib_us), share(report.received_bytes),
                                   share(report.sent_bytes), share(report.energy_microjoule),
                                   report.energy_model, part.to == report.to ? report.begun : 0});
  }
  const Status taken = record("site/" + head_.site_name(site), std::move(bodies));
  if (taken && fresh.size() == 1 && fresh.front() == Window{report.from, report.to})
    learn_work(site, id, report);
  return taken;
}

// A site lists what it has, and what it has still to report. What it was not told to keep, does not list, and
// was never metered has used nothing that anybody will hear of: it never began, or its machine has lost it.
void Loop::release_unused() {
  if (held_ || !unused_look_) return;
  unused_look_ = false;
  const TimeUs wall = ports_.clock.wall_us();
  for (auto at = awaiting_usage_.begin(); at != awaiting_usage_.end();) {
    const IntentId id = *at;
    std::map<SiteId, std::vector<EventBody>> bodies;
    for (const RetiredRun& run : head_.intent(id).retired_runs) {
      const auto session = sessions_.find(run.site);
      if (run.metered.until() != 0 || session == sessions_.end() || !session->second.attached ||
          !session->second.sent_any || session->second.sent.held || !settled(run.site)) {
        continue;
      }
      const auto is_it = [&run](const auto& known) { return known.run == run.run; };
      const auto& [told, seen] = std::tie(session->second.sent.runs, session->second.runs);
      if (std::any_of(told.begin(), told.end(), is_it) || std::any_of(seen.begin(), seen.end(), is_it))
        continue;
      bodies[run.site].push_back(
          UsageReported{.run = run.run, .intent = id, .from = wall, .to = wall, .begun = wall});
    }
    // Without room on the disk it is found again with the site's next word.
    for (auto& [site, of_site] : bodies) (void)record("site/" + head_.site_name(site), std::move(of_site));
    at = head_.intent(id).retired_runs.empty() ? awaiting_usage_.erase(at) : std::next(at);
  }
}

}  // namespace weir
