#pragma once

#include <memory>
#include <string_view>

#include "core/result/result.h"
#include "intelligence/language/gazetteer.h"
#include "intelligence/language/model.h"
#include "intelligence/language/proposal.h"

// What a sentence in Chinese, English or both asks of Weir: by rules, and by what was learned where they say little. No clock, no file.
// Equal arguments give equal answers.
namespace weir::language {

inline constexpr size_t kUtteranceBytesMax = 4'096;
inline constexpr size_t kFramesMax = 8;  // wishes of one utterance; what follows belongs to the last

// At least one frame; kOther where it is not about computing. `previous` is the answer that is talked about, or null: without one
// nothing is agreed with. `model` may be null: rules alone. It never agrees to anything. kInvalid: the text is empty, longer than kUtteranceBytesMax, or not UTF-8.
// `proposal`, which may be null, counts where rules and model are not sure (proposal.h).
// O(length · longest name), and O(names) for each unknown word.
Result<Understanding> understand(std::string_view text, const Gazetteer& gazetteer, const SpokenAt& at, const Frame* previous = nullptr,
                                 const Model* model = nullptr, const Proposal* proposal = nullptr);
// The same, for whatever names there are.
UnderstandNames understand_by(std::shared_ptr<const Model> model);

}  // namespace weir::language
