#pragma once

#include <cstdint>
#include <filesystem>

#include "core/result/result.h"
#include "infrastructure/posix/unique_fd.h"

namespace weir::site_local {

struct Traffic {
  uint64_t rx_bytes = 0;
  uint64_t tx_bytes = 0;
};

// Counts the bytes of IP packets, headers included, of the sockets that a group's processes open: two small
// BPF programs at a version 2 control group. They leave with the group.
class TrafficCounter {
 public:
  // `group` is a folder of a cgroup2 tree that no process has joined yet; with `yields` its packets leave after those of others.
  // kUnsupported or kDenied where the
  // kernel does not let us.
  static Result<TrafficCounter> attach(const std::filesystem::path& group, bool yields);
  Traffic read() const;

 private:
  explicit TrafficCounter(posix::UniqueFd map) : map_(std::move(map)) {}
  posix::UniqueFd map_;
};

}  // namespace weir::site_local
