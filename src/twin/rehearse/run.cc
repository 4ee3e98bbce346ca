#include "twin/rehearse/run.h"

#include <algorithm>
#include <utility>

#include "core/graph/checkpoint.h"
#include "core/graph/expected_run.h"
#include "core/loop/desired.h"
#include "core/price/price.h"

namespace weir::twin {
namespace {

constexpr TimeUs kHourUs = 3'600'000'000;
constexpr TimeUs kEarlyUs = 1;  // so that an end that was foreseen comes before the limit
constexpr const char* kActor = "operator/rehearsal";

// Silence is not waited for: nobody falls silent but a site that is lost, which is said.
LoopOptions loop_options() {
  LoopOptions options = VirtualLoop::options();
  options.retry_us = LoopOptions().retry_us;
  options.deciding_max = LoopOptions().deciding_max;
  return options;
}

bool waits(const IntentRow& row) {
  if (row.array.valid() || row.spec->workload.kind != WorkKind::kJob || row.state == IntentState::kWithdrawn) return false;
  return is_array(row) ? row.tasks.running + row.tasks.finished + row.tasks.failed == 0 : !row.active;
}

bool is_there(const Graph& graph, SiteId site) {
  const Liveness state = graph.site(site).state;
  return state == Liveness::kUp || state == Liveness::kDraining;
}

}  // namespace

Branch branch_of(const Graph& graph, TimeUs now, const RehearseOptions& options, const std::set<std::string>& taken) {
  const TimeUs origin_us = std::max(now, graph.now());
  Branch out{.graph = graph,
             .origin_us = origin_us,
             .state = std::make_shared<const std::vector<std::byte>>(encode_graph(graph)),
             .forecast = forecast(graph, origin_us, options.window_us, options.forecast, taken),
             .waiting = {}};
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    if (waits(graph.intent(IntentId(i)))) out.waiting.push_back(IntentId(i));
  }
  return out;
}

Run::Run(const Branch& branch, const IntentSubmitted* wish, std::optional<TimeUs> lose_at_us, const RehearseWith& with,
         const RehearseOptions& options, const RehearseBounds& bounds)
    : branch_(branch),
      wish_(wish),
      lose_at_us_(lose_at_us),
      options_(options),
      bounds_(bounds),
      planner_(with.planner()),
      scheduler_(with.scheduler ? with.scheduler() : nullptr),
      log_(branch.graph.version(), branch.state),
      world_({.planner = *planner_,
              .scheduler = scheduler_.get(),
              .log = log_,
              .needs_decision = with.needs_decision,
              .begins = [this](SiteId site, const DirectedRun& order) { return begins(site, order); },
              .stopped = [this](SiteId, IntentId intent, TimeUs ran_us) { stopped(intent, ran_us); }},
             branch.origin_us) {}

RunOutcome Run::go() {
  Status done = begin();
  if (done && wish_ != nullptr) done = make_wish();
  if (done) done = go_on();
  if (!done) {
    out_.problem = done.error().text();
    return std::move(out_);
  }
  conclude();
  return std::move(out_);
}

// ---- beginning -----------------------------------------------------------------------------------------

Status Run::begin() {
  if (Status started = world_.start(loop_options(), "rehearsal", {}); !started) return started;
  const Graph& graph = branch_.graph;
  for (size_t i = 0; i < graph.intent_count(); ++i) {
    for (const RunRow& run : graph.intent(IntentId(i)).runs) {
      if (is_there(graph, run.site)) resume(run.site, run, IntentId(i));
    }
  }
  for (size_t i = 0; i < graph.site_count(); ++i) {
    const SiteId site(i);
    // It says nothing that the graph does not know.
    if (is_there(graph, site)) world_.attach(site, {.version = "rehearsal", .steerable = graph.site(site).agent_steers});
  }
  return settle();
}

