#include <cstdint>
#include <cstdlib>

#include "infrastructure/path_driver/conntrack.h"
#include "infrastructure/path_driver/netlink.h"

// Attributes, and those nested in them, lie in order within the bytes that they were read from.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::path_driver;
  const std::span bytes(reinterpret_cast<const char*>(data), size);
  const char* last = bytes.data();
  for (const Attribute& outer : attributes(bytes)) {
    if (outer.data.data() < last || outer.data.data() + outer.data.size() > bytes.data() + bytes.size())
      std::abort();
    last = outer.data.data() + outer.data.size();
    (void)outer.u32();
    for (const Attribute& inner : attributes(outer.data)) {
      if (inner.data.data() < outer.data.data() || inner.data.data() + inner.data.size() > last) std::abort();
    }
  }
  (void)tracked_connection(bytes);
  return 0;
}
