#include "service/tmf921/requests.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <set>

#include "core/units/text.h"
#include "security/policy/principal.h"
#include "service/resource/resource.h"
#include "weir/v1/resource.pb.h"

namespace weir::tmf921 {
namespace {

namespace json = boost::json;

constexpr size_t kFieldsMax = 64;
constexpr size_t kFilterValuesMax = 64;
constexpr size_t kTextBytesMax = 4'096;  // of a sentence, as Ask has it

// Attributes of Intent_FVO that say nothing that Weir decides by.
const std::set<std::string_view> kPassedOver = {"@type",      "@baseType",      "@schemaLocation",     "id",           "href",         "description",      "validFor",
                                                "isBundle",   "priority",       "statusChangeDate",    "context",      "version",      "intentRelationship", "characteristic",
                                                "relatedParty", "attachment",   "intentSpecification", "creationDate", "lastUpdate",   "lifecycleStatus"};

std::string text_of(const json::string& text) { return {text.data(), text.size()}; }

tl::unexpected<Error> invalid(std::string what, std::string where, std::string remedy = {}) {
  return fail(ErrorCode::kInvalid, std::move(what), std::move(where), std::move(remedy));
}

constexpr const char* kHow =
    "send {\"@type\": \"JsonLdExpression\", \"expressionValue\": {\"spec\": …}} as the intentSpecification weir-intent says, or "
    "{\"@type\": \"NaturalLanguageExpression\", \"expressionValue\": \"a sentence\"}";

// A Weir intent without what JSON-LD puts around it.
Result<json::object> written_out(const json::object& value) {
  json::object out;
  for (const auto& [name, member] : value) {
    if (name.starts_with("@")) continue;
    if (name != "apiVersion" && name != "kind" && name != "metadata" && name != "spec" && name != "status") {
      return invalid("\"" + clip_utf8(std::string(name), 64) + "\" is no member of a Weir intent", "expression.expressionValue", kHow);
    }
    if (name != "status") out[name] = member;
  }
  if (const json::value* kind = out.if_contains("kind"); kind != nullptr && *kind != "Intent") {
    return invalid("is not an Intent", "expression.expressionValue.kind", "apply other kinds at /v1/apply");
  }
  const json::value* spec = out.if_contains("spec");
  if (spec == nullptr || !spec->is_object()) return invalid("holds no spec", "expression.expressionValue", kHow);
  return out;
}

Result<size_t> whole(const std::string& name, const std::string& value, size_t max) {
  size_t out = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (value.empty() || error != std::errc() || end != value.data() + value.size() || out > max) {
    return invalid("is not a whole number up to " + std::to_string(max), "query: " + name);
  }
  return out;
}

void add_parts(const std::string& value, std::vector<std::string>& out) {
  for (size_t at = 0; at <= value.size();) {
    const size_t comma = std::min(value.find(',', at), value.size());
    if (comma > at) out.push_back(value.substr(at, comma - at));
    at = comma + 1;
  }
}

}  // namespace

Result<json::object> parse_object(std::string_view body) {
  if (!valid_utf8(body)) return invalid("is not UTF-8", "body");
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(body.data(), body.size()), error);
  if (error) return invalid("is no JSON: " + error.message(), "body");
  if (!value.is_object()) return invalid("is no JSON object", "body");
  return std::move(value.get_object());
}

json::value merge_patch(json::value target, const json::value& patch) {
  if (!patch.is_object()) return patch;
  if (!target.is_object()) target = json::object();
  json::object& out = target.get_object();
  for (const auto& [name, change] : patch.get_object()) {
    if (change.is_null()) {
      out.erase(name);
    } else {
      json::value& member = out[name];
      member = merge_patch(std::move(member), change);
    }
  }
  return target;
}

