#include "twin/replay/replay.h"

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>
#include <utility>

#include "core/event/limits.h"
#include "core/price/price.h"
#include "twin/world/virtual_loop.h"

namespace weir::twin {
namespace {

constexpr TimeUs kNever = INT64_MAX;
constexpr TimeUs kBeginUs = 1'000'000'000;           // the clocks when the trace begins: no time is 0
constexpr TimeUs kDayUs = 86'400'000'000;            // after which every hour of a day has been
constexpr TimeUs kLateUs = 1;  // so that an end that was foreseen comes before the limit
constexpr int64_t kHourUs = 3'600'000'000;
constexpr uint64_t kMomentsPerProgress = 4'096;
constexpr size_t kTogetherMax = 65'536;  // of jobs submitted at one time, more are seen after these
constexpr const char* kActor = "operator/replay";

}  // namespace

LoopOptions ReplayOptions::replay_loop() { return VirtualLoop::options(); }

class Replay::World final {
 public:
  World(const ReplayOptions& options, Planner& planner, Scheduler* scheduler, LogStore& log,
        std::function<bool(const Graph&, IntentId)> needs_decision)
      : options_(options),
        world_({.planner = planner,
                .scheduler = scheduler,
                .log = log,
                .needs_decision = std::move(needs_decision),
                .begins = [this](SiteId site, const DirectedRun& order) { return begin_run(site, order); },
                .stopped = [this](SiteId, IntentId intent, TimeUs) { stop_run(intent); },
                .decided = [this](IntentId intent, const Decision& decision) { note(intent, decision); }},
               kBeginUs) {}

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
  Status begin();
  Status describe();
  Status settle();
  void propose(EventBody body);
  void submit(TraceJob job);
  void refuse(uint64_t number, TraceJob job, JobOutcome::End how, std::string why);
  bool begin_run(SiteId site, const DirectedRun& order);
  void stop_run(IntentId intent);
  void end_run(const RunEnd& end);
  void note(IntentId intent, const Decision& decision);
  std::string too_large(const TraceJob& job) const;
  uint32_t intent_for(TenantId owner);
  void free_intents();
  TenantId tenant(const std::string& name);
  const std::string& queue(const std::string& name);
  void finish(std::unordered_map<uint32_t, Live>::iterator at, JobOutcome::End how, std::string why);

  const ReplayOptions& options_;
  const ReplaySink* sink_ = nullptr;

  VirtualLoop world_;
  Status refused_;  // the first proposal that was