// What was told to begin and was not seen running yet, begins when it is told so again.
void Run::resume(SiteId site, const RunRow& run, IntentId intent) {
  if (run.state != RunState::kRunning && run.state != RunState::kStopping) return;
  const TimeUs since_us = run.began > 0 ? run.began - branch_.origin_us : 0;
  world_.holds(site, run.run, intent, since_us);
  ++running_[intent];
  began_.try_emplace(intent, 0);
  if (const IntentRow& row = branch_.graph.intent(intent); row.array.valid()) began_.try_emplace(row.array, 0);
  foresee_end(site, run.run, intent, since_us);
}

Status Run::make_wish() {
  Status admitted;
  world_.propose(kActor, *wish_, [&admitted](const Result<Admitted>& result) {
    if (!result) admitted = tl::unexpected(result.error());
  });
  // At least one turn, whatever was used up before.
  if (Status turned = world_.turn(); !turned) return turned;
  if (!admitted) return admitted;
  out_.wish = world_.head().find_intent(world_.head().tenant_name(wish_->tenant), wish_->spec.name);
  return settle();
}

// ---- what happens --------------------------------------------------------------------------------------

bool Run::begins(SiteId site, const DirectedRun& order) {
  const TimeUs now_us = world_.now_us();
  ++running_[order.intent];
  began_.try_emplace(order.intent, now_us);
  const IntentRow& row = world_.head().intent(order.intent);
  if (row.array.valid()) began_.try_emplace(row.array, now_us);
  foresee_end(site, order.run, order.intent, now_us);
  return true;
}

// By what is known at the moment of the graph, so that a job takes as long with the wish as without: what ends in a rehearsal teaches
// its loop how long the like of it runs, and that is no news of the world.
TimeUs Run::expected_us(IntentId intent, const IntentRow& row) const {
  const Graph& graph = branch_.graph;
  const bool known = intent.index() < graph.intent_count() && graph.intent(intent).generation == row.generation;
  if (known) return expected_run_us(graph, graph.intent(intent));
  IntentRow fresh;
  fresh.tenant = row.tenant;
  fresh.spec = row.spec;
  fresh.predicted_us = graph.predicted_run_us(row.tenant, row.spec->workload.artifact);
  return expected_run_us(graph, fresh);
}

// As queues foresee it: as long as is expected, and at its limit where that is over already. Of what nothing is known, it goes on.
void Run::foresee_end(SiteId site, RunId run, IntentId intent, TimeUs since_us) {
  const IntentRow& row = world_.head().intent(intent);
  if (spec_of(row, run).workload.kind != WorkKind::kJob) return;
  const auto saved = saved_us_.find(intent);
  const TimeUs done_us = saved == saved_us_.end() ? 0 : saved->second;
  TimeUs run_us = expected_us(intent, row);
  if (run_us > 0 && since_us + run_us - done_us <= world_.now_us()) run_us = row.spec->schedule.run_time_us_max;
  if (run_us == 0) return;
  ends_.push({std::max(since_us + run_us - done_us - kEarlyUs, world_.now_us() + kEarlyUs), ++sequence_, site, run});
}

// Of what runs together a checkpoint holds what all of it has done: nothing is saved by an instance that is given up while others go on.
void Run::stopped(IntentId intent, TimeUs ran_us) {
  Stopped& last = stopped_[intent];
  last.ran_us = last.at_us == world_.now_us() ? std::min(last.ran_us, ran_us) : ran_us;
  last.at_us = world_.now_us();
  const auto found = running_.find(intent);
  if (found == running_.end() || --found->second > 0) return;
  running_.erase(found);
  const TimeUs interval_us = world_.head().intent(intent).spec->schedule.checkpoint_interval_us;
  if (interval_us > 0) saved_us_[intent] += last.ran_us / interval_us * interval_us;
}

