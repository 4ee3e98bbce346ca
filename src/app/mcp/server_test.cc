#include "app/mcp/server.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "app/mcp/lines.h"

namespace weir::app::mcp {
namespace {

namespace json = boost::json;

class McpServer : public ::testing::Test {
 protected:
  json::value said(const std::string& message) {
    const auto answer = server.answer(message, session).text;
    if (!answer) return nullptr;
    EXPECT_EQ(answer->find('\n'), std::string::npos);
    return json::parse(*answer);
  }
  json::value result(const std::string& method, const std::string& params = "{}") {
    const json::value answer = said(R"({"jsonrpc":"2.0","id":7,"method":")" + method + R"(","params":)" + params + "}");
    EXPECT_EQ(answer.at("id"), 7);
    EXPECT_TRUE(answer.as_object().contains("result")) << answer;
    return answer.as_object().contains("result") ? answer.at("result") : json::object();
  }
  int64_t code(const std::string& message) {
    const json::value answer = said(message);
    EXPECT_TRUE(answer.is_object() && answer.as_object().contains("error")) << answer;
    EXPECT_FALSE(answer.at("error").at("message").as_string().empty());
    return answer.at("error").at("code").as_int64();
  }
  json::value begin(const std::string& revision = "2025-11-25") {
    return result("initialize", R"({"protocolVersion":")" + revision + R"(","capabilities":{},"clientInfo":{"name":"test","version":"1"}})");
  }

  static Result<ToolAnswer> echo(const json::object& arguments) {
    if (arguments.contains("fail")) return fail(ErrorCode::kNotFound, "no such thing", "echo", "name another");
    if (const auto* size = arguments.if_contains("size")) return ToolAnswer{.structured = {{"x", std::string(size->to_number<size_t>(), 'x')}}};
    return ToolAnswer{.structured = arguments, .text = "said", .refused = arguments.contains("refuse")};
  }
  Session session;
  Server server{"9.9", "How to.",
                {{.name = "read", .title = "Read", .about = "Reads.", .input = {{"type", "object"}}, .output = {{"type", "object"}}, .call = echo},
                 {.name = "end", .title = "End", .about = "Ends.", .input = {{"type", "object"}}, .output = {{"type", "object"}}, .changes = true, .destroys = true, .call = echo}}};
};

TEST_F(McpServer, AgreesOnARevision) {
  for (const char* revision : {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}) {
    Server fresh("9.9", "How to.", {});
    Session begun_with;
    const auto answer = fresh.answer(std::string(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":")") + revision + "\"}}", begun_with).text;
    ASSERT_TRUE(answer);
    const json::value begun = json::parse(*answer).at("result");
    EXPECT_EQ(begun.at("protocolVersion"), revision);
    EXPECT_EQ(begun.at("serverInfo").at("version"), "9.9");
    EXPECT_EQ(begun.at("instructions"), "How to.");
    EXPECT_TRUE(begun.at("capabilities").as_object().contains("tools"));
  }
}

TEST_F(McpServer, ProposesItsNewestWhereTheOtherIsNotKnown) {
  EXPECT_EQ(begin("2099-01-01").at("protocolVersion"), "2025-11-25");
}

TEST_F(McpServer, NothingButPingBeforeTheSessionHasBegun) {
  EXPECT_EQ(result("ping"), json::object());
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})"), -32600);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{}})"), -32602);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":3}})"), -32602);
  begin();
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})"), -32600);
}

TEST_F(McpServer, NullIsNoParams) {
  begin();
  EXPECT_EQ(result("ping", "null"), json::object());
  EXPECT_TRUE(result("tools/list", "null").as_object().contains("tools"));
  for (const char* params : {"[]", "3", "\"x\"", "false"}) {
    EXPECT_EQ(code(std::string(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":)") + params + "}"), -32602) << params;
  }
}

