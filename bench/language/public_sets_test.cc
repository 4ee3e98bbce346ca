#include "bench/language/public_sets.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "bench/language/public_sets_bench.h"
#include "bench/language/public_sets_learner.h"
#include "bench/support/raw_log.h"

namespace weir::bench {
namespace {

std::string repeated(std::string_view text, size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string numbered(std::string_view before, size_t count, std::string_view after) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += std::string(before) + std::to_string(i) + std::string(after);
  return out;
}

Result<std::vector<TaggedUtterance>> slots(std::string words, std::string tags, std::string intents) {
  return read_slots({"seq.in", std::move(words)}, {"seq.out", std::move(tags)}, {"label", std::move(intents)});
}

void write(const std::string& file, std::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(file).parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

struct SlotFiles {
  std::string words, tags, intents;
  void add(const TaggedUtterance& utterance) {
    for (size_t i = 0; i < utterance.words.size(); ++i) {
      words += (i == 0 ? "" : " ") + utterance.words[i];
      tags += (i == 0 ? "" : " ") + utterance.tags[i];
    }
    words += '\n';
    tags += '\n';
    intents += utterance.intent + "\n";
  }
  void write_to(const std::string& folder) const {
    write(folder + "/seq.in", words);
    write(folder + "/seq.out", tags);
    write(folder + "/label", intents);
  }
};

TEST(SlotLayout, IsReadAsPythonPartsIt) {
  const auto read = slots("fly to new\u00a0york  \r\nplay\u2005jazz", "O O B-city I-city\r\nO B-genre\n", "flight#fare\nplay\n");
  ASSERT_TRUE(read) << read.error().text();
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].words, (std::vector<std::string>{"fly", "to", "new", "york"}));
  EXPECT_EQ((*read)[0].tags, (std::vector<std::string>{"O", "O", "B-city", "I-city"}));
  EXPECT_EQ((*read)[0].intent, "flight#fare");
  EXPECT_EQ((*read)[1].words, (std::vector<std::string>{"play", "jazz"}));
}

TEST(SlotLayout, NamesFileAndLineOfWhatIsWrong) {
  EXPECT_EQ(slots("a\nb c\n", "O\nO\n", "x\nx\n").error().text(), "seq.out:2: has 1 tags, where seq.in:2 has 2 words; write a tag for each word");
  EXPECT_EQ(slots("a\nb\n", "O\n", "x\nx\n").error().text(),
            "seq.out:2: is missing: seq.in has 2 lines; each utterance has a line in each of the three files");
  EXPECT_EQ(slots("a\n", "O\n", "x\nx\n").error().text(),
            "label:2: is too many: seq.in has 1 lines; each utterance has a line in each of the three files");
  for (const char* tag : {"S-city", "B-", "I", "o", "Ox", "B_city", "b-city"}) {
    EXPECT_EQ(slots("a\nb\n", std::string("O\n") + tag + "\n", "x\nx\n").error().text(), "seq.out:2: holds what is no tag; a tag is O, B-NAME or I-NAME") << tag;
  }
  EXPECT_EQ(slots("a\n \n", "O\n\n", "x\nx\n").error().where, "seq.in:2");
  EXPECT_EQ(slots("a\n\xff\n", "O\nO\n", "x\nx\n").error().text(), "seq.in:2: is not UTF-8; convert the file");
  EXPECT_EQ(slots("a\n", "B-\xff\n", "x\n").error().where, "seq.out:1");
  EXPECT_EQ(slots("a\nb\n", "O\nO\n", "x\n\n").error().text(), "label:2: is no intent; write one word");
  EXPECT_EQ(slots("a\n", "O\n", "x y\n").error().where, "label:1");
  EXPECT_EQ(slots("", "", "").error().text(), "seq.in: holds no utterance; each part of a set needs some");
}

TEST(SlotLayout, HasBounds) {
  for (const size_t words : {kSetWordsMax - 1, kSetWordsMax}) EXPECT_TRUE(slots(repeated("a ", words), repeated("O ", words), "x")) << words;
  const auto long_one = slots(repeated("a ", kSetWordsMax + 1), repeated("O ", kSetWordsMax + 1), "x");
  ASSERT_FALSE(long_one);
  EXPECT_EQ(long_one.error().text(), "seq.in:1: has more than 512 words; part the utterance");
  EXPECT_EQ(slots("a", repeated("O ", 4 * kSetWordsMax), "x").error().where, "seq.out:1");

  for (const size_t lines : {kSetUtterancesMax - 1, kSetUtterancesMax}) EXPECT_TRUE(slots(repeated("a\n", lines), repeated("O\n", lines), repeated("x\n", lines))) << lines;
  const size_t more = kSetUtterancesMax + 1;
  EXPECT_EQ(slots(repeated("a\n", more), repeated("O\n", more), repeated("x\n", more)).error().text(),
            "seq.in: holds 100001 utterances, more than 100000; take a sample");

  const std::string five_hundred = repeated("a ", 500) + "\n", their_tags = repeated("O ", 500) + "\n";
  const size_t whole = kSetWordsInAllMax / 500;
  EXPECT_TRUE(slots(repeated(five_hundred, whole), repeated(their_tags, whole), repeated("x\n", whole)));
  EXPECT_EQ(slots(repeated(five_hundred, whole) + "a\n", repeated(their_tags, whole) + "O\n", repeated("x\n", whole + 1)).error().text(),
            "seq.in:2001: goes beyond 1000000 words in all; take a sample");

  for (const size_t labels : {kSetLabelsMax - 1, kSetLabelsMax}) {
    EXPECT_TRUE(slots(repeated("a\n", labels), numbered("B-", labels, "\n"), numbered("x", labels, "\n"))) << labels;
  }
  const size_t over = kSetLabelsMax + 1;
  EXPECT_EQ(slots(repeated("a\n", over), numbered("B-", over, "\n"), repeated("x\n", over)).error().where, "seq.out:513");
  EXPECT_EQ(slots(repeated("a\n", over), repeated("O\n", over), numbered("x", over, "\n")).error().where, "label:513");
}

TEST(SlotLayout, IsAFolderWithValidOrDev) {
  const auto scratch = ScratchFolder::make(testing::TempDir());
  ASSERT_TRUE(scratch);
  const std::string folder = scratch->path();
  SlotFiles files;
  files.add({.words = {"play", "jazz"}, .tags = {"O", "B-genre"}, .intent = "play"});
  EXPECT_EQ(read_slot_folder(folder).error().text(), folder + "/train/seq.in: cannot be read; check the name, and that you may read it");
  files.write_to(folder + "/train");
  EXPECT_EQ(read_slot_folder(folder).error().where, folder + "/valid/seq.in");
  files.write_to(folder + "/dev");
  files.write_to(folder + "/test");
  const auto set = read_slot_folder(folder);
  ASSERT_TRUE(set) << set.error().text();
  EXPECT_EQ(set->valid.size(), 1u);
  write(folder + "/test/seq.out", "O\n");
  EXPECT_EQ(read_slot_folder(folder).error().where, folder + "/test/seq.out:1");
  std::filesystem::remove(folder + "/test/label");
  EXPECT_EQ(read_slot_folder(folder).error().where, folder + "/test/label");
  std::filesystem::create_directories(folder + "/valid");
  EXPECT_EQ(read_slot_folder(folder).error().text(), folder + ": has both valid and dev; leave the one that is meant");
}

TEST(SetFile, HasABoundAndIsAFile) {
  const auto scratch = ScratchFolder::make(testing::TempDir());
  ASSERT_TRUE(scratch);
  const std::string file = scratch->path() + "/file";
  write(file, "");
  for (const size_t size : {kSetFileBytesMax - 1, kSetFileBytesMax}) {
    std::filesystem::resize_file(file, size);
    const auto read = read_set_file(file);
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->text.size(), size);
  }
  std::filesystem::resize_file(file, kSetFileBytesMax + 1);
  EXPECT_EQ(read_set_file(file).error().text(), file + ": is larger than 16 MiB; take a sample");
  EXPECT_EQ(read_set_file(scratch->path()).error().code, ErrorCode::kNotFound);
}

