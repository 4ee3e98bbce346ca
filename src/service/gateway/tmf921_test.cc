// TM Forum's Intent Management API over the real service.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <boost/json.hpp>
#include <fstream>
#include <set>

#include "service/gateway/openapi.h"
#include "service/gateway/rest_routes.h"
#include "service/gateway/test_brain.h"
#include "service/gateway/tmf921_routes.h"
#include "service/tmf921/documents.h"
#include "service/tmf921/requests.h"

namespace weir::gateway {
namespace {

namespace json = boost::json;

const std::string kRoot = "/tmf-api/intentManagement/v5";

constexpr const char* kSpec =
    R"({"from":[{"site":"street","streams":4}],"workload":{"service":{"artifact":"detector","port":8080,"cpu":1,"memory":"256Mi","streams_per_instance":2},
        "traffic":{"up":"2Mbps","down":"50kbps","requests_per_second":2,"work_per_request":"30ms@reference-core"}},"promise":{"latency":"500ms","percentile":99}})";

class Tmf921Test : public ::testing::Test {
 protected:
  void SetUp() override {
    brain.build_region();
    city = brain.token(Role::kTenant, "city");
    rival = brain.token(Role::kTenant, "rival");
    alice = brain.token(Role::kOperator, "alice");
  }
  HttpResponse ask(const std::string& method, const std::string& target, const std::string& token, const std::string& body = "",
                   const std::string& type = "application/json") {
    Routed routed = route(service, {.method = method, .target = kRoot + target, .authorization = token, .content_type = type, .body = body});
    if (auto* later = std::get_if<Answer>(&routed)) {
      HttpResponse out;
      later->begin([&out](HttpResponse response) { out = std::move(response); });
      return out;
    }
    return std::get<HttpResponse>(routed);
  }
  static json::value parsed(const HttpResponse& response, int status = 200) {
    EXPECT_EQ(response.status, status) << response.body;
    boost::system::error_code error;
    json::value out = json::parse(response.body, error);
    EXPECT_FALSE(error) << response.body;
    return out;
  }
  static std::string written(const std::string& name, const std::string& spec = kSpec, const std::string& tenant = "") {
    return R"({"@type":"Intent","name":")" + name + R"(","expression":{"@type":"JsonLdExpression","iri":"urn:test","expressionValue":{)" +
           (tenant.empty() ? "" : R"("metadata":{"tenant":")" + tenant + R"("},)") + R"("spec":)" + spec + "}}}";
  }
  // The answer is TMF630's Error of that status and code.
  static void expect_error(const HttpResponse& response, int status, const std::string& code, const std::string& words = "") {
    const json::value body = parsed(response, status);
    EXPECT_EQ(body.at("@type"), "Error");
    EXPECT_EQ(body.at("code").as_string(), code) << response.body;
    EXPECT_EQ(body.at("status").as_string(), std::to_string(status));
    EXPECT_NE(response.body.find(words), std::string::npos) << response.body;
  }

  TestBrain brain;
  Service service{brain.ports()};
  std::string city, rival, alice;
};

