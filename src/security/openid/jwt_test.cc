#include "security/openid/jwt.h"

#include <gtest/gtest.h>

#include "security/openid/test_issuer.h"

namespace weir::openid {
namespace {

const TestKey& rsa() {
  static const TestKey key(TestKey::Kind::kRsa, "r1");
  return key;
}

ErrorCode code_of(const Status& status) { return status ? ErrorCode::kInternal : status.error().code; }
Status verified(const std::string& token, const std::string& keys) {
  const auto parsed = parse_jwt(token);
  if (!parsed) return tl::unexpected(parsed.error());
  const auto set = parse_key_set(keys);
  if (!set) return tl::unexpected(set.error());
  return set->verify_signature(*parsed);
}

TEST(Base64Url, TakesWhatItMakesAndNothingElse) {
  for (size_t size = 0; size < 70; ++size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 37 + size);
    EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes) << size;
  }
  EXPECT_EQ(to_base64url("\xfb\xff"), "-_8");
  for (const char* wrong : {"a", "ab=", "a b", "+/", "ab==", "AB", "AAB", "abcde"}) EXPECT_EQ(from_base64url(wrong), std::nullopt) << wrong;
}

TEST(Jwt, EveryAlgorithmThatIsAllowedIsTakenAndATamperedTokenIsNot) {
  const TestKey ec(TestKey::Kind::kEc, "e1"), ed(TestKey::Kind::kEd, "d1");
  const std::string keys = key_set({rsa().jwk(), ec.jwk(), ed.jwk()});
  for (const TestKey* key : {&rsa(), &ec, &ed}) {
    const std::string token = key->sign(claims_text(kTestNow_s));
    EXPECT_TRUE(verified(token, keys)) << key->algorithm();
    const size_t dot = token.rfind('.');
    std::string signature = token;
    signature[dot + 5] = signature[dot + 5] == 'A' ? 'B' : 'A';
    EXPECT_EQ(code_of(verified(signature, keys)), ErrorCode::kDenied) << key->algorithm();
    const std::string other = to_base64url(claims_text(kTestNow_s, R"("groups":["admins"])"));
    const std::string claims = token.substr(0, token.find('.') + 1) + other + token.substr(dot);
    EXPECT_EQ(code_of(verified(claims, keys)), ErrorCode::kDenied) << key->algorithm();
    EXPECT_EQ(code_of(verified(token.substr(0, dot + 1), keys)), ErrorCode::kDenied) << "without a signature";
    EXPECT_EQ(code_of(verified(token + "AAAA", keys)), ErrorCode::kDenied) << "a longer signature";
  }
}

