#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "city-cameras/messages.h"

namespace city_cameras {

struct ServerOptions {
  std::string address = "::1";
  std::uint16_t port = 8080;  // 0 lets the system choose
  std::string instance = "detector";
  std::string site;
  std::size_t queue_max = 8;  // frames that wait, besides the one in work
  // A frame is refused when the frames before it and its own work would take longer than this, judged by
  // the recent work per frame: an answer that comes too late for its camera costs others theirs.
  std::chrono::milliseconds answer_max{450};
  std::size_t body_bytes_max = 1 << 20;
  std::size_t connections_max = 64;
  std::chrono::milliseconds read_timeout{5'000};   // for one whole request, and for one answer to be taken
  std::chrono::milliseconds idle_timeout{60'000};  // between requests
  std::chrono::milliseconds drain_idle{
      1'000};                              // how long a connection without a request is kept while draining
  std::chrono::milliseconds grace{3'000};  // for everything, after a request to stop
};

// Runs on the worker thread; gives the boxes, or what is wrong with the picture.
using DetectFunction = std::function<Result<std::vector<Box>>(std::string_view jpeg)>;

// Serves POST /detect and GET /healthz over HTTP/1.1. One thread talks to all connections, one works on the
// frames in the order of their arrival; a frame that finds the queue too long is refused with 503.
//
// After SIGTERM, SIGINT or stop() it accepts no connection, answers what has arrived and what still arrives
// on open connections with "Connection: close", and returns when the last connection has gone or the grace
// time is over.
class DetectorServer {
 public:
  static Result<std::unique_ptr<DetectorServer>> open(const ServerOptions& options, DetectFunction detect);
  ~DetectorServer();

  std::uint16_t port() const;
  void run();
  void stop();  // from any thread

 private:
  class Impl;
  explicit DetectorServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace city_cameras
