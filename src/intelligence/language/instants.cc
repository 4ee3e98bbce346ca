// Times of day and dates in the words of both languages, resolved against the moment of speaking.
#include <chrono>

#include "intelligence/language/numbers.h"
#include "intelligence/language/tokens.h"

namespace weir::language {
namespace {

using Kind = Token::Kind;

constexpr int64_t kDaySeconds = 86'400;
constexpr int64_t kDayMinutes = 1'440;
constexpr int64_t kSmallHours = 270;  // "at night" before this is of the morning

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

enum class Part : uint8_t { kNone, kMorning, kNight, kAfternoon, kEvening };

struct Spoken {
  std::optional<int64_t> day;     // since 1970
  std::optional<int64_t> minute;  // of the day, as said
  Part part = Part::kNone;
  bool exact = false;  // "18:30", noon, midnight: nothing to add
};

// The day of a month's day: this year's, or the next one's if that has passed.
std::optional<int64_t> day_of(int64_t today, int64_t month, int64_t day) {
  using namespace std::chrono;
  const year_month_day now{sys_days{days{today}}};
  for (int ahead = 0; ahead < 2; ++ahead) {
    const year_month_day date{now.year() + years{ahead}, std::chrono::month{static_cast<unsigned>(month)}, std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok()) continue;
    const int64_t count = sys_days{date}.time_since_epoch().count();
    if (count >= today) return count;
  }
  return std::nullopt;
}

// 1 is Monday, 7 Sunday.
int64_t weekday_of(int64_t day) { return (day + 3 - 7 * floor_div(day + 3, 7)) + 1; }

class Reader {
 public:
  Reader(const std::vector<Token>& tokens, const SpokenAt& at)
      : tokens_(tokens), local_s_(at.unix_s + at.utc_offset_s), offset_s_(at.utc_offset_s), today_(floor_div(local_s_, kDaySeconds)) {}

  // The instant that begins at a token, and the token behind it.
  std::optional<Token> read(size_t begin, size_t& end) {
    Spoken spoken;
    size_t i = begin;
    end = begin;
    while (i < tokens_.size()) {
      size_t next = i;
      if (i == begin && begin > 0 && closes(begin) && take_bare(next, spoken)) {
        end = next;
        break;
      }
      if (!take(next, spoken, i == begin)) {
        // "at", "on", "in", "the", "的" between two parts
        if (i == begin || !joins(tokens_[i]) || i + 1 >= tokens_.size()) break;
        if (spoken.minute && tokens_[i].is(Sense::kDeadlineBefore)) break;  // 九点到下午六点
        next = i + 1;
        const bool bare = tokens_[i].is(Sense::kAt) && spoken.day && !spoken.minute;
        if (!take(next, spoken, false) && !(bare && take_bare(next, spoken))) break;
      }
      i = next;
      end = i;
    }
    if (end == begin || (!spoken.day && !spoken.minute)) return std::nullopt;
    Token out{.kind = Kind::kInstant, .begin = tokens_[begin].begin, .end = tokens_[end - 1].end};
    out.amount = resolve(spoken, out.whole);
    last_s_ = out.amount;
    return out;
  }

 private:
  const Token* at(size_t i) const { return i < tokens_.size() ? &tokens_[i] : nullptr; }
  bool is(size_t i, Sense sense) const { return i < tokens_.size() && tokens_[i].is(sense); }
  std::optional<int64_t> whole(size_t i) const {
    if (i >= tokens_.size() || tokens_[i].kind != Kind::kNumber || tokens_[i].amount % kMicro != 0 || tokens_[i].article) return std::nullopt;
    return tokens_[i].amount / kMicro;
  }
  bool joins(const Token& token) const {
    return token.is(Sense::kAt) || token.is(Sense::kArticle) || token.is(Sense::kThis) || token.is(Sense::kDeadlineBefore);
  }
  static bool part_of(const Token& token, Part& part) {
    if (token.is(Sense::kMorning)) part = Part::kMorning;
    else if (token.is(Sense::kNight)) part = Part::kNight;
    else if (token.is(Sense::kAfternoon)) part = Part::kAfternoon;
    else if (token.is(Sense::kEvening)) part = Part::kEvening;
    else return false;
    return true;
  }
  bool names_part(size_t i) const {
    Part part = Part::kNone;
    return i < tokens_.size() && part_of(tokens_[i], part);
  }
  static Part part_named(const std::string& name) {
    return name == "morning" ? Part::kMorning : name == "afternoon" ? Part::kAfternoon : name == "evening" ? Part::kEvening : Part::kNone;
  }

