#include "infrastructure/path_driver/path_drivers.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "infrastructure/path_driver/conntrack.h"
#include "infrastructure/path_driver/firewall.h"
#include "infrastructure/path_driver/routing.h"

namespace weir::path_driver {
namespace {

constexpr size_t kSegmentsMax = 16;
constexpr size_t kTargetsMax = 64;
constexpr uint32_t kWeightMax = 1000;

tl::unexpected<Error> invalid(const std::string& what, const std::string& where) {
  return fail(ErrorCode::kInvalid, what, where);
}

Status check_label(PathLabel label) {
  if (label < kPathLabelMin) {
    return invalid("the label is less than " + std::to_string(kPathLabelMin),
                   "path " + std::to_string(label));
  }
  return {};
}

Status check(const PathSpec& path) {
  const std::string where = "path " + std::to_string(path.label);
  if (const Status ok = check_label(path.label); !ok) return ok;
  if (path.segments.size() > kSegmentsMax) return invalid("has more than 16 segments", where);
  if (path.mtu_bytes < 1280 || path.mtu_bytes > 9000)
    return invalid("its MTU is not within 1280 and 9000", where);
  if (Ipv6Prefix::of(path.destination.address, path.destination.length) != path.destination) {
    return invalid("its destination has bits past its length", where);
  }
  return {};
}

Status check(const PublishedService& service) {
  const std::string where = "service [" + service.address.text() + "]:" + std::to_string(service.port);
  if (service.port == 0) return invalid("its port is 0", where);
  if (service.targets.empty() || service.targets.size() > kTargetsMax) {
    return invalid("has " + std::to_string(service.targets.size()) + " targets, not 1 to 64", where);
  }
  for (const ServiceTarget& target : service.targets) {
    if (target.port == 0 || target.weight == 0 || target.weight > kWeightMax) {
      return invalid("a target's port is 0, or its weight is not within 1 and 1000", where);
    }
  }
  return {};
}

// A connection to a service is translated back by the conntrack entry that the way out makes. A packet that
// is encapsulated passes the place where that entry is kept only if this is on; it cannot be turned off
// again.
Status track_encapsulated_connections() {
  const char* path = "/proc/sys/net/netfilter/nf_hooks_lwtunnel";
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return {};  // no conntrack, and so no services
  char now = '0';
  const bool on = read(fd, &now, 1) == 1 && now == '1';
  const bool set = on || pwrite(fd, "1", 1, 0) == 1;
  close(fd);
  if (set) return {};
  return fail(ErrorCode::kDenied, "cannot be set to 1", path,
              "set net.netfilter.nf_hooks_lwtunnel=1 on the host");
}

class LinuxPathDriver : public PathDriver {
 public:
  LinuxPathDriver(Routing routing, Firewall firewall, Result<Conntrack> conntrack, bool steerable)
      : routing_(std::move(routing)),
        firewall_(std::move(firewall)),
        conntrack_(std::move(conntrack)),
        steerable_(steerable) {}

  bool steerable() const override { return steerable_; }

  Status install_path(const PathSpec& path) override {
    if (const Status ok = check(path); !ok) return ok;
    if (!path.segments.empty() && !steerable_) {
      return fail(ErrorCode::kUnsupported, "this driver follows plain routing and takes no segments",
                  "path " + std::to_string(path.label), "offer it only the routed path");
    }
    const auto before = routing_.rules();
    if (!before) return tl::unexpected(before.error());
    if (!path.segments.empty()) {
      if (const Status s = routing_.put(path); !s) return s;
    }
    const Rule wanted = mark_rule(path);
    if (const Status s = routing_.add(wanted); !s) return s;
    // What the label meant before goes after the new meaning stands.
    for (const Rule& rule : *before) {
      if (rule.label != path.label || rule == wanted) continue;
      if (rule.marked) {
        if (const Status s = routing_.remove(rule); !s) return s;
      } else if (rule.table != wanted.table) {
        Rule moved = rule;
        moved.table = wanted.table;
        if (const Status s = move(rule, moved); !s) return s;
      }
    }
    if (const Status s = remove_routes(path.label, &path); !s) return s;
    return count();
  }

