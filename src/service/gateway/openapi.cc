#include "service/gateway/openapi.h"

#include <google/api/annotations.pb.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <set>

#include "security/identity/token_text.h"
#include "service/gateway/field_mask.h"
#include "service/gateway/json_schema.h"
#include "service/gateway/sign_in.h"
#include "weir/v1/service.pb.h"

namespace weir::gateway {
namespace {

namespace json = boost::json;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

constexpr const char* kAbout =
    "JSON is protobuf's mapping: numbers of 64 bits are text, enumerations names, bytes base64; what has its default (0, \"\", false, "
    "an empty list) is left out of answers. A body may also write 64-bit numbers as numbers and fields as the schema's files do "
    "(page_size for pageSize); a field that is not known is refused. Parameters are named as in the schema's files, or as in JSON; "
    "an unknown one is refused, lists are joined by commas or repeated. HEAD is answered as GET, without content. Later versions of "
    "the API add fields to answers, and take none away.";

json::object described(json::object schema, const char* text) {
  schema["description"] = text;
  return schema;
}
json::object content(const char* type, json::object schema) { return {{type, {{"schema", std::move(schema)}}}}; }
json::object answer(const std::string& text, json::object of) { return {{"description", text}, {"content", std::move(of)}}; }
json::object schema_reference(const char* name) { return {{"$ref", std::string("#/components/schemas/") + name}}; }
json::object response_reference(const char* name) { return {{"$ref", std::string("#/components/responses/") + name}}; }

// What a path or query has: no sign, and in decimal.
json::object parameter_schema(const FieldDescriptor& field, JsonSchemas& schemas) {
  json::object one;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT64:
      one = {{"type", "integer"}, {"format", field.cpp_type_name()}, {"minimum", 0}};
      break;
    default:
      one = schemas.field(field);
      one.erase("description");
  }
  return one;
}

json::object parameter(const FieldDescriptor& field, const char* in, JsonSchemas& schemas) {
  json::object out = {{"name", field.name()}, {"in", in}};
  if (const std::string says = about(field); !says.empty()) out["description"] = says;
  if (std::string_view(in) == "path") out["required"] = true;
  out["schema"] = parameter_schema(field, schemas);
  if (field.is_repeated()) out["explode"] = false;
  return out;
}

// One way to a method by HTTP.
struct Binding {
  std::string verb, path;
  bool body = false;
};
std::vector<Binding> bindings_of(const MethodDescriptor& method) {
  std::vector<Binding> out;
  const auto add = [&out](const google::api::HttpRule& rule) {
    const bool get = !rule.get().empty(), post = !rule.post().empty();
    out.push_back({get ? "get" : post ? "post" : "delete", get ? rule.get() : post ? rule.post() : rule.delete_(), !rule.body().empty()});
  };
  const google::api::HttpRule& rule = method.options().GetExtension(google::api::http);
  add(rule);
  for (const auto& more : rule.additional_bindings()) add(more);
  return out;
}

std::set<std::string> fields_of(const std::string& path) {
  std::set<std::string> out;
  for (size_t open = path.find('{'); open != std::string::npos; open = path.find('{', open + 1)) {
    out.insert(path.substr(open + 1, path.find('}', open) - open - 1));
  }
  return out;
}

json::object request_body(const MethodDescriptor& method, JsonSchemas& schemas) {
  const Descriptor& request = *method.input_type();
  json::object types = content("application/json", schemas.reference(request));
  if (&request == v1::ApplyRequest::descriptor()) {
    types["application/yaml"] = {
        {"schema", described({{"type", "string"}}, "Resources as files have them: documents of YAML, or an object or a list of objects of JSON")}};
  }
  // What a parameter can carry may as well be one.
  bool required = false;
  for (int i = 0; i < request.field_count(); ++i) required = required || request.field(i)->message_type() != nullptr;
  return {{"required", required}, {"content", std::move(types)}};
}

json::object good_answer(const MethodDescriptor& method, JsonSchemas& schemas) {
  const Descriptor& response = *method.output_type();
  if (&response == v1::EventsResponse::descriptor()) {
    json::object events = content("text/event-stream",
                                  described({{"type", "string"}}, "Server-sent events: `id` is the position in the ledger, `event` the name and `data` "
                                                                  "what x-event describes. A stream that fails ends with an event `error`, whose "
                                                                  "data x-error describes; a comment says every 15 s that it lasts"));
    events["text/event-stream"].as_object()["x-event"] = schemas.reference(*v1::EventView::descriptor());
    events["text/event-stream"].as_object()["x-error"] = schema_reference("Problem");
    return answer("Events, from the position asked for on", std::move(events));
  }
  if (method.server_streaming()) {
    json::object lines =
        content("application/x-ndjson", described({{"type", "string"}}, "A JSON object a line, as x-line describes it. A stream that fails ends with "
                                                                        "a line that x-error describes; one without data says every 15 s that it lasts"));
    lines["application/x-ndjson"].as_object()["x-line"] = schemas.reference(response);
    lines["application/x-ndjson"].as_object()["x-error"] = schema_reference("Problem");
    return answer("Pieces of what the run wrote", std::move(lines));
  }
  const std::string says = about(response);
  return answer(says.empty() ? "Done" : says, content("application/json", schemas.reference(response)));
}

// What changes something: all that is not read, but for a question that needs a body.
bool changes(const MethodDescriptor& method, const Binding& binding) {
  return binding.verb != "get" && method.input_type() != v1::AskRequest::descriptor();
}

json::object refusals(json::object good) {
  return {{"200", std::move(good)}, {"401", response_reference("Unauthorized")}, {"default", response_reference("Problem")}};
}

json::object operation(const MethodDescriptor& method, const Binding& binding, const std::set<std::string>& elsewhere, JsonSchemas& schemas) {
  const Descriptor& request = *method.input_type();
  const std::set<std::string> in_path = fields_of(binding.path);
  json::array parameters;
  for (const std::string& name : in_path) parameters.push_back(parameter(*request.FindFieldByName(name), "path", schemas));
  for (int i = 0; i < request.field_count(); ++i) {
    const FieldDescriptor& field = *request.field(i);
    if (field.message_type() != nullptr || in_path.contains(field.name()) || elsewhere.contains(field.name())) continue;
    json::object query = parameter(field, "query", schemas);
    if (field.full_name() == "weir.v1.EventsRequest.follow") query["schema"].as_object()["default"] = true;
    parameters.push_back(std::move(query));
  }
  if (&request == v1::EventsRequest::descriptor()) {
    parameters.push_back({{"name", "Last-Event-ID"}, {"in", "header"}, {"description", "Position of the last event that was read: goes on after it"},
                          {"schema", {{"type", "integer"}, {"format", "uint64"}, {"minimum", 0}}}});
  }
  const bool resources = method.output_type() == v1::GetResponse::descriptor() || method.output_type() == v1::ListResponse::descriptor();
  if (binding.verb == "get" && !method.server_streaming()) {
    parameters.push_back({{"name", "fields"}, {"in", "query"},
                          {"description", "Only these parts of the answer: paths as of google.protobuf.FieldMask, up to 64 of a depth of up to 16; they lead through lists"},
                          {"schema", {{"type", "array"}, {"items", {{"type", "string"}}}, {"maxItems", kFieldPathsMax}}}, {"explode", false}});
  }
  if (resources) parameters.push_back({{"name", "If-None-Match"}, {"in", "header"}, {"description", "ETag of what the client has"}, {"schema", {{"type", "string"}}}});
  if (changes(method, binding)) {
    parameters.push_back({{"name", "Idempotency-Key"}, {"in", "header"},
                          {"description", "The same key with the same request, within a day, is answered as before and changes nothing again; with another one it is 422, "
                                          "and while the first is being answered 409. In quotes or without"},
                          {"schema", {{"type", "string"}, {"minLength", 1}, {"maxLength", kIdempotencyKeyBytesMax + 2}}}});
  }
  json::object out = {{"operationId", method.name()}};
  if (const std::string says = about(method); !says.empty()) out["description"] = says;
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  if (binding.body) out["requestBody"] = request_body(method, schemas);
  out["responses"] = refusals(good_answer(method, schemas));
  if (resources) {
    json::object& responses = out["responses"].as_object();
    responses["200"].as_object()["headers"] = {{"ETag", {{"description", "Weak: of all but the version"}, {"schema", {{"type", "string"}}}}}};
    responses["304"] = {{"description", "It is what the client has, perhaps of another version"}};
  }
  out["responses"].as_object()["429"] = response_reference("TooManyRequests");
  return out;
}

// What no method stands behind.
void add_others(json::object& paths) {
  const json::object text = {{"type", "string"}};
  const json::object health = {{"type", "object"},
                               {"properties", {{"version", {{"type", "integer"}, {"format", "uint64"}, {"minimum", 0}}}}},
                               {"required", {"version"}},
                               {"additionalProperties", false}};
  paths["/healthz"] = {{"get", {{"operationId", "Health"}, {"description", "The durable version of the graph, for as long as the brain answers."}, {"security", json::array()},
                                {"responses", {{"200", answer("It answers", content("application/json", health))}}}}}};
  paths["/metrics"] = {{"get", {{"operationId", "Metrics"}, {"description", "Figures for Prometheus; for operators."},
                                {"responses", refusals(answer("Prometheus text", content("text/plain", text)))}}}};
  paths[kOpenApiPath] = {{"get", {{"operationId", "OpenApi"}, {"description", "This document."}, {"security", json::array()},
                                  {"parameters", {{{"name", "If-None-Match"}, {"in", "header"}, {"schema", text}}}},
                                  {"responses", {{"200", answer("The document", content("application/json", {{"type", "object"}}))},
                                                 {"304", {{"description", "It is what the client has"}}}}}}}};
}

// For browsers: they lead by redirects and cookies, and no program has to call them.
void add_sign_in(json::object& paths) {
  const auto redirects = [](const char* says) { return json::object{{"200", {{"description", "Never"}}}, {"303", {{"description", says}}}}; };
  const auto query = [](const char* name, const char* says) {
    return json::object{{"name", name}, {"in", "query"}, {"description", says}, {"schema", {{"type", "string"}}}};
  };
  const json::object truth = {{"type", "boolean"}}, text = {{"type", "string"}};
  json::object ways = {{"type", "object"}, {"properties", {{"localTokens", described(truth, "A token of the brain may be given")},
                                                           {"provider", described(text, "The identity provider's name; absent: none is set")},
                                                           {"signedIn", described(truth, "The cookie of the request is a good session")}}},
                       {"required", {"localTokens", "signedIn"}}, {"additionalProperties", false}};
  json::object left = {{"type", "object"}, {"properties", {{"location", described(text, "Where the browser signs out of the identity provider too")}}}, {"additionalProperties", false}};
  const json::array nobody;
  paths[kSignInPath] = {{"get", {{"operationId", "SignIn"}, {"description", "For browsers: begins to sign in, at the identity provider."}, {"security", nobody},
                                 {"responses", redirects("To the identity provider, or back to the console with what failed")}}}};
  paths[kCallbackPath] = {{"get", {{"operationId", "FinishSignIn"}, {"description", "For browsers: where the identity provider sends them back to. Sets the cookie of a session."}, {"security", nobody},
                                   {"parameters", {query("state", "As the sign-in was begun"), query("code", "Of the identity provider"), query("iss", "RFC 9207"), query("error", "RFC 6749, section 4.1.2.1")}},
                                   {"responses", redirects("To the console, signed in or with what failed")}}}};
  paths[kWaysPath] = {{"get", {{"operationId", "SignInWays"}, {"description", "How people may sign in here."}, {"security", nobody},
                               {"responses", {{"200", answer("The ways", content("application/json", std::move(ways)))}}}}}};
  paths[kSignOutPath] = {{"post", {{"operationId", "SignOut"}, {"description", "For browsers: ends the session of the cookie. The request must come from the console's own pages."}, {"security", nobody},
                                   {"responses", {{"200", answer("It has ended", content("application/json", std::move(left)))}, {"default", response_reference("Problem")}}}}}};
}

json::object problem_schema() {
  const Descriptor& detail = *v1::ErrorDetail::descriptor();
  json::object properties = {{"type", {{"const", "about:blank"}}},
                             {"title", described({{"type", "string"}}, "The reason phrase of the status")},
                             {"status", {{"type", "integer"}, {"minimum", 400}, {"maximum", 599}}},
                             {"detail", described({{"type", "string"}}, "where, what and remedy in one line")}};
  JsonSchemas schemas({});
  for (int i = 0; i < detail.field_count(); ++i) properties[detail.field(i)->name()] = schemas.field(*detail.field(i));
  return {{"type", "object"},
          {"description", "Problem details (RFC 9457). By code the status is: invalid 400 (405, 406, 413, 422 and 431 where they say more), denied 401 without a good "
                          "token and otherwise 403, not-found 404, conflict 409 (412 where it says more), infeasible 422, exhausted 429, unsupported 501, unavailable 503, "
                          "corrupt and internal 500."},
          {"properties", std::move(properties)},
          {"required", {"type", "title", "status", "detail", "code"}},
          {"additionalProperties", false}};
}

std::string make_document() {
  JsonSchemas schemas({.prefix = "#/components/schemas/"});
  json::object paths;
  const auto& service = *v1::ErrorDetail::descriptor()->file()->FindServiceByName("Weir");
  for (int i = 0; i < service.method_count(); ++i) {
    const MethodDescriptor& method = *service.method(i);
    const std::vector<Binding> bindings = bindings_of(method);
    for (const Binding& binding : bindings) {
      std::set<std::string> elsewhere;  // what another path of the method is for
      for (const Binding& other : bindings) elsewhere.merge(fields_of(other.path));
      json::object made = operation(method, binding, elsewhere, schemas);
      if (&binding != &bindings.front()) {
        std::string by = *fields_of(binding.path).begin();
        by.front() = static_cast<char>(by.front() - 'a' + 'A');
        made["operationId"] = method.name() + "By" + by;
      }
      if (!paths.contains(binding.path)) paths[binding.path].emplace_object();
      paths[binding.path].as_object()[binding.verb] = std::move(made);
    }
  }
  add_others(paths);
  add_sign_in(paths);
  json::object definitions;
  for (const auto& [name, definition] : schemas.definitions()) definitions[name] = definition;
  definitions["Problem"] = problem_schema();
  const json::object problem = content("application/problem+json", schema_reference("Problem"));
  json::object unauthorized = answer("There is no token, or no good one", problem);
  unauthorized["headers"] = {{"WWW-Authenticate", {{"schema", {{"const", "Bearer"}}}}}};
  json::object too_many = answer("More was asked for than this caller may ask at once", problem);
  const auto header = [](const char* says, const char* type) { return json::object{{"description", says}, {"schema", {{"type", type}}}}; };
  too_many["headers"] = {{"Retry-After", header("Seconds until it would be answered; absent where waiting does not help", "integer")},
                         {"RateLimit", header("What is left: r units, and the bucket is full again in t seconds", "string")},
                         {"RateLimit-Policy", header("The bucket holds q units, and is filled within w seconds", "string")}};
  const json::object document = {
      {"openapi", "3.1.0"},
      {"info", {{"title", "Weir"}, {"version", "v1"}, {"description", kAbout}, {"license", {{"name", "Apache 2.0"}, {"identifier", "Apache-2.0"}}}}},
      {"servers", {{{"url", "/"}}}},
      {"security", {{{"bearer", json::array()}}, {{"session", json::array()}}}},
      {"paths", std::move(paths)},
      {"components", {{"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}, {"description", "A user's token, weiru.…, or one of the identity provider"}}},
                                           {"session", {{"type", "apiKey"}, {"in", "cookie"}, {"name", kSessionCookie}, {"description", "What the console has by a sign-in; requests must come from its own pages"}}}}},
                      {"responses", {{"Problem", answer("It was refused, or failed", problem)}, {"Unauthorized", std::move(unauthorized)}, {"TooManyRequests", std::move(too_many)}}},
                      {"schemas", std::move(definitions)}}}};
  return json::serialize(document);
}

}  // namespace

const std::string& openapi_document() {
  static const std::string document = make_document();
  return document;
}

std::optional<HttpResponse> openapi_answer(const HttpRequest& request) {
  if (request.target.substr(0, request.target.find('?')) != kOpenApiPath) return std::nullopt;
  if (request.method != "GET") {
    HttpResponse out = problem({ErrorCode::kInvalid, request.method + " is not possible here", std::string(kOpenApiPath), "use GET"}, 405);
    out.allow = "GET";
    return out;
  }
  static const std::string etag = "\"" + identity::sha256_hex(openapi_document()).substr(0, 32) + "\"";
  HttpResponse out{.cache_control = "no-cache", .headers = "ETag: " + etag + "\r\n"};
  if (lists(request.if_none_match, etag)) {
    out.status = 304;
  } else {
    out.body = openapi_document();
  }
  return out;
}

}  // namespace weir::gateway
