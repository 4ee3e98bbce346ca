#include "service/gateway/sign_in.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "core/units/text.h"
#include "security/identity/user_token.h"

namespace weir::gateway {
namespace {

namespace json = boost::json;

constexpr size_t kPersonBytesMax = 256;

std::string_view path_of(const HttpRequest& request) { return std::string_view(request.target).substr(0, request.target.find('?')); }

// Lax and not Strict: the browser comes back from the provider, which is another site, and Strict would keep both cookies away from what it
// asks for then. What Lax lets through from other sites is GET at the top of a window, which changes nothing here.
std::string set_cookie(std::string_view name, std::string_view value, int64_t age_s) {
  return "Set-Cookie: " + std::string(name) + "=" + std::string(value) + "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=" + std::to_string(age_s) + "\r\n";
}

// Always to an address that the settings or the provider's description hold, never to one out of a request.
HttpResponse redirect(const std::string& address, std::string headers) {
  HttpResponse out{.status = 303, .content_type = "text/plain"};
  out.headers = "Location: " + address + "\r\nReferrer-Policy: no-referrer\r\n" + std::move(headers);
  return out;
}

HttpResponse json_answer(const json::object& body, std::string headers = {}) {
  HttpResponse out{.body = json::serialize(body)};
  out.headers = std::move(headers);
  return out;
}

HttpResponse not_allowed(const HttpRequest& request, const char* method) {
  HttpResponse out = problem({ErrorCode::kInvalid, request.method + " is not possible here", std::string(path_of(request)), std::string("use ") + method}, 405);
  out.allow = method;
  return out;
}

std::string field_of(const Target& target, std::string_view name) {
  for (const auto& [key, value] : target.query) {
    if (key == name) return value;
  }
  return {};
}

// Back to the console, with a word for what happened and never with text of others; the attempt is over.
HttpResponse back_to(const std::string& base, const Error& error) {
  const bool role = error.code == ErrorCode::kDenied && error.where == "role";
  const bool often = error.code == ErrorCode::kExhausted && error.where == "often";
  const std::string why = role ? "no-role" : often ? "too-often" : error.code == ErrorCode::kDenied ? "refused" : error.code == ErrorCode::kInvalid ? "refused" : "unavailable";
  return redirect(base + "/?sign_in=" + why, set_cookie(kAttemptCookie, "", 0));
}

}  // namespace

std::string_view cookie_of(std::string_view header, std::string_view name) {
  std::string_view out;
  bool found = false;
  while (!header.empty()) {
    std::string_view pair = header.substr(0, header.find(';'));
    header.remove_prefix(std::min(header.size(), pair.size() + 1));
    while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
    while (!pair.empty() && pair.back() == ' ') pair.remove_suffix(1);
    if (!pair.starts_with(name) || pair.size() == name.size() || pair[name.size()] != '=') continue;
    if (found) return {};
    found = true;
    out = pair.substr(name.size() + 1);
  }
  return out;
}

Result<std::unique_ptr<SignIn>> SignIn::open(openid::Provider& provider, Brain& brain, Clock& clock, Options options) {
  auto key = openid::draw_attempt_key();
  if (!key) return tl::unexpected(key.error());
  return std::unique_ptr<SignIn>(new SignIn(provider, brain, clock, std::move(options), std::move(*key)));
}

SignIn::SignIn(openid::Provider& provider, Brain& brain, Clock& clock, Options options, identity::SecretText key)
    : provider_(provider),
      brain_(brain),
      clock_(clock),
      options_(std::move(options)),
      key_(std::move(key)),
      workers_(options_.workers, options_.waiting_max) {}

// What still waits is refused, so that the end waits for what is under way alone.
SignIn::~SignIn() { stopping_ = true; }

std::string SignIn::person_of(const std::string& session) const {
  const std::lock_guard lock(mutex_);
  const auto found = persons_.find(session);
  return found == persons_.end() ? std::string() : found->second;
}

void SignIn::remember(const std::string& session, const std::string& person) {
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kPersonsMax) {
    persons_.erase(sessions_.front());
    sessions_.pop_front();
  }
  sessions_.push_back(session);
  persons_[session] = clip_utf8(person, kPersonBytesMax);
}

void SignIn::refresh() {
  {
    const std::lock_guard lock(mutex_);
    if (refreshing_) return;
    refreshing_ = true;
  }
  const auto ask = [this] {
    const bool reachable = provider_.reachable();
    const Status done = stopping_ ? Status{} : provider_.refresh();
    if (!done && reachable) options_.say(done.error().text());
    const std::lock_guard lock(mutex_);
    refreshing_ = false;
  };
  if (workers_.submit(ask)) return;
  const std::lock_guard lock(mutex_);
  refreshing_ = false;
}

