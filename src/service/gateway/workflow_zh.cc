#include "service/gateway/workflow_zh.h"

#include <algorithm>
#include <array>

#include "core/event/limits.h"
#include "core/units/quantity.h"
#include "service/gateway/explain.h"
#include "service/gateway/explain_zh.h"
#include "service/gateway/waiting_parts.h"
#include "service/gateway/workflow_parts.h"
#include "weir/v1/resource.pb.h"

namespace weir::gateway::zh {
namespace {

// Of workflows and their stages, as the console says it.
std::string state_name(const std::string& state) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kNames = {{{"pending", "待决策"},
                                                                                    {"planned", "已计划"},
                                                                                    {"placed", "已放置"},
                                                                                    {"running", "运行中"},
                                                                                    {"waiting", "等待中"},
                                                                                    {"refused", "被拒绝"},
                                                                                    {"finished", "已完成"},
                                                                                    {"withdrawn", "已撤回"},
                                                                                    {"failed", "失败"}}};
  const auto found = std::find_if(kNames.begin(), kNames.end(), [&state](const auto& name) { return name.first == state; });
  return found == kNames.end() ? state : std::string(found->second);
}

std::string place(const std::string& path) { return path.empty() ? "" : "（" + path + "）"; }

std::string price_text(Nanocredits price, bool stream) { return stream ? per_hour_text(price) : " " + format_money(price) + " 信用点"; }

std::string stages_text(const v1::Workflow::Status& status, bool stream) {
  std::string text = "阶段：\n";
  for (const v1::Workflow::StageStatus& stage : status.stages()) {
    text += "  " + stage.name() + " 在 " + stage.site() + "：";
    if (stage.state() == "there") {
      text += "本来就在那里\n";
      continue;
    }
    text += state_name(stage.state());
    text += stream ? "，" + per_hour_text(stage.price_nanocredits()) + "，处理一项 " + latency_text(stage.latency_us())
                   : "，计划从 " + span(stage.start_us()) + " 到 " + span(stage.finish_us());
    if (!stage.service_address().empty()) text += "，[" + stage.service_address() + "]:" + std::to_string(stage.service_port());
    text += "\n";
    if (!stage.why().empty()) text += "    " + stage.why() + "\n";
  }
  return text;
}

std::string transfers_text(const WorkflowRow& row, const v1::Workflow::Status& status, bool stream) {
  if (status.transfers().empty()) return "";
  std::string text = stream ? "边：\n" : "要移动的数据：\n";
  for (int t = 0; t < status.transfers_size(); ++t) {
    const v1::Workflow::TransferStatus& transfer = status.transfers(t);
    text += "  " + transfer.from() + " -> " + transfer.to() + "：";
    if (transfer.links().empty() && stays(row, row.plan->transfers[static_cast<size_t>(t)])) {
      text += "在站点之内\n";
      continue;
    }
    text += format_bandwidth(transfer.bps()) + "，" + latency_text(transfer.latency_us()) + "，经过";
    if (transfer.links().empty()) text += "超过 " + std::to_string(limits::kPathLinksMax) + " 条链路";
    for (int i = 0; i < transfer.links_size(); ++i) text += (i == 0 ? " " : "、") + transfer.links(i);
    if (stream && !transfer.held()) text += "；没有预留，因为 " + transfer.to() + " 什么也不运行";
    text += "\n";
  }
  return text;
}

}  // namespace

std::string explain_workflow(const ViewSources& from, WorkflowId id, const v1::Resource& shown) {
  const Graph& graph = from.graph;
  const WorkflowRow& row = graph.workflow(id);
  const v1::Workflow::Status& status = shown.workflow().status();
  const bool stream = row.spec->kind == WorkflowKind::kStream;
  std::string text = graph.workflow_name(id) + "，第 " + std::to_string(row.generation) + " 代：有 " + std::to_string(row.spec->stages.size()) + " 个阶段的" +
                     (stream ? "流" : "批处理") + "，" + state_name(status.state()) + "\n";
  if (row.refusal) {
    text += std::string(row.state == WorkflowState::kRefused ? "没有方案" : "找过新方案，没有") + "，最近一次在版本 " + std::to_string(row.refusal->basis) + "（账本所记的原因：" +
            row.refusal->why + "）" + place(row.refusal->where) + "。情况一有缓解就会再试。\n";
  }
  if (!row.plan) return text + (row.state == WorkflowState::kPending ? "正在规划。\n" : "");
  const WorkflowPlanned& plan = *row.plan;
  if (plan.generation != row.generation) text += "在此期间，第 " + std::to_string(plan.generation) + " 代的方案继续：\n";
  text += "在版本 " + std::to_string(plan.basis) + " 规划" + (plan.why.empty() ? "" : "（账本所记的原因：" + plan.why + "）") + "。\n";
  text += "决策价格是" + price_text(plan.price, stream);
  text += plan.quality == Quality::kExact ? std::string(stream ? "：遵守承诺的方案没有更低的。\n" : "：没有更低的方案。\n")
                                          : "；没有方案能低于" + price_text(plan.bound, stream) + "。\n";
  const Workflow& spec = *row.planned_spec;
  if (stream) {
    text += "一项从源到汇单程最多 " + latency_text(plan.latency_us);
    if (spec.latency_us_max > 0) text += "；承诺是 " + format_percentile(spec.percentile_ppm) + "% 不超过 " + latency_text(spec.latency_us_max);
    text += "。最慢的一路：" + chain_text(status) + "。\n";
  } else {
    text += span(plan.latency_us) + " 后结束；没有方案能在 " + span(plan.latency_us_bound) + " 之前结束。";
    if (spec.deadline_us > 0) text += "截止是 " + span(spec.deadline_us) + "，" + (plan.in_time ? "赶得上。" : "赶不上。");
    text += "起决定作用的是：" + chain_text(status) + "。\n";
  }
  return text + stages_text(status, stream) + transfers_text(row, status, stream);
}

}  // namespace weir::gateway::zh
