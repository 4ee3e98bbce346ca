#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/mcp/server.h"

// Streamable HTTP (modelcontextprotocol.io, Transports of revision 2025-11-25; Streamable HTTP of 2026-07-28), without sockets.
namespace weir::app::mcp {

inline constexpr std::string_view kEndpoint = "/mcp";
inline constexpr size_t kSessionsMax = 256;
inline constexpr size_t kSessionsPerCallerMax = 64;
inline constexpr int64_t kSessionIdleUs = int64_t{30} * 60 * 1'000'000;

struct HttpRequest {
  std::string method, target, accept, content_type, body;
  // Of headers that were sent.
  std::optional<std::string> origin, authorization, session, revision, mcp_method, mcp_name;
};

struct HttpAnswer {
  int status = 200;
  std::string body;  // JSON; may be empty
  std::vector<std::pair<std::string, std::string>> headers;
};

// The token of "Bearer TOKEN" (RFC 6750, section 2.1); nothing: there is none, or it could not stand in a header of another request.
std::optional<std::string> bearer_of(const HttpRequest& request);
// A name as it stands in a header, "=?base64?...?=" decoded; nothing: it is malformed.
std::optional<std::string> header_text(std::string_view value);
HttpAnswer refusal(int status, std::string_view what);

// What is kept between requests, and what may be asked how. Any thread may call it.
class HttpEndpoint {
 public:
  struct Options {
    std::vector<std::string> origins;             // of pages that may ask; requests of no page carry none
    std::function<int64_t()> clock;               // microseconds that only grow
    std::function<Result<std::string>()> draw;    // an identifier that nobody guesses, of visible ASCII
  };
  explicit HttpEndpoint(Options options) : options_(std::move(options)) {}

  // What is wrong with a request whoever sends it; before anything else is looked at.
  std::optional<HttpAnswer> refuse(const HttpRequest& request) const;
  // A request that was not refused. Sessions belong to a `caller`; `server` calls tools as this one.
  HttpAnswer answer(const HttpRequest& request, const std::string& caller, const Server& server);
  size_t sessions() const;

 private:
  struct Held {
    std::string caller;
    Session session;
    int64_t used_us = 0;
  };
  HttpAnswer alone(const HttpRequest& request, const boost::json::value& message, const Server& server) const;
  HttpAnswer begin(const boost::json::value& message, const std::string& caller, const Server& server);
  HttpAnswer go_on(const HttpRequest& request, const boost::json::value& message, const std::string& caller, const Server& server);
  HttpAnswer end(const HttpRequest& request, const std::string& caller);

  const Options options_;
  mutable std::mutex mutex_;
  std::map<std::string, Held> sessions_;
};

}  // namespace weir::app::mcp
