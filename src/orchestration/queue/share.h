#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/event/types.h"
#include "core/result/result.h"
#include "orchestration/queue/amount.h"
#include "orchestration/queue/token_bucket.h"
#include "orchestration/queue/water_fill.h"

namespace weir::queue {

using QueueId = Id<struct QueueTag>;

inline constexpr int64_t kAmountMax = int64_t{1} << 42;  // 4 billion cores, 4 EiB
inline constexpr Amount kUnlimited{kAmountMax, kAmountMax, kAmountMax};

// What a queue is. Shares are those of present use and half of what is remembered of past use: see Standing.
struct QueueSpec {
  QueueId parent = {};               // none: right under the domain
  int32_t weight_milli = 1000;       // against its siblings; 1 to 1,000,000
  Amount guaranteed = {};            // what it gets back whatever others do
  Amount maximum = kUnlimited;       // never more than this; in what the parent's is less, the parent's holds
  Amount borrowable = kUnlimited;    // beyond what is guaranteed, of what others leave idle
  int64_t half_life_us = 0;          // of what is remembered of past use; 0: nothing is; at most 10 years
  int32_t submissions_per_hour = 0;  // 0: any number; at most 1,000,000
  int32_t burst = 1;                 // submissions at once; 1 to 1,000,000
  friend bool operator==(const QueueSpec&, const QueueSpec&) = default;
};

enum class QuotaKind : uint8_t { kMaximum, kBorrowable };

// Which quota stands in the way of more use, and by how much.
struct Shortage {
  QueueId queue;  // the one asked, or one above it
  QuotaKind kind = QuotaKind::kMaximum;
  int resource = 0;
  int64_t limit = 0;     // on what the queue uses
  int64_t short_by = 0;  // > 0
  friend bool operator==(const Shortage&, const Shortage&) = default;
};

// Which queue's rate limit stands in the way of a submission, and for how long.
struct RateLimited {
  QueueId queue;
  int64_t wait_us = 0;
  friend bool operator==(const RateLimited&, const RateLimited&) = default;
};

// A queue as people see it. Amounts of a queue include those of all below it.
struct Standing {
  Amount used;
  Amount waiting;
  int64_t waiting_jobs = 0;
  Amount remembered;   // mean of past use, weighted by 2^-(age / half-life)
  Amount entitlement;  // as of the last entitle(): its due part of the domain, given what everybody wants
  int64_t share = 0;   // dominant share of `used`, parts per 10^9 of the domain
  int64_t entitlement_share = 0;  // of `entitlement`
  int64_t charged_share =
      0;  // of what it is judged by: half used, half remembered, or all used without memory
  int64_t multiplier_ppm = kPpm;
  bool below_guarantee = false;
};

// Shares a domain among hierarchical queues: quotas, rate limits, and whose turn it is by hierarchical
// weighted dominant-resource fairness (Ghodsi et al., NSDI 2011; Bhattacharya et al., Hierarchical Scheduling
// for Diverse Datacenter Workloads, SoCC 2013). Of the children of a queue those below their guarantee go
// first, then the one with the least weighted dominant share, then the lowest QueueId. So that none starves
// behind a sibling that uses other resources, the share of a queue counts, of its children that can still use
// their turn, only as much as the poorest of them has, and only in the resources that they wait for.
//
// Jobs may be in any queue; those of a queue with children compete with the children as one of weight 1 and
// the part of the guarantee that no child has.
//
// Equal calls give equal answers on every machine. Times are microseconds of event time; one that goes back
// counts as no time passed. Operations on a queue are O(depth · log children).
class QueueTree {
 public:
  QueueTree();

  // What there is to share: the domain's machines as observed. Guarantees of the queues right under the
  // domain may exceed it (a site may die at any time); then they are entitled to alike parts of it.
  // O(queues).
  void set_capacity(const Amount& capacity);
  const Amount& capacity() const { return capacity_; }

  // Makes a queue or changes one; use stays. kInvalid: out of range, a quota above its parent's or below its
  // guarantee, or guarantees of children above their parent's; kNotFound: no such parent; kConflict: a parent
  // below itself. A maximum below present use admits nothing until use falls. O(children); a new parent:
  // O(queues).
  Status define(QueueId id, const QueueSpec& spec);
  // kConflict: it has children, use or waiting jobs.
  Status remove(QueueId id);
  bool has(QueueId id) const;
  // Those below require has(id) and amounts from 0 to kAmountMax.
  const QueueSpec& spec(QueueId id) const;

  // Takes one submission from the rate limits of the queue and those above, or none and says which is in the
  // way.
  std::optional<RateLimited> submit(QueueId id, TimeUs at);

  // Jobs that are alike start or stop waiting. What stops must have started.
  void wait(QueueId id, const Amount& need, int64_t jobs = 1) { count_waiting(id, need, jobs); }
  void stop_waiting(QueueId id, const Amount& need, int64_t jobs = 1) { count_waiting(id, need, -jobs); }

  // The first quota, from the queue up, that does not leave room for `need`; none: it may be taken.
  std::optional<Shortage> admits(QueueId id, const Amount& need) const;
  // The same of the queue alone, whatever those above it say.
  std::optional<Shortage> admits_alone(QueueId id, const Amount& need) const { return first_shortage(rows_[row(id)], need); }
  // Use begins or ends, as committed: quotas are not asked again. What ends must have begun.
  void take(QueueId id, const Amount& amount, TimeUs at);
  void give(QueueId id, const Amount& amount, TimeUs at);

