#include "infrastructure/runtime/loop_thread.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace weir::runtime {

struct LoopThread::State {
  LoopThreadOptions options;
  Clock* clock = nullptr;
  std::function<void(const Error&)> on_fatal;
  std::unique_ptr<Scheduler> scheduler;  // outlives the loop
  std::unique_ptr<Loop> loop;

  std::mutex inbox_lock;
  std::condition_variable inbox_filled;
  std::deque<Loop::Message> inbox;
  bool stopping = false;
  uint64_t refused = 0;

  struct Job {
    uint64_t ticket = 0;
    Snapshot snapshot;
    IntentId intent;
    std::vector<SiteId> sites;
  };
  std::mutex jobs_lock;
  std::condition_variable jobs_filled;
  std::deque<Job> jobs;
  bool deciders_stop = false;

  std::unique_ptr<DomainPass> pass;
  std::condition_variable pass_wanted;
  std::optional<std::pair<uint64_t, Snapshot>> pass_job;  // under jobs_lock, as deciders_stop

  struct WorkflowJob {
    uint64_t ticket = 0;
    Snapshot snapshot;
    WorkflowId workflow;
  };
  std::unique_ptr<WorkflowPlanner> workflow_planner;
  std::condition_variable workflow_wanted;
  std::optional<WorkflowJob> workflow_job;  // under jobs_lock, as deciders_stop

  std::atomic<std::shared_ptr<const Graph>> durable;
  std::mutex subscribers_lock;
  std::map<uint64_t, Notify> subscribers;
  uint64_t last_token = 0;

  mutable std::mutex counters_lock;
  Loop::Counters counters;

  std::thread thread;
  std::vector<std::thread> deciders;
  std::thread passer;
  std::thread arranger;

  // `bounded`: refused when the inbox is full. Decisions are not: their number is bounded by deciding_max.
  bool push(Loop::Message message, bool bounded) {
    {
      std::lock_guard lock(inbox_lock);
      if (stopping) return false;
      if (bounded && inbox.size() >= options.inbox_max) {
        ++refused;
        return false;
      }
      inbox.push_back(std::move(message));
    }
    inbox_filled.notify_one();
    return true;
  }

  void publish(Snapshot snapshot) {
    const Position version = snapshot->version();
    durable.store(std::move(snapshot));
    std::lock_guard lock(subscribers_lock);
    for (const auto& [token, notify] : subscribers) notify(version);
  }

  bool submit(uint64_t ticket, Snapshot snapshot, IntentId intent, const std::vector<SiteId>& sites) {
    {
      std::lock_guard lock(jobs_lock);
      jobs.push_back({ticket, std::move(snapshot), intent, sites});
    }
    jobs_filled.notify_one();
    return true;
  }

  void decide(std::unique_ptr<Planner> planner) {
    for (;;) {
      Job job;
      {
        std::unique_lock lock(jobs_lock);
        jobs_filled.wait(lock, [this] { return deciders_stop || !jobs.empty(); });
        if (deciders_stop) return;
        job = std::move(jobs.front());
        jobs.pop_front();
      }
      push(Loop::Decided{job.ticket, job.intent,
                         job.sites.empty() ? planner->decide(*job.snapshot, job.intent)
                                           : planner->decide_among(*job.snapshot, job.intent, job.sites)},
           false);
    }
  }

  void advise(uint64_t ticket, Snapshot snapshot) {
    {
      std::lock_guard lock(jobs_lock);
      pass_job.emplace(ticket, std::move(snapshot));
    }
    pass_wanted.notify_one();
  }

  void make_passes() {
    for (;;) {
      std::pair<uint64_t, Snapshot> job;
      {
        std::unique_lock lock(jobs_lock);
        pass_wanted.wait(lock, [this] { return deciders_stop || pass_job; });
        if (deciders_stop) return;
        job = std::move(*pass_job);
        pass_job.reset();
      }
      push(Loop::Advised{job.first, pass->run(*job.second)}, false);
    }
  }

  void arrange(uint64_t ticket, Snapshot snapshot, WorkflowId workflow) {
    {
      std::lock_guard lock(jobs_lock);
      workflow_job.emplace(WorkflowJob{ticket, std::move(snapshot), workflow});
    }
    workflow_wanted.notify_one();
  }

  void plan_workflows() {
    for (;;) {
      WorkflowJob job;
      {
        std::unique_lock lock(jobs_lock);
        workflow_wanted.wait(lock, [this] { return deciders_stop || workflow_job; });
        if (deciders_stop) return;
        job = std::move(*workflow_job);
        workflow_job.reset();
      }
      push(Loop::Arranged{job.ticket, workflow_planner->plan(*job.snapshot, job.workflow)}, false);
    }
  }

  void run() {
    for (;;) {
      std::vector<Loop::Message> batch;
      {
        std::unique_lock lock(inbox_lock);
        const TimeUs now = clock->steady_us();
        const auto wait = std::chrono::microseconds(std::max<TimeUs>(0, loop->wake_us() - now));
        inbox_filled.wait_for(lock, wait, [this] { return stopping || !inbox.empty(); });
        if (stopping) return;
        while (!inbox.empty() && batch.size() < options.loop.messages_per_turn) {
          batch.push_back(std::move(inbox.front()));
          inbox.pop_front();
        }
      }
      const Status status = loop->turn(std::move(batch));
      {
        std::lock_guard lock(counters_lock);
        counters = loop->counters();
      }
      if (!status) {
        refuse_all(status.error());
        on_fatal(status.error());
        return;
      }
    }
  }

