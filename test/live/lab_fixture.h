#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "infrastructure/lab/lab.h"

// A lab for tests, and traffic on it. West reaches east in 8 ms over r1, r2, r4, or in 22 ms over r1, r3, r4.
namespace weir::lab::test {

using Clock = std::chrono::steady_clock;

// Unique among the test processes of a machine.
inline uint8_t lab_number() { return static_cast<uint8_t>(100 + getpid() % 150); }
inline std::string lab_name() { return "t" + std::to_string(getpid()); }

inline std::string square_text() {
  std::string text = "apiVersion: weir/v1\nkind: Lab\nmetadata: {name: " + lab_name() +
                     "}\nspec: {number: " + std::to_string(lab_number()) + ", seed: 7}\n";
  const std::string place = "place: {latitude: 0, longitude: 0}";
  for (const char* name : {"west", "east", "south"}) {
    text +=
        std::string("---\napiVersion: weir/v1\nkind: Site\nmetadata: {name: ") + name +
        "}\nspec: {tier: edge, region: Test, " + place +
        ", capacity: {cpu: 0.1, memory: 64Mi}, asks: {core_hour: 1, gib_hour: 1}, "
        "power: {idle_per_core: 1W, peak_per_core: 2W, pue: 1, carbon: 500gCO2/kWh}, availability: 99.9%}\n";
  }
  for (const char* name : {"r1", "r2", "r3", "r4"}) {
    text += std::string("---\napiVersion: weir/v1\nkind: Router\nmetadata: {name: ") + name + "}\nspec: {" +
            place + "}\n";
  }
  const auto link = [&](const std::string& a, const std::string& b, int delay_ms) {
    text += "---\napiVersion: weir/v1\nkind: Link\nmetadata: {name: " + a + "-" + b + "}\nspec: {between: [" +
            a + ", " + b +
            "], rate: 1Gbps, availability: 99.9%, price: 0.1, delay: " + std::to_string(delay_ms) + "ms}\n";
  };
  link("west", "r1", 1);
  link("east", "r4", 1);
  link("south", "r3", 1);
  link("r1", "r2", 3);
  link("r2", "r4", 3);
  link("r1", "r3", 10);
  link("r3", "r4", 10);
  return text;
}

inline VertexId vertex(const Lab& lab, const std::string& name) {
  const auto& names = lab.spec().vertices;
  return VertexId(static_cast<size_t>(std::ranges::find(names, name) - names.begin()));
}

// The links that join these vertices in turn.
inline std::vector<LinkId> way(const Lab& lab, const std::vector<std::string>& names) {
  std::vector<LinkId> out;
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    const VertexId from = vertex(lab, names[i]), to = vertex(lab, names[i + 1]);
    for (size_t k = 0; k < lab.spec().links.size(); ++k) {
      const LinkSpec& link = lab.spec().links[k].spec;
      if (link.a == from && link.b == to) out.push_back(LinkId(2 * k));
      if (link.b == from && link.a == to) out.push_back(LinkId(2 * k + 1));
    }
  }
  return out;
}

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

inline sockaddr_in6 socket_address(const Ipv6Address& address, uint16_t port) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port);
  std::memcpy(&out.sin6_addr, address.bytes.data(), 16);
  return out;
}