constexpr std::string_view kSmall =
    R"({"train":[["a b","x"]],"val":[["a","x"]],"test":[["b","y"]],"oos_train":[],"oos_val":[["c","oos"]],"oos_test":[["d","oos"],["e","oos"]]})";

std::string with(std::string_view old_text, std::string_view new_text) {
  std::string out(kSmall);
  const size_t at = out.find(old_text);
  EXPECT_NE(at, std::string::npos) << old_text;
  return out.replace(at, old_text.size(), new_text);
}

std::string error_of(std::string text) {
  const auto read = read_intents({"set.json", std::move(text)});
  return read ? "" : read.error().text();
}

TEST(IntentLayout, IsRead) {
  const auto set = read_intents({"set.json", std::string(kSmall) + "\n"});
  ASSERT_TRUE(set) << set.error().text();
  EXPECT_EQ(set->train[0].words, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(set->test[0].intent, "y");
  EXPECT_TRUE(set->oos_train.empty());
  EXPECT_EQ(set->oos_test.size(), 2u);
}

TEST(IntentLayout, NamesThePlaceOfWhatIsWrong) {
  constexpr const char* kEntry = "is not [text, intent]; a part is a list of [text, intent]";
  EXPECT_TRUE(error_of("{\n\"train\": [,").starts_with("set.json:2: is no JSON: ")) << error_of("{\n\"train\": [,");
  EXPECT_EQ(error_of("{\n\"train\": [\n"), "set.json:3: ends before its JSON does; copy the file again");
  EXPECT_TRUE(error_of(std::string(kSmall) + "\n{}").starts_with("set.json:2: ")) << error_of(std::string(kSmall) + "\n{}");
  EXPECT_TRUE(error_of("").starts_with("set.json:1: "));
  EXPECT_TRUE(error_of("[]").starts_with("set.json: is no object"));
  EXPECT_TRUE(error_of(with("\"val\"", "\"valid\"")).starts_with("set.json: valid: is no part of such a set"));
  EXPECT_TRUE(error_of(with(R"("val":[["a","x"]],)", "")).starts_with("set.json: val: is missing"));
  EXPECT_EQ(error_of(with(R"([["a b","x"]])", "[]")), "set.json: train: holds no utterance; each part of a set needs some");
  EXPECT_TRUE(error_of(with(R"([["a b","x"]])", "7")).starts_with("set.json: train: is no list"));
  for (const char* entry : {"7", "[]", R"(["a"])", R"(["a","x","y"])", R"(["a",7])", R"([7,"x"])", R"({"text":"a"})"}) {
    EXPECT_EQ(error_of(with(R"(["e","oos"])", entry)), std::string("set.json: oos_test[1]: ") + kEntry) << entry;
  }
  EXPECT_TRUE(error_of(with(R"("a b")", R"(" ")")).starts_with("set.json: train[0]: has no word"));
  EXPECT_TRUE(error_of(with(R"("a b","x")", R"("a b","")")).starts_with("set.json: train[0]: has no intent"));
  EXPECT_TRUE(error_of(with(R"("a b","x")", R"("a b","oos")")).starts_with("set.json: train[0]: is in scope, and has the intent of what is not"));
  EXPECT_TRUE(error_of(with(R"(["c","oos"])", R"(["c","x"])")).starts_with("set.json: oos_val[0]: is out of scope, and has an intent"));
  EXPECT_TRUE(error_of(with(R"("oos_train":[])", R"("oos_train":[["c","x"]])")).starts_with("set.json: oos_train[0]: "));
  EXPECT_TRUE(error_of(repeated("[", 100'000)).starts_with("set.json:1: is no JSON"));
}

TEST(IntentLayout, HasBounds) {
  const auto train_of = [](const std::string& entries) { return with(R"(["a b","x"])", entries.substr(0, entries.size() - 1)); };
  for (const size_t words : {kSetWordsMax - 1, kSetWordsMax}) EXPECT_EQ(error_of(with("a b", repeated("a ", words))), "") << words;
  EXPECT_EQ(error_of(with("a b", repeated("a ", kSetWordsMax + 1))), "set.json: train[0]: has more than 512 words; part the utterance");
  for (const size_t entries : {kSetUtterancesMax - 1, kSetUtterancesMax}) EXPECT_EQ(error_of(train_of(repeated(R"(["a","x"],)", entries))), "") << entries;
  EXPECT_EQ(error_of(train_of(repeated(R"(["a","x"],)", kSetUtterancesMax + 1))), "set.json: train: holds 100001 utterances, more than 100000; take a sample");
  const std::string entry = "[\"" + repeated("a ", 500) + "\",\"x\"],";
  EXPECT_EQ(error_of(train_of(repeated(entry, kSetWordsInAllMax / 500))), "");
  EXPECT_EQ(error_of(train_of(repeated(entry, kSetWordsInAllMax / 500) + R"(["a","x"],)")), "set.json: train[2000]: goes beyond 1000000 words in all; take a sample");
  for (const size_t intents : {kSetLabelsMax - 1, kSetLabelsMax}) EXPECT_EQ(error_of(train_of(numbered(R"(["a","x)", intents, R"("],)"))), "") << intents;
  EXPECT_EQ(error_of(train_of(numbered(R"(["a","x)", kSetLabelsMax + 1, R"("],)"))),
            "set.json: train[512]: has one more intent than 512; that is too many to learn");
}

TEST(SlotSpans, AreThoseOfConlleval) {
  const std::vector<std::string> tags = {"I-a", "I-a", "B-a", "I-b", "O", "I-b", "B-b", "I-b", "O", "B-c"};
  EXPECT_EQ(spans_of(tags), (std::vector<SlotSpan>{{0, 2, "a"}, {2, 3, "a"}, {3, 4, "b"}, {5, 6, "b"}, {6, 8, "b"}, {9, 10, "c"}}));
  EXPECT_TRUE(spans_of(std::vector<std::string>{"O", "O"}).empty());
}

TEST(SlotScore, CountsTypeAndBothBounds) {
  SlotScore score;
  const std::vector<std::string> words = {"1", "2", "3", "4", "5"};
  const TaggedUtterance expected = {words, {"B-a", "I-a", "O", "B-b", "O"}, "x"};
  score.add(expected, {words, {"B-a", "I-a", "O", "B-b", "O"}, "x"});  // all right
  score.add(expected, {words, {"B-a", "O", "O", "B-b", "O"}, "x"});    // one too short
  score.add(expected, {words, {"B-a", "I-a", "O", "B-c", "O"}, "x"});  // one of another type
  score.add(expected, {words, {"B-a", "I-a", "O", "B-b", "B-b"}, "x"});  // one too many
  score.add(expected, {words, {"B-a", "I-a", "O", "B-b", "O"}, "y"});  // the intent alone is wrong
  EXPECT_EQ(score.utterances, 5u);
  EXPECT_EQ(score.spans_expected, 10u);
  EXPECT_EQ(score.spans_found, 11u);
  EXPECT_EQ(score.spans_right, 8u);
  EXPECT_DOUBLE_EQ(score.slot_f1(), 16.0 / 21.0);
  EXPECT_DOUBLE_EQ(score.intent_accuracy(), 0.8);
  EXPECT_DOUBLE_EQ(score.whole_accuracy(), 0.2);
}

TEST(Refusal, IsWhereMostAreRight) {
  const std::vector<ScopedAnswer> answers = {{true, true, 0.9f},  {true, true, 0.8f},  {false, false, 0.7f}, {true, false, 0.65f},
                                             {true, true, 0.6f}, {true, true, 0.5f}, {false, false, 0.4f}, {false, false, 0.3f}};
  // Right from 0.9 down: 4, 5, 4, 4, 5, 6, 5, 4 of 8.
  EXPECT_EQ(best_refusal(answers), 0.5f);
  const ScopeScore score = score_scope(answers, 0.5f);
  EXPECT_DOUBLE_EQ(score.in_scope_accuracy(), 0.8);
  EXPECT_DOUBLE_EQ(score.in_scope_accuracy_unrefused(), 0.8);
  EXPECT_DOUBLE_EQ(score.out_of_scope_recall(), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(score_scope(answers, 0.85f).in_scope_accuracy(), 0.2);
  EXPECT_DOUBLE_EQ(score_scope(answers, 0.85f).out_of_scope_recall(), 1.0);
  // Of equally good ones the highest; alike answers are refused together.
  EXPECT_EQ(best_refusal(std::span(answers).first(3)), 0.8f);
  const std::vector<ScopedAnswer> alike = {{true, true, 0.9f}, {false, false, 0.9f}, {false, false, 0.9f}};
  EXPECT_GT(best_refusal(alike), 0.9f);
  EXPECT_DOUBLE_EQ(score_scope(alike, best_refusal(alike)).out_of_scope_recall(), 1.0);
}

TEST(Features, AreOfWordsAndCharacters) {
  const std::vector<std::string> small = {"fly", "to", "boston", "at", "9:30"}, large = {"Fly", "to", "Boston", "at", "8:15"};
  EXPECT_EQ(utterance_features(small), utterance_features(large));
  EXPECT_EQ(word_features(small, "x").size(), 5u);
  EXPECT_NE(word_features(small, "x")[2], word_features(large, "x")[2]);  // the shape
  EXPECT_NE(word_features(small, "x")[2], word_features(small, "y")[2]);  // the intent
  // By characters, not bytes: 我要听歌 has pairs with 要听.
  const auto features = utterance_features(std::vector<std::string>{"我要听歌"}), pair = utterance_features(std::vector<std::string>{"你要听"});
  std::vector<learning::Feature> both;
  std::set_intersection(features.begin(), features.end(), pair.begin(), pair.end(), std::back_inserter(both));
  EXPECT_EQ(both.size(), 1u);
  EXPECT_TRUE(utterance_features({}).empty());
}

TEST(Features, AreFewEnoughToLearn) {
  const std::vector<learning::Feature> seen = {1, 1, 1, 2, 2, 2, 3, 3, 4, 5};
  EXPECT_EQ(least_count_for(seen, 2, 5), 2u);
  EXPECT_EQ(least_count_for(seen, 1, 5), 1u);
  EXPECT_EQ(least_count_for(seen, 1, 4), 2u);  // 4 and 5 are alike: both go
  EXPECT_EQ(least_count_for(seen, 1, 3), 2u);
  EXPECT_EQ(least_count_for(seen, 1, 2), 3u);
  EXPECT_EQ(least_count_for(seen, 1, 1), 4u);
}

// A grammar of two intents, told apart by words that are not slots; values of the test that training has not seen stand where others did.
TaggedUtterance utterance_of(size_t number, bool test) {
  static constexpr std::array<const char*, 8> kCities = {"boston", "denver", "dallas", "oakland", "atlanta", "phoenix", "houston", "seattle"};
  static constexpr std::array<const char*, 6> kGenres = {"jazz", "blues", "rock", "soul", "folk", "punk"};
  const std::string hour = std::to_string(1 + number % 11) + ":" + std::to_string(10 + number * 7 % 50);
  const std::string from = test && number % 4 == 0 ? "springfield" : kCities[number % 8], to = kCities[(number * 3 + 1) % 8];
  if (number % 2 == 0) return {{"flights", "from", from, "to", "new", "york", "at", hour}, {"O", "O", "B-from", "O", "B-to", "I-to", "O", "B-time"}, "flight"};
  if (number % 4 == 1) return {{"please", "play", kGenres[number % 6], "at", hour}, {"O", "O", "B-genre", "O", "B-start"}, "play"};
  return {{"i", "fly", "to", to, "from", from}, {"O", "O", "O", "B-to", "O", "B-from"}, "flight"};
}

TEST(SlotReader, LearnsASimpleGrammar) {
  const auto scratch = ScratchFolder::make(testing::TempDir());
  ASSERT_TRUE(scratch);
  SlotFiles train, valid, test;
  for (size_t i = 0; i < 60; ++i) train.add(utterance_of(i, false));
  for (size_t i = 60; i < 70; ++i) valid.add(utterance_of(i, false));
  for (size_t i = 70; i < 110; ++i) test.add(utterance_of(i, true));
  train.write_to(scratch->path() + "/train");
  valid.write_to(scratch->path() + "/valid");
  test.write_to(scratch->path() + "/test");
  const auto set = read_slot_folder(scratch->path());
  ASSERT_TRUE(set) << set.error().text();
  const SlotReport report = measure_slots(*set);
  EXPECT_EQ(report.train, 60u);
  EXPECT_EQ(report.valid, 10u);
  EXPECT_EQ(report.test, 40u);
  EXPECT_EQ(report.intents, 2u);
  EXPECT_EQ(report.tags, 7u);
  EXPECT_GT(report.score.intent_accuracy(), 0.9);
  EXPECT_GT(report.score.slot_f1(), 0.9);
  EXPECT_GT(report.score.whole_accuracy(), 0.9);
  EXPECT_GT(report.learning.model_bytes, 0u);
  EXPECT_EQ(measure_slots(*set).score.whole_right, report.score.whole_right);  // learning is the same each time
}

TEST(SlotReader, CountsWhatTrainingHasNotSeenAsWrong) {
  SlotSet set;
  for (size_t i = 0; i < 40; ++i) set.train.push_back(utterance_of(i, false));
  set.valid = {set.train[0], {{"sing"}, {"B-unseen"}, "unseen"}};
  set.test = {set.train[0], {{"sing"}, {"B-unseen"}, "unseen"}};
  const SlotReport report = measure_slots(set);
  EXPECT_EQ(report.score.intents_right, 1u);
  EXPECT_EQ(report.score.whole_right, 1u);
  EXPECT_LT(report.score.slot_f1(), 1);
}

TEST(IntentReader, LearnsASimpleGrammarAndRefusesWhatIsOutOfIt) {
  const auto scratch = ScratchFolder::make(testing::TempDir());
  ASSERT_TRUE(scratch);
  static constexpr std::array<std::array<const char*, 3>, 4> kIntents = {
      {{"light_on", "switch on the lamp", "lamp on"}, {"weather", "how warm will it be", "forecast"}, {"alarm", "wake me early", "set an alarm"}, {"pay", "pay my bill", "settle the invoice"}}};
  static constexpr std::array<const char*, 4> kEnds = {"", " please", " today", " now"};
  static constexpr std::array<const char*, 8> kOutside = {"who painted guernica",         "cuál es tu nombre",        "quarks obey chromodynamics", "zebras gallop",
                                                          "grandmaster chess openings", "bake sourdough bread", "mozart symphonies", "kangaroos jump"};
  const auto part = [&](size_t begin, size_t end) {
    std::string out;
    for (size_t i = begin; i < end; ++i) {
      const auto& intent = kIntents[i % 4];
      out += std::string(out.empty() ? "" : ",") + "[\"" + (i % 3 == 0 ? "could you " : "") + intent[1 + i / 4 % 2] + kEnds[i / 8 % 4] + "\",\"" + intent[0] + "\"]";
    }
    return "[" + out + "]";
  };
  const auto outside = [&](size_t begin, size_t end) {
    std::string out;
    for (size_t i = begin; i < end; ++i) out += std::string(i == begin ? "" : ",") + "[\"" + kOutside[i] + "\",\"oos\"]";
    return "[" + out + "]";
  };
  const std::string file = scratch->path() + "/set.json";
  write(file, "{\"train\":" + part(0, 64) + ",\"val\":" + part(64, 80) + ",\"test\":" + part(80, 112) + ",\"oos_train\":[],\"oos_val\":" + outside(0, 4) +
                  ",\"oos_test\":" + outside(4, 8) + "}");
  const auto set = read_intent_file(file);
  ASSERT_TRUE(set) << set.error().text();
  const IntentReport report = measure_intents(*set);
  EXPECT_EQ(report.intents, 4u);
  EXPECT_EQ(report.score.in_scope, 32u);
  EXPECT_EQ(report.score.out_of_scope, 4u);
  EXPECT_GT(report.score.in_scope_accuracy(), 0.9);
  EXPECT_GT(report.score.out_of_scope_recall(), 0.7);
  EXPECT_GT(report.threshold, 0);
  EXPECT_LT(report.threshold, 1);
  EXPECT_EQ(run_intent_set(file, true), 0);
  EXPECT_EQ(run_slot_set(file, false), 2);
}

}  // namespace
}  // namespace weir::bench
