#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/ports/scheduler.h"
#include "orchestration/queue/engine.h"
#include "orchestration/queue/graph_colocate.h"
#include "orchestration/queue/graph_preempt.h"
#include "orchestration/queue/preempt.h"
#include "orchestration/queue/share.h"
#include "orchestration/queue/turns.h"

namespace weir::queue {

// The jobs of a graph as the engine and the tree of queues see them: sites are pools, each tenant of a queue is a
// queue below it. Only what the graph says is room: services and jobs that stop take theirs away from the pools.
class GraphQueue : public Scheduler {
 public:
  // `colocation`: when best-effort work may have what others have reserved.
  explicit GraphQueue(const ColocationPolicy& colocation = {});
  GraphQueue(const GraphQueue&) = delete;
  GraphQueue& operator=(const GraphQueue&) = delete;

  void restart(const Graph& head) override;
  void note(const Graph& head, const EventBody& body, Position at) override;
  std::vector<Turn> turns(const Graph& head, TimeUs now) override;
  bool admits(const Graph& head, const Plan& plan) const override;
  void refused(IntentId intent, uint64_t relief, TimeUs until) override;
  std::vector<JobPreempted> preemptions(const Graph& head, TimeUs now) override;
  std::vector<Resize> resizes(const Graph& head, TimeUs now) override;
  std::vector<EventBody> colocate(const Graph& head, TimeUs now) override;
  int64_t tasks_at_once(const Graph& head, IntentId array) const override;
  TimeUs wake() const override;
  Status reserves(const Graph& head, const ReservationSpec& spec, TimeUs now) override;
  Status submits(const Graph& head, TenantId tenant, const std::string& queue, TimeUs now) override;

  // How long room is kept for a job that others made room for, from when they were told to give way.
  static constexpr TimeUs kClaimUs = 60'000'000;
  // So long a malleable job keeps the instances that it has, but where another has a right to what it holds.
  static constexpr TimeUs kResizeUs = 10'000'000;
  // Between looks for whom others are to give way or instances; waiting jobs in one look; places where one may begin.
  static constexpr TimeUs kLookUs = 1'000'000;
  static constexpr size_t kLookedAtMax = 256, kPlacesMax = 16;

  // Why a job waits, as of the last turns(); kUnknown: it is no job, or has a plan.
  Why why(IntentId intent) const;
  // No node holds an instance of it, or not as many as it needs, when nothing else runs; or it was refused for what no room heals. It
  // counts as waiting nowhere, until it fits or is wished otherwise.
  bool is_hopeless(IntentId intent) const;
  bool is_too_large(IntentId intent) const { return too_large_.contains(intent); }
  // Of a job that a Why names.
  static IntentId intent_of(uint64_t id) { return IntentId(static_cast<uint32_t>(id - 1)); }
  // As the engine knows it; null: it does not.
  const Job* job(IntentId intent) const { return engine_.job(id_of(intent)); }
  // Waiting jobs in the order in which they are tried.
  std::vector<IntentId> order(size_t most) const;

  // A queue as people see it: of the domain (no queue, no tenant), of a queue with all below it, or of a tenant in one.
  struct Line {
    ::weir::QueueId queue;  // none: the domain's
    TenantId tenant;        // none: all of the queue
    PolicyKind policy = PolicyKind::kWeir;
    Standing standing;
    int64_t running_jobs = 0;
  };
  // Parents before what is below them, siblings by identifier.
  std::vector<Line> lines(const Graph& head);

 private:
  struct Leaf {
    ::weir::QueueId queue;
    TenantId tenant;
    Policy policy;
    std::vector<QueueId> chain;  // of the tree, from below the domain to this
  };
  struct Work {
    uint32_t leaf = 0;
    Job job;
    // kClaiming: others make room for it.
    enum class State : uint8_t { kWaiting, kClaiming, kOffered, kRunning } state = State::kWaiting;
    std::vector<Part> parts;     // where it runs
    std::vector<Part> held;      // of these what the graph does not count as free: what has not ended
    Amount amount;               // as the tree knows it
    bool hopeless = false;       // it is in the tree for nothing: see is_hopeless()
    bool task = false;           // of an array
    bool was_refused = false;
    uint64_t relief = 0;         // when it was
    TimeUs claimed_at = 0;       // when others were last told to make room for it
    std::vector<IntentId> named{};  // that it is to be near, or apart from, while it waits
  };

