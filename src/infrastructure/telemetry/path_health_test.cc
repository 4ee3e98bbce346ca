#include "infrastructure/telemetry/path_health.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace weir::telemetry {
namespace {

constexpr uint64_t kMs = 1'000;

struct Transition {
  uint64_t at_us;
  PathState state;
};

// Probes a modelled path in virtual time, as the engine does.
class VirtualProber {
 public:
  // Round-trip time of a probe sent at a time, or none when it is lost.
  using Path = std::function<std::optional<uint64_t>(uint64_t sent_us)>;

  VirtualProber(PathHealthOptions options, Path path) : health_(options), path_(std::move(path)) {}

  void run_until(uint64_t end_us) {
    while (now_us_ < end_us) {
      uint64_t next = due_us_;
      for (const Probe& probe : probes_) next = std::min({next, probe.answered_us, probe.expires_us});
      if (health_.deadline_us() != 0) next = std::min(next, std::max(health_.deadline_us(), now_us_));
      if (next >= end_us) break;
      now_us_ = next;
      step();
    }
    now_us_ = end_us;
  }

  const std::vector<Transition>& transitions() const { return transitions_; }
  const PathHealth& health() const { return health_; }
  uint64_t sent() const { return sent_; }

 private:
  static constexpr uint64_t kNever = ~uint64_t{0};
  struct Probe {
    uint64_t sent_us;
    uint64_t answered_us;
    uint64_t expires_us;
  };

  void note(bool changed) {
    if (changed) transitions_.push_back({now_us_, health_.state()});
  }

  void step() {
    std::erase_if(probes_, [&](const Probe& probe) {
      if (probe.answered_us > now_us_) return false;
      note(health_.on_reply(now_us_, probe.answered_us - probe.sent_us));
      return true;
    });
    for (Probe& probe : probes_) {
      if (probe.expires_us > now_us_) continue;
      probe.expires_us = kNever;
      note(health_.on_loss(now_us_));
      due_us_ = std::min(due_us_, std::max(now_us_, health_.next_probe_us(last_sent_us_)));
    }
    std::erase_if(probes_, [](const Probe& p) { return p.expires_us == kNever && p.answered_us == kNever; });
    note(health_.evaluate(now_us_));
    if (due_us_ <= now_us_) {
      const auto rtt = path_(now_us_);
      probes_.push_back({now_us_, rtt ? now_us_ + *rtt : kNever, now_us_ + health_.loss_timeout_us()});
      note(health_.on_sent(now_us_));
      ++sent_;
      last_sent_us_ = now_us_;
      due_us_ = health_.next_probe_us(now_us_);
    }
  }

