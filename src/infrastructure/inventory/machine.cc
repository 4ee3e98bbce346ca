#include "infrastructure/inventory/machine.h"

#include <hwloc.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

#include "infrastructure/cgroup/tree.h"
#include "infrastructure/posix/file.h"

namespace weir::inventory {
namespace {

using Topology = std::unique_ptr<hwloc_topology, void (*)(hwloc_topology_t)>;

std::string info(hwloc_obj_t object, const char* key) {
  const char* value = object == nullptr ? nullptr : hwloc_obj_get_info_by_name(object, key);
  return value == nullptr ? std::string() : std::string(cgroup::trim(value));
}

uint32_t count(hwloc_topology_t topology, hwloc_obj_type_t type) {
  return static_cast<uint32_t>(std::max(hwloc_get_nbobjs_by_type(topology, type), 0));
}

const char* kind_of(hwloc_obj_cache_type_t type) {
  switch (type) {
    case HWLOC_OBJ_CACHE_DATA:
      return "data";
    case HWLOC_OBJ_CACHE_INSTRUCTION:
      return "instruction";
    default:
      return "unified";
  }
}

std::vector<Cache> caches_of(hwloc_topology_t topology) {
  std::map<std::tuple<uint32_t, std::string, uint64_t>, uint32_t> found;
  for (int depth = 0; depth < hwloc_topology_get_depth(topology); ++depth) {
    if (!hwloc_obj_type_is_cache(hwloc_get_depth_type(topology, depth))) continue;
    for (hwloc_obj_t at = nullptr; (at = hwloc_get_next_obj_by_depth(topology, depth, at)) != nullptr;) {
      ++found[{at->attr->cache.depth, kind_of(at->attr->cache.type), at->attr->cache.size}];
    }
  }
  std::vector<Cache> out;
  for (const auto& [key, number] : found) {
    out.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), number});
  }
  return out;
}

// Coprocessors do (CUDA, OpenCL, Level Zero); so does a device that its vendor's management library names. A
// bare display card ("card0") is a frame buffer as often as not.
bool computes(hwloc_obj_t device) {
  const std::string_view subtype = device->subtype == nullptr ? "" : device->subtype;
  return device->attr->osdev.type == HWLOC_OBJ_OSDEV_COPROC || subtype == "NVML" || subtype == "RSMI";
}

std::vector<Accelerator> accelerators_of(hwloc_topology_t topology) {
  // One device may appear several times (OpenCL, CUDA, the display card): it counts once, under its first
  // name.
  std::map<std::pair<hwloc_obj_t, std::string>, Accelerator> found;
  for (hwloc_obj_t at = nullptr; (at = hwloc_get_next_osdev(topology, at)) != nullptr;) {
    const auto type = at->attr->osdev.type;
    if (type != HWLOC_OBJ_OSDEV_GPU && type != HWLOC_OBJ_OSDEV_COPROC) continue;
    Accelerator device{.name = at->name == nullptr ? "" : at->name,
                       .kind = computes(at) ? "compute" : "display",
                       .model = info(at, "GPUModel"),
                       .memory_bytes = 0,
                       .bus_address = {},
                       .unique_name = {},
                       .visible_variable = {},
                       .device_files = {},
                       .shared_files = {}};
    for (const char* key : {"CUDAGlobalMemorySize", "OpenCLGlobalMemorySize", "LevelZeroHBMSize"}) {
      const auto kibibytes = cgroup::parse_number(info(at, key));
      if (kibibytes && *kibibytes < (uint64_t{1} << 50)) device.memory_bytes = *kibibytes << 10;
    }
    hwloc_obj_t pci = at->parent;
    while (pci != nullptr && pci->type != HWLOC_OBJ_PCI_DEVICE) pci = pci->parent;
    if (device.model.empty()) device.model = info(pci, "PCIDevice");
    if (pci != nullptr) {
      const auto& at_bus = pci->attr->pcidev;
      std::array<char, 32> address{};
      std::snprintf(address.data(), address.size(), "%04x:%02x:%02x.%x", static_cast<unsigned>(at_bus.domain),
                    static_cast<unsigned>(at_bus.bus), static_cast<unsigned>(at_bus.dev),
                    static_cast<unsigned>(at_bus.func));
      device.bus_address = address.data();
    }
    // Without a PCI device each name stands for itself.
    auto [known, fresh] = found.try_emplace({pci, pci == nullptr ? device.name : ""}, device);
    if (fresh) continue;
    Accelerator& merged = known->second;
    if (merged.model.empty()) merged.model = device.model;
    if (device.kind == "compute") merged.kind = device.kind;
    merged.memory_bytes = std::max(merged.memory_bytes, device.memory_bytes);
  }
  std::vector<Accelerator> out;
  for (auto& [key, device] : found) out.push_back(std::move(device));
  return merge_accelerators(std::move(out), {});
}

