#include <cstdint>
#include <cstdlib>

#include "infrastructure/site_local/allow_list.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::site_local;
  const auto list = AllowList::parse({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
  if (!list) {
    if (!list.error().where.starts_with("fuzz.toml:")) std::abort();
    return 0;
  }
  // A tenant that no rule names runs nothing.
  for (const TenantRule& rule : list->rules()) {
    if (rule.tenant == "*" || rule.tenant == "nobody") return 0;
  }
  const weir::RunSpec spec{.tenant = "nobody", .cpu_milli = 1, .memory_bytes = 1, .pids_max = 1};
  if (list->check(spec, "/bin/sh", {})) std::abort();
  return 0;
}