Result<Wanted> parse_intent(const json::object& document) {
  for (const auto& [name, member] : document) {
    if (name != "name" && name != "expression" && !kPassedOver.contains(std::string_view(name.data(), name.size()))) {
      return invalid("is no attribute of an intent", clip_utf8(std::string(name), 64), "TMF921 5.0.0 names them");
    }
  }
  Wanted out;
  const json::value* name = document.if_contains("name");
  if (name == nullptr || !name->is_string()) return invalid("is missing, or no text", "name", "every intent has one");
  out.name = text_of(name->get_string());
  if (!policy::valid_name(out.name)) {
    return invalid("is not 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends", "name", "write it like event-live-broadcast");
  }
  const json::value* expression = document.if_contains("expression");
  if (expression == nullptr || !expression->is_object()) return invalid("is missing, or no object", "expression", kHow);
  const json::object& of = expression->get_object();
  std::string type;
  if (const json::value* given = of.if_contains("@type"); given != nullptr && given->is_string()) type = text_of(given->get_string());
  const json::value* value = of.if_contains("expressionValue");
  if (type == "TurtleExpression") return fail(ErrorCode::kUnsupported, "Turtle is not understood", "expression.@type", kHow);
  if (type != "JsonLdExpression" && type != "NaturalLanguageExpression" && type != "IntentExpression") {
    return invalid(type.empty() ? "is missing, or no text" : "\"" + clip_utf8(type, 64) + "\" is not understood", "expression.@type", kHow);
  }
  if (value == nullptr) return invalid("is missing", "expression.expressionValue", kHow);
  if (value->is_object() && type != "NaturalLanguageExpression") {
    auto intent = written_out(value->get_object());
    if (!intent) return tl::unexpected(intent.error());
    out.intent = std::move(*intent);
    return out;
  }
  if (!value->is_string()) return invalid("is not of the form that its @type says", "expression.expressionValue", kHow);
  const std::string text = text_of(value->get_string());
  if (type == "JsonLdExpression") {
    const auto inner = parse_object(text);
    if (!inner) return invalid(inner.error().what, "expression.expressionValue", kHow);
    auto intent = written_out(*inner);
    if (!intent) return tl::unexpected(intent.error());
    out.intent = std::move(*intent);
    return out;
  }
  if (text.empty() || text.size() > kTextBytesMax) return invalid("has not 1 to 4,096 bytes", "expression.expressionValue");
  out.sentence = text;
  return out;
}

Result<v1::Intent> intent_message(const Wanted& wanted, const std::string& tenant) {
  json::object written = wanted.intent;
  if (!written.contains("apiVersion")) written["apiVersion"] = "weir/v1";
  written["kind"] = "Intent";
  json::value& metadata = written["metadata"];
  if (metadata.is_null()) metadata = json::object();
  if (!metadata.is_object()) return invalid("is no object", "expression.expressionValue.metadata");
  json::value& name = metadata.get_object()["name"];
  if (!name.is_null() && name != json::value(wanted.name)) {
    return invalid("is not the name of the TMF intent", "expression.expressionValue.metadata.name", "leave it out");
  }
  name = wanted.name;
  // As a file with it would be read: the same forms of amounts, the same checks.
  const auto read = resource::parse(json::serialize(written), "expression.expressionValue", {.tenant = tenant});
  if (!read) return tl::unexpected(read.error());
  if (read->size() != 1) return invalid("is not one intent", "expression.expressionValue");
  v1::Resource message;
  resource::to_message(read->front(), message);
  return std::move(*message.mutable_intent());
}

Result<std::pair<std::string, std::string>> parse_id(std::string_view id) {
  const size_t dot = id.find('.');
  if (dot == std::string_view::npos || !policy::valid_name(id.substr(0, dot)) || !policy::valid_name(id.substr(dot + 1))) {
    return fail(ErrorCode::kNotFound, "no intent " + clip_utf8(std::string(id), 140), {}, "an identifier is TENANT.NAME");
  }
  return std::pair(std::string(id.substr(0, dot)), std::string(id.substr(dot + 1)));
}

std::string id_of(std::string_view tenant, std::string_view intent) { return std::string(tenant) + "." + std::string(intent); }

