#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "core/ports/clock.h"
#include "core/ports/ip_address.h"
#include "core/ports/path_driver.h"
#include "core/ports/site_driver.h"
#include "core/ports/wire.h"
#include "infrastructure/agent/outbox.h"
#include "infrastructure/agent/reconcile.h"

// What the agent's state machine asks of the world.
namespace weir::agent {

// ---- slow work of the site driver --------------------------------------------------------------------

struct StartCall {
  RunSpec spec;
};
struct StopCall {
  RunId run;
  uint64_t grace_us = 0;
};
struct RenewCall {
  RunId run;
  uint64_t lease_us = 0;
};
struct ForgetCall {
  RunId run;
};
struct ObserveCall {};
struct UsageCall {
  RunId run;
};
struct LogCall {
  uint64_t request = 0;
  RunId run;
  uint64_t offset = 0;
  uint64_t bytes_max = 0;
};
struct FetchCall {  // an artifact, from the brain into the site's store
  std::string digest;
};
using SiteCall =
    std::variant<StartCall, StopCall, RenewCall, ForgetCall, ObserveCall, UsageCall, LogCall, FetchCall>;

// A call and what became of it.
struct SiteAnswer {
  SiteCall call;
  Status status;
  std::vector<ObservedRun> runs;  // of ObserveCall
  RunUsage usage;                 // of UsageCall
  LogChunk log;                   // of LogCall
};

// Carries out calls one after another, fetching aside, and answers each through SiteAgent::handle.
class SiteWork {
 public:
  virtual ~SiteWork() = default;
  // False: its queue is full; ask again.
  virtual bool submit(SiteCall call) = 0;
};

// ---- probes ------------------------------------------------------------------------------------------

struct ProbeSample {
  PathLife life = PathLife::kUnknown;
  int64_t round_trip_us = 0;  // median; 0: unknown
  int64_t jitter_us = 0;
  int32_t loss_ppm = 0;
};

// Measures paths until told otherwise. Changes of life arrive at once, through SiteAgent::probe_changed, with
// the watch's number, so that news of an earlier watch is not taken for that of a later one.
class Prober {
 public:
  virtual ~Prober() = default;
  virtual Status watch(uint64_t watch, PathLabel label, const std::string& reflector) = 0;
  virtual void unwatch(uint64_t watch) = 0;
  virtual ProbeSample sample(uint64_t watch) = 0;
};

// ---- the rest ----------------------------------------------------------------------------------------

// Addresses of instances in the network namespace of the site.
class InstanceAddresses {
 public:
  virtual ~InstanceAddresses() = default;
  virtual Result<std::set<Ipv6Address>> present() = 0;
  virtual Status add(const Ipv6Address& address) = 0;
  virtual Status remove(const Ipv6Address& address) = 0;
};

// Whether something accepts connections there; answers within a few milliseconds.
using Accepts = std::function<bool(const std::string& address, uint16_t port)>;

struct LogAnswer {
  uint64_t request = 0;
  RunId run;
  LogChunk chunk;
  std::string error;  // instead
};
struct Readings {
  struct Reading {
    PathReading reading;
    bool state_changed = false;
  };
  std::vector<Reading> readings;
};
struct HeartbeatReport {
  uint32_t runs = 0;
};
using AgentReport = std::variant<Observation, Readings, LogAnswer, HeartbeatReport, LastingReport>;

// The stream to the brain. What cannot be sent now is kept if it is the newest of its kind, and dropped with
// the connection.
class Uplink {
 public:
  virtual ~Uplink() = default;
  virtual void send(AgentReport report, uint64_t sequence = 0) = 0;
};

}  // namespace weir::agent
