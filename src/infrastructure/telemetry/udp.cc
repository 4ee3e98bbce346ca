#include "infrastructure/telemetry/udp.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace weir::telemetry {
namespace {

std::string errno_text(int error_number) { return std::generic_category().message(error_number); }

uint64_t ns_of(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return ns_of(now);
}

bool enable(int fd, int level, int option) {
  const int one = 1;
  return setsockopt(fd, level, option, &one, sizeof one) == 0;
}

template <class T>
T read_as(const cmsghdr* message) {
  T value{};
  std::memcpy(&value, CMSG_DATA(message), sizeof value);
  return value;
}

void read_detail(const cmsghdr* message, UdpArrival& arrival) {
  const auto is = [&](int level, int type) {
    return message->cmsg_level == level && message->cmsg_type == type;
  };
  if (is(SOL_SOCKET, SCM_TIMESTAMPNS)) {
    arrival.realtime_ns = ns_of(read_as<timespec>(message));
  } else if (is(IPPROTO_IPV6, IPV6_PKTINFO)) {
    const auto info = read_as<in6_pktinfo>(message);
    auto* to = reinterpret_cast<sockaddr_in6*>(&arrival.to.storage);
    to->sin6_family = AF_INET6;
    to->sin6_addr = info.ipi6_addr;
    // A link-local answer must leave where the question came in; any other follows the routes.
    to->sin6_scope_id = IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0;
    arrival.to.length = sizeof(sockaddr_in6);
  } else if (is(IPPROTO_IP, IP_PKTINFO) && arrival.to.length == 0) {
    auto* to = reinterpret_cast<sockaddr_in*>(&arrival.to.storage);
    to->sin_family = AF_INET;
    to->sin_addr = read_as<in_pktinfo>(message).ipi_addr;
    arrival.to.length = sizeof(sockaddr_in);
  } else if (is(IPPROTO_IPV6, IPV6_HOPLIMIT) || is(IPPROTO_IP, IP_TTL)) {
    arrival.ttl = static_cast<uint8_t>(read_as<int>(message));
  }
}

}  // namespace

uint16_t UdpAddress::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return 0;
}

std::string UdpAddress::text() const {
  char host[NI_MAXHOST];
  char service[NI_MAXSERV];
  if (getnameinfo(get(), length, host, sizeof host, service, sizeof service,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "unknown address";
  }
  return family() == AF_INET6 ? "[" + std::string(host) + "]:" + service : std::string(host) + ":" + service;
}

Result<UdpAddress> udp_address(const std::string& address, uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0 || found == nullptr) {
    return fail(ErrorCode::kInvalid, "'" + address + "' is not an IPv4 or IPv6 address", {},
                "write a numeric address such as 192.0.2.1 or 2001:db8::1");
  }
  UdpAddress out;
  std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
  out.length = found->ai_addrlen;
  freeaddrinfo(found);
  return out;
}

bool same_endpoint(const UdpAddress& a, const UdpAddress& b) {
  if (a.family() != b.family() || a.port() != b.port()) return false;
  if (a.family() == AF_INET) {
    return reinterpret_cast<const sockaddr_in*>(&a.storage)->sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in*>(&b.storage)->sin_addr.s_addr;
  }
  return std::memcmp(&reinterpret_cast<const sockaddr_in6*>(&a.storage)->sin6_addr,
                     &reinterpret_cast<const sockaddr_in6*>(&b.storage)->sin6_addr, sizeof(in6_addr)) == 0;
}

uint64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }
uint64_t realtime_ns() { return clock_ns(CLOCK_REALTIME); }

Status udp_ask_for_details(int fd, int family, bool destination) {
  bool ok = enable(fd, SOL_SOCKET, SO_TIMESTAMPNS);
  if (destination) {
    if (family == AF_INET6) {
      ok = ok && enable(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) && enable(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
      // For IPv4 packets on a socket of both families; refused where the socket is IPv6 only.
      enable(fd, IPPROTO_IP, IP_RECVTTL);
    } else {
      ok = ok && enable(fd, IPPROTO_IP, IP_PKTINFO) && enable(fd, IPPROTO_IP, IP_RECVTTL);
    }
  }
  if (!ok)
    return fail(ErrorCode::kUnsupported, "the kernel does not tell arrival details: " + errno_text(errno));
  return {};
}

bool udp_receive(int fd, std::span<std::byte> buffer, UdpArrival& arrival) {
  arrival = {};
  iovec piece{buffer.data(), buffer.size()};
  alignas(cmsghdr) char control[256];
  msghdr message{};
  message.msg_name = &arrival.from.storage;
  message.msg_namelen = sizeof arrival.from.storage;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n = 0;
  do {
    n = recvmsg(fd, &message, MSG_DONTWAIT);
    // An ICMP error of an earlier send is reported here once; a packet may wait behind it.
  } while (n < 0 &&
           (errno == EINTR || errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH));
  if (n < 0) return false;
  arrival.bytes = static_cast<size_t>(n);
  arrival.from.length = message.msg_namelen;
  for (cmsghdr* detail = CMSG_FIRSTHDR(&message); detail != nullptr; detail = CMSG_NXTHDR(&message, detail)) {
    read_detail(detail, arrival);
  }
  if (arrival.realtime_ns == 0) arrival.realtime_ns = realtime_ns();
  return true;
}

bool udp_send(int fd, std::span<const std::byte> packet, const UdpAddress& to, const UdpAddress& from) {
  iovec piece{const_cast<std::byte*>(packet.data()), packet.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in6_pktinfo))] = {};
  msghdr message{};
  message.msg_name = const_cast<sockaddr*>(to.get());
  message.msg_namelen = to.length;
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (from.length > 0) {
    message.msg_control = control;
    auto* detail = reinterpret_cast<cmsghdr*>(control);
    if (from.family() == AF_INET6) {
      const auto* local = reinterpret_cast<const sockaddr_in6*>(&from.storage);
      const in6_pktinfo info{local->sin6_addr, local->sin6_scope_id};
      detail->cmsg_level = IPPROTO_IPV6;
      detail->cmsg_type = IPV6_PKTINFO;
      detail->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(detail), &info, sizeof info);
      message.msg_controllen = CMSG_SPACE(sizeof info);
    } else {
      in_pktinfo info{};
      info.ipi_spec_dst = reinterpret_cast<const sockaddr_in*>(&from.storage)->sin_addr;
      detail->cmsg_level = IPPROTO_IP;
      detail->cmsg_type = IP_PKTINFO;
      detail->cmsg_len = CMSG_LEN(sizeof info);
      std::memcpy(CMSG_DATA(detail), &info, sizeof info);
      message.msg_controllen = CMSG_SPACE(sizeof info);
    }
  }
  // An ICMP error of an earlier packet makes one send fail in its place; the second is the send itself.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
    if (errno != ECONNREFUSED && errno != EINTR) return false;
  }
  return false;
}

Status udp_set_mark(int fd, uint32_t mark) {
  if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0) return {};
  return fail(errno == EPERM ? ErrorCode::kDenied : ErrorCode::kUnsupported,
              "cannot mark packets: " + errno_text(errno), "SO_MARK",
              "run with CAP_NET_ADMIN, or use path label 0");
}

}  // namespace weir::telemetry
