#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "intelligence/language/evidence.h"

// What somebody who is not trusted takes a text for: which of its words say what. It holds no amount and no name of a place, program or
// intent: those are read from the words, so that whoever proposes may choose what a value is for, and cannot make one up.
namespace weir::language {

struct ProposedField {
  Slot slot = Slot::kKind;
  Change change = Change::kSet;
  std::string name = {};   // of kKind, kWorkload and kPrefer, else empty
  std::string words = {};  // of the text
};
struct ProposedWish {
  Act act = Act::kOther;
  std::string words = {};  // of the text: where the wish is
  std::vector<ProposedField> fields = {};
};
using Proposal = std::vector<ProposedWish>;

// Agreeing, declining and ending are for rules alone.
bool may_propose(Act act);
// The names that may be proposed for a slot; none where they are read from the text.
std::span<const std::string_view> proposed_names(Slot slot);
bool may_propose(Slot slot, Change change);

// Whether another understanding than this one, of the same text, may be worth the time: no act or an unsure one, no work, or a value that
// is for nothing. Never where somebody agrees, declines or ends something.
bool unsure(std::string_view text, const Gazetteer& gazetteer, const SpokenAt& at, const Understanding& understood);

// A name of the text that is known.
struct SaidName {
  NameKind kind = NameKind::kSite;
  std::string words = {};
};
std::vector<SaidName> said_names(std::string_view text, const Gazetteer& gazetteer);

// What of a proposal becomes evidence. What it may not say, or what the text does not bear out, is left out; rules that are sure stand.
void advise_acts(std::vector<ActEvidence>& acts, const ProposedWish& proposed, const Situation& situation);
void advise_work(Opinion& opinion, const ProposedWish& proposed, std::string_view text);
void advise_values(std::vector<Evidence>& evidence, const ProposedWish& proposed, std::string_view text, std::span<const Token> wish,
                   const Characters& characters, Act act, const Situation& situation);

}  // namespace weir::language
