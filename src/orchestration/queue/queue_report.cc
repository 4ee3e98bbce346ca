#include "orchestration/queue/queue_report.h"

#include <algorithm>
#include <utility>

#include "orchestration/queue/cheapest_start.h"
#include "orchestration/queue/without_room.h"
#include "orchestration/queue/graph_queue.h"
#include "orchestration/queue/policy.h"
#include "orchestration/queue/water_fill.h"

namespace weir::queue {
namespace {

constexpr TimeUs kUntilRetryUs = 60'000'000;
constexpr int kRoundsMax = 16;  // of turns that come to nothing again

bool is_best_effort(const IntentRow& row) { return row.spec->workload.best_effort; }
bool is_job(const IntentRow& row) { return row.spec->workload.kind == WorkKind::kJob && !is_best_effort(row); }
bool waits(const IntentRow& row) {
  return row.spec->workload.kind == WorkKind::kJob && !row.active && row.state != IntentState::kWithdrawn;
}

int64_t ppm(int64_t parts_per_billion) { return (parts_per_billion + 500) / 1000; }

Quota quota_of(const Amount& amount) {
  return {amount.cpu_milli, amount.memory_mib, (amount.accelerator_milli + kDeviceMilli - 1) / kDeviceMilli};
}

int64_t of(const Amount& amount, CountedResource resource) {
  switch (resource) {
    case CountedResource::kCpu:
      return amount.cpu_milli;
    case CountedResource::kMemory:
      return amount.memory_mib;
    case CountedResource::kAccelerators:
      break;
  }
  return amount.accelerator_milli;
}

constexpr CountedResource kScarcestFirst[] = {CountedResource::kAccelerators, CountedResource::kCpu,
                                              CountedResource::kMemory};

Amount whole(const IntentSpec& spec) {
  const int64_t count = instances_asked(spec);
  return {spec.workload.cpu_milli * count, spec.workload.memory_mib * count, device_milli(spec.workload) * count};
}

// None: the domain's own, also by name.
::weir::QueueId queue_of(const Graph& graph, const IntentSpec& spec) {
  const std::string& name = spec.schedule.queue;
  return name.empty() || name == kDomainQueue ? ::weir::QueueId{} : graph.find_queue(name);
}

Amount capacity_of(const Graph& graph) {
  Amount out;
  for (size_t s = 0; s < graph.site_count(); ++s) {
    if (graph.site(SiteId(s)).state != Liveness::kUp) continue;
    const SiteLoad& load = graph.load(SiteId(s));
    out += Amount{load.cpu_milli_total, load.memory_mib_total, int64_t{load.accelerators_total} * 1000};
  }
  return out;
}

WaitCode code_of(WhyCode code) {
  switch (code) {
    case WhyCode::kOffered:
      return WaitCode::kOffered;
    case WhyCode::kNotBefore:
      return WaitCode::kNotBefore;
    case WhyCode::kHeld:
      return WaitCode::kNetwork;
    case WhyCode::kQuota:
      return WaitCode::kQuota;
    case WhyCode::kTooLarge:
      return WaitCode::kTooLarge;
    case WhyCode::kResource:
      return WaitCode::kRoom;
    case WhyCode::kBehind:
      return WaitCode::kBehind;
    case WhyCode::kReservation:
      return WaitCode::kReservation;
    case WhyCode::kPreempting:
      return WaitCode::kPreempting;
    default:
      return WaitCode::kNext;
  }
}

class Reporter {
 public:
  Reporter(const Graph& graph, TimeUs now) : graph_(graph), at_(std::max(now, graph.now())) {}

  QueueReport report() {
    QueueReport out{.version = graph_.version(), .at = at_, .backfill = backfill(), .lines = {}, .waits = {}};
    queue_.restart(graph_);
    take_turns();
    preempts_ = queue_.preemptions(graph_, at_);
    put_lines(out);
    for (size_t i = 0; i < graph_.intent_count(); ++i) {
      const IntentRow& row = graph_.intent(IntentId(i));
      if (row.preemptions > 0 && is_job(row) && row.state != IntentState::kWithdrawn) {
        for (QueueStanding& line : out.lines) {
          if (holds(line, queue_of(graph_, *row.spec), row.tenant)) line.preemptions += row.preemptions;
        }
      }
      if (!waits(row)) continue;
      if (is_best_effort(row)) {
        if (!is_array(row)) put_wait(out, {.intent = IntentId(i), .queue = {}, .code = WaitCode::kSpare});
        continue;
      }
      const Why why = queue_.why(IntentId(i));
      if (why.code == WhyCode::kUnknown) continue;
      put_wait(out, wait_of(IntentId(i), why, out));
      if (queue_.is_hopeless(IntentId(i))) continue;
      const TimeUs waited = std::max<TimeUs>(at_ - row.submitted_at, 1);
      for (QueueStanding& line : out.lines) {
        if (holds(line, queue_of(graph_, *row.spec), row.tenant))
          line.oldest_wait_us = std::max(line.oldest_wait_us, waited);
      }
    }
    return out;
  }

