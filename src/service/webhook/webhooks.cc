#include "service/webhook/webhooks.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <set>
#include <system_error>

#include "core/units/text.h"
#include "security/identity/private_file.h"
#include "security/identity/token_text.h"
#include "service/webhook/signature.h"

namespace weir::webhook {
namespace {

constexpr size_t kReplyBytesMax = 64 * 1024;
constexpr int64_t kIdleSave_us = 60'000'000;  // of progress over what did not concern the subscriber

std::chrono::microseconds us(int64_t count) { return std::chrono::microseconds(count); }

bool is_for_good(ErrorCode code) { return code == ErrorCode::kDenied || code == ErrorCode::kInvalid || code == ErrorCode::kNotFound; }

}  // namespace

// Guarded by Webhooks::mutex_ but for what is said.
struct Webhooks::Endpoint {
  Subscription subscription;
  uint32_t failures = 0;
  TimeUs delivered = 0;
  std::deque<Message> waiting;
  Position read_to = 0;        // `waiting` holds everything below it
  Memory memory;               // of its own thread alone
  bool unsaved = false;        // what is worth a write soon
  Position saved_next = 0;
  std::chrono::steady_clock::time_point saved{};
  std::chrono::steady_clock::time_point not_before{};  // after a failure
  std::atomic<bool> ends{false};                       // read without the lock, by the call under way
  bool removed = false;
  bool over = false;                                   // its thread returned
  std::mutex file;                                     // writes and removal; taken without the other, or before it
  std::thread thread;
};

Webhooks::Webhooks(std::filesystem::path folder, HttpClient& http, Clock& clock, Options options)
    : folder_(std::move(folder)), http_(http), clock_(clock), options_(std::move(options)) {}

Webhooks::~Webhooks() { stop(); }

Result<std::unique_ptr<Webhooks>> Webhooks::open(std::filesystem::path folder, HttpClient& http, Clock& clock, Options options) {
  if (const Status made = identity::make_private_folder(folder); !made) return tl::unexpected(made.error());
  std::unique_ptr<Webhooks> out(new Webhooks(std::move(folder), http, clock, std::move(options)));
  std::error_code error;
  std::set<std::filesystem::path> files;
  for (std::filesystem::directory_iterator at(out->folder_, error), end; !error && at != end; at.increment(error)) {
    const std::filesystem::path& path = at->path();
    if (path.extension() == ".json" && identity::is_token_id(path.stem().string())) files.insert(path);
  }
  if (error) return fail(ErrorCode::kUnavailable, "cannot be listed: " + error.message(), out->folder_.string());
  for (const std::filesystem::path& path : files) {
    const auto text = identity::read_private_file(path);
    if (!text) return tl::unexpected(text.error());
    auto subscription = decode(text->reveal());
    if (subscription && subscription->id != path.stem()) subscription = fail(ErrorCode::kCorrupt, "is of another subscription");
    if (!subscription) return fail(subscription.error().code, subscription.error().what, path.string(), "remove the file, and add the webhook again");
    const auto endpoint = std::make_shared<Endpoint>();
    endpoint->subscription = std::move(*subscription);
    endpoint->subscription.failing_since = 0;  // the time that the brain was down is not the receiver's fault
    endpoint->read_to = endpoint->saved_next = endpoint->subscription.next;
    out->endpoints_.push_back(endpoint);
  }
  std::stable_sort(out->endpoints_.begin(), out->endpoints_.end(),
                   [](const auto& a, const auto& b) { return a->subscription.created < b->subscription.created; });
  return out;
}

bool Webhooks::allows(Allowed whom, const policy::Principal& who) const {
  return whom == Allowed::kEverybody || (whom == Allowed::kOperators && who.role == policy::Role::kOperator);
}

Status Webhooks::may_post_to(const Subscription& subscription) const {
  const auto address = parse_url(subscription.url);
  if (!address) return tl::unexpected(address.error());
  if (!address->tls && !allows(options_.plain_http, subscription.owner)) {
    return fail(ErrorCode::kDenied, "the operator does not let you have events sent over plain http", "url", "write https://");
  }
  if (address->known_private && !allows(options_.private_addresses, subscription.owner)) {
    return fail(ErrorCode::kDenied, "does not lead to a public address, as the operator demands", "url", "name a machine that everybody can reach");
  }
  return {};
}

void Webhooks::start(Source source) {
  const std::lock_guard lock(mutex_);
  source_ = std::move(source);
  started_ = true;
  for (const auto& endpoint : endpoints_) begin(endpoint);
}

void Webhooks::begin(const std::shared_ptr<Endpoint>& endpoint) {
  endpoint->thread = std::thread([this, endpoint] { run(*endpoint); });
}

void Webhooks::notify(Position version) {
  const std::lock_guard lock(mutex_);
  version_ = std::max(version_, version);
  changed_.notify_all();
}

void Webhooks::stop() {
  std::vector<std::shared_ptr<Endpoint>> all;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    all = endpoints_;
    all.insert(all.end(), ended_.begin(), ended_.end());
    ended_.clear();
    for (const auto& endpoint : all) endpoint->ends = true;
    changed_.notify_all();
  }
  for (const auto& endpoint : all) {
    if (endpoint->thread.joinable()) endpoint->thread.join();
  }
}

