#pragma once

#include <cstdint>
#include <string>

namespace weir::identity {

// 1763637244 → "2025-11-20T11:14:04Z". Seconds before year 1 or after 9999 are printed as "1763637244 s".
std::string utc_text(int64_t time_s);

// A length of time in its two largest units: "45 s", "2 h 13 min", "400 d 3 h"; without its sign.
std::string span_text(int64_t span_s);

// No machine with a set clock reads less: 2024-01-01. A clock that does was never set.
inline constexpr int64_t kEarliestClock_s = 1704067200;
// The last second that a certificate can hold: the end of year 9999.
inline constexpr int64_t kLatestClock_s = 253402300799;

}  // namespace weir::identity
