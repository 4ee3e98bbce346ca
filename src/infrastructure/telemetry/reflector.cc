#include "infrastructure/telemetry/reflector.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <string_view>
#include <system_error>
#include <thread>

#include "infrastructure/telemetry/udp.h"

namespace weir::telemetry {
namespace {

// RFC 8762 section 4: a session without packets for this long may be forgotten (REFWAIT).
constexpr uint64_t kSessionIdleNs = 900'000'000'000;

struct SessionState {
  uint32_t sequence = 0;
  uint64_t seen_ns = 0;
};

class UdpReflector : public Reflector {
 public:
  UdpReflector(const ReflectorOptions& options, posix::UniqueFd socket, posix::UniqueFd stop,
               UdpAddress local)
      : options_(options), socket_(std::move(socket)), stop_(std::move(stop)), local_(local), thread_([this] {
          serve();
        }) {}

  ~UdpReflector() override {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }

  uint16_t port() const override { return local_.port(); }

  ReflectorCounters counters() const override {
    return {reflected_.load(), malformed_.load(), refused_.load(), unsent_.load()};
  }

 private:
  void serve() {
    pollfd waits[2] = {{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    for (;;) {
      if (poll(waits, 2, -1) < 0 && errno != EINTR) return;
      if (waits[1].revents != 0) return;
      std::byte buffer[2048];
      UdpArrival arrival;
      // Bounded, so that a flood does not keep the thread from its stop signal.
      for (int i = 0; i < 256 && udp_receive(socket_.get(), buffer, arrival); ++i) {
        reflect({buffer, std::min(arrival.bytes, sizeof buffer)}, arrival);
      }
    }
  }

  void reflect(std::span<const std::byte> packet, const UdpArrival& arrival) {
    const auto probe = decode_probe(packet);
    if (!probe) {
      ++malformed_;
      return;
    }
    StampReply reply{.sequence = probe->sequence,
                     .error = stamp_error_estimate(1'000'000, options_.clock_synchronized, options_.clock),
                     .ssid = probe->ssid,
                     .receive_timestamp = stamp_timestamp(arrival.realtime_ns, options_.clock),
                     .sender_sequence = probe->sequence,
                     .sender_timestamp = probe->timestamp,
                     .sender_error = probe->error,
                     .sender_ttl = arrival.ttl};
    if (options_.stateful) {
      SessionState* session = session_of(arrival, probe->ssid);
      if (session == nullptr) {
        ++refused_;
        return;
      }
      reply.sequence = session->sequence++;
    }
    const uint32_t mark = options_.mark_replies ? probe->ssid : 0;
    if (mark != mark_) {
      if (!udp_set_mark(socket_.get(), mark)) {
        ++unsent_;
        return;
      }
      mark_ = mark;
    }
    reply.timestamp = stamp_timestamp(realtime_ns(), options_.clock);
    if (udp_send(socket_.get(), encode(reply), arrival.from, arrival.to)) {
      ++reflected_;
    } else {
      ++unsent_;
    }
  }

  SessionState* session_of(const UdpArrival& arrival, uint16_t ssid) {
    std::string key(reinterpret_cast<const char*>(arrival.from.get()), arrival.from.length);
    key.append({static_cast<char>(ssid >> 8), static_cast<char>(ssid & 0xff)});
    const uint64_t now = monotonic_ns();
    auto found = sessions_.find(key);
    if (found == sessions_.end()) {
      if (sessions_.size() >= options_.sessions_max && now - swept_ns_ > kSessionIdleNs / 900) {
        swept_ns_ = now;
        std::erase_if(sessions_,
                      [&](const auto& entry) { return now - entry.second.seen_ns > kSessionIdleNs; });
      }
      if (sessions_.size() >= options_.sessions_max) return nullptr;
      found = sessions_.emplace(std::move(key), SessionState{}).first;
    }
    found->second.seen_ns = now;
    return &found->second;
  }

  const ReflectorOptions options_;
  posix::UniqueFd socket_;
  posix::UniqueFd stop_;
  const UdpAddress local_;
  uint32_t mark_ = 0;
  uint64_t swept_ns_ = 0;
  std::map<std::string, SessionState> sessions_;
  std::atomic<uint64_t> reflected_ = 0;
  std::atomic<uint64_t> malformed_ = 0;
  std::atomic<uint64_t> refused_ = 0;
  std::atomic<uint64_t> unsent_ = 0;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

Result<std::unique_ptr<Reflector>> Reflector::open(const ReflectorOptions& options) {
  auto address = udp_address(options.address, options.port);
  if (!address) return tl::unexpected(address.error());
  const std::string where = "STAMP reflector on " + address->text();
  posix::UniqueFd socket(::socket(address->family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto reason = [] { return std::generic_category().message(errno); };
  if (!socket) return fail(ErrorCode::kUnsupported, "cannot open a socket: " + reason(), where);
  if (address->family() == AF_INET6) {
    const int no = 0;
    setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  }
  if (Status ok = udp_ask_for_details(socket.get(), address->family(), true); !ok) {
    return tl::unexpected(ok.error());
  }
  if (options.mark_replies) {
    if (Status ok = udp_set_mark(socket.get(), 1); !ok) return tl::unexpected(ok.error());
    if (Status ok = udp_set_mark(socket.get(), 0); !ok) return tl::unexpected(ok.error());
  }
  if (bind(socket.get(), address->get(), address->length) != 0) {
    const ErrorCode code = errno == EADDRINUSE ? ErrorCode::kConflict
                           : errno == EACCES   ? ErrorCode::kDenied
                                               : ErrorCode::kInvalid;
    return fail(code, "cannot bind: " + reason(), where, "choose a free port of this machine's addresses");
  }
  UdpAddress local;
  local.length = sizeof local.storage;
  getsockname(socket.get(), local.get(), &local.length);
  posix::UniqueFd stop(eventfd(0, EFD_CLOEXEC));
  if (!stop) return fail(ErrorCode::kExhausted, "cannot make an event descriptor: " + reason(), where);
  return std::make_unique<UdpReflector>(options, std::move(socket), std::move(stop), local);
}

}  // namespace weir::telemetry
