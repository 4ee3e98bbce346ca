// Both token parsers and the bearer header: they accept exactly what issuing makes, and repeat nothing.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "security/identity/join_token.h"
#include "security/identity/user_token.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::identity;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto join = parse_join_token(text)) {
    const std::string again =
        "weir1." + join->id + "." + std::string(join->secret.reveal()) + "." + join->ca_fingerprint;
    if (again != text) std::abort();
  }
  if (const auto user = parse_user_token(text)) {
    if ("weiru." + user->id + "." + std::string(user->secret.reveal()) != text) std::abort();
  }
  if (const auto bearer = parse_bearer(text)) {
    if (text.size() < 7 || !parse_user_token(text.substr(7))) std::abort();
  }
  return 0;
}
