// The tools for models against a brain in this process.
#include "app/mcp_tools.h"

#include <set>

#include "app/command_test.h"
#include "service/gateway/test_schema.h"

namespace weir::app {
namespace {

namespace json = boost::json;

class McpTools : public CommandTest {
 protected:
  void begin(const char* context = "op") {
    serve();
    auto opened = Client::open({.context = context});
    ASSERT_TRUE(opened) << opened.error().text();
    client.emplace(std::move(*opened));
  }
  const mcp::Tool& tool(const std::string& name) const {
    return *std::find_if(tools.begin(), tools.end(), [&](const mcp::Tool& each) { return each.name == name; });
  }
  // What the tool says, if both its arguments and its answer are as its schemas say.
  Result<mcp::ToolAnswer> call(const std::string& name, const json::value& arguments) {
    const mcp::Tool& of = tool(name);
    EXPECT_EQ(gateway::SchemaCheck(of.input).fault(arguments, of.input), "") << name;
    auto out = of.call(arguments.as_object());
    EXPECT_EQ(out ? gateway::SchemaCheck(of.output).fault(out->structured, of.output) : "", "") << name;
    return out;
  }
  std::string refused(const std::string& name, const json::value& arguments) {
    const auto out = tool(name).call(arguments.as_object());
    return out ? "" : out.error().text();
  }
  size_t intents() const { return brain.durable()->intent_count(); }

  std::optional<Client> client;
  std::vector<mcp::Tool> tools = brain_tools([this]() -> Result<Client*> {
    if (!client) return fail(ErrorCode::kUnavailable, "no brain is known", "context.toml");
    return &*client;
  });
};

constexpr const char* kYaml = R"(apiVersion: weir/v1
kind: Intent
metadata: {name: doors, tenant: city}
spec:
  from: [{site: street, streams: 2}]
  workload:
    service: {artifact: detector, port: 8080, cpu: "1", memory: 256Mi}
    traffic: {up: 1Mbps, down: 50kbps, requests_per_second: "2", work_per_request: 30ms@reference-core}
  promise: {latency: 500ms, percentile: "99"}
)";

TEST_F(McpTools, TheirSchemasStandOnTheirOwn) {
  std::set<std::string> names;
  size_t bytes = 0;
  for (const mcp::Tool& each : tools) {
    SCOPED_TRACE(each.name);
    EXPECT_TRUE(names.insert(each.name).second);
    EXPECT_FALSE(each.title.empty() || each.about.empty());
    for (const json::object* schema : {&each.input, &each.output}) {
      EXPECT_EQ(schema->at("type"), "object");
      const gateway::SchemaCheck check(*schema);
      gateway::each_reference(*schema, [&](const json::string& reference) { EXPECT_NE(check.resolve(reference), nullptr) << reference; });
      bytes += json::serialize(*schema).size();
    }
    if (const json::value* required = each.input.if_contains("required")) {
      for (const json::value& name : required->as_array()) EXPECT_TRUE(each.input.at("properties").as_object().contains(name.as_string())) << name;
    }
  }
  EXPECT_EQ(names.size(), 8u);
  EXPECT_LT(bytes, 300'000u) << "a model reads all of it";
  const std::string input = json::serialize(tool("apply_resources").input);
  EXPECT_EQ(input.find("Status"), std::string::npos) << "what is only ever read";
  EXPECT_EQ(input.find("PlanView"), std::string::npos);
  EXPECT_NE(input.find("\"Intent.Spec\""), std::string::npos);
}

TEST_F(McpTools, ReadWhatThereIs) {
  begin();
  submit();
  auto got = call("list_resources", {{"kind", "site"}, {"page_size", 2}});
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->structured.at("items").as_array().size(), 2u);
  EXPECT_TRUE(got->structured.contains("nextPageToken"));
  got = call("get_resource", {{"kind", "intent"}, {"name", "cameras"}, {"tenant", "city"}});
  EXPECT_EQ(got->structured.at("resource").at("intent").at("status").at("state"), "placed");
  got = call("explain", {{"intent", "cameras"}, {"tenant", "city"}});
  EXPECT_NE(got->text.find("Why not elsewhere"), std::string::npos) << got->text;
  got = call("explain", {{"intent", "cameras"}, {"tenant", "city"}, {"what_if", {"promise.latency=1ms"}}});
  EXPECT_TRUE(got->structured.contains("whatIf"));
  got = call("ask", {{"dialogue", {{{"text", "2 cameras in street, within 500 ms"}}}}, {"tenant", "city"}});
  EXPECT_EQ(got->structured.at("language"), "en");
  EXPECT_FALSE(got->text.empty());
  got = call("prove", {{"position", 3}});
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_NE(got->text.find("Checked: record 3"), std::string::npos);
  EXPECT_TRUE(call("prove", {{"position", "3"}, {"size", "5"}}));
}

TEST_F(McpTools, NothingChangesWithoutApproval) {
  begin();
  auto got = call("plan_resources", {{"yaml", kYaml}});
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->text.find("Intent city/doors would be created"), 0u) << got->text;
  EXPECT_NE(got->text.find("hub"), std::string::npos) << got->text;
  got = call("apply_resources", {{"yaml", kYaml}});
  EXPECT_FALSE(got->refused);
  got = call("apply_resources", {{"yaml", kYaml}, {"approve", true}});
  EXPECT_FALSE(got->refused) << "a dry run all the same";
  got = call("apply_resources", {{"yaml", kYaml}, {"dry_run", false}});
  EXPECT_TRUE(got->refused);
  EXPECT_NE(got->text.find("Nothing was applied"), std::string::npos);
  EXPECT_FALSE(got->structured.contains("applied"));
  EXPECT_EQ(intents(), 0u);
  got = call("apply_resources", {{"yaml", kYaml}, {"dry_run", false}, {"approve", true}});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->structured.at("applied").at("results").at(0).at("action"), "created");
  EXPECT_LT(got->text.find("would be created"), got->text.find("It was applied:\nIntent city/doors created")) << got->text;
  EXPECT_EQ(intents(), 1u);
  // As a list, as get_resource shows it.
  const json::value read = call("get_resource", {{"kind", "intent"}, {"name", "doors"}, {"tenant", "city"}})->structured.at("resource");
  json::object again = read.as_object();
  again.at("intent").as_object().erase("status");
  got = call("plan_resources", {{"resources", {again}}});
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->structured.at("changes").at("results").at(0).at("action"), "unchanged");

  const json::value doors = {{"kind", "intent"}, {"name", "doors"}, {"tenant", "city"}};
  got = call("withdraw", doors);
  EXPECT_NE(got->text.find("Nothing was withdrawn"), std::string::npos);
  EXPECT_EQ(got->structured.at("resource").at("intent").at("metadata").at("name"), "doors");
  EXPECT_TRUE(call("get_resource", doors));
  json::object approved = doors.as_object();
  approved["approve"] = true;
  got = call("withdraw", approved);
  EXPECT_TRUE(got->structured.contains("withdrawn"));
  EXPECT_NE(refused("get_resource", doors), "");
}

