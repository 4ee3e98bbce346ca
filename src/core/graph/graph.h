#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/event/event.h"
#include "core/graph/column.h"
#include "core/graph/devices.h"
#include "core/graph/kept_bandwidth.h"
#include "core/graph/metered.h"
#include "core/graph/names.h"
#include "core/graph/past.h"
#include "core/ids/ids.h"
#include "core/price/price.h"

namespace weir {

// Rows are split by how often they change and who reads them together, so that a commit copies little and
// a scan over candidates touches only what it compares.

struct SiteRow {
  VertexId vertex;
  Liveness state = Liveness::kUnknown;
  bool drained = false;                    // by an operator; outlasts that its agent is away
  Tier tier = Tier::kCloud;
  bool steerable = false;                  // packets can be led from and to it: described so, with a SID, and not denied
  bool agent_steers = true;                // as its agent said last; until it says anything, what is described holds
  int32_t availability_ppm = 0;
  uint64_t residency = 0;                  // bit set of interned labels
  uint64_t taints = 0;                     // bit set of interned names
  Asks asks;
  Power power;
  HourRate hour;                           // of jobs that begin now
};

// Sums over the nodes of a site; what is free on cordoned ones is left out.
struct SiteLoad {
  int64_t cpu_milli_total = 0, cpu_milli_free = 0;
  int64_t memory_mib_total = 0, memory_mib_free = 0;
  int32_t accelerators_total = 0, accelerators_free = 0;  // whole ones
  int64_t accelerator_milli_free = 0;      // of all devices, in thousandths of one
  int32_t speed_milli_min = 0;             // of the slowest node; 0: no nodes
  uint32_t device_slices = 0;              // bit n: a node has devices of n slices, or for 0 devices that are not sliced
};

// On top of the asks of a site, per full unit and hour.
struct SiteShadow {
  Nanocredits per_core_hour = 0;
  Nanocredits per_gib_hour = 0;
  Nanocredits per_accelerator_hour = 0;
  friend bool operator==(const SiteShadow&, const SiteShadow&) = default;
};

struct NodeRange {
  uint32_t first = 0, count = 0;
};

struct NodeRow {
  SiteId site;
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  int32_t speed_milli = 1000;
  int16_t accelerators = 0;
  uint16_t accelerator_model = 0;          // row of accelerator_models(); 0: none
  // Of devices(); 0: none. Kept in one word with the next, so that nodes without accelerators pay nothing.
  uint32_t devices : 31 = 0;
  bool cordoned : 1 = false;               // takes nothing new
};
static_assert(sizeof(NodeRow) == 24);

struct NodeFree {
  int32_t cpu_milli = 0;
  int32_t memory_mib = 0;
  int32_t accelerators = 0;                // whole ones
};

// Of a node, what concerns best-effort work alone.
struct NodeSpare {
  int64_t cpu_milli_reclaimed = 0;         // that others have reserved and it may have; at most what is reserved
  int64_t memory_mib_reclaimed = 0;
  int64_t cpu_milli_taken = 0;             // that it has
  int64_t memory_mib_taken = 0;
};

// One direction of a link.
struct LinkRow {
  VertexId from, to;
  int64_t bandwidth_bps = 0;
  int64_t per_gbps_hour = 0;
  int32_t latency_us = 0;                  // as described; LinkLoad has the measured value
  int32_t jitter_us = 0;
  int32_t loss_ppm = 0;
  int32_t availability_ppm = 0;
  // Packets can be led over it in both directions: it is described so, has a SID at every router that it ends at, and a
  // site that it ends at is steerable. Since sites carry no transit, a path can be led if all of its links can.
  bool steerable = false;
};

// All but `steerable`, which also depends on its ends.
LinkRow link_row(const LinkSpec& spec, bool forward);

struct LinkLoad {
  int64_t free_bps = 0;                    // may be negative after a revision below what is reserved
  int32_t latency_us = 0;                  // one way: measured, or as described until then
  int32_t jitter_us = 0;
  int32_t loss_ppm = 0;
  bool up = true;
};

// A plan that holds reservations. Parts that a later plan of the same intent took over are marked: the
// later plan holds them now.
struct CommittedPlan {
  Position position = 0;
  Plan plan;
  std::shared_ptr<const IntentSpec> spec;  // of the plan's generation, which need not be the newest
  std::vector<bool> placement_passed_on;
  std::vector<bool> flow_passed_on;      // or given back, because its run has ended
  // The run behind a placement: its own, or the one it continues.
  RunId run(size_t placement) const {
    const RunId& continues = plan.placements[placement].continues;
    return continues.valid() ? continues : RunId{position, static_cast<uint32_t>(placement)};
  }
};

struct RunRow {
  RunId run;
  SiteId site;
  RunState state = RunState::kPlanned;
  int32_t exit_code = 0;
  TimeUs began = 0;                        // when it was first seen running; 0: not yet
  Metered metered;
};

// A run that nobody holds any more, whose usage has not arrived in whole: its site was cut off, or its last reports
// were not acknowledged yet.
struct RetiredRun {
  RunId run;
  SiteId site;
  TimeUs retired = 0;
  Metered metered;
};
// How long after its retirement, and of how many runs of one intent, usage is still taken. Beyond the number the
// oldest is forgotten.
inline constexpr TimeUs kRetiredUsageUs = int64_t{7} * 86'400'000'000;
inline constexpr size_t kRetiredRunsMax = 4'096;

enum class IntentState : uint8_t { kPending, kPlaced, kRefused, kWithdrawn };

// How many instances a wish without ingresses asks for, all at once.
int32_t instances_asked(const IntentSpec& spec);

// Do the places named allow the site? Labels of residency are another matter.
bool allows(const Where& where, SiteId site);

// Does the wish ask for different places, each of which stands in for the others?
constexpr bool spreads(const Where& where) {
  return where.sites_min > 1 || where.regions_min > 1 || where.failure_domains_min > 1;
}

// The wish, where a request takes so much.
std::shared_ptr<const IntentSpec> with_work(const IntentSpec& spec, int64_t work_us_per_request);

// The wish with so many instances.
std::shared_ptr<const IntentSpec> with_instances(const IntentSpec& spec, int32_t instances);

// May the job have fewer instances than it wishes for, and be given others while it runs?
constexpr bool is_malleable(const Schedule& schedule) {
  return schedule.instances_min > 0 && schedule.instances_min < schedule.instances;
}

// Room at a site that running jobs gave up for a waiting one.
struct Claim {
  SiteId site;
  TimeUs at = 0;
  std::vector<std::pair<IntentId, Position>> from;  // who gave up which plan
};

// How far an array has come: submitted = waiting + running + finished + failed.
struct TaskCounts {
  int32_t submitted = 0;                   // the first so many of its tasks, each once
  int32_t waiting = 0;                     // of these: without a plan
  int32_t running = 0;                     // with one
  int32_t finished = 0;                    // every run of it ended well
  int32_t failed = 0;                      // ended otherwise
  friend bool operator==(const TaskCounts&, const TaskCounts&) = default;
};

struct IntentRow {
  TenantId tenant;
  IntentId array;                          // that it is a task of; none: of none
  uint32_t task = 0;                       // its index
  uint32_t generation = 0;
  IntentState state = IntentState::kPending;
  bool promise_kept = true;
  bool finished = false;                   // withdrawn, because every run ended well
  bool failed = false;                     // a job that the brain withdrew although not every run did; the ledger says why
  uint32_t preemptions = 0;                // of this generation
  uint32_t claims = 0;                     // times that this generation had others preempted
  TimeUs preempted_at = 0;
  std::shared_ptr<const JobPreempted> preempted;  // the last preemption of this generation
  // While it waits: until it has a plan, is refused or withdrawn.
  std::shared_ptr<const Claim> claim;
  TimeUs submitted_at = 0;                 // of this generation
  Position submitted = 0;                  // of this generation
  TimeUs predicted_us = 0;                 // run time, by what was known when it was submitted; 0: nothing was
  std::shared_ptr<const IntentSpec> spec;  // the wish; of a task: the array's, as it was when the task was submitted
  // The same with the work that was measured, or with the instances that a malleable job is to have: plans are made for it.
  std::shared_ptr<const IntentSpec> demand;
  std::shared_ptr<const CommittedPlan> active;
  std::vector<std::shared_ptr<const CommittedPlan>> retiring;
  std::shared_ptr<const Refusal> refusal;
  std::vector<RunRow> runs;                // of active and retiring plans
  std::vector<RetiredRun> retired_runs;    // oldest first
  std::vector<uint32_t> flows_on_protection;  // indices into the active plan's flows, sorted
  std::vector<SiteId> promise_broken_at;   // ingresses, sorted; promise_kept: none
  uint32_t named = 0;                      // how often newest wishes of others name it in where.near and where.apart_from
  TaskCounts tasks;                        // of an array
  WorkflowId workflow;                     // that it is a stage of; none: of none
  std::string stage;                       // its name there
};

enum class WorkflowState : uint8_t { kPending, kPlanned, kRefused, kWithdrawn };

struct WorkflowRow {
  TenantId tenant;
  uint32_t generation = 0;
  WorkflowState state = WorkflowState::kPending;  // of this generation
  bool finished = false;                   // withdrawn, because every stage of it ended well
  TimeUs submitted_at = 0;                 // of this generation
  Position submitted = 0;                  // of this generation
  std::shared_ptr<const Workflow> spec;
  // The newest plan, which may be of an earlier generation. The row of a stage is that of its generation's wish.
  std::shared_ptr<const WorkflowPlanned> plan;
  std::shared_ptr<const Workflow> planned_spec;     // that the plan was made for
  TimeUs planned_at = 0;
  std::shared_ptr<const WorkflowPlanned> refusal;  // the newest, if there was no plan since
  std::vector<IntentId> intents;           // of stages of this and earlier generations, sorted
};

// Does it stand for its tasks, and never get a plan itself?
inline bool is_array(const IntentRow& row) { return !row.array.valid() && row.spec->schedule.tasks > 0; }
// Of an array: every task was submitted and has ended.
inline bool all_ended(const IntentRow& row) {
  return row.tasks.submitted >= row.spec->schedule.tasks && row.tasks.waiting == 0 && row.tasks.running == 0;
}
// It is over, and not all of it ended well.
inline bool has_failed(const IntentRow& row) {
  return row.state == IntentState::kWithdrawn && !row.finished && (row.failed || (is_array(row) && all_ended(row)));
}
// It is over by itself, well or not, and shown until somebody deletes it.
inline bool is_over(const IntentRow& row) {
  return row.state == IntentState::kWithdrawn && (row.finished || has_failed(row));
}

struct TokenRow {
  std::string secret_sha256;
  std::string subject;
  std::string redeemed_by;                 // empty: not yet
  TimeUs issued = 0;
  TimeUs expires = 0;                      // 0: never
  TimeUs redeemed = 0;
  Role role = Role::kTenant;
  bool join = false;
  bool revoked = false;
};

struct DatasetRow {
  DatasetSpec spec;
  uint64_t residency = 0;
};

// What an event did. An event without effect stays in the ledger, with the reason in the views.
struct Applied {
  bool effect = true;
  std::string why_not;
};
inline Applied no_effect(std::string why) { return {false, std::move(why)}; }

// Bytes held, by what holds them.
struct GraphBytes {
  size_t scheduling = 0;                   // site, node, link and vertex columns
  size_t strings = 0;
  size_t commitments = 0;
};

// The present: everything that deciding, verifying and showing need, folded from the events. A value: a
// copy is O(1) and independent. Rows of a kind are dense and in order of joining.
class Graph {
 public:
  Graph();
  Graph(const Graph& other);
  Graph(Graph&& other) noexcept;
  Graph& operator=(const Graph& other);
  Graph& operator=(Graph&& other) noexcept;
  ~Graph();
  // graph' = apply(graph, event). Total: any event at any time. Pure.
  Applied apply(const Event& event);
  // The same with a later now(), where that is later: for deciding when nothing has happened for a while.
  Graph as_of(TimeUs now) const {
    Graph later = *this;
    later.now_ = std::max(now_, now);
    return later;
  }

