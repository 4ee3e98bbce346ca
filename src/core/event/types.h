#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/ids/ids.h"

// Values that events carry and the graph keeps. Everything is an integer in a named unit, so that two
// machines agree to the bit. Ranges: every quantity is >= 0 unless said otherwise.
//
//   cpu           milli-cores (1000 = one core of the machine that has it)
//   memory        MiB
//   bandwidth     bit/s
//   latency, time microseconds; points in time are microseconds since the Unix epoch, UTC
//   probability   parts per million (ppm)
//   money         nanocredits (1e-9 credit), signed
//   carbon        milligrams of CO2-equivalent; grid factor in milligrams per kWh
//   power         milliwatts
namespace weir {

using Nanocredits = int64_t;
using TimeUs = int64_t;

inline constexpr int64_t kPpm = 1'000'000;
inline constexpr Nanocredits kCredit = 1'000'000'000;

// ---- what a provider offers --------------------------------------------------------------------------

// What one unit costs at a site. Frozen into each plan that uses it; the invoice is computed from there.
struct Asks {
  Nanocredits per_core_hour = 0;
  Nanocredits per_gib_hour = 0;
  Nanocredits per_accelerator_hour = 0;
  friend bool operator==(const Asks&, const Asks&) = default;
};

// Power model "linear-cpu-v1": a core in use draws (idle + (peak - idle) * utilisation) / cores, times PUE.
struct Power {
  int64_t idle_mw_per_core = 0;
  int64_t peak_mw_per_core = 0;
  int32_t pue_milli = 1000;                // >= 1000
  int64_t grid_carbon_mg_per_kwh = 0;
  friend bool operator==(const Power&, const Power&) = default;
};

// What a job pays that begins in this hour, for as long as it runs, and what its energy emits: in thousandths of what the
// site asks, and of the carbon of its grid.
struct HourRate {
  int32_t asks_milli = 1000;
  int32_t grid_carbon_milli = 1000;
  friend bool operator==(const HourRate&, const HourRate&) = default;
};

enum class Tier : uint8_t { kCloud, kEdge, kEnd };

// A place that runs work, as its owner describes it.
struct SiteSpec {
  std::string name;
  std::string region;                      // the city, e.g. "Guizhou": what where.regions tells apart; empty: one of its own
  std::vector<std::string> residency;      // labels such as "cn"; sorted, unique
  Tier tier = Tier::kCloud;
  int32_t latitude_microdegrees = 0;       // signed
  int32_t longitude_microdegrees = 0;      // signed
  Asks asks;
  Power power;
  int32_t availability_ppm = 1'000'000;
  bool steerable = true;                   // the agent there can steer by SRv6
  std::string prefix;                      // IPv6 prefix of its instances, "fd77:1:1:3::/64"; empty: no data plane
  std::string sid;                         // SRv6 SID that ends a path here (End.DX6 or End.DT6); empty: not steerable to
  std::string failure_domain;              // what fails as one, such as a power grid or a data centre; empty: the site alone
  std::vector<std::string> taints;         // who does not tolerate every one of these is not placed here; sorted, unique
  std::vector<HourRate> hours;             // of a day in UTC; none, or 24
  int32_t best_effort_asks_milli = 0;      // what best-effort work pays, in thousandths of the asks; 0: all of them
  friend bool operator==(const SiteSpec&, const SiteSpec&) = default;
};

// A duplex link. Both directions have the same properties; their load and state are kept apart.
struct LinkSpec {
  std::string name;
  VertexId a, b;
  int64_t bandwidth_bps = 0;
  int64_t latency_us = 0;                  // one way
  int64_t jitter_us = 0;
  int32_t loss_ppm = 0;
  int32_t availability_ppm = 1'000'000;
  Nanocredits per_gbps_hour = 0;           // ask for each direction used
  bool steerable = true;
  std::string sid_a, sid_b;                // SRv6 SIDs of a and b that send over this link (End.X); empty: none
  friend bool operator==(const LinkSpec&, const LinkSpec&) = default;
};

// Accelerators of one node: bit d stands for device d, counted as its agent lists them.
using DeviceMask = uint64_t;
inline constexpr int kDevicesPerNodeMax = 64;
// A whole device, in thousandths.
inline constexpr int32_t kDeviceMilli = 1000;
// Equal parts of a device: so few that rounding to thousandths never makes one more of them, n * (n + 1) <= kDeviceMilli.
inline constexpr int16_t kDeviceSlicesMax = 31;

// A machine of a site as the agent may use it: cgroup-effective, less the owner's reserve.
struct NodeSpec {
  std::string name;
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  int16_t accelerators = 0;                // at most kDevicesPerNodeMax, all alike
  std::string accelerator_model;           // empty if none
  int32_t speed_milli = 1000;              // metered speed of a core; 1000 = the reference core
  int32_t accelerator_memory_mib = 0;      // of each; 0: unknown
  int64_t accelerator_fp16_gflops = 0;     // half-precision arithmetic of each, 1e9 operations/s; 0: unknown
  int16_t accelerators_per_island = 0;     // devices k * n to k * n + n - 1 reach each other fast, as over NVLink; 0: all
  int16_t accelerator_slices = 0;          // parts that shares are made of (MIG), at most kDeviceSlicesMax; 0: any share
  std::string rack;                        // of the site; empty: unknown
  friend bool operator==(const NodeSpec&, const NodeSpec&) = default;
};

enum class Liveness : uint8_t {
  kUnknown,   // described, never heard of
  kUp,
  kDraining,  // alive, takes nothing new, what it has moves away
  kDown,
};

// ---- what a tenant wants -----------------------------------------------------------------------------

struct Ingress {
  SiteId site;
  int32_t streams = 0;
  friend bool operator==(const Ingress&, const Ingress&) = default;
};

enum class WorkKind : uint8_t { kService, kJob };

// What one instance is and needs.
struct Workload {
  WorkKind kind = WorkKind::kService;
  std::string artifact;                    // name in the artifact store
  std::string digest;                      // sha256 in hex; empty: as registered at the site
  std::vector<std::string> command;        // arguments after the artifact
  int32_t port = 0;                        // 1..65535 for a service
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  int16_t accelerators = 0;
  std::string accelerator_model;           // empty: any
  int32_t streams_per_instance = 1;        // >= 1
  int32_t accelerator_milli = 0;           // share of one device, 1 to 999; 0: whole devices
  // That each device must have, or of a device that is shared what is reserved; 0: any, or in proportion to the share.
  int32_t accelerator_memory_mib = 0;
  int64_t accelerator_fp16_gflops_min = 0;  // of each device; 0: any
  int32_t speed_milli_min = 0;             // of the node's cores, as metered; 0: any
  bool accelerators_linked = false;        // all of an instance in one island of its node
  // Of a job without accelerators: it runs in what others have reserved and do not use, and makes way when they do.
  bool best_effort = false;
  friend bool operator==(const Workload&, const Workload&) = default;
};

// Per stream.
struct Traffic {
  int64_t up_bps = 0;
  int64_t down_bps = 0;
  int64_t requests_per_second_milli = 0;
  int64_t work_us_per_request = 0;         // microseconds of the reference core
  // Not per stream: what each instance of a job exchanges with all the others together, each way (the hose model, Duffield
  // et al., SIGCOMM 1999). 0: nothing that has to be reserved.
  int64_t between_bps = 0;
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

struct Promise {
  int64_t latency_us_max = 0;              // round trip as the client sees it; 0: none
  int32_t percentile_ppm = 990'000;
  int32_t availability_ppm = 0;            // 0: none
  friend bool operator==(const Promise&, const Promise&) = default;
};

// Where instances may stand. What is said of other intents, of data and of taints holds when an instance is placed or
// moved; what goes on running goes on.
struct Where {
  std::vector<std::string> residency;      // the site must carry every one of these labels
  std::vector<SiteId> only;                // empty: any
  std::vector<SiteId> not_at;
  int32_t sites_min = 1;                   // spread: at least so many different sites
  int32_t regions_min = 0;                 // spread over SiteSpec::region; 0: as sites_min says
  int32_t failure_domains_min = 0;         // spread over SiteSpec::failure_domain; 0: as sites_min says
  std::vector<IntentId> near;              // of the tenant: the site must have an instance of each
  std::vector<IntentId> apart_from;        // of the tenant: the site must have an instance of none
  bool at_data = false;                    // all of IntentSpec::data must lie at the site
  std::vector<std::string> tolerates;      // taints; sorted, unique
  bool same_rack = false;                  // all instances on nodes of one rack
  friend bool operator==(const Where&, const Where&) = default;
};

// Weights of the decision price, in thousandths.
struct Prefer {
  int32_t cost_milli = 1000;
  int32_t carbon_milli = 0;
  friend bool operator==(const Prefer&, const Prefer&) = default;
};

// When a job runs, and before whom. As it stands: as soon as its turn comes, for as long as it takes.
struct Schedule {
  std::string queue;                       // empty: the domain's
  std::string reservation;                 // of the tenant, which it runs in; empty: none
  int32_t priority = 0;                    // class; a higher one goes first, whatever its share
  int32_t instances = 0;                   // begin together or not at all; 0: one
  int64_t run_time_us_estimated = 0;       // orders and plans; 0: as run_time_us_max
  int64_t run_time_us_max = 0;             // it is ended then; what is promised to others rests on it. 0: unbounded
  TimeUs not_before = 0;                   // 0: at once
  TimeUs deadline = 0;                     // is to be over by then; 0: none
  // It writes a checkpoint so often, from which it goes on when it is begun again: more than that is not lost when it is
  // preempted. 0: it begins from the start.
  int64_t checkpoint_interval_us = 0;
  // An array: so many tasks, each a job of its own, which begin one by one as room comes. 0: the job is one.
  int32_t tasks = 0;
  // It is malleable: it has this many instances at least, and at most `instances`, as room comes and goes. 0: it is not.
  int32_t instances_min = 0;
  int64_t start_slack_us = 0;              // it may begin so much later than it could, where that is cheaper
  friend bool operator==(const Schedule&, const Schedule&) = default;
};

struct IntentSpec {
  std::string name;
  std::vector<Ingress> from;
  Workload workload;
  Traffic traffic;
  Promise promise;
  Where where;
  Prefer prefer;
  Nanocredits budget_per_hour_max = 0;     // 0: none
  std::vector<DatasetId> data;             // each must lie at, or be allowed to move to, the chosen sites
  Schedule schedule;                       // of jobs
  friend bool operator==(const IntentSpec&, const IntentSpec&) = default;
};

// An amount of each thing that a site gives out.
struct Quota {
  int64_t cpu_milli = 0;
  int64_t memory_mib = 0;
  int64_t accelerators = 0;
  friend bool operator==(const Quota&, const Quota&) = default;
};

enum class Backfill : uint8_t {
  kInherited,
  kNone,          // nobody overtakes who cannot begin yet
  kEasy,          // who does not delay the first that waits (Lifka 1995)
  kConservative,  // who delays nobody that waits before it (Mu'alem and Feitelson 2001)
};

// A parameter of a policy, as 'weir get policies' names it.
struct PolicySetting {
  std::string name;
  int64_t value = 0;                       // signed
  friend bool operator==(const PolicySetting&, const PolicySetting&) = default;
};

// The queue that stands for the domain: it has no parent and no quotas, and holds the jobs that name no queue.
inline constexpr const char* kDomainQueue = "domain";

// Jobs that share what is theirs. Queues form a tree below the domain's own; within a queue its tenants share
// equally.
struct QueueSpec {
  std::string name;
  QueueId parent;                          // none: the domain's
  int32_t weight_milli = 1000;             // share among its siblings, >= 1
  Quota guaranteed;                        // it gets so much, whoever else wants it
  Quota maximum;                           // and never more than so much; 0: of this kind no bound
  std::string policy;                      // who goes first, as 'weir get policies' names it; empty: the parent's
  std::vector<PolicySetting> settings;     // of the policy; those not named are as it has them by itself
  Backfill backfill = Backfill::kInherited;  // of the domain's queue alone; there kInherited means kEasy
  int64_t half_life_us = 0;                // after which past use counts half; 0: only what is used now counts
  int32_t submissions_per_hour_max = 0;    // of one tenant; 0: no bound
  int32_t priority_max = 0;                // of its jobs: who may go before all others is the operator's to say
  // Its jobs, and those of queues below it, are taken to run as long as the mean of the last two of their tenant with their
  // artifact (Tsafrir, Etsion and Feitelson 2007), once known, and not as long as they say. It orders and plans; what is
  // promised to others rests on run_time_us_max alone.
  bool predicts = false;
  friend bool operator==(const QueueSpec&, const QueueSpec&) = default;
};

// Room at a site that is kept for the jobs of a tenant which name it, and for no other; and bandwidth between it and where
// their traffic comes from.
struct ReservationSpec {
  std::string name;
  SiteId site;
  Quota amount;
  TimeUs from = 0;
  TimeUs to = 0;                           // > from; one that is over is forgotten
  SiteId ingress;                          // none: no bandwidth is kept
  int64_t up_bps = 0;                      // on every link of path
  int64_t down_bps = 0;                    // on every twin
  std::vector<LinkId> path;                // from the ingress to the site; given when it is defined
  friend bool operator==(const ReservationSpec&, const ReservationSpec&) = default;
};

// Data that may only be worked on where its labels allow.
struct DatasetSpec {
  std::string name;
  std::vector<SiteId> at;
  std::vector<std::string> residency;      // it may be read only at sites that carry all of these
  friend bool operator==(const DatasetSpec&, const DatasetSpec&) = default;
};

// ---- what scarce things are worth ------------------------------------------------------------------------

// Shadow prices on top of the asks, per full unit and hour; all >= 0.
struct SiteShadowPrice {
  SiteId site;
  Nanocredits per_core_hour = 0;
  Nanocredits per_gib_hour = 0;
  Nanocredits per_accelerator_hour = 0;
  friend bool operator==(const SiteShadowPrice&, const SiteShadowPrice&) = default;
};
struct LinkShadowPrice {
  LinkId link;                             // one direction
  Nanocredits per_gbps_hour = 0;
  friend bool operator==(const LinkShadowPrice&, const LinkShadowPrice&) = default;
};

// What ordinary work has reserved on a node and was measured not to use: best-effort work may have it.
struct NodeReclaimable {
  NodeId node;
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  friend bool operator==(const NodeReclaimable&, const NodeReclaimable&) = default;
};

// ---- what was decided --------------------------------------------------------------------------------

struct Placement {
  SiteId site;
  NodeId node;
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  int16_t accelerators = 0;
  int32_t streams = 0;                     // carried by this instance
  Asks asks;                               // frozen at commit
  RunId continues;                         // a run of an earlier plan that goes on; none: a new run starts
  int32_t accelerator_milli = 0;           // of one device; 0: whole devices
  int32_t accelerator_memory_mib = 0;      // of the shared device; 0: whole devices, or unknown
  DeviceMask devices = 0;                  // which; given at commit where the decision leaves it open
  bool best_effort = false;                // it holds nothing that ordinary work could not have
  friend bool operator==(const Placement&, const Placement&) = default;
};

// Of all the devices that one instance takes, in thousandths of a device.
constexpr int64_t device_milli(int64_t accelerators, int32_t accelerator_milli) {
  return accelerator_milli > 0 ? accelerators * accelerator_milli : accelerators * kDeviceMilli;
}
inline int64_t device_milli(const Workload& workload) {
  return device_milli(workload.accelerators, workload.accelerator_milli);
}
inline int64_t device_milli(const Placement& placement) {
  return device_milli(placement.accelerators, placement.accelerator_milli);
}

// Traffic of `streams` streams from an ingress to a placement. It returns the way it came: `path` lists the
// links in the direction from the ingress; the way back takes their twins (opposite(link)).
struct Flow {
  SiteId ingress;
  uint32_t placement = 0;                  // index in Plan::placements
  int32_t streams = 0;                     // 0: of what the instances of a job exchange, `ingress` is where others of them are
  int64_t up_bps = 0;                      // reserved on every link of path
  int64_t down_bps = 0;                    // reserved on every twin
  std::vector<LinkId> path;
  std::vector<LinkId> protection;          // empty: none exists; not reserved
  // Names of the two paths at both of their ends (firewall mark, routing table, STAMP session), 256 to 65535;
  // given at commit, unique at each end while the plan holds. 0: no such path, or not committed yet.
  uint16_t label_working = 0;
  uint16_t label_protection = 0;
  Nanocredits path_per_hour = 0;           // billed, frozen at commit
  int64_t latency_us_predicted = 0;        // at the promised percentile, the sum of the next four
  int64_t latency_us_path = 0;             // round trip of propagation and jitter
  int64_t latency_us_serialisation = 0;
  int64_t latency_us_work = 0;
  int64_t latency_us_queueing = 0;
  friend bool operator==(const Flow&, const Flow&) = default;
};

// Twins: a duplex link has the identifiers 2k (a to b) and 2k + 1 (b to a).
constexpr LinkId opposite(LinkId link) { return LinkId(link.value ^ 1u); }
// The first of the two, which stands for both.
constexpr LinkId duplex(LinkId link) { return LinkId(link.value & ~1u); }

enum class Quality : uint8_t { kExact, kBounded, kHeuristic };

// Why something is not possible, or lost. Codes are stable; text for people is made from them.
enum class ReasonCode : uint8_t {
  kNone,
  kChosen,              // the cheapest feasible plan
  kPrice,               // feasible, but dearer
  kForbidden,           // excluded by where.only or where.not
  kResidency,           // lacks a residency label, of the intent or of its data
  kSiteNotUp,
  kCpu,
  kMemory,
  kAccelerators,
  kNoPath,              // not connected over links that are up
  kBandwidth,           // connected, but no path has room
  kLatency,
  kOverload,            // an instance cannot keep up with its streams
  kAvailability,
  kBudget,
  kSpread,              // fewer sites than where.sites_min
  kIngressDown,
  kSearchBudget,        // the step budget ended before any feasible plan was found
  kSteering,            // the only feasible paths are on links that cannot be steered
  kRestarting,          // it has ended again and again; it is started anew when this time has passed
  kTogether,            // the pass over the whole domain moved or admitted it: `needed` is saved by the hour
  kConsolidated,        // to another node of its site, so that what is free comes together: `needed` gains by the hour
  kRerouted,            // off a crowded link: the utilisation that a flow of it sees fell from `needed` to `available`
  kAcceleratorShare,    // no device has so much of itself free
  kAcceleratorMemory,   // no device with the share free has so much memory free
  kRegions,             // fewer regions than where.regions_min
  kFailureDomains,      // fewer failure domains than where.failure_domains_min
  kTaint,               // the site has taints that are not tolerated: `needed` of them
  kAffinity,            // of intent `needed`, of where.near, no instance stands there
  kAntiAffinity,        // of intent `needed`, of where.apart_from, `available` instances stand there
  kDataElsewhere,       // data set `needed` does not lie there, but at `available` sites
  kSpeed,               // no node has cores so fast, in thousandths of the reference core
  kAcceleratorsLinked,  // no island of a node has so many whole ones free; the fullest has `available`
  kRack,                // no rack has room for so many instances; the best has for `available`
};

// Is this about the plan as a whole, and not about a site or an ingress of it?
constexpr bool about_the_whole(ReasonCode code) {
  return code == ReasonCode::kAvailability || code == ReasonCode::kBudget || code == ReasonCode::kSpread ||
         code == ReasonCode::kRegions || code == ReasonCode::kFailureDomains;
}

// One constraint at one place: what was needed and what there was. Units follow from the code: milli-cores,
// MiB, count, thousandths of a device or of a core's speed, bit/s, microseconds, ppm, nanocredits per hour, identifiers.
struct Reason {
  ReasonCode code = ReasonCode::kNone;
  SiteId site;                             // none: about the request as a whole
  SiteId ingress;                          // none: about no ingress in particular
  int64_t needed = 0;
  int64_t available = 0;
  friend bool operator==(const Reason&, const Reason&) = default;
};

// A site that was not chosen for the traffic of one ingress.
struct Alternative {
  Reason reason;
  Nanocredits decision_price = 0;          // per hour, when feasible; comparable with Plan::decision_price
  Nanocredits billed_per_hour = 0;
  int64_t latency_us_predicted = 0;
  std::vector<LinkId> path;
  friend bool operator==(const Alternative&, const Alternative&) = default;
};

struct Plan {
  IntentId intent;
  uint32_t generation = 0;
  Position basis = 0;                      // version of the graph that it was decided on
  std::vector<Placement> placements;
  std::vector<Flow> flows;
  Nanocredits billed_per_hour = 0;         // asks only
  Nanocredits decision_price = 0;          // asks, scarcity, carbon and preference: decides, never billed
  int64_t power_mw = 0;
  int64_t carbon_mg_per_hour = 0;
  int32_t availability_ppm = 0;
  Quality quality = Quality::kHeuristic;
  Nanocredits bound = 0;                   // no plan has a lower decision price than this
  uint64_t steps = 0;                      // search steps taken
  uint32_t price_policy = 0;               // version of the price table and parameters used
  Reason reason;
  std::vector<Alternative> alternatives;   // best first, at most 8; feasible ones before the others
  friend bool operator==(const Plan&, const Plan&) = default;
};

// Why an intent has no plan: the constraints that fail, nearest to being met first.
struct Refusal {
  IntentId intent;
  uint32_t generation = 0;
  Position basis = 0;
  std::vector<Reason> reasons;             // at most 8
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

enum class RunState : uint8_t {
  kPlanned,   // committed, not yet accepted by the site
  kStarting,
  kRunning,
  kStopping,
  kExited,    // ended by itself with exit code 0 (jobs) or was stopped as asked
  kFailed,    // ended otherwise
  kLost,      // its lease ran out without news
};
// By itself or as asked. This is final: what is asked for in its place is another run.
constexpr bool has_ended(RunState state) {
  return state == RunState::kExited || state == RunState::kFailed || state == RunState::kLost;
}

enum class Role : uint8_t { kOperator, kProvider, kTenant };

// ---- what was said -----------------------------------------------------------------------------------

// What was wanted, in short: what past cases are compared by.
struct WishSketch {
  std::string work;                        // what it does, "detection"; empty: it was not said
  std::string artifact;
  WorkKind kind = WorkKind::kService;
  int32_t streams = 0;
  int64_t latency_us_max = 0;              // 0: no promise of latency
  int32_t accelerator_milli = 0;           // of an instance
  std::string accelerator_model;
  std::vector<SiteId> from;                // where streams come in; sorted, unique
  std::vector<SiteId> only;                // where alone it may run; sorted, unique; empty: anywhere
  friend bool operator==(const WishSketch&, const WishSketch&) = default;
};

// How a dialogue in which something was offered ended.
enum class DialogueEnd : uint8_t { kTaken, kDeclined, kLeft };

// One thing that was offered.
struct DialogueOffer {
  WishSketch sketch;
  std::vector<std::string> ways;           // to have it that were shown: "asked", "fastest"
  std::string taken;                       // one of them; empty: none, or it is not known which
  IntentId intent;                         // that came of it; none: nothing did
  uint32_t generation = 0;                 // of the intent
  friend bool operator==(const DialogueOffer&, const DialogueOffer&) = default;
};

// What is wrong with an intent that was judged bad.
enum class Blame : uint8_t { kUnsaid, kSlow, kDear, kDirty, kUnreliable, kOther };

}  // namespace weir
