#include "infrastructure/store/event_summary.h"

#include <variant>

#include "core/units/quantity.h"

namespace weir::store {
namespace {

std::string_view name_of(Liveness state) {
  switch (state) {
    case Liveness::kUnknown:
      return "unknown";
    case Liveness::kUp:
      return "up";
    case Liveness::kDraining:
      return "draining";
    case Liveness::kDown:
      return "down";
  }
  return "?";
}

std::string_view name_of(RunState state) {
  switch (state) {
    case RunState::kPlanned:
      return "planned";
    case RunState::kStarting:
      return "starting";
    case RunState::kRunning:
      return "running";
    case RunState::kStopping:
      return "stopping";
    case RunState::kExited:
      return "exited";
    case RunState::kFailed:
      return "failed";
    case RunState::kLost:
      return "lost";
  }
  return "?";
}

std::string with_reason(std::string text, const std::string& why) {
  return why.empty() ? text : text + ": " + why;
}

class Summary {
 public:
  explicit Summary(const Graph& graph) : graph_(graph) {}

  EventSummary operator()(const DomainCreated& e) const {
    return {"domain", "", "domain " + e.name + " created"};
  }
  EventSummary operator()(const PricesRevised& e) const {
    return {"domain", "", "prices revised, policy " + std::to_string(e.policy)};
  }
  EventSummary operator()(const BrainStarted& e) const {
    return {"domain", "", "brain " + e.version + " started, epoch " + std::to_string(e.epoch)};
  }
  EventSummary operator()(const TenantDefined& e) const {
    return {"tenant/" + e.name, e.name, "tenant defined"};
  }
  EventSummary operator()(const RouterDefined& e) const { return {"router/" + e.name, "", "router defined"}; }
  EventSummary operator()(const SiteDefined& e) const {
    return {"site/" + e.spec.name, "", "site described"};
  }
  EventSummary operator()(const LinkDefined& e) const {
    return {"link/" + e.spec.name, "", "link described"};
  }
  EventSummary operator()(const DatasetDefined& e) const {
    return {"dataset/" + e.spec.name, "", "data set described"};
  }
  EventSummary operator()(const NodesReported& e) const {
    int64_t cpu_milli = 0;
    for (const NodeSpec& node : e.nodes) cpu_milli += node.cpu_milli;
    return {site(e.site), "",
            std::to_string(e.nodes.size()) + " nodes reported, " + format_cpu(cpu_milli) + " cores"};
  }
  EventSummary operator()(const SiteStateChanged& e) const {
    return {site(e.site), "", with_reason(std::string(name_of(e.state)), e.why)};
  }
  EventSummary operator()(const LinkStateChanged& e) const {
    return {link(e.link), "", with_reason(e.up ? "up" : "down", e.why)};
  }
  EventSummary operator()(const LinkMeasured& e) const {
    return {link(e.link), "",
            "latency " + format_duration(e.latency_us) + ", jitter " + format_duration(e.jitter_us) +
                ", loss " + format_fraction(e.loss_ppm)};
  }
  EventSummary operator()(const IntentSubmitted& e) const {
    return intent(e.intent, "generation " + std::to_string(e.generation) + " submitted");
  }
  EventSummary operator()(const IntentWithdrawn& e) const { return intent(e.intent, "withdrawn"); }
  EventSummary operator()(const PlanCommitted& e) const {
    const Plan& plan = e.plan;
    return intent(plan.intent, "plan for generation " + std::to_string(plan.generation) +
                                   " committed: " + std::to_string(plan.placements.size()) + " instances, " +
                                   std::to_string(plan.flows.size()) + " flows, " +
                                   format_money(plan.billed_per_hour) + " credits per hour");
  }
  EventSummary operator()(const PlanRetired& e) const {
    return intent(e.intent, "plan " + std::to_string(e.plan) + " retired");
  }
  EventSummary operator()(const IntentRefused& e) const {
    return intent(e.refusal.intent,
                  "refused: " + std::to_string(e.refusal.reasons.size()) + " constraints fail");
  }
  EventSummary operator()(const RunStateChanged& e) const {
    std::string text = "run " + run(e.run) + " " + std::string(name_of(e.state));
    if (e.state == RunState::kExited || e.state == RunState::kFailed)
      text += " (exit " + std::to_string(e.exit_code) + ")";
    return intent(e.intent, with_reason(text, e.why));
  }
  EventSummary operator()(const UsageReported& e) const {
    return intent(e.intent, "run " + run(e.run) + " used " + format_duration(e.cpu_us) + " of a core");
  }
  EventSummary operator()(const PathSwitched& e) const {
    return intent(e.intent, "flow " + std::to_string(e.flow) + " switched to its " +
                                (e.to_protection ? "protection" : "working") + " path");
  }
  EventSummary operator()(const PromiseMeasured& e) const {
    return intent(e.intent, "from " + site(e.ingress) + ": " + std::to_string(e.samples) + " samples, " +
                                std::to_string(e.misses) + " late, " + std::to_string(e.lost) +
                                " lost, p50 " + format_duration(e.latency_us_p50) + ", p99 " +
                                format_duration(e.latency_us_p99));
  }
  EventSummary operator()(const PromiseStateChanged& e) const {
    return intent(e.intent, with_reason(e.kept ? "promise kept" : "promise broken", e.why));
  }
  EventSummary operator()(const TokenIssued& e) const {
    return {"token/" + e.token, "",
            std::string(e.join ? "join token" : "token") + " issued for " + e.subject};
  }
  EventSummary operator()(const TokenRedeemed& e) const {
    return {"token/" + e.token, "", "redeemed by " + e.by};
  }
  EventSummary operator()(const TokenRevoked& e) const { return {"token/" + e.token, "", "revoked"}; }
  EventSummary operator()(const CertificateIssued& e) const {
    return {site(e.site), "", "certificate " + e.serial + " issued"};
  }

 private:
  std::string site(SiteId id) const {
    return "site/" + (id.index() < graph_.site_count() ? graph_.site_name(id) : std::to_string(id.value));
  }
  std::string link(LinkId id) const {
    return "link/" + (id.index() < graph_.link_count() ? graph_.link_name(id) : std::to_string(id.value));
  }
  static std::string run(RunId id) { return std::to_string(id.plan) + "/" + std::to_string(id.item); }
  EventSummary intent(IntentId id, std::string text) const {
    if (id.index() >= graph_.intent_count())
      return {"intent/" + std::to_string(id.value), "", std::move(text)};
    TenantId tenant = graph_.intent(id).tenant;
    return {"intent/" + graph_.intent_name(id),
            tenant.index() < graph_.tenant_count() ? graph_.tenant_name(tenant) : "", std::move(text)};
  }

  const Graph& graph_;
};

}  // namespace

EventSummary summarise(const Graph& graph, const Event& event) {
  return std::visit(Summary(graph), event.body);
}

}  // namespace weir::store