  // Number of events applied.
  Position version() const { return version_; }
  TimeUs now() const { return now_; }      // time of the newest event
  const std::string& domain() const { return domain_->name; }
  // Stable addresses of services, an IPv6 /64; empty: none are given out.
  const std::string& service_prefix() const { return domain_->service_prefix; }
  uint64_t brain_epoch() const { return brain_epoch_; }
  const PricePolicy& prices() const { return prices_; }

  size_t site_count() const { return sites_.size(); }
  const std::string& site_name(SiteId id) const { return site_names_.name(id.index()); }
  SiteId find_site(std::string_view name) const { return SiteId(site_names_.find(name)); }
  const SiteRow& site(SiteId id) const { return sites_[id.index()]; }
  const SiteLoad& load(SiteId id) const { return site_loads_[id.index()]; }
  const SiteSpec& site_spec(SiteId id) const { return *site_specs_[id.index()]; }
  // The site whose vertex this is; none: a router. O(log sites).
  SiteId site_at(VertexId vertex) const;
  const std::vector<NodeRange>& nodes(SiteId id) const { return site_nodes_[id.index()]; }
  const Column<SiteRow>& sites() const { return sites_; }
  const Column<SiteLoad, 64>& site_loads() const { return site_loads_; }

  size_t node_count() const { return nodes_.size(); }
  const NodeRow& node(NodeId id) const { return nodes_[id.index()]; }
  const NodeFree& free(NodeId id) const { return node_free_[id.index()]; }
  const NodeSpare& spare(NodeId id) const {
    static constexpr NodeSpare kNone{};
    return id.index() < node_spare_.size() ? node_spare_[id.index()] : kNone;
  }
  // What best-effort work may still take: what is free, and what is reserved and reclaimed, less what such work has. Below 0
  // so much of it has to make way. No accelerators.
  NodeFree spare_room(NodeId id) const;
  // What work like this may take.
  NodeFree room(NodeId id, const Workload& workload) const { return workload.best_effort ? spare_room(id) : free(id); }
  // The nodes on which it has any, in order. O(nodes), where there ever was any.
  std::vector<NodeId> best_effort_nodes() const;
  const std::string& node_name(NodeId id) const { return node_names_[id.index()]; }
  const Column<NodeRow>& node_rows() const { return nodes_; }
  const Column<NodeFree>& node_free() const { return node_free_; }
  const NameIndex& accelerator_models() const { return accelerator_models_; }
  // Does the node take new work, is it fast enough, and are its accelerators, if any are needed, of the model, as able and in
  // islands as large as asked for?
  bool takes(const NodeRow& node, const Workload& workload) const {
    return !node.cordoned && node.speed_milli >= workload.speed_milli_min && right_accelerator(node, workload);
  }
  bool right_accelerator(const NodeRow& node, const Workload& workload) const {
    return workload.accelerators == 0 ||
           ((workload.accelerator_model.empty() || accelerator_model(node) == workload.accelerator_model) &&
            devices(node).fp16_gflops >= workload.accelerator_fp16_gflops_min &&
            devices(node).memory_mib >= workload.accelerator_memory_mib &&
            (!workload.accelerators_linked || devices(node).per_island == 0 || devices(node).per_island >= workload.accelerators));
  }
  // Of a node without accelerators: none.
  const DevicesRow& devices(const NodeRow& node) const {
    static constexpr DevicesRow kNone{};
    return node.devices == 0 ? kNone : devices_[node.devices];
  }
  // What is free of the devices that the node has now. O(devices).
  DeviceRoom device_room(NodeId id) const;
  // The same if nothing ran there.
  DeviceRoom device_room_empty(NodeId id) const;
  // How many instances find room on the devices of the node, models aside. Requires that the workload has accelerators.
  // O(devices); of whole ones that need not be linked O(1).
  int64_t device_fits(NodeId id, const Workload& workload) const;
  // Empty: unknown.
  std::string_view rack_name(NodeId id) const {
    const uint32_t row = id.index() < node_racks_.size() ? node_racks_[id.index()] : 0;
    return row == 0 ? std::string_view() : rack_names_.name(row);
  }
  // Equal for nodes of one rack of one site; a node whose rack is unknown is a rack of its own.
  using RackKey = std::pair<SiteId, uint64_t>;
  RackKey rack(NodeId id) const {
    const uint32_t row = id.index() < node_racks_.size() ? node_racks_[id.index()] : 0;
    return {node(id).site, row != 0 ? row : uint64_t{id.value} + kRacksMax};
  }
  // Empty: none.
  std::string_view accelerator_model(const NodeRow& node) const {
    return node.accelerator_model == 0 ? std::string_view() : accelerator_models_.name(node.accelerator_model);
  }

