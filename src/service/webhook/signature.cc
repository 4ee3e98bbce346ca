#include "service/webhook/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "security/identity/token_text.h"

namespace weir::webhook {

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // OpenSSL ends it with a NUL
  const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                                      static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(written));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > (size_t{1} << 20)) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int written = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
  if (written < 0) return std::nullopt;
  size_t size = static_cast<size_t>(written);
  for (size_t i = text.size(); size > 0 && i > 0 && text[i - 1] == '='; --i) --size;
  out.resize(size);
  if (base64(out) != text) return std::nullopt;  // OpenSSL overlooks blanks and stray bits
  return out;
}

Result<identity::SecretText> parse_secret(std::string_view text) {
  const auto bytes = text.starts_with(kSecretPrefix) ? from_base64(text.substr(kSecretPrefix.size())) : std::nullopt;
  if (!bytes || bytes->size() < kSecretBytesMin || bytes->size() > kSecretBytesMax) {
    return fail(ErrorCode::kInvalid, "is not whsec_ and the base64 of 24 to 64 bytes", "secret", "leave it out, and one is drawn");
  }
  return identity::SecretText(*bytes);
}

identity::SecretText secret_text(const identity::SecretText& bytes) { return identity::joined({kSecretPrefix, base64(bytes.reveal())}); }

Result<identity::SecretText> draw_secret() {
  const auto seed = identity::draw_token_seed();
  if (!seed) return tl::unexpected(seed.error());
  return identity::SecretText(std::string_view(reinterpret_cast<const char*>(seed->secret.data()), seed->secret.size()));
}

std::string signature(const identity::SecretText& secret, std::string_view id, int64_t seconds, std::string_view body) {
  std::string content(id);
  content += "." + std::to_string(seconds) + ".";
  content += body;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const std::string_view key = secret.reveal();
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data(),
       &size);
  return "v1," + base64({reinterpret_cast<const char*>(digest.data()), size});
}

}  // namespace weir::webhook
