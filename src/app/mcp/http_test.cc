#include "app/mcp/http.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace weir::app::mcp {
namespace {

namespace json = boost::json;

class McpHttp : public ::testing::Test {
 protected:
  static Result<ToolAnswer> echo(const json::object& arguments) { return ToolAnswer{.structured = arguments, .text = "said"}; }
  static HttpRequest post(const std::string& body) {
    HttpRequest out;
    out.method = "POST";
    out.target = "/mcp";
    out.accept = "application/json, text/event-stream";
    out.content_type = "application/json";
    out.body = body;
    return out;
  }
  HttpAnswer say(const HttpRequest& request, const std::string& caller = "alice") {
    if (auto refused = endpoint.refuse(request)) return *refused;
    return endpoint.answer(request, caller, server);
  }
  static std::string header(const HttpAnswer& answer, const std::string& name) {
    for (const auto& [key, value] : answer.headers) {
      if (key == name) return value;
    }
    return "";
  }
  static int64_t code(const HttpAnswer& answer) { return json::parse(answer.body).at("error").at("code").as_int64(); }
  std::string begin(const std::string& caller = "alice", const std::string& revision = "2025-11-25") {
    const HttpAnswer begun = say(post(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":")" + revision + "\"}}"), caller);
    return header(begun, "Mcp-Session-Id");
  }
  static HttpRequest in(const std::string& session, const std::string& method = "tools/list") {
    HttpRequest out = post(R"({"jsonrpc":"2.0","id":2,"method":")" + method + "\"}");
    out.session = session;
    return out;
  }
  static HttpRequest alone(const std::string& method, const std::string& more = "", const std::string& revision = "2026-07-28") {
    HttpRequest out = post(R"({"jsonrpc":"2.0","id":3,"method":")" + method + R"(","params":{)" + more +
                           R"("_meta":{"io.modelcontextprotocol/protocolVersion":")" + revision + R"(","io.modelcontextprotocol/clientCapabilities":{}}}})");
    out.revision = revision;
    out.mcp_method = method;
    return out;
  }

  int64_t now = 1;
  int drawn = 0;
  HttpEndpoint endpoint{{.origins = {"https://desk.example.org"},
                         .clock = [this] { return now; },
                         .draw = [this]() -> Result<std::string> { return "session-" + std::to_string(drawn++); }}};
  Server server{"9.9", "How to.", {{.name = "read", .title = "Read", .about = "Reads.", .input = {{"type", "object"}}, .output = {{"type", "object"}}, .call = echo}}};
};

