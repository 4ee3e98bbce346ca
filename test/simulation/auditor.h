#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/event/event.h"
#include "core/graph/graph.h"
#include "core/ledger/merkle.h"

namespace weir::simulation {

// Reads the ledger as an outsider would, event by event, and keeps its own books: who holds how much of which
// node and link, who owes whom. It uses neither Graph, verify nor the loop, so that a mistake there shows
// as a disagreement. Writing another way to apply() here is the point, not a repetition.
class Auditor {
 public:
  using Fail = std::function<void(const std::string&)>;
  explicit Auditor(Fail fail) : fail_(std::move(fail)) {}

  // The next durable record.
  void take(Position at, std::span<const std::byte> record);
  // After a restart: the store must still begin with everything that was durable before.
  void recovered(Position at, std::span<const std::byte> record);

  Position size() const { return leaves_.size(); }
  TreeHead head() const { return tree_.head(); }
  size_t kind(Position at) const { return kinds_[at]; }

  // Every node and link of the graph is as free, every intent and run as far, and every promise as kept, as these books
  // say.
  void compare(const Graph& graph) const;

  // What the run was asked for as; null: no plan asked for it.
  const Workload* workload_of(RunId run) const;
  DeviceMask devices_of(RunId run) const;
  // By the newest measurement of every ingress of the newest wish; true for what is withdrawn.
  bool promise_kept(IntentId intent) const;
  bool withdrawn(IntentId intent) const { return wishes_[intent.index()].withdrawn; }
  uint64_t preemptions() const { return preemptions_; }
  uint64_t resizes() const { return resizes_; }  // of malleable jobs
  uint64_t reclaims() const { return reclaims_; }  // of these
  uint64_t made_way() const { return made_way_; }  // best-effort work for ordinary work
  uint64_t exchanged() const { return exchanged_; }  // flows between instances of one job

  // Microseconds for which a run is billed so far.
  TimeUs billed_us(RunId run) const;
  // What tenants owe, exactly: what was reserved times microseconds, for the time that is metered and that plans held,
  // by tenant, plan (0: of an array), site, item and price.
  using Owed = std::map<std::tuple<std::string, Position, std::string, std::string, Nanocredits>, unsigned __int128>;
  Owed owed() const;
  // By account; sums to zero.
  const std::map<std::string, __int128>& balances() const { return balances_; }
  // Whether a run's agent ever said that it exited or failed.
  bool ended_once(RunId run) const;
  // Do two runs belong to one plan (then both may live), rather than one replacing the other?
  bool side_by_side(RunId a, RunId b) const;

