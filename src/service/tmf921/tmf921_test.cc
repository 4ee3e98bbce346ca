#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "service/tmf921/documents.h"
#include "service/tmf921/requests.h"
#include "weir/v1/resource.pb.h"

namespace weir::tmf921 {
namespace {

namespace json = boost::json;

constexpr const char* kSpec = R"({"from":[{"site":"street","streams":4}],"workload":{"service":{"artifact":"detector","port":8080,"cpu":1,"memory":"256Mi"},
    "traffic":{"up":"2Mbps","requests_per_second":2,"work_per_request":"30ms@reference-core"}},"promise":{"latency":"500ms","percentile":99}})";

// RFC 7396, appendix A.
TEST(MergePatch, IsThatOfTheRfc) {
  const char* const kCases[][3] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", R"(null)", R"(null)"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& [target, patch, result] : kCases) EXPECT_EQ(merge_patch(json::parse(target), json::parse(patch)), json::parse(result)) << target << patch;
}

Result<Wanted> wanted(const char* text) {
  const auto document = parse_object(text);
  if (!document) return tl::unexpected(document.error());
  return parse_intent(*document);
}

TEST(IntentRequest, IsAnIntentWrittenOutOrASentence) {
  const auto written = wanted((R"({"@type":"Intent","name":"cameras","description":"d","expression":{"@type":"JsonLdExpression","iri":"urn:x",
    "expressionValue":{"@context":{"x":"y"},"@type":"Intent","spec":)" + std::string(kSpec) + R"(,"status":{"state":"running"}}}})").c_str());
  ASSERT_TRUE(written) << written.error().text();
  EXPECT_EQ(written->name, "cameras");
  EXPECT_EQ(written->intent, (json::object{{"spec", json::parse(kSpec)}})) << "status and @… are not a client's to say";
  const auto message = intent_message(*written, "city");
  ASSERT_TRUE(message) << message.error().text();
  EXPECT_EQ(message->spec().promise().latency(), "500ms");
  EXPECT_EQ(message->spec().workload().service().cpu(), "1") << "numbers as files have them";
  EXPECT_EQ(message->metadata().name(), "cameras");
  EXPECT_TRUE(wanted(R"({"name":"a","expression":{"@type":"JsonLdExpression","expressionValue":"{\"spec\":{}}"}})"));
  for (const char* type : {"NaturalLanguageExpression", "IntentExpression"}) {
    const auto said = wanted((R"({"name":"a","expression":{"@type":")" + std::string(type) + R"(","expressionValue":"4 streams"}})").c_str());
    ASSERT_TRUE(said) << type;
    EXPECT_EQ(said->sentence, "4 streams");
  }
}

