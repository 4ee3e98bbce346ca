#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "security/identity/clock_text.h"
#include "security/identity/join_token.h"
#include "security/identity/user_token.h"

namespace weir::identity {
namespace {

constexpr int64_t kNow = 1'763'637'244;  // 2025-11-20T11:14:04Z
const std::string kFingerprint(64, 'c');
const std::string kKey1(64, '1');
const std::string kKey2(64, '2');

TokenSeed seed(uint8_t value) {
  TokenSeed out;
  out.id.fill(value);
  out.secret.fill(value);
  return out;
}

IssuedJoinToken issued(std::string_view site = "hub-a", int64_t validity_s = 3600) {
  return *issue_join_token(seed(7), site, kFingerprint, kNow, validity_s);
}

TEST(ClockText, IsUtc) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(utc_text(kNow), "2025-11-20T11:14:04Z");
  EXPECT_EQ(utc_text(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(utc_text(kLatestClock_s), "9999-12-31T23:59:59Z");
  EXPECT_EQ(utc_text(kLatestClock_s + 1), "253402300800 s");
  EXPECT_EQ(utc_text(kEarliestClock_s), "2024-01-01T00:00:00Z");
}

TEST(TokenText, EncodesSecretAsBase64Url) {
  TokenSeed s;
  for (size_t i = 0; i < s.secret.size(); ++i) s.secret[i] = static_cast<uint8_t>(0xFB - i);
  // printf of the bytes | basenc --base64url
  EXPECT_EQ(token_secret(s).reveal(), "-_r5-Pf29fTz8vHw7-7t7Ovq6ejn5uXk");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(TokenText, DrawsDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const TokenSeed s = *draw_token_seed();
    EXPECT_TRUE(seen.insert(token_id(s)).second);
    EXPECT_TRUE(seen.insert(std::string(token_secret(s).reveal())).second);
  }
}

TEST(JoinToken, IsIssuedParsedAndRedeemedOnce) {
  const IssuedJoinToken token = issued();
  EXPECT_EQ(token.text.reveal(), "weir1.0707070707070707.BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH." + kFingerprint);
  EXPECT_EQ(token.record.expires_s, kNow + 3600);
  EXPECT_EQ(token.record.secret_hash.find("BwcH"), std::string::npos);
  const auto parsed = parse_join_token(token.text.reveal());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->ca_fingerprint, kFingerprint);

  const auto first = redeem_join_token(&token.record, *parsed, "hub-a", kNow + 1, "10.0.0.7:4242", kKey1);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->repeated);
  EXPECT_EQ(first->record.used_s, kNow + 1);
  EXPECT_EQ(first->record.used_by, "10.0.0.7:4242 with key " + kKey1);

  const auto second = redeem_join_token(&first->record, *parsed, "hub-a", kNow + 2, "10.0.0.8:1", kKey2);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_EQ(
      second.error().text(),
      "join token: 0707070707070707 was already used at 2025-11-20T11:14:05Z by 10.0.0.7:4242 with key " +
          kKey1 + "; ask the operator for a new one; if that was not you, revoke site hub-a");

  const auto again = redeem_join_token(&first->record, *parsed, "hub-a", kNow + 3, "10.0.0.7:4243", kKey1);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->repeated);
  EXPECT_EQ(again->record, first->record);
}

TEST(JoinToken, WithoutAKeyNothingCountsAsTheSameKey) {
  const IssuedJoinToken token = issued();
  const JoinToken parsed = *parse_join_token(token.text.reveal());
  const Redemption first = *redeem_join_token(&token.record, parsed, "hub-a", kNow, "a", "");
  EXPECT_EQ(redeem_join_token(&first.record, parsed, "hub-a", kNow, "b", "").error().code,
            ErrorCode::kConflict);
}

TEST(JoinToken, ExpiresAtItsSecond) {
  const IssuedJoinToken token = issued();
  const JoinToken parsed = *parse_join_token(token.text.reveal());
  EXPECT_TRUE(redeem_join_token(&token.record, parsed, "hub-a", kNow + 3599, "a", "k"));
  const auto late = redeem_join_token(&token.record, parsed, "hub-a", kNow + 3600, "a", "k");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kDenied);
  EXPECT_NE(late.error().text().find(
                "expired at 2025-11-20T12:14:04Z; the brain's clock reads 2025-11-20T12:14:04Z, 0 s later"),
            std::string::npos);
}

TEST(JoinToken, FromTheFutureSaysThatTheBrainsClockWentBack) {
  const IssuedJoinToken token = issued();
  const JoinToken parsed = *parse_join_token(token.text.reveal());
  EXPECT_EQ(token.record.issued_s, kNow);
  EXPECT_TRUE(redeem_join_token(&token.record, parsed, "hub-a", kNow - 300, "a", "k"));
  const auto early = redeem_join_token(&token.record, parsed, "hub-a", kNow - 7200, "a", "k");
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::kDenied);
  EXPECT_EQ(early.error().text(),
            "join token: 0707070707070707 was issued at 2025-11-20T11:14:04Z; the brain's clock reads "
            "2025-11-20T09:14:04Z, 2 h earlier; the brain's clock went back: set it");
}

