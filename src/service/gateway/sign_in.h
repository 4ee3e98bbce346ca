#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/ports/brain.h"
#include "security/openid/attempt.h"
#include "security/openid/provider.h"
#include "service/gateway/rest_routes.h"
#include "service/gateway/workers.h"

namespace weir::gateway {

inline constexpr std::string_view kSignInPath = "/v1/sign-in";
inline constexpr std::string_view kCallbackPath = "/v1/sign-in/callback";
inline constexpr std::string_view kWaysPath = "/v1/sign-in/ways";
inline constexpr std::string_view kSignOutPath = "/v1/sign-out";

// __Host-: browsers take them from this host alone, over TLS, for the whole of it (RFC 6265bis section 4.1.3.2).
inline constexpr std::string_view kSessionCookie = "__Host-weir-session";
inline constexpr std::string_view kAttemptCookie = "__Host-weir-sign-in";

inline constexpr size_t kPersonsMax = 16'384;       // whose names are remembered
inline constexpr size_t kFinishedMax = 16'384;      // sign-ins of the last ten minutes; of more, the oldest are forgotten
inline constexpr size_t kSignInsOfPersonMax = 32;   // within ten minutes: each stays in the ledger for good
inline constexpr size_t kSignInsWaitingMax = 64;
inline constexpr int kSignInWorkers = 2;

// The value of one cookie in a Cookie header; empty: none, or several of that name.
std::string_view cookie_of(std::string_view header, std::string_view name);

// Sign-in by an identity provider, and the sessions of browsers. Threads may call at once.
//   REST workers → waiting (bounded) → threads that wait for the provider
class SignIn {
 public:
  struct Options {
    int workers = kSignInWorkers;
    size_t waiting_max = kSignInsWaitingMax;
    std::function<void(const std::string&)> say = [](const std::string&) {};  // to whoever runs the brain
  };
  // The first two outlive this. kUnavailable when the system gives no random bytes.
  static Result<std::unique_ptr<SignIn>> open(openid::Provider& provider, Brain& brain, Clock& clock, Options options);
  ~SignIn();

  bool local_tokens() const { return provider_.settings().local_tokens; }
  std::string person_of(const std::string& session) const;

  // Whether what follows "Bearer " claims to be a token of a provider.
  static bool is_provider_token(std::string_view text) { return text.starts_with("eyJ"); }
  // Never waits. kDenied.
  Result<Caller> check_bearer(std::string_view token);

  // Whether a request that a cookie speaks for comes from the console itself, and not from another site in the same browser: by Origin where
  // it is, otherwise by Sec-Fetch-Site, without which only reading is allowed. kDenied.
  Status same_origin(const HttpRequest& request) const;

  // A request to one of the paths above; nothing: it is to another.
  std::optional<Routed> answer(Service& service, const HttpRequest& request);

  // Reads the provider's description and keys, if they are not known or not fresh; elsewhere, and once at a time.
  void refresh();

 private:
  SignIn(openid::Provider& provider, Brain& brain, Clock& clock, Options options, identity::SecretText key);
  using Done = std::function<void(HttpResponse)>;
  Routed begin();
  Routed finish(const HttpRequest& request);
  HttpResponse ways(Service& service, const HttpRequest& request) const;
  Routed sign_out(Service& service, const HttpRequest& request);
  void redeem(const openid::Attempt& attempt, const std::string& code, const Done& done);
  bool finished_before(const std::string& state);
  // kDenied: it was finished before; kExhausted: the person has signed in too often.
  Status finish_once(const std::string& state, const std::string& ledger_name);
  void remember(const std::string& session, const std::string& person);
  Routed later(std::function<void(const Done&)> work);
  HttpResponse back(const Error& error) const;

  openid::Provider& provider_;
  Brain& brain_;
  Clock& clock_;
  const Options options_;
  const identity::SecretText key_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> persons_;  // session → as the provider names them
  std::deque<std::string> sessions_;            // the oldest first
  struct Finished {
    std::string state, person;                  // as the ledger names them
    int64_t at_s = 0;
  };
  std::deque<Finished> finished_;               // the oldest first
  bool refreshing_ = false;
  std::atomic<bool> stopping_ = false;
  Workers workers_;  // the last: they use the others
};

// The same paths where no provider is set: signing in is not possible, and every way to do it is by a local token.
std::optional<Routed> answer_without_provider(const HttpRequest& request);

}  // namespace weir::gateway
