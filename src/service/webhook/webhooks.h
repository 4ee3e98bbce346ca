#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/ports/clock.h"
#include "core/ports/http_client.h"
#include "core/result/result.h"
#include "service/webhook/subscription.h"

namespace weir::webhook {

// Whom the operator lets do something.
enum class Allowed : uint8_t { kNobody, kOperators, kEverybody };

struct Options {
  size_t subscriptions_max = 64;  // of all; 0: nobody can add one
  size_t of_a_tenant_max = 8;
  Allowed plain_http = Allowed::kOperators;
  Allowed private_addresses = Allowed::kOperators;  // core/ports/public_address.h
  int64_t call_us_max = 10'000'000;
  int64_t retry_us_min = 1'000'000;    // doubled by each failure in a row
  int64_t retry_us_max = 600'000'000;
  int64_t give_up_us = 86'400'000'000;  // of failures alone, after which it is disabled
  int64_t save_us = 1'000'000;          // progress of deliveries is written as often at most; what is not, is delivered again
  std::string user_agent = "weir";
};

// What is posted once.
struct Message {
  Position position = 0;  // of the event that it is of
  std::string id;         // the same whenever it is posted; without '.'
  std::string body;       // JSON
};
struct Batch {
  std::vector<Message> messages;  // in the order of their positions
  Position next = 0;              // to read on from, above all of them
};
// What was told to a subscriber before, for sources that tell changes only; forgotten when the brain restarts.
using Memory = std::map<std::string, std::string, std::less<>>;
// What there is to post from `subscription.next` on. No messages and the same `next`: nothing yet. kDenied, kInvalid and kNotFound
// disable the subscription; anything else is tried again.
using Source = std::function<Result<Batch>(const Subscription& subscription, Memory& memory)>;

// What is to be seen of a subscription; without its secret.
struct Standing {
  Subscription subscription;
  uint32_t failures = 0;  // since the last delivery
  TimeUs delivered = 0;   // when, since the brain began; 0: none yet
};

// Posts to subscribers what happens: in order, at least once, one call under way to each. Each has a thread of its own, which is
// why there are few, and why one that does not answer holds up nobody. One subscription is one private file in the folder.
//   brain (notify) -> a position -> threads of subscriptions
class Webhooks {
 public:
  // The HTTP client may be called from several threads. kCorrupt: a file of the folder is damaged; whatever stops reading it.
  static Result<std::unique_ptr<Webhooks>> open(std::filesystem::path folder, HttpClient& http, Clock& clock, Options options);
  ~Webhooks();

  // Before that nothing is posted.
  void start(Source source);
  // There may be something new up to this version. Cheap; any thread.
  void notify(Position version);
  // Ends the calls that are under way within a second or so, notes how far everybody is, and joins.
  void stop();

  // Durable when it returns. `id`, `created` and, unless there is one, the secret are given here. kInvalid: the URL; kDenied: it leads
  // where this owner may not; kExhausted: too many.
  Result<Standing> add(Subscription subscription);
  std::vector<Standing> list() const;  // oldest first
  // Nothing is posted any more when it returns, but a call that is under way. kNotFound.
  Status remove(std::string_view id);

  struct Statistics {
    uint64_t delivered = 0, failed = 0, disabled = 0;
  };
  Statistics statistics() const;

 private:
  struct Endpoint;
  Webhooks(std::filesystem::path folder, HttpClient& http, Clock& clock, Options options);
  Status may_post_to(const Subscription& subscription) const;
  bool allows(Allowed whom, const policy::Principal& who) const;
  std::filesystem::path file_of(const std::string& id) const { return folder_ / (id + ".json"); }
  void run(Endpoint& endpoint);
  void read(Endpoint& endpoint, std::unique_lock<std::mutex>& lock);
  void post(Endpoint& endpoint, std::unique_lock<std::mutex>& lock);
  void failed(Endpoint& endpoint, const std::string& why, bool for_good);
  void save(Endpoint& endpoint, std::unique_lock<std::mutex>& lock);
  void begin(const std::shared_ptr<Endpoint>& endpoint);
  void reap();

  const std::filesystem::path folder_;
  HttpClient& http_;
  Clock& clock_;
  const Options options_;
  Source source_;  // set once, before any thread of a subscription
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Endpoint>> endpoints_;
  std::vector<std::shared_ptr<Endpoint>> ended_;  // removed, their threads perhaps not yet joined
  Position version_ = 0;
  bool started_ = false, stopping_ = false;
  Statistics statistics_;
};

}  // namespace weir::webhook
