#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/language/public_sets.h"

namespace weir::bench {

// A slot: words from `begin` to before `end`.
struct SlotSpan {
  size_t begin = 0, end = 0;
  std::string_view type = {};
  friend bool operator==(const SlotSpan&, const SlotSpan&) = default;
};
// As conlleval finds them: an I- tag that continues nothing of its type begins a slot.
std::vector<SlotSpan> spans_of(std::span<const std::string> tags);

struct SlotScore {
  size_t utterances = 0;
  size_t intents_right = 0;
  size_t whole_right = 0;  // the intent and every tag
  size_t spans_right = 0, spans_found = 0, spans_expected = 0;  // right: in type and both bounds
  double intent_accuracy() const;
  double slot_f1() const;
  double whole_accuracy() const;
  void add(const TaggedUtterance& expected, const TaggedUtterance& found);
};

// What a classifier says of an utterance that is in scope, or out of it.
struct ScopedAnswer {
  bool in_scope = true;
  bool right = false;  // the intent
  float probability = 0;
};

// The probability below which answers are refused so that most are right of all: in scope answered rightly, out of scope refused. Of equally good
// ones the highest. Just above the highest probability where it is best to refuse all.
float best_refusal(std::span<const ScopedAnswer> answers);

struct ScopeScore {
  size_t in_scope = 0, in_scope_right = 0, in_scope_right_unrefused = 0;
  size_t out_of_scope = 0, out_of_scope_refused = 0;
  double in_scope_accuracy() const;          // refused ones are wrong
  double in_scope_accuracy_unrefused() const;  // were nothing refused
  double out_of_scope_recall() const;
};
ScopeScore score_scope(std::span<const ScopedAnswer> answers, float threshold);

}  // namespace weir::bench
