#pragma once

#include <string>
#include <string_view>

#include "core/ports/understanding.h"

namespace weir {

std::string_view name_of(Act act);    // "request", "what-if"
std::string_view name_of(Slot slot);  // "latency"
// "500ms", "+4", "*0.5", "street-a:6", "2026-11-23T06:00" on the speaker's clock; no spaces.
std::string value_text(const Field& field, int32_t utc_offset_s);
// "request kind=service streams=12 latency=500ms": the act, then fields in the order of their slots; values of one slot are joined
// by commas in ascending order.
std::string frame_text(const Frame& frame, int32_t utc_offset_s);
// Frames joined by " | ".
std::string understanding_text(const Understanding& understanding, int32_t utc_offset_s);

}  // namespace weir
