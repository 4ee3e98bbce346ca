#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/client.h"

namespace weir::app {

struct McpListenOptions {
  std::string listen;                // "127.0.0.1:7490"; port 0: any
  std::vector<std::string> origins;  // of pages that may ask
  bool own_token = false;            // whoever brings no token asks with the context's
  Target target;
  size_t connections_max = 256;
  size_t in_flight_max = 32;         // messages being answered
  int64_t idle_us_max = 60'000'000;  // between requests
  int64_t request_us_max = 30'000'000;  // to send one
  int64_t slow_reader_us_max = 30'000'000;  // to take an answer
};

// The tools of the brain over Streamable HTTP (app/mcp/http.h), on this machine alone: what comes from elsewhere comes by a server that speaks TLS.
//   socket thread → queue (bounded by in_flight_max) → workers, which ask the brain with the token of each caller
class McpListener {
 public:
  // kInvalid: no address of this machine; kConflict: the port is in use.
  static Result<std::unique_ptr<McpListener>> open(McpListenOptions options);
  ~McpListener();

  int port() const;
  // Until SIGINT or SIGTERM.
  void run();

 private:
  friend class McpConnection;
  struct Impl;
  explicit McpListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::app
