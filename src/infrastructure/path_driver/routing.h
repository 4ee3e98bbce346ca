#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/ports/path_driver.h"
#include "infrastructure/path_driver/netlink.h"

// Routing rules and SRv6 routes of paths, as they stand in the kernel.
namespace weir::path_driver {

// Of a route or rule: who put it there. Not assigned in /etc/iproute2/rt_protos.
inline constexpr uint8_t kProtocol = 77;

struct Rule {
  uint32_t priority = 0;
  Ipv6Prefix destination;
  std::optional<Ipv6Prefix> source;
  PathLabel label = 0;
  bool marked = false;  // only packets with the label as mark
  uint32_t table = 0;
  friend bool operator==(const Rule&, const Rule&) = default;
};
Rule mark_rule(const PathSpec& path);
Rule steering_rule(const Steering& steering, uint32_t table);
uint32_t table_of(const PathSpec& path);  // its label, or the main table without segments

class Routing {
 public:
  static Result<Routing> open();

  // Tries whether the kernel takes routes with segments. kUnsupported, kDenied.
  Status probe_segments();

  Result<std::vector<Rule>> rules();  // ours
  Status add(const Rule& rule);       // behind those of equal priority
  Status remove(const Rule& rule);    // succeeds when there is none

  // Routes with segments, ours.
  Result<std::vector<PathSpec>> routes();
  Status put(const PathSpec& path);
  Status remove(const PathSpec& path);

  // Makes sockets that go to this destination over this table look their way up again. Recent kernels (6.18
  // here) do so by themselves when a rule changes; older ones check only the route that a socket remembers.
  Status refresh(uint32_t table, const Ipv6Prefix& destination);

 private:
  explicit Routing(Netlink netlink) : netlink_(std::move(netlink)) {}
  struct Way {
    uint32_t device = 0;
    std::optional<Ipv6Address> source;
  };
  Status put(const PathSpec& path, const Way& way);
  Result<Way> way_to(const Ipv6Address& address);
  Netlink netlink_;
};

}  // namespace weir::path_driver
