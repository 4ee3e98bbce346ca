#include "infrastructure/http_client/curl_client.h"

#include <gtest/gtest.h>

#include <chrono>

#include "core/ports/public_address.h"
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

TEST(CurlClientTest, OfPublicAddressesAloneItOpensNoOther) {
  ScriptedServer server({ScriptedServer::reply(200, "reached")});
  CurlClient client;
  for (const std::string& url : {server.url("/"), std::string("http://localhost:1/"), std::string("http://[::1]:1/"), std::string("http://2130706433:1/"),
                                 std::string("http://0x7f.1:1/"), std::string("http://[::ffff:10.0.0.1]:1/")}) {
    const auto reply = client.call({.url = url, .timeout_us = 2'000'000, .public_only = true});
    ASSERT_FALSE(reply.has_value()) << url;
    EXPECT_EQ(reply.error().code, ErrorCode::kDenied) << url << reply.error().text();
  }
  EXPECT_TRUE(client.call({.url = server.url("/")}).has_value()) << "nobody had connected before";
}

TEST(CurlClientTest, ACallThatIsGivenUpEndsBeforeItsTime) {
  ScriptedServer server({""});
  const auto begun = std::chrono::steady_clock::now();
  const auto reply = CurlClient().call({.url = server.url("/"), .timeout_us = 600'000'000, .give_up = [] { return true; }});
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(60));
}

TEST(PublicAddress, KnowsWhatIsSomebodysOwn) {
  const auto is = [](const char* text) {
    const auto four = parse_ipv4(text);
    return is_public(four ? mapped(*four) : *Ipv6Address::parse(text));
  };
  for (const char* text : {"0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.255", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.2.1",
                           "192.168.1.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd77::1", "ff02::1",
                           "::ffff:7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1", "2001::1"}) {
    EXPECT_FALSE(is(text)) << text;
  }
  for (const char* text : {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "128.0.0.1", "172.15.255.255", "172.32.0.0", "192.167.255.255",
                           "223.255.255.255", "2606:4700::1111", "2400::1", "64:ff9b::101:101", "2002:101:101::"}) {
    EXPECT_TRUE(is(text)) << text;
  }
  for (const char* text : {"1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4x", "", "1..2.3", "0x7f.0.0.1"}) EXPECT_FALSE(parse_ipv4(text)) << text;
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
