#include "orchestration/workflow/planner.h"

#include <algorithm>

#include "core/event/limits.h"
#include "core/graph/workflow_state.h"
#include "core/units/text.h"
#include "orchestration/workflow/rerun.h"
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
  Planning(const Graph& snapshot, WorkflowId id, const StreamPlanLimits& stream, const BatchLimits& batch)
      : snapshot_(snapshot),
        row_(snapshot.workflow(id)),
        graph_(without_stages(snapshot, row_)),
        stream_(stream),
        batch_(batch),
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

  WorkflowPlanned plan() { return row_.spec->kind == WorkflowKind::kBatch ? batch() : stream(); }

 private:
  WorkflowPlanned stream() {
    const bool stands =
        std::any_of(standing_.begin(), standing_.end(), [](const Standing& s) { return s.sound; });
    const bool refused =
        std::any_of(standing_.begin(), standing_.end(), [](const Standing& s) { return s.refused; });
    Result<StreamPlan> anywhere = plan_stream(graph_, moved(false, true), stream_);
    if (stands && anywhere) {
      if (auto kept = plan_stream(graph_, moved(true, true), stream_)) {
        kept->bound = std::min(anywhere->bound, kept->price);
        kept->quality = kept->price == kept->bound ? Quality::kExact : Quality::kBounded;
        return take(*kept);
      }
    }
    if (!anywhere && refused) anywhere = plan_stream(graph_, measured_, stream_);
    return anywhere ? take(*anywhere) : refuse(anywhere.error());
  }

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

  WorkflowPlanned batch() {
    const size_t stages = measured_.stages.size();
    const std::vector<bool> done = done_stages(snapshot_, row_);
    WorkflowProgress progress{.outputs = std::vector<std::vector<SiteId>>(stages),
                              .delivered = std::vector<std::vector<SiteId>>(measured_.edges.size())};
    for (size_t s = 0; s < stages; ++s) {
      Standing& standing = standing_[s];
      standing.sound = false;
      const IntentRow* intent = stage_of_generation(snapshot_, row_, s);
      if (!runs(measured_.stages[s])) {
        if (done[s]) progress.outputs[s] = measured_.stages[s].at;
      } else if (intent && done[s]) {
        progress.outputs[s] = intent->spec->where.only;
      } else if (intent && intent->active) {
        standing.site = intent->active->plan.placements[0].site;
        standing.sound = snapshot_.site(standing.site).state != Liveness::kDown && !standing.refused;
        // It began with what it needs.
        for (size_t e = 0; e < measured_.edges.size(); ++e) {
          if (measured_.edges[e].to == s) progress.delivered[e] = {standing.site};
        }
      }
    }
    Error first;
    for (const auto& [keep, bar] : {std::pair{true, true}, std::pair{false, true}, std::pair{false, false}}) {
      const auto again = rerun(graph_, moved(keep, bar), progress);
      if (!again) return refuse(again.error());
      if (again->stages.empty()) return take(*again, BatchPlan{.quality = Quality::kExact}, progress);
      Workflow rest = again->rest;
      if (rest.deadline_us > 0) rest.deadline_us = std::max<int64_t>(1, rest.deadline_us - elapsed_us());
      const auto plan = plan_batch(graph_, rest, batch_);
      if (plan) return take(*again, *plan, progress);
      if (first.what.empty()) first = renamed(plan.error(), *again);
    }
    return refuse(first);
  }

  int64_t elapsed_us() const { return std::max<int64_t>(0, snapshot_.now() - row_.submitted_at); }

  // What is wrong with a stage of the rest, by its row in the whole.
  static Error renamed(Error error, const Rerun& again) {
    constexpr std::string_view kStage = "spec.stages[";
    if (!error.where.starts_with(kStage)) return error;
    const size_t end = error.where.find(']');
    size_t rest = 0;
    for (size_t at = kStage.size(); at < end && at < error.where.size(); ++at) {
      rest = rest * 10 + static_cast<size_t>(error.where[at] - '0');
    }
    if (rest < again.stages.size()) {
      error.where = std::string(kStage) + std::to_string(again.stages[rest]) + error.where.substr(end);
    }
    return error;
  }

  WorkflowPlanned take(const Rerun& again, const BatchPlan& plan, const WorkflowProgress& progress) {
    const int64_t elapsed = elapsed_us();
    const bool current = row_.plan && row_.plan->generation == row_.generation;
    for (size_t s = 0; s < measured_.stages.size(); ++s) {
      const auto& at = measured_.stages[s].at;
      const SiteId made_at = !progress.outputs[s].empty() ? progress.outputs[s][0]
                             : current                    ? row_.plan->stages[s].site
                             : !at.empty()                ? at[0]
                                                          : SiteId(0u);
      out_.stages.push_back({.site = made_at});
    }
    for (size_t i = 0; i < again.stages.size(); ++i) {
      const StageRun& run = plan.runs[i];
      out_.stages[again.stages[i]] = {
          .site = run.site, .start_us = elapsed + run.start_us, .finish_us = elapsed + run.finish_us};
    }
    for (const Transfer& transfer : plan.transfers) {
      const auto [row, stored] = item_of(again.rest, transfer);
      out_.transfers.push_back({.item = row,
                                .stored = stored,
                                .stage = again.stages[transfer.stage],
                                .start_us = elapsed + transfer.start_us,
                                .arrive_us = elapsed + transfer.arrive_us,
                                .bps = transfer.bps});
      if (transfer.path.size() <= limits::kPathLinksMax) out_.transfers.back().path = transfer.path;
    }
    out_.price = plan.price;
    out_.bound = plan.bound_price;
    out_.quality = plan.quality;
    out_.latency_us = elapsed + plan.makespan_us;
    out_.latency_us_bound = elapsed + plan.bound_us;
    out_.in_time = plan.in_time;
    out_.steps = plan.steps;
    return std::move(out_);
  }

  // The row in the whole of what a transfer of the rest moves: what a stage made that does not run again is
  // an input there.
  std::pair<uint32_t, bool> item_of(const Workflow& rest, const Transfer& transfer) const {
    const Workflow& whole = *row_.spec;
    const auto name = [](const Workflow& of, const WorkflowEdge& edge) {
      return of.stages[edge.from].name + " -> " + of.stages[edge.to].name;
    };
    const std::string moved =
        transfer.stored ? rest.inputs[transfer.item].name : name(rest, rest.edges[transfer.item]);
    for (uint32_t i = 0; transfer.stored && i < whole.inputs.size(); ++i) {
      if (whole.inputs[i].name == moved) return {i, true};
    }
    for (uint32_t e = 0; e < whole.edges.size(); ++e) {
      if (name(whole, whole.edges[e]) == moved) return {e, false};
    }
    return {0, transfer.stored};
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
  const StreamPlanLimits stream_;
  const BatchLimits batch_;
  Workflow measured_;
  std::vector<Standing> standing_;
  WorkflowPlanned out_;
};

}  // namespace

WorkflowPlanned GraphWorkflowPlanner::plan(const Graph& snapshot, WorkflowId workflow) {
  return Planning(snapshot, workflow, stream_, batch_).plan();
}

}  // namespace weir
