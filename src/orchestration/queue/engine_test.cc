#include "orchestration/queue/engine.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::queue {
namespace {

Job job(uint64_t id, int32_t cores, TimeUs limit_us) {
  Job made;
  made.id = id;
  made.estimated_us = made.limit_us = limit_us;
  made.each.cpu_milli = 1000;
  made.count = cores;
  return made;
}

struct Domain {
  explicit Domain(EngineOptions options = {}, PolicyKind policy = PolicyKind::kFcfs) : engine(options) {
    engine.set_pool(1, {.cpu_milli = 10'000});
    engine.set_policy(0, policy);
  }
  // Starts whatever a pass offers; the ids.
  std::vector<uint64_t> pass(TimeUs now) {
    std::vector<uint64_t> ids;
    for (const Start& start : engine.pass(now).starts) {
      ids.push_back(start.job);
      EXPECT_TRUE(engine.started(start.job, start.parts, now));
    }
    return ids;
  }
  Engine engine;
};

using Ids = std::vector<uint64_t>;

TEST(Engine, WithoutBackfillNobodyPasses) {
  Domain domain({.backfill = Backfill::kNone});
  EXPECT_TRUE(domain.engine.submit(job(1, 6, 100)));
  EXPECT_TRUE(domain.engine.submit(job(2, 6, 100)));
  EXPECT_TRUE(domain.engine.submit(job(3, 1, 10)));
  EXPECT_EQ(domain.pass(0), Ids{1});
  EXPECT_TRUE(domain.engine.ended(1, 40));
  EXPECT_EQ(domain.pass(40), (Ids{2, 3}));
}

TEST(Engine, EasyLetsPassWhatDoesNotDelayTheFirst) {
  Domain domain;
  EXPECT_TRUE(domain.engine.submit(job(1, 6, 100)));
  EXPECT_TRUE(domain.engine.submit(job(2, 8, 100)));
  EXPECT_TRUE(domain.engine.submit(job(3, 4, 101)));  // would delay 2
  EXPECT_TRUE(domain.engine.submit(job(4, 2, 500)));  // 2 leaves it room
  EXPECT_TRUE(domain.engine.submit(job(5, 2, 100)));  // ends in time
  EXPECT_EQ(domain.pass(0), (Ids{1, 4, 5}));
  EXPECT_EQ(domain.pass(100), Ids{});  // 1 and 5 are over their limits
  EXPECT_TRUE(domain.engine.ended(1, 100));
  EXPECT_TRUE(domain.engine.ended(5, 100));
  EXPECT_EQ(domain.pass(100), Ids{2});
}

TEST(Engine, WhoHasToBeginSoonToKeepItsDeadlineGoesFirst) {
  for (const PolicyKind policy : {PolicyKind::kFcfs, PolicyKind::kWfp3, PolicyKind::kWeir}) {
    Domain domain({}, policy);
    const auto due = [](uint64_t id, TimeUs deadline) {
      Job made = job(id, 10, 100);
      made.deadline = deadline;
      return made;
    };
    for (const Job& each : {job(1, 10, 100), job(2, 10, 100), job(3, 10, 100), due(8, 350), due(9, 400)}) {
      EXPECT_TRUE(domain.engine.submit(each));
    }
    EXPECT_EQ(domain.pass(0), Ids{1});
    EXPECT_TRUE(domain.engine.ended(1, 100));
    EXPECT_EQ(domain.pass(149), Ids{2}) << "nobody has to begin yet";
    EXPECT_EQ(domain.pass(150), Ids{});
    EXPECT_TRUE(domain.engine.explain(8).urgent);
    EXPECT_EQ(domain.engine.explain(8).position, 0u);
    EXPECT_FALSE(domain.engine.explain(9).urgent);
    EXPECT_TRUE(domain.engine.ended(2, 210));
    EXPECT_EQ(domain.pass(210), Ids{8}) << "of two, whose latest start comes first";
    EXPECT_TRUE(domain.engine.explain(9).urgent);
    EXPECT_EQ(domain.pass(300), Ids{});
    EXPECT_TRUE(domain.engine.explain(9).urgent) << "at the last instant";
    EXPECT_TRUE(domain.engine.ended(8, 301));
    EXPECT_EQ(domain.pass(301), Ids{3}) << "what is too late anyway delays nobody";
    EXPECT_TRUE(domain.engine.withdraw(9));
    EXPECT_EQ(domain.engine.waiting(), 0u);
  }
}

Job malleable(uint64_t id, int32_t least, int32_t most, TimeUs limit_us) {
  Job made = job(id, most, limit_us);
  made.count_min = least;
  return made;
}

TEST(Engine, AMalleableJobBeginsWithAsManyInstancesAsThereIsRoomFor) {
  Domain domain;
  EXPECT_TRUE(domain.engine.submit(job(1, 6, 100)));
  EXPECT_TRUE(domain.engine.submit(malleable(2, 2, 8, 300)));
  EXPECT_TRUE(domain.engine.submit(malleable(3, 6, 8, 100)));
  EXPECT_EQ(domain.pass(0), (Ids{1, 2}));
  EXPECT_EQ(domain.engine.job(2)->count, 4);
  EXPECT_EQ(domain.engine.explain(3).code, WhyCode::kResource);
  EXPECT_EQ(domain.engine.explain(3).reserved_start, 100) << "with the fewest that it does with";
  EXPECT_TRUE(domain.engine.ended(1, 100));
  EXPECT_EQ(domain.pass(100), Ids{3});
  EXPECT_EQ(domain.engine.job(3)->count, 6);
  EXPECT_TRUE(domain.engine.ended(2, 110));
  EXPECT_TRUE(domain.engine.ended(3, 110));
  EXPECT_TRUE(domain.engine.submit(malleable(4, 1, 8, 10)));
  EXPECT_EQ(domain.pass(110), Ids{4});
  EXPECT_EQ(domain.engine.job(4)->count, 8) << "never more than all";
}

TEST(Engine, AMalleableJobIsSpreadOnlyForMoreThanOnePoolHolds) {
  Domain domain;
  domain.engine.set_pool(2, {.cpu_milli = 4'000});
  EXPECT_TRUE(domain.engine.submit(malleable(1, 1, 4, 100)));
  auto starts = domain.engine.pass(0).starts;
  ASSERT_EQ(starts.size(), 1u);
  EXPECT_EQ(starts[0].parts, (std::vector<Part>{{2, 4}})) << "where least is left";
  EXPECT_TRUE(domain.engine.held(1, 50, 0));
  EXPECT_TRUE(domain.engine.submit(malleable(2, 1, 12, 100)));
  starts = domain.engine.pass(10).starts;
  ASSERT_EQ(starts.size(), 1u);
  EXPECT_EQ(starts[0].parts, (std::vector<Part>{{1, 10}, {2, 2}}));
}

TEST(Engine, AMalleableJobBeginsWithWhatItsQueueMayHave) {
  Domain domain;
  constexpr Amount kBound{.cpu_milli = 5000};
  Amount used;
  domain.engine.set_shares({.key = [](uint32_t, const Amount&) { return 0; },
                            .allows = [&](uint32_t, const Amount& offered,
                                          const Amount& more) { return (used + offered + more).fits(kBound); },
                            .offered = {},
                            .bounds = {}});
  EXPECT_TRUE(domain.engine.submit(malleable(1, 2, 8, 100)));
  EXPECT_EQ(domain.pass(0), Ids{1});
  EXPECT_EQ(domain.engine.job(1)->count, 5);
  used.cpu_milli = 4000;
  domain.engine.shares_changed();
  EXPECT_TRUE(domain.engine.submit(malleable(2, 2, 8, 100)));
  EXPECT_TRUE(domain.engine.submit(malleable(3, 1, 8, 100)));
  EXPECT_EQ(domain.pass(10), Ids{3});
  EXPECT_EQ(domain.engine.job(3)->count, 1);
  EXPECT_EQ(domain.engine.explain(2).code, WhyCode::kQuota);
}

TEST(Engine, WhatIsNoMalleableJobIsRefused) {
  Domain domain;
  EXPECT_FALSE(domain.engine.submit(malleable(1, 5, 4, 100)));
  EXPECT_FALSE(domain.engine.submit(malleable(1, -1, 4, 100)));
  EXPECT_TRUE(domain.engine.submit(malleable(1, 4, 4, 100))) << "the rigid job";
  EXPECT_TRUE(domain.engine.submit(malleable(2, 3, 5, 100)));
  for (const int32_t count : {2, 6}) EXPECT_FALSE(domain.engine.started(2, std::vector<Part>{{1, count}}, 0)) << count;
  EXPECT_TRUE(domain.engine.started(2, std::vector<Part>{{1, 3}}, 0));
  EXPECT_EQ(domain.engine.job(2)->count, 3);
}

TEST(Engine, SaysWhatIsFreeWhileAJobRunsAndWhatAnotherMayTakeOver) {
  Domain domain;
  EXPECT_TRUE(domain.engine.submit(malleable(1, 2, 4, 200)));
  EXPECT_TRUE(domain.engine.submit(job(2, 4, 100)));
  EXPECT_TRUE(domain.engine.submit(job(3, 5, 100)));  // at 100, when 2 ends
  EXPECT_TRUE(domain.engine.submit(job(4, 3, 60)));
  EXPECT_TRUE(domain.engine.submit(job(5, 3, 150)));
  EXPECT_EQ(domain.pass(0), (Ids{1, 2}));
  EXPECT_EQ(domain.engine.explain(3).reserved_start, 100);
  EXPECT_EQ(domain.engine.free_while_running(1, 1).cpu_milli, 1000) << "3 is promised the rest at 100";
  EXPECT_EQ(domain.engine.free_while_running(2, 1).cpu_milli, 2000);
  EXPECT_EQ(domain.engine.free_while_running(1, 2), Amount{}) << "no such pool";
  EXPECT_EQ(domain.engine.free_while_running(4, 1), Amount{}) << "it waits";
  EXPECT_EQ(domain.engine.expected_end(1), 200);
  EXPECT_EQ(domain.engine.expected_end(3), kNever);
  const Amount give{.cpu_milli = 1000};
  EXPECT_TRUE(domain.engine.may_take_over(4, 1, 3, give, 200));
  EXPECT_FALSE(domain.engine.may_take_over(4, 1, 4, give, 200)) << "there are three";
  EXPECT_FALSE(domain.engine.may_take_over(5, 1, 3, give, 200)) << "it would delay 3";
  EXPECT_TRUE(domain.engine.may_take_over(5, 1, 2, give, 200));
  EXPECT_FALSE(domain.engine.may_take_over(1, 1, 1, give, 200)) << "it runs";
  EXPECT_TRUE(domain.engine.may_take_over(3, 1, 5, {.cpu_milli = 3000}, 100)) << "its own start is not in its way";
  EXPECT_FALSE(domain.engine.may_take_over(3, 1, 5, {.cpu_milli = 3000}, 99));
  EXPECT_EQ(domain.engine.explain(3).reserved_start, 100);
}

TEST(Engine, EstimatedStartsKeepWithinBounds) {
  Domain domain;
  constexpr Amount kBound{.cpu_milli = 4000, .memory_mib = 1 << 20, .accelerator_milli = 1 << 20};
  Amount used;
  domain.engine.set_shares(
      {.key = [](uint32_t, const Amount&) { return 0; },
       .allows = [&](uint32_t, const Amount& offered, const Amount& more) { return (used + offered + more).fits(kBound); },
       .offered = {},
       .bounds = [&](uint32_t) { return std::vector{std::pair(7u, kBound)}; }});
  for (const Job& each : {job(1, 4, 100), job(2, 4, 100), job(3, 1, 50), job(4, 3, 50), job(5, 5, 10)}) {
    EXPECT_TRUE(domain.engine.submit(each));
  }
  EXPECT_EQ(domain.pass(0), Ids{1});
  used.cpu_milli = 4000;
  EXPECT_EQ(domain.pass(10), Ids{});
  EXPECT_EQ(domain.engine.explain(2).code, WhyCode::kQuota);
  EXPECT_EQ(domain.engine.explain(2).estimated_start, 100);
  EXPECT_EQ(domain.engine.explain(3).estimated_start, 200);
  EXPECT_EQ(domain.engine.explain(4).estimated_start, 200) << "beside the one before it";
  EXPECT_EQ(domain.engine.explain(5).estimated_start, kNever) << "more than it may ever use";
}

TEST(Engine, WithoutSparePassesOnlyWhatEndsBefore) {
  Domain domain({.spare = false});
  for (const Job& each : {job(1, 6, 100), job(2, 8, 100), job(3, 2, 500), job(4, 2, 100), job(5, 2, 99)}) {
    EXPECT_TRUE(domain.engine.submit(each));
  }
  EXPECT_EQ(domain.pass(0), (Ids{1, 5}));
}

TEST(Engine, ConservativeKeepsEveryPromise) {
  Domain domain({.backfill = Backfill::kConservative});
  for (const Job& each : {job(1, 10, 100), job(2, 8, 100), job(3, 5, 100), job(4, 5, 150), job(5, 2, 300)}) {
    EXPECT_TRUE(domain.engine.submit(each));
  }
  EXPECT_EQ(domain.pass(0), Ids{1});
  EXPECT_EQ(domain.engine.explain(2).promised_start, 100);
  EXPECT_EQ(domain.engine.explain(3).promised_start, 200);
  EXPECT_EQ(domain.engine.explain(4).promised_start, 200);
  EXPECT_EQ(domain.engine.explain(5).promised_start, 300);
  EXPECT_TRUE(domain.engine.ended(1, 20));
  EXPECT_EQ(domain.pass(20), Ids{2});
  EXPECT_EQ(domain.engine.explain(3).promised_start, 120);
  EXPECT_EQ(domain.engine.explain(5).promised_start, 220);
}

TEST(Engine, WhoBeginsLaterThanItWasOfferedLeavesOthersThatWereOfferedRoomTheirs) {
  Domain domain({.backfill = Backfill::kConservative});
  for (uint64_t id = 1; id <= 6; ++id) EXPECT_TRUE(domain.engine.submit(job(id, 5, 100)));
  const auto offered = domain.engine.pass(0).starts;
  ASSERT_EQ(offered.size(), 2u);
  EXPECT_EQ(domain.engine.explain(4).promised_start, 100);
  EXPECT_TRUE(domain.engine.started(1, offered[0].parts, 7));
  EXPECT_TRUE(domain.engine.may_start(2, offered[1].parts)) << "for 7 us more than there is room were promised";
  EXPECT_TRUE(domain.engine.started(2, offered[1].parts, 9));
  EXPECT_EQ(domain.pass(9), Ids{});
  std::vector<TimeUs> starts;
  for (uint64_t id = 3; id <= 6; ++id) starts.push_back(domain.engine.explain(id).promised_start);
  std::sort(starts.begin(), starts.end());
  EXPECT_GE(starts.front(), 107) << "nobody is promised what has not ended by then";
  EXPECT_LT(starts.back(), kNever);
  EXPECT_TRUE(domain.engine.ended(1, 50));
  EXPECT_TRUE(domain.engine.ended(2, 50));
  EXPECT_EQ(domain.pass(50).size(), 2u);
}

TEST(Engine, WhoWaitsIsPromisedAStartOnceBackfillIsConservative) {
  Domain domain;
  for (uint64_t id = 1; id <= 40; ++id) EXPECT_TRUE(domain.engine.submit(job(id, 10, 100)));
  EXPECT_EQ(domain.pass(0), Ids{1});
  domain.engine.set_backfill(Backfill::kConservative);
  EXPECT_EQ(domain.pass(1), Ids{});
  EXPECT_EQ(domain.engine.explain(40).promised_start, 3'900);
  domain.engine.set_backfill(Backfill::kInherited);
  EXPECT_EQ(domain.pass(2), Ids{});
  EXPECT_EQ(domain.engine.explain(2).reserved_start, 100);
  EXPECT_EQ(domain.engine.explain(2).promised_start, kNever);
  EXPECT_EQ(domain.engine.explain(40).reserved_start, kNever);
}

TEST(Engine, KeepsToTheChosenJobWhereItBlocks) {
  for (const bool blocks : {false, true}) {
    Domain domain({.backfill = Backfill::kNone, .blocks = blocks}, PolicyKind::kSjf);
    EXPECT_TRUE(domain.engine.submit(job(1, 6, 100)));
    EXPECT_TRUE(domain.engine.submit(job(2, 6, 200)));
    EXPECT_EQ(domain.pass(0), Ids{1});
    EXPECT_TRUE(domain.engine.submit(job(3, 4, 50)));
    EXPECT_EQ(domain.pass(1), blocks ? Ids{} : Ids{3});
  }
}

TEST(Engine, GoesToThePoolWhereLeastIsLeftAndSpreadsOnlyIfItMust) {
  Engine engine;
  engine.set_pool(1, {.cpu_milli = 8'000});
  engine.set_pool(2, {.cpu_milli = 6'000});
  EXPECT_TRUE(engine.submit(job(1, 5, 100)));
  Pass pass = engine.pass(0);
  ASSERT_EQ(pass.starts.size(), 1U);
  EXPECT_EQ(pass.starts[0].parts, (std::vector<Part>{{2, 5}}));
  EXPECT_TRUE(engine.started(1, pass.starts[0].parts, 0));
  EXPECT_TRUE(engine.submit(job(2, 9, 100)));
  pass = engine.pass(0);
  ASSERT_EQ(pass.starts.size(), 1U);
  EXPECT_EQ(pass.starts[0].parts, (std::vector<Part>{{1, 8}, {2, 1}}));
  EXPECT_FALSE(engine.started(2, std::vector<Part>{{1, 8}}, 0));
  EXPECT_FALSE(engine.started(2, std::vector<Part>{{3, 9}}, 0));
}

TEST(Engine, WhatCouldNotBePlacedLetsOthersTry) {
  Domain domain;
  EXPECT_TRUE(domain.engine.submit(job(1, 10, 100)));
  EXPECT_TRUE(domain.engine.submit(job(2, 10, 100)));
  Pass pass = domain.engine.pass(0);
  ASSERT_EQ(pass.starts.size(), 1U);
  EXPECT_EQ(domain.engine.explain(1).code, WhyCode::kOffered);
  EXPECT_TRUE(domain.engine.held(1, 50, 7));
  EXPECT_EQ(domain.pass(0), Ids{2});
  EXPECT_EQ(domain.engine.explain(1).code, WhyCode::kHeld);
  EXPECT_EQ(domain.engine.explain(1).held_code, 7U);
  EXPECT_EQ(domain.engine.pass(1).wake, 50);
  EXPECT_TRUE(domain.engine.ended(2, 60));
  EXPECT_EQ(domain.pass(60), Ids{1});
}

TEST(Engine, PrioritySharesAndQuotasComeBeforeThePolicy) {
  Domain domain;
  domain.engine.set_pool(1, {.cpu_milli = 3'000});
  domain.engine.set_shares(
      {.key = [](uint32_t queue,
                 const Amount& offered) { return (queue == 1 ? 500 : 0) + offered.cpu_milli; },
       .allows = [](uint32_t queue, const Amount&, const Amount&) { return queue != 2; }});
  for (uint64_t id = 1; id <= 6; ++id) {
    Job one = job(id, 1, 10);
    one.queue = id == 6 ? 2 : static_cast<uint32_t>(id % 2);
    one.priority = id == 5 ? 1 : 0;
    EXPECT_TRUE(domain.engine.submit(one));
  }
  EXPECT_EQ(domain.pass(0), (Ids{5, 2, 4}));
  EXPECT_EQ(domain.engine.explain(6).code, WhyCode::kQuota);
}

TEST(Engine, AnAdvanceReservationKeepsOthersOutAndItsOwnIn) {
  Domain domain;
  EXPECT_TRUE(domain.engine.reserve(9, 1, {.cpu_milli = 8'000}, 100, 200));
  EXPECT_EQ(domain.engine.reserve(8, 1, {.cpu_milli = 3'000}, 50, 150).error().code, ErrorCode::kInfeasible);
  EXPECT_EQ(domain.engine.reserve(9, 1, {.cpu_milli = 1'000}, 50, 150).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(domain.engine.submit(job(1, 4, 101)));  // reaches into it
  EXPECT_TRUE(domain.engine.submit(job(2, 4, 100)));
  Job inside = job(3, 8, 100);
  inside.reservation = 9;
  EXPECT_TRUE(domain.engine.submit(inside));
  EXPECT_EQ(domain.pass(0), Ids{2});
  EXPECT_EQ(domain.engine.explain(3).code, WhyCode::kReservation);
  EXPECT_EQ(domain.engine.explain(3).estimated_start, 100);
  EXPECT_EQ(domain.engine.explain(1).estimated_start, 200);
  EXPECT_TRUE(domain.engine.ended(2, 90));
  EXPECT_EQ(domain.pass(100), Ids{3});
  EXPECT_TRUE(domain.engine.cancel_reservation(9));
  EXPECT_EQ(domain.pass(101), Ids{});
  EXPECT_TRUE(domain.engine.ended(3, 150));
  EXPECT_EQ(domain.pass(150), Ids{1});
}

TEST(Engine, AJobOverItsLimitMovesWhatWaitsBehindIt) {
  Domain domain({.backfill = Backfill::kConservative});
  EXPECT_TRUE(domain.engine.submit(job(1, 10, 100)));
  EXPECT_TRUE(domain.engine.submit(job(2, 10, 100)));
  EXPECT_EQ(domain.pass(0), Ids{1});
  EXPECT_EQ(domain.pass(100), Ids{});
  EXPECT_EQ(domain.engine.explain(2).promised_start, 60'000'100);
  EXPECT_TRUE(domain.engine.ended(1, 5'000));
  EXPECT_EQ(domain.pass(5'000), Ids{2});
}

TEST(Engine, APoolThatShrinksStartsNothingItCannotHold) {
  Domain domain;
  EXPECT_TRUE(domain.engine.submit(job(1, 6, 100)));
  EXPECT_EQ(domain.pass(0), Ids{1});
  domain.engine.set_pool(1, {.cpu_milli = 4'000});
  EXPECT_TRUE(domain.engine.submit(job(2, 5, 10)));
  EXPECT_TRUE(domain.engine.submit(job(3, 4, 10)));
  EXPECT_EQ(domain.pass(1), Ids{});
  EXPECT_EQ(domain.engine.explain(2).code, WhyCode::kTooLarge);
  EXPECT_EQ(domain.engine.explain(3).code, WhyCode::kResource);
  EXPECT_TRUE(domain.engine.ended(1, 2));
  EXPECT_EQ(domain.pass(2), Ids{3});
}

TEST(Engine, RefusesWhatIsNotAJob) {
  Engine engine({.waiting_max = 1});
  engine.set_pool(1, {.cpu_milli = 1});
  const auto refused = [&engine](auto change) {
    Job bad = job(1, 1, 1);
    change(bad);
    const Status status = engine.submit(bad);
    return status ? ErrorCode::kInternal : status.error().code;
  };
  EXPECT_EQ(refused([](Job& bad) { bad.count = 0; }), ErrorCode::kInvalid);
  EXPECT_EQ(refused([](Job& bad) { bad.limit_us = 0; }), ErrorCode::kInvalid);
  EXPECT_EQ(refused([](Job& bad) { bad.estimated_us = -1; }), ErrorCode::kInvalid);
  EXPECT_EQ(refused([](Job& bad) { bad.submitted = -1; }), ErrorCode::kInvalid);
  EXPECT_EQ(refused([](Job& bad) { bad.each.memory_mib = -1; }), ErrorCode::kInvalid);
  EXPECT_EQ(refused([](Job& bad) { bad.reservation = 3; }), ErrorCode::kNotFound);
  EXPECT_TRUE(engine.submit(job(1, 1, 1)));
  EXPECT_EQ(refused([](Job&) {}), ErrorCode::kConflict);
  EXPECT_EQ(refused([](Job& bad) { bad.id = 2; }), ErrorCode::kExhausted);
}

}  // namespace
}  // namespace weir::queue
