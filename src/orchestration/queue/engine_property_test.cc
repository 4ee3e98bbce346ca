#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "orchestration/queue/engine.h"

namespace weir::queue {
namespace {

struct Plot {
  std::vector<Amount> pools;
  std::vector<Job> jobs;  // by submission
  std::map<uint64_t, TimeUs> run_us;
  struct Advance {
    uint32_t pool;
    Amount amount;
    TimeUs from, to;
  };
  std::vector<Advance> reservations;  // asked for at time 0
};

Plot any_plot(int pools_max, bool reservations) {
  Plot plot;
  const int pools = *rc::gen::inRange(1, pools_max + 1);
  for (int i = 0; i < pools; ++i)
    plot.pools.push_back({*rc::gen::inRange<int64_t>(2, 12), *rc::gen::inRange<int64_t>(2, 12), 0});
  const int jobs = *rc::gen::inRange(1, 30);
  TimeUs now = 0;
  for (int i = 0; i < jobs; ++i) {
    Job job;
    job.id = static_cast<uint64_t>(i) + 1;
    job.queue = *rc::gen::inRange<uint32_t>(0, 2);
    job.priority = *rc::gen::weightedElement<int32_t>({{5, 0}, {1, 1}});
    job.submitted = now += *rc::gen::inRange<TimeUs>(0, 8);
    job.limit_us = *rc::gen::inRange<TimeUs>(1, 40);
    job.estimated_us = *rc::gen::inRange<TimeUs>(1, 50);
    job.each = {*rc::gen::inRange<int64_t>(0, 3), *rc::gen::inRange<int64_t>(1, 3), 0};
    job.count = *rc::gen::inRange(1, 6);
    if (*rc::gen::inRange(0, 3) == 0) job.count_min = *rc::gen::inRange(1, job.count + 1);
    if (*rc::gen::inRange(0, 4) == 0)
      job.pools = {*rc::gen::inRange<uint32_t>(0, static_cast<uint32_t>(pools))};
    if (*rc::gen::inRange(0, 6) == 0) job.not_before = now + *rc::gen::inRange<TimeUs>(0, 30);
    plot.run_us[job.id] = *rc::gen::inRange<TimeUs>(1, job.limit_us + 1);
    plot.jobs.push_back(job);
  }
  for (int i = 0; reservations && i < 3; ++i) {
    const TimeUs from = *rc::gen::inRange<TimeUs>(0, 100);
    plot.reservations.push_back({*rc::gen::inRange<uint32_t>(0, static_cast<uint32_t>(pools)),
                                 {*rc::gen::inRange<int64_t>(1, 8), *rc::gen::inRange<int64_t>(0, 8), 0},
                                 from,
                                 from + *rc::gen::inRange<TimeUs>(1, 50)});
  }
  return plot;
}

// Plays it, and checks what must hold at every instant. Returns when each job started.
class Play {
 public:
  Play(const Plot& plot, const EngineOptions& options, PolicyKind policy)
      : plot_(plot), engine_(options), options_(options) {
    for (size_t i = 0; i < plot.pools.size(); ++i) engine_.set_pool(static_cast<uint32_t>(i), plot.pools[i]);
    for (const uint32_t queue : {0U, 1U}) engine_.set_policy(queue, policy);
    for (const Plot::Advance& each : plot.reservations) {
      if (engine_.reserve(granted_.size() + 1, each.pool, each.amount, each.from, each.to))
        granted_.push_back(each);
    }
  }

