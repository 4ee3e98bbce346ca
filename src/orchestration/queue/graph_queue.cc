#include "orchestration/queue/graph_queue.h"

#include <algorithm>
#include <bit>
#include <type_traits>
#include <utility>
#include <variant>

#include "core/event/limits.h"
#include "core/graph/ease.h"
#include "core/graph/expected_run.h"
#include "orchestration/queue/cheapest_start.h"
#include "orchestration/queue/graph_amounts.h"
#include "orchestration/queue/without_room.h"

namespace weir::queue {
namespace {

constexpr uint32_t kHeldForNetwork = 1;  // Why::held_code of a job that a decision refused

// One that waits for a turn and has its part of what is reserved: best-effort work has not.
bool is_job(const IntentRow& row) { return row.spec->workload.kind == WorkKind::kJob && !row.spec->workload.best_effort; }

constexpr uint32_t kNowhere = SiteId::kNone;  // no pool has this number

// May it run there, as far as its own words and the taints of the site go?
bool may_run_at(const Graph& head, const IntentSpec& spec, SiteId site) {
  return place_obstacle(head, spec, site).code == ReasonCode::kNone;
}

// Where it may; empty: anywhere.
std::vector<uint32_t> pools_of(const Graph& head, const IntentSpec& spec) {
  std::vector<uint32_t> pools;
  const Where& where = spec.where;
  if (where.only.empty() && where.not_at.empty() && where.near.empty() && where.apart_from.empty() && !where.at_data &&
      head.tainted_sites() == 0) {
    return pools;
  }
  for (size_t s = 0; s < head.site_count(); ++s) {
    if (may_run_at(head, spec, SiteId(s))) pools.push_back(static_cast<uint32_t>(s));
  }
  if (pools.size() == head.site_count()) return {};
  if (pools.empty()) pools.push_back(kNowhere);
  return pools;
}

// Of devices, that each instance may take: of sliced ones more than it asks for, by whole slices. O(sites) for a share.
int64_t device_milli_taken(const Graph& head, const Workload& workload, const std::vector<uint32_t>& pools) {
  if (workload.accelerator_milli == 0) return device_milli(workload);
  uint32_t slices = 0;
  const auto add = [&](uint32_t pool) { slices |= pool == kNowhere ? 0 : head.load(SiteId(pool)).device_slices; };
  for (const uint32_t pool : pools) add(pool);
  for (size_t s = 0; pools.empty() && s < head.site_count(); ++s) add(static_cast<uint32_t>(s));
  return std::max(device_milli(workload), device_milli_most(workload, slices));
}

Job job_of(const Graph& head, uint64_t id, uint32_t leaf, const IntentRow& row) {
  const IntentSpec& spec = *row.spec;
  const Schedule& schedule = spec.schedule;
  const TimeUs limit = schedule.run_time_us_max > 0 ? schedule.run_time_us_max : limits::kRunTimeUsMax;
  const TimeUs expected = expected_run_us(head, row);
  Job job{.id = id,
          .queue = leaf,
          .submitted = row.submitted_at,
          .estimated_us = expected > 0 ? expected : limit,
          .limit_us = limit,
          .priority = schedule.priority,
          .deadline = schedule.deadline,
          .not_before = schedule.not_before,
          .each = {spec.workload.cpu_milli, spec.workload.memory_mib, 0},
          .count = instances_at_least(spec),
          .count_min = is_malleable(schedule) ? schedule.instances_min : 0,
          .pools = pools_of(head, spec)};
  job.each.accelerator_milli = device_milli_taken(head, spec.workload, job.pools);
  if (!schedule.reservation.empty()) {
    const ReservationId in = head.find_reservation(row.tenant, schedule.reservation);
    const auto* alone = without_room(head, row);
    if (in.valid() && alone == nullptr) job.reservation = uint64_t{in.value} + 1;
    if (alone != nullptr) job.not_before = std::max(job.not_before, alone->spec.from);
  }
  if (schedule.start_slack_us > 0) job.not_before = std::max(job.not_before, cheapest_start(head, row, job).at);
  return job;
}

// Whether the nodes of sites that it may run at hold it when nothing else runs there, whatever their state is now. O(nodes), if it
// does not fit; else about as many as it needs.
bool fits_ever(const Graph& head, const Job& job, const IntentSpec& spec) {
  const Workload& work = spec.workload;
  int64_t instances = 0;
  std::map<Graph::RackKey, int64_t> in_rack;
  const auto look_at = [&](SiteId site) {
    const SiteLoad& load = head.load(site);
    const Amount all{load.cpu_milli_total, load.memory_mib_total, int64_t{load.accelerators_total} * kDeviceMilli};
    if (job.each.times_in(all, 1) == 0) return false;
    for (const NodeRange& range : head.nodes(site)) {
      for (uint32_t n = range.first; n < range.first + range.count; ++n) {
        const NodeRow& node = head.node(NodeId(n));
        if (!head.right_accelerator(node, work)) continue;
        int64_t fit = job.each.times_in({node.cpu_milli, node.memory_mib, int64_t{node.accelerators} * kDeviceMilli}, job.count_least());
        if (fit > 0 && (work.accelerators_linked || work.accelerator_milli > 0)) {
          fit = std::min(fit, head.device_room_empty(NodeId(n)).times(device_need(work, head.devices(node))));
        }
        if (fit == 0) continue;
        int64_t& together = spec.where.same_rack ? in_rack[head.rack(NodeId(n))] : instances;
        together += fit;
        if (together >= job.count_least()) return true;
      }
    }
    return false;
  };
  if (!job.pools.empty()) {
    return std::any_of(job.pools.begin(), job.pools.end(), [&](uint32_t pool) { return pool != kNowhere && look_at(SiteId(pool)); });
  }
  for (size_t s = 0; s < head.site_count(); ++s) {
    if (look_at(SiteId(s))) return true;
  }
  return false;
}

template <class Counts>
std::vector<Part> parts_of(const Plan& plan, Counts counts) {
  std::vector<Part> parts;
  for (size_t k = 0; k < plan.placements.size(); ++k) {
    if (!counts(k)) continue;
    const uint32_t site = plan.placements[k].site.value;
    const auto at = std::lower_bound(parts.begin(), parts.end(), site,
                                     [](const Part& part, uint32_t pool) { return part.pool < pool; });
    if (at != parts.end() && at->pool == site) {
      ++at->count;
    } else {
      parts.insert(at, {site, 1});
    }
  }
  return parts;
}

std::vector<Part> parts_of(const Plan& plan) {
  return parts_of(plan, [](size_t) { return true; });
}

// What ended gives back what it had while the others of the plan go on.
std::vector<Part> parts_running(const IntentRow& row) {
  return parts_of(row.active->plan, [&row](size_t k) {
    const RunId id = row.active->run(k);
    return std::none_of(row.runs.begin(), row.runs.end(),
                        [id](const RunRow& run) { return run.run == id && has_ended(run.state); });
  });
}

// When the first run of its plan was first seen running, by which it will be ended; none was: now.
TimeUs began_at(const IntentRow& row, TimeUs now) {
  TimeUs began = now;
  for (size_t k = 0; k < row.active->plan.placements.size(); ++k) {
    const RunId id = row.active->run(k);
    for (const RunRow& run : row.runs) {
      if (run.run == id && run.began != 0) began = std::min(began, run.began);
    }
  }
  return began;
}

}  // namespace

GraphQueue::GraphQueue(const ColocationPolicy& colocation) : budget_(1, 1), colocation_(colocation) { set_shares(); }

void GraphQueue::set_shares() {
  engine_.set_shares({.key = [this](uint32_t leaf, const Amount&) { return share_key(leaf); },
                      .allows = [this](uint32_t leaf, const Amount&, const Amount& more) { return allows(leaf, more); },
                      .offered =
                          [this](uint32_t leaf, const Amount& more) {
                            for (const QueueId node : leaves_[leaf].chain) offered_[node.index()] += more;
                          },
                      .bounds =
                          [this](uint32_t leaf) {
                            std::vector<std::pair<uint32_t, Amount>> bounds;
                            for (const QueueId node : leaves_[leaf].chain) {
                              const Amount& most = tree_.spec(node).maximum;
                              if (most != kUnlimited) bounds.emplace_back(node.value, most);
                            }
                            return bounds;
                          }});
}

// ---- room --------------------------------------------------------------------------------------------

void GraphQueue::refresh(const Graph& head, SiteId site) {
  if (site.index() >= held_.size()) held_.resize(head.site_count());
  const Amount kept = site.index() < kept_.size() ? kept_[site.index()] : Amount{};
  Amount free;
  if (head.site(site).state == Liveness::kUp) {
    const SiteLoad& load = head.load(site);
    free = Amount::most(Amount{load.cpu_milli_free, load.memory_mib_free, load.accelerator_milli_free} - kept, {});
  }
  if (site.index() >= free_.size()) free_.resize(head.site_count());
  free_all_ += free - std::exchange(free_[site.index()], free);
  engine_.set_pool(site.value, held_[site.index()] + kept + free);
}

void GraphQueue::set_capacity(const Graph& head) {
  Amount capacity;
  for (size_t s = 0; s < head.site_count(); ++s) {
    if (head.site(SiteId(s)).state != Liveness::kUp) continue;
    const SiteLoad& load = head.load(SiteId(s));
    capacity += Amount{load.cpu_milli_total, load.memory_mib_total, int64_t{load.accelerators_total} * 1000};
  }
  if (capacity != tree_.capacity()) tree_.set_capacity(capacity);
  engine_.shares_changed();
}

// From now on it holds this. Requires that the graph has given or taken the difference.
void GraphQueue::hold(const Graph& head, Work& work, std::vector<Part> held) {
  const auto count = [&](const std::vector<Part>& parts, int sign) {
    for (const Part& part : parts) {
      if (part.pool >= held_.size()) held_.resize(part.pool + 1);
      held_[part.pool] += work.job.each * (int64_t{part.count} * sign);
    }
  };
  count(work.held, -1);
  count(held, 1);
  const std::vector<Part> before = std::exchange(work.held, std::move(held));
  for (const auto* parts : {&before, &std::as_const(work.held)}) {
    for (const Part& part : *parts) refresh(head, SiteId(part.pool));
  }
}

// Where all of it has ended, while its plan stays because a newer wish finds none, nobody waits for its end.
void GraphQueue::hold_what_runs(const Graph& head, IntentId intent, Work& work) {
  hold(head, work, parts_running(head.intent(intent)));
  if (work.held.empty()) (void)engine_.ended(id_of(intent), now_);
}

// ---- jobs --------------------------------------------------------------------------------------------

// Waiting, or what is offered to it or held by it: the tree knows what a job amounts to at one of the two.
void GraphQueue::wait_for(Work& work) {
  work.amount = work.job.whole();
  if (!work.hopeless) tree_.wait(QueueId(work.leaf), work.amount);
}

void GraphQueue::stop_waiting(Work& work) {
  if (!work.hopeless) tree_.stop_waiting(QueueId(work.leaf), work.amount);
}

bool GraphQueue::is_hopeless(IntentId intent) const {
  const auto known = work_.find(intent);
  return known != work_.end() && known->second.hopeless;
}

void GraphQueue::set_hopeless(const Graph& head, IntentId intent) {
  const auto known = work_.find(intent);
  if (known == work_.end()) return;
  Work& work = known->second;
  const IntentRow& row = head.intent(intent);
  const bool hopeless =
      too_large_.contains(intent) || (row.state == IntentState::kRefused && row.refusal && !may_ease(*row.refusal, head.hourly_sites() > 0));
  if (hopeless == work.hopeless) return;
  const bool waits = work.state == Work::State::kWaiting;
  if (waits) stop_waiting(work);
  count_task(work, -1);
  work.hopeless = hopeless;
  count_task(work, 1);
  if (waits) wait_for(work);
}

void GraphQueue::take(Work& work, int32_t instances) {
  stop_waiting(work);
  tree_.take(QueueId(work.leaf), work.amount = work.job.each * instances, now_);
}

void GraphQueue::give_back(Work& work) {
  if (work.state == Work::State::kWaiting) {
    stop_waiting(work);
  } else {
    tree_.give(QueueId(work.leaf), work.amount, now_);
  }
}

uint32_t GraphQueue::leaf_of(const Graph& head, const IntentRow& row, const IntentSpec& spec) {
  const std::string& name = spec.schedule.queue;
  return leaf(head, name.empty() ? ::weir::QueueId{} : head.find_queue(name), row.tenant);
}

void GraphQueue::submit(const Graph& head, IntentId intent) {
  const IntentRow& row = head.intent(intent);
  const uint32_t of = leaf_of(head, row, *row.spec);
  Work work{.leaf = of, .job = job_of(head, id_of(intent), of, row)};
  work.task = row.array.valid();
  // More wait than the engine holds: it is decided as it comes.
  if (!engine_.submit(work.job)) {
    to_be_refused_.insert(intent);
    return;
  }
  wait_for(work);
  count_task(work, 1);
  for (const auto* names : {&row.spec->where.near, &row.spec->where.apart_from}) {
    for (const IntentId other : *names) {
      work.named.push_back(other);
      waits_on_.insert({other, intent});
    }
  }
  if (row.claims > 0) work.claimed_at = now_;
  ++known_classes_[work.job.priority];
  if (row.spec->schedule.start_slack_us > 0) may_wait_.insert(intent);
  look_whether_it_fits(head, intent, work_.insert_or_assign(intent, std::move(work)).first->second);
}

// Who is to be near, or apart from, others may find room when they come or go; everybody else, when nodes do.
void GraphQueue::look_whether_it_fits(const Graph& head, IntentId intent, const Work& work) {
  const bool fits = fits_ever(head, work.job, *head.intent(intent).spec);
  if (!fits && !too_large_.contains(intent)) to_be_refused_.insert(intent);
  if (!fits && work.named.empty()) {
    too_large_.insert(intent);
    engine_.held(id_of(intent), kNever, kHeldForNetwork);
  } else if (too_large_.erase(intent) > 0) {
    engine_.held(id_of(intent), now_, kHeldForNetwork);
  }
  set_hopeless(head, intent);
}

// Its tasks are fewer by those that were submitted, or it is another.
void GraphQueue::follow_array(const Graph& head, IntentId array, bool another) {
  const IntentRow& row = head.intent(array);
  const bool open = is_array(row) && is_job(row) && row.state != IntentState::kWithdrawn;
  const int64_t count = open ? std::max(row.spec->schedule.tasks - row.tasks.submitted, 0) : 0;
  if (const auto known = rests_.find(array); known != rests_.end()) {
    Rest& rest = known->second;
    const int64_t left = another ? 0 : count;
    tree_.stop_waiting(QueueId(rest.leaf), rest.each, rest.count - left);
    if ((rest.count = left) > 0) return;
    rests_.erase(known);
  }
  if (count == 0) return;
  const uint32_t of = leaf_of(head, row, *row.spec);
  const Rest rest{of, job_of(head, id_of(array), of, row).whole(), count};
  tree_.wait(QueueId(rest.leaf), rest.each, rest.count);
  rests_.emplace(array, rest);
}

void GraphQueue::begin(const Graph& head, IntentId intent, TimeUs at) {
  const IntentRow& row = head.intent(intent);
  const std::vector<Placement>& placements = row.active->plan.placements;
  auto known = work_.find(intent);
  if (known == work_.end()) {
    const uint32_t of = leaf_of(head, row, *row.active->spec);
    known = work_.insert_or_assign(intent, Work{.leaf = of, .job = job_of(head, id_of(intent), of, row)}).first;
    ++known_classes_[known->second.job.priority];
    wait_for(known->second);
  }
  Work& work = known->second;
  unclaim(head, intent);
  give_back(work);
  count_task(work, -1);
  (void)engine_.withdraw(id_of(intent));
  // Streams may need more instances than at least, and a plan be of an earlier wish.
  work.job.count = static_cast<int32_t>(placements.size());
  work.job.count_min = 0;
  work.job.each = {placements[0].cpu_milli, placements[0].memory_mib, device_milli(placements[0])};
  work.amount = work.job.whole();
  tree_.take(QueueId(work.leaf), work.amount, now_);
  work.state = Work::State::kRunning;
  work.parts = parts_of(row.active->plan);
  (void)engine_.adopt(work.job, work.parts, at);
  hold_what_runs(head, intent, work);
  running_.insert(intent);
  if (is_malleable(row.spec->schedule) && row.active->plan.generation == row.generation) resized_[intent] = {now_};
  ++classes_[work.job.priority];
  to_be_refused_.erase(intent);
  resting_.erase(intent);
  too_large_.erase(intent);
  work.hopeless = false;
}

void GraphQueue::drop(const Graph& head, IntentId intent) {
  to_be_refused_.erase(intent);
  resting_.erase(intent);
  too_large_.erase(intent);
  const auto known = work_.find(intent);
  if (known == work_.end()) return;
  Work& work = known->second;
  resized_.erase(intent);
  unclaim(head, intent);
  give_back(work);
  if (work.state == Work::State::kRunning) {
    running_.erase(intent);
    if (--classes_[work.job.priority] == 0) classes_.erase(work.job.priority);
    (void)engine_.ended(id_of(intent), now_);
    hold(head, work, {});
  } else {
    (void)engine_.withdraw(id_of(intent));
  }
  forget(known);
}

void GraphQueue::forget(std::map<IntentId, Work>::iterator known) {
  const auto of_class = known_classes_.find(known->second.job.priority);
  if (--of_class->second == 0) known_classes_.erase(of_class);
  for (const IntentId other : known->second.named) waits_on_.erase({other, known->first});
  may_wait_.erase(known->first);
  count_task(known->second, -1);
  work_.erase(known);
}

// Where it may run has changed, perhaps.
void GraphQueue::look_where(const Graph& head, IntentId intent, Work& work) {
  std::vector<uint32_t> pools = pools_of(head, *head.intent(intent).spec);
  if (pools == work.job.pools) return;
  work.job.pools = std::move(pools);
  hours_changed_ = true;
  if (work.state == Work::State::kWaiting) queue_again(intent, work);
  if (work.state == Work::State::kWaiting) look_whether_it_fits(head, intent, work);
}

void GraphQueue::queue_again(IntentId intent, const Work& work) {
  const Job* known = engine_.job(id_of(intent));
  if (known == nullptr || (known->pools == work.job.pools && known->not_before == work.job.not_before)) return;
  (void)engine_.withdraw(id_of(intent));
  (void)engine_.submit(work.job);
}

// The jobs that are to be near the intent, or apart from it.
void GraphQueue::stands_elsewhere(const Graph& head, IntentId other) {
  for (auto at = waits_on_.lower_bound({other, IntentId(0u)}); at != waits_on_.end() && at->first == other; ++at) {
    look_where(head, at->second, work_.at(at->second));
  }
}

void GraphQueue::restart(const Graph& head) {
  engine_ = Engine();
  tree_ = QueueTree();
  set_shares();
  node_of_queue_.clear();
  leaves_.clear();
  leaf_of_.clear();
  offered_.clear();
  work_.clear();
  waits_on_.clear();
  rests_.clear();
  free_.clear();
  free_all_ = tasks_waiting_ = {};
  to_be_refused_.clear();
  resting_.clear();
  too_large_.clear();
  nodes_changed_ = false;
  may_wait_.clear();
  hours_changed_ = false;
  claims_.clear();
  refused_beside_claims_.clear();
  kept_.clear();
  running_.clear();
  classes_.clear();
  known_classes_.clear();
  guarantees_ = false;
  budget_ = PreemptBudget(1, 1);
  resized_.clear();
  resize_looked_ = false;
  resize_look_at_ = 0;
  resize_again_ = INT64_MAX;
  colocation_.restart();
  looked_ = false;
  look_at_ = 0;
  claim_turns_.restart();
  resize_turns_.restart();
  look_again_ = INT64_MAX;
  relief_ = head.relief();
  held_.assign(head.site_count(), {});
  sites_of_plan_.clear();
  now_ = head.now();
  for (size_t s = 0; s < head.site_count(); ++s) refresh(head, SiteId(s));
  set_capacity(head);
  for (size_t q = 0; q < head.queue_count(); ++q) define(head, ::weir::QueueId(q));
  for (size_t r = 0; r < head.reservation_count(); ++r) note(head, ReservationDefined{.reservation = ReservationId(r)}, 0);
  for (size_t i = 0; i < head.intent_count(); ++i) {
    const IntentRow& row = head.intent(IntentId(i));
    for (const auto& held : row.retiring) sites_of_plan_[held->position] = sites_of(held->plan);
    if (row.active) sites_of_plan_[row.active->position] = sites_of(row.active->plan);
    if (row.state == IntentState::kWithdrawn || !is_job(row)) continue;
    if (is_array(row)) {
      follow_array(head, IntentId(i), true);
      continue;
    }
    if (!row.active) {
      submit(head, IntentId(i));
      continue;
    }
    begin(head, IntentId(i), began_at(row, head.now()));
  }
  remember_preemptions(head);
}

void GraphQueue::note(const Graph& head, const EventBody& body, Position at) {
  now_ = std::max(now_, head.now());
  looked_ = resize_looked_ = false;
  colocation_.note(head, body, at);
  std::visit(
      [&]<class T>(const T& e) {
        if constexpr (std::is_same_v<T, NodesReported> || std::is_same_v<T, SiteStateChanged> ||
                      std::is_same_v<T, SiteDefined>) {
          if (e.site.index() >= head.site_count()) return;
          refresh(head, e.site);
          set_capacity(head);
          hours_changed_ = true;
          nodes_changed_ = nodes_changed_ || std::is_same_v<T, NodesReported>;
          if constexpr (std::is_same_v<T, SiteDefined>) {
            for (auto& [intent, work] : work_) {
              const auto& pools = work.job.pools;
              const bool may = may_run_at(head, *head.intent(intent).spec, e.site);
              if (may != (pools.empty() || std::binary_search(pools.begin(), pools.end(), e.site.value))) {
                look_where(head, intent, work);
              }
            }
          }
        } else if constexpr (std::is_same_v<T, DatasetDefined>) {
          hours_changed_ = true;
          for (auto& [intent, work] : work_) {
            if (head.intent(intent).spec->where.at_data) look_where(head, intent, work);
          }
        } else if constexpr (std::is_same_v<T, IntentRefused>) {
          if (e.refusal.intent.index() < head.intent_count()) set_hopeless(head, e.refusal.intent);
        } else if constexpr (std::is_same_v<T, NodeCordoned>) {
          if (e.node.index() < head.node_count()) refresh(head, head.node(e.node).site);
        } else if constexpr (std::is_same_v<T, QueueDefined>) {
          if (e.queue.index() < head.queue_count()) define(head, e.queue);
          estimate_again(head);
        } else if constexpr (std::is_same_v<T, ReservationDefined>) {
          if (e.reservation.index() >= head.reservation_count()) return;
          const Graph::ReservationRow& row = head.reservation(e.reservation);
          if (row.cancelled || row.spec.to <= now_) return;
          (void)engine_.reserve(uint64_t{e.reservation.value} + 1, row.spec.site.value, amount_of(row.spec.amount),
                                row.spec.from, row.spec.to);
          queue_named_again(head, row);
        } else if constexpr (std::is_same_v<T, ReservationCancelled>) {
          const bool known = e.reservation.index() < head.reservation_count();
          if (known && head.reservation(e.reservation).cancelled) (void)engine_.cancel_reservation(uint64_t{e.reservation.value} + 1);
        } else if constexpr (std::is_same_v<T, IntentSubmitted>) {
          if (e.intent.index() >= head.intent_count()) return;
          const IntentRow& row = head.intent(e.intent);
          // Of a job that runs, another generation is decided on at once: it has room already. What it held until it became a
          // service is no job's any more, however long that goes on.
          if (row.active && is_job(row)) return;
          drop(head, e.intent);
          if (row.state != IntentState::kWithdrawn && is_job(row) && !is_array(row)) submit(head, e.intent);
          follow_array(head, row.array.valid() ? row.array : e.intent, !row.array.valid());
        } else if constexpr (std::is_same_v<T, IntentWithdrawn>) {
          drop(head, e.intent);
          stands_elsewhere(head, e.intent);
          if (e.intent.index() < head.intent_count()) follow_array(head, e.intent, true);
        } else if constexpr (std::is_same_v<T, JobPreempted>) {
          if (e.intent.index() >= head.intent_count()) return;
          const IntentRow& row = head.intent(e.intent);
          if (row.active || row.state == IntentState::kWithdrawn) return;
          if (const auto known = work_.find(e.intent); known != work_.end()) {
            const QueueId of(known->second.leaf);
            if (budget_.left(of, now_) > 0) budget_.spend(of, 1, now_);
          }
          drop(head, e.intent);
          if (is_job(row)) submit(head, e.intent);
          if (e.by.index() < head.intent_count()) claim(head, e.by, now_);
          for (const SiteId site : sites_of_plan_[e.plan]) refresh(head, site);
          stands_elsewhere(head, e.intent);
        } else if constexpr (std::is_same_v<T, JobResized>) {
          if (e.intent.index() >= head.intent_count()) return;
          follow_size(head, e.intent);
          if (e.by.index() < head.intent_count()) claim(head, e.by, now_);
        } else if constexpr (std::is_same_v<T, PlanCommitted>) {
          const IntentId intent = e.plan.intent;
          if (intent.index() >= head.intent_count()) return;
          const IntentRow& row = head.intent(intent);
          if (!row.active || row.active->position != at) return;
          sites_of_plan_[at] = sites_of(row.active->plan);
          if (is_job(row)) {
            uint32_t failures = 0;
            if (const auto known = work_.find(intent); known != work_.end() && known->second.state == Work::State::kRunning) {
              const auto resized = resized_.find(intent);
              const bool grew = row.active->plan.placements.size() > static_cast<size_t>(known->second.job.count);
              if (resized != resized_.end() && !grew) failures = resized->second.failures;
              drop(head, intent);
            }
            begin(head, intent, began_at(row, now_));
            if (const auto resized = resized_.find(intent); resized != resized_.end()) resized->second.failures = failures;
          } else {
            drop(head, intent);
          }
          for (const SiteId site : sites_of_plan_[at]) refresh(head, site);
          stands_elsewhere(head, intent);
        } else if constexpr (std::is_same_v<T, PlanRetired>) {
          const auto sites = sites_of_plan_.find(e.plan);
          if (sites == sites_of_plan_.end()) return;
          for (const SiteId site : sites->second) refresh(head, site);
          sites_of_plan_.erase(sites);
        } else if constexpr (std::is_same_v<T, RunStateChanged>) {
          if (!has_ended(e.state)) return;
          if (const auto known = work_.find(e.intent); known != work_.end() && known->second.state == Work::State::kRunning) {
            hold_what_runs(head, e.intent, known->second);
          }
          if (const auto sites = sites_of_plan_.find(e.run.plan); sites != sites_of_plan_.end()) {
            for (const SiteId site : sites->second) refresh(head, site);
          }
          stands_elsewhere(head, e.intent);
        }
      },
      body);
}

std::vector<EventBody> GraphQueue::colocate(const Graph& head, TimeUs now) {
  return colocation_.act(head, now_ = std::max(now_, now));
}

// Until something eases, or then.
void GraphQueue::rest(IntentId intent, TimeUs until) {
  engine_.held(id_of(intent), until, kHeldForNetwork);
  resting_.insert(intent);
}

// The jobs that wait for what is now reserved, in another window or with other amounts than what they named before.
void GraphQueue::queue_named_again(const Graph& head, const Graph::ReservationRow& reservation) {
  for (auto& [intent, work] : work_) {
    const IntentRow& row = head.intent(intent);
    if (work.state != Work::State::kWaiting || row.tenant != reservation.tenant || row.spec->schedule.reservation != reservation.spec.name) {
      continue;
    }
    const Job next = job_of(head, id_of(intent), work.leaf, row);
    work.job.reservation = next.reservation;
    work.job.not_before = next.not_before;
    if (!engine_.withdraw(id_of(intent))) continue;
    (void)engine_.submit(work.job);
    resting_.erase(intent);
    look_whether_it_fits(head, intent, work);
  }
}

std::vector<Scheduler::Turn> GraphQueue::turns(const Graph& head, TimeUs now) {
  now_ = std::max(now_, now);
  tree_.advance(now_);
  if (std::exchange(nodes_changed_, false)) {
    const std::set<IntentId> before = too_large_;
    for (const IntentId intent : before) {
      if (const auto known = work_.find(intent); known != work_.end()) look_whether_it_fits(head, intent, known->second);
    }
  }
  if (std::exchange(hours_changed_, false)) look_when(head);
  std::vector<Turn> out;
  for (const IntentId intent : std::exchange(to_be_refused_, {})) {
    const auto known = work_.find(intent);
    if (known != work_.end() && known->second.state == Work::State::kOffered) continue;
    out.push_back({intent, {}, known == work_.end() ? 0 : known->second.job.count_min});
  }
  std::fill(offered_.begin(), offered_.end(), Amount{});
  // What was refused may be possible since something eased.
  if (std::exchange(relief_, head.relief()) != head.relief()) {
    for (const IntentId intent : std::exchange(resting_, {})) engine_.held(id_of(intent), now_, kHeldForNetwork);
  }
  offer_claims(head, out);
  const Pass pass = engine_.pass(now_);
  wake_ = pass.wake >= kNever ? INT64_MAX : pass.wake;
  for (const Start& start : pass.starts) {
    const IntentId intent = intent_of(start.job);
    Work& work = work_.at(intent);
    const auto* alone = without_room(head, head.intent(intent));
    if (alone != nullptr && !is_open(*alone, now_)) {
      rest(intent, !alone->cancelled && alone->spec.from > now_ ? alone->spec.from : kNever);
      continue;
    }
    if (work.was_refused && work.relief == head.relief()) {
      rest(intent, kNever);
      continue;
    }
    Turn turn{intent, {}};
    int32_t instances = 0;
    for (const Part& part : start.parts) {
      turn.sites.push_back(SiteId(part.pool));
      instances += part.count;
    }
    // What a decision found no way for is not asked for again: there is more to be had once it runs.
    if (work.job.count_min > 0 && work.was_refused) instances = work.job.count_min;
    if (work.job.count_min > 0) turn.instances = instances;
    take(work, instances);
    work.state = Work::State::kOffered;
    out.push_back(std::move(turn));
  }
  return out;
}

void GraphQueue::refused(IntentId intent, uint64_t relief, TimeUs until) {
  const auto known = work_.find(intent);
  if (known == work_.end() || known->second.state == Work::State::kRunning) return;
  Work& work = known->second;
  if (const auto kept = claims_.find(intent); kept != claims_.end()) {
    work.state = Work::State::kClaiming;
    work.was_refused = true;
    work.relief = relief;
    kept->second.until = now_;
    return;
  }
  if (work.state == Work::State::kOffered) {
    give_back(work);
    work.state = Work::State::kWaiting;
    wait_for(work);
    queue_again(intent, work);
  }
  work.was_refused = true;
  work.relief = relief;
  if (!claims_.empty()) refused_beside_claims_.insert(intent);
  engine_.held(id_of(intent), too_large_.contains(intent) ? kNever : until, kHeldForNetwork);
}

}  // namespace weir::queue
