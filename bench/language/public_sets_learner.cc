#include "bench/language/public_sets_learner.h"

#include <algorithm>
#include <array>

namespace weir::bench {
namespace {

using learning::Feature;
using learning::feature_of;

constexpr size_t kLeastCount = 2;
constexpr size_t kWeightsMax = 64u << 20;  // while learning, two floats each

// Some names of one feature, told apart from those of any other.
Feature feature(std::string_view kind, std::string_view first, std::string_view second = {}, std::string_view third = {}) {
  Feature out = feature_of(kind);
  for (const std::string_view part : {first, second, third}) out = feature_of(part, feature_of("\n", out));
  return out;
}

// Where the characters of a text begin, and its end.
std::vector<size_t> characters_of(std::string_view text) {
  std::vector<size_t> out;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) out.push_back(i);
  }
  out.push_back(text.size());
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

// Latin letters small, each digit 0.
std::string folded(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = is_digit(c) ? '0' : is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

// "B52-x" is "A0-a": kinds of characters, runs of one kind once.
std::string shape_of(std::string_view word) {
  std::string out;
  for (const char c : word) {
    const char kind = is_digit(c) ? '0' : is_upper(c) ? 'A' : is_lower(c) ? 'a' : static_cast<unsigned char>(c) >= 0x80 ? 'u' : c;
    if (out.empty() || out.back() != kind) out += kind;
  }
  return out;
}

struct Word {
  std::string text;   // folded
  std::string shape;
  std::vector<size_t> characters;

  std::string_view beginning(size_t length) const { return std::string_view(text).substr(0, characters[std::min(length, count())]); }
  std::string_view ending(size_t length) const { return std::string_view(text).substr(characters[count() - std::min(length, count())]); }
  size_t count() const { return characters.size() - 1; }
};

std::vector<Word> looked_at(std::span<const std::string> words) {
  std::vector<Word> out;
  out.reserve(words.size());
  for (const std::string& word : words) {
    std::string text = folded(word);
    std::vector<size_t> characters = characters_of(text);
    out.push_back({.text = std::move(text), .shape = shape_of(word), .characters = std::move(characters)});
  }
  return out;
}

size_t rows_max(uint32_t labels) { return std::min<size_t>(learning::LinearWeights::kRowsMax, kWeightsMax / std::max(1u, labels)); }

}  // namespace

uint32_t LabelNames::add(const std::string& name) {
  if (const auto known = find(name)) return *known;
  names_.push_back(name);
  return size() - 1;
}

std::optional<uint32_t> LabelNames::find(const std::string& name) const {
  const auto at = std::find(names_.begin(), names_.end(), name);
  if (at == names_.end()) return std::nullopt;
  return static_cast<uint32_t>(at - names_.begin());
}

std::vector<Feature> utterance_features(std::span<const std::string> words) {
  const std::vector<Word> all = looked_at(words);
  const auto text_at = [&](size_t at) { return at < all.size() ? std::string_view(all[at].text) : std::string_view("\n"); };
  std::vector<Feature> out;
  for (size_t t = 0; t < all.size(); ++t) {
    out.push_back(feature("word", all[t].text));
    out.push_back(feature("pair", all[t].text, text_at(t + 1)));
    if (t + 2 < all.size()) out.push_back(feature("triple", all[t].text, text_at(t + 1), text_at(t + 2)));
    const std::string edged = "\n" + all[t].text + "\n";
    const std::vector<size_t> characters = characters_of(edged);
    for (size_t length = 2; length <= 5; ++length) {
      for (size_t i = 0; i + length < characters.size(); ++i) {
        out.push_back(feature("characters", std::string_view(edged).substr(characters[i], characters[i + length] - characters[i])));
      }
    }
  }
  if (!all.empty()) out.push_back(feature("first", all[0].text));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<std::vector<Feature>> word_features(std::span<const std::string> words, std::string_view intent) {
  const std::vector<Word> all = looked_at(words);
  std::vector<std::vector<Feature>> out(all.size());
  for (size_t t = 0; t < all.size(); ++t) {
    const auto at = [&](int offset) -> const Word* {
      const auto place = static_cast<std::ptrdiff_t>(t) + offset;
      return place < 0 || place >= std::ssize(all) ? nullptr : &all[static_cast<size_t>(place)];
    };
    const auto text_at = [&](int offset) {
      const Word* word = at(offset);
      return word != nullptr ? std::string_view(word->text) : std::string_view(offset < 0 ? "\n" : "\n\n");
    };
    const Word& word = all[t];
    std::vector<Feature>& features = out[t];
    features.push_back(feature("any", {}));
    features.push_back(feature("intent", intent));
    static constexpr std::array<const char*, 7> kPlaces = {"word-3", "word-2", "word-1", "word", "word+1", "word+2", "word+3"};
    for (int offset = -3; offset <= 3; ++offset) features.push_back(feature(kPlaces[static_cast<size_t>(offset + 3)], text_at(offset)));
    features.push_back(feature("before, word", text_at(-1), word.text));
    features.push_back(feature("word, after", word.text, text_at(1)));
    features.push_back(feature("before, after", text_at(-1), text_at(1)));
    features.push_back(feature("two before", text_at(-2), text_at(-1)));
    features.push_back(feature("two after", text_at(1), text_at(2)));
    features.push_back(feature("intent, word", intent, word.text));
    features.push_back(feature("intent, before", intent, text_at(-1)));
    features.push_back(feature("intent, after", intent, text_at(1)));
    features.push_back(feature("shape", word.shape));
    static constexpr std::array<const char*, 4> kBeginnings = {"begins 1", "begins 2", "begins 3", "begins 4"};
    static constexpr std::array<const char*, 4> kEndings = {"ends 1", "ends 2", "ends 3", "ends 4"};
    for (size_t length = 1; length <= kEndings.size() && length < word.count(); ++length) {
      features.push_back(feature(kBeginnings[length - 1], word.beginning(length)));
      features.push_back(feature(kEndings[length - 1], word.ending(length)));
    }
    for (const int offset : {-1, 1}) {
      const Word* neighbour = at(offset);
      if (neighbour == nullptr) continue;
      features.push_back(feature(offset < 0 ? "shape before" : "shape after", neighbour->shape));
      features.push_back(feature(offset < 0 ? "end before" : "end after", neighbour->ending(3)));
    }
  }
  return out;
}

size_t least_count_for(std::vector<Feature> seen, size_t least, size_t rows_max) {
  std::sort(seen.begin(), seen.end());
  std::vector<size_t> counts;
  for (auto at = seen.begin(); at != seen.end();) {
    const auto end = std::upper_bound(at, seen.end(), *at);
    counts.push_back(static_cast<size_t>(end - at));
    at = end;
  }
  if (counts.size() <= rows_max) return least;
  std::sort(counts.begin(), counts.end(), std::greater<>());
  return std::max(least, counts[rows_max] + 1);
}

IntentReader IntentReader::train(std::span<const IntentUtterance> train, std::span<const IntentUtterance> held) {
  IntentReader out;
  std::vector<learning::Labelled> examples, known;
  std::vector<Feature> seen;
  for (const IntentUtterance& utterance : train) {
    examples.push_back({.features = utterance_features(utterance.words), .label = out.names_.add(utterance.intent)});
    seen.insert(seen.end(), examples.back().features.begin(), examples.back().features.end());
  }
  for (const IntentUtterance& utterance : held) {
    if (const auto label = out.names_.find(utterance.intent)) known.push_back({.features = utterance_features(utterance.words), .label = *label});
  }
  learning::ClassifierOptions options{.epochs = 12, .least_weight = 0.3f};
  options.least_count = least_count_for(std::move(seen), kLeastCount, rows_max(out.names_.size()));
  out.classifier_ = learning::Classifier::train(examples, out.names_.size(), options);
  out.classifier_.calibrate(known);
  return out;
}

IntentReader::Answer IntentReader::read(std::span<const std::string> words) const {
  const std::vector<float> probabilities = classifier_.probabilities(utterance_features(words));
  const auto best = std::max_element(probabilities.begin(), probabilities.end());
  return {.intent = names_.name(static_cast<uint32_t>(best - probabilities.begin())), .probability = *best};
}

size_t IntentReader::model_bytes() const {
  std::string bytes;
  classifier_.write(bytes);
  return bytes.size();
}

SlotReader SlotReader::train(const SlotSet& set) {
  SlotReader out;
  const auto without_tags = [](const std::vector<TaggedUtterance>& utterances) {
    std::vector<IntentUtterance> intents;
    for (const TaggedUtterance& utterance : utterances) intents.push_back({.words = utterance.words, .intent = utterance.intent});
    return intents;
  };
  out.intents_ = IntentReader::train(without_tags(set.train), without_tags(set.valid));
  std::vector<learning::Tagged> sequences;
  std::vector<Feature> seen;
  for (const TaggedUtterance& utterance : set.train) {
    learning::Tagged sequence{.places = word_features(utterance.words, utterance.intent)};
    for (const std::string& tag : utterance.tags) sequence.labels.push_back(out.tags_.add(tag));
    for (const auto& place : sequence.places) seen.insert(seen.end(), place.begin(), place.end());
    sequences.push_back(std::move(sequence));
  }
  learning::TaggerOptions options{.epochs = 8};
  options.least_count = least_count_for(std::move(seen), kLeastCount, rows_max(out.tags_.size()));
  out.tagger_ = learning::Tagger::train(sequences, out.tags_.size(), options);
  return out;
}

TaggedUtterance SlotReader::read(std::span<const std::string> words) const {
  TaggedUtterance out{.words = {words.begin(), words.end()}};
  out.intent = intents_.read(words).intent;
  for (const uint32_t label : tagger_.labels_of(word_features(words, out.intent))) out.tags.push_back(tags_.name(label));
  return out;
}

size_t SlotReader::model_bytes() const {
  std::string bytes;
  tagger_.write(bytes);
  return bytes.size() + intents_.model_bytes();
}

}  // namespace weir::bench