TEST(JoinToken, IsRefusedWhenRevokedEvenToTheKeyThatUsedIt) {
  const IssuedJoinToken token = issued();
  const JoinToken parsed = *parse_join_token(token.text.reveal());
  Redemption first = *redeem_join_token(&token.record, parsed, "hub-a", kNow, "a", kKey1);
  first.record.revoked = true;
  const auto again = redeem_join_token(&first.record, parsed, "hub-a", kNow, "a", kKey1);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().what, "0707070707070707 was revoked");
}

TEST(JoinToken, IsForItsSiteOnly) {
  const IssuedJoinToken token = issued();
  const auto wrong =
      redeem_join_token(&token.record, *parse_join_token(token.text.reveal()), "hub-b", kNow, "a", "k");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kDenied);
  EXPECT_NE(wrong.error().what.find("is for site hub-a, not for hub-b"), std::string::npos);
}

TEST(JoinToken, UnknownTokenAndWrongSecretLookAlike) {
  const IssuedJoinToken token = issued();
  JoinToken parsed = *parse_join_token(token.text.reveal());
  const auto unknown = redeem_join_token(nullptr, parsed, "hub-a", kNow, "a", "k");
  parsed.secret = SecretText(std::string(kTokenSecretChars, 'x'));
  // The wrong secret learns nothing of use or expiry either.
  const auto wrong = redeem_join_token(&token.record, parsed, "hub-b", kNow + 99999, "a", "k");
  ASSERT_FALSE(unknown);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(unknown.error(), wrong.error());
  EXPECT_EQ(wrong.error().code, ErrorCode::kDenied);
}

TEST(JoinToken, ChecksWhatItIsIssuedFor) {
  const auto issue = [](std::string_view site, std::string_view fingerprint, int64_t now_s,
                        int64_t validity_s) {
    return issue_join_token(seed(1), site, fingerprint, now_s, validity_s).has_value();
  };
  EXPECT_TRUE(issue("a", kFingerprint, kNow, 1));
  EXPECT_FALSE(issue("a", kFingerprint, kNow, 0));
  EXPECT_TRUE(issue("a", kFingerprint, kNow, kJoinTokenValidityMax_s));
  EXPECT_FALSE(issue("a", kFingerprint, kNow, kJoinTokenValidityMax_s + 1));
  EXPECT_FALSE(issue("A", kFingerprint, kNow, 60));
  EXPECT_FALSE(issue("a", kFingerprint.substr(1), kNow, 60));
  EXPECT_FALSE(issue("a", std::string(64, 'C'), kNow, 60));
  EXPECT_TRUE(issue("a", kFingerprint, kEarliestClock_s, 60));
  EXPECT_FALSE(issue("a", kFingerprint, kEarliestClock_s - 1, 60));
}

TEST(JoinToken, ParsesNothingButATokenAndNeverRepeatsIt) {
  const std::string good(issued().text.reveal());
  ASSERT_TRUE(parse_join_token(good));
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(parse_join_token(good.substr(0, i))) << i;
    std::string bad = good;
    bad[i] = '!';
    const auto parsed = parse_join_token(bad);
    ASSERT_FALSE(parsed) << i;
    EXPECT_EQ(parsed.error().text().find("BwcHBwcH"), std::string::npos) << i;
  }
  EXPECT_FALSE(parse_join_token(good + "\n"));
  EXPECT_FALSE(parse_join_token(good + std::string(1, '\0')));
  EXPECT_NE(parse_join_token("weiru.x").error().what.find("user's token"), std::string::npos);
  EXPECT_NE(parse_user_token(good).error().what.find("join token"), std::string::npos);
}

const policy::Principal kCity{policy::Role::kTenant, {"city"}};

TEST(UserToken, IsIssuedParsedAndAuthenticated) {
  const IssuedUserToken token = *issue_user_token(seed(9), kCity, kNow, 60);
  EXPECT_EQ(token.text.reveal(), "weiru.0909090909090909.CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ");
  const auto parsed = parse_bearer("bEaRer " + std::string(token.text.reveal()));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(authenticate_user(&token.record, *parsed, kNow + 59), kCity);
  const auto late = authenticate_user(&token.record, *parsed, kNow + 60);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kDenied);
  EXPECT_NE(late.error().what.find("expired at 2025-11-20T11:15:04Z"), std::string::npos);
}

