#include "infrastructure/agent/site_agent.h"

// The paths of a SiteAgent: how they are measured, and which of them traffic takes.
namespace weir::agent {
namespace {

constexpr TimeUs kHungLookUs = 1'000'000;
constexpr TimeUs kHungLookShare = 20;  // at most one of so many parts of this thread's time

}  // namespace

// ---- protection --------------------------------------------------------------------------------------

PathLife SiteAgent::life(uint16_t label) const {
  const auto found = watches_.find(label);
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

// ---- probes ------------------------------------------------------------------------------------------

void SiteAgent::watch_paths() {
  if (!directive_ || held_ || ports_.prober == nullptr) return;
  std::map<PathLabel, std::pair<std::string, std::vector<Ipv6Address>>> wanted;
  std::map<PathLabel, const PathSpec*> installed;
  for (const PathSpec& path : present_.paths.paths) installed[path.label] = &path;
  for (const DirectedPath& path : directive_->paths) {
    const auto there = installed.find(path.label);
    if (!path.probed || path.reflector.empty() || there == installed.end()) continue;
    wanted[path.label] = {path.reflector, there->second->segments};
  }

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
  for (const auto& [label, target] : wanted) {
    if (watches_.contains(label)) continue;
    const uint64_t number = next_watch_++;
    if (const Status watching = ports_.prober->watch(number, label, target.first); !watching) {
      const std::string text = "cannot measure towards " + target.first + ": " + watching.error().text();
      if (said_.insert(text).second) ports_.say(true, text);
      continue;
    }
    Watch watch;
    watch.number = number;
    watch.reflector = target.first;
    watch.segments = target.second;
    watches_.emplace(label, std::move(watch));
  }
}

PathReading SiteAgent::reading_of(PathLabel label, const ProbeSample& sample) const {
  return {.label = label,
          .alive = sample.life == PathLife::kAlive,
          .round_trip_us = sample.round_trip_us,
          .jitter_us = sample.jitter_us,
          .loss_ppm = sample.loss_ppm};
}

void SiteAgent::probe_changed(uint64_t number, const ProbeSample& sample) {
  for (auto& [label, watch] : watches_) {
    if (watch.number != number || watch.life == sample.life) continue;
    dirty_ = true;
    watch.life = sample.life;
    if (attached_ && sample.life != PathLife::kUnknown) {
      ports_.uplink.send(Readings{{{reading_of(label, sample), true}}});
    }
  }
}

void SiteAgent::report_readings() {
  Readings out;
  for (auto& [label, watch] : watches_) {
    const ProbeSample sample = ports_.prober->sample(watch.number);
    if (sample.life != watch.life) {  // its news did not arrive
      watch.life = sample.life;
      dirty_ = true;
      if (sample.life != PathLife::kUnknown) out.readings.push_back({reading_of(label, sample), true});
      wake_us_ = now_us_;
      continue;
    }
    if (watch.life != PathLife::kAlive || sample.round_trip_us <= 0) continue;
    if (!watch.round_trip.offer(static_cast<uint64_t>(sample.round_trip_us), static_cast<uint64_t>(now_us_)))
      continue;
    out.readings.push_back({reading_of(label, sample), false});
  }
  if (attached_ && !out.readings.empty()) ports_.uplink.send(std::move(out));
}

// ---- connections -------------------------------------------------------------------------------------

// docs/design/connections.md says which, and why no others.
void SiteAgent::end_hung() {
  look_for_hung_ = false;
  if (ports_.paths == nullptr || present_.paths.services.empty()) return;
  const TimeUs began = ports_.clock.steady_us();
  const auto found = ports_.paths->end_hung_connections(present_.paths.services);
  const TimeUs took = ports_.clock.steady_us() - began;
  if (!found) {
    const std::string text =
        "clients of instances that are gone have to wait for their own time limits: " + found.error().text();
    if (said_.insert(text).second) ports_.say(true, text);
    const ErrorCode code = found.error().code;
    look_for_hung_ = code != ErrorCode::kUnsupported && code != ErrorCode::kDenied;
    const TimeUs wait =
        std::min(std::max(kHungLookUs, options_.retry_us_max), kHungLookUs << std::min(hung_failures_, 16u));
    ++hung_failures_;
    hung_due_us_ = now_us_ + std::max(wait, kHungLookShare * took);
    return;
  }
  hung_failures_ = 0;
  if (found->ended > 0)
    ports_.say(false, std::to_string(found->ended) + " connections to instances that are gone were ended");
  look_for_hung_ = found->stranded > 0;
  hung_due_us_ = now_us_ + std::max(kHungLookUs, kHungLookShare * took);
}

// ---- traffic -----------------------------------------------------------------------------------------

void SiteAgent::read_traffic() {
  if (ports_.paths == nullptr || present_.paths.paths.empty()) return traffic_.clear();
  const auto counted = ports_.paths->counters();
  if (!counted) {
    const std::string text = "the traffic of paths cannot be read: " + counted.error().text();
    if (said_.insert(text).second) ports_.say(true, text);
    return;
  }
  traffic_.clear();
  for (const auto& [label, counters] : *counted)
    traffic_.push_back({label, counters.packets, counters.bytes});
}

}  // namespace weir::agent
