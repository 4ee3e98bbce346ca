#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/ledger/merkle.h"
#include "core/result/result.h"
#include "twin/replay/recorder.h"
#include "twin/replay/replay.h"
#include "twin/trace/job_source.h"

namespace weir::app {

// What `weir sim replay` and `weir sim compare` are told of trace and machine.
struct ReplaySettings {
  std::string trace;
  std::string format;      // swf, openb or csv; empty: by the file's name
  std::string nodes;       // a list in openb's format; empty: one node of `processors` cores for each site
  int64_t processors = 0;  // 0: as the trace's header says
  uint32_t sites = 1;
  uint64_t length = 0;  // jobs of a window; 0: all
  Backfill backfill = Backfill::kEasy;
  uint64_t waiting_max = 1'000'000;  // jobs; more are refused
  bool shares = false;              // tenants and queues as in the trace
  bool user_estimates = true;       // else the true run times
  bool predicts = false;            // queues go by the mean of the last two run times of a user
  double ask_core_hour = 0.01;      // credits
  double ask_accelerator_hour = 1;  // credits
  double carbon_g_per_kwh = 400;
  double watts_per_core = 6;
  uint64_t trace_jobs = 0;  // as prepare() counted, for a window
};

struct ReplayResult {
  twin::Recorder recorder;
  twin::ReplayTotals totals;
  TreeHead head;
  uint64_t ledger_bytes = 0;
  double seconds = 0;
  std::vector<std::string> sites;
  std::string machine;             // "256 cores at 1 site"
  std::vector<std::string> notes;  // what was left out or changed of the trace
};

struct ReplayHooks {
  std::function<void(const twin::JobOutcome&, const std::string& site)> outcome;
  std::function<void(const twin::ReplayTotals&, TimeUs now_us)> progress;
};

// Checks the settings and finds out how many jobs there are where a window is to be drawn.
// kInvalid, kNotFound: says which option, or file and line.
Status prepare(ReplaySettings& settings);

// Seed 0: the trace as it is. Another draws the window's first job where there is one, and else shakes the
// trace: gaps and run times are changed by up to 5 % (Tsafrir, Ouaknine, Feitelson: Reducing performance
// evaluation sensitivity and variability by input shaking, MASCOTS 2007).
Result<ReplayResult> replay(const ReplaySettings& settings, const std::string& policy, uint64_t seed,
                            const ReplayHooks& hooks);

}  // namespace weir::app
