#include "infrastructure/agent/site_agent.h"

#include <algorithm>
#include <limits>

#include "core/event/limits.h"
#include "core/units/text.h"

namespace weir::agent {
namespace {

constexpr TimeUs kReadyCheckUs = 50'000;
constexpr TimeUs kReadingsUs = 1'000'000;
constexpr TimeUs kLogPollUs = 250'000;
constexpr TimeUs kPromiseWindowUsMax = 3'600'000'000;
constexpr TimeUs kPromiseAgeUsMax = 86'400'000'000;
constexpr TimeUs kClockErrorUs = 5'000'000;
constexpr int64_t kPromiseSamplesMax = 1'000'000'000;
constexpr TimeUs kNetworkUsPerTurn = 10'000;  // so that a dead path never waits long for its switch

bool lives(DriverRunState state) {
  return state != DriverRunState::kExited && state != DriverRunState::kLost;
}

std::string name_of(RunId run) { return "run " + std::to_string(run.plan) + "-" + std::to_string(run.item); }

// Trying again as it is cannot help.
bool is_final(ErrorCode code) {
  return code != ErrorCode::kExhausted && code != ErrorCode::kUnavailable && code != ErrorCode::kInternal;
}

}  // namespace

SiteAgent::SiteAgent(Ports ports, AgentOptions options, UsageMeter::Reported reported,
                     const std::vector<UsageReport>& waiting)
    : ports_(std::move(ports)),
      options_(std::move(options)),
      usage_(std::move(reported)),
      outbox_(options_.outbox_max) {
  for (const UsageReport& report : waiting) (void)outbox_.add(report);
  now_us_ = ports_.clock.steady_us();
}

// ---- from the brain ----------------------------------------------------------------------------------

void SiteAgent::directive(const SiteDirective& directive) {
  if (std::tie(directive.brain_epoch, directive.version) < std::tie(brain_epoch_, version_)) {
    if (directive.brain_epoch < brain_epoch_ && said_.insert("old brain").second) {
      ports_.say(true, "a directive of brain epoch " + std::to_string(directive.brain_epoch) +
                           " is ignored after one of " + std::to_string(brain_epoch_) +
                           "; if the brain was restored from a backup, restart this agent");
    }
    return;
  }
  brain_heard(directive.brain_epoch, directive.lease_us);
  version_ = directive.version;
  brain_epoch_ = directive.brain_epoch;
  held_ = directive.held;
  settled_ = false;
  if (held_) return;
  directive_ = directive;
  translation_ = translate(directive);
  if (ports_.paths == nullptr) {
    translation_.wanted.paths.clear();
    translation_.wanted.steerings.clear();
    translation_.directed_steering.clear();
    translation_.wanted.services.clear();
  }
  if (ports_.addresses == nullptr) {
    for (WantedRun& run : translation_.wanted.runs) run.address.reset();
  }
  directed_.clear();
  for (size_t i = 0; i < directive.runs.size(); ++i) directed_.emplace(directive.runs[i].run, i);
  dirty_ = true;
  said_.clear();
  for (const Error& problem : translation_.problems) ports_.say(true, problem.text());
  std::set<FlowKey> flows;
  for (const DirectedSteering& steering : directive.steerings)
    flows.emplace(steering.intent, steering.plan, steering.flow);
  std::erase_if(on_protection_, [&flows](const auto& known) { return !flows.contains(known.first); });
  for (const DirectedRun& run : directive.runs) runs_[run.run];
}

void SiteAgent::brain_heard(uint64_t brain_epoch, TimeUs lease_us) {
  if (brain_epoch < brain_epoch_) return;
  dirty_ = dirty_ || lease_over();
  heard_us_ = ports_.clock.steady_us();
  if (lease_us > 0) lease_us_ = lease_us;
}

void SiteAgent::attached() {
  attached_ = true;
  sent_any_ = false;
  heartbeat_due_us_ = 0;
  outbox_.rewind();
  Readings all;
  for (const auto& [key, watch] : watches_) {
    if (watch.life == PathLife::kUnknown) continue;
    ProbeSample sample = ports_.prober->sample(watch.number);
    sample.life = watch.life;
    all.readings.push_back({reading_of(key, sample), true});
  }
  if (!all.readings.empty()) ports_.uplink.send(std::move(all));
}

void SiteAgent::acknowledged(uint64_t sequence) {
  bool usage = false;
  for (const LastingReport& report : outbox_.acknowledge(sequence)) {
    usage = usage || std::holds_alternative<UsageReport>(report);
  }
  if (!usage) return;
  dirty_ = true;
  keep_usage();
}

bool SiteAgent::lease_over() const { return lease_us_ > 0 && now_us_ - heard_us_ > lease_us_; }

const DirectedRun* SiteAgent::directed(RunId run) const {
  const auto found = directed_.find(run);
  return found == directed_.end() ? nullptr : &directive_->runs[found->second];
}

// ---- turns -------------------------------------------------------------------------------------------

TimeUs SiteAgent::turn() {
  now_us_ = ports_.clock.steady_us();
  wake_us_ = now_us_ + 1'000'000;
  if (!network_known_ || now_us_ >= read_back_us_) read_back();
  const bool changed = dirty_;
  if (changed) protect();
  if (!observing_ && now_us_ >= observe_due_us_) {
    observing_ = ports_.work.submit(ObserveCall{});
    observe_due_us_ = now_us_ + options_.observe_us;
  }
  check_readiness();
  if (dirty_) reconcile();
  if (changed) {
    watch_paths();
    report_switches();
  }
  if (now_us_ >= readings_due_us_) {
    readings_due_us_ = now_us_ + kReadingsUs;
    report_readings();
  }
  if (now_us_ >= usage_due_us_) {
    usage_due_us_ = now_us_ + options_.usage_us;
    report_usage();
  }
  renew_leases();
  read_logs();
  observe();
  if (attached_) {
    for (NumberedReport& due : outbox_.take_due(now_us_, options_.resend_us)) {
      ports_.uplink.send(std::move(due.report), due.sequence);
    }
    if (now_us_ >= heartbeat_due_us_) {
      heartbeat_due_us_ = now_us_ + options_.heartbeat_us;
      ports_.uplink.send(HeartbeatReport{static_cast<uint32_t>(present_.runs.size())});
    }
    wake_at(heartbeat_due_us_);
  }
  wake_at(observe_due_us_);
  wake_at(usage_due_us_);
  wake_at(readings_due_us_);
  return std::max(wake_us_, now_us_);
}

// What the system has; what it has lost meanwhile is made again.
void SiteAgent::read_back() {
  read_back_us_ = now_us_ + options_.resync_us;
  dirty_ = true;
  bool whole = true;
  if (ports_.paths != nullptr) {
    auto installed = ports_.paths->installed();
    if (installed) {
      present_.paths = std::move(*installed);
    } else {
      whole = false;
      ports_.say(true, "what is installed cannot be read: " + installed.error().text());
    }
  }
  if (ports_.addresses != nullptr) {
    auto addresses = ports_.addresses->present();
    if (addresses) {
      present_.addresses = std::move(*addresses);
    } else {
      whole = false;
      ports_.say(true, "addresses cannot be read: " + addresses.error().text());
    }
  }
  network_known_ = network_known_ || whole;
  if (!whole) read_back_us_ = now_us_ + options_.retry_us_min;
  wake_at(read_back_us_);
}

// ---- protection --------------------------------------------------------------------------------------

PathLife SiteAgent::life(uint16_t label) const {
  const auto found = watches_.find(ProbeKey{label, LinkId()});
  return found == watches_.end() ? PathLife::kUnknown : found->second.life;
}

std::set<PathLabel> SiteAgent::installed_labels() const {
  std::set<PathLabel> out;
  for (const PathSpec& path : present_.paths.paths) out.insert(path.label);
  return out;
}

// Decides which path each flow takes, and moves what is steered already at once, before anything else is
// done.
void SiteAgent::protect() {
  if (!directive_) return;
  const std::map<Traffic, PathLabel> now = steered(present_.paths);
  const std::set<PathLabel> installed = installed_labels();
  std::vector<Steering>& wanted = translation_.wanted.steerings;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const DirectedSteering& directed = directive_->steerings[translation_.directed_steering[i]];
    const auto found = now.find({wanted[i].destination, wanted[i].source});
    const auto current = found == now.end() ? std::nullopt : std::optional(found->second);
    wanted[i].label =
        choose_label(directed, life(directed.label_working), life(directed.label_protection), current);
    if (!current || *current == wanted[i].label || !installed.contains(wanted[i].label)) continue;
    if (*current != directed.label_working && *current != directed.label_protection) continue;
    const Act act = Steer{wanted[i]};
    Attempt& attempt = attempts_.try_emplace(item(act), Attempt{act}).first->second;
    if (attempt.act != act) attempt = Attempt{act};
    if (now_us_ >= attempt.not_before_us) finish(act, attempt, ports_.paths->steer(wanted[i]));
  }
}

