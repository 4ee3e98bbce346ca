#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/result/result.h"
#include "infrastructure/inventory/accelerators.h"

namespace weir::inventory {

struct Cache {
  uint32_t level = 0;
  std::string kind;  // "data", "instruction", "unified"
  uint64_t bytes = 0;
  uint32_t count = 0;  // of such caches in the machine
  friend bool operator==(const Cache&, const Cache&) = default;
};

struct NumaNode {
  uint32_t number = 0;
  uint64_t memory_bytes = 0;
  uint32_t threads = 0;
  friend bool operator==(const NumaNode&, const NumaNode&) = default;
};

// What a machine is made of, as hwloc and the kernel tell it; what may be used of it is EffectiveCapacity's.
struct Machine {
  std::string architecture;  // uname's machine, e.g. "x86_64"
  std::string kernel;        // e.g. "6.1.0-13-amd64"
  std::string cpu_model;     // empty: unknown
  uint32_t packages = 0;
  uint32_t cores = 0;
  uint32_t threads = 0;
  std::vector<Cache> caches;  // by level, then kind
  std::vector<NumaNode> numa_nodes;
  uint64_t memory_bytes = 0;
  uint64_t disk_bytes = 0;                // of the file system of the work folder
  uint64_t disk_bytes_free = 0;           // to a user who is not root
  std::vector<Accelerator> accelerators;  // by bus address, then name
};

// `root`: where the drivers' own lists of accelerators are found; see accelerators_of_drivers. kUnavailable:
// hwloc cannot read this machine; kNotFound: no such folder.
Result<Machine> inspect_machine(const std::filesystem::path& work_folder,
                                const std::filesystem::path& root = "/");

// The same of a machine that hwloc has described in XML (lstopo file.xml); architecture, kernel and disk are
// left empty. kCorrupt: not such a description.
Result<Machine> inspect_description(const std::filesystem::path& xml);

}  // namespace weir::inventory
