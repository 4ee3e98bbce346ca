#pragma once

#include <memory>
#include <string>

#include "core/result/result.h"

namespace weir::v1 {
class ApplyRequest;
}

namespace weir::bench {

// A user's program with one connection by TLS. Serves one thread.
class Client {
 public:
  virtual ~Client() = default;
  // Answered: what was asked for is durable.
  virtual Status apply(const v1::ApplyRequest& request) = 0;
};

Result<std::unique_ptr<Client>> open_grpc_client(const std::string& endpoint,
                                                 const std::string& authority_pem, const std::string& bearer);
// HTTP/1.1, the connection kept; the request as JSON.
Result<std::unique_ptr<Client>> open_rest_client(const std::string& endpoint,
                                                 const std::string& authority_pem, const std::string& bearer);

}  // namespace weir::bench