void SiteAgent::report_switches() {
  if (!directive_ || !network_known_) return;
  const std::map<Traffic, PathLabel> over = steered(present_.paths);
  for (size_t i = 0; i < translation_.wanted.steerings.size(); ++i) {
    const DirectedSteering& s = directive_->steerings[translation_.directed_steering[i]];
    const Steering& wanted = translation_.wanted.steerings[i];
    if (wanted.source || s.label_protection == 0) continue;  // the ingress speaks for both ends
    const auto current = over.find({wanted.destination, wanted.source});
    if (current == over.end()) continue;
    const bool now = current->second == s.label_protection;
    // What an earlier process has said is not known.
    bool& reported =
        on_protection_.try_emplace(FlowKey(s.intent, s.plan, s.flow), resynchronising_ && !now).first->second;
    if (now == reported) continue;
    if (!outbox_.add(SwitchReport{s.intent, s.plan, s.flow, now})) continue;
    reported = now;
    ports_.say(now, "flow " + std::to_string(s.flow) + " of plan " + std::to_string(s.plan) +
                        (now ? ": the working path is dead, traffic takes the protection path"
                             : ": traffic is on the working path"));
  }
  resynchronising_ = false;
}

// ---- reconciliation ----------------------------------------------------------------------------------

void SiteAgent::reconcile() {
  if (!directive_ || held_ || !network_known_ || !runs_known_) return;
  const Wanted& wanted = translation_.wanted;
  present_.runs.clear();
  std::set<RunId> unreported;
  for (const NumberedReport& waiting : outbox_.waiting()) {
    if (const auto* usage = std::get_if<UsageReport>(&waiting.report)) unreported.insert(usage->run);
  }
  for (const auto& [id, track] : runs_) {
    if (track.seen) {
      const bool live = lives(track.seen->state);
      present_.runs.push_back({id, live, !live && usage_.complete(id) && !unreported.contains(id)});
    } else if (track.refused) {
      present_.runs.push_back({id, false, false});
    }
  }

  const std::vector<Act> acts = diff(wanted, present_);
  std::map<std::string, Attempt> attempts;
  for (const Act& act : acts) {
    const std::string name = item(act);
    const auto known = attempts_.find(name);
    attempts[name] = known != attempts_.end() && known->second.act == act ? known->second : Attempt{act};
  }
  // An act under way is waited for, even if nobody wants it any more.
  for (auto& [name, attempt] : attempts_) {
    if (attempt.in_flight) attempts[name] = std::move(attempt);
  }
  attempts_ = std::move(attempts);

  bool making = false;  // something is to be made and was not even tried
  std::set<PathLabel> installed_now = installed_labels();
  for (const Act& act : acts) {
    Attempt& attempt = attempts_[item(act)];
    if (!makes(act) && making) break;
    if (const auto* steer = std::get_if<Steer>(&act);
        steer != nullptr && !installed_now.contains(steer->steering.label)) {
      const auto path = attempts_.find(item(WithdrawPath{steer->steering.label}));
      making = making || path == attempts_.end() || path->second.failures == 0;
      continue;
    }
    const bool network = !about_runs(act);
    bool begun = attempt.in_flight;
    if (!begun && now_us_ >= attempt.not_before_us) {
      if (network && ports_.clock.steady_us() - now_us_ > kNetworkUsPerTurn) {
        wake_us_ = now_us_;
      } else {
        begun = begin(act, attempt);
        const auto* install = std::get_if<InstallPath>(&act);
        if (install != nullptr && attempt.failures == 0) installed_now.insert(install->path.label);
      }
    }
    if (attempt.failures > 0 && !attempt.in_flight) wake_at(attempt.not_before_us);
    making = making || (makes(act) && attempt.failures == 0 && (!begun || attempt.in_flight));
  }

  const std::vector<Act> left = diff(wanted, present_);
  const bool idle =
      std::none_of(attempts_.begin(), attempts_.end(), [](const auto& a) { return a.second.in_flight; });
  // To forget a run is our own affair.
  settled_ = idle && translation_.problems.empty() &&
             std::all_of(left.begin(), left.end(),
                         [](const Act& act) { return std::holds_alternative<ForgetRun>(act); });
  if (!left.empty() && acts != left) wake_us_ = now_us_;
  dirty_ = !left.empty() || !idle;
}

