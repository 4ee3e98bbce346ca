#include "core/graph/expected_run.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr TimeUs kMinute = 60'000'000;

// A site, and the queues "research" and below it "genomes"; jobs of "city" with the artifact "train".
class ExpectedRunTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({now, "t", std::move(body)}); }

  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    add(TenantDefined{TenantId(1u), "lab"});
    add(SiteDefined{SiteId(0u), VertexId(0u), {.name = "s"}});
    add(NodesReported{SiteId(0u), NodeId(0u), {{"n", 8000, 8192, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
    add(QueueDefined{QueueId(0u), {.name = "research"}});
    add(QueueDefined{QueueId(1u), {.name = "genomes", .parent = QueueId(0u)}});
  }
  IntentId submit(Schedule schedule, TenantId tenant = TenantId(0u), const char* artifact = "train") {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "j" + std::to_string(id.value), .schedule = std::move(schedule)};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.artifact = artifact;
    EXPECT_TRUE(add(IntentSubmitted{id, tenant, 1, spec}).effect);
    return id;
  }
  // One that runs for so long, and ends well.
  void run(TimeUs run_us, bool well = true) {
    const IntentId id = submit({});
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    plan.placements.push_back({.site = SiteId(0u), .node = NodeId(0u), .continues = {}});
    add(PlanCommitted{plan});
    const RunId of = graph.intent(id).active->run(0);
    add(RunStateChanged{of, id, RunState::kRunning, 0, ""});
    now += run_us;
    add(RunStateChanged{of, id, RunState::kExited, well ? 0 : 1, ""});
    add(IntentWithdrawn{id, well, ""});
  }
  void define(const char* name, QueueId id, bool predicts) {
    QueueSpec spec = id.index() < graph.queue_count() ? graph.queue(id) : QueueSpec{.name = name};
    spec.predicts = predicts;
    ASSERT_TRUE(add(QueueDefined{id, spec}).effect);
  }
  TimeUs expected(IntentId id) const { return expected_run_us(graph, graph.intent(id)); }

  Graph graph;
  TimeUs now = 1'000'000;
};

TEST_F(ExpectedRunTest, AnArrayEndsAtTheRateOfNow) {
  const IntentId array = submit({.run_time_us_estimated = 10 * kMinute, .tasks = 10});
  const auto end = [&] { return expected_end_us(graph, graph.intent(array), now); };
  EXPECT_EQ(end(), 0) << "none runs";
  const auto begin = [&](uint32_t task) {
    const IntentId id(graph.intent_count());
    ASSERT_TRUE(add(IntentSubmitted{id, TenantId(0u), 1, {}, array, task}).effect);
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    plan.placements.push_back({.site = SiteId(0u), .node = NodeId(0u), .continues = {}});
    ASSERT_TRUE(add(PlanCommitted{plan}).effect);
  };
  begin(0);
  EXPECT_EQ(end(), now + 95 * kMinute) << "half a task and nine";
  begin(1);
  EXPECT_EQ(end(), now + 45 * kMinute) << "half a task, and four each";
  add(IntentWithdrawn{graph.find_task(array, 0), true, ""});
  EXPECT_EQ(end(), now + 85 * kMinute);
  EXPECT_EQ(expected_end_us(graph, graph.intent(submit({.run_time_us_estimated = kMinute})), now), 0) << "no array";
  add(IntentWithdrawn{array, false, ""});
  EXPECT_EQ(end(), 0);
}

TEST_F(ExpectedRunTest, OfUnknownRunTimesNoEndIsForeseen) {
  const IntentId array = submit({.tasks = 2});
  const IntentId id(graph.intent_count());
  ASSERT_TRUE(add(IntentSubmitted{id, TenantId(0u), 1, {}, array, 0}).effect);
  Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
  plan.placements.push_back({.site = SiteId(0u), .node = NodeId(0u), .continues = {}});
  ASSERT_TRUE(add(PlanCommitted{plan}).effect);
  EXPECT_EQ(expected_end_us(graph, graph.intent(array), now), 0);
}

TEST_F(ExpectedRunTest, WithoutHistoryIsWhatTheJobSays) {
  define(kDomainQueue, QueueId(2u), true);
  EXPECT_EQ(expected(submit({})), 0);
  EXPECT_EQ(expected(submit({.run_time_us_max = 9 * kMinute})), 9 * kMinute);
  EXPECT_EQ(expected(submit({.run_time_us_estimated = 5 * kMinute, .run_time_us_max = 9 * kMinute})),
            5 * kMinute);
}

TEST_F(ExpectedRunTest, OfAJobThatSaysNothingIsTheMeanOfTheLastTwo) {
  run(3 * kMinute);
  EXPECT_EQ(expected(submit({})), 3 * kMinute);
  run(5 * kMinute);
  EXPECT_EQ(expected(submit({.run_time_us_max = 9 * kMinute})), 4 * kMinute);
  EXPECT_EQ(expected(submit({.run_time_us_max = kMinute})), kMinute)
      << "no more than the longest that it may";
  EXPECT_EQ(expected(submit({.run_time_us_estimated = kMinute})), kMinute);
  run(50 * kMinute, false);
  EXPECT_EQ(expected(submit({})), 4 * kMinute) << "of those that ended well";
  EXPECT_EQ(expected(submit({}, TenantId(1u))), 0) << "of the tenant";
  EXPECT_EQ(expected(submit({}, TenantId(0u), "other")), 0) << "with the artifact";
}

TEST_F(ExpectedRunTest, IsThePredictionWhereAQueueAboveItGoesByThat) {
  run(3 * kMinute);
  const Schedule says{.queue = "genomes", .run_time_us_estimated = kMinute};
  const IntentId below = submit(says), beside = submit({.run_time_us_estimated = kMinute});
  EXPECT_EQ(expected(below), kMinute);
  define("research", QueueId(0u), true);
  EXPECT_EQ(expected(below), 3 * kMinute);
  EXPECT_EQ(expected(beside), kMinute);
  define("research", QueueId(0u), false);
  define("genomes", QueueId(1u), true);
  EXPECT_EQ(expected(below), 3 * kMinute);
  define("genomes", QueueId(1u), false);
  define(kDomainQueue, QueueId(2u), true);
  EXPECT_EQ(expected(below), 3 * kMinute);
  EXPECT_EQ(expected(beside), 3 * kMinute);
  run(9 * kMinute);
  EXPECT_EQ(expected(below), 3 * kMinute) << "by what was known when it was submitted";
}

}  // namespace
}  // namespace weir