Result<Caller> SignIn::check_bearer(std::string_view token) {
  auto person = provider_.check_bearer(token);
  if (provider_.stale()) refresh();
  if (!person) return tl::unexpected(person.error());
  return Caller{std::move(person->principal), {}, Caller::By::kProvider, clip_utf8(person->name, kPersonBytesMax),
                (person->expires_s + openid::kSkew_s) * 1'000'000};
}

Status SignIn::same_origin(const HttpRequest& request) const {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const auto refuse = [](const char* what, const char* where) {
    return fail(ErrorCode::kDenied, what, where, "use the console at the address of [oidc] base, or send a token instead of the cookie");
  };
  if (!request.origin.empty()) {
    if (request.origin == provider_.settings().base) return {};
    return refuse("the request comes from another site", "Origin");
  }
  if (!request.fetch_site.empty()) {
    // "none": the person typed the address or opened a bookmark.
    if (request.fetch_site == "same-origin" || (reads && request.fetch_site == "none")) return {};
    return refuse("the request comes from another site", "Sec-Fetch-Site");
  }
  if (reads) return {};
  return refuse("the request does not say which site it comes from", "Origin");
}

std::optional<Routed> SignIn::answer(Service& service, const HttpRequest& request) {
  const std::string_view path = path_of(request);
  if (path == kSignInPath) return request.method == "GET" ? begin() : Routed(not_allowed(request, "GET"));
  if (path == kCallbackPath) return request.method == "GET" ? finish(request) : Routed(not_allowed(request, "GET"));
  if (path == kWaysPath) return request.method == "GET" ? ways(service, request) : not_allowed(request, "GET");
  if (path == kSignOutPath) return request.method == "POST" ? sign_out(service, request) : Routed(not_allowed(request, "POST"));
  return std::nullopt;
}

Routed SignIn::later(std::function<void(const Done&)> work) {
  return Answer{[this, work = std::move(work)](Done done) {
    const auto shared = std::make_shared<Done>(std::move(done));
    const auto begin = [this, work, shared] {
      if (stopping_) return (*shared)(back({ErrorCode::kUnavailable, "the brain is stopping"}));
      work(*shared);
    };
    if (workers_.submit(begin)) return;
    (*shared)(back({ErrorCode::kUnavailable, "too many people are signing in"}));
  }};
}

HttpResponse SignIn::back(const Error& error) const {
  options_.say("a sign-in failed: " + error.text());
  return back_to(provider_.settings().base, error);
}

Routed SignIn::begin() {
  return later([this](const Done& done) {
    const auto attempt = openid::begin_attempt(key_, clock_.wall_us() / 1'000'000);
    if (!attempt) return done(back(attempt.error()));
    const auto address = provider_.authorization_address(attempt->state, attempt->nonce, attempt->challenge);
    if (!address) return done(back(address.error()));
    done(redirect(*address, set_cookie(kAttemptCookie, attempt->cookie, openid::kAttempt_s)));
  });
}

bool SignIn::finished_before(const std::string& state) {
  const std::lock_guard lock(mutex_);
  return std::any_of(finished_.begin(), finished_.end(), [&state](const Finished& one) { return one.state == state; });
}

Status SignIn::finish_once(const std::string& state, const std::string& ledger_name) {
  const std::lock_guard lock(mutex_);
  if (std::any_of(finished_.begin(), finished_.end(), [&state](const Finished& one) { return one.state == state; })) {
    return fail(ErrorCode::kDenied, "the sign-in was finished before", "sign-in", "begin it again");
  }
  const int64_t now_s = clock_.wall_us() / 1'000'000;
  while (!finished_.empty() && (now_s - finished_.front().at_s > openid::kAttempt_s || finished_.size() >= kFinishedMax)) finished_.pop_front();
  const auto theirs = std::count_if(finished_.begin(), finished_.end(), [&](const Finished& one) { return one.person == ledger_name; });
  if (static_cast<size_t>(theirs) >= kSignInsOfPersonMax) {
    return fail(ErrorCode::kExhausted, ledger_name + " has signed in " + std::to_string(kSignInsOfPersonMax) + " times within ten minutes", "often");
  }
  finished_.push_back({state, ledger_name, now_s});
  return {};
}

