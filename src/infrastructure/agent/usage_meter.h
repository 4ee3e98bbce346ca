#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/ports/site_driver.h"
#include "core/ports/wire.h"

namespace weir::agent {

// Turns what runs have used so far into reports whose windows join up: the sum of a run's reports is what it
// used. Pure.
class UsageMeter {
 public:
  // What has been reported of a run in all, up to a moment. As a UsageReport from 0.
  using Reported = std::map<RunId, UsageReport>;

  UsageMeter() = default;
  explicit UsageMeter(Reported reported) : reported_(std::move(reported)) {}

  // The report since the last one; none when no time has passed, or the run has not begun. The window of a
  // run that has ended ends with it. `wall_us` may go back: windows never overlap.
  std::optional<UsageReport> take(RunId run, const RunUsage& usage, TimeUs wall_us);
  // Whether everything up to the end of the run has been taken.
  bool complete(RunId run) const { return ended_.contains(run); }
  void forget(RunId run);
  const Reported& reported() const { return reported_; }

 private:
  Reported reported_;
  std::map<RunId, bool> ended_;
};

}  // namespace weir::agent
