#include "security/identity/clock_text.h"

#include <array>
#include <chrono>
#include <cstdio>

namespace weir::identity {

std::string utc_text(int64_t time_s) {
  constexpr int64_t kYear1_s = -62135596800;
  if (time_s < kYear1_s || time_s > kLatestClock_s) return std::to_string(time_s) + " s";
  const std::chrono::sys_seconds time{std::chrono::seconds{time_s}};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{time - day};
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

}  // namespace weir::identity