TEST(IntentRequest, SaysWhereItIsWrong) {
  const auto where = [](const char* text) {
    const auto read = wanted(text);
    return read ? "" : read.error().where;
  };
  EXPECT_EQ(where("[]"), "body");
  EXPECT_EQ(where("{"), "body");
  EXPECT_EQ(where("{\"name\":\"\xff\"}"), "body");
  EXPECT_EQ(where(R"({"expression":{}})"), "name");
  EXPECT_EQ(where(R"({"name":1,"expression":{}})"), "name");
  EXPECT_EQ(where(R"({"name":"EventLiveBroadcast","expression":{}})"), "name");
  EXPECT_EQ(where((R"({"name":")" + std::string(64, 'a') + R"("})").c_str()), "name");
  EXPECT_EQ(where((R"({"name":")" + std::string(63, 'a') + R"("})").c_str()), "expression");
  EXPECT_EQ(where(R"({"name":"a","expression":"x"})"), "expression");
  EXPECT_EQ(where(R"({"name":"a","nmae":1,"expression":{}})"), "nmae");
  EXPECT_EQ(where(R"({"name":"a","expression":{}})"), "expression.@type");
  EXPECT_EQ(where(R"({"name":"a","expression":{"@type":"Poem","expressionValue":"x"}})"), "expression.@type");
  EXPECT_EQ(where(R"({"name":"a","expression":{"@type":"JsonLdExpression"}})"), "expression.expressionValue");
  EXPECT_EQ(where(R"({"name":"a","expression":{"@type":"JsonLdExpression","expressionValue":{}}})"), "expression.expressionValue");
  EXPECT_EQ(where(R"({"name":"a","expression":{"@type":"JsonLdExpression","expressionValue":{"spec":1}}})"), "expression.expressionValue");
  EXPECT_EQ(where(R"({"name":"a","expression":{"@type":"JsonLdExpression","expressionValue":{"spec":{},"spce":1}}})"), "expression.expressionValue");
  EXPECT_EQ(where(R"({"name":"a","expression":{"@type":"JsonLdExpression","expressionValue":{"spec":{},"kind":"Site"}}})"), "expression.expressionValue.kind");
  EXPECT_EQ(where(R"({"name":"a","expression":{"@type":"JsonLdExpression","expressionValue":[1]}})"), "expression.expressionValue");
  EXPECT_EQ(where(R"({"name":"a","expression":{"@type":"NaturalLanguageExpression","expressionValue":""}})"), "expression.expressionValue");
  EXPECT_EQ(where((R"({"name":"a","expression":{"@type":"NaturalLanguageExpression","expressionValue":")" + std::string(4'097, 'x') + "\"}}").c_str()),
            "expression.expressionValue");
  EXPECT_EQ(where((R"({"name":"a","expression":{"@type":"NaturalLanguageExpression","expressionValue":")" + std::string(4'096, 'x') + "\"}}").c_str()), "");
  const auto turtle = wanted(R"({"name":"a","expression":{"@type":"TurtleExpression","expressionValue":"@prefix"}})");
  EXPECT_EQ(turtle.error().code, ErrorCode::kUnsupported);
  const auto message = [](const char* value) {
    const auto read = wanted((R"({"name":"a","expression":{"@type":"JsonLdExpression","expressionValue":)" + std::string(value) + "}}").c_str());
    return intent_message(*read, "city");
  };
  const std::string spec = R"({"spec":)" + std::string(kSpec);
  EXPECT_FALSE(message(R"({"spec":{"nonsense":1}})"));
  EXPECT_FALSE(message((spec + R"(,"metadata":{"name":"b"}})").c_str()));
  EXPECT_FALSE(message((spec + R"(,"metadata":"a"})").c_str()));
  EXPECT_FALSE(message((spec + R"(,"apiVersion":"weir/v2"})").c_str()));
  EXPECT_TRUE(message((spec + R"(,"metadata":{"name":"a"}})").c_str())) << message((spec + R"(,"metadata":{"name":"a"}})").c_str()).error().text();
}

