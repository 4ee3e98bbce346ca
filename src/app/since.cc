#include "app/since.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

#include "core/units/quantity.h"

namespace weir::app {
namespace {

constexpr int64_t kDayUs = 86'400'000'000;

// "2026-11-20", "2026-11-20T08:30:00", "2026-11-20T08:30:00Z".
std::optional<int64_t> date_us(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, read = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &read) != 3 || read != 10)
    return std::nullopt;
  if (text.size() > 10) {
    read = 0;
    if (std::sscanf(text.c_str() + 10, "T%2d:%2d:%2d%n", &hour, &minute, &second, &read) != 3 || read != 9) {
      return std::nullopt;
    }
    if (text.size() > 20 || (text.size() == 20 && text[19] != 'Z')) return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * kDayUs + (int64_t{hour} * 3600 + minute * 60 + second) * 1'000'000;
}

}  // namespace

Result<int64_t> since_us(const std::string& text, int64_t now_us) {
  int64_t out = -1;
  if (text == "today" || text == "yesterday") {
    out = now_us / kDayUs * kDayUs - (text == "today" ? 0 : kDayUs);
  } else if (const auto date = date_us(text)) {
    out = *date;
  } else if (const auto ago = parse_lifetime_us(text)) {
    return std::max<int64_t>(0, now_us - *ago);
  }
  if (out >= 0 && out <= now_us) return out;
  return fail(ErrorCode::kInvalid,
              "\"" + text + "\" is " + (out > now_us ? "in the future" : "neither a duration nor a date"),
              "--since", "write 90s, 24h, 7d, today, yesterday, 2026-11-20 or 2026-11-20T08:30:00 (UTC)");
}

}  // namespace weir::app