TEST_F(McpServer, ARequestThatSaysItsRevisionStandsAlone) {
  const auto alone = [](const std::string& method, const std::string& revision = "\"2026-07-28\"") {
    return R"({"jsonrpc":"2.0","id":7,"method":")" + method + R"(","params":{"name":"read","arguments":{"a":1},"_meta":{"io.modelcontextprotocol/protocolVersion":)" + revision +
           R"(,"io.modelcontextprotocol/clientCapabilities":{}}}})";
  };
  EXPECT_EQ(said(alone("tools/call")).at("result").at("structuredContent"), (json::value{{"a", 1}}));
  EXPECT_EQ(said(alone("tools/call")).at("result").at("resultType"), "complete");
  EXPECT_TRUE(said(alone("tools/list")).at("result").as_object().contains("ttlMs"));
  EXPECT_EQ(said(alone("server/discover")).at("result").at("instructions"), "How to.");
  EXPECT_EQ(code(alone("ping")), kMethodNotFound);
  EXPECT_EQ(code(alone("tools/call", "\"2025-11-25\"")), kUnsupportedRevision);
  EXPECT_EQ(code(alone("tools/call", "3")), kInvalidParams);
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":7,"method":"server/discover"})"), kInvalidParams) << "a probe is answered, not left to wait";
  EXPECT_TRUE(session.revision.empty()) << "nothing was agreed on";
  // Beside a session that has begun.
  begin();
  EXPECT_FALSE(result("tools/list").as_object().contains("resultType"));
  EXPECT_TRUE(said(alone("tools/list")).at("result").as_object().contains("resultType"));
}

TEST_F(McpServer, MessagesThatAreNoneAreRefusedByTheirCode) {
  begin();
  for (const char* text : {"", "{", "nonsense", "{}{}", "\xff", "{\"a\":\"\xff\"}"}) EXPECT_EQ(code(text), -32700) << text;
  EXPECT_EQ(code(std::string(40, '[') + std::string(40, ']')), -32700) << "too deep";
  for (const char* text : {"[]", "[{}]", "3", "null", "{}", R"({"jsonrpc":"1.0","id":1,"method":"ping"})", R"({"jsonrpc":"2.0","id":1})",
                           R"({"jsonrpc":"2.0","id":1,"method":3})", R"({"jsonrpc":"2.0","id":null,"method":"ping"})", R"({"jsonrpc":"2.0","id":{},"method":"ping"})",
                           R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})"}) {
    EXPECT_EQ(code(text), -32600) << text;
  }
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"resources/list"})"), -32601);
  for (const char* text : {R"("params":[])", R"("params":3)", R"("params":{})", R"("params":{"name":3})", R"("params":{"name":"none"})",
                           R"("params":{"name":"read","arguments":[]})", R"("params":{"name":"read","arguments":null})"}) {
    EXPECT_EQ(code(std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/call",)") + text + "}"), -32602) << text;
  }
  EXPECT_EQ(code(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}})"), -32602);
  EXPECT_EQ(said(R"({"jsonrpc":"2.0","id":"a-b","method":"none"})").at("id"), "a-b");
  EXPECT_EQ(json::parse(Server::too_long()).at("error").at("code"), -32600);
}

TEST_F(McpServer, NotificationsAndAnswersAreNotAnswered) {
  for (const char* text : {R"({"jsonrpc":"2.0","method":"notifications/initialized"})", R"({"jsonrpc":"2.0","method":"tools/call","params":[]})",
                           R"({"jsonrpc":"2.0","id":1,"result":{}})", R"({"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}})"}) {
    EXPECT_FALSE(server.answer(text, session).text) << text;
  }
}

TEST_F(McpServer, ToolsAreListedAsTheRevisionHasThem) {
  begin();
  const json::array tools = result("tools/list").at("tools").as_array();
  ASSERT_EQ(tools.size(), 2u);
  EXPECT_EQ(tools[0].at("annotations"), (json::value{{"title", "Read"}, {"readOnlyHint", true}, {"openWorldHint", false}}));
  EXPECT_EQ(tools[1].at("annotations").at("destructiveHint"), true);
  EXPECT_TRUE(tools[0].as_object().contains("outputSchema"));
}

