#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/loop/loop.h"
#include "core/ports/log_store.h"
#include "core/ports/planner.h"
#include "core/ports/scheduler.h"
#include "twin/trace/trace_job.h"

// Traces through the production loop in virtual time: the same Loop, planner and graph as in service, with
// ports whose world is a trace. Sites do at once what they are told, and a job ends when its trace says so.
namespace weir::twin {

// What became of a job.
struct JobOutcome {
  uint64_t number = 0;  // in the order of submission, from 0
  TraceJob job;
  enum class End : uint8_t { kDone, kTooLarge, kRefused, kNeverStarted } end = End::kDone;
  TimeUs start_us = 0;  // of its last attempt; kDone only
  TimeUs end_us = 0;
  SiteId site;
  NodeId node;
  int32_t attempts = 0;
  Nanocredits billed = 0;
  ReasonCode waited_for = ReasonCode::kNone;  // why it could not start at first; kNone: it could
  std::string why;                            // kTooLarge, kRefused, kNeverStarted
};

// The state after a moment in which something changed.
struct Moment {
  TimeUs at_us = 0;
  uint64_t waiting = 0, running = 0;
  const Graph* graph = nullptr;
};

struct ReplaySite {
  SiteSpec spec;
  std::vector<NodeSpec> nodes;
};

struct ReplayOptions {
  std::vector<ReplaySite> sites;
  DomainCreated domain;
  std::string policy;  // of the domain's queue, as 'weir get policies' names it; empty: as it stands
  Backfill backfill = Backfill::kInherited;
  // Tenants and queues as in the trace, each due its share; else all jobs are those of one tenant in one
  // queue.
  bool shares = false;
  // Schedulers know what users said; else, and where they said nothing, the true run time. A job is never
  // ended before its own end: its limit is what it runs where that is more than was said.
  bool user_estimates = true;
  // The queue of the domain goes by run times that it predicts from the last two of a user (QueueSpec::predicts).
  bool predicts = false;
  // While so many wait, a job that is submitted is refused: what waits and runs bounds the memory of a replay.
  uint64_t waiting_max = 1'000'000;
  LoopOptions loop = replay_loop();
  // Of this loop: nobody falls silent, nothing is said twice, nothing is done without a reason.
  static LoopOptions replay_loop();
};

struct ReplayTotals {
  uint64_t jobs = 0, done = 0, refused = 0, never_started = 0;  // refused: too large, or too many waited
  TimeUs end_us = 0;  // of the last job
  Loop::Counters loop;
};

// How a replay tells what happens; each may be empty.
struct ReplaySink {
  // Once for every job, as it ends.
  std::function<void(const JobOutcome&)> outcome;
  // After every moment in which something changed, in ascending time.
  std::function<void(const Moment&)> moment;
  // False: stop.
  std::function<bool(const ReplayTotals&, TimeUs now_us)> progress;
};

class Replay {
 public:
  // `planner` and `scheduler` decide as in production; without a scheduler each job is decided as it comes.
  // `log` is new, and may forget (HashLog).
  Replay(const ReplayOptions& options, Planner& planner, Scheduler* scheduler, LogStore& log,
         std::function<bool(const Graph&, IntentId)> needs_decision);
  ~Replay();
  // Until the source has ended and all that can run has run. The error of the source, or of the loop.
  Result<ReplayTotals> run(JobSource& source, const ReplaySink& sink);

 private:
  class World;
  std::unique_ptr<World> world_;
};

}  // namespace weir::twin
