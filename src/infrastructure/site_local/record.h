#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ports/site_driver.h"
#include "core/result/result.h"
#include "infrastructure/cgroup/group.h"
#include "infrastructure/posix/file.h"

// What is kept on disk of each run, so that runs and agents may die independently. Text, one "key value" a
// line, backslash and newline escaped; the first line names kind and format version, the last is "end". A
// file is replaced in one step, so a reader sees a whole one.
namespace weir::site_local {

// A process that cannot be mistaken for a later one of the same number.
struct ProcessName {
  std::string boot_id;  // of /proc/sys/kernel/random/boot_id
  int32_t pid = 0;
  uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat
  friend bool operator==(const ProcessName&, const ProcessName&) = default;
};

// "lock": held by the supervisor, whose name it tells, for as long as it lives. Without the file none begins.
std::string encode(const ProcessName& process);
Result<ProcessName> decode_process(std::string_view text);

// Of a character device.
struct DeviceNumber {
  uint32_t major = 0;
  uint32_t minor = 0;
  friend auto operator<=>(const DeviceNumber&, const DeviceNumber&) = default;
};

// "order": what the driver asks of the supervisor. Never changes.
struct RunOrder {
  RunSpec spec;  // as accepted
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // "NAME=value"
  std::string work_folder;
  uint32_t uid = 0;
  uint32_t gid = 0;
  cgroup::GroupFolders group;
  uint64_t log_bytes_max = 0;
  uint64_t file_bytes_max = 0;               // largest file that the run may write; 0: any
  std::string change_fifo;                   // told of each change of state
  std::vector<std::string> accelerators;     // names of the devices that it has until it ends
  std::vector<DeviceNumber> denied_devices;  // character devices that it may not open
  std::vector<uint32_t> device_gids;         // groups that may open its devices, where not everybody may
  friend bool operator==(const RunOrder&, const RunOrder&) = default;
};

// "control": what the driver wants now. Times are of CLOCK_BOOTTIME, which a suspended machine does not stop.
struct RunControl {
  uint64_t epoch = 0;
  uint64_t lease_until_us = 0;  // 0: no lease to enforce
  bool stop = false;
  uint64_t kill_at_us = 0;  // with stop: when patience ends
  friend bool operator==(const RunControl&, const RunControl&) = default;
};

// "status": what became of the run.
struct RunStatus {
  DriverRunState state = DriverRunState::kStarting;
  ProcessName supervisor;
  ProcessName leader;  // pid 0 before it exists
  uint64_t started_unix_us = 0;
  uint64_t ended_unix_us = 0;
  RunExit exit;
  friend bool operator==(const RunStatus&, const RunStatus&) = default;
};

// "usage": sampled every second, final once the run has ended.
struct RunSample {
  uint64_t cpu_us = 0;
  uint64_t memory_bytes_peak = 0;
  uint64_t memory_byte_seconds = 0;
  bool traffic_measured = false;
  uint64_t rx_bytes = 0;
  uint64_t tx_bytes = 0;
  friend bool operator==(const RunSample&, const RunSample&) = default;
};

std::string encode(const RunOrder& order);
std::string encode(const RunControl& control);
std::string encode(const RunStatus& status);
std::string encode(const RunSample& sample);

// kCorrupt names the line; kUnsupported: a newer format.
Result<RunOrder> decode_order(std::string_view text);
Result<RunControl> decode_control(std::string_view text);
Result<RunStatus> decode_status(std::string_view text);
Result<RunSample> decode_sample(std::string_view text);

// A file of one of these. The place of an error begins with the path.
template <class T>
Result<T> load(const std::filesystem::path& path, Result<T> (*decode)(std::string_view)) {
  const auto text = posix::read_file(path, 16 << 20);
  if (!text) return tl::unexpected(text.error());
  auto out = decode(*text);
  if (!out) out.error().where = path.string() + (out.error().where.empty() ? "" : ": " + out.error().where);
  return out;
}

// "17-3" for plan 17, item 3.
std::string run_name(RunId id);
Result<RunId> parse_run_name(std::string_view name);

}  // namespace weir::site_local
