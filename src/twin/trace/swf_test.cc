#include "twin/trace/swf.h"

#include <gtest/gtest.h>

namespace weir::twin {
namespace {

TEST(Swf, ReadsHeaderAndJobs) {
  SwfReader reader("a.swf");
  SwfJob job;
  EXPECT_EQ(reader.line("; Version: 2.2", job), false);
  EXPECT_EQ(reader.line("; MaxNodes: 128", job), false);
  EXPECT_EQ(reader.processors(), 128);
  EXPECT_EQ(reader.line(";   MaxProcs: 256 (two each)\r", job), false);
  EXPECT_EQ(reader.line("; UnixStartTime: 748137600", job), false);
  EXPECT_EQ(reader.processors(), 256);
  EXPECT_EQ(reader.unix_start_s(), 748'137'600);
  EXPECT_EQ(reader.line("  7  10.9 -1 120 8 -1 200 16 300 -1 1 4 5 6 2 1 -1 -1\r", job), true);
  EXPECT_EQ(job.number, 7);
  EXPECT_EQ(job.submitted_s, 10);
  EXPECT_EQ(job.run_s, 120);
  EXPECT_EQ(job.processors, 16);
  EXPECT_EQ(job.requested_s, 300);
  EXPECT_EQ(job.memory_kib, 200);
  EXPECT_EQ(job.user, 4);
  EXPECT_EQ(job.queue, 2);
  EXPECT_EQ(reader.line("", job), false);
}

TEST(Swf, CountsWhatItLeavesOutOrChanges) {
  SwfReader reader("a.swf");
  SwfJob job;
  EXPECT_EQ(reader.line("1 100 -1 -1 8", job), false);  // never ran
  EXPECT_EQ(reader.line("2 100 -1 0 8", job), false);
  EXPECT_EQ(reader.line("3 100 -1 10 -1", job), false);  // no processors
  EXPECT_EQ(reader.line("4 90 -1 10 1", job), true);     // the clock went back
  EXPECT_EQ(job.submitted_s, 100);
  EXPECT_EQ(job.requested_s, -1);
  EXPECT_EQ(reader.line("5 110 -1 10 1 -1 -1 -1 5", job), true);
  EXPECT_EQ(job.requested_s, 5);
  const SwfCounts& counts = reader.counts();
  EXPECT_EQ(counts.jobs, 2);
  EXPECT_EQ(counts.without_run_time, 2);
  EXPECT_EQ(counts.without_processors, 1);
  EXPECT_EQ(counts.clock_went_back, 1);
  EXPECT_EQ(counts.requested_too_little, 1);
  EXPECT_EQ(counts.missing_fields, 5);
  EXPECT_EQ(reader.line("6 120 -1 10 1 -1 -1 1 5 -1 1 1 1 1 1 1 -1 -1", job), true);
  EXPECT_EQ(reader.counts().missing_fields, 5);
}

TEST(Swf, SaysWhereAndWhat) {
  const auto error = [](const char* text) {
    SwfReader reader("b.swf");
    SwfJob job;
    EXPECT_EQ(reader.line("; a comment", job), false);
    const auto result = reader.line(text, job);
    return result ? std::string("accepted") : result.error().text();
  };
  EXPECT_EQ(error("1 2 3 4"), "b.swf:2: only 4 of 18 fields");
  EXPECT_EQ(error("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19"), "b.swf:2: more than 18 fields");
  EXPECT_EQ(error("1 2 3 x 5"), "b.swf:2: field 4 is not a number: \"x\"");
  EXPECT_EQ(error("1 2 3 1e9 5"), "b.swf:2: field 4 is not a number: \"1e9\"");
  EXPECT_EQ(error("1 2 3 99999999999999999999 5"),
            "b.swf:2: field 4 is not a number: \"99999999999999999999\"");
  EXPECT_EQ(error("1 2 3 -20 5"), "b.swf:2: run time is negative: -20");
  EXPECT_EQ(error("1 -1 3 20 5"), "b.swf:2: no submit time");
  EXPECT_EQ(error("; MaxProcs: many"), "b.swf:2: MaxProcs is not a number: \"many\"");
  EXPECT_EQ(error(std::string(5000, '1').c_str()), "b.swf:2: the line is longer than 4096 bytes");
}

}  // namespace
}  // namespace weir::twin
