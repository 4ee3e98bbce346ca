#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/ledger/memory_log_store.h"
#include "core/loop/loop.h"
#include "infrastructure/solver/clp.h"
#include "orchestration/plan/decide.h"
#include "orchestration/plan/domain_pass.h"
#include "orchestration/queue/graph_queue.h"
#include "orchestration/workflow/planner.h"
#include "simulation/agent.h"

namespace weir::simulation {

// Of a plan of a workflow, in the brain and where it is checked.
inline constexpr BatchLimits kBatchSteps{.steps = 2'000, .steps_per_task = 500};
inline constexpr StreamPlanLimits kWorkflowSteps{.steps = 20'000, .branches = 50};

// Ways to break the system on purpose, to see that the checks can fail.
enum class Mutation {
  kNone,
  kForgetsEvent,      // the ledger loses a record that it took
  kGrantsUnverified,  // a plan is recorded that was not verified
  kLosesDurable,      // a crash takes records that were flushed
  kInflatesUsage,     // more is billed than was used
  kIgnoresLease,      // jobs go on when their lease ends
  kDeafToPaths,       // what agents measure never reaches the loop
  kNeverSettled,      // what agents have done never reaches the loop
  kPreemptsEquals,    // jobs give way to others of their priority
  kPreemptsWithoutEnd,  // a job gives way as often as others want
};

// The queue as the loop sees it, with a mutation.
class UnjustQueue final : public queue::GraphQueue {
 public:
  // The use of runs that live for seconds is known after three looks.
  explicit UnjustQueue(Mutation mutation) : GraphQueue({.samples_min = 3}), mutation_(mutation) {}
  std::vector<JobPreempted> preemptions(const Graph& head, TimeUs now) override;

 private:
  Mutation mutation_;
};

// The log as the loop sees it; between them a mutation may sit.
class FaultyLog final : public LogStore {
 public:
  FaultyLog(InMemoryLogStore& store, Mutation mutation) : store_(store), mutation_(mutation) {}
  Position durable_end() const override { return store_.durable_end(); }
  Status read(Position from, Position to, const std::function<Status(Position, Bytes)>& visit) const override {
    return store_.read(from, to, visit);
  }
  Result<std::optional<Checkpoint>> newest_checkpoint() const override { return store_.newest_checkpoint(); }
  Position end() const override { return store_.end(); }
  Status append(std::span<const Bytes> records, Urgency urgency) override;
  Status flush() override { return store_.flush(); }
  Status save_checkpoint(const Checkpoint& checkpoint) override { return store_.save_checkpoint(checkpoint); }

 private:
  InMemoryLogStore& store_;
  Mutation mutation_;
  uint64_t seen_ = 0;
};

// The brain's process: the production loop and what stands around it there, on virtual time. Everything that
// a turn sends leaves when the turn has ended well, and is lost with it otherwise.
class BrainProcess final : public Clock, public Wire {
 public:
  struct Hooks {
    std::function<void(size_t site, uint64_t connection, Downward)> send;
    std::function<void()> turned;                      // after every turn that ended well
    std::function<void(const std::string&)> crashed;
  };
  BrainProcess(Schedule& schedule, Random& random, const Faults& faults, InMemoryLogStore& store, Mutation mutation,
               Hooks hooks);

  // False: it could not begin (no disk space); try again later.
  bool start();
  void crash(const std::string& why);
  Loop* loop() { return loop_.get(); }
  TimeUs started_us() const { return started_us_; }

  void propose(std::vector<Proposal> proposals, Brain::Reply reply);
  uint64_t dial(size_t site);                          // 0: not up, or the site is not described
  void receive(size_t site, uint64_t connection, const Upward& message);

  TimeUs wall_offset_us = 0;

  struct Totals {
    uint64_t turns = 0, decisions = 0, commits = 0, conflicts = 0, defects = 0, refusals = 0, crashes = 0, directives = 0, moves = 0;
  };
  Totals totals() const;

 private:
  TimeUs wall_us() override { return kWallUs + schedule_.now() + wall_offset_us; }
  TimeUs steady_us() override { return 1'000'000'000 + schedule_.now(); }
  void send(const SiteDirective& directive) override;
  void drop(SiteId site) override;

  void post(Loop::Message message);
  void want_turn(TimeUs at);
  void turn();
  bool decide(uint64_t ticket, Snapshot snapshot, IntentId intent, const std::vector<SiteId>& sites);
  void advise(uint64_t ticket, Snapshot snapshot);
  void arrange(uint64_t ticket, Snapshot snapshot, WorkflowId workflow);
  void spoil(Plan& plan, const Graph& graph);

  Schedule& schedule_;
  Random& random_;
  const Faults& faults_;
  InMemoryLogStore& store_;
  Mutation mutation_;
  Hooks hooks_;
  FaultyLog log_;

  uint64_t incarnation_ = 0;
  TimeUs started_us_ = 0;
  std::unique_ptr<Loop> loop_;
  std::unique_ptr<JointPlanner> planner_;
  ClpSolver solver_;
  PeriodicPass pass_{solver_, {.joint = {.relaxation = {.rounds_max = 30}}, .rebalance = {.utilisation_ppm_min = 200'000}}};
  GraphWorkflowPlanner workflow_planner_{kWorkflowSteps, kBatchSteps};
  UnjustQueue queue_;
  std::vector<Loop::Message> inbox_;
  std::vector<std::function<void()>> outbox_;
  std::map<size_t, uint64_t> connections_;
  std::set<uint64_t> greeted_;
  uint64_t next_connection_ = 1;
  TimeUs turn_at_us_ = 0;                              // next one wanted; 0: none
  uint64_t turn_wanted_ = 0;
  TimeUs busy_until_us_ = 0;
  Totals before_;
};

}  // namespace weir::simulation
