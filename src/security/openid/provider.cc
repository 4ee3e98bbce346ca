#include "security/openid/provider.h"

#include <openssl/evp.h>

#include <algorithm>

#include "security/openid/json.h"

namespace weir::openid {
namespace {

constexpr size_t kTokenReplyBytesMax = 64 * 1024;
constexpr size_t kCodeBytesMax = 2 * 1024;

bool lists(const json::object& object, std::string_view name, std::string_view text) {
  const json::value* list = object.if_contains(name);
  return list != nullptr && list->is_array() && std::any_of(list->get_array().begin(), list->get_array().end(), [&](const json::value& one) {
    return one.is_string() && std::string_view(one.get_string()) == text;
  });
}

// What the provider says of a failure is for the log: a short name (RFC 6749 section 5.2), never its own text.
std::string failure_name(std::string_view body) {
  const auto object = parse_object(body);
  const std::string name = object ? text_of(*object, "error") : "";
  const bool plain = !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return plain ? " (" + name + ")" : "";
}

// RFC 4648 section 4.
std::string to_base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '\0');
  EVP_EncodeBlock(reinterpret_cast<uint8_t*>(out.data()), reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
  return out;
}

}  // namespace

std::string escaped(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

Result<Description> parse_description(std::string_view text, std::string_view issuer) {
  const auto wrong = [](std::string what) { return fail(ErrorCode::kInvalid, std::move(what), "description of the identity provider"); };
  if (text.size() > kDescriptionBytesMax) return wrong("it is longer than " + std::to_string(kDescriptionBytesMax) + " bytes");
  const auto object = parse_object(text);
  if (!object) return wrong("it is no object of JSON");
  if (text_of(*object, "issuer") != issuer) return wrong("it is of another issuer than the settings name");
  Description out;
  for (const auto& [name, field] : {std::pair{"authorization_endpoint", &out.authorization}, {"token_endpoint", &out.token},
                                    {"jwks_uri", &out.keys}, {"end_session_endpoint", &out.end_session}}) {
    *field = text_of(*object, name);
    if (field->empty() && field == &out.end_session) continue;
    if (const auto fault = wrong_endpoint(*field)) return wrong(std::string("its ") + name + " " + *fault);
  }
  const bool names_ways = object->contains("token_endpoint_auth_methods_supported");
  out.secret_in_body = names_ways && !lists(*object, "token_endpoint_auth_methods_supported", "client_secret_basic") &&
                       lists(*object, "token_endpoint_auth_methods_supported", "client_secret_post");
  return out;
}

Provider::Provider(Settings settings, HttpClient& http, Clock& clock) : settings_(std::move(settings)), http_(http), clock_(clock) {}

std::string Provider::name() const { return settings_.name.empty() ? host_of(settings_.issuer) : settings_.name; }

std::shared_ptr<const Provider::Known> Provider::known() const {
  const std::lock_guard lock(mutex_);
  return known_ && clock_.steady_us() - fetched_us_ < kKeysOld_us ? known_ : nullptr;
}

bool Provider::reachable() const {
  const std::lock_guard lock(mutex_);
  return asked_ && !failure_;
}

void Provider::want_keys() {
  const std::lock_guard lock(mutex_);
  keys_wanted_ = true;
}

bool Provider::stale() const {
  const std::lock_guard lock(mutex_);
  const int64_t now_us = clock_.steady_us(), since_us = now_us - asked_us_;
  if (!asked_) return true;
  if (failure_) return since_us >= kRetryAfter_us;
  return (keys_wanted_ && since_us >= kAskAgainAfter_us) || now_us - fetched_us_ >= kKeysFresh_us;
}

Result<std::string> Provider::fetch(const std::string& address, size_t bytes_max) {
  const auto reply = http_.call({.url = address,
                                 .headers = {{"Accept", "application/json"}},
                                 .timeout_us = kProviderTimeout_us,
                                 .reply_bytes_max = bytes_max,
                                 .ca_file = settings_.ca_file});
  if (!reply) return tl::unexpected(reply.error());
  if (reply->status != 200) return fail(ErrorCode::kUnavailable, "answers with the status " + std::to_string(reply->status), address);
  return std::move(reply->body);
}

Result<Provider::Known> Provider::ask() {
  const std::string_view issuer = settings_.issuer;
  const std::string base(issuer.ends_with('/') ? issuer.substr(0, issuer.size() - 1) : issuer);
  const auto text = fetch(base + "/.well-known/openid-configuration", kDescriptionBytesMax);
  if (!text) return tl::unexpected(text.error());
  auto description = parse_description(*text, issuer);
  if (!description) return tl::unexpected(description.error());
  const auto keys_text = fetch(description->keys, kKeySetBytesMax);
  if (!keys_text) return tl::unexpected(keys_text.error());
  auto keys = parse_key_set(*keys_text);
  if (!keys) return tl::unexpected(keys.error());
  return Known{std::move(*description), std::move(*keys)};
}

Status Provider::refresh() {
  const std::lock_guard asking(asking_);
  if (stale()) {
    auto answer = ask();
    const std::lock_guard lock(mutex_);
    asked_ = true;
    asked_us_ = clock_.steady_us();
    keys_wanted_ = false;
    failure_.reset();
    if (answer) {
      fetched_us_ = asked_us_;
      known_ = std::make_shared<const Known>(std::move(*answer));
    } else {
      failure_ = answer.error();
    }
  }
  const std::lock_guard lock(mutex_);
  if (!failure_) return {};
  return fail(ErrorCode::kUnavailable, "the identity provider cannot be used: " + failure_->text(), settings_.issuer,
              "check the issuer in [oidc], ca_file, and that the brain reaches it; it is asked again");
}

Result<std::string> Provider::authorization_address(std::string_view state, std::string_view nonce, std::string_view challenge) {
  const Status fresh = refresh();
  const auto now = known();
  // What was known an hour ago may do; the provider itself says otherwise.
  if (!now) return tl::unexpected(fresh.error());
  std::string scopes;
  for (const std::string& scope : settings_.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
  std::string out = now->description.authorization;
  out += out.find('?') == std::string::npos ? '?' : '&';
  out += "response_type=code&client_id=" + escaped(settings_.client_id) + "&redirect_uri=" + escaped(redirect_address()) +
         "&scope=" + escaped(scopes) + "&state=" + escaped(state) + "&nonce=" + escaped(nonce) + "&code_challenge=" + escaped(challenge) +
         "&code_challenge_method=S256";
  return out;
}

std::optional<std::string> Provider::end_session_address() const {
  const auto now = known();
  if (!now || now->description.end_session.empty()) return std::nullopt;
  const std::string& address = now->description.end_session;
  return address + (address.find('?') == std::string::npos ? '?' : '&') + "client_id=" + escaped(settings_.client_id) +
         "&post_logout_redirect_uri=" + escaped(settings_.base + "/");
}

Result<Person> Provider::person_of(const Claims& claims) const {
  Person out;
  const std::vector<std::string> names = claim_texts(claims.json, settings_.name_claim);
  out.name = names.empty() ? claims.subject : names.front();
  out.ledger_name = ledger_name(out.name, claims.issuer, claims.subject);
  out.expires_s = claims.expires_s;
  auto principal = role_for(settings_.roles, claim_texts(claims.json, settings_.role_claim), out.ledger_name);
  if (!principal) {
    return fail(ErrorCode::kDenied, "whom the token names has no role here", "role",
                "let the identity provider put one of the values of [[oidc.role]] into the claim " + settings_.role_claim);
  }
  out.principal = std::move(*principal);
  return out;
}

Result<Person> Provider::redeem(std::string_view code, std::string_view verifier, std::string_view nonce) {
  if (code.empty() || code.size() > kCodeBytesMax) return fail(ErrorCode::kDenied, "the code is none", "sign-in", "begin it again");
  const Status fresh = refresh();
  auto now = known();
  if (!now) return tl::unexpected(fresh.error());
  HttpCall call{.method = "POST",
                .url = now->description.token,
                .headers = {{"Accept", "application/json"}, {"Content-Type", "application/x-www-form-urlencoded"}},
                .body = "grant_type=authorization_code&code=" + escaped(code) + "&redirect_uri=" + escaped(redirect_address()) +
                        "&code_verifier=" + escaped(verifier),
                .timeout_us = kProviderTimeout_us,
                .reply_bytes_max = kTokenReplyBytesMax,
                .ca_file = settings_.ca_file};
  const bool secret = !settings_.client_secret.empty();
  if (secret && !now->description.secret_in_body) {
    // RFC 6749 section 2.3.1: both are form-encoded before they are joined.
    call.headers.emplace_back("Authorization", "Basic " + to_base64(escaped(settings_.client_id) + ":" + escaped(settings_.client_secret.reveal())));
  } else {
    call.body += "&client_id=" + escaped(settings_.client_id);
    if (secret) call.body += "&client_secret=" + escaped(settings_.client_secret.reveal());
  }
  const auto reply = http_.call(call);
  if (!reply) return fail(ErrorCode::kUnavailable, "the identity provider did not answer: " + reply.error().what, "sign-in", "begin it again");
  if (reply->status != 200) {
    return fail(reply->status < 500 ? ErrorCode::kDenied : ErrorCode::kUnavailable,
                "the identity provider refuses the code with the status " + std::to_string(reply->status) + failure_name(reply->body), "sign-in",
                "begin it again");
  }
  const auto object = parse_object(reply->body);
  const std::string id_token = object ? text_of(*object, "id_token") : "";
  if (id_token.empty()) return fail(ErrorCode::kDenied, "the identity provider's answer holds no ID token", "sign-in", "let [oidc] scopes hold openid");
  const auto token = parse_jwt(id_token);
  if (!token) return fail(ErrorCode::kDenied, token.error().what, token.error().where);
  Status good = now->keys.verify_signature(*token);
  if (!good && good.error().code == ErrorCode::kNotFound) {
    // A key that came since.
    want_keys();
    static_cast<void>(refresh());
    now = known();
    if (!now) return fail(ErrorCode::kUnavailable, "the keys of the identity provider are too old", "sign-in", "begin it again");
    good = now->keys.verify_signature(*token);
  }
  if (!good) return fail(ErrorCode::kDenied, good.error().what, good.error().where);
  const Expected expected{.issuer = settings_.issuer,
                          .audience = settings_.client_id,
                          .client_id = settings_.client_id,
                          .nonce = std::string(nonce),
                          .now_s = clock_.wall_us() / 1'000'000,
                          .age_s_max = 600};
  if (const Status checked = check_claims(token->claims, expected); !checked) return tl::unexpected(checked.error());
  return person_of(token->claims);
}

Result<Person> Provider::check_bearer(std::string_view text) {
  const auto token = parse_jwt(text);
  if (!token) return fail(ErrorCode::kDenied, token.error().what, token.error().where);
  const auto now = known();
  const Status good = now ? now->keys.verify_signature(*token) : fail(ErrorCode::kNotFound, "");
  if (!good && good.error().code == ErrorCode::kNotFound) {
    want_keys();
    const bool may_come = stale() || !now;
    return fail(ErrorCode::kDenied, now ? "its key is none of its provider's" : "the keys of the identity provider are not known, or too old",
                "token of the identity provider", may_come ? "try again in a moment: its keys are being read" : "get a new one");
  }
  if (!good) return fail(ErrorCode::kDenied, good.error().what, good.error().where, good.error().remedy);
  const bool own = settings_.audience.empty() || settings_.audience == settings_.client_id;
  const Expected expected{.issuer = settings_.issuer,
                          .audience = own ? settings_.client_id : settings_.audience,
                          .client_id = own ? settings_.client_id : std::string(),
                          .nonce = std::nullopt,
                          .now_s = clock_.wall_us() / 1'000'000,
                          .lifetime_s_max = kBearerLifetimeMax_s};
  if (const Status checked = check_claims(token->claims, expected); !checked) return tl::unexpected(checked.error());
  return person_of(token->claims);
}

}  // namespace weir::openid
