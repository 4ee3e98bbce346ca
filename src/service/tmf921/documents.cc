#include "service/tmf921/documents.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "core/units/text.h"
#include "security/identity/clock_text.h"
#include "service/tmf921/requests.h"
#include "weir/v1/resource.pb.h"

namespace weir::tmf921 {
namespace {

namespace json = boost::json;

constexpr const char* kVocabulary = "urn:weir:v1:";  // of the terms in expressions

json::value json_of(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = false;
  if (!google::protobuf::util::MessageToJsonString(message, &text, options).ok()) return json::object();
  boost::system::error_code error;
  json::value out = json::parse(text, error);
  return error ? json::object() : out;
}

std::string intent_href(std::string_view id) { return std::string(kBase) + "/intent/" + std::string(id); }

json::object expression(std::string iri, std::string_view type, json::object value) {
  json::object of = {{"@context", {{"@vocab", kVocabulary}}}, {"@type", type}};
  for (auto& [name, member] : value) of[name] = std::move(member);
  return {{"@type", "JsonLdExpression"}, {"@baseType", "IntentExpression"}, {"iri", std::move(iri)}, {"expressionValue", std::move(of)}};
}

std::string iri_of(std::string_view tenant, std::string_view name) { return "urn:weir:intent:" + std::string(tenant) + ":" + std::string(name); }

json::object reference(std::string_view tenant, std::string_view name) {
  const std::string id = id_of(tenant, name);
  return {{"id", id}, {"href", intent_href(id)}, {"name", name}, {"@referredType", "Intent"}, {"@type", "IntentRef"}};
}

json::object report(std::string_view tenant, std::string_view name, const std::string& id, std::string_view title, const std::string& description,
                    TimeUs at, json::object value) {
  return {{"id", id},
          {"href", intent_href(id_of(tenant, name)) + "/intentReport/" + id},
          {"name", title},
          {"description", description},
          {"creationDate", date_time(at)},
          {"intent", reference(tenant, name)},
          {"expression", expression(iri_of(tenant, name) + ":report:" + id, "IntentReport", std::move(value))},
          {"@baseType", "Entity"},
          {"@type", "IntentReport"}};
}

json::object specification(const char* id, const char* name, const char* description, const char* language, const char* iri) {
  return {{"id", id},
          {"href", std::string(kBase) + "/intentSpecification/" + id},
          {"name", name},
          {"description", description},
          {"version", "1.0"},
          {"lifecycleStatus", "Active"},
          {"isBundle", false},
          {"expressionSpecification", {{"@type", "ExpressionSpecification"}, {"expressionLanguage", language}, {"iri", iri}}},
          {"targetEntitySchema", {{"@type", "TargetEntitySchema"}, {"@schemaLocation", "/v1/openapi.json#/components/schemas/Intent"}}},
          {"@baseType", "EntitySpecification"},
          {"@type", "IntentSpecification"}};
}

}  // namespace

std::string date_time(TimeUs at) { return identity::utc_text(at / 1'000'000); }

std::string_view lifecycle_status(std::string_view state, bool promise_kept) {
  if (state == "waiting") return "Pending";
  if (state == "placed") return "InProgress";
  if (state == "running") return promise_kept ? "Active" : "Degraded";
  if (state == "refused") return "Rejected";
  if (state == "finished") return "Completed";
  if (state == "failed") return "Failed";
  if (state == "withdrawn") return "Terminated";
  return "Acknowledged";
}

json::object intent_document(const v1::Intent& intent, TimeUs submitted) {
  const std::string& tenant = intent.metadata().tenant();
  const std::string& name = intent.metadata().name();
  const std::string id = id_of(tenant, name);
  const uint32_t generation = std::max<uint32_t>(1, intent.metadata().generation());
  v1::Intent written = intent;
  written.clear_status();
  written.mutable_metadata()->clear_generation();
  json::value value = json_of(written);
  json::object out = {{"id", id},
                      {"href", intent_href(id)},
                      {"name", name},
                      {"version", std::to_string(generation)},
                      {"isBundle", false},
                      {"lifecycleStatus", lifecycle_status(intent.status().state(), intent.status().promise_kept())},
                      {"lastUpdate", date_time(submitted)},
                      {"intentSpecification",
                       {{"id", "weir-intent"},
                        {"href", std::string(kBase) + "/intentSpecification/weir-intent"},
                        {"name", "Weir intent"},
                        {"@referredType", "IntentSpecification"},
                        {"@type", "IntentSpecificationRef"}}},
                      {"expression", expression(iri_of(tenant, name), "Intent", std::move(value.get_object()))},
                      {"@baseType", "Entity"},
                      {"@type", "Intent"}};
  // The graph knows when the newest generation was submitted, and no earlier one.
  if (generation == 1) out["creationDate"] = date_time(submitted);
  return out;
}

json::object withdrawn_intent_document(std::string_view tenant, std::string_view name) {
  const std::string id = id_of(tenant, name);
  return {{"id", id}, {"href", intent_href(id)}, {"name", name}, {"lifecycleStatus", lifecycle_status("withdrawn", true)}, {"@baseType", "Entity"}, {"@type", "Intent"}};
}

json::object current_report_document(const v1::Intent& intent, const std::string& explanation, TimeUs now) {
  json::object value = {{"lifecycleStatus", lifecycle_status(intent.status().state(), intent.status().promise_kept())}, {"status", json_of(intent.status())}};
  return report(intent.metadata().tenant(), intent.metadata().name(), std::string(kCurrentReport), "Status", explanation, now, std::move(value));
}

json::object report_document(std::string_view tenant, std::string_view name, const v1::EventView& event) {
  v1::EventView told = event;
  told.clear_record();
  return report(tenant, name, std::to_string(event.position()), event.name(), event.text(), event.at(), {{"event", json_of(told)}});
}

const std::vector<json::object>& specification_documents() {
  static const std::vector<json::object> kAll = {
      specification("weir-intent", "Weir intent",
                    "A JsonLdExpression whose expressionValue is an Intent as Weir's files and its API have it: {\"spec\": {…}}, perhaps with apiVersion, "
                    "kind and metadata. Terms are of the vocabulary urn:weir:v1:.",
                    "JSON-LD", "urn:weir:v1:Intent"),
      specification("natural-language", "A sentence",
                    "A NaturalLanguageExpression whose expressionValue is a sentence in Chinese or English. It becomes a Weir intent if nothing in it "
                    "has to be asked back; else the error holds the question.",
                    "natural language", "urn:weir:v1:Sentence")};
  return kAll;
}

json::object hub_document(const std::string& id, const std::string& callback, const std::string& query) {
  json::object out = {{"id", id}, {"href", std::string(kBase) + "/hub/" + id}, {"callback", callback}, {"@type", "Hub"}};
  if (!query.empty()) out["query"] = query;
  return out;
}

json::object notification(std::string_view type, const std::string& id, TimeUs at, const std::string& description, json::object of) {
  const char* member = of.at("@type") == "IntentReport" ? "intentReport" : "intent";
  return {{"eventId", id},
          {"eventTime", date_time(at)},
          {"timeOccurred", date_time(at)},
          {"eventType", type},
          {"title", type},
          {"description", description},
          {"event", {{member, std::move(of)}}},
          {"@baseType", "Event"},
          {"@type", type}};
}

json::object error_document(const Error& error, std::string_view code, int status) {
  const std::string where = error.where.empty() ? "" : error.where + ": ";
  json::object out = {{"code", code},
                      {"reason", clip_utf8(where + error.what, 2'000)},
                      {"status", std::to_string(status)},
                      {"referenceError", "urn:weir:error:" + std::string(code)},
                      {"@type", "Error"}};
  if (!error.remedy.empty()) out["message"] = clip_utf8(error.remedy, 2'000);
  return out;
}

}  // namespace weir::tmf921
