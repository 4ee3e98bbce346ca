#include "twin/replay/recorder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "twin/replay/html.h"

namespace weir::twin {
namespace {

JobOutcome done(uint64_t number, TimeUs submit_s, TimeUs start_s, TimeUs end_s) {
  return {.number = number,
          .job = {.id = "j" + std::to_string(number),
                  .submit_us = submit_s * 1'000'000,
                  .run_us = (end_s - start_s) * 1'000'000,
                  .cpu_milli = 1'500},
          .start_us = start_s * 1'000'000,
          .end_us = end_s * 1'000'000,
          .site = SiteId(0u),
          .attempts = 1};
}

TEST(Recorder, SumsUpWaitsAndSlowdowns) {
  Recorder recorder;
  recorder.outcome(done(0, 0, 0, 100));
  recorder.outcome(done(1, 0, 100, 200));
  recorder.outcome(done(2, 10, 19, 20));
  EXPECT_EQ(recorder.summary().done, 3u);
  EXPECT_NEAR(recorder.summary().wait_s.mean(), 109.0 / 3, 1e-9);
  // 1, 2, and 10 s of a bounded run time of 10 s.
  EXPECT_NEAR(recorder.summary().slowdown.mean(), 4.0 / 3, 1e-9);
  EXPECT_EQ(recorder.summary().end_us, 200'000'000);
}

TEST(Recorder, ARowHasAllColumnsAndNothingBreaksIt) {
  JobOutcome outcome = done(3, 1, 2, 3);
  outcome.job.id = "a,\"b\n";
  outcome.billed = kCredit / 2;
  outcome.waited_for = ReasonCode::kCpu;
  const std::string header = jobs_csv_header(), row = jobs_csv_row(outcome, "north");
  EXPECT_EQ(std::count(header.begin(), header.end(), ','), std::count(row.begin(), row.end(), ','));
  EXPECT_EQ(std::count(row.begin(), row.end(), '\n'), 1);
  EXPECT_EQ(row, "3,a__b_,,,1,2,3,1,1,,1.0000,1.500,0,0,north,1,0.500000000,done,cpu,\n");
  outcome.end = JobOutcome::End::kTooLarge;
  const std::string refused = jobs_csv_row(outcome, "");
  EXPECT_EQ(std::count(header.begin(), header.end(), ','), std::count(refused.begin(), refused.end(), ','));
}

TEST(Recorder, KeepsABoundedSampleOfBars) {
  Recorder recorder;
  for (uint64_t i = 0; i < 60'000; ++i)
    recorder.outcome(done(i, static_cast<TimeUs>(i), static_cast<TimeUs>(i), static_cast<TimeUs>(i) + 1));
  EXPECT_LE(recorder.bars().size(), Recorder::kBarsMax);
  EXPECT_GT(recorder.bars().size(), Recorder::kBarsMax / 3);
  EXPECT_EQ(recorder.bars_every(), 16u);
  for (size_t i = 0; i < recorder.bars().size(); ++i)
    EXPECT_EQ(recorder.bars()[i].start_us, static_cast<TimeUs>(16 * i) * 1'000'000);
}

TEST(Html, AReportIsOneFileAndNamesCannotEndAScript) {
  Recorder recorder;
  JobOutcome outcome = done(0, 0, 5, 10);
  outcome.job.id = "</script><b>";
  recorder.outcome(outcome);
  Graph graph;
  recorder.moment({.at_us = 0, .waiting = 1, .running = 0, .graph = &graph});
  recorder.moment({.at_us = 10'000'000, .waiting = 0, .running = 1, .graph = &graph});
  const std::string page = html_report(
      recorder,
      {.trace = "<t>", .policy = "weir", .command = "weir sim replay", .version = "1", .sites = {"a"}});
  EXPECT_EQ(page.find("</script><b>"), std::string::npos);
  EXPECT_EQ(page.find("<t>"), std::string::npos);
  EXPECT_NE(page.find("&lt;t&gt;"), std::string::npos);
  EXPECT_NE(page.find("uPlot"), std::string::npos);
  for (const char* foreign : {"src=\"", "href=\"", "@import", "fetch("})
    EXPECT_EQ(page.find(foreign), std::string::npos) << foreign;
  EXPECT_LT(page.size(), 200'000u);
}

}  // namespace
}  // namespace weir::twin
