#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ids/ids.h"

// Addresses that follow from identifiers, so that nobody has to remember them.
namespace weir {

using Ipv6Bytes = std::array<uint8_t, 16>;

// RFC 4291 section 2.2; without a zone or length. nullopt: not an address.
std::optional<Ipv6Bytes> parse_ipv6(std::string_view text);
// RFC 5952.
std::string format_ipv6(const Ipv6Bytes& address);

// Address of a run at a site with this /64 prefix ("fd77:1:1:3::/64"): interface identifier 8000:...: with the
// plan's position and the item, so that it differs from those that people give. Empty if the prefix is.
std::string run_address(std::string_view site_prefix, RunId run);
// The site's own address, interface identifier 1: its STAMP reflector listens there.
std::string site_address(std::string_view site_prefix);
// Stable address of an intent's service.
std::string service_address(std::string_view service_prefix, IntentId intent);

}  // namespace weir
