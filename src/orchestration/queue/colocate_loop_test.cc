#include <gtest/gtest.h>

#include "core/loop/loop_for_test.h"
#include "orchestration/queue/graph_queue.h"

namespace weir::queue {
namespace {

constexpr TimeUs kWindow = 10'000'000;

// A service with all of a node's cores, and a best-effort job beside it: the loop with the scheduler that it has in
// production, in virtual time. Decisions take the node where that is granted.
class ColocationLoop : public LoopOfTwoSites {
 protected:
  void SetUp() override {
    describe();
    Loop::Ports with = ports();
    with.scheduler = &queue;
    LoopOptions options;
    options.site_silence_us = 3'600'000'000;
    start(std::move(with), options);
  }
  IntentId submit(const std::string& name, WorkKind kind, int32_t cpu_milli, bool best_effort) {
    const IntentId id(loop->head().intent_count());
    IntentSpec spec{.name = name};
    spec.where.only = {kHub};
    spec.workload.kind = kind;
    spec.workload.artifact = "a";
    spec.workload.cpu_milli = cpu_milli;
    spec.workload.memory_mib = 1024;
    spec.workload.best_effort = best_effort;
    turn(Loop::Propose{{{"tenant/city", IntentSubmitted{{}, TenantId(0u), 0, spec}}}, [](const Result<Admitted>& answer) {
                         EXPECT_TRUE(answer) << answer.error().text();
                       }});
    return id;
  }
  void decide_all() {
    for (int round = 0; round < 20 && !asked.empty(); ++round) {
      const Asked next = asked.front();
      asked.erase(asked.begin());
      const Workload& need = loop->head().intent(next.intent).spec->workload;
      Plan plan{.intent = next.intent, .generation = 1, .basis = loop->head().version()};
      plan.placements.push_back({.site = kHub, .node = NodeId(0u), .cpu_milli = need.cpu_milli, .memory_mib = need.memory_mib,
                                 .continues = {}, .best_effort = need.best_effort});
      plan.availability_ppm = 1'000'000;
      Decision decision = plan;
      if (!verify(loop->head(), plan).granted) {
        decision = Refusal{next.intent, 1, loop->head().version(),
                           {{ReasonCode::kCpu, kHub, {}, need.cpu_milli, std::max(0, loop->head().room(NodeId(0u), need).cpu_milli)}}};
      }
      turn(Loop::Decided{next.ticket, next.intent, std::move(decision)});
    }
  }
  // So often in a row the run uses this of its cores.
  void use(IntentId id, int64_t cpu_milli, int times) {
    for (int i = 0; i < times; ++i) {
      const RunId run = loop->head().intent(id).active->run(0);
      const UsageReport report{.run = run, .from = now_us, .to = now_us + kWindow, .cpu_us = cpu_milli * kWindow / 1000,
                               .memory_mib_us = 100 * kWindow};
      now_us += kWindow;
      turn(Loop::Reported{kHub, connection_of(kHub), {report}, {}});
      idle();
      decide_all();
    }
  }
  const IntentRow& row(IntentId id) const { return loop->head().intent(id); }

  GraphQueue queue;
};

TEST_F(ColocationLoop, AnIdleServiceLendsItsCoresAndTakesThemBack) {
  const IntentId service = submit("service", WorkKind::kService, 4000, false);
  decide_all();
  ASSERT_EQ(row(service).state, IntentState::kPlaced);
  const IntentId job = submit("job", WorkKind::kJob, 2000, true);
  decide_all();
  EXPECT_EQ(row(job).state, IntentState::kRefused) << "the node is reserved";
  use(service, 400, 59);
  EXPECT_EQ(row(job).state, IntentState::kRefused) << "it was not measured often enough";
  use(service, 400, 3);
  EXPECT_EQ(row(job).state, IntentState::kPlaced);
  EXPECT_EQ(loop->head().free(NodeId(0u)).cpu_milli, 0) << "what the service has reserved stays its own";
  EXPECT_GT(loop->head().spare(NodeId(0u)).cpu_milli_reclaimed, 3000);

  const Position plan = row(job).active->position;
  use(service, 4000, 2);
  EXPECT_EQ(row(job).preemptions, 1u);
  EXPECT_EQ(row(job).preempted->plan, plan);
  EXPECT_FALSE(row(job).active) << "and there is no room for it";
  EXPECT_EQ(row(job).state, IntentState::kRefused) << "it waits again";
  EXPECT_EQ(loop->head().spare(NodeId(0u)).cpu_milli_reclaimed, 0);
  EXPECT_EQ(row(service).state, IntentState::kPlaced);
}

TEST_F(ColocationLoop, AJobOfAQueueTakesItsPlaceAtOnce) {
  const IntentId idle_job = submit("idle", WorkKind::kJob, 3000, true);
  decide_all();
  ASSERT_EQ(row(idle_job).state, IntentState::kPlaced);
  EXPECT_EQ(queue.why(idle_job).code, WhyCode::kUnknown) << "no queue knows it";
  const IntentId job = submit("job", WorkKind::kJob, 4000, false);
  idle();
  decide_all();
  EXPECT_EQ(row(job).state, IntentState::kPlaced);
  EXPECT_EQ(row(idle_job).preemptions, 1u);
  EXPECT_EQ(row(idle_job).preempted->by, job);
}

}  // namespace
}  // namespace weir::queue
