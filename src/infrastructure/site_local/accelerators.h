#pragma once

#include <cstdint>
#include <map>
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

// What runs have of a device, in thousandths, by its name; a whole one is 1,000.
using TakenAccelerators = std::map<std::string, uint32_t>;
inline constexpr uint32_t kWholeAcceleratorMilli = 1'000;

// Gives the order the devices that its spec names, or as many as it asks for, in the order of `devices`, whole ones that
// nobody has a part of, or of one so much as others leave: sets accelerators, denied_devices, device_gids and its
// variables. Every variable of `devices` is the site's: what the spec says of it is overwritten, and empty where the run
// has no device of it. kInvalid: more than are offered, or others; kExhausted: more than are free. Without `filtered` no
// device is denied, and no group given.
Status give_accelerators(RunOrder& order, std::span<const AcceleratorDevice> devices,
                         const TakenAccelerators& taken, bool filtered);

}  // namespace weir::site_local
