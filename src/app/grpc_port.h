#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/result/result.h"

namespace grpc {
class Service;
}

namespace weir::app {

// The one gRPC port of a brain, for agents and users, by TLS. Certificates of clients are asked for and not
// checked here: AgentLink checks each one, so that it can say what is wrong with it.
class GrpcPort {
 public:
  struct Options {
    std::string listen;
    std::string brain_file;  // key and chain; a change of the file is picked up
    size_t message_bytes_max = size_t{16} << 20;
  };
  // kConflict: the port is in use.
  static Result<std::unique_ptr<GrpcPort>> open(const Options& options, const std::vector<grpc::Service*>& services);
  ~GrpcPort();

  int port() const;
  // Refuses new calls, and ends those still running after `grace_s`.
  void shutdown(int grace_s);

 private:
  struct Impl;
  explicit GrpcPort(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::app
