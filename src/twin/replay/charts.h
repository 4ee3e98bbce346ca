#pragma once

#include <string_view>

// What a report carries with it so that it needs nothing else.
namespace weir::twin {

extern const std::string_view kUplotScript;
extern const std::string_view kUplotStyle;
extern const std::string_view kReportScript;
extern const std::string_view kReportStyle;

}  // namespace weir::twin
