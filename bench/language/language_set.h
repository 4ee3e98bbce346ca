#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/understanding.h"
#include "core/result/result.h"
#include "intelligence/language/model.h"

// What people say and what they mean, written by hand: bench/language/README.md says how.
namespace weir::bench {

struct Sentence {
  std::string text;
  std::string expected;    // as understanding_text writes it
  bool answers = false;    // there is an answer that it may be about
  bool held = false;       // of the third that rules are not written by
};

struct LanguageSet {
  std::string name;  // "zh"
  std::vector<Sentence> sentences;
};

// Both languages as they were built in; their names, and the moment that "tomorrow" is counted from.
std::vector<LanguageSet> built_in_sets();
std::vector<KnownName> set_names();
SpokenAt set_moment();
// The request that "it" is.
std::string_view set_previous();

// A file's lines: the text ("+" before it: there is an answer), a tab, what it means. kInvalid names the line.
Result<LanguageSet> read_set(std::string_view name, std::string_view text);

struct Score {
  size_t sentences = 0;
  size_t acts_right = 0;    // sentences whose every act is right
  size_t whole_right = 0;   // sentences that are right in all
  size_t fields_right = 0, fields_found = 0, fields_expected = 0;
  double act_accuracy() const;
  double slot_f1() const;
  double whole_accuracy() const;
};
struct Miss {
  std::string text, expected, found;
};
enum class Part { kAll, kOpen, kHeld };
// Understands each sentence of the part, with a model or (null) without, and compares.
Score score(const LanguageSet& set, Part part, const language::Model* model, std::vector<Miss>* misses = nullptr);

}  // namespace weir::bench
