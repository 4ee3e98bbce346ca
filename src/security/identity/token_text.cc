#include "security/identity/token_text.h"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>

namespace weir::identity {
namespace {

bool is_hex(std::string_view text, size_t chars) {
  return text.size() == chars && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

template <size_t N>
std::string_view view(const std::array<uint8_t, N>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), N};
}

}  // namespace

Result<TokenSeed> draw_token_seed() {
  TokenSeed seed;
  if (RAND_bytes(seed.id.data(), static_cast<int>(seed.id.size())) != 1 ||
      RAND_priv_bytes(seed.secret.data(), static_cast<int>(seed.secret.size())) != 1) {
    return fail(ErrorCode::kUnavailable, "the system's random generator gives nothing");
  }
  return seed;
}

std::string token_id(const TokenSeed& seed) { return hex(view(seed.id)); }

SecretText token_secret(const TokenSeed& seed) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  static_assert(std::tuple_size_v<decltype(seed.secret)> * 4 / 3 == kTokenSecretChars);
  std::array<char, kTokenSecretChars> text{};
  for (size_t i = 0; i < seed.secret.size(); i += 3) {
    const uint32_t group = static_cast<uint32_t>(seed.secret[i]) << 16 |
                           static_cast<uint32_t>(seed.secret[i + 1]) << 8 | seed.secret[i + 2];
    for (size_t j = 0; j < 4; ++j) text[i / 3 * 4 + j] = kAlphabet[group >> (18 - 6 * j) & 63];
  }
  return SecretText({text.data(), text.size()});
}

std::string token_hash(std::string_view kind, std::string_view id, std::string_view secret) {
  std::string text = "weir token";
  for (std::string_view part : {kind, id, secret}) {
    text += '\0';
    text += part;
  }
  return sha256_hex(text);
}

bool is_token_id(std::string_view text) { return is_hex(text, kTokenIdChars); }

bool is_token_secret(std::string_view text) {
  return text.size() == kTokenSecretChars && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                  c == '_';
         });
}

bool is_fingerprint(std::string_view text) { return is_hex(text, kFingerprintChars); }

std::string hex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), digest.data());
  return hex(view(digest));
}

}  // namespace weir::identity