Result<HubRequest> parse_hub(std::string_view body) {
  const auto document = parse_object(body);
  if (!document) return tl::unexpected(document.error());
  HubRequest out;
  for (const auto& [name, member] : *document) {
    if (name.starts_with("@") || name == "id" || name == "href") continue;
    std::string* to = name == "callback" ? &out.callback : name == "query" ? &out.query : name == "secret" ? &out.secret : nullptr;
    if (to == nullptr) return invalid("is no attribute of a hub", clip_utf8(std::string(name), 64), "send callback, and perhaps query and secret");
    if (!member.is_string()) return invalid("is no text", std::string(name));
    *to = text_of(member.get_string());
  }
  if (out.callback.empty()) return invalid("is missing", "callback", "send the address to post notifications to");
  if (out.query.size() > 2'048) return invalid("is longer than 2,048 bytes", "query");
  for (size_t at = 0; at <= out.query.size();) {
    const size_t end = std::min(out.query.find('&', at), out.query.size());
    const std::string part = out.query.substr(at, end - at);
    at = end + 1;
    if (part.empty()) continue;
    if (!part.starts_with("eventType=")) return invalid("can name event types alone", "query", "write eventType=IntentCreateEvent,IntentDeleteEvent");
    std::vector<std::string> types;
    add_parts(part.substr(10), types);
    for (const std::string& type : types) {
      if (std::find(std::begin(kEventTypes), std::end(kEventTypes), type) == std::end(kEventTypes)) {
        return invalid("\"" + clip_utf8(type, 64) + "\" is not an event type that there is", "query", "write eventType=IntentCreateEvent,IntentDeleteEvent");
      }
      if (std::find(out.event_types.begin(), out.event_types.end(), type) == out.event_types.end()) out.event_types.push_back(type);
    }
  }
  return out;
}

Result<Selection> parse_selection(const Query& query, const std::vector<std::string_view>& attributes, bool pages) {
  Selection out;
  for (const auto& [name, value] : query) {
    if (name == "fields") {
      add_parts(value, out.fields);
      if (out.fields.size() > kFieldsMax) return invalid("are more than 64", "query: fields");
    } else if (pages && (name == "offset" || name == "limit")) {
      const auto number = whole(name, value, name == "limit" ? kPageMax : size_t{1} << 40);
      if (!number) return tl::unexpected(number.error());
      (name == "limit" ? out.limit : out.offset) = *number;
    } else if (std::find(attributes.begin(), attributes.end(), name) != attributes.end()) {
      std::vector<std::string> values;
      add_parts(value, values);
      if (values.empty()) values.emplace_back();
      for (std::string& one : values) out.equal.emplace_back(name, std::move(one));
      if (out.equal.size() > kFilterValuesMax) return invalid("has more than 64 values to compare with", "query: " + name);
    } else {
      return invalid("\"" + clip_utf8(name, 64) + "\" is not a parameter", "query", "docs/reference/tmf921.md lists them");
    }
  }
  return out;
}

bool matches(const json::object& document, const Selection& selection) {
  return std::all_of(selection.equal.begin(), selection.equal.end(), [&](const auto& asked) {
    const json::value* member = document.if_contains(asked.first);
    if (member == nullptr) return false;
    const std::string is = member->is_string() ? text_of(member->get_string()) : json::serialize(*member);
    return std::any_of(selection.equal.begin(), selection.equal.end(), [&](const auto& one) { return one.first == asked.first && one.second == is; });
  });
}

json::object selected(const json::object& document, const Selection& selection) {
  if (selection.fields.empty()) return document;
  json::object out;
  for (const auto& [name, member] : document) {
    const bool always = name == "id" || name == "href" || name == "@type";
    if (always || std::find(selection.fields.begin(), selection.fields.end(), std::string_view(name.data(), name.size())) != selection.fields.end()) {
      out[name] = member;
    }
  }
  return out;
}

}  // namespace weir::tmf921
