#include "core/graph/subject.h"

namespace weir {
namespace {

class Subject {
 public:
  explicit Subject(const Graph& graph) : graph_(graph) {}

  EventSubject operator()(const DomainCreated& e) const { return {{}, "domain/" + e.name}; }
  EventSubject operator()(const PricesRevised&) const { return {{}, "prices"}; }
  EventSubject operator()(const BrainStarted&) const { return {{}, "brain"}; }
  EventSubject operator()(const TenantDefined& e) const { return {e.tenant, "tenant/" + e.name}; }
  EventSubject operator()(const RouterDefined& e) const { return {{}, "router/" + e.name}; }
  EventSubject operator()(const SiteDefined& e) const { return {{}, "site/" + e.spec.name}; }
  EventSubject operator()(const LinkDefined& e) const { return {{}, "link/" + e.spec.name}; }
  EventSubject operator()(const DatasetDefined& e) const { return {{}, "dataset/" + e.spec.name}; }
  EventSubject operator()(const NodesReported& e) const { return site(e.site); }
  EventSubject operator()(const SiteStateChanged& e) const { return site(e.site); }
  EventSubject operator()(const LinkStateChanged& e) const { return link(e.link); }
  EventSubject operator()(const LinkMeasured& e) const { return link(e.link); }
  EventSubject operator()(const IntentSubmitted& e) const {
    const std::string tenant =
        e.tenant.index() < graph_.tenant_count() ? graph_.tenant_name(e.tenant) + "/" : "";
    if (e.array.valid()) {
      return {e.tenant, intent(e.array).name + "." + std::to_string(e.task)};
    }
    return {e.tenant, "intent/" + tenant + e.spec.name};
  }
  EventSubject operator()(const IntentWithdrawn& e) const { return intent(e.intent); }
  EventSubject operator()(const PlanCommitted& e) const { return intent(e.plan.intent); }
  EventSubject operator()(const PlanRetired& e) const { return intent(e.intent); }
  EventSubject operator()(const IntentRefused& e) const { return intent(e.refusal.intent); }
  EventSubject operator()(const RunStateChanged& e) const { return run(e.run, e.intent); }
  EventSubject operator()(const UsageReported& e) const { return run(e.run, e.intent); }
  EventSubject operator()(const PathSwitched& e) const { return intent(e.intent); }
  EventSubject operator()(const PromiseMeasured& e) const { return intent(e.intent); }
  EventSubject operator()(const PromiseStateChanged& e) const { return intent(e.intent); }
  EventSubject operator()(const TokenIssued& e) const { return {{}, "token/" + e.token}; }
  EventSubject operator()(const TokenRedeemed& e) const { return {{}, "token/" + e.token}; }
  EventSubject operator()(const TokenRevoked& e) const { return {{}, "token/" + e.token}; }
  EventSubject operator()(const CertificateIssued& e) const { return site(e.site); }
  EventSubject operator()(const WorkMeasured& e) const { return intent(e.intent); }
  EventSubject operator()(const CertificateRevoked& e) const { return site(e.site); }
  EventSubject operator()(const SiteSteeringChanged& e) const { return site(e.site); }
  EventSubject operator()(const QueueDefined& e) const { return {{}, "queue/" + e.spec.name}; }
  EventSubject operator()(const JobPreempted& e) const { return intent(e.intent); }
  EventSubject operator()(const ReservationDefined& e) const { return {e.tenant, "reservation/" + e.spec.name}; }
  EventSubject operator()(const ReservationCancelled& e) const {
    if (e.reservation.index() >= graph_.reservation_count()) return {{}, "reservation/" + number(e.reservation.value)};
    const auto& row = graph_.reservation(e.reservation);
    return {row.tenant, "reservation/" + row.spec.name};
  }
  EventSubject operator()(const WorkflowSubmitted& e) const {
    const std::string tenant = e.tenant.index() < graph_.tenant_count() ? graph_.tenant_name(e.tenant) + "/" : "";
    return {e.tenant, "workflow/" + tenant + e.spec.name};
  }
  EventSubject operator()(const WorkflowPlanned& e) const { return workflow(e.workflow); }
  EventSubject operator()(const WorkflowWithdrawn& e) const { return workflow(e.workflow); }
  EventSubject operator()(const HourBegan&) const { return {{}, "prices"}; }
  EventSubject operator()(const JobResized& e) const { return intent(e.intent); }
  EventSubject operator()(const ReclaimableMeasured& e) const { return site(e.site); }
  EventSubject operator()(const DialogueHeld& e) const {
    return {e.tenant, "dialogue/" + (e.tenant.index() < graph_.tenant_count() ? graph_.tenant_name(e.tenant) : number(e.tenant.value))};
  }
  EventSubject operator()(const IntentRated& e) const { return intent(e.intent); }
  EventSubject operator()(const ShadowPricesRevised&) const { return {{}, "prices"}; }
  EventSubject operator()(const NodeCordoned& e) const {
    return {{}, "node/" + (e.node.index() < graph_.node_count() ? graph_.node_name(e.node) : number(e.node.value))};
  }

 private:
  static std::string number(uint32_t value) { return "#" + std::to_string(value); }
  EventSubject site(SiteId id) const {
    return {{}, "site/" + (id.index() < graph_.site_count() ? graph_.site_name(id) : number(id.value))};
  }
  EventSubject link(LinkId id) const {
    return {{}, "link/" + (id.index() < graph_.link_count() ? graph_.link_name(id) : number(id.value))};
  }
  EventSubject intent(IntentId id) const {
    if (id.index() >= graph_.intent_count()) return {{}, "intent/" + number(id.value)};
    return {graph_.intent(id).tenant, "intent/" + graph_.intent_name(id)};
  }
  EventSubject workflow(WorkflowId id) const {
    if (id.index() >= graph_.workflow_count()) return {{}, "workflow/" + number(id.value)};
    return {graph_.workflow(id).tenant, "workflow/" + graph_.workflow_name(id)};
  }
  EventSubject run(RunId id, IntentId of) const { return {intent(of).tenant, "run/" + run_text(id)}; }

  const Graph& graph_;
};

}  // namespace

EventSubject subject_of(const Graph& graph, const Event& event) {
  return std::visit(Subject(graph), event.body);
}

std::string run_text(RunId run) { return std::to_string(run.plan) + "." + std::to_string(run.item); }

}  // namespace weir
