#include "infrastructure/path_driver/conntrack.h"

#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weir::path_driver {
namespace {

// Looks at which nothing came back before a connection is ended. One alone may fall between a packet and its
// answer.
constexpr int kSilentLooks = 2;

constexpr uint16_t type_of(int message) {
  return static_cast<uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | message);
}

nfgenmsg about_ipv6() {
  nfgenmsg out{};
  out.nfgen_family = AF_INET6;
  out.version = NFNETLINK_V0;
  return out;
}

template <class T>
bool copy(const Attribute& from, T& to) {
  if (from.data.size() < sizeof to) return false;
  std::memcpy(&to, from.data.data(), sizeof to);
  return true;
}

struct Tuple {
  Ipv6Address source, destination;
  uint16_t source_port = 0, destination_port = 0;
};

std::optional<Tuple> tuple_of(std::span<const char> data) {
  Tuple out;
  uint8_t protocol = 0;
  int found = 0;
  for (const Attribute& part : attributes(data)) {
    for (const Attribute& a : attributes(part.data)) {
      if (part.type == CTA_TUPLE_IP && a.type == CTA_IP_V6_SRC) found += copy(a, out.source.bytes);
      if (part.type == CTA_TUPLE_IP && a.type == CTA_IP_V6_DST) found += copy(a, out.destination.bytes);
      if (part.type == CTA_TUPLE_PROTO && a.type == CTA_PROTO_NUM) found += copy(a, protocol);
      if (part.type == CTA_TUPLE_PROTO && a.type == CTA_PROTO_SRC_PORT) found += copy(a, out.source_port);
      if (part.type == CTA_TUPLE_PROTO && a.type == CTA_PROTO_DST_PORT)
        found += copy(a, out.destination_port);
    }
  }
  if (found != 5 || protocol != IPPROTO_TCP) return std::nullopt;
  out.source_port = ntohs(out.source_port);
  out.destination_port = ntohs(out.destination_port);
  return out;
}

std::optional<uint64_t> packets_of(std::span<const char> data) {
  for (const Attribute& a : attributes(data)) {
    uint64_t packets = 0;
    if (a.type == CTA_COUNTERS_PACKETS && copy(a, packets)) return be64toh(packets);
  }
  return std::nullopt;
}

TrackedConnection::Key key_of(const Tuple& tuple) {
  TrackedConnection::Key out{};
  std::copy(tuple.source.bytes.begin(), tuple.source.bytes.end(), out.begin());
  out[16] = static_cast<uint8_t>(tuple.source_port >> 8);
  out[17] = static_cast<uint8_t>(tuple.source_port);
  std::copy(tuple.destination.bytes.begin(), tuple.destination.bytes.end(), out.begin() + 18);
  out[34] = static_cast<uint8_t>(tuple.destination_port >> 8);
  out[35] = static_cast<uint8_t>(tuple.destination_port);
  return out;
}


}  // namespace

std::optional<TrackedConnection> tracked_connection(std::span<const char> payload) {
  if (payload.size() < sizeof(nfgenmsg)) return std::nullopt;
  std::optional<Tuple> there, back;
  TrackedConnection out;
  for (const Attribute& a : attributes(payload.subspan(sizeof(nfgenmsg)))) {
    if (a.type == CTA_TUPLE_ORIG) there = tuple_of(a.data);
    if (a.type == CTA_TUPLE_REPLY) back = tuple_of(a.data);
    if (a.type == CTA_COUNTERS_ORIG) out.packets = packets_of(a.data);
    if (a.type == CTA_COUNTERS_REPLY) out.packets_returned = packets_of(a.data);
    if (uint32_t id = 0; a.type == CTA_ID && copy(a, id)) out.id = id;
  }
  if (!there || !back) return std::nullopt;
  out.key = key_of(*there);
  out.address = there->destination;
  out.port = there->destination_port;
  out.answerer = back->source;
  out.answerer_port = back->source_port;
  return out;
}