bool Run::end_run(const RunEnd& end) {
  const TimeUs origin_us = branch_.origin_us, now_us = world_.now_us();
  const IntentId intent = world_.end_run(end.site, end.run, [&](IntentId of, TimeUs since_us) {
    const Workload& work = world_.head().intent(of).spec->workload;
    const TimeUs ran_us = now_us - since_us;
    return UsageReport{.run = end.run,
                       .from = origin_us + since_us,
                       .to = origin_us + now_us,
                       .cpu_us = charge(ran_us, work.cpu_milli, kCoreUnit),
                       .memory_mib_us = charge(ran_us, work.memory_mib, 1),
                       .begun = origin_us + since_us};
  });
  if (!intent.valid()) return false;
  if (const auto found = running_.find(intent); found != running_.end() && --found->second == 0) running_.erase(found);
  return true;
}

void Run::submit(const Arrival& arrival) {
  world_.propose(kActor, IntentSubmitted{{}, arrival.tenant, 0, arrival.spec}, [this](const Result<Admitted>& result) {
    out_.arrivals += result ? 1 : 0;
  });
}

// As if its certificate had been revoked: of all that takes a site away this alone needs no waiting for silence.
void Run::lose_site() {
  lose_at_us_.reset();
  const IntentRow& row = world_.head().intent(out_.wish);
  if (!row.active) return;
  std::map<SiteId, int32_t> instances;
  for (const Placement& placement : row.active->plan.placements) ++instances[placement.site];
  int32_t most = 0;
  for (const auto& [site, count] : instances) {
    if (std::exchange(most, std::max(most, count)) < count) out_.lost = site;
  }
  if (out_.lost.valid()) world_.propose(kActor, CertificateRevoked{out_.lost, "lost in a rehearsal"}, [](const Result<Admitted>&) {});
}

// ---- time ----------------------------------------------------------------------------------------------

bool Run::over_bounds() {
  const Loop::Counters& counters = world_.loop().counters();
  return counters.turns >= bounds_.turns_max || counters.decisions >= bounds_.decisions_max;
}

Status Run::settle() {
  return world_.settle([this] { return over_bounds(); });
}

Status Run::go_on() {
  const std::vector<Arrival>& arrivals = branch_.forecast.arrivals;
  const TimeUs horizon_us = std::min(options_.window_us, branch_.forecast.complete_us);
  const std::optional<TimeUs> lost_us = lose_at_us_;
  observe();
  const auto settled_all = [&] { return lost_us && !lose_at_us_ && (!out_.lost.valid() || out_.repaired_us); };
  while (!over_bounds() && !settled_all()) {
    TimeUs next_us = std::min(horizon_us, world_.wake_us());
    if (!ends_.empty()) next_us = std::min(next_us, ends_.top().at_us);
    if (next_arrival_ < arrivals.size()) next_us = std::min(next_us, arrivals[next_arrival_].at_us);
    if (lose_at_us_) next_us = std::min(next_us, *lose_at_us_);
    const bool happens = move_on(std::max(next_us, world_.now_us()));
    if (world_.now_us() >= horizon_us) break;
    if (!happens) continue;
    if (Status settled = settle(); !settled) return settled;
    observe();
    // It is known that a site is gone when it was silent for so long.
    if (lost_us && !lose_at_us_ && out_.lost.valid() && ready_) {
      out_.repaired_us = world_.now_us() - *lost_us + LoopOptions().site_silence_us;
    }
  }
  return {};
}

bool Run::move_on(TimeUs to_us) {
  const std::vector<Arrival>& arrivals = branch_.forecast.arrivals;
  bool happens = to_us >= world_.wake_us();
  account(to_us - world_.now_us());
  world_.set_now(to_us);
  for (; !ends_.empty() && ends_.top().at_us <= to_us; ends_.pop()) happens = end_run(ends_.top()) || happens;
  for (; next_arrival_ < arrivals.size() && arrivals[next_arrival_].at_us <= to_us; ++next_arrival_) {
    submit(arrivals[next_arrival_]);
    happens = true;
  }
  if (lose_at_us_ && *lose_at_us_ <= to_us) {
    lose_site();
    happens = true;
  }
  return happens;
}

