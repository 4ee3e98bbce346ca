#pragma once

#include "core/ports/http_client.h"

namespace weir {

// Over libcurl, one connection for each call. A proxy is taken from the environment, as other programs do (https_proxy).
class CurlClient final : public HttpClient {
 public:
  CurlClient();
  Result<HttpReply> call(const HttpCall& call) override;
};

}  // namespace weir
