#pragma once

#include <set>
#include <span>
#include <string>

#include "core/result/result.h"
#include "infrastructure/site_local/local_site_driver.h"
#include "infrastructure/site_local/record.h"

namespace weir::site_local {

// kInvalid: a name twice, or a device without name or variable.
Status check_accelerators(std::span<const AcceleratorDevice> devices);

// How many a run may have at most.
size_t offered_accelerators(std::span<const AcceleratorDevice> devices);

// Gives the order as many devices as its spec asks for, in the order of `devices`, none of `taken`: sets
// accelerators, denied_devices, device_gids and its variables. Every variable of `devices` is the site's:
// what the spec says of it is overwritten, and empty where the run has no device of it. kInvalid: more than
// are offered; kExhausted: more than are free. Without `filtered` no device is denied, and no group given.
Status give_accelerators(RunOrder& order, std::span<const AcceleratorDevice> devices,
                         const std::set<std::string>& taken, bool filtered);

}  // namespace weir::site_local
