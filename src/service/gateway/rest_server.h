#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "service/gateway/console_files.h"
#include "service/gateway/rate_limit.h"
#include "service/gateway/service.h"

namespace weir::gateway {

struct RestOptions {
  std::string listen;                     // "127.0.0.1:7480"; port 0: any
  size_t connections_max = 4'000;
  size_t in_flight_max = 256;             // requests being answered, streams apart
  size_t streams_max = 2'048;
  size_t streams_per_subject_max = 1'024;  // of one tenant, provider or operator
  uint32_t header_bytes_max = 16 * 1024;
  uint64_t body_bytes_max = uint64_t{1} << 20;
  int64_t idle_us_max = 60'000'000;       // between requests
  int64_t request_us_max = 30'000'000;    // to send a request, and to answer it
  int64_t slow_reader_us_max = 10'000'000;  // a client that takes no byte for so long is disconnected
  int64_t heartbeat_us = 15'000'000;        // a stream is written something at least so often
  int threads = 2;                          // that serve sockets, and never read the ledger or decide
  int workers = 2;                          // threads that do
  RateSettings rates = {};
  std::span<const ConsoleFile> console = {};  // outlive the server
};

struct TlsIdentity {
  std::string chain_pem;
  std::string key_pem;
};

// A figure for /metrics beyond those of the server itself.
struct Sample {
  std::string name;  // of Prometheus; "_total" at the end makes it a counter
  std::string help;
  double value = 0;
  std::vector<std::pair<std::string, std::string>> labels = {};  // samples of one name follow each other
};

// REST with JSON, server-sent events, /metrics and /healthz, over TLS. HTTP/1.1 (RFC 9112).
class RestServer {
 public:
  // kConflict: the port is in use; kInvalid: no such address, or the identity is none.
  static Result<std::unique_ptr<RestServer>> open(Service& service, const RestOptions& options,
                                                  const TlsIdentity& identity,
                                                  std::function<std::vector<Sample>()> samples = {});
  ~RestServer();

  int port() const;
  // For new connections.
  void renew(const TlsIdentity& identity);
  // Ends every connection and joins the threads.
  void stop();

 private:
  friend class RestConnection;
  struct Impl;
  explicit RestServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::gateway
