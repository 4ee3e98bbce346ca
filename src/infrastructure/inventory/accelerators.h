#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace weir::inventory {

struct Accelerator {
  std::string name;           // the system's, e.g. "cuda0", "card0", "nvidia0", "renderD128"
  std::string kind;           // "compute" or "display"
  std::string model;          // empty: unknown
  uint64_t memory_bytes = 0;  // 0: unknown
  std::string bus_address;    // PCI, "0000:65:00.0"; empty: unknown
  // The vendor's name of this very device, which no restart and no other device changes. Empty: it has none,
  // or is not of a vendor whose runtime can be told to use it alone.
  std::string unique_name;
  // What tells the vendor's runtime which devices to use, by their unique names.
  std::string visible_variable;
  std::vector<std::string> device_files;  // of this device alone
  std::vector<std::string> shared_files;  // of all devices of its driver: whoever uses one needs them
  friend bool operator==(const Accelerator&, const Accelerator&) = default;
};

// What the kernel drivers of NVIDIA (/proc/driver/nvidia/gpus) and AMD (/sys/class/kfd) list, by bus address.
// `root` is the folder in which proc, sys and dev of the machine are found: "/", or elsewhere for an agent in
// a container. device_files and shared_files begin with it. Entries that cannot be read are left out.
std::vector<Accelerator> accelerators_of_drivers(const std::filesystem::path& root);

// The first list with what the second adds to it: a device of both, by bus address, is one. By bus address
// and name.
std::vector<Accelerator> merge_accelerators(std::vector<Accelerator> seen,
                                            std::vector<Accelerator> of_drivers);

// What can be given to one run alone: compute devices with a unique name. A node offers one model: the one
// with most such devices, of several the first by name; at most `most` of them, by bus address.
std::vector<Accelerator> accelerators_to_offer(const std::vector<Accelerator>& all, size_t most);

}  // namespace weir::inventory