 private:
  struct Node {
    uint32_t site = 0;
    int64_t cpu = 0, memory = 0, accelerators = 0;
    int64_t speed = 1;
    int64_t device_memory = 0;
    int64_t per_island = 0, slices = 0;
    std::string rack;
    int64_t cpu_used = 0, memory_used = 0;
    int64_t cpu_lent = 0, memory_lent = 0;            // to best-effort work
    int64_t cpu_reclaimed = 0, memory_reclaimed = 0;  // of what is used, for such work
    std::map<int, std::pair<int64_t, int64_t>> devices_used;  // thousandths and MiB, of those in use
    bool cordoned = false;
  };
  struct Direction {
    uint32_t from = 0, to = 0;
    int64_t bandwidth = 0, used = 0, latency = 0, jitter = 0, ask = 0, described_latency = 0;
    bool up = true, steerable = true;
    int32_t availability = 0;
  };
  struct Site {
    uint32_t vertex = 0;
    Liveness state = Liveness::kUnknown;
    Asks asks;
    std::vector<HourRate> hours;
    int32_t best_effort_asks_milli = 0;
    std::vector<std::string> residency;
    std::string name, region, failure_domain;
    std::vector<std::string> taints;
    int32_t availability = 0;
    bool drained = false;              // by an operator's word alone
    bool steers = true;                // by its agent's
  };
  struct Held {
    Plan plan;
    Position position = 0;
    IntentSpec spec;
    std::vector<bool> holds_placement, holds_flow;
    RunId run(size_t i) const {
      const RunId& c = plan.placements[i].continues;
      return c.valid() ? c : RunId{position, static_cast<uint32_t>(i)};
    }
  };
  struct Wish {
    std::string tenant;
    uint32_t generation = 0;
    bool withdrawn = false, finished = false;
    IntentSpec spec;
    int64_t work_us = 0;               // of a request, declared or measured
    int32_t to_have = 0;               // instances, as wished or resized
    std::map<Position, Held> held;
    Position active = kNoPosition;
    std::map<SiteId, bool> kept;       // by the newest measurement
    std::set<uint32_t> on_protection;  // flows of the active plan
    std::map<TimeUs, size_t> committed;  // plans, lately
    int64_t preemptions = 0;           // of the newest wish
    TimeUs preempts_at = 0;            // when others were last preempted for it; 0: never
    SiteId preempts_at_site;
    int64_t victims = 0;               // then
    IntentId array;                    // that it is a task of
    uint32_t task = 0;
    uint32_t submitted = 0;            // of an array: its first tasks
    bool ended_well = false;           // when it was withdrawn first
    bool given_up = false;             // by the brain, and not because it was done: it stays known until it is deleted
    uint32_t flow_generation = 0;      // of the workflow that it is a stage of, when it was wished for
  };
  struct Kept {                          // a reservation
    std::string tenant;
    ReservationSpec spec;
    bool cancelled = false;
  };
  struct Flowing {
    uint32_t generation = 0, planned_generation = 0;
    bool withdrawn = false;
    Workflow spec, planned_spec;       // as wished, and as the newest plan was made for
    std::vector<PlannedStage> stages;  // of that
  };
  struct Billed {
    TimeUs total = 0;
    std::map<TimeUs, TimeUs> windows;  // disjoint: from, to
    std::string tenant, provider;
    Placement placement;
    struct Term {  // held by a plan
      TimeUs from = 0, to = 0;
      Position plan = 0;
      Nanocredits path_per_hour = 0;
    };
    std::vector<Term> terms;
    Workload workload;
    bool task = false;    // of an array
    bool closed = false;  // its site was said to have nothing more of it
  };
  struct RunAs {
    RunState state = RunState::kPlanned;
    int32_t exit_code = 0;
    bool ended_once = false;  // by itself, as its agent said: it may be told to begin since
    TimeUs began = 0;
  };

  struct Tasks {
    int32_t waiting = 0, running = 0, finished = 0, failed = 0;
  };
  static bool is_array(const Wish& wish);
  const IntentSpec& task_of(const IntentSubmitted& e);
  Tasks count_tasks(IntentId array) const;
  bool ends_with_array(IntentId intent, bool well) const;
  void compare_tasks(const Graph& graph, IntentId array) const;

  void fail(const std::string& why) const;
  void on(const Event& event);
  template <class Body>
  void body(const Body&) {}
  void body(const SiteDefined& e);
  void body(const RouterDefined& e);
  void body(const LinkDefined& e);
  void body(const NodesReported& e);
  void body(const SiteStateChanged& e);
  void body(const SiteSteeringChanged& e);
  void body(const QueueDefined& e);
  void body(const JobPreempted& e);
  void body(const ReservationDefined& e);
  void body(const ReservationCancelled& e);
  const Kept* reservation_of(const std::string& tenant, const IntentSpec& spec) const;
  int64_t kept_left(const Kept& kept, LinkId link) const;
  int64_t kept_most(LinkId link, TimeUs from, TimeUs until, const Kept* own) const;
  void compare_kept(const Graph& graph) const;
  void check_kept(const Wish& wish, const std::vector<const Flow*>& fresh) const;
  Asks asked(const Site& site, const Workload& work) const;
  void body(const HourBegan& e);
  void body(const JobResized& e);
  void body(const ReclaimableMeasured& e);
  void make_way(const JobPreempted& e, Wish& wish);
  void lend(Node& node, const Placement& p, int sign);
  static void forget_reclaimed(Node& node, const Placement& ended);
  bool lends_alike(const Graph& graph, NodeId id) const;
  void body(const NodeCordoned& e);
  void body(const DialogueHeld& e);
  void body(const IntentRated& e);
  void count_record(const std::string& tenant);
  void body(const ShadowPricesRevised& e);
  void body(const WorkflowSubmitted& e);
  void body(const WorkflowPlanned& e);
  void body(const WorkflowWithdrawn& e);
  void check_stage_wish(const IntentSubmitted& e) const;
  bool may_drop_stage(IntentId intent) const;
  void check_order(const Flowing& flow, size_t stage) const;
  void body(const LinkStateChanged& e);
  void body(const LinkMeasured& e);
  void body(const TenantDefined& e);
  void body(const DatasetDefined& e);
  void body(const IntentSubmitted& e);
  void body(const IntentWithdrawn& e);
  void body(const PlanCommitted& e);
  void body(const PlanRetired& e);
  void body(const UsageReported& e);
  void body(const BrainStarted& e);
  void body(const RunStateChanged& e);
  void body(const PathSwitched& e);
  void body(const PromiseMeasured& e);
  void body(const WorkMeasured& e);

