#include "intelligence/trainer/train.h"

#include <algorithm>
#include <array>

#include "intelligence/language/features.h"
#include "intelligence/language/understand.h"
#include "intelligence/trainer/values.h"

namespace weir::trainer {
namespace {

using learning::Draws;

constexpr SpokenAt kMoment{1'795'330'800, 8 * 3'600};  // any afternoon
constexpr size_t kHeldEach = 10;
constexpr double kTold = 0.25;   // of what is no request, with a story before it
constexpr int kWrongCosts = 8;  // answers that are missed, for one that is wrong: rules and questions stand behind what is missed

// How often each act is drawn, by Act; requests are what has values.
constexpr std::array<size_t, language::kActLabels> kShares = {30, 18, 6, 6, 6, 6, 6, 6, 4, 4, 10};

Act draw_act(const Grammar& grammar, Draws& draws) {
  size_t all = 0;
  for (size_t i = 0; i < kShares.size(); ++i) all += grammar.has(static_cast<Act>(i)) ? kShares[i] : 0;
  size_t left = all == 0 ? 0 : draws.below(all);
  for (size_t i = 0; i < kShares.size(); ++i) {
    const size_t share = grammar.has(static_cast<Act>(i)) ? kShares[i] : 0;
    if (left < share) return static_cast<Act>(i);
    left -= share;
  }
  return Act::kOther;
}

// Whether there is an answer that is talked about.
bool draw_talk(Act act, Draws& draws) {
  switch (act) {
    case Act::kEdit:
    case Act::kAccept:
    case Act::kDecline: return true;
    case Act::kRequest: return draws.chance(0.2);
    default: return draws.chance(0.5);
  }
}

struct Example {
  learning::Labelled act, workload;
  learning::Tagged values;
  bool has_workload = false;
};

bool is_value_slot(Slot slot) { return slot != Slot::kKind && slot != Slot::kWorkload && slot != Slot::kPrefer && slot != Slot::kArtifact && slot != Slot::kTarget && slot != Slot::kAcceleratorModel; }

uint32_t label_of(const std::vector<Mark>& marks, TextSpan span) {
  // The innermost ends first.
  for (const Mark& mark : marks) {
    if (is_value_slot(mark.slot) && mark.begin <= span.begin && span.end <= mark.end) return static_cast<uint32_t>(mark.slot) + 1;
  }
  return 0;
}

Example example_of(const Drawn& drawn, const language::Gazetteer& gazetteer, bool talk) {
  const language::Characters characters = language::fold(drawn.text);
  const std::vector<language::Token> tokens = language::tokens_of(characters, gazetteer, kMoment);
  Example out;
  out.act = {language::see_wish(tokens, characters, talk), static_cast<uint32_t>(drawn.act)};
  out.workload = {out.act.features, 0};
  const auto names = language::workload_names();
  for (const Mark& mark : drawn.marks) {
    if (mark.slot != Slot::kWorkload || out.workload.label != 0) continue;
    const auto found = std::find(names.begin(), names.end(), mark.value);
    if (found != names.end()) out.workload.label = static_cast<uint32_t>(found - names.begin());
  }
  language::SeenValues seen = language::see_values(tokens, characters, drawn.act);
  for (const size_t token : seen.tokens) out.values.labels.push_back(label_of(drawn.marks, characters.span(tokens[token].begin, tokens[token].end)));
  out.values.places = std::move(seen.places);
  return out;
}

size_t best_of(const std::vector<float>& probabilities) {
  return static_cast<size_t>(std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
}

double share(size_t part, size_t all) { return all == 0 ? 1 : static_cast<double>(part) / static_cast<double>(all); }

Validation validate(const language::Model& model, const std::vector<Example>& held) {
  Validation out{.held = held.size()};
  size_t acts = 0, workloads = 0, values = 0, values_right = 0, sentences = 0;
  for (const Example& example : held) {
    const bool act = best_of(model.acts.probabilities(example.act.features)) == example.act.label;
    const bool workload = best_of(model.workloads.probabilities(example.workload.features)) == example.workload.label;
    const std::vector<uint32_t> labels = model.values.labels_of(example.values.places);
    bool all = act && workload;
    for (size_t i = 0; i < labels.size(); ++i) {
      const bool right = labels[i] == example.values.labels[i];
      values_right += right ? 1 : 0;
      all = all && right;
    }
    values += labels.size();
    acts += act ? 1 : 0;
    workloads += workload ? 1 : 0;
    sentences += all ? 1 : 0;
  }
  out.acts = share(acts, held.size());
  out.workloads = share(workloads, held.size());
  out.values = share(values_right, values);
  out.sentences = share(sentences, held.size());
  return out;
}

void tell_before(Drawn& drawn, std::string story, Language language) {
  if (story.empty()) return;
  story += language == Language::kChinese ? "，" : ", ";
  for (Mark& mark : drawn.marks) {
    mark.begin += story.size();
    mark.end += story.size();
  }
  drawn.text.insert(0, story);
}

bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

void roughen(Drawn& drawn, Draws& draws) {
  std::string& text = drawn.text;
  if (draws.chance(0.3)) {
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (!draws.chance(0.08) || text.size() < 12) return;
  const size_t at = 1 + draws.below(text.size() - 4);
  for (size_t i = at - 1; i < at + 3; ++i) {
    if (!is_ascii_letter(text[i])) return;
  }
  for (const Mark& mark : drawn.marks) {
    if (is_value_slot(mark.slot) && at + 1 >= mark.begin && at < mark.end) return;
  }
  std::swap(text[at], text[at + 1]);
}

Training train(const std::vector<Grammar>& grammars, const TrainOptions& options) {
  const language::Gazetteer gazetteer(training_names());
  Draws draws(options.seed);
  std::vector<Example> trained, held;
  for (const Grammar& grammar : grammars) {
    for (size_t i = 0; i < options.sentences; ++i) {
      Drawn drawn = grammar.draw(draw_act(grammar, draws), draws);
      // A story says nothing of what is wanted behind it.
      if (drawn.act != Act::kRequest && draws.chance(kTold)) tell_before(drawn, grammar.draw_phrase("story", draws), grammar.language());
      roughen(drawn, draws);
      Example example = example_of(drawn, gazetteer, draw_talk(drawn.act, draws));
      (i % kHeldEach == 0 ? held : trained).push_back(std::move(example));
    }
  }
  const auto parts = [](std::vector<Example>& of, auto Example::*part) {
    std::vector<std::remove_reference_t<decltype(of[0].*part)>> out;
    for (Example& example : of) out.push_back(example.*part);
    return out;
  };
  const auto held_acts = parts(held, &Example::act);
  const auto held_workloads = parts(held, &Example::workload);
  Training out;
  out.model.acts = learning::Classifier::train(parts(trained, &Example::act), language::kActLabels, {});
  out.model.acts.calibrate(held_acts);
  out.model.act_threshold = learning::best_threshold(out.model.acts, held_acts, static_cast<uint32_t>(Act::kOther), kWrongCosts);
  out.model.workloads = learning::Classifier::train(parts(trained, &Example::workload), static_cast<uint32_t>(language::workload_names().size()), {});
  out.model.workloads.calibrate(held_workloads);
  out.model.workload_threshold = learning::best_threshold(out.model.workloads, held_workloads, 0, kWrongCosts);
  out.model.values = learning::Tagger::train(parts(trained, &Example::values), language::kValueLabels, {});
  out.validation = validate(out.model, held);
  out.validation.trained = trained.size();
  return out;
}

}  // namespace weir::trainer