  // At every step that many others are believed to run as long as anything.
  std::map<uint64_t, TimeUs> run(int estimated_again = 0) {
    size_t next = 0;
    TimeUs now = 0;
    for (int steps = 0; steps < 5'000; ++steps) {
      for (int i = 0; i < estimated_again && steps < 200; ++i) {
        const Job& job = plot_.jobs[*rc::gen::inRange<size_t>(0, plot_.jobs.size())];
        RC_ASSERT(engine_.estimate(job.id, *rc::gen::inRange<TimeUs>(0, 100)) == (engine_.job(job.id) != nullptr));
      }
      while (next < plot_.jobs.size() && plot_.jobs[next].submitted == now)
        RC_ASSERT(engine_.submit(plot_.jobs[next++]).has_value());
      for (auto at = running_.begin(); at != running_.end();) {
        if (at->second.end != now) {
          ++at;
          continue;
        }
        RC_ASSERT(engine_.ended(at->first, now));
        at = running_.erase(at);
      }
      Pass pass = engine_.pass(now);
      for (int again = 0;; ++again) {
        RC_ASSERT(again < 1'000);
        for (const Start& start : pass.starts) begin(start, now);
        const bool more = pass.wake <= now || !pass.starts.empty();
        if (!more) break;
        pass = engine_.pass(now);
      }
      grow(now);
      check_capacity(now);
      check_promises(now);
      if (next == plot_.jobs.size() && running_.empty() && pass.wake >= kNever) break;
      TimeUs then = pass.wake;
      if (next < plot_.jobs.size()) then = std::min(then, plot_.jobs[next].submitted);
      for (const auto& [id, run] : running_) then = std::min(then, run.end);
      RC_ASSERT(then > now);
      now = then;
    }
    // Only what is larger than its pools may be left.
    for (const Job& job : plot_.jobs) {
      if (started_.contains(job.id)) continue;
      RC_ASSERT(engine_.explain(job.id).code == WhyCode::kTooLarge);
    }
    return started_;
  }

 private:
  struct Running {
    std::vector<Part> parts;
    TimeUs end;
  };

  void begin(const Start& start, TimeUs now) {
    const Job& job = *engine_.job(start.job);
    int32_t count = 0;
    for (const Part& part : start.parts) {
      count += part.count;
      RC_ASSERT(part.count > 0);
      RC_ASSERT(job.pools.empty() || std::count(job.pools.begin(), job.pools.end(), part.pool) == 1);
    }
    RC_ASSERT(count >= job.count_least() && count <= job.count);
    RC_ASSERT(now >= job.not_before && now >= job.submitted);
    if (const auto promised = promised_.find(job.id); promised != promised_.end())
      RC_ASSERT(now <= promised->second);
    promised_.erase(job.id);
    RC_ASSERT(engine_.started(start.job, start.parts, now).has_value());
    started_[start.job] = now;
    running_[start.job] = {start.parts, now + plot_.run_us.at(start.job)};
  }

  // What can begin has begun: jobs that began with fewer instances are given more, one at each pool.
  void grow(TimeUs now) {
    for (const Job& wish : plot_.jobs) {
      const auto run = running_.find(wish.id);
      if (run == running_.end() || wish.count_min == 0) continue;
      for (uint32_t pool = 0; pool < plot_.pools.size(); ++pool) {
        Job job = *engine_.job(wish.id);
        if (job.count == wish.count || !job.each.fits(engine_.free_while_running(wish.id, pool)) || job.reservation != 0) continue;
        ++job.count;
        run->second.parts.push_back({pool, 1});
        RC_ASSERT(engine_.ended(wish.id, now));
        RC_ASSERT(engine_.adopt(job, run->second.parts, started_.at(wish.id)).has_value());
      }
    }
  }

  void check_capacity(TimeUs now) {
    std::vector<Amount> free = plot_.pools;
    for (const Plot::Advance& each : granted_) {
      if (each.from <= now && now < each.to) free[each.pool] -= each.amount;
    }
    for (const auto& [id, run] : running_) {
      for (const Part& part : run.parts) free[part.pool] -= engine_.job(id)->each * part.count;
    }
    for (const Amount& amount : free) RC_ASSERT(amount.cpu_milli >= 0 && amount.memory_mib >= 0);
  }

  // Conservative: what was promised becomes only earlier. EASY in the order of submission: so does the start
  // that is reserved for the first.
  void check_promises(TimeUs now) {
    for (const Job& job : plot_.jobs) {
      const Why why = engine_.explain(job.id);
      if (why.code == WhyCode::kUnknown || why.code == WhyCode::kRunning) continue;
      RC_ASSERT(why.code != WhyCode::kOffered && why.code != WhyCode::kNext);
      RC_ASSERT(why.estimated_start >= now);
      if (why.reserved_start == kNever) continue;
      const auto [promised, fresh] = promised_.try_emplace(job.id, why.reserved_start);
      RC_ASSERT(why.reserved_start <= promised->second);
      promised->second = why.reserved_start;
    }
  }

  const Plot& plot_;
  Engine engine_;
  EngineOptions options_;
  std::vector<Plot::Advance> granted_;
  std::map<uint64_t, Running> running_;
  std::map<uint64_t, TimeUs> started_, promised_;
};

RC_GTEST_PROP(EngineProperty, ConservativeKeepsItsPromisesWhateverTheOrder, ()) {
  const Plot plot = any_plot(3, true);
  const PolicyKind policy =
      *rc::gen::element(PolicyKind::kFcfs, PolicyKind::kWeir, PolicyKind::kWfp3, PolicyKind::kSjf);
  Play(plot, {.backfill = Backfill::kConservative, .overrun_us = 1}, policy).run();
}

// Nor what was reserved before: a prediction, however wrong, orders jobs and moves nothing that others were told.
RC_GTEST_PROP(EngineProperty, ConservativeKeepsItsPromisesWhateverIsPredicted, ()) {
  const Plot plot = any_plot(3, true);
  const PolicyKind policy = *rc::gen::element(PolicyKind::kSjf, PolicyKind::kWeir, PolicyKind::kSmallestArea);
  Play(plot, {.backfill = Backfill::kConservative, .overrun_us = 1}, policy).run(2);
}

RC_GTEST_PROP(EngineProperty, EasyDelaysTheFirstOfOnePoolNeverWhateverIsPredicted, ()) {
  Plot plot = any_plot(1, true);
  for (Job& job : plot.jobs) job.priority = 0;
  for (Job& job : plot.jobs) job.not_before = 0;
  Play(plot, {.backfill = Backfill::kEasy, .overrun_us = 1}, PolicyKind::kFcfs).run(2);
}

RC_GTEST_PROP(EngineProperty, EasyDelaysTheFirstOfOnePoolNever, ()) {
  Plot plot = any_plot(1, true);
  for (Job& job : plot.jobs) job.priority = 0;
  const bool spare = *rc::gen::arbitrary<bool>();
  for (Job& job : plot.jobs) job.not_before = 0;
  Play(plot, {.backfill = Backfill::kEasy, .spare = spare, .overrun_us = 1}, PolicyKind::kFcfs).run();
}

RC_GTEST_PROP(EngineProperty, NothingIsOversubscribedAndEverythingStartsOnce, ()) {
  const Plot plot = any_plot(3, true);
  EngineOptions options;
  options.backfill = *rc::gen::element(Backfill::kNone, Backfill::kConservative);
  options.blocks = *rc::gen::arbitrary<bool>();
  options.overrun_us = 1;
  const PolicyKind policy =
      *rc::gen::element(PolicyKind::kFcfs, PolicyKind::kWeir, PolicyKind::kUnicep, PolicyKind::kSmallestArea);
  const auto first = Play(plot, options, policy).run();
  RC_ASSERT(Play(plot, options, policy).run() == first);
}

// EASY and no backfill on one machine, instant by instant, from the definitions.
class Definition {
 public:
  Definition(int64_t cores, Backfill backfill, std::vector<Job> jobs)
      : cores_(cores), backfill_(backfill), waiting_(std::move(jobs)) {}

