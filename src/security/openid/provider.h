#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ports/clock.h"
#include "core/ports/http_client.h"
#include "security/openid/jwt.h"
#include "security/openid/settings.h"

namespace weir::openid {

// What a provider says of itself (OpenID Connect Discovery 1.0, section 3).
struct Description {
  std::string authorization, token, keys;
  std::string end_session;   // empty: none
  bool secret_in_body = false;  // it takes a client's secret by client_secret_post alone
};
inline constexpr size_t kDescriptionBytesMax = 128 * 1024;
// kInvalid: over the size, no object, another issuer's, an address missing or by plain http.
Result<Description> parse_description(std::string_view json, std::string_view issuer);

// Percent-encoded (RFC 3986 section 2.3: all but unreserved).
std::string escaped(std::string_view text);

// Whom a token speaks of.
struct Person {
  policy::Principal principal;
  std::string name;         // for people
  std::string ledger_name;  // for the ledger
  int64_t expires_s = 0;    // of the token
};

inline constexpr int64_t kBearerLifetimeMax_s = 86400;
inline constexpr int64_t kProviderTimeout_us = 5'000'000;    // of one call
inline constexpr int64_t kRetryAfter_us = 5'000'000;         // a provider that gave no answer is asked again
inline constexpr int64_t kAskAgainAfter_us = 30'000'000;     // for a key that it did not have
inline constexpr int64_t kKeysFresh_us = int64_t{3600} * 1'000'000;  // keys may stop being good
inline constexpr int64_t kKeysOld_us = 24 * kKeysFresh_us;           // keys of a provider that has been silent for so long are good for nothing

// The identity provider of the settings. Threads may call at once.
class Provider {
 public:
  // Both outlive this.
  Provider(Settings settings, HttpClient& http, Clock& clock);

  const Settings& settings() const { return settings_; }
  std::string name() const;
  std::string redirect_address() const { return settings_.base + "/v1/sign-in/callback"; }

  // Asks for description and keys where they are not known or not fresh; not more often than the bounds above, whoever asks. Waits for the
  // provider. kUnavailable: it did not answer, or with what cannot be used, now or a moment ago.
  Status refresh();
  // Something was signed with a key that is not known: the next refresh asks again, if it may.
  void want_keys();
  // Whether a refresh would ask.
  bool stale() const;
  // Whether the last time it was asked it answered; before the first: false.
  bool reachable() const;

  // Where a browser goes to sign in. Waits as refresh().
  Result<std::string> authorization_address(std::string_view state, std::string_view nonce, std::string_view challenge);
  // Where a browser goes to sign out there too; nothing: the provider has no such place, or is not known. Never waits.
  std::optional<std::string> end_session_address() const;

  // Exchanges the code that the browser brought (RFC 6749 section 4.1.3). Waits for the provider. kDenied: it refuses, its token is not good,
  // or whom it names has no role here (where = "role").
  Result<Person> redeem(std::string_view code, std::string_view verifier, std::string_view nonce);
  // A token that somebody sends with a request. Never waits: kUnavailable asks to try again when the keys are there. kDenied.
  Result<Person> check_bearer(std::string_view token);

 private:
  struct Known {
    Description description;
    KeySet keys;
  };
  std::shared_ptr<const Known> known() const;  // none: nothing, or older than kKeysOld_us
  Result<std::string> fetch(const std::string& address, size_t bytes_max);
  Result<Known> ask();
  Result<Person> person_of(const Claims& claims) const;

  const Settings settings_;
  HttpClient& http_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::mutex asking_;  // one refresh at a time
  std::shared_ptr<const Known> known_;
  std::optional<Error> failure_;  // of the last time it was asked
  int64_t asked_us_ = 0, fetched_us_ = 0;  // steady
  bool asked_ = false, keys_wanted_ = false;
};

}  // namespace weir::openid
