#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "intelligence/language/evidence.h"
#include "intelligence/learning/classifier.h"
#include "intelligence/learning/tagger.h"

namespace weir::language {

// What a value is for: 0 is nothing, else one more than the slot.
inline constexpr uint32_t kValueLabels = static_cast<uint32_t>(kSlots) + 1;
inline constexpr uint32_t kActLabels = static_cast<uint32_t>(Act::kOther) + 1;

// The kinds of work, as labels of a classifier; the first is none of them.
std::span<const std::string_view> workload_names();

// What was learned of how people speak: what a wish is, what work it is about, and what each of its values is for.
struct Model {
  learning::Classifier acts = {};
  learning::Classifier workloads = {};
  learning::Tagger values = {};
  float act_threshold = 1;       // below it an act is not believed
  float workload_threshold = 1;
};

void write_model(const Model& model, std::string& bytes);
// kCorrupt: the bytes are not such a model, or one of other labels.
Result<Model> read_model(std::string_view bytes);

// What the model says of a wish.
Opinion opinion_of(const Model& model, std::span<const Token> wish, const Characters& characters, bool talk);

// Whether a token is what the model takes it for.
struct ValueOpinion {
  size_t token = 0;
  bool is_slot = false;     // false: it fills none
  Slot slot = Slot::kKind;
  float probability = 0;
};
std::vector<ValueOpinion> value_opinions(const Model& model, std::span<const Token> wish, const Characters& characters, Act act);

}  // namespace weir::language
