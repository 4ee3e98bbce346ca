#include "twin/world/virtual_loop.h"

#include <utility>

namespace weir::twin {
namespace {

constexpr TimeUs kIdleUs = 100'000'000'000'000'000;  // longer than any trace
constexpr uint64_t kConnection = 1;

}  // namespace

LoopOptions VirtualLoop::options() {
  LoopOptions options;
  options.site_silence_us = options.resend_us = options.turn_us_max = options.clock_look_us = kIdleUs;
  options.retry_us = 0;
  options.deciding_max = 1;
  options.checkpoint_events = UINT64_MAX;
  return options;
}

Status VirtualLoop::start(const LoopOptions& options, const std::string& version, const DomainCreated& genesis) {
  auto loop = Loop::start({.clock = *this,
                           .log = ports_.log,
                           .wire = *this,
                           .decide = [this](uint64_t ticket, const Snapshot& snapshot, IntentId intent,
                                            const std::vector<SiteId>& sites) { return decide(ticket, snapshot, intent, sites); },
                           .needs_decision = ports_.needs_decision,
                           .publish = [](const Snapshot&) {},
                           .scheduler = ports_.scheduler},
                          options, version, genesis);
  if (!loop) return tl::unexpected(loop.error());
  loop_ = std::move(*loop);
  return {};
}

TimeUs VirtualLoop::wake_us() {
  const TimeUs wake_us = loop_->wake_us() - origin_us_;
  return wake_us < kIdleUs ? wake_us : INT64_MAX;
}

VirtualLoop::Site& VirtualLoop::at(SiteId site) {
  if (site.index() >= sites_.size()) sites_.resize(site.index() + 1);
  return sites_[site.index()];
}

void VirtualLoop::attach(SiteId site, Hello hello) {
  (void)at(site);
  inbox_.push_back(Loop::Attached{site, kConnection, std::move(hello)});
}

void VirtualLoop::holds(SiteId site, RunId run, IntentId intent, TimeUs since_us) {
  at(site).runs[run] = {intent, 0, since_us, false};
}

void VirtualLoop::propose(const std::string& actor, EventBody body, Brain::Reply reply) {
  inbox_.push_back(Loop::Propose{{{actor, std::move(body)}}, std::move(reply)});
}

void VirtualLoop::send(const SiteDirective& directive) {
  Site& site = at(directive.site);
  if (site.gone) return;
  ++site.directives;
  site.applied_version = directive.version;
  site.brain_epoch = directive.brain_epoch;
  spoke_.insert(directive.site);
  if (directive.held) return;
  for (const DirectedRun& order : directive.runs) {
    const auto known = site.runs.find(order.run);
    if (known != site.runs.end()) {
      known->second.told = site.directives;
      if (order.ended) stop(directive.site, known->second);
    } else if (!order.ended && ports_.begins(directive.site, order)) {
      site.runs[order.run] = {order.intent, site.directives, now_us_, false};
    }
  }
  for (auto known = site.runs.begin(); known != site.runs.end();) {
    if (known->second.told == site.directives) {
      ++known;
      continue;
    }
    stop(directive.site, known->second);
    known = site.runs.erase(known);
  }
}

void VirtualLoop::drop(SiteId id) {
  Site& site = at(id);
  site.gone = true;
  for (auto& [run, known] : site.runs) stop(id, known);
  site.runs.clear();
  spoke_.erase(id);
}

void VirtualLoop::stop(SiteId site, Run& run) {
  if (std::exchange(run.ended, true)) return;
  ports_.stopped(site, run.intent, now_us_ - run.since_us);
}

IntentId VirtualLoop::end_run(SiteId id, RunId run, const std::function<UsageReport(IntentId, TimeUs)>& used) {
  Site& site = at(id);
  const auto found = site.runs.find(run);
  if (found == site.runs.end() || std::exchange(found->second.ended, true)) return {};
  site.usage.emplace_back(used(found->second.intent, found->second.since_us));
  spoke_.insert(id);
  return found->second.intent;
}

bool VirtualLoop::decide(uint64_t ticket, const Snapshot& snapshot, IntentId intent, const std::vector<SiteId>& sites) {
  Decision decision =
      sites.empty() ? ports_.planner.decide(*snapshot, intent) : ports_.planner.decide_among(*snapshot, intent, sites);
  if (ports_.decided) ports_.decided(intent, decision);
  inbox_.push_back(Loop::Decided{ticket, intent, std::move(decision)});
  return true;
}

Status VirtualLoop::turn() {
  for (const SiteId id : std::exchange(spoke_, {})) {
    Site& site = at(id);
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
  return loop_->turn(std::exchange(inbox_, {}));
}

Status VirtualLoop::settle(const std::function<bool()>& over) {
  for (uint64_t before = UINT64_MAX;
       (before != loop_->counters().events || !inbox_.empty() || !spoke_.empty()) && !(over && over());) {
    before = loop_->counters().events;
    if (Status turned = turn(); !turned) return turned;
  }
  return {};
}

}  // namespace weir::twin
