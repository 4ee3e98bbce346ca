#pragma once

#include <optional>
#include <vector>

#include "intelligence/language/characters.h"
#include "intelligence/language/gazetteer.h"

namespace weir::language {

inline constexpr int64_t kSecondUs = 1'000'000;
inline constexpr int64_t kMinuteUs = 60 * kSecondUs;

enum class Measure : uint8_t {
  kDuration,      // microseconds
  kBandwidth,     // bit/s
  kMemory,        // MiB; name: "accelerator" where that was said
  kCores,         // thousandths
  kAccelerators,  // thousandths; name: "sheet" where they may be of anything
  kStreams,       // name: "camera" or "audio" where they are
  kInstances,
  kMoney,         // nanocredits; name: the period, if said
  kShare,         // parts per million; name: "percentile" where that was said
  kAvailability,  // parts per million: nines
  kFrames,        // thousandths
  kRequests,      // thousandths
};

struct Token {
  enum class Kind : uint8_t { kWord, kNumber, kQuantity, kInstant, kClock, kPause };
  Kind kind = Kind::kWord;
  size_t begin = 0, end = 0;               // characters
  std::vector<Meaning> meanings = {};      // of a word; empty: unknown
  int64_t amount = 0;                      // a number in millionths, a quantity in its measure, an instant in seconds since 1970,
                                           // a clock in minutes of the day
  Measure measure = Measure::kDuration;
  std::string name = {};                   // see Measure
  bool article = false;                    // a number that begins with one: "half a"
  bool whole = false;                      // a pause between sentences; an instant that is a whole day
  bool corrected = false;                  // by one edit
  bool unknown_name = false;               // Latin words joined by hyphens that nobody knows: "gate-7"
  bool range = false;                      // the upper end of one
  int64_t one = 0;                         // a quantity: what one of its unit is in its measure

  bool is(Sense sense) const { return meaning(sense) != nullptr; }
  const Meaning* meaning(Sense sense) const;
  const Meaning* named(NameKind kind) const;
  bool quantity(Measure of) const { return kind == Kind::kQuantity && measure == of; }
};

// Words, names, numbers and pauses, each at its longest.
std::vector<Token> split(const Characters& characters, const Gazetteer& gazetteer);
// Times of day and dates become instants, in the future of the moment of speaking where nothing else is said.
std::vector<Token> find_instants(std::vector<Token> tokens, const SpokenAt& at);
// Numbers become quantities by the units and nouns about them.
std::vector<Token> find_quantities(std::vector<Token> tokens);
// All of that.
std::vector<Token> tokens_of(const Characters& characters, const Gazetteer& gazetteer, const SpokenAt& at);

}  // namespace weir::language
