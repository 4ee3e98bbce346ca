#include "service/gateway/event_zh.h"

#include "core/graph/subject.h"
#include "core/units/quantity.h"
#include "service/gateway/event_parts.h"
#include "service/gateway/explain.h"
#include "service/gateway/explain_zh.h"
#include "service/gateway/learn.h"
#include "service/gateway/names.h"

namespace weir::gateway::zh {
namespace {

std::string number(int64_t value) { return std::to_string(value); }

std::string_view state_name(Liveness state) {
  switch (state) {
    case Liveness::kUnknown: return "未知";
    case Liveness::kUp: return "正常";
    case Liveness::kDraining: return "排空中";
    case Liveness::kDown: break;
  }
  return "中断";
}

std::string_view state_name(RunState state) {
  switch (state) {
    case RunState::kPlanned: return "已计划";
    case RunState::kStarting: return "启动中";
    case RunState::kRunning: return "运行中";
    case RunState::kStopping: return "停止中";
    case RunState::kExited: return "已退出";
    case RunState::kFailed: return "失败";
    case RunState::kLost: break;
  }
  return "失联";
}

std::string_view blame_name(Blame blame) {
  switch (blame) {
    case Blame::kUnsaid: return "";
    case Blame::kSlow: return "太慢";
    case Blame::kDear: return "太贵";
    case Blame::kDirty: return "碳排放太高";
    case Blame::kUnreliable: return "不可靠";
    case Blame::kOther: break;
  }
  return "其他原因";
}

class Teller {
 public:
  explicit Teller(const Graph& graph) : graph_(graph), names_(graph) {}

