#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ids/ids.h"
#include "core/result/result.h"

namespace weir {

// What to run, named by content. An empty digest means a program that the site itself has.
struct Artifact {
  std::string name;
  std::string digest;  // SHA-256 of the bytes, 64 lower-case hexadecimal digits, or empty
  friend bool operator==(const Artifact&, const Artifact&) = default;
};

// What happens to a run whose lease ends without renewal. A job stops itself, so that it can be started
// elsewhere without running twice; a service goes on, since two instances may overlap for a while.
enum class LeasePolicy : uint8_t { kJob, kService };

// One attempt of one instance, as the plan wants it.
struct RunSpec {
  RunId id;
  uint64_t epoch = 0;  // fencing: a start or stop with an older epoch than the run's is refused
  std::string tenant;
  std::string intent;
  // argv. "{artifact}" in an argument or environment value is replaced by the artifact's local path; an empty
  // command runs the artifact itself.
  std::vector<std::string> command;
  Artifact artifact;
  std::vector<std::pair<std::string, std::string>> environment;
  uint32_t cpu_milli = 0;     // thousandths of a core; > 0
  uint64_t memory_bytes = 0;  // > 0
  uint32_t pids_max = 0;      // processes and threads; > 0
  uint32_t accelerators = 0;
  // Which of those that the site offers, in its order, bit 0 the first; 0: any. Else as many bits as `accelerators`.
  uint64_t accelerator_devices = 0;
  uint32_t accelerator_milli = 0;      // share of one device, 1 to 999; 0: whole devices
  uint64_t accelerator_memory_bytes = 0;  // of the shared device, told to the run; 0: not told
  std::string listen_address;  // told to the run as WEIR_ADDRESS; empty: none
  uint16_t listen_port = 0;    // told to the run as WEIR_PORT; 0: none
  // It yields processor, disk and network to everything that is not, and is ended first where memory runs short.
  bool best_effort = false;
  LeasePolicy lease_policy = LeasePolicy::kJob;
  uint64_t lease_us = 0;              // from acceptance, and again from each renewal; 0: no lease
  uint64_t termination_grace_us = 0;  // between the polite and the final signal when the lease ends
  friend bool operator==(const RunSpec&, const RunSpec&) = default;
};

enum class DriverRunState : uint8_t {
  kPending,   // accepted; the site has not begun it (a batch queue may keep it here for hours)
  kStarting,  // the site is preparing it
  kRunning,   // its command runs
  kExited,    // it ended; see RunExit
  kLost,      // the site accepted it and knows nothing more of it; its processes are gone
};
std::string_view to_string(DriverRunState state);
// Whether it may still do something.
constexpr bool lives(DriverRunState state) { return state != DriverRunState::kExited && state != DriverRunState::kLost; }

struct RunExit {
  int32_t code = -1;   // exit status, or -1 when a signal ended it or it never began
  int32_t signal = 0;  // signal that ended it, or 0
  // "exited", "signal", "oom", "lease" (expired), "stopped" (on request), "limit" (a site's time limit) or
  // "start: what failed".
  std::string reason;
  friend bool operator==(const RunExit&, const RunExit&) = default;
};

struct ObservedRun {
  RunId id;
  uint64_t epoch = 0;
  DriverRunState state = DriverRunState::kPending;
  RunExit exit;                 // meaningful in kExited
  uint64_t started_unix_us = 0;  // 0: not yet
  uint64_t ended_unix_us = 0;    // 0: not yet
  friend bool operator==(const ObservedRun&, const ObservedRun&) = default;
};

// What a run has used so far; final once it has ended. Counters never decrease.
struct RunUsage {
  uint64_t cpu_us = 0;
  uint64_t memory_bytes_peak = 0;
  uint64_t memory_byte_seconds = 0;
  bool traffic_measured = false;  // false: the site cannot tell this run's bytes from others'
  uint64_t rx_bytes = 0;
  uint64_t tx_bytes = 0;
  uint64_t energy_microjoule = 0;
  std::string energy_model;  // name of the model that estimated it, e.g. "linear-cpu-v1"
  uint64_t started_unix_us = 0;
  uint64_t ended_unix_us = 0;
  friend bool operator==(const RunUsage&, const RunUsage&) = default;
};

// A piece of what a run wrote to its standard output and error, in the order written. Sites keep a bounded
// amount: `offset` may be beyond what was asked for when the oldest bytes are gone.
struct LogChunk {
  uint64_t offset = 0;       // of the first byte of `text`, counted from the run's start
  uint64_t next_offset = 0;  // ask for this next
  bool complete = false;     // the run has ended and nothing follows
  std::string text;
};

struct SiteCapabilities {
  std::string driver;                 // "local", "slurm", "kubernetes", "peer"
  std::string isolation;              // how limits are enforced, e.g. "cgroup-v1"
  bool asynchronous_start = false;    // an accepted run may stay pending for long
  bool survives_agent = false;        // runs go on while the agent is away
  bool enforces_lease = false;        // the site itself ends a job whose lease expires
  bool measures_traffic = false;      // RunUsage.traffic_measured can be true
  bool listens = false;               // a run can take a port that others reach
  uint32_t accelerators = 0;
  uint32_t runs_max = 0;              // kept at once, ended ones included
};

// One place that can run work: a bare host, a Slurm cluster, a Kubernetes cluster or another Weir domain.
// Every call is idempotent by run, so that an actuator may repeat it; none waits for the work itself.
// Safe to call from several threads.
class SiteDriver {
 public:
  virtual ~SiteDriver() = default;

  virtual SiteCapabilities capabilities() const = 0;

  // Accepts a run; it begins now or later, and observe() tells. Accepting the same run again does nothing,
  // except that a newer epoch replaces the older. After success the run survives this process where
  // capabilities().survives_agent. kInvalid: malformed; kDenied: the provider does not allow it; kConflict:
  // an older epoch, or another run under this identity; kExhausted: no room; kNotFound: no such artifact;
  // kCorrupt: the artifact's bytes are not those of its digest. Nothing runs after an error.
  virtual Status start(const RunSpec& spec) = 0;

  // Asks a run to end: a polite signal, and the final one after `grace_us`. Returns when the request is
  // recorded. Success for a run that has ended; a second stop may only shorten the grace. kNotFound: never
  // accepted here.
  virtual Status stop(RunId id, uint64_t grace_us) = 0;

  // Lets the lease end `lease_us` from now. kNotFound: never accepted here; kConflict: it has ended.
  virtual Status renew(RunId id, uint64_t lease_us) = 0;

  // Every run accepted and not forgotten, ordered by RunId.
  virtual Result<std::vector<ObservedRun>> observe() = 0;

  virtual Result<RunUsage> usage(RunId id) = 0;

  // At most `bytes_max` bytes from `offset` on.
  virtual Result<LogChunk> logs(RunId id, uint64_t offset, uint64_t bytes_max) = 0;

  // Drops the record and logs of a run that has ended. Success when there is none. kConflict: still live.
  virtual Status forget(RunId id) = 0;
};

inline std::string_view to_string(DriverRunState state) {
  switch (state) {
    case DriverRunState::kPending: return "pending";
    case DriverRunState::kStarting: return "starting";
    case DriverRunState::kRunning: return "running";
    case DriverRunState::kExited: return "exited";
    case DriverRunState::kLost: return "lost";
  }
  return "unknown";
}

}  // namespace weir
