#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/ports/path_driver.h"
#include "infrastructure/path_driver/netlink.h"

// The kernel's table of tracked connections, by ctnetlink (linux/netfilter/nfnetlink_conntrack.h).
namespace weir::path_driver {

// A TCP connection over IPv6, as its first packet named it, and who answers it.
struct TrackedConnection {
  using Key = std::array<uint8_t, 36>;  // source and its port, destination and its port
  Key key{};
  Ipv6Address address;  // the destination
  uint16_t port = 0;
  Ipv6Address answerer;  // the destination after translation
  uint16_t answerer_port = 0;
  std::optional<uint64_t> packets, packets_returned;  // none: the kernel does not count
  std::optional<uint32_t>
      id;  // CTA_ID as the kernel wrote it: another connection of the same key has another
};

// One entry of the table; none if it is no TCP over IPv6, or not whole. `payload` begins with the nfgenmsg.
std::optional<TrackedConnection> tracked_connection(std::span<const char> payload);

// Asks the kernel to forget this connection, and no later one of the same key.
Message deletion_of(const TrackedConnection& connection);

// Sets a switch of the kernel, a file below /proc/sys, to 1 where it is not; one that the kernel does not have stays so.
// kDenied.
Status switch_on(const std::string& path);

class Conntrack {
 public:
  // Works on the caller's network namespace, and lets it count the packets of connections that begin from now
  // on. kUnavailable, kDenied.
  static Result<Conntrack> open();

  // See PathDriver::end_hung_connections.
  Result<HungConnections> end_hung(std::span<const PublishedService> services);

 private:
  struct Seen {
    uint64_t packets = 0, packets_returned = 0;
    std::optional<uint32_t> id;
    int silent = 0;  // looks at which the client had sent more and nothing had come back
  };
  explicit Conntrack(Netlink netlink) : netlink_(std::move(netlink)) {}
  Status end(const TrackedConnection& connection);

  Netlink netlink_;
  std::map<TrackedConnection::Key, Seen> seen_;  // of the last look
};

}  // namespace weir::path_driver