TEST_F(McpServer, AnOldRevisionIsToldNothingNew) {
  begin("2024-11-05");
  const json::object tool = result("tools/list").at("tools").at(0).as_object();
  EXPECT_FALSE(tool.contains("outputSchema") || tool.contains("annotations") || tool.contains("title"));
  EXPECT_FALSE(result("tools/call", R"({"name":"read","arguments":{"a":1}})").as_object().contains("structuredContent"));
  EXPECT_EQ(code("[]"), -32600);
}

TEST_F(McpServer, BatchesWhereTheRevisionHasThem) {
  begin("2025-03-26");
  const json::value both = said(R"([{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"},{"jsonrpc":"2.0","id":2,"method":"none"},3])");
  ASSERT_EQ(both.as_array().size(), 3u);
  EXPECT_EQ(both.at(0).at("id"), 1);
  EXPECT_EQ(both.at(1).at("error").at("code"), -32601);
  EXPECT_EQ(both.at(2).at("error").at("code"), -32600);
  EXPECT_FALSE(server.answer(R"([{"jsonrpc":"2.0","method":"x"}])", session).text);
  const auto batch = [](size_t size) {
    std::string out = "[";
    for (size_t i = 0; i < size; ++i) out += std::string(i == 0 ? "" : ",") + R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
    return out + "]";
  };
  EXPECT_EQ(said(batch(kBatchMax)).as_array().size(), kBatchMax);
  EXPECT_EQ(code(batch(kBatchMax + 1)), -32600);
  EXPECT_EQ(code("[]"), -32600);
}

TEST_F(McpServer, AToolsAnswerIsStructuredAndText) {
  begin();
  const json::value done = result("tools/call", R"({"name":"read","arguments":{"a":1}})");
  EXPECT_EQ(done.at("structuredContent"), (json::value{{"a", 1}}));
  EXPECT_EQ(done.at("content").at(0).at("text"), "said");
  EXPECT_EQ(done.at("content").at(1).at("text"), "{\"a\":1}");
  EXPECT_EQ(done.at("isError"), false);
  EXPECT_EQ(result("tools/call", R"({"name":"read","arguments":{"refuse":1}})").at("isError"), true);
  const json::value failed = result("tools/call", R"({"name":"read","arguments":{"fail":1}})");
  EXPECT_EQ(failed.at("isError"), true);
  EXPECT_EQ(failed.at("content").at(0).at("text"), "echo: no such thing; name another");
  EXPECT_FALSE(failed.as_object().contains("structuredContent"));
  // {"x":""} is 8 bytes.
  const auto sized = [&](size_t size) {
    return result("tools/call", R"({"name":"read","arguments":{"size":)" + std::to_string(size - 8) + "}}").at("isError").as_bool();
  };
  EXPECT_FALSE(sized(kAnswerBytesMax - 1));
  EXPECT_FALSE(sized(kAnswerBytesMax));
  EXPECT_TRUE(sized(kAnswerBytesMax + 1));
}

TEST(McpLines, AreCutHoweverTheyCome) {
  const std::string text = "one\n\ntwo\r\n" + std::string(8, 'x') + "\n" + std::string(9, 'y') + "\nlast\nrest";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    std::vector<std::string> got;
    Lines lines(8);
    for (size_t at = 0; at < text.size(); at += piece) {
      lines.take(std::string_view(text).substr(at, piece), [&](std::optional<std::string_view> line) { got.emplace_back(line.value_or("too long")); });
    }
    EXPECT_EQ(got, (std::vector<std::string>{"one", "", "two", std::string(8, 'x'), "too long", "last"})) << piece;
  }
}

}  // namespace
}  // namespace weir::app::mcp
