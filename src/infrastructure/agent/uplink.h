#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/ports/clock.h"
#include "core/ports/wire.h"
#include "infrastructure/agent/ports.h"
#include "infrastructure/inventory/accelerators.h"
#include "security/identity/agent_identity.h"

namespace weir::agent {

// What the agent says of itself, but for the clock and what is in force.
struct NodeDescription {
  NodeSpec spec;
  // All that the machine has; those whose unique_name is in accelerators_offered make up spec.accelerators.
  std::vector<inventory::Accelerator> accelerators;
  std::vector<std::string> accelerators_offered;
  std::string architecture;
  uint32_t cores = 0, threads = 0, sockets = 0, numa_nodes = 0;
  uint64_t cache_l2_bytes = 0, cache_l3_bytes = 0, memory_bytes = 0, disk_bytes_free = 0;
  std::string cpu_model;
  struct Figure {
    std::string name, unit, method, version;
    int64_t value_milli = 0;
    int32_t repetitions = 0;
    int32_t spread_ppm = 0;
  };
  std::vector<Figure> metering;
};
struct SelfDescription {
  std::string site;
  std::string version;
  uint64_t boot = 0;
  NodeDescription node;
  SiteCapabilities driver;
  bool steerable = false;
  std::string not_steerable_why;
  std::string reflector_address;
  uint16_t reflector_port = 0;
};

struct BrainLinkOptions {
  std::string brain;  // HOST:PORT
  std::filesystem::path identity_folder;
  std::string
      token;  // a join token that differs from the one which bought the identity is spent on a new one
  TimeUs connect_us_max = 5'000'000;  // for each attempt
  TimeUs silence_us_max = 3'000'000;  // without a word, the stream is taken for dead
  TimeUs retry_us_min = 100'000;      // doubles, with jitter, up to retry_us_max
  TimeUs retry_us_max = 2'000'000;
};

// Becomes a member: finds the brain whose CA the token pins, and asks for a certificate of this site. The
// same key asks again when an answer was lost. Errors: kDenied, kConflict, kInvalid are final; kUnavailable
// may pass.
Status join(const BrainLinkOptions& options, const std::string& site, const std::string& token_text,
            const std::string& version, Clock& clock);

// What arrives on the stream. Called from gRPC's threads: must only enqueue.
struct BrainEvents {
  std::function<void()> attached;
  std::function<void(std::string why)> detached;
  std::function<void(SiteDirective)> directive;
  std::function<void(uint64_t brain_epoch, TimeUs lease_us)> lease;
  std::function<void(uint64_t sequence)> acknowledged;
  std::function<void(uint64_t request, RunId run, uint64_t offset, bool follow, uint64_t bytes_max)>
      log_request;
  std::function<void(uint64_t request)> log_cancel;
  std::function<void(bool problem, std::string text)> say;
};

// The connection to the brain, kept up until destroyed: attaches, comes back after losses, and renews the
// certificate before it ends. Its thread and gRPC's share nothing with the agent but `events`.
class BrainLink : public Uplink {
 public:
  // kNotFound: this machine has not joined; kCorrupt, kDenied: what its identity folder holds.
  static Result<std::unique_ptr<BrainLink>> open(const BrainLinkOptions& options, SelfDescription self,
                                                 Clock& clock, BrainEvents events);
  // The artifact's bytes into a file, from where an earlier attempt ended. Blocks. kNotFound; kUnavailable.
  virtual Status fetch(const std::string& digest, const std::filesystem::path& into) = 0;
  // Ends the stream and a fetch under way, for good.
  virtual void stop() = 0;
};

}  // namespace weir::agent
