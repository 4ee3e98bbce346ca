#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"

// Control groups of both versions. On a hybrid machine (version 1 controllers beside an empty version 2
// tree) the limits are version 1's. Formats: Linux Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst.
namespace weir::cgroup {

enum class Version : uint8_t { kV1 = 1, kV2 = 2 };
std::string_view to_string(Version version);

// Where this machine's trees are and where a process stands in them.
struct Tree {
  Version version = Version::kV2;
  // Version 1: by controller ("cpu", "cpuacct", "cpuset", "memory", "pids", ...). Version 2: one, under "".
  struct Hierarchy {
    std::filesystem::path mount;
    std::filesystem::path own;  // relative to the mount; empty at the root
    std::filesystem::path folder() const { return own.empty() ? mount : mount / own; }
    friend bool operator==(const Hierarchy&, const Hierarchy&) = default;
  };
  std::map<std::string, Hierarchy> hierarchies;
  // The version 2 tree of a hybrid machine: no limits, but it kills and counts traffic.
  std::optional<Hierarchy> unified;

  // Null: this machine lacks the controller. In version 2 every controller has the one hierarchy.
  const Hierarchy* find(std::string_view controller) const;
};

// Reads the trees of `mountinfo` (the content of /proc/self/mountinfo) and `membership` (of
// /proc/self/cgroup). `prefix` is put before every mount point: a fake tree in tests, empty otherwise.
// kUnsupported: no control groups are mounted. kCorrupt: not these formats.
Result<Tree> parse_tree(std::string_view mountinfo, std::string_view membership,
                        const std::filesystem::path& prefix);
// This process's.
Result<Tree> read_tree();

// Parsers of the files' contents; kCorrupt names what was found.

// "max 100000" or "50000 100000" (cpu.max): thousandths of a core, or none for no limit.
Result<std::optional<uint64_t>> parse_cpu_max(std::string_view text);
// "max", "-1" or a number of bytes; none for no limit, which version 1 writes as a number near 2^63.
Result<std::optional<uint64_t>> parse_limit(std::string_view text);
// "0-3,8,10-11": how many processors; the list may be empty.
Result<uint32_t> parse_cpu_list(std::string_view text);
// "name number" lines (cpu.stat, memory.events, memory.oom_control, cgroup.events); lines of other shapes are
// skipped.
std::map<std::string, uint64_t> parse_flat_keyed(std::string_view text);
// One process identifier a line; lines that are not one are skipped.
std::vector<int32_t> parse_pids(std::string_view text);
std::optional<uint64_t> parse_number(std::string_view text);
std::string_view trim(std::string_view text);
// Without the final newline's empty line.
std::vector<std::string_view> split_lines(std::string_view text);

}  // namespace weir::cgroup
