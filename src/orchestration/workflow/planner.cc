#include "orchestration/workflow/planner.h"

#include <algorithm>

#include "core/event/limits.h"
#include "core/units/text.h"
#include "orchestration/workflow/stream_problem.h"

namespace weir {
namespace {

// The graph without what the stages of the workflow hold.
Graph without_stages(const Graph& snapshot, const WorkflowRow& row) {
  Graph graph = snapshot;
  for (const IntentId id : row.intents) {
    if (graph.intent(id).active) graph.apply({graph.now(), "brain", IntentWithdrawn{.intent = id}});
    const auto retiring = graph.intent(id).retiring;
    for (const auto& held : retiring) graph.apply({graph.now(), "brain", PlanRetired{id, held->position}});
  }
  return graph;
}

class Planning {
 public:
  Planning(const Graph& snapshot, WorkflowId id, const StreamPlanLimits& limits)
      : snapshot_(snapshot),
        row_(snapshot.workflow(id)),
        graph_(without_stages(snapshot, row_)),
        limits_(limits),
        measured_(*row_.spec) {
    out_.workflow = id;
    out_.generation = row_.generation;
    out_.basis = snapshot.version();
    const bool current = row_.plan && row_.plan->generation == row_.generation;
    for (size_t s = 0; s < measured_.stages.size(); ++s) {
      Stage& stage = measured_.stages[s];
      const IntentId id_of_stage = snapshot.stage_intent(row_, stage.name);
      const IntentRow* intent = id_of_stage.valid() ? &snapshot.intent(id_of_stage) : nullptr;
      if (intent && intent->demand)
        stage.work_us = std::max(stage.work_us, intent->demand->traffic.work_us_per_request);
      Standing standing;
      if (current) {
        standing.site = row_.plan->stages[s].site;
        standing.refused = intent && intent->refusal && intent->refusal->generation == intent->generation;
        standing.sound = snapshot.site(standing.site).state == Liveness::kUp && !standing.refused &&
                         (!intent || intent->promise_kept);
      }
      standing_.push_back(standing);
    }
  }

  WorkflowPlanned plan() {
    const bool stands =
        std::any_of(standing_.begin(), standing_.end(), [](const Standing& s) { return s.sound; });
    const bool refused =
        std::any_of(standing_.begin(), standing_.end(), [](const Standing& s) { return s.refused; });
    Result<StreamPlan> anywhere = plan_stream(graph_, moved(false, true), limits_);
    if (stands && anywhere) {
      if (auto kept = plan_stream(graph_, moved(true, true), limits_)) {
        kept->bound = std::min(anywhere->bound, kept->price);
        kept->quality = kept->price == kept->bound ? Quality::kExact : Quality::kBounded;
        return take(*kept);
      }
    }
    if (!anywhere && refused) anywhere = plan_stream(graph_, measured_, limits_);
    return anywhere ? take(*anywhere) : refuse(anywhere.error());
  }

 private:
  struct Standing {
    SiteId site;
    bool sound = false;
    bool refused = false;
  };

  // The wish with sound stages where they are, and with stages kept from where they were refused.
  Workflow moved(bool keep, bool bar) const {
    Workflow workflow = measured_;
    const auto residency = graph_.residency_mask(workflow.where.residency);
    for (size_t s = 0; s < workflow.stages.size(); ++s) {
      Stage& stage = workflow.stages[s];
      const Standing& standing = standing_[s];
      if (keep && standing.sound) {
        stage.at = {standing.site};
      } else if (bar && standing.refused && residency) {
        std::vector<SiteId> others;
        for (size_t i = 0; i < graph_.site_count(); ++i) {
          if (SiteId(i) != standing.site && may_be_at(graph_, workflow, stage, *residency, SiteId(i)))
            others.push_back(SiteId(i));
        }
        if (!others.empty()) stage.at = std::move(others);
      }
    }
    return workflow;
  }

  WorkflowPlanned take(const StreamPlan& plan) {
    for (const StagePlace& place : plan.stages) {
      out_.stages.push_back({.site = place.site, .price = place.price, .latency_us = place.latency_us});
    }
    for (size_t e = 0; e < plan.edges.size(); ++e) {
      const EdgeWay& way = plan.edges[e];
      if (way.path.size() > limits::kPathLinksMax) {
        return refuse({ErrorCode::kInfeasible, "its way takes " + std::to_string(way.path.size()) + " links",
                       "spec.edges[" + std::to_string(e) + "]", "allow sites that are nearer to each other"});
      }
      out_.transfers.push_back({.item = static_cast<uint32_t>(e),
                                .stage = row_.spec->edges[e].to,
                                .arrive_us = way.latency_us,
                                .bps = way.path.empty() ? 0 : way.bps,
                                .price = way.price,
                                .path = way.path});
    }
    out_.price = plan.price;
    out_.bound = plan.bound;
    out_.quality = plan.quality;
    out_.latency_us = plan.latency_us;
    out_.steps = plan.steps;
    return std::move(out_);
  }

  WorkflowPlanned refuse(const Error& error) {
    out_.stages.clear();
    out_.transfers.clear();
    out_.refused = true;
    out_.why = clip_utf8(error.remedy.empty() ? error.what : error.what + "; " + error.remedy,
                         limits::kTextBytesMax);
    out_.where = clip_utf8(error.where, limits::kTextBytesMax);
    return std::move(out_);
  }

  const Graph& snapshot_;
  const WorkflowRow& row_;
  const Graph graph_;
  const StreamPlanLimits limits_;
  Workflow measured_;
  std::vector<Standing> standing_;
  WorkflowPlanned out_;
};

}  // namespace

WorkflowPlanned GraphWorkflowPlanner::plan(const Graph& snapshot, WorkflowId workflow) {
  return Planning(snapshot, workflow, stream_).plan();
}

}  // namespace weir
