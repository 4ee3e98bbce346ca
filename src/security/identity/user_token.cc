#include "security/identity/user_token.h"

#include <array>

#include "security/identity/certificate.h"
#include "security/identity/clock_text.h"

namespace weir::identity {
namespace {

constexpr std::string_view kPrefix = "weiru.";
constexpr std::string_view kSessionPrefix = "weirs.";
static_assert(kPrefix.size() == kSessionPrefix.size());

std::string_view prefix(UserTokenKind kind) { return kind == UserTokenKind::kSession ? kSessionPrefix : kPrefix; }
std::string_view hashed_kind(UserTokenKind kind) { return kind == UserTokenKind::kSession ? "session" : "user"; }
constexpr size_t kTextChars = kPrefix.size() + kTokenIdChars + 1 + kTokenSecretChars;

tl::unexpected<Error> refuse(ErrorCode code, std::string what, std::string remedy) {
  return fail(code, std::move(what), "user token", std::move(remedy));
}

}  // namespace

Result<IssuedUserToken> issue_user_token(const TokenSeed& seed, policy::Principal principal, int64_t now_s,
                                         int64_t validity_s, UserTokenKind kind) {
  if (principal.role == policy::Role::kAgent) {
    return refuse(ErrorCode::kInvalid, "agents have certificates, not user tokens",
                  "make a join token instead");
  }
  if (!policy::well_formed(principal)) {
    return refuse(
        ErrorCode::kInvalid,
        "the role " + std::string(policy::role_name(principal.role)) + " does not go with the given names",
        "a tenant's token names one tenant, a provider's names its sites (at most 64); names are 1 to "
        "63 of a-z, 0-9 and '-'");
  }
  if (validity_s < 0 || validity_s > kUserTokenValidityMax_s) {
    return refuse(ErrorCode::kInvalid,
                  "a validity of " + std::to_string(validity_s) + " s is outside 0 (for ever) to 10 years",
                  {});
  }
  if (now_s < kEarliestClock_s || now_s > kLatestClock_s - validity_s) {
    return refuse(ErrorCode::kInvalid, "this machine's clock reads " + utc_text(now_s), "set the clock");
  }
  const std::string id = token_id(seed);
  const SecretText secret = token_secret(seed);
  std::array<char, kTextChars> text{};
  char* end = text.data();
  const auto put = [&](std::string_view part) { end += part.copy(end, part.size()); };
  put(prefix(kind));
  put(id);
  put(".");
  put(secret.reveal());
  return IssuedUserToken{SecretText({text.data(), text.size()}),
                         UserTokenRecord{id, token_hash(hashed_kind(kind), id, secret.reveal()), std::move(principal),
                                         validity_s == 0 ? 0 : now_s + validity_s, false, now_s}};
}

Result<UserToken> parse_user_token(std::string_view text, UserTokenKind kind) {
  const auto malformed = [](std::string what) {
    return refuse(ErrorCode::kInvalid, std::move(what),
                  "copy the whole token, weiru.ID.SECRET, as `weir token` printed it");
  };
  if (text.substr(0, kPrefix.size()) != prefix(kind)) {
    if (text.substr(0, 6) == "weir1.") return malformed("this is a join token, which is for agents only");
    return malformed("it does not begin with " + std::string(prefix(kind)));
  }
  if (text.size() != kTextChars) {
    return malformed("it has " + std::to_string(text.size()) + " characters, not " +
                     std::to_string(kTextChars));
  }
  const std::string_view id = text.substr(kPrefix.size(), kTokenIdChars);
  const std::string_view secret = text.substr(kPrefix.size() + kTokenIdChars + 1);
  if (text[kPrefix.size() + kTokenIdChars] != '.' || !is_token_id(id) || !is_token_secret(secret)) {
    return malformed("one of its parts has a wrong length or a character that cannot be there");
  }
  return UserToken{std::string(id), SecretText(secret), kind};
}

Result<std::string_view> bearer_text(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  bool scheme = header.size() >= kScheme.size();
  for (size_t i = 0; scheme && i < kScheme.size(); ++i) {
    const char c = header[i];
    scheme = (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) == kScheme[i];
  }
  if (!scheme) {
    return refuse(ErrorCode::kInvalid, "the authorization header is not of the form \"Bearer TOKEN\"",
                  "send `Authorization: Bearer weiru.ID.SECRET`");
  }
  return header.substr(kScheme.size());
}

Result<UserToken> parse_bearer(std::string_view header) {
  const auto text = bearer_text(header);
  if (!text) return tl::unexpected(text.error());
  return parse_user_token(*text);
}

Result<policy::Principal> authenticate_user(const UserTokenRecord* record, const UserToken& token,
                                            int64_t now_s) {
  const std::string hash = token_hash(hashed_kind(token.kind), token.id, token.secret.reveal());
  if (record == nullptr || record->id != token.id || !equal_in_constant_time(hash, record->secret_hash)) {
    return refuse(ErrorCode::kDenied, token.id + " is unknown here or its secret is wrong",
                  "ask the operator for a new one: `weir token`");
  }
  if (record->revoked) {
    return refuse(ErrorCode::kDenied, token.id + " was revoked", "ask the operator for a new one");
  }
  if (now_s < record->issued_s - kClockTolerance_s) {
    return refuse(ErrorCode::kDenied,
                  token.id + " was issued at " + utc_text(record->issued_s) + "; the brain's clock reads " +
                      utc_text(now_s) + ", " + span_text(record->issued_s - now_s) + " earlier",
                  "the brain's clock went back: set it");
  }
  if (record->expires_s != 0 && now_s >= record->expires_s) {
    return refuse(ErrorCode::kDenied,
                  token.id + " expired at " + utc_text(record->expires_s) + "; the brain's clock reads " +
                      utc_text(now_s) + ", " + span_text(now_s - record->expires_s) + " later",
                  "ask the operator for a new one, or set the brain's clock if it is wrong");
  }
  return record->principal;
}

}  // namespace weir::identity
