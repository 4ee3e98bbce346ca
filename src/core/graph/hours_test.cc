#include "core/graph/hours.h"

#include <gtest/gtest.h>

#include "core/event/limits.h"
#include "core/graph/checkpoint.h"
#include "core/graph/promise.h"

namespace weir {
namespace {

// "night" asks half and emits a quarter in hour 3, "day" is the same at all times; a job and a service of one
// core.
class HoursTest : public ::testing::Test {
 protected:
  Applied add(EventBody body) { return graph.apply({1, "t", std::move(body)}); }

  void SetUp() override {
    add(DomainCreated{.name = "d"});
    add(TenantDefined{TenantId(0u), "city"});
    for (uint32_t s = 0; s < 2; ++s) {
      ASSERT_TRUE(add(SiteDefined{SiteId(s), VertexId(s), site(s)}).effect);
      add(NodesReported{SiteId(s), NodeId(s), {{"n", 8000, 8192, 0, "", 1000}}});
      add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
    }
    for (uint32_t i = 0; i < 2; ++i) {
      IntentSpec spec{.name = i == 0 ? "job" : "web"};
      spec.workload.kind = i == 0 ? WorkKind::kJob : WorkKind::kService;
      spec.workload.cpu_milli = 1000;
      ASSERT_TRUE(add(IntentSubmitted{IntentId(i), TenantId(0u), 1, spec}).effect);
    }
  }
  static SiteSpec site(uint32_t s) {
    SiteSpec spec{.name = s == 0 ? "night" : "day", .availability_ppm = 1'000'000};
    spec.asks = {1001, 7, 3};
    spec.power = {1'000, 10'000, 1'000, 400'000};
    if (s != 0) return spec;
    spec.hours.assign(24, HourRate{});
    spec.hours[3] = {500, 250};
    return spec;
  }
  Plan plan(IntentId intent, SiteId at) const {
    const IntentSpec& spec = *graph.intent(intent).spec;
    Plan p{.intent = intent, .generation = 1, .basis = graph.version()};
    p.placements.push_back({.site = at,
                            .node = NodeId(at.value),
                            .cpu_milli = 1000,
                            .asks = asks_of(graph, at, spec.workload.kind),
                            .continues = {}});
    const PlanTotals totals = plan_totals(graph, spec, p);
    p.billed_per_hour = totals.billed_per_hour;
    p.power_mw = totals.power_mw;
    p.carbon_mg_per_hour = totals.carbon_mg_per_hour;
    p.availability_ppm = totals.availability_ppm;
    return p;
  }

