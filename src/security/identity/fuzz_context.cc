// The file of contexts: whatever is accepted is written and read back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "security/identity/context.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::identity;
  const auto contexts = parse_contexts({reinterpret_cast<const char*>(data), size}, "context.toml");
  if (!contexts) {
    for (const char c : contexts.error().text()) {
      if (static_cast<unsigned char>(c) < 0x20) std::abort();
    }
    return 0;
  }
  const auto text = render_contexts(*contexts);
  if (!text) std::abort();
  const auto again = parse_contexts(text->reveal(), "context.toml");
  if (!again || render_contexts(*again)->reveal() != text->reveal()) std::abort();
  return 0;
}
