#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "intelligence/language/tokens.h"

namespace weir::language {

// A reason to believe that a field was said. Rules give it; whatever else is able to (a tagger, a model) may add to it before it is
// resolved.
struct Evidence {
  Field field;             // its confidence is the weight of this reason
  bool bound = false;      // it was said as a limit: "at most"
  bool total = false;      // of all streams together, where the slot is per stream
  bool no_field = false;   // its words are only told of: nobody else is to make a field of them
};

// A reason to believe that something was meant.
struct ActEvidence {
  Act act = Act::kOther;
  int32_t weight_permille = 0;
};

// What an utterance says of consent, wherever in it: a no or a but leaves nothing of a yes, and neither does a question.
struct Consent {
  bool denied = false;  // "not", "don't", 不, 别, "but", "wait"
  bool asked = false;   // a question mark, 吗, 行么
  bool aside = false;   // words that a yes has no use for: "the deal fell through", 老板批了
};
Consent consent_of(const Characters& characters, std::span<const Token> tokens);

struct Situation {
  SpokenAt at;
  const Frame* previous = nullptr;  // the answer that is talked about, if there is one
  Consent consent = {};
};

// What is believed of a whole wish beside its words, as a model has it.
struct Opinion {
  std::vector<float> acts = {};    // probabilities by Act; none without a model
  std::string_view workload = {};  // empty: none that is believed
  float workload_probability = 0;
};

// What the words of one wish say of its fields, by rules, and what work it is about where they do not tell. `act` is what the wish is
// believed to be.
std::vector<Evidence> gather(std::span<const Token> wish, const Characters& characters, Act act, const Situation& situation, const Opinion& opinion = {});
// What they say of the act.
std::vector<ActEvidence> gather_acts(std::span<const Token> wish, const Situation& situation);

// Fields from evidence: of slots that hold one value the weightiest, limits before wishes; and what contradicts itself.
std::vector<Field> resolve(std::vector<Evidence> evidence, Act act, std::vector<Doubt>& doubts);
// The weightiest; kOther without any.
ActEvidence resolve_act(std::span<const ActEvidence> evidence);

// Whether the slot holds several values at once.
bool holds_many(Slot slot);

}  // namespace weir::language
