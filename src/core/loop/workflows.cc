#include <algorithm>

#include "core/event/codec.h"
#include "core/loop/loop.h"
#include "core/loop/workflow_stages.h"

// Workflows: what is submitted is planned, what is planned becomes intents, and what does not hold is planned
// again.
namespace weir {
namespace {

constexpr int kRoundsPerTurn = 3;  // of what follows from what was written for workflows in the same turn

bool is_current(const WorkflowRow& row) { return row.plan && row.plan->generation == row.generation; }

bool same_places(const WorkflowPlanned& a, const WorkflowPlanned& b) {
  return std::equal(a.stages.begin(), a.stages.end(), b.stages.begin(), b.stages.end(),
                    [](const PlannedStage& x, const PlannedStage& y) { return x.site == y.site; });
}

// A wish with no more time than this stands while it is kept: a stage that nothing moved is left alone when others leave it
// more. One that is broken is told how much there is now.
bool stands(const IntentRow& row, IntentSpec wanted) {
  const Promise& promise = row.spec->promise;
  if (row.promise_kept && promise.latency_us_max > 0 && promise.latency_us_max <= wanted.promise.latency_us_max) {
    wanted.promise.latency_us_max = promise.latency_us_max;
  }
  return *row.spec == wanted;
}

// A refusal that moving elsewhere may help: a program that ends again and again ends elsewhere too.
bool is_refused(const IntentRow& wish) {
  return wish.refusal && wish.refusal->generation == wish.generation && !wish.refusal->reasons.empty() &&
         wish.refusal->reasons[0].code != ReasonCode::kRestarting;
}

// Whether anything is still to run at a site that is down.
bool needs_dead_site(const Graph& head, const Workflow& workflow, const WorkflowPlanned& planned) {
  const bool batch = workflow.kind == WorkflowKind::kBatch;
  return std::any_of(planned.stages.begin(), planned.stages.end(), [&](const PlannedStage& stage) {
    return stage.site.index() >= head.site_count() ||
           (head.site(stage.site).state == Liveness::kDown && (!batch || stage.finish_us > stage.start_us));
  });
}

}  // namespace

void Loop::follow_workflows(const EventBody& body) {
  if (head_.workflow_count() == 0) return;
  const auto of = [this](IntentId intent) {
    if (intent.index() >= head_.intent_count()) return;
    if (const WorkflowId workflow = head_.intent(intent).workflow; workflow.valid())
      workflows_changed_.insert(workflow);
  };
  if (const auto* submitted = std::get_if<WorkflowSubmitted>(&body)) {
    if (submitted->workflow.index() >= head_.workflow_count()) return;
    workflows_changed_.insert(submitted->workflow);
    arrangements_.erase(submitted->workflow);
  } else if (const auto* planned = std::get_if<WorkflowPlanned>(&body)) {
    if (planned->workflow.index() < head_.workflow_count()) workflows_changed_.insert(planned->workflow);
  } else if (const auto* withdrawn = std::get_if<WorkflowWithdrawn>(&body)) {
    if (withdrawn->workflow.index() < head_.workflow_count()) workflows_changed_.insert(withdrawn->workflow);
  } else if (const auto* wish = std::get_if<IntentSubmitted>(&body)) {
    of(wish->intent);
  } else if (const auto* gone = std::get_if<IntentWithdrawn>(&body)) {
    of(gone->intent);
  } else if (const auto* committed = std::get_if<PlanCommitted>(&body)) {
    of(committed->plan.intent);
  } else if (const auto* refused = std::get_if<IntentRefused>(&body)) {
    of(refused->refusal.intent);
  } else if (const auto* promise = std::get_if<PromiseStateChanged>(&body)) {
    of(promise->intent);
  } else if (std::holds_alternative<SiteStateChanged>(body)) {
    for (size_t w = 0; w < head_.workflow_count(); ++w) {
      if (head_.workflow(WorkflowId(w)).state != WorkflowState::kWithdrawn)
        workflows_changed_.insert(WorkflowId(w));
    }
  }
}

std::string Loop::unsound(const WorkflowRow& row) const {
  if (!is_current(row)) return "it has no plan yet";
  return row.spec->kind == WorkflowKind::kBatch ? unsound_batch(row) : unsound_stream(row);
}

std::string Loop::unsound_stream(const WorkflowRow& row) const {
  for (size_t s = 0; s < row.spec->stages.size(); ++s) {
    const Stage& stage = row.spec->stages[s];
    const SiteId site = row.plan->stages[s].site;
    const Liveness state = head_.site(site).state;
    const std::string of = "stage " + stage.name;
    if (state == Liveness::kDown) return of + " is at " + head_.site_name(site) + ", which is down";
    if (!runs(stage)) continue;
    if (state != Liveness::kUp) return of + " is at " + head_.site_name(site) + ", which is drained";
    const IntentId intent = head_.stage_intent(row, stage.name);
    if (!intent.valid()) continue;
    const IntentRow& wish = head_.intent(intent);
    if (is_refused(wish)) return of + " was refused at " + head_.site_name(site);
    if (!wish.promise_kept) return "the promise of " + of + " is broken at " + head_.site_name(site);
  }
  return {};
}

// What a silent site holds may come back until its leases have ended.
std::string Loop::unsound_batch(const WorkflowRow& row) const {
  const Workflow& spec = *row.spec;
  const std::vector<bool> done = done_stages(head_, row);
  const auto lost = [this](SiteId site) { return head_.site(site).state == Liveness::kDown && fenced(site); };
  std::vector<bool> wanted(spec.stages.size(), false);
  for (const WorkflowEdge& edge : spec.edges) {
    const IntentRow* next = stage_of_generation(head_, row, edge.to);
    wanted[edge.from] = wanted[edge.from] || (!done[edge.to] && !(next && next->active));
  }
  for (size_t s = 0; s < spec.stages.size(); ++s) {
    const Stage& stage = spec.stages[s];
    const std::string of = "stage " + stage.name;
    const IntentRow* wish = stage_of_generation(head_, row, s);
    const SiteId site = wish && wish->state != IntentState::kWithdrawn ? wish->spec->where.only.front()
                                                                       : row.plan->stages[s].site;
    const std::string& name = head_.site_name(site);
    if (done[s]) {
      const SiteId made_at = wish ? wish->spec->where.only.front() : site;
      if (wanted[s] && runs(stage) && lost(made_at))
        return "what " + of + " made lies at " + head_.site_name(made_at) + ", which is down";
      continue;
    }
    if (lost(site)) return of + " is at " + name + ", which is down";
    if (!runs(stage)) continue;
    if (wish && is_refused(*wish)) return of + " was refused at " + name;
    if (head_.site(site).state == Liveness::kDraining && !(wish && wish->active))
      return of + " is at " + name + ", which is drained";
  }
  return {};
}

// The stages that are to have an intent now, and as what.
std::vector<Loop::DueStage> Loop::due_stages(const WorkflowRow& row) const {
  std::vector<DueStage> due;
  const Workflow& spec = *row.spec;
  if (spec.kind == WorkflowKind::kStream) {
    size_t fresh = head_.intent_count();
    std::vector<IntentId> intents;
    for (const Stage& stage : spec.stages) {
      const IntentId known = head_.stage_intent(row, stage.name);
      intents.push_back(!runs(stage) ? IntentId() : known.valid() ? known : IntentId(fresh++));
    }
    for (size_t s = 0; s < spec.stages.size(); ++s) {
      if (runs(spec.stages[s])) due.push_back({s, intents[s], stream_stage(head_, row, s, intents)});
    }
    return due;
  }
  size_t fresh = head_.intent_count();
  const std::vector<bool> done = done_stages(head_, row);
  std::vector<bool> ready(spec.stages.size(), true);
  for (const WorkflowEdge& edge : spec.edges) ready[edge.to] = ready[edge.to] && done[edge.from];
  for (size_t s = 0; s < spec.stages.size(); ++s) {
    if (done[s] || !runs(spec.stages[s])) continue;
    // What has begun has what it needs, whatever became of that since.
    const IntentRow* wish = stage_of_generation(head_, row, s);
    if (!ready[s] && !(wish && wish->active)) continue;
    const IntentId known = head_.stage_intent(row, spec.stages[s].name);
    due.push_back({s, known.valid() ? known : IntentId(fresh++), batch_stage(head_, row, s)});
  }
  return due;
}

bool Loop::has_wish(const WorkflowRow& row, const DueStage& due) const {
  if (due.intent.index() >= head_.intent_count()) return false;
  const IntentRow& known = head_.intent(due.intent);
  if (known.state == IntentState::kWithdrawn) return false;
  if (row.spec->kind == WorkflowKind::kStream) return stands(known, due.spec);
  // How long it is thought to take alone moves nothing.
  IntentSpec spec = due.spec;
  spec.schedule.run_time_us_estimated = known.spec->schedule.run_time_us_estimated;
  return known.submitted >= row.submitted && *known.spec == spec;
}

bool Loop::watch(WorkflowId id) {
  const WorkflowRow& row = head_.workflow(id);
  std::vector<EventBody> bodies;
  const bool withdrawn = row.state == WorkflowState::kWithdrawn;
  std::set<IntentId> wanted;
  if (!withdrawn && is_current(row)) {
    for (DueStage& due : due_stages(row)) {
      wanted.insert(due.intent);
      if (has_wish(row, due)) continue;
      const bool known = due.intent.index() < head_.intent_count();
      bodies.push_back(IntentSubmitted{.intent = due.intent,
                                       .tenant = row.tenant,
                                       .generation = known ? head_.intent(due.intent).generation + 1 : 1,
                                       .spec = std::move(due.spec),
                                       .workflow = id,
                                       .stage = row.spec->stages[due.stage].name});
    }
  }
  if (withdrawn || is_current(row)) {
    const std::string why =
        withdrawn ? "its workflow was withdrawn" : "the plan of its workflow has no place for it now";
    for (const IntentId intent : row.intents) {
      const IntentRow& stage = head_.intent(intent);
      // Stages that have ended are forgotten with their workflow.
      const bool forgotten = withdrawn && !row.finished && is_over(stage);
      if ((stage.state != IntentState::kWithdrawn || forgotten) && !wanted.count(intent)) {
        bodies.push_back(IntentWithdrawn{intent, false, why});
      }
    }
    if (!withdrawn && row.spec->kind == WorkflowKind::kBatch && bodies.empty()) {
      const std::vector<bool> done = done_stages(head_, row);
      if (std::find(done.begin(), done.end(), false) == done.end())
        bodies.push_back(WorkflowWithdrawn{.workflow = id, .finished = true});
    }
  }
  // What could not be planned again stands again by itself: the refusal is past.
  if (!withdrawn && is_current(row) && row.refusal && bodies.empty() && unsound(row).empty() &&
      !needs_dead_site(head_, *row.spec, *row.plan)) {
    WorkflowPlanned again = *row.plan;
    again.why = "it stands again as it was";
    bodies.push_back(std::move(again));
  }
  if (Status written = record(kBrain, std::move(bodies)); !written) {
    // What is not valid now never will be, unless the workflow or its plan changes.
    if (written.error().code != ErrorCode::kInvalid) return false;
    ++counters_.defects;
    return true;
  }
  const WorkflowRow& now = head_.workflow(id);
  if (now.state == WorkflowState::kWithdrawn || unsound(now).empty()) {
    workflows_to_arrange_.erase(id);
    // A plan has helped when its stages have places: until then the next but one waits its time.
    const bool placed = std::none_of(now.intents.begin(), now.intents.end(), [this](IntentId stage) {
      return head_.intent(stage).state == IntentState::kPending;
    });
    if (placed || now.state == WorkflowState::kWithdrawn) {
      arrangements_.erase(id);
    } else if (const auto tried = arrangements_.find(id); tried != arrangements_.end()) {
      tried->second.relief.reset();
      if (tried->second.tries <= 1) tried->second.again_us = now_us_;
    }
  } else {
    workflows_to_arrange_.insert(id);
  }
  return now.state == WorkflowState::kWithdrawn || !awaits_silent_site(now);
}

// A site that fell silent is lost only when no lease of its can hold any more.
bool Loop::awaits_silent_site(const WorkflowRow& row) const {
  return row.spec->kind == WorkflowKind::kBatch && is_current(row) &&
         std::any_of(row.plan->stages.begin(), row.plan->stages.end(), [this](const PlannedStage& stage) {
           return head_.site(stage.site).state == Liveness::kDown && !fenced(stage.site);
         });
}

void Loop::watch_workflows() {
  if (held_) return;
  std::set<WorkflowId> later;
  for (int round = 0; round < kRoundsPerTurn && !workflows_changed_.empty(); ++round) {
    for (const WorkflowId workflow : std::exchange(workflows_changed_, {})) {
      // A disk without room leaves it for a later turn, and so does a silent site.
      if (!watch(workflow)) later.insert(workflow);
    }
  }
  workflows_changed_.merge(later);
}

TimeUs Loop::arrangement_wake_us() const {
  TimeUs wake = INT64_MAX;
  if (held_ || !ports_.arrange || arrangement_ticket_ != 0) return wake;
  for (const WorkflowId workflow : workflows_to_arrange_) {
    if (awaits_silent_site(head_.workflow(workflow))) continue;
    const auto tried = arrangements_.find(workflow);
    if (tried == arrangements_.end()) return now_us_;
    const bool eased = !tried->second.relief || *tried->second.relief != head_.relief() + moves_;
    wake = std::min(wake, tried->second.again_us + (eased ? 0 : options_.replan_us_max));
  }
  return wake;
}

void Loop::begin_arrangement() {
  if (held_ || !ports_.arrange || arrangement_ticket_ != 0) return;
  // Whoever was tried least goes first, so that one that fails does not keep the others waiting.
  const Arrangement fresh;
  std::optional<WorkflowId> next;
  uint32_t tries = 0;
  for (const WorkflowId workflow : workflows_to_arrange_) {
    const auto found = arrangements_.find(workflow);
    const Arrangement& tried = found == arrangements_.end() ? fresh : found->second;
    // Anyway now and then: not all that eases is counted.
    const bool eased = !tried.relief || *tried.relief != durable_->relief() + moves_;
    // Where a silent site may come back, a plan would throw away what lies there.
    if (workflow.index() >= durable_->workflow_count() || awaits_silent_site(head_.workflow(workflow)) ||
        now_us_ < tried.again_us + (eased ? 0 : options_.replan_us_max) || (next && tries <= tried.tries)) {
      continue;
    }
    next = workflow;
    tries = tried.tries;
  }
  if (!next) return;
  arrangement_ticket_ = ++last_ticket_;
  arrangement_of_ = *next;
  Arrangement& tried = arrangements_[*next];
  // Another order of prices may help where the search ended before it was complete.
  tried.relief = durable_->relief() + moves_;
  tried.again_us =
      now_us_ + std::min(options_.retry_us << std::min(tried.tries, 16u), options_.replan_us_max);
  ++tried.tries;
  ++counters_.arrangements;
  ports_.arrange(arrangement_ticket_, durable_, *next);
}

void Loop::handle(Arranged& message) {
  if (message.ticket == 0 || message.ticket != arrangement_ticket_) return;
  arrangement_ticket_ = 0;
  const WorkflowId id = arrangement_of_;
  const WorkflowRow& row = head_.workflow(id);
  const auto found = arrangements_.find(id);
  if (found == arrangements_.end() || row.state == WorkflowState::kWithdrawn) return;
  Arrangement& tried = found->second;
  WorkflowPlanned& planned = message.planned;
  if (planned.workflow != id || planned.generation != row.generation ||
      !validate(Event{0, kBrain, planned})) {
    ++counters_.defects;
    tried.relief.reset();
    return;
  }
  const std::string why = unsound(row);
  if (why.empty()) return;  // it has mended meanwhile
  if (awaits_silent_site(row)) {
    tried.relief.reset();
    return;
  }
  if (planned.refused) {
    const auto& known = row.refusal;
    if (known && known->why == planned.why && known->where == planned.where) return;
  } else {
    // The world has moved on: what stood then is not there any more. What has run is where it ran.
    if (needs_dead_site(head_, *row.spec, planned)) {
      tried.relief.reset();
      return;
    }
    if (is_current(row) && same_places(planned, *row.plan) && !row.refusal) return;
    if (is_current(row)) planned.why = why;
  }
  // Planners give advice: what would change nothing, for it names what is not there, is not written.
  Graph trial = head_;
  if (!trial.apply({head_.now(), kBrain, planned}).effect) {
    ++counters_.defects;
    tried.relief.reset();
    return;
  }
  std::vector<EventBody> bodies;
  if (!planned.refused && row.spec->kind == WorkflowKind::kBatch) {
    const std::vector<bool> done = done_stages(head_, row);
    for (size_t s = 0; s < planned.stages.size(); ++s) {
      const IntentId intent = head_.stage_intent(row, row.spec->stages[s].name);
      if (!done[s] || !intent.valid() || planned.stages[s].finish_us <= planned.stages[s].start_us) continue;
      const SiteId made_at = head_.intent(intent).spec->where.only.front();
      if (head_.site(made_at).state != Liveness::kDown) continue;
      bodies.push_back(
          IntentWithdrawn{intent, false, "what it made is lost with " + head_.site_name(made_at)});
    }
  }
  bodies.insert(bodies.begin(), std::move(planned));
  // A disk without room leaves it for later.
  if (!record(kBrain, std::move(bodies))) tried.relief.reset();
}

}  // namespace weir