bool SiteAgent::begin(const Act& act, Attempt& attempt) {
  if (!about_runs(act)) {
    finish(act, attempt, change_network(act));
    return true;
  }
  SiteCall call;
  if (const auto* start = std::get_if<StartRun>(&act)) {
    const DirectedRun* run = directed(start->run);
    if (run == nullptr || lease_over()) return false;
    const bool listens = !run->address.empty() && ports_.addresses != nullptr;
    const auto address = Ipv6Address::parse(run->address);
    if (listens && address && !present_.addresses.contains(*address)) return false;
    if (runs_[start->run].fetching) return false;
    if (run->workload.digest.empty() && !options_.registered.contains(run->workload.artifact)) {
      runs_[start->run].refused = Error{
          ErrorCode::kNotFound, "no program \"" + run->workload.artifact + "\" is registered here",
          name_of(start->run), "give the intent a digest, or name the program in the agent's configuration"};
      wake_us_ = now_us_;
      return true;
    }
    call = StartCall{spec_of(*run)};
  } else if (const auto* stop = std::get_if<StopRun>(&act)) {
    call = StopCall{stop->run, options_.termination_grace_us};
  } else {
    call = ForgetCall{std::get<ForgetRun>(act).run};
  }
  attempt.in_flight = ports_.work.submit(std::move(call));
  return attempt.in_flight;
}

