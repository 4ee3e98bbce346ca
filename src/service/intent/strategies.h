#pragma once

#include <functional>
#include <vector>

#include "core/ports/understanding.h"
#include "service/intent/draft.h"
#include "weir/v1/service.pb.h"

namespace weir::intent {

// Decides an intent and changes nothing: a plan or a refusal; none where it cannot be decided at all.
using Trial = std::function<std::optional<v1::ApplyResult>(const v1::Intent&)>;

inline constexpr int kTrialsMax = 48;  // of one set of strategies

// Ways to have what is wanted that differ in where it runs or in what it costs: `asked`, which was decided already, then the fastest, the
// cleanest and the safest, each as an intent with one promise or preference more; or, where nothing satisfies what was asked, the least
// that has to be given up of one thing. Every one has a plan. Those that give nothing over one before are left out.
std::vector<v1::Strategy> strategies(const v1::Intent& intent, const v1::ApplyResult& asked, Language language, const Trial& trial);

}  // namespace weir::intent
