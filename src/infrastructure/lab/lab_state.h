#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"
#include "infrastructure/lab/netns.h"

namespace weir::lab {

// What a lab's folder keeps of it between two commands.
struct LabState {
  struct Process {
    std::string site;  // empty: outside of all
    ProcessName process;
    friend bool operator==(const Process&, const Process&) = default;
  };
  uint8_t number = 1;
  bool srv6 = false;
  bool complete = false;
  std::optional<ProcessName> emulator;
  std::vector<Process> processes;
  std::set<std::string> cut;     // links that somebody cut
  std::set<std::string> killed;  // sites
  friend bool operator==(const LabState&, const LabState&) = default;
};

std::string encode(const LabState& state);
// `path` is its name in errors. kCorrupt: not such a text.
Result<LabState> decode_lab_state(std::string_view text, const std::string& path);

}  // namespace weir::lab
