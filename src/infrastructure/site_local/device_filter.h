#pragma once

#include <filesystem>
#include <span>

#include "core/result/result.h"
#include "infrastructure/site_local/record.h"

namespace weir::site_local {

inline constexpr size_t kDeniedDevicesMax = 1024;

// Lets no process of a version 2 control group open or make these character devices; all others as before.
// What is open already stays open. A small BPF program (linux/Documentation/admin-guide/cgroup-v2.rst,
// "Device controller"), which leaves with the group. kUnsupported or kDenied where the kernel does not let
// us; kExhausted: more than kDeniedDevicesMax.
Status deny_devices(const std::filesystem::path& group, std::span<const DeviceNumber> devices);

// Whether this kernel would let us.
bool can_deny_devices();

}  // namespace weir::site_local