TEST_F(Tmf921Test, AnIntentIsCreatedReadPatchedAndDeleted) {
  const HttpResponse made = ask("POST", "/intent", city, written("cameras"));
  const json::value created = parsed(made, 201);
  EXPECT_EQ(created.at("id"), "city.cameras");
  EXPECT_EQ(created.at("lifecycleStatus"), "Acknowledged");
  EXPECT_NE(made.headers.find("Location: " + kRoot + "/intent/city.cameras\r\n"), std::string::npos);
  EXPECT_EQ(created.at("creationDate"), created.at("lastUpdate"));
  expect_error(ask("POST", "/intent", city, written("cameras")), 409, "conflict");
  brain.decide();
  const json::value placed = parsed(ask("GET", "/intent/city.cameras", city));
  EXPECT_EQ(placed.at("lifecycleStatus"), "InProgress");
  EXPECT_EQ(placed.at("expression").at("@type"), "JsonLdExpression");
  EXPECT_EQ(placed.at("expression").at("expressionValue").at("spec").at("promise").at("latency"), "500ms");

  const std::string patch = R"({"expression":{"expressionValue":{"spec":{"promise":{"latency":"400ms"}}}}})";
  const json::value patched = parsed(ask("PATCH", "/intent/city.cameras", city, patch, "application/merge-patch+json"));
  EXPECT_EQ(patched.at("version"), "2");
  EXPECT_EQ(patched.at("expression").at("expressionValue").at("spec").at("promise").at("latency"), "400ms");
  EXPECT_EQ(patched.at("expression").at("expressionValue").at("spec").at("workload").at("service").at("artifact"), "detector") << "the rest stays";
  const json::value again = parsed(ask("PATCH", "/intent/city.cameras", city, patch));
  EXPECT_EQ(again.at("version"), "2") << "nothing changes";
  EXPECT_EQ(parsed(ask("PATCH", "/intent/city.cameras", city, R"({"description":"passed over"})")).at("version"), "2");

  EXPECT_EQ(ask("DELETE", "/intent/city.cameras", city).status, 204);
  expect_error(ask("GET", "/intent/city.cameras", city), 404, "not-found");
  expect_error(ask("DELETE", "/intent/city.cameras", city), 404, "not-found");
  EXPECT_EQ(parsed(ask("GET", "/intent", city)).as_array().size(), 0u);
  EXPECT_EQ(parsed(ask("POST", "/intent", city, written("cameras")), 201).at("version"), "3") << "and may come again";
}

TEST_F(Tmf921Test, ASentenceBecomesAnIntentOrAQuestion) {
  const auto said = [](const std::string& name, const std::string& text) {
    return R"({"name":")" + name + R"(","expression":{"@type":"NaturalLanguageExpression","expressionValue":")" + text + "\"}}";
  };
  const json::value created = parsed(ask("POST", "/intent", city, said("eyes", "4 streams of detection from street within 500 ms")), 201);
  EXPECT_EQ(created.at("id"), "city.eyes");
  EXPECT_EQ(created.at("expression").at("expressionValue").at("spec").at("from").at(0).at("site"), "street");
  const json::value faster = parsed(ask("PATCH", "/intent/city.eyes", city, R"({"expression":{"@type":"NaturalLanguageExpression","expressionValue":"300毫秒以内"}})"));
  EXPECT_EQ(faster.at("expression").at("expressionValue").at("spec").at("promise").at("latency"), "300ms");
  expect_error(ask("POST", "/intent", city, said("none", "4 streams of detection within 500 ms")), 422, "infeasible", "?");
  expect_error(ask("POST", "/intent", city, said("none", "stop eyes")), 400, "invalid");
  expect_error(ask("POST", "/intent", alice, said("none", "4 streams of detection from street within 500 ms")), 400, "invalid", "tenant");
  expect_error(ask("GET", "/intent/city.none", city), 404, "not-found");
}

TEST_F(Tmf921Test, OthersIntentsAreNotThere) {
  parsed(ask("POST", "/intent", city, written("cameras")), 201);
  expect_error(ask("GET", "/intent/city.cameras", rival), 404, "not-found");
  expect_error(ask("PATCH", "/intent/city.cameras", rival, "{}"), 404, "not-found");
  expect_error(ask("DELETE", "/intent/city.cameras", rival), 404, "not-found");
  expect_error(ask("GET", "/intent/city.cameras/intentReport", rival), 404, "not-found");
  const json::value theirs = parsed(ask("GET", "/intent/city.cameras/intentReport", city));
  EXPECT_EQ(parsed(ask("GET", "/intent", rival)).as_array().size(), 0u);
  expect_error(ask("POST", "/intent", rival, written("cameras", kSpec, "city")), 403, "denied");
  expect_error(ask("PATCH", "/intent/city.cameras", city, R"({"expression":{"expressionValue":{"metadata":{"tenant":"rival"}}}})"), 400, "invalid");
  parsed(ask("POST", "/intent", alice, written("cameras", kSpec, "rival")), 201);
  EXPECT_EQ(parsed(ask("GET", "/intent", alice)).as_array().size(), 2u);
  expect_error(ask("GET", "/intent", "Bearer weiru.0123456789abcdef.x"), 401, "denied");
  expect_error(ask("GET", "/intent", ""), 401, "denied");
}

