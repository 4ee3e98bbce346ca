#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"

// What somebody meant by a sentence, as whatever understood it hands it on: rules, a model or a person. Advice: it is checked like
// any other request before anything comes of it.
namespace weir {

enum class Language : uint8_t { kEnglish, kChinese };

enum class Act : uint8_t {
  kRequest,   // wants something to run
  kEdit,      // wants the previous answer, or the target, otherwise
  kWhy,       // asks for the reason of what is
  kWhatIf,    // asks what would be
  kHowMuch,   // asks what it costs
  kWhere,     // asks what is free, or best, and where
  kStatus,    // asks how it is going
  kCancel,    // wants it ended, or not begun
  kAccept,    // agrees with what was offered
  kDecline,   // does not
  kOther,     // is not about computing, or not understood
};

enum class Slot : uint8_t {
  kKind,             // name: "service" or "job"
  kWorkload,         // name: what it does, one of workload words ("detection")
  kArtifact,         // name
  kTarget,           // name of an intent; "all"
  kStreams,          // count
  kFrom,             // name of the site where streams come in; amount: how many, 0 if unsaid
  kLatency,          // microseconds
  kPercentile,       // parts per million
  kBandwidth,        // bit/s per stream
  kRate,             // thousandths of requests per second, per stream
  kCpu,              // thousandths of cores per instance
  kMemory,           // MiB per instance
  kAccelerators,     // thousandths per instance
  kAcceleratorModel, // name
  kAcceleratorMemory,// MiB of each
  kInstances,        // count
  kBudget,           // nanocredits; name: the period, "hour", "day", "month" or "total"
  kDeadline,         // seconds since 1970
  kStart,            // seconds since 1970
  kRunTime,          // microseconds
  kResidency,        // name of a label
  kOnly,             // name of a site or region
  kNot,              // name of a site or region
  kAvailability,     // parts per million
  kPrefer,           // name: "cheap", "fast", "green" or "safe"
  kDown,             // name of what is supposed to fail
};
inline constexpr size_t kSlots = static_cast<size_t>(Slot::kDown) + 1;

// How a field changes what was said before; kSet in a request.
enum class Change : uint8_t {
  kSet,
  kAdd,      // amount is added, and may be negative
  kTimes,    // amount is a factor, in thousandths
  kTighten,  // less of it: cheaper, faster
  kRelax,    // more of it will do
  kRemove,   // no such limit any more
};

// Bytes [begin, end) of the text, on the boundaries of characters.
struct TextSpan {
  size_t begin = 0;
  size_t end = 0;
  friend bool operator==(const TextSpan&, const TextSpan&) = default;
};

struct Field {
  Slot slot = Slot::kKind;
  Change change = Change::kSet;
  int64_t amount = 0;
  std::string name = {};
  int32_t confidence_permille = 0;  // 1 to 1000
  TextSpan span = {};               // empty: it follows from other fields
};

enum class DoubtKind : uint8_t {
  kMissing,   // nothing was said of a slot that matters
  kConflict,  // what was said cannot all hold
  kUnclear,   // more than one thing can be meant, or a name is unknown
};
// What has to be asked before the rest is worth deciding, and what is assumed if nobody answers.
struct Doubt {
  DoubtKind kind = DoubtKind::kMissing;
  Slot slot = Slot::kKind;
  std::string said = {};  // the words that are in doubt, if any
};

// One wish. Fields stand in the order of their slots, those of one slot in the order of the text; slots that hold one value stand once.
struct Frame {
  Act act = Act::kOther;
  int32_t confidence_permille = 0;
  TextSpan span = {};
  std::vector<Field> fields = {};
  std::vector<Doubt> doubts = {};  // the weightiest first

  const Field* find(Slot slot) const {
    for (const Field& field : fields) {
      if (field.slot == slot) return &field;
    }
    return nullptr;
  }
};

struct Understanding {
  Language language = Language::kEnglish;
  std::vector<Frame> frames = {};  // at least one
};

// A name that somebody may say, and what it stands for.
enum class NameKind : uint8_t { kSite, kRegion, kLabel, kIntent, kArtifact, kAcceleratorModel };
struct KnownName {
  NameKind kind = NameKind::kSite;
  std::string name = {};
};

// The moment of speaking: what "tomorrow" is counted from.
struct SpokenAt {
  int64_t unix_s = 0;
  int32_t utc_offset_s = 0;  // of the speaker's clock
};

// Whatever understands, with the names that may be said. `previous` is the answer that is talked about, or null. At least one frame;
// kOther where it is not about computing. kInvalid: the text is empty, too long, or not UTF-8.
using Understand = std::function<Result<Understanding>(std::string_view text, const SpokenAt& at, const Frame* previous)>;
using UnderstandNames = std::function<Understand(const std::vector<KnownName>& names)>;

}  // namespace weir
