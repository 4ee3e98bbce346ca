#include "security/openid/attempt.h"

#include <gtest/gtest.h>

namespace weir::openid {
namespace {

constexpr int64_t kBegun_s = 1'800'000'000;

TEST(Attempt, IsResumedByItsOwnCookieAndStateAlone) {
  const auto key = *draw_attempt_key();
  const Attempt begun = *begin_attempt(key, kBegun_s), other = *begin_attempt(key, kBegun_s);
  const auto resumed = resume_attempt(key, begun.cookie, begun.state, kBegun_s + 5);
  ASSERT_TRUE(resumed);
  EXPECT_EQ(resumed->verifier, begun.verifier);
  EXPECT_EQ(resumed->nonce, begun.nonce);
  EXPECT_NE(begun.verifier, other.verifier);
  EXPECT_NE(begun.state, begun.nonce);
  EXPECT_EQ(begun.cookie.find(begun.verifier), std::string::npos);
  EXPECT_GE(begun.verifier.size(), 43u);  // RFC 7636 section 4.1
  EXPECT_FALSE(resume_attempt(key, other.cookie, begun.state, kBegun_s)) << "another person's answer";
  EXPECT_FALSE(resume_attempt(*draw_attempt_key(), begun.cookie, begun.state, kBegun_s)) << "another brain's";
  for (const char* wrong : {"", ".", "x", "1.x", "-1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "99999999999999999999.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_FALSE(resume_attempt(key, wrong, begun.state, kBegun_s)) << wrong;
    EXPECT_FALSE(resume_attempt(key, begun.cookie, wrong, kBegun_s)) << wrong;
  }
  // The time is the brain's word, too.
  std::string later = begun.cookie;
  later[9] = later[9] == '9' ? '8' : '9';
  EXPECT_FALSE(resume_attempt(key, later, begun.state, kBegun_s + 20));
}

TEST(Attempt, LastsTenMinutes) {
  const auto key = *draw_attempt_key();
  const Attempt begun = *begin_attempt(key, kBegun_s);
  EXPECT_TRUE(resume_attempt(key, begun.cookie, begun.state, kBegun_s));
  EXPECT_TRUE(resume_attempt(key, begun.cookie, begun.state, kBegun_s + kAttempt_s));
  EXPECT_FALSE(resume_attempt(key, begun.cookie, begun.state, kBegun_s + kAttempt_s + 1));
  EXPECT_FALSE(resume_attempt(key, begun.cookie, begun.state, kBegun_s - 1));
}

}  // namespace
}  // namespace weir::openid
