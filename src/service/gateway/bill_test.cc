#include "service/gateway/bill.h"

#include <gtest/gtest.h>

#include <limits>

namespace weir::gateway {
namespace {

constexpr TimeUs kHour = 3'600'000'000;

Event plan_at(TimeUs at, IntentId intent, std::vector<Placement> placements, Nanocredits path = 0) {
  Plan plan{.intent = intent, .generation = 1, .placements = std::move(placements)};
  if (path != 0) plan.flows.push_back({.ingress = SiteId(0u), .placement = 0, .streams = 1, .path_per_hour = path});
  return {at, "brain", PlanCommitted{plan}};
}
Event usage(RunId run, TimeUs from, TimeUs to) {
  return {to, "site/a", UsageReported{.run = run, .intent = IntentId(0u), .from = from, .to = to, .cpu_us = 1}};
}
Placement half_core(RunId continues = {}) {
  return {.site = SiteId(0u), .node = NodeId(0u), .cpu_milli = 500, .memory_mib = 1024, .streams = 1,
          .asks = {2'000'000'000, 100'000'000, 0}, .continues = continues};
}

TEST(LineAmount, RoundsHalfUpOnceAndSaturates) {
  EXPECT_EQ(line_amount(0, 5, 10), 0);
  EXPECT_EQ(line_amount(4, 1, 10), 0);
  EXPECT_EQ(line_amount(5, 1, 10), 1);
  EXPECT_EQ(line_amount(14, 1, 10), 1);
  EXPECT_EQ(line_amount(15, 1, 10), 2);
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(line_amount(static_cast<unsigned __int128>(kMax) * 1000, kMax, 1), kMax);
  EXPECT_EQ(line_amount(static_cast<unsigned __int128>(kMax), 1, 1), kMax);
}

TEST(Billing, ChargesWhatThePlanReservedForAsLongAsItRan) {
  Billing billing;
  billing.take(0, plan_at(0, IntentId(0u), {half_core()}, 30'000'000));
  billing.take(1, usage({0, 0}, 1000, 1000 + kHour / 2));
  const auto lines = billing.lines(0, 10 * kHour);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].item, "core");
  EXPECT_EQ(lines[0].quantity_milli, 250);
  EXPECT_EQ(lines[0].amount, 500'000'000);  // half a core at 2 credits, for half an hour
  EXPECT_EQ(lines[1].item, "memory");
  EXPECT_EQ(lines[1].amount, 50'000'000);
  EXPECT_EQ(lines[2].item, "network");
  EXPECT_EQ(lines[2].amount, 15'000'000);
}

TEST(Billing, RepeatedAndOverlappingReportsAreChargedOnce) {
  Billing billing;
  billing.take(0, plan_at(0, IntentId(0u), {half_core()}));
  billing.take(1, usage({0, 0}, 0, kHour));
  billing.take(2, usage({0, 0}, 0, kHour));
  billing.take(3, usage({0, 0}, kHour / 2, 2 * kHour));
  billing.take(4, usage({0, 0}, 2 * kHour, 2 * kHour));
  billing.take(5, usage({0, 7}, 0, kHour));  // of no plan
  const auto lines = billing.lines(0, 10 * kHour);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].amount, 2'000'000'000);
}

TEST(Billing, ThePeriodCutsAtBothEnds) {
  Billing billing;
  billing.take(0, plan_at(0, IntentId(0u), {half_core()}));
  billing.take(1, usage({0, 0}, 0, 4 * kHour));
  EXPECT_EQ(billing.lines(kHour, 2 * kHour)[0].amount, 1'000'000'000);
  EXPECT_TRUE(billing.lines(4 * kHour, 5 * kHour).empty());
  EXPECT_TRUE(billing.lines(kHour, kHour).empty());
}

TEST(Billing, AContinuedRunIsChargedByThePlanThatHoldsIt) {
  Billing billing;
  billing.take(0, plan_at(0, IntentId(0u), {half_core()}));
  Placement dearer = half_core({0, 0});
  dearer.asks.per_core_hour = 4'000'000'000;
  billing.take(1, plan_at(kHour, IntentId(0u), {dearer}));
  billing.take(2, usage({0, 0}, 0, 2 * kHour));
  const auto lines = billing.lines(0, 10 * kHour);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].plan, 0u);
  EXPECT_EQ(lines[0].amount, 1'000'000'000);
  EXPECT_EQ(lines[2].plan, 1u);
  EXPECT_EQ(lines[2].amount, 2'000'000'000);
}

TEST(Billing, LinesAddUpWhateverTheReportsAreCutInto) {
  Billing whole, pieces;
  for (Billing* b : {&whole, &pieces}) b->take(0, plan_at(0, IntentId(0u), {half_core()}, 7));
  whole.take(1, usage({0, 0}, 0, 1'000'003));
  for (TimeUs at = 0; at < 1'000'003; at += 7) pieces.take(1, usage({0, 0}, at, std::min<TimeUs>(at + 7, 1'000'003)));
  EXPECT_EQ(whole.lines(0, kHour), pieces.lines(0, kHour));
}

}  // namespace
}  // namespace weir::gateway