  // "done by 8", "before 9": nothing but an hour stands there.
  bool closes(size_t i) const {
    const Token& before = tokens_[i - 1];
    const bool said = before.is(Sense::kDeadlineBefore) && before.end - before.begin >= 5;
    return said && whole(i).value_or(0) > 0 && (i + 1 == tokens_.size() || tokens_[i + 1].kind == Kind::kPause);
  }

  bool take_bare(size_t& i, Spoken& spoken) const {
    const auto hour = whole(i);
    if (!hour || *hour > 24) return false;
    // "on Monday on 4 GPUs" names no hour.
    if (i + 1 < tokens_.size() && tokens_[i + 1].kind == Kind::kWord && !is(i + 1, Sense::kDeadlineAfter) && !is(i + 1, Sense::kStart)) return false;
    spoken.minute = *hour * 60;
    ++i;
    return true;
  }

  // One part of an instant; moves i behind it.
  bool take(size_t& i, Spoken& spoken, bool first) const {
    const Token& token = tokens_[i];
    if (!spoken.minute && take_clock(i, spoken)) return true;
    if (spoken.day && !(first || spoken.minute)) {
      Part part = Part::kNone;
      if (part_of(token, part)) {
        spoken.part = part;
        ++i;
        return true;
      }
    }
    if (!spoken.day && take_day(i, spoken)) return true;
    Part part = Part::kNone;
    if (part_of(token, part)) {
      // Before a clock ("晚上八点"), or behind one ("8 in the evening"); alone it is no instant.
      Spoken ahead = spoken;
      size_t next = i + 1;
      if (!spoken.minute && (next >= tokens_.size() || !take_clock(next, ahead))) return false;
      spoken.part = part;
      ++i;
      return true;
    }
    return false;
  }

  bool take_clock(size_t& i, Spoken& spoken) const {
    const Token& token = tokens_[i];
    const auto set = [&](int64_t minute, size_t used, bool exact) {
      if (minute > kDayMinutes) return false;
      spoken.minute = minute;
      spoken.exact = exact;
      i += used;
      if (is(i, Sense::kAm)) {
        if (minute / 60 == 12) *spoken.minute -= 720;
        spoken.exact = true;
        ++i;
      } else if (is(i, Sense::kPm)) {
        if (minute / 60 < 12) *spoken.minute += 720;
        spoken.exact = true;
        ++i;
      }
      return true;
    };
    if (token.kind == Kind::kClock) return set(token.amount, 1, token.amount >= 13 * 60 || token.amount < 60);
    if (token.is(Sense::kNoon)) {
      // 中午十二点, 中午一点
      if (const auto hour = whole(i + 1); hour && *hour <= 12 && is(i + 2, Sense::kOclock)) return set((*hour < 11 ? *hour + 12 : *hour) * 60, 3, true);
      return set(token.meaning(Sense::kNoon)->value, 1, true);
    }
    if (token.is(Sense::kMidnight)) return set(kDayMinutes, 1, true);
    if (token.is(Sense::kHalfPast) || token.is(Sense::kQuarterPast) || token.is(Sense::kQuarterTo)) {
      const auto hour = whole(i + 1);
      const int64_t past = token.is(Sense::kHalfPast) ? 30 : token.is(Sense::kQuarterPast) ? 15 : -15;
      return hour && *hour >= 1 && *hour <= 23 && set(*hour * 60 + past, is(i + 2, Sense::kOclock) ? 3 : 2, false);
    }
    // 差五分八点, 差五分钟八点
    if (const auto less = whole(i + 1); token.is(Sense::kShortOf) && less && *less < 60 && i + 2 < tokens_.size()) {
      const Meaning* minutes = tokens_[i + 2].meaning(Sense::kUnitDuration);
      const auto hour = whole(i + 3);
      if (!is(i + 2, Sense::kMinuteMark) && (minutes == nullptr || minutes->value != 60'000'000)) return false;
      return hour && *hour >= 1 && *hour <= 24 && is(i + 4, Sense::kOclock) && set(*hour * 60 - *less, 5, *hour > 12);
    }
    const auto hour = whole(i);
    if (!hour || *hour > 24) return false;
    if (is(i + 1, Sense::kAm) || is(i + 1, Sense::kPm)) return *hour <= 12 && set(*hour * 60, 1, false);
    if (const Token* next = at(i + 1); next != nullptr && *hour <= 12 && next->begin > token.end) {
      // "5 this afternoon", "8 in the evening", "9 tomorrow"; not 一晚上
      Part part = Part::kNone;
      if (part_of(*next, part) || next->is(Sense::kDay)) return set(*hour * 60, 1, false);
      // "by 8 on Friday morning"
      const bool said = i > 0 && (tokens_[i - 1].is(Sense::kDeadlineBefore) || tokens_[i - 1].is(Sense::kStart) || tokens_[i - 1].is(Sense::kAt));
      const bool day = next->is(Sense::kWeekday) || (next->is(Sense::kAt) && (is(i + 2, Sense::kWeekday) || is(i + 2, Sense::kDay) || is(i + 2, Sense::kMonth)));
      if (said && day && *hour > 0) return set(*hour * 60, 1, false);
    }
    // "five past six", "twenty to seven tomorrow"
    if (const auto past = whole(i + 2); past && *past >= 1 && *past <= 23 && *hour <= 30) {
      const bool closed = i + 3 >= tokens_.size() || tokens_[i + 3].kind != Kind::kWord || is(i + 3, Sense::kDay) || is(i + 3, Sense::kAm) || is(i + 3, Sense::kPm) || names_part(i + 3);
      if (is(i + 1, Sense::kPast)) return set(*past * 60 + *hour, 3, false);
      const bool told = i > 0 && (tokens_[i - 1].is(Sense::kDeadlineBefore) || tokens_[i - 1].is(Sense::kStart) || tokens_[i - 1].is(Sense::kAt));
      if (told && closed && *hour % 5 == 0 && *hour > 0 && is(i + 1, Sense::kRange) && tokens_[i + 1].end - tokens_[i + 1].begin == 2) return set(*past * 60 - *hour, 3, false);
    }
    if (!is(i + 1, Sense::kOclock)) return false;
    if (const Token* half = at(i + 2); half != nullptr && half->kind == Kind::kNumber && half->article && half->amount == kMicro / 2) {
      return set(*hour * 60 + 30, 3, *hour > 12);
    }
    // 七点一刻, 八点差五分
    if (const auto quarters = whole(i + 2); quarters && (*quarters == 1 || *quarters == 3) && is(i + 3, Sense::kQuarter)) return set(*hour * 60 + *quarters * 15, 4, *hour > 12);
    if (is(i + 2, Sense::kQuarterTo)) return set(*hour * 60 - 15, 3, *hour > 12);
    if (const auto less = whole(i + 3); is(i + 2, Sense::kShortOf) && less && *less < 60 && is(i + 4, Sense::kMinuteMark)) return set(*hour * 60 - *less, 5, *hour > 12);
    if (const auto minute = whole(i + 2); minute && *minute < 60) {
      if (is(i + 3, Sense::kMinuteMark)) return set(*hour * 60 + *minute, 4, *hour > 12);
      if (*minute >= 10 && tokens_[i + 2].begin == tokens_[i + 1].end && !is(i + 3, Sense::kUnitStreams)) return set(*hour * 60 + *minute, 3, *hour > 12);
    }
    return set(*hour * 60, 2, *hour > 12);
  }

