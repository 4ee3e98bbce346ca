#pragma once

#include <optional>
#include <span>
#include <vector>

#include "intelligence/language/evidence.h"
#include "intelligence/language/model.h"

// What a model adds to the evidence of rules. It may say what a wish is and what a value is for, where rules are not sure; it never agrees
// to anything, and never makes up a value.
namespace weir::language {

// The field that a token makes of a slot; nothing where it cannot fill it.
std::optional<Field> filled(Slot slot, const Token& token, const SpokenAt& at);

void advise_acts(std::vector<ActEvidence>& acts, const Model& model, const Opinion& opinion, const Situation& situation);
void advise_values(std::vector<Evidence>& evidence, std::span<const ValueOpinion> opinions, std::span<const Token> wish, const Characters& characters, Act act,
                   const Situation& situation);

}  // namespace weir::language