  // What the newest wishes of all intents, withdrawn ones too, ask for of accelerators: the tasks that may come again.
  const DeviceMix& device_mix() const { return *device_mix_; }

  size_t vertex_count() const { return vertex_names_.size(); }
  const std::string& vertex_name(VertexId id) const { return vertex_names_.name(id.index()); }
  VertexId find_vertex(std::string_view name) const { return VertexId(vertex_names_.find(name)); }
  const std::vector<LinkId>& links_out(VertexId id) const { return links_out_[id.index()]; }

  size_t link_count() const { return links_.size(); }  // directions: twice the duplex links
  const LinkRow& link(LinkId id) const { return links_[id.index()]; }
  const LinkLoad& load(LinkId id) const { return link_loads_[id.index()]; }
  const std::string& link_name(LinkId id) const { return link_names_.name(id.index() / 2); }
  LinkId find_link(std::string_view name) const;
  const LinkSpec& link_spec(LinkId id) const { return *link_specs_[id.index() / 2]; }
  bool usable(LinkId id) const { return load(id).up && load(opposite(id)).up; }
  // Do reservations keep bandwidth, of windows that were not over at the newest event?
  bool keeps_bandwidth() const { return kept_end_ != INT64_MAX; }
  // When the first of these windows ends; INT64_MAX: there is none.
  TimeUs kept_end() const { return kept_end_; }
  const KeptBandwidth& kept_bandwidth() const { return *kept_bandwidth_; }
  // What reservations keep of the link from a flow of this term: KeptBandwidth::most_bps.
  int64_t kept_bps(LinkId id, const FlowTerm& term) const {
    return keeps_bandwidth() ? kept_bandwidth_->most_bps(id, term) : 0;
  }
  // What a new flow may take; negative: less than nothing. Without a term: one that nobody keeps at any time.
  int64_t room_bps(LinkId id, const FlowTerm& term = {}) const { return load(id).free_bps - kept_bps(id, term); }
  // What the pass over the whole domain found last; basis 0: nothing yet.
  const ShadowPricesRevised& shadow_prices() const { return *shadow_prices_; }
  // Of a site, and of one direction of a link: its part in it.
  const SiteShadow& shadow(SiteId id) const {
    static constexpr SiteShadow kNone;
    return id.index() < site_shadows_.size() ? site_shadows_[id.index()] : kNone;
  }
  Nanocredits shadow(LinkId id) const { return id.index() < link_shadows_.size() ? link_shadows_[id.index()] : 0; }
  // Scarcity of one more unit and hour at a site: the larger of what its use now says and its shadow price.
  SiteShadow scarcity_at(SiteId id) const;
  // Ask plus scarcity of one direction, per Gbit/s and hour.
  Nanocredits link_price(LinkId id) const;