Status SiteAgent::change_network(const Act& act) {
  PathDriver* paths = ports_.paths;
  if (const auto* a = std::get_if<AddAddress>(&act)) return ports_.addresses->add(a->address);
  if (const auto* a = std::get_if<RemoveAddress>(&act)) return ports_.addresses->remove(a->address);
  if (const auto* a = std::get_if<InstallPath>(&act)) return paths->install_path(a->path);
  if (const auto* a = std::get_if<WithdrawPath>(&act)) {
    if (const auto watch = watches_.find(ProbeKey{a->label, LinkId()}); watch != watches_.end()) {
      ports_.prober->unwatch(watch->second.number);
      watches_.erase(watch);
    }
    return paths->withdraw_path(a->label);
  }
  if (const auto* a = std::get_if<Steer>(&act)) return paths->steer(a->steering);
  if (const auto* a = std::get_if<Unsteer>(&act)) return paths->unsteer(a->destination, a->source);
  if (const auto* a = std::get_if<PublishService>(&act)) return paths->publish_service(a->service);
  const auto& a = std::get<WithdrawService>(act);
  return paths->withdraw_service(a.address, a.port, Transport::kTcp);
}

void SiteAgent::finish(const Act& act, Attempt& attempt, const Status& status) {
  attempt.in_flight = false;
  if (!status) return failed(act, attempt, status.error());
  if (attempt.failures > 0)
    ports_.say(false, item(act) + ": done, after " + std::to_string(attempt.failures) + " failures");
  attempt.failures = 0;
  note_done(act, present_);
}

void SiteAgent::failed(const Act& act, Attempt& attempt, const Error& error) {
  attempt.in_flight = false;
  const TimeUs wait =
      std::min(options_.retry_us_max, options_.retry_us_min << std::min<uint32_t>(attempt.failures, 16));
  ++attempt.failures;
  attempt.not_before_us = ports_.clock.steady_us() + wait;
  if (attempt.error != error) ports_.say(true, item(act) + ": " + error.text());
  attempt.error = error;
  if (!about_runs(act)) read_back_us_ = 0;
}

// ---- runs --------------------------------------------------------------------------------------------

RunSpec SiteAgent::spec_of(const DirectedRun& run) const {
  const Workload& w = run.workload;
  RunSpec spec{.id = run.run,
               .epoch = brain_epoch_,
               .tenant = run.tenant,
               .intent = run.intent_name,
               .artifact = {w.artifact, w.digest},
               .cpu_milli = static_cast<uint32_t>(std::max(w.cpu_milli, 0)),
               .memory_bytes = static_cast<uint64_t>(std::max(w.memory_mib, 0)) << 20,
               .pids_max = options_.pids_max,
               .accelerators = static_cast<uint32_t>(std::max<int>(w.accelerators, 0)),
               .listen_address = run.address,
               .listen_port = static_cast<uint16_t>(w.port),
               .lease_policy = w.kind == WorkKind::kJob ? LeasePolicy::kJob : LeasePolicy::kService,
               .lease_us = w.kind == WorkKind::kJob ? static_cast<uint64_t>(lease_us_) : 0,
               .termination_grace_us = options_.termination_grace_us};
  if (w.digest.empty()) {
    spec.command.push_back(options_.registered.at(w.artifact));
  } else {
    spec.command.push_back("{artifact}");
  }
  spec.command.insert(spec.command.end(), w.command.begin(), w.command.end());
  spec.environment.emplace_back("WEIR_SITE", options_.site);
  return spec;
}

