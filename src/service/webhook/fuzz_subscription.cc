// The private file of a webhook, and the URLs and secrets that people send: refused with a reason, or read and written the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "service/webhook/signature.h"
#include "service/webhook/subscription.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::webhook;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto read = decode(text)) {
    const auto written = encode(*read);
    const auto again = decode(written.reveal());
    if (!again || encode(*again).reveal() != written.reveal()) std::abort();
  } else if (read.error().what.empty()) {
    std::abort();
  }
  if (const auto url = parse_url(text); url && (url->host.empty() || text.size() > kUrlBytesMax)) std::abort();
  if (const auto secret = parse_secret(text); secret && secret_text(*secret).reveal() != text) std::abort();
  if (const auto bytes = from_base64(text); bytes && base64(*bytes) != text) std::abort();
  return 0;
}
