#include "core/loop/address.h"

#include "core/ports/ip_address.h"

namespace weir {
namespace {

std::string with_interface(std::string_view prefix, uint64_t interface_id) {
  auto address = Ipv6Address::parse(prefix.substr(0, prefix.find('/')));
  if (!address) return {};
  for (size_t i = 0; i < 8; ++i) address->bytes[8 + i] = static_cast<uint8_t>(interface_id >> (56 - 8 * i));
  return address->text();
}

}  // namespace

std::string run_address(std::string_view site_prefix, RunId run) {
  return with_interface(site_prefix, uint64_t{1} << 63 | run.plan << 16 | (run.item & 0xffff));
}

std::string site_address(std::string_view site_prefix) { return with_interface(site_prefix, 1); }

std::string service_address(std::string_view service_prefix, IntentId intent) {
  return with_interface(service_prefix, uint64_t{intent.value} + 1);
}

}  // namespace weir
