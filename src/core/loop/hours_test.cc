#include "core/graph/hours.h"

#include <gtest/gtest.h>

#include "core/loop/loop_for_test.h"

namespace weir {
namespace {

constexpr TimeUs kMinuteUs = 60'000'000;

// The hub asks half in hour 3.
class HoursTest : public LoopOfTwoSites {
 protected:
  SiteSpec hub(bool hourly = true) const {
    SiteSpec spec{.name = "s0", .asks = {.per_core_hour = 1000}};
    if (!hourly) return spec;
    spec.hours.assign(24, HourRate{});
    spec.hours[3].asks_milli = 500;
    return spec;
  }
  void begin(bool hourly) {
    describe();
    if (hourly) write(SiteDefined{kHub, VertexId(0u), hub()});
    LoopOfTwoSites::start(ports());
  }
  void define(SiteSpec spec) {
    turn(Loop::Propose{{{"operator/o", SiteDefined{kHub, VertexId(0u), std::move(spec)}}},
                       [](const Result<Admitted>& answer) { EXPECT_TRUE(answer.has_value()); }});
  }
  // Those that began, as the ledger has them, after it was looked at last.
  std::vector<int32_t> began() {
    std::vector<int32_t> out;
    const Status all = log.read(seen, log.durable_end(), [&](Position, Bytes bytes) -> Status {
      const auto event = decode(bytes);
      EXPECT_TRUE(event.has_value());
      if (const auto* hour = std::get_if<HourBegan>(&event->body)) {
        EXPECT_EQ(event->actor, "brain");
        EXPECT_EQ(hour_of_day(event->at), hour->hour);
        out.push_back(hour->hour);
      }
      return {};
    });
    EXPECT_TRUE(all.has_value());
    seen = log.durable_end();
    return out;
  }
  using Hours = std::vector<int32_t>;
  Position seen = 0;
};

TEST_F(HoursTest, AreWrittenOnceEachAsTheyBegin) {
  now_us = 2 * kUsOfHour - 90 * 1'000'000;
  begin(true);
  EXPECT_EQ(began(), Hours({1})) << "before anything is decided";
  for (int i = 0; i < 200; ++i) idle(1'000'000);
  EXPECT_EQ(began(), Hours({2}));
  EXPECT_EQ(loop->head().hour(), 2);
  now_us = 3 * kUsOfHour - 1;
  idle();
  EXPECT_EQ(began(), Hours());
  idle(1);
  EXPECT_EQ(began(), Hours({3}));
  EXPECT_EQ(loop->head().site(kHub).hour.asks_milli, 500);
  idle(22 * kUsOfHour);
  EXPECT_EQ(began(), Hours({1})) << "those that nobody saw are not written";
}

TEST_F(HoursTest, WakeTheLoopWhenTheNextBegins) {
  now_us = 3 * kUsOfHour - kMinuteUs;
  begin(true);
  LoopOptions seldom;
  seldom.turn_us_max = seldom.site_silence_us = seldom.clock_look_us = seldom.resend_us = 24 * kUsOfHour;
  LoopOfTwoSites::start(ports(), seldom);
  idle(1'000);
  idle(1'000);
  EXPECT_EQ(loop->wake_us(), 3 * kUsOfHour);
  now_us = loop->wake_us();
  idle();
  EXPECT_EQ(loop->head().hour(), 3);
  EXPECT_EQ(loop->wake_us(), 4 * kUsOfHour);
}

TEST_F(HoursTest, AreNoMatterWhereNoSiteHasAny) {
  now_us = 3 * kUsOfHour - kMinuteUs;
  begin(false);
  idle(2 * kUsOfHour);
  EXPECT_EQ(began(), Hours());
  define(hub());
  EXPECT_EQ(began(), Hours({4})) << "with the first that has";
  define(hub(false));
  idle(kUsOfHour);
  EXPECT_EQ(began(), Hours());
}

TEST_F(HoursTest, GoOnAfterARestartAndNeverBack) {
  now_us = 3 * kUsOfHour + kMinuteUs;
  begin(true);
  EXPECT_EQ(began(), Hours({3}));
  LoopOfTwoSites::start(ports());
  EXPECT_EQ(began(), Hours()) << "it is still that hour";
  idle(kUsOfHour);
  EXPECT_EQ(began(), Hours({4}));
  now_us -= 30 * kMinuteUs;  // the clock is set back
  for (int i = 0; i < 10; ++i) idle(1'000);
  EXPECT_EQ(began(), Hours());
}

TEST_F(HoursTest, AreWrittenLaterWhereTheDiskHasNoRoom) {
  now_us = 3 * kUsOfHour - kMinuteUs;
  begin(true);
  (void)began();
  log.limit_space(log.bytes());
  idle(kMinuteUs);
  EXPECT_EQ(began(), Hours());
  log.limit_space(InMemoryLogStore::kUnlimited);
  idle(1'000);
  EXPECT_EQ(began(), Hours({3}));
}

}  // namespace
}  // namespace weir
