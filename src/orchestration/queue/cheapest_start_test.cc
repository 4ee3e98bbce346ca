#include "orchestration/queue/cheapest_start.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <random>

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

// Against every site in every hour, with what else a job may say and a site may be.
RC_GTEST_PROP(CheapestStart, IsTheBestOfEverySiteAndHour, (uint64_t seed)) {
  std::mt19937_64 engine(seed);
  const auto roll = [&engine](int64_t low, int64_t high) { return low + static_cast<int64_t>(engine() % static_cast<uint64_t>(high - low + 1)); };
  Graph graph;
  const TimeUs now = roll(0, 48 * 60) * kHour / 60;
  const auto add = [&](EventBody body) { RC_ASSERT(graph.apply({now, "t", std::move(body)}).effect); };
  add(DomainCreated{.name = "d", .carbon_price_per_kg = roll(0, 20) * kCredit, .scarcity_core_hour = roll(0, 5) * kCredit});
  add(TenantDefined{TenantId(0u), "t"});
  const auto sites = static_cast<uint32_t>(roll(1, 4));
  for (uint32_t s = 0; s < sites; ++s) {
    SiteSpec spec{.name = "s" + std::to_string(s)};
    spec.asks = {roll(1, 10) * kCredit / 10, roll(0, 5) * kCredit / 70, roll(1, 10) * kCredit / 7};
    spec.power = {5'000, roll(5, 15) * 1'000, 1'200, roll(100'000, 600'000)};
    if (roll(0, 2) > 0) spec.residency = {"cn"};
    for (int h = 0, hours = roll(0, 3) > 0 ? 24 : 0; h < hours; ++h) {
      spec.hours.push_back({static_cast<int32_t>(roll(1, 30) * 97), static_cast<int32_t>(roll(0, 20) * 101)});
    }
    add(SiteDefined{SiteId(s), VertexId(s), spec});
    const bool able = roll(0, 2) > 0;
    add(NodesReported{SiteId(s), NodeId(s), {{"n", static_cast<int32_t>(roll(1, 6) * 1000), 4096, static_cast<int16_t>(able ? 4 : 0), able ? "a" : "", 1000}}});
    if (roll(0, 5) > 0) add(SiteStateChanged{SiteId(s), Liveness::kUp, ""});
  }
  graph.apply({now, "t", HourBegan{hour_of_day(now)}});
  IntentSpec spec{.name = "j", .prefer = {static_cast<int32_t>(roll(0, 1) * 1000), static_cast<int32_t>(roll(0, 2) * 500)}};
  spec.workload.kind = WorkKind::kJob;
  spec.workload.cpu_milli = static_cast<int32_t>(roll(1, 4) * 500);
  spec.workload.memory_mib = 512;
  if (roll(0, 2) == 0) spec.workload.accelerators = 1;
  if (spec.workload.accelerators > 0 && roll(0, 1) > 0) spec.workload.accelerator_milli = 500;
  if (roll(0, 2) == 0) spec.where.residency = {"cn"};
  spec.schedule.instances = static_cast<int32_t>(roll(0, 3));
  spec.schedule.start_slack_us = roll(0, 30 * 60) * kHour / 60;
  if (roll(0, 2) == 0) spec.schedule.not_before = now + roll(-60, 20 * 60) * kHour / 60;
  if (roll(0, 2) > 0) spec.schedule.run_time_us_max = roll(1, 300) * kHour / 60;
  const TimeUs from = std::max(now, spec.schedule.not_before);
  if (roll(0, 2) == 0) spec.schedule.deadline = from + roll(60, 30 * 60) * kHour / 60;
  add(IntentSubmitted{IntentId(0u), TenantId(0u), 1, spec});
  std::vector<uint32_t> pools;
  for (uint32_t s = 0; s < sites && roll(0, 2) == 0; ++s) pools.push_back(s);
  const Workload& work = spec.workload;
  const int64_t count = std::max(spec.schedule.instances, 1);
  const CheapestStart found = cheapest_start(
      graph, graph.intent(IntentId(0u)),
      {.each = {work.cpu_milli, work.memory_mib, device_milli(work)}, .count = static_cast<int32_t>(count), .pools = pools});

  const auto holds = [&](uint32_t s, int64_t instances) {
    const NodeRow& node = graph.node(NodeId(s));
    return node.cpu_milli >= instances * work.cpu_milli && node.memory_mib >= instances * work.memory_mib &&
           node.accelerators * 1000 >= instances * device_milli(work);
  };
  std::vector<uint32_t> may, hold_all;
  bool hourly = false;
  for (uint32_t s = 0; s < sites; ++s) {
    const bool lacks = !spec.where.residency.empty() && graph.site_spec(SiteId(s)).residency.empty();
    if (lacks || graph.site(SiteId(s)).state != Liveness::kUp || !holds(s, 1)) continue;
    if (!pools.empty() && std::ranges::find(pools, s) == pools.end()) continue;
    may.push_back(s);
    if (holds(s, count)) hold_all.push_back(s);
  }
  if (!hold_all.empty()) may = hold_all;
  for (const uint32_t s : may) hourly = hourly || !graph.site_spec(SiteId(s)).hours.empty();
  TimeUs to = from + spec.schedule.start_slack_us;
  if (spec.schedule.deadline > 0) to = spec.schedule.run_time_us_max > 0 ? std::min(to, spec.schedule.deadline - spec.schedule.run_time_us_max) : from;
  const auto up = [](__int128 amount, int64_t unit) { return static_cast<int64_t>((amount + unit - 1) / unit); };
  const auto price = [&](uint32_t s, int32_t hour) {
    const SiteSpec& site = graph.site_spec(SiteId(s));
    const HourRate rate = site.hours.empty() ? HourRate{} : site.hours[static_cast<size_t>(hour)];
    const auto pays = [&](int64_t amount, int64_t unit, Nanocredits ask) { return up(static_cast<__int128>(amount) * up(static_cast<__int128>(ask) * rate.asks_milli, 1000), unit); };
    const Nanocredits asked = pays(work.cpu_milli, 1000, site.asks.per_core_hour) + pays(work.memory_mib, 1024, site.asks.per_gib_hour) +
                              pays(device_milli(work), 1000, site.asks.per_accelerator_hour);
    const int64_t mw = up(up(int64_t{work.cpu_milli} * site.power.peak_mw_per_core, 1000) * site.power.pue_milli, 1000);
    const int64_t mg = up(mw * up(site.power.grid_carbon_mg_per_kwh * rate.grid_carbon_milli, 1000), 1'000'000);
    return up(static_cast<__int128>(asked) * spec.prefer.cost_milli, 1000) +
           up(static_cast<__int128>(up(static_cast<__int128>(mg) * graph.prices().carbon_price_per_kg, 1'000'000)) * spec.prefer.carbon_milli, 1000);
  };
  TimeUs at = 0;
  if (hourly && to > from) {
    Nanocredits least = INT64_MAX;
    // In the first of a day's hours it begins at once, and in any other at its beginning.
    for (TimeUs then = from; then <= to && then < from / kHour * kHour + 24 * kHour; then = then / kHour * kHour + kHour) {
      for (const uint32_t s : may) {
        const Nanocredits here = price(s, static_cast<int32_t>(then / kHour % 24));
        if (here >= least) continue;
        least = here;
        at = then == from ? 0 : then;
      }
    }
    if (to >= from / kHour * kHour + kHour) RC_ASSERT(found.per_hour == least);
  }
  RC_ASSERT(found.at == at);
  RC_CLASSIFY(at > 0, "waits");
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
