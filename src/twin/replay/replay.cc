#include "twin/replay/replay.h"

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>
#include <utility>

#include "core/event/limits.h"
#include "core/price/price.h"

namespace weir::twin {
namespace {

constexpr TimeUs kNever = INT64_MAX;
constexpr TimeUs kIdleUs = 100'000'000'000'000'000;  // longer than any trace
constexpr TimeUs kBeginUs = 1'000'000'000;           // the clocks when the trace begins: no time is 0
constexpr TimeUs kDayUs = 86'400'000'000;            // after which every hour of a day has been
constexpr TimeUs kLateUs = 1;  // so that an end that was foreseen comes before the limit
constexpr int64_t kHourUs = 3'600'000'000;
constexpr uint64_t kConnection = 1;
constexpr uint64_t kMomentsPerProgress = 4'096;
constexpr size_t kTogetherMax = 65'536;  // of jobs submitted at one time, more are seen after these
constexpr const char* kActor = "operator/replay";

}  // namespace

LoopOptions ReplayOptions::replay_loop() {
  LoopOptions options;
  options.site_silence_us = options.resend_us = options.turn_us_max = options.clock_look_us = kIdleUs;
  options.retry_us = 0;
  options.deciding_max = 1;
  options.checkpoint_events = UINT64_MAX;
  return options;
}

class Replay::World final : public Clock, public Wire {
 public:
  World(const ReplayOptions& options, Planner& planner, Scheduler* scheduler, LogStore& log,
        std::function<bool(const Graph&, IntentId)> needs_decision)
      : options_(options),
        planner_(planner),
        scheduler_(scheduler),
        log_(log),
        needs_decision_(std::move(needs_decision)) {}

  Result<ReplayTotals> run(JobSource& source, const ReplaySink& sink);

 private:
  struct Live {
    TraceJob job;
    uint64_t number = 0;
    TimeUs start_us = 0;
    uint32_t running = 0, ended = 0, attempts = 0;
    SiteId site;
    NodeId node;
    Nanocredits per_hour = 0;
    ReasonCode waited_for = ReasonCode::kNone;
    bool started() const { return running + ended > 0; }
  };
  struct Run {
    IntentId intent;
    uint64_t told = 0;  // the newest directive that had it
    TimeUs since_us = 0;
    bool ended = false;
  };
  struct Site {
    uint64_t directives = 0;
    Position applied_version = 0;
    uint64_t brain_epoch = 0;
    std::map<RunId, Run> runs;
    std::vector<Brain::Report> usage;
  };
  struct End {
    TimeUs at_us = 0;
    uint64_t sequence = 0;
    SiteId site;
    RunId run;
    bool operator<(const End& other) const {
      return at_us != other.at_us ? at_us > other.at_us : sequence > other.sequence;
    }
  };

  TimeUs wall_us() override { return kBeginUs + now_us_; }
  TimeUs steady_us() override { return kBeginUs + now_us_; }
  void send(const SiteDirective& directive) override;
  void drop(SiteId) override {}

  Status begin();
  Status describe();
  Status turn();
  Status settle();
  void propose(EventBody body);
  void submit(TraceJob job);
  void refuse(uint64_t number, TraceJob job, JobOutcome::End how, std::string why);
  void begin_run(SiteId site, const DirectedRun& order);
  void stop_run(Run& run);
  void end_run(const End& end);
  bool decide(uint64_t ticket, const Snapshot& snapshot, IntentId intent, const std::vector<SiteId>& sites);
  std::string too_large(const TraceJob& job) const;
  uint32_t intent_for(TenantId owner);
  void free_intents();
  TenantId tenant(const std::string& name);
  const std::string& queue(const std::string& name);
  void finish(std::unordered_map<uint32_t, Live>::iterator at, JobOutcome::End how, std::string why);

  const ReplayOptions& options_;
  Planner& planner_;
  Scheduler* scheduler_;
  LogStore& log_;
  std::function<bool(const Graph&, IntentId)> needs_decision_;
  const ReplaySink* sink_ = nullptr;

