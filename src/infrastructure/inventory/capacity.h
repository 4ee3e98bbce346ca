#pragma once

#include <cstdint>
#include <string>

#include "core/result/result.h"
#include "infrastructure/cgroup/tree.h"

namespace weir::inventory {

// What the owner of a machine keeps for other work.
struct OwnerReserve {
  uint64_t cpu_milli = 0;
  uint64_t memory_bytes = 0;
};

// What the machine shows, before control groups and reserve.
struct Hardware {
  uint32_t cpus_online = 0;
  uint64_t memory_bytes = 0;
};

// What an agent may use: the least of what the hardware has and what each control group above it allows,
// minus the reserve.
struct EffectiveCapacity {
  uint64_t cpu_milli = 0;
  uint64_t memory_bytes = 0;
  // The file that bounds it ("/sys/fs/cgroup/site/cpu.max"), or "hardware".
  std::string cpu_bound_by;
  std::string memory_bound_by;
  friend bool operator==(const EffectiveCapacity&, const EffectiveCapacity&) = default;
};

// Looks at the group of this process and at every ancestor, in `tree` (see cgroup::read_tree). Files that a
// group does not have bound nothing; kCorrupt names a file that is not in its format. A reserve above the
// capacity leaves 0.
Result<EffectiveCapacity> effective_capacity(const cgroup::Tree& tree, const Hardware& hardware,
                                             const OwnerReserve& reserve);

// Of this machine, by sysconf: processors online that this process may run on, and physical memory.
Hardware this_hardware();

}  // namespace weir::inventory
