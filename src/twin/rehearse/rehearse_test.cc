#include "twin/rehearse/rehearse.h"

#include <cstdlib>

#include "core/graph/checkpoint.h"
#include "core/loop/loop.h"
#include "twin/rehearse/domain_for_test.h"

namespace weir::twin {
namespace {

constexpr TimeUs kEarly = 2;  // a run ends so much before its limit at most

void expect_near(int64_t value, int64_t expected, int64_t within) { EXPECT_LE(std::abs(value - expected), within) << value << " and not " << expected; }

TEST(Rehearse, InAFreeDomainAJobStartsAtOnce) {
  const Domain domain;
  const Rehearsal found = domain.rehearsed(Domain::wish(Domain::job("wish", 2)));
  EXPECT_EQ(found.problem, "");
  EXPECT_EQ(found.reached_us, 4 * kHour);
  EXPECT_EQ(found.forecast, ForecastSource::kNone);
  EXPECT_EQ(found.starts_us, 0);
  ASSERT_TRUE(found.ends_us);
  expect_near(*found.ends_us, kHour, kEarly);
  expect_near(found.billed, 2 * kCredit, 10);
  EXPECT_EQ(found.others_later, 0);
  EXPECT_EQ(found.moves + found.preemptions, 0);
  EXPECT_EQ(found.short_us, 0);
}

TEST(Rehearse, InAFullQueueItStartsWhenARunningOneIsExpectedToEnd) {
  Domain domain;
  domain.run(domain.submit(Domain::job("first", 8)));
  domain.now += kHour / 4;
  Rehearsal found = domain.rehearsed(Domain::wish(Domain::job("wish", 8)));
  ASSERT_TRUE(found.starts_us);
  expect_near(*found.starts_us, 3 * kHour / 4, kEarly);
  // One that runs for longer than it was estimated runs to its limit; one without a limit goes on.
  IntentSpec estimated = Domain::job("second", 8, 3 * kHour);
  estimated.schedule.run_time_us_estimated = kHour;
  Domain overdue;
  overdue.run(overdue.submit(estimated));
  overdue.now += 2 * kHour;
  found = overdue.rehearsed(Domain::wish(Domain::job("wish", 8)));
  ASSERT_TRUE(found.starts_us);
  expect_near(*found.starts_us, kHour, kEarly);
  Domain endless;
  endless.run(endless.submit(Domain::job("third", 8, 0)));
  found = endless.rehearsed(Domain::wish(Domain::job("wish", 8)));
  EXPECT_FALSE(found.starts_us);
  EXPECT_EQ(found.billed, 0);
}

// A day old, with a job of priority 5 every hour that fills it for a little longer: the next comes in 10 minutes.
Domain yesterday() {
  Domain domain;
  for (int i = 0; i < 25; ++i) {
    if (i > 0) domain.now += kHour;
    const IntentId id = domain.submit(Domain::job("d" + std::to_string(i), 8, kHour + 5 * kMinute, 5));
    domain.add(IntentWithdrawn{id, true});
  }
  domain.now += kHour - 10 * kMinute;
  return domain;
}

TEST(Rehearse, WhatIsExpectedPushesALowPriorityBack) {
  Domain domain = yesterday();
  domain.run(domain.submit(Domain::job("running", 8, kHour / 2)));
  const Rehearsal low = domain.rehearsed(Domain::wish(Domain::job("wish", 8, kHour / 4)));
  EXPECT_EQ(low.forecast, ForecastSource::kYesterday);
  EXPECT_EQ(low.arrivals, 4);
  EXPECT_FALSE(low.starts_us) << "the arrivals leave it no hour";
  const Rehearsal high = domain.rehearsed(Domain::wish(Domain::job("wish", 8, kHour / 4, 9)));
  ASSERT_TRUE(high.starts_us);
  EXPECT_EQ(high.others_later, 4) << "it runs for 5 minutes more when the first comes";
  expect_near(high.others_later_us, 5 * kMinute, kMinute);
  RehearseOptions nobody;
  nobody.forecast.known_min = 1'000;
  const Rehearsal alone = domain.rehearsed(Domain::wish(Domain::job("wish", 8, kHour / 4)), nobody);
  EXPECT_EQ(alone.forecast, ForecastSource::kNone);
  ASSERT_TRUE(alone.starts_us);
  expect_near(*alone.starts_us, kHour / 2, kEarly);
}

TEST(Rehearse, ItSaysWhoWaitsForIt) {
  Domain domain;
  domain.run(domain.submit(Domain::job("running", 8, kHour)));
  domain.now += kMinute;
  domain.submit(Domain::job("waiting", 8, kHour));
  const Rehearsal last = domain.rehearsed(Domain::wish(Domain::job("wish", 8, kHour)));
  ASSERT_TRUE(last.starts_us);
  expect_near(*last.starts_us, 2 * kHour - kMinute, 2 * kEarly);
  EXPECT_EQ(last.others_later, 0);
  const Rehearsal first = domain.rehearsed(Domain::wish(Domain::service("wish", 8)));
  EXPECT_FALSE(first.starts_us && *first.starts_us == 0) << "there is no room for it";
}

TEST(Rehearse, ItSaysWhoGivesWay) {
  Domain domain;
  domain.run(domain.submit(Domain::job("running", 8, kHour)));
  domain.now += kMinute;
  const Rehearsal found = domain.rehearsed(Domain::wish(Domain::job("wish", 8, kHour, 9)));
  ASSERT_TRUE(found.starts_us);
  EXPECT_LT(*found.starts_us, kMinute);
  EXPECT_EQ(found.others_preempted, 1);
}

TEST(Rehearse, AServiceIsRepairedWhereThereIsAnotherSite) {
  const Domain two(2), one(1);
  const Rehearsal repaired = two.rehearsed(Domain::wish(Domain::service("wish", 8)));
  EXPECT_EQ(repaired.starts_us, 0);
  EXPECT_FALSE(repaired.ends_us);
  expect_near(repaired.billed, 32 * kCredit, 10);
  EXPECT_EQ(repaired.lost, SiteId(0u));
  ASSERT_TRUE(repaired.repaired_us);
  EXPECT_LT(*repaired.repaired_us, 10 * kSecond);
  const Rehearsal lost = one.rehearsed(Domain::wish(Domain::service("wish", 8)));
  EXPECT_EQ(lost.lost, SiteId(0u));
  EXPECT_FALSE(lost.repaired_us);
}

TEST(Rehearse, AJobIsBegunElsewhereWhenItsLeaseIsOver) {
  const Domain domain(2);
  const Rehearsal found = domain.rehearsed(Domain::wish(Domain::job("wish", 8)));
  EXPECT_TRUE(found.lost.valid());
  ASSERT_TRUE(found.repaired_us);
  EXPECT_GE(*found.repaired_us, LoopOptions().lease_us);
  EXPECT_LT(*found.repaired_us, kMinute);
}

TEST(Rehearse, AnArrayStartsWithItsFirstTask) {
  const Domain domain;
  IntentSpec array = Domain::job("wish", 4, kHour);
  array.schedule.tasks = 4;
  const Rehearsal found = domain.rehearsed(Domain::wish(array));
  EXPECT_EQ(found.starts_us, 0);
  ASSERT_TRUE(found.ends_us);
  expect_near(*found.ends_us, 2 * kHour, 4 * kEarly);
  expect_near(found.billed, 16 * kCredit, 100);
  EXPECT_FALSE(found.lost.valid());
}

TEST(Rehearse, AWishThatChangesWhatRuns) {
  Domain domain(2);
  IntentSpec spec = Domain::service("known", 4);
  domain.run(domain.submit(spec));
  EXPECT_EQ(domain.rehearsed(Domain::wish(spec)).starts_us, 0) << "it runs";
  spec.workload.cpu_milli = 6'000;
  const Rehearsal changed = domain.rehearsed(Domain::wish(spec));
  EXPECT_EQ(changed.starts_us, 0);
  expect_near(changed.billed, 24 * kCredit, 10);
}

// Begins at once, gives way after an hour to what comes every day for an hour, and has kept its last checkpoint.
TEST(Rehearse, ACheckpointHoldsWhatAllInstancesHaveDone) {
  for (const int32_t instances : {1, 4}) {
    Domain domain;
    const auto came = [&](const std::string& name, int32_t priority) { domain.add(IntentWithdrawn{domain.submit(Domain::job(name, 8, kHour, priority)), true}); };
    came("first", 0);
    domain.now += 2 * kHour;
    came("urgent", 9);
    domain.now += 8 * kHour;
    for (int i = 0; i < 4; ++i) came("other-" + std::to_string(i), 0);
    domain.now += 15 * kHour;
    IntentSpec spec = Domain::job("wish", 8 / instances, 2 * kHour);
    spec.schedule.instances = instances;
    spec.schedule.checkpoint_interval_us = 10 * kMinute;
    const Rehearsal found = domain.rehearsed(Domain::wish(spec));
    EXPECT_EQ(found.forecast, ForecastSource::kYesterday);
    EXPECT_EQ(found.arrivals, 1);
    EXPECT_EQ(found.starts_us, 0);
    EXPECT_EQ(found.preemptions, 1);
    EXPECT_EQ(found.moves, 0);
    ASSERT_TRUE(found.ends_us) << instances;
    expect_near(*found.ends_us, 3 * kHour, 11 * kMinute);
  }
}

TEST(Rehearse, AWishThatIsCalledLikeAnArrivalStaysItself) {
  const Domain domain = yesterday();
  const Rehearsal other = domain.rehearsed(Domain::wish(Domain::job("wish", 2)));
  EXPECT_EQ(domain.rehearsed(Domain::wish(Domain::job("expected-1", 2))), other);
}

TEST(Rehearse, AllRunsOfAQuestionAreBoundedTogether) {
  const Domain domain = yesterday();
  const std::vector<IntentSubmitted> wishes = {Domain::wish(Domain::job("a", 2)), Domain::wish(Domain::job("b", 2))};
  RehearseOptions options;
  for (options.all.decisions_max = 0; options.all.decisions_max < 200; options.all.decisions_max += 5) {
    const auto found = rehearse(domain.graph, domain.now, wishes, Domain::with(), options);
    ASSERT_EQ(found.size(), 2u);
    for (const Rehearsal& one : found) EXPECT_EQ(one.reached_us == 0, !one.problem.empty());
  }
  EXPECT_EQ(rehearse(domain.graph, domain.now, wishes, Domain::with(), options).at(1).reached_us, 4 * kHour);
  options.all = {.turns_max = 0, .decisions_max = 1'000};
  EXPECT_NE(rehearse(domain.graph, domain.now, wishes, Domain::with(), options).at(0).problem, "");
}

TEST(Rehearse, WhatIsNotAdmittedSaysWhy) {
  const Domain domain;
  IntentSpec spec = Domain::job("wish", 1);
  spec.schedule.queue = "nobody's";
  const Rehearsal found = domain.rehearsed(Domain::wish(spec));
  EXPECT_NE(found.problem, "");
  EXPECT_EQ(found.reached_us, 0);
  EXPECT_EQ(found.window_us, 4 * kHour);
}

TEST(Rehearse, BoundsAreKeptAndSaid) {
  Domain domain = yesterday();
  RehearseOptions options;
  options.intents_max = domain.graph.intent_count();
  options.nodes_max = domain.graph.node_count();
  EXPECT_EQ(domain.rehearsed(Domain::wish(Domain::job("wish", 1)), options).problem, "");
  --options.intents_max;
  EXPECT_NE(domain.rehearsed(Domain::wish(Domain::job("wish", 1)), options).problem, "");
  ++options.intents_max;
  --options.nodes_max;
  EXPECT_NE(domain.rehearsed(Domain::wish(Domain::job("wish", 1)), options).problem, "");
  ++options.nodes_max;
  // By the number of arrivals: up to the first that is left out.
  options.forecast.arrivals_max = 4;
  EXPECT_EQ(domain.rehearsed(Domain::wish(Domain::job("wish", 1)), options).reached_us, 4 * kHour);
  options.forecast.arrivals_max = 3;
  const Rehearsal cut = domain.rehearsed(Domain::wish(Domain::job("wish", 1)), options);
  EXPECT_EQ(cut.reached_us, 3 * kHour + 10 * kMinute);
  EXPECT_EQ(cut.arrivals, 3);
  // By turns, and by decisions.
  options = {};
  options.run.turns_max = 12;
  const Rehearsal turns = domain.rehearsed(Domain::wish(Domain::job("wish", 1)), options);
  EXPECT_LT(turns.reached_us, 4 * kHour);
  EXPECT_EQ(turns.starts_us, 0);
  options = {};
  TimeUs reached_us = -1;
  for (options.run.decisions_max = 1; options.run.decisions_max < 20; ++options.run.decisions_max) {
    const Rehearsal decisions = domain.rehearsed(Domain::wish(Domain::job("wish", 1)), options);
    EXPECT_GE(decisions.reached_us, reached_us);
    EXPECT_EQ(decisions.reached_us == 0, options.run.decisions_max == 1);
    reached_us = decisions.reached_us;
  }
  EXPECT_EQ(reached_us, 4 * kHour);
  options.run.turns_max = 1;
  EXPECT_EQ(domain.rehearsed(Domain::wish(Domain::job("wish", 1)), options).reached_us, 0);
}

TEST(Rehearse, EqualGraphsGiveEqualAnswersAndStayAsTheyAre) {
  Domain domain = yesterday();
  domain.run(domain.submit(Domain::job("running", 4, kHour / 2)));
  domain.submit(Domain::job("waiting", 8));
  const std::vector<std::byte> before = encode_graph(domain.graph);
  const std::vector<IntentSubmitted> wishes = {Domain::wish(Domain::job("a", 8, kHour, 9)), Domain::wish(Domain::service("b", 3)),
                                               Domain::wish(Domain::job("c", 2))};
  const auto once = rehearse(domain.graph, domain.now, wishes, Domain::with());
  const auto twice = rehearse(domain.graph, domain.now, wishes, Domain::with());
  EXPECT_EQ(once, twice);
  ASSERT_EQ(once.size(), 3u);
  for (size_t i = 0; i < wishes.size(); ++i) EXPECT_EQ(domain.rehearsed(wishes[i]), once[i]) << "each as if it were alone";
  EXPECT_EQ(encode_graph(domain.graph), before);
  EXPECT_TRUE(rehearse(domain.graph, domain.now, {}, Domain::with()).empty());
}

}  // namespace
}  // namespace weir::twin
