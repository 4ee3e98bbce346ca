#include "core/units/text.h"

#include <gtest/gtest.h>

#include <array>

namespace weir {
namespace {

TEST(Text, KnowsUtf8) {
  EXPECT_TRUE(valid_utf8(""));
  EXPECT_TRUE(valid_utf8("plain, longer than eight bytes"));
  EXPECT_TRUE(valid_utf8("算力网络 é \xF4\x8F\xBF\xBF \xEE\x80\x80"));
  EXPECT_TRUE(valid_utf8("\xED\x9F\xBF"));
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE7\xAE", "\xF0\x9F\x8C", "abcdefgh\xFF"}) {
    EXPECT_FALSE(valid_utf8(bad)) << bad;
  }
}

TEST(Text, ClipsBetweenCharacters) {
  EXPECT_EQ(clip_utf8("abc", 3), "abc");
  EXPECT_EQ(clip_utf8("abc", 2), "ab");
  EXPECT_EQ(clip_utf8("a算b", 3), "a");
  EXPECT_EQ(clip_utf8("a算b", 4), "a算");
  EXPECT_EQ(clip_utf8("a\xFF\x80z", 10), "a??z");
  EXPECT_EQ(clip_utf8("\xE7\xAE", 10), "??");
  EXPECT_EQ(clip_utf8("abc", 0), "");
}

TEST(Text, FindsWhatWasMeant) {
  constexpr std::array<std::string_view, 4> names = {"latency", "percentile", "availability", "from"};
  EXPECT_EQ(nearest("latncy", names), "latency");
  EXPECT_EQ(nearest("lantecy", names), "latency");
  EXPECT_EQ(nearest("form", names), "from");
  EXPECT_EQ(nearest("avialability", names), "availability");
  EXPECT_EQ(nearest("colour", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest(std::string(65, 'a'), names), "");
  constexpr std::array<std::string_view, 2> twins = {"hub-a", "hub-b"};
  EXPECT_EQ(nearest("hub-c", twins), "hub-a");
}

}  // namespace
}  // namespace weir
