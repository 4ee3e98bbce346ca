#include "bench/emulator/traffic.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>

namespace weir::bench {
namespace {

constexpr uint16_t kPort = 7;

int64_t clock_ns(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

struct Descriptor {
  int fd = -1;
  Descriptor() = default;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
};

sockaddr_in6 there(const lab::Lab& lab) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(kPort);
  std::memcpy(&out.sin6_addr, lab.addresses().site_address(lab.spec().sites[1].vertex).bytes.data(), 16);
  return out;
}

Status open_socket(const lab::Lab& lab, size_t site, int type, Descriptor& out) {
  return lab::in_namespace(lab.addresses().namespace_name(lab.spec().sites[site].spec.name), [&]() -> Status {
    out.fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
    const int yes = 1, room = 32 << 20;
    setsockopt(out.fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (type == SOCK_DGRAM) setsockopt(out.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    if (site == 0) return {};
    const sockaddr_in6 own = there(lab);
    if (bind(out.fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0) return {};
    return fail(ErrorCode::kUnavailable, std::string("cannot bind: ") + std::strerror(errno),
                "emulator bench");
  });
}

bool readable(int fd, int wait_ms) {
  pollfd p{fd, POLLIN, 0};
  return poll(&p, 1, wait_ms) > 0;
}

struct Stamp {
  int64_t sent_ns = 0;
  int64_t number = 0;
};

void receive(int fd, const std::atomic<bool>& stop, Datagrams& out) {
  int64_t newest = -1;
  std::array<char, 2048> data{};
  std::array<char, CMSG_SPACE(sizeof(timespec))> control{};
  while (!stop || readable(fd, 0)) {
    if (!readable(fd, 20)) continue;
    iovec io{data.data(), data.size()};
    msghdr message{};
    message.msg_iov = &io;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);
    const cmsghdr* header = CMSG_FIRSTHDR(&message);
    if (n < static_cast<ssize_t>(sizeof(Stamp)) || header == nullptr || header->cmsg_type != SCM_TIMESTAMPNS)
      continue;
    timespec arrived{};
    std::memcpy(&arrived, CMSG_DATA(header), sizeof arrived);
    Stamp stamp;
    std::memcpy(&stamp, data.data(), sizeof stamp);
    const int64_t arrived_ns = arrived.tv_sec * 1'000'000'000 + arrived.tv_nsec;
    out.delay_ms.push_back(static_cast<double>(arrived_ns - stamp.sent_ns) / 1e6);
    if (stamp.number < newest) ++out.reordered;
    newest = std::max(newest, stamp.number);
  }
}

}  // namespace

Result<Datagrams> send_datagrams(const lab::Lab& lab, double seconds, int64_t per_second, size_t bytes) {
  Descriptor sender, receiver;
  if (const Status s = open_socket(lab, 0, SOCK_DGRAM, sender); !s) return tl::unexpected(s.error());
  if (const Status s = open_socket(lab, 1, SOCK_DGRAM, receiver); !s) return tl::unexpected(s.error());
  const int yes = 1;
  setsockopt(receiver.fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes);
  Datagrams out;
  out.delay_ms.reserve(static_cast<size_t>(seconds * static_cast<double>(per_second)) + 1);
  std::atomic<bool> stop = false;
  std::thread reader([&] { receive(receiver.fd, stop, out); });

  const sockaddr_in6 to = there(lab);
  std::vector<char> data(std::max(bytes, sizeof(Stamp)));
  const int64_t begin_ns = clock_ns(CLOCK_MONOTONIC);
  const auto total = static_cast<int64_t>(seconds * static_cast<double>(per_second));
  int64_t sent = 0;
  while (sent < total) {
    const int64_t due_ns = begin_ns + sent * 1'000'000'000 / per_second;
    if (clock_ns(CLOCK_MONOTONIC) < due_ns) {
      const timespec until{due_ns / 1'000'000'000, due_ns % 1'000'000'000};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
      continue;
    }
    const Stamp stamp{clock_ns(CLOCK_REALTIME), sent};
    std::memcpy(data.data(), &stamp, sizeof stamp);
    sendto(sender.fd, data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    ++sent;
  }
  const timespec last{1, 0};  // longer than any delay that is asked for
  clock_nanosleep(CLOCK_MONOTONIC, 0, &last, nullptr);
  stop = true;
  reader.join();
  out.sent = sent;
  return out;
}

Result<double> stream_bps(const lab::Lab& lab, double seconds) {
  Descriptor client, listener, server;
  if (const Status s = open_socket(lab, 0, SOCK_STREAM, client); !s) return tl::unexpected(s.error());
  if (const Status s = open_socket(lab, 1, SOCK_STREAM, listener); !s) return tl::unexpected(s.error());
  const sockaddr_in6 to = there(lab);
  if (listen(listener.fd, 1) != 0 ||
      connect(client.fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 ||
      (server.fd = accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC)) < 0) {
    return fail(ErrorCode::kUnavailable, std::string("cannot connect: ") + std::strerror(errno),
                "emulator bench");
  }
  std::thread sender([&] {
    const std::vector<char> data(256 << 10);
    while (send(client.fd, data.data(), data.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  std::vector<char> buffer(1 << 20);
  const int64_t begin_ns = clock_ns(CLOCK_MONOTONIC), counted_ns = begin_ns + 500'000'000;
  const auto end_ns = counted_ns + static_cast<int64_t>(seconds * 1e9);
  int64_t bytes = 0;
  while (clock_ns(CLOCK_MONOTONIC) < end_ns) {
    if (!readable(server.fd, 100)) continue;
    const ssize_t n = recv(server.fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) break;
    if (clock_ns(CLOCK_MONOTONIC) >= counted_ns) bytes += n;
  }
  shutdown(client.fd, SHUT_RDWR);
  sender.join();
  return static_cast<double>(bytes) * 8 / seconds;
}

double cpu_seconds(const lab::ProcessName& process) {
  // Fields 14 and 15 of proc(5) stat, counted after the name, which may hold anything.
  std::ifstream in("/proc/" + std::to_string(process.pid) + "/stat");
  std::string line;
  std::getline(in, line);
  std::istringstream rest(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::string word;
  double ticks = 0;
  for (int field = 3; field <= 15 && rest >> word; ++field) {
    if (field >= 14) ticks += std::stod(word);
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace weir::bench