TEST(UserToken, SaysByHowMuchTheClockIsOff) {
  const IssuedUserToken token =
      *issue_user_token(*draw_token_seed(), policy::principal_of(policy::Role::kOperator, "alice"), kNow, 60);
  const UserToken parsed = *parse_user_token(token.text.reveal());
  EXPECT_TRUE(authenticate_user(&token.record, parsed, kNow - 300));
  EXPECT_TRUE(authenticate_user(&token.record, parsed, kNow + 59));
  const auto early = authenticate_user(&token.record, parsed, kNow - 301);
  ASSERT_FALSE(early);
  EXPECT_NE(early.error().text().find("5 min 1 s earlier; the brain's clock went back"), std::string::npos)
      << early.error().text();
  const auto late = authenticate_user(&token.record, parsed, kNow + 60 + 86400);
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().text().find(", 1 d later; ask the operator"), std::string::npos)
      << late.error().text();
}

TEST(UserToken, LastsForEverUntilRevoked) {
  IssuedUserToken token = *issue_user_token(seed(9), kCity, kNow, 0);
  const UserToken parsed = *parse_user_token(token.text.reveal());
  EXPECT_TRUE(authenticate_user(&token.record, parsed, kLatestClock_s));
  token.record.revoked = true;
  const auto revoked = authenticate_user(&token.record, parsed, kNow + 6);
  ASSERT_FALSE(revoked);
  EXPECT_EQ(revoked.error().what, "0909090909090909 was revoked");
}

TEST(UserToken, UnknownTokenAndWrongSecretLookAlike) {
  IssuedUserToken token = *issue_user_token(seed(9), kCity, kNow, 60);
  UserToken parsed = *parse_user_token(token.text.reveal());
  parsed.secret = SecretText(std::string(kTokenSecretChars, 'x'));
  token.record.revoked = true;
  const auto wrong = authenticate_user(&token.record, parsed, kNow);
  const auto unknown = authenticate_user(nullptr, parsed, kNow);
  ASSERT_FALSE(wrong);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(wrong.error(), unknown.error());
}

TEST(UserToken, AJoinTokensSecretIsNoUsersSecret) {
  EXPECT_NE(issued().record.secret_hash, issue_user_token(seed(7), kCity, kNow, 0)->record.secret_hash);
}

TEST(UserToken, ChecksWhatItIsIssuedFor) {
  EXPECT_FALSE(issue_user_token(seed(1), {policy::Role::kAgent, {"hub-a"}}, kNow, 0));
  EXPECT_FALSE(issue_user_token(seed(1), {policy::Role::kTenant, {}}, kNow, 0));
  EXPECT_FALSE(issue_user_token(seed(1), kCity, kNow, -1));
  EXPECT_TRUE(issue_user_token(seed(1), kCity, kNow, kUserTokenValidityMax_s));
  EXPECT_FALSE(issue_user_token(seed(1), kCity, kNow, kUserTokenValidityMax_s + 1));
  EXPECT_FALSE(issue_user_token(seed(1), kCity, kEarliestClock_s - 1, 0));
  EXPECT_TRUE(issue_user_token(seed(1), {policy::Role::kProvider, {"hub-a", "hub-b"}}, kNow, 0));
}

TEST(UserToken, ParsesNothingButAToken) {
  const IssuedUserToken token = *issue_user_token(seed(9), kCity, kNow, 60);
  const std::string good(token.text.reveal());
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(parse_user_token(good.substr(0, i)));
    std::string bad = good;
    bad[i] = '=';
    const auto parsed = parse_user_token(bad);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().text().find("CQkJCQkJ"), std::string::npos);
  }
  for (const std::string& header :
       {good, "Basic " + good, "Bearer  " + good, std::string("Bearer"), std::string()}) {
    EXPECT_FALSE(parse_bearer(header)) << header.size();
  }
}

RC_GTEST_PROP(TokenProperty, RandomTokensRoundTripAndOpenOnlyTheirOwnRecord, ()) {
  const auto draw = [] {
    TokenSeed s;
    for (auto& byte : s.id) byte = *rc::gen::arbitrary<uint8_t>();
    for (auto& byte : s.secret) byte = *rc::gen::arbitrary<uint8_t>();
    return s;
  };
  const TokenSeed one = draw();
  TokenSeed two = draw();
  const auto mine = *issue_join_token(one, "hub-a", kFingerprint, kNow, 60);
  const auto parsed = parse_join_token(mine.text.reveal());
  RC_ASSERT(parsed.has_value());
  RC_ASSERT(redeem_join_token(&mine.record, *parsed, "hub-a", kNow, "a", "k").has_value());
  if (two.secret == one.secret) return;
  two.id = one.id;
  const auto other = *issue_join_token(two, "hub-a", kFingerprint, kNow, 60);
  RC_ASSERT(!redeem_join_token(&other.record, *parsed, "hub-a", kNow, "a", "k").has_value());
}

}  // namespace
}  // namespace weir::identity
