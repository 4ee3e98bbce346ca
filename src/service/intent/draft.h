#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/understanding.h"
#include "core/result/result.h"

namespace weir::v1 {
class Intent;
}

// From what somebody meant to the Intent that says it: what was not said is assumed at its cheapest and stated, and what cannot be
// assumed is asked.
namespace weir::intent {

// What is known of the domain; empty where no brain answers.
struct Domain {
  struct Site {
    std::string name, region, tier;  // as in files
    std::vector<std::string> residency;
  };
  std::vector<Site> sites;
  std::vector<std::string> intents;  // of the tenant
  std::vector<std::string> artifacts;
  std::vector<std::string> accelerator_models;
};
// All that may be said of it, each once, and accelerator models that are widely known.
std::vector<KnownName> names_of(const Domain& domain);

// A value that nobody said.
struct Assumption {
  Slot slot = Slot::kKind;
  std::string value;
  std::string like = {};  // the intent before, whose value it is; empty: the usual one
};
struct Question {
  Doubt doubt;
  std::string assumed;  // empty: nothing can be, and there is no Intent without an answer
};

struct Draft {
  std::vector<Assumption> assumptions;
  std::vector<Question> questions;  // the weightiest first: what cannot be assumed

  bool complete() const { return questions.empty() || !questions.front().assumed.empty(); }
};

// The Intent of a request. `out` is as complete as the draft. What is not said is as it was in `before`, if that is given and says it
// otherwise than is usual; what is said never is. Requires a frame with Act::kRequest or Act::kHowMuch.
Draft draft(const Frame& frame, const Domain& domain, std::string_view tenant, v1::Intent& out, const v1::Intent* before = nullptr);

// Changes an Intent as an edit says. "Cheaper" is four fifths of its budget, "faster" of its latency, where it has one; what will do
// slower gets half as much again. kInvalid: there is nothing of the kind to change, or too little would be left; kNotFound: no such place.
// `where` names the slot.
Status revise(const Frame& frame, const Domain& domain, v1::Intent& intent);

}  // namespace weir::intent
