#pragma once

#include <string>
#include <string_view>

#include "core/ports/wire.h"
#include "core/result/result.h"

namespace weir::agent {

// What a client says of the promise, as one JSON object:
//
//   {"intent_id": 0, "samples": 40, "misses": 1, "lost": 0, "p50_us": 31000, "p99_us": 88000,
//    "from": 1767225600000000, "to": 1767225610000000}
//
// Instead of "intent_id": "intent": "tenant/name", or "service": "fd77:1:2::1", the address of the service.
// Times are microseconds since the Unix epoch. Other members are an error.
struct PromiseLine {
  PromiseReport report;  // report.intent is not valid where `named` is not empty
  std::string named;
};
inline constexpr size_t kPromiseLineBytesMax = 4096;
Result<PromiseLine> parse_promise_line(std::string_view text);  // kInvalid

}  // namespace weir::agent
