#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/language/public_sets.h"
#include "intelligence/learning/classifier.h"
#include "intelligence/learning/tagger.h"

// The learners that Weir uses for its own sentences, on what others publish: features of words and characters alone, no lexicon, nothing learned
// beforehand.
namespace weir::bench {

// Names of labels, and their numbers in order of first appearance.
class LabelNames {
 public:
  uint32_t add(const std::string& name);
  std::optional<uint32_t> find(const std::string& name) const;
  const std::string& name(uint32_t label) const { return names_[label]; }
  uint32_t size() const { return static_cast<uint32_t>(names_.size()); }

 private:
  std::vector<std::string> names_;
};

// Of a whole utterance: words, pairs and triples of words, characters in twos to fives within words.
std::vector<learning::Feature> utterance_features(std::span<const std::string> words);
// Of each word: itself, its shape, its beginnings and ends, its neighbours, and all that with the intent, since slots depend on it.
std::vector<std::vector<learning::Feature>> word_features(std::span<const std::string> words, std::string_view intent);

// The least number of examples that a feature has to be in, at least `least`, so that no more than `rows_max` features are left of those seen
// (one entry for each example that has it).
size_t least_count_for(std::vector<learning::Feature> seen, size_t least, size_t rows_max);

// What intents are told apart by.
class IntentReader {
 public:
  struct Answer {
    std::string intent;
    float probability = 0;
  };
  // Learns from `train`; `held` makes probabilities honest. Requires intents, at most kSetLabelsMax.
  static IntentReader train(std::span<const IntentUtterance> train, std::span<const IntentUtterance> held);
  Answer read(std::span<const std::string> words) const;
  uint32_t intents() const { return names_.size(); }
  size_t model_bytes() const;

 private:
  LabelNames names_;
  learning::Classifier classifier_;
};

// An intent, then the tags under it.
class SlotReader {
 public:
  static SlotReader train(const SlotSet& set);
  TaggedUtterance read(std::span<const std::string> words) const;
  uint32_t intents() const { return intents_.intents(); }
  uint32_t tags() const { return tags_.size(); }
  size_t model_bytes() const;

 private:
  IntentReader intents_;
  LabelNames tags_;
  learning::Tagger tagger_;
};

}  // namespace weir::bench
