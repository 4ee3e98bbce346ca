#include "app/mcp/lines.h"

#include <algorithm>

namespace weir::app::mcp {

void Lines::take(std::string_view bytes, const std::function<void(std::optional<std::string_view>)>& line) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    bytes.remove_prefix(std::min(bytes.size(), part.size() + 1));
    too_long_ = too_long_ || begun_.size() + part.size() > bytes_max_;
    if (too_long_) {
      begun_.clear();
    } else {
      begun_ += part;
    }
    if (end == std::string_view::npos) return;
    if (begun_.ends_with('\r')) begun_.pop_back();
    line(too_long_ ? std::nullopt : std::optional<std::string_view>(begun_));
    begun_.clear();
    too_long_ = false;
  }
}

}  // namespace weir::app::mcp
