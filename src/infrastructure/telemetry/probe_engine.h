#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/result/result.h"
#include "infrastructure/telemetry/path_health.h"
#include "infrastructure/telemetry/probe_statistics.h"
#include "infrastructure/telemetry/stamp.h"

namespace weir::telemetry {

using ProbeSessionId = uint32_t;

// A path to probe: from here to a reflector, by the table that the mark selects.
struct ProbeSessionOptions {
  std::string local_address;  // empty: the kernel chooses
  std::string remote_address;
  uint16_t remote_port = kStampPort;
  uint16_t ssid = 0;      // names the path to the reflector, which answers by the path of that name; 0: none
  uint32_t mark = 0;      // SO_MARK of the probes; 0: none. Needs CAP_NET_ADMIN otherwise
  uint32_t window = 128;  // probes that ProbeWindow looks back on
  PathHealthOptions health;
};

struct PathReading {
  PathState state = PathState::kUnknown;
  uint64_t sent = 0;
  uint64_t answered = 0;
  uint64_t lost = 0;
  uint64_t late = 0;        // answered after they had been counted as lost
  uint64_t unsent = 0;      // the kernel took no probe: no route; they count as lost
  uint64_t unexpected = 0;  // packets that answer no probe of ours
  uint64_t rtt_us_smoothed = 0;
  ProbeWindow window;
};

struct PathChange {
  ProbeSessionId session = 0;
  PathState before = PathState::kUnknown;
  PathState after = PathState::kUnknown;
  uint64_t at_unix_us = 0;
  uint64_t silence_us = 0;  // since the last reply (or the first probe): the time that detection took
  PathReading reading;
};

struct ProbeEngineOptions {
  // Called from the engine's thread, one change at a time, holding no lock; it may call the engine. It must
  // not block, since all probes wait meanwhile. A change found before remove() may be told after it.
  std::function<void(const PathChange&)> on_change;
  uint32_t sessions_max = 4096;  // each holds a socket
  StampClock clock = StampClock::kPtp;
  bool clock_synchronized = false;
};

// Probes many paths by STAMP, each at its own interval, from one thread of its own, until it is destroyed.
// Safe to call from any thread. The thread inherits the network namespace of the opener; add() makes its
// sockets in the caller's.
class ProbeEngine {
 public:
  static Result<std::unique_ptr<ProbeEngine>> open(ProbeEngineOptions options);
  virtual ~ProbeEngine() = default;

  // kInvalid: addresses or interval (1 ms to 1 h); kDenied: mark without privilege; kExhausted: sessions_max
  // or descriptors. The first probe leaves within one interval.
  virtual Result<ProbeSessionId> add(const ProbeSessionOptions& options) = 0;
  virtual Status remove(ProbeSessionId session) = 0;  // kNotFound
  virtual Result<PathReading> reading(ProbeSessionId session) const = 0;
  virtual std::vector<std::pair<ProbeSessionId, PathReading>> readings() const = 0;
};

}  // namespace weir::telemetry