Result<Topology> load(const char* xml) {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return fail(ErrorCode::kExhausted, "hwloc cannot start");
  Topology topology(raw, hwloc_topology_destroy);
  hwloc_topology_set_io_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
  hwloc_topology_set_icache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_ALL);
  if (xml != nullptr && hwloc_topology_set_xml(raw, xml) != 0) {
    return fail(ErrorCode::kCorrupt, "not a machine's description by hwloc", xml);
  }
  // The whole machine, also the part that this process may not use.
  hwloc_topology_set_flags(raw, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
  if (hwloc_topology_load(raw) != 0) {
    if (xml != nullptr) return fail(ErrorCode::kCorrupt, "not a machine's description by hwloc", xml);
    return fail(ErrorCode::kUnavailable, "hwloc cannot read this machine", "/sys");
  }
  return topology;
}

Machine machine_of(hwloc_topology_t topology) {
  Machine out;
  const hwloc_obj_t root = hwloc_get_root_obj(topology);
  out.cpu_model = info(hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0), "CPUModel");
  if (out.cpu_model.empty()) out.cpu_model = info(root, "CPUModel");
  out.packages = count(topology, HWLOC_OBJ_PACKAGE);
  out.threads = count(topology, HWLOC_OBJ_PU);
  out.cores = count(topology, HWLOC_OBJ_CORE);
  // Kernels of some virtual machines do not tell.
  if (out.cores == 0) out.cores = out.threads;
  out.caches = caches_of(topology);
  for (hwloc_obj_t at = nullptr;
       (at = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, at)) != nullptr;) {
    out.numa_nodes.push_back(
        {.number = at->os_index,
         .memory_bytes = at->attr->numanode.local_memory,
         .threads = static_cast<uint32_t>(std::max(hwloc_bitmap_weight(at->cpuset), 0))});
    out.memory_bytes += at->attr->numanode.local_memory;
  }
  out.accelerators = accelerators_of(topology);
  return out;
}

}  // namespace

Result<Machine> inspect_machine(const std::filesystem::path& work_folder, const std::filesystem::path& root) {
  const auto topology = load(nullptr);
  if (!topology) return tl::unexpected(topology.error());
  Machine out = machine_of(topology->get());
  out.accelerators = merge_accelerators(std::move(out.accelerators), accelerators_of_drivers(root));
  utsname system{};
  if (::uname(&system) == 0) {
    out.architecture = system.machine;
    out.kernel = system.release;
  }
  struct statvfs disk {};
  if (::statvfs(work_folder.c_str(), &disk) != 0)
    return posix::fail_errno("cannot look at", work_folder, errno);
  out.disk_bytes = uint64_t{disk.f_blocks} * disk.f_frsize;
  out.disk_bytes_free = uint64_t{disk.f_bavail} * disk.f_frsize;
  return out;
}

Result<Machine> inspect_description(const std::filesystem::path& xml) {
  const auto topology = load(xml.c_str());
  if (!topology) return tl::unexpected(topology.error());
  return machine_of(topology->get());
}

}  // namespace weir::inventory
