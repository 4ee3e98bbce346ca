#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::posix {

// Of /proc/PID/stat: what tells a process from a later one of the same number, and whether it still runs.
struct ProcessStat {
  char state = 'X';          // field 3: 'Z' and 'X' have ended
  uint64_t start_ticks = 0;  // field 22: since the machine started
  friend bool operator==(const ProcessStat&, const ProcessStat&) = default;
};

// proc(5). The name in field 2 may hold blanks and brackets, so that fields count from its last bracket.
// Nothing for text in another format.
std::optional<ProcessStat> parse_process_stat(std::string_view text);

// Nothing when there is no such process.
std::optional<ProcessStat> read_process_stat(int32_t pid);

}  // namespace weir::posix
