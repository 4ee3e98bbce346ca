#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "infrastructure/agent/site_agent.h"
#include "infrastructure/agent/stamp_prober.h"
#include "infrastructure/agent/uplink.h"

namespace weir::agent {

// Wall and steady time of this machine.
Clock& system_clock();

// Whether a TCP connection to the address is accepted at once; local addresses only.
bool accepts_connections(const std::string& address, uint16_t port);

// The running agent: the state machine on a thread of its own, and what feeds it.
//
//   gRPC --directives, leases, acknowledgements, log requests (waits when full)--> mailbox
//   probe engine --changes of life (dropped when full: read again within 1 s)----> mailbox (4,096)
//   SiteWorker --answers (waits when full)---------------------------------------> mailbox
//   mailbox, promise.sock, the driver's change_fd --> SiteAgent --> drivers, SiteWorker, BrainLink
//
// All threads are in the network namespace of the caller of open().
class AgentHost {
 public:
  struct Parts {
    SiteDriver& site;
    // A file into the site's store, verified against its digest.
    std::function<Status(const std::filesystem::path& from, const std::string& digest)> store_artifact;
    int change_fd = -1;  // readable after runs have changed; -1: none
    std::function<void()> take_changes;
    PathDriver* paths = nullptr;
    InstanceAddresses* addresses = nullptr;
    bool probes = true;
    Accepts accepts = accepts_connections;
    Say say;
  };
  struct Options {
    AgentOptions agent;
    BrainLinkOptions link;
    StampProberOptions prober;
    std::filesystem::path state_folder;  // promise.sock, usage, fetched/
  };
  // Errors: those of BrainLink::open; kCorrupt: a damaged usage record; kUnavailable: the socket.
  static Result<std::unique_ptr<AgentHost>> open(Parts parts, const Options& options, SelfDescription self);
  virtual ~AgentHost() = default;
};

}  // namespace weir::agent
