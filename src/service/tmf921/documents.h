#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/types.h"
#include "core/result/result.h"

namespace weir::v1 {
class EventView;
class Intent;
}  // namespace weir::v1

// What clients of TM Forum's Intent Management API (TMF921 5.0.0) get.
namespace weir::tmf921 {

// "2026-11-22T18:00:00Z", as RFC 3339 has it.
std::string date_time(TimeUs at);

// What an intent of Weir is in the words that TM Forum's examples use. `state` as v1::Intent::Status has it.
std::string_view lifecycle_status(std::string_view state, bool promise_kept);

// `submitted`: when this generation was.
boost::json::object intent_document(const v1::Intent& intent, TimeUs submitted);
// Of what is not there any more.
boost::json::object withdrawn_intent_document(std::string_view tenant, std::string_view name);

// How an intent is now, in the words of `explanation`.
boost::json::object current_report_document(const v1::Intent& intent, const std::string& explanation, TimeUs now);
// What an event says of an intent; its identifier is the event's position.
boost::json::object report_document(std::string_view tenant, std::string_view name, const v1::EventView& event);
inline constexpr std::string_view kCurrentReport = "current";

// Those that there are; clients cannot add any.
const std::vector<boost::json::object>& specification_documents();

boost::json::object hub_document(const std::string& id, const std::string& callback, const std::string& query);

// A notification; `of`: the intent's or the report's document.
boost::json::object notification(std::string_view type, const std::string& id, TimeUs at, const std::string& description, boost::json::object of);

// TMF630's Error.
boost::json::object error_document(const Error& error, std::string_view code, int status);

}  // namespace weir::tmf921
