#include "infrastructure/http_client/curl_client.h"

#include <gtest/gtest.h>

#include "infrastructure/http_client/scripted_server.h"

namespace weir {
namespace {

TEST(CurlClientTest, SendsWhatIsAskedAndBringsTheReply) {
  ScriptedServer server({ScriptedServer::reply(201, "made", "X-Kind:  test \r\n")});
  const auto reply = CurlClient().call({.method = "POST",
                                        .url = server.url("/things?x=1"),
                                        .headers = {{"Content-Type", "application/json"}, {"Empty", ""}},
                                        .body = R"({"a":1})"});
  ASSERT_TRUE(reply.has_value()) << reply.error().text();
  EXPECT_EQ(reply->status, 201);
  EXPECT_EQ(reply->body, "made");
  ASSERT_NE(reply->header("x-kind"), nullptr);
  EXPECT_EQ(*reply->header("x-kind"), "test");
  const std::vector<std::string> asked = server.asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_TRUE(asked[0].starts_with("POST /things?x=1 HTTP/1.1\r\n")) << asked[0];
  EXPECT_NE(asked[0].find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(asked[0].find("Empty:\r\n"), std::string::npos);
  EXPECT_TRUE(asked[0].ends_with("\r\n\r\n{\"a\":1}")) << asked[0];
}

TEST(CurlClientTest, AnErrorOfTheServerAndARedirectAreReplies) {
  ScriptedServer server({ScriptedServer::reply(500, "broken"), ScriptedServer::reply(302, "", "Location: http://127.0.0.1:1/\r\n")});
  CurlClient client;
  const auto broken = client.call({.url = server.url("/")});
  ASSERT_TRUE(broken.has_value());
  EXPECT_EQ(broken->status, 500);
  const auto elsewhere = client.call({.url = server.url("/")});
  ASSERT_TRUE(elsewhere.has_value());
  EXPECT_EQ(elsewhere->status, 302);
}

TEST(CurlClientTest, AReplyMayBeAsLongAsAllowedAndNoLonger) {
  ScriptedServer server({ScriptedServer::reply(200, std::string(1'000, 'x')), ScriptedServer::reply(200, std::string(1'001, 'x'))});
  CurlClient client;
  const HttpCall call{.url = server.url("/"), .reply_bytes_max = 1'000};
  const auto fits = client.call(call);
  ASSERT_TRUE(fits.has_value()) << fits.error().text();
  EXPECT_EQ(fits->body.size(), 1'000u);
  const auto longer = client.call(call);
  ASSERT_FALSE(longer.has_value());
  EXPECT_EQ(longer.error().code, ErrorCode::kExhausted);
}

TEST(CurlClientTest, SilenceEndsAtTheTimeAllowed) {
  ScriptedServer server({""});
  const auto reply = CurlClient().call({.url = server.url("/"), .timeout_us = 50'000});
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
}

TEST(CurlClientTest, HalfAReplyIsNone) {
  ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"});
  const auto reply = CurlClient().call({.url = server.url("/")});
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
}

TEST(CurlClientTest, NobodyListening) {
  std::string url;
  {
    ScriptedServer gone({});
    url = gone.url("/");
  }
  const auto reply = CurlClient().call({.url = url});
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
}

TEST(CurlClientTest, OtherAddressesAndSmuggledLinesAreRefused) {
  CurlClient client;
  for (const char* url : {"", "file:///etc/passwd", "gopher://x/", "http://a b/", "http://a/\r\nX: y"}) {
    const auto reply = client.call({.url = url});
    ASSERT_FALSE(reply.has_value()) << url;
    EXPECT_EQ(reply.error().code, ErrorCode::kInvalid) << url;
  }
  const auto header = client.call({.url = "http://127.0.0.1:1/", .headers = {{"A", "b\r\nC: d"}}});
  ASSERT_FALSE(header.has_value());
  EXPECT_EQ(header.error().code, ErrorCode::kInvalid);
  const auto method = client.call({.method = "GET /\r\n", .url = "http://127.0.0.1:1/"});
  ASSERT_FALSE(method.has_value());
  EXPECT_EQ(method.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace weir
