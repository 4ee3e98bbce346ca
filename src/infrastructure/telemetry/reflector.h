#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/result/result.h"
#include "infrastructure/telemetry/stamp.h"

namespace weir::telemetry {

struct ReflectorOptions {
  std::string address = "::";  // "::" takes IPv4 as well
  uint16_t port = kStampPort;  // 0: the kernel chooses, see Reflector::port()
  // Replies to a probe whose SSID is not 0 carry SO_MARK = SSID, so that they take that path's table.
  // Needs CAP_NET_ADMIN.
  bool mark_replies = true;
  // RFC 8762 section 4.3: a stateful reflector numbers its own packets per session, which tells loss of the
  // way there from loss of the way back.
  bool stateful = false;
  uint32_t sessions_max = 4096;  // stateful only; probes of further sessions are refused, and counted
  StampClock clock = StampClock::kPtp;
  bool clock_synchronized = false;
};

struct ReflectorCounters {
  uint64_t reflected = 0;
  uint64_t malformed = 0;
  uint64_t refused = 0;  // over sessions_max
  uint64_t unsent = 0;   // the kernel took no reply: no route, or its buffer was full
};

// Answers STAMP probes from a thread of its own until it is destroyed. It never sends more than it receives.
class Reflector {
 public:
  // kInvalid: not an address; kConflict: the port is taken; kDenied: a privilege is missing.
  static Result<std::unique_ptr<Reflector>> open(const ReflectorOptions& options);
  virtual ~Reflector() = default;
  virtual uint16_t port() const = 0;
  virtual ReflectorCounters counters() const = 0;
};

}  // namespace weir::telemetry
