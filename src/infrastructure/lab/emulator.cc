#include "infrastructure/lab/emulator.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <queue>
#include <vector>

#include "infrastructure/lab/emulator_protocol.h"
#include "infrastructure/lab/lab_spec.h"
#include "infrastructure/lab/netns.h"

namespace weir::lab {
namespace {

constexpr size_t kBytesInFlightMax = 96 << 20;
constexpr int kReadsPerTurn = 64;  // of one device, before the others have theirs
constexpr size_t kClientsMax = 16;
constexpr size_t kAnswerBytesMax = 4 << 20;

int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

tl::unexpected<Error> failed(const std::string& what, const std::string& where) {
  return fail(ErrorCode::kUnavailable, what + ": " + std::strerror(errno), where);
}

struct Packet {
  int64_t due_ns = 0;
  size_t bytes = 0;
  std::unique_ptr<char[]> data;
};

// From one device to the other.
struct Direction {
  Direction(const LinkSettings& settings, uint64_t seed) : queue(settings, seed) {}
  LinkQueue queue;
  std::deque<Packet> in_flight;  // by due time
  int from_fd = -1;
  int to_fd = -1;
};

class Emulator {
 public:
  explicit Emulator(EmulatorConfig config) : config_(std::move(config)) {}
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;
  ~Emulator() {
    for (const int fd : open_fds_) close(fd);
    if (bound_) unlink(config_.control_socket.c_str());
  }

  Status open_all() {
    epoll_ = own(epoll_create1(EPOLL_CLOEXEC));
    timer_ = own(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, nullptr);
    signal(SIGPIPE, SIG_IGN);
    signal_ = own(signalfd(-1, &stop, SFD_NONBLOCK | SFD_CLOEXEC));
    if (epoll_ < 0 || timer_ < 0 || signal_ < 0)
      return failed("cannot open epoll, timer and signals", "emulator");
    for (size_t k = 0; k < config_.links.size(); ++k) {
      if (const Status opened = open_link(config_.links[k]); !opened) return opened;
    }
    watch(timer_, kTimer, 0);
    watch(signal_, kSignal, 0);
    scratch_ = std::make_unique<char[]>(frame_bytes_max());
    return open_control();
  }

  void run() {
    std::array<epoll_event, 64> events{};
    while (!stop_) {
      const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < n; ++i) {
        const uint64_t data = events[static_cast<size_t>(i)].data.u64;
        const auto index = static_cast<size_t>(data & 0xffffffff);
        switch (static_cast<Source>(data >> 32)) {
          case kDevice:
            receive(index);
            break;
          case kTimer: {
            uint64_t expirations = 0;
            [[maybe_unused]] const ssize_t ignored = read(timer_, &expirations, sizeof expirations);
            armed_ns_ = 0;
            break;
          }
          case kSignal:
            stop_ = true;
            break;
          case kListener:
            accept_client();
            break;
          case kClient:
            serve(static_cast<int>(index));
            break;
        }
        deliver(now_ns());
      }
      deliver(now_ns());
      arm();
    }
  }

 private:
  enum Source : uint32_t { kDevice, kTimer, kSignal, kListener, kClient };
  struct Client {
    std::string in;
  };
  struct Head {
    int64_t due_ns;
    size_t direction;
    bool operator>(const Head& o) const {
      return due_ns != o.due_ns ? due_ns > o.due_ns : direction > o.direction;
    }
  };

  size_t frame_bytes_max() const { return config_.mtu_bytes + 18; }

  int own(int fd) {
    if (fd >= 0) open_fds_.push_back(fd);
    return fd;
  }

  void watch(int fd, Source source, size_t index) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<uint64_t>(source) << 32 | index;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  // Begins to carry the next link.
  Status open_link(const EmulatorLink& link) {
    const auto a = open_tap(link.a);
    if (!a) return tl::unexpected(a.error());
    const auto b = open_tap(link.b);
    if (!b) {
      std::erase(open_fds_, *a);
      close(*a);
      return tl::unexpected(b.error());
    }
    const size_t d = directions_.size();
    directions_.emplace_back(link.settings, config_.seed * 1'000'003 + d);
    directions_.emplace_back(link.settings, config_.seed * 1'000'003 + d + 1);
    directions_[d].from_fd = directions_[d + 1].to_fd = *a;
    directions_[d].to_fd = directions_[d + 1].from_fd = *b;
    watch(*a, kDevice, d);
    watch(*b, kDevice, d + 1);
    return {};
  }

