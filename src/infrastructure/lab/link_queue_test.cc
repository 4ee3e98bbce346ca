#include "infrastructure/lab/link_queue.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <vector>

namespace weir::lab {
namespace {

constexpr int64_t kMs = 1'000'000;  // in ns

TEST(LinkQueue, DelayIsSerialisationPlusPropagation) {
  LinkQueue queue({.delay_us = 10'000, .rate_bps = 8'000'000}, 1);
  EXPECT_EQ(queue.offer(0, 1000).due_ns, 11 * kMs);  // 1 ms to send, 10 to travel
  EXPECT_EQ(queue.offer(0, 1000).due_ns, 12 * kMs);  // behind the first
  EXPECT_EQ(queue.offer(50 * kMs, 500).due_ns, 50 * kMs + kMs / 2 + 10 * kMs);
  EXPECT_EQ(queue.counters().packets, 3u);
  EXPECT_EQ(queue.counters().bytes, 2500u);
}

TEST(LinkQueue, ThroughputIsTheRateAndTheTailIsDropped) {
  // 8 Mbit/s for a second, offered four times over in packets of 1000 bytes.
  LinkQueue queue({.delay_us = 0, .rate_bps = 8'000'000, .queue_us = 20'000}, 1);
  int64_t last_ns = 0;
  int forwarded = 0, dropped = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto verdict = queue.offer(i * kMs / 4, 1000);
    if (verdict.fate == Fate::kForwarded) {
      ++forwarded;
      last_ns = verdict.due_ns;
    } else {
      EXPECT_EQ(verdict.fate, Fate::kQueueFull);
      ++dropped;
    }
  }
  EXPECT_NEAR(forwarded, 1000 + 20, 2);
  EXPECT_EQ(forwarded + dropped, 4000);
  EXPECT_LE(last_ns, 1000 * kMs + 22 * kMs);
  EXPECT_EQ(queue.counters().queue_full, static_cast<uint64_t>(dropped));
}

TEST(LinkQueue, TheQueueHoldsExactlyItsTime) {
  const auto accepted = [](int64_t queue_us) {
    LinkQueue queue({.delay_us = 0, .rate_bps = 8'000'000, .queue_us = queue_us}, 1);
    int count = 0;
    while (queue.offer(0, 1000).fate == Fate::kForwarded) ++count;
    return count;
  };
  EXPECT_EQ(accepted(0), 1);    // one on the line
  EXPECT_EQ(accepted(999), 1);  // the second would wait a millisecond
  EXPECT_EQ(accepted(1000), 2);
  EXPECT_EQ(accepted(1001), 2);
}

TEST(LinkQueue, LossIsAsAskedAndTheSameForTheSameSeed) {
  const auto losses = [](int64_t ppm, uint64_t seed) {
    LinkQueue queue({.delay_us = 0, .loss_ppm = ppm, .rate_bps = 1'000'000'000}, seed);
    std::vector<int> lost;
    for (int i = 0; i < 100'000; ++i) {
      if (queue.offer(int64_t{i} * kMs, 100).fate == Fate::kLost) lost.push_back(i);
    }
    return lost;
  };
  EXPECT_TRUE(losses(0, 1).empty());
  EXPECT_EQ(losses(1'000'000, 1).size(), 100'000u);
  const auto some = losses(10'000, 1);
  EXPECT_NEAR(static_cast<double>(some.size()), 1000, 5 * 31.5);  // five standard deviations
  EXPECT_EQ(some, losses(10'000, 1));
  EXPECT_NE(some, losses(10'000, 2));
}

TEST(LinkQueue, JitterIsCentredAndBounded) {
  const LinkQueue queue({.delay_us = 20'000, .jitter_us = 1000, .rate_bps = 1'000'000'000}, 5);
  double sum = 0, absolute = 0;
  constexpr int kSamples = 200'000;
  for (int i = 0; i < kSamples; ++i) {
    const int64_t jitter = queue.jitter_ns(int64_t{i} * 777'777);
    ASSERT_LE(std::llabs(jitter), 1'000'000);
    sum += static_cast<double>(jitter);
    absolute += static_cast<double>(std::llabs(jitter));
  }
  EXPECT_LT(std::abs(sum / kSamples), 10'000);  // a hundredth of the jitter
  EXPECT_GT(absolute / kSamples, 300'000);      // and yet it moves
}

TEST(LinkQueue, ACutDropsEverythingUntilHealed) {
  LinkQueue queue({.delay_us = 1000, .cut = true}, 1);
  EXPECT_EQ(queue.offer(0, 100).fate, Fate::kCut);
  queue.configure({.delay_us = 1000});
  EXPECT_EQ(queue.offer(1, 100).fate, Fate::kForwarded);
  queue.withdraw(100, Fate::kCut);
  EXPECT_EQ(queue.counters(), (LinkCounters{.cut = 2}));
}

TEST(LinkQueue, NeverReordersWhateverChanges) {
  EXPECT_TRUE(rc::check([] {
    const auto settings = [] {
      LinkSettings out;
      out.delay_us = *rc::gen::inRange<int64_t>(0, 30'000);
      out.jitter_us = *rc::gen::inRange<int64_t>(0, out.delay_us + 1);
      out.loss_ppm = *rc::gen::inRange<int64_t>(0, 100'000);
      out.rate_bps = *rc::gen::inRange<int64_t>(8000, 1'000'000'000);
      out.queue_us = *rc::gen::inRange<int64_t>(0, 50'000);
      out.cut = *rc::gen::inRange(0, 10) == 0;
      return out;
    };
    LinkQueue queue(settings(), *rc::gen::arbitrary<uint64_t>());
    int64_t now_ns = 0, last_due_ns = 0;
    uint64_t offered = 0;
    const int steps = *rc::gen::inRange(1, 200);
    for (int i = 0; i < steps; ++i) {
      if (*rc::gen::inRange(0, 20) == 0) queue.configure(settings());
      now_ns += *rc::gen::inRange<int64_t>(0, 5'000'000);
      const auto verdict = queue.offer(now_ns, *rc::gen::inRange<size_t>(14, 2066));
      ++offered;
      if (verdict.fate != Fate::kForwarded) continue;
      RC_ASSERT(verdict.due_ns >= last_due_ns);
      RC_ASSERT(verdict.due_ns >= now_ns);
      last_due_ns = verdict.due_ns;
    }
    const LinkCounters& c = queue.counters();
    RC_ASSERT(c.packets + c.lost + c.queue_full + c.cut + c.refused == offered);
  }));
}

// Without a change of settings, the clamp that keeps order never acts, so that it cannot bias the delay.
TEST(LinkQueue, JitterAloneKeepsOrder) {
  LinkQueue queue({.delay_us = 5000, .jitter_us = 5000, .rate_bps = 10'000'000'000}, 3);
  double sum = 0;
  constexpr int kPackets = 100'000;
  for (int i = 0; i < kPackets; ++i) {
    const int64_t now_ns = int64_t{i} * 1'000'000;
    const auto verdict = queue.offer(now_ns, 125);  // 100 ns on the line
    EXPECT_EQ(verdict.due_ns, now_ns + 100 + 5'000'000 + queue.jitter_ns(now_ns + 100));
    sum += static_cast<double>(verdict.due_ns - now_ns);
  }
  EXPECT_NEAR(sum / kPackets / 1e6, 5.0, 0.2);  // five standard deviations of 5,000 draws
}

}  // namespace
}  // namespace weir::lab
