#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/event/types.h"

// What is remembered of a tenant's dialogues: what was offered, what was taken, what came of it and how it was judged. Nothing that
// is granted depends on it: it is shown, and values that nobody says are taken from it.
namespace weir {

enum class Opinion : uint8_t { kNone, kGood, kBad };

// One thing that was offered, or an intent that was judged.
struct PastCase {
  Position recorded = 0;                   // of its first record: with `item` it identifies the case
  uint32_t item = 0;                       // among the offers of that record
  TimeUs at = 0;
  DialogueEnd end = DialogueEnd::kTaken;
  IntentId intent;                         // that came of it; none: nothing did
  uint32_t generation = 0;
  std::string way;                         // that was taken; empty: it is not known
  WishSketch sketch;
  std::shared_ptr<const IntentSpec> spec;  // of the generation; null: none came of it, or it was replaced before it was recorded
  Opinion opinion = Opinion::kNone;
  Blame blame = Blame::kUnsaid;
  Nanocredits billed_per_hour = 0;         // of its newest plan; 0: it had none
  int64_t samples = 0;                     // of its promise, since it is remembered
  int64_t missed = 0;                      // of these: later than promised, or lost
  bool finished = false;                   // a job: every run of it ended well
  bool failed = false;
};

struct Past {
  std::vector<std::shared_ptr<const PastCase>> cases;  // in the order of their records; at most kPastCasesMax
  int64_t hour = 0;                        // since 1970, of the newest record
  int32_t recorded = 0;                    // in that hour
};

inline constexpr size_t kPastCasesMax = 64;     // of a tenant
inline constexpr int32_t kRecordsPerHourMax = 60;  // of a tenant: dialogues and verdicts together
inline constexpr TimeUs kHourOfRecordsUs = int64_t{3'600} * 1'000'000;

// Records of the tenant in the hour of `now`.
inline int32_t recorded_in_hour(const Past& past, TimeUs now) {
  return past.hour == now / kHourOfRecordsUs ? past.recorded : 0;
}

// The case of an intent's generation; null: there is none. O(cases).
const PastCase* find_case(const Past& past, IntentId intent, uint32_t generation);

// What a wish is compared by.
WishSketch sketch_of(const IntentSpec& spec, std::string work);

}  // namespace weir
