#include <algorithm>

#include "orchestration/queue/graph_amounts.h"
#include "orchestration/queue/graph_queue.h"

// Who gives way to whom, and that the room which is left goes to the one for whom it was left.
namespace weir::queue {
namespace {

constexpr TimeUs kLookAgainUs = 60'000'000;  // the same, where nothing has changed but the time
constexpr uint32_t kClaimDoublingsMax = 10;

// Whether room was lacking, rather than a way there or money.
bool for_want_of_room(const Refusal& refusal) {
  return std::any_of(refusal.reasons.begin(), refusal.reasons.end(), [](const Reason& reason) {
    return reason.code == ReasonCode::kCpu || reason.code == ReasonCode::kMemory ||
           reason.code == ReasonCode::kAccelerators || reason.code == ReasonCode::kAcceleratorShare ||
           reason.code == ReasonCode::kAcceleratorMemory || reason.code == ReasonCode::kAcceleratorsLinked ||
           reason.code == ReasonCode::kRack;
  });
}

bool has_ended_in(const IntentRow& row, RunId run) {
  return std::any_of(row.runs.begin(), row.runs.end(),
                     [run](const RunRow& known) { return known.run == run && has_ended(known.state); });
}

SiteId site_of(const Graph& head, const std::vector<Shortfall>& option) {
  return head.node(NodeId(option.front().pool)).site;
}

int32_t as_count(size_t n) { return static_cast<int32_t>(std::min<size_t>(n, INT32_MAX)); }

}  // namespace

// ---- room that is kept -------------------------------------------------------------------------------

// Parts of devices are summed: whether they are on one is for the decision to say.
Amount GraphQueue::free_of(const Graph& head, NodeId node) {
  const NodeFree& free = head.free(node);
  int64_t milli = 0;
  const DeviceRoom room = head.device_room(node);
  for (const DeviceFree& device : room.devices()) milli += device.milli;
  return {free.cpu_milli, free.memory_mib, milli};
}

void GraphQueue::remember_preemptions(const Graph& head) {
  std::vector<std::pair<TimeUs, IntentId>> lately;
  for (size_t i = 0; i < head.intent_count(); ++i) {
    const IntentRow& row = head.intent(IntentId(i));
    if (row.preempted && now_ - row.preempted_at < TokenBucket::kHourUs) {
      lately.emplace_back(row.preempted_at, IntentId(i));
    }
    if (row.claim) claim(head, IntentId(i), row.claim->at);
  }
  std::sort(lately.begin(), lately.end());
  for (const auto& [at, intent] : lately) {
    const auto known = work_.find(intent);
    if (known == work_.end()) continue;
    const QueueId of(known->second.leaf);
    if (budget_.left(of, at) > 0) budget_.spend(of, 1, at);
  }
}

void GraphQueue::claim(const Graph& head, IntentId intent, TimeUs at) {
  const IntentRow& row = head.intent(intent);
  const auto known = work_.find(intent);
  if (!row.claim || row.claim->site.index() >= head.site_count() || known == work_.end()) return;
  Work& work = known->second;
  const TimeUs until = at + kClaimUs;
  if (work.state != Work::State::kWaiting || until <= now_) return;
  (void)engine_.withdraw(id_of(intent));
  to_be_refused_.erase(intent);
  resting_.erase(intent);
  take(work, work.job.count_least());
  work.state = Work::State::kClaiming;
  work.claimed_at = at;
  const SiteId site = row.claim->site;
  claims_[intent] = {.site = site, .until = until, .amount = work.amount};
  if (site.index() >= kept_.size()) kept_.resize(head.site_count());
  kept_[site.index()] += work.amount;
  refresh(head, site);
  // As if it ran there already.
  const Part part{site.value, work.job.count_least()};
  (void)engine_.adopt(work.job, {&part, 1}, now_);
}

void GraphQueue::unclaim(const Graph& head, IntentId intent) {
  const auto known = claims_.find(intent);
  if (known == claims_.end()) return;
  const SiteId site = known->second.site;
  kept_[site.index()] -= known->second.amount;
  claims_.erase(known);
  (void)engine_.ended(id_of(intent), now_);
  refresh(head, site);
  for (const IntentId other : std::exchange(refused_beside_claims_, {})) {
    const auto work = work_.find(other);
    if (work == work_.end() || work->second.state != Work::State::kWaiting || too_large_.contains(other)) continue;
    work->second.was_refused = false;
    resting_.erase(other);
    engine_.held(id_of(other), now_, 0);
  }
}

void GraphQueue::lapse(const Graph& head, IntentId intent) {
  unclaim(head, intent);
  looked_ = false;
  Work& work = work_.at(intent);
  give_back(work);
  work.state = Work::State::kWaiting;
  if (!engine_.submit(work.job)) {
    forget(work_.find(intent));
    to_be_refused_.insert(intent);
    return;
  }
  wait_for(work);
  if (work.was_refused && work.relief == head.relief()) rest(intent, kNever);
}

std::map<NodeId, GraphQueue::NodeRoom> GraphQueue::rooms(const Graph& head, SiteId site) const {
  std::map<NodeId, NodeRoom> rooms;
  for (const NodeRange& range : head.nodes(site)) {
    for (uint32_t n = range.first; n < range.first + range.count; ++n) {
      rooms[NodeId(n)].free = free_of(head, NodeId(n));
    }
  }
  for (const auto& [intent, kept] : claims_) {
    const auto& claim = head.intent(intent).claim;
    if (kept.site != site || !claim) continue;
    for (const auto& [victim, position] : claim->from) {
      const IntentRow& row = head.intent(victim);
      if (row.active && row.active->position == position) {
        // It is to have fewer instances: the last ones go.
        const std::vector<Placement>& placements = row.active->plan.placements;
        for (auto k = static_cast<size_t>(instances_asked(*row.demand)); k < placements.size(); ++k) {
          if (placements[k].site == site && !has_ended_in(row, row.active->run(k))) rooms[placements[k].node].coming += amount_of(placements[k]);
        }
      }
      for (const auto& held : row.retiring) {
        if (held->position != position) continue;
        for (size_t k = 0; k < held->plan.placements.size(); ++k) {
          const Placement& p = held->plan.placements[k];
          if (p.site != site || held->placement_passed_on[k] || has_ended_in(row, held->run(k))) continue;
          rooms[p.node].coming += amount_of(p);
        }
      }
    }
  }
  return rooms;
}

bool GraphQueue::fit(const Graph& head, IntentId intent, std::map<NodeId, NodeRoom>& rooms,
                     bool coming) const {
  const Job& job = work_.at(intent).job;
  const Workload& workload = head.intent(intent).spec->workload;
  int32_t left = job.count_least();
  for (const bool being_left : {true, false}) {
    for (auto& [node, room] : rooms) {
      if (left == 0) return true;
      if (being_left == room.coming.none() || !head.takes(head.node(node), workload)) continue;
      const int32_t times = job.each.times_in(coming ? room.free + room.coming : room.free, left);
      room.free -= job.each * times;
      left -= times;
    }
  }
  return left == 0;
}

void GraphQueue::offer_claims(const Graph& head, std::vector<Turn>& out) {
  const std::map<IntentId, Kept> claims = claims_;
  for (const auto& [intent, kept] : claims) {
    Work& work = work_.at(intent);
    if (work.state == Work::State::kOffered) continue;
    const SiteRow& site = head.site(kept.site);
    if (kept.until <= now_ || site.state != Liveness::kUp || site.drained) {
      lapse(head, intent);
      continue;
    }
    if (kept.relief == head.relief()) continue;
    claims_.at(intent).relief = head.relief();
    std::map<NodeId, NodeRoom> left = rooms(head, kept.site);
    for (const auto& [other, theirs] : claims_) {
      if (other != intent && theirs.site == kept.site) (void)fit(head, other, left, true);
    }
    std::map<NodeId, NodeRoom> whole = left;
    if (fit(head, intent, left, false)) {
      work.state = Work::State::kOffered;
      out.push_back({intent, {kept.site}, work.job.count_min});
    } else if (!fit(head, intent, whole, true)) {
      lapse(head, intent);  // what does not wait for a turn took it
    }
  }
}

bool GraphQueue::admits(const Graph& head, const Plan& plan) const {
  const auto known = work_.find(plan.intent);
  if (known == work_.end()) return true;
  const bool grows = known->second.state == Work::State::kRunning && resized_.contains(plan.intent);
  if (grows && !admits_growth(head, plan)) return false;
  if (!grows && known->second.state != Work::State::kOffered) return true;
  std::map<SiteId, int32_t> count;
  for (const Placement& p : plan.placements) count[p.site] += p.continues.valid() ? 0 : 1;
  if (grows) {
    // Beside the room that is kept, below.
  } else if (const auto own = claims_.find(plan.intent); own != claims_.end()) {
    if (count.size() != 1 || count.begin()->first != own->second.site) return false;
  } else {
    std::vector<Part> parts;
    for (const auto& [site, times] : count) parts.push_back({site.value, times});
    if (!engine_.may_start(id_of(plan.intent), parts)) return false;
  }
  for (const auto& [site, times] : count) {
    if (site.index() >= kept_.size() || kept_[site.index()].none()) continue;
    std::map<NodeId, NodeRoom> before = rooms(head, site);
    std::map<NodeId, NodeRoom> after = before;
    for (const Placement& p : plan.placements) {
      if (p.site == site && !p.continues.valid()) after[p.node].free -= amount_of(p);
    }
    for (const auto& [intent, kept] : claims_) {
      if (intent != plan.intent && kept.site == site && fit(head, intent, before, true) && !fit(head, intent, after, true)) return false;
    }
  }
  return true;
}

KeptRoom GraphQueue::kept_rooms(const Graph& head) const {
  KeptRoom out;
  std::set<SiteId> sites;
  for (const auto& [intent, kept] : claims_) sites.insert(kept.site);
  for (const SiteId site : sites) {
    std::map<NodeId, NodeRoom> left = rooms(head, site);
    for (const auto& [intent, kept] : claims_) {
      if (kept.site == site) (void)fit(head, intent, left, true);
    }
    for (const auto& [node, room] : left) {
      out[node] = free_of(head, node) - (room.free + room.coming);
    }
  }
  return out;
}

Why GraphQueue::why(IntentId intent) const {
  const auto kept = claims_.find(intent);
  if (kept == claims_.end()) {
    Why why = engine_.explain(id_of(intent));
    if (too_large_.contains(intent)) {
      why.code = WhyCode::kTooLarge;
      why.estimated_start = why.promised_start = kNever;
    }
    return why;
  }
  const bool offered = work_.at(intent).state == Work::State::kOffered;
  return {.code = offered ? WhyCode::kOffered : WhyCode::kPreempting,
          .pool = kept->second.site.value,
          .estimated_start = now_};
}

// ---- who gives way -----------------------------------------------------------------------------------

bool GraphQueue::is_admitted(const Work& work) const {
  const auto& chain = leaves_[work.leaf].chain;
  return std::none_of(chain.begin(), chain.end(),
                      [&](QueueId node) { return tree_.admits(node, work.job.least()).has_value(); });
}

// Would room that others leave be kept for it?
bool GraphQueue::may_claim(const Graph& head, IntentId intent, const Work& work) const {
  const IntentRow& row = head.intent(intent);
  if (work.state != Work::State::kWaiting || work.job.reservation != 0 || work.job.not_before > now_) {
    return false;
  }
  if (spreads(row.spec->where)) return false;
  if (row.claims > 0) {
    const uint32_t doublings = std::min(row.claims - 1, kClaimDoublingsMax);
    if (now_ < work.claimed_at + (kClaimUs << doublings)) return false;
  }
  return !work.was_refused || !row.refusal || for_want_of_room(*row.refusal);
}

bool GraphQueue::may_preempt(const Graph& head, IntentId intent, const Work& work) const {
  if (!may_claim(head, intent, work)) return false;
  const auto& chain = leaves_[work.leaf].chain;
  const bool goes_before = work.job.priority > classes_.begin()->first;
  const bool is_owed = guarantees_ && std::any_of(chain.begin(), chain.end(), [this](QueueId node) {
    return !tree_.spec(node).guaranteed.none() && tree_.standing(node).below_guarantee;
  });
  return (goes_before || is_owed) && is_admitted(work);
}

// The engine does not ask whether what it is told to run is beside what it promised to reservations.
bool GraphQueue::beside_reservations(SiteId site, const Work& work,
                                     std::span<const IntentId> victims) const {
  const Amount reserved = engine_.reserved(site.value, now_, now_ + work.job.limit_us);
  if (reserved.none()) return true;
  Amount room = engine_.free(site.value);
  const Amount open = engine_.reserved(site.value, now_, now_ + 1);
  for (const IntentId victim : victims) {
    const Work& gives = work_.at(victim);
    for (const Part& part : gives.parts) {
      if (part.pool == site.value) room += gives.job.each * part.count;
    }
  }
  return work.job.least().fits(room + open - reserved);
}

std::vector<JobPreempted> GraphQueue::preempt_for(const Graph& head, IntentId intent, const Work& work,
                                                  Need need) const {
  // Where there is room enough on every node, or will be in a moment, something else is in the way.
  const size_t roomy = std::erase_if(need.options, [](const std::vector<Shortfall>& option) {
    return std::all_of(option.begin(), option.end(), [](const Shortfall& s) { return s.amount.none(); });
  });
  if (roomy > 0 && (work.was_refused || !claims_.empty())) return {};
  std::vector<IntentId> jobs;
  for (const IntentId each : running_) {
    if (work_.at(each).job.reservation == 0) jobs.push_back(each);
  }
  const auto leaf_of = [this](IntentId each) { return work_.at(each).leaf; };
  std::vector<Running> running =
      running_jobs(head, jobs, now_, kRestartUs, [&](IntentId each) { return QueueId(leaf_of(each)); },
                   head.intent(intent).spec.get());
  for (Running& each : running) {
    each.preemptions_max =
        static_cast<int32_t>(leaves_[leaf_of(IntentId(static_cast<uint32_t>(each.job)))].policy[kPreemptionsMax]);
  }
  const PreemptRules rules{.preemptions_max = INT32_MAX};  // each queue has its own
  const PreemptPrices prices = prices_of(head);
  while (!need.options.empty()) {
    const Preemption found = choose_victims(tree_, need, running, prices, rules, budget_, now_);
    if (!found.found || found.victims.empty()) return {};
    const SiteId site = site_of(head, need.options[found.option]);
    std::vector<IntentId> victims;
    for (const uint64_t job : found.victims) victims.push_back(IntentId(static_cast<uint32_t>(job)));
    if (!beside_reservations(site, work, victims)) {
      std::erase_if(need.options, [&](const auto& option) { return site_of(head, option) == site; });
      continue;
    }
    const VictimCosts costs(running, prices, rules);
    std::vector<JobPreempted> out;
    for (const Running& each : running) {
      if (!std::binary_search(found.victims.begin(), found.victims.end(), each.job)) continue;
      const IntentId victim(static_cast<uint32_t>(each.job));
      const bool reclaims = each.priority >= need.priority;
      const ::weir::QueueId own = leaves_[work.leaf].queue;
      out.push_back({.intent = victim,
                     .plan = head.intent(victim).active->position,
                     .by = intent,
                     .why = reclaims ? "its queue borrowed what queue " +
                                           (own.valid() ? head.queue(own).name : std::string(kDomainQueue)) +
                                           " is guaranteed"
                                     : "priority " + std::to_string(need.priority) + " over " +
                                           std::to_string(each.priority),
                     .site = site,
                     .reclaims = reclaims,
                     .lost_us = each.lost_us,
                     .cost = costs.of(each),
                     .victims = as_count(found.victims.size()),
                     .cost_all = found.cost,
                     .spared_by_priority = found.spared.by_priority,
                     .spared_by_guarantee = found.spared.by_guarantee,
                     .spared_by_limit = found.spared.by_limit,
                     .spared_by_budget = found.spared.by_budget});
    }
    return out;
  }
  return {};
}

std::vector<JobPreempted> GraphQueue::preemptions(const Graph& head, TimeUs now) {
  now_ = std::max(now_, now);
  if (running_.empty()) {
    look_again_ = INT64_MAX;  // until somebody begins
    return {};
  }
  if (now_ < look_at_ || (looked_ && now_ < look_again_)) return {};
  looked_ = true;
  look_again_ = INT64_MAX;
  const int32_t lowest = classes_.begin()->first;
  if (!guarantees_ && known_classes_.rbegin()->first <= lowest) return {};
  const KeptRoom kept = kept_rooms(head);
  claim_turns_.begin();
  for (const uint64_t id : engine_.order(kLookedAtMax)) {
    const IntentId intent = intent_of(id);
    const Work& work = work_.at(intent);
    if (!guarantees_ && work.job.priority <= lowest) break;
    if (!may_preempt(head, intent, work)) continue;
    if (claim_turns_.enough()) break;
    if (!claim_turns_.next()) continue;
    Need need = need_of(head, intent, QueueId(work.leaf), kPlacesMax, kept);
    std::vector<JobPreempted> out = preempt_for(head, intent, work, std::move(need));
    if (out.empty()) continue;
    look_again_ = now_ + kLookUs;  // should there be no room to write it
    return out;
  }
  looked_ = claim_turns_.end();
  look_at_ = now_ + kLookUs;
  if (claim_turns_.taken() > 0) look_again_ = now_ + kLookAgainUs;
  return {};
}

TimeUs GraphQueue::wake() const {
  TimeUs wake = std::min({wake_, look_again_, colocation_.wake()});
  if (!resized_.empty()) {
    wake = std::min(wake, resize_again_);
    if (!resize_looked_ && resize_look_at_ > now_) wake = std::min(wake, resize_look_at_);
  }
  if (!looked_ && look_at_ > now_) wake = std::min(wake, look_at_);
  for (const auto& [intent, kept] : claims_) {
    if (work_.at(intent).state == Work::State::kClaiming) wake = std::min(wake, kept.until);
  }
  return wake;
}

}  // namespace weir::queue
