#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace weir::app::mcp {

// Cuts a stream of bytes into lines. Holds at most one line.
class Lines {
 public:
  explicit Lines(size_t bytes_max) : bytes_max_(bytes_max) {}
  // Calls for each line that ends, without its end; with nothing for one of more than `bytes_max` bytes, which is dropped.
  void take(std::string_view bytes, const std::function<void(std::optional<std::string_view>)>& line);

 private:
  const size_t bytes_max_;
  std::string begun_;
  bool too_long_ = false;
};

}  // namespace weir::app::mcp