Routed SignIn::finish(const HttpRequest& request) {
  const auto target = parse_target(request.target);
  // What anybody can send is not worth a line of the log.
  if (!target) return back_to(provider_.settings().base, target.error());
  auto attempt = openid::resume_attempt(key_, cookie_of(request.cookie, kAttemptCookie), field_of(*target, "state"), clock_.wall_us() / 1'000'000);
  if (!attempt) return back_to(provider_.settings().base, attempt.error());
  if (finished_before(attempt->state)) return back({ErrorCode::kDenied, "the sign-in was finished before", "sign-in", "begin it again"});
  // RFC 9207: another provider's answer.
  if (const std::string issuer = field_of(*target, "iss"); !issuer.empty() && issuer != provider_.settings().issuer) {
    return back({ErrorCode::kDenied, "the answer is from another issuer", "sign-in", "begin it again"});
  }
  if (const std::string failure = field_of(*target, "error"); !failure.empty()) {
    const bool down = failure == "server_error" || failure == "temporarily_unavailable";
    return back({down ? ErrorCode::kUnavailable : ErrorCode::kDenied, "the identity provider refuses the sign-in", "sign-in", "begin it again"});
  }
  return later([this, attempt = std::move(*attempt), code = field_of(*target, "code")](const Done& done) { redeem(attempt, code, done); });
}

void SignIn::redeem(const openid::Attempt& attempt, const std::string& code, const Done& done) {
  const auto person = provider_.redeem(code, attempt.verifier, attempt.nonce);
  if (!person) return done(back(person.error()));
  const auto seed = identity::draw_token_seed();
  if (!seed) return done(back(seed.error()));
  const int64_t session_s = provider_.settings().session_s;
  const auto issued = identity::issue_user_token(*seed, person->principal, clock_.wall_us() / 1'000'000, session_s, identity::UserTokenKind::kSession);
  if (!issued) return done(back(issued.error()));
  if (const Status first = finish_once(attempt.state, person->ledger_name); !first) return done(back(first.error()));
  const identity::UserTokenRecord& record = issued->record;
  remember(record.id, person->name);
  const TokenIssued event{record.id, record.secret_hash, false, static_cast<Role>(record.principal.role), policy::subject_text(record.principal),
                          record.expires_s * 1'000'000};
  const std::string session(issued->text.reveal());
  // The ledger says who signed in; what they do then is their role's. The answer may come when this object is gone.
  brain_.propose({{"sign-in/" + person->ledger_name, event}}, [base = provider_.settings().base, say = options_.say, done, session, session_s](const Result<Admitted>& admitted) {
    if (!admitted) {
      say("a sign-in failed: " + admitted.error().text());
      return done(back_to(base, admitted.error()));
    }
    done(redirect(base + "/", set_cookie(kAttemptCookie, "", 0) + set_cookie(kSessionCookie, session, session_s)));
  });
}

HttpResponse SignIn::ways(Service& service, const HttpRequest& request) const {
  const std::string_view session = cookie_of(request.cookie, kSessionCookie);
  return json_answer({{"localTokens", local_tokens()},
                      {"provider", provider_.name()},
                      {"signedIn", !session.empty() && service.authenticate_session(session).has_value()}});
}

Routed SignIn::sign_out(Service& service, const HttpRequest& request) {
  if (const Status own = same_origin(request); !own) return problem(own.error());
  json::object body;
  if (const auto address = provider_.end_session_address()) body["location"] = *address;
  const HttpResponse done_already = json_answer(body, set_cookie(kSessionCookie, "", 0));
  const auto who = service.authenticate_session(cookie_of(request.cookie, kSessionCookie));
  if (!who) return done_already;
  return Answer{[this, who = *who, done_already](Done done) {
    brain_.propose({{actor_of(who), TokenRevoked{who.token}}}, [done = std::move(done), done_already](const Result<Admitted>& admitted) {
      done(admitted ? done_already : problem(admitted.error()));
    });
  }};
}

std::optional<Routed> answer_without_provider(const HttpRequest& request) {
  const std::string_view path = path_of(request);
  if (path == kWaysPath) return request.method == "GET" ? json_answer({{"localTokens", true}, {"signedIn", false}}) : not_allowed(request, "GET");
  if (path != kSignInPath && path != kCallbackPath && path != kSignOutPath) return std::nullopt;
  return problem({ErrorCode::kUnsupported, "no identity provider is set", std::string(path), "set [oidc] in the settings of 'weir serve'; docs/guide/sign-in.md"});
}

}  // namespace weir::gateway
