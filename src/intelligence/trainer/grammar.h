#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/understanding.h"
#include "core/result/result.h"
#include "intelligence/learning/linear_weights.h"

namespace weir::trainer {

// Part of a sentence that fills a slot. `value` is what it says, where that is a name and not an amount; else empty.
struct Mark {
  size_t begin = 0, end = 0;  // bytes
  Slot slot = Slot::kKind;
  std::string value = {};
};

struct Drawn {
  std::string text = {};
  Act act = Act::kOther;
  std::vector<Mark> marks = {};  // in the order of their ends
};

// A weighted grammar of sentences that knows what they mean. A file of lines:
//
//   :name              a phrase; its alternatives follow, one a line, with a weight before "|" where it is not 1
//   = request          sentences of an act
//
// In an alternative {name} is a phrase or a value that is drawn ({n:2-64}, {short}, {instant}: values.h), [x] is there half of the time,
// (x|y) is one of them, <slot x> marks what fills a slot and <slot=name x> says what it means there; \ keeps the next character.
class Grammar {
 public:
  static constexpr size_t kDepthMax = 24;
  static constexpr size_t kTextBytesMax = 2'000;

  // kInvalid: not of this form, with its line; a phrase is used that there is not, or uses itself.
  static Result<Grammar> read(std::string_view name, std::string_view text, Language language);

  // A sentence of an act, or of one that is drawn where all are alike in number.
  Drawn draw(Act act, learning::Draws& draws) const;
  // A sentence of a phrase, without what it means; empty where there is no such phrase.
  std::string draw_phrase(std::string_view phrase, learning::Draws& draws) const;
  bool has(Act act) const { return !sentences_.at(static_cast<size_t>(act)).alternatives.empty(); }
  size_t alternatives() const;
  Language language() const { return language_; }

 private:
  struct Node {
    enum class Kind : uint8_t { kText, kPhrase, kValue, kSequence, kOptional, kChoice, kMark };
    Kind kind = Kind::kText;
    std::string text = {};      // or the name, or what a mark means
    Slot slot = Slot::kKind;
    std::vector<Node> parts = {};
  };
  struct Rule {
    std::vector<Node> alternatives = {};
    std::vector<int> weights = {};
    int weight = 0;
  };
  class Reader;

  Status check(const Node& node, size_t depth, std::string_view file) const;
  const Node& draw_from(const Rule& rule, learning::Draws& draws) const;
  void expand(const Node& node, Drawn& out, learning::Draws& draws) const;

  Language language_ = Language::kEnglish;
  std::map<std::string, Rule, std::less<>> phrases_;
  std::vector<Rule> sentences_;  // by act
};

}  // namespace weir::trainer
