// What clients of TM Forum's API send: a body and, after the first line, a query. Refused with a reason, or read.
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/units/text.h"
#include "service/tmf921/documents.h"
#include "service/tmf921/requests.h"
#include "weir/v1/resource.pb.h"

namespace {

void explained(const weir::Error& error) {
  if (error.what.empty() || !weir::valid_utf8(error.text())) std::abort();
  (void)boost::json::serialize(weir::tmf921::error_document(error, "invalid", 400));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::tmf921;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const size_t line = text.find('\n');
  const std::string first = text.substr(0, line), rest = line == std::string::npos ? "" : text.substr(line + 1);
  if (const auto hub = parse_hub(text); !hub) explained(hub.error());
  const auto document = parse_object(first);
  if (!document) {
    explained(document.error());
  } else if (const auto wanted = parse_intent(*document); !wanted) {
    explained(wanted.error());
  } else if (wanted->sentence.empty()) {
    auto intent = intent_message(*wanted, "city");
    if (!intent) {
      explained(intent.error());
    } else {
      // What is shown of it is read as the same.
      const auto shown = parse_intent(intent_document(*intent, 0));
      if (!shown) std::abort();
      const auto again = intent_message(*shown, "");
      if (!again || again->SerializeAsString().size() != intent->SerializeAsString().size()) std::abort();
    }
  }
  if (document) {
    if (const auto patch = parse_object(rest)) (void)boost::json::serialize(merge_patch(*document, *patch));
  }
  if (weir::valid_utf8(text)) {
    const Query query = {{"fields", first}, {"offset", rest}, {"name", first}, {first, rest}};
    if (const auto selection = parse_selection(query, {"name"}, true); !selection) {
      explained(selection.error());
    } else if (document) {
      (void)matches(*document, *selection);
      (void)boost::json::serialize(selected(*document, *selection));
    }
    if (const auto id = parse_id(first); id && id_of(id->first, id->second) != first) std::abort();
  }
  return 0;
}