void Webhooks::reap() {
  std::vector<std::shared_ptr<Endpoint>> over;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = ended_.begin(); at != ended_.end();) {
      if (!(*at)->over) {
        ++at;
        continue;
      }
      over.push_back(std::move(*at));
      at = ended_.erase(at);
    }
  }
  for (const auto& endpoint : over) {
    if (endpoint->thread.joinable()) endpoint->thread.join();
  }
}

Result<Standing> Webhooks::add(Subscription subscription) {
  if (const Status may = may_post_to(subscription); !may) return tl::unexpected(may.error());
  if (subscription.names.size() > kNamesMax) return fail(ErrorCode::kInvalid, "are more than 64", "names");
  reap();
  const auto seed = identity::draw_token_seed();
  if (!seed) return tl::unexpected(seed.error());
  subscription.id = identity::token_id(*seed);
  subscription.created = clock_.wall_us();
  const auto endpoint = std::make_shared<Endpoint>();
  endpoint->subscription = std::move(subscription);
  Subscription& added = endpoint->subscription;
  endpoint->read_to = endpoint->saved_next = added.next;
  const auto count = [&](const auto& of) { return static_cast<size_t>(std::count_if(endpoints_.begin(), endpoints_.end(), of)); };
  const std::lock_guard file(endpoint->file);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return fail(ErrorCode::kUnavailable, "the brain is stopping", {}, "try again in a moment");
    // A thread that still ends counts.
    if (count([](const auto&) { return true; }) + ended_.size() >= options_.subscriptions_max) {
      return fail(ErrorCode::kExhausted, "there are " + std::to_string(options_.subscriptions_max) + " webhooks already", "webhooks",
                  "remove one that is not needed; the operator sets the bound");
    }
    if (added.owner.role == policy::Role::kTenant &&
        count([&](const auto& other) { return other->subscription.owner == added.owner; }) >= options_.of_a_tenant_max) {
      return fail(ErrorCode::kExhausted, "you have " + std::to_string(options_.of_a_tenant_max) + " webhooks already", "webhooks",
                  "remove one that is not needed");
    }
    endpoints_.push_back(endpoint);
  }
  if (const Status written = identity::write_private_file(file_of(added.id), encode(added).reveal(), identity::Existing::kKeep); !written) {
    const std::lock_guard lock(mutex_);
    std::erase(endpoints_, endpoint);
    return tl::unexpected(written.error());
  }
  const std::lock_guard lock(mutex_);
  Standing out{added, 0, 0};
  if (started_ && !stopping_ && !endpoint->removed && !endpoint->thread.joinable()) begin(endpoint);
  return out;
}