  // The tasks of an array that were not submitted yet: the tree knows that they wait, the engine knows nothing of them.
  struct Rest {
    uint32_t leaf = 0;
    Amount each;
    int64_t count = 0;
  };

  // Room that is kept at a site for a job: to the engine it runs there already.
  struct Kept {
    SiteId site;
    TimeUs until = 0;
    Amount amount;
    uint64_t relief = UINT64_MAX;        // when it was last looked whether it has come
  };
  // What is free, or about to be, of nodes of a site.
  struct NodeRoom {
    Amount free, coming;
  };

  // A malleable job that runs.
  struct Resized {
    TimeUs at = 0;                       // when it began, or was resized last
    bool grows = false;                  // it was to have more, and has not got them yet
    uint32_t failures = 0;               // times in a row that it did not get them
  };

  static uint64_t id_of(IntentId intent) { return uint64_t{intent.value} + 1; }

  void define(const Graph& head, ::weir::QueueId id);
  uint32_t leaf(const Graph& head, ::weir::QueueId queue, TenantId tenant);
  Policy policy(const Graph& head, ::weir::QueueId queue) const;
  void set_shares();
  void set_budget(uint32_t leaf);
  int64_t share_key(uint32_t leaf) const;
  bool allows(uint32_t leaf, const Amount& more) const;

  void refresh(const Graph& head, SiteId site);
  void set_capacity(const Graph& head);
  void submit(const Graph& head, IntentId intent);
  void follow_array(const Graph& head, IntentId array, bool another);
  void begin(const Graph& head, IntentId intent, TimeUs at);  // by its active plan
  void drop(const Graph& head, IntentId intent);
  void forget(std::map<IntentId, Work>::iterator known);
  void wait_for(Work& work);
  void stop_waiting(Work& work);
  void set_hopeless(const Graph& head, IntentId intent);
  void rest(IntentId intent, TimeUs until);
  void queue_named_again(const Graph& head, const Graph::ReservationRow& reservation);
  void look_where(const Graph& head, IntentId intent, Work& work);
  void look_whether_it_fits(const Graph& head, IntentId intent, const Work& work);
  void queue_again(IntentId intent, const Work& work);
  void look_when(const Graph& head);
  void estimate_again(const Graph& head);
  void stands_elsewhere(const Graph& head, IntentId other);
  void count_task(const Work& work, int sign);
  void take(Work& work, int32_t instances);
  void give_back(Work& work);
  uint32_t leaf_of(const Graph& head, const IntentRow& row, const IntentSpec& spec);
  void hold(const Graph& head, Work& work, std::vector<Part> held);
  void hold_what_runs(const Graph& head, IntentId intent, Work& work);

