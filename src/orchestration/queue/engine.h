#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/result/result.h"
#include "orchestration/queue/job.h"
#include "orchestration/queue/policy.h"
#include "orchestration/queue/profile.h"
#include "orchestration/queue/waiting_list.h"

namespace weir::queue {

struct EngineOptions {
  // Who may pass a job that has to wait for room: kNone, nobody in the same pool; kEasy, jobs that do not
  // delay the first waiting job of each pool (Lifka: The ANL/IBM SP scheduling system, JSSPP 1995);
  // kConservative, jobs that delay no waiting job: each is promised a start when it is first seen, and that
  // only becomes earlier (Mu'alem, Feitelson: Utilization, predictability, workloads and user runtime
  // estimates in scheduling the IBM SP2 with backfilling, TPDS 2001). kInherited is kEasy.
  Backfill backfill = Backfill::kEasy;
  // Keeps to the job that is to start next until it has started, whoever arrives meanwhile.
  bool blocks = false;
  // EASY only: a job may pass that outlasts the reserved start, on what that leaves free. Else it must end
  // before.
  bool spare = true;
  // EASY only: jobs that may pass are tried in the order in which they were submitted, whatever the policy.
  bool passing_fcfs = false;
  size_t waiting_max = 1'000'000;  // jobs that wait; beyond it `submit` refuses
  size_t depth_max = 100'000;      // waiting jobs looked at in one pass
  size_t starts_max = 10'000;      // jobs offered in one pass
  // By how much the expected end of a job that is over its limit moves, at least.
  TimeUs overrun_us = 60'000'000;
};

// What the engine asks about shares and quotas; `offered` is what this pass offered to the queue so far.
struct Shares {
  // Lower goes first among jobs of one priority class.
  std::function<int64_t(uint32_t queue, const Amount& offered)> key;
  // Whether the queue's quotas allow `more` beside what runs and was offered.
  std::function<bool(uint32_t queue, const Amount& offered, const Amount& more)> allows;
  // The pass offers a job of the queue: for what shares this one's offers with other queues.
  std::function<void(uint32_t queue, const Amount& more)> offered;
  // The bounds that hold for the queue, each with a number of its own: what runs of all queues that one holds for is
  // never more.
  std::function<std::vector<std::pair<uint32_t, Amount>>(uint32_t queue)> bounds;
};

struct Start {
  uint64_t job = 0;
  std::vector<Part> parts;  // by pool
};

struct Pass {
  std::vector<Start> starts;  // to be tried in this order
  TimeUs wake = kNever;       // when to pass again if nothing happens before; now: at once, more may be found
};

enum class WhyCode : uint8_t {
  kUnknown,  // no such job
  kRunning,
  kOffered,      // being placed
  kNext,         // nothing is in its way: the next pass starts it
  kNotBefore,    // its own earliest start
  kHeld,         // the caller held it back: Why::held_code
  kQuota,        // its queue's quota
  kTooLarge,     // more than its pools hold, even when empty
  kResource,     // Why::resource is short at Why::pool
  kBehind,       // there is room, which is kept for Why::behind
  kReservation,  // the advance reservation that it runs in is not open
  kPreempting,   // others make room for it at Why::pool
};

enum class Resource : uint8_t { kCpu, kMemory, kAccelerator };

struct Why {
  WhyCode code = WhyCode::kUnknown;
  Resource resource = Resource::kCpu;  // kResource, kTooLarge
  uint32_t pool = 0;                   // where it is expected to start, or runs
  uint64_t behind = 0;                 // the job that it waits for; 0: none
  uint32_t held_code = 0;              // kHeld: as given
  size_t position = 0;                 // jobs before it in the order of its pools' queue
  TimeUs estimated_start = kNever;     // if every job runs as long as estimated; kNever: not foreseen
  TimeUs promised_start = kNever;      // conservative: no later than this
  // The start that is reserved for it so far, or promised. Under EASY it moves when somebody goes before it.
  TimeUs reserved_start = kNever;
  bool urgent = false;                 // it goes before others of its queue, to end by its deadline
};

// The queue of a domain: which waiting jobs may start now, and when the others will. It holds no clock and
// decides nothing about nodes and network: the caller tries each start that a pass offers and answers with
// `started` or `held`; until then its room stays taken. Equal calls give equal answers.
//
// A reserved job is never delayed by one that passed it and stays within its limit. A job that runs over its
// limit is expected to end after as long again as it is over, at least overrun_us; promises made behind it
// move then, and only then.
//
// A pool is a site's capacity in sum: whether instances fit its nodes is the caller's question. A job goes to
// one pool where it ever fits, else it is spread over as few as possible.
//
// A malleable job is offered the most instances that may start now. Where they are fewer than those with which it may begin, it
// waits, and a start is reserved for so many. It is never given fewer later: `started` says how many it has.
class Engine {
 public:
  explicit Engine(const EngineOptions& options = {}) : options_(options) {
    if (options_.backfill == Backfill::kInherited) options_.backfill = Backfill::kEasy;
  }