std::vector<Standing> Webhooks::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Standing> out;
  for (const auto& endpoint : endpoints_) {
    Standing& one = out.emplace_back(Standing{endpoint->subscription, endpoint->failures, endpoint->delivered});
    one.subscription.secret = {};
  }
  return out;
}

Status Webhooks::remove(std::string_view id) {
  std::shared_ptr<Endpoint> endpoint;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(endpoints_.begin(), endpoints_.end(), [id](const auto& one) { return one->subscription.id == id; });
    if (found == endpoints_.end()) return fail(ErrorCode::kNotFound, "no webhook " + clip_utf8(id, 64));
    endpoint = *found;
  }
  const std::lock_guard file(endpoint->file);
  std::error_code error;
  std::filesystem::remove(file_of(endpoint->subscription.id), error);
  if (error) return fail(ErrorCode::kUnavailable, "cannot be removed: " + error.message(), file_of(endpoint->subscription.id).string());
  const std::lock_guard lock(mutex_);
  if (std::erase(endpoints_, endpoint) == 0) return fail(ErrorCode::kNotFound, "no webhook " + clip_utf8(id, 64));
  endpoint->removed = true;
  endpoint->ends = true;
  if (endpoint->thread.joinable()) ended_.push_back(endpoint);
  changed_.notify_all();
  return {};
}

Webhooks::Statistics Webhooks::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

void Webhooks::run(Endpoint& endpoint) {
  std::unique_lock lock(mutex_);
  while (!endpoint.ends) {
    const auto now = std::chrono::steady_clock::now();
    const bool moved = endpoint.subscription.next != endpoint.saved_next;
    const auto save_at = endpoint.saved + us(endpoint.unsaved ? options_.save_us : kIdleSave_us);
    if ((endpoint.unsaved || moved) && now >= save_at) {
      save(endpoint, lock);
    } else if (!endpoint.subscription.disabled && now >= endpoint.not_before && !endpoint.waiting.empty()) {
      post(endpoint, lock);
    } else if (!endpoint.subscription.disabled && now >= endpoint.not_before && endpoint.read_to < version_) {
      read(endpoint, lock);
    } else {
      auto until = now + std::chrono::hours(1);
      if (endpoint.unsaved || moved) until = std::min(until, save_at);
      if (now < endpoint.not_before) until = std::min(until, endpoint.not_before);
      const Position seen = version_;
      changed_.wait_until(lock, until, [&] { return endpoint.ends || (version_ != seen && std::chrono::steady_clock::now() >= endpoint.not_before); });
    }
  }
  if (!endpoint.removed) save(endpoint, lock);
  endpoint.over = true;
}

void Webhooks::read(Endpoint& endpoint, std::unique_lock<std::mutex>& lock) {
  Subscription asked = endpoint.subscription;
  asked.next = endpoint.read_to;
  const Position version = version_;
  lock.unlock();
  auto batch = source_(asked, endpoint.memory);
  lock.lock();
  if (!batch) return failed(endpoint, batch.error().text(), is_for_good(batch.error().code));
  if (batch->messages.empty()) {
    // Nothing between here and there, or the source is a little behind what was announced.
    endpoint.read_to = std::max(batch->next, asked.next);
    endpoint.subscription.next = endpoint.read_to;
    if (batch->next <= asked.next && version_ == version) {
      changed_.wait_for(lock, us(options_.retry_us_min), [&] { return endpoint.ends || version_ != version; });
    }
    return;
  }
  endpoint.read_to = batch->next;
  for (Message& message : batch->messages) endpoint.waiting.push_back(std::move(message));
}