  // Brings what is remembered of all queues to `at`; otherwise a queue's is as of its last take or give.
  // O(queues).
  void advance(TimeUs at);
  // Computes what each queue is due, given what all use and wait for: level by level guarantees first, then
  // progressive filling of weighted dominant shares, and what one leaves, again. O(queues · log range).
  void entitle();

  // Whose turn it is, of the queues with waiting jobs that are not blocked.
  std::optional<QueueId> next() const;
  // Passes over a queue until unblock(): its jobs cannot start now, and it counts as one that cannot use its
  // turn.
  void block(QueueId id);
  void unblock();
  // All queues with waiting jobs in the order of their turns, were each blocked after its own. O(n · depth ·
  // log n).
  std::vector<QueueId> order();
  // For who merges queues by one number, least first: how much of its due the queue would have with `offered`
  // more, in parts per 10^6; those within their guarantee before all others. By the last entitle().
  int64_t order_key(QueueId id, const Amount& offered) const;

  Standing standing(QueueId id) const;
  // What use by a queue's jobs costs while others want what it has beyond its due, as a multiple of the
  // decision price: doubles with each whole entitlement of overuse, up to kMultiplierMaxPpm. kPpm: none is in
  // want, or it has no more than its due or its guarantee. By the last entitle().
  int64_t price_multiplier_ppm(QueueId id) const;
  static constexpr int64_t kMultiplierMaxPpm = 64 * kPpm;
  // The shadow price of that: what decide adds to a decision price of `price` >= 0. Saturates; never billed.
  Nanocredits share_price(QueueId id, Nanocredits price) const;

  // The queues that hold the jobs of `victim` below where it meets `from`, from the top, and what each has
  // beyond its guarantee (below zero: what it lacks). Empty: `from` and `victim` are the same.
  struct Excess {
    uint32_t place = 0;  // tells these apart
    Amount over;
  };
  std::vector<Excess> excess(QueueId victim, QueueId from) const;
  // Whether `from` may have jobs of `victim` preempted to take `need` >= 0: with it, the queue that holds
  // `from` just below where the two meet stays within its guarantee, and each that holds the victim below
  // there has more than its own in something that is needed.
  bool may_reclaim(QueueId from, const Amount& need, QueueId victim) const;

  std::vector<QueueId> queues() const;  // ascending

 private:
  static constexpr uint32_t kNoRow = UINT32_MAX;
  static constexpr uint32_t kDomain = 0;
  static constexpr int kMemoryBits = 16;
  struct Turn {
    int64_t share = 0;
    QueueId id;
    uint32_t row = kNoRow;
    friend auto operator<=>(const Turn&, const Turn&) = default;
  };
  // A queue; or the jobs of a queue with children, apart (`own`); or the domain (row 0).
  struct Row {
    QueueId id;
    uint32_t parent = kNoRow;
    uint32_t own = kNoRow;  // of a queue with children
    std::vector<uint32_t> children;
    QueueSpec spec;
    Amount limit;  // on use: the lesser of maximum and guaranteed + borrowable
    Amount children_guaranteed;
    TokenBucket submissions;
    Amount used, waiting, entitlement;
    std::array<int64_t, kResources> waiting_for{};  // jobs that wait for each resource
    int64_t waiting_jobs = 0;
    Amount memory;  // fixed point, kMemoryBits
    TimeUs memory_at = 0;

    // What the parent holds of this row.
    Amount charged;      // see the class comment; units of use
    int64_t share = 0;   // weighted
    uint32_t wants = 0;  // resources that its unblocked jobs wait for; 0: it cannot use a turn
    int tier = 1;        // 0: below its guarantee
    bool listed = false;
    bool blocked = false;

    // Of the children that can use a turn: in order, by tier; and of all, what their use sums up to.
    std::array<std::set<Turn>, 2> turns;
    std::array<int32_t, kResources> wanting{};
    std::array<__int128, kResources> rescaled{};
    Amount idle;
  };

  uint32_t row(QueueId id) const { return rows_of_[id.index()]; }
  uint32_t leaf(QueueId id) const;
  uint32_t add_row(QueueId id, uint32_t parent);
  Status check(QueueId id, const QueueSpec& spec) const;
  Status check_family(QueueId id, uint32_t parent, const QueueSpec& spec) const;
  void separate_own(uint32_t row);
  void set_limits(uint32_t row);
  void remember(Row& row, TimeUs at) const;
  Amount charge_of(const Row& row) const;
  void unlist(uint32_t row);
  void list(uint32_t row);
  void refresh(uint32_t row);
  void count_waiting(QueueId id, const Amount& need, int64_t jobs);
  void refresh_up(uint32_t row);
  void rebuild();
  std::vector<uint32_t> parents_first() const;
  using Path = std::vector<uint32_t>;  // rows, from the jobs' own up
  std::pair<Path, Path> paths_to_meeting(QueueId a, QueueId b) const;
  std::optional<Shortage> first_shortage(const Row& row, const Amount& need) const;
  bool below_guarantee(const Row& row) const;

  Amount capacity_;
  std::vector<Row> rows_;
  std::vector<uint32_t> rows_of_;  // by QueueId
  std::vector<uint32_t> free_rows_;
  std::vector<uint32_t> blocked_;
  bool want_ = false;  // whether somebody is due less than it wants, as of the last entitle()
};

}  // namespace weir::queue