  size_t tenant_count() const { return tenants_.size(); }
  const std::string& tenant_name(TenantId id) const { return tenants_.name(id.index()); }
  TenantId find_tenant(std::string_view name) const { return TenantId(tenants_.find(name)); }

  size_t intent_count() const { return intents_.size(); }
  const IntentRow& intent(IntentId id) const { return *intents_[id.index()]; }
  // "tenant/name"
  const std::string& intent_name(IntentId id) const { return intent_names_.name(id.index()); }
  IntentId find_intent(std::string_view tenant, std::string_view name) const;
  // A task of an array by its index; none: it was not submitted yet. O(1).
  IntentId find_task(IntentId array, uint32_t task) const;
  // Of a run at this site; null: there is no such run, or its usage is not taken any more. Valid until the graph
  // changes.
  const Metered* metered(IntentId intent, RunId run, SiteId site) const;

  size_t dataset_count() const { return datasets_.size(); }
  const DatasetRow& dataset(DatasetId id) const { return *datasets_[id.index()]; }
  DatasetId find_dataset(std::string_view name) const { return DatasetId(dataset_names_.find(name)); }

  size_t queue_count() const { return queues_.size(); }
  const QueueSpec& queue(QueueId id) const { return *queues_[id.index()]; }
  QueueId find_queue(std::string_view name) const { return QueueId(queue_names_.find(name)); }

