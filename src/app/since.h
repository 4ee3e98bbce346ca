#pragma once

#include <cstdint>
#include <string>

#include "core/result/result.h"

namespace weir::app {

// The beginning of a period, in microseconds since 1970, of "90s", "24h", "7d" (so long ago), "today" or
// "yesterday" (its midnight), "2026-11-20" or "2026-11-20T08:30:00" (with or without a final Z). All UTC.
// kInvalid: it is none of them, or lies before 1970 or after now.
Result<int64_t> since_us(const std::string& text, int64_t now_us);

}  // namespace weir::app
