#include <algorithm>

#include "simulation/auditor.h"

// Who may be preempted for whom, from the ledger alone.
namespace weir::simulation {
namespace {

constexpr int64_t kPreemptionsMax = 3;  // unless a queue has another
constexpr TimeUs kAgainUs = 5'000'000;  // surely too soon to preempt others for the same job

std::array<int64_t, 3> each(const IntentSpec& spec) {
  return {spec.workload.cpu_milli, spec.workload.memory_mib, spec.workload.accelerators};
}

std::array<int64_t, 3> amounts(const Quota& quota) {
  return {quota.cpu_milli, quota.memory_mib, quota.accelerators};
}

int64_t instances_at_least(const IntentSpec& spec) {
  if (spec.from.empty()) return std::max(spec.schedule.instances, 1);
  int64_t streams = 0;
  for (const Ingress& from : spec.from) streams += from.streams;
  const int64_t one = std::max(1, spec.workload.streams_per_instance);
  return std::max<int64_t>(1, (streams + one - 1) / one);
}

}  // namespace

void Auditor::body(const QueueDefined& e) {
  if (e.queue.index() > queues_.size()) return fail("queue out of turn");
  queues_.resize(std::max(queues_.size(), e.queue.index() + 1));
  queues_[e.queue.index()] = e.spec;
}

std::vector<uint32_t> Auditor::queues_of(const IntentSpec& spec) const {
  std::vector<uint32_t> chain;
  for (uint32_t q = 0; q < queues_.size(); ++q) {
    if (queues_[q].name != spec.schedule.queue || queues_[q].name == kDomainQueue) continue;
    for (QueueId at(q); at.valid(); at = queues_[at.index()].parent) chain.insert(chain.begin(), at.value);
  }
  return chain;
}

int64_t Auditor::preemptions_max(const IntentSpec& spec) const {
  std::vector<const QueueSpec*> up;
  for (const uint32_t q : queues_of(spec)) up.insert(up.begin(), &queues_[q]);
  for (const QueueSpec& queue : queues_) {
    if (queue.name == kDomainQueue) up.push_back(&queue);
  }
  for (const QueueSpec* queue : up) {
    if (queue->policy.empty()) continue;
    for (const PolicySetting& setting : queue->settings) {
      if (setting.name == "preemptions_max") return setting.value;
    }
    break;
  }
  return kPreemptionsMax;
}

// What jobs of the queue and those below it have, and what those that wait want at least. Of a job that is to become a
// service it is not known whether it counts still.
Auditor::Counted Auditor::count(uint32_t queue) const {
  Counted out;
  for (const Wish& wish : wishes_) {
    const auto active = wish.held.find(wish.active);
    const bool runs = active != wish.held.end();
    const IntentSpec& spec = runs ? active->second.spec : wish.spec;
    if (wish.withdrawn || spec.workload.kind != WorkKind::kJob || spec.workload.best_effort) continue;
    const std::vector<uint32_t> chain = queues_of(spec);
    if (std::find(chain.begin(), chain.end(), queue) == chain.end()) continue;
    int64_t times = runs ? static_cast<int64_t>(active->second.plan.placements.size()) : instances_at_least(spec);
    if (is_array(wish)) times *= std::max<int64_t>(spec.schedule.tasks - int64_t{wish.submitted}, 0);
    const bool counts = runs && wish.spec.workload.kind == WorkKind::kJob && !wish.spec.workload.best_effort;
    for (size_t r = 0; r < 3; ++r) (counts ? out.running : out.waiting)[r] += each(spec)[r] * times;
  }
  return out;
}

// A job that waits may be about to begin, and count already: a queue is taken to borrow if it would with those.
bool Auditor::may_reclaim(const Wish& by, const Wish& victim) const {
  const std::vector<uint32_t> own = queues_of(by.spec);
  const std::vector<uint32_t> other = queues_of(victim.held.at(victim.active).spec);
  size_t meet = 0;
  while (meet < own.size() && meet < other.size() && own[meet] == other[meet]) ++meet;
  if (meet == own.size()) return false;
  const std::array<int64_t, 3> guaranteed = amounts(queues_[own[meet]].guaranteed);
  const Counted has = count(own[meet]);
  const int64_t times = is_malleable(by.spec.schedule) ? by.spec.schedule.instances_min : instances_at_least(by.spec);
  for (size_t r = 0; r < 3; ++r) {
    const int64_t needed = each(by.spec)[r] * times;
    if (needed > 0 && has.running[r] + needed > guaranteed[r]) return false;
  }
  for (size_t level = meet; level < other.size(); ++level) {
    const Counted theirs = count(other[level]);
    bool borrows = false;
    for (size_t r = 0; r < 3; ++r) {
      borrows |= each(by.spec)[r] > 0 &&
                 theirs.running[r] + theirs.waiting[r] > amounts(queues_[other[level]].guaranteed)[r];
    }
    if (!borrows) return false;
  }
  return true;
}

void Auditor::body(const JobPreempted& e) {
  Wish& wish = wishes_[e.intent.index()];
  if (!by_brain()) fail("preempted by another's word than the brain's");
  if (const auto active = wish.held.find(wish.active); active != wish.held.end() && active->second.spec.workload.best_effort) {
    return make_way(e, wish);
  }
  if (wish.active != e.plan || wish.spec.workload.kind != WorkKind::kJob) return fail("what does not run is preempted");
  if (!e.by.valid() || e.by.index() >= wishes_.size() || e.by == e.intent) return fail("preempted by nobody");
  Wish& by = wishes_[e.by.index()];
  if (by.withdrawn || by.active != kNoPosition || by.spec.workload.kind != WorkKind::kJob) {
    return fail("preempted by what does not wait");
  }
  ++preemptions_;
  if (e.reclaims) {
    ++reclaims_;
    if (!may_reclaim(by, wish)) fail("preempted for a queue that is not owed what it has");
  } else if (by.spec.schedule.priority <= wish.spec.schedule.priority) {
    fail("preempted by a job that does not go before it");
  }
  if (++wish.preemptions > preemptions_max(wish.spec)) fail("preempted more often than its queue allows");
  if (!e.site.valid() || e.site.index() >= sites_.size() || sites_[e.site.index()].state != Liveness::kUp) {
    fail("preempted for a place where nothing can begin");
  }
  const auto& held = wish.held.at(e.plan).plan.placements;
  if (std::none_of(held.begin(), held.end(), [&e](const Placement& p) { return p.site == e.site; })) {
    fail("preempted for a place where it holds nothing");
  }
  const bool together = by.preempts_at == last_at_ && by.preempts_at_site == e.site;
  if (!together && by.preempts_at != 0 && last_at_ - by.preempts_at < kAgainUs) {
    fail("others are preempted again before what was left could be taken");
  }
  by.victims = together ? by.victims + 1 : 1;
  if (by.victims > e.victims) fail("more are preempted than were chosen");
  by.preempts_at = last_at_;
  by.preempts_at_site = e.site;
  wish.active = kNoPosition;
  wish.on_protection.clear();
}

void Auditor::body(const JobResized& e) {
  if (!by_brain()) fail("a job is resized by another's word than the brain's");
  if (e.intent.index() >= wishes_.size()) return fail("a job that is not is resized");
  Wish& wish = wishes_[e.intent.index()];
  const weir::Schedule& schedule = wish.spec.schedule;
  if (wish.withdrawn || e.generation != wish.generation) return fail("a job is resized that is over, or of another wish");
  if (!is_malleable(schedule) || e.instances < schedule.instances_min || e.instances > schedule.instances) {
    return fail("a job is to have more or fewer instances than it may");
  }
  if (e.instances == wish.to_have) fail("a job is resized to what it is to have");
  wish.to_have = e.instances;
  ++resizes_;
  if (!e.by.valid()) return;
  const auto active = wish.held.find(wish.active);
  if (active == wish.held.end() || std::ssize(active->second.plan.placements) <= e.instances) fail("nothing is given up for another");
  if (e.by.index() >= wishes_.size()) return fail("instances are given up for nobody");
  Wish& by = wishes_[e.by.index()];
  if (by.withdrawn || by.active != kNoPosition || by.spec.workload.kind != WorkKind::kJob) fail("instances are given up for what does not wait");
  if (by.spec.schedule.priority < schedule.priority && !may_reclaim(by, wish)) fail("instances are given up for what goes after");
}

}  // namespace weir::simulation