  // Of the day, in UTC, that began last: 0 to 23.
  int32_t hour() const { return hour_; }
  // Number of sites that ask other prices in some hours.
  size_t hourly_sites() const { return hourly_sites_; }
  // What the tenant's jobs with the artifact took to run, the mean of the last two that ended well. 0: nothing is known.
  TimeUs predicted_run_us(TenantId tenant, const std::string& artifact) const;

  struct ReservationRow {
    TenantId tenant;
    ReservationSpec spec;
    bool cancelled = false;
  };
  size_t reservation_count() const { return reservations_.size(); }
  const ReservationRow& reservation(ReservationId id) const { return *reservations_[id.index()]; }
  // The newest of the tenant that has the name, also when it is over or cancelled.
  ReservationId find_reservation(TenantId tenant, std::string_view name) const;

  size_t workflow_count() const { return workflows_.size(); }
  const WorkflowRow& workflow(WorkflowId id) const { return *workflows_[id.index()]; }
  // "tenant/name"
  const std::string& workflow_name(WorkflowId id) const { return workflow_names_.name(id.index()); }
  WorkflowId find_workflow(std::string_view tenant, std::string_view name) const;
  // Of the stage with this name; none: there never was one.
  IntentId stage_intent(const WorkflowRow& row, std::string_view stage) const;

  // What is remembered of the tenant's dialogues and verdicts. O(1).
  const Past& past(TenantId id) const;

  size_t token_count() const { return tokens_.size(); }
  const TokenRow* find_token(std::string_view token) const;
  const TokenRow& token(size_t row) const { return *tokens_[row]; }
  // Certificates that the site got until then, this time included, are no longer good; 0: none was revoked.
  TimeUs certificates_revoked_until(SiteId site) const;
  const std::string& token_name(size_t row) const { return token_names_.name(row); }

