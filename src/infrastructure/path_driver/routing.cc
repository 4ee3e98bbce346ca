#include "infrastructure/path_driver/routing.h"

#include <linux/fib_rules.h>
#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6.h>
#include <linux/seg6_iptunnel.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace weir::path_driver {
namespace {

constexpr uint32_t kMarkPriority = 500;
constexpr uint32_t kSteeringPriority = 1000;
constexpr uint32_t kMarkMask = 0xffff;

// Sizes from linux/seg6.h: the segment routing header without segments, and the mode in front of it.
constexpr size_t kSrhFixedBytes = 8;
constexpr size_t kModeBytes = 4;
constexpr uint8_t kSrhRoutingType = 4;

Ipv6Address address_of(std::span<const char> data) {
  Ipv6Address out;
  std::memcpy(out.bytes.data(), data.data(), std::min(data.size(), out.bytes.size()));
  return out;
}

Message rule_message(uint16_t type, uint16_t flags, const Rule& rule) {
  fib_rule_hdr header{};
  header.family = AF_INET6;
  header.dst_len = rule.destination.length;
  header.src_len = rule.source ? rule.source->length : 0;
  header.action = FR_ACT_TO_TBL;
  header.table = RT_TABLE_UNSPEC;
  Message message(type, flags, header);
  message.put_u32(FRA_PRIORITY, rule.priority)
      .put_u32(FRA_TABLE, rule.table)
      .put(FRA_DST, rule.destination.address.bytes.data(), 16)
      .put_u8(FRA_PROTOCOL, kProtocol)
      .put_u32(FRA_FWMARK, rule.label)
      // A mask of zero matches every packet: the mark then only carries the label.
      .put_u32(FRA_FWMASK, rule.marked ? kMarkMask : 0);
  if (rule.source) message.put(FRA_SRC, rule.source->address.bytes.data(), 16);
  return message;
}

rtmsg route_header(const Ipv6Prefix& destination, uint8_t type) {
  rtmsg header{};
  header.rtm_family = AF_INET6;
  header.rtm_dst_len = destination.length;
  header.rtm_table = RT_TABLE_UNSPEC;
  header.rtm_protocol = kProtocol;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = type;
  return header;
}

// RFC 8754 section 2: segments stand in reverse order.
std::vector<char> encapsulation(const std::vector<Ipv6Address>& segments) {
  std::vector<char> out(kModeBytes + kSrhFixedBytes + 16 * segments.size());
  const int32_t mode = SEG6_IPTUN_MODE_ENCAP;
  std::memcpy(out.data(), &mode, kModeBytes);
  char* srh = out.data() + kModeBytes;
  srh[1] = static_cast<char>(2 * segments.size());  // in units of 8 bytes, the first not counted
  srh[2] = kSrhRoutingType;
  srh[3] = srh[4] = static_cast<char>(segments.size() - 1);  // segments left; last entry
  for (size_t i = 0; i < segments.size(); ++i) {
    std::memcpy(srh + kSrhFixedBytes + 16 * (segments.size() - 1 - i), segments[i].bytes.data(), 16);
  }
  return out;
}

std::vector<Ipv6Address> segments_of(std::span<const char> encap) {
  std::vector<Ipv6Address> out;
  for (const Attribute& a : attributes(encap)) {
    if (a.type != SEG6_IPTUNNEL_SRH || a.data.size() < kModeBytes + kSrhFixedBytes) continue;
    for (size_t at = kModeBytes + kSrhFixedBytes; at + 16 <= a.data.size(); at += 16) {
      out.push_back(address_of(a.data.subspan(at, 16)));
    }
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace

Rule mark_rule(const PathSpec& path) {
  return {kMarkPriority, path.destination, std::nullopt, path.label, true, table_of(path)};
}

Rule steering_rule(const Steering& steering, uint32_t table) {
  const uint32_t order = 2 * (128u - steering.destination.length) + (steering.source ? 0 : 1);
  return {kSteeringPriority + order, steering.destination, steering.source, steering.label, false, table};
}

uint32_t table_of(const PathSpec& path) {
  return path.segments.empty() ? uint32_t{RT_TABLE_MAIN} : path.label;
}

Result<Routing> Routing::open() {
  auto netlink = Netlink::open();
  if (!netlink) return tl::unexpected(netlink.error());
  return Routing(std::move(*netlink));
}

Result<std::vector<Rule>> Routing::rules() {
  fib_rule_hdr header{};
  header.family = AF_INET6;
  std::vector<Rule> out;
  const auto reply = netlink_.exchange(
      Message(RTM_GETRULE, NLM_F_DUMP, header), [&](uint16_t type, std::span<const char> payload) {
        if (type != RTM_NEWRULE || payload.size() < sizeof(fib_rule_hdr)) return;
        fib_rule_hdr h{};
        std::memcpy(&h, payload.data(), sizeof h);
        Rule rule;
        rule.table = h.table;
        rule.destination.length = h.dst_len;
        if (h.src_len > 0) rule.source = Ipv6Prefix{{}, h.src_len};
        bool ours = false;
        for (const Attribute& a : attributes(payload.subspan(sizeof h))) {
          if (a.type == FRA_PROTOCOL)
            ours = a.data.size() == 1 && static_cast<uint8_t>(a.data[0]) == kProtocol;
          if (a.type == FRA_PRIORITY) rule.priority = a.u32();
          if (a.type == FRA_TABLE) rule.table = a.u32();
          if (a.type == FRA_FWMARK) rule.label = static_cast<PathLabel>(a.u32());
          if (a.type == FRA_FWMASK) rule.marked = a.u32() != 0;
          if (a.type == FRA_DST) rule.destination.address = address_of(a.data);
          if (a.type == FRA_SRC && rule.source) rule.source->address = address_of(a.data);
        }
        if (ours) out.push_back(rule);
      });
  if (!reply) return tl::unexpected(reply.error());
  if (reply->code != 0) return tl::unexpected(refusal(*reply, "reading the routing rules"));
  return out;
}

Status Routing::add(const Rule& rule) {
  return netlink_.request(rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, rule),
                          "adding a rule for path " + std::to_string(rule.label), EEXIST);
}

Status Routing::remove(const Rule& rule) {
  return netlink_.request(rule_message(RTM_DELRULE, NLM_F_ACK, rule),
                          "removing a rule of path " + std::to_string(rule.label), ENOENT);
}

Result<std::vector<PathSpec>> Routing::routes() {
  rtmsg header{};
  header.rtm_family = AF_INET6;
  std::vector<PathSpec> out;
  const auto reply = netlink_.exchange(Message(RTM_GETROUTE, NLM_F_DUMP, header),
                                       [&](uint16_t type, std::span<const char> payload) {
                                         if (type != RTM_NEWROUTE || payload.size() < sizeof(rtmsg)) return;
                                         rtmsg h{};
                                         std::memcpy(&h, payload.data(), sizeof h);
                                         if (h.rtm_protocol != kProtocol) return;
                                         PathSpec path;
                                         path.destination.length = h.rtm_dst_len;
                                         path.label = h.rtm_table;
                                         for (const Attribute& a : attributes(payload.subspan(sizeof h))) {
                                           if (a.type == RTA_TABLE)
                                             path.label = static_cast<PathLabel>(a.u32());
                                           if (a.type == RTA_DST)
                                             path.destination.address = address_of(a.data);
                                           if (a.type == RTA_ENCAP) path.segments = segments_of(a.data);
                                           if (a.type != RTA_METRICS) continue;
                                           for (const Attribute& metric : attributes(a.data)) {
                                             if (metric.type == RTAX_MTU) path.mtu_bytes = metric.u32();
                                           }
                                         }
                                         if (!path.segments.empty()) out.push_back(std::move(path));
                                       });
  if (!reply) return tl::unexpected(reply.error());
  if (reply->code != 0) return tl::unexpected(refusal(*reply, "reading the routes"));
  return out;
}

Result<Routing::Way> Routing::way_to(const Ipv6Address& address) {
  Message message(RTM_GETROUTE, 0, route_header(Ipv6Prefix::host(address), 0));
  message.put(RTA_DST, address.bytes.data(), 16);
  Way way;
  uint8_t type = 0;
  const auto reply = netlink_.exchange(std::move(message), [&](uint16_t, std::span<const char> payload) {
    if (payload.size() < sizeof(rtmsg)) return;
    rtmsg h{};
    std::memcpy(&h, payload.data(), sizeof h);
    type = h.rtm_type;
    for (const Attribute& a : attributes(payload.subspan(sizeof h))) {
      if (a.type == RTA_OIF) way.device = a.u32();
      if (a.type == RTA_PREFSRC) way.source = address_of(a.data);
    }
  });
  if (!reply) return tl::unexpected(reply.error());
  if (reply->code != 0 || type != RTN_UNICAST || way.device == 0) {
    return fail(ErrorCode::kNotFound, "there is no route to " + address.text(), {},
                "the site needs a plain route to it");
  }
  return way;
}

Status Routing::put(const PathSpec& path) {
  auto way = way_to(path.segments.front());
  if (!way) return tl::unexpected(way.error());
  // Answers must find back: the source is what plain routing would use, not the address of the first link.
  Ipv6Address inside = path.destination.address;
  if (path.destination.length < 128) inside.bytes[15] |= 1;
  const auto plain = way_to(inside);
  way->source = plain ? plain->source : std::nullopt;
  return put(path, *way);
}

Status Routing::probe_segments() {
  // The kernel takes a route over the loopback device, and nothing ever matches this one.
  const Ipv6Prefix nowhere = *Ipv6Prefix::parse("100::77/128");  // RFC 6666: the discard prefix
  const PathSpec probe{kPathLabelMax, nowhere, {nowhere.address}, 1500};
  constexpr uint32_t kLoopback = 1;
  if (const Status s = put(probe, {kLoopback, std::nullopt}); !s) return s;
  return remove(probe);
}

Status Routing::put(const PathSpec& path, const Way& way) {
  Message message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK,
                  route_header(path.destination, RTN_UNICAST));
  message.put(RTA_DST, path.destination.address.bytes.data(), 16)
      .put_u32(RTA_TABLE, path.label)
      .put_u32(RTA_OIF, way.device)
      .put_u16(RTA_ENCAP_TYPE, LWTUNNEL_ENCAP_SEG6);
  if (way.source) message.put(RTA_PREFSRC, way.source->bytes.data(), 16);
  const size_t encap = message.open_nest(RTA_ENCAP);
  const std::vector<char> srh = encapsulation(path.segments);
  message.put(SEG6_IPTUNNEL_SRH, srh.data(), srh.size());
  message.close_nest(encap);
  const size_t metrics = message.open_nest(RTA_METRICS);
  message.put_u32(RTAX_MTU, path.mtu_bytes);
  message.close_nest(metrics);
  return netlink_.request(std::move(message), "installing path " + std::to_string(path.label));
}

Status Routing::remove(const PathSpec& path) {
  Message message(RTM_DELROUTE, NLM_F_ACK, route_header(path.destination, RTN_UNSPEC));
  message.put(RTA_DST, path.destination.address.bytes.data(), 16).put_u32(RTA_TABLE, path.label);
  return netlink_.request(std::move(message), "removing path " + std::to_string(path.label), ESRCH);
}

Status Routing::refresh(uint32_t table, const Ipv6Prefix& destination) {
  // A route that appears below another one outdates it. The last address of a /64 is nobody's.
  Ipv6Prefix unused = Ipv6Prefix::host(destination.address);
  std::fill(unused.address.bytes.begin() + 8, unused.address.bytes.end(), uint8_t{0xff});
  const auto message = [&](uint16_t type, uint16_t flags) {
    Message out(type, static_cast<uint16_t>(flags | NLM_F_ACK), route_header(unused, RTN_BLACKHOLE));
    out.put(RTA_DST, unused.address.bytes.data(), 16).put_u32(RTA_TABLE, table);
    return out;
  };
  const std::string what = "refreshing the ways to " + destination.text();
  const Status added = netlink_.request(message(RTM_NEWROUTE, NLM_F_CREATE), what, EEXIST);
  if (!added) return added;
  return netlink_.request(message(RTM_DELROUTE, 0), what, ESRCH);
}

}  // namespace weir::path_driver
