#include <algorithm>

#include "intelligence/language/surroundings.h"

namespace weir::language {

using Kind = Token::Kind;

bool Surroundings::streams_before(size_t i) const {
  return std::any_of(wish_.begin(), wish_.begin() + static_cast<std::ptrdiff_t>(i), [](const Token& token) { return token.quantity(Measure::kStreams); });
}

Role Surroundings::role_of(size_t first, size_t last, Act act, size_t& counted, bool& each) const {
  // Behind the names.
  for (size_t k = last + 1, seen = 0; k < wish_.size() && seen < 4; ++k, ++seen) {
    const Token& token = wish_[k];
    if (token.is(Sense::kFails) && act != Act::kRequest && act != Act::kEdit) return Role::kDown;
    if (token.is(Sense::kExcluded) && !(k + 1 < wish_.size() && is_place(wish_[k + 1]))) return Role::kNot;
    // 贵州不要, metro别放: with nothing behind it that is meant instead.
    if (k == last + 1 && token.is(Sense::kNot) && (k + 1 == wish_.size() || wish_[k + 1].kind == Kind::kPause)) return Role::kNot;
    if (token.is(Sense::kAddTo) && (k == last + 1 || near(k, 1) == nullptr)) {
      for (size_t n = k + 1; n < wish_.size() && n <= k + 2; ++n) {
        if (streams_at(n)) counted = n;
      }
      return Role::kFrom;
    }
    if (token.kind == Kind::kPause) break;
    if (token.is(Sense::kEach)) each = true;
    if (streams_at(k) && !before(first, Sense::kAt, 1) && !before(first, Sense::kOnly, 1)) {
      counted = k;
      return Role::kFrom;
    }
    if (token.is(Sense::kComesFrom) && !(act == Act::kEdit && (before(first, Sense::kChange, 2) || before(first, Sense::kAt, 1)))) {
      if (streams_at(k + 1)) counted = k + 1;
      return Role::kFrom;
    }
  }
  if (act == Act::kWhatIf && after(last, Sense::kFails, 8)) return Role::kDown;
  if (data_stays(first)) return Role::kResidency;
  if (const size_t there = streams_there(first, last); there < wish_.size()) {
    counted = there;
    return Role::kFrom;
  }
  // Before them, the nearest first.
  bool at = false;
  for (int k = 1; k <= 4; ++k) {
    const Token* token = near(first, -k);
    if (token == nullptr) break;
    const size_t index = first - static_cast<size_t>(k);
    if (token->is(Sense::kFails) && act != Act::kRequest && act != Act::kEdit) return Role::kDown;
    // "what if we switch off metro"
    const bool ends = token->is(Sense::kCancel) || (token->is(Sense::kOff) && before(index, Sense::kTurn, 3)) || (token->is(Sense::kTurn) && after(last, Sense::kOff, 1));
    if (ends && !at && act == Act::kWhatIf) return Role::kDown;
    if (token->is(Sense::kFrom) && act == Act::kEdit && (after(last, Sense::kMoveAway, 3) || after(last, Sense::kChange, 3) || spelled(near(last, 1), {U"搬到", U"挪到", U"迁到", U"换到", U"移到", U"转到", U"切到", U"放到"}))) return Role::kNot;
    if (token->is(Sense::kFrom)) {
      each = k > 1 && wish_[index].is(Sense::kEach);
      if (index > 0 && wish_[index - 1].is(Sense::kEach)) each = true;
      const size_t back = each && index > 0 ? 2 : 1;
      if (index >= back && (streams_at(index - back) || wish_[index - back].kind == Kind::kNumber)) counted = index - back;
      return Role::kFrom;
    }
    if (token->is(Sense::kExcept) && in_wish(Sense::kNowhereElse)) return Role::kOnly;
    // "keep gates out of metro", but "5 feeds out of street-a"
    if (spelled(token, {U"out of"})) {
      bool kept = false;
      for (int n = k + 1; n <= k + 4; ++n) {
        kept = kept || spelled(near(first, -n), {U"keep", U"stay", U"leave", U"get", U"pull", U"take", U"move", U"steer", U"remain", U"keeping", U"staying", U"moved", U"kept"});
      }
      if (!kept) return Role::kFrom;
    }
    if (token->is(Sense::kNot) || token->is(Sense::kExcept)) return Role::kNot;
    // 去掉贵州
    if (k == 1 && act == Act::kEdit && token->is(Sense::kRemove) && is_chinese(characters_.text[token->begin])) return Role::kNot;
    if (token->is(Sense::kResidency)) return Role::kResidency;
    if (token->is(Sense::kOnly) || token->is(Sense::kNear) || token->is(Sense::kChange)) return Role::kOnly;
    if (token->is(Sense::kAt) || token->is(Sense::kDeadlineBefore) || token->is(Sense::kRange)) {
      at = true;
      continue;
    }
    if (token->is(Sense::kEach) && at && index > 0 && streams_at(index - 1)) {
      counted = index - 1;
      each = true;
      return Role::kFrom;
    }
    // "3 cameras at street-a, 5 at street-b", "2 more at street-b"
    if (at && index > 0 && streams_before(index) && (token->kind == Kind::kNumber || (token->is(Sense::kAdd) && wish_[index - 1].kind == Kind::kNumber)) &&
        wish_[first].named(NameKind::kSite) != nullptr) {
      counted = token->kind == Kind::kNumber ? index : index - 1;
      return Role::kFrom;
    }
    // Cameras that stand at a site.
    if (at && token->quantity(Measure::kStreams) && token->name == "camera" && wish_[first].named(NameKind::kSite) != nullptr) {
      counted = index;
      return Role::kFrom;
    }
    // 12路street-a的视频
    if (k == 1 && streams_at(index) && wish_[first].named(NameKind::kSite) != nullptr && first == last && spelled(near(last, 1), {U"的"})) {
      counted = index;
      return Role::kFrom;
    }
    if (token->kind == Kind::kQuantity || token->kind == Kind::kInstant || is_place(*token) || token->is(Sense::kWorkload)) break;
    // Where the streams are, they come from.
    if (at && token->is(Sense::kUnitStreams) && index > 0 && streams_at(index - 1) && wish_[first].named(NameKind::kSite) != nullptr) {
      counted = index - 1;
      return Role::kFrom;
    }
  }
  return at ? Role::kAt : excluded_behind(last) ? Role::kNot : Role::kPlain;
}

}  // namespace weir::language