  // Whether packets can be led along the path, which joins two sites, whatever routing prefers; back too. O(links).
  bool steerable(const std::vector<LinkId>& path) const;

  // Bit set of the labels; nullopt if one is unknown to the domain (then no site carries it).
  std::optional<uint64_t> residency_mask(const std::vector<std::string>& labels) const;
  const NameIndex& residency_labels() const { return residency_labels_; }
  // Bit set of those of the taints that sites of the domain have, or had.
  uint64_t taint_mask(const std::vector<std::string>& taints) const;
  // Number of sites that have taints.
  size_t tainted_sites() const { return tainted_sites_; }

  // Counts the changes that can make a path cheaper or newly usable. While it stands still, a price
  // learned earlier is a lower bound of the price now.
  uint64_t path_relief() const { return path_relief_; }
  // Counts every change that can make something cheaper or newly possible anywhere, path_relief included.
  // While it stands still, a site found dear or impossible stays so.
  uint64_t relief() const { return relief_ + path_relief_; }

  // Counts what may change which path is fastest: links that came, went up or down, or were measured anew. Starts
  // afresh with a graph read from a checkpoint.
  uint64_t routing() const { return routing_; }

  // What was described so far: counts new vertices and links, revised links and revised price policies. Starts afresh with
  // a graph read from a checkpoint, as does the next.
  uint64_t described() const { return described_; }
  // The links (either direction) and sites whose price may have changed since they were described, in order: what
  // remembers prices looks at those it has not seen yet. Only the newest kRepricingsKept can be asked for.
  struct Repriced {
    LinkId link;  // one of the two is valid
    SiteId site;
  };
  static constexpr uint64_t kRepricingsKept = 16'384;
  uint64_t repricings() const { return repricings_; }
  // Requires repricings() - kRepricingsKept <= i < repricings().
  const Repriced& repriced(uint64_t i) const { return repriced_[i % kRepricingsKept]; }

  GraphBytes bytes() const;

 private:
  friend class Checkpointer;
  static constexpr uint64_t kRacksMax = uint64_t{1} << 32;

  Applied on(const DomainCreated&);
  Applied on(const PricesRevised&);
  Applied on(const BrainStarted&);
  Applied on(const TenantDefined&);
  Applied on(const RouterDefined&);
  Applied on(const SiteDefined&);
  Applied on(const LinkDefined&);
  Applied on(const DatasetDefined&);
  Applied on(const NodesReported&);
  Applied on(const SiteStateChanged&);
  Applied on(const LinkStateChanged&);
  Applied on(const LinkMeasured&);
  Applied on(const IntentSubmitted&);
  Applied submit(const IntentSubmitted&, const std::string& key, const std::shared_ptr<const IntentSpec>& spec);
  Applied submit_task(const IntentSubmitted&);
  void count_task(const IntentRow& row, int sign);
  Applied on(const IntentWithdrawn&);
  Applied on(const PlanCommitted&);
  Applied on(const PlanRetired&);
  Applied on(const IntentRefused&);
  Applied on(const RunStateChanged&);
  Applied on(const UsageReported&);
  Applied on(const PathSwitched&);
  Applied on(const PromiseMeasured&);
  Applied on(const PromiseStateChanged&);
  Applied on(const TokenIssued&);
  Applied on(const TokenRedeemed&);
  Applied on(const TokenRevoked&);
  Applied on(const CertificateIssued&);
  Applied on(const CertificateRevoked&);
  Applied on(const SiteSteeringChanged&);
  Applied on(const WorkMeasured&);
  Applied on(const QueueDefined&);
  Applied on(const JobPreempted&);
  Applied on(const ReservationDefined&);
  Applied on(const ReservationCancelled&);
  Applied on(const NodeCordoned&);
  Applied on(const ShadowPricesRevised&);
  Applied on(const WorkflowSubmitted&);
  Applied on(const WorkflowPlanned&);
  Applied on(const WorkflowWithdrawn&);
  Applied on(const HourBegan&);
  Applied on(const JobResized&);
  Applied on(const ReclaimableMeasured&);
  Applied on(const DialogueHeld&);
  Applied on(const IntentRated&);

  Past& keep_past(TenantId tenant);
  // A case of the intent as it is now: what became of it so far is in it.
  PastCase case_of(IntentId intent) const;
  // What became of the intent's generation goes into its case, if there is one.
  template <class Change>
  void note_outcome(IntentId intent, Change&& change);
  void note_plan(IntentId intent);
  void note_end(IntentId intent);

