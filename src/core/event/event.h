#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/event/types.h"
#include "core/event/workflow.h"

// Everything that can change a decision, a promise or a bill, in the past tense. The meaning of an event
// never changes once a release has written it; api/weir/v1/event.proto holds the stored form, whose numbers
// are never reused.
namespace weir {

// The first event of a ledger.
struct DomainCreated {
  std::string name;
  Nanocredits carbon_price_per_kg = 0;     // shadow price
  // Scarcity: price at full use, as a multiple of a reference price for each kind of resource.
  Nanocredits scarcity_core_hour = 0;
  Nanocredits scarcity_gib_hour = 0;
  Nanocredits scarcity_accelerator_hour = 0;
  Nanocredits scarcity_gbps_hour = 0;
  std::string service_prefix;              // stable addresses of services, an IPv6 /64; empty: none are given out
  friend bool operator==(const DomainCreated&, const DomainCreated&) = default;
};
// The dual prices or the operator changed the parameters; `policy` counts the revisions.
struct PricesRevised {
  uint32_t policy = 0;
  Nanocredits carbon_price_per_kg = 0;
  Nanocredits scarcity_core_hour = 0;
  Nanocredits scarcity_gib_hour = 0;
  Nanocredits scarcity_accelerator_hour = 0;
  Nanocredits scarcity_gbps_hour = 0;
  friend bool operator==(const PricesRevised&, const PricesRevised&) = default;
};
// A brain began to serve: actuation is held until agents have resynchronised.
struct BrainStarted {
  std::string version;
  uint64_t epoch = 0;
  friend bool operator==(const BrainStarted&, const BrainStarted&) = default;
};

struct TenantDefined {
  TenantId tenant;
  std::string name;
  friend bool operator==(const TenantDefined&, const TenantDefined&) = default;
};
struct RouterDefined {
  VertexId vertex;
  std::string name;
  friend bool operator==(const RouterDefined&, const RouterDefined&) = default;
};
// Defines a site and its vertex, or replaces its description.
struct SiteDefined {
  SiteId site;
  VertexId vertex;
  SiteSpec spec;
  friend bool operator==(const SiteDefined&, const SiteDefined&) = default;
};
// Defines both directions, link and opposite(link), or replaces their description.
struct LinkDefined {
  LinkId link;                             // even
  LinkSpec spec;
  friend bool operator==(const LinkDefined&, const LinkDefined&) = default;
};
struct DatasetDefined {
  DatasetId dataset;
  DatasetSpec spec;
  friend bool operator==(const DatasetDefined&, const DatasetDefined&) = default;
};
// An agent presented its inventory. The nodes take the rows first_node ... in order; a site that has
// joined before keeps its rows and may change their contents, or append more.
struct NodesReported {
  SiteId site;
  NodeId first_node;
  std::vector<NodeSpec> nodes;
  friend bool operator==(const NodesReported&, const NodesReported&) = default;
};

// A site that is drained takes nothing new, also after its agent was away: until an operator says kUp.
struct SiteStateChanged {
  SiteId site;
  Liveness state = Liveness::kUnknown;
  std::string why;
  bool drained = false;                    // with kDown; kDraining says it by itself
  friend bool operator==(const SiteStateChanged&, const SiteStateChanged&) = default;
};
// Of one direction.
struct LinkStateChanged {
  LinkId link;
  bool up = true;
  std::string why;
  friend bool operator==(const LinkStateChanged&, const LinkStateChanged&) = default;
};
// A significant change of a measured value.
struct LinkMeasured {
  LinkId link;
  int64_t latency_us = 0;                  // one way: half of the measured round trip
  int64_t jitter_us = 0;
  int32_t loss_ppm = 0;
  friend bool operator==(const LinkMeasured&, const LinkMeasured&) = default;
};

// A new intent, or a new generation of one; or the next task of an array, which is as the array says when it is submitted.
struct IntentSubmitted {
  IntentId intent;
  TenantId tenant;
  uint32_t generation = 1;
  IntentSpec spec;                         // of a task: left out, it is the array's
  IntentId array;                          // that it is a task of; none: of none
  uint32_t task = 0;                       // its index, from 0
  WorkflowId workflow;                     // that it is a stage of, which the brain submits; none: of none
  std::string stage;                       // its name there
  friend bool operator==(const IntentSubmitted&, const IntentSubmitted&) = default;
};
struct IntentWithdrawn {
  IntentId intent;
  bool finished = false;                   // a job: every run of it ended well
  std::string why;                         // the brain withdrew it; empty: it was asked to
  friend bool operator==(const IntentWithdrawn&, const IntentWithdrawn&) = default;
};
// Grants what the plan reserves. An earlier plan of the intent becomes `retiring`: it keeps its
// reservations until PlanRetired, so that the new one is made before the old one is broken.
struct PlanCommitted {
  Plan plan;
  friend bool operator==(const PlanCommitted&, const PlanCommitted&) = default;
};
// Releases what the plan at `plan` reserves.
struct PlanRetired {
  IntentId intent;
  Position plan = 0;
  friend bool operator==(const PlanRetired&, const PlanRetired&) = default;
};
struct IntentRefused {
  Refusal refusal;
  friend bool operator==(const IntentRefused&, const IntentRefused&) = default;
};

struct RunStateChanged {
  RunId run;
  IntentId intent;
  RunState state = RunState::kPlanned;
  int32_t exit_code = 0;                   // 128 + signal when killed by one
  std::string why;
  friend bool operator==(const RunStateChanged&, const RunStateChanged&) = default;
};
// Metered use of one run in one window; windows of a run do not overlap.
struct UsageReported {
  RunId run;
  IntentId intent;
  TimeUs from = 0;
  TimeUs to = 0;
  int64_t cpu_us = 0;
  int64_t memory_mib_us = 0;               // MiB held, times microseconds
  int64_t received_bytes = 0;
  int64_t sent_bytes = 0;
  int64_t energy_microjoule = 0;
  std::string energy_model;
  TimeUs begun = 0;  // in a run's last window: where its first began; 0: more may follow. An empty
                     // window with it: the run has used nothing that its site knows of
  friend bool operator==(const UsageReported&, const UsageReported&) = default;
};
// An ingress agent moved a flow between its working and its protection path by itself.
struct PathSwitched {
  Position plan = 0;
  IntentId intent;
  uint32_t flow = 0;
  bool to_protection = true;
  friend bool operator==(const PathSwitched&, const PathSwitched&) = default;
};
// What clients measured in one window.
struct PromiseMeasured {
  IntentId intent;
  SiteId ingress;
  TimeUs from = 0;
  TimeUs to = 0;
  int64_t samples = 0;
  int64_t misses = 0;                      // answered later than the promise
  int64_t lost = 0;                        // never answered
  int64_t latency_us_p50 = 0;
  int64_t latency_us_p99 = 0;
  friend bool operator==(const PromiseMeasured&, const PromiseMeasured&) = default;
};
struct PromiseStateChanged {
  IntentId intent;
  bool kept = true;
  std::string why;
  SiteId ingress;                          // as measured there; none: everywhere
  friend bool operator==(const PromiseStateChanged&, const PromiseStateChanged&) = default;
};

// A secret is never stored: only its SHA-256.
// A broken promise whose instances were found to use more than was declared: what a request takes, at the least. Holds
// for this generation, or until the brain goes by what was declared again.
struct WorkMeasured {
  IntentId intent;
  uint32_t generation = 0;
  int64_t work_us_per_request = 0;         // microseconds of the reference core
  friend bool operator==(const WorkMeasured&, const WorkMeasured&) = default;
};

struct TokenIssued {
  std::string token;                       // public identifier
  std::string secret_sha256;               // hex
  bool join = false;                       // joins `subject` (a site) once; otherwise a user's bearer token
  Role role = Role::kTenant;
  std::string subject;                     // site, tenant or operator name
  TimeUs expires = 0;
  friend bool operator==(const TokenIssued&, const TokenIssued&) = default;
};
struct TokenRedeemed {
  std::string token;
  std::string by;                          // certificate serial that it bought
  friend bool operator==(const TokenRedeemed&, const TokenRedeemed&) = default;
};
struct TokenRevoked {
  std::string token;
  friend bool operator==(const TokenRevoked&, const TokenRevoked&) = default;
};
struct CertificateIssued {
  SiteId site;
  std::string serial;
  TimeUs expires = 0;
  friend bool operator==(const CertificateIssued&, const CertificateIssued&) = default;
};
// Every certificate that the site got before is no longer good, and no join token for it that was issued before:
// it comes back with a new token.
struct CertificateRevoked {
  SiteId site;
  std::string why;
  friend bool operator==(const CertificateRevoked&, const CertificateRevoked&) = default;
};

// An agent attached that can lead packets along paths from and to its site, or that cannot, other than the last did.
struct SiteSteeringChanged {
  SiteId site;
  bool steerable = false;
  std::string why;                         // it is not; empty: it is, or says no reason
  friend bool operator==(const SiteSteeringChanged&, const SiteSteeringChanged&) = default;
};

// Defines a queue, or replaces its description.
struct QueueDefined {
  QueueId queue;
  QueueSpec spec;
  friend bool operator==(const QueueDefined&, const QueueDefined&) = default;
};
// A job gives up what it holds to another and waits again. Its plan becomes `retiring`. Those that are preempted together
// follow one another at one time.
struct JobPreempted {
  IntentId intent;
  Position plan = 0;
  IntentId by;
  std::string why;
  SiteId site;                             // where the other is to begin; none: anywhere
  bool reclaims = false;                   // what its queue borrowed beyond its guarantee, whatever the priorities
  int64_t lost_us = 0;                     // of its work since its last checkpoint or its start, at most
  Nanocredits cost = 0;                    // of what its preemption destroys
  // Of those that are preempted together: how many, and what all of them cost.
  int32_t victims = 0;
  Nanocredits cost_all = 0;
  // Running jobs that hold what is short and were not considered: of equal or higher priority; of queues within their
  // guarantee; preempted as often as one job may be; of queues whose jobs were preempted enough for now.
  int32_t spared_by_priority = 0;
  int32_t spared_by_guarantee = 0;
  int32_t spared_by_limit = 0;
  int32_t spared_by_budget = 0;
  friend bool operator==(const JobPreempted&, const JobPreempted&) = default;
};

// Keeps room for a window of time, which the brain found to be there.
struct ReservationDefined {
  ReservationId reservation;
  TenantId tenant;
  ReservationSpec spec;
  friend bool operator==(const ReservationDefined&, const ReservationDefined&) = default;
};
struct ReservationCancelled {
  ReservationId reservation;
  friend bool operator==(const ReservationCancelled&, const ReservationCancelled&) = default;
};
// A node takes nothing new, or takes again. What runs there goes on.
struct NodeCordoned {
  NodeId node;
  bool cordoned = true;
  std::string why;
  friend bool operator==(const NodeCordoned&, const NodeCordoned&) = default;
};

// The pass over the whole domain solved the joint problem of the graph at `basis`. Its duals are what is scarce where, from
// now on; a place that is not named has none. Sites and links in order of their identifiers.
struct ShadowPricesRevised {
  Position basis = 0;
  std::vector<SiteShadowPrice> sites;
  std::vector<LinkShadowPrice> links;
  // Price and worth of refusals together, per hour, of what the pass may place:
  Nanocredits bound = 0;                   // no assignment has less
  Nanocredits before = 0;                  // as it was
  Nanocredits after = 0;                   // as it will be when every move has been made
  int32_t items = 0;                       // intents that the pass may place
  int32_t served_before = 0;               // of them had a plan
  int32_t served_after = 0;                // will have one
  int32_t moves = 0;                       // that were proposed
  friend bool operator==(const ShadowPricesRevised&, const ShadowPricesRevised&) = default;
};

// A new workflow, or a new generation of one.
struct WorkflowSubmitted {
  WorkflowId workflow;
  TenantId tenant;
  uint32_t generation = 1;
  Workflow spec;
  friend bool operator==(const WorkflowSubmitted&, const WorkflowSubmitted&) = default;
};
// Where its stages are to be. It reserves nothing: that do the plans of the intents that follow from it, one for each stage.
struct WorkflowPlanned {
  WorkflowId workflow;
  uint32_t generation = 0;
  Position basis = 0;                      // version of the graph that it was planned on
  bool refused = false;                    // there is no plan; an earlier one stays
  std::string why;                         // refused: what stands in the way; else what made it necessary
  std::string where;                       // refused: the stage or edge, as its path in the resource; empty: the whole
  std::vector<PlannedStage> stages;        // one for each, in order
  std::vector<PlannedTransfer> transfers;
  Nanocredits price = 0;                   // of the decision; stream: per hour
  Nanocredits bound = 0;                   // no plan has a lower one
  Quality quality = Quality::kHeuristic;
  int64_t latency_us = 0;                  // stream: of the slowest path; batch: of the whole
  int64_t latency_us_bound = 0;            // batch: no plan is over sooner
  bool in_time = true;                     // batch: within its deadline
  uint64_t steps = 0;
  friend bool operator==(const WorkflowPlanned&, const WorkflowPlanned&) = default;
};
struct WorkflowWithdrawn {
  WorkflowId workflow;
  bool finished = false;                   // batch: every stage of it ended well
  std::string why;                         // the brain withdrew it; empty: it was asked to
  friend bool operator==(const WorkflowWithdrawn&, const WorkflowWithdrawn&) = default;
};

// An hour of the day began, in UTC: what sites ask of jobs that begin in it (SiteSpec::hours) holds from now on.
struct HourBegan {
  int32_t hour = 0;                        // 0 to 23
  friend bool operator==(const HourBegan&, const HourBegan&) = default;
};
// How many instances a malleable job is to have from now on: the plans that follow have so many.
struct JobResized {
  IntentId intent;
  uint32_t generation = 0;
  int32_t instances = 0;
  IntentId by;                             // that what it gives up is for; none: nobody in particular
  std::string why;
  friend bool operator==(const JobResized&, const JobResized&) = default;
};

// How much of what ordinary work has reserved may be reclaimed for best-effort work at these nodes of a site, from now on, by
// what it was measured to use. Nodes that are not named keep what was said of them before.
struct ReclaimableMeasured {
  SiteId site;
  std::vector<NodeReclaimable> nodes;      // in order of their identifiers
  friend bool operator==(const ReclaimableMeasured&, const ReclaimableMeasured&) = default;
};

// A dialogue ended in which something was offered. Nothing follows from it but what is remembered of the tenant.
struct DialogueHeld {
  TenantId tenant;
  DialogueEnd end = DialogueEnd::kTaken;
  bool chinese = false;                    // the language of its last sentence; else English
  std::string said;                        // by the person, as far as it was kept: not trusted
  std::vector<DialogueOffer> offers;
  friend bool operator==(const DialogueHeld&, const DialogueHeld&) = default;
};
// What the tenant thinks of what became of an intent. The newest counts.
struct IntentRated {
  IntentId intent;
  uint32_t generation = 0;
  bool good = true;
  Blame blame = Blame::kUnsaid;            // what is bad about it
  std::string comment;                     // by the person: not trusted
  friend bool operator==(const IntentRated&, const IntentRated&) = default;
};

// New kinds go to the end: the index is an implementation detail, but the order is kept for reading.
using EventKinds =
    std::variant<DomainCreated, PricesRevised, BrainStarted, TenantDefined, RouterDefined, SiteDefined,
                 LinkDefined, DatasetDefined, NodesReported, SiteStateChanged, LinkStateChanged, LinkMeasured,
                 IntentSubmitted, IntentWithdrawn, PlanCommitted, PlanRetired, IntentRefused, RunStateChanged,
                 UsageReported, PathSwitched, PromiseMeasured, PromiseStateChanged, TokenIssued, TokenRedeemed,
                 TokenRevoked, CertificateIssued, CertificateRevoked, WorkMeasured, SiteSteeringChanged, QueueDefined, JobPreempted,
                 ReservationDefined, ReservationCancelled, NodeCordoned, ShadowPricesRevised,
                 WorkflowSubmitted, WorkflowPlanned, WorkflowWithdrawn, HourBegan, JobResized,
                 ReclaimableMeasured, DialogueHeld, IntentRated>;

// The place of a kind among those of a variant; how many there are, if it is none of them.
template <class Kind, class... Kinds>
consteval size_t kind_index(const std::variant<Kinds...>*) {
  size_t index = 0;
  (void)((std::is_same_v<Kind, Kinds> || (++index, false)) || ...);
  return index;
}
template <class Kind>
inline constexpr size_t kEventIndex = kind_index<Kind>(static_cast<const EventKinds*>(nullptr));

// What happened. Used as the variant that it is; what is compiled for each of its many kinds, to make, copy and end one, lies in
// event.cc, once.
class EventBody : public EventKinds {
 public:
  EventBody();
  EventBody(const EventBody& other);
  EventBody(EventBody&& other) noexcept;
  EventBody& operator=(const EventBody& other);
  EventBody& operator=(EventBody&& other) noexcept;
  ~EventBody();
  template <class Kind>
    requires(kEventIndex<Kind> < std::variant_size_v<EventKinds>)
  EventBody(Kind body) : EventBody(kEventIndex<Kind>, &body) {}