  // Defines or resizes a pool. Running jobs stay.
  void set_pool(uint32_t pool, const Amount& total);
  // Nothing starts there any more.
  void remove_pool(uint32_t pool) { set_pool(pool, {}); }
  void set_policy(uint32_t queue, const Policy& policy);
  void set_backfill(Backfill backfill);
  void set_shares(Shares shares);
  // To be called when quotas or what Shares answers has changed by something else than a start or an end.
  void shares_changed() { changed_ = true; }

  // kInvalid: not a job (times, counts, amounts); kConflict: the id is known; kExhausted: waiting_max;
  // kNotFound: no such reservation.
  Status submit(const Job& job);
  // A job that waits or was offered. False: there is none.
  bool withdraw(uint64_t id);
  // The answers to a start. `parts` may differ from what was offered. kNotFound: it does not wait;
  // kInvalid: an unknown pool, or not `count` instances.
  Status started(uint64_t id, std::span<const Part> parts, TimeUs at);
  // Could not be placed: not to be offered before `until`; `code` is what explain() says.
  bool held(uint64_t id, TimeUs until, uint32_t code);
  // It is believed to run so long from now on, whatever it said: what is promised stays. False: there is no such job.
  bool estimate(uint64_t id, TimeUs estimated_us);
  // A job that runs already, as after a restart.
  Status adopt(const Job& job, std::span<const Part> parts, TimeUs at);
  // It ended, was ended, or was preempted (and may be submitted again): the rest of its limit is free.
  bool ended(uint64_t id, TimeUs at);

  // Capacity kept free of other jobs during [from, to). kInvalid: empty or negative; kConflict: the id is
  // known; kNotFound: the pool; kInfeasible: less than that is left beside running jobs, other reservations
  // and promises, at the time that `what` says.
  Status reserve(uint64_t id, uint32_t pool, const Amount& amount, TimeUs from, TimeUs to);
  // What runs in it goes on beside other jobs; what waits for it will never start.
  bool cancel_reservation(uint64_t id);

  // Which jobs may start now, best first. `now` before that of an earlier call counts as that.
  Pass pass(TimeUs now);

  // What advance reservations of the pool that are open at some time in [from, to) keep together.
  Amount reserved(uint32_t pool, TimeUs from, TimeUs to) const;

  // Whether a job that waits or was offered may start with these parts now, other and perhaps more than those
  // offered, without delaying what is promised to others.
  bool may_start(uint64_t id, std::span<const Part> parts) const;
  // What is free of the pool, or of the job's reservation there, until a running job is expected to end, beside what is promised
  // to others. None, if it does not run, or outlasts the reservation.
  Amount free_while_running(uint64_t id, uint32_t pool) const;
  // Whether `count` instances of a waiting job may start at the pool now, in what is free and what others `give` up there that
  // would have held it until `given_until`, without delaying what is promised to others.
  bool may_take_over(uint64_t id, uint32_t pool, int32_t count, const Amount& give, TimeUs given_until);
  // When a running job is expected to end; kNever: it does not run.
  TimeUs expected_end(uint64_t id) const;

  Why explain(uint64_t id) const;
  // The first jobs in the order in which they are tried.
  std::vector<uint64_t> order(size_t most) const;

  size_t waiting() const { return waiting_count_; }
  size_t running() const { return ends_.size(); }
  const Job* job(uint64_t id) const;
  // What is free of a pool outside of reservations, now.
  Amount free(uint32_t pool) const;
  TimeUs now() const { return now_; }

