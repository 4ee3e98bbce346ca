#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result/result.h"

namespace weir {

struct HttpCall {
  std::string method = "GET";
  std::string url = {};  // absolute, http or https
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  int64_t timeout_us = 10'000'000;  // from the start to the last byte of the reply
  size_t reply_bytes_max = size_t{1} << 20;
  std::string ca_file = {};  // PEM of whom to trust; empty: whom the system trusts
  bool public_only = false;  // connects to addresses of core/ports/public_address.h alone, and through no proxy
  std::function<bool()> give_up = {};  // asked about once a second: true ends the call
};

struct HttpReply {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in lower case
  std::string body = {};

  // The first of that name (in lower case), or null.
  const std::string* header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return &value;
    }
    return nullptr;
  }
};

// Asks others over HTTP: whom a person has configured, never an address out of data. Where whoever gave the address is not trusted
// with the brain's own network, the call is public_only.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Waits for the whole reply, whatever its status; redirects are replies. Threads may call at once. kInvalid: the address or a
  // header is none; kUnavailable: no connection, no trust, or not within the time; kExhausted: the reply is longer than allowed;
  // kDenied: public_only, and the address is not public.
  virtual Result<HttpReply> call(const HttpCall& call) = 0;
};

}  // namespace weir