TEST_F(McpHttp, ASessionFromItsBeginToItsEnd) {
  const std::string session = begin();
  ASSERT_FALSE(session.empty());
  HttpRequest told = post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  told.session = session;
  EXPECT_EQ(say(told).status, 202);
  EXPECT_EQ(say(told).body, "");
  HttpAnswer listed = say(in(session));
  EXPECT_EQ(listed.status, 200);
  EXPECT_EQ(header(listed, "Content-Type"), "application/json");
  EXPECT_EQ(json::parse(listed.body).at("result").at("tools").as_array().size(), 1u);
  HttpRequest other = in(session);
  other.revision = "2025-06-18";
  EXPECT_EQ(say(other).status, 400) << "not what was agreed on";
  other.revision = "2025-11-25";
  EXPECT_EQ(say(other).status, 200);
  other.revision = "1999-01-01";
  EXPECT_EQ(code(say(other)), kUnsupportedRevision);
  other.revision = "2025-11-\x8b";
  EXPECT_EQ(code(say(other)), kHeaderMismatch);
  EXPECT_EQ(say(in(session), "mallory").status, 404) << "another's session is as none";
  HttpRequest end = in(session);
  end.method = "DELETE";
  EXPECT_EQ(say(end, "mallory").status, 404);
  EXPECT_EQ(say(end).status, 204);
  EXPECT_EQ(say(end).status, 404);
  EXPECT_EQ(say(in(session)).status, 404);
  end.session.reset();
  EXPECT_EQ(say(end).status, 400);
  EXPECT_EQ(say(post(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})")).status, 400) << "no session";
}

TEST_F(McpHttp, SessionsAreBounded) {
  for (size_t i = 0; i < kSessionsPerCallerMax; ++i) ASSERT_FALSE(begin("alice").empty()) << i;
  EXPECT_EQ(begin("alice"), "");
  for (size_t i = kSessionsPerCallerMax; i < kSessionsMax; ++i) ASSERT_FALSE(begin("caller " + std::to_string(i)).empty()) << i;
  EXPECT_EQ(endpoint.sessions(), kSessionsMax);
  EXPECT_EQ(begin("bob"), "");
  EXPECT_EQ(say(post(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})"), "bob").status, 503);
  now += kSessionIdleUs;
  EXPECT_EQ(begin("bob"), "") << "idle for as long as may be";
  EXPECT_EQ(say(in("session-0")).status, 200);
  now += 1;
  EXPECT_EQ(say(in("session-1")).status, 404) << "idle for longer";
  EXPECT_NE(begin("bob"), "");
  EXPECT_EQ(endpoint.sessions(), 2u) << "the one that was used, and the new one";
}

TEST_F(McpHttp, WhoMayAskAndHow) {
  HttpRequest request = alone("tools/list");
  request.origin = "https://evil.example";
  EXPECT_EQ(say(request).status, 403);
  request.origin = "null";
  EXPECT_EQ(say(request).status, 403);
  request.origin = "https://desk.example.org";
  EXPECT_EQ(say(request).status, 200);
  request.target = "/mcp?x=1";
  EXPECT_EQ(say(request).status, 200);
  request.target = "/mcpx";
  EXPECT_EQ(say(request).status, 404);
  request.target = "/mcp";
  for (const char* method : {"GET", "PUT", "HEAD", "OPTIONS"}) {
    request.method = method;
    EXPECT_EQ(say(request).status, 405) << method;
    EXPECT_EQ(header(say(request), "Allow"), "POST, DELETE");
  }
  request.method = "POST";
  for (const char* accept : {"", "application/json", "text/event-stream", "application/json;q=1, text/html", "applicationxjson, text/event-stream"}) {
    request.accept = accept;
    EXPECT_EQ(say(request).status, 406) << accept;
  }
  for (const char* accept : {"*/*", "text/event-stream,application/json", " Application/JSON ; q=0.5 , text/*"}) {
    request.accept = accept;
    EXPECT_EQ(say(request).status, 200) << accept;
  }
  for (const char* type : {"", "text/plain", "application/jsonx", "application/x-www-form-urlencoded"}) {
    request.content_type = type;
    EXPECT_EQ(say(request).status, 415) << type;
  }
  request.content_type = "Application/JSON; charset=utf-8";
  EXPECT_EQ(say(request).status, 200);
  request.body = "{";
  EXPECT_EQ(say(request).status, 400);
  EXPECT_EQ(code(say(request)), kParseError);
}

TEST_F(McpHttp, RequestsThatStandAlone) {
  const HttpAnswer found = say(alone("server/discover"));
  EXPECT_EQ(found.status, 200);
  const json::value about = json::parse(found.body).at("result");
  EXPECT_EQ(about.at("supportedVersions").at(0), "2026-07-28");
  EXPECT_EQ(about.at("resultType"), "complete");
  EXPECT_EQ(about.at("cacheScope"), "public");
  EXPECT_GT(about.at("ttlMs").as_int64(), 0);
  EXPECT_EQ(about.at("_meta").at("io.modelcontextprotocol/serverInfo").at("name"), "weir");
  EXPECT_EQ(header(found, "Mcp-Session-Id"), "");
  HttpRequest call = alone("tools/call", R"("name":"read","arguments":{"a":1},)");
  EXPECT_EQ(code(say(call)), kHeaderMismatch) << "no Mcp-Name";
  for (const char* name : {"read", "=?base64?cmVhZA==?="}) {
    call.mcp_name = name;
    const HttpAnswer done = say(call);
    EXPECT_EQ(done.status, 200) << name;
    EXPECT_EQ(json::parse(done.body).at("result").at("structuredContent"), (json::value{{"a", 1}}));
  }
  for (const char* name : {"Read", "=?base64?cmVhZA?=", "=?base64?c===?=", "r\xc3\xa9" "ad", ""}) {
    call.mcp_name = name;
    EXPECT_EQ(say(call).status, 400) << name;
    EXPECT_EQ(code(say(call)), kHeaderMismatch) << name;
  }
  HttpRequest request = alone("tools/list");
  request.mcp_method = "tools/call";
  EXPECT_EQ(code(say(request)), kHeaderMismatch);
  request.mcp_method.reset();
  EXPECT_EQ(code(say(request)), kHeaderMismatch);
  request = alone("tools/list");
  request.revision.reset();
  EXPECT_EQ(code(say(request)), kHeaderMismatch);
  request.revision = "2025-11-25";
  EXPECT_EQ(code(say(request)), kHeaderMismatch);
  request = alone("tools/list", "", "1900-01-01");
  EXPECT_EQ(say(request).status, 400);
  EXPECT_EQ(json::parse(say(request).body).at("error").at("data").at("requested"), "1900-01-01");
  EXPECT_EQ(code(say(alone("tools/list", "", "2025-11-25"))), kUnsupportedRevision) << "that one has a handshake";
  // What was there before is not there any more.
  for (const char* method : {"ping", "initialize", "subscriptions/listen", "resources/list"}) {
    EXPECT_EQ(say(alone(method)).status, 404) << method;
    EXPECT_EQ(code(say(alone(method))), kMethodNotFound) << method;
  }
  request = alone("tools/list");
  request.body = R"({"jsonrpc":"2.0","id":3,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}})";
  EXPECT_EQ(say(request).status, 400) << "no capabilities";
  EXPECT_EQ(code(say(request)), kInvalidParams);
  EXPECT_EQ(endpoint.sessions(), 0u);
}

TEST_F(McpHttp, TokensAreTakenFromTheirHeader) {
  const auto token = [](const std::string& value) {
    HttpRequest request;
    request.authorization = value;
    return bearer_of(request).value_or("");
  };
  EXPECT_EQ(token("Bearer abc"), "abc");
  EXPECT_EQ(token("bearer abc"), "abc");
  for (const std::string value : {"", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearer a\r\nx: y", "Bearer \xff"}) EXPECT_EQ(token(value), "") << value;
  EXPECT_NE(token("Bearer " + std::string(4096 - 7, 'x')), "");
  EXPECT_EQ(token("Bearer " + std::string(4096 - 6, 'x')), "");
  EXPECT_FALSE(bearer_of(HttpRequest{}));
}

}  // namespace
}  // namespace weir::app::mcp
