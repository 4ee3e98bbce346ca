#include "twin/trace/csv.h"

#include <gtest/gtest.h>

namespace weir::twin {
namespace {

std::vector<TraceJob> read(CsvReader& reader, std::vector<std::string_view> lines) {
  std::vector<TraceJob> jobs;
  for (const std::string_view text : lines) {
    auto job = reader.line(text);
    EXPECT_TRUE(job) << job.error().text();
    if (job && *job) jobs.push_back(std::move(**job));
  }
  return jobs;
}

std::string error(std::string_view header, std::string_view row) {
  CsvReader reader("jobs.csv");
  if (auto first = reader.line(header); !first) return first.error().text();
  const auto job = reader.line(row);
  return job ? "" : job.error().text();
}

TEST(Csv, ReadsColumnsByNameInAnyOrder) {
  CsvReader reader("jobs.csv");
  const auto jobs =
      read(reader,
           {"cpu,run_s,submit_s,tenant,memory_mib,accelerators,accelerator_milli,color,estimate_s,priority",
            "0.5,10,1.000001,city,2048,1,250,red,60,-3", "", "4,2.5,2,,,,,,,"});
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0].cpu_milli, 500);
  EXPECT_EQ(jobs[0].submit_us, 1'000'001);
  EXPECT_EQ(jobs[0].run_us, 10'000'000);
  EXPECT_EQ(jobs[0].estimate_us, 60'000'000);
  EXPECT_EQ(jobs[0].tenant, "city");
  EXPECT_EQ(jobs[0].memory_mib, 2048);
  EXPECT_EQ(jobs[0].accelerators, 1);
  EXPECT_EQ(jobs[0].accelerator_milli, 250);
  EXPECT_EQ(jobs[0].priority, -3);
  EXPECT_EQ(jobs[0].id, "2") << "its line";
  EXPECT_EQ(jobs[1].run_us, 2'500'000);
  EXPECT_EQ(jobs[1].estimate_us, 0);
  EXPECT_TRUE(reader.end());
}

TEST(Csv, AClockThatGoesBackIsHeldAndCounted) {
  CsvReader reader("jobs.csv");
  const auto jobs = read(reader, {"submit_s,run_s,cpu", "10,1,1", "5,1,1", "11,0,1", "12,1,1"});
  ASSERT_EQ(jobs.size(), 3u);
  EXPECT_EQ(jobs[1].submit_us, 10'000'000);
  EXPECT_EQ(reader.counts().clock_went_back, 1);
  EXPECT_EQ(reader.counts().without_run_time, 1);
  EXPECT_EQ(reader.counts().jobs, 3);
}

TEST(Csv, SaysWhatIsWrongAndWhere) {
  const char* header = "submit_s,run_s,cpu,memory_mib,tenant";
  for (const char* row :
       {"0,-1,1,,", "0,1,-1,,", "-1,1,1,,", "0,1,0,,", "0,x,1,,", "0,1.,1,,", "0,1e3,1,,", "0,.5,1,,",
        "0,1,1.0001,,", "0,1,1,-5,", "0,99999999999,1,,", "0,1,1", "0,1,1,\"5\","}) {
    const std::string text = error(header, row);
    EXPECT_NE(text.find("jobs.csv:2"), std::string::npos) << row << ": " << text;
  }
  EXPECT_NE(error(header, "0,1,1,," + std::string(64, 't')).find("tenant"), std::string::npos);
  EXPECT_NE(error("submit_s,cpu", "").find("run_s"), std::string::npos);
  EXPECT_FALSE(CsvReader("jobs.csv").end());
}

}  // namespace
}  // namespace weir::twin
