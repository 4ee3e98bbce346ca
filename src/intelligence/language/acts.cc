// What a wish is: asked for, asked about, changed, called off, agreed with, or not about computing.
#include <algorithm>

#include "intelligence/language/evidence.h"

namespace weir::language {
namespace {

using Kind = Token::Kind;

struct Signs {
  std::span<const Token> wish;

  bool has(Sense sense) const {
    return std::any_of(wish.begin(), wish.end(), [&](const Token& token) { return token.is(sense); });
  }
  template <size_t N>
  bool any(const Sense (&senses)[N]) const {
    return std::any_of(std::begin(senses), std::end(senses), [&](Sense sense) { return has(sense); });
  }
  bool names(NameKind kind) const {
    return std::any_of(wish.begin(), wish.end(), [&](const Token& token) { return token.named(kind) != nullptr; });
  }
  bool quantity() const {
    return std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.kind == Kind::kQuantity; });
  }
  bool instant() const {
    return std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.kind == Kind::kInstant; });
  }
  size_t words() const {
    return static_cast<size_t>(std::count_if(wish.begin(), wish.end(), [](const Token& token) { return token.kind != Kind::kPause; }));
  }
};

}  // namespace

std::vector<ActEvidence> gather_acts(std::span<const Token> wish, const Situation& situation) {
  const Signs signs{wish};
  const bool known = signs.names(NameKind::kSite) || signs.names(NameKind::kIntent) || signs.names(NameKind::kArtifact);
  const bool place = known || signs.names(NameKind::kRegion) || signs.names(NameKind::kLabel);
  const bool hardware = signs.names(NameKind::kAcceleratorModel) || signs.any({Sense::kUnitAccelerators, Sense::kUnitCores, Sense::kUnitStreams, Sense::kUnitInstances});
  const bool workload = signs.has(Sense::kWorkload);
  const bool computing = place || hardware || workload || signs.quantity() || signs.any({Sense::kComputing, Sense::kKind});
  const bool talk = situation.previous != nullptr;
  std::vector<ActEvidence> out;
  const auto add = [&](Act act, int32_t weight) { out.push_back({act, weight}); };

  if (signs.has(Sense::kOutside) && !known && !(workload && signs.quantity())) add(Act::kOther, 990);
  const bool about = computing || talk || signs.has(Sense::kThis);
  if (signs.has(Sense::kWhy)) add(Act::kWhy, about || signs.any({Sense::kTooDear, Sense::kTooSlow}) ? 970 : 900);
  if (signs.has(Sense::kNeverMind)) add(Act::kCancel, 950);
  if (signs.has(Sense::kWhatIf) && about) add(Act::kWhatIf, 940);
  const bool money_asked = std::any_of(wish.begin(), wish.end(), [&](const Token& token) {
    const Meaning* asked = token.meaning(Sense::kHowMuch);
    return asked != nullptr && (asked->value == 0 || signs.has(Sense::kQuestion));
  });
  if (money_asked && (about || signs.has(Sense::kPeriod))) add(Act::kHowMuch, 930);
  if (talk && signs.any({Sense::kCheap, Sense::kFast}) && signs.has(Sense::kQuestion) && !signs.has(Sense::kWhere)) add(Act::kHowMuch, 915);
  if (signs.has(Sense::kWhere) && signs.names(NameKind::kIntent) && !signs.has(Sense::kFree)) add(Act::kStatus, 925);
  if (signs.has(Sense::kWhere) && (computing || signs.any({Sense::kFree, Sense::kCheap, Sense::kGreen}))) add(Act::kWhere, 920);
  if (signs.has(Sense::kFree) && computing && !signs.has(Sense::kAsk)) add(Act::kWhere, 910);
  if (signs.has(Sense::kStatus) && about) add(Act::kStatus, 900);
  if (signs.has(Sense::kCancel) && (about || signs.any({Sense::kAll, Sense::kKind}) || signs.words() <= 3)) add(Act::kCancel, 905);

  const bool fields = signs.quantity() || signs.instant() || place || hardware ||
                      signs.any({Sense::kCheap, Sense::kFast, Sense::kGreen, Sense::kSafe, Sense::kPercentile, Sense::kCheaper, Sense::kFaster});
  const bool revises = signs.any({Sense::kHalve, Sense::kDouble, Sense::kTooDear, Sense::kTooSlow, Sense::kSlowerIsFine, Sense::kRemove, Sense::kNoBudget});
  if (talk && signs.has(Sense::kAccept) && !signs.quantity() && !signs.instant() && !place && !workload && !revises && signs.words() <= 8) add(Act::kAccept, 880);
  const bool changes = signs.any({Sense::kChange, Sense::kAdd, Sense::kFewer});
  if (!workload || (signs.names(NameKind::kIntent) && changes)) {
    const bool limited = signs.has(Sense::kAtMost) && std::any_of(wish.begin(), wish.end(), [](const Token& token) { return token.kind == Kind::kNumber; });
    if (talk && (fields || revises || limited)) add(Act::kEdit, 850);
    if (signs.names(NameKind::kIntent) && (fields || revises)) add(Act::kEdit, 840);
    if (revises || (fields && signs.any({Sense::kCheaper, Sense::kFaster}) && !computing)) add(Act::kEdit, 700);
  } else if (talk && revises) {
    add(Act::kEdit, 800);
  }
  if (workload) add(Act::kRequest, signs.quantity() || place ? 780 : 650);
  if (computing && fields) add(Act::kRequest, 600);
  if (signs.has(Sense::kKind) && signs.any({Sense::kAsk, Sense::kFinish, Sense::kDeadlineAfter})) add(Act::kRequest, 560);
  if (signs.instant() && signs.any({Sense::kFinish, Sense::kDeadlineAfter})) add(Act::kRequest, 550);
  return out;
}

ActEvidence resolve_act(std::span<const ActEvidence> evidence) {
  ActEvidence best;
  for (const ActEvidence& one : evidence) {
    if (one.weight_permille > best.weight_permille) best = one;
  }
  return best;
}

}  // namespace weir::language
