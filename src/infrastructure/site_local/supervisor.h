#pragma once

#include <filesystem>

namespace weir::site_local {

// Files of a run's folder.
inline constexpr const char* kOrderFile = "order";
inline constexpr const char* kControlFile = "control";
inline constexpr const char* kStatusFile = "status";
inline constexpr const char* kUsageFile = "usage";
inline constexpr const char* kLogFolder = "log";
inline constexpr const char* kWorkFolder = "work";
inline constexpr const char* kLockFile = "lock";

// The process between the agent and one run: it begins the run, waits for it, keeps its log and exit status,
// samples its use, ends it on request or when a job's lease expires, and survives the agent. It is not in the
// run's control group, and the run does not survive it.
//
// Starts a daemon for the run in `folder` and returns at once: 0. The daemon writes "ok" to the standard
// output that it inherits, once the run is accepted on disk, and then closes it; any other text is an error.
// It ends when the run has. SIGUSR1 makes it read "control" again; SIGTERM stops the run with its own grace.
//
// For a process that does nothing else: call it before any thread exists, and exit with its result.
int supervise(const std::filesystem::path& folder);

}  // namespace weir::site_local
