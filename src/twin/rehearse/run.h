#pragma once

#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "twin/rehearse/branch_log.h"
#include "twin/rehearse/rehearse.h"
#include "twin/world/virtual_loop.h"

namespace weir::twin {

// What became of the domain in one run through the window. Times from the moment of the graph.
struct RunOutcome {
  std::string problem;                     // why there is nothing else but what it took
  uint64_t turns = 0, decisions = 0;
  TimeUs reached_us = 0;
  int32_t arrivals = 0;                    // that were admitted
  // When they first ran: the jobs and arrays that waited at first, then the arrivals.
  std::vector<std::optional<TimeUs>> others;
  std::vector<uint32_t> preemptions;       // of each intent of the graph
  std::vector<uint32_t> others_preempted;  // of the arrivals
  // Of the wish.
  IntentId wish;
  std::optional<TimeUs> starts_us, ends_us;
  Nanocredits billed = 0;
  int32_t moves = 0;
  int32_t preempted = 0;
  TimeUs short_us = 0;
  SiteId lost;
  std::optional<TimeUs> repaired_us;
};

// What all runs from one graph have in common. The graph outlives it.
struct Branch {
  const Graph& graph;
  TimeUs origin_us = 0;
  BranchLog::State state;
  Forecast forecast;
  std::vector<IntentId> waiting;           // jobs and arrays of which nothing has begun
};
// `taken`: names that the arrivals may not have.
Branch branch_of(const Graph& graph, TimeUs now, const RehearseOptions& options, const std::set<std::string>& taken);

// One run through the window. `wish`: null: none. `lose_at_us`: when the site of most of its instances is lost; none: none is.
class Run {
 public:
  Run(const Branch& branch, const IntentSubmitted* wish, std::optional<TimeUs> lose_at_us, const RehearseWith& with,
      const RehearseOptions& options, const RehearseBounds& bounds);
  RunOutcome go();

 private:
  Status begin();
  Status make_wish();
  Status go_on();
  bool move_on(TimeUs to_us);              // false: nothing happens then but that time goes by
  bool over_bounds();
  Status settle();
  void resume(SiteId site, const RunRow& run, IntentId intent);
  bool begins(SiteId site, const DirectedRun& order);
  void stopped(IntentId intent, TimeUs ran_us);
  bool end_run(const RunEnd& end);
  TimeUs expected_us(IntentId intent, const IntentRow& row) const;
  void foresee_end(SiteId site, RunId run, IntentId intent, TimeUs since_us);
  void submit(const Arrival& arrival);
  void lose_site();
  void account(TimeUs dt_us);
  void observe();
  bool wish_is_ready() const;
  Nanocredits wish_per_hour() const;
  void conclude();

  const Branch& branch_;
  const IntentSubmitted* wish_;
  std::optional<TimeUs> lose_at_us_;
  const RehearseOptions& options_;
  const RehearseBounds bounds_;
  std::unique_ptr<Planner> planner_;
  std::unique_ptr<Scheduler> scheduler_;
  BranchLog log_;
  VirtualLoop world_;
  RunOutcome out_;

  std::priority_queue<RunEnd> ends_;
  uint64_t sequence_ = 0;
  size_t next_arrival_ = 0;
  std::map<IntentId, uint32_t> running_;   // runs
  std::map<IntentId, TimeUs> began_;       // first; of an array: its first task
  std::map<IntentId, TimeUs> saved_us_;    // of their run time: what checkpoints hold of runs that were stopped
  struct Stopped {
    TimeUs at_us = -1, ran_us = 0;         // of those that were stopped then, the shortest
  };
  std::map<IntentId, Stopped> stopped_;    // the last of each
  bool ready_ = false;                     // the wish: all its instances run
  Position planned_ = kNoPosition;         // its active plan at the last look, and where that is
  std::set<SiteId> sites_;
  unsigned __int128 billed_ = 0;           // nanocredits, times the microseconds of an hour
};

}  // namespace weir::twin
