#pragma once

#include <span>
#include <vector>

#include "intelligence/language/tokens.h"
#include "intelligence/learning/linear_weights.h"

// What a learned model sees of a wish. What it was trained on and what it is asked must be seen alike: a model is built with this code.
namespace weir::language {

// The tokens that can fill a slot with a value, and what is seen about each.
struct SeenValues {
  std::vector<size_t> tokens = {};  // of the wish
  std::vector<std::vector<learning::Feature>> places = {};
};
SeenValues see_values(std::span<const Token> wish, const Characters& characters, Act act);

// What is seen of the whole wish, its values by their kind alone. `talk`: there is an answer that is talked about.
std::vector<learning::Feature> see_wish(std::span<const Token> wish, const Characters& characters, bool talk);

}  // namespace weir::language