void SiteAgent::answer(const SiteAnswer& answer) {
  now_us_ = ports_.clock.steady_us();
  dirty_ = true;
  if (const auto* start = std::get_if<StartCall>(&answer.call)) return answer_start(*start, answer.status);
  if (const auto* fetch = std::get_if<FetchCall>(&answer.call)) return answer_fetch(*fetch, answer.status);
  if (std::holds_alternative<LogCall>(answer.call)) return answer_log(answer);
  if (std::holds_alternative<ObserveCall>(answer.call)) {
    observing_ = false;
    if (answer.status) return see(answer.runs);
    return ports_.say(true, "the site's runs cannot be read: " + answer.status.error().text());
  }
  if (const auto* usage = std::get_if<UsageCall>(&answer.call)) {
    if (const auto track = runs_.find(usage->run); track != runs_.end()) track->second.usage_asked = false;
    if (answer.status) answer_usage(usage->run, answer.usage);
    return;
  }
  if (const auto* stop = std::get_if<StopCall>(&answer.call)) {
    const auto attempt = attempts_.find(item(StopRun{stop->run}));
    if (attempt != attempts_.end()) {
      const Act act = attempt->second.act;
      finish(act, attempt->second, answer.status);
      // Asked once, the run ends by itself, or is killed; ask again only if it lives much longer.
      attempt->second.not_before_us =
          std::max(attempt->second.not_before_us,
                   now_us_ + static_cast<TimeUs>(options_.termination_grace_us) + options_.retry_us_max);
    }
    if (answer.status) runs_[stop->run].stop_asked = true;
    observe_due_us_ = 0;
    return;
  }
  if (const auto* forget = std::get_if<ForgetCall>(&answer.call)) {
    const auto attempt = attempts_.find(item(ForgetRun{forget->run}));
    if (attempt != attempts_.end()) {
      const Act act = attempt->second.act;
      finish(act, attempt->second, answer.status);
    }
    if (!answer.status) return;
    runs_.erase(forget->run);
    usage_.forget(forget->run);
    keep_usage();
  }
}

void SiteAgent::answer_start(const StartCall& call, const Status& status) {
  const RunId run = call.spec.id;
  const auto found = attempts_.find(item(StartRun{run}));
  Track& track = runs_[run];
  if (status) {
    if (found != attempts_.end()) finish(StartRun{run}, found->second, {});
    // Until the driver tells more: nothing may start it twice.
    if (!track.seen) track.seen = ObservedRun{run, call.spec.epoch, DriverRunState::kStarting, {}, 0, 0};
    observe_due_us_ = 0;
    return;
  }
  const bool missing = status.error().code == ErrorCode::kNotFound && !call.spec.artifact.digest.empty();
  if (missing && !track.fetched && !track.fetching) {
    track.fetching = ports_.work.submit(FetchCall{call.spec.artifact.digest});
    if (track.fetching && found != attempts_.end()) {
      found->second.in_flight = false;
      return;
    }
  }
  if (found == attempts_.end()) return;
  failed(StartRun{run}, found->second, status.error());
  if (is_final(status.error().code) || found->second.failures >= options_.start_attempts_max) {
    track.refused = status.error();
  }
}

void SiteAgent::answer_fetch(const FetchCall& call, const Status& status) {
  for (auto& [id, track] : runs_) {
    const DirectedRun* run = directed(id);
    if (run == nullptr || run->workload.digest != call.digest) continue;
    track.fetching = false;
    const auto found = attempts_.find(item(StartRun{id}));
    if (status) {
      track.fetched = true;
      if (found != attempts_.end()) found->second.not_before_us = 0;
      continue;
    }
    if (is_final(status.error().code)) track.refused = status.error();
    if (found != attempts_.end()) failed(StartRun{id}, found->second, status.error());
  }
}

void SiteAgent::see(const std::vector<ObservedRun>& runs) {
  runs_known_ = true;
  std::set<RunId> seen;
  for (const ObservedRun& run : runs) {
    seen.insert(run.id);
    Track& track = runs_[run.id];
    const bool ended = !lives(run.state) && (!track.seen || lives(track.seen->state));
    if (ended) {
      track.ready = false;
      usage_due_us_ = 0;
      if (!track.stop_asked) ports_.say(run.exit.code != 0, name_of(run.id) + " ended: " + run.exit.reason);
    }
    track.seen = run;
  }
  for (auto at = runs_.begin(); at != runs_.end();) {
    Track& track = at->second;
    const auto attempt = attempts_.find(item(StartRun{at->first}));
    const bool starting = attempt != attempts_.end() && attempt->second.in_flight;
    if (seen.contains(at->first) || starting) {
      ++at;
    } else if (directed(at->first) != nullptr) {
      // The driver accepted it once and has no record of it now.
      if (track.seen) track.seen->state = DriverRunState::kLost;
      ++at;
    } else {
      at = runs_.erase(at);
    }
  }
  std::vector<RunId> gone;
  for (const auto& [id, reported] : usage_.reported()) {
    if (!runs_.contains(id)) gone.push_back(id);
  }
  for (const RunId id : gone) usage_.forget(id);
  if (!gone.empty()) keep_usage();
}

