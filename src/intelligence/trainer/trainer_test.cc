#include <gtest/gtest.h>

#include "intelligence/language/understand.h"
#include "intelligence/trainer/train.h"
#include "intelligence/trainer/values.h"

namespace weir::trainer {
namespace {

Grammar grammar_of(std::string_view text) {
  auto read = Grammar::read("test", text, Language::kEnglish);
  EXPECT_TRUE(read) << (read ? "" : read.error().text());
  return read ? std::move(*read) : Grammar();
}

TEST(Grammar, DrawsWhatItSays) {
  const Grammar grammar = grammar_of("# words\n:verb\nrun\n0 | never\n= request\n[please ]{verb} <workload=detection spotting> on <streams {n:12-12} (cameras|feeds)>\\!\n");
  learning::Draws draws(1);
  bool polite = false, terse = false;
  for (int i = 0; i < 50; ++i) {
    const Drawn drawn = grammar.draw(Act::kRequest, draws);
    polite = polite || drawn.text.starts_with("please run spotting on ");
    terse = terse || drawn.text.starts_with("run spotting on ");
    EXPECT_TRUE(drawn.text.ends_with("!")) << drawn.text;
    ASSERT_EQ(drawn.marks.size(), 2u);
    EXPECT_EQ(drawn.marks[0].slot, Slot::kWorkload);
    EXPECT_EQ(drawn.marks[0].value, "detection");
    EXPECT_EQ(drawn.text.substr(drawn.marks[0].begin, drawn.marks[0].end - drawn.marks[0].begin), "spotting");
    const std::string streams = drawn.text.substr(drawn.marks[1].begin, drawn.marks[1].end - drawn.marks[1].begin);
    EXPECT_TRUE(streams.ends_with(" cameras") || streams.ends_with(" feeds")) << streams;
  }
  EXPECT_TRUE(polite && terse);
}

TEST(Grammar, RefusesWhatIsNoGrammarWithItsLine) {
  const auto error = [](std::string_view text) {
    const auto read = Grammar::read("test", text, Language::kEnglish);
    return read ? std::string("read") : read.error().where + " " + read.error().what;
  };
  EXPECT_EQ(error("hello\n"), "test:1 stands before any phrase or act");
  EXPECT_EQ(error("= request\n(a|b\n"), "test:2 '(' is never closed");
  EXPECT_EQ(error("= request\na)\n"), "test:2 ')' closes nothing");
  EXPECT_EQ(error("= request\n<colour red>\n"), "test:2 'colour' is no slot");
  EXPECT_EQ(error("= request\n<latency>\n"), "test:2 '<' needs a slot, a blank and what fills it");
  EXPECT_EQ(error("= request\n{verb\n"), "test:2 '{' is never closed");
  EXPECT_EQ(error("= greet\n"), "test:1 'greet' is no act");
  EXPECT_EQ(error(":short\n"), "test:1 'short' cannot be the name of a phrase");
  EXPECT_EQ(error("= request\n{verb}\n"), "test there is no phrase 'verb'");
  EXPECT_EQ(error(":verb\n= request\nx\n"), "test phrase 'verb' has no alternatives");
  EXPECT_EQ(error(":a\n{b}\n:b\n{a}\n= request\n{a}\n").substr(0, 27), "test a phrase uses itself, ");
  std::string deep = "= request\n";
  for (size_t i = 0; i + 1 < Grammar::kDepthMax; ++i) deep += '(';
  std::string closed = deep + "x" + std::string(Grammar::kDepthMax - 1, ')');
  EXPECT_EQ(error(closed + "\n"), "read");
  EXPECT_EQ(error("= request\n((" + closed.substr(10) + "))\n").substr(0, 28), "test:2 has brackets in one a");
}

// People write more than rules read; most of what is drawn has to be read, or a model would learn from noise.
TEST(Grammar, ValuesAreWhatRulesRead) {
  const language::Gazetteer gazetteer(training_names());
  constexpr SpokenAt at{1'795'330'800, 8 * 3'600};
  learning::Draws draws(3);
  size_t drawn = 0, read = 0;
  for (const Language language : {Language::kEnglish, Language::kChinese}) {
    const std::string_view gpu = language == Language::kChinese ? "张GPU" : " GPUs";
    for (int i = 0; i < 300; ++i) {
      const auto reads = [&](std::string_view name, language::Token::Kind kind) {
        const std::string text = draw_value(name, language, draws) + (name.starts_with("n:") ? std::string(gpu) : "");
        const language::Characters characters = language::fold(text);
        const auto tokens = language::tokens_of(characters, gazetteer, at);
        ++drawn;
        read += std::any_of(tokens.begin(), tokens.end(), [&](const language::Token& token) { return token.kind == kind; }) ? 1 : 0;
      };
      for (const std::string_view name : {"n:2-64", "n:100-9000", "short", "long", "money", "mbps", "gib", "percent", "nines"}) reads(name, language::Token::Kind::kQuantity);
      reads("instant", language::Token::Kind::kInstant);
    }
  }
  EXPECT_GT(read * 100, drawn * 97) << read << " of " << drawn;
}

TEST(Trainer, LearnsWhatAGrammarSays) {
  const Grammar grammar = grammar_of(
      "= request\nspot wolves on <streams {n:2-90} cameras>, <latency within {short}>\nI have {n:2-90} sheep, spot wolves on <streams {n:2-90} cameras>\n"
      "= cancel\nno longer needed\nwe are done with it\n= other\nmy sheep are ill\n= edit\nmake it <latency {short}>\n");
  const Training training = train({grammar}, {.sentences = 2'000});
  EXPECT_EQ(training.validation.trained, 1'800u);
  EXPECT_EQ(training.validation.held, 200u);
  EXPECT_GT(training.validation.acts, 0.99);
  EXPECT_GT(training.validation.values, 0.99);
  std::string once, again;
  language::write_model(training.model, once);
  language::write_model(train({grammar}, {.sentences = 2'000}).model, again);
  EXPECT_EQ(once, again);
  // What it learned of how wolves are spoken about.
  const language::Gazetteer gazetteer(training_names());
  const language::Characters characters = language::fold("spot wolves on 12 cameras");
  const auto tokens = language::tokens_of(characters, gazetteer, {1'795'330'800, 0});
  EXPECT_GT(language::opinion_of(training.model, tokens, characters, false).acts[static_cast<size_t>(Act::kRequest)], 0.9f);
}

TEST(Trainer, AHurriedHandMovesNoMarks) {
  learning::Draws draws(1);
  bool changed = false;
  for (int i = 0; i < 500; ++i) {
    Drawn drawn{.text = "Recognise wolves on 12 cameras within 500 ms", .act = Act::kRequest, .marks = {{20, 30, Slot::kStreams, ""}, {31, 44, Slot::kLatency, ""}}};
    roughen(drawn, draws);
    changed = changed || drawn.text.substr(0, 19) != "Recognise wolves on";
    EXPECT_EQ(drawn.text.substr(20), "12 cameras within 500 ms");
  }
  EXPECT_TRUE(changed);
}

}  // namespace
}  // namespace weir::trainer
