#pragma once

#include <cstdint>
#include <string>

#include "infrastructure/site_local/record.h"

namespace weir::site_local {

// Turns the calling process into the run: joins its control group, takes its output, gives up every privilege
// and executes its command. Returns only on failure, with what failed; the process must then exit. For a
// freshly forked, single-threaded child of `supervisor` that is still privileged.
//
// What the run gets: a new session; the unprivileged user and group of the order and no others; no
// capabilities in any set, none to be gained by executing a file; no new privileges; no core dumps; a system
// call filter that refuses what leads out of an ordinary process (new namespaces, mounts, tracing, modules,
// BPF, io_uring, clocks, keys); only standard descriptors, input from /dev/null; the final signal when its
// supervisor dies.
std::string become_run(const RunOrder& order, int output_fd, int32_t supervisor);

}  // namespace weir::site_local