 private:
  void put_wait(QueueReport& out, const JobWait& wait) const {
    out.waits.emplace(wait.intent, wait);
    const IntentRow& row = graph_.intent(wait.intent);
    if (!row.array.valid()) return;
    // An array waits for the next of its tasks.
    const auto [next, fresh] = out.waits.try_emplace(row.array, wait);
    if (!fresh && graph_.intent(next->second.intent).task > row.task) next->second = wait;
  }

  Backfill backfill() const {
    const ::weir::QueueId domain = graph_.find_queue(kDomainQueue);
    const Backfill set = domain.valid() ? graph_.queue(domain).backfill : Backfill::kInherited;
    return set == Backfill::kInherited ? Backfill::kEasy : set;
  }

  // Jobs whose turn came and to nothing are held back, as they are where it came.
  void take_turns() {
    for (int round = 0; round < kRoundsMax; ++round) {
      bool again = false;
      for (const Scheduler::Turn& turn : queue_.turns(graph_, at_)) {
        if (turn.sites.empty() || graph_.intent(turn.intent).state != IntentState::kRefused) continue;
        queue_.refused(turn.intent, graph_.relief(), at_ + kUntilRetryUs);
        again = true;
      }
      if (!again) return;
    }
  }

  void put_lines(QueueReport& out) {
    const Amount capacity = capacity_of(graph_);
    const ::weir::QueueId own = graph_.find_queue(kDomainQueue);
    QueueStanding domain{.policy = std::string(policies().front().name)};
    if (own.valid() && !graph_.queue(own).policy.empty()) domain.policy = graph_.queue(own).policy;
    Amount used, entitlement;
    out.lines.emplace_back();
    for (const GraphQueue::Line& line : queue_.lines(graph_)) {
      const Standing& standing = line.standing;
      if (line.tenant.valid()) {
        used += standing.used;
        domain.jobs_running += line.running_jobs;
        domain.jobs_waiting += standing.waiting_jobs;
      }
      const bool highest =
          line.tenant.valid() ? !line.queue.valid() : !graph_.queue(line.queue).parent.valid();
      if (highest) entitlement += standing.entitlement;
      out.lines.push_back({.queue = line.queue,
                           .tenant = line.tenant,
                           .policy = std::string(policy_info(line.policy).name),
                           .share_ppm = ppm(standing.share),
                           .entitlement_ppm = ppm(standing.entitlement_share),
                           .used = quota_of(standing.used),
                           .used_accelerator_milli = standing.used.accelerator_milli,
                           .jobs_running = line.running_jobs,
                           .jobs_waiting = standing.waiting_jobs});
    }
    domain.used = quota_of(used);
    domain.used_accelerator_milli = used.accelerator_milli;
    domain.share_ppm = ppm(dominant_share(used, capacity));
    domain.entitlement_ppm = ppm(dominant_share(entitlement, capacity));
    out.lines.front() = std::move(domain);
  }

  // Whether jobs of the tenant in the queue are of the line.
  bool holds(const QueueStanding& line, ::weir::QueueId queue, TenantId tenant) const {
    if (line.tenant.valid()) return line.tenant == tenant && line.queue == queue;
    if (!line.queue.valid()) return true;
    while (queue.valid() && queue != line.queue) queue = graph_.queue(queue).parent;
    return queue == line.queue;
  }

  JobWait wait_of(IntentId id, const Why& why, const QueueReport& report) const {
    const IntentRow& row = graph_.intent(id);
    const Amount needed = whole(*row.spec);
    JobWait out{.intent = id, .queue = queue_of(graph_, *row.spec), .code = code_of(why.code)};
    out.position = why.position;
    // When the network will ease is not to be foreseen.
    if (why.estimated_start < kNever && out.code != WaitCode::kNetwork)
      out.estimated_start = std::max(why.estimated_start, at_);
    if (why.promised_start < kNever) out.promised_start = why.promised_start;
    if (why.pool < graph_.site_count()) out.site = SiteId(why.pool);
    if (why.behind != 0 && out.code != WaitCode::kNext) out.behind = GraphQueue::intent_of(why.behind);
    if (out.code == WaitCode::kRoom || out.code == WaitCode::kTooLarge) {
      out.resource = static_cast<CountedResource>(why.resource);
      put_shortage(out, needed);
    }
    if (out.code == WaitCode::kQuota) put_quota(out, needed, report);
    if (out.code == WaitCode::kNotBefore) put_cheapest_start(out);
    put_preemption(out);
    const auto* alone = without_room(graph_, row);
    if (alone != nullptr && !is_open(*alone, at_) && out.code != WaitCode::kTooLarge) out.code = WaitCode::kReservation;
    return out;
  }