TEST(IntentRequest, IdentifiersAreThereAndBackAgain) {
  EXPECT_EQ(*parse_id("city.cameras"), std::pair(std::string("city"), std::string("cameras")));
  for (const char* bad : {"", "city", ".", "city.", ".cameras", "City.cameras", "city.cameras.1", "city/cameras", "city..cameras"}) EXPECT_FALSE(parse_id(bad)) << bad;
  EXPECT_FALSE(parse_id(std::string(100'000, 'a') + ".b"));
  EXPECT_TRUE(parse_id(std::string(63, 'a') + "." + std::string(63, 'b')));
  EXPECT_FALSE(parse_id(std::string(64, 'a') + "." + std::string(63, 'b')));
}

TEST(HubRequest, NamesEventTypes) {
  const auto hub = parse_hub(R"({"@type":"Hub","callback":"https://x/","query":"eventType=IntentCreateEvent,IntentDeleteEvent&eventType=IntentCreateEvent"})");
  ASSERT_TRUE(hub) << hub.error().text();
  EXPECT_EQ(hub->event_types, (std::vector<std::string>{"IntentCreateEvent", "IntentDeleteEvent"}));
  EXPECT_TRUE(parse_hub(R"({"callback":"https://x/"})")->event_types.empty());
  for (const auto& [text, where] : {std::pair(R"({})", "callback"), std::pair(R"({"callback":1})", "callback"), std::pair(R"({"callback":"x","query":"eventType=Other"})", "query"),
                                    std::pair(R"({"callback":"x","query":"intent.name=a"})", "query"), std::pair(R"({"callback":"x","colour":"red"})", "colour"), std::pair("x", "body")}) {
    const auto bad = parse_hub(text);
    ASSERT_FALSE(bad) << text;
    EXPECT_EQ(bad.error().where, where);
  }
}

TEST(TmfSelection, FieldsPagesAndEqualAttributes) {
  const json::object one = json::parse(R"({"id":"1","href":"/1","name":"a","version":"2","isBundle":false,"@type":"T"})").as_object();
  const auto selection = parse_selection({{"fields", "name,version"}, {"offset", "3"}, {"limit", "1000"}, {"name", "a,b"}, {"isBundle", "false"}}, {"name", "isBundle"}, true);
  ASSERT_TRUE(selection) << selection.error().text();
  EXPECT_EQ(selection->offset, 3u);
  EXPECT_EQ(selection->limit, 1'000u);
  EXPECT_TRUE(matches(one, *selection));
  EXPECT_EQ(selected(one, *selection), json::parse(R"({"id":"1","href":"/1","name":"a","version":"2","@type":"T"})").as_object());
  EXPECT_FALSE(matches(one, *parse_selection({{"name", "b"}}, {"name"}, true)));
  EXPECT_FALSE(matches(one, *parse_selection({{"name", ""}}, {"name"}, true)));
  EXPECT_FALSE(matches(one, *parse_selection({{"colour", "a"}}, {"colour"}, true)));
  for (const Query& bad : {Query{{"limit", "1001"}}, Query{{"limit", "-1"}}, Query{{"limit", ""}}, Query{{"offset", "1x"}}, Query{{"offset", "99999999999999999999"}},
                           Query{{"sort", "name"}}, Query{{"fields", std::string(130, ',') + "a" + [] { std::string s; for (int i = 0; i < 64; ++i) s += ",a"; return s; }()}}}) {
    EXPECT_FALSE(parse_selection(bad, {"name"}, true)) << bad[0].first << bad[0].second;
  }
  EXPECT_FALSE(parse_selection({{"limit", "1"}}, {}, false)) << "of one thing";
  std::string values = "v";
  for (int i = 1; i < 64; ++i) values += ",v";
  EXPECT_TRUE(parse_selection({{"name", values}}, {"name"}, true));
  EXPECT_FALSE(parse_selection({{"name", values + ",v"}}, {"name"}, true));
}

TEST(TmfDocuments, AnIntentIsReadAsItIsShown) {
  const auto sent = intent_message({.name = "cameras", .sentence = {}, .intent = {{"spec", json::parse(kSpec)}, {"metadata", {{"tenant", "city"}}}}}, "other");
  ASSERT_TRUE(sent) << sent.error().text();
  v1::Intent intent = *sent;
  intent.mutable_metadata()->set_generation(3);
  intent.mutable_status()->set_state("running");
  intent.mutable_status()->set_promise_kept(true);
  const json::object shown = intent_document(intent, 1'800'000'000'000'000);
  EXPECT_EQ(shown.at("id"), "city.cameras");
  EXPECT_EQ(shown.at("href"), "/tmf-api/intentManagement/v5/intent/city.cameras");
  EXPECT_EQ(shown.at("lifecycleStatus"), "Active");
  EXPECT_EQ(shown.at("version"), "3");
  EXPECT_EQ(shown.at("lastUpdate"), "2027-01-15T08:00:00Z");
  EXPECT_FALSE(shown.contains("creationDate")) << "of an older generation";
  EXPECT_EQ(shown.at("@type"), "Intent");
  const auto read = parse_intent(shown);
  ASSERT_TRUE(read) << read.error().text();
  const auto message = intent_message(*read, "");
  ASSERT_TRUE(message) << message.error().text();
  EXPECT_EQ(message->spec().SerializeAsString(), intent.spec().SerializeAsString());
  EXPECT_EQ(message->metadata().tenant(), "city");
  intent.mutable_metadata()->set_generation(1);
  EXPECT_EQ(intent_document(intent, 1'800'000'000'000'000).at("creationDate"), "2027-01-15T08:00:00Z");
}

TEST(TmfDocuments, EveryStateHasAName) {
  const std::pair<const char*, const char*> kNames[] = {{"pending", "Acknowledged"}, {"waiting", "Pending"}, {"placed", "InProgress"}, {"refused", "Rejected"},
                                                        {"finished", "Completed"}, {"failed", "Failed"}, {"withdrawn", "Terminated"}};
  for (const auto& [state, name] : kNames) EXPECT_EQ(lifecycle_status(state, false), name);
  EXPECT_EQ(lifecycle_status("running", true), "Active");
  EXPECT_EQ(lifecycle_status("running", false), "Degraded");
}

TEST(TmfDocuments, AnErrorIsTmf630s) {
  const json::object error = error_document({ErrorCode::kInvalid, "is no text", "name", "write one"}, "invalid", 400);
  EXPECT_EQ(error, json::parse(R"({"code":"invalid","reason":"name: is no text","status":"400","referenceError":"urn:weir:error:invalid","@type":"Error","message":"write one"})").as_object());
  const json::object longest = error_document({ErrorCode::kInvalid, std::string(100'000, 'x')}, "invalid", 400);
  EXPECT_LE(longest.at("reason").as_string().size(), 2'003u);
}

}  // namespace
}  // namespace weir::tmf921
