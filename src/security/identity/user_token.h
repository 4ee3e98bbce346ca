#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"
#include "security/identity/secret.h"
#include "security/identity/token_text.h"
#include "security/policy/principal.h"

// A user's bearer token: weiru.ID.SECRET, with a role. Pure functions over what is stored.
namespace weir::identity {

// A session is what a browser gets for a sign-in, weirs.ID.SECRET, and keeps as a cookie. Neither passes for the other: the kind is
// part of what is hashed.
enum class UserTokenKind : uint8_t { kBearer, kSession };

struct UserTokenRecord {
  std::string id;
  std::string secret_hash;  // token_hash
  policy::Principal principal;
  int64_t expires_s = 0;  // Unix time; 0: never
  bool revoked = false;
  int64_t issued_s = 0;  // Unix time; 0: not known
  friend bool operator==(const UserTokenRecord&, const UserTokenRecord&) = default;
};

struct UserToken {
  std::string id;
  SecretText secret;
  UserTokenKind kind = UserTokenKind::kBearer;
};

struct IssuedUserToken {
  SecretText text;  // shown once
  UserTokenRecord record;
};

inline constexpr int64_t kUserTokenValidityMax_s = int64_t{10} * 365 * 86400;

// `validity_s` 0 means for ever. Errors: kInvalid for a principal that is not well formed or is an agent, a
// validity out of range, a clock that was never set.
Result<IssuedUserToken> issue_user_token(const TokenSeed& seed, policy::Principal principal, int64_t now_s,
                                         int64_t validity_s, UserTokenKind kind = UserTokenKind::kBearer);

// Errors never repeat the text.
Result<UserToken> parse_user_token(std::string_view text, UserTokenKind kind = UserTokenKind::kBearer);

// The value of an HTTP Authorization or gRPC authorization header: "Bearer TOKEN" (RFC 6750 section 2.1; the
// scheme in any case).
Result<UserToken> parse_bearer(std::string_view header);

// What follows the scheme; kInvalid where it is another scheme or none.
Result<std::string_view> bearer_text(std::string_view header);

// `record` is what is stored under token.id, or null. Errors: kDenied for an unknown token or a wrong secret
// (the same text), a revoked or an expired one.
Result<policy::Principal> authenticate_user(const UserTokenRecord* record, const UserToken& token,
                                            int64_t now_s);

}  // namespace weir::identity
