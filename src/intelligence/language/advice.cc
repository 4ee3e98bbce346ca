#include "intelligence/language/advice.h"

#include <algorithm>
#include <optional>

#include "intelligence/language/numbers.h"

namespace weir::language {
namespace {

using Kind = Token::Kind;

constexpr float kBelieved = 0.8f;        // a value's purpose, where rules find none
constexpr float kOverruled = 0.97f;      // …where rules guessed another
constexpr int32_t kGuess = 800;          // what rules are no surer of than this may be overruled
constexpr int32_t kAdviceMost = 840;     // weight of an act that is certain to the model
constexpr float kRequestCertain = 0.9995f;
constexpr float kActDoubt = 2'000;       // taken off for what it lacks of certainty

// Whether the unit of a quantity alone says what it is for.
bool unit_says(const Token& token) {
  return token.kind == Kind::kQuantity && token.measure != Measure::kDuration && token.measure != Measure::kMemory && token.measure != Measure::kShare;
}

bool touches(const Field& field, TextSpan span) { return field.span.begin < span.end && span.begin < field.span.end; }

}  // namespace

std::optional<Field> filled(Slot slot, const Token& token, const SpokenAt& at) {
  const auto field = [&](int64_t amount, std::string name = {}) { return Field{.slot = slot, .amount = amount, .name = std::move(name)}; };
  if (token.kind == Kind::kNumber) {
    const int64_t micro = token.amount;
    if (micro <= 0) return std::nullopt;
    if (slot == Slot::kStreams || slot == Slot::kInstances) return micro % kMicro == 0 ? std::optional(field(micro / kMicro)) : std::nullopt;
    if (slot == Slot::kCpu || slot == Slot::kAccelerators || slot == Slot::kRate) return field(micro / 1'000);
    if (slot == Slot::kBudget && micro < (int64_t{1} << 50)) return field(micro * 1'000, "total");
    return std::nullopt;
  }
  if (token.kind == Kind::kInstant) {
    if (slot == Slot::kStart) return field(token.amount);
    if (slot == Slot::kDeadline) return field(token.amount + (token.whole ? 86'400 : 0));
    return std::nullopt;
  }
  if (token.kind != Kind::kQuantity) return std::nullopt;
  switch (token.measure) {
    case Measure::kDuration:
      if (slot == Slot::kLatency || slot == Slot::kRunTime) return field(token.amount);
      if ((slot == Slot::kDeadline || slot == Slot::kStart) && token.amount >= 60 * kSecondUs) return field(at.unix_s + token.amount / kSecondUs);
      return std::nullopt;
    case Measure::kMemory: return slot == Slot::kMemory || slot == Slot::kAcceleratorMemory ? std::optional(field(token.amount)) : std::nullopt;
    case Measure::kShare: return slot == Slot::kAvailability || slot == Slot::kPercentile ? std::optional(field(token.amount)) : std::nullopt;
    case Measure::kBandwidth: return slot == Slot::kBandwidth ? std::optional(field(token.amount)) : std::nullopt;
    case Measure::kCores: return slot == Slot::kCpu ? std::optional(field(token.amount)) : std::nullopt;
    case Measure::kAccelerators: return slot == Slot::kAccelerators ? std::optional(field(token.amount)) : std::nullopt;
    case Measure::kStreams: return slot == Slot::kStreams ? std::optional(field(token.amount)) : std::nullopt;
    case Measure::kInstances: return slot == Slot::kInstances ? std::optional(field(token.amount)) : std::nullopt;
    case Measure::kMoney: return slot == Slot::kBudget ? std::optional(field(token.amount, token.name.empty() ? "total" : token.name)) : std::nullopt;
    case Measure::kAvailability: return slot == Slot::kAvailability ? std::optional(field(token.amount)) : std::nullopt;
    case Measure::kFrames:
    case Measure::kRequests: return slot == Slot::kRate ? std::optional(field(token.amount)) : std::nullopt;
  }
  return std::nullopt;
}

void advise_acts(std::vector<ActEvidence>& acts, const Model& model, const Opinion& opinion, const Situation& situation) {
  const auto best = static_cast<size_t>(std::max_element(opinion.acts.begin(), opinion.acts.end()) - opinion.acts.begin());
  const auto act = static_cast<Act>(best);
  const float probability = opinion.acts[best];
  if (act == Act::kAccept || probability < model.act_threshold) return;
  const bool talk = situation.previous != nullptr;
  if (!talk && (act == Act::kEdit || act == Act::kDecline)) return;
  if (act == Act::kCancel && !acts.empty()) return;  // ends nothing that rules take for something else
  // A story around a wish misleads rules, which look for words. A request comes to nothing before its strategies were shown.
  // What names no work is no story of one, nor what would change the answer that is talked about.
  if (act == Act::kRequest && probability >= kRequestCertain && !opinion.workload.empty()) return acts.push_back({act, 996});
  // Else rules that are sure of something are believed.
  acts.push_back({act, std::max(510, kAdviceMost - static_cast<int32_t>((1 - probability) * kActDoubt))});
}

void advise_values(std::vector<Evidence>& evidence, std::span<const ValueOpinion> opinions, std::span<const Token> wish, const Characters& characters, Act act,
                   const Situation& situation) {
  if (act == Act::kOther || act == Act::kAccept || act == Act::kDecline) return;
  for (const ValueOpinion& opinion : opinions) {
    const Token& token = wish[opinion.token];
    if (token.kind == Kind::kWord || token.kind == Kind::kClock) continue;
    const TextSpan span = characters.span(token.begin, token.end);
    const auto said = std::find_if(evidence.begin(), evidence.end(), [&](const Evidence& one) { return touches(one.field, span); });
    if (said != evidence.end()) {
      const bool same = opinion.is_slot && said->field.slot == opinion.slot;
      const bool share = token.quantity(Measure::kShare);  // rules look at what it is a share of
      if (same || share || opinion.probability < kOverruled || said->field.confidence_permille > kGuess || said->field.change != Change::kSet) continue;
    } else if (opinion.probability < kBelieved) {
      continue;
    }
    std::optional<Field> field;
    if (opinion.is_slot && !unit_says(token)) field = filled(opinion.slot, token, situation.at);
    if (opinion.is_slot && !field) continue;
    if (said != evidence.end()) evidence.erase(said);
    if (!field) continue;
    field->confidence_permille = static_cast<int32_t>(opinion.probability * static_cast<float>(kGuess));
    field->span = span;
    evidence.push_back({.field = std::move(*field)});
  }
}

}  // namespace weir::language
