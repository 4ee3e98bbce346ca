#include "infrastructure/telemetry/probe_engine.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include "infrastructure/telemetry/udp.h"

namespace weir::telemetry {
namespace {

constexpr size_t kOutstandingMax = 256;
constexpr uint64_t kLateNs = 10'000'000'000;  // how long after its loss a reply is still recognised
constexpr uint64_t kTimerTag = ~uint64_t{0};
constexpr uint64_t kStopTag = ~uint64_t{0} - 1;

std::string errno_text() { return std::generic_category().message(errno); }

struct Outstanding {
  uint32_t sequence = 0;
  uint64_t timestamp = 0;  // as sent, which a reply must repeat
  uint64_t sent_us = 0;
  uint64_t expires_us = 0;
  bool lost = false;
};

struct Session {
  Session(const ProbeSessionOptions& o, UdpAddress r, posix::UniqueFd s)
      : options(o), remote(r), socket(std::move(s)), health(o.health), statistics(o.window) {}

  ProbeSessionOptions options;
  UdpAddress remote;
  posix::UniqueFd socket;
  PathHealth health;
  ProbeStatistics statistics;
  std::deque<Outstanding> outstanding;  // by sequence; lost ones are kept a while to recognise late replies
  uint32_t sequence = 0;
  uint64_t last_sent_us = 0;
  uint64_t due_us = 0;
  uint64_t wake_us = 0;   // its key in the timer queue
  uint64_t clock_us = 0;  // latest time told to `health`, for which time never goes back
  PathReading counts;     // the counters only

  PathReading reading() const {
    PathReading out = counts;
    out.state = health.state();
    out.rtt_us_smoothed = health.smoothed_rtt_us();
    out.window = statistics.window();
    return out;
  }
};

class UdpProbeEngine : public ProbeEngine {
 public:
  UdpProbeEngine(ProbeEngineOptions options, posix::UniqueFd epoll, posix::UniqueFd timer,
                 posix::UniqueFd stop)
      : options_(std::move(options)),
        error_(stamp_error_estimate(1'000'000, options_.clock_synchronized, options_.clock)),
        epoll_(std::move(epoll)),
        timer_(std::move(timer)),
        stop_(std::move(stop)),
        thread_([this] { serve(); }) {}

  ~UdpProbeEngine() override {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }

  Result<ProbeSessionId> add(const ProbeSessionOptions& options) override {
    auto socket = open_socket(options);
    if (!socket) return tl::unexpected(socket.error());
    const std::lock_guard lock(mutex_);
    if (sessions_.size() >= options_.sessions_max) {
      return fail(ErrorCode::kExhausted, std::to_string(sessions_.size()) + " probe sessions are open",
                  "sessions_max");
    }
    const ProbeSessionId id = next_id_++;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = id;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket->second.get(), &event) != 0) {
      return fail(ErrorCode::kExhausted, "cannot watch a socket: " + errno_text());
    }
    auto [at, unused] = sessions_.emplace(id, Session(options, socket->first, std::move(socket->second)));
    // Spread over the interval, so that sessions do not probe in step.
    at->second.due_us = monotonic_ns() / 1000 + uint64_t{id} * 7'919 % options.health.interval_us;
    schedule(id, at->second);
    arm();
    return id;
  }

  Status remove(ProbeSessionId id) override {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return unknown(id);
    queue_.erase({found->second.wake_us, id});
    sessions_.erase(found);
    arm();
    return {};
  }

  Result<PathReading> reading(ProbeSessionId id) const override {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return unknown(id);
    return found->second.reading();
  }

  std::vector<std::pair<ProbeSessionId, PathReading>> readings() const override {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<ProbeSessionId, PathReading>> out;
    out.reserve(sessions_.size());
    for (const auto& [id, session] : sessions_) out.emplace_back(id, session.reading());
    return out;
  }

 private:
  static tl::unexpected<Error> unknown(ProbeSessionId id) {
    return fail(ErrorCode::kNotFound, "no probe session " + std::to_string(id));
  }

