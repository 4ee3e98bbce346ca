// Whatever files a set is read from: never a crash, and what is read has a tag for each word, and an intent.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "bench/language/public_sets.h"
#include "bench/language/public_sets_learner.h"
#include "bench/language/public_sets_score.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::bench;
  if (size > 1 << 14) return 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto set = read_intents({"set.json", text})) {
    if (set->train.empty() || set->oos_test.empty()) std::abort();
    for (const IntentUtterance& utterance : set->train) {
      if (utterance.intent.empty() || utterance.words.empty()) std::abort();
      (void)utterance_features(utterance.words);
    }
  }
  // The three files stand behind one another.
  const size_t first = std::min(text.find('\x01'), text.size()), second = std::min(text.find('\x01', first + 1), text.size());
  const auto part = [&](size_t begin, size_t end) { return begin < end ? text.substr(begin, end - begin) : std::string(); };
  if (const auto slots = read_slots({"seq.in", part(0, first)}, {"seq.out", part(first + 1, second)}, {"label", part(second + 1, text.size())})) {
    for (const TaggedUtterance& utterance : *slots) {
      if (utterance.words.empty() || utterance.words.size() != utterance.tags.size() || utterance.intent.empty()) std::abort();
      if (spans_of(utterance.tags).size() > utterance.tags.size()) std::abort();
      if (word_features(utterance.words, utterance.intent).size() != utterance.words.size()) std::abort();
    }
  }
  return 0;
}
