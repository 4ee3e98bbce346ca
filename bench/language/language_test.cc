#include "bench/language/language_set.h"

#include <gtest/gtest.h>

#include "intelligence/language_model/language_model.h"

namespace weir::bench {
namespace {

TEST(LanguageSet, HoldsTwoHundredSentencesOfEachLanguage) {
  const auto sets = built_in_sets();
  ASSERT_EQ(sets.size(), 2u);
  for (const LanguageSet& set : sets) {
    size_t held = 0;
    for (const Sentence& sentence : set.sentences) held += sentence.held ? 1 : 0;
    EXPECT_GE(set.sentences.size(), 200u) << set.name;
    EXPECT_EQ(held, set.sentences.size() / 3) << set.name;
  }
}

TEST(LanguageSet, IsUnderstoodAsWellAsItWas) {
  const auto model = language::built_in_model();
  for (const LanguageSet& set : built_in_sets()) {
    std::vector<Miss> misses;
    (void)score(set, Part::kOpen, model.get(), &misses);  // those held back are not looked at
    const Score all = score(set, Part::kAll, model.get());
    const Score held = score(set, Part::kHeld, model.get());
    EXPECT_GE(all.act_accuracy(), 0.97) << set.name;
    EXPECT_GE(all.slot_f1(), 0.97) << set.name;
    EXPECT_GE(all.whole_accuracy(), 0.95) << set.name;
    EXPECT_GE(held.whole_accuracy(), 0.92) << set.name;
    for (const Miss& miss : misses) std::printf("%s\n  means %s\n  found %s\n", miss.text.c_str(), miss.expected.c_str(), miss.found.c_str());
  }
}

TEST(LanguageSet, NamesTheLineThatIsWrong) {
  EXPECT_EQ(read_set("my.tsv", "# a remark\nhello\n").error().text(),
            "my.tsv:2: has no tab between a text and what it means; write TEXT, a tab, and what it means");
  EXPECT_EQ(read_set("my.tsv", "hello\tgreet\n").error().what, "means an act that there is not");
  for (const char* field : {"strems=4", "streams=", "streams", "=4", "kind=servce", "servce:detection"}) {
    EXPECT_EQ(read_set("my.tsv", std::string("four\trequest latency=1s ") + field).error().what, "has a field that there is not, or one without a value") << field;
  }
  EXPECT_EQ(read_set("my.tsv", "").error().what, "holds no sentence");
  const auto set = read_set("my.tsv", "+yes\taccept\ntrain\trequest job:training");
  ASSERT_TRUE(set);
  EXPECT_TRUE(set->sentences[0].answers);
  EXPECT_EQ(score(*set, Part::kAll, nullptr).whole_right, 2u);
}

}  // namespace
}  // namespace weir::bench
