#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "city-cameras/messages.h"

namespace city_cameras {

struct PlayerOptions {
  std::string service;       // "[fd00::1]:8080" or "10.0.0.1:8080"
  std::string bind_address;  // local address; empty lets the system choose
  std::string ingress;
  std::int64_t streams = 1;
  std::int64_t first_stream = 0;
  std::int64_t phases = 1;  // streams of the service over all ingress points
  std::int64_t period_us = 500'000;
  std::int64_t promise_us = 500'000;
  std::int64_t patience_us = 1'000'000;  // an answer later than this counts as lost
  std::int64_t frames_max = INT64_MAX;   // per stream
  std::chrono::milliseconds connect_timeout{250};
  std::chrono::milliseconds backoff_min{20};  // doubles with each failure, up to
  std::chrono::milliseconds backoff_max{200};
};

using FrameSink = std::function<void(const FrameRecord&)>;

// Plays streams against one service address, each over its own keep-alive connection, in one thread.
//
// Latency counts from the moment at which a frame was due, also when it had to wait for the frame before it
// or for a connection: a stalled service must not slow down the measurement of its own stall. A frame is
// sent once; it is lost when the connection breaks under it, when the service refuses it, or when its
// patience ends. A connection that the service closes between frames is opened again at once, at no loss.
class Player {
 public:
  // `jpegs` must outlive the player and not be empty. `sink` is called on the thread of run().
  static Result<std::unique_ptr<Player>> open(const PlayerOptions& options,
                                              const std::vector<std::string>& jpegs, FrameSink sink);
  ~Player();

  // Until all frames are sent, or SIGTERM, SIGINT or stop(); frames on their way are waited for.
  void run();
  void stop();  // from any thread

 private:
  class Impl;
  explicit Player(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace city_cameras
