#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result/result.h"
#include "security/identity/secret.h"

// A sign-in under way. The brain keeps nothing of it: the browser holds a random text and its time in a cookie, and what the provider and the
// brain must agree on follows from these by a key that the brain alone knows. Whoever has not the cookie cannot finish the sign-in, whoever
// has not the key can neither make a state nor learn the verifier; any number of people may begin.
namespace weir::openid {

inline constexpr int64_t kAttempt_s = 600;

struct Attempt {
  std::string cookie;     // TIME.RANDOM
  std::string state;      // RFC 6749 section 10.12
  std::string nonce;      // OpenID Connect Core 1.0, section 3.1.2.1
  std::string verifier;   // RFC 7636
  std::string challenge;  // S256
};

// 32 random bytes. kUnavailable when the system has none to give.
Result<identity::SecretText> draw_attempt_key();

Result<Attempt> begin_attempt(const identity::SecretText& key, int64_t now_s);

// The attempt that the browser holds, if `state` is its. kDenied: the cookie is none, older than kAttempt_s or from the future, or the state
// is another's.
Result<Attempt> resume_attempt(const identity::SecretText& key, std::string_view cookie, std::string_view state, int64_t now_s);

}  // namespace weir::openid
