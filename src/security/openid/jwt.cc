#include "security/openid/jwt.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "security/identity/clock_text.h"
#include "security/identity/secret.h"
#include "security/openid/base64url.h"
#include "security/openid/json.h"

namespace weir::openid {
namespace {

template <auto free_function>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using KeyHandle = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;

constexpr size_t kP256Bytes = 32;
constexpr size_t kEd25519KeyBytes = 32;
constexpr size_t kEd25519SignatureBytes = 64;

tl::unexpected<Error> malformed(std::string what) { return fail(ErrorCode::kInvalid, std::move(what), "token of the identity provider"); }
tl::unexpected<Error> refuse(std::string what, std::string remedy = {}) {
  return fail(ErrorCode::kDenied, std::move(what), "token of the identity provider", std::move(remedy));
}

const uint8_t* bytes(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }

enum class Kind : uint8_t { kRsa, kEc, kEd };
struct Algorithm {
  std::string_view name;
  Kind kind;
};
constexpr std::array<Algorithm, 3> kAlgorithms = {{{"RS256", Kind::kRsa}, {"ES256", Kind::kEc}, {"EdDSA", Kind::kEd}}};

KeyHandle key_of(const char* type, Builder builder) {
  EVP_PKEY* key = nullptr;
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return KeyHandle(key);
}

KeyHandle rsa_key(const json::object& key) {
  const auto n = from_base64url(text_of(key, "n")), e = from_base64url(text_of(key, "e"));
  if (!n || !e || n->size() > kRsaBitsMax / 8 + 1 || e->empty() || e->size() > 8) return nullptr;
  const Number modulus(BN_bin2bn(bytes(*n), static_cast<int>(n->size()), nullptr));
  const Number exponent(BN_bin2bn(bytes(*e), static_cast<int>(e->size()), nullptr));
  if (!modulus || !exponent || BN_num_bits(modulus.get()) < kRsaBitsMin || BN_num_bits(modulus.get()) > kRsaBitsMax) return nullptr;
  if (!BN_is_odd(modulus.get()) || !BN_is_odd(exponent.get()) || BN_is_one(exponent.get())) return nullptr;
  Builder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return nullptr;
  }
  return key_of("RSA", std::move(builder));
}

// RFC 7518 section 6.2.1.2 asks for 32 octets; some write one of sign before them.
bool fit_coordinate(std::string& text) {
  if (text.size() == kP256Bytes + 1 && text.front() == '\0') text.erase(0, 1);
  return text.size() == kP256Bytes;
}

KeyHandle ec_key(const json::object& key) {
  if (text_of(key, "crv") != "P-256") return nullptr;
  auto x = from_base64url(text_of(key, "x")), y = from_base64url(text_of(key, "y"));
  if (!x || !y || !fit_coordinate(*x) || !fit_coordinate(*y)) return nullptr;
  const std::string point = "\x04" + *x + *y;
  Builder builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return nullptr;
  }
  KeyHandle out = key_of("EC", std::move(builder));
  const KeyContext check(out ? EVP_PKEY_CTX_new_from_pkey(nullptr, out.get(), nullptr) : nullptr);
  const bool on_curve = check && EVP_PKEY_public_check(check.get()) == 1;
  ERR_clear_error();
  return on_curve ? std::move(out) : nullptr;
}

KeyHandle ed_key(const json::object& key) {
  const auto x = from_base64url(text_of(key, "x"));
  if (text_of(key, "crv") != "Ed25519" || !x || x->size() != kEd25519KeyBytes) return nullptr;
  KeyHandle out(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(*x), x->size()));
  ERR_clear_error();
  return out;
}

