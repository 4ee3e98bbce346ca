#pragma once

#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "core/result/result.h"
#include "weir/v1/service.grpc.pb.h"

namespace CLI {
class App;
}

namespace weir::app {

// How a command finds its brain; the options are added to each command that needs one.
struct Target {
  std::string context_file;  // empty: $WEIR_CONTEXT_FILE, or identity::context_path
  std::string context;       // empty: $WEIR_CONTEXT, or the file's current one
  int timeout_s = 30;        // of one call
  std::string token;         // instead of the context's: of somebody on whose behalf it is asked
};
void add_target_options(CLI::App& command, Target& target);

// What the brain says of a failure.
Error error_of(const v1::ErrorDetail& detail);

// A connection to a brain.
class Client {
 public:
  static Result<Client> open(const Target& target);

  v1::Weir::Stub& stub() { return *stub_; }
  // With the token and the deadline; a stream that follows has none.
  enum class Life { kCall, kStream };
  std::unique_ptr<grpc::ClientContext> context(Life life = Life::kCall) const;
  const std::string& endpoint() const { return endpoint_; }

  // Calls, and turns a failure into an Error with the brain's own words.
  template <class Request, class Response>
  Status call(grpc::Status (v1::Weir::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, Response& response) {
    if (const Status fits = fits_into_a_message(request.ByteSizeLong()); !fits) return fits;
    const auto calling = context();
    return status(((*stub_).*method)(calling.get(), request, &response));
  }
  Status status(const grpc::Status& status) const;
  // All pages, from the first on.
  Result<v1::ListResponse> list_all(v1::ListRequest request);

 private:
  static Status fits_into_a_message(size_t bytes);

  std::string endpoint_;
  std::string bearer_;
  int timeout_s_ = 30;
  std::unique_ptr<v1::Weir::Stub> stub_;
};

}  // namespace weir::app