  std::map<uint64_t, TimeUs> run() {
    for (TimeUs now = 0; !waiting_.empty(); ++now) {
      for (bool again = true; again;) again = start_one(now);
    }
    return started_;
  }

 private:
  static constexpr size_t kEnd = 64;

  bool fits(const Job& job, TimeUs at) const {
    for (TimeUs t = at; t < at + job.limit_us; ++t) {
      if (used_[static_cast<size_t>(t)] + job.count > cores_) return false;
    }
    return true;
  }
  void use(const Job& job, TimeUs at, int64_t sign) {
    for (TimeUs t = at; t < at + job.limit_us; ++t) used_[static_cast<size_t>(t)] += sign * job.count;
  }
  bool start_one(TimeUs now) {
    const Job* first = nullptr;
    TimeUs reserved = 0;
    bool started = false;
    for (auto job = waiting_.begin(); job != waiting_.end() && !started; ++job) {
      if (job->submitted > now) break;
      if (first != nullptr && backfill_ == Backfill::kNone) break;
      if (fits(*job, now)) {
        if (first != nullptr) use(*first, reserved, -1);
        use(*job, now, 1);
        started_[job->id] = now;
        waiting_.erase(job);
        return true;
      }
      if (first != nullptr) continue;
      first = &*job;
      for (reserved = now; !fits(*first, reserved);) ++reserved;
      use(*first, reserved, 1);
    }
    if (first != nullptr) use(*first, reserved, -1);
    return false;
  }

  int64_t cores_;
  Backfill backfill_;
  std::vector<Job> waiting_;
  std::map<uint64_t, TimeUs> started_;
  std::vector<int64_t> used_ = std::vector<int64_t>(kEnd, 0);
};

TEST(EngineExhaustive, FourJobsOfEverySizeAndLimitStartWhenTheDefinitionSays) {
  constexpr int kKinds = 3 * 3;
  for (const Backfill backfill : {Backfill::kNone, Backfill::kEasy}) {
    for (int code = 0; code < kKinds * kKinds * kKinds * kKinds; ++code) {
      for (const int apart : {0, 1}) {
        Plot plot;
        plot.pools = {{.cpu_milli = 3}};
        for (int i = 0, rest = code; i < 4; ++i, rest /= kKinds) {
          Job job;
          job.id = static_cast<uint64_t>(i) + 1;
          job.submitted = i * apart;
          job.limit_us = job.estimated_us = 1 + rest / 3 % 3;
          job.each.cpu_milli = 1;
          job.count = 1 + rest % 3;
          plot.jobs.push_back(job);
          plot.run_us[job.id] = job.limit_us;
        }
        ASSERT_EQ(Play(plot, {.backfill = backfill, .overrun_us = 1}, PolicyKind::kFcfs).run(),
                  Definition(3, backfill, plot.jobs).run())
            << code << ' ' << apart;
      }
    }
  }
}

}  // namespace
}  // namespace weir::queue
