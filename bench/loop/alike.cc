#include "bench/loop/alike.h"

#include <malloc.h>
#include <time.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/loop/loop.h"
#include "orchestration/plan/decide.h"
#include "orchestration/queue/graph_queue.h"
#include "twin/replay/hash_log.h"

namespace weir::bench {
namespace {

constexpr SiteId kSite{0u};
constexpr uint64_t kConnection = 1;
constexpr TimeUs kStepUs = 1'000;

double processor_seconds() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) / 1e9;
}

double allocated_bytes() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks) + static_cast<double>(info.hblkhd);
}

// One site, whose runs end well in the turn after the one that began them.
class World : public Clock, public Wire {
 public:
  World(uint32_t jobs, uint32_t running, bool array) : jobs_(jobs), running_(running), array_(array) {}

  Alike run() {
    Alike out;
    Loop::Ports ports{.clock = *this,
                      .log = log_,
                      .wire = *this,
                      .decide = [this](uint64_t ticket, const Snapshot& snapshot, IntentId intent,
                                       const std::vector<SiteId>& sites) {
                        inbox_.push_back(Loop::Decided{ticket, intent,
                                                       sites.empty() ? planner_.decide(*snapshot, intent)
                                                                     : planner_.decide_among(*snapshot, intent, sites)});
                        return true;
                      },
                      .needs_decision = needs_decision,
                      .publish = [](const Snapshot&) {},
                      .scheduler = &queue_};
    auto loop = Loop::start(std::move(ports), {}, "bench", {.name = "bench", .scarcity_core_hour = kCredit});
    if (!loop) return out;
    loop_ = std::move(*loop);
    propose({TenantDefined{TenantId(0u), "city"}, SiteDefined{{}, {}, {.name = "site"}}});
    if (!turn()) return out;
    const NodeSpec node{.name = "n", .cpu_milli = static_cast<int32_t>(running_) * 1000, .memory_mib = 1024};
    inbox_.push_back(Loop::Attached{kSite, kConnection, {.version = "bench", .nodes = {node}, .driver = "bench"}});
    if (!turn()) return out;

    const double memory = allocated_bytes();
    const Loop::Counters before = loop_->counters();
    const uint64_t bytes = log_.bytes();
    submit();
    const double from = processor_seconds();
    if (!turn()) return out;
    out.submit_seconds = processor_seconds() - from;
    out.submit_events = loop_->counters().events - before.events;
    out.submit_bytes = log_.bytes() - bytes;
    out.submit_memory_bytes = allocated_bytes() - memory;
    while (!done()) {
      if (!turn()) return out;
    }
    out.seconds = processor_seconds() - from;
    out.turns = loop_->counters().turns - before.turns;
    out.events = loop_->counters().events - before.events;
    out.bytes = log_.bytes() - bytes;
    inbox_.clear();
    out.memory_bytes = allocated_bytes() - memory;
    out.done = true;
    return out;
  }

 private:
  TimeUs wall_us() override { return now_us_; }
  TimeUs steady_us() override { return now_us_; }
  void drop(SiteId) override {}
  void send(const SiteDirective& directive) override {
    applied_version_ = directive.version;
    epoch_ = directive.brain_epoch;
    spoke_ = true;
    std::map<RunId, bool> there;
    for (const DirectedRun& run : directive.runs) {
      const auto known = runs_.find(run.run);
      if (known == runs_.end() && (run.ended || directive.held)) continue;
      there[run.run] = known != runs_.end();
    }
    runs_ = std::move(there);
  }

  void propose(std::vector<EventBody> bodies) {
    std::vector<Proposal> proposals;
    for (EventBody& body : bodies) proposals.push_back({"operator/bench", std::move(body)});
    inbox_.push_back(Loop::Propose{std::move(proposals), [](const Result<Admitted>&) {}});
  }

  void submit() {
    IntentSpec spec{.name = "job", .schedule = {.run_time_us_max = 3'600'000'000, .tasks = array_ ? static_cast<int32_t>(jobs_) : 0}};
    spec.workload = {.kind = WorkKind::kJob, .artifact = "a", .cpu_milli = 1000};
    for (uint32_t i = 0; i < (array_ ? 1 : jobs_); ++i) {
      if (!array_) spec.name = "job-" + std::to_string(i);
      propose({IntentSubmitted{{}, TenantId(0u), 0, spec}});
    }
  }

  bool done() const {
    const Graph& graph = loop_->head();
    if (array_) return graph.intent(IntentId(0u)).finished && graph.intent(IntentId(graph.intent_count() - 1)).retiring.empty();
    while (ended_ < jobs_ && graph.intent(IntentId(ended_)).finished && graph.intent(IntentId(ended_)).retiring.empty()) ++ended_;
    return ended_ == jobs_;
  }

  // What the site says of its runs: those that it began before have ended.
  bool turn() {
    now_us_ += kStepUs;
    if (std::exchange(spoke_, false)) {
      Observation seen{.applied_version = applied_version_, .applied_brain_epoch = epoch_, .settled = true};
      std::vector<Brain::Report> reports;
      for (auto& [run, ended] : runs_) {
        seen.runs.push_back({run, RunState::kExited, 0, {}, false});
        if (std::exchange(ended, true)) continue;
        reports.push_back(UsageReport{.run = run, .from = now_us_ - kStepUs, .to = now_us_, .cpu_us = kStepUs, .begun = now_us_ - kStepUs});
      }
      reports.insert(reports.begin(), std::move(seen));
      inbox_.push_back(Loop::Reported{kSite, kConnection, std::move(reports), {}});
    } else {
      inbox_.push_back(Loop::Heartbeat{kSite, kConnection});
    }
    return loop_->turn(std::exchange(inbox_, {})).has_value();
  }

  const uint32_t jobs_, running_;
  const bool array_;
  JointPlanner planner_;
  queue::GraphQueue queue_;
  twin::HashLog log_;
  std::unique_ptr<Loop> loop_;
  std::vector<Loop::Message> inbox_;
  TimeUs now_us_ = 1'000'000'000;
  std::map<RunId, bool> runs_;  // whether its end was reported
  bool spoke_ = false;
  Position applied_version_ = 0;
  uint64_t epoch_ = 0;
  mutable uint32_t ended_ = 0;  // the first so many
};

}  // namespace

Alike run_alike(uint32_t jobs, uint32_t running, bool array) { return World(jobs, running, array).run(); }

}  // namespace weir::bench