  bool take_day(size_t& i, Spoken& spoken) const {
    const Token& token = tokens_[i];
    if (const Meaning* day = token.meaning(Sense::kDay)) {
      spoken.day = today_ + day->value;
      if (const Part part = part_named(day->name); part != Part::kNone || spoken.part == Part::kNone) spoken.part = part;  // "8 in the evening today"
      ++i;
      return true;
    }
    if (token.is(Sense::kNextWeek) && is(i + 1, Sense::kWeekday)) {
      spoken.day = today_ - weekday_of(today_) + 7 + tokens_[i + 1].meaning(Sense::kWeekday)->value;
      i += 2;
      return true;
    }
    if (const Meaning* weekday = token.meaning(Sense::kWeekday)) {
      const int64_t ahead = (weekday->value - weekday_of(today_) + 7) % 7;
      spoken.day = today_ + (ahead == 0 ? 7 : ahead);
      ++i;
      return true;
    }
    const auto dated = [&](int64_t month, int64_t day, size_t used) {
      if (month < 1 || month > 12 || day < 1 || day > 31) return false;
      spoken.day = day_of(today_, month, day);
      if (!spoken.day) return false;
      i += used;
      return true;
    };
    if (const Meaning* month = token.meaning(Sense::kMonth)) {
      const size_t at = is(i + 1, Sense::kArticle) ? i + 2 : i + 1;
      const auto day = whole(at);
      return day && dated(month->value, *day, at + (is(at + 1, Sense::kOrdinal) ? 2 : 1) - i);
    }
    const bool by = i > 0 && (tokens_[i - 1].is(Sense::kDeadlineBefore) || (i > 1 && tokens_[i - 2].is(Sense::kDeadlineBefore)));
    if (const Meaning* end = token.meaning(Sense::kPeriodEnd); end != nullptr && (end->value == 0 || by)) {
      spoken.day = last_day(end->name);
      spoken.minute = kDayMinutes;
      spoken.exact = true;
      ++i;
      return true;
    }
    if (const auto of_next = whole(i + 1); token.is(Sense::kNextMonth) && of_next && is(i + 2, Sense::kDayMark)) {
      const std::chrono::year_month_day now{std::chrono::sys_days{std::chrono::days{today_}}};
      return dated(static_cast<unsigned>(now.month()) % 12 + 1, *of_next, 3);
    }
    const auto number = whole(i);
    if (!number) return false;
    const size_t behind = is(i + 1, Sense::kOrdinal) ? i + 2 : i + 1;
    if (behind < tokens_.size()) {
      if (const Meaning* month = tokens_[behind].meaning(Sense::kMonth)) return dated(month->value, *number, behind + 1 - i);
    }
    // 28号, "by the 28th": of this month, or of the next.
    const bool ordinal = is(i + 1, Sense::kOrdinal) && i > 1 && tokens_[i - 2].is(Sense::kDeadlineBefore);
    if ((ordinal || is(i + 1, Sense::kDayMark)) && *number >= 1 && *number <= 31) {
      using namespace std::chrono;
      const year_month_day now{sys_days{days{today_}}};
      const int64_t month = static_cast<unsigned>(now.month());
      const int64_t next = *number >= static_cast<unsigned>(now.day()) ? month : month % 12 + 1;
      return dated(next, *number, 2);
    }
    const auto day = whole(i + 2);
    return is(i + 1, Sense::kMonthMark) && day && is(i + 3, Sense::kDayMark) && dated(*number, *day, 4);
  }

