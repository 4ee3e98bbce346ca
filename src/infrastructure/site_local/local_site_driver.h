#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/ports/site_driver.h"
#include "core/result/result.h"
#include "infrastructure/site_local/energy.h"

namespace weir::site_local {

// A device that one run at a time may have whole, or several in parts.
struct AcceleratorDevice {
  std::string name;      // unique, and the same after a restart; what `variable` calls the device
  std::string variable;  // tells the vendor's runtime which devices to use, e.g. "CUDA_VISIBLE_DEVICES"
  std::vector<std::string> device_files;  // only who has the device may open them
  std::vector<std::string> shared_files;  // only who has one of the devices that name them may open them
  bool offered = true;                    // false: no run may have it
};

// In the state folder: the folders of the control group that the runs live under, one a line.
inline constexpr const char* kGroupsFile = "groups";

struct LocalSiteOptions {
  std::filesystem::path state_folder;  // runs and artifacts; others must be able to pass through its parents
  std::filesystem::path allow_list;    // see AllowList
  // argv before the run's folder of a program that calls supervise(): {"/usr/lib/weir/weir-run"}, or
  // {"/usr/bin/weir", "supervise-run"}.
  std::vector<std::string> supervisor_command;
  std::string cgroup_name = "weir-runs";  // one driver each
  // From the root of the tree; none: below this process's own group. See cgroup::open_parent.
  std::optional<std::filesystem::path> cgroup_parent;
  // Each run has a user and group of its own until it is forgotten, of this range, which belong to nobody
  // else.
  uint32_t uid_first = 700'000'000;
  uint32_t uid_count = 4096;
  PowerCurve power;
  std::vector<AcceleratorDevice> accelerators;
  uint32_t runs_max = 1024;          // ended and not forgotten ones included
  uint64_t log_bytes_max = 8 << 20;  // of each run
  uint64_t file_bytes_max = 0;       // of each file that a run writes; 0: any
  uint64_t cpu_period_us = 100'000;  // shorter: smoother and costlier
};

// Runs work as processes of this machine, under control groups of either version, in the network namespace of
// the thread that calls start(). Needs root. One driver per state folder, across processes.
class LocalSiteDriver : public SiteDriver {
 public:
  // Adopts the runs that an earlier process has left; those whose supervisor has died become lost, and what
  // is left of them is killed. kDenied: not root, or a folder that runs cannot pass; kUnsupported: no control
  // groups; kConflict: another driver has the folder; kInvalid: options or allow-list.
  static Result<std::unique_ptr<LocalSiteDriver>> open(const LocalSiteOptions& options);

  // Copies an artifact into the site's store. kCorrupt: its bytes are not those of the digest.
  virtual Status fetch_artifact(const std::filesystem::path& from, const std::string& digest) = 0;

  // Reads the allow-list again; on an error the old one stays in force. Runs that go on are not touched.
  virtual Status reload_allow_list() = 0;

  // Names of the accelerators that a run has, sorted; none when it has ended or was never accepted here.
  virtual std::vector<std::string> accelerators_of(RunId id) = 0;

  // Readable after a run has changed its state: read observe(), after take_changes(). Valid while the driver
  // is.
  virtual int change_fd() const = 0;
  // Makes change_fd() unreadable until the next change.
  virtual void take_changes() = 0;
};

}  // namespace weir::site_local
