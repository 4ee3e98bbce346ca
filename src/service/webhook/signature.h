#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result/result.h"
#include "security/identity/secret.h"

// Signatures of messages as Standard Webhooks 1.0.0 has them (https://www.standardwebhooks.com): a receiver checks with any of its
// libraries that a message is from who shares the secret, and not an old one sent again.
namespace weir::webhook {

inline constexpr std::string_view kSecretPrefix = "whsec_";
inline constexpr size_t kSecretBytesMin = 24;
inline constexpr size_t kSecretBytesMax = 64;

// RFC 4648, section 4, padded. Reading refuses whatever writing would not give.
std::string base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

// The bytes of "whsec_BASE64". kInvalid; the text is in no error.
Result<identity::SecretText> parse_secret(std::string_view text);
identity::SecretText secret_text(const identity::SecretText& bytes);  // inverse
// kUnavailable: the operating system has no random bytes to give.
Result<identity::SecretText> draw_secret();

// The value of "webhook-signature": of "id.seconds.body" by HMAC-SHA256.
std::string signature(const identity::SecretText& secret, std::string_view id, int64_t seconds, std::string_view body);

}  // namespace weir::webhook
