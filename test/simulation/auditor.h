#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
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

  // Every node and link of the graph is as free as these books say.
  void compare(const Graph& graph) const;

  // Microseconds for which a run is billed so far.
  TimeUs billed_us(RunId run) const;
  // By account; sums to zero.
  const std::map<std::string, __int128>& balances() const { return balances_; }
  // Do two runs belong to one plan (then both may live), rather than one replacing the other?
  bool side_by_side(RunId a, RunId b) const;

 private:
  struct Node {
    uint32_t site = 0;
    int64_t cpu = 0, memory = 0, accelerators = 0;
    int64_t cpu_used = 0, memory_used = 0, accelerators_used = 0;
  };
  struct Direction {
    uint32_t from = 0, to = 0;
    int64_t bandwidth = 0, used = 0, latency = 0, jitter = 0, ask = 0;
    bool up = true;
  };
  struct Site {
    uint32_t vertex = 0;
    Liveness state = Liveness::kUnknown;
    Asks asks;
    std::vector<std::string> residency;
    std::string name;
  };
  struct Held {
    Plan plan;
    Position position = 0;
    std::vector<bool> holds_placement, holds_flow;
    RunId run(size_t i) const {
      const RunId& c = plan.placements[i].continues;
      return c.valid() ? c : RunId{position, static_cast<uint32_t>(i)};
    }
  };
  struct Wish {
    std::string tenant;
    uint32_t generation = 0;
    bool withdrawn = false;
    IntentSpec spec;
    std::map<Position, Held> held;
    Position active = kNoPosition;
  };
  struct Billed {
    TimeUs until = 0, total = 0;
    std::string tenant, provider;
    Placement placement;
  };

  void fail(const std::string& why) const;
  void on(const Event& event);
  template <class Body>
  void body(const Body&) {}
  void body(const SiteDefined& e);
  void body(const RouterDefined& e);
  void body(const LinkDefined& e);
  void body(const NodesReported& e);
  void body(const SiteStateChanged& e);
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

  void check_placements(const Plan& plan, const Wish& wish);
  void check_flows(const Plan& plan, const Wish& wish);
  void check_path(const Plan& plan, const Flow& flow, const std::vector<LinkId>& path, const char* what);
  void check_labels(const Held& plan);
  void hold(const Placement& placement, int sign);
  void hold(const Flow& flow, int sign);

  Fail fail_;
  Position at_ = 0;
  TimeUs last_at_ = 0;
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
  std::vector<Wish> wishes_;
  std::map<RunId, Billed> billed_;
  std::map<std::string, __int128> balances_;
  std::map<Position, std::set<RunId>> runs_of_plan_;
};

}  // namespace weir::simulation
