#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/loop/loop.h"
#include "core/ports/log_store.h"
#include "core/ports/planner.h"
#include "core/ports/scheduler.h"

namespace weir::twin {

// When a run ends by itself. The earliest is on top of a heap, and of those at one time the first that was foreseen.
struct RunEnd {
  TimeUs at_us = 0;
  uint64_t sequence = 0;
  SiteId site;
  RunId run;
  bool operator<(const RunEnd& other) const {
    return at_us != other.at_us ? at_us > other.at_us : sequence > other.sequence;
  }
};

// The production loop in virtual time, among sites that do at once what they are told: what begins, runs, and what is to stop has
// stopped. Whoever owns it moves the time on, says what is wished, and when runs end by themselves.
class VirtualLoop final : public Clock, public Wire {
 public:
  struct Ports {
    Planner& planner;
    Scheduler* scheduler = nullptr;
    LogStore& log;
    std::function<bool(const Graph&, IntentId)> needs_decision;
    // A site is told to begin a run. False: it is none of this world's and does not begin.
    std::function<bool(SiteId, const DirectedRun&)> begins;
    // A run that had not ended was told to stop, after so long.
    std::function<void(SiteId, IntentId, TimeUs ran_us)> stopped;
    // May be empty.
    std::function<void(IntentId, const Decision&)> decided = {};
  };
  // `origin_us`: both clocks at virtual time 0.
  VirtualLoop(Ports ports, TimeUs origin_us) : ports_(std::move(ports)), origin_us_(origin_us) {}

  // Of a loop that nobody falls silent to, that says nothing twice, and does nothing without a reason.
  static LoopOptions options();
  // From what the log holds; or else as the genesis says.
  Status start(const LoopOptions& options, const std::string& version, const DomainCreated& genesis);

  TimeUs now_us() const { return now_us_; }
  void set_now(TimeUs now_us) { now_us_ = now_us; }
  // When something may happen without anything said, in virtual time; INT64_MAX: never.
  TimeUs wake_us();

  void attach(SiteId site, Hello hello);
  // A run that goes on since before; requires that its site did not speak yet.
  void holds(SiteId site, RunId run, IntentId intent, TimeUs since_us);
  void propose(const std::string& actor, EventBody body, Brain::Reply reply);
  size_t unheard() const { return inbox_.size(); }
  // It ended well by itself, having used `used` of what is reserved. None: it does not run any more. Else its intent.
  IntentId end_run(SiteId site, RunId run, const std::function<UsageReport(IntentId, TimeUs since_us)>& used);

  Status turn();
  // Until nothing happens any more at this time, or, looked at before every turn, it is `over`.
  Status settle(const std::function<bool()>& over = {});

  Loop& loop() { return *loop_; }
  const Graph& head() const { return loop_->head(); }

  TimeUs wall_us() override { return origin_us_ + now_us_; }
  TimeUs steady_us() override { return origin_us_ + now_us_; }
  void send(const SiteDirective& directive) override;
  void drop(SiteId site) override;  // the site is gone, with what ran there

 private:
  struct Run {
    IntentId intent;
    uint64_t told = 0;                     // the newest directive that had it
    TimeUs since_us = 0;
    bool ended = false;
  };
  struct Site {
    uint64_t directives = 0;
    Position applied_version = 0;
    uint64_t brain_epoch = 0;
    bool gone = false;
    std::map<RunId, Run> runs;
    std::vector<Brain::Report> usage;
  };

  Site& at(SiteId site);
  void stop(SiteId site, Run& run);
  bool decide(uint64_t ticket, const Snapshot& snapshot, IntentId intent, const std::vector<SiteId>& sites);

  Ports ports_;
  TimeUs origin_us_;
  TimeUs now_us_ = 0;
  std::unique_ptr<Loop> loop_;
  std::vector<Loop::Message> inbox_;
  std::vector<Site> sites_;
  std::set<SiteId> spoke_;                 // have something to report
};

}  // namespace weir::twin