  const SiteId night{0u}, day{1u};
  const IntentId job{0u}, web{1u};
  Graph graph;
};

TEST_F(HoursTest, OfTheDayAreUtc) {
  EXPECT_EQ(hour_of_day(0), 0);
  EXPECT_EQ(hour_of_day(kUsOfHour - 1), 0);
  EXPECT_EQ(hour_of_day(kUsOfHour), 1);
  EXPECT_EQ(hour_of_day(24 * kUsOfHour - 1), 23);
  EXPECT_EQ(hour_of_day(24 * kUsOfHour), 0);
  EXPECT_EQ(next_hour(0), kUsOfHour);
  EXPECT_EQ(next_hour(kUsOfHour - 1), kUsOfHour);
  EXPECT_EQ(next_hour(kUsOfHour), 2 * kUsOfHour);
}

TEST_F(HoursTest, RatesRoundUpAndStayWithinWhatAPlanMayHold) {
  EXPECT_EQ(asks_at({1001, 7, 0}, {500, 1000}), (Asks{501, 4, 0}));
  EXPECT_EQ(asks_at({1001, 7, 3}, {0, 1000}), (Asks{0, 0, 0}));
  EXPECT_EQ(asks_at({limits::kMoneyMax, limits::kMoneyMax / 1000, 1}, {limits::kHourRateMilliMax, 1000}),
            (Asks{limits::kMoneyMax, limits::kMoneyMax, 1000}));
  EXPECT_EQ(power_at({1, 2, 1000, 400'001}, {1000, 250}).grid_carbon_mg_per_kwh, 100'001);
}

TEST_F(HoursTest, AreForJobsAlone) {
  EXPECT_EQ(graph.hourly_sites(), 1u);
  EXPECT_EQ(asks_of(graph, night, WorkKind::kJob), (Asks{1001, 7, 3}));
  ASSERT_TRUE(add(HourBegan{3}).effect);
  EXPECT_EQ(asks_of(graph, night, WorkKind::kJob), (Asks{501, 4, 2}));
  EXPECT_EQ(asks_of(graph, night, WorkKind::kService), (Asks{1001, 7, 3}));
  EXPECT_EQ(asks_of(graph, day, WorkKind::kJob), (Asks{1001, 7, 3}));
  EXPECT_EQ(power_of(graph, night, WorkKind::kJob).grid_carbon_mg_per_kwh, 100'000);
  EXPECT_EQ(power_of(graph, night, WorkKind::kService).grid_carbon_mg_per_kwh, 400'000);
  EXPECT_EQ(power_of(graph, day, WorkKind::kJob).grid_carbon_mg_per_kwh, 400'000);
  EXPECT_FALSE(add(HourBegan{3}).effect) << "it is that hour";
  ASSERT_TRUE(add(HourBegan{4}).effect);
  EXPECT_EQ(asks_of(graph, night, WorkKind::kJob), (Asks{1001, 7, 3}));
}

TEST_F(HoursTest, ChangeThePricesOfTheirSitesAndEase) {
  const uint64_t priced = graph.repricings(), eased = graph.relief();
  add(HourBegan{2});
  EXPECT_EQ(graph.repricings(), priced) << "that hour is as the last";
  EXPECT_GT(graph.relief(), eased);
  add(HourBegan{3});
  ASSERT_EQ(graph.repricings(), priced + 1);
  EXPECT_EQ(graph.repriced(priced).site, night);
}

TEST_F(HoursTest, APlanOfAnEarlierHourConflicts) {
  const Plan before = plan(job, night);
  ASSERT_TRUE(verify(graph, before).granted) << verify(graph, before).why;
  add(HourBegan{3});
  EXPECT_FALSE(verify(graph, before).granted);
  EXPECT_TRUE(verify(graph, before).conflict);
  const Plan now = plan(job, night);
  ASSERT_TRUE(verify(graph, now).granted) << verify(graph, now).why;
  EXPECT_EQ(now.billed_per_hour, 501);
  EXPECT_EQ(now.carbon_mg_per_hour, 1'000);
  EXPECT_EQ(plan(job, day).carbon_mg_per_hour, 4'000);
  Plan flat = now;
  flat.placements[0].asks = graph.site(night).asks;
  flat.billed_per_hour = 1001;
  EXPECT_EQ(verify(graph, flat).why, "the asks of night were revised");
  const Plan service = plan(web, night);
  EXPECT_TRUE(verify(graph, service).granted);
  EXPECT_EQ(service.billed_per_hour, 1001);
}

TEST_F(HoursTest, WhatGoesOnKeepsTheAsksOfTheHourInWhichItBegan) {
  add(HourBegan{3});
  ASSERT_TRUE(add(PlanCommitted{plan(job, night)}).effect);
  add(HourBegan{4});
  Plan on = plan(job, night);
  on.placements[0].continues = graph.intent(job).active->run(0);
  on.placements[0].asks = {501, 4, 2};
  on.billed_per_hour = 501;
  EXPECT_TRUE(verify(graph, on).granted) << verify(graph, on).why;
  on.placements[0].asks = graph.site(night).asks;
  on.billed_per_hour = 1001;
  EXPECT_EQ(verify(graph, on).why, "a continued run keeps its asks");
}

TEST_F(HoursTest, AreReadAgainWithTheGraph) {
  add(HourBegan{3});
  const auto again = decode_graph(encode_graph(graph));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->hour(), 3);
  EXPECT_EQ(again->hourly_sites(), 1u);
  EXPECT_EQ(asks_of(*again, night, WorkKind::kJob), (Asks{501, 4, 2}));
  add(SiteDefined{night, VertexId(0u), {.name = "night", .asks = {10, 0, 0}}});
  EXPECT_EQ(graph.hourly_sites(), 0u);
  EXPECT_EQ(asks_of(graph, night, WorkKind::kJob), (Asks{10, 0, 0}));
}

}  // namespace
}  // namespace weir
