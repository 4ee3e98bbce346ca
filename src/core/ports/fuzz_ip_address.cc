#include <cstdint>
#include <cstdlib>

#include "core/ports/ip_address.h"

// Whatever is read is written in one way, which is read as the same; a prefix holds no bits past its length.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = Ipv6Address::parse(text)) {
    if (address->text().size() > 39 || Ipv6Address::parse(address->text()) != address) std::abort();
  }
  if (const auto prefix = Ipv6Prefix::parse(text)) {
    if (!prefix->contains(prefix->address) || Ipv6Prefix::of(prefix->address, prefix->length) != *prefix)
      std::abort();
    if (Ipv6Prefix::parse(prefix->text()) != prefix) std::abort();
  }
  return 0;
}