  static Result<std::pair<UdpAddress, posix::UniqueFd>> open_socket(const ProbeSessionOptions& options) {
    if (options.health.interval_us < 1'000 || options.health.interval_us > 3'600'000'000) {
      return fail(ErrorCode::kInvalid,
                  "probe interval of " + std::to_string(options.health.interval_us) + " µs", "interval_us",
                  "choose 1,000 to 3,600,000,000");
    }
    auto remote = udp_address(options.remote_address, options.remote_port);
    if (!remote) return tl::unexpected(remote.error());
    posix::UniqueFd socket(::socket(remote->family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail(ErrorCode::kExhausted, "cannot open a socket: " + errno_text(), remote->text());
    if (options.mark != 0) {
      if (Status ok = udp_set_mark(socket.get(), options.mark); !ok) return tl::unexpected(ok.error());
    }
    // RFC 8762 section 4.2: probes leave with the largest TTL.
    const int ttl = 255;
    const bool six = remote->family() == AF_INET6;
    setsockopt(socket.get(), six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_UNICAST_HOPS : IP_TTL, &ttl,
               sizeof ttl);
    if (Status ok = udp_ask_for_details(socket.get(), remote->family(), false); !ok) {
      return tl::unexpected(ok.error());
    }
    if (!options.local_address.empty()) {
      auto local = udp_address(options.local_address, 0);
      if (!local) return tl::unexpected(local.error());
      if (bind(socket.get(), local->get(), local->length) != 0) {
        return fail(ErrorCode::kInvalid, "cannot send from this address: " + errno_text(),
                    options.local_address,
                    "use an address of this machine of the same family as the remote one");
      }
    }
    return std::pair(*remote, std::move(socket));
  }

  void serve() {
    std::array<epoll_event, 256> events;
    std::vector<PathChange> changes;
    for (;;) {
      int n = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
      if (n < 0 && errno != EINTR) return;
      {
        const std::lock_guard lock(mutex_);
        // Replies first, all of them: a reply that waits in a socket must not be taken for a loss because
        // this thread was late.
        for (bool more = true; more;) {
          for (int i = 0; i < n; ++i) {
            const uint64_t tag = events[static_cast<size_t>(i)].data.u64;
            if (tag == kStopTag) return;
            if (tag == kTimerTag) {
              uint64_t expirations = 0;
              while (read(timer_.get(), &expirations, sizeof expirations) < 0 && errno == EINTR) {
              }
              continue;
            }
            const auto found = sessions_.find(static_cast<ProbeSessionId>(tag));
            if (found != sessions_.end()) receive(found->first, found->second, changes);
          }
          more = n == static_cast<int>(events.size());
          if (more) n = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
        }
        const uint64_t now_us = monotonic_ns() / 1000;
        while (!queue_.empty() && queue_.begin()->first <= now_us) {
          const ProbeSessionId id = queue_.begin()->second;
          Session& session = sessions_.at(id);
          receive(id, session, changes);
          advance(id, session, now_us, changes);
        }
        arm();
      }
      for (const PathChange& change : changes) {
        if (options_.on_change) options_.on_change(change);
      }
      changes.clear();
    }
  }

  // Replaces the session's entry in the timer queue by the earliest thing that it waits for.
  void schedule(ProbeSessionId id, Session& session) {
    queue_.erase({session.wake_us, id});
    session.wake_us = session.due_us;
    for (const Outstanding& probe : session.outstanding) {
      if (!probe.lost) session.wake_us = std::min(session.wake_us, probe.expires_us);
    }
    if (const uint64_t deadline_us = session.health.deadline_us(); deadline_us != 0) {
      session.wake_us = std::min(session.wake_us, deadline_us);
    }
    queue_.insert({session.wake_us, id});
  }

  void arm() {
    itimerspec when{};
    if (!queue_.empty()) {
      // 0 would disarm.
      const uint64_t at_us = std::max<uint64_t>(queue_.begin()->first, 1);
      when.it_value.tv_sec = static_cast<time_t>(at_us / 1'000'000);
      when.it_value.tv_nsec = static_cast<long>(at_us % 1'000'000 * 1'000);
    }
    timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void note(bool changed, PathState before, ProbeSessionId id, uint64_t now_us, uint64_t last_good_us,
            Session& session, std::vector<PathChange>& changes) {
    if (!changed) return;
    changes.push_back({.session = id,
                       .before = before,
                       .after = session.health.state(),
                       .at_unix_us = realtime_ns() / 1000,
                       .silence_us = now_us - std::min(now_us, last_good_us),
                       .reading = session.reading()});
    // What answers again may go another way, which takes another time.
    if (session.health.state() == PathState::kDown) session.statistics.clear();
  }

  void receive(ProbeSessionId id, Session& session, std::vector<PathChange>& changes) {
    std::byte buffer[2048];
    UdpArrival arrival;
    for (size_t i = 0; i < kOutstandingMax && udp_receive(session.socket.get(), buffer, arrival); ++i) {
      // The kernel stamps arrivals by the wall clock; as a distance from now it serves the monotonic one. A
      // step of the wall clock in between is cut off.
      const uint64_t real_now = realtime_ns();
      const uint64_t waited_ns = real_now > arrival.realtime_ns
                                     ? std::min<uint64_t>(real_now - arrival.realtime_ns, 1'000'000'000)
                                     : 0;
      const uint64_t received_us = (monotonic_ns() - waited_ns) / 1000;
      if (!same_endpoint(arrival.from, session.remote)) {
        ++session.counts.unexpected;
        continue;
      }
      take(id, session, {buffer, std::min(arrival.bytes, sizeof buffer)}, received_us, changes);
    }
    schedule(id, session);
  }

  void take(ProbeSessionId id, Session& session, std::span<const std::byte> packet, uint64_t received_us,
            std::vector<PathChange>& changes) {
    const auto reply = decode_reply(packet);
    const auto probe =
        !reply
            ? session.outstanding.end()
            : std::find_if(session.outstanding.begin(), session.outstanding.end(), [&](const Outstanding& o) {
                return o.sequence == reply->sender_sequence && o.timestamp == reply->sender_timestamp;
              });
    // A reflector that does not know RFC 8972 answers with SSID 0.
    const bool ours =
        probe != session.outstanding.end() && (reply->ssid == session.options.ssid || reply->ssid == 0);
    if (!ours) {
      ++session.counts.unexpected;
      return;
    }
    uint64_t rtt_us = received_us - std::min(received_us, probe->sent_us);
    const uint64_t near = realtime_ns();
    const uint64_t in_ns = stamp_unix_ns(reply->receive_timestamp, reply->error.clock, near);
    const uint64_t out_ns = stamp_unix_ns(reply->timestamp, reply->error.clock, near);
    // The reflector's own time is not the path's.
    if (out_ns > in_ns && (out_ns - in_ns) / 1000 < rtt_us) rtt_us -= (out_ns - in_ns) / 1000;
    if (probe->lost) {
      ++session.counts.late;
    } else {
      ++session.counts.answered;
      session.statistics.add_reply(rtt_us);
    }
    session.outstanding.erase(probe);
    const PathState before = session.health.state();
    const uint64_t last_good_us = session.health.last_good_us();
    const uint64_t at_us = session.clock_us = std::max(received_us, session.clock_us);
    note(session.health.on_reply(at_us, rtt_us), before, id, at_us, last_good_us, session, changes);
  }

  void advance(ProbeSessionId id, Session& session, uint64_t now_us, std::vector<PathChange>& changes) {
    now_us = session.clock_us = std::max(now_us, session.clock_us);
    PathHealth& health = session.health;
    const auto step = [&](bool changed, PathState before) {
      note(changed, before, id, now_us, health.last_good_us(), session, changes);
    };
    for (Outstanding& probe : session.outstanding) {
      if (probe.lost || probe.expires_us > now_us) continue;
      probe.lost = true;
      ++session.counts.lost;
      session.statistics.add_loss();
      const PathState before = health.state();
      step(health.on_loss(now_us), before);
      // A loss may bring the next probe forward.
      session.due_us = std::min(session.due_us, std::max(now_us, health.next_probe_us(session.last_sent_us)));
    }
    while (!session.outstanding.empty() && session.outstanding.front().lost &&
           (now_us - session.outstanding.front().sent_us > kLateNs / 1000 ||
            session.outstanding.size() > kOutstandingMax / 2)) {
      session.outstanding.pop_front();
    }
    const PathState before = health.state();
    step(health.evaluate(now_us), before);
    if (session.due_us <= now_us) {
      send(session, now_us);
      const PathState before_sent = health.state();
      step(health.on_sent(now_us), before_sent);
      session.last_sent_us = now_us;
      // Keeps the phase, unless this thread was late by more than one interval.
      const uint64_t next_us = health.next_probe_us(session.due_us);
      session.due_us = next_us > now_us ? next_us : health.next_probe_us(now_us);
    }
    schedule(id, session);
  }

  void send(Session& session, uint64_t now_us) {
    if (session.outstanding.size() >= kOutstandingMax) session.outstanding.pop_front();
    const StampProbe probe{.sequence = session.sequence++,
                           .timestamp = stamp_timestamp(realtime_ns(), options_.clock),
                           .error = error_,
                           .ssid = session.options.ssid};
    ++session.counts.sent;
    const uint64_t sent_us = monotonic_ns() / 1000;
    if (!udp_send(session.socket.get(), encode(probe), session.remote, {})) ++session.counts.unsent;
    session.outstanding.push_back(
        {.sequence = probe.sequence,
         .timestamp = probe.timestamp,
         .sent_us = sent_us,
         .expires_us = std::max(now_us, sent_us) + session.health.loss_timeout_us()});
  }

  const ProbeEngineOptions options_;
  const StampErrorEstimate error_;
  posix::UniqueFd epoll_;
  posix::UniqueFd timer_;
  posix::UniqueFd stop_;
  mutable std::mutex mutex_;
  std::map<ProbeSessionId, Session> sessions_;
  std::set<std::pair<uint64_t, ProbeSessionId>> queue_;  // (wake_us, session)
  ProbeSessionId next_id_ = 1;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace

Result<std::unique_ptr<ProbeEngine>> ProbeEngine::open(ProbeEngineOptions options) {
  posix::UniqueFd epoll(epoll_create1(EPOLL_CLOEXEC));
  posix::UniqueFd timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  posix::UniqueFd stop(eventfd(0, EFD_CLOEXEC));
  bool ok = epoll && timer && stop;
  const auto watch = [&](int fd, uint64_t tag) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = tag;
    return epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  };
  ok = ok && watch(timer.get(), kTimerTag) && watch(stop.get(), kStopTag);
  if (!ok) return fail(ErrorCode::kExhausted, "cannot start the probe engine: " + errno_text());
  return std::make_unique<UdpProbeEngine>(std::move(options), std::move(epoll), std::move(timer),
                                          std::move(stop));
}

}  // namespace weir::telemetry