void Webhooks::post(Endpoint& endpoint, std::unique_lock<std::mutex>& lock) {
  const Message& message = endpoint.waiting.front();  // nobody else takes it away
  const Subscription& to = endpoint.subscription;     // url, secret and owner never change
  if (const Status may = may_post_to(to); !may) return failed(endpoint, may.error().text(), true);
  lock.unlock();
  const int64_t seconds = clock_.wall_us() / 1'000'000;
  HttpCall call{.method = "POST",
                .url = to.url,
                .headers = {{"Content-Type", "application/json"},
                            {"User-Agent", options_.user_agent},
                            {"webhook-id", message.id},
                            {"webhook-timestamp", std::to_string(seconds)}},
                .body = message.body,
                .timeout_us = options_.call_us_max,
                .reply_bytes_max = kReplyBytesMax,
                .public_only = !allows(options_.private_addresses, to.owner),
                .give_up = [&endpoint] { return endpoint.ends.load(); }};
  if (!to.secret.empty()) call.headers.emplace_back("webhook-signature", signature(to.secret, message.id, seconds, message.body));
  const auto reply = http_.call(call);
  lock.lock();
  if (endpoint.ends && !reply) return;
  // A name may lead elsewhere tomorrow; only an address that is none stays so.
  if (!reply) return failed(endpoint, reply.error().text(), reply.error().code == ErrorCode::kInvalid);
  if (reply->status == 410) return failed(endpoint, "the receiver answered 410: it wants no more", true);
  if (reply->status < 200 || reply->status > 299) return failed(endpoint, "the receiver answered " + std::to_string(reply->status), false);
  ++statistics_.delivered;
  endpoint.waiting.pop_front();
  endpoint.subscription.next = endpoint.waiting.empty() ? endpoint.read_to : endpoint.waiting.front().position;
  endpoint.subscription.failing_since = 0;
  endpoint.subscription.why.clear();
  endpoint.failures = 0;
  endpoint.delivered = clock_.wall_us();
  endpoint.unsaved = true;
}

// With the lock held.
void Webhooks::failed(Endpoint& endpoint, const std::string& why, bool for_good) {
  Subscription& subscription = endpoint.subscription;
  const TimeUs now = clock_.wall_us();
  ++statistics_.failed;
  ++endpoint.failures;
  subscription.why = clip_utf8(why, kWhyBytesMax);
  if (subscription.failing_since == 0) {
    subscription.failing_since = now;
    endpoint.unsaved = true;
  }
  if (for_good || now - subscription.failing_since >= options_.give_up_us) {
    subscription.disabled = true;
    endpoint.waiting.clear();
    endpoint.unsaved = true;
    endpoint.saved = {};
    ++statistics_.disabled;
    return;
  }
  int64_t wait_us = options_.retry_us_min;
  for (uint32_t i = 1; i < endpoint.failures && wait_us < options_.retry_us_max; ++i) wait_us *= 2;
  wait_us = std::min(wait_us, options_.retry_us_max);
  // Up to a quarter less, each its own: those that failed together do not all come back at once.
  wait_us -= static_cast<int64_t>(std::hash<std::string>{}(subscription.id) % 256) * (wait_us / 1024);
  endpoint.not_before = std::chrono::steady_clock::now() + us(wait_us);
}

void Webhooks::save(Endpoint& endpoint, std::unique_lock<std::mutex>& lock) {
  if (!endpoint.unsaved && endpoint.subscription.next == endpoint.saved_next) return;
  const Subscription copy = endpoint.subscription;
  endpoint.unsaved = false;
  endpoint.saved = std::chrono::steady_clock::now();
  lock.unlock();
  Status written;
  {
    const std::lock_guard file(endpoint.file);
    bool removed = false;
    {
      const std::lock_guard state(mutex_);
      removed = endpoint.removed;
    }
    if (!removed) written = identity::write_private_file(file_of(copy.id), encode(copy).reveal(), identity::Existing::kReplace);
  }
  lock.lock();
  if (written) {
    endpoint.saved_next = copy.next;
  } else {
    endpoint.unsaved = true;  // again after a while: what is not noted is delivered again
  }
}

}  // namespace weir::webhook
