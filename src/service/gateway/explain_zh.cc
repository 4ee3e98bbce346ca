#include "service/gateway/explain_zh.h"

#include <algorithm>
#include <set>

#include "core/units/quantity.h"
#include "service/gateway/explain.h"
#include "service/gateway/explain_parts.h"
#include "service/resource/time_text.h"

namespace weir::gateway::zh {
namespace {

std::string number(int64_t value) { return std::to_string(value); }

std::string name(const Graph& graph, SiteId site) {
  return site.valid() && site.index() < graph.site_count() ? graph.site_name(site) : "未知站点";
}

std::string share(int64_t value, int64_t base) { return base <= 0 ? "许多" : percent(value, base); }

// A figure of a code's unit.
std::string figure(ReasonCode code, int64_t value) {
  switch (code) {
    case ReasonCode::kCpu: return format_cpu(value) + " 核";
    case ReasonCode::kMemory: return format_memory(value) + " 内存";
    case ReasonCode::kAccelerators: return number(value) + " 张加速卡";
    case ReasonCode::kAcceleratorShare: return format_milli(value) + " 张加速卡";
    case ReasonCode::kAcceleratorMemory: return format_memory(value) + " 显存";
    case ReasonCode::kBandwidth: return format_bandwidth(value);
    case ReasonCode::kLatency: return latency_text(value);
    case ReasonCode::kAvailability: return format_fraction(value);
    case ReasonCode::kBudget: return per_hour_text(value);
    case ReasonCode::kSpread: return number(value) + " 个站点";
    case ReasonCode::kRegions: return number(value) + " 个地区";
    case ReasonCode::kFailureDomains: return number(value) + " 个故障域";
    case ReasonCode::kSpeed: return "参考核的 " + format_milli(value) + " 倍";
    case ReasonCode::kAcceleratorsLinked: return number(value) + " 张互连的加速卡";
    case ReasonCode::kRack: return number(value) + " 个实例";
    default: return number(value);
  }
}

std::string accelerators(const IntentSpec& spec, int64_t count) {
  const Workload& work = spec.workload;
  std::string able;
  if (work.accelerator_fp16_gflops_min > 0) able = "不低于 " + format_milli(work.accelerator_fp16_gflops_min) + " TFLOPS";
  if (work.accelerator_memory_mib > 0) able += (able.empty() ? "" : "、") + ("显存不少于 " + format_memory(work.accelerator_memory_mib));
  return number(count) + " 张空闲的" + (work.accelerator_model.empty() ? "" : " " + work.accelerator_model + " ") + "加速卡" + (able.empty() ? "" : "（" + able + "）");
}

std::string spare(const IntentSpec& spec) { return spec.workload.best_effort ? "多余" : "空闲"; }

std::string subject(const Graph& graph, const Reason& reason) {
  const auto row = static_cast<size_t>(reason.needed);
  if (reason.needed < 0) return "它所指的对象";
  if (reason.code == ReasonCode::kDataElsewhere) return row < graph.dataset_count() ? graph.dataset(DatasetId(row)).spec.name : "某个数据集";
  return row < graph.intent_count() ? graph.intent_name(IntentId(row)) : "另一个意图";
}

std::string whereabouts(const Graph& graph, const Reason& reason) {
  constexpr size_t kNamed = 3;
  const std::set<SiteId> at = whereabouts_of(graph, reason);
  if (at.empty()) return "（现在哪里都没有）";
  std::vector<std::string> names;
  for (const SiteId site : at) {
    if (names.size() < kNamed) names.push_back(name(graph, site));
  }
  return "（它在 " + joined(names, "、") + (at.size() > kNamed ? " 等 " + std::to_string(at.size()) + " 个站点" : "") + "）";
}

std::string kept_text(const Graph& graph, const Reason& reason) {
  const auto kept = kept_link(graph, reason);
  if (!kept) return "";
  return "：链路 " + graph.link_name(kept->link) + " 的 " + format_bandwidth(kept->kept_bps) + " 被预留到 " + resource::format_time(kept->until);
}

// What no site does: "空闲 4 核".
std::string needs(const Graph& graph, const IntentSpec& spec, const Reason& reason) {
  switch (reason.code) {
    case ReasonCode::kAccelerators: return "有 " + accelerators(spec, reason.needed);
    case ReasonCode::kAcceleratorShare:
    case ReasonCode::kAcceleratorMemory: return "在一张卡上有 " + figure(reason.code, reason.needed) + "空闲";
    case ReasonCode::kCpu:
    case ReasonCode::kMemory: return "有 " + figure(reason.code, reason.needed) + spare(spec);
    case ReasonCode::kBandwidth: return "在到达它的路径上有 " + figure(reason.code, reason.needed) + " 的余量";
    case ReasonCode::kLatency: return "能在 " + figure(reason.code, reason.needed) + " 内应答";
    case ReasonCode::kAvailability: return "达到 " + figure(reason.code, reason.needed) + " 的可用性";
    case ReasonCode::kOverload: return "跟得上这些流";
    case ReasonCode::kResidency: return "带有驻留标签 " + joined(spec.where.residency, "、");
    case ReasonCode::kSiteNotUp: return "在线";
    case ReasonCode::kNoPath: return "能经由可用的链路到达";
    case ReasonCode::kForbidden: return "在意图允许的地点之列";
    case ReasonCode::kSteering: return "能经由路由所走的路径到达";
    case ReasonCode::kTaint: return "只有它能容忍的污点";
    case ReasonCode::kAffinity: return "有 " + subject(graph, reason) + " 的实例";
    case ReasonCode::kAntiAffinity: return "没有 " + subject(graph, reason) + " 的实例";
    case ReasonCode::kDataElsewhere: return "存有数据集 " + subject(graph, reason);
    case ReasonCode::kSpeed: return "有速度不低于" + figure(reason.code, reason.needed) + "的核";
    case ReasonCode::kAcceleratorsLinked: return "有 " + figure(reason.code, reason.needed) + "空闲";
    case ReasonCode::kRack: return "有能放下 " + figure(reason.code, reason.needed) + "的机架";
    default: return "合适";
  }
}

std::string whole_text(const Graph& graph, const IntentSpec& spec, const Reason& reason) {
  switch (reason.code) {
    case ReasonCode::kChosen: return spec.workload.kind == WorkKind::kJob ? "这是有空位的地方中最便宜的" : "这是守得住承诺的方案中最便宜的";
    case ReasonCode::kCpu:
    case ReasonCode::kMemory:
    case ReasonCode::kAccelerators:
    case ReasonCode::kAcceleratorShare:
    case ReasonCode::kAcceleratorMemory:
      if (const auto room = instances_with_room(spec, reason)) return "它的 " + number(room->second) + " 个实例中，同时只放得下 " + number(room->first) + " 个";
      return "每个实例单独都有站点可去，但没有哪一组站点能同时放下所有实例";
    case ReasonCode::kBandwidth: return "每路流单独都有路可走，但链路容不下全部同时通过";
    case ReasonCode::kRack: return "每个实例单独都有站点可去，但没有机架能同时放下所有实例";
    case ReasonCode::kResidency: return "没有站点能同时具备意图及其数据要求的全部驻留标签";
    case ReasonCode::kIngressDown: return "入口 " + name(graph, reason.ingress) + " 不在线";
    default: return "";
  }
}

// What would have to be otherwise, to follow "若…即可": empty where nobody knows.
std::string condition(const Graph& graph, const IntentSpec& spec, const Reason& reason) {
  const std::string more = figure(reason.code, std::max<int64_t>(0, reason.needed - reason.available));
  switch (reason.code) {
    case ReasonCode::kLatency: return "promise.latency 为 " + latency_text(reason.available) + " 而不是 " + latency_text(reason.needed);
    case ReasonCode::kCpu:
    case ReasonCode::kMemory:
    case ReasonCode::kAccelerators:
    case ReasonCode::kAcceleratorShare:
    case ReasonCode::kAcceleratorMemory:
      if (!reason.site.valid()) {
        const auto room = instances_with_room(spec, reason);
        return room ? "再多出 " + number(room->second - room->first) + " 个实例的空位，或者少要这么多" : "";
      }
      return reason.needed > reason.available ? "那里再有 " + more + spare(spec) : "";
    case ReasonCode::kBandwidth: return reason.site.valid() ? "路径上再多出 " + more + " 的余量，或者流量更少" : "链路的余量更大，或者流量更少";
    case ReasonCode::kBudget: return "budget.max 为每小时 " + format_money((reason.available + 999) / 1000 * 1000);
    case ReasonCode::kForbidden: return "在 where 里去掉这条排除";
    case ReasonCode::kResidency: return "where.residency 或其数据的驻留要求允许";
    case ReasonCode::kSpread: return "where.sites 为 " + number(reason.available);
    case ReasonCode::kRegions: return "where.regions 为 " + number(reason.available);
    case ReasonCode::kFailureDomains: return "where.failure_domains 为 " + number(reason.available);
    case ReasonCode::kTaint: return "where.tolerates 也包括 " + taints_in_the_way(graph, spec, reason.site) + "，或者去掉这些污点";
    case ReasonCode::kAffinity: return "where.near 里没有 " + subject(graph, reason) + "，或者它的实例到了那里";
    case ReasonCode::kAntiAffinity: return "where.apart_from 里没有 " + subject(graph, reason) + "，或者它已离开";
    case ReasonCode::kDataElsewhere: return "不要求 where.at_data，或者那里有数据的副本";
    case ReasonCode::kSpeed: return "where.speed_min 为 " + format_milli(reason.available);
    case ReasonCode::kAcceleratorsLinked: return (reason.available > 1 ? "只要 " + figure(reason.code, reason.available) + "，或者" : std::string()) + "不要求 accelerators_linked";
    case ReasonCode::kRack:
      if (!reason.site.valid() || reason.available >= reason.needed) return "不要求 where.same_rack";
      return "那里有机架能再放下 " + number(reason.needed - reason.available) + " 个，或者也许不要求 where.same_rack";
    case ReasonCode::kAvailability: return "promise.availability 低一些";
    case ReasonCode::kOverload: return "每个实例少于 " + number(spec.workload.streams_per_instance) + " 路，或者每个实例的核更多";
    case ReasonCode::kSteering: return "那里的链路可以引导（SRv6）";
    default: return "";
  }
}

// A reason that is of a site, without the site: "有 2 核空闲，需要 4 核". It follows the name of the site, or another reason of the same site.
std::string about_site(const Graph& graph, const IntentSpec& spec, const Reason& reason) {
  const std::string from = reason.ingress.valid() ? "从 " + name(graph, reason.ingress) + " " : "";
  const auto needed = [&] { return figure(reason.code, reason.needed); };
  const auto available = [&] { return figure(reason.code, reason.available); };
  switch (reason.code) {
    case ReasonCode::kNone: return "合适";
    case ReasonCode::kChosen: return std::string("被选中：") + (spec.workload.kind == WorkKind::kJob ? "有空位的地方中最便宜" : "守得住承诺的方案中最便宜");
    case ReasonCode::kPrice: return from + "可行，但更贵：" + per_hour_text(reason.available) + "，而选中的是" + per_hour_text(reason.needed);
    case ReasonCode::kForbidden: return "被意图自己的 where 排除";
    case ReasonCode::kResidency: return "缺少意图或其数据要求的驻留标签";
    case ReasonCode::kSiteNotUp: return "不在线";
    case ReasonCode::kAccelerators: return "只有 " + number(reason.available) + " 张，需要 " + accelerators(spec, reason.needed);
    case ReasonCode::kAcceleratorShare: return "没有哪张加速卡空闲 " + format_milli(reason.needed) + "：最多的空闲 " + format_milli(reason.available);
    case ReasonCode::kAcceleratorMemory: return "没有哪张加速卡空闲 " + needed() + "：最多的空闲 " + available();
    case ReasonCode::kCpu:
    case ReasonCode::kMemory: return "有 " + available() + spare(spec) + "，需要 " + needed();
    case ReasonCode::kNoPath: return from + "无法经由可用的链路到达";
    case ReasonCode::kBandwidth: return from + "到达它只有 " + available() + "，需要 " + needed() + kept_text(graph, reason);
    case ReasonCode::kLatency: return from + "最快 " + available() + " 应答";
    case ReasonCode::kOverload: return "有实例跟不上它的流";
    case ReasonCode::kAvailability: return "达到的可用性是 " + available() + "，承诺的是 " + needed();
    case ReasonCode::kTaint: return "有它不能容忍的污点：" + taints_in_the_way(graph, spec, reason.site);
    case ReasonCode::kAffinity: return "没有 " + subject(graph, reason) + " 的实例，而它要与之靠近" + whereabouts(graph, reason);
    case ReasonCode::kAntiAffinity: return "有 " + number(reason.available) + " 个 " + subject(graph, reason) + " 的实例，而它要与之分开";
    case ReasonCode::kDataElsewhere: return "没有数据集 " + subject(graph, reason) + whereabouts(graph, reason);
    case ReasonCode::kSpeed: return "最快的核是" + available() + "，要求不低于 " + format_milli(reason.needed) + " 倍";
    case ReasonCode::kAcceleratorsLinked: return "没有 " + needed() + "空闲：最多的有 " + number(reason.available) + " 张";
    case ReasonCode::kRack: return "没有能放下 " + needed() + "的机架：最好的放得下 " + number(reason.available) + " 个";
    case ReasonCode::kSteering: return from + "只能经由不可引导的链路到达";
    default: return "";
  }
}

std::string instead_of_bill(Nanocredits billed) {
  if (billed == 0) return "，全部是稀缺与碳的权重";
  if (billed > 0) return "，其中账单多出" + per_hour_text(billed);
  return "，虽然账单会少" + per_hour_text(-billed) + "：稀缺与碳的权重更大";
}

std::string protection_text(const Graph& graph, const Flow& flow) {
  if (flow.protection.empty()) return "没有第二条路径保护它。";
  return "路径中断时，流量立即改走 " + joined(hops(graph, flow.ingress, flow.protection), " > ") + "。";
}

std::string group_text(const Graph& graph, const IntentSpec& spec, const Plan& plan, const Group& group) {
  const Flow& flow = *group.worst;
  const std::string site = name(graph, plan.placements[flow.placement].site), from = name(graph, group.ingress), way = joined(group.way, " > ");
  const auto count = static_cast<int64_t>(group.placements.size());
  if (group.streams == 0) {
    return from + " 与 " + site + " 的实例之间，双向各交换至多 " + format_bandwidth(flow.up_bps * count) + "（每个实例 " + format_bandwidth(spec.traffic.between_bps) +
           "），路径 " + way + "。\n  往返 " + latency_text(flow.latency_us_path) + "。路径" + per_hour_text(group.path) + "。" + protection_text(graph, flow) + "\n";
  }
  std::string out = from + " 的 " + number(group.streams) + " 路流去 " + site + "（" + number(count) + " 个实例）" +
                    (flow.path.empty() ? "，不出站点。\n" : "，路径 " + way + "。\n");
  out += "  预计 " + latency_text(flow.latency_us_predicted) + "：路径 " + latency_text(flow.latency_us_path) + "，发送 " + latency_text(flow.latency_us_serialisation) +
         "，处理 " + latency_text(flow.latency_us_work) + "，排队 " + latency_text(flow.latency_us_queueing) + "。";
  if (spec.promise.latency_us_max != 0) {
    out += "承诺 " + latency_text(spec.promise.latency_us_max) + "，余 " + latency_text(spec.promise.latency_us_max - flow.latency_us_predicted) + "。";
  }
  out += "\n  实例" + per_hour_text(compute_per_hour(plan, group)) + "，路径" + per_hour_text(group.path) + "。";
  return out + (flow.path.empty() ? "" : protection_text(graph, flow)) + "\n";
}

std::string quality_text(const Plan& plan) {
  if (of_a_pass(plan.reason.code)) return "对全体最好的，不一定是单独对这个意图最便宜的。";
  switch (plan.quality) {
    case Quality::kExact: return "站点与路径的其他每一种组合都更贵：这个方案确实最便宜。";
    case Quality::kBounded:
      return "没有方案能低于" + per_hour_text(plan.bound) + "（这一个是" + per_hour_text(plan.decision_price) + "），所以最多还能省 " + share(plan.decision_price - plan.bound, plan.bound) + "。";
    case Quality::kHeuristic: return "搜索在证明没有更便宜的方案之前就结束了，共 " + std::to_string(plan.steps) + " 步。";
  }
  return {};
}

std::string places_text(const Graph& graph, const Plan& plan) {
  constexpr size_t kNamed = 8;
  const auto places = places_of(plan);
  std::vector<std::string> parts;
  for (const auto& [place, count] : places) {
    if (parts.size() == kNamed) {
      parts.push_back("另外 " + std::to_string(places.size() - kNamed) + " 个节点");
      break;
    }
    parts.push_back(name(graph, place.first) + (place.second.index() < graph.node_count() ? " 的节点 " + graph.node_name(place.second) : "") + " 上 " + number(count) + " 个实例");
  }
  return joined(parts, "，");
}

}  // namespace

std::string before(const std::string& chinese, const std::string& text) {
  return chinese + (!text.empty() && static_cast<unsigned char>(text.front()) < 0x80 ? " " : "") + text;
}

std::string per_hour_text(Nanocredits nanocredits) { return "每小时 " + credits_text(nanocredits) + " 信用点"; }

std::string reason_text(const Graph& graph, const IntentSpec& spec, const Reason& reason) {
  if (!reason.site.valid()) {
    if (std::string text = whole_text(graph, spec, reason); !text.empty()) return text;
  }
  const std::string site = reason.site.valid() ? name(graph, reason.site) : "意图";
  const std::string available = figure(reason.code, reason.available), needed = number(reason.needed);
  switch (reason.code) {
    case ReasonCode::kBudget: return "可行的方案最便宜也要" + available + "，预算是" + per_hour_text(reason.needed);
    case ReasonCode::kSpread: return "只有 " + available + "能承担一部分，而 where.sites 要求 " + needed;
    case ReasonCode::kRegions: return "只有 " + available + "能承担一部分，而 where.regions 要求 " + needed;
    case ReasonCode::kFailureDomains: return "只有 " + available + "能承担一部分，而 where.failure_domains 要求 " + needed;
    case ReasonCode::kIngressDown: return "入口 " + (reason.ingress.valid() ? name(graph, reason.ingress) : site) + " 不在线";
    case ReasonCode::kSearchBudget: return "搜索结束时还没有找到可行的方案；情况一有缓解就会再试";
    case ReasonCode::kRestarting: return "它的运行一再结束，下一次在 " + latency_text(reason.needed) + " 之后启动";
    case ReasonCode::kTogether: return "对全域的统筹选择了 " + site + "：大家合计少付" + per_hour_text(reason.needed);
    case ReasonCode::kConsolidated: return "一个实例移到了 " + site + " 的另一个节点，好让那里空闲的部分连成一片：" + per_hour_text(reason.needed) + "的空闲变得可用";
    case ReasonCode::kRerouted:
      return (reason.ingress.valid() ? name(graph, reason.ingress) + " 的" : std::string()) + "流量被引离拥挤的链路：途中最满的链路利用率从 " + percent(reason.needed, kPpm) + " 降到 " +
             percent(reason.available, kPpm);
    default: return site + " " + about_site(graph, spec, reason);
  }
}

std::string alternative_text(const Graph& graph, const IntentSpec& spec, const Plan& plan, const Alternative& alternative) {
  const Reason& reason = alternative.reason;
  if (reason.code != ReasonCode::kPrice && reason.code != ReasonCode::kCpu) {
    std::string out = reason_text(graph, spec, reason);
    if (reason.code == ReasonCode::kLatency) out += "，承诺的是 " + latency_text(reason.needed);
    return out;
  }
  if (alternative.decision_price == 0 && alternative.path.empty()) return reason_text(graph, spec, reason);
  const std::string site = name(graph, reason.site), keeps = " 也守得住承诺（" + latency_text(alternative.latency_us_predicted) + "）";
  if (reason.code == ReasonCode::kCpu) {
    if (alternative.decision_price >= plan.decision_price) return site + keeps + "，但更贵，而且在方案的其余部分之外没有空位";
    return site + " 会更便宜（" + per_hour_text(alternative.decision_price) + "，而选中的是" + per_hour_text(plan.decision_price) + "），但在方案的其余部分之外没有空位";
  }
  const Nanocredits more = alternative.decision_price - plan.decision_price;
  if (more == 0) return site + keeps + "，价格相同；相同时取编号小的站点";
  return site + keeps + "，但方案的权重会是" + per_hour_text(alternative.decision_price) + "而不是" + per_hour_text(plan.decision_price) + "：多 " + share(more, plan.decision_price) +
         instead_of_bill(alternative.billed_per_hour - plan.billed_per_hour);
}

std::vector<std::string> refusal_sentences(const Graph& graph, const IntentSpec& spec, const Refusal& refusal) {
  std::vector<std::string> out;
  for (size_t i = 0, next = 0; i < refusal.reasons.size(); i = next) {
    const Reason& reason = refusal.reasons[i];
    std::string text;
    if (i == 0 && reason.site.valid()) {
      const bool bounded = spec.promise.latency_us_max != 0 && reason.code != ReasonCode::kLatency && reason.ingress.valid();
      if (reason.ingress.valid()) text += (bounded ? "距 " : "服务于 ") + name(graph, reason.ingress) + (bounded ? " " + latency_text(spec.promise.latency_us_max) + " 以内的站点中，" : " 的站点中，");
      text += (text.empty() ? "没有一个站点" : "没有一个") + needs(graph, spec, reason) + "；最接近的是：";
    }
    text += reason_text(graph, spec, reason);
    std::string what = condition(graph, spec, reason);
    // All that one site lacks is said at once: only together would the changes do.
    for (next = i + 1; next < refusal.reasons.size() && reason.site.valid() && refusal.reasons[next].site == reason.site; ++next) {
      text += "，而且" + about_site(graph, spec, refusal.reasons[next]);
      const std::string also = condition(graph, spec, refusal.reasons[next]);
      what = what.empty() || also.empty() ? "" : what + before("，并且", also);
    }
    out.push_back(text + "。" + (what.empty() ? "" : before("若", what) + "，即可。"));
  }
  if (out.empty()) out.emplace_back("没有指出任何约束。");
  return out;
}

std::string explain_plan(const Graph& graph, const IntentSpec& spec, const Plan& plan, SiteId ingress) {
  std::set<SiteId> sites;
  int64_t worst = 0;
  int32_t streams = 0;
  for (const Placement& placement : plan.placements) sites.insert(placement.site);
  for (const Flow& flow : plan.flows) {
    worst = std::max(worst, flow.latency_us_predicted);
    streams += flow.streams;
  }
  const std::string found = plan.quality == Quality::kExact ? "" : "找到的";
  std::string out = of_a_pass(plan.reason.code) ? reason_text(graph, spec, plan.reason) + "。\n" : "";
  if (streams == 0 && out.empty()) {
    out = found + "有空位的地方中最便宜的：" + places_text(graph, plan);
  } else {
    out += (out.empty() ? found + "守得住承诺的方案中最便宜的：" : "方案守得住承诺：") + number(streams) + " 路流，" + std::to_string(plan.placements.size()) + " 个实例，" +
           std::to_string(sites.size()) + " 个站点";
  }
  out += "，计费" + per_hour_text(plan.billed_per_hour);
  if (spec.budget_per_hour_max != 0) out += "，预算" + per_hour_text(spec.budget_per_hour_max);
  out += "。\n";
  if (is_malleable(spec.schedule)) {
    const auto has = static_cast<int32_t>(plan.placements.size());
    out += "它有 " + number(spec.schedule.instances) + " 个实例中的 " + number(has) + " 个，" + number(spec.schedule.instances_min) + " 个就够用：" +
           (has < spec.schedule.instances ? "有了等待的作业都用不上的空位时，会再给它。\n" : "超出的部分会还给等待的作业。\n");
  }
  if (spec.promise.latency_us_max != 0 && !plan.flows.empty()) {
    out += "在第 " + format_percentile(spec.promise.percentile_ppm) + " 百分位，最慢的一路 " + latency_text(worst) + " 应答，承诺 " + latency_text(spec.promise.latency_us_max) + "。\n";
  }
  out += "功耗 " + format_power(plan.power_mw) + "，每小时排放 " + number(plan.carbon_mg_per_hour) + " mg CO2。" +
         (plan.decision_price == plan.billed_per_hour ? "决策中没有稀缺或碳的权重。\n"
                                                      : "在账单之外，稀缺与碳的权重是" + per_hour_text(plan.decision_price - plan.billed_per_hour) + "；它们参与决策，从不计费。\n");
  for (const Group& group : groups_of(graph, plan, ingress)) out += "\n" + group_text(graph, spec, plan, group);
  if (!plan.alternatives.empty()) {
    const SiteId chosen = plan.reason.site;
    out += "\n为什么不在别处";
    if (chosen.valid()) {
      out += "（指 " + name(graph, chosen) + (plan.reason.ingress.valid() ? " 上为 " + name(graph, plan.reason.ingress) + " 服务" : " 上") + "的实例）";
    }
    out += "：\n";
    for (const Alternative& alternative : plan.alternatives) out += "  - " + alternative_text(graph, spec, plan, alternative) + "。\n";
  }
  return out + "\n" + quality_text(plan) + "\n";
}

std::string explain_refusal(const Graph& graph, const IntentSpec& spec, const Refusal& refusal) {
  std::string out = "现在没有方案能满足它。\n";
  for (const std::string& sentence : refusal_sentences(graph, spec, refusal)) out += "  - " + sentence + "\n";
  return out + "情况一有缓解就会重新决定。\n";
}

}  // namespace weir::gateway::zh
