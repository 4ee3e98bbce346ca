#include "service/gateway/openapi.h"

#include <gtest/gtest.h>

#include "service/gateway/fuzz_world.h"
#include "service/gateway/test_schema.h"

namespace weir::gateway {
namespace {

namespace json = boost::json;

const json::object& document() {
  static const json::object parsed = json::parse(openapi_document()).as_object();
  return parsed;
}
const json::object& schema(const char* name) {
  return document().at("components").as_object().at("schemas").as_object().at(name).as_object();
}

struct Operation {
  std::string method, path;
  const json::object* value;

  std::vector<const json::object*> parameters(std::string_view in) const {
    std::vector<const json::object*> out;
    if (const json::value* all = value->if_contains("parameters")) {
      for (const json::value& one : all->as_array()) {
        if (one.as_object().at("in").as_string() == in) out.push_back(&one.as_object());
      }
    }
    return out;
  }
  // With something in place of each field.
  std::string target() const {
    std::string out;
    bool inside = false;
    for (const char c : path) {
      if (c == '{') out += "1";
      inside = c == '{' || (inside && c != '}');
      if (!inside && c != '}') out += c;
    }
    return out;
  }
};

std::vector<Operation> operations() {
  std::vector<Operation> out;
  for (const auto& [path, item] : document().at("paths").as_object()) {
    for (const auto& [verb, operation] : item.as_object()) {
      std::string method(verb);
      for (char& c : method) c = static_cast<char>(c - 'a' + 'A');
      out.push_back({method, std::string(path), &operation.as_object()});
    }
  }
  return out;
}
const std::set<std::string> kNoRoute = {"/healthz", "/metrics", "/v1/openapi.json", "/v1/sign-in", "/v1/sign-in/callback", "/v1/sign-in/ways", "/v1/sign-out"};

TEST(OpenApi, EveryRouteIsInTheDocumentAndNoOther) {
  std::set<std::pair<std::string, std::string>> routed, written;
  for (const RouteName& route : route_names()) routed.emplace(route.method, route.pattern);
  for (const Operation& operation : operations()) {
    if (!kNoRoute.contains(operation.path)) written.emplace(operation.method, operation.path);
  }
  EXPECT_EQ(routed, written);
  EXPECT_EQ(operations().size(), written.size() + kNoRoute.size());
}

Routed route_of(FuzzWorld& world, const Operation& operation, const std::string& query) {
  return route(world.service, {.method = operation.method, .target = operation.target() + query, .authorization = world.bearer});
}

TEST(OpenApi, HeadersAndMasksAreThoseThatTheServerTakes) {
  FuzzWorld world;
  for (const RouteName& route : route_names()) {
    for (const Operation& operation : operations()) {
      if (operation.method != route.method || operation.path != route.pattern) continue;
      const auto headers = operation.parameters("header");
      const bool keyed = std::any_of(headers.begin(), headers.end(), [](const json::object* one) { return one->at("name").as_string() == "Idempotency-Key"; });
      EXPECT_EQ(keyed, route.changes) << route.method << " " << route.pattern;
      const auto query = operation.parameters("query");
      const bool masks = std::any_of(query.begin(), query.end(), [](const json::object* one) { return one->at("name").as_string() == "fields"; });
      const Routed masked = route_of(world, operation, "?fields=nonsense");
      const auto* refused = std::get_if<HttpResponse>(&masked);
      EXPECT_EQ(refused != nullptr && refused->body.find("names no field of") != std::string::npos, masks) << route.pattern;
      EXPECT_TRUE(operation.value->at("responses").as_object().contains("429")) << route.pattern;
    }
  }
}

TEST(OpenApi, EveryReferenceLeadsSomewhereAndNoSchemaIsIdle) {
  const SchemaCheck check(document());
  std::set<std::string> used;
  each_reference(document(), [&](const json::string& reference) {
    EXPECT_NE(check.resolve(reference), nullptr) << reference;
    used.insert(std::string(reference));
  });
  for (const auto& [name, schema] : document().at("components").as_object().at("schemas").as_object()) {
    EXPECT_TRUE(used.contains("#/components/schemas/" + std::string(name))) << name;
  }
}

TEST(OpenApi, IsBuiltAsTheSpecificationSays) {
  EXPECT_TRUE(document().at("openapi").as_string().starts_with("3.1."));
  EXPECT_FALSE(document().at("info").at("title").as_string().empty());
  EXPECT_FALSE(document().at("info").at("version").as_string().empty());
  const std::regex key("^[a-zA-Z0-9._-]+$");
  for (const auto& [group, all] : document().at("components").as_object()) {
    for (const auto& [name, value] : all.as_object()) EXPECT_TRUE(std::regex_match(std::string(name), key)) << name;
  }
  const auto has_media = [](const json::object& of, const std::string& where) {
    for (const auto& [type, media] : of.at("content").as_object()) {
      EXPECT_NE(type.find('/'), std::string::npos) << where;
      EXPECT_TRUE(media.as_object().contains("schema")) << where;
    }
  };
  std::set<std::string> names;
  for (const Operation& operation : operations()) {
    const std::string where = operation.method + " " + operation.path;
    EXPECT_EQ(operation.path.front(), '/');
    EXPECT_TRUE(names.insert(std::string(operation.value->at("operationId").as_string())).second) << where;
    std::set<std::string> seen, in_path;
    for (const char* in : {"path", "query", "header"}) {
      for (const json::object* parameter : operation.parameters(in)) {
        const std::string name(parameter->at("name").as_string());
        EXPECT_TRUE(seen.insert(in + (" " + name)).second) << where << ": " << name;
        EXPECT_TRUE(parameter->at("schema").as_object().contains("type") || parameter->at("schema").as_object().contains("$ref")) << where;
        if (in != std::string_view("path")) continue;
        in_path.insert(name);
        EXPECT_TRUE(parameter->at("required").as_bool()) << where;
        EXPECT_NE(operation.path.find("{" + name + "}"), std::string::npos) << where;
      }
    }
    EXPECT_EQ(static_cast<size_t>(std::count(operation.path.begin(), operation.path.end(), '{')), in_path.size()) << where;
    EXPECT_EQ(operation.value->contains("parameters") ? operation.value->at("parameters").as_array().size() : 0, seen.size()) << where;
    if (const json::value* body = operation.value->if_contains("requestBody")) has_media(body->as_object(), where);
    const json::object& responses = operation.value->at("responses").as_object();
    EXPECT_TRUE(responses.contains("200")) << where;
    for (const auto& [status, response] : responses) {
      EXPECT_TRUE(status == "default" || (status.size() == 3 && std::all_of(status.begin(), status.end(), ::isdigit))) << where;
      if (response.as_object().contains("$ref")) continue;
      EXPECT_FALSE(response.at("description").as_string().empty()) << where;
      if (response.as_object().contains("content")) has_media(response.as_object(), where);
    }
    const json::value& security = operation.value->contains("security") ? operation.value->at("security") : document().at("security");
    for (const json::value& one : security.as_array()) {
      for (const auto& [scheme, scopes] : one.as_object()) {
        EXPECT_TRUE(document().at("components").at("securitySchemes").as_object().contains(scheme)) << where;
      }
    }
  }
}

TEST(OpenApi, MessagesAreDescribedAsTheirJsonIs) {
  const json::object& waiting = schema("Waiting").at("properties").as_object();
  EXPECT_EQ(waiting.at("needed").at("type").as_string(), "string") << "numbers of 64 bits are text";
  EXPECT_TRUE(waiting.contains("estimated_start")) << "by its name in JSON";
  EXPECT_EQ(waiting.at("position").at("type").as_string(), "integer");
  EXPECT_NE(waiting.at("reason").at("description").as_string().find("cheaper-later"), std::string::npos);
  EXPECT_EQ(waiting.at("reason").at("description").as_string().find("of room and quota"), std::string::npos) << "of the next field";
  EXPECT_EQ(schema("Role").at("enum").as_array().at(1).as_string(), "ROLE_OPERATOR");
  EXPECT_EQ(schema("LogsResponse").at("properties").at("data").at("contentEncoding").as_string(), "base64");
  EXPECT_EQ(schema("Metadata").at("properties").at("labels").at("additionalProperties").at("type").as_string(), "string");
  EXPECT_EQ(schema("Resource").at("maxProperties").as_int64(), 1);
  EXPECT_FALSE(schema("Intent").contains("maxProperties"));
  EXPECT_NE(schema("Refusal").at("properties").as_object().size(), 0u);
}

// What the server refuses at once, in words; empty: it went on.
std::string refusal(FuzzWorld& world, const Operation& operation, const std::string& query, const std::string& body) {
  const Routed routed = route(world.service, {.method = operation.method, .target = operation.target() + query, .authorization = world.bearer, .body = body});
  const auto* response = std::get_if<HttpResponse>(&routed);
  return response != nullptr ? response->body : "";
}

TEST(OpenApi, ParametersAndBodiesAreThoseThatTheServerTakes) {
  FuzzWorld world;
  const std::map<std::string, std::string> values = {{"integer", "1"}, {"boolean", "true"}, {"string", "x"}, {"array", "x"}};
  for (const Operation& operation : operations()) {
    if (kNoRoute.contains(operation.path)) continue;
    SCOPED_TRACE(operation.method + " " + operation.path);
    for (const json::object* parameter : operation.parameters("query")) {
      const std::string name(parameter->at("name").as_string());
      const json::object& of = parameter->at("schema").as_object();
      const std::string value = of.contains("$ref") ? "ROLE_TENANT" : values.at(std::string(of.at("type").as_string()));
      const std::string said = refusal(world, operation, "?" + name + "=" + value, "");
      EXPECT_EQ(said.find("is not a parameter"), std::string::npos) << name << said;
      EXPECT_EQ(said.find("does not fit"), std::string::npos) << name << said;
      const std::string below = refusal(world, operation, "?" + name + "=-1", "");
      EXPECT_EQ(below.find("does not fit") != std::string::npos, of.contains("minimum") || value == "true" || value == "ROLE_TENANT") << name;
    }
    EXPECT_NE(refusal(world, operation, "?nonsense=1", "").find("is not a parameter"), std::string::npos);
    const bool body = operation.value->contains("requestBody");
    EXPECT_NE(refusal(world, operation, "", "{\"nonsense\":1}").find(body ? "nonsense" : "a body is not expected here"), std::string::npos);
  }
}

TEST(OpenApi, IsServedWithItsDigest) {
  HttpRequest request{.method = "GET", .target = "/v1/openapi.json"};
  const auto got = openapi_answer(request);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, openapi_document());
  const size_t at = got->headers.find("ETag: ") + 6;
  request.if_none_match = got->headers.substr(at, got->headers.find('\r', at) - at);
  EXPECT_EQ(openapi_answer(request)->status, 304);
  EXPECT_TRUE(openapi_answer(request)->body.empty());
  request.if_none_match = "\"other\"";
  EXPECT_EQ(openapi_answer(request)->status, 200);
  request.method = "POST";
  EXPECT_EQ(openapi_answer(request)->allow, "GET");
  EXPECT_FALSE(openapi_answer({.method = "GET", .target = "/v1/openapi"}));
  EXPECT_FALSE(openapi_answer({.method = "GET", .target = "/v1/openapi.json/x"}));
}

TEST(OpenApi, TheCheckItselfFindsWhatIsWrong) {
  const json::value root = json::parse(R"({"$defs":{"N":{"type":"object","properties":{"a":{"type":"string","pattern":"^[0-9]+$"},"n":{"$ref":"#/$defs/N"}},
    "required":["a"],"additionalProperties":false,"maxProperties":2}}})");
  const SchemaCheck check(root);
  const json::value schema = json::parse(R"({"type":"array","items":{"$ref":"#/$defs/N"}})");
  const auto fault = [&](const char* text) { return check.fault(json::parse(text), schema); };
  EXPECT_EQ(fault(R"([{"a":"1","n":{"a":"2"}}])"), "");
  EXPECT_EQ(fault("{}"), "$ is not of type \"array\"");
  EXPECT_EQ(fault("[{}]"), "$[0] lacks a");
  EXPECT_EQ(fault(R"([{"a":"1","b":1}])"), "$[0].b is not described");
  EXPECT_EQ(fault(R"([{"a":"1","n":{"a":"x"}}])"), "$[0].n.a does not match ^[0-9]+$");
  EXPECT_NE(check.fault(1, json::parse(R"({"$ref":"#/$defs/M"})")), "");
  EXPECT_NE(check.fault(1, json::parse(R"({"enum":[2,3]})")), "");
  EXPECT_NE(check.fault(1, json::parse(R"({"minimum":2})")), "");
  EXPECT_NE(check.fault(1, json::parse(R"({"oneOf":[]})")), "") << "a keyword that the check does not know";
}

}  // namespace
}  // namespace weir::gateway