  bool by_brain() const { return actor_ == "brain"; }
  // An event of a site's is its own word.
  void check_actor(uint32_t site, const char* what) const;
  void check_link_actor(LinkId link) const;
  bool all_exited_well(const Wish& wish) const;
  bool over_its_time(const Wish& wish) const;
  void check_availability(const Plan& plan, const Wish& wish);
  bool is_site(uint32_t vertex) const;
  bool routed(const std::vector<LinkId>& path, uint32_t from, uint32_t to) const;
  void check_haste(Wish& wish);
  std::vector<uint32_t> queues_of(const IntentSpec& spec) const;  // from below the domain down
  int64_t preemptions_max(const IntentSpec& spec) const;
  struct Counted {
    std::array<int64_t, 3> running{}, waiting{};  // cores, memory, accelerators
  };
  Counted count(uint32_t queue) const;
  bool may_reclaim(const Wish& by, const Wish& victim) const;
  void check_placements(const Plan& plan, const Wish& wish);
  void check_different(const Plan& plan, const Wish& wish) const;
  void check_place(const Placement& placement, const Wish& wish) const;  // of what is placed anew
  bool stands(IntentId intent, SiteId site) const;
  std::string domain_of(SiteId site) const;                              // that fails as one
  void check_flows(const Plan& plan, const Wish& wish);
  static bool exchanges(const IntentSpec& spec);
  void check_exchange(const Plan& plan, const Wish& wish) const;
  void check_path(const Plan& plan, const Flow& flow, const std::vector<LinkId>& path, const char* what);
  void check_labels(const Held& plan);
  void hold(const Placement& placement, int sign);
  void hold_devices(Node& node, const Placement& placement, int sign);
  bool has_devices(const Graph& graph, NodeId id) const;
  bool is_share(const Node& node, const Placement& placement, const Workload& need) const;
  void check_islands(const Placement& placement, const Workload& need) const;
  void hold(const Flow& flow, int sign);

  Fail fail_;
  Position at_ = 0;
  std::string actor_;
  TimeUs last_at_ = 0;
  std::map<std::pair<std::string, TimeUs>, int> recorded_;  // dialogues and verdicts, by tenant and hour
  int32_t hour_ = 0;                   // that began last
  uint64_t epoch_ = 0;
  std::vector<Hash> leaves_;
  std::vector<uint8_t> kinds_;
  MerkleTree tree_;
  std::vector<Site> sites_;
  std::vector<Node> nodes_;
  std::vector<Direction> links_;
  uint32_t vertices_ = 0;
  std::vector<std::string> tenants_;
  std::vector<std::vector<std::string>> datasets_;
  std::vector<std::set<SiteId>> data_at_;
  std::vector<QueueSpec> queues_;
  uint64_t preemptions_ = 0, reclaims_ = 0, resizes_ = 0, made_way_ = 0, exchanged_ = 0;
  std::vector<Kept> reservations_;
  std::vector<Flowing> workflows_;
  std::vector<std::pair<WorkflowId, std::string>> stage_of_;  // by intent
  std::vector<Wish> wishes_;
  std::map<RunId, Billed> billed_;
  std::map<RunId, RunAs> runs_;
  std::map<std::string, __int128> balances_;
  std::map<Position, std::set<RunId>> runs_of_plan_;
};

}  // namespace weir::simulation
