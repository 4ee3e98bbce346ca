#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/ports/ip_address.h"
#include "core/result/result.h"

namespace weir {

// Names a committed path in the whole domain. On both of its ends the label is at once the firewall mark, the
// routing table and the STAMP session identifier. A socket with SO_MARK = label sends over the path.
using PathLabel = uint16_t;
inline constexpr PathLabel kPathLabelMin = 256;  // routing tables 253 to 255 belong to the system
inline constexpr PathLabel kPathLabelMax = 65535;

// One end of a path: how packets go from here to the far site.
struct PathSpec {
  PathLabel label = 0;
  Ipv6Prefix destination;             // the far site's prefix
  std::vector<Ipv6Address> segments;  // SIDs in the order of the way; empty: plain routing. At most 16
  uint32_t mtu_bytes = 1500;          // of the inner packet; 1280..9000
  friend bool operator==(const PathSpec&, const PathSpec&) = default;
};

// Sends real traffic over a path: packets to `destination` (of `source`, if given) use the path `label`. The
// longest destination wins; among equals, the one with a source.
struct Steering {
  Ipv6Prefix destination;
  std::optional<Ipv6Prefix> source;
  PathLabel label = 0;
  friend bool operator==(const Steering&, const Steering&) = default;
};

enum class Transport : uint8_t { kTcp, kUdp };

struct ServiceTarget {
  Ipv6Address address;
  uint16_t port = 0;
  uint32_t weight = 1;  // 1..1000
  friend bool operator==(const ServiceTarget&, const ServiceTarget&) = default;
};

// A stable address. Each new connection to it goes to one target, in turn by weight; it stays there.
struct PublishedService {
  Ipv6Address address;
  uint16_t port = 0;
  Transport transport = Transport::kTcp;
  std::vector<ServiceTarget> targets;  // 1..64
  friend bool operator==(const PublishedService&, const PublishedService&) = default;
};

// Steered traffic that left here over a path; marked probes are not counted. Packets before encapsulation.
struct PathCounters {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  friend bool operator==(const PathCounters&, const PathCounters&) = default;
};

// Of the connections to services whose instance is no target any more.
struct HungConnections {
  size_t ended = 0;
  size_t stranded = 0;  // left: their instance still answers, or nobody has sent anything since the last look
  friend bool operator==(const HungConnections&, const HungConnections&) = default;
};

// What is there now, sorted; read from the system, not from memory.
struct InstalledPaths {
  std::vector<PathSpec> paths;
  std::vector<Steering> steerings;
  std::vector<PublishedService> services;
  friend bool operator==(const InstalledPaths&, const InstalledPaths&) = default;
};

// What an ingress or hosting agent programs in its own network namespace. Every call is idempotent: asking
// again for what is there succeeds. Not thread-safe: one caller. Errors: kInvalid for a value out of range,
// kNotFound, kConflict (named below), kDenied without CAP_NET_ADMIN, kUnsupported when the kernel lacks the
// feature.
class PathDriver {
 public:
  virtual ~PathDriver() = default;

  // Whether paths with segments can be installed; if not, traffic follows plain routing.
  virtual bool steerable() const = 0;

  // Puts the path in place, or replaces the one with this label. kUnsupported: segments on a driver that
  // cannot steer. kNotFound: no route to the first segment.
  virtual Status install_path(const PathSpec& path) = 0;
  // kConflict while something is steered over it.
  virtual Status withdraw_path(PathLabel label) = 0;

  // Moves traffic onto an installed path in one step: no packet meets a state without a path. kNotFound: the
  // path is not installed.
  virtual Status steer(const Steering& steering) = 0;
  virtual Status unsteer(const Ipv6Prefix& destination, const std::optional<Ipv6Prefix>& source) = 0;

  // Of every path that is installed.
  virtual Result<std::map<PathLabel, PathCounters>> counters() = 0;

  // Makes the address lead to the targets, in one transaction; established connections stay where they are.
  virtual Status publish_service(const PublishedService& service) = 0;
  virtual Status withdraw_service(const Ipv6Address& address, uint16_t port, Transport transport) = 0;

  // Ends TCP connections to these services whose instance is none of their targets, and on which the client
  // has sent at two looks and nothing has come back since the one before: its next packet meets an instance
  // that resets it. To be called at most about once a second. O(connections that are tracked). kUnsupported:
  // the kernel tracks none.
  virtual Result<HungConnections> end_hung_connections(std::span<const PublishedService> services) = 0;

  virtual Result<InstalledPaths> installed() = 0;
  // Removes everything that this kind of driver ever installed in this namespace, and nothing else.
  virtual Status reset() = 0;
};

}  // namespace weir
