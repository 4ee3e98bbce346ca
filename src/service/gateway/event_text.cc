#include "service/gateway/event_text.h"

#include "core/graph/subject.h"
#include "core/units/quantity.h"
#include "service/gateway/event_parts.h"
#include "service/gateway/event_zh.h"
#include "service/gateway/explain.h"
#include "service/gateway/explain_parts.h"
#include "service/gateway/learn.h"
#include "service/gateway/names.h"

namespace weir::gateway {
namespace {

class Teller {
 public:
  explicit Teller(const Graph& graph) : graph_(graph), names_(graph) {}

  std::string operator()(const DomainCreated&) const { return "The domain begins."; }
  std::string operator()(const PricesRevised& e) const {
    return "Price policy " + std::to_string(e.policy) + " is in force.";
  }
  std::string operator()(const BrainStarted& e) const {
    return "Brain " + e.version + " began, epoch " + std::to_string(e.epoch) + ".";
  }
  std::string operator()(const TenantDefined&) const { return "Tenant defined."; }
  std::string operator()(const RouterDefined&) const { return "Router defined."; }
  std::string operator()(const SiteDefined& e) const {
    return "Site described; " + format_money(e.spec.asks.per_core_hour) + " credits a core-hour.";
  }
  std::string operator()(const LinkDefined& e) const {
    return "Link described: " + format_bandwidth(e.spec.bandwidth_bps) + ", " +
           latency_text(e.spec.latency_us) + " one way.";
  }
  std::string operator()(const DatasetDefined&) const { return "Data set defined."; }
  std::string operator()(const NodesReported& e) const {
    int64_t cpu = 0;
    for (const NodeSpec& node : e.nodes) cpu += node.cpu_milli;
    return std::to_string(e.nodes.size()) + (e.nodes.size() == 1 ? " node offers " : " nodes offer ") + format_cpu(cpu) +
           (cpu == 1000 ? " core." : " cores.");
  }
  std::string operator()(const SiteStateChanged& e) const {
    return "Site is " + std::string(to_text(e.state)) + because(e.why);
  }
  std::string operator()(const LinkStateChanged& e) const {
    return "Link " + names_.direction(e.link) + (e.up ? " is up" : " is down") + because(e.why);
  }
  std::string operator()(const LinkMeasured& e) const {
    return "Measured " + names_.direction(e.link) + ": " + latency_text(e.latency_us) + " one way, jitter " +
           latency_text(e.jitter_us) + ", loss " + format_fraction(e.loss_ppm) + ".";
  }
  std::string operator()(const IntentSubmitted& e) const {
    if (e.array.valid()) return "Submitted: task " + std::to_string(e.task) + " of its array.";
    return "Generation " + std::to_string(e.generation) + " submitted.";
  }
  std::string operator()(const IntentWithdrawn& e) const {
    return e.finished ? "Finished: every run ended well." : "Withdrawn" + because(e.why);
  }
  std::string operator()(const PlanCommitted& e) const {
    const Plan& p = e.plan;
    return "Plan of " + std::to_string(p.placements.size()) +
           (p.placements.size() == 1 ? " instance" : " instances") + " for generation " +
           std::to_string(p.generation) + ", " + per_hour_text(p.billed_per_hour) +
           (p.reason.code == ReasonCode::kTogether   ? ", chosen by a pass over the whole domain."
            : p.reason.code == ReasonCode::kConsolidated ? ", an instance led to another node of its site."
            : p.reason.code == ReasonCode::kRerouted     ? ", its traffic led off a crowded link."
                                                     : ".");
  }
  std::string operator()(const PlanRetired& e) const {
    return "Plan " + std::to_string(e.plan) + " gave back what it held.";
  }
  std::string operator()(const IntentRefused& e) const {
    const IntentId id = e.refusal.intent;
    if (id.index() >= graph_.intent_count()) return "Refused.";
    return "Refused: " + refusal_sentences(graph_, *graph_.intent(id).spec, e.refusal).front();
  }
  std::string operator()(const RunStateChanged& e) const {
    return "Run " + run_text(e.run) + " is " + std::string(to_text(e.state)) + because(e.why);
  }
  std::string operator()(const UsageReported& e) const {
    if (e.to <= e.from) return "Run " + run_text(e.run) + " has used nothing.";
    return format_duration(e.cpu_us) + " of processor in " + format_duration(e.to - e.from) + ".";
  }
  std::string operator()(const PathSwitched& e) const {
    return "Flow " + std::to_string(e.flow) + " of plan " + std::to_string(e.plan) +
           (e.to_protection ? " moved to its protection path." : " is back on its working path.");
  }
  std::string operator()(const PromiseMeasured& e) const {
    return names_.site(e.ingress) + ": " + std::to_string(e.misses) + " of " + std::to_string(e.samples) +
           " late, " + std::to_string(e.lost) + " lost; p50 " + latency_text(e.latency_us_p50) + ", p99 " +
           latency_text(e.latency_us_p99) + ".";
  }
  std::string operator()(const PromiseStateChanged& e) const {
    return (e.kept ? "The promise is kept" : "The promise is broken") + because(e.why);
  }
  std::string operator()(const TokenIssued& e) const {
    return (e.join ? "Join token for site " : "Token for ") + e.subject + ".";
  }
  std::string operator()(const TokenRedeemed& e) const { return "Used by " + e.by + "."; }
  std::string operator()(const TokenRevoked&) const { return "Revoked."; }
  std::string operator()(const CertificateIssued& e) const { return "Certificate " + e.serial + " issued."; }
  std::string operator()(const WorkMeasured& e) const {
    return "A request takes " + format_work(e.work_us_per_request) + ", more than was declared.";
  }
  std::string operator()(const CertificateRevoked& e) const {
    return "Its certificates are revoked: " + e.why + ".";
  }
  std::string operator()(const SiteSteeringChanged& e) const {
    return e.steerable ? "Its agent can steer." : "Its agent cannot steer" + because(e.why);
  }
  std::string operator()(const QueueDefined&) const { return "Queue defined."; }
  std::string operator()(const ReservationDefined& e) const {
    const ReservationSpec& spec = e.spec;
    if (!spec.ingress.valid()) return "Room is reserved.";
    return std::string(spec.amount == Quota{} ? "Bandwidth is" : "Room and bandwidth are") + " reserved: " +
           format_bandwidth(spec.up_bps) + " from " + names_.site(spec.ingress) + ", " + format_bandwidth(spec.down_bps) +
           " back, over " + names_.links(spec.path, ", ") + ".";
  }
  std::string operator()(const ReservationCancelled& e) const {
    const bool over = e.reservation.index() < graph_.reservation_count() && !graph_.reservation(e.reservation).cancelled;
    return over ? "The reservation is over: what it kept of links is free." : "The reservation is cancelled.";
  }
  std::string operator()(const HourBegan& e) const {
    return "It is " + std::string(e.hour < 10 ? "0" : "") + std::to_string(e.hour) + ":00 UTC: jobs that begin now pay what sites ask in this hour.";
  }
  std::string operator()(const JobResized& e) const {
    return "It is to have " + std::to_string(e.instances) + (e.instances == 1 ? " instance" : " instances") + because(e.why);
  }
  std::string operator()(const ReclaimableMeasured& e) const {
    int64_t cpu_milli = 0, memory_mib = 0;
    for (const NodeReclaimable& node : e.nodes) {
      cpu_milli += node.cpu_milli;
      memory_mib += node.memory_mib;
    }
    return format_milli(cpu_milli) + (cpu_milli == 1000 ? " core" : " cores") + " and " + format_memory(memory_mib) +
           " of memory that are reserved on " + std::to_string(e.nodes.size()) + (e.nodes.size() == 1 ? " node" : " nodes") +
           " and not used may go to best-effort work.";
  }
  std::string operator()(const ShadowPricesRevised& e) const {
    const size_t scarce = e.sites.size() + e.links.size();
    return "The whole domain was solved: " + std::to_string(e.served_after) + " of " + std::to_string(e.items) +
           " intents that may move are served" +
           (e.bound == 0 ? "" : ", " + percent(e.after - e.bound, e.bound) + " above the bound") +
           (e.moves == 0 ? "; nothing is worth moving"
           : e.before > e.after
               ? "; " + std::to_string(e.moves) + (e.moves == 1 ? " move is" : " moves are") + " advised, and the price of these intents falls by " +
                     per_hour_text(e.before - e.after)
               : "; " + std::to_string(e.moves) + (e.moves == 1 ? " move is" : " moves are") +
                     " advised, of other services or to ease full links or bring together what is free") +
           "; " + (scarce == 0 ? "no" : std::to_string(scarce)) + (scarce == 1 ? " place is" : " places are") + " scarce.";
  }
  std::string operator()(const WorkflowSubmitted& e) const {
    return "Generation " + std::to_string(e.generation) + " of a " +
           (e.spec.kind == WorkflowKind::kStream ? "stream" : "batch") + " of " + std::to_string(e.spec.stages.size()) +
           (e.spec.stages.size() == 1 ? " stage." : " stages.");
  }
  std::string operator()(const WorkflowPlanned& e) const {
    if (e.refused) return "Refused: " + e.why + (e.where.empty() ? "." : " (" + e.where + ").");
    return "Planned" + (e.why.empty() ? std::string() : " again, because " + e.why) + ": " + names_.stages(e, " at ", ", ") + ".";
  }
  std::string operator()(const WorkflowWithdrawn& e) const {
    return (e.finished ? "Every stage ended well" : "The workflow is withdrawn") + because(e.why);
  }
  std::string operator()(const NodeCordoned& e) const {
    return e.cordoned ? "Node takes nothing new" + because(e.why) : "Node takes work again.";
  }
  std::string operator()(const DialogueHeld& e) const {
    std::string out;
    for (const DialogueOffer& offer : e.offers) {
      const std::string name = names_.intent(offer.intent, "nothing");
      out += (out.empty() ? "" : "; ") + (e.end == DialogueEnd::kTaken ? name + " came of it" + (offer.taken.empty() ? "" : ", taken " + offer.taken)
                                          : e.end == DialogueEnd::kDeclined ? std::string("what was offered was declined")
                                                                            : std::string("what was offered was left"));
      if (e.end != DialogueEnd::kTaken) break;
    }
    return "A dialogue ended: " + out + "." + (e.said.empty() ? "" : " Said: \"" + e.said + "\".");
  }
  std::string operator()(const IntentRated& e) const {
    return (e.good ? std::string("Judged good") : "Judged bad" + (e.blame == Blame::kUnsaid ? "" : ", " + std::string(to_text(e.blame)))) +
           (e.comment.empty() ? "." : ": \"" + e.comment + "\".");
  }
  std::string operator()(const JobPreempted& e) const {
    const std::string whom = names_.preemptor(e, "another tenant's work");
    return "It gives up what it holds" + (whom.empty() ? "" : " to " + whom) + " and waits again" + because(e.why);
  }

