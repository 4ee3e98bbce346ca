#include <cstdint>
#include <cstdlib>

#include "infrastructure/cgroup/tree.h"

// The first byte chooses a parser; for the tree, a NUL parts the two files.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::cgroup;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0: {
      const size_t part = text.find('\0');
      const auto tree =
          parse_tree(text.substr(0, part), part == text.npos ? "" : text.substr(part + 1), "/fake");
      if (!tree) break;
      for (const auto& [controller, hierarchy] : tree->hierarchies) {
        // A hostile path must not lead out of the mount.
        for (const auto& component : hierarchy.own) {
          if (component == ".." || component.is_absolute()) std::abort();
        }
      }
      break;
    }
    case 1:
      (void)parse_cpu_max(text);
      break;
    case 2:
      (void)parse_limit(text);
      break;
    case 3:
      (void)parse_cpu_list(text);
      break;
    case 4:
      (void)parse_flat_keyed(text);
      break;
    case 5:
      for (const int32_t pid : parse_pids(text)) {
        if (pid <= 0) std::abort();
      }
      break;
  }
  return 0;
}