  Status withdraw_path(PathLabel label) override {
    if (const Status ok = check_label(label); !ok) return ok;
    const auto rules = routing_.rules();
    if (!rules) return tl::unexpected(rules.error());
    for (const Rule& rule : *rules) {
      if (rule.label == label && !rule.marked) {
        return fail(ErrorCode::kConflict, "traffic to " + rule.destination.text() + " is steered over it",
                    "path " + std::to_string(label), "move the traffic to another path first");
      }
    }
    for (const Rule& rule : *rules) {
      if (rule.label != label) continue;
      if (const Status s = routing_.remove(rule); !s) return s;
    }
    if (const Status s = remove_routes(label, nullptr); !s) return s;
    return count();
  }

  Status steer(const Steering& steering) override {
    if (const Status ok = check_label(steering.label); !ok) return ok;
    const auto rules = routing_.rules();
    if (!rules) return tl::unexpected(rules.error());
    const auto path = std::ranges::find_if(
        *rules, [&](const Rule& rule) { return rule.marked && rule.label == steering.label; });
    if (path == rules->end()) {
      return fail(ErrorCode::kNotFound, "is not installed", "path " + std::to_string(steering.label),
                  "install it first");
    }
    const Rule wanted = steering_rule(steering, path->table);
    bool there = false;
    bool moved = false;
    for (const Rule& rule : *rules) there = there || rule == wanted;
    if (!there) {
      if (const Status s = routing_.add(wanted); !s) return s;
    }
    // Rules of equal priority are tried oldest first: traffic moves in the instant in which the old one goes.
    for (const Rule& rule : *rules) {
      if (!same_traffic(rule, wanted) || rule == wanted) continue;
      if (const Status s = routing_.remove(rule); !s) return s;
      if (const Status s = routing_.refresh(rule.table, rule.destination); !s) return s;
      moved = true;
    }
    if (there && !moved) return {};
    if (!moved) {
      if (const Status s = routing_.refresh(kMainTable, steering.destination); !s) return s;
    }
    return count();
  }

  Status unsteer(const Ipv6Prefix& destination, const std::optional<Ipv6Prefix>& source) override {
    const auto rules = routing_.rules();
    if (!rules) return tl::unexpected(rules.error());
    const Rule about = steering_rule({destination, source, 0}, 0);
    bool removed = false;
    for (const Rule& rule : *rules) {
      if (!same_traffic(rule, about)) continue;
      if (const Status s = routing_.remove(rule); !s) return s;
      if (const Status s = routing_.refresh(rule.table, rule.destination); !s) return s;
      removed = true;
    }
    return removed ? count() : Status();
  }

  Result<std::map<PathLabel, PathCounters>> counters() override { return firewall_.counters(); }

  Status publish_service(const PublishedService& service) override {
    if (const Status ok = check(service); !ok) return ok;
    const auto known = firewall_.services();
    if (!known) return tl::unexpected(known.error());
    if (std::ranges::find(*known, service) != known->end()) return {};
    return firewall_.publish(service);
  }

  Status withdraw_service(const Ipv6Address& address, uint16_t port, Transport transport) override {
    return firewall_.withdraw(address, port, transport);
  }

  Result<HungConnections> end_hung_connections(std::span<const PublishedService> services) override {
    if (!conntrack_) {
      Error why = conntrack_.error();
      why.code = ErrorCode::kUnsupported;  // it is not opened again
      return tl::unexpected(std::move(why));
    }
    return conntrack_->end_hung(services);
  }

