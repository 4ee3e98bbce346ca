#include "security/openid/attempt.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <charconv>

#include "security/openid/base64url.h"

namespace weir::openid {
namespace {

constexpr size_t kRandomBytes = 24;
constexpr size_t kRandomChars = 32;

std::string derive(const identity::SecretText& key, std::string_view purpose, std::string_view cookie) {
  const std::string text = std::string(purpose) + '\0' + std::string(cookie);
  std::array<uint8_t, SHA256_DIGEST_LENGTH> out{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.reveal().data(), static_cast<int>(key.reveal().size()), reinterpret_cast<const uint8_t*>(text.data()), text.size(),
       out.data(), &size);
  return to_base64url({reinterpret_cast<const char*>(out.data()), out.size()});
}

Attempt attempt_of(const identity::SecretText& key, std::string cookie) {
  Attempt out;
  out.state = derive(key, "state", cookie);
  out.nonce = derive(key, "nonce", cookie);
  out.verifier = derive(key, "verifier", cookie);
  std::array<uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const uint8_t*>(out.verifier.data()), out.verifier.size(), digest.data());
  out.challenge = to_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
  out.cookie = std::move(cookie);
  return out;
}

template <size_t N>
bool draw(std::array<char, N>& out) {
  return RAND_priv_bytes(reinterpret_cast<uint8_t*>(out.data()), static_cast<int>(out.size())) == 1;
}

tl::unexpected<Error> no_random() { return fail(ErrorCode::kUnavailable, "the system's random generator gives nothing"); }

}  // namespace

Result<identity::SecretText> draw_attempt_key() {
  std::array<char, 32> bytes{};
  if (!draw(bytes)) return no_random();
  return identity::SecretText({bytes.data(), bytes.size()});
}

Result<Attempt> begin_attempt(const identity::SecretText& key, int64_t now_s) {
  std::array<char, kRandomBytes> bytes{};
  if (!draw(bytes)) return no_random();
  return attempt_of(key, std::to_string(now_s) + "." + to_base64url({bytes.data(), bytes.size()}));
}

Result<Attempt> resume_attempt(const identity::SecretText& key, std::string_view cookie, std::string_view state, int64_t now_s) {
  const auto refuse = [](std::string what) { return fail(ErrorCode::kDenied, std::move(what), "sign-in", "begin it again"); };
  const size_t dot = cookie.find('.');
  int64_t begun_s = 0;
  const auto read = std::from_chars(cookie.data(), cookie.data() + (dot == std::string_view::npos ? 0 : dot), begun_s);
  if (dot == std::string_view::npos || read.ec != std::errc() || read.ptr != cookie.data() + dot || cookie.size() != dot + 1 + kRandomChars ||
      begun_s < 0) {
    return refuse("this browser has begun none");
  }
  Attempt out = attempt_of(key, std::string(cookie));
  if (!identity::equal_in_constant_time(out.state, state)) return refuse("the answer is to another sign-in than this browser's newest");
  if (begun_s > now_s || now_s - begun_s > kAttempt_s) return refuse("it took longer than " + std::to_string(kAttempt_s / 60) + " minutes");
  return out;
}

}  // namespace weir::openid
