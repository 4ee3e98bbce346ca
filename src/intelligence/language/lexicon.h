#pragma once

#include <cstdint>
#include <span>

namespace weir::language {

// What a word does in a sentence.
enum class Sense : uint8_t {
  kIgnored,  // carries nothing; keeps parts of it from being read as something else
  // What is counted. The value is the size of one in the unit of the slot, where it has one.
  kUnitDuration, kUnitBandwidth, kUnitMemory, kUnitCores, kUnitAccelerators, kUnitStreams, kUnitInstances, kUnitMoney,
  kUnitPercent, kUnitFrames, kUnitRequests, kUnitNines, kUnitMega, kUnitGiga, kUnitTera, kMeasure, kBlock,
  kUnitHappening,  // "orders": a rate where it is told how often
  kPercentOf,   // 百分之, before the number
  kPercentile,  // "p99"; value: parts per million
  kOfHundred,   // "of 100", behind the number
  kTenths,      // 九成
  kPeriod,      // "per hour"; name: the period; value: where it may also be a duration ("an hour"), its microseconds
  kPerSecond,   // likewise
  kPerMinute, kPercentileMark,
  kOrdinal,     // "th", behind a number
  kCurrency,    // "$", before the number
  // What a number is about.
  kLatency, kBandwidth, kMemory, kAcceleratorMemory, kBudget, kAvailability, kRunTime, kStreams, kInstances, kCores, kAccelerators,
  kDeadlineBefore, kDeadlineAfter, kStart, kFor, kWithin, kLater, kEarlier, kTotal, kEach, kRange, kAbout,
  kAtMost, kAtLeast, kBetween, kArticle,
  kFull,        // "a full day"
  kSingle,      // value: how many: "dual"
  // Places.
  kFrom, kComesFrom, kAt, kOnly, kNot, kResidency, kNear, kExcept, kExcluded, kAddTo,
  // Time of day. The value: days from today; minutes of the day.
  kDay, kWeekday, kNextWeek,
  kPeriodEnd,  // name: what ends with the day
  kMonth, kMonthMark, kDayMark, kMinuteMark, kAm, kPm, kMorning, kAfternoon, kEvening, kNight, kNoon, kMidnight, kHalfPast, kQuarterPast, kQuarterTo,
  kOclock, kPast,
  // What it does; name: the workload. Value 1: a service, 2: a job.
  kWorkload, kKind, kBuiltInRegion,
  kDoing,       // work as a verb: what stands behind it is done, not wished for by itself
  // Wishes.
  kCheap, kCheaper, kFast, kFaster, kGreen, kSafe, kNoBudget, kSlowerIsFine, kTooDear, kTooSlow, kDearerIsFine,
  // Acts.
  kAsk,
  kWhy,         // value 1: only of what runs or is talked about
  kWhatIf, kFails, kHowMuch, kWhere, kFree, kStatus, kCancel, kNeverMind, kAll, kAccept, kChange, kAdd, kFewer,
  kTimes,       // value: the factor in thousandths; name: the slot, if it says one
  kRemove, kThis, kQuestion, kAnd, kThen, kOutside, kComputing, kFinish, kColon,
  kByTheWay,    // begins another wish
  kCorrection,  // what follows is meant in place of what was said
  kWould, kHave,
  kWorld,       // asks about the world, unless computing is spoken of
  kLook,        // what is done with pictures of cameras
  kTurn, kOff,  // "turn gates off"
  kDrops,       // calls off the work that is named behind it
  kNoLonger,    // with a denial, and what runs
  kWhether,     // opens a question of what runs: "is … up"
  kHint,        // what it is about says what is done, where no word does; name: the workload
  kData, kStay, // what has to stay somewhere, and that it has to
  kOthers,      // what else there is: 别的, 其他
  kMoveAway, kNowhereElse,
  kFormerly,    // what was before: 原来, 本来
  kQuarter, kShortOf, kNextMonth,  // 一刻, 差五分, 下月
  kDoneYet,     // 没有, 了吗 behind what is to be done
  kPlain,       // spelled as it is meant, near as it is to a word of this lexicon
  kMentioned,   // "I mentioned": told of before, and not wished for now
};

struct Words {
  Sense sense;
  const char* words;  // parted by '|', folded; of several words by spaces
  int64_t value;
  const char* name;
};

// The words of both languages.
std::span<const Words> built_in_words();

}  // namespace weir::language