  // Before an event, while bandwidth is kept: what windows kept that are over is free, and what flows of the intent that the
  // event is about hold is not counted; it is to be counted again after. None: it is about no intent.
  IntentId before_beside_kept(const EventBody& body);
  // Counts what flows of the intent hold of the bandwidth that their reservation keeps.
  void count_kept_use(const IntentRow& row, int sign);
  // From the reservations and the plans. O(intents), if anything is kept.
  void keep_bandwidth();
  void set_hour(SiteId site);
  void remember_run_time(const IntentRow& row);
  void join_workflow(IntentId intent, WorkflowId workflow, const std::string& stage);

  bool add_vertex(VertexId id, const std::string& name);
  std::optional<uint64_t> intern_residency(const std::vector<std::string>& labels);
  std::optional<uint64_t> intern_taints(const std::vector<std::string>& taints);
  enum class Sign : int { kTake = -1, kGive = 1 };
  void account(const Placement& placement, Sign sign);
  void account(const Flow& flow, Sign sign);
  NodeSpare& keep_spare(NodeId id);
  void forget_reclaimed(const Placement& ended);
  struct DevicesDelta {
    int32_t whole = 0;
    int64_t milli = 0;
  };
  DevicesDelta account_devices(const Placement& placement, Sign sign);
  void count_kind(const IntentSpec& spec, int sign);
  void count_named(const IntentSpec& spec, int sign);
  // A plan of the intent came or went: others may be near it, or apart from it, elsewhere now.
  void stands_elsewhere(const IntentRow& row) { relief_ += row.named > 0 ? 1 : 0; }
  void set_rack(NodeId node, const std::string& rack);
  // The row of devices_ for a node whose row was `at`. O(devices).
  uint32_t keep_devices(uint32_t at, const NodeSpec& spec);
  void account_site_nodes(SiteId site);
  static bool steerable_by(const SiteSpec& spec, bool agent_steers);
  bool steerable_by(const LinkSpec& spec) const;
  void set_steerable(SiteId site);
  // What a plan holds of its own: what it did not pass on, of runs that have not ended.
  void release(const IntentRow& row, const CommittedPlan& plan, RunId only = {});
  void reprice(Repriced what);
  bool places_known(const ShadowPricesRevised& prices) const;
  void spread_shadow_prices();

  Position version_ = 0;
  TimeUs now_ = 0;
  uint64_t brain_epoch_ = 0;
  uint64_t path_relief_ = 0;
  uint64_t relief_ = 0;
  uint64_t routing_ = 0;
  uint64_t described_ = 0;
  uint64_t repricings_ = 0;
  Column<Repriced> repriced_;              // a ring
  CowPtr<DomainCreated> domain_{DomainCreated{}};
  PricePolicy prices_;
  CowPtr<ShadowPricesRevised> shadow_prices_{ShadowPricesRevised{}};
  Column<SiteShadow> site_shadows_;        // as long as the sites that were priced, or empty
  Column<Nanocredits> link_shadows_;       // by direction, alike

  NameIndex site_names_;
  Column<SiteRow> sites_;
  Column<SiteLoad, 64> site_loads_;
  Column<std::vector<NodeRange>> site_nodes_;
  Column<std::shared_ptr<const SiteSpec>> site_specs_;
  NameIndex residency_labels_;
  NameIndex taint_names_;
  size_t tainted_sites_ = 0;
  int32_t hour_ = 0;
  size_t hourly_sites_ = 0;

  Column<NodeRow> nodes_;
  Column<NodeFree> node_free_;
  Column<NodeSpare> node_spare_;           // up to the last node of which there is anything to say
  Column<std::string> node_names_;
  NameIndex rack_names_;                   // row 0 stands for unknown
  Column<uint32_t> node_racks_;            // as long as the last node whose rack was ever known
  NameIndex accelerator_models_;
  Column<DevicesRow> devices_;             // row 0 stands for none
  Column<DeviceFree, 64> device_free_;
  CowPtr<DeviceMix> device_mix_{DeviceMix()};

  NameIndex vertex_names_;
  Column<std::vector<LinkId>> links_out_;
  NameIndex link_names_;
  Column<LinkRow> links_;
  Column<std::shared_ptr<const LinkSpec>> link_specs_;  // by duplex link
  Column<LinkLoad, 64> link_loads_;