  std::priority_queue<RunEnd> ends_;
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

// Before it ended: what it has done is lost.
void Replay::World::stop_run(IntentId intent) {
  const auto live = live_.find(intent.value);
  if (live == live_.end()) return;
  --live->second.running;
  if (live->second.started()) return;
  ++waiting_;
  --running_;
}

bool Replay::World::begin_run(SiteId site, const DirectedRun& order) {
  const auto found = live_.find(order.intent.value);
  if (found == live_.end()) return false;
  Live& live = found->second;
  if (!live.started()) {
    live.start_us = world_.now_us();
    live.site = site;
    live.node = order.node;
    live.per_hour = 0;
    for (const Placement& placement : world_.loop().head().intent(order.intent).active->plan.placements) {
      live.per_hour = saturating_add(live.per_hour, placement_per_hour(placement));
    }
    ++live.attempts;
    --waiting_;
    ++running_;
  }
  ++live.running;
  ends_.push({world_.now_us() + live.job.run_us, ++sequence_, site, order.run});
  return true;
}

void Replay::World::note(IntentId intent, const Decision& decision) {
  const auto* refusal = std::get_if<Refusal>(&decision);
  if (refusal == nullptr || refusal->reasons.empty()) return;
  const auto found = live_.find(intent.value);
  if (found != live_.end() && found->second.waited_for == ReasonCode::kNone) {
    found->second.waited_for = refusal->reasons[0].code;
  }
}

// ---- the world -----------------------------------------------------------------------------------------

void Replay::World::propose(EventBody body) {
  world_.propose(kActor, std::move(body), [this](const Result<Admitted>& result) {
    if (!result && refused_) refused_ = tl::unexpected(result.error());
  });
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
    const IntentRow& row = world_.loop().head().intent(IntentId(id));
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

void Replay::World::end_run(const RunEnd& end) {
  const TimeUs now_us = world_.now_us();
  const IntentId intent = world_.end_run(end.site, end.run, [&](IntentId of, TimeUs since_us) {
    const auto known = live_.find(of.value);
    const TraceJob job = known == live_.end() ? TraceJob() : known->second.job;
    const TimeUs ran_us = now_us - since_us;
    return UsageReport{.run = end.run,
                       .from = kBeginUs + since_us,
                       .to = kBeginUs + now_us,
                       .cpu_us = charge(ran_us, job.cpu_milli, kCoreUnit),
                       .memory_mib_us = charge(ran_us, job.memory_mib, 1),
                       .begun = kBeginUs + since_us};
  });
  const auto live = intent.valid() ? live_.find(intent.value) : live_.end();
  if (live == live_.end()) return;
  --live->second.running;
  ++live->second.ended;
  const auto& active = world_.head().intent(intent).active;
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
                     .end_us = world_.now_us(),
                     .site = live.site,
                     .node = live.node,
                     .attempts = static_cast<int32_t>(live.attempts),
                     .waited_for = live.waited_for,
                     .why = std::move(why)};
  if (how == JobOutcome::End::kDone) {
    outcome.billed =
        line_amount(static_cast<unsigned __int128>(world_.now_us() - live.start_us), live.per_hour, kHourUs);
    ++totals_.done;
    totals_.end_us = world_.now_us();
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

Status Replay::World::settle() {
  if (Status settled = world_.settle(); !settled) return settled;
  return refused_;
}

Status Replay::World::begin() {
  if (Status started = world_.start(options_.loop, "replay", options_.domain); !started) return started;
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
  uint32_t sites = 0;
  for (const ReplaySite& site : options_.sites) {
    const SiteId id(sites++);
    Hello hello{
        .version = "replay", .nodes = site.nodes, .steerable = site.spec.steerable, .driver = "replay"};
    world_.attach(id, std::move(hello));
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
    totals_.loop = world_.loop().counters();
    return totals_;
  };
  auto next = source.next();
  if (!next) return tl::unexpected(next.error());
  TimeUs last_us = 0;
  uint64_t commits = 0;
  for (uint64_t moments = 0;; ++moments) {
    TimeUs at_us = world_.wake_us();
    if (*next) at_us = std::min(at_us, (*next)->submit_us);
    if (!ends_.empty()) at_us = std::min(at_us, ends_.top().at_us);
    if (at_us == kNever) break;
    // Hours begin for ever: when nothing came of a day of them, nothing will.
    const bool began = std::exchange(commits, world_.loop().counters().commits) != world_.loop().counters().commits;
    if (*next || !ends_.empty() || began) last_us = world_.now_us();
    if (world_.loop().head().hourly_sites() > 0 && at_us - last_us > kDayUs) break;
    const TimeUs now_us = std::max(world_.now_us(), at_us);
    world_.set_now(now_us);
    for (; !ends_.empty() && ends_.top().at_us <= now_us; ends_.pop()) end_run(ends_.top());
    while (*next && (*next)->submit_us <= now_us) {
      submit(std::move(**next));
      next = source.next();
      if (!next) return tl::unexpected(next.error());
      if (world_.unheard() < kTogetherMax) continue;
      if (Status turned = world_.turn(); !turned) return tl::unexpected(turned.error());
    }
    if (Status settled = settle(); !settled) return tl::unexpected(settled.error());
    free_intents();
    if (sink.moment) sink.moment({now_us, waiting_, running_, world_.loop().durable().get()});
    if (sink.progress && moments % kMomentsPerProgress == 0 && !sink.progress(total(), now_us)) break;
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
