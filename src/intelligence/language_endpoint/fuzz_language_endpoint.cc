// What an endpoint sends: taken or refused with a reason, and what is taken agrees to nothing, ends nothing and says nothing that the text
// does not say.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/ports/understanding_text.h"
#include "intelligence/language/understand.h"
#include "intelligence/language_endpoint/exchange.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  using namespace weir::language;
  constexpr std::string_view kText = "watch 6 doors at street-a, 500 ms will do, at most 30 an hour, and not in metro";
  constexpr SpokenAt kAt{1'795'330'800, 8 * 3'600};
  static const std::vector<KnownName> names = {{NameKind::kSite, "street-a"}, {NameKind::kSite, "metro"}, {NameKind::kIntent, "doors"}};
  static const Gazetteer gazetteer(names);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto text = reply_text(bytes); !text && text.error().what.empty()) std::abort();
  const auto proposal = read_proposal(bytes, kText);
  if (!proposal) {
    if (proposal.error().what.empty()) std::abort();
    return 0;
  }
  if (proposal->empty() || proposal->size() > kProposedWishesMax) std::abort();
  for (const bool talk : {false, true}) {
    const Frame previous;
    const auto out = understand(kText, gazetteer, kAt, talk ? &previous : nullptr, nullptr, &*proposal);
    if (!out) std::abort();
    for (const Frame& frame : out->frames) {
      if (!may_propose(frame.act)) std::abort();
      for (const Field& field : frame.fields) {
        if (field.span.begin > field.span.end || field.span.end > kText.size()) std::abort();
      }
    }
    (void)understanding_text(*out, kAt.utc_offset_s);
  }
  return 0;
}
