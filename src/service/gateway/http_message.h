#pragma once

#include <string>

namespace weir::gateway {

struct HttpRequest {
  std::string method = {};
  std::string target = {};  // origin form: "/v1/events?from=3"
  std::string authorization = {};
  std::string content_type = {};
  std::string last_event_id = {};
  std::string body = {};
  std::string if_none_match = {};
  std::string accept_encoding = {};
  std::string cookie = {};
  std::string origin = {};
  std::string fetch_site = {};  // Sec-Fetch-Site
  std::string if_match = {};
  std::string idempotency_key = {};
  std::string peer = {};  // what the connection comes from: an IPv4 address, or the first 64 bits of one of IPv6
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  std::string allow = {};  // methods, with 405
  std::string cache_control = "no-store";
  std::string headers = {};  // further lines, each with its end
};

}  // namespace weir::gateway
