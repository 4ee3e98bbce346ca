#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/ports/brain.h"
#include "core/ports/clock.h"
#include "core/ports/wire.h"
#include "infrastructure/agent_link/artifact_folder.h"
#include "security/identity/authority.h"

namespace grpc {
class Service;
}

namespace weir::agent_link {

struct AgentLinkOptions {
  size_t connections_max = 10'000;
  size_t message_bytes_max = size_t{16} << 20;
  size_t log_requests_max = 64;  // of one site at a time
};

// What an agent said about itself when it attached, and when it was last heard.
struct Contact {
  std::string agent_version;
  std::string driver;
  std::string isolation;
  bool steerable = false;
  std::string not_steerable_why;
  TimeUs heard_steady_us = 0;
  bool attached = false;
};

// A piece of a run's log, or why there is none. `last` ends the request.
struct LogPiece {
  uint64_t offset = 0;
  std::string data;
  bool complete = false;  // the run has ended and nothing follows
  std::optional<Error> error;
  bool last = false;
};

// The brain's side of the agents' connections: joining, certificates, artifacts and the stream on which
// directives go out and reports come in.
//
// Of directives to one site only the newest waits; a slow agent is sent the newest when it can take it. A
// report is acknowledged once it is durable, in ascending order. Every call but Join and Artifact's reading
// requires a certificate of the brain's CA, for the site that the agent says it is; it is checked here, so
// that a refusal says why.
class AgentLink final : public Wire {
 public:
  AgentLink(const identity::CertificateAuthority& authority, ArtifactFolder& artifacts, Clock& clock,
            AgentLinkOptions options = {});
  ~AgentLink() override;

  // Must be called before the service serves; `brain` outlives it.
  void connect(Brain& brain);
  // To register with a server; every stream ends when that shuts down.
  grpc::Service& service();
  // Ends every stream, with the reason for agents to try again; new ones are refused.
  void stop();

  void send(const SiteDirective& directive) override;
  void drop(SiteId site) override;

  std::optional<Contact> contact(SiteId site) const;
  size_t attached_count() const;

  // What the site's end of a path has counted, when it said so last over this connection. In O(log(paths)).
  std::optional<PathTraffic> path_traffic(SiteId site, uint16_t label) const;
  // Of all sites that are attached, by site and label.
  std::vector<std::pair<SiteId, PathTraffic>> path_traffic() const;

  // Asks the site's agent for a log. `piece` is called from another thread, in order, until one is the last;
  // it must not block. kUnavailable: the site has no agent now; kExhausted: it has too many requests already.
  Result<uint64_t> read_log(SiteId site, RunId run, uint64_t offset, bool follow, uint64_t bytes_max,
                            std::function<void(LogPiece)> piece);
  // After it returns, or from within it, `piece` may still be called once.
  void cancel_log(SiteId site, uint64_t request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::agent_link