// JWS has r and s side by side (RFC 7518 section 3.4), OpenSSL has them in DER.
std::optional<std::string> der_signature(std::string_view raw) {
  if (raw.size() != 2 * kP256Bytes) return std::nullopt;
  Signature signature(ECDSA_SIG_new());
  Number r(BN_bin2bn(bytes(raw), kP256Bytes, nullptr)), s(BN_bin2bn(bytes(raw.substr(kP256Bytes)), kP256Bytes, nullptr));
  if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return std::nullopt;
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return std::nullopt;
  std::string out(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

bool signed_by(EVP_PKEY* key, Kind kind, std::string_view signed_part, std::string_view signature) {
  std::string der;
  if (kind == Kind::kEc) {
    auto made = der_signature(signature);
    if (!made) return false;
    der = std::move(*made);
    signature = der;
  } else if (kind == Kind::kEd && signature.size() != kEd25519SignatureBytes) {
    return false;
  }
  const DigestContext context(EVP_MD_CTX_new());
  const bool good = context &&
                    EVP_DigestVerifyInit(context.get(), nullptr, kind == Kind::kEd ? nullptr : EVP_sha256(), nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(signed_part), signed_part.size()) == 1;
  ERR_clear_error();
  return good;
}

// Seconds since the epoch; a fraction is cut off (RFC 7519 section 2, NumericDate).
std::optional<int64_t> time_of(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains(name);
  if (value == nullptr) return std::nullopt;
  std::optional<int64_t> out;
  if (const int64_t* whole = value->if_int64()) out = *whole;
  if (const double* fraction = value->if_double(); fraction != nullptr && *fraction >= 0 && *fraction < 1e12) out = static_cast<int64_t>(*fraction);
  if (!out || *out < 0 || *out > identity::kLatestClock_s) return std::nullopt;
  return out;
}

// An absent text is empty; of another type: false.
bool optional_text(const json::object& object, std::string_view name, std::string& out) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return true;
  if (!value->is_string()) return false;
  out = text_of(object, name);
  return true;
}

Result<Claims> read_claims(std::string payload) {
  const auto object = parse_object(payload);
  if (!object) return malformed("its claims are no object of JSON");
  Claims out;
  out.issuer = text_of(*object, "iss");
  out.subject = text_of(*object, "sub");
  if (out.issuer.empty()) return malformed("it has no claim iss");
  if (out.subject.empty() || out.subject.size() > kSubjectBytesMax) return malformed("its claim sub is not 1 to 255 bytes of text");
  out.audience = claim_texts(payload, "aud");
  if (out.audience.empty()) return malformed("it has no claim aud");
  if (!optional_text(*object, "azp", out.authorized_party) || !optional_text(*object, "nonce", out.nonce)) {
    return malformed("its claim azp or nonce is no text");
  }
  const auto expires = time_of(*object, "exp"), issued = time_of(*object, "iat");
  if (!expires || !issued) return malformed("it has no claim exp or iat that is a time");
  out.expires_s = *expires;
  out.issued_s = *issued;
  if (object->contains("nbf")) {
    const auto from = time_of(*object, "nbf");
    if (!from) return malformed("its claim nbf is no time");
    out.not_before_s = *from;
  }
  out.json = std::move(payload);
  return out;
}

}  // namespace

struct KeySet::Key {
  std::string id;
  std::string algorithm;  // empty: any of its kind
  Kind kind;
  KeyHandle key;
};

KeySet::KeySet() = default;
KeySet::~KeySet() = default;
KeySet::KeySet(KeySet&&) noexcept = default;
KeySet& KeySet::operator=(KeySet&&) noexcept = default;
size_t KeySet::size() const { return keys_.size(); }

Result<Jwt> parse_jwt(std::string_view text) {
  if (text.size() > kTokenBytesMax) return malformed("it is longer than " + std::to_string(kTokenBytesMax) + " bytes");
  const size_t first = text.find('.');
  const size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
  if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) {
    return malformed("it has not three parts");
  }
  const auto header_text = from_base64url(text.substr(0, first));
  auto payload = from_base64url(text.substr(first + 1, second - first - 1));
  auto signature = from_base64url(text.substr(second + 1));
  if (!header_text || !payload || !signature) return malformed("a part of it is no base64url");
  const auto header = parse_object(*header_text);
  if (!header) return malformed("its header is no object of JSON");
  // RFC 7515 section 4.1.11: what must be understood, and is not.
  if (header->contains("crit")) return malformed("its header asks for extensions (crit)");
  Jwt out;
  out.algorithm = text_of(*header, "alg");
  if (out.algorithm.empty()) return malformed("its header names no algorithm");
  if (!optional_text(*header, "kid", out.key_id) || out.key_id.size() > kKeyIdBytesMax) return malformed("its header's kid is no short text");
  auto claims = read_claims(std::move(*payload));
  if (!claims) return tl::unexpected(claims.error());
  out.claims = std::move(*claims);
  out.signed_part = text.substr(0, second);
  out.signature = std::move(*signature);
  return out;
}

std::vector<std::string> claim_texts(std::string_view json_text, std::string_view path) {
  std::vector<std::string> out;
  const auto root = parse_object(json_text);
  if (!root) return out;
  const json::object* object = &*root;
  const json::value* found = object->if_contains(path);
  while (found == nullptr) {
    const size_t dot = path.find('.');
    if (dot == std::string_view::npos) return out;
    const json::value* inner = object->if_contains(path.substr(0, dot));
    if (inner == nullptr || !inner->is_object()) return out;
    object = &inner->get_object();
    path.remove_prefix(dot + 1);
    found = object->if_contains(path);
  }
  const auto add = [&out](const json::value& value) {
    if (value.is_string()) out.emplace_back(std::string_view(value.get_string()));
  };
  add(*found);
  if (found->is_array() && found->get_array().size() <= kClaimTextsMax) {
    for (const json::value& one : found->get_array()) add(one);
  }
  return out;
}

