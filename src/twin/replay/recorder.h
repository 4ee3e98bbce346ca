#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "twin/replay/distribution.h"
#include "twin/replay/replay.h"
#include "twin/replay/timeline.h"

namespace weir::twin {

// What people want to know of a replay, kept while it goes on in memory that does not grow with the trace.
class Recorder {
 public:
  // Means over time; kWaited and kStarted are sums per bin.
  enum Channel : size_t {
    kCores,         // share of the cores in use
    kAccelerators,  // share of the accelerators in use
    kWaiting,       // jobs
    kRunning,       // jobs
    kCorePrice,     // credits per core-hour: what sites ask and scarcity, by their cores
    kCarbon,        // g per hour, of the cores in use
    kFragmented,    // share of what is free that a job of this trace could not use, on average
    kWaited,        // seconds that jobs waited, by when they started
    kStarted,       // jobs
    kChannels
  };
  static constexpr size_t kBarsMax = 5'000;

  struct Bar {
    TimeUs submit_us = 0, start_us = 0, end_us = 0;
    SiteId site;
    int32_t cpu_milli = 0;
    std::string id, queue;
  };

  struct Summary {
    uint64_t jobs = 0, done = 0, too_large = 0, refused = 0, never_started = 0;
    TimeUs first_us = 0, end_us = 0;               // first submission, last end
    Distribution wait_s, slowdown;                 // bounded slowdown, 10 s
    double core_share = 0, accelerator_share = 0;  // in use, from the first submission to the last end
    double billed_credits = 0, carbon_kg = 0;
    uint64_t attempts_more = 0;  // beyond each job's first
    std::map<std::string, uint64_t> waited_for;
  };

  void outcome(const JobOutcome& outcome);
  void moment(const Moment& moment);

  const Summary& summary() const { return summary_; }
  const Timeline& timeline() const { return timeline_; }
  bool has_accelerators() const { return accelerators_total_ > 0; }
  // A sample of the jobs, spread over all of them: every `bars_every`-th.
  const std::vector<Bar>& bars() const { return bars_; }
  uint64_t bars_every() const { return bars_every_; }

 private:
  struct Kind {
    int32_t cpu_milli = 0;
    int32_t accelerators = 0;
    int32_t accelerator_milli = 0;
    auto operator<=>(const Kind&) const = default;
  };
  void measure(const Graph& graph);
  double fragmented(const Graph& graph) const;

  Summary summary_;
  Timeline timeline_{kChannels};
  std::vector<double> now_ = std::vector<double>(kChannels);
  TimeUs at_us_ = -1;
  TimeUs fragmented_at_us_ = -1;
  int64_t accelerators_total_ = 0;
  double cores_us_ = 0, accelerators_us_ = 0, carbon_mg_us_ = 0;
  std::map<Kind, uint64_t> kinds_;
  uint64_t seen_ = 0, bars_every_ = 1;
  std::vector<Bar> bars_;
};

// What kept it from starting at once: "cpu", "memory", ... where it was tried; "turn" where it was not its
// turn; else empty.
const char* waited_for_text(const JobOutcome& outcome);

// The jobs as comma-separated values: the header, and the row of one, each with its newline.
std::string jobs_csv_header();
std::string jobs_csv_row(const JobOutcome& outcome, const std::string& site);
// max(1, (wait + run) / max(run, 10 s)); Feitelson and Rudolph, JSSPP 1998.
double bounded_slowdown(const JobOutcome& outcome);

}  // namespace weir::twin
