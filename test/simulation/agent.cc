#include "simulation/agent.h"

#include <algorithm>

namespace weir::simulation {
namespace {

constexpr TimeUs kTickUs = 500'000;
constexpr TimeUs kSilenceUs = 2'000'000;       // of the brain, then the agent dials again
constexpr size_t kUnacknowledgedMax = 4'096;

bool ended(RunState state) {
  return state == RunState::kExited || state == RunState::kFailed || state == RunState::kLost;
}

}  // namespace

Agent::Agent(size_t site, World& world, Schedule& schedule, Random& random, const Faults& faults, Uplink uplink)
    : site_(site), world_(world), schedule_(schedule), random_(random), faults_(faults), uplink_(std::move(uplink)) {
  if (faults.drift_ppm_max > 0) drift_ppm_ = random.between(-faults.drift_ppm_max, faults.drift_ppm_max);
  schedule_tick();
}

// ---- life --------------------------------------------------------------------------------------------

void Agent::schedule_tick() {
  schedule_.after(random_.between(1, kTickUs), [this, mine = incarnation_] {
    if (mine != incarnation_ || !alive()) return;
    dial();
    tick();
  });
}

void Agent::restart() {
  if (!alive()) return;
  ++incarnation_;
  if (connection_ != 0) uplink_.send(connection_, Closed{});
  connection_ = 0;
  heard_ = directed_ = false;
  directive_ = {};
  pending_ = 0;
  // Paths stand in the kernel, but what was measured is forgotten; unfinished work begins anew.
  for (auto& [label, path] : paths_) {
    path.measured = false;
    if (!path.installed) path.attempt = 0;
  }
  std::erase_if(paths_, [](const auto& p) { return !p.second.installed; });
  std::erase_if(runs_, [](const auto& r) { return r.second.state == RunState::kStarting; });
  for (auto& [id, run] : runs_) run.stopping = false;
  on_protection_.clear();
  switch_reported_.clear();
  schedule_tick();
}

void Agent::die() {
  if (!alive()) return;
  ++incarnation_;
  for (auto& [id, run] : runs_) {
    if (ended(run.state)) world_.ends_forgotten.insert(id);
    if (run.state != RunState::kRunning) continue;
    world_.end_run(id, site_);
    world_.unreported.insert(id);
  }
  for (const Reports& reports : unacknowledged_) forget(reports);
  runs_.clear();
  paths_.clear();
  on_protection_.clear();
  switch_reported_.clear();
  unacknowledged_.clear();
  connection_ = 0;
  heard_ = directed_ = false;
  directive_ = {};
  pending_ = 0;
  lease_until_us_ = 0;
  world_.set_site(site_, false);
}

void Agent::boot() {
  if (alive()) return;
  world_.set_site(site_, true);
  schedule_tick();
}

void Agent::dial() {
  if (connection_ != 0) return;
  connection_ = uplink_.dial();
  if (connection_ == 0) return;
  heard_ = false;
  heard_us_ = schedule_.now();
  Hello hello{.version = "sim", .boot = incarnation_, .nodes = world_.sites[site_].nodes, .steerable = world_.sites[site_].steers,
              .not_steerable_why = world_.sites[site_].steers ? "" : "no seg6", .driver = "sim"};
  if (random_.chance(faults_.capacity_lie_ppm)) {
    for (NodeSpec& node : hello.nodes) node.cpu_milli = static_cast<int32_t>(node.cpu_milli * random_.between(2, 40) / 10);
  }
  uplink_.send(connection_, std::move(hello));
  for (const Reports& reports : unacknowledged_) uplink_.send(connection_, reports);
}

void Agent::tick() {
  schedule_.after(kTickUs, [this, mine = incarnation_] {
    if (mine == incarnation_ && alive()) tick();
  });
  ++ticks_;
  if (connection_ != 0 && schedule_.now() - heard_us_ > kSilenceUs) {
    uplink_.send(connection_, Closed{});
    connection_ = 0;
  }
  if (connection_ == 0) dial();
  if (connection_ == 0) return;
  uplink_.send(connection_, HeartbeatSent{schedule_.now()});
  if (ticks_ % 2 != 0) return;
  observe();
  measure();
  for (auto& [label, path] : paths_) {
    if (path.measured) say({PathReading{.label = label, .alive = path.alive, .round_trip_us = path.round_trip_us}});
  }
  for (auto& [id, run] : runs_) report_usage(id, run);
  report_promises();
  forge();
  for (const Reports& reports : unacknowledged_) {
    if (reports.sequence + 16 < next_sequence_) uplink_.send(connection_, reports);
  }
}

void Agent::receive(uint64_t connection, const Downward& message) {
  if (connection != connection_ || !alive()) return;
  if (!heard_) attached_since_us_ = schedule_.now();
  heard_ = true;
  heard_us_ = schedule_.now();
  if (const auto* directive = std::get_if<SiteDirective>(&message)) {
    const auto newest = std::make_pair(directive_.brain_epoch, directive_.version);
    if (directed_ && std::make_pair(directive->brain_epoch, directive->version) < newest) return;
    apply(*directive);
  } else if (const auto* renewal = std::get_if<Renewal>(&message)) {
    // Counted from when the heartbeat was sent: whatever the brain concludes from its arrival is later.
    const TimeUs until = renewal->heartbeat_at + renewal->lease_us + renewal->lease_us * drift_ppm_ / kPpm;
    if (until <= lease_until_us_) return;
    lease_until_us_ = until;
    if (directed_ && !directive_.held) {
      for (const DirectedRun& order : directive_.runs) {
        if (!runs_.count(order.run)) start(order);
      }
    }
    schedule_.at(until, [this] { watch_leases(); });
  } else if (const auto* ack = std::get_if<Acknowledged>(&message)) {
    std::erase_if(unacknowledged_, [ack](const Reports& r) { return r.sequence == ack->sequence; });
  } else {
    connection_ = 0;
    heard_ = false;
  }
}

// ---- work --------------------------------------------------------------------------------------------

void Agent::apply(const SiteDirective& directive) {
  directive_ = directive;
  directed_ = true;
  if (directive.held) {
    observe();
    return;
  }
  for (const DirectedRun& order : directive.runs) {
    if (!runs_.count(order.run)) start(order);
  }
  for (const DirectedPath& order : directive.paths) install(order);
  steer();
  const auto wanted = [&](RunId id) {
    return std::any_of(directive.runs.begin(), directive.runs.end(), [id](const auto& r) { return r.run == id; });
  };
  std::vector<RunId> unwanted;
  for (const auto& [id, run] : runs_) {
    if (!wanted(id)) unwanted.push_back(id);
  }
  for (const RunId id : unwanted) stop(id, "stopped", RunState::kExited);
  std::erase_if(paths_, [&](const auto& known) {
    return std::none_of(directive.paths.begin(), directive.paths.end(),
                        [&](const DirectedPath& p) { return p.label == known.first; });
  });
  observe();
}

bool Agent::has_room(const DirectedRun& order) const {
  if (order.workload.best_effort) return true;  // it gets what is left over
  int64_t cpu = 0, node_cpu = 0;
  for (const auto& [id, run] : runs_) {
    if (run.order.node == order.node && !ended(run.state) && !run.order.workload.best_effort) cpu += run.order.workload.cpu_milli;
  }
  for (const NodeSpec& node : world_.sites[site_].nodes) node_cpu = std::max<int64_t>(node_cpu, node.cpu_milli);
  return cpu + order.workload.cpu_milli <= 2 * node_cpu;  // an old run may still be ending
}

void Agent::start(const DirectedRun& order) {
  if (order.ended) return;
  const bool job = order.workload.kind == WorkKind::kJob;
  // A directive may come late: only an answered heartbeat lets a job begin.
  if (job && !ignore_lease && schedule_.now() >= lease_until_us_) return;
  Run& run = runs_[order.run];
  run.order = order;
  run.attempt = ++attempts_;
  run.state = RunState::kStarting;
  ++pending_;
  TimeUs delay = random_.between(1'000, 150'000);
  if (random_.chance(faults_.start_slow_ppm)) delay = random_.between(500'000, 4'000'000);
  schedule_.after(delay, [this, mine = incarnation_, id = order.run, attempt = run.attempt] {
    if (mine == incarnation_ && alive()) started(id, attempt);
  });
}

void Agent::started(RunId id, uint64_t attempt) {
  const auto found = runs_.find(id);
  if (found == runs_.end() || found->second.attempt != attempt) return;
  Run& run = found->second;
  --pending_;
  const bool job = run.order.workload.kind == WorkKind::kJob;
  if (run.stopping) {
    runs_.erase(found);
    return observe();
  }
  if (random_.chance(faults_.start_fails_ppm) || !has_room(run.order) || run.order.workload.artifact == kBrokenProgram) {
    run.state = RunState::kFailed;
    run.exit_code = 1;
    run.why = "start: refused by the simulated driver";
    return observe();
  }
  if (job && !ignore_lease && schedule_.now() >= lease_until_us_) {
    run.state = RunState::kLost;
    run.why = "lease";
    return observe();
  }
  run.state = RunState::kRunning;
  run.started_us = run.reported_until_us = schedule_.now();
  world_.begin_run(id, {run.order.intent, site_, job, run.order.workload.artifact == kHeavyProgram,
                       run.order.workload.cpu_milli});
  const auto later = [&](TimeUs delay, RunState as, int32_t code, const char* why) {
    schedule_.after(delay, [this, id, attempt, as, code, why] {
      const auto now = runs_.find(id);
      if (now != runs_.end() && now->second.attempt == attempt && now->second.state == RunState::kRunning) {
        end(id, as, code, why);
      }
    });
  };
  if (random_.chance(faults_.run_dies_ppm)) {
    later(random_.between(100'000, 10'000'000), RunState::kFailed, 139, "signal");
  } else if (job) {
    later(random_.between(1'000'000, 40'000'000), RunState::kExited, 0, "exited");
  }
  observe();
}

void Agent::end(RunId id, RunState as, int32_t exit_code, const char* why) {
  Run& run = runs_[id];
  report_usage(id, run, true);
  world_.end_run(id, site_);
  run.state = as;
  run.exit_code = exit_code;
  run.why = why;
  if (alive()) observe();
}

void Agent::stop(RunId id, const char* why, RunState as) {
  Run& run = runs_[id];
  if (ended(run.state)) {
    runs_.erase(id);
    return;
  }
  if (run.stopping) return;
  run.stopping = true;
  if (run.state != RunState::kRunning) return;  // started() finds the mark
  ++pending_;
  schedule_.after(random_.between(1'000, 50'000), [this, mine = incarnation_, id, why, as, attempt = run.attempt] {
    if (mine != incarnation_) return;
    --pending_;
    const auto found = runs_.find(id);
    if (found != runs_.end() && found->second.attempt == attempt) {
      if (found->second.state == RunState::kRunning) end(id, as, 0, why);
      runs_.erase(id);
    }
    if (alive()) observe();
  });
}

// Jobs stop themselves, whoever runs the agent: the lease is the supervisor's.
void Agent::watch_leases() {
  if (!alive() || ignore_lease || schedule_.now() < lease_until_us_) return;
  for (auto& [id, run] : runs_) {
    if (run.order.workload.kind == WorkKind::kJob && run.state == RunState::kRunning) {
      end(id, RunState::kLost, 0, "lease");
    }
  }
}

// ---- paths -------------------------------------------------------------------------------------------

void Agent::install(const DirectedPath& order) {
  const auto known = paths_.find(order.label);
  if (known != paths_.end() && known->second.order == order) return;
  Path& path = paths_[order.label];
  path = Path{.order = order, .attempt = ++attempts_};
  ++pending_;
  TimeUs delay = random_.between(1'000, 30'000);
  if (random_.chance(faults_.install_partial_ppm)) delay = random_.between(500'000, 3'000'000);
  schedule_.after(delay, [this, mine = incarnation_, label = order.label, attempt = path.attempt] {
    if (mine != incarnation_) return;
    --pending_;
    const auto found = paths_.find(label);
    if (found != paths_.end() && found->second.attempt == attempt) {
      found->second.installed = true;
      look();
    }
    observe();
  });
}

void Agent::look() {
  if (!alive()) return;
  const auto soon = [this](TimeUs delay) {
    schedule_.after(delay, [this, mine = incarnation_] {
      if (mine == incarnation_ && alive()) measure();
    });
  };
  soon(random_.between(150'000, 300'000));
  soon(random_.between(1'150'000, 1'300'000));
}

// Down after three lost probes at most; up only after a second of answers.
void Agent::measure(Path& path, bool report) {
  if (!path.installed) return;
  const World::Way way = world_.way(site_, path.order.far_site.index(), path.order.segments);
  const TimeUs stands = schedule_.now() - way.since_us;
  if (!path.measured ? stands < 100'000 : way.alive ? path.alive || stands < 1'000'000 : !path.alive || stands < 100'000) {
    // Routing may have gone another way meanwhile.
    if (path.measured && path.alive && way.alive) path.round_trip_us = way.round_trip_us;
    return;
  }
  path.measured = true;
  path.alive = way.alive;
  path.round_trip_us = way.round_trip_us;
  if (report) say({PathReading{.label = path.order.label, .alive = path.alive, .round_trip_us = path.round_trip_us}});
}

void Agent::measure() {
  for (auto& [label, path] : paths_) measure(path, true);
  steer();
}

void Agent::steer() {
  const auto state = [this](uint16_t label, bool unmeasured) {
    const auto found = paths_.find(label);
    return found == paths_.end() || !found->second.measured ? unmeasured : found->second.alive;
  };
  std::map<std::pair<std::string, std::string>, bool> now;
  for (const DirectedSteering& s : directive_.steerings) {
    const auto key = std::make_pair(s.destination, s.source);
    const bool aside = s.label_protection != 0 && !state(s.label_working, true) && state(s.label_protection, false);
    now[key] = aside;
    if (!s.source.empty() || s.label_protection == 0) continue;
    // Said once in any case: the brain may remember what this program has forgotten.
    const auto [reported, fresh] = switch_reported_.try_emplace({s.plan, s.flow}, aside);
    if (!fresh && reported->second == aside) continue;
    reported->second = aside;
    say_surely(SwitchReport{s.intent, s.plan, s.flow, aside});
  }
  on_protection_ = std::move(now);
}

bool Agent::settled() const {
  return pending_ == 0 && (directive_.held || std::all_of(directive_.runs.begin(), directive_.runs.end(),
                                                          [this](const auto& order) { return order.ended || runs_.count(order.run) > 0; }));
}

bool Agent::reaches(const std::string& destination) const {
  for (const DirectedSteering& s : directive_.steerings) {
    if (s.destination != destination || !s.source.empty()) continue;
    const auto aside = on_protection_.find({s.destination, s.source});
    const uint16_t label = aside != on_protection_.end() && aside->second ? s.label_protection : s.label_working;
    const auto path = paths_.find(label);
    return path != paths_.end() && path->second.installed &&
           world_.way(site_, path->second.order.far_site.index(), path->second.order.segments).alive;
  }
  return true;  // at home
}

// ---- reports -----------------------------------------------------------------------------------------

void Agent::observe() {
  Observation seen{.applied_version = directive_.version, .applied_brain_epoch = directive_.brain_epoch,
                   .settled = directed_ && settled()};
  for (const auto& [id, run] : runs_) {
    seen.runs.push_back({id, run.stopping ? RunState::kStopping : run.state, run.exit_code, run.why,
                         run.state == RunState::kRunning});
  }
  for (const Reports& waiting : unacknowledged_) {
    for (const Brain::Report& report : waiting.reports) {
      const auto* usage = std::get_if<UsageReport>(&report);
      if (usage && !runs_.count(usage->run))
        seen.runs.push_back({usage->run, RunState::kLost, 0, "its record is gone", false});
    }
  }
  for (const auto& [label, path] : paths_) {
    if (path.installed) seen.paths_installed.push_back(label);
  }
  say({std::move(seen)});
}

void Agent::say(std::vector<Brain::Report> reports) {
  if (connection_ != 0) uplink_.send(connection_, Reports{0, std::move(reports)});
}

void Agent::say_surely(Brain::Report report) {
  if (unacknowledged_.size() >= kUnacknowledgedMax) {
    forget(unacknowledged_.front());
    unacknowledged_.pop_front();
  }
  unacknowledged_.push_back({next_sequence_++, {std::move(report)}});
  if (connection_ != 0) uplink_.send(connection_, unacknowledged_.back());
}

void Agent::forget(const Reports& reports) {
  for (const Brain::Report& report : reports.reports) {
    if (const auto* usage = std::get_if<UsageReport>(&report)) world_.unreported.insert(usage->run);
  }
}

bool Agent::owes_usage(RunId run) const {
  return std::any_of(unacknowledged_.begin(), unacknowledged_.end(), [run](const Reports& reports) {
    return std::any_of(reports.reports.begin(), reports.reports.end(), [run](const Brain::Report& report) {
      const auto* usage = std::get_if<UsageReport>(&report);
      return usage && usage->run == run;
    });
  });
}

void Agent::report_usage(RunId id, Run& run, bool last) {
  if (run.state != RunState::kRunning) return;
  const TimeUs now = schedule_.now();
  if (now <= run.reported_until_us) return;
  const TimeUs span = now - run.reported_until_us;
  // One that is heavy uses all that it may.
  const int64_t used_milli = run.order.workload.cpu_milli / (run.order.workload.artifact == kHeavyProgram ? 1 : 16);
  say_surely(UsageReport{.run = id,
                         .from = kWallUs + run.reported_until_us,
                         .to = kWallUs + now,
                         .cpu_us = span * used_milli / 1000,
                         .memory_mib_us = int64_t{run.order.workload.memory_mib} * span / 2,
                         .received_bytes = 0,
                         .sent_bytes = 0,
                         .energy_microjoule = 0,
                         .energy_model = "sim",
                         .begun = last ? kWallUs + run.started_us : 0});
  run.reported_until_us = now;
}

void Agent::report_promises() {
  const TimeUs from = promises_from_us_, now = schedule_.now();
  promises_from_us_ = now;
  if (from == 0 || now <= from) return;
  // A service may listen on two ports for a while.
  std::map<IntentId, PromiseReport> reports;
  for (const DirectedService& service : directive_.services) {
    PromiseReport& report = reports[service.intent];
    for (const DirectedBackend& backend : service.backends) {
      const bool answers = reaches(backend.address + "/128") && world_.runs.count(backend.run);
      (answers ? report.samples : report.lost) += kRequestsPerSecond * backend.streams;
      if (answers && world_.overloaded(backend.run, backend.streams)) report.misses += kRequestsPerSecond * backend.streams;
    }
  }
  for (auto& [intent, report] : reports) {
    report.intent = intent;
    report.from = from;
    report.to = now;
    if (report.samples + report.lost > 0) say_surely(report);
  }
}

// What a site may say of what is not its own.
void Agent::forge() {
  if (!random_.chance(faults_.forged_ppm)) return;
  const int64_t what = random_.between(0, 2);
  if (what == 0 && !world_.runs.empty()) {
    const auto& [run, places] = *std::next(world_.runs.begin(), static_cast<ptrdiff_t>(random_.below(world_.runs.size())));
    if (!places.count(site_)) {
      say({UsageReport{.run = run, .from = random_.between(0, schedule_.now()), .to = schedule_.now() + 1'000'000'000,
                       .energy_model = "sim"}});
    }
  } else if (what == 1) {
    // As surely as what is true: half of what the brain records of it may be torn off when it crashes.
    const IntentId intent(random_.below(10));
    say_surely(PromiseReport{.intent = intent, .from = 1, .to = 2, .samples = random_.between(0, 9), .lost = 90});
  } else {
    // Of a path that, as likely as not, neither begins nor ends here.
    say({PathReading{.label = static_cast<uint16_t>(random_.between(256, 65'535)),
                     .alive = random_.chance(500'000),
                     .round_trip_us = random_.between(0, 90'000'000)}});
  }
}

}  // namespace weir::simulation
