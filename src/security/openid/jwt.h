#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result/result.h"

// JSON Web Tokens (RFC 7519) signed with JSON Web Signature in its compact form (RFC 7515), by the public keys of a JSON Web Key set
// (RFC 7517). Pure. No error repeats a token.
namespace weir::openid {

inline constexpr size_t kTokenBytesMax = 8 * 1024;
inline constexpr size_t kKeySetBytesMax = 128 * 1024;
inline constexpr size_t kKeysMax = 32;
inline constexpr size_t kJsonDepthMax = 8;
inline constexpr size_t kKeyIdBytesMax = 256;
inline constexpr size_t kSubjectBytesMax = 255;  // OpenID Connect Core 1.0, section 2
inline constexpr size_t kClaimTextsMax = 512;    // of one claim
inline constexpr int kRsaBitsMin = 2048;
inline constexpr int kRsaBitsMax = 8192;

struct Claims {
  std::string issuer, subject;
  std::vector<std::string> audience;
  std::string authorized_party, nonce;  // empty: none
  int64_t expires_s = 0, issued_s = 0;
  int64_t not_before_s = 0;  // 0: none
  std::string json;          // all of them, an object
};

// What is said; nothing of it is to be believed before verify_signature.
struct Jwt {
  std::string algorithm;
  std::string key_id;  // empty: none
  Claims claims;
  std::string_view signed_part;  // of the text that was parsed
  std::string signature;
};

// kInvalid: over the size, not three parts of base64url, no JSON objects, a header with "crit" or without "alg", claims that are missing
// or of another type: iss, sub, aud, exp and iat must be there.
Result<Jwt> parse_jwt(std::string_view text);

// The texts of a claim, found by names joined by dots ("realm_access.roles"): of a list of texts, or one text. Empty: none. A claim whose
// own name holds the dots comes first ("https://example.org/roles").
std::vector<std::string> claim_texts(std::string_view json, std::string_view path);

// The public keys that a provider signs with.
class KeySet {
 public:
  KeySet();
  ~KeySet();
  KeySet(KeySet&&) noexcept;
  KeySet& operator=(KeySet&&) noexcept;

  size_t size() const;
  // RS256 (RSASSA-PKCS1-v1_5 with SHA-256), ES256 (P-256) and EdDSA (Ed25519; RFC 8037), each by keys of its own kind alone: no "none",
  // and no HMAC with what is public. kUnsupported: another algorithm; kNotFound: no key of that name and kind; kDenied: the signature is
  // not of that key, or the token names no key where there are several of its kind.
  Status verify_signature(const Jwt& token) const;

 private:
  friend Result<KeySet> parse_key_set(std::string_view json);
  struct Key;
  std::vector<Key> keys_;
};

// Keys of other kinds or uses are passed over, and so are those that are malformed or weak. kInvalid: over a bound, no key set, or no key
// left.
Result<KeySet> parse_key_set(std::string_view json);

// What a token must say to be taken.
struct Expected {
  std::string issuer;
  std::string audience;
  std::string client_id;               // whom `azp` must name where it is there, and in a sign-in for several audiences; empty: anybody
  std::optional<std::string> nonce;    // of a sign-in
  int64_t now_s = 0;
  int64_t age_s_max = 0;               // since `iat`; 0: any
  int64_t lifetime_s_max = 0;          // from `iat` to `exp`; 0: any
};

// What the clocks of two machines may differ by.
inline constexpr int64_t kSkew_s = 60;

// OpenID Connect Core 1.0, section 3.1.3.7. kDenied.
Status check_claims(const Claims& claims, const Expected& expected);

}  // namespace weir::openid