void SiteAgent::check_readiness() {
  if (!directive_) return;
  for (const DirectedRun& run : directive_->runs) {
    if (run.workload.kind != WorkKind::kService) continue;
    Track& track = runs_[run.run];
    if (track.ready || !track.seen || track.seen->state != DriverRunState::kRunning) continue;
    if (now_us_ >= track.check_ready_us) {
      track.check_ready_us = now_us_ + kReadyCheckUs;
      track.ready = run.workload.port == 0 || ports_.accepts(run.address.empty() ? "::1" : run.address,
                                                             static_cast<uint16_t>(run.workload.port));
      if (track.ready) continue;
    }
    wake_at(track.check_ready_us);
  }
}

void SiteAgent::renew_leases() {
  if (lease_us_ == 0 || !directive_ || !attached_ || lease_over() || now_us_ < renew_due_us_) return;
  renew_due_us_ = now_us_ + lease_us_ / 4;
  for (const DirectedRun& run : directive_->runs) {
    const auto track = runs_.find(run.run);
    if (run.workload.kind != WorkKind::kJob || track == runs_.end() || !track->second.seen ||
        !lives(track->second.seen->state)) {
      continue;
    }
    // The lease counts from when the brain was heard, not from now.
    const TimeUs left = lease_us_ - (now_us_ - heard_us_);
    (void)ports_.work.submit(RenewCall{run.run, static_cast<uint64_t>(std::max<TimeUs>(left, 1))});
  }
}

// ---- probes ------------------------------------------------------------------------------------------

void SiteAgent::watch_paths() {
  if (!directive_ || held_ || ports_.prober == nullptr) return;
  std::map<ProbeKey, std::pair<std::string, std::vector<Ipv6Address>>> wanted;
  std::map<PathLabel, const PathSpec*> installed;
  for (const PathSpec& path : present_.paths.paths) installed[path.label] = &path;
  for (const DirectedPath& path : directive_->paths) {
    const auto there = installed.find(path.label);
    if (!path.probed || path.reflector.empty() || there == installed.end()) continue;
    wanted[ProbeKey{path.label, LinkId()}] = {path.reflector, there->second->segments};
  }
  for (const DirectedProbe& probe : directive_->probes)
    wanted[ProbeKey{0, probe.link}] = {probe.reflector, {}};

  for (auto at = watches_.begin(); at != watches_.end();) {
    const auto want = wanted.find(at->first);
    if (want != wanted.end() && want->second.first == at->second.reflector &&
        want->second.second == at->second.segments) {
      ++at;
      continue;
    }
    ports_.prober->unwatch(at->second.number);
    at = watches_.erase(at);
  }
  for (const auto& [key, target] : wanted) {
    if (watches_.contains(key)) continue;
    const uint64_t number = next_watch_++;
    if (const Status watching = ports_.prober->watch(number, key, target.first); !watching) {
      const std::string text = "cannot measure towards " + target.first + ": " + watching.error().text();
      if (said_.insert(text).second) ports_.say(true, text);
      continue;
    }
    Watch watch;
    watch.number = number;
    watch.reflector = target.first;
    watch.segments = target.second;
    watches_.emplace(key, std::move(watch));
  }
}

PathReading SiteAgent::reading_of(const ProbeKey& key, const ProbeSample& sample) const {
  return {.label = key.label,
          .link = key.link,
          .alive = sample.life == PathLife::kAlive,
          .round_trip_us = sample.round_trip_us,
          .jitter_us = sample.jitter_us,
          .loss_ppm = sample.loss_ppm};
}

void SiteAgent::probe_changed(uint64_t number, const ProbeSample& sample) {
  for (auto& [key, watch] : watches_) {
    if (watch.number != number || watch.life == sample.life) continue;
    dirty_ = true;
    watch.life = sample.life;
    if (attached_ && sample.life != PathLife::kUnknown) {
      ports_.uplink.send(Readings{{{reading_of(key, sample), true}}});
    }
  }
}

