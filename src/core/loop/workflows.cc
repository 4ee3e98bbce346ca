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

// A wish that asks for no more than this stands: a stage that nothing moved is left alone when others leave
// it more time.
bool stands(const IntentSpec& wish, IntentSpec wanted) {
  if (wish.promise.latency_us_max > 0 && wish.promise.latency_us_max <= wanted.promise.latency_us_max) {
    wanted.promise.latency_us_max = wish.promise.latency_us_max;
  }
  return wish == wanted;
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
    // A program that ends again and again ends elsewhere too.
    if (wish.refusal && wish.refusal->generation == wish.generation && !wish.refusal->reasons.empty() &&
        wish.refusal->reasons[0].code != ReasonCode::kRestarting) {
      return of + " was refused at " + head_.site_name(site);
    }
    if (!wish.promise_kept) return "the promise of " + of + " is broken at " + head_.site_name(site);
  }
  return {};
}

bool Loop::watch(WorkflowId id) {
  const WorkflowRow& row = head_.workflow(id);
  std::vector<EventBody> bodies;
  const bool withdrawn = row.state == WorkflowState::kWithdrawn;
  std::vector<IntentId> wanted;
  if (!withdrawn && is_current(row)) {
    size_t fresh = head_.intent_count();
    std::vector<IntentId> intents;
    for (const Stage& stage : row.spec->stages) {
      const IntentId known = head_.stage_intent(row, stage.name);
      intents.push_back(!runs(stage) ? IntentId() : known.valid() ? known : IntentId(fresh++));
    }
    for (size_t s = 0; s < row.spec->stages.size(); ++s) {
      const Stage& stage = row.spec->stages[s];
      if (!runs(stage)) continue;
      IntentSpec spec = stream_stage(head_, row, s, intents);
      const IntentId id_of_stage = intents[s];
      const bool known = id_of_stage.index() < head_.intent_count();
      wanted.push_back(id_of_stage);
      if (known && head_.intent(id_of_stage).state != IntentState::kWithdrawn &&
          stands(*head_.intent(id_of_stage).spec, spec)) {
        continue;
      }
      bodies.push_back(IntentSubmitted{.intent = id_of_stage,
                                       .tenant = row.tenant,
                                       .generation = known ? head_.intent(id_of_stage).generation + 1 : 1,
                                       .spec = std::move(spec),
                                       .workflow = id,
                                       .stage = stage.name});
    }
  }
  if (withdrawn || is_current(row)) {
    const std::string why =
        withdrawn ? "its workflow was withdrawn" : "its workflow has no such stage any more";
    for (const IntentId intent : row.intents) {
      if (head_.intent(intent).state == IntentState::kWithdrawn) continue;
      if (std::find(wanted.begin(), wanted.end(), intent) == wanted.end())
        bodies.push_back(IntentWithdrawn{intent, false, why});
    }
  }
  if (Status written = record(kBrain, std::move(bodies)); !written) return false;
  const WorkflowRow& now = head_.workflow(id);
  if (now.state == WorkflowState::kWithdrawn || unsound(now).empty()) {
    workflows_to_arrange_.erase(id);
    arrangements_.erase(id);
  } else {
    workflows_to_arrange_.insert(id);
  }
  return true;
}

void Loop::watch_workflows() {
  if (held_) return;
  std::set<WorkflowId> later;
  for (int round = 0; round < kRoundsPerTurn && !workflows_changed_.empty(); ++round) {
    for (const WorkflowId workflow : std::exchange(workflows_changed_, {})) {
      // A disk without room leaves it for a later turn.
      if (!watch(workflow)) later.insert(workflow);
    }
  }
  workflows_changed_.merge(later);
}

TimeUs Loop::arrangement_wake_us() const {
  TimeUs wake = INT64_MAX;
  if (held_ || !ports_.arrange || arrangement_ticket_ != 0) return wake;
  for (const WorkflowId workflow : workflows_to_arrange_) {
    const auto tried = arrangements_.find(workflow);
    if (tried == arrangements_.end()) return now_us_;
    if (!tried->second.relief || *tried->second.relief != head_.relief())
      wake = std::min(wake, tried->second.again_us);
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
    if (workflow.index() >= durable_->workflow_count() || now_us_ < tried.again_us ||
        (tried.relief && *tried.relief == durable_->relief()) || (next && tries <= tried.tries)) {
      continue;
    }
    next = workflow;
    tries = tried.tries;
  }
  if (!next) return;
  arrangement_ticket_ = ++last_ticket_;
  arrangement_of_ = *next;
  Arrangement& tried = arrangements_[*next];
  tried.relief = durable_->relief();
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
  if (planned.refused) {
    const auto& known = row.refusal;
    if (known && known->why == planned.why && known->where == planned.where) return;
  } else {
    // The world has moved on: what stood then is not there any more.
    const bool stale =
        std::any_of(planned.stages.begin(), planned.stages.end(), [this](const PlannedStage& stage) {
          return stage.site.index() >= head_.site_count() || head_.site(stage.site).state == Liveness::kDown;
        });
    if (stale) {
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
  // A disk without room leaves it for later.
  if (!record(kBrain, {std::move(planned)})) tried.relief.reset();
}

}  // namespace weir
