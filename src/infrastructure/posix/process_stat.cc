#include "infrastructure/posix/process_stat.h"

#include <charconv>
#include <string>

#include "infrastructure/posix/file.h"

namespace weir::posix {

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  constexpr int kStateField = 3;
  constexpr int kStartField = 22;
  const size_t bracket = text.rfind(')');
  if (bracket == std::string_view::npos) return std::nullopt;
  text.remove_prefix(bracket + 1);
  ProcessStat out;
  for (int field = kStateField; field <= kStartField; ++field) {
    const size_t from = text.find_first_not_of(' ');
    if (from == std::string_view::npos) return std::nullopt;
    text.remove_prefix(from);
    const std::string_view word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(word.size());
    if (field == kStateField) {
      if (word.size() != 1) return std::nullopt;
      out.state = word[0];
    } else if (field == kStartField) {
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), out.start_ticks);
      if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
    }
  }
  return out;
}

std::optional<ProcessStat> read_process_stat(int32_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
  return text ? parse_process_stat(*text) : std::nullopt;
}

}  // namespace weir::posix
