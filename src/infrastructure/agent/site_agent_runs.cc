#include <algorithm>

#include "core/event/limits.h"
#include "core/units/text.h"
#include "infrastructure/agent/site_agent.h"

// The runs of a SiteAgent: what is asked of the site driver, and what it answers.
namespace weir::agent {
namespace {

constexpr TimeUs kReadyCheckUs = 50'000;
constexpr TimeUs kLogPollUs = 250'000;
constexpr uint64_t kLogBytesMax = 256 * 1024;

std::string name_of(RunId run) { return "run " + std::to_string(run.plan) + "-" + std::to_string(run.item); }

// Trying again as it is cannot help.
bool is_final(ErrorCode code) {
  return code != ErrorCode::kExhausted && code != ErrorCode::kUnavailable && code != ErrorCode::kInternal;
}

}  // namespace

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
               .accelerator_devices = run.devices,
               .accelerator_milli = static_cast<uint32_t>(std::max<int>(w.accelerator_milli, 0)),
               .accelerator_memory_bytes = static_cast<uint64_t>(std::max(w.accelerator_memory_mib, 0)) << 20,
               .listen_address = run.address,
               .listen_port = static_cast<uint16_t>(w.port),
               .best_effort = w.best_effort,
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
  if (run.tasks > 0) {
    spec.environment.emplace_back("WEIR_TASK_INDEX", std::to_string(run.task));
    spec.environment.emplace_back("WEIR_TASK_COUNT", std::to_string(run.tasks));
  }
  if (!run.instances.empty()) {
    std::string all;
    for (const std::string& address : run.instances) all += (all.empty() ? "" : ",") + address;
    spec.environment.emplace_back("WEIR_INSTANCE_INDEX", std::to_string(run.instance));
    spec.environment.emplace_back("WEIR_INSTANCE_ADDRESSES", std::move(all));
  }
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
    const std::string& digest = call.spec.artifact.digest;
    track.fetching = fetching(digest) || ports_.work.submit(FetchCall{digest});
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

bool SiteAgent::fetching(const std::string& digest) const {
  return std::any_of(runs_.begin(), runs_.end(), [&](const auto& known) {
    const DirectedRun* run = directed(known.first);
    return known.second.fetching && run != nullptr && run->workload.digest == digest;
  });
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

// ---- logs --------------------------------------------------------------------------------------------

void SiteAgent::log_request(uint64_t request, RunId run, uint64_t offset, bool follow, uint64_t bytes_max) {
  if (logs_.size() >= options_.log_requests_max && !logs_.contains(request)) {
    ports_.uplink.send(LogAnswer{request, run, {}, "the site answers too many log requests already"});
    return;
  }
  logs_[request] = {run, offset, follow, std::clamp<uint64_t>(bytes_max, 1, kLogBytesMax), false, 0};
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
  // Each brain counts its requests from 1: this may be the answer to an earlier one's.
  if (!reading.in_flight || call.run != reading.run || call.offset != reading.offset) return;
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
      // Where and how to mend it are the provider's affairs: its log has them.
      out.why = track.refused->what;
    } else {
      out.state = attempt == attempts_.end() && !track.fetching ? RunState::kPlanned : RunState::kStarting;
      if (attempt != attempts_.end() && attempt->second.failures > 0) out.why = attempt->second.error.what;
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
  // Of which no more is here than what they used: the brain is not to give them up before it has that.
  for (const NumberedReport& waiting : outbox_.waiting()) {
    const auto* usage = std::get_if<UsageReport>(&waiting.report);
    const auto listed = [&](const RunObservation& known) { return usage->run == known.run; };
    if (usage == nullptr || std::any_of(out.begin(), out.end(), listed)) continue;
    out.push_back({.run = usage->run, .state = RunState::kLost, .why = "its record is gone"});
  }
  return out;
}

}  // namespace weir::agent
