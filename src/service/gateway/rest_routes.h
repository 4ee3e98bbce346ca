#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/result/result.h"
#include "service/gateway/http_message.h"
#include "service/gateway/kept_answers.h"
#include "service/gateway/rate_limit.h"
#include "service/gateway/service.h"

namespace weir::v1 {
class EventView;
}

// HTTP requests to operations and back, along the annotations of service.proto. Knows nothing of sockets.
namespace weir::gateway {

inline constexpr size_t kTargetBytesMax = 8 * 1024;
inline constexpr size_t kQueryFieldsMax = 64;

// Decoded path segments and query fields, in order. kInvalid: not in origin form, a bad escape, a segment that
// is empty or "..", a NUL, or over the limits. RFC 3986; "+" stands for itself.
struct Target {
  std::vector<std::string> path;
  std::vector<std::pair<std::string, std::string>> query;
};
Result<Target> parse_target(std::string_view target);

// The pattern's "{field}" segments, decoded; none: the path is another.
struct Match {
  std::vector<std::pair<std::string, std::string>> fields;
};
std::optional<Match> match(const std::vector<std::string>& path, std::string_view pattern);

// Who asks, by the header or by the session of a browser; or why nobody known does, and the status to say it with (0: that of the error).
struct Unknown {
  Error why;
  int status = 0;
};
tl::expected<Caller, Unknown> caller_of(Service& service, const HttpRequest& request);

// What the connection does next: answer once, perhaps later from another thread, or stream.
struct EventsBegin {
  Caller who;
  std::shared_ptr<v1::EventsRequest> request;
  Position next = 0;
  std::string headers = {};  // further lines of the answer
};
struct LogsBegin {
  Caller who;
  std::shared_ptr<v1::LogsRequest> request;
  std::string headers = {};
};
struct Answer {
  std::function<void(std::function<void(HttpResponse)>)> begin;
};
using Routed = std::variant<HttpResponse, Answer, EventsBegin, LogsBegin>;

// What bounds the callers of one server, together.
struct CallerBounds {
  explicit CallerBounds(const RateSettings& settings, const KeptLimits& limits = {})
      : rates(settings), subjects(settings.buckets_max), addresses(settings.buckets_max), kept(limits) {}
  const RateSettings rates;
  TokenBuckets subjects, addresses;
  KeptAnswers kept;
};
// Without bounds everybody may ask for as much as they like, and Idempotency-Key means nothing. `now` is steady.
Routed route(Service& service, const HttpRequest& request, const std::shared_ptr<CallerBounds>& bounds = nullptr, TimeUs now = 0);

// What route() knows: "GET", "/v1/resources/{kind}".
struct RouteName {
  std::string_view method, pattern;
  bool changes = false;  // something, so that it heeds Idempotency-Key
};
std::vector<RouteName> route_names();

// RFC 9457.
HttpResponse problem(const Error& error, int status = 0);
int http_status(ErrorCode code);
std::string_view http_reason(int status);
// One of the members of a header's list like "a, W/b" is it, or any.
bool lists(std::string_view list, std::string_view value);

// What streams and webhooks say of an event.
std::string event_json(const v1::EventView& event);
// One server-sent event (WHATWG HTML, section 9.2).
std::string sse_text(const v1::EventsResponse& events);
// One line of JSON: a LogsResponse, or a problem.
std::string log_piece_line(const LogPiece& piece);

}  // namespace weir::gateway