  void remember_preemptions(const Graph& head);
  void claim(const Graph& head, IntentId intent, TimeUs at);  // as the graph says, since then
  void unclaim(const Graph& head, IntentId intent);
  void lapse(const Graph& head, IntentId intent);  // it waits as others do again
  void offer_claims(const Graph& head, std::vector<Turn>& out);
  std::map<NodeId, NodeRoom> rooms(const Graph& head, SiteId site) const;
  // Takes what the job needs of the nodes, those that are being left first; false: it does not fit.
  bool fit(const Graph& head, IntentId intent, std::map<NodeId, NodeRoom>& rooms, bool coming) const;
  KeptRoom kept_rooms(const Graph& head) const;  // below zero: so much is about to be free beside that
  static Amount free_of(const Graph& head, NodeId node);
  bool is_admitted(const Work& work) const;  // by the quotas of its queue
  bool may_claim(const Graph& head, IntentId intent, const Work& work) const;
  bool may_preempt(const Graph& head, IntentId intent, const Work& work) const;
  std::vector<JobPreempted> preempt_for(const Graph& head, IntentId intent, const Work& work,
                                        Need need) const;
  void follow_size(const Graph& head, IntentId intent);
  TimeUs may_grow_at(const Resized& resized) const;
  std::vector<Resize> give_up_for_others(const Graph& head);
  std::vector<Resize> give_up_room(const Graph& head, IntentId intent, const Work& work,
                                   const std::vector<IntentId>& spare, const KeptRoom& kept);
  std::vector<Resize> give_up_quota(const Graph& head, const Work& work, const std::vector<IntentId>& spare);
  std::vector<Resize> grow(const Graph& head);
  bool admits_growth(const Graph& head, const Plan& plan) const;
  bool beside_reservations(SiteId site, const Work& work, std::span<const IntentId> victims) const;

  Engine engine_;
  QueueTree tree_;
  std::vector<QueueId> node_of_queue_;     // by the graph's QueueId; none: the domain's own
  std::vector<Leaf> leaves_;               // by the tree's QueueId; a queue's own entry has no tenant
  std::map<std::pair<::weir::QueueId, TenantId>, uint32_t> leaf_of_;
  std::vector<Amount> offered_;            // by the tree's QueueId, in this pass
  std::map<IntentId, Work> work_;
  std::set<std::pair<IntentId, IntentId>> waits_on_;  // an intent that a job of work_ names, and the job
  std::map<IntentId, Rest> rests_;         // of arrays
  std::vector<Amount> free_;               // by site: for those who have no claim; and the sum
  Amount free_all_;
  Amount tasks_waiting_;                   // of all arrays: what their tasks need that have no plan, and may get one
  std::set<IntentId> to_be_refused_;       // a decision is to say why
  std::set<IntentId> too_large_;           // for all nodes that are known, used or not
  bool nodes_changed_ = false;             // since that was looked at
  std::set<IntentId> may_wait_;            // jobs that may wait for a cheaper hour
  bool hours_changed_ = false;             // when these begin is to be looked at
  std::set<IntentId> resting_;             // refused, and nothing eased since
  uint64_t relief_ = 0;                    // of the graph, at the last turns
  std::vector<Amount> held_;               // by site: of jobs that run, the sum of Work::held
  std::map<Position, std::vector<SiteId>> sites_of_plan_;
  std::map<IntentId, Kept> claims_;
  std::set<IntentId> refused_beside_claims_;  // perhaps for the room that one keeps
  std::vector<Amount> kept_;               // by site: sums of claims_
  std::set<IntentId> running_;             // jobs
  std::map<int32_t, int64_t> classes_;     // of these: how many by priority
  std::map<int32_t, int64_t> known_classes_;  // of all of work_
  bool guarantees_ = false;                // a queue has one
  PreemptBudget budget_;
  std::map<IntentId, Resized> resized_;
  bool resize_looked_ = true;              // for whom to resize, since anything changed
  TimeUs resize_look_at_ = 0;              // not again before
  Turns resize_turns_{4, 8};               // of those that wait, in one look that finds nobody to give anything
  size_t grow_from_ = 0;                   // which of those that want more comes first
  TimeUs resize_again_ = INT64_MAX;        // though nothing changes: until then a job keeps what it has
  Colocation colocation_;
  bool looked_ = true;                     // for whom others are to give way, since anything changed
  TimeUs look_at_ = 0;                     // not again before
  Turns claim_turns_{2, 4};                // of those that have a right, in one look that finds nobody to give way
  TimeUs look_again_ = INT64_MAX;          // though nothing changes: somebody may have a right, and was not given way to
  TimeUs now_ = 0;
  TimeUs wake_ = INT64_MAX;
};

}  // namespace weir::queue