// ---- what became of it ---------------------------------------------------------------------------------

void Run::account(TimeUs dt_us) {
  if (!out_.wish.valid() || dt_us <= 0) return;
  billed_ += static_cast<unsigned __int128>(dt_us) * static_cast<unsigned __int128>(wish_per_hour());
  if (out_.starts_us && !out_.ends_us && !ready_) out_.short_us += dt_us;
}

Nanocredits Run::wish_per_hour() const {
  Nanocredits out = 0;
  const auto add = [&](IntentId intent) {
    const auto& active = world_.head().intent(intent).active;
    if (active) out = saturating_add(out, active->plan.billed_per_hour);
  };
  if (!is_array(world_.head().intent(out_.wish))) {
    if (running_.contains(out_.wish)) add(out_.wish);
    return out;
  }
  for (const auto& [intent, runs] : running_) {
    if (world_.head().intent(intent).array == out_.wish) add(intent);
  }
  return out;
}

bool Run::wish_is_ready() const {
  const Graph& graph = world_.head();
  const IntentRow& row = graph.intent(out_.wish);
  if (is_array(row)) return began_.contains(out_.wish);
  if (!row.active || row.active->plan.generation != row.generation || !active_is_ready(row)) return false;
  const std::vector<Placement>& placements = row.active->plan.placements;
  return std::all_of(placements.begin(), placements.end(), [&](const Placement& placement) { return is_there(graph, placement.site); });
}

void Run::observe() {
  if (!out_.wish.valid()) return;
  const TimeUs now_us = world_.now_us();
  const IntentRow& row = world_.head().intent(out_.wish);
  if (row.state == IntentState::kWithdrawn) {
    if (!out_.ends_us) out_.ends_us = now_us;
    ready_ = false;
    return;
  }
  ready_ = wish_is_ready();
  if (row.active && std::exchange(planned_, row.active->position) != row.active->position) {
    std::set<SiteId> sites;
    for (const Placement& placement : row.active->plan.placements) sites.insert(placement.site);
    if (out_.starts_us && !std::includes(sites_.begin(), sites_.end(), sites.begin(), sites.end())) ++out_.moves;
    sites_ = std::move(sites);
  }
  if (ready_ && !out_.starts_us) out_.starts_us = now_us;
}

void Run::conclude() {
  const Graph& graph = world_.head();
  const Loop::Counters& counters = world_.loop().counters();
  out_.turns = counters.turns;
  out_.decisions = counters.decisions;
  out_.reached_us = world_.now_us();
  if (out_.reached_us == 0 && over_bounds()) {
    out_.problem = "more has to be decided at once than a rehearsal may";
    return;
  }
  out_.billed = line_amount(billed_, 1, static_cast<uint64_t>(kHourUs));
  const auto began = [this](IntentId intent) {
    const auto found = began_.find(intent);
    return found == began_.end() ? std::nullopt : std::optional(found->second);
  };
  for (const IntentId intent : branch_.waiting) out_.others.push_back(began(intent));
  for (size_t i = 0; i < branch_.forecast.arrivals.size(); ++i) {
    const Arrival& arrival = branch_.forecast.arrivals[i];
    const IntentId intent = graph.find_intent(graph.tenant_name(arrival.tenant), arrival.spec.name);
    out_.others.push_back(intent.valid() ? began(intent) : std::nullopt);
    out_.others_preempted.push_back(intent.valid() ? graph.intent(intent).preemptions : 0);
  }
  const size_t known = branch_.graph.intent_count();
  for (size_t i = 0; i < known; ++i) out_.preemptions.push_back(graph.intent(IntentId(i)).preemptions);
  if (!out_.wish.valid()) return;
  const uint32_t before = out_.wish.index() < known ? branch_.graph.intent(out_.wish).preemptions : 0;
  out_.preempted = static_cast<int32_t>(graph.intent(out_.wish).preemptions - before);
}

}  // namespace weir::twin
