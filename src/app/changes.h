#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "app/client.h"

namespace weir::app {

// Says when it is worth looking again: as soon as an event comes that the caller may follow, and otherwise
// each second, because a state may also change by events that belong to others.
class Changes {
 public:
  explicit Changes(Client& client);
  ~Changes();
  // Returns at once if something came since the last call.
  void wait(std::chrono::system_clock::time_point deadline);

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::EventsResponse>> stream_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool changed_ = false;
  std::thread reader_;
};

}  // namespace weir::app
