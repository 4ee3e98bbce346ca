#pragma once

#include <string>
#include <string_view>

#include "core/event/types.h"
#include "core/result/result.h"

// Points in time as people write them: ISO 8601 (RFC 3339, section 5.6), to the second, from 1970 to 9999.
namespace weir::resource {

// "2026-11-22T18:00:00+08:00", "2026-11-22T10:00:00Z", without seconds "2026-11-22T18:00+08:00". The offset
// from UTC is needed: a file means the same to whoever reads it. kInvalid: anything else.
Result<TimeUs> parse_time_us(std::string_view text);

// "2026-11-22T10:00:00Z". What is finer than a second is dropped.
std::string format_time(TimeUs at);

}  // namespace weir::resource