  void put_cheapest_start(JobWait& out) const {
    const Job* job = queue_.job(out.intent);
    if (job == nullptr) return;
    const CheapestStart start = cheapest_start(graph_, graph_.intent(out.intent), *job);
    if (start.at <= at_) return;
    out.code = WaitCode::kCheaperLater;
    out.cheaper_at = start.at;
    if (start.per_hour >= start.per_hour_now) return;
    out.saves_ppm = static_cast<int32_t>(static_cast<__int128>(start.per_hour_now - start.per_hour) * kPpm / start.per_hour_now);
  }

  // Who makes room for it, or is about to.
  void put_preemption(JobWait& out) const {
    const IntentRow& row = graph_.intent(out.intent);
    if (out.code == WaitCode::kPreempting && row.claim) {
      for (const auto& [victim, plan] : row.claim->from) out.gives_way.push_back(victim);
    }
    for (const JobPreempted& each : preempts_) {
      if (each.by != out.intent) continue;
      out.code = WaitCode::kPreempting;
      out.site = each.site;
      out.behind = {};
      out.estimated_start = at_;
      out.gives_way.push_back(each.intent);
      out.preempting_cost = each.cost_all;
    }
  }

  void put_shortage(JobWait& out, const Amount& needed) const {
    if (!out.site.valid()) return;
    const SiteLoad& load = graph_.load(out.site);
    const bool empty = out.code == WaitCode::kTooLarge;
    const Amount room =
        empty ? Amount{load.cpu_milli_total, load.memory_mib_total, int64_t{load.accelerators_total} * kDeviceMilli}
              : Amount{load.cpu_milli_free, load.memory_mib_free, load.accelerator_milli_free};
    for (const CountedResource resource : kScarcestFirst) {
      if (of(needed, resource) <= of(room, resource)) continue;
      out.resource = resource;
      break;
    }
    out.needed = of(needed, out.resource);
    out.available = std::max<int64_t>(of(room, out.resource), 0);
  }

  // The first maximum, from its queue up, that leaves less than it needs.
  void put_quota(JobWait& out, const Amount& needed, const QueueReport& report) const {
    for (::weir::QueueId queue = out.queue; queue.valid(); queue = graph_.queue(queue).parent) {
      const auto line =
          std::find_if(report.lines.begin(), report.lines.end(),
                       [queue](const QueueStanding& at) { return at.queue == queue && !at.tenant.valid(); });
      if (line == report.lines.end()) continue;
      for (const CountedResource resource : kScarcestFirst) {
        const Quota& bound = graph_.queue(queue).maximum;
        const int64_t maximum = of({bound.cpu_milli, bound.memory_mib, bound.accelerators * kDeviceMilli}, resource);
        const Amount used{line->used.cpu_milli, line->used.memory_mib, line->used_accelerator_milli};
        const int64_t left = maximum - of(used, resource);
        if (maximum == 0 || of(needed, resource) <= left) continue;
        out.limited_by = queue;
        out.resource = resource;
        out.needed = of(needed, resource);
        out.available = std::max<int64_t>(left, 0);
        return;
      }
    }
  }

  const Graph& graph_;
  const TimeUs at_;
  GraphQueue queue_;
  std::vector<JobPreempted> preempts_;  // that the queue would ask for now
};

}  // namespace

ReportedQueues::ReportedQueues() {
  for (const PolicyInfo& policy : queue::policies()) {
    PolicyDescription& out = policies_.emplace_back();
    out.name = policy.name;
    out.about = policy.about;
    out.ages = policy.ages;
    for (const auto& parameters : {policy.parameters, common_parameters()}) {
      for (const PolicyParameter& p : parameters) {
        out.parameters.push_back({std::string(p.name), std::string(p.about), p.value, p.low, p.high});
      }
    }
  }
}

Status ReportedQueues::check(const std::string& policy,
                             const std::vector<::weir::PolicySetting>& settings) const {
  if (auto known = make_policy(policy, {}); !known) {
    Error error = known.error();
    error.where = "policy";
    return tl::unexpected(error);
  }
  for (const ::weir::PolicySetting& setting : settings) {
    const PolicySetting one{setting.name, setting.value};
    if (auto valid = make_policy(policy, {&one, 1}); !valid) {
      Error error = valid.error();
      error.where = "settings." + setting.name;
      return tl::unexpected(error);
    }
  }
  return {};
}

QueueReport ReportedQueues::report(const Graph& graph, TimeUs now) const {
  return Reporter(graph, now).report();
}

}  // namespace weir::queue
