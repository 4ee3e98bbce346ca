#include "orchestration/queue/cheapest_start.h"

#include <gtest/gtest.h>

#include "core/graph/hours.h"
#include "orchestration/queue/queue_report.h"

namespace weir::queue {
namespace {

constexpr TimeUs kHour = kUsOfHour;

// "night", of 8 cores, asks 600 from 03:00 and 500 from 20:00 for an hour each, 1,000 else, and emits a
// quarter from 10:00 on for an hour; "day", of 2, asks 800 always. It is a quarter past midnight.
class CheapestStartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    add(DomainCreated{.name = "d", .carbon_price_per_kg = kCredit});
    add(TenantDefined{TenantId(0u), "city"});
    SiteSpec night{.name = "night", .asks = {.per_core_hour = 1000}};
    night.power = {1'000, 10'000, 1'000, 400'000};
    night.hours.assign(24, HourRate{});
    night.hours[3].asks_milli = 600;
    night.hours[20].asks_milli = 500;
    night.hours[10].grid_carbon_milli = 250;
    define(0, night, 8000);
    define(1, {.name = "day", .asks = {.per_core_hour = 800}, .power = night.power}, 2000);
  }
  void add(EventBody body) { ASSERT_TRUE(graph.apply({now, "t", std::move(body)}).effect); }
  void define(uint32_t s, const SiteSpec& spec, int32_t cpu_milli) {
    add(SiteDefined{SiteId(s), VertexId(s), spec});
    add(NodesReported{SiteId(s), NodeId(s), {NodeSpec{"n", cpu_milli, 65'536, 0, "", 1000}}});
    add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
  }
  IntentId submit(Schedule schedule, int32_t cores = 1, Prefer prefer = {}, Where where = {}) {
    const IntentId id(graph.intent_count());
    IntentSpec spec{.name = "j" + std::to_string(id.value),
                    .where = std::move(where),
                    .prefer = prefer,
                    .schedule = std::move(schedule)};
    spec.workload.kind = WorkKind::kJob;
    spec.workload.cpu_milli = cores * 1000;
    add(IntentSubmitted{id, TenantId(0u), 1, spec});
    return id;
  }
  CheapestStart start(IntentId id, std::vector<uint32_t> pools = {}) const {
    const IntentRow& row = graph.intent(id);
    const Workload& work = row.spec->workload;
    return cheapest_start(graph, row,
                          {.each = {work.cpu_milli, work.memory_mib, device_milli(work)},
                           .count = std::max(row.spec->schedule.instances, 1),
                           .pools = std::move(pools)});
  }
  TimeUs at(IntentId id, std::vector<uint32_t> pools = {}) const { return start(id, std::move(pools)).at; }

  Graph graph;
  TimeUs now = kHour / 4;
};

TEST_F(CheapestStartTest, IsTheFirstOfTheCheapestHoursInReach) {
  EXPECT_EQ(at(submit({})), 0) << "it may not wait";
  EXPECT_EQ(at(submit({.start_slack_us = kHour / 2})), 0) << "no other hour begins before that";
  EXPECT_EQ(at(submit({.start_slack_us = 2 * kHour + kHour * 3 / 4 - 1})), 0) << "a microsecond too early";
  EXPECT_EQ(at(submit({.start_slack_us = 2 * kHour + kHour * 3 / 4})), 3 * kHour);
  EXPECT_EQ(at(submit({.start_slack_us = 19 * kHour})), 3 * kHour);
  EXPECT_EQ(at(submit({.start_slack_us = 20 * kHour})), 20 * kHour);
  EXPECT_EQ(at(submit({.start_slack_us = 300 * kHour})), 20 * kHour) << "the first of them";
}

TEST_F(CheapestStartTest, ReckonsFromWhenItMayBegin) {
  EXPECT_EQ(at(submit({.not_before = 4 * kHour, .start_slack_us = 10 * kHour})), 0);
  EXPECT_EQ(at(submit({.not_before = 4 * kHour, .start_slack_us = 16 * kHour})), 20 * kHour);
  EXPECT_EQ(at(submit({.not_before = 3 * kHour, .start_slack_us = 10 * kHour})), 0) << "that is the hour";
  now = 21 * kHour;
  EXPECT_EQ(at(submit({.start_slack_us = 10 * kHour})), 27 * kHour) << "of the next day";
}

TEST_F(CheapestStartTest, SaysWhatAnHourOfItCostsThenAndNow) {
  const CheapestStart later = start(submit({.start_slack_us = 20 * kHour}));
  EXPECT_EQ(later.per_hour, 500);
  EXPECT_EQ(later.per_hour_now, 800) << "at the other site";
  EXPECT_EQ(start(submit({.start_slack_us = 20 * kHour}, 4)).per_hour_now, 4000) << "which does not hold it";
}

TEST_F(CheapestStartTest, LooksOnlyWhereItMayRunAndThatHoldsIt) {
  EXPECT_EQ(at(submit({.start_slack_us = 20 * kHour}), {1}), 0) << "it is the same there at all times";
  EXPECT_EQ(at(submit({.start_slack_us = 20 * kHour}), {SiteId::kNone}), 0) << "nowhere";
  EXPECT_EQ(at(submit({.instances = 3, .start_slack_us = 10 * kHour}, 2)), 3 * kHour);
  EXPECT_EQ(at(submit({.start_slack_us = 20 * kHour}, 16)), 0) << "nothing holds it";
  add(SiteStateChanged{SiteId(0u), Liveness::kDown, ""});
  EXPECT_EQ(at(submit({.start_slack_us = 20 * kHour})), 0);
}

TEST_F(CheapestStartTest, GoesByWhatItPrefers) {
  EXPECT_EQ(at(submit({.start_slack_us = 23 * kHour}, 1, {.cost_milli = 0, .carbon_milli = 1000})),
            10 * kHour);
  EXPECT_EQ(at(submit({.start_slack_us = 23 * kHour}, 1, {.cost_milli = 0, .carbon_milli = 0})), 0);
  EXPECT_EQ(at(submit({.start_slack_us = 23 * kHour}, 1, {.cost_milli = 1000, .carbon_milli = 1000})),
            10 * kHour)
      << "carbon is most of the price here";
}

TEST_F(CheapestStartTest, LeavesTimeUntilTheDeadline) {
  const auto with = [this](TimeUs deadline, TimeUs estimated, TimeUs longest) {
    return at(submit({.run_time_us_estimated = estimated,
                      .run_time_us_max = longest,
                      .deadline = deadline,
                      .start_slack_us = 20 * kHour}));
  };
  EXPECT_EQ(with(22 * kHour, kHour, 2 * kHour), 20 * kHour);
  EXPECT_EQ(with(22 * kHour - 1, kHour, 2 * kHour), 3 * kHour) << "by the longest that it may run";
  EXPECT_EQ(with(22 * kHour - 1, kHour, 0), 20 * kHour);
  EXPECT_EQ(with(22 * kHour, 0, 0), 0) << "nobody knows how long it runs";
  EXPECT_EQ(with(kHour / 2, kHour, 2 * kHour), 0);
}

TEST_F(CheapestStartTest, OfATaskIsThatOfItsArray) {
  const IntentId array = submit({.tasks = 3, .start_slack_us = 4 * kHour});
  now = 4 * kHour;
  const IntentId task(graph.intent_count());
  add(IntentSubmitted{.intent = task,
                      .tenant = TenantId(0u),
                      .generation = 1,
                      .spec = {.name = "t0"},
                      .array = array,
                      .task = 0});
  EXPECT_EQ(at(task), 3 * kHour) << "it does not wait for another";
}

TEST_F(CheapestStartTest, TheReportSaysWhatTheWaitIsFor) {
  const IntentId id = submit({.run_time_us_max = kHour, .start_slack_us = 4 * kHour});
  const ReportedQueues queues;
  const QueueReport before = queues.report(graph, now);
  ASSERT_TRUE(before.waits.contains(id));
  EXPECT_EQ(before.waits.at(id).code, WaitCode::kCheaperLater);
  EXPECT_EQ(before.waits.at(id).estimated_start, 3 * kHour);
  EXPECT_EQ(before.waits.at(id).saves_ppm, 250'000);
  EXPECT_NE(queues.report(graph, 3 * kHour).waits.at(id).code, WaitCode::kCheaperLater);
  const IntentId later = submit({.run_time_us_max = kHour, .not_before = 5 * kHour, .start_slack_us = kHour});
  EXPECT_EQ(queues.report(graph, now).waits.at(later).code, WaitCode::kNotBefore);
}

}  // namespace
}  // namespace weir::queue