  NameIndex tenants_;
  NameIndex intent_names_;
  Column<CowPtr<IntentRow>> intents_;
  NameIndex dataset_names_;
  Column<std::shared_ptr<const DatasetRow>> datasets_;
  NameIndex queue_names_;
  Column<std::shared_ptr<const QueueSpec>> queues_;
  Column<std::shared_ptr<const ReservationRow>> reservations_;
  CowPtr<KeptBandwidth> kept_bandwidth_{KeptBandwidth()};
  TimeUs kept_end_ = INT64_MAX;            // kept_bandwidth_->first_end()
  struct RunTimesSeen {
    TimeUs last_us = 0, before_us = 0;
  };
  NameIndex run_time_names_;               // "tenant/artifact"
  Column<RunTimesSeen> run_times_;
  NameIndex workflow_names_;
  Column<CowPtr<WorkflowRow>> workflows_;
  Column<CowPtr<Past>, 16> past_;          // as long as the last tenant of whom anything is remembered
  NameIndex token_names_;
  Column<CowPtr<TokenRow>> tokens_;
  CowPtr<std::map<SiteId, TimeUs>> revoked_until_{std::map<SiteId, TimeUs>()};
};

// Immutable, shared between threads.
using Snapshot = std::shared_ptr<const Graph>;

// ---- arithmetic that deciding, verifying and explaining share ------------------------------------------

// Round trip of propagation plus jitter over the path and back, as measured. us.
int64_t path_round_trip_us(const Graph& graph, const std::vector<LinkId>& path);
// Can traffic be held on the path between two sites: can it be led, or is none shorter by described latency, as plain
// routing goes? Of several as short, any may be the routed one. O(links log vertices) for paths that cannot be led.
bool can_be_held(const Graph& graph, const std::vector<LinkId>& path);
// Asks of the path and its way back for these bandwidths. Billed.
Nanocredits path_per_hour(const Graph& graph, const std::vector<LinkId>& path, int64_t up_bps, int64_t down_bps);
// How long a run that is told to begin may take until it does.
inline constexpr TimeUs kRunBeginsUs = 60'000'000;
// Of flows of a plan that is committed now: those of a job with a longest run time end by then, reckoned from when its runs
// begin at the latest. It runs in the reservation that it names while that is open. `now` counts where it is later than
// graph.now().
FlowTerm flow_term(const Graph& graph, const IntentRow& row, TimeUs now = 0);

// The path for the bandwidth of a reservation: of those that have room for it on every link and twin throughout the window
// beside what is committed and kept now, whose links are up, and on which traffic can be held, the one that costs least by
// list price; ties by described latency, hops, then links. Without one `path` is empty, and `link` is where least is free on
// the best that there would be with room for all; none: there is none. O(links log vertices).
struct PathToKeep {
  std::vector<LinkId> path;
  LinkId link;
  int64_t free_bps = 0;                    // of it, at worst
};
// Requires an ingress that is not the site.
PathToKeep path_to_keep(const Graph& graph, const ReservationSpec& spec, TimeUs now);

// Asks of one instance. Billed.
Nanocredits placement_per_hour(const Placement& placement);

// Says of each placement of a plan on which devices it runs, where the plan leaves that open: those of the run that it
// continues, or by best fit. Deterministic. O(placements * devices).
void give_devices(const Graph& head, Plan& plan);

// How many instances of the intent stand at the site: of its active plan, less those whose runs have ended.
// O(size of the plan).
int32_t instances_at(const Graph& graph, IntentId intent, SiteId site);

// Why no instance may be placed at the site, or moved there, by what the wish says of places, of other intents, of data and
// of taints; kNone: it may. Labels of residency, room and liveness are other matters. O(names * size of their plans).
Reason place_obstacle(const Graph& graph, const Where& where, const std::vector<DatasetId>& data, SiteId site);
inline Reason place_obstacle(const Graph& graph, const IntentSpec& spec, SiteId site) {
  return place_obstacle(graph, spec.where, spec.data, site);
}

struct Verdict {
  bool granted = false;
  bool conflict = false;  // the world changed since: deciding again may help. Otherwise the plan is wrong
  std::string why;
};

// May this plan be granted on the newest graph? Checks everything again, trusting nothing that the plan says about
// itself but its decision price, its bound and its reasons, which decide nothing here: the generation, liveness of sites
// and ingresses, room on every node and link for the sum of what the plan takes, that paths join their ends
// without loops or transit through sites and can be held there, that protection paths are disjoint and keep the promise
// too, places, the frozen asks, that instances keep up, every part of the promise, the totals.
// O(size of the plan * log), and a shortest path for each new one over links that cannot be steered. `now`: as of which
// windows of reservations count, where later than head.now().
Verdict verify(const Graph& head, const Plan& plan, TimeUs now = 0);

}  // namespace weir
