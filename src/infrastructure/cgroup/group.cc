#include "infrastructure/cgroup/group.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "infrastructure/posix/file.h"

namespace weir::cgroup {
namespace {

namespace fs = std::filesystem;
using posix::fail_errno;
using posix::read_file;
using posix::write_control;

constexpr std::array<const char*, 3> kControllers = {"cpu", "memory", "pids"};
constexpr const char* kAgentLeaf = "weir-agent";

Status make_folder(const fs::path& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  auto failed = fail_errno("cannot make a control group", path, errno);
  if (errno == EACCES || errno == EPERM || errno == EROFS) {
    failed.value().remedy = "run as root, or delegate the group (systemd: Delegate=yes)";
  }
  return failed;
}

Status delegate_controllers(const fs::path& folder) {
  const auto available = read_file(folder / "cgroup.controllers");
  if (!available) return tl::unexpected(available.error());
  const std::string padded = " " + std::string(trim(*available)) + " ";
  for (const char* controller : kControllers) {
    if (padded.find(" " + std::string(controller) + " ") == std::string::npos) {
      return fail(ErrorCode::kUnsupported,
                  "the " + std::string(controller) + " controller is not available here",
                  (folder / "cgroup.controllers").string(),
                  "delegate it from the parent group (cgroup.subtree_control, or systemd's Delegate=)");
    }
  }
  return write_control(folder / "cgroup.subtree_control", "+cpu +memory +pids");
}

// Whether this process is the only one of the group.
bool alone_in(const fs::path& folder) {
  const auto text = read_file(folder / "cgroup.procs", 16 << 20);
  if (!text) return true;
  const auto pids = parse_pids(*text);
  return std::all_of(pids.begin(), pids.end(), [](int32_t pid) { return pid == ::getpid(); });
}

// Whether a limit of processor or memory stands between the root of the tree and the group.
bool bounded(const Tree::Hierarchy& hierarchy) {
  fs::path folder = hierarchy.mount;
  for (const fs::path& part : hierarchy.own) {
    folder /= part;
    const auto cpu = read_file(folder / "cpu.max");
    if (cpu && parse_cpu_max(*cpu).value_or(uint64_t{0})) return true;
    for (const char* file : {"memory.max", "memory.high"}) {
      const auto memory = read_file(folder / file);
      if (memory && parse_limit(*memory).value_or(uint64_t{0})) return true;
    }
  }
  return false;
}

Status move_into_leaf(const fs::path& base) {
  if (Status ok = make_folder(base / kAgentLeaf); !ok) return ok;
  return write_control(base / kAgentLeaf / "cgroup.procs", std::to_string(::getpid()));
}

Result<GroupFolders> open_parent_v2(const Tree& tree, const std::string& name,
                                    const std::optional<fs::path>& parent) {
  const Tree::Hierarchy& hierarchy = tree.hierarchies.at("");
  fs::path base = hierarchy.folder();
  std::vector<fs::path> delegating;
  if (parent) {
    base = hierarchy.mount;
    for (const fs::path& part : parent->relative_path()) {
      delegating.push_back(base);
      base /= part;
      if (Status ok = make_folder(base); !ok) return tl::unexpected(ok.error());
    }
  } else if (hierarchy.own.filename() == kAgentLeaf) {
    base = base.parent_path();
  } else if (!hierarchy.own.empty() && alone_in(base)) {
    if (Status ok = move_into_leaf(base); !ok) return tl::unexpected(ok.error());
  } else if (!hierarchy.own.empty()) {
    if (bounded(hierarchy)) {
      return fail(ErrorCode::kConflict,
                  "other processes share the agent's control group, whose limits bind its runs",
                  (base / "cgroup.procs").string(), "start the agent in a group of its own");
    }
    base = hierarchy.mount;
  }
  delegating.push_back(base);
  delegating.push_back(base / name);
  if (Status ok = make_folder(base / name); !ok) return tl::unexpected(ok.error());
  for (const fs::path& folder : delegating) {
    if (Status ok = delegate_controllers(folder); !ok) return tl::unexpected(ok.error());
  }
  return GroupFolders{Version::kV2, {{"", base / name}}, {}};
}

// Makes the folders between the root of the tree and the group.
Result<fs::path> base_of(const Tree::Hierarchy& hierarchy, const std::optional<fs::path>& parent) {
  if (!parent) return hierarchy.folder();
  fs::path base = hierarchy.mount;
  for (const fs::path& part : parent->relative_path()) {
    base /= part;
    if (Status ok = make_folder(base); !ok) return tl::unexpected(ok.error());
  }
  return base;
}

Result<GroupFolders> open_parent_v1(const Tree& tree, const std::string& name,
                                    const std::optional<fs::path>& parent) {
  GroupFolders out{Version::kV1, {}, {}};
  for (const char* controller : kControllers) {
    const Tree::Hierarchy* hierarchy = tree.find(controller);
    if (hierarchy == nullptr) {
      return fail(ErrorCode::kUnsupported, "the " + std::string(controller) + " controller is not mounted",
                  "/proc/self/mountinfo", "mount it under /sys/fs/cgroup, or boot with version 2");
    }
    const auto base = base_of(*hierarchy, parent);
    if (!base) return tl::unexpected(base.error());
    out.by_controller.emplace(controller, *base / name);
  }
  // Often one mount with cpu; alone it only counts.
  if (const Tree::Hierarchy* accounting = tree.find("cpuacct")) {
    const auto base = base_of(*accounting, parent);
    if (!base) return tl::unexpected(base.error());
    out.by_controller.emplace("cpuacct", *base / name);
  }
  for (const auto& [controller, folder] : out.by_controller) {
    if (Status ok = make_folder(folder); !ok) return tl::unexpected(ok.error());
  }
  if (tree.unified) {
    // Without it, the group is killed by signals and counts no traffic.
    const auto base = base_of(*tree.unified, parent);
    if (base && make_folder(*base / name)) out.unified = *base / name;
  }
  return out;
}

// SCHED_IDLE for the group. Its weight cannot be written while it is on, so it is set between the two.
Status set_idle(const fs::path& folder, bool on) {
  const fs::path idle = folder / "cpu.idle";
  return fs::exists(idle) ? write_control(idle, on ? "1" : "0") : Status{};
}

Status set_limits_v2(const fs::path& folder, const Limits& limits) {
  const uint64_t quota_us = std::max<uint64_t>(limits.cpu_milli * limits.cpu_period_us / 1000, 1'000);
  const std::string memory = std::to_string(limits.memory_bytes);
  // 100 is the weight of a group that nobody has set.
  const uint64_t weight = limits.yields ? 1 : std::clamp<uint64_t>(limits.cpu_milli / 10, 1, 10'000);
  if (limits.yields) {
    if (Status ok = set_idle(folder, false); !ok) return ok;
  }
  const std::array<std::pair<const char*, std::string>, 4> files = {{
      {"cpu.max", std::to_string(quota_us) + " " + std::to_string(limits.cpu_period_us)},
      {"cpu.weight", std::to_string(weight)},
      {"memory.max", memory},
      {"pids.max", std::to_string(limits.pids_max)},
  }};
  for (const auto& [file, value] : files) {
    if (Status ok = write_control(folder / file, value); !ok) return ok;
  }
  // Kernels without swap accounting or group kill lack these.
  for (const auto& [file, value] : {std::pair{"memory.swap.max", "0"}, std::pair{"memory.oom.group", "1"}}) {
    if (Status ok = write_control(folder / file, value); !ok && fs::exists(folder / file)) return ok;
  }
  return limits.yields ? set_idle(folder, true) : Status{};
}

Status set_limits_v1(const GroupFolders& folders, const Limits& limits) {
  const fs::path cpu = folders.by_controller.at("cpu");
  const fs::path memory = folders.by_controller.at("memory");
  const uint64_t quota_us = std::max<uint64_t>(limits.cpu_milli * limits.cpu_period_us / 1000, 1'000);
  const std::string bytes = std::to_string(limits.memory_bytes);
  if (Status ok = write_control(cpu / "cpu.cfs_period_us", std::to_string(limits.cpu_period_us)); !ok)
    return ok;
  if (Status ok = write_control(cpu / "cpu.cfs_quota_us", std::to_string(quota_us)); !ok) {
    // A child's quota may not exceed its ancestors'.
    if (ok.error().code == ErrorCode::kInvalid) {
      return fail(ErrorCode::kExhausted,
                  std::to_string(limits.cpu_milli) + " thousandths of a core exceed this site's quota",
                  (cpu / "cpu.cfs_quota_us").string(),
                  "ask for less, or raise the quota of the agent's group");
    }
    return ok;
  }
  const uint64_t shares = limits.yields ? 2 : std::clamp<uint64_t>(limits.cpu_milli * 1024 / 1000, 2, 262'144);
  if (limits.yields) {
    if (Status ok = set_idle(cpu, false); !ok) return ok;
  }
  if (Status ok = write_control(cpu / "cpu.shares", std::to_string(shares)); !ok) return ok;
  if (limits.yields) {
    if (Status ok = set_idle(cpu, true); !ok) return ok;
    if (const fs::path soft = memory / "memory.soft_limit_in_bytes"; fs::exists(soft)) {
      if (Status ok = write_control(soft, "0"); !ok) return ok;
    }
  }
  // The sum with swap may never be below the memory limit, so it is lifted first and lowered last.
  const fs::path swap = memory / "memory.memsw.limit_in_bytes";
  const bool limits_swap = fs::exists(swap);
  if (limits_swap) {
    if (Status ok = write_control(swap, "-1"); !ok) return ok;
  }
  if (Status ok = write_control(memory / "memory.limit_in_bytes", bytes); !ok) return ok;
  if (limits_swap) {
    if (Status ok = write_control(swap, bytes); !ok) return ok;
  }
  return write_control(folders.by_controller.at("pids") / "pids.max", std::to_string(limits.pids_max));
}

uint64_t number_in(const fs::path& path) {
  const auto text = read_file(path);
  if (!text) return 0;
  return parse_number(trim(*text)).value_or(0);
}

uint64_t keyed(const fs::path& path, const std::string& key) {
  const auto text = read_file(path);
  if (!text) return 0;
  const auto values = parse_flat_keyed(*text);
  const auto found = values.find(key);
  return found == values.end() ? 0 : found->second;
}

GroupFolders below(const GroupFolders& parent, const std::string& name) {
  GroupFolders out = parent;
  for (auto& [controller, folder] : out.by_controller) folder /= name;
  if (!out.unified.empty()) out.unified /= name;
  return out;
}

Status remove_folder(const fs::path& folder) {
  if (::rmdir(folder.c_str()) == 0 || errno == ENOENT) return {};
  if (errno == EBUSY || errno == ENOTEMPTY) {
    return fail(ErrorCode::kConflict, "processes are left in the control group", folder.string());
  }
  return fail_errno("cannot remove the control group", folder, errno);
}

}  // namespace

std::vector<fs::path> GroupFolders::joins() const {
  std::vector<fs::path> out;
  for (const auto& [controller, folder] : by_controller) {
    const fs::path file = folder / "cgroup.procs";
    if (std::find(out.begin(), out.end(), file) == out.end()) out.push_back(file);
  }
  if (!unified.empty()) out.push_back(unified / "cgroup.procs");
  return out;
}

Result<GroupFolders> open_parent(const Tree& tree, const std::string& name,
                                 const std::optional<fs::path>& parent) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    return fail(ErrorCode::kInvalid, "'" + name + "' is not a name of a control group");
  }
  if (parent && parent->string().find("..") != std::string::npos) {
    return fail(ErrorCode::kInvalid, "'" + parent->string() + "' leads upwards", "control group");
  }
  return tree.version == Version::kV2 ? open_parent_v2(tree, name, parent)
                                      : open_parent_v1(tree, name, parent);
}

Result<Group> Group::create(const GroupFolders& parent, const std::string& name, const Limits& limits) {
  Group group(below(parent, name));
  Status ok;
  for (const auto& [controller, folder] : group.folders_.by_controller) {
    if (ok = make_folder(folder); !ok) break;
  }
  if (ok && !group.folders_.unified.empty()) ok = make_folder(group.folders_.unified);
  if (ok) {
    ok = group.folders_.version == Version::kV2 ? set_limits_v2(group.folders_.by_controller.at(""), limits)
                                                : set_limits_v1(group.folders_, limits);
  }
  if (!ok) {
    (void)group.remove();
    return tl::unexpected(ok.error());
  }
  return group;
}

Result<Group> Group::open(const GroupFolders& parent, const std::string& name) {
  Group group(below(parent, name));
  for (const auto& [controller, folder] : group.folders_.by_controller) {
    std::error_code ignored;
    if (fs::is_directory(folder, ignored)) return group;
  }
  return fail(ErrorCode::kNotFound, "no control group '" + name + "'",
              parent.by_controller.empty() ? std::string() : parent.by_controller.begin()->second.string());
}

std::vector<std::string> Group::list(const GroupFolders& parent) {
  std::vector<std::string> out;
  for (const auto& [controller, folder] : parent.by_controller) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      if (at->is_directory(error)) out.push_back(at->path().filename().string());
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Result<GroupUsage> Group::usage() const {
  GroupUsage out;
  if (folders_.version == Version::kV2) {
    const fs::path folder = folders_.by_controller.at("");
    const auto stat = read_file(folder / "cpu.stat");
    if (!stat) return tl::unexpected(stat.error());
    auto values = parse_flat_keyed(*stat);
    out.cpu_us = values["usage_usec"];
    out.throttled_us = values["throttled_usec"];
    out.memory_bytes = number_in(folder / "memory.current");
    out.memory_bytes_peak = number_in(folder / "memory.peak");
    out.oom_kills = keyed(folder / "memory.events", "oom_kill");
    return out;
  }
  const fs::path memory = folders_.by_controller.at("memory");
  const auto accounting = folders_.by_controller.find("cpuacct");
  if (accounting != folders_.by_controller.end()) {
    const auto text = read_file(accounting->second / "cpuacct.usage");
    if (!text) return tl::unexpected(text.error());
    out.cpu_us = parse_number(trim(*text)).value_or(0) / 1000;
  }
  out.throttled_us = keyed(folders_.by_controller.at("cpu") / "cpu.stat", "throttled_time") / 1000;
  out.memory_bytes = number_in(memory / "memory.usage_in_bytes");
  out.memory_bytes_peak = number_in(memory / "memory.max_usage_in_bytes");
  out.oom_kills = keyed(memory / "memory.oom_control", "oom_kill");
  return out;
}

std::vector<int32_t> Group::pids() const {
  std::vector<int32_t> out;
  for (const fs::path& file : folders_.joins()) {
    if (const auto text = read_file(file, 16 << 20)) {
      const auto found = parse_pids(*text);
      out.insert(out.end(), found.begin(), found.end());
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

void Group::signal(int signal_number) const {
  for (const int32_t pid : pids()) ::kill(pid, signal_number);
}

void Group::kill() const {
  const fs::path unified =
      folders_.version == Version::kV2 ? folders_.by_controller.at("") : folders_.unified;
  // Since Linux 5.14.
  if (!unified.empty() && fs::exists(unified / "cgroup.kill"))
    (void)write_control(unified / "cgroup.kill", "1");
  const auto& pids_folder = folders_.by_controller.at(folders_.version == Version::kV2 ? "" : "pids");
  if (fs::exists(pids_folder / "pids.max")) (void)write_control(pids_folder / "pids.max", "0");
  signal(SIGKILL);
}

void remove_empty(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> inner;
  for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored)) {
    if (at->is_directory(ignored) && !at->is_symlink(ignored)) inner.push_back(at->path());
  }
  for (const fs::path& each : inner) remove_empty(each);
  ::rmdir(folder.c_str());
}

Status Group::remove() const {
  Status out;
  for (const auto& [controller, folder] : folders_.by_controller) {
    if (Status ok = remove_folder(folder); !ok) out = ok;
  }
  if (!folders_.unified.empty()) {
    if (Status ok = remove_folder(folders_.unified); !ok) out = ok;
  }
  return out;
}

}  // namespace weir::cgroup
