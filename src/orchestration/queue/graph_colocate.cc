#include "orchestration/queue/graph_colocate.h"

#include <algorithm>
#include <type_traits>
#include <variant>

#include "core/event/limits.h"
#include "orchestration/queue/graph_amounts.h"
#include "orchestration/queue/graph_preempt.h"

namespace weir::queue {
namespace {


Amount capacity_of(const Graph& head, NodeId node) {
  const NodeRow& row = head.node(node);
  return {row.cpu_milli, row.memory_mib, 0};
}

bool ended(const IntentRow& row, RunId run) {
  const auto known = std::find_if(row.runs.begin(), row.runs.end(), [run](const RunRow& r) { return r.run == run; });
  return known == row.runs.end() || has_ended(known->state);
}

bool significant(int64_t before, int64_t after, int64_t whole) {
  const int64_t change = before < after ? after - before : before - after;
  return static_cast<__int128>(change) * kPpm > static_cast<__int128>(whole) * Colocation::kSignificantPpm;
}

// As preemption_cost() sees a job with a plan, of whatever generation.
Running running(const Graph& head, IntentId id, TimeUs now) {
  const IntentRow& row = head.intent(id);
  Running out{.job = id.value,
              .queue = {},
              .priority = row.spec->schedule.priority,
              .lost_us = 0,
              .restart_us = kRestartUs,
              .preemptions = static_cast<int32_t>(row.preemptions)};
  for (size_t k = 0; k < row.active->plan.placements.size(); ++k) {
    const RunId run = row.active->run(k);
    const auto known = std::find_if(row.runs.begin(), row.runs.end(), [run](const RunRow& r) { return r.run == run; });
    if (known == row.runs.end() || has_ended(known->state)) continue;
    if (known->began != 0) out.lost_us = std::max(out.lost_us, now - known->began);
    out.holds.push_back({row.active->plan.placements[k].node.value, amount_of(row.active->plan.placements[k])});
  }
  const int64_t every_us = row.active->spec->schedule.checkpoint_interval_us;
  out.lost_us = std::clamp<int64_t>(out.lost_us, 0, every_us > 0 ? every_us : limits::kRunTimeUsMax);
  return out;
}

// In a window, rounded up.
int64_t rate(int64_t amount, int64_t times, TimeUs window_us) {
  const __int128 each = (static_cast<__int128>(amount) * times + window_us - 1) / window_us;
  return static_cast<int64_t>(std::min<__int128>(each, INT64_MAX));
}

}  // namespace

void Colocation::restart() { *this = Colocation(policy_); }

void Colocation::begin(const Graph& head) {
  begun_ = true;
  for (size_t i = 0; i < head.intent_count(); ++i) {
    const IntentId id(i);
    const IntentRow& row = head.intent(id);
    wants(head, id);
    if (row.active) add(head, id, *row.active, true);
    for (const auto& held : row.retiring) add(head, id, *held, true);
  }
  for (const NodeId node : head.best_effort_nodes()) crowded_.try_emplace(node);
}

void Colocation::wants(const Graph& head, IntentId intent) {
  if (intent.index() >= head.intent_count()) return;
  const IntentRow& row = head.intent(intent);
  if (row.spec->workload.best_effort && row.state != IntentState::kWithdrawn) {
    wanting_.insert(intent);
  } else {
    wanting_.erase(intent);
  }
}

void Colocation::add(const Graph& head, IntentId intent, const CommittedPlan& plan, bool before) {
  const IntentRow& row = head.intent(intent);
  for (size_t k = 0; k < plan.plan.placements.size(); ++k) {
    const Placement& p = plan.plan.placements[k];
    const RunId id = plan.run(k);
    if (plan.placement_passed_on[k] || ended(row, id)) continue;
    const auto [known, fresh] = runs_.try_emplace(id);
    if (!fresh) continue;
    Run& run = known->second;
    run.intent = intent;
    run.node = p.node;
    run.reserved = amount_of(p);
    run.best_effort = p.best_effort;
    runs_of_.insert({intent, id});
    Node& node = nodes_[p.node];
    node.runs.insert(id);
    const NodeSpare& spare = head.spare(p.node);
    run.unknown = before && !p.best_effort && (spare.cpu_milli_reclaimed > 0 || spare.memory_mib_reclaimed > 0);
    node.unknown += run.unknown ? 1 : 0;
  }
}

void Colocation::drop(RunId id) {
  const auto known = runs_.find(id);
  if (known == runs_.end()) return;
  const Run& run = known->second;
  const auto node = nodes_.find(run.node);
  node->second.runs.erase(id);
  node->second.reclaimable -= run.reclaimable;
  node->second.unknown -= run.unknown ? 1 : 0;
  if (node->second.runs.empty()) nodes_.erase(node);
  if (run.history) --followed_;
  runs_of_.erase({run.intent, id});
  runs_.erase(known);
}

void Colocation::forget_ended(const Graph& head, IntentId intent) {
  std::vector<RunId> gone;
  const IntentRow& row = head.intent(intent);
  for (auto at = runs_of_.lower_bound({intent, RunId{0, 0}}); at != runs_of_.end() && at->first == intent; ++at) {
    if (ended(row, at->second)) gone.push_back(at->second);
  }
  for (const RunId id : gone) {
    const NodeId node = runs_.at(id).node;
    if (!runs_.at(id).best_effort) changed_[head.node(node).site].insert(node);
    drop(id);
  }
}

void Colocation::look_at(const Graph& head, const Plan& plan, IntentId by) {
  for (const Placement& p : plan.placements) {
    if (p.best_effort) continue;
    const NodeSpare& spare = head.spare(p.node);
    if (spare.cpu_milli_taken > 0 || spare.memory_mib_taken > 0) crowded_[p.node] = by;
  }
}

// What it uses is known, or never will be: then it is taken to use all that it has reserved.
void Colocation::known_now(const Graph& head, Run& run) {
  if (!std::exchange(run.unknown, false)) return;
  --nodes_.at(run.node).unknown;
  changed_[head.node(run.node).site].insert(run.node);
}

void Colocation::use(const Graph& head, const UsageReported& e) {
  const auto known = runs_.find(e.run);
  if (known == runs_.end() || e.to <= e.from) return;
  Run& run = known->second;
  // A machine that says that a run used more than there is says nothing of worth beyond that.
  run.newest = Amount::least({rate(e.cpu_us, 1000, e.to - e.from), rate(e.memory_mib_us, 1, e.to - e.from), 0}, capacity_of(head, run.node));
  if (head.spare(run.node).memory_mib_taken > 0) crowded_.try_emplace(run.node);
  if (run.best_effort) return;
  if (!run.history) {
    if (followed_ >= kRunsFollowedMax) return known_now(head, run);
    ++followed_;
    run.history = std::make_unique<History>(History{UsageHistogram(std::max<int64_t>(run.reserved.cpu_milli, 1), kHalfLifeUs),
                                                    UsageHistogram(std::max<int64_t>(run.reserved.memory_mib, 1), kHalfLifeUs)});
  }
  // A clock ahead of ours would have what was seen before forgotten.
  const TimeUs at = std::min(e.to, head.now());
  run.history->cpu.add(run.newest.cpu_milli, at);
  run.history->memory.add(run.newest.memory_mib, at);
  Node& node = nodes_.at(run.node);
  if (run.history->cpu.samples() >= policy_.samples_min) known_now(head, run);
  const Amount own{run.reserved.cpu_milli, run.reserved.memory_mib, 0};
  const Amount before = std::exchange(run.reclaimable, best_effort_room(own, own, run.history->cpu, run.history->memory, policy_));
  node.reclaimable += run.reclaimable - before;
  changed_[head.node(run.node).site].insert(run.node);
}

void Colocation::note(const Graph& head, const EventBody& body, Position at) {
  if (!begun_) begin(head);
  std::visit(
      [&]<class T>(const T& e) {
        if constexpr (std::is_same_v<T, IntentSubmitted> || std::is_same_v<T, IntentWithdrawn>) {
          wants(head, e.intent);
        } else if constexpr (std::is_same_v<T, PlanCommitted>) {
          if (e.plan.intent.index() >= head.intent_count()) return;
          const IntentRow& row = head.intent(e.plan.intent);
          if (!row.active || row.active->position != at) return;
          add(head, e.plan.intent, *row.active, false);
          look_at(head, e.plan, e.plan.intent);
        } else if constexpr (std::is_same_v<T, PlanRetired>) {
          if (e.intent.index() < head.intent_count()) forget_ended(head, e.intent);
        } else if constexpr (std::is_same_v<T, RunStateChanged>) {
          if (has_ended(e.state) && e.intent.index() < head.intent_count()) forget_ended(head, e.intent);
        } else if constexpr (std::is_same_v<T, UsageReported>) {
          use(head, e);
        } else if constexpr (std::is_same_v<T, ReclaimableMeasured>) {
          for (const NodeReclaimable& node : e.nodes) {
            if (node.node.index() < head.node_count()) crowded_.try_emplace(node.node);
          }
        } else if constexpr (std::is_same_v<T, NodesReported>) {
          if (e.site.index() >= head.site_count()) return;
          for (const NodeRange& range : head.nodes(e.site)) {
            for (uint32_t n = range.first; n < range.first + range.count; ++n) {
              const NodeSpare& spare = head.spare(NodeId(n));
              if (spare.cpu_milli_taken > 0 || spare.memory_mib_taken > 0) crowded_.try_emplace(NodeId(n));
            }
          }
        }
      },
      body);
}

std::vector<EventBody> Colocation::act(const Graph& head, TimeUs now) {
  if (!begun_) begin(head);
  while (!crowded_.empty()) {
    const auto [node, by] = *crowded_.begin();
    std::vector<EventBody> out = evict_from(head, node, by, now);
    if (!out.empty()) return out;
    crowded_.erase(crowded_.begin());
  }
  return measured(head, now);
}

// Those who make way until what is left fits; what makes way already counts as gone.
std::vector<EventBody> Colocation::evict_from(const Graph& head, NodeId node, IntentId by, TimeUs now) const {
  const auto known = nodes_.find(node);
  if (known == nodes_.end()) return {};
  const NodeSpare& spare = head.spare(node);
  const NodeFree& free = head.free(node);
  Amount over{spare.cpu_milli_taken - spare.cpu_milli_reclaimed - free.cpu_milli,
              spare.memory_mib_taken - spare.memory_mib_reclaimed - free.memory_mib, 0};
  const bool overcommitted = spare.memory_mib_taken > free.memory_mib;
  Amount used;
  std::map<IntentId, BestEffortRun> jobs;
  for (const RunId id : known->second.runs) {
    const Run& run = runs_.at(id);
    if (!run.best_effort) {
      used.memory_mib += run.newest.memory_mib;
      continue;
    }
    const IntentRow& row = head.intent(run.intent);
    bool stays = false;
    for (size_t k = 0; row.active && k < row.active->plan.placements.size() && !stays; ++k) stays = row.active->run(k) == id;
    if (!stays) {
      over -= run.reserved;
      continue;
    }
    used.memory_mib += run.newest.memory_mib;
    const auto [job, fresh] = jobs.try_emplace(run.intent);
    if (fresh) {
      job->second.job = run.intent.value;
      job->second.priority = row.spec->schedule.priority;
    }
    job->second.reserved += run.reserved;
    job->second.used += run.newest;
  }
  over = Amount::most(over, {});
  // Memory is not given back as cores are: it has to be left.
  const Amount pressed = overcommitted ? pressure(capacity_of(head, node), used, policy_) : Amount{};
  if (jobs.empty() || (over.none() && pressed.none())) return {};
  const bool room = !over.none();
  std::vector<BestEffortRun> candidates;
  for (auto& [intent, job] : jobs) {
    job.cost = preemption_cost(running(head, intent, now), prices_of(head));
    // Where room is short, a victim leaves all that it has reserved, however little it uses.
    if (room) job.used = job.reserved;
    candidates.push_back(job);
  }
  const std::vector<uint64_t> victims = evict(candidates, room ? over : pressed);
  Nanocredits cost_all = 0;
  for (const BestEffortRun& job : candidates) {
    if (std::binary_search(victims.begin(), victims.end(), job.job)) cost_all = saturating_add(cost_all, job.cost);
  }
  std::vector<EventBody> out;
  for (const uint64_t victim : victims) {
    const IntentId id(static_cast<uint32_t>(victim));
    const std::string where = "node " + head.node_name(node) + " at " + head.site_name(head.node(node).site);
    out.push_back(JobPreempted{.intent = id,
                               .plan = head.intent(id).active->position,
                               .by = room ? by : IntentId(),
                               .why = where + (room ? " needs what it had borrowed" : " is short of memory"),
                               .lost_us = running(head, id, now).lost_us,
                               .cost = jobs.at(id).cost,
                               .victims = static_cast<int32_t>(victims.size()),
                               .cost_all = cost_all});
  }
  return out;
}

// Less is said at once, more only so often: until then it is not looked at again.
std::vector<EventBody> Colocation::measured(const Graph& head, TimeUs now) {
  wake_ = INT64_MAX;
  if (wanting_.empty()) return {};
  while (!rising_due_.empty() && rising_due_.begin()->first <= now) {
    const SiteId site = rising_due_.begin()->second;
    rising_due_.erase(rising_due_.begin());
    if (const auto rising = rising_.extract(site)) changed_[site].merge(rising.mapped());
  }
  std::vector<EventBody> out;
  for (auto& [site, nodes] : std::exchange(changed_, {})) {
    const auto last = measured_at_.find(site);
    const TimeUs due = last == measured_at_.end() ? 0 : last->second + kMeasuredEveryUs;
    ReclaimableMeasured event{.site = site, .nodes = {}};
    std::set<NodeId> later;
    for (const NodeId id : nodes) {
      const NodeSpare& spare = head.spare(id);
      const auto known = nodes_.find(id);
      const Amount capacity = capacity_of(head, id);
      const Amount now_is = known == nodes_.end() ? Amount{} : Amount::least(known->second.reclaimable, capacity);
      const bool cpu = significant(spare.cpu_milli_reclaimed, now_is.cpu_milli, capacity.cpu_milli);
      const bool memory = significant(spare.memory_mib_reclaimed, now_is.memory_mib, capacity.memory_mib);
      const bool less = (cpu && now_is.cpu_milli < spare.cpu_milli_reclaimed) ||
                        (memory && now_is.memory_mib < spare.memory_mib_reclaimed);
      const bool unknown = known != nodes_.end() && known->second.unknown > 0;
      if ((!cpu && !memory) || unknown) continue;
      if (less || now >= due) {
        event.nodes.push_back({id, static_cast<int32_t>(now_is.cpu_milli), static_cast<int32_t>(now_is.memory_mib)});
      } else {
        later.insert(id);
      }
    }
    if (!event.nodes.empty()) {
      measured_at_[site] = now;
      out.push_back(std::move(event));
    }
    if (later.empty()) continue;
    std::set<NodeId>& rising = rising_[site];
    if (rising.empty()) rising_due_.insert({measured_at_[site] + kMeasuredEveryUs, site});
    rising.merge(later);
  }
  if (!rising_due_.empty()) wake_ = rising_due_.begin()->first;
  return out;
}

}  // namespace weir::queue
