// Whatever is given for a grammar: read or refused with a line, and what is read can be drawn from.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "intelligence/trainer/grammar.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  if (size > 4'096) return 0;
  const auto grammar = trainer::Grammar::read("fuzz", std::string_view(reinterpret_cast<const char*>(data), size), Language::kEnglish);
  if (!grammar) {
    if (grammar.error().what.empty()) std::abort();
    return 0;
  }
  learning::Draws draws(1);
  for (uint8_t act = 0; act <= static_cast<uint8_t>(Act::kOther); ++act) {
    if (!grammar->has(static_cast<Act>(act))) continue;
    const trainer::Drawn drawn = grammar->draw(static_cast<Act>(act), draws);
    for (const trainer::Mark& mark : drawn.marks) {
      if (mark.begin > mark.end || mark.end > drawn.text.size()) std::abort();
    }
  }
  return 0;
}
