#include "bench/language/public_sets_score.h"

#include <algorithm>
#include <cmath>

namespace weir::bench {
namespace {

double share(size_t part, size_t whole) { return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole); }

}  // namespace

std::vector<SlotSpan> spans_of(std::span<const std::string> tags) {
  std::vector<SlotSpan> out;
  bool open = false;
  for (size_t t = 0; t < tags.size(); ++t) {
    if (tags[t] == "O") {
      open = false;
      continue;
    }
    const std::string_view type = std::string_view(tags[t]).substr(2);
    if (open && tags[t][0] == 'I' && out.back().type == type) {
      out.back().end = t + 1;
    } else {
      out.push_back({t, t + 1, type});
      open = true;
    }
  }
  return out;
}

double SlotScore::intent_accuracy() const { return share(intents_right, utterances); }
double SlotScore::slot_f1() const { return share(2 * spans_right, spans_found + spans_expected); }
double SlotScore::whole_accuracy() const { return share(whole_right, utterances); }

void SlotScore::add(const TaggedUtterance& expected, const TaggedUtterance& found) {
  const std::vector<SlotSpan> wanted = spans_of(expected.tags), got = spans_of(found.tags);
  ++utterances;
  intents_right += expected.intent == found.intent ? 1 : 0;
  whole_right += expected.intent == found.intent && expected.tags == found.tags ? 1 : 0;
  spans_expected += wanted.size();
  spans_found += got.size();
  for (const SlotSpan& span : got) spans_right += std::find(wanted.begin(), wanted.end(), span) != wanted.end() ? 1 : 0;
}

float best_refusal(std::span<const ScopedAnswer> answers) {
  std::vector<ScopedAnswer> sorted(answers.begin(), answers.end());
  std::sort(sorted.begin(), sorted.end(), [](const ScopedAnswer& a, const ScopedAnswer& b) { return a.probability > b.probability; });
  if (sorted.empty()) return 0;
  // Right answers beyond those of refusing all.
  std::ptrdiff_t gain = 0, most = 0;
  float threshold = std::nextafter(sorted[0].probability, 2.f);
  for (size_t i = 0; i < sorted.size(); ++i) {
    gain += sorted[i].in_scope ? (sorted[i].right ? 1 : 0) : -1;
    const bool last_alike = i + 1 == sorted.size() || sorted[i + 1].probability < sorted[i].probability;
    if (last_alike && gain > most) {
      most = gain;
      threshold = sorted[i].probability;
    }
  }
  return threshold;
}

double ScopeScore::in_scope_accuracy() const { return share(in_scope_right, in_scope); }
double ScopeScore::in_scope_accuracy_unrefused() const { return share(in_scope_right_unrefused, in_scope); }
double ScopeScore::out_of_scope_recall() const { return share(out_of_scope_refused, out_of_scope); }

ScopeScore score_scope(std::span<const ScopedAnswer> answers, float threshold) {
  ScopeScore out;
  for (const ScopedAnswer& answer : answers) {
    const bool refused = answer.probability < threshold;
    if (answer.in_scope) {
      ++out.in_scope;
      out.in_scope_right += answer.right && !refused ? 1 : 0;
      out.in_scope_right_unrefused += answer.right ? 1 : 0;
    } else {
      ++out.out_of_scope;
      out.out_of_scope_refused += refused ? 1 : 0;
    }
  }
  return out;
}

}  // namespace weir::bench
