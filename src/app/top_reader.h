#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "app/client.h"
#include "app/top_view.h"

namespace weir::app::top {

// Of one kind, every page. Denied and the like are errors of this kind; kUnavailable is the brain's.
Result<std::shared_ptr<const Resources>> read_all(Client& client, Kind kind, Tongue tongue);

// Reads what `weir top` shows, in a thread of its own, and follows the events. What is looked at is read again after an interval, or half a second
// after an event; the rest of it five times less often; and nothing so often that reading takes more than a tenth of the time. A brain that does not
// answer is tried again each second.
class Reader {
 public:
  struct News {
    std::vector<std::pair<Kind, Result<std::shared_ptr<const Resources>>>> read;
    std::vector<v1::EventView> events;
    std::optional<Error> lost;  // the brain does not answer
    int64_t lost_since_us = 0;
  };

  // `wake` is called from another thread whenever there is news.
  Reader(const Target& target, Tongue tongue, std::chrono::milliseconds interval, std::function<void()> wake);
  ~Reader();

  void look_at(Kind kind);
  void pause(bool paused);
  News take();

 private:
  using Clock = std::chrono::steady_clock;
  struct Due {
    Clock::time_point begun;
    Clock::duration took{0};
    bool read = false;
  };
  class Tail;

  void work();
  std::optional<Kind> due(Clock::time_point now, Clock::time_point& next) const;
  void lose(const Error& why);

  const Target target_;
  const Tongue tongue_;
  const std::chrono::milliseconds interval_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool ending_ = false, paused_ = false, changed_ = false;
  Kind looked_at_ = Kind::kSites;
  News news_;
  std::optional<uint64_t> next_event_;  // that was not seen yet
  std::array<Due, kKinds> dues_;
  grpc::ClientContext* calling_ = nullptr;  // to be given up at the end
  std::thread thread_;
};

}  // namespace weir::app::top
