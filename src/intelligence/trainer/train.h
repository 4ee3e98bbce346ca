#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "intelligence/language/model.h"
#include "intelligence/trainer/grammar.h"

namespace weir::trainer {

struct TrainOptions {
  size_t sentences = 24'000;  // of each grammar; a tenth is held back to validate
  uint64_t seed = 20'261'123;
};

// Shares of what was held back that came out right.
struct Validation {
  size_t trained = 0, held = 0;
  double acts = 0, workloads = 0;
  double values = 0;     // of values: what each is for
  double sentences = 0;  // with the act, the work and every value right
};

struct Training {
  language::Model model;
  Validation validation;
};

// Draws sentences of the grammars, makes some of them worse as people do, and learns from them. Equal arguments give an equal model.
Training train(const std::vector<Grammar>& grammars, const TrainOptions& options);

// As a hurried hand would write a sentence: letters change places, all is in lower case. Marks stay where they are.
void roughen(Drawn& drawn, learning::Draws& draws);

}  // namespace weir::trainer