// Always with the tuple: without it the kernel would forget every connection.
Message deletion_of(const TrackedConnection& connection) {
  Message message(type_of(IPCTNL_MSG_CT_DELETE), NLM_F_ACK, about_ipv6());
  const size_t tuple = message.open_nest(CTA_TUPLE_ORIG);
  const size_t ip = message.open_nest(CTA_TUPLE_IP);
  message.put(CTA_IP_V6_SRC, connection.key.data(), 16).put(CTA_IP_V6_DST, connection.key.data() + 18, 16);
  message.close_nest(ip);
  const size_t protocol = message.open_nest(CTA_TUPLE_PROTO);
  message.put_u8(CTA_PROTO_NUM, IPPROTO_TCP)
      .put(CTA_PROTO_SRC_PORT, connection.key.data() + 16, 2)
      .put(CTA_PROTO_DST_PORT, connection.key.data() + 34, 2);
  message.close_nest(protocol);
  message.close_nest(tuple);
  if (connection.id) message.put_u32(CTA_ID, *connection.id);
  return message;
}

Status switch_on(const std::string& path) {
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return {};
  if (fd < 0) fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char now = '0';
  const bool on = fd >= 0 && ::read(fd, &now, 1) == 1 && now == '1';
  const bool set = on || (fd >= 0 && ::pwrite(fd, "1", 1, 0) == 1);
  if (fd >= 0) ::close(fd);
  if (set) return {};
  constexpr std::string_view kFolder = "/proc/sys/";
  std::string name = path.starts_with(kFolder) ? path.substr(kFolder.size()) : path;
  std::ranges::replace(name, '/', '.');
  return fail(ErrorCode::kDenied, "cannot be set to 1", path, "set " + name + "=1 on the host");
}

Result<Conntrack> Conntrack::open() {
  auto netlink = Netlink::open(NETLINK_NETFILTER);
  if (!netlink) return tl::unexpected(netlink.error());
  // Of the namespace that this thread is in. Without it nothing is ever found hung.
  if (const Status s = switch_on("/proc/sys/net/netfilter/nf_conntrack_acct"); !s) return tl::unexpected(s.error());
  return Conntrack(std::move(*netlink));
}

Result<HungConnections> Conntrack::end_hung(std::span<const PublishedService> services) {
  HungConnections out;
  std::map<TrackedConnection::Key, Seen> seen;
  std::vector<TrackedConnection> hung;
  const auto reply = netlink_.exchange(
      Message(type_of(IPCTNL_MSG_CT_GET), NLM_F_DUMP, about_ipv6()),
      [&](uint16_t, std::span<const char> payload) {
        const auto connection = tracked_connection(payload);
        if (!connection || !connection->packets || !connection->packets_returned) return;
        const auto service = std::ranges::find_if(services, [&](const PublishedService& known) {
          return known.transport == Transport::kTcp && known.address == connection->address &&
                 known.port == connection->port;
        });
        if (service == services.end()) return;
        const bool serves = std::ranges::any_of(service->targets, [&](const ServiceTarget& target) {
          return target.address == connection->answerer && target.port == connection->answerer_port;
        });
        if (serves) return;
        ++out.stranded;
        Seen now{*connection->packets, *connection->packets_returned, connection->id, 0};
        if (const auto before = seen_.find(connection->key);
            before != seen_.end() && before->second.id == connection->id) {
          const bool answered = now.packets_returned != before->second.packets_returned;
          now.silent = answered ? 0 : before->second.silent + (now.packets > before->second.packets ? 1 : 0);
        }
        if (now.silent >= kSilentLooks) {
          hung.push_back(*connection);
        } else {
          seen.emplace(connection->key, now);
        }
      });
  if (!reply) return tl::unexpected(reply.error());
  if (reply->code != 0) return tl::unexpected(refusal(*reply, "tracked connections"));
  seen_ = std::move(seen);
  for (const TrackedConnection& connection : hung) {
    if (const Status ended = end(connection); !ended) return tl::unexpected(ended.error());
    ++out.ended;
    --out.stranded;
  }
  return out;
}

Status Conntrack::end(const TrackedConnection& connection) {
  return netlink_.request(deletion_of(connection), "a tracked connection", ENOENT);
}

}  // namespace weir::path_driver