 private:
  EventBody(size_t index, void* body);     // of that kind, and moved from
};

inline constexpr std::array<std::string_view, std::variant_size_v<EventKinds>> kEventNames = {
    "DomainCreated",   "PricesRevised",    "BrainStarted",   "TenantDefined",   "RouterDefined",
    "SiteDefined",     "LinkDefined",      "DatasetDefined", "NodesReported",   "SiteStateChanged",
    "LinkStateChanged", "LinkMeasured",    "IntentSubmitted", "IntentWithdrawn", "PlanCommitted",
    "PlanRetired",     "IntentRefused",    "RunStateChanged", "UsageReported",  "PathSwitched",
    "PromiseMeasured", "PromiseStateChanged", "TokenIssued", "TokenRedeemed",  "TokenRevoked",
    "CertificateIssued", "CertificateRevoked", "WorkMeasured", "SiteSteeringChanged",
    "QueueDefined", "JobPreempted", "ReservationDefined", "ReservationCancelled", "NodeCordoned", "ShadowPricesRevised",
    "WorkflowSubmitted", "WorkflowPlanned", "WorkflowWithdrawn", "HourBegan", "JobResized",
    "ReclaimableMeasured", "DialogueHeld", "IntentRated"};

struct Event {
  TimeUs at = 0;                           // when the brain took it, by its clock
  std::string actor;                       // "operator/alice", "site/metro", "brain"
  EventBody body;
  std::string_view name() const { return kEventNames[body.index()]; }
  friend bool operator==(const Event&, const Event&) = default;
};

// Repairs may use the ledger's space reserve.
bool is_repair(const Event& event);

}  // namespace weir