// A socket at a site, bound if an address is given.
inline Socket open_socket(const Lab& lab, const std::string& at, int type,
                          const Ipv6Address* address = nullptr, uint16_t port = 0, uint32_t mark = 0) {
  Socket out;
  const Status done = in_namespace(lab.addresses().namespace_name(at), [&]() -> Status {
    out = Socket(socket(AF_INET6, type | SOCK_CLOEXEC, 0));
    const int yes = 1;
    setsockopt(out.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (mark != 0) setsockopt(out.fd(), SOL_SOCKET, SO_MARK, &mark, sizeof mark);
    if (address != nullptr) {
      const sockaddr_in6 own = socket_address(*address, port);
      if (bind(out.fd(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) {
        return fail(ErrorCode::kUnavailable, std::string("bind: ") + std::strerror(errno));
      }
    }
    return {};
  });
  EXPECT_TRUE(done) << done.error().text();
  return out;
}

inline bool readable(int fd, int wait_ms) {
  pollfd p{fd, POLLIN, 0};
  return poll(&p, 1, wait_ms) > 0;
}

// Answers every datagram with itself, its first byte replaced by `name`.
class Echo {
 public:
  Echo(const Lab& lab, const std::string& at, const Ipv6Address& address, uint16_t port, char name = 'e')
      : socket_(open_socket(lab, at, SOCK_DGRAM, &address, port)), thread_([this, name] {
          std::vector<char> buffer(2048);
          while (!stop_) {
            if (!readable(socket_.fd(), 50)) continue;
            sockaddr_in6 from{};
            socklen_t length = sizeof from;
            const ssize_t n = recvfrom(socket_.fd(), buffer.data(), buffer.size(), 0,
                                       reinterpret_cast<sockaddr*>(&from), &length);
            if (n <= 0) continue;
            buffer[0] = name;
            sendto(socket_.fd(), buffer.data(), static_cast<size_t>(n), 0, reinterpret_cast<sockaddr*>(&from),
                   length);
          }
        }) {}
  ~Echo() {
    stop_ = true;
    thread_.join();
  }

 private:
  Socket socket_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

/// What the fastest trip may take beyond the delays asked for: less than a wrong path or a wrong delay adds
/// (6 ms at the least), more than a machine that is busy adds. `weir bench emulator` measures how exact the
/// delays are.
constexpr double kBusyMachineMs = 4;

struct Trips {
  std::vector<double> rtt_ms;  // sorted
  int lost = 0;
  // What the lab did: slower trips also waited for a processor, at both ends.
  double fastest() const { return rtt_ms.empty() ? -1 : rtt_ms.front(); }
};

// One datagram after the other.
inline Trips measure(const Socket& socket, const Ipv6Address& to, uint16_t port, int count,
                     int wait_ms = 200) {
  Trips out;
  const sockaddr_in6 address = socket_address(to, port);
  for (int i = 0; i < count; ++i) {
    char payload[64] = "probe", answer[64];
    std::memcpy(payload + 8, &i, sizeof i);
    const auto begin = Clock::now();
    sendto(socket.fd(), payload, sizeof payload, 0, reinterpret_cast<const sockaddr*>(&address),
           sizeof address);
    bool answered = false;
    while (!answered && readable(socket.fd(), wait_ms)) {
      int number = -1;
      if (recv(socket.fd(), answer, sizeof answer, 0) == sizeof answer)
        std::memcpy(&number, answer + 8, sizeof number);
      answered = number == i;
    }
    if (answered) {
      out.rtt_ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    } else {
      ++out.lost;
    }
  }
  std::ranges::sort(out.rtt_ms);
  return out;
}

inline LinkStatus link_status(const Lab& lab, const std::string& name) {
  const auto status = lab.status();
  EXPECT_TRUE(status) << status.error().text();
  if (status) {
    for (const LinkStatus& link : status->links) {
      if (link.name == name) return link;
    }
  }
  ADD_FAILURE() << "no link " << name;
  return {};
}

class LabTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: labs need namespaces and devices";
    options_.state_root = "/run/weir-test-" + std::to_string(getpid());
    options_.emulator_command = {"/proc/self/exe", "emulate"};
  }
  void TearDown() override {
    if (geteuid() != 0) return;
    if (lab_) {
      const Status down = Lab::down(lab_->spec().name, options_.state_root);
      EXPECT_TRUE(down) << down.error().text();
    }
    expect_nothing_left();
    std::filesystem::remove_all(options_.state_root);
  }
  static LabSpec square() {
    auto spec = parse_lab(square_text(), "test.yaml");
    EXPECT_TRUE(spec) << spec.error().text();
    return spec ? std::move(*spec) : LabSpec{};
  }
  void bring_up() {
    auto lab = Lab::up(square(), options_);
    ASSERT_TRUE(lab) << lab.error().text();
    lab_ = std::make_unique<Lab>(std::move(*lab));
  }
  void expect_nothing_left() const {
    EXPECT_TRUE(namespaces_with_prefix("weir-" + lab_name() + "-").empty());
    EXPECT_FALSE(std::filesystem::exists(options_.state_root + "/" + lab_name()));
    EXPECT_FALSE(
        std::filesystem::exists("/sys/class/net/" + AddressPlan(lab_name(), lab_number()).control_bridge()));
  }

  LabOptions options_;
  std::unique_ptr<Lab> lab_;
};

}  // namespace weir::lab::test
