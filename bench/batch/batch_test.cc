#include <gtest/gtest.h>

#include <cstdlib>

#include "bench/batch/replay.h"
#include "bench/batch/sequences.h"

namespace weir::bench {
namespace {

using queue::PolicyKind;

TraceJob job(int64_t number, int64_t submitted_s, int64_t run_s, int64_t processors) {
  TraceJob made;
  made.swf.number = number;
  made.swf.submitted_s = submitted_s;
  made.swf.run_s = made.estimated_s = made.limit_s = run_s;
  made.swf.processors = processors;
  return made;
}

TEST(Batch, BoundedSlowdownIsWhatItsDefinitionSays) {
  // 2 waits for 1 until 100; 3 is shorter than the bound.
  const std::vector<TraceJob> jobs = {job(1, 0, 100, 4), job(2, 10, 50, 4), job(3, 20, 5, 4)};
  const Outcome outcome = replay(jobs, 4, {PolicyKind::kFcfs, {.backfill = Backfill::kNone}});
  EXPECT_DOUBLE_EQ(outcome.slowdown_mean, (1.0 + 140.0 / 50 + (130.0 + 5) / 10) / 3);
  EXPECT_EQ(outcome.wait_most_s, 130);
  EXPECT_DOUBLE_EQ(outcome.utilisation, 1);
}

TEST(Batch, UserEstimatesAreNeverTooShortAndTheSameEachTime) {
  Trace trace;
  for (int64_t i = 0; i < 200; ++i) trace.jobs.push_back(job(i, i, 1 + i * 997, 1).swf);
  const auto first = sequence(trace, 0, 1000, Estimates::kUser),
             again = sequence(trace, 0, 1000, Estimates::kUser);
  ASSERT_EQ(first.size(), 200U);
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_GE(first[i].limit_s, first[i].swf.run_s);
    EXPECT_LE(first[i].limit_s, std::max<int64_t>(60, first[i].swf.run_s * 10));
    EXPECT_EQ(first[i].limit_s, again[i].limit_s);
  }
}

class PublishedTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("WEIR_DATA");
    if (data == nullptr) GTEST_SKIP() << "WEIR_DATA names no folder with the traces";
    auto trace = read_trace(std::string(data) + "/swf/lublin_256.swf");
    if (!trace) GTEST_SKIP() << trace.error().text();
    trace_ = std::move(*trace);
  }
  double mean(const Rules& rules) const {
    double sum = 0;
    for (const size_t start : {1981, 2756, 4299, 8850, 3316, 2714, 5228, 7762, 4022, 7085}) {
      sum += replay(sequence(trace_, start, 1024, Estimates::kExact), trace_.processors, rules).slowdown_mean;
    }
    return sum / 10;
  }
  Trace trace_;
};

TEST_F(PublishedTest, FiguresComeOutToTheDigit) {
  Rules rules;
  rules.one_by_one = true;
  rules.engine = {.backfill = Backfill::kNone, .blocks = true, .overrun_us = 1};
  rules.policy = PolicyKind::kSjf;
  EXPECT_NEAR(mean(rules), 277.35, 0.005);
  rules.policy = PolicyKind::kF1;
  EXPECT_NEAR(mean(rules), 258.37, 0.005);
  rules.policy = queue::Policy();
  EXPECT_LT(mean(rules), 254.67);
  rules.engine = {.blocks = true, .spare = false, .passing_fcfs = true, .overrun_us = 1};
  rules.policy = PolicyKind::kSjf;
  EXPECT_NEAR(mean(rules), 73.31, 0.005);
  rules = {PolicyKind::kSmallestArea, {.backfill = Backfill::kNone}, false};
  EXPECT_NEAR(mean(rules), 26.95, 0.005);
  rules = {queue::Policy(), {.overrun_us = 1}, false};
  EXPECT_LT(mean(rules), 26.95);
}

}  // namespace
}  // namespace weir::bench