 private:
  static std::string because(const std::string& why) { return why.empty() ? "." : ": " + why + "."; }

  const Graph& graph_;
  const EventNames names_;
};

}  // namespace

std::string EventNames::site(SiteId id) const {
  return id.index() < graph_.site_count() ? graph_.site_name(id) : "#" + std::to_string(id.value);
}

std::string EventNames::direction(LinkId id) const {
  if (id.index() >= graph_.link_count()) return "";
  const LinkRow& row = graph_.link(id);
  return graph_.vertex_name(row.from) + " > " + graph_.vertex_name(row.to);
}

std::string EventNames::links(const std::vector<LinkId>& path, const std::string& between) const {
  std::vector<std::string> names;
  for (const LinkId id : path) names.push_back(id.index() < graph_.link_count() ? graph_.link_name(id) : "#" + std::to_string(id.value));
  return joined(names, between);
}

std::string EventNames::stages(const WorkflowPlanned& planned, const std::string& at, const std::string& between) const {
  const bool known = planned.workflow.index() < graph_.workflow_count() && graph_.workflow(planned.workflow).generation == planned.generation &&
                     graph_.workflow(planned.workflow).spec->stages.size() == planned.stages.size();
  std::vector<std::string> places;
  for (size_t s = 0; s < planned.stages.size(); ++s) {
    places.push_back((known ? graph_.workflow(planned.workflow).spec->stages[s].name + at : "") + site(planned.stages[s].site));
  }
  return joined(places, between);
}

std::string EventNames::preemptor(const JobPreempted& event, const std::string& other) const {
  if (event.by.index() >= graph_.intent_count()) return "";
  const bool own = event.intent.index() < graph_.intent_count() && graph_.intent(event.by).tenant == graph_.intent(event.intent).tenant;
  return own ? graph_.intent_name(event.by) : other;
}

std::string EventNames::intent(IntentId id, const std::string& none) const { return id.index() < graph_.intent_count() ? graph_.intent_name(id) : none; }

std::string event_text(const Graph& graph, const Event& event, Language language) {
  if (language == Language::kChinese) return zh::event_text(graph, event);
  return std::visit(Teller(graph), event.body);
}

}  // namespace weir::gateway
