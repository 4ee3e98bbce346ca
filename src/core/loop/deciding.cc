#include <algorithm>

#include "core/event/codec.h"
#include "core/loop/labels.h"
#include "core/loop/loop.h"

// Asking for decisions, and what becomes of the answers.
namespace weir {
namespace {

constexpr uint32_t kConflictsBeforeWaiting = 8;
constexpr TimeUs kConflictWaitUs = 20'000;

}  // namespace

void Loop::begin_decisions() {
  if (held_) return;
  for (auto it = to_decide_.begin(); it != to_decide_.end() && deciding_ < options_.deciding_max;) {
    Attempt& attempt = attempts_[*it];
    if (attempt.ticket != 0 || now_us_ < std::max(attempt.not_before_us, restart_at_us(*it))) {
      ++it;
      continue;
    }
    const auto turn = turns_.find(*it);
    if (durable_->intent(*it).state == IntentState::kWithdrawn || (turn == turns_.end() && waits(*it))) {
      attempts_.erase(*it);
      it = to_decide_.erase(it);
      continue;
    }
    // How many instances it is to have is not written yet for all to see.
    if (durable_->intent(*it).demand->schedule.instances != head_.intent(*it).demand->schedule.instances) {
      ++it;
      continue;
    }
    const uint64_t ticket = ++last_ticket_;
    const bool only_there = turn != turns_.end() && turn->second.only_there;
    // Of windows that open while nothing happens the snapshot does not know.
    const Snapshot seen = durable_->keeps_bandwidth() ? std::make_shared<const Graph>(durable_->as_of(event_time_us())) : durable_;
    if (!ports_.decide(ticket, seen, *it, only_there ? turn->second.sites : std::vector<SiteId>())) return;
    attempt.ticket = ticket;
    attempt.relief = durable_->relief();
    attempt.moves = moves_;
    ++deciding_;
    ++counters_.decisions;
    it = to_decide_.erase(it);
  }
}

std::set<IntentId> Loop::holders(const Plan& plan) const {
  std::set<IntentId> intents;
  for (const Flow& flow : plan.flows) {
    for (const SiteId end : {flow.ingress, plan.placements[flow.placement].site}) {
      const auto& at = holdings_.at(end);
      intents.insert(at.begin(), at.end());
    }
  }
  return intents;
}

void Loop::handle(Decided& message) {
  const auto found = attempts_.find(message.intent);
  if (message.ticket == 0 || found == attempts_.end() || found->second.ticket != message.ticket) return;
  --deciding_;
  Attempt& attempt = found->second;
  attempt.ticket = 0;
  const IntentRow& row = head_.intent(message.intent);
  // It was preempted, or wished anew, meanwhile: its turn comes again.
  if (waits(message.intent) && !turns_.count(message.intent)) {
    attempts_.erase(found);
    return;
  }
  Verdict verdict;
  auto* refusal = std::get_if<Refusal>(&message.decision);
  auto* plan = std::get_if<Plan>(&message.decision);
  if (refusal && refusal->intent == message.intent) {
    ++counters_.refusals;
    // What is worse off than before for what was learned of it goes by the wish again: a service that answers late is better
    // than one that loses its instances one by one.
    if (row.demand->traffic.work_us_per_request != row.spec->traffic.work_us_per_request && row.active && !active_is_ready(row) && refusal->generation == row.generation) {
      const int64_t declared_us = row.spec->traffic.work_us_per_request;
      attempts_.erase(found);
      to_decide_.insert(message.intent);
      (void)record(kBrain, {WorkMeasured{message.intent, row.generation, declared_us}});
      return;
    }
    const bool incomplete = std::any_of(refusal->reasons.begin(), refusal->reasons.end(),
                                        [](const Reason& reason) { return reason.code == ReasonCode::kSearchBudget; });
    if (waits(message.intent)) {
      const auto turn = turns_.find(message.intent);
      // Of an earlier wish; or there is room at the sites offered, which a search among all did not come to: what the whole
      // plan must meet is looked at last.
      const bool earlier = refusal->generation != row.generation;
      const bool whole = std::any_of(refusal->reasons.begin(), refusal->reasons.end(),
                                     [](const Reason& reason) { return about_the_whole(reason.code); });
      if (turn != turns_.end() && (earlier || ((incomplete || whole) && !turn->second.only_there && !turn->second.sites.empty()))) {
        turn->second.only_there = !earlier;
        attempts_.erase(found);
        to_decide_.insert(message.intent);
        return;
      }
      if (!earlier && try_fewer(message.intent)) {
        attempts_.erase(found);
        return;
      }
      if (!earlier) give_up_turn(message.intent, attempt.relief);
    } else if (refusal->generation == row.generation && try_fewer(message.intent)) {
      attempts_.erase(found);
      return;
    } else {
      // What eased since the snapshot was taken did not count.
      Refused refused{attempt.relief, now_us_ + options_.retry_us, {}};
      if (incomplete) refused.moves = attempt.moves;
      refuse(message.intent, refused);
    }
    attempts_.erase(found);
    if (refusal->generation != row.generation || row.state == IntentState::kWithdrawn) return;
    // With the same refusal again it gives up the room that others left for it.
    if (row.refusal && row.refusal->reasons == refusal->reasons && !row.claim) return;
    if (!record(kBrain, {IntentRefused{std::move(*refusal)}}) && !waits(message.intent)) {
      // A disk without room: it is to be said once there is some.
      unrefuse(message.intent);
      to_decide_.insert(message.intent);
      attempts_[message.intent].not_before_us = now_us_ + options_.retry_us;
    }
    return;
  }
  if (!ports_.needs_decision(head_, message.intent)) {
    attempts_.erase(found);
    return;
  }
  // Deciders give advice: what is not even well-formed goes no further.
  if (plan && plan->intent == message.intent && validate(*plan)) {
    verdict = verify(head_, *plan, event_time_us());
    const auto turn = turns_.find(message.intent);
    // One that grows has no turn after a restart, and takes what others wait for no less.
    const bool grows = turn == turns_.end() && ports_.scheduler != nullptr && row.active && is_malleable(row.spec->schedule) &&
                       row.active->plan.generation == row.generation &&
                       plan->placements.size() > row.active->plan.placements.size();
    if (verdict.granted && (turn != turns_.end() || grows) && !ports_.scheduler->admits(head_, *plan)) {
      if (grows || turn->second.only_there || turn->second.sites.empty()) {
        if (try_fewer(message.intent)) {
          attempts_.erase(found);
          return;
        }
        if (grows) {
          refuse(message.intent, {attempt.relief, now_us_ + options_.retry_us, {}});
        } else {
          give_up_turn(message.intent, attempt.relief);
        }
        attempts_.erase(found);
        return;
      }
      turn->second.only_there = true;
      verdict = {false, true, "it would delay a job that has been promised its start"};
    }
    if (verdict.granted) give_devices(head_, *plan);
    if (verdict.granted && give_labels(head_, *plan, holders(*plan)) && record(kBrain, {PlanCommitted{std::move(*plan)}})) {
      ++counters_.commits;
      if (finished(head_.intent(message.intent))) recheck_.insert(message.intent);  // it goes on with what has ended meanwhile
      attempts_.erase(found);
      return;
    }
  }
  // Decide again: at once when the world moved, later when that happens often or the disk is full.
  to_decide_.insert(message.intent);
  ++attempt.conflicts;
  ++(verdict.granted || verdict.conflict ? counters_.conflicts : counters_.defects);
  if (!verdict.conflict || attempt.conflicts >= kConflictsBeforeWaiting) {
    attempt.conflicts = 0;
    attempt.not_before_us = now_us_ + (verdict.conflict ? kConflictWaitUs : options_.retry_us);
  }
}

}  // namespace weir
