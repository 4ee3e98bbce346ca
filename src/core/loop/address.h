#pragma once

#include <string>
#include <string_view>

#include "core/ids/ids.h"

// Addresses that follow from identifiers, so that nobody has to remember them. Empty where the prefix is.
namespace weir {

// Address of a run at a site with this /64 prefix ("fd77:1:1:3::/64"): interface identifier 8000:...: with the
// plan's position and the item, so that it differs from those that people give.
std::string run_address(std::string_view site_prefix, RunId run);
// The site's own address, interface identifier 1: its STAMP reflector listens there.
std::string site_address(std::string_view site_prefix);
// Stable address of an intent's service.
std::string service_address(std::string_view service_prefix, IntentId intent);

}  // namespace weir
