#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result/result.h"

namespace weir::v1 {
class Intent;
}

// What clients of TM Forum's Intent Management API (TMF921 5.0.0) send, as values.
namespace weir::tmf921 {

inline constexpr std::string_view kBase = "/tmf-api/intentManagement/v5";
inline constexpr size_t kPageDefault = 100;
inline constexpr size_t kPageMax = 1'000;

// The kinds of notifications that there are here.
inline constexpr std::string_view kEventTypes[] = {"IntentCreateEvent", "IntentAttributeValueChangeEvent", "IntentStatusChangeEvent", "IntentDeleteEvent",
                                                   "IntentReportCreateEvent"};

// An object, whose every text is UTF-8. kInvalid.
Result<boost::json::object> parse_object(std::string_view body);
// RFC 7396.
boost::json::value merge_patch(boost::json::value target, const boost::json::value& patch);

// What an intent is to be: said in words, or written out. One of both.
struct Wanted {
  std::string name;
  std::string sentence;
  boost::json::object intent;  // a Weir intent, {"spec": …}, perhaps with its other members; without "@…"
};
// Of a whole intent, as a POST has it or as a patch makes it. Attributes that TMF921 has and Weir does not keep are passed over, others
// are refused. kInvalid; kUnsupported: an expression in a language that is not understood.
Result<Wanted> parse_intent(const boost::json::object& document);
// The message of a Weir intent, read as a file is, under the name that its TMF intent has; of `tenant`, where it
// names none. kInvalid.
Result<v1::Intent> intent_message(const Wanted& wanted, const std::string& tenant);

// {"tenant", "intent"} of "tenant.intent"; kNotFound: no intent has that identifier.
Result<std::pair<std::string, std::string>> parse_id(std::string_view id);
std::string id_of(std::string_view tenant, std::string_view intent);

struct HubRequest {
  std::string callback, query;
  std::string secret;                    // Weir's own addition: "whsec_…" to have notifications signed
  std::vector<std::string> event_types;  // empty: all
};
Result<HubRequest> parse_hub(std::string_view body);

// What a list is to hold, by its query: attribute selection, paging, and equal attributes (TMF630, part 1).
struct Selection {
  std::vector<std::string> fields;  // first level; empty: all
  size_t offset = 0, limit = kPageDefault;
  std::vector<std::pair<std::string, std::string>> equal;  // attribute, value; several values of one: any of them
};
using Query = std::vector<std::pair<std::string, std::string>>;
// kInvalid: what is neither, by name. `attributes`: those that can be filtered by; none, nor pages: of one thing.
Result<Selection> parse_selection(const Query& query, const std::vector<std::string_view>& attributes, bool pages);
// What `equal` compares: a text as it is, else as JSON.
bool matches(const boost::json::object& document, const Selection& selection);
// id, href and @type are always there.
boost::json::object selected(const boost::json::object& document, const Selection& selection);

}  // namespace weir::tmf921