  // The last day of the week, of what works of it, of the month or of the year.
  int64_t last_day(const std::string& of) const {
    using namespace std::chrono;
    const year_month_day now{sys_days{days{today_}}};
    if (of == "month") return sys_days{now.year() / now.month() / last}.time_since_epoch().count();
    if (of == "work week") return today_ + (5 - weekday_of(today_) + 7) % 7;
    if (of == "year") return sys_days{now.year() / December / last}.time_since_epoch().count();
    if (of == "next month") return sys_days{(now.year() / now.month() + months{1}) / last}.time_since_epoch().count();
    return today_ + (7 - weekday_of(today_)) % 7;
  }

  int64_t resolve(const Spoken& spoken, bool& whole_day) const {
    const int64_t day = spoken.day.value_or(today_);
    whole_day = !spoken.minute;
    const auto seconds = [&](int64_t of_day, int64_t minute) { return of_day * kDaySeconds + minute * 60 - offset_s_; };
    if (!spoken.minute) {
      // "Tonight" lasts until midnight.
      if (spoken.part != Part::kNone) whole_day = false;
      return seconds(day, spoken.part == Part::kEvening ? kDayMinutes : spoken.part == Part::kAfternoon ? 1'080 : spoken.part == Part::kMorning ? 720 : 0);
    }
    int64_t minute = *spoken.minute;
    const bool twelve = minute / 60 == 12;
    // 今晚两点 is after midnight, and of the day that follows.
    const bool small_hours = !spoken.exact && spoken.part == Part::kEvening && minute < kSmallHours;
    if (small_hours) {
      if (spoken.day) minute += kDayMinutes;
    } else if (!spoken.exact && (spoken.part == Part::kAfternoon || spoken.part == Part::kEvening)) {
      if (minute < 720) minute += 720;
      else if (twelve && spoken.part == Part::kEvening) minute += 720;  // 晚上十二点 is midnight
    } else if (!spoken.exact && twelve && spoken.part == Part::kNight) {
      minute -= 720;
    }
    int64_t when = seconds(day, minute);
    if (spoken.day) return when;
    // No day was said: the next time that the clock shows this, after what was said before ("8 pm to 11").
    const int64_t after = std::max(local_s_ - offset_s_, last_s_);
    const bool either = !spoken.exact && spoken.part == Part::kNone && minute < 720;
    for (int step = 0; step < 6 && when <= after; ++step) when += (either && last_s_ > 0 ? 720 : kDayMinutes) * 60;
    return when;
  }

  const std::vector<Token>& tokens_;
  int64_t local_s_, offset_s_, today_;
  int64_t last_s_ = 0;
};

}  // namespace

std::vector<Token> find_instants(std::vector<Token> tokens, const SpokenAt& at) {
  Reader reader(tokens, at);
  std::vector<Token> out;
  for (size_t i = 0; i < tokens.size();) {
    size_t end = i;
    if (auto instant = reader.read(i, end)) {
      out.push_back(std::move(*instant));
      i = end;
    } else {
      out.push_back(tokens[i++]);
    }
  }
  return out;
}

}  // namespace weir::language
