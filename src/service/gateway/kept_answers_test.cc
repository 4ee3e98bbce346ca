#include "service/gateway/kept_answers.h"

#include <gtest/gtest.h>

namespace weir::gateway {
namespace {

HttpResponse said(std::string body) { return {.body = std::move(body)}; }

// The body answered before, or what is refused; empty: it begins.
class Keeper {
 public:
  explicit Keeper(const KeptLimits& limits) : kept(limits) {}
  std::string ask(const std::string& subject, const std::string& key, const std::string& fingerprint = "f", TimeUs now = 0) {
    const auto begun = kept.begin(subject, key, fingerprint, now);
    if (!begun) return begun.error().what;
    ticket = begun->ticket;
    return begun->before ? begun->before->body : "";
  }
  void done(const std::string& subject, const std::string& key, const std::string& body, TimeUs now = 0) {
    ASSERT_EQ(ask(subject, key, "f", now), "");
    kept.end(ticket, said(body));
  }
  KeptAnswers kept;
  uint64_t ticket = 0;
};

TEST(IdempotencyKey, IsAShortTextInQuotesOrWithout) {
  EXPECT_EQ(parse_idempotency_key("a-1"), "a-1");
  EXPECT_EQ(parse_idempotency_key("\"a-1\""), "a-1");
  EXPECT_EQ(parse_idempotency_key(std::string(254, 'x'))->size(), 254u);
  EXPECT_EQ(parse_idempotency_key(std::string(255, 'x'))->size(), 255u);
  EXPECT_EQ(parse_idempotency_key("\"" + std::string(255, 'x') + "\"")->size(), 255u);
  EXPECT_FALSE(parse_idempotency_key(std::string(256, 'x')));
  EXPECT_FALSE(parse_idempotency_key("\"" + std::string(256, 'x') + "\""));
  for (const char* wrong : {"", "\"\"", "\"", "a b", "a\tb", "a\"b", "\"a", "a\\", "\x7f", "\xc3\xa9"}) EXPECT_FALSE(parse_idempotency_key(wrong)) << wrong;
}

TEST(KeptAnswers, TheFirstAnswerIsGivenAgain) {
  Keeper keeper({});
  EXPECT_EQ(keeper.ask("city", "1"), "");
  const uint64_t first = keeper.ticket;
  EXPECT_EQ(keeper.ask("city", "1"), "the request of this key is still being answered");
  EXPECT_EQ(keeper.ask("city", "1", "g"), "was used for another request");
  EXPECT_EQ(keeper.ask("rival", "1", "g"), "") << "another subject's keys are its own";
  keeper.kept.end(first, said("done"));
  EXPECT_EQ(keeper.ask("city", "1"), "done");
  EXPECT_EQ(keeper.ask("city", "1", "g"), "was used for another request");
}

TEST(KeptAnswers, WhatIsNotKeptLeavesTheKeyFree) {
  Keeper keeper({});
  EXPECT_EQ(keeper.ask("city", "1"), "");
  keeper.kept.end(keeper.ticket, std::nullopt);
  EXPECT_EQ(keeper.kept.keys(), 0u);
  EXPECT_EQ(keeper.ask("city", "1", "g"), "");
  keeper.kept.end(12'345, said("of no request"));
  EXPECT_EQ(keeper.kept.bytes(), 0u);
}

TEST(KeptAnswers, AgeIsBounded) {
  Keeper keeper({.age_us_max = 100});
  keeper.done("city", "1", "done", 50);
  EXPECT_EQ(keeper.ask("city", "1", "f", 149), "done");
  EXPECT_EQ(keeper.ask("city", "1", "f", 150), "");
  const uint64_t late = keeper.ticket;
  EXPECT_EQ(keeper.ask("city", "1", "f", 250), "") << "what is never answered holds its key no longer";
  keeper.kept.end(late, said("late"));
  EXPECT_EQ(keeper.kept.bytes(), 0u);
  EXPECT_EQ(keeper.kept.keys(), 1u);
}

TEST(KeptAnswers, KeysOfASubjectAreBounded) {
  Keeper keeper({.keys_per_subject_max = 2});
  keeper.done("city", "1", "one");
  keeper.done("city", "2", "two");
  EXPECT_EQ(keeper.ask("city", "1"), "one");
  EXPECT_EQ(keeper.ask("city", "3"), "") << "in place of the oldest";
  EXPECT_EQ(keeper.ask("city", "2"), "two");
  EXPECT_EQ(keeper.ask("city", "1"), "") << "in place of 2: 3 is being answered";
  EXPECT_EQ(keeper.ask("city", "4"), "too many requests with keys are being answered");
  EXPECT_EQ(keeper.ask("rival", "4"), "");
  EXPECT_EQ(keeper.kept.keys(), 3u);
}

TEST(KeptAnswers, KeysOfAllAreBounded) {
  Keeper keeper({.keys_max = 2});
  keeper.done("city", "1", "one");
  keeper.done("rival", "1", "two");
  EXPECT_EQ(keeper.ask("city", "2"), "") << "in place of the oldest of all";
  EXPECT_EQ(keeper.ask("rival", "1"), "two");
  EXPECT_EQ(keeper.ask("rival", "2"), "");
  EXPECT_EQ(keeper.ask("third", "1"), "too many requests with keys are being answered");
  EXPECT_EQ(keeper.kept.keys(), 2u);
}

TEST(KeptAnswers, BytesAreBounded) {
  Keeper keeper({.bytes_per_subject_max = 10, .bytes_max = 15});
  keeper.done("city", "1", "12345");
  keeper.done("city", "2", "12345");
  EXPECT_EQ(keeper.kept.bytes(), 10u);
  EXPECT_EQ(keeper.ask("city", "1"), "12345") << "as many as may be";
  keeper.done("city", "3", "1");
  EXPECT_EQ(keeper.kept.bytes(), 6u) << "the oldest of the subject went";
  keeper.done("rival", "1", "123456789");
  EXPECT_EQ(keeper.kept.bytes(), 15u);
  keeper.done("third", "1", "1");
  EXPECT_EQ(keeper.kept.bytes(), 11u) << "the oldest of all went";
  EXPECT_EQ(keeper.ask("city", "3"), "1");
  keeper.done("fourth", "1", "12345678901");
  EXPECT_EQ(keeper.kept.bytes(), 11u) << "one that is too large is not kept";
  EXPECT_EQ(keeper.kept.keys(), 3u);
}

}  // namespace
}  // namespace weir::gateway
