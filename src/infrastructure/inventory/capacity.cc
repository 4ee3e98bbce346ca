#include "infrastructure/inventory/capacity.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "infrastructure/posix/file.h"

namespace weir::inventory {
namespace {

namespace fs = std::filesystem;

// The group's folder and its ancestors', up to the mount.
std::vector<fs::path> chain(const cgroup::Tree::Hierarchy& hierarchy) {
  std::vector<fs::path> out = {hierarchy.mount};
  fs::path path = hierarchy.mount;
  for (const fs::path& part : hierarchy.own) {
    path /= part;
    out.push_back(path);
  }
  return out;
}

void lower(uint64_t value, const fs::path& by, uint64_t& least, std::string& bound_by) {
  if (value >= least) return;
  least = value;
  bound_by = by.string();
}

template <class T>
Result<T> parsed(const fs::path& path, const std::string& text, Result<T> (*parse)(std::string_view)) {
  auto value = parse(text);
  if (!value) value.error().where = path.string();
  return value;
}

// Absent files bound nothing: the root group has none, and a controller may not be enabled.
std::string text_of(const fs::path& path) { return posix::read_file(path).value_or(std::string()); }

Status bound_cpu(const cgroup::Tree& tree, EffectiveCapacity& out) {
  if (const auto* hierarchy = tree.find("cpu")) {
    for (const fs::path& folder : chain(*hierarchy)) {
      const bool v2 = tree.version == cgroup::Version::kV2;
      const fs::path path = folder / (v2 ? "cpu.max" : "cpu.cfs_quota_us");
      std::string text = text_of(path);
      if (!v2 && !text.empty()) {
        text = std::string(cgroup::trim(text)) + " " + text_of(folder / "cpu.cfs_period_us");
      }
      if (text.empty()) continue;
      const auto milli = parsed(path, text, cgroup::parse_cpu_max);
      if (!milli) return tl::unexpected(milli.error());
      if (*milli) lower(**milli, path, out.cpu_milli, out.cpu_bound_by);
    }
  }
  if (const auto* hierarchy = tree.find("cpuset")) {
    for (const fs::path& folder : chain(*hierarchy)) {
      for (const char* file : {"cpuset.cpus.effective", "cpuset.effective_cpus"}) {
        const std::string text = text_of(folder / file);
        const auto count = parsed(folder / file, text, cgroup::parse_cpu_list);
        if (!count) return tl::unexpected(count.error());
        // An empty list is one not yet configured.
        if (*count > 0) lower(uint64_t{*count} * 1000, folder / file, out.cpu_milli, out.cpu_bound_by);
      }
    }
  }
  return {};
}

Status bound_memory(const cgroup::Tree& tree, EffectiveCapacity& out) {
  const auto* hierarchy = tree.find("memory");
  if (hierarchy == nullptr) return {};
  for (const fs::path& folder : chain(*hierarchy)) {
    for (const char* file : {"memory.max", "memory.high", "memory.limit_in_bytes"}) {
      const std::string text = text_of(folder / file);
      if (text.empty()) continue;
      const auto bytes = parsed(folder / file, text, cgroup::parse_limit);
      if (!bytes) return tl::unexpected(bytes.error());
      if (*bytes) lower(**bytes, folder / file, out.memory_bytes, out.memory_bound_by);
    }
  }
  return {};
}

}  // namespace

Result<EffectiveCapacity> effective_capacity(const cgroup::Tree& tree, const Hardware& hardware,
                                             const OwnerReserve& reserve) {
  EffectiveCapacity out{.cpu_milli = uint64_t{hardware.cpus_online} * 1000,
                        .memory_bytes = hardware.memory_bytes,
                        .cpu_bound_by = "hardware",
                        .memory_bound_by = "hardware"};
  if (Status ok = bound_cpu(tree, out); !ok) return tl::unexpected(ok.error());
  if (Status ok = bound_memory(tree, out); !ok) return tl::unexpected(ok.error());
  out.cpu_milli -= std::min(out.cpu_milli, reserve.cpu_milli);
  out.memory_bytes -= std::min(out.memory_bytes, reserve.memory_bytes);
  return out;
}

Hardware this_hardware() {
  Hardware out;
  const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
  out.cpus_online = static_cast<uint32_t>(std::max(online, 1L));
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    out.cpus_online = std::min(out.cpus_online, static_cast<uint32_t>(CPU_COUNT(&allowed)));
  }
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0)
    out.memory_bytes = static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
  return out;
}

}  // namespace weir::inventory
