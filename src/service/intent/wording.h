#pragma once

#include <string>
#include <string_view>

#include "core/ports/understanding.h"
#include "service/intent/draft.h"

// What is said back, in the language that was spoken.
namespace weir::intent {

std::string_view label(Slot slot, Language language);  // "latency", "时延"
std::string_view label(Act act, Language language);    // "request", "需求"
// One short question: "Where do the streams come in?"
std::string question_text(const Question& question, Language language);
// "memory of an instance: 256Mi"; of what cannot be said in an Intent, that it was left out.
std::string assumption_text(const Assumption& assumption, Language language);

}  // namespace weir::intent
