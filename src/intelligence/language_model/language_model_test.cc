#include "intelligence/language_model/language_model.h"

#include <gtest/gtest.h>

#include "core/ports/understanding_text.h"
#include "intelligence/language/understand.h"

namespace weir::language {
namespace {

constexpr SpokenAt kAt{1'795'330'800, 8 * 3'600};

std::string understood(std::string_view text, const Model* model, const Frame* previous = nullptr) {
  static const Gazetteer gazetteer(std::vector<KnownName>{{NameKind::kSite, "metro"}, {NameKind::kIntent, "cameras"}});
  const auto out = understand(text, gazetteer, kAt, previous, model);
  return out ? understanding_text(*out, kAt.utc_offset_s) : out.error().text();
}

TEST(LanguageModel, HearsAWishInsideAStory) {
  const auto model = built_in_model();
  constexpr std::string_view kStory = "为什么别家要九十块我不知道，反正我要24路车牌识别，500毫秒，每小时60块";
  EXPECT_EQ(understood(kStory, nullptr).substr(0, 4), "why ");
  EXPECT_EQ(understood(kStory, model.get()), "request kind=service workload=detection streams=24 latency=500ms budget=60/hour");
  EXPECT_EQ(understood("The other provider charged us 70 an hour; you get 50 per hour, for 64 streams of vehicle detection in 450 ms.", model.get()),
            "request kind=service workload=detection streams=64 latency=450ms budget=50/hour");
  EXPECT_EQ(understood("先前跟你同事提的那个网站不做了，现在要的是推理，每秒25个请求，60毫秒", model.get()), "request kind=service workload=inference latency=60ms rate=25");
}

TEST(LanguageModel, NeverAgreesToAnything) {
  const auto model = built_in_model();
  Frame previous{.act = Act::kRequest};
  for (const char* text : {"I suppose that might do", "hm, perhaps", "那也许吧", "should I?", "my wife would say go", "well, it is what it is"}) {
    EXPECT_EQ(understood(text, model.get(), &previous) == "accept", understood(text, nullptr, &previous) == "accept") << text;
  }
}

TEST(LanguageModel, ABareWordIsLeftToRules) {
  const auto model = built_in_model();
  EXPECT_EQ(understood("stop cameras", model.get()), understood("stop cameras", nullptr));
  EXPECT_EQ(understood("hello", model.get()), "other");
  EXPECT_EQ(understood("你好", model.get()), "other");
}

TEST(LanguageModel, IsReadAndWrittenAlike) {
  std::string bytes;
  write_model(*built_in_model(), bytes);
  ASSERT_TRUE(read_model(bytes));
  EXPECT_EQ(read_model(std::string_view(bytes).substr(1)).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(read_model(std::string_view(bytes).substr(0, bytes.size() - 1)).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(read_model(bytes + "x").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(read_model("").error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace weir::language
