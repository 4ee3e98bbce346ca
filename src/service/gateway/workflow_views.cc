#include "service/gateway/workflow_views.h"

#include <algorithm>

#include "core/event/limits.h"
#include "core/graph/workflow_state.h"
#include "core/units/quantity.h"
#include "service/gateway/explain.h"
#include "service/gateway/names.h"
#include "service/gateway/waiting_parts.h"
#include "service/gateway/workflow_parts.h"
#include "service/gateway/workflow_zh.h"
#include "service/resource/resource.h"
#include "weir/v1/resource.pb.h"

namespace weir::gateway {
namespace {

std::string_view quality_text(Quality quality) {
  switch (quality) {
    case Quality::kExact:
      return "exact";
    case Quality::kBounded:
      return "bounded";
    default:
      return "heuristic";
  }
}

std::string_view state_text(const WorkflowRow& row, const v1::Workflow::Status& status) {
  switch (row.state) {
    case WorkflowState::kPending:
      return "pending";
    case WorkflowState::kRefused:
      return "refused";
    case WorkflowState::kWithdrawn:
      return row.finished ? "finished" : "withdrawn";
    default:
      break;
  }
  const bool runs = std::all_of(status.stages().begin(), status.stages().end(), [](const auto& stage) {
    return stage.state() == "running" || stage.state() == "there" || stage.state() == "finished";
  });
  // What it lost it does not get back as things are, although a plan says where it would be.
  return runs ? "running" : row.refusal ? "refused" : "planned";
}

void put_stage(const ViewSources& from, const WorkflowRow& row, size_t s, v1::Workflow::StageStatus& out) {
  const Graph& graph = from.graph;
  const Stage& stage = row.planned_spec->stages[s];
  const PlannedStage& planned = row.plan->stages[s];
  out.set_name(stage.name);
  out.set_site(graph.site_name(planned.site));
  out.set_price_nanocredits(planned.price);
  out.set_latency_us(planned.latency_us);
  out.set_start_us(planned.start_us);
  out.set_finish_us(planned.finish_us);
  if (!runs(stage)) return out.set_state("there");
  const IntentId id = graph.stage_intent(row, stage.name);
  if (!id.valid()) return out.set_state("waiting");
  // A batch that runs anew has done nothing yet of what was done before.
  const bool anew = row.planned_spec->kind == WorkflowKind::kBatch && row.plan->generation == row.generation;
  if (anew && graph.intent(id).submitted < row.submitted) return out.set_state("waiting");
  v1::Resource shown;
  put_intent(from, id, shown);
  const v1::Intent::Status& status = shown.intent().status();
  out.set_intent(short_name(graph.intent_name(id)));
  out.set_state(status.state());
  out.set_why(status.why());
  out.set_service_address(status.service_address());
  out.set_service_port(status.service_port());
}

void put_transfer(const Graph& graph, const WorkflowRow& row, const PlannedTransfer& transfer,
                  v1::Workflow::TransferStatus& out) {
  const Workflow& spec = *row.planned_spec;
  out.set_from(transfer.stored ? spec.inputs[transfer.item].name
                               : spec.stages[spec.edges[transfer.item].from].name);
  out.set_to(spec.stages[transfer.stage].name);
  out.set_bps(transfer.bps);
  out.set_latency_us(transfer.arrive_us - transfer.start_us);
  out.set_price_nanocredits(transfer.price);
  for (const LinkId link : transfer.path) out.add_links(graph.link_name(link));
  out.set_held(spec.kind == WorkflowKind::kStream && !transfer.path.empty() && runs(spec.stages[transfer.stage]));
}

std::string place(const std::string& path) { return path.empty() ? "" : " (" + path + ")"; }

}  // namespace

std::string chain_text(const v1::Workflow::Status& status) {
  std::string out;
  for (const std::string& stage : status.critical_path()) out += (out.empty() ? "" : " -> ") + stage;
  return out;
}

bool stays(const WorkflowRow& row, const PlannedTransfer& transfer) {
  const Workflow& spec = *row.planned_spec;
  const std::vector<PlannedStage>& stages = row.plan->stages;
  const SiteId to = stages[transfer.stage].site;
  if (!transfer.stored) return stages[spec.edges[transfer.item].from].site == to;
  const std::vector<SiteId>& at = spec.inputs[transfer.item].at;
  return std::find(at.begin(), at.end(), to) != at.end();
}

std::vector<uint32_t> critical_path(const Workflow& workflow, const WorkflowPlanned& plan) {
  const size_t count = workflow.stages.size();
  const bool batch = workflow.kind == WorkflowKind::kBatch;
  std::vector<int64_t> moved_us(workflow.edges.size(), 0), until_us(count, 0);
  std::vector<uint32_t> before(count, UINT32_MAX);
  for (const PlannedTransfer& transfer : plan.transfers) {
    if (!transfer.stored) moved_us[transfer.item] = transfer.arrive_us - transfer.start_us;
  }
  for (const uint32_t at : topological_order(workflow)) {
    int64_t latest_us = -1;
    for (size_t e = 0; e < workflow.edges.size(); ++e) {
      const WorkflowEdge& edge = workflow.edges[e];
      if (edge.to != at) continue;
      const int64_t arrive_us = until_us[edge.from] + moved_us[e];
      if (arrive_us <= latest_us) continue;
      latest_us = arrive_us;
      before[at] = edge.from;
    }
    until_us[at] =
        batch ? plan.stages[at].finish_us : std::max<int64_t>(0, latest_us) + plan.stages[at].latency_us;
  }
  std::vector<uint32_t> path;
  // A path ends at a sink.
  std::vector<bool> followed(count, false);
  for (const WorkflowEdge& edge : workflow.edges) followed[edge.from] = true;
  uint32_t at = UINT32_MAX;
  for (uint32_t s = 0; s < count; ++s) {
    if (!followed[s] && (at == UINT32_MAX || until_us[s] > until_us[at])) at = s;
  }
  for (; at != UINT32_MAX; at = before[at]) path.push_back(at);
  std::reverse(path.begin(), path.end());
  return path;
}

void put_workflow(const ViewSources& from, WorkflowId id, v1::Resource& out) {
  const Graph& graph = from.graph;
  const WorkflowRow& row = graph.workflow(id);
  resource::to_message(resource::describe(*row.spec, graph.tenant_name(row.tenant), names_of(graph)), out);
  v1::Workflow& workflow = *out.mutable_workflow();
  workflow.mutable_metadata()->set_generation(row.generation);
  v1::Workflow::Status& status = *workflow.mutable_status();
  status.set_has_plan(row.plan != nullptr);
  if (row.plan) {
    const WorkflowPlanned& plan = *row.plan;
    status.set_generation(plan.generation);
    status.set_planned(row.planned_at);
    status.set_why(plan.why);
    status.set_price_nanocredits(plan.price);
    status.set_bound_nanocredits(plan.bound);
    status.set_quality(std::string(quality_text(plan.quality)));
    status.set_latency_us(plan.latency_us);
    status.set_latency_us_bound(plan.latency_us_bound);
    status.set_in_time(plan.in_time);
    for (size_t s = 0; s < plan.stages.size(); ++s) put_stage(from, row, s, *status.add_stages());
    for (const PlannedTransfer& transfer : plan.transfers)
      put_transfer(graph, row, transfer, *status.add_transfers());
    for (const uint32_t stage : critical_path(*row.planned_spec, plan)) {
      status.add_critical_path(row.planned_spec->stages[stage].name);
    }
  }
  if (row.refusal) {
    status.set_why(row.refusal->why);
    status.set_where(row.refusal->where);
  }
  status.set_state(std::string(state_text(row, status)));
}

std::string explain_workflow(const ViewSources& from, WorkflowId id, const v1::Resource& shown) {
  if (from.language == Language::kChinese) return zh::explain_workflow(from, id, shown);
  const Graph& graph = from.graph;
  const WorkflowRow& row = graph.workflow(id);
  const v1::Workflow::Status& status = shown.workflow().status();
  const bool stream = row.spec->kind == WorkflowKind::kStream;
  std::string text = graph.workflow_name(id) + ", generation " + std::to_string(row.generation) + ": a " +
                     (stream ? "stream" : "batch") + " of " + std::to_string(row.spec->stages.size()) +
                     (row.spec->stages.size() == 1 ? " stage, " : " stages, ") + status.state() + "\n";
  if (row.refusal) {
    text += (row.state == WorkflowState::kRefused ? "There is no plan"
                                                  : "A new plan was looked for, and there is none") +
            std::string(", last at version ") + std::to_string(row.refusal->basis) + ": " + row.refusal->why +
            place(row.refusal->where) + ". It is tried again when something eases.\n";
  }
  if (!row.plan) return text + (row.state == WorkflowState::kPending ? "It is being planned.\n" : "");
  const WorkflowPlanned& plan = *row.plan;
  if (plan.generation != row.generation) {
    text += "Meanwhile the plan of generation " + std::to_string(plan.generation) + " goes on:\n";
  }
  text += "Planned at version " + std::to_string(plan.basis) +
          (plan.why.empty() ? "" : ", because " + plan.why) + ".\n";
  const std::string price = stream ? per_hour_text(plan.price) : format_money(plan.price) + " credits";
  if (plan.quality == Quality::kExact) {
    text += "Its decision price is " + price + ": no plan has a lower one" +
            (stream ? " and keeps the promise.\n" : ".\n");
  } else {
    text += "Its decision price is " + price + "; none is below " +
            (stream ? per_hour_text(plan.bound) : format_money(plan.bound) + " credits") + ".\n";
  }
  const Workflow& spec = *row.planned_spec;
  if (stream) {
    text += "An item takes " + latency_text(plan.latency_us) + " from source to sink at most, one way";
    if (spec.latency_us_max > 0) {
      text += "; promised are " + latency_text(spec.latency_us_max) + " for " +
              format_percentile(spec.percentile_ppm) + "%";
    }
    text += ". The slowest way: " + chain_text(status) + ".\n";
  } else {
    text += "It is over after " + span(plan.latency_us) + "; no plan is over before " +
            span(plan.latency_us_bound) + ".";
    if (spec.deadline_us > 0) {
      text += std::string(" That is ") + (plan.in_time ? "within" : "beyond") + " the deadline of " +
              span(spec.deadline_us) + ".";
    }
    text += " What decides it: " + chain_text(status) + ".\n";
  }
  text += "Stages:\n";
  for (const v1::Workflow::StageStatus& stage : status.stages()) {
    text += "  " + stage.name() + " at " + stage.site();
    if (stage.state() == "there") {
      text += ": stands there by itself\n";
      continue;
    }
    text += ": " + stage.state();
    if (stream) {
      text += ", " + per_hour_text(stage.price_nanocredits()) + ", " + latency_text(stage.latency_us()) +
              " for an item";
    } else {
      text +=
          ", planned from " + span(stage.start_us()) + " to " + span(stage.finish_us());
    }
    if (!stage.service_address().empty()) {
      text += ", [" + stage.service_address() + "]:" + std::to_string(stage.service_port());
    }
    text += "\n";
    if (!stage.why().empty()) text += "    " + stage.why() + "\n";
  }
  if (!status.transfers().empty()) text += stream ? "Edges:\n" : "What moves:\n";
  for (int t = 0; t < status.transfers_size(); ++t) {
    const v1::Workflow::TransferStatus& transfer = status.transfers(t);
    text += "  " + transfer.from() + " -> " + transfer.to();
    if (transfer.links().empty() && stays(row, plan.transfers[static_cast<size_t>(t)])) {
      text += ": within the site\n";
      continue;
    }
    text += ": " + format_bandwidth(transfer.bps()) + ", " + latency_text(transfer.latency_us()) + ", over";
    if (transfer.links().empty()) text += " more than " + std::to_string(limits::kPathLinksMax) + " links";
    for (int i = 0; i < transfer.links_size(); ++i) text += (i == 0 ? " " : ", ") + transfer.links(i);
    if (stream && !transfer.held()) text += "; not reserved, because " + transfer.to() + " runs nothing";
    text += "\n";
  }
  return text;
}

}  // namespace weir::gateway
