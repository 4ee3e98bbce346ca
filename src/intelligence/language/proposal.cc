#include "intelligence/language/proposal.h"

#include <algorithm>
#include <array>

#include "intelligence/language/advice.h"

namespace weir::language {
namespace {

using Kind = Token::Kind;

constexpr int32_t kProposedValue = 720;
constexpr int32_t kGuess = 800;          // what rules are no surer of than this may be overruled
constexpr int32_t kActSure = 700;        // an act that stands
constexpr int32_t kOtherSure = 900;
constexpr size_t kUnknownNameBytesMax = 64;

constexpr std::array<std::string_view, 2> kKinds = {"service", "job"};
constexpr std::array<std::string_view, 4> kPreferences = {"cheap", "fast", "green", "safe"};

bool contains(std::span<const std::string_view> names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

std::span<const NameKind> kinds_of(Slot slot) {
  static constexpr std::array kPlaces = {NameKind::kSite, NameKind::kRegion};
  static constexpr std::array kLabels = {NameKind::kLabel};
  static constexpr std::array kIntents = {NameKind::kIntent};
  static constexpr std::array kArtifacts = {NameKind::kArtifact};
  static constexpr std::array kModels = {NameKind::kAcceleratorModel};
  switch (slot) {
    case Slot::kFrom:
    case Slot::kOnly:
    case Slot::kNot:
    case Slot::kDown: return kPlaces;
    case Slot::kResidency: return kLabels;
    case Slot::kTarget: return kIntents;
    case Slot::kArtifact: return kArtifacts;
    case Slot::kAcceleratorModel: return kModels;
    default: return {};
  }
}

// A field that the words bear out, with the span that it is read from.
class Reader {
 public:
  Reader(std::string_view text, std::span<const Token> wish, const Characters& characters, const Situation& situation)
      : text_(text), wish_(wish), characters_(characters), situation_(situation) {}

  // Of the first place where the words are and say one thing; nothing where they say several.
  std::optional<Field> read(const ProposedField& proposed) const {
    if (wish_.empty() || proposed.words.empty()) return std::nullopt;
    const TextSpan all = characters_.span(wish_.front().begin, wish_.back().end);
    std::optional<TextSpan> first;
    for (size_t at = text_.find(proposed.words, all.begin); at != std::string_view::npos; at = text_.find(proposed.words, at + 1)) {
      const TextSpan words{at, at + proposed.words.size()};
      if (words.end > all.end) break;
      if (!first) first = words;
      if (proposed.change != Change::kSet || !proposed.name.empty()) return Field{.slot = proposed.slot, .change = proposed.change, .name = proposed.name, .span = words};
      std::vector<Field> found = inside(proposed.slot, words);
      if (found.size() == 1) return std::move(found.front());
      if (found.size() > 1) return std::nullopt;
    }
    const bool place = proposed.slot == Slot::kFrom || proposed.slot == Slot::kOnly || proposed.slot == Slot::kNot;
    // A place that nobody knows is asked about.
    if (!place || !first || proposed.words.size() > kUnknownNameBytesMax) return std::nullopt;
    return Field{.slot = proposed.slot, .name = proposed.words, .span = *first};
  }

 private:
  std::vector<Field> inside(Slot slot, TextSpan words) const {
    std::vector<Field> out;
    for (const Token& token : wish_) {
      const TextSpan span = characters_.span(token.begin, token.end);
      if (span.begin < words.begin || span.end > words.end) continue;
      std::optional<Field> field = filled(slot, token, situation_.at);
      for (const NameKind kind : kinds_of(slot)) {
        const Meaning* named = token.named(kind);
        if (!field && named != nullptr) field = Field{.slot = slot, .name = named->name};
      }
      if (!field) continue;
      field->span = span;
      out.push_back(std::move(*field));
    }
    return out;
  }

  std::string_view text_;
  std::span<const Token> wish_;
  const Characters& characters_;
  const Situation& situation_;
};

}  // namespace

bool may_propose(Act act) { return act != Act::kAccept && act != Act::kDecline && act != Act::kCancel; }

std::span<const std::string_view> proposed_names(Slot slot) {
  switch (slot) {
    case Slot::kKind: return kKinds;
    case Slot::kWorkload: return workload_names().subspan(1);
    case Slot::kPrefer: return kPreferences;
    default: return {};
  }
}

bool may_propose(Slot slot, Change change) {
  if (change == Change::kSet) return true;
  const bool directed = change == Change::kTighten || change == Change::kRelax || change == Change::kRemove;
  return directed && (slot == Slot::kLatency || slot == Slot::kBudget);
}

bool unsure(std::string_view text, const Gazetteer& gazetteer, const SpokenAt& at, const Understanding& understood) {
  const auto& frames = understood.frames;
  if (std::any_of(frames.begin(), frames.end(), [](const Frame& frame) { return !may_propose(frame.act); })) return false;
  for (const Frame& frame : frames) {
    if (frame.confidence_permille < (frame.act == Act::kOther ? kOtherSure : kActSure)) return true;
    for (const Doubt& doubt : frame.doubts) {
      const bool work = doubt.slot == Slot::kWorkload || doubt.slot == Slot::kKind;
      if (doubt.kind == DoubtKind::kUnclear || (doubt.kind == DoubtKind::kMissing && work)) return true;
    }
  }
  const Characters characters = fold(text);
  for (const Token& token : tokens_of(characters, gazetteer, at)) {
    if (token.kind != Kind::kQuantity && token.kind != Kind::kInstant) continue;
    const TextSpan span = characters.span(token.begin, token.end);
    const bool used = std::any_of(frames.begin(), frames.end(), [&](const Frame& frame) {
      if (frame.act == Act::kOther) return frame.span.begin <= span.begin && span.end <= frame.span.end;
      return std::any_of(frame.fields.begin(), frame.fields.end(), [&](const Field& field) { return field.span.begin < span.end && span.begin < field.span.end; });
    });
    if (!used) return true;
  }
  return false;
}

std::vector<SaidName> said_names(std::string_view text, const Gazetteer& gazetteer) {
  std::vector<SaidName> out;
  const Characters characters = fold(text);
  for (const Token& token : split(characters, gazetteer)) {
    if (token.kind != Kind::kWord) continue;
    const TextSpan span = characters.span(token.begin, token.end);
    for (const Meaning& meaning : token.meanings) {
      if (meaning.is_name) out.push_back({meaning.kind, std::string(text.substr(span.begin, span.end - span.begin))});
    }
  }
  return out;
}

void advise_acts(std::vector<ActEvidence>& acts, const ProposedWish& proposed, const Situation& situation) {
  if (!may_propose(proposed.act) || proposed.act == Act::kOther) return;
  if (proposed.act == Act::kEdit && situation.previous == nullptr) return;
  if (resolve_act(acts).weight_permille < kActSure) acts.push_back({proposed.act, kActSure});
}

void advise_work(Opinion& opinion, const ProposedWish& proposed, std::string_view text) {
  for (const ProposedField& field : proposed.fields) {
    if (field.slot != Slot::kWorkload || field.words.empty() || text.find(field.words) == std::string_view::npos) continue;
    for (const std::string_view name : proposed_names(Slot::kWorkload)) {
      if (name != field.name) continue;
      opinion.workload = name;
      opinion.workload_probability = static_cast<float>(kProposedValue) / 1'000;
    }
  }
}

void advise_values(std::vector<Evidence>& evidence, const ProposedWish& proposed, std::string_view text, std::span<const Token> wish,
                   const Characters& characters, Act act, const Situation& situation) {
  if (act == Act::kOther || !may_propose(act)) return;
  const Reader reader(text, wish, characters, situation);
  for (const ProposedField& one : proposed.fields) {
    if (one.slot == Slot::kWorkload || !may_propose(one.slot, one.change) || (one.change != Change::kSet && act != Act::kEdit)) continue;
    const auto names = proposed_names(one.slot);
    if (names.empty() ? !one.name.empty() : !contains(names, one.name)) continue;
    std::optional<Field> field = one.slot == Slot::kKind ? Field{.slot = one.slot, .name = one.name} : reader.read(one);
    if (!field) continue;
    // Of what there is one, and of what the words say already.
    const auto stands_beside = [&](const Evidence& said) {
      if (one.slot == Slot::kKind || one.change != Change::kSet) return said.field.slot == one.slot;
      return said.field.span.begin < field->span.end && field->span.begin < said.field.span.end;
    };
    const bool stands = std::any_of(evidence.begin(), evidence.end(), [&](const Evidence& said) {
      return stands_beside(said) && (said.field.slot == one.slot || said.field.confidence_permille > kGuess || said.field.change != Change::kSet);
    });
    if (stands) continue;
    std::erase_if(evidence, stands_beside);
    field->confidence_permille = kProposedValue;
    evidence.push_back({.field = std::move(*field)});
  }
}

}  // namespace weir::language
