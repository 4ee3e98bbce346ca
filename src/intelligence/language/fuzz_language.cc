// What anybody says: never a crash, bounded frames, spans inside of the text, the same again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/units/text.h"
#include "core/ports/understanding_text.h"
#include "intelligence/language/understand.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  using namespace weir::language;
  static const std::vector<KnownName> names = {{NameKind::kSite, "street-a"}, {NameKind::kSite, "metro"}, {NameKind::kRegion, "Zhejiang"},
                                               {NameKind::kLabel, "cn"}, {NameKind::kIntent, "cameras"}, {NameKind::kArtifact, "detector"},
                                               {NameKind::kAcceleratorModel, "RTX 4090"}};
  static const Gazetteer gazetteer(names);
  constexpr SpokenAt at{1'795'330'800, 8 * 3'600};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto out = understand(text, gazetteer, at);
  if (!out) {
    if (valid_utf8(text) && size <= kUtteranceBytesMax && text.find_first_not_of(" \t\n\r\v\f") != std::string_view::npos &&
        out.error().what != "is empty") std::abort();
    return 0;
  }
  if (out->frames.empty() || out->frames.size() > kFramesMax) std::abort();
  for (const Frame& frame : out->frames) {
    for (const Field& field : frame.fields) {
      if (field.span.begin > field.span.end || field.span.end > size) std::abort();
    }
    const auto again = understand(text, gazetteer, at, &frame);
    if (!again) std::abort();
    (void)understanding_text(*again, at.utc_offset_s);
  }
  return 0;
}
