#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace weir::gateway {

// Threads for what reads much or decides, so that the threads that serve sockets never wait for it.
//   socket threads → queue (bounded) → workers
class Workers {
 public:
  Workers(int threads, size_t waiting_max);
  // Does what still waits, then joins.
  ~Workers();

  // False: too much waits already.
  bool submit(std::function<void()> work);

 private:
  void run();

  const size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace weir::gateway
