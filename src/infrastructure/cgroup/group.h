#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/result/result.h"
#include "infrastructure/cgroup/tree.h"

namespace weir::cgroup {

struct Limits {
  uint64_t cpu_milli = 0;
  uint64_t memory_bytes = 0;
  uint64_t pids_max = 0;
  uint64_t cpu_period_us = 100'000;  // 1,000 to 1,000,000
  // It gets processor only where others leave it: the least weight, and that of SCHED_IDLE where the kernel has it for
  // groups (Linux 5.15). In version 1 its memory is taken back first.
  bool yields = false;
  friend bool operator==(const Limits&, const Limits&) = default;
};

struct GroupUsage {
  uint64_t cpu_us = 0;
  uint64_t memory_bytes = 0;       // now
  uint64_t memory_bytes_peak = 0;  // 0: the kernel does not tell (version 2 before Linux 5.19)
  uint64_t oom_kills = 0;
  uint64_t throttled_us = 0;
};

// Folders of one group, one per hierarchy that it is in.
struct GroupFolders {
  Version version = Version::kV2;
  std::map<std::string, std::filesystem::path> by_controller;  // version 2: one, under ""
  std::filesystem::path unified;                               // hybrid machines; empty: none
  // A process joins the group by writing "0" to each.
  std::vector<std::filesystem::path> joins() const;
  friend bool operator==(const GroupFolders&, const GroupFolders&) = default;
};

// The group under which the runs of one agent live. `name` is one path component.
//
// Without `parent`, it is below the agent's own group, so that a quota of that group bounds the runs as well.
// Version 2 allows limits only below a group without processes: where the own group is not the root, this
// process moves into the leaf "weir-agent" of it (on a restart it is there already). Where other processes
// share the own group (a login session), that is not possible; if nothing bounds the own group either, the
// runs' group is then at the root of the tree.
//
// With `parent`, a path from the root of each tree ("/" is the root), it is below that, which is made where
// it is missing.
//
// kUnsupported: a controller is missing; kDenied: not root, or the group is not delegated; kConflict:
// processes are in the way.
Result<GroupFolders> open_parent(const Tree& tree, const std::string& name,
                                 const std::optional<std::filesystem::path>& parent = std::nullopt);

// Removes a group's folder and the groups below it where no process is in them; what is in use stays. Safe
// where it is gone.
void remove_empty(const std::filesystem::path& folder);

// A group of limited processes. The operations are idempotent, and work from any process.
class Group {
 public:
  explicit Group(GroupFolders folders) : folders_(std::move(folders)) {}

  // Makes the group `name` under `parent`, or takes the existing one, and sets the limits. Undone on failure.
  static Result<Group> create(const GroupFolders& parent, const std::string& name, const Limits& limits);
  // kNotFound: there is no such group.
  static Result<Group> open(const GroupFolders& parent, const std::string& name);
  // Names of the groups under the parent, sorted.
  static std::vector<std::string> list(const GroupFolders& parent);

  const GroupFolders& folders() const { return folders_; }
  Result<GroupUsage> usage() const;
  std::vector<int32_t> pids() const;
  // Sends a signal to every process. Processes born meanwhile may miss it.
  void signal(int signal_number) const;
  // Kills every process, also those born meanwhile: by cgroup.kill, or by forbidding forks first. The dead
  // are gone when their parent has waited for them.
  void kill() const;
  // kConflict: processes are left in it. Success when it is gone already.
  Status remove() const;

 private:
  GroupFolders folders_;
};

}  // namespace weir::cgroup