TEST(Jwt, NoneAndHmacWithThePublicKeyAreNoSignatures) {
  const std::string claims = claims_text(kTestNow_s);
  for (const char* algorithm : {"none", "None", "HS256", "HS512", "RS1", "RS512", "PS256", "ES384", "rs256"}) {
    const std::string token = rsa().sign(std::string(R"({"alg":")") + algorithm + R"(","kid":"r1"})", claims);
    EXPECT_EQ(code_of(verified(token, key_set({rsa().jwk()}))), ErrorCode::kUnsupported) << algorithm;
  }
  const std::string text = to_base64url(R"({"alg":"HS256","kid":"r1"})") + "." + to_base64url(claims), secret = rsa().modulus();
  std::array<unsigned char, 32> mac{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size);
  EXPECT_EQ(code_of(verified(text + "." + to_base64url({reinterpret_cast<char*>(mac.data()), size}), key_set({rsa().jwk()}))), ErrorCode::kUnsupported);
  // A key of another kind does not serve, nor does one that is kept for another algorithm.
  const TestKey ec(TestKey::Kind::kEc, "r1");
  EXPECT_EQ(code_of(verified(rsa().sign(claims), key_set({ec.jwk()}))), ErrorCode::kNotFound);
  EXPECT_EQ(code_of(verified(rsa().sign(claims), key_set({rsa().jwk(R"(,"alg":"PS256")")}))), ErrorCode::kNotFound);
  EXPECT_TRUE(verified(rsa().sign(claims), key_set({rsa().jwk(R"(,"alg":"RS256","use":"sig")")})));
}

TEST(Jwt, WhichKeyIsMeantIsNeverGuessed) {
  const TestKey one(TestKey::Kind::kEc, "k1"), two(TestKey::Kind::kEc, "k2"), nameless(TestKey::Kind::kEc, "");
  const std::string keys = key_set({one.jwk(), two.jwk()});
  EXPECT_TRUE(verified(one.sign(claims_text(kTestNow_s)), keys));
  EXPECT_TRUE(verified(two.sign(claims_text(kTestNow_s)), keys));
  EXPECT_EQ(code_of(verified(one.sign(R"({"alg":"ES256","kid":"k2"})", claims_text(kTestNow_s)), keys)), ErrorCode::kDenied) << "the other's name";
  EXPECT_EQ(code_of(verified(one.sign(R"({"alg":"ES256","kid":"k3"})", claims_text(kTestNow_s)), keys)), ErrorCode::kNotFound);
  EXPECT_EQ(code_of(verified(one.sign(R"({"alg":"ES256"})", claims_text(kTestNow_s)), keys)), ErrorCode::kDenied) << "no name, two keys";
  EXPECT_TRUE(verified(nameless.sign(claims_text(kTestNow_s)), key_set({nameless.jwk()}))) << "no name, one key";
  EXPECT_EQ(code_of(verified(one.sign(claims_text(kTestNow_s)), key_set({one.jwk(), one.jwk()}))), ErrorCode::kDenied) << "one name twice";
}

TEST(Jwt, WhatIsNoTokenIsRefusedWithoutRepeatingIt) {
  const std::string good = rsa().sign(claims_text(kTestNow_s));
  const std::string header = to_base64url(R"({"alg":"RS256"})"), claims = to_base64url(claims_text(kTestNow_s));
  EXPECT_TRUE(parse_jwt(good));
  for (const std::string& wrong : {std::string(), std::string("a"), std::string("a.b"), std::string(".."), good + ".x", "=" + good, header + "." + claims,
                                   to_base64url("[]") + "." + claims + ".AA", to_base64url("{}") + "." + claims + ".AA",
                                   to_base64url(R"({"alg":1})") + "." + claims + ".AA", to_base64url(R"({"alg":"RS256","kid":7})") + "." + claims + ".AA",
                                   to_base64url(R"({"alg":"RS256","crit":["exp"]})") + "." + claims + ".AA", header + "." + to_base64url("1") + ".AA",
                                   header + "." + to_base64url("{}") + ".AA"}) {
    const auto parsed = parse_jwt(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalid);
    EXPECT_EQ(parsed.error().text().find("4321"), std::string::npos);
  }
  for (const char* claim : {"iss", "sub", "aud", "iat", "exp"}) {
    std::string text = claims_text(kTestNow_s);
    text.replace(text.find(claim), 3, "xxx");
    EXPECT_FALSE(parse_jwt(rsa().sign(text))) << claim;
  }
  for (const char* more : {R"("nonce":7)", R"("azp":[])", R"("nbf":"soon")", R"("nbf":-1)"}) EXPECT_FALSE(parse_jwt(rsa().sign(claims_text(kTestNow_s, more)))) << more;
  EXPECT_FALSE(parse_jwt(rsa().sign(R"({"iss":"i","sub":"s","aud":"a","iat":1,"exp":1e300})")));
  EXPECT_TRUE(parse_jwt(rsa().sign(R"({"iss":"i","sub":"s","aud":["a","b"],"iat":1.5,"exp":2})")));
}

TEST(Jwt, BoundsHoldAtUnderAndOver) {
  const auto padded = [](size_t bytes) {
    const std::string header = R"({"alg":"RS256","kid":"r1"})";
    const size_t rest = to_base64url(header).size() + 1 + 1 + 342;  // 256 bytes of signature
    size_t pad = 1;
    while (rest + (claims_text(kTestNow_s, R"("p":")" + std::string(pad, 'x') + "\"").size() * 4 + 2) / 3 < bytes) ++pad;
    return rsa().sign(header, claims_text(kTestNow_s, R"("p":")" + std::string(pad, 'x') + "\""));
  };
  const std::string fits = padded(kTokenBytesMax - 2);
  EXPECT_LE(fits.size(), kTokenBytesMax);
  EXPECT_TRUE(parse_jwt(fits)) << fits.size();
  const std::string over = padded(kTokenBytesMax + 1);
  EXPECT_GT(over.size(), kTokenBytesMax);
  EXPECT_FALSE(parse_jwt(over));
  const auto subject = [](size_t bytes) { return rsa().sign(R"({"iss":"i","sub":")" + std::string(bytes, 's') + R"(","aud":"a","iat":1,"exp":2})"); };
  EXPECT_TRUE(parse_jwt(subject(kSubjectBytesMax)));
  EXPECT_FALSE(parse_jwt(subject(kSubjectBytesMax + 1)));
  EXPECT_FALSE(parse_jwt(subject(0)));
  const auto named = [](size_t bytes) { return rsa().sign(R"({"alg":"RS256","kid":")" + std::string(bytes, 'k') + "\"}", claims_text(kTestNow_s)); };
  EXPECT_TRUE(parse_jwt(named(kKeyIdBytesMax)));
  EXPECT_FALSE(parse_jwt(named(kKeyIdBytesMax + 1)));
  const auto nested = [](size_t depth) {
    return rsa().sign(claims_text(kTestNow_s, R"("d":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']')));
  };
  EXPECT_TRUE(parse_jwt(nested(kJsonDepthMax)));
  EXPECT_FALSE(parse_jwt(nested(kJsonDepthMax + 1)));
}

TEST(KeySet, PassesOverWhatItCannotUse) {
  const TestKey ec(TestKey::Kind::kEc, "e1");
  const auto size = [](const std::vector<std::string>& keys) {
    const auto set = parse_key_set(key_set(keys));
    return set ? set->size() : 0;
  };
  EXPECT_EQ(size({ec.jwk()}), 1u);
  EXPECT_EQ(size({ec.jwk(), R"({"kty":"oct","k":"AAAA"})", R"({"kty":"EC","crv":"P-521","x":"AA","y":"AA"})", "7", ec.jwk(R"(,"use":"enc")")}), 1u);
  EXPECT_EQ(size({R"({"kty":"oct","k":"AAAA"})"}), 0u);
  std::string off_curve = ec.jwk();
  off_curve.replace(off_curve.find("\"y\":\"") + 5, 4, "AAAA");
  EXPECT_EQ(size({off_curve}), 0u);
  EXPECT_EQ(size({TestKey(TestKey::Kind::kRsa, "weak", 1024).jwk()}), 0u);
  EXPECT_EQ(size({rsa().jwk()}), 1u);
  EXPECT_EQ(size({R"({"kty":"RSA","n":")" + to_base64url(rsa().modulus()) + R"(","e":"AQ"})"}), 0u) << "the exponent 1";
  EXPECT_EQ(size({R"({"kty":"RSA","n":")" + to_base64url(rsa().modulus()) + R"(","e":"AAAAAAAAAAAAAAAAAAE"})"}), 0u) << "a long exponent";
  EXPECT_EQ(size({R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"}), 0u);
  EXPECT_EQ(size(std::vector<std::string>(kKeysMax, ec.jwk())), kKeysMax);
  EXPECT_EQ(size(std::vector<std::string>(kKeysMax + 1, ec.jwk())), 0u);
  for (const char* wrong : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[]})"}) EXPECT_FALSE(parse_key_set(wrong)) << wrong;
  const std::string base = key_set({ec.jwk()});
  EXPECT_TRUE(parse_key_set(base + std::string(kKeySetBytesMax - base.size(), ' ')));
  EXPECT_FALSE(parse_key_set(base + std::string(kKeySetBytesMax - base.size() + 1, ' ')));
}

TEST(KeySet, TakesCoordinatesWithAByteOfSign) {
  const TestKey ec(TestKey::Kind::kEc, "e1");
  std::string jwk = ec.jwk();
  const size_t at = jwk.find("\"x\":\"") + 5;
  const std::string x = jwk.substr(at, 43);
  jwk.replace(at, 43, to_base64url(std::string(1, '\0') + *from_base64url(x)));
  EXPECT_TRUE(verified(ec.sign(claims_text(kTestNow_s)), key_set({jwk})));
  jwk = ec.jwk();
  jwk.replace(at, 43, to_base64url("\x01" + *from_base64url(x)));
  EXPECT_FALSE(parse_key_set(key_set({jwk})));
}

TEST(Claims, AreThoseOfTheSignIn) {
  const auto check = [](const std::string& text, const std::function<void(Expected&)>& change = [](Expected&) {}) {
    Expected expected{.issuer = kTestIssuer, .audience = "weir", .client_id = "weir", .nonce = "n", .now_s = kTestNow_s, .age_s_max = 600};
    change(expected);
    return check_claims(parse_jwt(rsa().sign(text))->claims, expected).has_value();
  };
  const std::string nonce = R"("nonce":"n")";
  EXPECT_TRUE(check(claims_text(kTestNow_s, nonce)));
  EXPECT_FALSE(check(claims_text(kTestNow_s)));
  EXPECT_FALSE(check(claims_text(kTestNow_s, R"("nonce":"m")")));
  EXPECT_FALSE(check(claims_text(kTestNow_s, nonce, "https://login.example.org/realm/"))) << "another issuer by one character";
  EXPECT_FALSE(check(claims_text(kTestNow_s, nonce, kTestIssuer, "\"other\"")));
  EXPECT_FALSE(check(claims_text(kTestNow_s, nonce, kTestIssuer, R"(["weir","other"])"))) << "several audiences and no azp";
  EXPECT_TRUE(check(claims_text(kTestNow_s, nonce + R"(,"azp":"weir")", kTestIssuer, R"(["weir","other"])")));
  EXPECT_FALSE(check(claims_text(kTestNow_s, nonce + R"(,"azp":"other")")));
  // The token lasts 300 s from iat on; the clocks may differ by kSkew_s.
  const auto at = [&](int64_t now) { return check(claims_text(kTestNow_s, nonce), [now](Expected& e) { e.now_s = now; }); };
  EXPECT_TRUE(at(kTestNow_s + 300 + kSkew_s - 1));
  EXPECT_FALSE(at(kTestNow_s + 300 + kSkew_s));
  EXPECT_TRUE(at(kTestNow_s - kSkew_s));
  EXPECT_FALSE(at(kTestNow_s - kSkew_s - 1));
  const auto aged = [&](int64_t age) { return check(claims_text(kTestNow_s, nonce), [age](Expected& e) { e.now_s = kTestNow_s + age + kSkew_s; e.age_s_max = 100; }); };
  EXPECT_TRUE(aged(100));
  EXPECT_FALSE(aged(101));
  EXPECT_TRUE(check(claims_text(kTestNow_s, nonce + R"(,"nbf":)" + std::to_string(kTestNow_s + kSkew_s))));
  EXPECT_FALSE(check(claims_text(kTestNow_s, nonce + R"(,"nbf":)" + std::to_string(kTestNow_s + kSkew_s + 1))));
  EXPECT_TRUE(check(claims_text(kTestNow_s, nonce), [](Expected& e) { e.lifetime_s_max = 300; }));
  EXPECT_FALSE(check(claims_text(kTestNow_s, nonce), [](Expected& e) { e.lifetime_s_max = 299; }));
}

TEST(Claims, TextsAreFoundByPath) {
  using Texts = std::vector<std::string>;
  const std::string json = R"({"groups":["a",7,"b"],"one":"x","realm_access":{"roles":["r"]},"https://example.org/roles":["u"],"n":{"m":{"o":"p"}}})";
  EXPECT_EQ(claim_texts(json, "groups"), (Texts{"a", "b"}));
  EXPECT_EQ(claim_texts(json, "one"), Texts{"x"});
  EXPECT_EQ(claim_texts(json, "realm_access.roles"), Texts{"r"});
  EXPECT_EQ(claim_texts(json, "https://example.org/roles"), Texts{"u"});
  EXPECT_EQ(claim_texts(json, "n.m.o"), Texts{"p"});
  for (const char* none : {"", "x", "n", "n.m", "groups.a", "one.", ".one", "realm_access."}) EXPECT_EQ(claim_texts(json, none), Texts{}) << none;
  const auto many = [](size_t count) {
    std::string out = R"({"g":[)";
    for (size_t i = 0; i < count; ++i) out += i == 0 ? "\"v\"" : ",\"v\"";
    return claim_texts(out + "]}", "g").size();
  };
  EXPECT_EQ(many(kClaimTextsMax), kClaimTextsMax);
  EXPECT_EQ(many(kClaimTextsMax + 1), 0u);
}

}  // namespace
}  // namespace weir::openid
