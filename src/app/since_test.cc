#include "app/since.h"

#include <gtest/gtest.h>

namespace weir::app {
namespace {

constexpr int64_t kDayUs = 86'400'000'000;
constexpr int64_t kNow = 20'000 * kDayUs + 3'600'000'000;  // 2024-10-04T01:00:00Z

TEST(Since, UnderstandsDurationsDaysAndDates) {
  EXPECT_EQ(since_us("30m", kNow), kNow - 1'800'000'000);
  EXPECT_EQ(since_us("today", kNow), 20'000 * kDayUs);
  EXPECT_EQ(since_us("yesterday", kNow), 19'999 * kDayUs);
  EXPECT_EQ(since_us("2024-10-04", kNow), 20'000 * kDayUs);
  EXPECT_EQ(since_us("2024-10-03T00:00:01", kNow), 19'999 * kDayUs + 1'000'000);
  EXPECT_EQ(since_us("2024-10-03T00:00:01Z", kNow), 19'999 * kDayUs + 1'000'000);
  EXPECT_EQ(since_us("30d", kDayUs), 0) << "not before 1970";
}

TEST(Since, RefusesWhatItIsNot) {
  for (const char* text :
       {"", "last week", "2024-13-01", "2024-02-30", "2024-10-03T24:00:00", "2024-10-03T1:2:3", "2024-10-03x",
        "1969-12-31", "-1h", "2024-10-04T01:00:01", "2024-10-03T00:00:01Zz"}) {
    const auto refused = since_us(text, kNow);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(refused.error().where, "--since");
    EXPECT_NE(refused.error().remedy.find("yesterday"), std::string::npos);
  }
}

}  // namespace
}  // namespace weir::app