  PathHealth health_;
  Path path_;
  uint64_t now_us_ = 0;
  uint64_t due_us_ = 0;
  uint64_t last_sent_us_ = 0;
  uint64_t sent_ = 0;
  std::vector<Probe> probes_;
  std::vector<Transition> transitions_;
};

TEST(PathHealth, IsUpFromTheFirstReply) {
  VirtualProber prober({}, [](uint64_t) { return std::optional<uint64_t>(20 * kMs); });
  prober.run_until(1'000 * kMs);
  ASSERT_EQ(prober.transitions().size(), 1u);
  EXPECT_EQ(prober.transitions()[0].state, PathState::kUp);
  EXPECT_EQ(prober.transitions()[0].at_us, 20 * kMs);
  EXPECT_EQ(prober.sent(), 10u) << "one probe per interval while nothing is wrong";
}

TEST(PathHealth, IsDownWhenNothingEverAnswers) {
  VirtualProber prober({}, [](uint64_t) { return std::nullopt; });
  prober.run_until(5'000 * kMs);
  ASSERT_EQ(prober.transitions().size(), 1u);
  EXPECT_EQ(prober.transitions()[0].state, PathState::kDown);
}

TEST(PathHealth, TwoLossesAreNotDown) {
  // The third probe in a row gets through, whenever it is sent.
  int in_row = 0;
  VirtualProber prober({}, [&](uint64_t sent_us) -> std::optional<uint64_t> {
    if (sent_us > 1'000 * kMs && in_row < 2) {
      ++in_row;
      return std::nullopt;
    }
    in_row = 0;
    return 20 * kMs;
  });
  prober.run_until(20'000 * kMs);
  ASSERT_EQ(prober.transitions().size(), 1u);
}

TEST(PathHealth, ThreeLossesShortOfTheTimeAreNotDown) {
  // A silence of 240 ms loses three probes or more, but is a pause and not a death.
  VirtualProber prober({}, [](uint64_t sent_us) -> std::optional<uint64_t> {
    if (sent_us > 1'001 * kMs && sent_us < 1'221 * kMs) return std::nullopt;
    return 5 * kMs;
  });
  prober.run_until(3'000 * kMs);
  EXPECT_EQ(prober.transitions().size(), 1u);
}

// The path dies at any moment: it is declared down within three intervals of its death, and not before two
// and a half without a reply.
RC_GTEST_PROP(PathHealth, DetectsDeathWithinThreeIntervals, ()) {
  const uint64_t rtt_us = *rc::gen::inRange<uint64_t>(100, 80 * kMs);
  const uint64_t jitter_us = *rc::gen::inRange<uint64_t>(1, 2 + rtt_us / 20);
  const uint64_t death_us = 2'000 * kMs + *rc::gen::inRange<uint64_t>(0, 200 * kMs);
  VirtualProber prober({}, [&](uint64_t sent_us) -> std::optional<uint64_t> {
    const uint64_t rtt = rtt_us + sent_us * 2'654'435'761 % jitter_us;
    if (sent_us + rtt >= death_us) return std::nullopt;
    return rtt;
  });
  prober.run_until(4'000 * kMs);
  RC_ASSERT(prober.transitions().size() == 2u);
  const Transition down = prober.transitions()[1];
  RC_ASSERT(down.state == PathState::kDown);
  RC_ASSERT(down.at_us >= death_us);
  RC_ASSERT(down.at_us - death_us <= 300 * kMs);
  RC_ASSERT(down.at_us - prober.health().last_good_us() >= 250 * kMs);
}

TEST(PathHealth, RandomLossOfFivePercentIsNotDeath) {
  uint64_t state = 42;
  VirtualProber prober({}, [&](uint64_t) -> std::optional<uint64_t> {
    state = state * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    if ((state >> 33) % 100 < 5) return std::nullopt;
    return 20 * kMs;
  });
  prober.run_until(600'000 * kMs);
  EXPECT_LE(prober.transitions().size(), 3u) << "ten minutes: 0.05^3 of 6,000 probes is under one";
}

TEST(PathHealth, UpAgainNeedsRepliesAndDwell) {
  const uint64_t death_us = 2'000 * kMs;
  VirtualProber prober({}, [&](uint64_t sent_us) -> std::optional<uint64_t> {
    if (sent_us >= death_us && sent_us < death_us + 400 * kMs) return std::nullopt;
    return 10 * kMs;
  });
  prober.run_until(10'000 * kMs);
  ASSERT_EQ(prober.transitions().size(), 3u);
  const Transition down = prober.transitions()[1];
  const Transition up = prober.transitions()[2];
  EXPECT_EQ(up.state, PathState::kUp);
  EXPECT_GE(up.at_us - down.at_us, 1'000 * kMs);
  EXPECT_LE(up.at_us - down.at_us, 1'200 * kMs);
}

// A link that goes and comes: the state follows ever more rarely.
RC_GTEST_PROP(PathHealth, OscillatingLinkDoesNotFlap, ()) {
  const uint64_t good_us = *rc::gen::inRange<uint64_t>(300 * kMs, 6'000 * kMs);
  const uint64_t bad_us = *rc::gen::inRange<uint64_t>(350 * kMs, 6'000 * kMs);
  constexpr uint64_t kEnd = 120'000 * kMs;
  VirtualProber prober({}, [&](uint64_t sent_us) -> std::optional<uint64_t> {
    if (sent_us % (good_us + bad_us) >= good_us) return std::nullopt;
    return 10 * kMs;
  });
  prober.run_until(kEnd);
  uint64_t falls = 0;
  uint64_t dwell_us = PathHealthOptions{}.dwell_us_min;
  uint64_t down_at_us = 0;
  for (const Transition& transition : prober.transitions()) {
    if (transition.state == PathState::kDown) {
      ++falls;
      down_at_us = transition.at_us;
    } else if (down_at_us != 0) {
      RC_ASSERT(transition.at_us - down_at_us >= dwell_us);
      dwell_us = std::min(2 * dwell_us, PathHealthOptions{}.dwell_us_max);
    }
  }
  // 1 + 2 + 4 + 8 + 16 + ... seconds of dwell in 120 s.
  RC_ASSERT(falls <= 11u);
}

TEST(PathHealth, CalmForgivesEarlierFalls) {
  PathHealthOptions options;
  options.calm_us = 5'000 * kMs;
  VirtualProber prober(options, [&](uint64_t sent_us) -> std::optional<uint64_t> {
    const uint64_t phase = sent_us % (10'000 * kMs);
    if (phase >= 1'000 * kMs && phase < 1'500 * kMs) return std::nullopt;
    return 10 * kMs;
  });
  prober.run_until(100'000 * kMs);
  const auto& transitions = prober.transitions();
  ASSERT_GE(transitions.size(), 20u);
  for (size_t i = 2; i < transitions.size(); i += 2) {
    EXPECT_LE(transitions[i].at_us - transitions[i - 1].at_us, 1'200 * kMs) << "fall " << i / 2;
  }
}

TEST(PathHealth, TimeoutFollowsTheRoundTrip) {
  PathHealth health({});
  EXPECT_EQ(health.loss_timeout_us(), 1'000 * kMs);
  for (uint64_t i = 0; i < 50; ++i) health.on_reply(i * 100 * kMs, 40 * kMs);
  EXPECT_EQ(health.loss_timeout_us(), 60 * kMs);
  for (uint64_t i = 50; i < 150; ++i) health.on_reply(i * 100 * kMs, i % 2 == 0 ? 5 * kMs : 150 * kMs);
  EXPECT_LE(health.loss_timeout_us(), std::max(100 * kMs, 2 * health.smoothed_rtt_us()));
}

}  // namespace
}  // namespace weir::telemetry
