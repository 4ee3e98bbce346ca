#include <algorithm>

#include "core/graph/graph.h"

// Workflows, and the intents of their stages.
namespace weir {

WorkflowId Graph::find_workflow(std::string_view tenant, std::string_view name) const {
  return WorkflowId(workflow_names_.find(std::string(tenant) + "/" + std::string(name)));
}

IntentId Graph::stage_intent(const WorkflowRow& row, std::string_view stage) const {
  const auto found = std::find_if(row.intents.begin(), row.intents.end(),
                                  [&](IntentId id) { return intent(id).stage == stage; });
  return found == row.intents.end() ? IntentId() : *found;
}

void Graph::join_workflow(IntentId id, WorkflowId workflow, const std::string& stage) {
  IntentRow& row = intents_.mutate(id.index()).mutate();
  row.stage = stage;
  if (row.workflow == workflow) return;
  if (row.workflow.valid()) std::erase(workflows_.mutate(row.workflow.index()).mutate().intents, id);
  row.workflow = workflow;
  if (!workflow.valid()) return;
  auto& intents = workflows_.mutate(workflow.index()).mutate().intents;
  intents.insert(std::lower_bound(intents.begin(), intents.end(), id), id);
}

Applied Graph::on(const WorkflowSubmitted& e) {
  if (e.tenant.index() >= tenants_.size()) return no_effect("unknown tenant");
  if (const Status sound = check(e.spec); !sound)
    return no_effect(sound.error().where + ": " + sound.error().what);
  const auto known_site = [this](SiteId site) { return site.index() < sites_.size(); };
  for (const Stage& stage : e.spec.stages) {
    if (!std::all_of(stage.at.begin(), stage.at.end(), known_site))
      return no_effect("a stage is pinned to an unknown site");
  }
  for (const WorkflowInput& input : e.spec.inputs) {
    if (!std::all_of(input.at.begin(), input.at.end(), known_site))
      return no_effect("an input lies at an unknown site");
  }
  const std::string key = tenants_.name(e.tenant.index()) + "/" + e.spec.name;
  const bool known = e.workflow.index() < workflows_.size();
  if (known ? workflow_names_.name(e.workflow.index()) != key
            : e.workflow.index() != workflows_.size() || workflow_names_.find(key) != WorkflowId::kNone) {
    return no_effect("the name is taken, or the identifier is out of turn");
  }
  if (known && e.generation <= workflow(e.workflow).generation) return no_effect("a newer generation exists");
  if (!known) {
    workflow_names_.add(key);
    workflows_.push_back({});
  }
  WorkflowRow& row = workflows_.mutate(e.workflow.index()).mutate();
  row.tenant = e.tenant;
  row.generation = e.generation;
  row.state = WorkflowState::kPending;
  row.finished = false;
  row.submitted_at = now_;
  row.submitted = version_ - 1;
  row.spec = std::make_shared<const Workflow>(e.spec);
  row.refusal = nullptr;
  return {};
}

Applied Graph::on(const WorkflowPlanned& e) {
  if (e.workflow.index() >= workflows_.size()) return no_effect("unknown workflow");
  const WorkflowRow& old = workflow(e.workflow);
  if (old.generation != e.generation || old.state == WorkflowState::kWithdrawn) {
    return no_effect("the plan is for another generation");
  }
  const Workflow& spec = *old.spec;
  if (!e.refused) {
    if (e.stages.size() != spec.stages.size()) return no_effect("the plan is not for these stages");
    for (const PlannedStage& stage : e.stages) {
      if (stage.site.index() >= sites_.size()) return no_effect("a stage is planned for an unknown site");
    }
    for (const PlannedTransfer& transfer : e.transfers) {
      const size_t items = transfer.stored ? spec.inputs.size() : spec.edges.size();
      if (transfer.item >= items || transfer.stage >= spec.stages.size())
        return no_effect("it moves something unknown");
      for (const LinkId link : transfer.path) {
        if (link.index() >= links_.size()) return no_effect("it moves something over an unknown link");
      }
    }
  }
  WorkflowRow& row = workflows_.mutate(e.workflow.index()).mutate();
  auto planned = std::make_shared<const WorkflowPlanned>(e);
  if (e.refused) {
    row.refusal = std::move(planned);
    if (!row.plan || row.plan->generation != row.generation) row.state = WorkflowState::kRefused;
    return {};
  }
  row.plan = std::move(planned);
  row.planned_spec = row.spec;
  row.planned_at = now_;
  row.refusal = nullptr;
  row.state = WorkflowState::kPlanned;
  return {};
}

Applied Graph::on(const WorkflowWithdrawn& e) {
  if (e.workflow.index() >= workflows_.size()) return no_effect("unknown workflow");
  const WorkflowRow& old = workflow(e.workflow);
  if (old.state == WorkflowState::kWithdrawn && (e.finished || !old.finished))
    return no_effect("the workflow is withdrawn");
  WorkflowRow& row = workflows_.mutate(e.workflow.index()).mutate();
  row.state = WorkflowState::kWithdrawn;
  row.finished = e.finished;
  return {};
}

}  // namespace weir
