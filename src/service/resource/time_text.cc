#include "service/resource/time_text.h"

#include <chrono>
#include <cstdio>
#include <optional>

#include "core/units/text.h"

namespace weir::resource {
namespace {

constexpr int64_t kSecondUs = 1'000'000;

// Takes `digits` digits off the front.
std::optional<int> number(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int out = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    out = out * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return out;
}

bool skip(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<TimeUs> read(std::string_view text) {
  const auto year = number(text, 4);
  if (!year || !skip(text, '-')) return std::nullopt;
  const auto month = number(text, 2);
  if (!month || !skip(text, '-')) return std::nullopt;
  const auto day = number(text, 2);
  if (!day || !skip(text, 'T')) return std::nullopt;
  const auto hour = number(text, 2);
  if (!hour || *hour > 23 || !skip(text, ':')) return std::nullopt;
  const auto minute = number(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  std::optional<int> second = 0;
  if (skip(text, ':')) second = number(text, 2);
  if (!second || *second > 59) return std::nullopt;
  int64_t offset_s = 0;
  if (!skip(text, 'Z')) {
    const bool behind = !text.empty() && text.front() == '-';
    if (!behind && (text.empty() || text.front() != '+')) return std::nullopt;
    text.remove_prefix(1);
    const auto hours = number(text, 2);
    if (!hours || *hours > 23 || !skip(text, ':')) return std::nullopt;
    const auto minutes = number(text, 2);
    if (!minutes || *minutes > 59) return std::nullopt;
    offset_s = (*hours * 3600 + *minutes * 60) * (behind ? -1 : 1);
  }
  if (!text.empty()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t seconds = days * 86'400 + *hour * 3600 + *minute * 60 + *second - offset_s;
  constexpr int64_t kEnd_s = 253'402'300'800;  // of the year 9999
  if (seconds < 0 || seconds >= kEnd_s) return std::nullopt;
  return seconds * kSecondUs;
}

}  // namespace

Result<TimeUs> parse_time_us(std::string_view text) {
  if (const auto at = read(text)) return *at;
  return fail(ErrorCode::kInvalid, "\"" + clip_utf8(text, 60) + "\" is not a time", {},
              "write it with its offset from UTC, like 2026-11-22T18:00:00+08:00 or 2026-11-22T10:00:00Z");
}

std::string format_time(TimeUs at) {
  const std::chrono::sys_seconds second{std::chrono::seconds(at / kSecondUs)};
  const auto day = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(second - day);
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return out;
}

}  // namespace weir::resource