  Result<InstalledPaths> installed() override {
    const auto rules = routing_.rules();
    if (!rules) return tl::unexpected(rules.error());
    const auto routes = routing_.routes();
    if (!routes) return tl::unexpected(routes.error());
    auto services = firewall_.services();
    if (!services) return tl::unexpected(services.error());
    InstalledPaths out;
    out.services = std::move(*services);
    for (const Rule& rule : *rules) {
      if (!rule.marked) {
        out.steerings.push_back({rule.destination, rule.source, rule.label});
        continue;
      }
      PathSpec path{rule.label, rule.destination, {}, PathSpec().mtu_bytes};
      for (const PathSpec& route : *routes) {
        if (route.label == rule.label && route.destination == rule.destination) path = route;
      }
      // A rule whose route went away, with its device, is no path.
      if (rule.table == kMainTable || !path.segments.empty()) out.paths.push_back(std::move(path));
    }
    std::ranges::sort(out.paths, {}, &PathSpec::label);
    std::ranges::sort(out.steerings, [](const Steering& a, const Steering& b) {
      return std::tie(a.destination, a.source, a.label) < std::tie(b.destination, b.source, b.label);
    });
    return out;
  }

  Status reset() override {
    const auto rules = routing_.rules();
    if (!rules) return tl::unexpected(rules.error());
    for (const Rule& rule : *rules) {
      if (const Status s = routing_.remove(rule); !s) return s;
      if (rule.marked) continue;
      if (const Status s = routing_.refresh(rule.table, rule.destination); !s) return s;
    }
    const auto routes = routing_.routes();
    if (!routes) return tl::unexpected(routes.error());
    for (const PathSpec& route : *routes) {
      if (const Status s = routing_.remove(route); !s) return s;
    }
    return firewall_.reset();
  }

 private:
  static constexpr uint32_t kMainTable = 254;

  static bool same_traffic(const Rule& a, const Rule& b) {
    return !a.marked && !b.marked && a.destination == b.destination && a.source == b.source;
  }

  Status move(const Rule& from, const Rule& to) {
    if (const Status s = routing_.add(to); !s) return s;
    if (const Status s = routing_.remove(from); !s) return s;
    return routing_.refresh(from.table, from.destination);
  }

  // Removes the routes of a label, but not the one that `keep` is.
  Status remove_routes(PathLabel label, const PathSpec* keep) {
    const auto routes = routing_.routes();
    if (!routes) return tl::unexpected(routes.error());
    for (const PathSpec& route : *routes) {
      const bool kept = keep != nullptr && !keep->segments.empty() && route.destination == keep->destination;
      if (route.label != label || kept) continue;
      if (const Status s = routing_.remove(route); !s) return s;
    }
    return {};
  }

  Status count() {
    const auto rules = routing_.rules();
    if (!rules) return tl::unexpected(rules.error());
    std::vector<PathLabel> labels;
    std::vector<Steering> steerings;
    for (const Rule& rule : *rules) {
      if (rule.marked) {
        labels.push_back(rule.label);
      } else {
        steerings.push_back({rule.destination, rule.source, rule.label});
      }
    }
    return firewall_.count(labels, steerings);
  }

  Routing routing_;
  Firewall firewall_;
  Result<Conntrack> conntrack_;
  bool steerable_;
};

Result<std::unique_ptr<PathDriver>> open_driver(bool steerable) {
  auto routing = Routing::open();
  if (!routing) return tl::unexpected(routing.error());
  auto firewall = Firewall::open();
  if (!firewall) return tl::unexpected(firewall.error());
  if (steerable) {
    if (const Status s = routing->probe_segments(); !s) return tl::unexpected(s.error());
    if (const Status s = track_encapsulated_connections(); !s) return tl::unexpected(s.error());
  }
  // Without it clients of instances that are gone wait; nothing else is missed.
  return std::make_unique<LinuxPathDriver>(std::move(*routing), std::move(*firewall), Conntrack::open(), steerable);
}

}  // namespace

Result<std::unique_ptr<PathDriver>> open_srv6() { return open_driver(true); }
Result<std::unique_ptr<PathDriver>> open_plain() { return open_driver(false); }

}  // namespace weir::path_driver
