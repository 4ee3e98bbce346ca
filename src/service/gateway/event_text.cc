#include "service/gateway/event_text.h"

#include "core/units/quantity.h"
#include "service/gateway/explain.h"
#include "service/gateway/names.h"

namespace weir::gateway {
namespace {

class Teller {
 public:
  explicit Teller(const Graph& graph) : graph_(graph) {}

  EventText operator()(const DomainCreated& e) const { return {{}, "domain/" + e.name, "The domain begins."}; }
  EventText operator()(const PricesRevised& e) const {
    return {{}, "prices", "Price policy " + std::to_string(e.policy) + " is in force."};
  }
  EventText operator()(const BrainStarted& e) const {
    return {{}, "brain", "Brain " + e.version + " began, epoch " + std::to_string(e.epoch) + "."};
  }
  EventText operator()(const TenantDefined& e) const { return {e.tenant, "tenant/" + e.name, "Tenant defined."}; }
  EventText operator()(const RouterDefined& e) const { return {{}, "router/" + e.name, "Router defined."}; }
  EventText operator()(const SiteDefined& e) const {
    return {{}, "site/" + e.spec.name, "Site described; " + format_money(e.spec.asks.per_core_hour) + " credits a core-hour."};
  }
  EventText operator()(const LinkDefined& e) const {
    return {{}, "link/" + e.spec.name,
            "Link described: " + format_bandwidth(e.spec.bandwidth_bps) + ", " + latency_text(e.spec.latency_us) + " one way."};
  }
  EventText operator()(const DatasetDefined& e) const { return {{}, "dataset/" + e.spec.name, "Data set defined."}; }
  EventText operator()(const NodesReported& e) const {
    int64_t cpu = 0;
    for (const NodeSpec& node : e.nodes) cpu += node.cpu_milli;
    return {{}, site(e.site), std::to_string(e.nodes.size()) + " nodes offer " + format_cpu(cpu) + " cores."};
  }
  EventText operator()(const SiteStateChanged& e) const {
    return {{}, site(e.site), "Site is " + std::string(to_text(e.state)) + because(e.why)};
  }
  EventText operator()(const LinkStateChanged& e) const {
    return {{}, link(e.link), "Link " + direction(e.link) + (e.up ? " is up" : " is down") + because(e.why)};
  }
  EventText operator()(const LinkMeasured& e) const {
    return {{}, link(e.link), "Measured " + direction(e.link) + ": " + latency_text(e.latency_us) + " one way, jitter " +
                                  latency_text(e.jitter_us) + ", loss " + format_fraction(e.loss_ppm) + "."};
  }
  EventText operator()(const IntentSubmitted& e) const {
    const std::string tenant = e.tenant.index() < graph_.tenant_count() ? graph_.tenant_name(e.tenant) + "/" : "";
    return {e.tenant, "intent/" + tenant + e.spec.name, "Generation " + std::to_string(e.generation) + " submitted."};
  }
  EventText operator()(const IntentWithdrawn& e) const { return about(e.intent, "Withdrawn."); }
  EventText operator()(const PlanCommitted& e) const {
    const Plan& p = e.plan;
    return about(p.intent, "Plan of " + std::to_string(p.placements.size()) + " instances for generation " +
                               std::to_string(p.generation) + ", " + per_hour_text(p.billed_per_hour) + ".");
  }
  EventText operator()(const PlanRetired& e) const {
    return about(e.intent, "Plan " + std::to_string(e.plan) + " gave back what it held.");
  }
  EventText operator()(const IntentRefused& e) const {
    std::string text = "Refused.";
    const IntentId id = e.refusal.intent;
    if (id.index() < graph_.intent_count()) {
      text = "Refused: " + refusal_sentences(graph_, *graph_.intent(id).spec, e.refusal).front();
    }
    return about(id, text);
  }
  EventText operator()(const RunStateChanged& e) const {
    EventText out = about(e.intent, "Run " + run_text(e.run) + " is " + std::string(to_text(e.state)) + because(e.why));
    out.subject = "run/" + run_text(e.run);
    return out;
  }
  EventText operator()(const UsageReported& e) const {
    EventText out = about(e.intent, format_duration(e.cpu_us) + " of processor in " + format_duration(e.to - e.from) + ".");
    out.subject = "run/" + run_text(e.run);
    return out;
  }
  EventText operator()(const PathSwitched& e) const {
    return about(e.intent, "Flow " + std::to_string(e.flow) + " of plan " + std::to_string(e.plan) +
                               (e.to_protection ? " moved to its protection path." : " is back on its working path."));
  }
  EventText operator()(const PromiseMeasured& e) const {
    return about(e.intent, site_name(e.ingress) + ": " + std::to_string(e.misses) + " of " + std::to_string(e.samples) +
                               " late, " + std::to_string(e.lost) + " lost; p50 " + latency_text(e.latency_us_p50) +
                               ", p99 " + latency_text(e.latency_us_p99) + ".");
  }
  EventText operator()(const PromiseStateChanged& e) const {
    return about(e.intent, (e.kept ? "The promise is kept" : "The promise is broken") + because(e.why));
  }
  EventText operator()(const TokenIssued& e) const {
    return {{}, "token/" + e.token, (e.join ? "Join token for site " : "Token for ") + e.subject + "."};
  }
  EventText operator()(const TokenRedeemed& e) const { return {{}, "token/" + e.token, "Used by " + e.by + "."}; }
  EventText operator()(const TokenRevoked& e) const { return {{}, "token/" + e.token, "Revoked."}; }
  EventText operator()(const CertificateIssued& e) const {
    return {{}, site(e.site), "Certificate " + e.serial + " issued."};
  }

 private:
  static std::string because(const std::string& why) { return why.empty() ? "." : ": " + why + "."; }
  std::string site_name(SiteId id) const {
    return id.index() < graph_.site_count() ? graph_.site_name(id) : "#" + std::to_string(id.value);
  }
  std::string site(SiteId id) const { return "site/" + site_name(id); }
  std::string link(LinkId id) const {
    return "link/" + (id.index() < graph_.link_count() ? graph_.link_name(id) : "#" + std::to_string(id.value));
  }
  std::string direction(LinkId id) const {
    if (id.index() >= graph_.link_count()) return "";
    const LinkRow& row = graph_.link(id);
    return graph_.vertex_name(row.from) + " > " + graph_.vertex_name(row.to);
  }
  EventText about(IntentId id, std::string text) const {
    if (id.index() >= graph_.intent_count()) return {{}, "intent/#" + std::to_string(id.value), std::move(text)};
    return {graph_.intent(id).tenant, "intent/" + graph_.intent_name(id), std::move(text)};
  }

  const Graph& graph_;
};

}  // namespace

EventText event_text(const Graph& graph, const Event& event) { return std::visit(Teller(graph), event.body); }

}  // namespace weir::gateway
