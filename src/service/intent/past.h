#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/understanding.h"
#include "weir/v1/service.pb.h"

// What a tenant asked for before, how alike it is to what is asked now, and what follows from it: advice that is shown, and never
// overrides what was said. Whole numbers and names alone decide, so that equal memories give equal advice.
namespace weir::intent {

// What wishes are compared by.
struct Features {
  std::string work;                // "detection"; empty: it was not said
  std::string artifact;
  bool job = false;
  int64_t streams = 0;
  int64_t latency_us = 0;          // 0: no promise of latency
  int64_t accelerator_milli = 0;   // of an instance
  std::string accelerator_model;
  std::vector<std::string> from, only;  // names of sites; sorted, unique
};
Features features_of(const v1::Intent& intent, std::string work);

// One case of the tenant.
struct Remembered {
  uint64_t order = 0;   // newer ones have greater ones; no two are equal
  Features features;
  v1::PastCase shown;   // without likeness and text
  v1::Intent intent;    // as it was taken; without a spec where nothing came of it
};

inline constexpr int32_t kAlikePermille = 600;  // from here on a case is shown
inline constexpr size_t kPastShownMax = 3;

// 0 to 1000: of what it does 400, of streams 200, of latency 150, of places 150, of accelerators 100. 0 where it does another thing,
// or is a job and not a service. Symmetric.
int32_t likeness_permille(const Features& a, const Features& b);

struct Alike {
  const Remembered* of = nullptr;
  int32_t likeness_permille = 0;
};
// Those that are shown: the most alike first, of equals the newest. The order of `past` does not matter. O(cases).
std::vector<Alike> alike(const std::vector<Remembered>& past, const Features& wanted);

// Judged bad; or not judged, and it failed, or missed more than one in a hundred of its promise.
bool went_badly(const v1::PastCase& one);

// Whose values are assumed where nothing is said: the first that was taken and did not go badly. Null: none.
const Remembered* precedent(const std::vector<Alike>& shown);

// The case as it is shown.
v1::PastCase show(const Alike& one, Language language, int32_t utc_offset_s);

// Marks the strategy that the wish's past cases speak for, and says why: that was taken and judged good, or not judged and went well;
// and what would mend what was judged bad. Of equals the first. None, where nothing speaks for any that is there.
void suggest(Language language, v1::Wish& wish);

// A verdict in words: "works well", 太慢了. None where it is none, or a question. The frame is what the words mean otherwise.
struct Judgement {
  bool good = false;
  std::string_view because;  // as RateRequest has it
};
std::optional<Judgement> judgement(std::string_view text, const Frame& frame);

}  // namespace weir::intent
