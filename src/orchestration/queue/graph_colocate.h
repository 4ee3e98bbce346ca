#pragma once

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "core/graph/graph.h"
#include "orchestration/queue/amount.h"
#include "orchestration/queue/colocate.h"

namespace weir::queue {

// Best-effort work beside ordinary work on the nodes of a graph: how much of what is reserved is reclaimed for it, and who
// of it makes way. It follows the graph event by event. What a run used is known from its UsageReported alone; one that has
// not been measured often enough is taken to use all that it has reserved, so that nothing is reclaimed by a guess.
class Colocation {
 public:
  // Between two words on what may be reclaimed at one site, unless it has become less.
  static constexpr TimeUs kMeasuredEveryUs = 60'000'000;
  // Changes of a node's figure below this part of the node say nothing.
  static constexpr int64_t kSignificantPpm = 50'000;
  // What was used loses half of its weight in this time: a day, so that of daily peaks several are remembered.
  static constexpr int64_t kHalfLifeUs = int64_t{24} * 3'600'000'000;
  // Ordinary runs whose use is remembered, a little over 2 KiB each; what others have reserved is taken to be used.
  static constexpr size_t kRunsFollowedMax = 32'768;

  explicit Colocation(const ColocationPolicy& policy = {}) : policy_(policy) {}

  // Forgets everything, and begins from the graph with the next call. What ran before has to be measured anew; until then
  // the graph's figures of its nodes stand.
  void restart();
  // An event that `head` has just applied, at this position.
  void note(const Graph& head, const EventBody& body, Position at);
  // Events to be written together: first who makes way, one node at a time, then what may be reclaimed, where there is
  // best-effort work that wants it. To be asked again until there are none. Equal events before give equal ones.
  std::vector<EventBody> act(const Graph& head, TimeUs now);
  // When act() may say more although nothing happens before; INT64_MAX: never.
  TimeUs wake() const { return wake_; }

 private:
  struct History {
    UsageHistogram cpu, memory;
  };
  struct Run {
    IntentId intent;
    NodeId node;
    Amount reserved;
    Amount newest;                       // that it used, in its newest window
    Amount reclaimable;                  // of an ordinary run
    bool best_effort = false;
    bool unknown = false;                // it ran before restart(), and was not measured often enough since
    std::unique_ptr<History> history;    // of an ordinary run; null: it was not measured yet, or is not followed
  };
  struct Node {
    std::set<RunId> runs;
    Amount reclaimable;                  // the sum of theirs
    int32_t unknown = 0;                 // how many of them are
  };

  void begin(const Graph& head);
  void add(const Graph& head, IntentId intent, const CommittedPlan& plan, bool before);
  void drop(RunId run);
  void forget_ended(const Graph& head, IntentId intent);
  void use(const Graph& head, const UsageReported& e);
  void known_now(const Graph& head, Run& run);
  void wants(const Graph& head, IntentId intent);
  void look_at(const Graph& head, const Plan& plan, IntentId by);

  std::vector<EventBody> evict_from(const Graph& head, NodeId node, IntentId by, TimeUs now) const;
  std::vector<EventBody> measured(const Graph& head, TimeUs now);

  ColocationPolicy policy_;
  bool begun_ = false;
  std::map<RunId, Run> runs_;
  std::set<std::pair<IntentId, RunId>> runs_of_;
  std::map<NodeId, Node> nodes_;
  size_t followed_ = 0;
  std::set<IntentId> wanting_;           // best-effort intents that are not over
  std::map<SiteId, std::set<NodeId>> changed_;  // nodes whose figure may be another
  std::map<SiteId, std::set<NodeId>> rising_;   // of which more is to be said, once it is due
  std::set<std::pair<TimeUs, SiteId>> rising_due_;
  std::map<SiteId, TimeUs> measured_at_;
  std::map<NodeId, IntentId> crowded_;   // nodes to look at, and for whom, where that is known
  TimeUs wake_ = INT64_MAX;
};

}  // namespace weir::queue