Result<KeySet> parse_key_set(std::string_view json_text) {
  const auto wrong = [](std::string what) { return fail(ErrorCode::kInvalid, std::move(what), "keys of the identity provider"); };
  if (json_text.size() > kKeySetBytesMax) return wrong("they are longer than " + std::to_string(kKeySetBytesMax) + " bytes");
  const auto object = parse_object(json_text);
  const json::value* list = object ? object->if_contains("keys") : nullptr;
  if (list == nullptr || !list->is_array()) return wrong("they are no set of JSON Web Keys");
  if (list->get_array().size() > kKeysMax) return wrong("they are more than " + std::to_string(kKeysMax));
  KeySet out;
  for (const json::value& one : list->get_array()) {
    if (!one.is_object()) continue;
    const json::object& key = one.get_object();
    if (const std::string use = text_of(key, "use"); !use.empty() && use != "sig") continue;
    KeySet::Key made{text_of(key, "kid"), text_of(key, "alg"), Kind::kRsa, nullptr};
    if (made.id.size() > kKeyIdBytesMax) continue;
    const std::string type = text_of(key, "kty");
    if (type == "RSA") {
      made.key = rsa_key(key);
    } else if (type == "EC") {
      made.kind = Kind::kEc;
      made.key = ec_key(key);
    } else if (type == "OKP") {
      made.kind = Kind::kEd;
      made.key = ed_key(key);
    }
    if (made.key) out.keys_.push_back(std::move(made));
  }
  if (out.keys_.empty()) return wrong("none of them is an RSA key of 2048 to 8192 bits, one of P-256 or of Ed25519");
  return out;
}

Status KeySet::verify_signature(const Jwt& token) const {
  const auto* algorithm = std::find_if(kAlgorithms.begin(), kAlgorithms.end(), [&](const Algorithm& one) { return one.name == token.algorithm; });
  if (algorithm == kAlgorithms.end()) {
    return fail(ErrorCode::kUnsupported, "it is not signed with RS256, ES256 or EdDSA", "token of the identity provider",
                "let the identity provider sign this client's tokens with one of them");
  }
  const Key* chosen = nullptr;
  for (const Key& key : keys_) {
    if (key.kind != algorithm->kind || (!key.algorithm.empty() && key.algorithm != algorithm->name)) continue;
    if (!token.key_id.empty() && key.id != token.key_id) continue;
    if (chosen != nullptr) {
      return refuse(token.key_id.empty() ? "it names no key, and its provider has several" : "its provider has several keys of that name");
    }
    chosen = &key;
  }
  if (chosen == nullptr) return fail(ErrorCode::kNotFound, "its key is none of its provider's", "token of the identity provider");
  if (!signed_by(chosen->key.get(), chosen->kind, token.signed_part, token.signature)) return refuse("its signature is wrong");
  return {};
}

Status check_claims(const Claims& claims, const Expected& expected) {
  if (claims.issuer != expected.issuer) return refuse("it is from another issuer");
  if (std::find(claims.audience.begin(), claims.audience.end(), expected.audience) == claims.audience.end()) {
    return refuse("it is for another audience", "ask the identity provider for one whose aud is " + expected.audience);
  }
  if (claims.authorized_party.empty() ? expected.nonce && claims.audience.size() > 1 : !expected.client_id.empty() && claims.authorized_party != expected.client_id) {
    return refuse("it was made for another client");
  }
  const auto clocks = [&](int64_t then, const char* what, const char* which) {
    return refuse(what + identity::utc_text(then) + "; the brain's clock reads " + identity::utc_text(expected.now_s) + ", " +
                      identity::span_text(expected.now_s - then) + " " + which,
                  "get a new one, or set the clock that is wrong");
  };
  if (claims.expires_s <= expected.now_s - kSkew_s) return clocks(claims.expires_s, "it expired at ", "later");
  if (claims.issued_s > expected.now_s + kSkew_s) return clocks(claims.issued_s, "it was issued at ", "earlier");
  if (claims.not_before_s > expected.now_s + kSkew_s) return clocks(claims.not_before_s, "it is good from ", "earlier");
  if (expected.age_s_max > 0 && claims.issued_s < expected.now_s - expected.age_s_max - kSkew_s) {
    return clocks(claims.issued_s, "it was issued at ", "later");
  }
  if (expected.lifetime_s_max > 0 && claims.expires_s - claims.issued_s > expected.lifetime_s_max) {
    return refuse("it lasts longer than " + identity::span_text(expected.lifetime_s_max), "let the identity provider give shorter ones");
  }
  if (expected.nonce && !identity::equal_in_constant_time(claims.nonce, *expected.nonce)) return refuse("it answers another sign-in");
  return {};
}

}  // namespace weir::openid
