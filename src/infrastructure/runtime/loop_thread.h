#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/loop/loop.h"

namespace weir::runtime {

struct LoopThreadOptions {
  LoopOptions loop;
  size_t deciders = 1;             // threads, each with a planner of its own
  size_t inbox_max = 65'536;       // messages; beyond, they are refused
};

// The production shell of the loop: a thread that gives it turns, threads that decide, and one for passes over the whole
// domain, and one that plans workflows.
//
//   any thread --inbox (bounded)--> loop thread        proposals, agents' reports
//   loop thread --jobs (bounded by deciding_max)--> deciders --inbox--> loop thread
//   loop thread --at most one pass--> its thread --inbox--> loop thread
//   loop thread --at most one workflow--> its thread --inbox--> loop thread
//   loop thread --durable snapshot--> any thread
class LoopThread : public Brain {
 public:
  using PlannerFactory = std::function<std::unique_ptr<Planner>()>;
  using NeedsDecision = std::function<bool(const Graph&, IntentId)>;

  // Recovers from the log and begins to serve. `on_fatal` is called once, from the loop's thread, when the
  // log can no longer be trusted: the process must stop. Without a scheduler jobs are decided as they come; without a pass
  // there are none over the whole domain; without a planner of workflows they wait. All references must outlive the object.
  static Result<std::unique_ptr<LoopThread>> start(LogStore& log, Wire& wire, Clock& clock, PlannerFactory planner,
                                                   std::unique_ptr<Scheduler> scheduler, std::unique_ptr<DomainPass> pass,
                                                   std::unique_ptr<WorkflowPlanner> workflow_planner, NeedsDecision needs_decision,
                                                   const LoopThreadOptions& options,
                                                   const std::string& version, const DomainCreated& genesis,
                                                   std::function<void(const Error&)> on_fatal);
  // Refuses what is still waiting and joins the threads.
  ~LoopThread() override;

  void propose(std::vector<Proposal> proposals, Reply reply) override;
  Snapshot durable() const override;
  uint64_t subscribe(Notify notify) override;
  void unsubscribe(uint64_t token) override;
  bool attached(SiteId site, uint64_t connection, Hello hello) override;
  bool detached(SiteId site, uint64_t connection) override;
  bool reported(SiteId site, uint64_t connection, std::vector<Report> reports, std::function<void()> done) override;
  bool heartbeat(SiteId site, uint64_t connection) override;

  struct Statistics {
    Loop::Counters loop;
    size_t inbox = 0;
    uint64_t refused = 0;          // messages that found the inbox full
  };
  Statistics statistics() const;

 private:
  LoopThread();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::runtime