  void refuse_all(const Error& why) {
    std::deque<Loop::Message> left;
    {
      std::lock_guard lock(inbox_lock);
      stopping = true;
      left.swap(inbox);
    }
    for (Loop::Message& message : left) {
      if (auto* propose = std::get_if<Loop::Propose>(&message)) {
        propose->reply(fail(ErrorCode::kUnavailable, "the brain is stopping: " + why.what));
      }
    }
  }
};

LoopThread::LoopThread() : state_(std::make_unique<State>()) {}

Result<std::unique_ptr<LoopThread>> LoopThread::start(LogStore& log, Wire& wire, Clock& clock, PlannerFactory planner,
                                                      std::unique_ptr<Scheduler> scheduler, std::unique_ptr<DomainPass> pass,
                                                      std::unique_ptr<WorkflowPlanner> workflow_planner, NeedsDecision needs_decision,
                                                      const LoopThreadOptions& options,
                                                      const std::string& version, const DomainCreated& genesis,
                                                      std::function<void(const Error&)> on_fatal) {
  std::unique_ptr<LoopThread> self(new LoopThread);
  State& state = *self->state_;
  state.options = options;
  state.clock = &clock;
  state.on_fatal = std::move(on_fatal);
  state.scheduler = std::move(scheduler);
  state.pass = std::move(pass);
  state.workflow_planner = std::move(workflow_planner);
  Loop::Ports ports{clock, log, wire,
                    [&state](uint64_t ticket, Snapshot snapshot, IntentId intent, const std::vector<SiteId>& sites) {
                      return state.submit(ticket, std::move(snapshot), intent, sites);
                    },
                    std::move(needs_decision), [&state](Snapshot snapshot) { state.publish(std::move(snapshot)); },
                    state.scheduler.get(), {}, {}};
  if (state.pass) {
    ports.advise = [&state](uint64_t ticket, Snapshot snapshot) { state.advise(ticket, std::move(snapshot)); };
  }
  if (state.workflow_planner) {
    ports.arrange = [&state](uint64_t ticket, Snapshot snapshot, WorkflowId workflow) {
      state.arrange(ticket, std::move(snapshot), workflow);
    };
  }
  auto loop = Loop::start(std::move(ports), options.loop, version, genesis);
  if (!loop) return tl::unexpected(loop.error());
  state.loop = std::move(*loop);
  for (size_t i = 0; i < std::max<size_t>(1, options.deciders); ++i) {
    state.deciders.emplace_back([&state, own = planner()]() mutable { state.decide(std::move(own)); });
  }
  if (state.pass) state.passer = std::thread([&state] { state.make_passes(); });
  if (state.workflow_planner) state.arranger = std::thread([&state] { state.plan_workflows(); });
  state.thread = std::thread([&state] { state.run(); });
  return self;
}

LoopThread::~LoopThread() {
  state_->refuse_all(Error{ErrorCode::kUnavailable, "asked to"});
  state_->inbox_filled.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
  {
    std::lock_guard lock(state_->jobs_lock);
    state_->deciders_stop = true;
  }
  state_->jobs_filled.notify_all();
  state_->pass_wanted.notify_all();
  state_->workflow_wanted.notify_all();
  if (state_->pass) state_->pass->cancel();
  for (auto& decider : state_->deciders) decider.join();
  if (state_->passer.joinable()) state_->passer.join();
  if (state_->arranger.joinable()) state_->arranger.join();
}

void LoopThread::propose(std::vector<Proposal> proposals, Reply reply) {
  // The reply must not be lost with a refused message.
  auto shared = std::make_shared<Reply>(std::move(reply));
  const bool taken = state_->push(
      Loop::Propose{std::move(proposals), [shared](Result<Admitted> result) { (*shared)(std::move(result)); }}, true);
  if (taken) return;
  bool stopping = false;
  {
    std::lock_guard lock(state_->inbox_lock);
    stopping = state_->stopping;
  }
  (*shared)(stopping ? fail(ErrorCode::kUnavailable, "the brain is stopping")
                     : fail(ErrorCode::kExhausted, "the brain's inbox is full", {}, "try again in a moment"));
}

Snapshot LoopThread::durable() const { return state_->durable.load(); }

uint64_t LoopThread::subscribe(Notify notify) {
  std::lock_guard lock(state_->subscribers_lock);
  state_->subscribers[++state_->last_token] = std::move(notify);
  return state_->last_token;
}

void LoopThread::unsubscribe(uint64_t token) {
  std::lock_guard lock(state_->subscribers_lock);
  state_->subscribers.erase(token);
}

bool LoopThread::attached(SiteId site, uint64_t connection, Hello hello) {
  return state_->push(Loop::Attached{site, connection, std::move(hello)}, true);
}
bool LoopThread::detached(SiteId site, uint64_t connection) {
  return state_->push(Loop::Detached{site, connection}, false);
}
bool LoopThread::reported(SiteId site, uint64_t connection, std::vector<Report> reports, std::function<void()> done) {
  return state_->push(Loop::Reported{site, connection, std::move(reports), std::move(done)}, true);
}
bool LoopThread::heartbeat(SiteId site, uint64_t connection) {
  return state_->push(Loop::Heartbeat{site, connection}, true);
}

LoopThread::Statistics LoopThread::statistics() const {
  Statistics out;
  {
    std::lock_guard lock(state_->counters_lock);
    out.loop = state_->counters;
  }
  std::lock_guard lock(state_->inbox_lock);
  out.inbox = state_->inbox.size();
  out.refused = state_->refused;
  return out;
}

}  // namespace weir::runtime
