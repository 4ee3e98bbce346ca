#include "twin/trace/job_source.h"

#include <gtest/gtest.h>

namespace weir::twin {
namespace {

ReadLine lines(std::vector<std::string> text) {
  return [text = std::move(text), at = size_t{0}](std::string& line) mutable -> Result<bool> {
    if (at == text.size()) return false;
    line = text[at++];
    return true;
  };
}

std::vector<TraceJob> all(JobSource& source) {
  std::vector<TraceJob> jobs;
  for (;;) {
    auto job = source.next();
    EXPECT_TRUE(job) << job.error().text();
    if (!job || !*job) return jobs;
    jobs.push_back(std::move(**job));
  }
}

TEST(JobSource, SwfKnowsTheMachineBeforeTheFirstJob) {
  SwfSource source("t.swf", lines({"; MaxProcs: 256", "1 0 -1 100 8 -1 -1 8 120 2048 1 7 -1 -1 3 -1 -1 -1",
                                   "2 5 -1 0 8 -1 -1 8 120 -1 1 7 -1 -1 3 -1 -1 -1",
                                   "3 9 -1 50 4 -1 -1 4 -1 -1 1 -1 -1 -1 -1 -1 -1 -1"}));
  ASSERT_TRUE(source.begin());
  EXPECT_EQ(source.reader().processors(), 256);
  const auto jobs = all(source);
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].cpu_milli, 8'000);
  EXPECT_EQ(jobs[0].memory_mib, 16);
  EXPECT_EQ(jobs[0].estimate_us, 120'000'000);
  EXPECT_EQ(jobs[0].tenant, "user7");
  EXPECT_EQ(jobs[0].queue, "queue3");
  EXPECT_EQ(jobs[1].submit_us, 9'000'000);
  EXPECT_EQ(jobs[1].estimate_us, 0);
  EXPECT_EQ(jobs[1].tenant, "");
}

TEST(JobSource, OpenbTasksLastFromCreationToDeletion) {
  OpenbSource source("p.csv",
                     lines({"name,cpu_milli,memory_mib,num_gpu,gpu_milli,creation_time,deletion_time",
                            "a,1000,64,1,460,10,25", "b,1000,64,0,0,20,", "c,1000,64,2,1000,5,6"}));
  const auto jobs = all(source);
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].run_us, 15'000'000);
  EXPECT_EQ(jobs[0].accelerator_milli, 460);
  EXPECT_EQ(jobs[1].submit_us, 10'000'000) << "the clock does not go back";
  EXPECT_EQ(jobs[1].accelerator_milli, 0);
  EXPECT_EQ(source.left_out(), 1);
  EXPECT_EQ(source.clock_went_back(), 1);
}

TEST(JobSource, WhatRunsForMoreThanAYearIsCutAndCounted) {
  SwfSource swf("t.swf", lines({"1 0 -1 10 4 -1 -1 4 99999999 -1 1 7 -1 -1 3 -1 -1 -1", "2 0 -1 9999999999 4",
                                "3 0 -1 10 4 -1 -1 4 20 -1 1 7 -1 -1 3 -1 -1 -1"}));
  ASSERT_TRUE(swf.begin());
  BoundedSource source(swf);
  const auto jobs = all(source);
  ASSERT_EQ(jobs.size(), 3u);
  constexpr TimeUs kYear = int64_t{365} * 86'400'000'000;
  EXPECT_EQ(jobs[0].run_us, 10'000'000);
  EXPECT_EQ(jobs[0].estimate_us, kYear);
  EXPECT_EQ(jobs[1].run_us, kYear);
  EXPECT_EQ(jobs[2].estimate_us, 20'000'000);
  EXPECT_EQ(source.cut(), 2);
}

TEST(JobSource, AnErrorSaysFileAndLine) {
  CsvSource source("c.csv", lines({"submit_s,run_s,cpu", "0,1,1", "0,1,none"}));
  ASSERT_TRUE(source.next());
  const auto wrong = source.next();
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().text().find("c.csv:3"), std::string::npos);
}

}  // namespace
}  // namespace weir::twin
