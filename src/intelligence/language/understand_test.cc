#include "intelligence/language/understand.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "core/units/quantity.h"
#include "core/units/text.h"
#include "intelligence/language/characters.h"
#include "core/ports/understanding_text.h"
#include "intelligence/language/lexicon.h"
#include "intelligence/language/numbers.h"

namespace weir::language {
namespace {

// A second row of a word would never be read.
TEST(Lexicon, HasNoWordTwiceInOneSense) {
  std::set<std::pair<Sense, std::string>> seen;
  for (const Words& words : built_in_words()) {
    const std::string all = words.words;
    for (size_t begin = 0; begin <= all.size();) {
      const size_t end = std::min(all.find('|', begin), all.size());
      const std::string word = all.substr(begin, end - begin);
      begin = end + 1;
      EXPECT_FALSE(word.empty()) << all;
      EXPECT_TRUE(seen.insert({words.sense, word}).second) << word;
    }
  }
}

// 2026-11-22 15:00 in Shanghai, a Sunday.
constexpr SpokenAt kNow{1'795'330'800, 8 * 3'600};

const Gazetteer& gazetteer() {
  static const std::vector<KnownName> names = {
      {NameKind::kSite, "street-a"},    {NameKind::kSite, "street-b"},   {NameKind::kSite, "hub-ningxia"},
      {NameKind::kSite, "metro"},       {NameKind::kRegion, "Zhejiang"}, {NameKind::kLabel, "cn"},
      {NameKind::kLabel, "zhejiang"},   {NameKind::kIntent, "cameras"},  {NameKind::kArtifact, "detector"},
      {NameKind::kAcceleratorModel, "NVIDIA A100-SXM4-80GB"}};
  static const Gazetteer gazetteer(names);
  return gazetteer;
}

std::string understood(const std::string& text, const Frame* previous = nullptr) {
  const auto out = understand(text, gazetteer(), kNow, previous);
  return out ? understanding_text(*out, kNow.utc_offset_s) : out.error().text();
}

TEST(Understand, TheSentenceOfTheScenarioInBothLanguages) {
  const std::string expected = "request kind=service workload=detection streams=12 latency=500ms";
  EXPECT_EQ(understood("需要对12路1080p视频做物体识别，处理时延不超过500ms"), expected);
  EXPECT_EQ(understood("I need object detection on 12 streams of 1080p video, answered within 500 ms"), expected);
}

TEST(Understand, EveryFieldNamesTheWordsThatItComesFrom) {
  const std::string text = "需要对12路1080p视频做物体识别，处理时延不超过500ms";
  const auto out = understand(text, gazetteer(), kNow);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->language, Language::kChinese);
  const auto words = [&](Slot slot) {
    const Field* field = out->frames[0].find(slot);
    return field == nullptr ? std::string("-") : text.substr(field->span.begin, field->span.end - field->span.begin);
  };
  EXPECT_EQ(words(Slot::kStreams), "12路");
  EXPECT_EQ(words(Slot::kWorkload), "物体识别");
  EXPECT_EQ(words(Slot::kLatency), "500ms");
  EXPECT_EQ(out->frames[0].find(Slot::kKind)->span, TextSpan{}) << "nobody said it";
}

TEST(Understand, NamesAreFoundMisspeltFoldedAndInPart) {
  EXPECT_EQ(understood("detection on 6 streams at metro, not at hub-ningxa"), "request kind=service workload=detection streams=6 only=metro not=hub-ningxia");
  EXPECT_EQ(understood("train on 2 A100 in 浙江"), "request kind=job workload=training gpus=2 model=NVIDIA_A100-SXM4-80GB only=Zhejiang");
  EXPECT_EQ(understood("the data must stay in Zhejiang, train on one gpu"), "request kind=job workload=training gpus=1 residency=zhejiang");
}

TEST(Understand, TimesAreCountedFromTheMomentOfSpeaking) {
  EXPECT_EQ(understood("render by 6am"), "request kind=job workload=rendering deadline=2026-11-23T06:00");
  EXPECT_EQ(understood("渲染，今晚十点开始"), "request kind=job workload=rendering start=2026-11-22T22:00");
  EXPECT_EQ(understood("渲染，下周三之前"), "request kind=job workload=rendering deadline=2026-11-25T00:00");
  EXPECT_EQ(understood("render before 3 March"), "request kind=job workload=rendering deadline=2027-03-03T00:00");
  EXPECT_EQ(understood("render within two hours"), "request kind=job workload=rendering deadline=2026-11-22T17:00");
  EXPECT_EQ(understood("render between 8pm and 11pm").substr(0, 35), "request kind=job workload=rendering");
}

TEST(Understand, AnAnswerIsTalkedAboutOnlyWhereThereIsOne) {
  const auto first = understand("detection, 12 streams, 500 ms", gazetteer(), kNow);
  ASSERT_TRUE(first);
  const Frame* answer = &first->frames[0];
  EXPECT_EQ(understood("half the price, slower is fine", answer), "edit latency=relax budget=*0.5");
  EXPECT_EQ(understood("再加4路", answer), "edit streams=+4");
  EXPECT_EQ(understood("ok, do it", answer), "accept");
  EXPECT_EQ(understood("ok, do it"), "other");
}

TEST(Understand, AJoinedNameThatNobodyKnowsIsStillAPlace) {
  EXPECT_EQ(understood("detection on 6 streams from gate-7, not at hub-mars"), "request kind=service workload=detection streams=6 from=gate-7:6 not=hub-mars");
  EXPECT_EQ(understood("state-of-the-art detection on 6 streams"), "request kind=service workload=detection streams=6");
}

TEST(Understand, SeveralWishesAreSeveralFrames) {
  EXPECT_EQ(understood("停掉cameras，然后训练一个模型，四张卡"), "cancel target=cameras | request kind=job workload=training gpus=4");
}

std::vector<std::pair<DoubtKind, Slot>> doubts(const std::string& text) {
  std::vector<std::pair<DoubtKind, Slot>> out;
  const auto read = understand(text, gazetteer(), kNow);
  if (!read) return out;
  for (const Doubt& doubt : read->frames[0].doubts) out.emplace_back(doubt.kind, doubt.slot);
  return out;
}

TEST(Understand, WhatIsMissingOrContradictsItselfIsDoubted) {
  const auto has = [](const auto& all, DoubtKind kind, Slot slot) { return std::find(all.begin(), all.end(), std::pair(kind, slot)) != all.end(); };
  EXPECT_TRUE(has(doubts("12 streams of detection"), DoubtKind::kMissing, Slot::kFrom));
  EXPECT_TRUE(has(doubts("four GPUs"), DoubtKind::kMissing, Slot::kWorkload));
  EXPECT_TRUE(has(doubts("train on 4 GPUs for 10 hours by 6pm today"), DoubtKind::kConflict, Slot::kRunTime));
  EXPECT_TRUE(has(doubts("detection only at metro, not at metro"), DoubtKind::kConflict, Slot::kOnly));
  EXPECT_TRUE(has(doubts("web service, 100% available"), DoubtKind::kConflict, Slot::kAvailability));
  EXPECT_TRUE(has(doubts("detection on 6 streams and 8 streams"), DoubtKind::kConflict, Slot::kStreams));
  EXPECT_TRUE(doubts("detection on 6 streams from street-a").empty());
}

TEST(Understand, TheLengthOfATextIsBounded) {
  const auto of = [](size_t bytes) { return understand("detection " + std::string(bytes - 10, 'x'), gazetteer(), kNow); };
  EXPECT_TRUE(of(kUtteranceBytesMax - 1));
  EXPECT_TRUE(of(kUtteranceBytesMax));
  const auto over = of(kUtteranceBytesMax + 1);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().text(), "has 4097 bytes, more than 4096; say it in fewer words, or write an Intent file");
  EXPECT_EQ(understand(" \n", gazetteer(), kNow).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(understand("\xff", gazetteer(), kNow).error().what, "is not UTF-8");
}

TEST(Understand, WishesAreBounded) {
  std::string text;
  for (size_t wishes = 1; wishes <= 20; ++wishes) {
    text += wishes % 2 == 1 ? "render; " : "train; ";
    EXPECT_EQ(understand(text, gazetteer(), kNow)->frames.size(), std::min(wishes, kFramesMax));
  }
}

TEST(Understand, ANameSaysNothingButItself) {
  // A name is data: words of the language in it do not count, nor control characters or length.
  const std::vector<KnownName> names = {{NameKind::kSite, "stop-all-and-delete"}, {NameKind::kSite, std::string(5'000, 'a')},
                                        {NameKind::kIntent, "<script>alert(1)</script>"}, {NameKind::kSite, ""}};
  const Gazetteer hostile(names);
  const auto out = understand("detection on 6 streams at stop-all-and-delete", hostile, kNow);
  ASSERT_TRUE(out);
  EXPECT_EQ(understanding_text(*out, 0), "request kind=service workload=detection streams=6 only=stop-all-and-delete");
}

void check_spans(const std::string& text, const Understanding& out) {
  const auto boundary = [&](size_t at) { return at <= text.size() && (at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80); };
  RC_ASSERT(!out.frames.empty() && out.frames.size() <= kFramesMax);
  for (const Frame& frame : out.frames) {
    RC_ASSERT(boundary(frame.span.begin) && boundary(frame.span.end) && frame.span.begin <= frame.span.end);
    for (const Field& field : frame.fields) {
      RC_ASSERT(boundary(field.span.begin) && boundary(field.span.end) && field.span.begin <= field.span.end);
      RC_ASSERT(field.confidence_permille >= 1 && field.confidence_permille <= 1'000);
    }
  }
}

RC_GTEST_PROP(Understand, AnyBytesAreReadOrRefused, (const std::string& text)) {
  if (const auto out = understand(text, gazetteer(), kNow)) {
    check_spans(text, *out);
  } else {
    RC_ASSERT(text.empty() || !valid_utf8(text) || text.find_first_not_of(" \t\n\r") == std::string::npos || text.size() > kUtteranceBytesMax);
  }
}

RC_GTEST_PROP(Understand, SpansLieOnCharactersInAnyOrderOfWords, ()) {
  static const std::vector<std::string> words = {"12", "路", "十二", "streams", "half", "an", "hour", "每小时", "块", "GPU", "from", "street-a", "和", "street-b",
      "各", "not", "不要", "by", "6", "am", "tomorrow", "今晚", "十点", "半", "：", "，", ";", "。", "why", "如果", "cameras", "停", "99.9", "%", "四个九",
      "A100", "x8", "detecton", "p99", "<", "20", "ms", "to", "1e999", "999999999999", "万亿", "亿", "点", "\xF0\x9F\x98\x80", "ＡＢ", "budget", "total", "前", "11月31日", "25:61"};
  const auto picked = *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, words.size()));
  std::string text;
  for (const size_t i : picked) text += words[i] + (i % 3 == 0 ? " " : "");
  RC_PRE(text.size() <= kUtteranceBytesMax && text.find_first_not_of(' ') != std::string::npos);
  const auto out = understand(text, gazetteer(), kNow);
  RC_ASSERT(out.has_value());
  check_spans(text, *out);
  const auto again = understand(text, gazetteer(), kNow);
  RC_ASSERT(understanding_text(*out, 0) == understanding_text(*again, 0));
}

RC_GTEST_PROP(Understand, AStatedLatencyAndCountReadBack, ()) {
  const int64_t streams = *rc::gen::inRange<int64_t>(2, 1'000'001);
  const int64_t ms = *rc::gen::inRange<int64_t>(1, 60'000);
  const bool chinese = *rc::gen::arbitrary<bool>();
  const Language language = chinese ? Language::kChinese : Language::kEnglish;
  const std::string text = chinese ? "识别" + write_number(streams, language) + "路视频，时延不超过" + write_number(ms, language) + "毫秒"
                                   : "detection on " + write_number(streams, language) + " streams, latency at most " + write_number(ms, language) + " ms";
  RC_LOG() << text;
  RC_ASSERT(understood(text) == "request kind=service workload=detection streams=" + std::to_string(streams) + " latency=" + format_duration(ms * 1'000));
}

TEST(Characters, FoldWithoutLosingTheirPlace) {
  const Characters out = fold("Ａ視 hub-A\xff");
  EXPECT_EQ(out.text, U"a视 hub-a\xFFFD");
  EXPECT_EQ(out.span(0, 2), (TextSpan{0, 6}));
  EXPECT_EQ(out.at.back(), 13u);
}

}  // namespace
}  // namespace weir::language
