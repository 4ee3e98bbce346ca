#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result/result.h"
#include "security/identity/secret.h"

// What join tokens and user tokens share: PREFIX.ID.SECRET, where ID is 16 hexadecimal digits and SECRET is
// 32 characters of base64url (RFC 4648 section 5), 192 bits.
namespace weir::identity {

inline constexpr size_t kTokenIdChars = 16;
inline constexpr size_t kTokenSecretChars = 32;
inline constexpr size_t kFingerprintChars = 64;

// The random draw behind a token.
struct TokenSeed {
  std::array<uint8_t, kTokenIdChars / 2> id{};
  std::array<uint8_t, 24> secret{};
};
// From the operating system's generator; kUnavailable when it has none to give.
Result<TokenSeed> draw_token_seed();

std::string token_id(const TokenSeed& seed);
SecretText token_secret(const TokenSeed& seed);

// What is stored instead of the secret: SHA-256 over "weir token", kind, identifier and secret, as 64
// hexadecimal digits. Plain hashing is enough because the secret is 192 random bits, not a password.
std::string token_hash(std::string_view kind, std::string_view id, std::string_view secret);

bool is_token_id(std::string_view text);
bool is_token_secret(std::string_view text);
bool is_fingerprint(std::string_view text);  // 64 lower-case hexadecimal digits

std::string hex(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);

}  // namespace weir::identity
