#include <algorithm>
#include <map>

#include "simulation/auditor.h"

// Workflows by an outsider's books: stages stand where the newest plan says, in an order that the edges
// allow.
namespace weir::simulation {
namespace {

bool works(const Stage& stage) {
  return stage.workload.cpu_milli > 0 || stage.workload.memory_mib > 0 || stage.workload.accelerators > 0;
}

}  // namespace

void Auditor::body(const WorkflowSubmitted& e) {
  if (by_brain()) fail("the brain wished for a workflow by itself");
  if (e.workflow.index() > workflows_.size()) return fail("workflow out of turn");
  if (e.workflow.index() == workflows_.size()) workflows_.emplace_back();
  Flowing& flow = workflows_[e.workflow.index()];
  if (e.generation != flow.generation + 1) fail("generations of a workflow do not count up");
  flow.generation = e.generation;
  flow.spec = e.spec;
  flow.withdrawn = false;
}

void Auditor::body(const WorkflowPlanned& e) {
  if (!by_brain()) fail("a workflow was planned by another than the brain");
  if (e.workflow.index() >= workflows_.size()) return fail("a workflow that is not was planned");
  Flowing& flow = workflows_[e.workflow.index()];
  if (flow.withdrawn || e.generation != flow.generation)
    return fail("a workflow was planned that nobody wants so any more");
  if (e.basis > at_) fail("a workflow was planned on a future graph");
  if (e.refused) {
    if (e.why.empty()) fail("a workflow was refused without a reason");
    return;
  }
  if (e.stages.size() != flow.spec.stages.size())
    return fail("a plan of a workflow has other stages than it");
  for (size_t s = 0; s < e.stages.size(); ++s) {
    const Stage& stage = flow.spec.stages[s];
    const SiteId site = e.stages[s].site;
    if (site.index() >= sites_.size()) return fail("a stage is planned for a site that is not");
    if (!stage.at.empty() && std::find(stage.at.begin(), stage.at.end(), site) == stage.at.end()) {
      fail("stage " + stage.name + " is planned for " + sites_[site.index()].name +
           ", where it is not pinned to");
    }
    const Where& where = flow.spec.where;
    if (stage.at.empty() && std::find(where.not_at.begin(), where.not_at.end(), site) != where.not_at.end()) {
      fail("stage " + stage.name + " is planned for a site that its workflow excludes");
    }
    // What has run is where it ran.
    if (flow.spec.kind == WorkflowKind::kBatch && e.stages[s].finish_us == e.stages[s].start_us) continue;
    if (works(stage) && sites_[site.index()].state == Liveness::kDown)
      fail("a stage is planned for a site that is down");
  }
  for (const PlannedTransfer& transfer : e.transfers) {
    if (flow.spec.kind != WorkflowKind::kStream || transfer.path.empty()) continue;
    if (transfer.stored || transfer.item >= flow.spec.edges.size())
      return fail("a stream moves something that is no edge");
    const WorkflowEdge& edge = flow.spec.edges[transfer.item];
    uint32_t at = sites_[e.stages[edge.from].site.index()].vertex;
    for (const LinkId link : transfer.path) {
      if (link.index() >= links_.size() || links_[link.index()].from != at)
        return fail("an edge is planned over a broken path");
      at = links_[link.index()].to;
    }
    if (at != sites_[e.stages[edge.to].site.index()].vertex)
      fail("an edge is planned to end elsewhere than its stage");
  }
  flow.planned_generation = e.generation;
  flow.planned_spec = flow.spec;
  flow.stages = e.stages;
}

void Auditor::body(const WorkflowWithdrawn& e) {
  if (e.workflow.index() >= workflows_.size()) return fail("a workflow that is not is withdrawn");
  if (e.finished && !by_brain()) fail("a workflow finished by another's word than the brain's");
  Flowing& flow = workflows_[e.workflow.index()];
  flow.withdrawn = true;
  if (!e.finished) return;
  if (flow.spec.kind != WorkflowKind::kBatch) fail("a stream finished");
  for (size_t i = 0; i < stage_of_.size(); ++i) {
    if (stage_of_[i].first == e.workflow && wishes_[i].flow_generation == flow.generation &&
        !wishes_[i].finished) {
      fail("a workflow finished before its stage " + stage_of_[i].second);
    }
  }
}

// A wish of the brain's: one stage of the newest plan, where that is, fed from where what feeds it is.
void Auditor::check_stage_wish(const IntentSubmitted& e) const {
  if (!e.workflow.valid()) return;
  if (!by_brain()) return fail("somebody wished for a stage of a workflow");
  if (e.workflow.index() >= workflows_.size()) return fail("a stage of a workflow that is not");
  const Flowing& flow = workflows_[e.workflow.index()];
  if (flow.withdrawn || flow.planned_generation != flow.generation)
    return fail("a stage was submitted without a plan");
  const auto stage = std::find_if(flow.planned_spec.stages.begin(), flow.planned_spec.stages.end(),
                                  [&](const Stage& s) { return s.name == e.stage; });
  if (stage == flow.planned_spec.stages.end())
    return fail("a stage that the workflow does not have was submitted");
  const auto row = static_cast<size_t>(stage - flow.planned_spec.stages.begin());
  if (e.spec.name != flow.spec.name + "." + e.stage) fail("a stage has the name " + e.spec.name);
  if (e.spec.where.only != std::vector<SiteId>{flow.stages[row].site})
    fail("stage " + e.stage + " is wished elsewhere than planned");
  if (flow.planned_spec.kind == WorkflowKind::kBatch) return check_order(flow, row);
  std::map<SiteId, int64_t> rates_bps;
  for (const WorkflowEdge& edge : flow.planned_spec.edges) {
    if (edge.to == row) rates_bps[flow.stages[edge.from].site] += edge.bps;
  }
  if (e.spec.from.size() != rates_bps.size())
    fail("stage " + e.stage + " is fed from other sites than planned");
  for (const Ingress& from : e.spec.from) {
    const auto rate = rates_bps.find(from.site);
    if (rate == rates_bps.end()) {
      fail("stage " + e.stage + " is fed from a site where nothing feeds it");
    } else if (from.streams * e.spec.traffic.up_bps < rate->second) {
      fail("stage " + e.stage + " is wished with less bandwidth than its edges have");
    }
  }
}

// A stage of a batch begins when all before it have ended well, or goes on with what it began with.
void Auditor::check_order(const Flowing& flow, size_t stage) const {
  const auto wish_of = [&](uint32_t row) -> const Wish* {
    for (size_t i = 0; i < stage_of_.size(); ++i) {
      if (stage_of_[i].first.valid() && &workflows_[stage_of_[i].first.index()] == &flow &&
          stage_of_[i].second == flow.planned_spec.stages[row].name) {
        return &wishes_[i];
      }
    }
    return nullptr;
  };
  const Wish* own = wish_of(static_cast<uint32_t>(stage));
  if (own && !own->withdrawn && own->active != kNoPosition && own->flow_generation == flow.generation) return;
  // What runs nothing has ended when all before it have.
  std::vector<uint32_t> open = {static_cast<uint32_t>(stage)};
  for (size_t i = 0; i < open.size(); ++i) {
    for (const WorkflowEdge& edge : flow.planned_spec.edges) {
      if (edge.to != open[i]) continue;
      if (!works(flow.planned_spec.stages[edge.from])) {
        open.push_back(edge.from);
        continue;
      }
      const Wish* before = wish_of(edge.from);
      if (!before || !before->finished || before->flow_generation != flow.generation) {
        return fail("stage " + flow.planned_spec.stages[stage].name + " of " + flow.spec.name +
                    " begins before " + flow.planned_spec.stages[edge.from].name + " has ended well");
      }
    }
  }
}

// The brain withdraws a stage with its workflow, when the newest plan has no such stage, and of a batch when
// what it made is lost or it was wished for by an earlier generation.
bool Auditor::may_drop_stage(IntentId intent) const {
  const auto& [workflow, stage] = stage_of_[intent.index()];
  if (!workflow.valid()) return false;
  const Flowing& flow = workflows_[workflow.index()];
  const std::string& name = stage;
  const Wish& wish = wishes_[intent.index()];
  if (flow.planned_spec.kind == WorkflowKind::kBatch &&
      (wish.flow_generation != flow.generation ||
       (wish.finished && sites_[wish.spec.where.only.front().index()].state == Liveness::kDown))) {
    return true;
  }
  return flow.withdrawn || std::none_of(flow.planned_spec.stages.begin(), flow.planned_spec.stages.end(),
                                        [&name](const Stage& s) { return s.name == name && works(s); });
}

}  // namespace weir::simulation
