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

std::string span_text(int64_t span_s) {
  struct Unit {
    uint64_t seconds;
    const char* name;
  };
  static constexpr std::array kUnits = {Unit{86400, " d"}, Unit{3600, " h"}, Unit{60, " min"}, Unit{1, " s"}};
  uint64_t left = span_s < 0 ? 0 - static_cast<uint64_t>(span_s) : static_cast<uint64_t>(span_s);
  std::string out;
  for (size_t i = 0; i < kUnits.size(); ++i) {
    const bool largest = out.empty() && (left >= kUnits[i].seconds || i + 1 == kUnits.size());
    if (!largest && out.empty()) continue;
    const uint64_t count = left / kUnits[i].seconds;
    if (!largest && count == 0) break;
    out += (largest ? "" : " ") + std::to_string(count) + kUnits[i].name;
    if (!largest) break;
    left %= kUnits[i].seconds;
  }
  return out;
}

}  // namespace weir::identity
