#include "bench/ledger/history.h"

#include <algorithm>
#include <deque>
#include <optional>

#include "bench/decide/large_region.h"
#include "core/event/codec.h"
#include "orchestration/plan/decide.h"

namespace weir::bench {
namespace {

constexpr size_t kAlive = 500;
constexpr size_t kTurnsBetweenReports = 41;  // a life of 500 turns has 13
constexpr TimeUs kWindowUs = 10'000'000;

struct Life {
  IntentId intent;
  RunId run;
  SiteId ingress;
  TimeUs from = 0;
};

class Maker {
 public:
  explicit Maker(uint64_t seed)
      : region_(seed, {.sites = 100, .nodes_per_site = 10, .links = 500, .ingresses = 50}) {
    history_.begin = region_.graph;
  }

  History make(uint32_t intents) {
    for (uint32_t i = 0; i < intents; ++i) {
      if (const auto life = begin()) alive_.push_back(*life);
      for (size_t k = 0; k < alive_.size(); k += kTurnsBetweenReports) report(alive_[k], k);
      if (alive_.size() > kAlive) end();
    }
    while (!alive_.empty()) end();
    history_.end = region_.graph;
    return std::move(history_);
  }

 private:
  void add(const char* actor, EventBody body) {
    const Event event{now_us_++, actor, std::move(body)};
    encode(event, history_.bytes);
    history_.ends.push_back(history_.bytes.size());
    region_.graph.apply(event);
  }

  std::optional<Life> begin() {
    const IntentSubmitted wish = region_.next_intent();
    add("tenant/tenant", wish);
    Decision decision = planner_.decide(region_.graph, wish.intent);
    auto* plan = std::get_if<Plan>(&decision);
    if (!plan) return std::nullopt;
    Life life{wish.intent, {region_.graph.version(), 0}, wish.spec.from.front().site, now_us_};
    add("brain", PlanCommitted{std::move(*plan)});
    add("site/s", RunStateChanged{life.run, life.intent, RunState::kStarting, 0, {}});
    add("site/s", RunStateChanged{life.run, life.intent, RunState::kRunning, 0, {}});
    return life;
  }

  void report(Life& life, size_t turn) {
    const TimeUs to = life.from + kWindowUs;
    add("site/s", UsageReported{life.run, life.intent, life.from, to, 3'000'000, 2'560, 2'500'000, 62'500,
                                40'000'000, "linear-cpu-v1", 0});
    if (turn % 2 == 0) {
      add("site/s", PromiseMeasured{life.intent, life.ingress, life.from, to, 20, 0, 0, 31'000, 88'000});
      const LinkId link(turn * 31 % region_.graph.link_count());
      add("site/s",
          LinkMeasured{link, region_.graph.link(link).latency_us + static_cast<int64_t>(turn % 7), 50, 0});
    }
    life.from = to;
  }

  void end() {
    const Life life = alive_.front();
    alive_.pop_front();
    add("site/s", RunStateChanged{life.run, life.intent, RunState::kExited, 0, {}});
    add("tenant/tenant", IntentWithdrawn{life.intent});
    add("brain", PlanRetired{life.intent, life.run.plan});
  }

  History history_;
  LargeRegion region_;
  JointPlanner planner_{DecideLimits{.alternatives = 3}};
  std::deque<Life> alive_;
  TimeUs now_us_ = 1'800'000'000'000'000;
};

}  // namespace

History make_history(uint64_t seed, uint32_t intents) { return Maker(seed).make(intents); }

}  // namespace weir::bench
