#include "service/gateway/rate_limit.h"

#include <gtest/gtest.h>

namespace weir::gateway {
namespace {

constexpr TimeUs kSecond = 1'000'000;

TEST(TokenBuckets, ABurstThenTheRate) {
  TokenBuckets buckets(8);
  const Rate rate{10, 30};
  for (int i = 0; i < 30; ++i) {
    const Allowance at = buckets.take("a", rate, 1, 0);
    ASSERT_TRUE(at.allowed) << i;
    EXPECT_EQ(at.remaining, 29 - i);
  }
  Allowance over = buckets.take("a", rate, 1, 0);
  EXPECT_FALSE(over.allowed);
  EXPECT_EQ(over.retry_s, 1);
  EXPECT_EQ(over.full_s, 3);
  EXPECT_TRUE(buckets.take("b", rate, 30, 0).allowed) << "each name has a bucket of its own";
  EXPECT_FALSE(buckets.take("a", rate, 1, 99'999).allowed) << "a tenth of a second is a unit, and refusals took nothing";
  EXPECT_TRUE(buckets.take("a", rate, 1, 100'000).allowed);
  EXPECT_FALSE(buckets.take("a", rate, 1, 100'000).allowed);
  EXPECT_EQ(buckets.take("a", rate, 1, 1'000 * kSecond).remaining, 29) << "no more than a burst is saved";
}

TEST(TokenBuckets, WhatCostsMoreWaitsLonger) {
  TokenBuckets buckets(8);
  const Rate rate{2, 20};
  EXPECT_TRUE(buckets.take("a", rate, 15, 0).allowed);
  const Allowance refused = buckets.take("a", rate, 10, 0);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 5);
  EXPECT_EQ(refused.retry_s, 3) << "five units at two a second, in whole seconds";
  EXPECT_FALSE(buckets.take("a", rate, 10, 2'499'999).allowed);
  EXPECT_TRUE(buckets.take("a", rate, 10, 2'500'000).allowed);
  EXPECT_FALSE(buckets.take("a", rate, 21, 12'499'999).allowed) << "more than a burst: a full bucket";
  EXPECT_TRUE(buckets.take("a", rate, 21, 12'500'000).allowed);
}

TEST(TokenBuckets, ExtremesOfTimeAndRate) {
  TokenBuckets buckets(8);
  const Rate fast{kRateMax, kRateMax};
  EXPECT_TRUE(buckets.take("a", fast, kRateMax, 0).allowed);
  EXPECT_FALSE(buckets.take("a", fast, 1, 0).allowed);
  EXPECT_TRUE(buckets.take("a", fast, kRateMax, INT64_MAX).allowed);
  EXPECT_FALSE(buckets.take("a", fast, 1, 0).allowed) << "time does not go back";
}

TEST(TokenBuckets, AreBoundedAndTheOneUnusedLongestBeginsAnew) {
  TokenBuckets buckets(2);
  const Rate rate{1, 1};
  EXPECT_TRUE(buckets.take("a", rate, 1, 0).allowed);
  EXPECT_TRUE(buckets.take("b", rate, 1, 0).allowed);
  EXPECT_FALSE(buckets.take("a", rate, 1, 0).allowed);
  EXPECT_EQ(buckets.size(), 2u);
  EXPECT_TRUE(buckets.take("c", rate, 1, 0).allowed) << "in place of b";
  EXPECT_EQ(buckets.size(), 2u);
  EXPECT_FALSE(buckets.take("a", rate, 1, 0).allowed);
  EXPECT_TRUE(buckets.take("b", rate, 1, 0).allowed) << "in place of c";
}

TEST(TokenBuckets, HeadersSayWhatIsLeft) {
  TokenBuckets buckets(1);
  const Rate rate{3, 10};
  EXPECT_EQ(rate_headers("user", rate, buckets.take("a", rate, 4, 0)),
            "RateLimit-Policy: \"user\";q=10;w=4\r\nRateLimit: \"user\";r=6;t=2\r\n");
  EXPECT_EQ(rate_headers("user", rate, buckets.take("a", rate, 10, 0)),
            "RateLimit-Policy: \"user\";q=10;w=4\r\nRateLimit: \"user\";r=6;t=2\r\nRetry-After: 2\r\n");
}

}  // namespace
}  // namespace weir::gateway