  std::unique_ptr<Loop> loop_;
  TimeUs now_us_ = 0;
  std::vector<Loop::Message> inbox_;
  Status refused_;  // the first proposal that was

  std::vector<Site> sites_;
  std::set<SiteId> spoke_;  // have something to report
  std::priority_queue<End> ends_;
  uint64_t sequence_ = 0;
  std::vector<NodeSpec> shapes_;  // of nodes
  std::map<std::string, TenantId> tenants_;
  std::set<std::string> queues_;
  std::map<std::string, size_t> users_;
  uint32_t intents_ = 0;
  std::unordered_map<uint32_t, Live> live_;  // by intent; looked up only
  // Intents whose jobs ended, and those of them that hold nothing any more: a later job of the tenant is the next
  // generation of one, so that the graph is as large as what waits and runs at once.
  std::vector<uint32_t> ended_;
  std::map<TenantId, std::set<uint32_t>> free_;
  uint64_t waiting_ = 0, running_ = 0;
  ReplayTotals totals_;
};

// ---- the ports -----------------------------------------------------------------------------------------

void Replay::World::send(const SiteDirective& directive) {
  Site& site = sites_[directive.site.index()];
  ++site.directives;
  site.applied_version = directive.version;
  site.brain_epoch = directive.brain_epoch;
  spoke_.insert(directive.site);
  if (directive.held) return;
  for (const DirectedRun& order : directive.runs) {
    const auto known = site.runs.find(order.run);
    if (known != site.runs.end()) {
      known->second.told = site.directives;
      if (order.ended) stop_run(known->second);
    } else if (!order.ended) {
      begin_run(directive.site, order);
    }
  }
  for (auto at = site.runs.begin(); at != site.runs.end();) {
    if (at->second.told == site.directives) {
      ++at;
      continue;
    }
    stop_run(at->second);
    at = site.runs.erase(at);
  }
}

// Before it ended: what it has done is lost.
void Replay::World::stop_run(Run& run) {
  const auto live = live_.find(run.intent.value);
  if (live == live_.end() || run.ended) return;
  run.ended = true;
  --live->second.running;
  if (live->second.started()) return;
  ++waiting_;
  --running_;
}

void Replay::World::begin_run(SiteId site, const DirectedRun& order) {
  const auto found = live_.find(order.intent.value);
  if (found == live_.end()) return;
  Live& live = found->second;
  if (!live.started()) {
    live.start_us = now_us_;
    live.site = site;
    live.node = order.node;
    live.per_hour = 0;
    for (const Placement& placement : loop_->head().intent(order.intent).active->plan.placements) {
      live.per_hour = saturating_add(live.per_hour, placement_per_hour(placement));
    }
    ++live.attempts;
    --waiting_;
    ++running_;
  }
  ++live.running;
  sites_[site.index()].runs[order.run] = {order.intent, sites_[site.index()].directives, now_us_, false};
  ends_.push({now_us_ + live.job.run_us, ++sequence_, site, order.run});
}

bool Replay::World::decide(uint64_t ticket, const Snapshot& snapshot, IntentId intent,
                           const std::vector<SiteId>& sites) {
  Decision decision =
      sites.empty() ? planner_.decide(*snapshot, intent) : planner_.decide_among(*snapshot, intent, sites);
  if (const auto* refusal = std::get_if<Refusal>(&decision); refusal && !refusal->reasons.empty()) {
    const auto found = live_.find(intent.value);
    if (found != live_.end() && found->second.waited_for == ReasonCode::kNone) {
      found->second.waited_for = refusal->reasons[0].code;
    }
  }
  inbox_.push_back(Loop::Decided{ticket, intent, std::move(decision)});
  return true;
}

// ---- the world -----------------------------------------------------------------------------------------

void Replay::World::propose(EventBody body) {
  inbox_.push_back(Loop::Propose{{{kActor, std::move(body)}}, [this](const Result<Admitted>& result) {
                                   if (!result && refused_) refused_ = tl::unexpected(result.error());
                                 }});
}

std::string Replay::World::too_large(const TraceJob& job) const {
  const bool fits = std::any_of(shapes_.begin(), shapes_.end(), [&job](const NodeSpec& node) {
    return job.cpu_milli <= node.cpu_milli && job.memory_mib <= node.memory_mib &&
           job.accelerators <= node.accelerators &&
           (job.accelerators == 0 || job.accelerator_model.empty() ||
            job.accelerator_model == node.accelerator_model);
  });
  return fits ? std::string() : "no node is large enough, even when empty";
}

TenantId Replay::World::tenant(const std::string& name) {
  const auto [known, fresh] = tenants_.try_emplace(name.empty() ? "trace" : name, TenantId(tenants_.size()));
  if (fresh) propose(TenantDefined{known->second, known->first});
  return known->second;
}

const std::string& Replay::World::queue(const std::string& name) {
  if (!name.empty() && name != kDomainQueue && queues_.insert(name).second)
    propose(QueueDefined{{}, {.name = name, .priority_max = limits::kPriorityMax}});
  return name;
}

void Replay::World::refuse(uint64_t number, TraceJob job, JobOutcome::End how, std::string why) {
  ++totals_.refused;
  if (!sink_->outcome) return;
  sink_->outcome({.number = number, .job = std::move(job), .end = how, .why = std::move(why)});
}

// The lowest, so that of jobs submitted together the first has the lower.
uint32_t Replay::World::intent_for(TenantId owner) {
  const auto known = free_.find(owner);
  if (known == free_.end() || known->second.empty()) return intents_++;
  return known->second.extract(known->second.begin()).value();
}

void Replay::World::free_intents() {
  std::erase_if(ended_, [this](uint32_t id) {
    const IntentRow& row = loop_->head().intent(IntentId(id));
    if (row.state != IntentState::kWithdrawn || !row.retiring.empty() || !row.retired_runs.empty()) return false;
    free_[row.tenant].insert(id);
    return true;
  });
}

void Replay::World::submit(TraceJob job) {
  const uint64_t number = totals_.jobs++;
  if (std::string why = too_large(job); !why.empty()) {
    return refuse(number, std::move(job), JobOutcome::End::kTooLarge, std::move(why));
  }
  if (waiting_ >= options_.waiting_max) {
    return refuse(number, std::move(job), JobOutcome::End::kRefused,
                  std::to_string(options_.waiting_max) + " jobs wait already");
  }
  TenantId owner = tenant({});
  if (options_.shares) owner = tenant(job.tenant);
  const uint32_t intent = intent_for(owner);
  IntentSpec spec;
  spec.name = "j" + std::to_string(intent);
  // What a user runs counts as one program. Never the same twice: to say again what is done would change nothing.
  const size_t user = users_.try_emplace(job.tenant, users_.size()).first->second;
  spec.workload = {.kind = WorkKind::kJob,
                   .artifact = "trace/" + std::to_string(user),
                   .command = {std::to_string(number)},
                   .cpu_milli = job.cpu_milli,
                   .memory_mib = job.memory_mib,
                   .accelerators = job.accelerators,
                   .accelerator_model = job.accelerator_model,
                   .accelerator_milli = share_of(job)};
  const TimeUs estimate_us = options_.user_estimates && job.estimate_us > 0 ? job.estimate_us : job.run_us;
  spec.schedule = {.priority = job.priority,
                   .run_time_us_estimated = estimate_us,
                   .run_time_us_max = std::max(estimate_us, job.run_us + kLateUs)};
  if (options_.shares) spec.schedule.queue = queue(job.queue);
  propose(IntentSubmitted{{}, owner, 0, std::move(spec)});
  live_[intent] = Live{.job = std::move(job), .number = number};
  ++waiting_;
}

void Replay::World::end_run(const End& end) {
  Site& site = sites_[end.site.index()];
  const auto found = site.runs.find(end.run);
  if (found == site.runs.end() || found->second.ended || found->second.since_us > now_us_) return;
  Run& run = found->second;
  const auto live = live_.find(run.intent.value);
  if (live == live_.end()) return;
  const TraceJob& job = live->second.job;
  run.ended = true;
  const TimeUs ran_us = now_us_ - run.since_us;
  site.usage.push_back(UsageReport{.run = end.run,
                                   .from = kBeginUs + run.since_us,
                                   .to = kBeginUs + now_us_,
                                   .cpu_us = charge(ran_us, job.cpu_milli, kCoreUnit),
                                   .memory_mib_us = charge(ran_us, job.memory_mib, 1),
                                   .begun = kBeginUs + run.since_us});
  spoke_.insert(end.site);
  --live->second.running;
  ++live->second.ended;
  const auto& active = loop_->head().intent(run.intent).active;
  if (active && live->second.ended == active->plan.placements.size())
    finish(live, JobOutcome::End::kDone, {});
}

void Replay::World::finish(std::unordered_map<uint32_t, Live>::iterator at, JobOutcome::End how,
                           std::string why) {
  Live& live = at->second;
  JobOutcome outcome{.number = live.number,
                     .job = std::move(live.job),
                     .end = how,
                     .start_us = live.start_us,
                     .end_us = now_us_,
                     .site = live.site,
                     .node = live.node,
                     .attempts = static_cast<int32_t>(live.attempts),
                     .waited_for = live.waited_for,
                     .why = std::move(why)};
  if (how == JobOutcome::End::kDone) {
    outcome.billed =
        line_amount(static_cast<unsigned __int128>(now_us_ - live.start_us), live.per_hour, kHourUs);
    ++totals_.done;
    totals_.end_us = now_us_;
    --running_;
  } else {
    ++totals_.never_started;
    --waiting_;
  }
  if (how == JobOutcome::End::kDone) ended_.push_back(at->first);
  live_.erase(at);
  if (sink_->outcome) sink_->outcome(outcome);
}

// ---- time ------------------------------------------------------------------------------------------------

Status Replay::World::turn() {
  for (const SiteId id : std::exchange(spoke_, {})) {
    Site& site = sites_[id.index()];
    Observation seen{
        .applied_version = site.applied_version, .applied_brain_epoch = site.brain_epoch, .settled = true};
    for (const auto& [run, known] : site.runs) {
      seen.runs.push_back({run, known.ended ? RunState::kExited : RunState::kRunning, 0, {}, true});
    }
    std::vector<Brain::Report> reports;
    reports.push_back(std::move(seen));
    std::move(site.usage.begin(), site.usage.end(), std::back_inserter(reports));
    site.usage.clear();
    inbox_.push_back(Loop::Reported{id, kConnection, std::move(reports), {}});
  }
  if (Status turned = loop_->turn(std::exchange(inbox_, {})); !turned) return turned;
  return refused_;
}

// Until nothing happens any more at this time.
Status Replay::World::settle() {
  for (uint64_t before = UINT64_MAX;
       before != loop_->counters().events || !inbox_.empty() || !spoke_.empty();) {
    before = loop_->counters().events;
    if (Status turned = turn(); !turned) return turned;
  }
  return {};
}

Status Replay::World::begin() {
  auto loop =
      Loop::start({.clock = *this,
                   .log = log_,
                   .wire = *this,
                   .decide = [this](uint64_t t, const Snapshot& s, IntentId i,
                                    const std::vector<SiteId>& sites) { return decide(t, s, i, sites); },
                   .needs_decision = needs_decision_,
                   .publish = [](const Snapshot&) {},
                   .scheduler = scheduler_},
                  options_.loop, "replay", options_.domain);
  if (!loop) return tl::unexpected(loop.error());
  loop_ = std::move(*loop);
  return describe();
}

Status Replay::World::describe() {
  propose(QueueDefined{{},
                       {.name = kDomainQueue,
                        .policy = options_.policy,
                        .backfill = options_.backfill,
                        .priority_max = limits::kPriorityMax,
                        .predicts = options_.predicts}});
  for (const ReplaySite& site : options_.sites) propose(SiteDefined{{}, {}, site.spec});
  if (Status settled = settle(); !settled) return settled;
  for (const ReplaySite& site : options_.sites) {
    const SiteId id(sites_.size());
    sites_.emplace_back();
    Hello hello{
        .version = "replay", .nodes = site.nodes, .steerable = site.spec.steerable, .driver = "replay"};
    inbox_.push_back(Loop::Attached{id, kConnection, std::move(hello)});
    for (const NodeSpec& node : site.nodes) {
      const auto same = [&node](const NodeSpec& known) {
        return known.cpu_milli == node.cpu_milli && known.memory_mib == node.memory_mib &&
               known.accelerators == node.accelerators && known.accelerator_model == node.accelerator_model;
      };
      if (std::none_of(shapes_.begin(), shapes_.end(), same)) shapes_.push_back(node);
    }
  }
  return settle();
}

Result<ReplayTotals> Replay::World::run(JobSource& source, const ReplaySink& sink) {
  sink_ = &sink;
  if (Status begun = begin(); !begun) return tl::unexpected(begun.error());
  const auto total = [this]() -> const ReplayTotals& {
    totals_.loop = loop_->counters();
    return totals_;
  };
  auto next = source.next();
  if (!next) return tl::unexpected(next.error());
  TimeUs last_us = 0;
  uint64_t commits = 0;
  for (uint64_t moments = 0;; ++moments) {
    const TimeUs wake_us = loop_->wake_us() - kBeginUs;
    TimeUs at_us = wake_us < kIdleUs ? wake_us : kNever;
    if (*next) at_us = std::min(at_us, (*next)->submit_us);
    if (!ends_.empty()) at_us = std::min(at_us, ends_.top().at_us);
    if (at_us == kNever) break;
    // Hours begin for ever: when nothing came of a day of them, nothing will.
    const bool began = std::exchange(commits, loop_->counters().commits) != loop_->counters().commits;
    if (*next || !ends_.empty() || began) last_us = now_us_;
    if (loop_->head().hourly_sites() > 0 && at_us - last_us > kDayUs) break;
    now_us_ = std::max(now_us_, at_us);
    for (; !ends_.empty() && ends_.top().at_us <= now_us_; ends_.pop()) end_run(ends_.top());
    while (*next && (*next)->submit_us <= now_us_) {
      submit(std::move(**next));
      next = source.next();
      if (!next) return tl::unexpected(next.error());
      if (inbox_.size() < kTogetherMax) continue;
      if (Status turned = turn(); !turned) return tl::unexpected(turned.error());
    }
    if (Status settled = settle(); !settled) return tl::unexpected(settled.error());
    free_intents();
    if (sink.moment) sink.moment({now_us_, waiting_, running_, loop_->durable().get()});
    if (sink.progress && moments % kMomentsPerProgress == 0 && !sink.progress(total(), now_us_)) break;
  }
  std::vector<uint32_t> left;
  for (const auto& [intent, live] : live_) left.push_back(intent);
  std::sort(left.begin(), left.end());
  for (const uint32_t intent : left) {
    const auto at = live_.find(intent);
    if (at->second.started()) continue;
    finish(at, JobOutcome::End::kNeverStarted, "the trace ended before there was room");
  }
  return total();
}

Replay::Replay(const ReplayOptions& options, Planner& planner, Scheduler* scheduler, LogStore& log,
               std::function<bool(const Graph&, IntentId)> needs_decision)
    : world_(std::make_unique<World>(options, planner, scheduler, log, std::move(needs_decision))) {}
Replay::~Replay() = default;
Result<ReplayTotals> Replay::run(JobSource& source, const ReplaySink& sink) {
  return world_->run(source, sink);
}

}  // namespace weir::twin
