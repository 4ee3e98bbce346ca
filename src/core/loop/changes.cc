#include <algorithm>
#include <utility>

#include "core/loop/latencies.h"
#include "core/loop/loop.h"

// What follows from an event for what the loop remembers, and for what it has to look at.
namespace weir {

void Loop::note(const EventBody& body, Position at) {
  follow(body);
  if (const auto* link = std::get_if<LinkStateChanged>(&body))
    link_changed_us_[duplex(link->link)] = now_us_;
  if (const auto* e = std::get_if<IntentSubmitted>(&body)) {
    turns_.erase(e->intent);
    note_array(e->intent);
    if (!waits(e->intent)) to_decide_.insert(e->intent);
    await_end(e->intent);
    unrefuse(e->intent);
    restarts_.erase(e->intent);
  } else if (const auto* withdrawn = std::get_if<IntentWithdrawn>(&body)) {
    note_array(withdrawn->intent);
    restarts_.erase(withdrawn->intent);
    turns_.erase(withdrawn->intent);
  } else if (const auto* preempted = std::get_if<JobPreempted>(&body)) {
    turns_.erase(preempted->intent);
    to_decide_.erase(preempted->intent);
    unrefuse(preempted->intent);
    if (!waits(preempted->intent)) recheck_.insert(preempted->intent);
  } else if (const auto* committed = std::get_if<PlanCommitted>(&body)) {
    remember_plan(committed->plan.intent, at);
    unrefuse(committed->plan.intent);
    turns_.erase(committed->plan.intent);
    await_end(committed->plan.intent);
    auto& placed_us = restarts_[committed->plan.intent].placed_us;
    std::erase_if(placed_us,
                  [this](const auto& plan) { return now_us_ - plan.second > options_.restart_us_max; });
    placed_us[at] = now_us_;
    ++moves_;
  } else if (const auto* retired = std::get_if<PlanRetired>(&body)) {
    retirements_.erase({retired->intent, retired->plan});
    forget_plans(retired->intent);
    awaiting_usage_.insert(retired->intent);
    unused_look_ = true;
  } else if (const auto* site = std::get_if<SiteStateChanged>(&body)) {
    if (site->state == Liveness::kDown) {
      down_since_us_[site->site] = now_us_;
    } else {
      down_since_us_.erase(site->site);
    }
    watch_silence(site->site);
    ++moves_;
  } else if (const auto* run = std::get_if<RunStateChanged>(&body)) {
    unrefuse(run->intent);  // what is to be mended is another thing now
    if (has_ended(run->state)) count_failure(run->intent, run->run);
    if (run->state == RunState::kRunning) await_end(run->intent);
  } else if (const auto* resized = std::get_if<JobResized>(&body)) {
    unrefuse(resized->intent);  // what it is to have is another thing now
  } else if (const auto* usage = std::get_if<UsageReported>(&body)) {
    if (usage->begun != 0) forget_plans(usage->intent);
  } else if (std::holds_alternative<LinkStateChanged>(body) || std::holds_alternative<LinkMeasured>(body) ||
             std::holds_alternative<WorkMeasured>(body) || std::holds_alternative<SiteDefined>(body) ||
             std::holds_alternative<SiteSteeringChanged>(body) || std::holds_alternative<LinkDefined>(body) ||
             std::holds_alternative<DatasetDefined>(body) || std::holds_alternative<HourBegan>(body) ||
             std::holds_alternative<PricesRevised>(body) || std::holds_alternative<ShadowPricesRevised>(body)) {
    ++moves_;
  }
}

void Loop::remember_plan(IntentId intent, Position plan) {
  intent_of_plan_[plan] = intent;
  plans_of_intent_.insert({intent, plan});
}

void Loop::forget_plans(IntentId intent) {
  if (intent.index() >= head_.intent_count()) return;
  const IntentRow& row = head_.intent(intent);
  std::set<Position> alive;
  for (const RunRow& run : row.runs) alive.insert(run.run.plan);
  for (const RetiredRun& run : row.retired_runs) alive.insert(run.run.plan);
  for (auto at = plans_of_intent_.lower_bound({intent, 0});
       at != plans_of_intent_.end() && at->first == intent;) {
    if (alive.count(at->second)) {
      ++at;
      continue;
    }
    intent_of_plan_.erase(at->second);
    work_seen_.erase(work_seen_.lower_bound(RunId{at->second, 0}),
                     work_seen_.lower_bound(RunId{at->second + 1, 0}));
    at = plans_of_intent_.erase(at);
  }
}

// ---- what is to be looked at -------------------------------------------------------------------------

void Loop::direct(IntentId intent) {
  const bool flows = holdings_.with_flows().count(intent) != 0;
  for (const SiteId site : holdings_.sites(intent)) {
    if (flows) {
      to_direct_.insert(site);
    } else {
      to_direct_runs_.insert({site, intent});
    }
  }
  react_ = true;
}

void Loop::look_at(IntentId intent) {
  direct(intent);
  recheck_.insert(intent);
}

// Where it held something and where it does now.
void Loop::plans_changed(IntentId intent) {
  if (intent.index() >= head_.intent_count()) return;
  direct(intent);
  holdings_.follow(head_, intent);
  direct(intent);
}

// Links that are down or slow are measured over paths that may lead anywhere.
void Loop::links_changed(LinkId link) {
  explored_stale_ = true;
  const bool was = !exploring_.empty();
  if (link.valid() && link.index() < head_.link_count()) {
    const LinkId both = duplex(link);
    if (worth_exploring(head_, both)) {
      exploring_.insert(both);
    } else {
      exploring_.erase(both);
    }
  }
  if (was || !exploring_.empty()) react_ = direct_all_ = true;
}

void Loop::follow(const EventBody& body) {
  follow_workflows(body);
  const auto look_at_site = [this](SiteId site) {
    for (const IntentId intent : holdings_.at(site)) look_at(intent);
    to_direct_.insert(site);
    react_ = true;
    links_changed({});
  };
  const auto look_at_link = [this](LinkId link) {
    const auto& over = holdings_.over(link);
    recheck_.insert(over.begin(), over.end());
    links_changed(link);
  };
  if (const auto* submitted = std::get_if<IntentSubmitted>(&body)) {
    plans_changed(submitted->intent);
  } else if (const auto* withdrawn = std::get_if<IntentWithdrawn>(&body)) {
    plans_changed(withdrawn->intent);
  } else if (const auto* preempted = std::get_if<JobPreempted>(&body)) {
    plans_changed(preempted->intent);
  } else if (const auto* committed = std::get_if<PlanCommitted>(&body)) {
    plans_changed(committed->plan.intent);
  } else if (const auto* retired = std::get_if<PlanRetired>(&body)) {
    plans_changed(retired->intent);
  } else if (const auto* run = std::get_if<RunStateChanged>(&body)) {
    look_at(run->intent);
  } else if (const auto* work = std::get_if<WorkMeasured>(&body)) {
    recheck_.insert(work->intent);
  } else if (const auto* resized = std::get_if<JobResized>(&body)) {
    recheck_.insert(resized->intent);
  } else if (const auto* nodes = std::get_if<NodesReported>(&body)) {
    const auto& at = holdings_.at(nodes->site);
    recheck_.insert(at.begin(), at.end());
  } else if (const auto* state = std::get_if<SiteStateChanged>(&body)) {
    look_at_site(state->site);
  } else if (const auto* steering = std::get_if<SiteSteeringChanged>(&body)) {
    look_at_site(steering->site);  // what is led over its links begins or ends there
  } else if (const auto* up = std::get_if<LinkStateChanged>(&body)) {
    look_at_link(up->link);
  } else if (const auto* measured = std::get_if<LinkMeasured>(&body)) {
    look_at_link(measured->link);
  } else if (const auto* link = std::get_if<LinkDefined>(&body)) {
    links_changed(link->link);
    recheck_all_ = react_ = direct_all_ = true;
  } else if (std::holds_alternative<SiteDefined>(body)) {
    links_changed({});
    recheck_all_ = react_ = direct_all_ = true;
  } else if (std::holds_alternative<DatasetDefined>(body)) {
    recheck_all_ = true;
  } else if (std::holds_alternative<DomainCreated>(body) || std::holds_alternative<BrainStarted>(body)) {
    react_ = direct_all_ = true;
  }
}

// After a graph that was not followed event by event.
void Loop::follow_all() {
  for (size_t i = 0; i < head_.intent_count(); ++i) {
    holdings_.follow(head_, IntentId(i));
    note_array(IntentId(i));
  }
  for (size_t w = 0; w < head_.workflow_count(); ++w) workflows_changed_.insert(WorkflowId(w));
  exploring_ = links_to_explore(head_);
  explored_stale_ = recheck_all_ = react_ = direct_all_ = true;
  recheck_.clear();
  to_direct_.clear();
  to_direct_runs_.clear();
}

// ---- what waits ----------------------------------------------------------------------------------------

bool Loop::eased(const Refused& refused) const {
  return head_.relief() != refused.relief || (refused.moves && *refused.moves != moves_);
}

void Loop::refuse(IntentId intent, const Refused& refused) {
  unrefuse(intent);
  refused_[intent] = refused;
  if (eased(refused)) {
    refused_again_.insert({refused.again_us, intent});
  } else {
    (refused.moves ? refused_until_moved_ : refused_until_eased_).insert(intent);
  }
}

void Loop::unrefuse(IntentId intent) {
  const auto found = refused_.find(intent);
  if (found == refused_.end()) return;
  refused_again_.erase({found->second.again_us, intent});
  refused_until_eased_.erase(intent);
  refused_until_moved_.erase(intent);
  refused_.erase(found);
}

void Loop::look_at_eased() {
  const bool eased = std::exchange(eased_relief_, head_.relief()) != head_.relief();
  const bool moved = std::exchange(eased_moves_, moves_) != moves_;
  const auto look = [this](std::set<IntentId>& intents) {
    for (const IntentId intent : intents) refused_again_.insert({refused_.at(intent).again_us, intent});
    intents.clear();
  };
  if (eased) look(refused_until_eased_);
  if (eased || moved) look(refused_until_moved_);
}

}  // namespace weir
