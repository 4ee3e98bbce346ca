#include "orchestration/queue/queue_report.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::queue {
namespace {

constexpr TimeUs kHour = 3'600'000'000;

// One site "a" with a node of 8 cores; tenants "city" and "lab".
class QueueReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    add(TenantDefined{TenantId(1u), "lab"});
    add(SiteDefined{SiteId(0u), VertexId(0u), SiteSpec{.name = "a"}});
    add(NodesReported{SiteId(0u), NodeId(0u), {NodeSpec{"n", 8000, 65'536, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(0u), Liveness::kUp, ""});
  }
  void add(EventBody body) { ASSERT_TRUE(graph.apply({now, "t", std::move(body)}).effect); }
  IntentId submit(int32_t cores, Schedule schedule = {}, TenantId tenant = TenantId(0u)) {
    const IntentId id(graph.intent_count());
    if (schedule.run_time_us_max == 0) schedule.run_time_us_max = kHour;
    IntentSpec spec{.name = "j" + std::to_string(id.value), .schedule = schedule};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = cores * 1000;
    spec.workload.memory_mib = 1024;
    add(IntentSubmitted{id, tenant, 1, spec});
    return id;
  }
  void commit(IntentId id) {
    Plan plan{.intent = id, .generation = 1, .basis = graph.version()};
    const Workload& need = graph.intent(id).spec->workload;
    plan.placements.push_back({.site = SiteId(0u),
                               .node = NodeId(0u),
                               .cpu_milli = need.cpu_milli,
                               .memory_mib = need.memory_mib,
                               .continues = {}});
    add(PlanCommitted{plan});
  }
  QueueReport report() const { return queues.report(graph, now); }

  ReportedQueues queues;
  Graph graph;
  TimeUs now = 1'000'000;
};

TEST_F(QueueReportTest, ADomainWithoutQueuesHasOneLine) {
  const QueueReport empty = report();
  ASSERT_EQ(empty.lines.size(), 1u);
  EXPECT_FALSE(empty.lines[0].queue.valid());
  EXPECT_EQ(empty.lines[0].policy, "weir");
  EXPECT_EQ(empty.backfill, Backfill::kEasy);
  EXPECT_TRUE(empty.waits.empty());
}

TEST_F(QueueReportTest, CountsWhatRunsAndWaitsOnEveryLevel) {
  add(QueueDefined{::weir::QueueId(0u), {.name = "research", .policy = "fcfs"}});
  add(QueueDefined{::weir::QueueId(1u), {.name = "models", .parent = ::weir::QueueId(0u)}});
  commit(submit(6, {.queue = "models"}));
  now += kHour / 4;
  submit(4, {.queue = "models"}, TenantId(1u));
  submit(8);
  now += kHour / 4;
  const QueueReport out = report();
  ASSERT_EQ(out.lines.size(), 6u) << "the domain, two queues, two tenants of one and one of none";
  EXPECT_EQ(out.lines[0].jobs_running, 1);
  EXPECT_EQ(out.lines[0].jobs_waiting, 2);
  EXPECT_EQ(out.lines[0].share_ppm, 750'000);
  EXPECT_EQ(out.lines[0].used.cpu_milli, 6000);
  EXPECT_EQ(out.lines[1].queue, ::weir::QueueId(0u));
  EXPECT_EQ(out.lines[1].policy, "fcfs");
  EXPECT_EQ(out.lines[1].jobs_waiting, 1);
  EXPECT_EQ(out.lines[1].oldest_wait_us, kHour / 4);
  EXPECT_EQ(out.lines[2].queue, ::weir::QueueId(1u));
  EXPECT_EQ(out.lines[2].policy, "fcfs") << "its parent's";
  EXPECT_EQ(out.lines[2].share_ppm, 750'000);
  EXPECT_EQ(out.waits.size(), 2u);
}

TEST_F(QueueReportTest, SaysWhatAJobWaitsFor) {
  add(QueueDefined{::weir::QueueId(0u), {.name = kDomainQueue, .policy = "fcfs"}});
  add(QueueDefined{::weir::QueueId(1u), {.name = "small", .maximum = {.cpu_milli = 1000}}});
  commit(submit(6));
  const IntentId wide = submit(8);
  const IntentId behind = submit(2, {.run_time_us_max = 2 * kHour});
  const IntentId capped = submit(2, {.queue = "small"});
  const IntentId later = submit(1, {.not_before = now + kHour});
  const IntentId huge = submit(9);
  const QueueReport out = report();
  EXPECT_EQ(out.waits.at(wide).code, WaitCode::kRoom);
  EXPECT_EQ(out.waits.at(wide).resource, CountedResource::kCpu);
  EXPECT_EQ(out.waits.at(wide).needed, 8000);
  EXPECT_EQ(out.waits.at(wide).available, 2000);
  EXPECT_EQ(out.waits.at(wide).site, SiteId(0u));
  EXPECT_EQ(out.waits.at(wide).estimated_start, now + kHour);
  EXPECT_EQ(out.waits.at(behind).code, WaitCode::kBehind);
  EXPECT_EQ(out.waits.at(behind).behind, wide);
  EXPECT_EQ(out.waits.at(capped).code, WaitCode::kQuota);
  EXPECT_EQ(out.waits.at(capped).limited_by, ::weir::QueueId(1u));
  EXPECT_EQ(out.waits.at(capped).needed, 2000);
  EXPECT_EQ(out.waits.at(capped).available, 1000);
  EXPECT_EQ(out.waits.at(later).code, WaitCode::kNotBefore);
  EXPECT_EQ(out.waits.at(later).estimated_start, now + 2 * kHour) << "when wide has ended";
  EXPECT_EQ(out.waits.at(huge).code, WaitCode::kTooLarge);
  EXPECT_EQ(out.waits.at(huge).available, 8000);
}

TEST_F(QueueReportTest, ATurnThatCameToNothingIsHeldAndTheNextIsLetThrough) {
  const IntentId first = submit(8);
  add(IntentRefused{Refusal{.intent = first,
                            .generation = 1,
                            .basis = graph.version(),
                            .reasons = {{.code = ReasonCode::kBandwidth, .site = SiteId(0u)}}}});
  const IntentId second = submit(8);
  const QueueReport out = report();
  EXPECT_EQ(out.waits.at(first).code, WaitCode::kNetwork);
  EXPECT_EQ(out.waits.at(first).estimated_start, 0);
  EXPECT_EQ(out.waits.at(second).code, WaitCode::kOffered);
}

TEST_F(QueueReportTest, AnArrayWaitsForTheNextOfItsTasks) {
  commit(submit(6));
  const IntentId array = submit(4, {.tasks = 100});
  EXPECT_FALSE(report().waits.contains(array)) << "none of its tasks waits yet";
  for (uint32_t task = 0; task < 3; ++task) add(IntentSubmitted{IntentId(2 + task), TenantId(0u), 1, {}, array, task});
  const QueueReport out = report();
  EXPECT_EQ(out.lines[0].jobs_waiting, 100);
  EXPECT_EQ(out.waits.size(), 4u);
  EXPECT_EQ(out.waits.at(array).intent, IntentId(2u));
  EXPECT_EQ(out.waits.at(array).code, WaitCode::kRoom);
  EXPECT_EQ(out.waits.at(array).needed, 4000);
  EXPECT_EQ(out.waits.at(array).estimated_start, now + kHour);
}

TEST_F(QueueReportTest, WhatNoNodeCanHoldWaitsForNothingAndIsDueNothing) {
  commit(submit(8));
  add(NodesReported{SiteId(0u), NodeId(1u), {NodeSpec{"n", 8000, 65'536, 1, "A100", 1000}, NodeSpec{"m", 1000, 65'536, 0, "", 1000}}});
  const IntentId huge = submit(9, {}, TenantId(1u));  // more than each node, less than both
  IntentSpec spec = *graph.intent(huge).spec;
  spec.name = "other";
  spec.workload.cpu_milli = 2000;
  spec.workload.accelerators = 1;
  spec.workload.accelerator_model = "H100";
  const IntentId other(graph.intent_count());
  add(IntentSubmitted{other, TenantId(1u), 1, spec});
  now += kHour;
  QueueReport out = report();
  for (const IntentId id : {huge, other}) {
    EXPECT_EQ(out.waits.at(id).code, WaitCode::kTooLarge);
    EXPECT_EQ(out.waits.at(id).estimated_start, 0);
  }
  const auto of_lab = [&out] {
    return *std::find_if(out.lines.begin(), out.lines.end(), [](const QueueStanding& line) { return line.tenant == TenantId(1u); });
  };
  EXPECT_EQ(out.lines[0].jobs_waiting, 0);
  EXPECT_EQ(out.lines[0].oldest_wait_us, 0);
  EXPECT_EQ(of_lab().jobs_waiting, 0);
  EXPECT_EQ(of_lab().entitlement_ppm, 0);
  // One of them can be held once such a node is there.
  add(NodesReported{SiteId(0u), NodeId(1u), {NodeSpec{"n", 8000, 65'536, 1, "H100", 1000}, NodeSpec{"m", 1000, 65'536, 0, "", 1000}}});
  out = report();
  EXPECT_EQ(out.waits.at(other).code, WaitCode::kOffered);
  EXPECT_GT(of_lab().entitlement_ppm, 0);
}

TEST_F(QueueReportTest, WhatWasRefusedForWhatNoRoomHealsIsDueNothing) {
  const IntentId elsewhere = submit(2, {}, TenantId(1u));
  commit(submit(8));
  EXPECT_EQ(report().lines[0].jobs_waiting, 1);
  add(IntentRefused{Refusal{.intent = elsewhere, .generation = 1, .basis = graph.version(),
                            .reasons = {{.code = ReasonCode::kResidency, .site = SiteId(0u)}}}});
  EXPECT_EQ(report().lines[0].jobs_waiting, 0);
  EXPECT_EQ(report().lines[0].oldest_wait_us, 0);
}

TEST_F(QueueReportTest, KnowsPoliciesWithTheirParameters) {
  ASSERT_EQ(queues.policies().front().name, "weir");
  ASSERT_FALSE(queues.policies().front().parameters.empty());
  const PolicyDescription::Parameter& first = queues.policies().front().parameters.front();
  EXPECT_TRUE(queues.check("fcfs", {}));
  EXPECT_TRUE(queues.check("weir", {{first.name, first.high}}));
  EXPECT_EQ(queues.check("fcsf", {}).error().where, "policy");
  EXPECT_EQ(queues.check("weir", {{first.name, first.high + 1}}).error().where, "settings." + first.name);
  EXPECT_EQ(queues.check("fcfs", {{"deep", 1}}).error().where, "settings.deep");
}

}  // namespace
}  // namespace weir::queue