  Result<int> open_tap(const EmulatorEnd& end) {
    int fd = -1;
    const Status done = in_namespace(end.namespace_name, [&]() -> Status {
      fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
      if (fd < 0) return failed("cannot open it", "/dev/net/tun");
      ifreq request{};
      request.ifr_flags = IFF_TAP | IFF_NO_PI;
      std::snprintf(request.ifr_name, sizeof request.ifr_name, "%s", end.device.c_str());
      if (ioctl(fd, TUNSETIFF, &request) != 0)
        return failed("cannot make the device " + end.device, end.namespace_name);
      return {};
    });
    if (!done) {
      if (fd >= 0) close(fd);
      return tl::unexpected(done.error());
    }
    return own(fd);
  }

  Status open_control() {
    listener_ = own(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (config_.control_socket.size() >= sizeof address.sun_path) {
      return fail(ErrorCode::kInvalid, "the path is longer than 107 bytes", config_.control_socket,
                  "use a shorter state folder");
    }
    std::memcpy(address.sun_path, config_.control_socket.data(), config_.control_socket.size());
    const mode_t before = umask(0077);
    const int bound = bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    umask(before);
    if (bound != 0 || listen(listener_, 8) != 0) return failed("cannot listen", config_.control_socket);
    bound_ = true;
    watch(listener_, kListener, 0);
    return {};
  }

  void receive(size_t d) {
    Direction& direction = directions_[d];
    for (int i = 0; i < kReadsPerTurn; ++i) {
      const ssize_t n = read(direction.from_fd, scratch_.get(), frame_bytes_max());
      if (n <= 0) return;
      const auto bytes = static_cast<size_t>(n);
      const LinkQueue::Verdict verdict = direction.queue.offer(now_ns(), bytes);
      if (verdict.fate != Fate::kForwarded) continue;
      if (in_flight_bytes_ + bytes > kBytesInFlightMax) {
        direction.queue.withdraw(bytes, Fate::kQueueFull);
        continue;
      }
      Packet packet{verdict.due_ns, bytes, std::make_unique_for_overwrite<char[]>(bytes)};
      std::memcpy(packet.data.get(), scratch_.get(), bytes);
      in_flight_bytes_ += bytes;
      if (direction.in_flight.empty()) heads_.push({packet.due_ns, d});
      direction.in_flight.push_back(std::move(packet));
    }
  }

  void deliver(int64_t now) {
    while (!heads_.empty() && heads_.top().due_ns <= now) {
      const Head head = heads_.top();
      heads_.pop();
      Direction& direction = directions_[head.direction];
      while (!direction.in_flight.empty() && direction.in_flight.front().due_ns <= now) {
        const Packet& packet = direction.in_flight.front();
        if (write(direction.to_fd, packet.data.get(), packet.bytes) < 0) {
          direction.queue.withdraw(packet.bytes, Fate::kRefused);
        }
        in_flight_bytes_ -= packet.bytes;
        direction.in_flight.pop_front();
      }
      if (!direction.in_flight.empty()) heads_.push({direction.in_flight.front().due_ns, head.direction});
    }
  }

  void arm() {
    const int64_t due = heads_.empty() ? 0 : heads_.top().due_ns;
    if (due == armed_ns_) return;
    itimerspec when{};
    when.it_value.tv_sec = due / 1'000'000'000;
    when.it_value.tv_nsec = due % 1'000'000'000;
    timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
    armed_ns_ = due;
  }

  void accept_client() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    if (clients_.size() >= kClientsMax) {
      close(fd);
      return;
    }
    // Room for a whole answer, so that sending never waits for the reader.
    const int room = static_cast<int>(kAnswerBytesMax);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    clients_[fd] = {};
    watch(fd, kClient, static_cast<size_t>(fd));
  }

  void drop_client(int fd) {
    clients_.erase(fd);
    close(fd);
  }

  void serve(int fd) {
    std::array<char, 4096> buffer{};
    const ssize_t n = read(fd, buffer.data(), buffer.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return drop_client(fd);
    std::string& in = clients_[fd].in;
    in.append(buffer.data(), static_cast<size_t>(n));
    size_t end = 0;
    while ((end = in.find('\n')) != std::string::npos) {
      const std::string answer = obey(std::string_view(in).substr(0, end)) + "\n";
      in.erase(0, end + 1);
      if (send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT) !=
          static_cast<ssize_t>(answer.size())) {
        return drop_client(fd);
      }
    }
    if (in.size() > kControlLineBytesMax) drop_client(fd);
  }

