#include "orchestration/queue/share.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace weir::queue {
namespace {

constexpr TimeUs kHour = TokenBucket::kHourUs;
constexpr Amount cores(int64_t n) { return {.cpu_milli = n * 1000}; }
constexpr Amount gpus(int64_t n) { return {.accelerator_milli = n * 1000}; }
QueueId id(uint32_t value) { return QueueId(value); }

// Gives turns until nobody can take one: each time one job of the queue whose turn it is.
void serve(QueueTree& tree, const std::vector<Amount>& job_of, TimeUs at = 1) {
  Amount free = tree.capacity();
  for (const QueueId q : tree.queues()) {
    if (!tree.spec(q).parent.valid()) free -= tree.standing(q).used;
  }
  while (const auto turn = tree.next()) {
    const Amount& job = job_of[turn->index()];
    if (!job.fits(free) || tree.admits(*turn, job)) {
      tree.block(*turn);
      continue;
    }
    free -= job;
    tree.stop_waiting(*turn, job);
    tree.take(*turn, job, at);
  }
  tree.unblock();
}
void wait_for(QueueTree& tree, uint32_t queue, const Amount& job, int count) {
  for (int i = 0; i < count; ++i) tree.wait(id(queue), job);
}

TEST(Define, RefusesWhatCannotBe) {
  QueueTree tree;
  tree.set_capacity(cores(100));
  const auto code = [&](uint32_t q, const QueueSpec& spec) {
    const Status ok = tree.define(id(q), spec);
    return ok ? "" : ok.error().text();
  };
  EXPECT_EQ(code(0, {.guaranteed = cores(50), .maximum = cores(80)}), "");
  EXPECT_EQ(
      code(1, {.parent = id(0), .guaranteed = cores(30), .maximum = cores(81)}),
      "queue 1: the maximum of cpu (81) is above its parent's 80; lower it or raise the parent's first");
  EXPECT_EQ(code(1, {.parent = id(0), .guaranteed = cores(30)}), "");
  EXPECT_EQ(code(2, {.parent = id(0), .guaranteed = cores(21)}),
            "queue 2: with it the children of its parent are guaranteed more cpu (51) than the parent: 50; "
            "lower it or raise what the parent is guaranteed first");
  EXPECT_EQ(code(2, {.parent = id(0), .guaranteed = cores(20)}), "");
  EXPECT_EQ(code(1, {.parent = id(0), .guaranteed = cores(31)}).substr(0, 8), "queue 1:");
  EXPECT_EQ(code(1, {.parent = id(0), .guaranteed = cores(29)}), "");
  EXPECT_EQ(code(0, {.guaranteed = cores(48), .maximum = cores(80)}),
            "queue 0: its children are guaranteed more cpu (49) than it: 48; lower theirs first");
  EXPECT_EQ(code(0, {.parent = id(2), .guaranteed = cores(50)}), "queue 0: its parent, queue 2, is below it");
  EXPECT_EQ(code(0, {.parent = id(0), .guaranteed = cores(50)}), "queue 0: its parent, queue 0, is below it");
  EXPECT_EQ(code(3, {.parent = id(9)}), "queue 3: its parent, queue 9, does not exist");
  EXPECT_EQ(code(3, {.guaranteed = cores(2), .maximum = cores(1)}),
            "queue 3: the guaranteed cpu (2) is above the maximum 1");
  for (const QueueSpec& spec :
       {QueueSpec{.weight_milli = 0}, QueueSpec{.weight_milli = 1'000'001},
        QueueSpec{.guaranteed = cores(-1)}, QueueSpec{.borrowable = {.memory_mib = kAmountMax + 1}},
        QueueSpec{.half_life_us = -1}, QueueSpec{.submissions_per_hour = -1}, QueueSpec{.burst = 0},
        QueueSpec{.burst = 1'000'001}}) {
    EXPECT_NE(code(3, spec), "");
  }
  EXPECT_NE(code(1'000'000, {}), "");
  EXPECT_FALSE(tree.has(id(3)));
}

TEST(Define, AQueueGoesOnlyWhenEmpty) {
  QueueTree tree;
  tree.set_capacity(cores(100));
  ASSERT_TRUE(tree.define(id(0), {.guaranteed = cores(10)}));
  ASSERT_TRUE(tree.define(id(1), {.parent = id(0), .guaranteed = cores(10)}));
  EXPECT_EQ(tree.remove(id(0)).error().text(), "queue 0: it has children");
  tree.wait(id(1), cores(1));
  EXPECT_EQ(tree.remove(id(1)).error().text(), "queue 1: jobs wait in it");
  tree.stop_waiting(id(1), cores(1));
  tree.take(id(1), cores(1), 0);
  EXPECT_EQ(tree.remove(id(1)).error().text(), "queue 1: its jobs run");
  tree.give(id(1), cores(1), 0);
  EXPECT_TRUE(tree.remove(id(1)));
  EXPECT_EQ(tree.remove(id(1)).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(tree.define(id(2), {.parent = id(0), .guaranteed = cores(10)}));
  EXPECT_TRUE(tree.remove(id(2)));
  EXPECT_TRUE(tree.remove(id(0)));
  EXPECT_TRUE(tree.queues().empty());
  EXPECT_EQ(tree.next(), std::nullopt);
}

TEST(Admits, NamesTheQuotaThatIsShort) {
  QueueTree tree;
  tree.set_capacity(cores(100));
  ASSERT_TRUE(tree.define(id(0), {.guaranteed = cores(10), .maximum = cores(40), .borrowable = cores(20)}));
  ASSERT_TRUE(tree.define(id(1), {.parent = id(0), .maximum = cores(25)}));
  ASSERT_TRUE(tree.define(id(2), {.parent = id(0)}));
  tree.take(id(1), cores(20), 0);
  EXPECT_EQ(tree.admits(id(1), cores(5)), std::nullopt);
  EXPECT_EQ(tree.admits(id(1), cores(6)), (Shortage{id(1), QuotaKind::kMaximum, 0, 25'000, 1'000}));
  EXPECT_EQ(tree.admits(id(2), cores(11)), (Shortage{id(0), QuotaKind::kBorrowable, 0, 30'000, 1'000}));
  EXPECT_EQ(tree.admits(id(2), cores(21)), (Shortage{id(0), QuotaKind::kMaximum, 0, 40'000, 1'000}));
  ASSERT_TRUE(tree.define(id(1), {.parent = id(0), .maximum = cores(15)})) << "use may be above it";
  EXPECT_EQ(tree.admits(id(1), {}), std::nullopt);
  EXPECT_EQ(tree.admits(id(1), cores(1))->short_by, 6'000);
}

TEST(Submit, IsLimitedByEachQueueOnTheWay) {
  QueueTree tree;
  ASSERT_TRUE(tree.define(id(0), {.submissions_per_hour = 60, .burst = 3}));
  ASSERT_TRUE(tree.define(id(1), {.parent = id(0), .submissions_per_hour = 3600, .burst = 2}));
  ASSERT_TRUE(tree.define(id(2), {.parent = id(0)}));
  EXPECT_EQ(tree.submit(id(1), kHour), std::nullopt);
  EXPECT_EQ(tree.submit(id(1), kHour), std::nullopt);
  EXPECT_EQ(tree.submit(id(1), kHour), (RateLimited{id(1), 1'000'000}));
  EXPECT_EQ(tree.submit(id(2), kHour), std::nullopt);
  EXPECT_EQ(tree.submit(id(2), kHour), (RateLimited{id(0), 60'000'000}));
  EXPECT_EQ(tree.submit(id(2), kHour - 1), (RateLimited{id(0), 60'000'000})) << "clocks may go back";
  EXPECT_EQ(tree.submit(id(2), kHour + 59'999'999), (RateLimited{id(0), 1}));
  EXPECT_EQ(tree.submit(id(2), kHour + 60'000'000), std::nullopt);
  EXPECT_EQ(tree.submit(id(2), INT64_MAX), std::nullopt);
}

// The example of Ghodsi et al., section 4.1: 9 CPUs, 18 GB; A's tasks take (1, 4), B's (3, 1).
TEST(Turns, FollowDominantShares) {
  QueueTree tree;
  tree.set_capacity({9'000, 18'432, 0});
  ASSERT_TRUE(tree.define(id(0), {}));
  ASSERT_TRUE(tree.define(id(1), {}));
  const std::vector<Amount> jobs{{1'000, 4'096, 0}, {3'000, 1'024, 0}};
  for (uint32_t q = 0; q < 2; ++q) wait_for(tree, q, jobs[q], 20);
  tree.entitle();
  EXPECT_EQ(tree.standing(id(0)).entitlement.cpu_milli / 10, 300);  // 3 tasks
  EXPECT_EQ(tree.standing(id(1)).entitlement.cpu_milli / 10, 600);  // 2 tasks
  serve(tree, jobs);
  EXPECT_EQ(tree.standing(id(0)).used, jobs[0] * 3);
  EXPECT_EQ(tree.standing(id(1)).used, jobs[1] * 2);
}

TEST(Turns, FollowWeightsAndGuarantees) {
  QueueTree tree;
  tree.set_capacity(cores(100));
  ASSERT_TRUE(tree.define(id(0), {.weight_milli = 3000}));
  ASSERT_TRUE(tree.define(id(1), {.weight_milli = 1000}));
  const std::vector<Amount> jobs(3, cores(1));
  for (uint32_t q = 0; q < 2; ++q) wait_for(tree, q, jobs[q], 200);
  serve(tree, jobs);
  EXPECT_EQ(tree.standing(id(0)).used, cores(75));
  EXPECT_EQ(tree.standing(id(1)).used, cores(25));
  tree.give(id(0), cores(20), 2);
  ASSERT_TRUE(tree.define(id(2), {.weight_milli = 1, .guaranteed = cores(15)}));
  wait_for(tree, 2, jobs[2], 200);
  serve(tree, jobs);
  EXPECT_EQ(tree.standing(id(2)).used, cores(15));
  EXPECT_EQ(tree.standing(id(0)).used, cores(60));
}

// Bhattacharya et al., section 3: under n2, one child uses CPUs alone and one accelerators alone. Naive
// hierarchical DRF starves the former behind n1, because the latter makes n2 look rich.
TEST(Turns, ComplementarySiblingsDoNotStarve) {
  QueueTree tree;
  tree.set_capacity({100'000, 0, 100'000});
  ASSERT_TRUE(tree.define(id(0), {}));
  ASSERT_TRUE(tree.define(id(1), {}));
  ASSERT_TRUE(tree.define(id(2), {.parent = id(1)}));
  ASSERT_TRUE(tree.define(id(3), {.parent = id(1)}));
  const std::vector<Amount> jobs{cores(1), {}, cores(1), gpus(1)};
  for (const uint32_t q : {0u, 2u, 3u}) wait_for(tree, q, jobs[q], 200);
  tree.entitle();
  serve(tree, jobs);
  EXPECT_EQ(tree.standing(id(0)).used, cores(50));
  EXPECT_EQ(tree.standing(id(2)).used, cores(50));
  EXPECT_EQ(tree.standing(id(3)).used, gpus(100));
  for (const uint32_t q : {0u, 2u, 3u})
    EXPECT_GE(tree.standing(id(q)).entitlement_share, kWholeShare / 2 - 10) << q;
}

TEST(Turns, ARichSiblingThatWantsNoMoreCountsInFull) {
  QueueTree tree;
  tree.set_capacity(cores(100));
  ASSERT_TRUE(tree.define(id(0), {}));
  ASSERT_TRUE(tree.define(id(1), {}));
  ASSERT_TRUE(tree.define(id(2), {.parent = id(1)}));
  ASSERT_TRUE(tree.define(id(3), {.parent = id(1)}));
  tree.take(id(3), cores(70), 0);
  const std::vector<Amount> jobs(4, cores(1));
  for (const uint32_t q : {0u, 2u}) wait_for(tree, q, jobs[q], 200);
  serve(tree, jobs);
  EXPECT_EQ(tree.standing(id(0)).used, cores(30));
  EXPECT_EQ(tree.standing(id(2)).used, cores(0)) << "its parent has its part already";
}

TEST(Turns, JobsOfAQueueWithChildrenCompeteAsOneOfThem) {
  QueueTree tree;
  tree.set_capacity(cores(90));
  ASSERT_TRUE(tree.define(id(0), {.guaranteed = cores(60)}));
  tree.take(id(0), cores(10), 0);
  wait_for(tree, 0, cores(1), 200);
  ASSERT_TRUE(tree.define(id(1), {.parent = id(0)}));
  ASSERT_TRUE(tree.define(id(2), {.parent = id(0)}));
  const std::vector<Amount> jobs(3, cores(1));
  for (const uint32_t q : {1u, 2u}) wait_for(tree, q, jobs[q], 200);
  EXPECT_EQ(tree.next(), id(0)) << "the guarantee is the parent's own";
  ASSERT_TRUE(tree.define(id(0), {}));
  serve(tree, jobs);
  EXPECT_EQ(tree.standing(id(1)).used, cores(30));
  EXPECT_EQ(tree.standing(id(2)).used, cores(30));
  EXPECT_EQ(tree.standing(id(0)).used, cores(90));
}

TEST(Memory, PastUseCountsAndFades) {
  QueueTree tree;
  tree.set_capacity(cores(100));
  for (uint32_t q = 0; q < 2; ++q) ASSERT_TRUE(tree.define(id(q), {.half_life_us = kHour}));
  tree.take(id(0), cores(100), kHour);
  tree.give(id(0), cores(100), 2 * kHour);  // remembers 50
  EXPECT_EQ(tree.standing(id(0)).remembered, cores(50));
  const std::vector<Amount> jobs(2, cores(1));
  for (uint32_t q = 0; q < 2; ++q) wait_for(tree, q, jobs[q], 200);
  QueueTree later = tree;
  serve(tree, jobs, 2 * kHour);
  EXPECT_EQ(tree.standing(id(0)).used, cores(25));
  EXPECT_EQ(tree.standing(id(1)).used, cores(75));
  later.advance(3 * kHour);
  EXPECT_EQ(later.standing(id(0)).remembered, cores(25));
  later.advance(30 * kHour);
  serve(later, jobs, 30 * kHour);
  EXPECT_EQ(later.standing(id(0)).used, cores(50));
}

TEST(Price, GrowsWithOveruseOnlyWhileOthersAreInWant) {
  QueueTree tree;
  tree.set_capacity(cores(100));
  for (uint32_t q = 0; q < 2; ++q) ASSERT_TRUE(tree.define(id(q), {}));
  tree.take(id(0), cores(100), 0);
  tree.entitle();
  EXPECT_EQ(tree.price_multiplier_ppm(id(0)), kPpm) << "nobody wants it";
  wait_for(tree, 1, cores(1), 10);
  tree.entitle();                                                                         // 90 and 10
  EXPECT_NEAR(static_cast<double>(tree.price_multiplier_ppm(id(0))), 1e6 * 1.0801, 100);  // 2^(1/9)
  EXPECT_EQ(tree.price_multiplier_ppm(id(1)), kPpm);
  wait_for(tree, 1, cores(1), 190);
  tree.entitle();  // 50 and 50
  EXPECT_NEAR(static_cast<double>(tree.price_multiplier_ppm(id(0))), 2e6, 100);
  EXPECT_NEAR(static_cast<double>(tree.share_price(id(0), kCredit)), 1e9, 1e5);
  EXPECT_EQ(tree.share_price(id(1), kCredit), 0);
  ASSERT_TRUE(tree.define(id(1), {.guaranteed = cores(98)}));
  tree.entitle();
  EXPECT_EQ(tree.price_multiplier_ppm(id(0)), QueueTree::kMultiplierMaxPpm);
  EXPECT_EQ(tree.share_price(id(0), INT64_MAX), INT64_MAX);
  ASSERT_TRUE(tree.define(id(0), {.guaranteed = cores(100)}));
  tree.entitle();
  EXPECT_EQ(tree.price_multiplier_ppm(id(0)), kPpm) << "it has no more than its guarantee";
}

TEST(Reclaim, TakesFromBorrowersAlone) {
  QueueTree tree;
  tree.set_capacity(cores(100));
  ASSERT_TRUE(tree.define(id(0), {.guaranteed = cores(50)}));
  ASSERT_TRUE(tree.define(id(1), {.guaranteed = cores(50)}));
  ASSERT_TRUE(tree.define(id(2), {.parent = id(1), .guaranteed = cores(20)}));
  ASSERT_TRUE(tree.define(id(3), {.parent = id(1), .guaranteed = cores(30)}));
  tree.take(id(2), cores(40), 0);
  tree.take(id(3), cores(30), 0);
  EXPECT_TRUE(tree.may_reclaim(id(0), cores(50), id(2)));
  EXPECT_FALSE(tree.may_reclaim(id(0), cores(51), id(2))) << "more than its guarantee";
  EXPECT_FALSE(tree.may_reclaim(id(0), cores(50), id(3))) << "a queue within its guarantee";
  EXPECT_FALSE(tree.may_reclaim(id(0), gpus(1), id(2)));
  EXPECT_FALSE(tree.may_reclaim(id(3), cores(1), id(2))) << "it has what it is guaranteed";
  EXPECT_FALSE(tree.may_reclaim(id(2), cores(1), id(2)));
  tree.give(id(3), cores(20), 0);
  EXPECT_TRUE(tree.may_reclaim(id(3), cores(20), id(2)));
  EXPECT_FALSE(tree.may_reclaim(id(0), cores(50), id(2))) << "its parent is within its guarantee";
}

}  // namespace
}  // namespace weir::queue
