#include "intelligence/language/numbers.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "intelligence/language/characters.h"

namespace weir::language {
namespace {

// The number that the whole text is, in millionths; -1: it is none, or goes on.
int64_t read(const std::string& text) {
  const Characters characters = fold(text);
  const auto number = read_number(characters.text, 0);
  return number && number->end == characters.text.size() ? number->micro : -1;
}
int64_t whole(const std::string& text) {
  const int64_t micro = read(text);
  return micro < 0 ? micro : micro / kMicro;
}

TEST(Numbers, AreReadAsPeopleWriteThem) {
  EXPECT_EQ(whole("12"), 12);
  EXPECT_EQ(whole("１２"), 12);
  EXPECT_EQ(whole("1,200"), 1'200);
  EXPECT_EQ(whole("12k"), 12'000);
  EXPECT_EQ(read("99.95"), 99'950'000);
  EXPECT_EQ(read("1.2万"), 12'000 * kMicro);
  EXPECT_EQ(whole("二十"), 20);
  EXPECT_EQ(whole("十二"), 12);
  EXPECT_EQ(whole("两百"), 200);
  EXPECT_EQ(whole("一万二"), 12'000);
  EXPECT_EQ(whole("三百五"), 350);
  EXPECT_EQ(whole("一百零五"), 105);
  EXPECT_EQ(whole("一千两百"), 1'200);
  EXPECT_EQ(whole("二〇二六"), 2'026);
  EXPECT_EQ(whole("兩萬"), 20'000);
  EXPECT_EQ(read("九十九点九"), 99'900'000);
  EXPECT_EQ(read("半"), 500'000);
  EXPECT_EQ(whole("twenty"), 20);
  EXPECT_EQ(whole("twenty-four"), 24);
  EXPECT_EQ(whole("a hundred and fifty"), 150);
  EXPECT_EQ(whole("twelve hundred"), 1'200);
  EXPECT_EQ(whole("a dozen"), 12);
  EXPECT_EQ(read("half a"), 500'000);
  EXPECT_EQ(read("one and a half"), 1'500'000);
  EXPECT_EQ(read("ninety-nine point nine"), 99'900'000);
}

TEST(Numbers, EndWhereTheyEnd) {
  const auto end = [](const std::string& text) { return read_number(fold(text).text, 0)->end; };
  EXPECT_EQ(end("12路"), 2u);
  EXPECT_EQ(end("50kbps"), 2u);
  EXPECT_EQ(end("1,2"), 1u);
  EXPECT_EQ(end("twelve and six"), 6u);
  EXPECT_EQ(read_number(U"十点五", 0, true)->end, 1u);
  EXPECT_FALSE(read_number(U"万", 0));
  EXPECT_FALSE(read_number(U"half the", 0));
  EXPECT_FALSE(read_number(U"often", 2)) << "inside of a word";
  EXPECT_FALSE(read_number(U"", 0));
}

TEST(Numbers, OverTheLargestAreNone) {
  EXPECT_EQ(whole("1000000000000"), 1'000'000'000'000);
  EXPECT_EQ(read("1000000000001"), -1);
  EXPECT_EQ(read("99999999999999999999999999"), -1);
  EXPECT_EQ(read("999999999999万"), -1);
  EXPECT_EQ(whole("一万亿"), 1'000'000'000'000);
}

RC_GTEST_PROP(Numbers, ReadBackAsTheyAreWritten, ()) {
  const int64_t digits = *rc::gen::inRange<int64_t>(1, 13);
  int64_t most = 1;
  for (int64_t i = 0; i < digits; ++i) most *= 10;
  const int64_t value = *rc::gen::inRange<int64_t>(0, most + 1);
  for (const Language language : {Language::kChinese, Language::kEnglish}) {
    const std::string text = write_number(value, language);
    RC_LOG() << text;
    RC_ASSERT(whole(text) == value);
  }
  RC_ASSERT(whole(std::to_string(value)) == value);
}

}  // namespace
}  // namespace weir::language