  std::string obey(std::string_view line) {
    const auto command = decode_emulator_command(line);
    if (!command) return encode_answer(Status(tl::unexpected(command.error())));
    using Kind = EmulatorCommand::Kind;
    if (command->kind == Kind::kStop) {
      stop_ = true;
      return encode_answer(Status());
    }
    if (command->kind == Kind::kStats) {
      std::vector<EmulatorLinkStats> stats;
      for (size_t k = 0; k < config_.links.size(); ++k) {
        stats.push_back({config_.links[k].name, directions_[2 * k].queue.settings(),
                         directions_[2 * k].queue.counters(), directions_[2 * k + 1].queue.counters()});
      }
      return encode_answer(stats);
    }
    if (command->kind == Kind::kCarry) {
      if (std::ranges::find(config_.links, command->carried->name, &EmulatorLink::name) !=
          config_.links.end()) {
        return encode_answer(
            Status(fail(ErrorCode::kConflict, "link '" + command->carried->name + "' is carried already")));
      }
      if (config_.links.size() >= kLinksMax) {
        return encode_answer(
            Status(fail(ErrorCode::kExhausted, std::to_string(kLinksMax) + " links are all it carries")));
      }
      const Status opened = open_link(*command->carried);
      if (opened) config_.links.push_back(*command->carried);
      return encode_answer(opened);
    }
    const auto at = std::ranges::find(config_.links, command->link, &EmulatorLink::name);
    if (at == config_.links.end()) {
      return encode_answer(Status(fail(ErrorCode::kNotFound, "no link '" + command->link + "'")));
    }
    const auto k = static_cast<size_t>(at - config_.links.begin());
    const auto settings = changed(directions_[2 * k].queue.settings(), *command);
    if (!settings) return encode_answer(Status(tl::unexpected(settings.error())));
    for (const size_t d : {2 * k, 2 * k + 1}) {
      Direction& direction = directions_[d];
      direction.queue.configure(*settings);
      if (!settings->cut) continue;
      for (const Packet& packet : direction.in_flight) {
        direction.queue.withdraw(packet.bytes, Fate::kCut);
        in_flight_bytes_ -= packet.bytes;
      }
      direction.in_flight.clear();
    }
    if (settings->cut) find_heads();
    return encode_answer(Status());
  }

  void find_heads() {
    heads_ = {};
    for (size_t d = 0; d < directions_.size(); ++d) {
      if (!directions_[d].in_flight.empty()) heads_.push({directions_[d].in_flight.front().due_ns, d});
    }
  }

  EmulatorConfig config_;
  std::vector<int> open_fds_;
  std::deque<Direction> directions_;  // 2k: a to b of link k; 2k + 1: b to a
  // One entry for each direction that has packets.
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads_;
  std::map<int, Client> clients_;
  std::unique_ptr<char[]> scratch_;
  size_t in_flight_bytes_ = 0;
  int64_t armed_ns_ = 0;
  int epoll_ = -1, timer_ = -1, signal_ = -1, listener_ = -1;
  bool stop_ = false;
  bool bound_ = false;
};

constexpr int kReadyFd = 3;

}  // namespace

int run_emulator(const std::string& config_path) {
  // Before anything else is opened, which could take its number.
  const bool has_parent = fcntl(kReadyFd, F_SETFD, FD_CLOEXEC) == 0;
  const auto tell_parent = [has_parent](const std::string& text) {
    if (!has_parent) return;
    [[maybe_unused]] const ssize_t ignored = write(kReadyFd, text.data(), text.size());
    close(kReadyFd);
  };
  std::ifstream in(config_path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  in.close();
  const auto config = decode_emulator_config(text);
  if (!config) {
    std::fprintf(stderr, "%s: %s\n", config_path.c_str(), config.error().text().c_str());
    tell_parent(config_path + ": " + config.error().text() + "\n");
    return 1;
  }
  Emulator emulator(*config);
  if (const Status opened = emulator.open_all(); !opened) {
    std::fprintf(stderr, "%s\n", opened.error().text().c_str());
    tell_parent(opened.error().text() + "\n");
    return 1;
  }
  // Without real time the links still work, less exactly on a busy machine.
  const sched_param realtime{10};
  const bool is_realtime = sched_setscheduler(0, SCHED_RR, &realtime) == 0;
  mlockall(MCL_CURRENT);
  tell_parent(is_realtime ? "ready\n" : "ready without real-time scheduling\n");
  emulator.run();
  return 0;
}

}  // namespace weir::lab
