#include "infrastructure/site_local/accelerators.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

namespace weir::site_local {
namespace {

std::string count_of(size_t count) {
  return std::to_string(count) + (count == 1 ? " accelerator" : " accelerators");
}

// The number by which NVIDIA's driver will make a file that is not there yet, for it makes them on first use
// (driver README, "nvidia-modprobe"): major 195, and for unified memory one that the kernel gave it, which
// proc/devices lists once that module is loaded.
std::optional<DeviceNumber> number_to_come(const std::filesystem::path& file) {
  constexpr uint32_t kNvidia = 195;
  const std::string name = file.filename().string();
  if (name == "nvidiactl") return DeviceNumber{kNvidia, 255};
  if (name == "nvidia-modeset") return DeviceNumber{kNvidia, 254};
  if (name == "nvidia-uvm" || name == "nvidia-uvm-tools") {
    std::ifstream devices(file.parent_path().parent_path() / "proc/devices");
    for (std::string line; std::getline(devices, line) && line != "Block devices:";) {
      uint32_t major = 0;
      const size_t begin = std::min(line.find_first_not_of(' '), line.size());
      const auto [end, error] = std::from_chars(line.data() + begin, line.data() + line.size(), major);
      if (error == std::errc() && std::string_view(end) == " nvidia-uvm")
        return DeviceNumber{major, name == "nvidia-uvm" ? 0u : 1u};
    }
    return std::nullopt;
  }
  uint32_t minor = 0;
  if (!name.starts_with("nvidia")) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data() + 6, name.data() + name.size(), minor);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return DeviceNumber{kNvidia, minor};
}

// Without a number: neither there nor known in advance.
struct Node {
  std::optional<DeviceNumber> number;
  uint32_t gid = 0;
  uint32_t mode = 0;
};
Node node_of(const std::string& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) return {.number = number_to_come(file)};
  if (!S_ISCHR(found.st_mode)) return {};
  return {DeviceNumber{major(found.st_rdev), minor(found.st_rdev)}, found.st_gid, found.st_mode};
}

// The parts of a device that the vendor's runtime holds a run to, where the owner lets it (CUDA Multi-Process Service).
void tell_share(const RunSpec& spec, const AcceleratorDevice& device, std::map<std::string, std::string>& variables) {
  constexpr uint64_t kMib = 1 << 20;
  variables["WEIR_ACCELERATOR_MILLI"] = std::to_string(spec.accelerator_milli);
  if (spec.accelerator_memory_bytes > 0)
    variables["WEIR_ACCELERATOR_MEMORY_BYTES"] = std::to_string(spec.accelerator_memory_bytes);
  if (device.variable != "CUDA_VISIBLE_DEVICES") return;
  variables["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] = std::to_string(std::max(1u, spec.accelerator_milli / 10));
  if (spec.accelerator_memory_bytes >= kMib) {
    // Of the first device that the run sees, which is the only one.
    variables["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] = "0=" + std::to_string(spec.accelerator_memory_bytes / kMib) + "M";
  }
}

}  // namespace

Status check_accelerators(std::span<const AcceleratorDevice> devices) {
  std::set<std::string> names;
  for (const AcceleratorDevice& device : devices) {
    if (device.name.empty() || device.variable.empty() || !names.insert(device.name).second) {
      return fail(ErrorCode::kInvalid, "'" + device.name + "' is not a name of its own, or has no variable",
                  "accelerators");
    }
  }
  return {};
}

size_t offered_accelerators(std::span<const AcceleratorDevice> devices) {
  return static_cast<size_t>(
      std::count_if(devices.begin(), devices.end(), [](const auto& device) { return device.offered; }));
}

Status give_accelerators(RunOrder& order, std::span<const AcceleratorDevice> devices,
                         const TakenAccelerators& taken, bool filtered) {
  const uint32_t wanted = order.spec.accelerators;
  const uint64_t named = order.spec.accelerator_devices;
  const bool shares = order.spec.accelerator_milli > 0;
  const uint32_t milli = shares ? order.spec.accelerator_milli : kWholeAcceleratorMilli;
  const size_t offered = offered_accelerators(devices);
  if (wanted > offered)
    return fail(ErrorCode::kInvalid, "asks for " + count_of(wanted) + " of " + std::to_string(offered),
                "accelerators");
  if (milli > kWholeAcceleratorMilli || (shares && wanted != 1))
    return fail(ErrorCode::kInvalid, "asks for a share of other than one device", "accelerator_milli");
  if (named != 0 && (static_cast<uint32_t>(std::popcount(named)) != wanted || (offered < 64 && named >> offered != 0))) {
    return fail(ErrorCode::kInvalid, "names other devices than it asks for, or than are offered", "accelerator_devices");
  }
  std::vector<const AcceleratorDevice*> given;
  size_t free = 0, at = 0;
  for (const AcceleratorDevice& device : devices) {
    if (!device.offered) continue;
    const size_t index = at++;
    const auto used = taken.find(device.name);
    if ((used == taken.end() ? 0 : used->second) + milli > kWholeAcceleratorMilli) continue;
    ++free;
    if (named != 0 && (index >= 64 || (named >> index & 1) == 0)) continue;
    if (given.size() < wanted) given.push_back(&device);
  }
  if (given.size() < wanted) {
    const std::string what =
        shares ? "asks for " + std::to_string(milli) + " thousandths of an accelerator" : "asks for " + count_of(wanted);
    return fail(ErrorCode::kExhausted,
                what + ", and " +
                    (named != 0 ? "one that it names is not free"
                                : std::to_string(free) + " of " + std::to_string(offered) + " are free"),
                "accelerators", "wait until a run that has one has ended");
  }

  std::set<std::string> opened;
  std::map<std::string, std::string> variables;
  for (const AcceleratorDevice& device : devices) variables.emplace(device.variable, "");
  for (const AcceleratorDevice* device : given) {
    order.accelerators.push_back(device->name);
    std::string& value = variables[device->variable];
    value += (value.empty() ? "" : ",") + device->name;
    opened.insert(device->device_files.begin(), device->device_files.end());
    opened.insert(device->shared_files.begin(), device->shared_files.end());
  }
  std::sort(order.accelerators.begin(), order.accelerators.end());
  if (shares) tell_share(order.spec, *given.front(), variables);
  for (const auto& [name, value] : variables) {
    std::erase_if(order.environment, [&](const std::string& known) { return known.starts_with(name + "="); });
    order.environment.push_back(name + "=" + value);
  }

  if (!filtered) return {};
  // By number, not by name: two files of one device are one.
  std::set<DeviceNumber> allowed, denied;
  std::set<uint32_t> gids;
  for (const std::string& file : opened) {
    const Node node = node_of(file);
    if (!node.number) continue;
    allowed.insert(*node.number);
    const bool by_group = (node.mode & 0060) == 0060 && (node.mode & 0006) != 0006;
    // Group 0 may do more than open devices.
    if (by_group && node.gid != 0) gids.insert(node.gid);
  }
  for (const AcceleratorDevice& device : devices) {
    for (const auto* files : {&device.device_files, &device.shared_files}) {
      for (const std::string& file : *files) {
        const Node node = node_of(file);
        if (node.number && !allowed.contains(*node.number)) denied.insert(*node.number);
      }
    }
  }
  order.denied_devices.assign(denied.begin(), denied.end());
  order.device_gids.assign(gids.begin(), gids.end());
  return {};
}

}  // namespace weir::site_local