TEST_F(McpTools, WhatIsWrongIsSaidInWords) {
  EXPECT_NE(refused("get_resource", {{"kind", "site"}, {"name", "hub"}}).find("no brain is known"), std::string::npos);
  begin("city");
  const auto expect = [&](const char* name, const json::value& arguments, const char* words) {
    EXPECT_NE(refused(name, arguments).find(words), std::string::npos) << name << ": " << refused(name, arguments);
  };
  expect("get_resource", {{"kind", "site"}, {"nmae", "hub"}}, "nmae");
  expect("get_resource", {{"kind", 3}, {"name", "hub"}}, "kind");
  expect("get_resource", {{"kind", "site"}, {"name", "nowhere"}}, "nowhere");
  expect("list_resources", {{"kind", "castle"}}, "castle");
  expect("list_resources", {{"kind", "site"}, {"page_size", -1}}, "page_size");
  expect("apply_resources", {{"yaml", kYaml}, {"approve", "yes"}}, "approve");
  expect("apply_resources", {{"yaml", kYaml}, {"dry_run", 0}}, "dry_run");
  expect("apply_resources", {{"yaml", 3}}, "yaml");
  expect("plan_resources", {{"yaml", "kind: Intent\nspecs: 3\n"}}, "specs");
  expect("plan_resources", json::object(), "resource");
  expect("withdraw", {{"kind", "intent"}, {"name", "nobody"}, {"approve", true}}, "nobody");
  expect("withdraw", {{"kind", "intent"}, {"name", "nobody"}, {"approve", 1}}, "approve");
  // Of another kind nothing is shown as what would end.
  for (const char* kind : {"site", "tenant", "intents", ""}) expect("withdraw", {{"kind", kind}, {"name", "hub"}}, "nothing that can be withdrawn");
  expect("explain", {{"intent", "nobody"}}, "nobody");
  expect("prove", {{"position", "many"}}, "position");
  expect("prove", {{"position", 1'000'000}}, "");
  EXPECT_EQ(intents(), 0u);
}

}  // namespace
}  // namespace weir::app
