#include "infrastructure/inventory/accelerators.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include "infrastructure/cgroup/tree.h"
#include "infrastructure/posix/file.h"

namespace weir::inventory {
namespace {

namespace fs = std::filesystem;

constexpr size_t kListedMax = 256;  // devices of one driver

std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end && out.size() < kListedMax;
       at.increment(error))
    out.push_back(at->path());
  std::sort(out.begin(), out.end());
  return out;
}

std::string line_of(const fs::path& path) {
  const auto text = posix::read_file(path);
  return text ? std::string(cgroup::trim(*text)) : std::string();
}

// "Key: value" a line, or "key value".
std::map<std::string, std::string, std::less<>> fields_of(const fs::path& path, char separator) {
  std::map<std::string, std::string, std::less<>> out;
  const auto text = posix::read_file(path);
  if (!text) return out;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const size_t newline = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, newline);
    rest.remove_prefix(std::min(newline + 1, rest.size()));
    const size_t at = line.find(separator);
    if (at == std::string_view::npos) continue;
    out.emplace(cgroup::trim(line.substr(0, at)), cgroup::trim(line.substr(at + 1)));
  }
  return out;
}

std::string field(const std::map<std::string, std::string, std::less<>>& fields, std::string_view name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

// The display driver's files of a PCI device: they reach the same hardware.
void add_display_files(const fs::path& root, Accelerator& device) {
  if (device.bus_address.empty()) return;
  for (const fs::path& entry : entries(root / "sys/bus/pci/devices" / device.bus_address / "drm")) {
    const std::string name = entry.filename().string();
    if (name.starts_with("card") || name.starts_with("renderD"))
      device.device_files.push_back((root / "dev/dri" / name).string());
  }
}

// NVIDIA driver README, "/proc interface": one folder for each device, named by its bus address.
void add_nvidia(const fs::path& root, std::vector<Accelerator>& out) {
  for (const fs::path& folder : entries(root / "proc/driver/nvidia/gpus")) {
    const auto fields = fields_of(folder / "information", ':');
    const std::string minor = field(fields, "Device Minor");
    if (!cgroup::parse_number(minor) || field(fields, "GPU Excluded") == "Yes") continue;
    const std::string uuid = field(fields, "GPU UUID");
    Accelerator device{
        .name = "nvidia" + minor,
        .kind = "compute",
        .model = field(fields, "Model"),
        .memory_bytes = 0,
        .bus_address = folder.filename().string(),
        // Question marks stand for what the driver has not asked the device yet.
        .unique_name = uuid.starts_with("GPU-") && uuid.find('?') == std::string::npos ? uuid : "",
        .visible_variable = "CUDA_VISIBLE_DEVICES",
        .device_files = {(root / "dev" / ("nvidia" + minor)).string()},
        .shared_files = {}};
    for (const char* file : {"nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset"})
      device.shared_files.push_back((root / "dev" / file).string());
    add_display_files(root, device);
    out.push_back(std::move(device));
  }
}

// "gfx90a" of 90010: major, minor and stepping, as in the kernel's amdgpu_amdkfd documentation.
std::string gfx_name(uint64_t version) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "gfx%u%x%x", static_cast<unsigned>(version / 10'000 % 100),
                static_cast<unsigned>(version / 100 % 100), static_cast<unsigned>(version % 100));
  return text.data();
}

// Nodes of the topology of the kernel fusion driver; those without SIMD units are processors.
void add_amd(const fs::path& root, std::vector<Accelerator>& out) {
  for (const fs::path& folder : entries(root / "sys/class/kfd/kfd/topology/nodes")) {
    const auto fields = fields_of(folder / "properties", ' ');
    const auto simds = cgroup::parse_number(field(fields, "simd_count"));
    const auto render = cgroup::parse_number(field(fields, "drm_render_minor"));
    if (simds.value_or(0) == 0 || !render) continue;
    const std::string name = "renderD" + std::to_string(*render);
    std::error_code error;
    const fs::path pci = fs::read_symlink(root / "sys/class/drm" / name / "device", error);
    Accelerator device{.name = name,
                       .kind = "compute",
                       .model = {},
                       .memory_bytes = 0,
                       .bus_address = error ? "" : pci.filename().string(),
                       .unique_name = {},
                       .visible_variable = "ROCR_VISIBLE_DEVICES",
                       .device_files = {},
                       .shared_files = {(root / "dev/kfd").string()}};
    if (!device.bus_address.empty())
      device.model = line_of(root / "sys/bus/pci/devices" / device.bus_address / "product_name");
    if (device.model.empty())
      device.model = gfx_name(cgroup::parse_number(field(fields, "gfx_target_version")).value_or(0));
    if (const auto unique = cgroup::parse_number(field(fields, "unique_id")); unique.value_or(0) != 0) {
      std::array<char, 32> text{};
      std::snprintf(text.data(), text.size(), "GPU-%016llx", static_cast<unsigned long long>(*unique));
      device.unique_name = text.data();
    }
    add_display_files(root, device);
    const std::string file = (root / "dev/dri" / name).string();
    if (std::find(device.device_files.begin(), device.device_files.end(), file) == device.device_files.end())
      device.device_files.push_back(file);
    out.push_back(std::move(device));
  }
}

void sort(std::vector<Accelerator>& devices) {
  std::sort(devices.begin(), devices.end(), [](const Accelerator& a, const Accelerator& b) {
    return std::tie(a.bus_address, a.name) < std::tie(b.bus_address, b.name);
  });
}

}  // namespace

std::vector<Accelerator> accelerators_of_drivers(const fs::path& root) {
  std::vector<Accelerator> out;
  add_nvidia(root, out);
  add_amd(root, out);
  sort(out);
  return out;
}

std::vector<Accelerator> merge_accelerators(std::vector<Accelerator> seen,
                                            std::vector<Accelerator> of_drivers) {
  for (Accelerator& device : of_drivers) {
    const auto same = std::find_if(seen.begin(), seen.end(), [&](const Accelerator& other) {
      return !device.bus_address.empty() && other.bus_address == device.bus_address;
    });
    if (same == seen.end()) {
      seen.push_back(std::move(device));
      continue;
    }
    device.memory_bytes = std::max(device.memory_bytes, same->memory_bytes);
    if (device.model.empty()) device.model = same->model;
    *same = std::move(device);
  }
  sort(seen);
  return seen;
}

std::vector<Accelerator> accelerators_to_offer(const std::vector<Accelerator>& all, size_t most) {
  std::map<std::string, std::vector<Accelerator>> by_model;
  for (const Accelerator& device : all) {
    if (device.kind == "compute" && !device.unique_name.empty()) by_model[device.model].push_back(device);
  }
  std::vector<Accelerator> out;
  for (auto& [model, devices] : by_model) {
    if (devices.size() > out.size()) out = std::move(devices);
  }
  sort(out);
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace weir::inventory
