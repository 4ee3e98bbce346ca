#include "service/gateway/console_files.h"

#include <gtest/gtest.h>

#include <array>

namespace weir::gateway {
namespace {

constexpr std::array<ConsoleFile, 2> kFiles = {{{"/assets/main-1a2b.js", "text/javascript", "\"1a2b\"", "packed script"},
                                                {"/index.html", "text/html; charset=utf-8", "\"ffff\"", "packed page"}}};

HttpRequest asking(std::string target) { return {.method = "GET", .target = std::move(target)}; }

TEST(ConsoleFiles, ThePageIsAskedForAgainAndItsAssetsLast) {
  const auto page = console_answer(kFiles, asking("/"));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(page->body, "packed page");
  EXPECT_EQ(page->cache_control, "no-cache");
  EXPECT_NE(page->headers.find("Content-Encoding: gzip\r\n"), std::string::npos);
  EXPECT_NE(page->headers.find("default-src 'self'"), std::string::npos);
  const auto script = console_answer(kFiles, asking("/assets/main-1a2b.js?x=1"));
  ASSERT_TRUE(script);
  EXPECT_EQ(script->content_type, "text/javascript");
  EXPECT_NE(script->cache_control.find("immutable"), std::string::npos);
}

TEST(ConsoleFiles, WhatTheClientHasIsNotSentAgain) {
  HttpRequest request = asking("/index.html");
  for (const char* has : {"\"ffff\"", "\"0000\", W/\"ffff\"", "*"}) {
    request.if_none_match = has;
    const auto answer = console_answer(kFiles, request);
    EXPECT_EQ(answer->status, 304) << has;
    EXPECT_TRUE(answer->body.empty());
    EXPECT_NE(answer->headers.find("ETag: \"ffff\""), std::string::npos);
  }
  request.if_none_match = "\"0000\"";
  EXPECT_EQ(console_answer(kFiles, request)->status, 200);
}

TEST(ConsoleFiles, OtherPathsMethodsAndEncodings) {
  EXPECT_FALSE(console_answer(kFiles, asking("/v1/resources/site")));
  EXPECT_FALSE(console_answer(kFiles, asking("/assets/../index.html")));
  EXPECT_FALSE(console_answer(kFiles, asking("")));
  HttpRequest post = asking("/");
  post.method = "POST";
  EXPECT_EQ(console_answer(kFiles, post)->status, 405);
  HttpRequest plain = asking("/");
  plain.accept_encoding = "identity";
  EXPECT_EQ(console_answer(kFiles, plain)->status, 406);
  plain.accept_encoding = "br, gzip;q=0.8";
  EXPECT_EQ(console_answer(kFiles, plain)->status, 200);
}

TEST(ConsoleFiles, ABuildWithoutTheConsoleSaysSo) {
  const auto answer = console_answer({}, asking("/"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 404);
  EXPECT_NE(answer->body.find("this build has no web console"), std::string::npos);
  EXPECT_FALSE(console_answer({}, asking("/v1/resources/site")));
}

}  // namespace
}  // namespace weir::gateway
