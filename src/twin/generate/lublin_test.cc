#include "twin/generate/lublin.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace weir::twin {
namespace {

std::vector<TraceJob> jobs(const LublinOptions& options) {
  LublinSource source(options);
  std::vector<TraceJob> out;
  for (auto job = source.next(); job && *job; job = source.next()) out.push_back(**job);
  return out;
}

TEST(Lublin, ASeedDrawsTheSameJobsAgainAndAnotherOthers) {
  const auto a = jobs({.jobs = 500, .seed = 7}), b = jobs({.jobs = 500, .seed = 7}),
             c = jobs({.jobs = 500, .seed = 8});
  ASSERT_EQ(a.size(), 500u);
  size_t differ = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].run_us, b[i].run_us);
    EXPECT_EQ(a[i].submit_us, b[i].submit_us);
    differ += a[i].run_us != c[i].run_us;
  }
  EXPECT_GT(differ, 400u);
}

TEST(Lublin, JobsFitTheMachineAndTakeTheLoadThatIsAskedFor) {
  const auto all = jobs({.jobs = 50'000, .processors = 128, .seed = 3, .load = 0.6});
  double work_us = 0;
  TimeUs last_us = 0;
  size_t serial = 0;
  for (const TraceJob& job : all) {
    EXPECT_GE(job.cpu_milli, 1'000);
    EXPECT_LE(job.cpu_milli, 128'000);
    EXPECT_GE(job.run_us, 1'000'000);
    EXPECT_GE(job.estimate_us, job.run_us);
    EXPECT_GE(job.submit_us, last_us);
    last_us = job.submit_us;
    serial += job.cpu_milli == 1'000;
    work_us += static_cast<double>(job.run_us) * job.cpu_milli / 1'000;
  }
  EXPECT_NEAR(work_us / static_cast<double>(last_us) / 128, 0.6, 0.12);
  EXPECT_GT(serial, all.size() / 5);
}

}  // namespace
}  // namespace weir::twin