TEST_F(Tmf921Test, ListsHaveFieldsFiltersAndPages) {
  for (const char* name : {"a", "b", "c"}) parsed(ask("POST", "/intent", city, written(name)), 201);
  brain.decide();
  parsed(ask("POST", "/intent", city, written("d")), 201);
  const HttpResponse all = ask("GET", "/intent", city);
  EXPECT_EQ(all.status, 200);
  EXPECT_NE(all.headers.find("X-Total-Count: 4\r\nX-Result-Count: 4\r\n"), std::string::npos);
  const HttpResponse some = ask("GET", "/intent?offset=1&limit=2&fields=name", city);
  EXPECT_NE(some.headers.find("X-Total-Count: 4\r\nX-Result-Count: 2\r\n"), std::string::npos);
  EXPECT_EQ(parsed(some, 206), json::parse(R"([{"id":"city.b","href":")" + kRoot + R"(/intent/city.b","name":"b","@type":"Intent"},
    {"id":"city.c","href":")" + kRoot + R"(/intent/city.c","name":"c","@type":"Intent"}])"));
  EXPECT_EQ(parsed(ask("GET", "/intent?limit=0", city), 206).as_array().size(), 0u);
  EXPECT_EQ(parsed(ask("GET", "/intent?offset=4", city), 206).as_array().size(), 0u);
  EXPECT_EQ(parsed(ask("GET", "/intent?name=b,d", city)).as_array().size(), 2u);
  EXPECT_EQ(parsed(ask("GET", "/intent?id=city.b", city)).as_array().size(), 1u);
  EXPECT_EQ(parsed(ask("GET", "/intent?lifecycleStatus=Acknowledged", city)).as_array().size(), 1u);
  EXPECT_EQ(parsed(ask("GET", "/intent?lifecycleStatus=InProgress&name=a", city)).as_array().size(), 1u);
  EXPECT_EQ(parsed(ask("GET", "/intent?name=" + std::string(5'000, 'x'), city)).as_array().size(), 0u);
  EXPECT_EQ(parsed(ask("GET", "/intent/city.a?fields=lifecycleStatus", city)).as_object().size(), 4u);
  for (const char* bad : {"/intent?limit=1001", "/intent?limit=x", "/intent?colour=red", "/intent/city.a?name=a", "/intentSpecification?colour=red"}) {
    expect_error(ask("GET", bad, city), 400, "invalid");
  }
}

TEST_F(Tmf921Test, ReportsTellHowItIsAndWhatHappened) {
  parsed(ask("POST", "/intent", city, written("cameras")), 201);
  brain.decide();
  brain.record("brain", PromiseStateChanged{.intent = IntentId(0u), .kept = false, .why = "late"});
  const json::value reports = parsed(ask("GET", "/intent/city.cameras/intentReport", city));
  ASSERT_EQ(reports.as_array().size(), 3u);
  EXPECT_EQ(reports.at(0).at("id"), "current");
  EXPECT_NE(reports.at(0).at("description").as_string().find("generation 1"), std::string::npos);
  EXPECT_EQ(reports.at(1).at("name"), "PlanCommitted");
  EXPECT_EQ(reports.at(2).at("name"), "PromiseStateChanged");
  for (const json::value& one : reports.as_array()) {
    EXPECT_EQ(one.at("@type"), "IntentReport");
    EXPECT_EQ(one.at("intent").at("id"), "city.cameras");
    const json::value alone = parsed(ask("GET", "/intent/city.cameras/intentReport/" + std::string(one.at("id").as_string()), city));
    EXPECT_EQ(alone.at("name"), one.at("name"));
  }
  EXPECT_EQ(parsed(ask("GET", "/intent/city.cameras/intentReport?limit=1&fields=name", city), 206).as_array().size(), 1u);
  for (const char* none : {"0", "999999", "x"}) expect_error(ask("GET", std::string("/intent/city.cameras/intentReport/") + none, city), 404, "not-found");
  expect_error(ask("GET", "/intent/city.none/intentReport", city), 404, "not-found");
  expect_error(ask("DELETE", "/intent/city.cameras/intentReport/current", city), 405, "invalid");
}

TEST_F(Tmf921Test, SpecificationsSayWhatIsUnderstood) {
  const json::value all = parsed(ask("GET", "/intentSpecification", city));
  ASSERT_EQ(all.as_array().size(), 2u);
  for (const json::value& one : all.as_array()) EXPECT_EQ(parsed(ask("GET", "/intentSpecification/" + std::string(one.at("id").as_string()), city)), one);
  expect_error(ask("GET", "/intentSpecification/none", city), 404, "not-found");
  for (const char* method : {"POST", "DELETE"}) {
    const HttpResponse refused = ask(method, "/intentSpecification", city, "{}");
    expect_error(refused, 405, "invalid");
    EXPECT_EQ(refused.allow, "GET");
  }
}

TEST_F(Tmf921Test, WhatIsWrongIsSaidInTheClientsWords) {
  expect_error(ask("POST", "/intent", city, "{"), 400, "invalid", "body");
  expect_error(ask("POST", "/intent", city, written("Cameras")), 400, "invalid", "name");
  expect_error(ask("POST", "/intent", city, written(std::string(100'000, 'a'))), 400, "invalid", "name");
  std::string soon = kSpec;
  soon.replace(soon.find("500ms"), 5, "soon");
  expect_error(ask("POST", "/intent", city, written("a", soon)), 400, "invalid", "spec.promise.latency");
  expect_error(ask("POST", "/intent", city, written("a", R"({"nonsense":1})")), 400, "invalid", "nonsense");
  expect_error(ask("POST", "/intent", city, R"({"name":"a","expression":{"@type":"TurtleExpression","expressionValue":"x"}})"), 501, "unsupported");
  expect_error(ask("GET", "/intent/" + std::string(1'000, 'a'), city), 404, "not-found");
  expect_error(ask("GET", "/intent", city, "{}"), 400, "invalid", "body");
  expect_error(ask("GET", "/colours", city), 404, "not-found");
  expect_error(ask("PUT", "/intent/city.a", city, "{}"), 405, "invalid");
  parsed(ask("POST", "/intent", city, written("cameras")), 201);
  const auto patch = [&](const std::string& body, const std::string& type = "") { return ask("PATCH", "/intent/city.cameras", city, body, type); };
  expect_error(patch(R"({"name":"doors"})"), 400, "invalid", "name");
  expect_error(patch(R"({"lifecycleStatus":"Active"})"), 400, "invalid", "lifecycleStatus");
  expect_error(patch(R"({"expression":null})"), 400, "invalid", "expression");
  expect_error(patch("[]"), 400, "invalid", "body");
  expect_error(patch("[]", "application/json-patch+json"), 415, "invalid", "merge-patch");
}

// ---- the published document

struct Found {
  const json::value& root;

  const json::value* resolve(const json::string& reference) const {
    boost::system::error_code error;
    return root.find_pointer(std::string(reference).substr(1), error);
  }
  // What is wrong with a value by a schema of OpenAPI 3.0; empty: nothing. A discriminator leads on to the schema of the @type.
  std::string fault(const json::value& value, const json::value& schema, const std::string& at = "$", int depth = 0) const {
    if (depth > 64) return at + ": the schema never ends";
    const json::object& rules = schema.as_object();
    if (const json::value* to = rules.if_contains("$ref")) {
      const json::value* target = resolve(to->as_string());
      return target == nullptr ? at + ": unresolved " + std::string(to->as_string()) : fault(value, *target, at, depth + 1);
    }
    if (const json::value* parts = rules.if_contains("allOf")) {
      for (const json::value& part : parts->as_array())
        if (auto found = fault(value, part, at, depth + 1); !found.empty()) return found;
    }
    if (const json::value* ways = rules.if_contains("oneOf"); ways != nullptr && !rules.contains("discriminator")) {
      std::string last = at + " is none of the possible forms";
      for (const json::value& way : ways->as_array())
        if (fault(value, way, at, depth + 1).empty()) last.clear();
      if (!last.empty()) return last;
    }
    if (const json::value* discriminator = rules.if_contains("discriminator"); discriminator != nullptr && value.is_object()) {
      const json::value* type = value.as_object().if_contains(discriminator->at("propertyName").as_string());
      const json::value* mapping = discriminator->as_object().if_contains("mapping");
      const json::value* to = type != nullptr && type->is_string() && mapping != nullptr ? mapping->as_object().if_contains(type->as_string()) : nullptr;
      if (to != nullptr && resolve(to->as_string()) != &schema) {
        if (auto found = fault(value, *resolve(to->as_string()), at, depth + 1); !found.empty()) return found;
      }
    }
    if (const json::value* type = rules.if_contains("type")) {
      const json::string& is = type->as_string();
      const bool fits = is == "object" ? value.is_object() : is == "array" ? value.is_array() : is == "string" ? value.is_string() : is == "boolean" ? value.is_bool() : value.is_number();
      if (!fits) return at + " is not of type " + std::string(is);
    }
    if (const json::value* required = rules.if_contains("required"); required != nullptr && value.is_object()) {
      for (const json::value& name : required->as_array())
        if (!value.as_object().contains(name.as_string())) return at + " lacks " + std::string(name.as_string());
    }
    if (const json::value* known = rules.if_contains("properties"); known != nullptr && value.is_object()) {
      for (const auto& [name, rule] : known->as_object())
        if (const json::value* inner = value.as_object().if_contains(name))
          if (auto found = fault(*inner, rule, at + "." + std::string(name), depth + 1); !found.empty()) return found;
    }
    if (const json::value* items = rules.if_contains("items"); items != nullptr && value.is_array()) {
      for (const json::value& inner : value.as_array())
        if (auto found = fault(inner, *items, at + "[]", depth + 1); !found.empty()) return found;
    }
    return "";
  }
};

json::value json_of(const YAML::Node& node) {
  if (node.IsMap()) {
    json::object out;
    for (const auto& entry : node) out[entry.first.as<std::string>()] = json_of(entry.second);
    return out;
  }
  if (node.IsSequence()) {
    json::array out;
    for (const auto& inner : node) out.push_back(json_of(inner));
    return out;
  }
  if (!node.IsScalar()) return nullptr;
  const std::string text = node.as<std::string>();
  if (node.Tag() != "!" && (text == "true" || text == "false")) return text == "true";
  return json::string(text);
}

TEST(Tmf921Document, TheCheckFindsWhatIsWrong) {
  const json::value root = json_of(YAML::Load(R"(
components:
  schemas:
    Extensible: {type: object, properties: {"@type": {type: string}}, required: ["@type"]}
    Intent:
      allOf:
        - $ref: '#/components/schemas/Extensible'
        - {type: object, properties: {name: {type: string}, isBundle: {type: boolean}, expression: {$ref: '#/components/schemas/Expression'}}, required: [name]}
      discriminator: {propertyName: "@type", mapping: {Intent: '#/components/schemas/Intent'}}
    Expression:
      allOf: [{$ref: '#/components/schemas/Extensible'}]
      discriminator: {propertyName: "@type", mapping: {JsonLd: '#/components/schemas/JsonLd'}}
    JsonLd: {type: object, properties: {expressionValue: {type: object}}, required: [expressionValue]}
)"));
  const Found check{root};
  const json::value& intent = root.at("components").at("schemas").at("Intent");
  const auto fault = [&](const char* text) { return check.fault(json::parse(text), intent); };
  EXPECT_EQ(fault(R"({"@type":"Intent","name":"a","expression":{"@type":"JsonLd","expressionValue":{}}})"), "");
  EXPECT_EQ(fault(R"({"name":"a"})"), "$ lacks @type");
  EXPECT_EQ(fault(R"({"@type":"Intent"})"), "$ lacks name");
  EXPECT_EQ(fault(R"({"@type":"Intent","name":1})"), "$.name is not of type string");
  EXPECT_EQ(fault(R"({"@type":"Intent","name":"a","isBundle":"no"})"), "$.isBundle is not of type boolean");
  EXPECT_EQ(fault(R"({"@type":"Intent","name":"a","expression":{"@type":"JsonLd"}})"), "$.expression lacks expressionValue");
}

TEST(Tmf921Document, OurOwnHasNoneOfItsPaths) {
  for (const RouteName& route : tmf921_route_names()) {
    EXPECT_TRUE(is_tmf921(route.pattern)) << route.pattern;
    EXPECT_EQ(openapi_document().find(std::string(route.pattern)), std::string::npos) << "TM Forum publishes the document of these paths";
  }
}

TEST_F(Tmf921Test, IsAsThePublishedDocumentSays) {
  const char* path = std::getenv("WEIR_TMF921_OPENAPI");
  if (path == nullptr) GTEST_SKIP() << "WEIR_TMF921_OPENAPI names no file: get TMF921 5.0.0's OpenAPI document from TM Forum, and name it";
  const json::value root = json_of(YAML::LoadFile(path));
  // Weir lists hubs, and refuses to change what is not the client's.
  const std::set<std::pair<std::string, std::string>> own = {{"GET", "/hub"}, {"GET", "/hub/{id}"}};
  const std::set<std::pair<std::string, std::string>> refused = {{"POST", "/intentSpecification"}, {"PATCH", "/intentSpecification/{id}"},
                                                                 {"DELETE", "/intentSpecification/{id}"}, {"DELETE", "/intent/{intentId}/intentReport/{id}"}};
  std::set<std::pair<std::string, std::string>> published, routed;
  for (const auto& [at, item] : root.at("paths").as_object()) {
    if (at.starts_with("/listener/")) continue;
    for (const auto& [verb, operation] : item.as_object()) {
      std::string method(verb);
      for (char& c : method) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
      if (method == "GET" || method == "POST" || method == "PATCH" || method == "DELETE" || method == "PUT") published.emplace(method, at);
    }
  }
  for (const RouteName& route : tmf921_route_names()) routed.emplace(route.method, std::string(route.pattern.substr(kRoot.size())));
  for (const auto& one : routed) EXPECT_TRUE(published.contains(one) || own.contains(one)) << one.first << one.second;
  for (const auto& one : published) EXPECT_TRUE(routed.contains(one) || refused.contains(one)) << one.first << one.second;

  const Found check{root};
  const auto expect = [&](const json::value& value, const std::string& name) {
    EXPECT_EQ(check.fault(value, root.at("components").at("schemas").at(name)), "") << name << ": " << json::serialize(value);
  };
  expect(json::parse(written("cameras")), "Intent_FVO");
  expect(parsed(ask("POST", "/intent", city, written("cameras")), 201), "Intent");
  brain.decide();
  expect(parsed(ask("GET", "/intent/city.cameras", city)), "Intent");
  const json::value reports = parsed(ask("GET", "/intent/city.cameras/intentReport", city));
  for (const json::value& report : reports.as_array()) {
    expect(report, "IntentReport");
    expect(tmf921::notification("IntentReportCreateEvent", "1", 0, "", report.as_object()), "IntentReportCreateEvent");
  }
  const json::value specifications = parsed(ask("GET", "/intentSpecification", city));
  for (const json::value& specification : specifications.as_array()) expect(specification, "IntentSpecification");
  expect(tmf921::hub_document("1", "https://example.org/", "eventType=IntentCreateEvent"), "Hub");
  expect(parsed(ask("GET", "/intent/none", city), 404), "Error");
  const json::object intent = parsed(ask("GET", "/intent/city.cameras", city)).as_object();
  for (const std::string_view type : tmf921::kEventTypes) {
    if (type != "IntentReportCreateEvent") expect(tmf921::notification(type, "1", 0, "", intent), std::string(type));
  }
}

}  // namespace
}  // namespace weir::gateway
