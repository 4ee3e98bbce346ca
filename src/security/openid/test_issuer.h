#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/ports/clock.h"
#include "core/ports/http_client.h"
#include "security/openid/base64url.h"

// An identity provider for tests: it signs whatever it is told to.
namespace weir::openid {

class TestKey {
 public:
  enum class Kind { kRsa, kEc, kEd };
  TestKey(Kind kind, std::string id, unsigned bits = 2048)
      : kind_(kind), id_(std::move(id)),
        key_(kind == Kind::kRsa ? EVP_RSA_gen(bits) : kind == Kind::kEc ? EVP_EC_gen("P-256") : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free) {}

  std::string algorithm() const { return kind_ == Kind::kRsa ? "RS256" : kind_ == Kind::kEc ? "ES256" : "EdDSA"; }
  const std::string& id() const { return id_; }

  std::string jwk(const std::string& more = {}) const {
    std::string out = id_.empty() ? "{" : R"({"kid":")" + id_ + "\",";
    if (kind_ == Kind::kRsa) {
      out += R"("kty":"RSA","n":")" + to_base64url(number(OSSL_PKEY_PARAM_RSA_N)) + R"(","e":")" + to_base64url(number(OSSL_PKEY_PARAM_RSA_E)) + "\"";
    } else if (kind_ == Kind::kEc) {
      std::array<unsigned char, 65> point{};
      size_t size = 0;
      EVP_PKEY_get_octet_string_param(key_.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size);
      const std::string text(reinterpret_cast<char*>(point.data()), size);
      out += R"("kty":"EC","crv":"P-256","x":")" + to_base64url(text.substr(1, 32)) + R"(","y":")" + to_base64url(text.substr(33)) + "\"";
    } else {
      std::array<unsigned char, 32> raw{};
      size_t size = raw.size();
      EVP_PKEY_get_raw_public_key(key_.get(), raw.data(), &size);
      out += R"("kty":"OKP","crv":"Ed25519","x":")" + to_base64url({reinterpret_cast<char*>(raw.data()), size}) + "\"";
    }
    return out + more + "}";
  }

  std::string sign(const std::string& header, const std::string& payload) const {
    const std::string text = to_base64url(header) + "." + to_base64url(payload);
    return text + "." + to_base64url(signature(text));
  }
  std::string sign(const std::string& payload) const {
    return sign(R"({"alg":")" + algorithm() + "\"" + (id_.empty() ? "" : R"(,"kid":")" + id_ + "\"") + "}", payload);
  }
  std::string modulus() const { return number(OSSL_PKEY_PARAM_RSA_N); }

 private:
  std::string number(const char* name) const {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), name, &value);
    std::string out(static_cast<size_t>(BN_num_bytes(value)), '\0');
    BN_bn2bin(value, reinterpret_cast<unsigned char*>(out.data()));
    BN_free(value);
    return out;
  }
  std::string signature(const std::string& text) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestSignInit(context.get(), nullptr, kind_ == Kind::kEd ? nullptr : EVP_sha256(), nullptr, key_.get());
    size_t size = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size());
    std::string out(size, '\0');
    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes, text.size());
    out.resize(size);
    if (kind_ != Kind::kEc) return out;
    const auto* der = reinterpret_cast<const unsigned char*>(out.data());
    const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> parsed(d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(out.size())), ECDSA_SIG_free);
    std::string raw(64, '\0');
    BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), reinterpret_cast<unsigned char*>(raw.data()), 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), reinterpret_cast<unsigned char*>(raw.data()) + 32, 32);
    return raw;
  }

  Kind kind_;
  std::string id_;
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

inline std::string key_set(const std::vector<std::string>& keys) {
  std::string out = R"({"keys":[)";
  for (const std::string& key : keys) out += (out.back() == '[' ? "" : ",") + key;
  return out + "]}";
}

inline constexpr int64_t kTestNow_s = 1'800'000'000;
inline constexpr const char* kTestIssuer = "https://login.example.org/realm";

inline std::string claims_text(int64_t now_s, const std::string& more = {}, const std::string& issuer = kTestIssuer, const std::string& audience = "\"weir\"") {
  return R"({"iss":")" + issuer + R"(","sub":"4321","aud":)" + audience + R"(,"iat":)" + std::to_string(now_s) + R"(,"exp":)" + std::to_string(now_s + 300) +
         (more.empty() ? "" : "," + more) + "}";
}

// The provider's end of HTTP, at the port: what it answers can be replaced by a test.
class TestProvider : public HttpClient {
 public:
  Result<HttpReply> call(const HttpCall& call) override {
    const std::lock_guard lock(mutex);
    calls.push_back(call);
    if (down) return fail(ErrorCode::kUnavailable, "connection refused", call.url);
    if (call.url.ends_with("/.well-known/openid-configuration")) return HttpReply{.status = 200, .body = description};
    if (call.url.ends_with("/keys")) return HttpReply{.status = 200, .body = keys};
    if (call.url.ends_with("/token")) return token(call);
    return HttpReply{.status = 404};
  }
  size_t count(const std::string& end) {
    const std::lock_guard lock(mutex);
    size_t out = 0;
    for (const HttpCall& call : calls) out += call.url.ends_with(end) ? 1 : 0;
    return out;
  }

  std::mutex mutex;
  std::vector<HttpCall> calls;
  bool down = false;
  TestKey key{TestKey::Kind::kEc, "k1"};
  std::string description = std::string(R"({"issuer":")") + kTestIssuer + R"(","authorization_endpoint":"https://login.example.org/auth?x=1",)" +
                            R"("token_endpoint":"https://login.example.org/token","jwks_uri":"https://login.example.org/keys",)" +
                            R"("end_session_endpoint":"https://login.example.org/end"})";
  std::string keys = key_set({key.jwk()});
  std::function<Result<HttpReply>(const HttpCall&)> token = [](const HttpCall&) { return HttpReply{.status = 400, .body = R"({"error":"invalid_grant"})"}; };
};

inline std::string token_reply(const std::string& id_token) { return R"({"access_token":"a","token_type":"bearer","id_token":")" + id_token + "\"}"; }

}  // namespace weir::openid
