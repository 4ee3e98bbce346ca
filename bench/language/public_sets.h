#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"

// Data sets that others publish, in the two layouts that they are published in. A text is parted into words where Unicode has white space, as
// Python's str.split() does, which those layouts were written for.
namespace weir::bench {

constexpr size_t kSetFileBytesMax = 16u << 20;
constexpr size_t kSetUtterancesMax = 100'000;  // of a part
constexpr size_t kSetWordsMax = 512;           // of an utterance
constexpr size_t kSetWordsInAllMax = 1'000'000;  // of a part: their features are held while it learns
constexpr size_t kSetLabelsMax = 512;          // intents, or tags, that are learned from

// Words, the tag of each ("O", "B-city", "I-city") and the intent of all.
struct TaggedUtterance {
  std::vector<std::string> words = {};
  std::vector<std::string> tags = {};
  std::string intent = {};
};
struct SlotSet {
  std::vector<TaggedUtterance> train, valid, test;
};

struct NamedText {
  std::string name;  // where it was read from, for errors
  std::string text;
};
// One part of a set: an utterance, its tags and its intent on lines of one number. kInvalid and kExhausted name file and line.
Result<std::vector<TaggedUtterance>> read_slots(const NamedText& words, const NamedText& tags, const NamedText& intents);
// FOLDER/{train, valid or dev, test}/{seq.in, seq.out, label}.
Result<SlotSet> read_slot_folder(const std::string& folder);

struct IntentUtterance {
  std::vector<std::string> words = {};
  std::string intent = {};
};
// What lies in the scope of the intents, and what does not (Larson et al. 2019, "An Evaluation Dataset for Intent Classification and
// Out-of-Scope Prediction").
struct IntentSet {
  std::vector<IntentUtterance> train, val, test, oos_train, oos_val, oos_test;
};
// The intent of everything that is out of scope.
constexpr std::string_view kOutOfScope = "oos";

// An object of those six parts, each a list of [text, intent]; oos_train may be empty. kInvalid and kExhausted name the line of what is no JSON,
// else the place: "train[17]".
Result<IntentSet> read_intents(const NamedText& file);
Result<IntentSet> read_intent_file(const std::string& file);

// At most kSetFileBytesMax.
Result<NamedText> read_set_file(const std::string& file);

}  // namespace weir::bench
