#include "security/identity/join_token.h"

#include <array>

#include "security/identity/certificate.h"
#include "security/identity/clock_text.h"
#include "security/policy/principal.h"

namespace weir::identity {
namespace {

constexpr std::string_view kPrefix = "weir1.";
constexpr std::string_view kKind = "join";
constexpr size_t kTextChars = kPrefix.size() + kTokenIdChars + 1 + kTokenSecretChars + 1 + kFingerprintChars;

tl::unexpected<Error> refuse(ErrorCode code, std::string what, std::string remedy) {
  return fail(code, std::move(what), "join token", std::move(remedy));
}

}  // namespace

Result<IssuedJoinToken> issue_join_token(const TokenSeed& seed, std::string_view site,
                                         std::string_view ca_fingerprint, int64_t now_s, int64_t validity_s) {
  if (!policy::valid_name(site)) {
    return refuse(ErrorCode::kInvalid, "the site's name must be 1 to 63 of a-z, 0-9 and '-'",
                  "begin and end it with a letter or digit");
  }
  if (!is_fingerprint(ca_fingerprint)) {
    return refuse(ErrorCode::kInvalid, "the CA's fingerprint must be 64 hexadecimal digits", {});
  }
  if (validity_s < 1 || validity_s > kJoinTokenValidityMax_s) {
    return refuse(ErrorCode::kInvalid,
                  "a validity of " + std::to_string(validity_s) + " s is outside 1 s to " +
                      std::to_string(kJoinTokenValidityMax_s / 86400) + " days",
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
  put(kPrefix);
  put(id);
  put(".");
  put(secret.reveal());
  put(".");
  put(ca_fingerprint);
  return IssuedJoinToken{SecretText({text.data(), text.size()}),
                         JoinTokenRecord{id,
                                         token_hash(kKind, id, secret.reveal()),
                                         std::string(site),
                                         now_s + validity_s,
                                         0,
                                         {},
                                         false,
                                         now_s}};
}

Result<JoinToken> parse_join_token(std::string_view text) {
  const auto malformed = [](std::string what) {
    return refuse(ErrorCode::kInvalid, std::move(what),
                  "copy the whole token, weir1.ID.SECRET.FINGERPRINT, as `weir token` printed it");
  };
  if (text.substr(0, kPrefix.size()) != kPrefix) {
    if (text.substr(0, 6) == "weiru.") return malformed("this is a user's token, which cannot join a site");
    return malformed("it does not begin with " + std::string(kPrefix));
  }
  if (text.size() != kTextChars) {
    return malformed("it has " + std::to_string(text.size()) + " characters, not " +
                     std::to_string(kTextChars));
  }
  const std::string_view id = text.substr(kPrefix.size(), kTokenIdChars);
  const size_t secret_at = kPrefix.size() + kTokenIdChars + 1;
  const std::string_view secret = text.substr(secret_at, kTokenSecretChars);
  const std::string_view fingerprint = text.substr(secret_at + kTokenSecretChars + 1);
  if (text[secret_at - 1] != '.' || text[secret_at + kTokenSecretChars] != '.' || !is_token_id(id) ||
      !is_token_secret(secret) || !is_fingerprint(fingerprint)) {
    return malformed("one of its parts has a wrong length or a character that cannot be there");
  }
  return JoinToken{std::string(id), SecretText(secret), std::string(fingerprint)};
}

Result<Redemption> redeem_join_token(const JoinTokenRecord* record, const JoinToken& token,
                                     std::string_view site, int64_t now_s, std::string_view by,
                                     std::string_view key_fingerprint) {
  const std::string hash = token_hash(kKind, token.id, token.secret.reveal());
  if (record == nullptr || record->id != token.id || !equal_in_constant_time(hash, record->secret_hash)) {
    return refuse(ErrorCode::kDenied, token.id + " is unknown here or its secret is wrong",
                  "ask the operator for a new one: `weir token`");
  }
  if (record->site != site) {
    return refuse(ErrorCode::kDenied,
                  token.id + " is for site " + record->site + ", not for " + std::string(site),
                  "join as " + record->site + ", or ask the operator for a token for " + std::string(site));
  }
  const std::string key_text = " with key " + std::string(key_fingerprint);
  const bool same_key = is_fingerprint(key_fingerprint) && record->used_by.ends_with(key_text);
  const bool used = record->used_s != 0 || !record->used_by.empty();
  if (used && !same_key) {
    return refuse(ErrorCode::kConflict,
                  token.id + " was already used at " + utc_text(record->used_s) + " by " + record->used_by,
                  "ask the operator for a new one; if that was not you, revoke site " + record->site);
  }
  if (record->revoked)
    return refuse(ErrorCode::kDenied, token.id + " was revoked", "ask the operator for a new one");
  if (now_s < record->issued_s - kClockTolerance_s) {
    return refuse(ErrorCode::kDenied,
                  token.id + " was issued at " + utc_text(record->issued_s) + "; the brain's clock reads " +
                      utc_text(now_s) + ", " + span_text(record->issued_s - now_s) + " earlier",
                  "the brain's clock went back: set it");
  }
  if (now_s >= record->expires_s) {
    return refuse(ErrorCode::kDenied,
                  token.id + " expired at " + utc_text(record->expires_s) + "; the brain's clock reads " +
                      utc_text(now_s) + ", " + span_text(now_s - record->expires_s) + " later",
                  "ask the operator for a new one, or set the brain's clock if it is wrong");
  }
  if (used) return Redemption{*record, true};
  Redemption redemption{*record, false};
  redemption.record.used_s = now_s;
  redemption.record.used_by = std::string(by) + key_text;
  return redemption;
}

}  // namespace weir::identity
