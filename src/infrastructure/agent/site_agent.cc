#include "infrastructure/agent/site_agent.h"

#include <algorithm>
#include <limits>

#include "core/event/limits.h"

namespace weir::agent {
namespace {

constexpr TimeUs kReadingsUs = 1'000'000;
constexpr TimeUs kPromiseWindowUsMax = 3'600'000'000;
constexpr TimeUs kPromiseAgeUsMax = 86'400'000'000;
constexpr TimeUs kClockErrorUs = 5'000'000;
constexpr int64_t kPromiseSamplesMax = 1'000'000'000;
constexpr TimeUs kNetworkUsPerTurn = 10'000;  // so that a dead path never waits long for its switch

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
  logs_.clear();
  sent_any_ = false;
  heartbeat_due_us_ = 0;
  outbox_.rewind();
  Readings all;
  for (const auto& [label, watch] : watches_) {
    if (watch.life == PathLife::kUnknown) continue;
    ProbeSample sample = ports_.prober->sample(watch.number);
    sample.life = watch.life;
    all.readings.push_back({reading_of(label, sample), true});
  }
  if (!all.readings.empty()) ports_.uplink.send(std::move(all));
}

void SiteAgent::detached() {
  attached_ = false;
  logs_.clear();  // who asked went with the connection
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
  if (now_us_ >= read_back_us_) read_back();
  wake_at(read_back_us_);
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
    read_traffic();
  }
  if (look_for_hung_ && network_known_ && now_us_ >= hung_due_us_) end_hung();
  if (look_for_hung_ && network_known_) wake_at(hung_due_us_);
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
      runs_[start->run].refused =
          Error{ErrorCode::kNotFound,
                "artifact \"" + run->workload.artifact +
                    "\" is not at this site: put it into the brain's artifacts and apply the intent again",
                item(act), "or name the program in the agent's configuration, under [artifacts]"};
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
    if (const auto watch = watches_.find(a->label); watch != watches_.end()) {
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
  look_for_hung_ = look_for_hung_ || std::holds_alternative<PublishService>(act);
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
  if (report.samples < 0 || report.samples > kPromiseSamplesMax)
    return invalid("samples", "is not between 0 and 10^9");
  if (report.misses < 0 || report.misses > report.samples)
    return invalid("misses", "is not between 0 and samples");
  if (report.lost < 0 || report.lost > kPromiseSamplesMax)
    return invalid("lost", "is not between 0 and 10^9");
  if (report.samples == 0 && report.lost == 0) return invalid("samples", "is 0, and so is lost");
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

// ---- observation -------------------------------------------------------------------------------------

void SiteAgent::observe() {
  if (!attached_ || !runs_known_ || brain_epoch_ == 0) return;
  Observation now{.applied_version = version_, .applied_brain_epoch = brain_epoch_, .runs = observe_runs()};
  for (const PathSpec& path : present_.paths.paths) now.paths_installed.push_back(path.label);
  std::sort(now.paths_installed.begin(), now.paths_installed.end());
  now.settled = settled_ && !held_;
  now.traffic = traffic_;
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
