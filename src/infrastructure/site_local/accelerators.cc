#include "infrastructure/site_local/accelerators.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <map>

namespace weir::site_local {
namespace {

std::string count_of(size_t count) {
  return std::to_string(count) + (count == 1 ? " accelerator" : " accelerators");
}

// None of it: no such file, as before a driver has been used.
struct Node {
  bool there = false;
  DeviceNumber number;
  uint32_t gid = 0;
  uint32_t mode = 0;
};
Node node_of(const std::string& file) {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0 || !S_ISCHR(found.st_mode)) return {};
  return {true, {major(found.st_rdev), minor(found.st_rdev)}, found.st_gid, found.st_mode};
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
                         const std::set<std::string>& taken, bool filtered) {
  const uint32_t wanted = order.spec.accelerators;
  const size_t offered = offered_accelerators(devices);
  if (wanted > offered)
    return fail(ErrorCode::kInvalid, "asks for " + count_of(wanted) + " of " + std::to_string(offered),
                "accelerators");
  std::vector<const AcceleratorDevice*> given;
  size_t free = 0;
  for (const AcceleratorDevice& device : devices) {
    if (!device.offered || taken.contains(device.name)) continue;
    ++free;
    if (given.size() < wanted) given.push_back(&device);
  }
  if (given.size() < wanted) {
    return fail(ErrorCode::kExhausted,
                "asks for " + count_of(wanted) + ", and " + std::to_string(free) + " of " +
                    std::to_string(offered) + " are free",
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
    if (!node.there) continue;
    allowed.insert(node.number);
    const bool by_group = (node.mode & 0060) == 0060 && (node.mode & 0006) != 0006;
    // Group 0 may do more than open devices.
    if (by_group && node.gid != 0) gids.insert(node.gid);
  }
  for (const AcceleratorDevice& device : devices) {
    for (const auto* files : {&device.device_files, &device.shared_files}) {
      for (const std::string& file : *files) {
        const Node node = node_of(file);
        if (node.there && !allowed.contains(node.number)) denied.insert(node.number);
      }
    }
  }
  order.denied_devices.assign(denied.begin(), denied.end());
  order.device_gids.assign(gids.begin(), gids.end());
  return {};
}

}  // namespace weir::site_local