void SiteAgent::report_readings() {
  Readings out;
  for (auto& [key, watch] : watches_) {
    const ProbeSample sample = ports_.prober->sample(watch.number);
    if (sample.life != watch.life) {  // its news did not arrive
      watch.life = sample.life;
      dirty_ = true;
      if (sample.life != PathLife::kUnknown) out.readings.push_back({reading_of(key, sample), true});
      wake_us_ = now_us_;
      continue;
    }
    if (watch.life != PathLife::kAlive || sample.round_trip_us <= 0) continue;
    if (!watch.round_trip.offer(static_cast<uint64_t>(sample.round_trip_us), static_cast<uint64_t>(now_us_)))
      continue;
    out.readings.push_back({reading_of(key, sample), false});
  }
  if (attached_ && !out.readings.empty()) ports_.uplink.send(std::move(out));
}

// ---- usage and promises ------------------------------------------------------------------------------

void SiteAgent::report_usage() {
  for (auto& [id, track] : runs_) {
    if (!track.seen || track.usage_asked || usage_.complete(id)) continue;
    track.usage_asked = ports_.work.submit(UsageCall{id});
  }
}

void SiteAgent::answer_usage(RunId run, const RunUsage& usage) {
  // Without room the next report covers this time as well.
  if (!outbox_.has_room()) return;
  const auto report = usage_.take(run, usage, ports_.clock.wall_us());
  if (!report) return;
  (void)outbox_.add(*report);
  keep_usage();
}

void SiteAgent::keep_usage() {
  if (!ports_.keep_usage) return;
  std::vector<UsageReport> waiting;
  for (const NumberedReport& report : outbox_.waiting()) {
    if (const auto* usage = std::get_if<UsageReport>(&report.report)) waiting.push_back(*usage);
  }
  ports_.keep_usage(usage_.reported(), waiting);
}

IntentId SiteAgent::find_intent(const std::string& name_or_address) const {
  if (!directive_) return {};
  for (const DirectedRun& run : directive_->runs) {
    if (run.tenant + "/" + run.intent_name == name_or_address) return run.intent;
  }
  for (const DirectedService& service : directive_->services) {
    if (service.address == name_or_address) return service.intent;
  }
  return {};
}

Status SiteAgent::promise(const PromiseReport& report) {
  const auto invalid = [](const char* field, std::string what) {
    return fail(ErrorCode::kInvalid, std::move(what), std::string("promise report: ") + field);
  };
  const TimeUs wall = ports_.clock.wall_us();
  if (report.samples < 1 || report.samples > kPromiseSamplesMax)
    return invalid("samples", "is not between 1 and 10^9");
  if (report.misses < 0 || report.misses > report.samples)
    return invalid("misses", "is not between 0 and samples");
  if (report.lost < 0 || report.lost > kPromiseSamplesMax)
    return invalid("lost", "is not between 0 and 10^9");
  if (report.latency_us_p50 < 0 || report.latency_us_p99 < report.latency_us_p50 ||
      report.latency_us_p99 > limits::kLatencyUsMax) {
    return invalid("p99_us", "is below p50_us, or beyond a day");
  }
  if (report.from >= report.to || report.to - report.from > kPromiseWindowUsMax) {
    return invalid("to", "the window is empty, or longer than an hour");
  }
  if (report.to > wall + kClockErrorUs || report.from < wall - kPromiseAgeUsMax) {
    return invalid("to", "the window is in the future, or more than a day old");
  }
  bool known = false;
  if (directive_) {
    known = std::any_of(directive_->runs.begin(), directive_->runs.end(),
                        [&](const DirectedRun& r) { return r.intent == report.intent; }) ||
            std::any_of(directive_->steerings.begin(), directive_->steerings.end(),
                        [&](const DirectedSteering& s) { return s.intent == report.intent; }) ||
            std::any_of(directive_->services.begin(), directive_->services.end(),
                        [&](const DirectedService& s) { return s.intent == report.intent; });
  }
  if (!known)
    return fail(ErrorCode::kNotFound, "no such intent runs or enters here", "promise report: intent");
  const auto added = outbox_.add(report);
  if (!added) return tl::unexpected(added.error());
  return {};
}

// ---- logs --------------------------------------------------------------------------------------------

void SiteAgent::log_request(uint64_t request, RunId run, uint64_t offset, bool follow, uint64_t bytes_max) {
  if (logs_.size() >= options_.log_requests_max && !logs_.contains(request)) {
    ports_.uplink.send(LogAnswer{request, run, {}, "the site answers too many log requests already"});
    return;
  }
  logs_[request] = {run, offset, follow, std::clamp<uint64_t>(bytes_max, 1, 256 * 1024), false, 0};
}

