#include <algorithm>

#include "core/units/bisect.h"
#include "orchestration/queue/graph_amounts.h"
#include "orchestration/queue/graph_queue.h"

// Malleable jobs that run: who gives up instances above the fewest that it does with, and who is given more.
namespace weir::queue {
namespace {

constexpr size_t kGrowsMax = 64;             // jobs in one look
constexpr size_t kNodesLookedAtMax = 100'000;  // in one look
constexpr uint32_t kFailedDoublingsMax = 10;

int32_t size_of(const CommittedPlan& plan) { return static_cast<int32_t>(plan.plan.placements.size()); }

// Runs by its newest wish, and none of its instances has ended.
bool goes_on(const IntentRow& row) {
  if (!row.active || row.active->plan.generation != row.generation) return false;
  for (size_t k = 0; k < row.active->plan.placements.size(); ++k) {
    const RunId id = row.active->run(k);
    const auto run = std::find_if(row.runs.begin(), row.runs.end(), [id](const RunRow& r) { return r.run == id; });
    if (run == row.runs.end() || has_ended(run->state)) return false;
  }
  return true;
}

// With as many as it is to have.
bool stands(const IntentRow& row) { return goes_on(row) && row.demand->schedule.instances == size_of(*row.active); }

bool grows(const IntentRow& row) { return goes_on(row) && row.demand->schedule.instances > size_of(*row.active); }

}  // namespace

void GraphQueue::follow_size(const Graph& head, IntentId intent) {
  const auto known = work_.find(intent);
  const IntentRow& row = head.intent(intent);
  if (known == work_.end() || known->second.state != Work::State::kRunning || !row.active) return;
  Resized& resized = resized_[intent];
  resized.at = now_;
  // It was to grow, and could not.
  if (resized.grows && row.demand->schedule.instances <= size_of(*row.active)) {
    resized.grows = false;
    resized.failures = std::min(resized.failures + 1, kFailedDoublingsMax);
  }
  if (row.demand->schedule.instances > size_of(*row.active)) resized.grows = true;
}

TimeUs GraphQueue::may_grow_at(const Resized& resized) const { return resized.at + (kResizeUs << resized.failures); }

std::vector<Scheduler::Resize> GraphQueue::resizes(const Graph& head, TimeUs now) {
  now_ = std::max(now_, now);
  if (resized_.empty()) {
    resize_again_ = INT64_MAX;  // until one begins
    return {};
  }
  if (now_ < resize_look_at_ || (resize_looked_ && now_ < resize_again_)) return {};
  resize_looked_ = true;
  resize_again_ = INT64_MAX;
  std::vector<Resize> out = give_up_for_others(head);
  if (out.empty()) {
    out = grow(head);
    resize_look_at_ = now_ + kLookUs;
  } else {
    resize_again_ = now_ + kLookUs;  // should there be no room to write it
  }
  return out;
}

// ---- fewer -------------------------------------------------------------------------------------------

std::vector<Scheduler::Resize> GraphQueue::give_up_for_others(const Graph& head) {
  std::vector<IntentId> spare;
  int32_t lowest = INT32_MAX;
  for (const auto& [intent, resized] : resized_) {
    const IntentRow& row = head.intent(intent);
    const Work& work = work_.at(intent);
    if (!stands(row) || size_of(*row.active) <= row.spec->schedule.instances_min || work.job.reservation != 0) continue;
    spare.push_back(intent);
    lowest = std::min(lowest, work.job.priority);
    if (resized.at + kResizeUs > now_) resize_again_ = std::min(resize_again_, resized.at + kResizeUs);
  }
  if (spare.empty()) return {};
  const std::vector<uint64_t> order = engine_.order(kLookedAtMax);
  if (order.empty()) return {};
  const KeptRoom kept = kept_rooms(head);
  resize_turns_.begin();
  for (const uint64_t id : order) {
    const IntentId intent = intent_of(id);
    const Work& work = work_.at(intent);
    if (!guarantees_ && work.job.priority < lowest) break;
    if (!may_claim(head, intent, work)) continue;
    if (resize_turns_.enough()) break;
    if (!resize_turns_.next()) continue;
    std::vector<Resize> out =
        is_admitted(work) ? give_up_room(head, intent, work, spare, kept) : give_up_quota(head, work, spare);
    if (!out.empty()) return out;
  }
  resize_turns_.end();
  return {};
}

// Room for one that waits at one of the places where it could begin: of those that give up, of low priority first, then
// submitted late, their newest instances. Room that was borrowed, beyond the fewest of a job, goes back to one of equal
// priority too, but not so often.
std::vector<Scheduler::Resize> GraphQueue::give_up_room(const Graph& head, IntentId intent, const Work& work,
                                                        const std::vector<IntentId>& spare, const KeptRoom& kept) {
  struct Giver {
    IntentId intent;
    int32_t gives = 0;
    bool by_right = false;
  };
  Need need = need_of(head, intent, QueueId(work.leaf), kPlacesMax, kept);
  // Where there is room enough on every node, something else is in the way.
  if (std::any_of(need.options.begin(), need.options.end(), [](const std::vector<Shortfall>& option) {
        return std::all_of(option.begin(), option.end(), [](const Shortfall& s) { return s.amount.none(); });
      })) {
    return {};
  }
  const std::vector<Running> running =
      running_jobs(head, spare, now_, 0, [this](IntentId each) { return QueueId(work_.at(each).leaf); });
  Need equal = need;
  ++equal.priority;
  std::vector<Giver> givers;
  for (const Running& each : running) {
    const IntentId giver(static_cast<uint32_t>(each.job));
    const bool by_right = right_to_preempt(tree_, need, each, {}) != Right::kNone;
    if (!by_right && right_to_preempt(tree_, equal, each, {}) == Right::kNone) continue;
    if (!by_right && resized_.at(giver).at + kResizeUs > now_) continue;
    givers.push_back({giver, 0, by_right});
  }
  std::sort(givers.begin(), givers.end(), [&](const Giver& a, const Giver& b) {
    const IntentRow &x = head.intent(a.intent), &y = head.intent(b.intent);
    const int32_t p = x.spec->schedule.priority, q = y.spec->schedule.priority;
    return p != q ? p < q : x.submitted != y.submitted ? x.submitted > y.submitted : a.intent > b.intent;
  });
  std::vector<Resize> best;  // for the place for which the fewest instances are given up
  int32_t fewest = INT32_MAX;
  for (const std::vector<Shortfall>& option : need.options) {
    const SiteId site = head.node(NodeId(option.front().pool)).site;
    std::map<NodeId, Amount> lacks;
    for (const Shortfall& shortfall : option) {
      if (!shortfall.amount.none()) lacks[NodeId(shortfall.pool)] = shortfall.amount;
    }
    std::vector<Giver> chosen;
    for (Giver giver : givers) {
      if (lacks.empty()) break;
      const IntentRow& row = head.intent(giver.intent);
      const std::vector<Placement>& placements = row.active->plan.placements;
      const int32_t most = size_of(*row.active) - row.spec->schedule.instances_min;
      for (int32_t k = 1; k <= most && !lacks.empty(); ++k) {
        const Placement& p = placements[placements.size() - static_cast<size_t>(k)];
        if (p.site != site) break;
        const auto lack = lacks.find(p.node);
        if (lack == lacks.end()) continue;
        giver.gives = k;
        lack->second = Amount::most(lack->second - amount_of(p), {});
        if (lack->second.none()) lacks.erase(lack);
      }
      if (giver.gives > 0) chosen.push_back(giver);
    }
    if (!lacks.empty() || chosen.empty()) continue;
    Amount given;
    TimeUs until = kNever;
    bool by_right = true;
    for (const Giver& giver : chosen) {
      given += work_.at(giver.intent).job.each * giver.gives;
      until = std::min(until, engine_.expected_end(id_of(giver.intent)));
      by_right = by_right && giver.by_right;
    }
    const bool alone = by_right && engine_.reserved(site.value, now_, now_ + work.job.limit_us).none();
    if (!alone && !engine_.may_take_over(id_of(intent), site.value, work.job.count_least(), given, until)) continue;
    int32_t gives = 0;
    for (const Giver& giver : chosen) gives += giver.gives;
    if (gives >= fewest) continue;
    fewest = gives;
    best.clear();
    for (const Giver& giver : chosen) {
      const IntentRow& row = head.intent(giver.intent);
      const int32_t priority = row.spec->schedule.priority;
      best.push_back({{.intent = giver.intent,
                      .generation = row.generation,
                      .instances = size_of(*row.active) - giver.gives,
                      .by = intent,
                      .why = need.priority > priority ? "priority " + std::to_string(need.priority) + " over " + std::to_string(priority)
                             : giver.by_right         ? "its queue borrowed what another is guaranteed"
                                                      : "it gives back what it has beyond its fewest"},
                     {}});
    }
  }
  return best;
}

// The queue of one that waits has no quota left for it, but room: what a job of that queue has beyond its fewest is given back. The
// next in the order of the queue begins with it.
std::vector<Scheduler::Resize> GraphQueue::give_up_quota(const Graph& head, const Work& work,
                                                         const std::vector<IntentId>& spare) {
  const Amount least = work.job.least();
  for (const IntentId giver : spare) {
    const Work& gives = work_.at(giver);
    const IntentRow& row = head.intent(giver);
    if (gives.job.priority > work.job.priority || resized_.at(giver).at + kResizeUs > now_) continue;
    const int32_t most = size_of(*row.active) - row.spec->schedule.instances_min;
    const auto is_enough = [&](int32_t count) {
      const auto& chain = leaves_[work.leaf].chain;
      const auto& other = leaves_[gives.leaf].chain;
      return std::all_of(chain.begin(), chain.end(), [&](QueueId node) {
        const bool shared = std::find(other.begin(), other.end(), node) != other.end();
        return !tree_.admits_alone(node, shared ? least - gives.job.each * count : least).has_value();
      });
    };
    int32_t count = 1;
    while (count <= most && !is_enough(count)) ++count;
    if (count > most) continue;
    const auto& pools = work.job.pools;
    const auto has_room = [&](uint32_t pool) {
      Amount room = engine_.free(pool);
      for (int32_t k = 1; k <= count; ++k) {
        const auto& placements = row.active->plan.placements;
        const Placement& p = placements[placements.size() - static_cast<size_t>(k)];
        if (p.site.value == pool) room += amount_of(p);
      }
      return least.fits(room);
    };
    bool fits = std::any_of(pools.begin(), pools.end(), has_room);
    for (size_t s = 0; pools.empty() && s < head.site_count() && !fits; ++s) fits = has_room(static_cast<uint32_t>(s));
    if (!fits) return {};
    return {{{.intent = giver,
              .generation = row.generation,
              .instances = size_of(*row.active) - count,
              .by = {},
              .why = "its queue's quota is needed for another job"},
             {}}};
  }
  return {};
}

// ---- more --------------------------------------------------------------------------------------------

// In room that nobody who waits can begin with now: turns() has given what it could.
std::vector<Scheduler::Resize> GraphQueue::grow(const Graph& head) {
  std::vector<IntentId> wanting;
  for (const auto& [intent, resized] : resized_) {
    const IntentRow& row = head.intent(intent);
    if (grows(row)) return {};  // its decision comes first
    if (!row.retiring.empty() || !stands(row) || size_of(*row.active) >= row.spec->schedule.instances) continue;
    if (const TimeUs at = may_grow_at(resized); at > now_) {
      resize_again_ = std::min(resize_again_, at);
    } else {
      wanting.push_back(intent);
    }
  }
  std::stable_sort(wanting.begin(), wanting.end(), [&](IntentId a, IntentId b) {
    const Work &x = work_.at(a), &y = work_.at(b);
    if (x.job.priority != y.job.priority) return x.job.priority > y.job.priority;
    const int64_t share = share_key(x.leaf), other = share_key(y.leaf);
    return share != other ? share < other : x.job.submitted < y.job.submitted;
  });
  std::vector<Resize> out;
  const KeptRoom kept = wanting.empty() ? KeptRoom() : kept_rooms(head);
  std::map<NodeId, Amount> left;              // of nodes that were looked at
  std::map<uint32_t, Amount> granted;         // by site
  // Some in turn, and so many nodes at most: what finds nothing costs as much as what grows.
  if (wanting.size() > kGrowsMax) {
    grow_from_ %= wanting.size();
    std::rotate(wanting.begin(), wanting.begin() + static_cast<ptrdiff_t>(grow_from_), wanting.end());
  }
  size_t asked = 0, nodes_looked_at = 0;
  for (const IntentId intent : wanting) {
    if (asked == kGrowsMax || nodes_looked_at >= kNodesLookedAtMax) break;
    ++asked;
    ++grow_from_;
    const IntentRow& row = head.intent(intent);
    const Work& work = work_.at(intent);
    const int32_t size = size_of(*row.active);
    int32_t most = row.spec->schedule.instances - size;
    if (most > 0 && !allows(work.leaf, work.job.each * most)) {
      most = greatest(0, most, [&](int32_t count) { return allows(work.leaf, work.job.each * count); });
    }
    std::vector<SiteId> own = sites_of(row.active->plan);
    std::vector<SiteId> sites = own;
    for (size_t s = 0; s < head.site_count(); ++s) {
      if (std::find(own.begin(), own.end(), SiteId(s)) == own.end()) sites.push_back(SiteId(s));
    }
    std::set<SiteId> taken(own.begin(), own.end());
    int32_t more = 0;
    for (const SiteId site : sites) {
      if (more == most) break;
      if (head.site(site).state != Liveness::kUp || head.site(site).drained || work.job.each.times_in(free_[site.index()], 1) == 0) continue;
      if (place_obstacle(head, *row.spec, site).code != ReasonCode::kNone) continue;
      auto mask = head.residency_mask(row.spec->where.residency);
      for (const DatasetId data : row.spec->data) {
        if (mask) *mask |= head.dataset(data).residency;
      }
      if (!mask || (head.site(site).residency & *mask) != *mask) continue;
      if (nodes_looked_at >= kNodesLookedAtMax) break;
      const Amount room = engine_.free_while_running(id_of(intent), site.value) - granted[site.value];
      int32_t fit = std::min(most - more, work.job.each.times_in(room, most));
      for (const NodeRange& range : head.nodes(site)) {
        for (uint32_t n = range.first; n < range.first + range.count && fit > 0; ++n) {
          const NodeId node(n);
          ++nodes_looked_at;
          if (!head.takes(head.node(node), row.spec->workload)) continue;
          if (row.spec->where.same_rack && head.rack(node) != head.rack(row.active->plan.placements[0].node)) continue;
          auto known = left.find(node);
          if (known == left.end()) {
            const auto is_kept = kept.find(node);
            known = left.emplace(node, is_kept == kept.end() ? free_of(head, node) : free_of(head, node) - is_kept->second).first;
          }
          int32_t times = work.job.each.times_in(known->second, fit);
          if (row.spec->workload.accelerators > 0)
            times = static_cast<int32_t>(std::min<int64_t>(times, head.device_fits(node, row.spec->workload)));
          known->second -= work.job.each * times;
          granted[site.value] += work.job.each * times;
          fit -= times;
          more += times;
          if (times > 0) taken.insert(site);
        }
      }
    }
    if (more == 0) continue;
    for (const QueueId node : leaves_[work.leaf].chain) offered_[node.index()] += work.job.each * more;
    const int32_t all = row.spec->schedule.instances;
    out.push_back({{.intent = intent,
                    .generation = row.generation,
                    .instances = size + more,
                    .by = {},
                    .why = size + more == all ? "there is room for all of them" : "there is room for more, of " + std::to_string(all)},
                   {taken.begin(), taken.end()}});
  }
  return out;
}

// Of one that runs, with another plan: beside what is promised, and while none of it has ended.
bool GraphQueue::admits_growth(const Graph& head, const Plan& plan) const {
  const IntentRow& row = head.intent(plan.intent);
  if (!goes_on(row)) return false;
  std::map<uint32_t, int32_t> more;
  for (const Placement& p : plan.placements) {
    if (!p.continues.valid()) ++more[p.site.value];
  }
  const Work& work = work_.at(plan.intent);
  return std::all_of(more.begin(), more.end(), [&](const auto& at) {
    return work.job.each.times_in(engine_.free_while_running(id_of(plan.intent), at.first), at.second) == at.second;
  });
}

}  // namespace weir::queue
