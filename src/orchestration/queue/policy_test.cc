#include "orchestration/queue/policy.h"

#include <gtest/gtest.h>

#include <cmath>

namespace weir::queue {
namespace {

constexpr TimeUs kSecond = 1'000'000;

Job job(int64_t submitted_s, int64_t run_s, int32_t cores) {
  Job made;
  made.submitted = submitted_s * kSecond;
  made.estimated_us = made.limit_us = run_s * kSecond;
  made.each.cpu_milli = 1000;
  made.count = cores;
  return made;
}

TEST(Policy, EveryNameIsFoundAgain) {
  for (const PolicyInfo& policy : policies()) {
    EXPECT_EQ(policy_named(policy.name), policy.kind);
    EXPECT_EQ(policy_info(policy.kind).name, policy.name);
  }
  EXPECT_FALSE(policy_named("fifo"));
}

TEST(Policy, LogarithmIsExactToItsLastDigits) {
  for (const uint64_t value : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{10}, uint64_t{999'983},
                               uint64_t{1} << 62, UINT64_MAX}) {
    EXPECT_NEAR(static_cast<double>(log2_q32(value)) / 4294967296.0, std::log2(static_cast<double>(value)),
                1e-9)
        << value;
  }
}

TEST(Policy, SaysWhichParameterIsWrong) {
  EXPECT_EQ(make_policy("weir", std::vector<PolicySetting>{{"look_ahead", 3}})->values[kLookAhead], 3);
  EXPECT_EQ(make_policy("weir", {})->values, Policy().values);
  EXPECT_NE(make_policy("nope", {}).error().remedy.find("one of weir, fcfs, "), std::string::npos);
  EXPECT_EQ(make_policy("fcsf", {}).error().text(), "no policy \"fcsf\"; did you mean fcfs?");
  EXPECT_EQ(make_policy("weir", std::vector<PolicySetting>{{"lookahead", 3}}).error().text(),
            "policy weir has no parameter \"lookahead\"; did you mean look_ahead?");
  EXPECT_EQ(make_policy("weir", std::vector<PolicySetting>{{"look_ahead", 65}}).error().text(),
            "look_ahead is from 0 to 64");
  EXPECT_FALSE(make_policy("fcfs", std::vector<PolicySetting>{{"look_ahead", 1}}));
}

// The formulas in floating point order the same.
TEST(Policy, OrdersAsThePublishedFormulas) {
  std::vector<Job> jobs;
  for (int i = 0; i < 200; ++i) {
    jobs.push_back(job((i * 7919) % 86'400, 1 + (i * 104'729) % 20'000, 1 + (i * 31) % 256));
  }
  const TimeUs now = 100'000 * kSecond;
  const auto seconds = [](TimeUs us) { return static_cast<double>(us) / kSecond; };
  const auto published = [&](PolicyKind kind, const Job& one) {
    const double r = seconds(one.estimated_us), s = seconds(one.submitted), n = one.count;
    const double w = seconds(now) - s;
    switch (kind) {
      case PolicyKind::kFcfs:
        return s;
      case PolicyKind::kSjf:
        return r;
      case PolicyKind::kWfp3:
        return -std::pow(w / r, 3) * n;
      case PolicyKind::kUnicep:
        return -w / (std::max(std::log2(n), 1e-9) * r);
      case PolicyKind::kF1:
        return std::log10(r) * n + 870 * std::log10(std::max(s, 0.1));
      case PolicyKind::kWeir:
        return std::pow(std::max(r, 10.0), 1.25) * n;
      default:
        return r * n;
    }
  };
  for (const PolicyInfo& policy : policies()) {
    for (const Job& a : jobs) {
      for (const Job& b : jobs) {
        const double x = published(policy.kind, a), y = published(policy.kind, b);
        if (x + 1e-6 * std::fabs(x) >= y) continue;
        EXPECT_LT(policy_key(policy.kind, a, now), policy_key(policy.kind, b, now)) << policy.name;
      }
    }
  }
}

}  // namespace
}  // namespace weir::queue
