#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/result/result.h"
#include "infrastructure/posix/unique_fd.h"

namespace weir::telemetry {

// An IPv4 or IPv6 address with its port, as the kernel takes it.
struct UdpAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  uint16_t port() const;
  std::string text() const;  // "[2001:db8::1]:862" or "192.0.2.1:862"
};

// Numeric addresses only ("fe80::1%eth0" is one). kInvalid otherwise.
Result<UdpAddress> udp_address(const std::string& address, uint16_t port);

// The same address and port; the scope of a link-local one is not compared.
bool same_endpoint(const UdpAddress& a, const UdpAddress& b);

// Nanoseconds of CLOCK_MONOTONIC and CLOCK_REALTIME.
uint64_t monotonic_ns();
uint64_t realtime_ns();

// What came with a packet.
struct UdpArrival {
  size_t bytes = 0;
  UdpAddress from;
  UdpAddress to;  // the local address that it was sent to; length 0 when not known
  uint8_t ttl = 0;
  uint64_t realtime_ns = 0;  // when the kernel received it
};

// Asks the kernel to tell the arrival time and, where `destination`, the local address and the TTL.
Status udp_ask_for_details(int fd, int family, bool destination);

// The next packet without waiting; bytes beyond `buffer` are cut off. False: none is there.
bool udp_receive(int fd, std::span<std::byte> buffer, UdpArrival& arrival);

// Sends from the given local address (length 0: the kernel chooses), without waiting.
bool udp_send(int fd, std::span<const std::byte> packet, const UdpAddress& to, const UdpAddress& from);

// kDenied without CAP_NET_ADMIN. Mark 0 is none.
Status udp_set_mark(int fd, uint32_t mark);

}  // namespace weir::telemetry
