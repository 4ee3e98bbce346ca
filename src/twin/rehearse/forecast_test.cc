#include "twin/rehearse/forecast.h"

#include "twin/rehearse/domain_for_test.h"

namespace weir::twin {
namespace {

constexpr TimeUs kWindow = 4 * kHour;

// So many jobs, one every `every_us`.
void submit_jobs(Domain& domain, int count, TimeUs every_us) {
  for (int i = 0; i < count; ++i) {
    domain.submit(Domain::job("j" + std::to_string(domain.graph.intent_count()), 1 + i % 4));
    domain.now += every_us;
  }
}

TEST(Forecast, OfADomainOfWhichLittleIsKnownNothingIsExpected) {
  Domain domain;
  submit_jobs(domain, 4, kHour);
  EXPECT_EQ(forecast(domain.graph, domain.now, kWindow).source, ForecastSource::kNone);
  domain.submit(Domain::service("s", 1));
  const Forecast none = forecast(domain.graph, domain.now, kWindow);
  EXPECT_EQ(none.source, ForecastSource::kNone) << "services come by nobody's clock";
  EXPECT_TRUE(none.arrivals.empty());
  EXPECT_EQ(none.complete_us, kWindow);
  submit_jobs(domain, 1, kHour);
  EXPECT_EQ(forecast(domain.graph, domain.now, kWindow).source, ForecastSource::kRate);
}

TEST(Forecast, OfAYoungDomainTheMeanRateGoesOn) {
  Domain domain;
  submit_jobs(domain, 6, kHour / 2);  // in 3 hours
  const Forecast found = forecast(domain.graph, domain.now, kWindow);
  EXPECT_EQ(found.source, ForecastSource::kRate);
  ASSERT_EQ(found.arrivals.size(), 8u);
  for (size_t k = 0; k < found.arrivals.size(); ++k) {
    EXPECT_EQ(found.arrivals[k].at_us, static_cast<TimeUs>(2 * k + 1) * kHour / 4) << "evenly spread";
    EXPECT_EQ(found.arrivals[k].spec.workload.cpu_milli, 1'000 * (1 + static_cast<int>(k % 6) % 4));
  }
  EXPECT_EQ(found.arrivals[0].spec.name, "expected-1");
}

TEST(Forecast, ABurstCountsAsAnHour) {
  Domain domain;
  submit_jobs(domain, 6, kSecond);
  EXPECT_EQ(forecast(domain.graph, domain.now, kWindow).arrivals.size(), 24u);
}

TEST(Forecast, OfADayOldDomainTheSameHoursComeAgain) {
  Domain domain;
  const TimeUs begun = domain.now;
  submit_jobs(domain, 24, kHour);
  ASSERT_EQ(domain.now, begun + kDay);
  domain.now += kMinute;
  const Forecast found = forecast(domain.graph, domain.now, kWindow);
  EXPECT_EQ(found.source, ForecastSource::kYesterday);
  ASSERT_EQ(found.arrivals.size(), 4u) << "the first came a day and a minute ago";
  EXPECT_EQ(found.arrivals[0].at_us, kHour - kMinute);
  EXPECT_EQ(found.arrivals[3].at_us, 4 * kHour - kMinute);
  EXPECT_EQ(found.arrivals[0].spec.workload.cpu_milli, 2'000) << "as it was then";
}

TEST(Forecast, TimesOfASpecGoWithIt) {
  Domain domain;
  IntentSpec spec = Domain::job("timed", 1);
  spec.schedule.not_before = domain.now + kMinute;
  spec.schedule.deadline = domain.now + kHour;
  domain.submit(spec);
  domain.now += kDay - kHour;
  const Forecast found = forecast(domain.graph, domain.now, kWindow, {.known_min = 1});
  ASSERT_EQ(found.source, ForecastSource::kRate);
  domain.now += kHour / 2;
  domain.submit(Domain::service("s", 1));
  domain.now += kHour / 2 - kMinute;
  const Forecast rate = forecast(domain.graph, domain.now, kDay, {.known_min = 1});
  ASSERT_EQ(rate.arrivals.size(), 1u);
  const Schedule& schedule = rate.arrivals[0].spec.schedule;
  EXPECT_EQ(schedule.not_before, domain.now + rate.arrivals[0].at_us + kMinute);
  EXPECT_EQ(schedule.deadline, domain.now + rate.arrivals[0].at_us + kHour);
}

TEST(Forecast, WhatIsNoBatchWorkOfItsOwnIsLeftOut) {
  Domain domain;
  IntentSpec array = Domain::job("array", 1);
  array.schedule.tasks = 3;
  const IntentId id = domain.submit(array);
  for (uint32_t task = 0; task < 2; ++task) domain.add(IntentSubmitted{IntentId(task + 1), TenantId(0u), 1, {}, id, task});
  IntentSpec kept = Domain::job("kept", 1);
  kept.schedule.reservation = "window";
  domain.submit(kept);
  domain.now += kHour;
  const Forecast found = forecast(domain.graph, domain.now, kHour, {.known_min = 1});
  ASSERT_EQ(found.arrivals.size(), 1u) << "the array, and not its tasks, nor what runs in a reservation";
  EXPECT_EQ(found.arrivals[0].spec.schedule.tasks, 3);
}

TEST(Forecast, BoundsCutItAndSaySo) {
  Domain domain;
  submit_jobs(domain, 8, kHour / 2);
  domain.submit(Domain::service("expected-2", 1));
  const Forecast all = forecast(domain.graph, domain.now, kWindow, {.known_min = 8, .arrivals_max = 8});
  ASSERT_EQ(all.arrivals.size(), 8u);
  EXPECT_EQ(all.complete_us, kWindow);
  EXPECT_EQ(all.arrivals[1].spec.name, "expected-3") << "the name is taken";
  const Forecast cut = forecast(domain.graph, domain.now, kWindow, {.known_min = 8, .arrivals_max = 7});
  EXPECT_EQ(cut.arrivals.size(), 7u);
  EXPECT_EQ(cut.complete_us, all.arrivals[7].at_us);
  EXPECT_EQ(forecast(domain.graph, domain.now, kWindow, {.known_min = 9}).source, ForecastSource::kNone);
}

}  // namespace
}  // namespace weir::twin