void SiteAgent::read_logs() {
  for (auto& [request, reading] : logs_) {
    if (reading.in_flight) continue;
    if (now_us_ >= reading.not_before_us) {
      reading.in_flight =
          ports_.work.submit(LogCall{request, reading.run, reading.offset, reading.bytes_max});
      if (!reading.in_flight) reading.not_before_us = now_us_ + kLogPollUs;
    }
    if (!reading.in_flight) wake_at(reading.not_before_us);
  }
}

void SiteAgent::answer_log(const SiteAnswer& answer) {
  const auto& call = std::get<LogCall>(answer.call);
  const auto found = logs_.find(call.request);
  if (found == logs_.end()) return;
  LogReading& reading = found->second;
  reading.in_flight = false;
  if (!answer.status) {
    ports_.uplink.send(LogAnswer{call.request, call.run, {}, answer.status.error().text()});
    logs_.erase(found);
    return;
  }
  const bool nothing = answer.log.text.empty() && !answer.log.complete;
  if (!reading.follow || !nothing) ports_.uplink.send(LogAnswer{call.request, call.run, answer.log, {}});
  if (!reading.follow || answer.log.complete) {
    logs_.erase(found);
    return;
  }
  reading.offset = answer.log.next_offset;
  reading.not_before_us = nothing ? now_us_ + kLogPollUs : 0;
}

// ---- observation -------------------------------------------------------------------------------------

RunObservation SiteAgent::observe_run(const DirectedRun* run, RunId id, const Track& track) const {
  RunObservation out{.run = id};
  const auto attempt = attempts_.find(item(StartRun{id}));
  if (!track.seen) {
    if (track.refused) {
      out.state = RunState::kFailed;
      out.why = track.refused->text();
    } else {
      out.state = attempt == attempts_.end() && !track.fetching ? RunState::kPlanned : RunState::kStarting;
      if (attempt != attempts_.end() && attempt->second.failures > 0) out.why = attempt->second.error.text();
      if (track.fetching) out.why = "its program is being fetched";
    }
    out.why = clip_utf8(out.why, limits::kTextBytesMax);
    return out;
  }
  const RunExit& exit = track.seen->exit;
  switch (track.seen->state) {
    case DriverRunState::kPending:
    case DriverRunState::kStarting:
      out.state = RunState::kStarting;
      break;
    case DriverRunState::kRunning:
      out.state = RunState::kRunning;
      out.ready = run == nullptr || run->workload.kind == WorkKind::kJob || track.ready;
      break;
    case DriverRunState::kExited: {
      const bool clean = exit.code == 0 && exit.signal == 0;
      const bool asked = exit.reason == "stopped" || track.stop_asked;
      const bool job = run == nullptr || run->workload.kind == WorkKind::kJob;
      out.state = asked || (clean && job) ? RunState::kExited : RunState::kFailed;
      out.exit_code = exit.signal != 0 ? 128 + exit.signal : exit.code;
      out.why = clip_utf8(exit.reason, limits::kTextBytesMax);
      break;
    }
    case DriverRunState::kLost:
      out.state = RunState::kLost;
      out.why = clip_utf8(exit.reason, limits::kTextBytesMax);
      break;
  }
  if (run == nullptr && directive_ && lives(track.seen->state)) {
    out.state = RunState::kStopping;
    out.ready = false;
  }
  return out;
}

std::vector<RunObservation> SiteAgent::observe_runs() const {
  std::vector<RunObservation> out;
  for (const auto& [id, track] : runs_) {
    const DirectedRun* run = directed(id);
    if (run != nullptr || track.seen) out.push_back(observe_run(run, id, track));
  }
  return out;
}

void SiteAgent::observe() {
  if (!attached_ || !runs_known_ || brain_epoch_ == 0) return;
  Observation now{.applied_version = version_, .applied_brain_epoch = brain_epoch_, .runs = observe_runs()};
  for (const PathSpec& path : present_.paths.paths) now.paths_installed.push_back(path.label);
  std::sort(now.paths_installed.begin(), now.paths_installed.end());
  now.settled = settled_ && !held_;
  const bool same = sent_any_ && now.applied_version == sent_.applied_version &&
                    now.applied_brain_epoch == sent_.applied_brain_epoch && now.runs == sent_.runs &&
                    now.paths_installed == sent_.paths_installed && now.settled == sent_.settled;
  if (same && now_us_ - sent_us_ < options_.observe_us) {
    wake_at(sent_us_ + options_.observe_us);
    return;
  }
  sent_ = now;
  sent_us_ = now_us_;
  sent_any_ = true;
  ports_.uplink.send(std::move(now));
}

}  // namespace weir::agent