 private:
  enum class State : uint8_t { kFree, kWaiting, kOffered, kRunning };
  // A pool, or an advance reservation's part of it.
  using RoomId = std::pair<uint64_t, uint32_t>;  // reservation (0: none), pool
  struct Room {
    RoomId id;
    Amount total;
    Profile profile;
    TimeUs from = 0, to = kNever;                       // of the reservation
    Amount free_now;                                    // during a pass
    std::vector<std::pair<TimeUs, Amount>> free_until;  // Profile::falling, during a pass; empty: not known
    bool blocked = false;                               // nobody may pass here
    uint64_t reserved_for = 0;  // EASY: the first job that waits for this room, of the last pass
    TimeUs reserved_at = 0;
  };
  struct Record {
    State state = State::kFree;
    Job job;
    std::vector<Part> parts;  // where it runs, was offered, or is promised to start
    TimeUs from = 0, to = 0;  // of these; from == to: none
    TimeUs held_until = 0;
    uint32_t held_code = 0;
    Key key = 0;
    uint64_t seen = 0;  // the last pass that looked at it
    bool late = false;  // it waits for longer than its policy's patience
    bool urgent = false;  // it has to begin soon to end by its deadline, and still can
    TimeUs rank_end = kNever;  // when one of the two changes, as in ranks_
  };
  struct Queue {
    Policy policy;
    WaitingList list;
    TimeUs keyed_at = 0;
  };
  using Plan = std::pair<TimeUs, std::vector<Part>>;

  Record* find(uint64_t id);
  const Record* find(uint64_t id) const;
  Room* room(const RoomId& id);
  const Room* room(const RoomId& id) const;
  // Calls `visit` with each room that the job may use, by pool, until one returns false.
  template <class Visit>
  void each_room(const Job& job, Visit visit) const;

  Status check(const Job& job) const;
  Status check(const Job& job, std::span<const Part> parts) const;
  uint32_t slot_for(const Job& job);
  void forget(uint32_t slot);
  void enter(uint32_t slot);  // its queue's list
  void leave(uint32_t slot);
  void run(uint32_t slot, std::span<const Part> parts, TimeUs at);
  void take(Record& record, std::vector<Part> parts, TimeUs from, TimeUs to);
  void release(Record& record);  // gives back what it took, from now on
  void add(const Record& record, TimeUs from, TimeUs to, int sign);
  void void_promises();
  void advance(TimeUs now);
  void rekey();

  int32_t count_allowed(const Job& job, const Amount& offered) const;
  std::vector<Part> place_now(const Job& job, int32_t most, const Policy& policy) const;
  Plan earliest(const Job& job, TimeUs from) const;
  Plan earliest_spread(const Job& job, TimeUs from) const;
  struct Passing;
  bool consider(Passing& passing, uint32_t slot);
  void offer(Passing& passing, uint32_t slot, std::vector<Part> parts);
  void wait(Passing& passing, uint32_t slot);
  bool improve(Passing& passing, uint32_t slot);
  void note_room(Passing& passing) const;
  void keep_to_choice(Passing& passing);
  std::optional<uint32_t> look_ahead() const;
  Key key_of(const Record& record, const Policy& policy) const;
  TimeUs patience_end(const Record& record) const;
  TimeUs rank_end(const Record& record) const;
  void rank(Record& record) const;
  template <class Visit>
  void in_order(const std::map<uint32_t, Amount>& offered, const std::optional<Amount>& room,
                Visit visit) const;
  WaitingList::Entry entry(uint32_t slot) const;
  void promise(uint32_t slot, std::vector<Part> parts, TimeUs from);
  void break_promise(uint32_t slot);
  void break_promises_before_end_of(const Record& running);
  Amount free_until(Room& room, TimeUs end) const;
  bool may_pass(const Job& job, const Policy& policy, const Room& room) const;

  struct Foreseen {
    TimeUs start = kNever;
    uint32_t pool = 0;
    size_t position = 0;
    uint64_t behind = 0;
  };
  void foresee() const;

  EngineOptions options_;
  Shares shares_;
  TimeUs now_ = 0;
  bool changed_ = true;  // since the last pass
  TimeUs wake_ = 0;
  uint64_t passes_ = 0;
  std::vector<Room> rooms_;  // by id
  std::vector<Record> records_;
  std::vector<uint32_t> free_slots_;
  std::unordered_map<uint64_t, uint32_t> slots_;  // looked up only
  std::map<uint32_t, Queue> queues_;
  std::set<std::pair<TimeUs, uint32_t>> ends_;      // expected ends of running jobs
  std::set<std::pair<TimeUs, uint32_t>> holds_;     // waiting jobs not to be tried before
  std::set<std::pair<TimeUs, uint32_t>> ranks_;     // when waiting jobs become late or urgent, or no more
  std::vector<uint64_t> chosen_;                    // blocks: these first
  std::vector<uint32_t> reserved_;                  // EASY: the slots that hold a reserved start
  size_t waiting_count_ = 0;
  std::set<std::pair<TimeUs, uint32_t>>
      promises_;  // conservative: the starts that waiting jobs were promised
  mutable std::map<uint64_t, Foreseen> foreseen_;
  mutable bool foreseen_valid_ = false;
};

}  // namespace weir::queue
