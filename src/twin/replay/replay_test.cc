#include "twin/replay/replay.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "orchestration/plan/decide.h"
#include "orchestration/queue/graph_queue.h"
#include "twin/replay/hash_log.h"
#include "twin/replay/recorder.h"

namespace weir::twin {
namespace {

class Listed final : public JobSource {
 public:
  explicit Listed(std::deque<TraceJob> jobs) : jobs_(std::move(jobs)) {}
  Result<std::optional<TraceJob>> next() override {
    if (jobs_.empty()) return std::nullopt;
    TraceJob job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

 private:
  std::deque<TraceJob> jobs_;
};

TraceJob job(const char* id, TimeUs submit_s, TimeUs run_s, int32_t cores) {
  return {
      .id = id, .submit_us = submit_s * 1'000'000, .run_us = run_s * 1'000'000, .cpu_milli = cores * 1000};
}

struct Replayed {
  ReplayTotals totals;
  TreeHead head;
  std::vector<JobOutcome> outcomes;
  uint64_t waiting_most = 0;
  size_t intents_most = 0;
};

Replayed replay(std::deque<TraceJob> jobs, int32_t cores = 4, Scheduler* scheduler = nullptr,
                const std::string& policy = {}, uint64_t waiting_max = 1'000) {
  ReplayOptions options;
  options.waiting_max = waiting_max;
  options.sites.push_back(
      {.spec = {.name = "machine"}, .nodes = {NodeSpec{"n", cores * 1000, 1024, 0, "", 1000}}});
  options.sites[0].spec.asks.per_core_hour = kCredit;
  options.domain = {.name = "replay", .scarcity_core_hour = kCredit};
  options.policy = policy;
  JointPlanner planner;
  HashLog log;
  Replay world(options, planner, scheduler, log, needs_decision);
  Listed source(std::move(jobs));
  Replayed out;
  auto totals = world.run(
      source,
      {.outcome = [&](const JobOutcome& outcome) { out.outcomes.push_back(outcome); },
       .moment =
           [&](const Moment& moment) {
             out.waiting_most = std::max(out.waiting_most, moment.waiting);
             out.intents_most = std::max(out.intents_most, moment.graph->intent_count());
           },
       .progress = {}});
  EXPECT_TRUE(totals) << totals.error().text();
  if (totals) out.totals = *totals;
  out.head = log.head();
  return out;
}

TEST(Replay, JobsRunForAsLongAsTheTraceSaysAndWaitForRoom) {
  const Replayed done = replay({job("a", 0, 100, 3), job("b", 10, 50, 2), job("c", 20, 5, 1)});
  ASSERT_EQ(done.outcomes.size(), 3u);
  EXPECT_EQ(done.outcomes[0].job.id, "c");
  EXPECT_EQ(done.outcomes[0].start_us, 20'000'000);
  EXPECT_EQ(done.outcomes[0].end_us, 25'000'000);
  EXPECT_EQ(done.outcomes[1].job.id, "a");
  EXPECT_EQ(done.outcomes[1].end_us, 100'000'000);
  EXPECT_EQ(done.outcomes[1].waited_for, ReasonCode::kNone);
  EXPECT_EQ(done.outcomes[2].job.id, "b");
  EXPECT_EQ(done.outcomes[2].start_us, 100'000'000) << "at once when there is room";
  EXPECT_EQ(done.outcomes[2].waited_for, ReasonCode::kCpu);
  EXPECT_EQ(done.waiting_most, 1u);
  EXPECT_EQ(done.totals.done, 3u);
  EXPECT_EQ(done.totals.end_us, 150'000'000);
}

TEST(Replay, BillsWhatAJobUsedAtWhatItsSiteAsks) {
  const Replayed done = replay({job("a", 0, 3'600, 2)});
  ASSERT_EQ(done.outcomes.size(), 1u);
  EXPECT_EQ(done.outcomes[0].billed, 2 * kCredit);
}

TEST(Replay, WhatNeverFitsIsSaidAtOnce) {
  const Replayed done = replay({job("a", 0, 10, 5), job("b", 1, 10, 4)});
  ASSERT_EQ(done.outcomes.size(), 2u);
  EXPECT_EQ(done.outcomes[0].end, JobOutcome::End::kTooLarge);
  EXPECT_FALSE(done.outcomes[0].why.empty());
  EXPECT_EQ(done.outcomes[1].end, JobOutcome::End::kDone);
  EXPECT_EQ(done.totals.refused, 1u);
}

TEST(Replay, EqualTracesGiveEqualLedgers) {
  std::deque<TraceJob> jobs;
  for (int i = 0; i < 200; ++i) jobs.push_back(job("j", i * 7 / 3, 1 + i * 31 % 97, 1 + i % 4));
  const Replayed a = replay(jobs), b = replay(jobs);
  EXPECT_EQ(a.totals.done, 200u);
  EXPECT_EQ(a.head, b.head);
  jobs[100].run_us += 1'000'000;
  EXPECT_NE(replay(jobs).head, a.head);
}

TEST(Replay, AJobGivesWayToAnotherOfHigherPriorityAndRunsToItsEndAfterIt) {
  TraceJob urgent = job("urgent", 40, 30, 3);
  urgent.priority = 5;
  queue::GraphQueue queue;
  const Replayed done = replay({job("low", 0, 100, 4), urgent}, 4, &queue, "fcfs");
  ASSERT_EQ(done.outcomes.size(), 2u);
  EXPECT_EQ(done.outcomes[0].job.id, "urgent");
  EXPECT_EQ(done.outcomes[0].start_us, 40'000'000) << "it does not wait for the end of the other";
  EXPECT_EQ(done.outcomes[0].end_us, 70'000'000);
  EXPECT_EQ(done.outcomes[1].job.id, "low");
  EXPECT_EQ(done.outcomes[1].attempts, 2);
  EXPECT_EQ(done.outcomes[1].start_us, 70'000'000);
  EXPECT_EQ(done.outcomes[1].end_us, 170'000'000) << "from the start, to its end";
  urgent.priority = 0;
  queue::GraphQueue again;
  const Replayed equals = replay({job("low", 0, 100, 4), urgent}, 4, &again, "fcfs");
  ASSERT_EQ(equals.outcomes.size(), 2u);
  EXPECT_EQ(equals.outcomes[0].job.id, "low");
  EXPECT_EQ(equals.outcomes[0].attempts, 1);
}

TEST(Replay, PoliciesChooseWhoGoesFirst) {
  const std::deque<TraceJob> jobs = {job("a", 0, 100, 4), job("long", 10, 50, 4), job("short", 20, 5, 4)};
  queue::GraphQueue fcfs, sjf;
  const Replayed first = replay(jobs, 4, &fcfs, "fcfs"), shortest = replay(jobs, 4, &sjf, "sjf");
  ASSERT_EQ(first.outcomes.size(), 3u);
  ASSERT_EQ(shortest.outcomes.size(), 3u);
  EXPECT_EQ(first.outcomes[1].job.id, "long");
  EXPECT_EQ(shortest.outcomes[1].job.id, "short");
  EXPECT_EQ(shortest.outcomes[1].start_us, 100'000'000) << "at once when there is room";
  EXPECT_EQ(shortest.outcomes[2].end_us, 155'000'000);
  EXPECT_STREQ(waited_for_text(shortest.outcomes[1]), "turn");
}

TEST(Replay, TheGraphIsAsLargeAsWhatWaitsAndRunsAtOnce) {
  std::deque<TraceJob> jobs;
  for (int i = 0; i < 500; ++i) jobs.push_back(job("same", i * 10, 15, 1));
  queue::GraphQueue scheduler;
  const Replayed done = replay(jobs, 4, &scheduler);
  EXPECT_EQ(done.totals.done, 500u) << "also where a job is as the one before it";
  EXPECT_LE(done.intents_most, 4u);
  for (size_t i = 0; i < done.outcomes.size(); ++i) EXPECT_EQ(done.outcomes[i].number, i);
  EXPECT_LT(done.totals.loop.turns, 12u * 500u);
}

TEST(Replay, OfEqualJobsTheFirstToBeSubmittedGoesFirst) {
  std::deque<TraceJob> jobs;
  for (int i = 0; i < 300; ++i) jobs.push_back(job("equal", i * 3, 1 + i % 2, 2));
  for (TraceJob& each : jobs) each.estimate_us = 60'000'000;
  jobs[0].run_us = 700'000'000;
  jobs[1].run_us = 650'000'000;
  queue::GraphQueue scheduler;
  const Replayed done = replay(jobs, 4, &scheduler, "saf");
  ASSERT_EQ(done.totals.done, 300u);
  std::map<uint64_t, TimeUs> starts;
  for (const JobOutcome& outcome : done.outcomes) starts[outcome.number] = outcome.start_us;
  for (auto at = std::next(starts.begin(), 3); at != starts.end(); ++at) EXPECT_GE(at->second, std::prev(at)->second);
}

TEST(Replay, MoreThanMayWaitAreRefused) {
  std::deque<TraceJob> jobs;
  for (int i = 0; i < 20; ++i) jobs.push_back(job("j", 0, 10, 4));
  jobs.push_back(job("later", 100, 10, 4));
  queue::GraphQueue scheduler;
  const Replayed done = replay(jobs, 4, &scheduler, {}, 8);
  EXPECT_EQ(done.totals.refused, 12u);
  EXPECT_EQ(done.totals.done, 9u);
  EXPECT_EQ(done.outcomes[0].end, JobOutcome::End::kRefused);
  EXPECT_FALSE(done.outcomes[0].why.empty());
}

TEST(Replay, AnEmptyTraceIsDoneAtOnce) {
  const Replayed done = replay({});
  EXPECT_EQ(done.totals.jobs, 0u);
  EXPECT_TRUE(done.outcomes.empty());
}

}  // namespace
}  // namespace weir::twin
