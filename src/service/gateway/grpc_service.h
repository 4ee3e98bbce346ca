#pragma once

#include <memory>

#include "service/gateway/service.h"

namespace grpc {
class Service;
}

namespace weir::gateway {

struct GrpcLimits {
  size_t streams_max = 1'000;               // events and logs at once
  size_t streams_per_subject_max = 250;     // of one tenant, provider or operator
  int64_t slow_reader_us_max = 10'000'000;  // a message not taken for so long ends the stream
  size_t in_flight_max = 256;               // calls being answered, streams apart
  int workers = 2;  // threads that answer them: gRPC's own also carry the agents' links
};

// The operations over gRPC. A user's token is in the metadata "authorization". The service must be destroyed
// after the server that it is registered with.
class GrpcService {
 public:
  explicit GrpcService(Service& service, GrpcLimits limits = {});
  ~GrpcService();
  grpc::Service& service();
  // Ends every stream; new ones are refused.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::gateway
