#include "infrastructure/posix/process_stat.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace weir::posix {
namespace {

const std::string kRest = " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20 21\n";

TEST(ProcessStat, FieldsCountFromTheLastBracketOfTheName) {
  const ProcessStat expected{'S', 777};
  EXPECT_EQ(parse_process_stat("41 (weir) S" + kRest), expected);
  EXPECT_EQ(parse_process_stat("41 (a b) Z 1) S" + kRest), expected);
  EXPECT_EQ(parse_process_stat("41 (\n) S" + kRest), expected);
}

TEST(ProcessStat, OtherTextIsNone) {
  const std::string whole = "41 (weir) S" + kRest;
  for (const std::string& text :
       {std::string(), std::string(")"), std::string("41 (weir"), std::string("41 (weir) "),
        std::string("41 (weir) S 1 2"), "41 (weir) SS" + kRest, "41 (weir) S" + std::string(18, ' ') + "\n",
        whole.substr(0, whole.find(" 777"))}) {
    EXPECT_EQ(parse_process_stat(text), std::nullopt) << text;
  }
  std::string overflowing = whole;
  overflowing.replace(overflowing.find("777"), 3, "99999999999999999999");
  EXPECT_EQ(parse_process_stat(overflowing), std::nullopt);
}

TEST(ProcessStat, OfThisProcessAndOfNone) {
  const auto own = read_process_stat(getpid());
  ASSERT_TRUE(own);
  EXPECT_GT(own->start_ticks, 0u);
  EXPECT_EQ(read_process_stat(0), std::nullopt);
}

}  // namespace
}  // namespace weir::posix