  std::string operator()(const DomainCreated&) const { return "域创建。"; }
  std::string operator()(const PricesRevised& e) const { return "价格策略 " + number(e.policy) + " 生效。"; }
  std::string operator()(const BrainStarted& e) const { return "大脑 " + e.version + " 启动，纪元 " + number(static_cast<int64_t>(e.epoch)) + "。"; }
  std::string operator()(const TenantDefined&) const { return "定义了租户。"; }
  std::string operator()(const RouterDefined&) const { return "定义了路由器。"; }
  std::string operator()(const SiteDefined& e) const { return "描述了站点；每核小时 " + format_money(e.spec.asks.per_core_hour) + " 信用点。"; }
  std::string operator()(const LinkDefined& e) const { return "描述了链路：" + format_bandwidth(e.spec.bandwidth_bps) + "，单程 " + latency_text(e.spec.latency_us) + "。"; }
  std::string operator()(const DatasetDefined&) const { return "定义了数据集。"; }
  std::string operator()(const NodesReported& e) const {
    int64_t cpu = 0;
    for (const NodeSpec& node : e.nodes) cpu += node.cpu_milli;
    return count(e.nodes.size(), "个节点") + "提供 " + format_cpu(cpu) + " 核。";
  }
  std::string operator()(const SiteStateChanged& e) const { return "站点" + std::string(state_name(e.state)) + because(e.why); }
  std::string operator()(const LinkStateChanged& e) const { return "链路 " + names_.direction(e.link) + (e.up ? " 正常" : " 中断") + because(e.why); }
  std::string operator()(const LinkMeasured& e) const {
    return "实测 " + names_.direction(e.link) + "：单程 " + latency_text(e.latency_us) + "，抖动 " + latency_text(e.jitter_us) + "，丢包 " + format_fraction(e.loss_ppm) + "。";
  }
  std::string operator()(const IntentSubmitted& e) const {
    return e.array.valid() ? "提交了所属数组的第 " + number(e.task) + " 个任务。" : "提交了第 " + number(static_cast<int64_t>(e.generation)) + " 代。";
  }
  std::string operator()(const IntentWithdrawn& e) const { return e.finished ? "已完成：每次运行都正常结束。" : "已撤回" + because(e.why); }
  std::string operator()(const PlanCommitted& e) const {
    const Plan& p = e.plan;
    return "第 " + number(static_cast<int64_t>(p.generation)) + " 代的方案，" + count(p.placements.size(), "个实例") + "，" + per_hour_text(p.billed_per_hour) +
           (p.reason.code == ReasonCode::kTogether       ? "，由对全域的统筹选出。"
            : p.reason.code == ReasonCode::kConsolidated ? "，一个实例移到了本站点的另一个节点。"
            : p.reason.code == ReasonCode::kRerouted     ? "，流量绕开了拥挤的链路。"
                                                         : "。");
  }
  std::string operator()(const PlanRetired& e) const { return "方案 " + number(static_cast<int64_t>(e.plan)) + " 归还了它占用的资源。"; }
  std::string operator()(const IntentRefused& e) const {
    const IntentId id = e.refusal.intent;
    if (id.index() >= graph_.intent_count()) return "被拒绝。";
    return "被拒绝：" + refusal_sentences(graph_, *graph_.intent(id).spec, e.refusal).front();
  }
  std::string operator()(const RunStateChanged& e) const { return "运行 " + run_text(e.run) + " " + std::string(state_name(e.state)) + because(e.why); }
  std::string operator()(const UsageReported& e) const {
    if (e.to <= e.from) return "运行 " + run_text(e.run) + " 什么也没有用。";
    return format_duration(e.to - e.from) + " 内用了 " + format_duration(e.cpu_us) + " 处理器时间。";
  }
  std::string operator()(const PathSwitched& e) const {
    return "方案 " + number(static_cast<int64_t>(e.plan)) + " 的流 " + number(e.flow) + (e.to_protection ? " 切换到保护路径。" : " 回到工作路径。");
  }
  std::string operator()(const PromiseMeasured& e) const {
    return names_.site(e.ingress) + "：" + number(static_cast<int64_t>(e.samples)) + " 次里 " + number(static_cast<int64_t>(e.misses)) + " 次超时，" +
           number(static_cast<int64_t>(e.lost)) + " 次丢失；p50 " + latency_text(e.latency_us_p50) + "，p99 " + latency_text(e.latency_us_p99) + "。";
  }
  std::string operator()(const PromiseStateChanged& e) const { return (e.kept ? "守约" : "违约") + because(e.why); }
  std::string operator()(const TokenIssued& e) const { return (e.join ? "站点 " + e.subject + " 的加入令牌。" : e.subject + " 的令牌。"); }
  std::string operator()(const TokenRedeemed& e) const { return "已由 " + e.by + " 使用。"; }
  std::string operator()(const TokenRevoked&) const { return "已吊销。"; }
  std::string operator()(const CertificateIssued& e) const { return "签发了证书 " + e.serial + "。"; }
  std::string operator()(const WorkMeasured& e) const { return "一次请求要 " + format_work(e.work_us_per_request) + "，比声明的多。"; }
  std::string operator()(const CertificateRevoked& e) const { return "它的证书已吊销：" + e.why + "。"; }
  std::string operator()(const SiteSteeringChanged& e) const { return e.steerable ? "它的代理能引导流量。" : "它的代理不能引导流量" + because(e.why); }
  std::string operator()(const QueueDefined&) const { return "定义了队列。"; }
  std::string operator()(const ReservationDefined& e) const {
    const ReservationSpec& spec = e.spec;
    if (!spec.ingress.valid()) return "预留了空位。";
    return std::string(spec.amount == Quota{} ? "预留了带宽" : "预留了空位和带宽") + "：从 " + names_.site(spec.ingress) + " 去 " + format_bandwidth(spec.up_bps) + "，回 " +
           format_bandwidth(spec.down_bps) + "，经过 " + names_.links(spec.path, "、") + "。";
  }
  std::string operator()(const ReservationCancelled& e) const {
    const bool over = e.reservation.index() < graph_.reservation_count() && !graph_.reservation(e.reservation).cancelled;
    return over ? "预留到期：它在链路上占的带宽已归还。" : "预留已取消。";
  }
  std::string operator()(const HourBegan& e) const {
    return "现在是 " + std::string(e.hour < 10 ? "0" : "") + number(e.hour) + ":00 UTC：此刻开始的作业按各站点这个小时的要价付费。";
  }
  std::string operator()(const JobResized& e) const { return "实例数改为 " + number(e.instances) + because(e.why); }
  std::string operator()(const ReclaimableMeasured& e) const {
    int64_t cpu_milli = 0, memory_mib = 0;
    for (const NodeReclaimable& node : e.nodes) {
      cpu_milli += node.cpu_milli;
      memory_mib += node.memory_mib;
    }
    return count(e.nodes.size(), "个节点") + "上预留而未用的 " + format_milli(cpu_milli) + " 核和 " + format_memory(memory_mib) + " 内存可以给尽力而为的工作。";
  }
  std::string operator()(const ShadowPricesRevised& e) const {
    const size_t scarce = e.sites.size() + e.links.size();
    return "做了一次全域统筹：可以移动的 " + number(e.items) + " 个意图里有 " + number(e.served_after) + " 个得到服务" +
           (e.bound == 0 ? "" : "，比下界高 " + percent(e.after - e.bound, e.bound)) +
           (e.moves == 0             ? "；没有值得移动的"
            : e.before > e.after ? "；建议移动 " + number(e.moves) + " 处，这些意图的价格降低" + per_hour_text(e.before - e.after)
                                     : "；建议移动 " + number(e.moves) + " 处，涉及其他服务，或者为了疏通占满的链路、把空闲连成一片") +
           "；" + (scarce == 0 ? std::string("没有稀缺之处") : number(static_cast<int64_t>(scarce)) + " 处稀缺") + "。";
  }
  std::string operator()(const WorkflowSubmitted& e) const {
    return "第 " + number(static_cast<int64_t>(e.generation)) + " 代：有 " + count(e.spec.stages.size(), "个阶段") + "的" + (e.spec.kind == WorkflowKind::kStream ? "流" : "批处理") + "。";
  }
  std::string operator()(const WorkflowPlanned& e) const {
    if (e.refused) return "被拒绝：" + e.why + (e.where.empty() ? "。" : "（" + e.where + "）。");
    return (e.why.empty() ? std::string("已规划") : "重新规划（" + e.why + "）") + "：" + names_.stages(e, " 在 ", "，") + "。";
  }
  std::string operator()(const WorkflowWithdrawn& e) const { return (e.finished ? "每个阶段都正常结束" : "工作流已撤回") + because(e.why); }
  std::string operator()(const NodeCordoned& e) const { return e.cordoned ? "节点不再接新工作" + because(e.why) : "节点重新接工作。"; }
  std::string operator()(const DialogueHeld& e) const {
    std::string out;
    for (const DialogueOffer& offer : e.offers) {
      const std::string name = names_.intent(offer.intent, "什么也没有");
      out += (out.empty() ? "" : "；") + (e.end == DialogueEnd::kTaken      ? before("得到了", name) + (offer.taken.empty() ? "" : before("，选的是", offer.taken))
                                          : e.end == DialogueEnd::kDeclined ? std::string("提供的方案被谢绝")
                                                                            : std::string("提供的方案没有答复"));
      if (e.end != DialogueEnd::kTaken) break;
    }
    return "一次对话结束：" + out + "。" + (e.said.empty() ? "" : "说的是：“" + e.said + "”。");
  }
  std::string operator()(const IntentRated& e) const {
    return (e.good ? std::string("评价：好") : "评价：不好" + (e.blame == Blame::kUnsaid ? "" : "，" + std::string(blame_name(e.blame)))) +
           (e.comment.empty() ? "。" : "：“" + e.comment + "”。");
  }
  std::string operator()(const JobPreempted& e) const {
    const std::string whom = names_.preemptor(e, "其他租户的工作");
    return "它交出占用的资源" + (whom.empty() ? "" : before("，让位给", whom)) + "，重新等待" + because(e.why);
  }

 private:
  static std::string count(size_t number_of, const char* what) { return std::to_string(number_of) + " " + what; }
  static std::string because(const std::string& why) { return why.empty() ? "。" : "：" + why + "。"; }

  const Graph& graph_;
  const EventNames names_;
};

}  // namespace

std::string event_text(const Graph& graph, const Event& event) { return std::visit(Teller(graph), event.body); }

}  // namespace weir::gateway::zh
