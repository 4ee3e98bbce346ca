#include "infrastructure/agent/agent_host.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <deque>
#include <mutex>
#include <thread>

#include "infrastructure/agent/messages.h"
#include "infrastructure/agent/promise_line.h"
#include "infrastructure/agent/site_worker.h"
#include "infrastructure/posix/file.h"
#include "infrastructure/posix/unique_fd.h"
#include "infrastructure/telemetry/udp.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;
using posix::UniqueFd;

constexpr size_t kMailboxMax = 4096;
constexpr size_t kDatagramBytesMax = 16 * 1024;
constexpr size_t kDatagramsPerTurn = 64;
constexpr size_t kUsageRecordBytesMax = 64 << 20;
constexpr TimeUs kComplainUs = 10'000'000;

class SystemClock final : public Clock {
 public:
  TimeUs wall_us() override { return static_cast<TimeUs>(telemetry::realtime_ns() / 1000); }
  TimeUs steady_us() override { return static_cast<TimeUs>(telemetry::monotonic_ns() / 1000); }
};

Result<UniqueFd> open_promise_socket(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::kInvalid, "is longer than the name of a socket may be", text,
                "choose a shorter state folder");
  }
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return posix::fail_errno("cannot open a socket for", path, errno);
  std::error_code ignored;
  fs::remove(path, ignored);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0) {
    return posix::fail_errno("cannot listen on", path, errno);
  }
  return fd;
}

class Host final : public AgentHost {
 public:
  using Letter = std::function<void(SiteAgent&)>;

  Host(Parts parts, Options options, UniqueFd promises, UniqueFd bell)
      : parts_(std::move(parts)),
        options_(std::move(options)),
        promises_(std::move(promises)),
        bell_(std::move(bell)) {}

  ~Host() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    room_.notify_all();
    ring();
    if (thread_.joinable()) thread_.join();
    if (link_) link_->stop();
    worker_.reset();
    prober_.reset();
    std::error_code ignored;
    fs::remove(options_.state_folder / "promise.sock", ignored);
  }

  Status begin(SelfDescription self, UsageRecord record) {
    auto link = BrainLink::open(options_.link, std::move(self), system_clock(), brain_events());
    if (!link) return tl::unexpected(link.error());
    link_ = std::move(*link);
    if (parts_.probes) {
      auto prober = StampProber::open(options_.prober, [this](uint64_t watch, const ProbeSample& sample) {
        (void)post([watch, sample](SiteAgent& agent) { agent.probe_changed(watch, sample); }, false);
      });
      if (!prober) return tl::unexpected(prober.error());
      prober_ = std::move(*prober);
    }
    worker_ = std::make_unique<SiteWorker>(SiteWorker::Parts{
        .site = parts_.site,
        .fetch = [this](const std::string& digest) { return fetch(digest); },
        .answer =
            [this](SiteAnswer answer) {
              (void)post([answer = std::move(answer)](SiteAgent& agent) { agent.answer(answer); }, true);
            }});
    agent_ = std::make_unique<SiteAgent>(
        SiteAgent::Ports{.clock = system_clock(),
                         .work = *worker_,
                         .paths = parts_.paths,
                         .addresses = parts_.addresses,
                         .prober = prober_.get(),
                         .uplink = *link_,
                         .accepts = parts_.accepts,
                         .keep_usage = [this](const auto& reported,
                                              const auto& waiting) { keep_usage(reported, waiting); },
                         .say = parts_.say},
        options_.agent, std::move(record.reported), record.waiting);
    thread_ = std::thread([this] { serve(); });
    return {};
  }

 private:
  BrainEvents brain_events() {
    const auto tell = [this](Letter letter) { (void)post(std::move(letter), true); };
    BrainEvents out;
    out.attached = [tell] { tell([](SiteAgent& agent) { agent.attached(); }); };
    out.detached = [tell](const std::string&) { tell([](SiteAgent& agent) { agent.detached(); }); };
    out.directive = [tell](SiteDirective directive) {
      tell([directive = std::move(directive)](SiteAgent& agent) { agent.directive(directive); });
    };
    out.lease = [tell](uint64_t epoch, TimeUs lease_us) {
      tell([epoch, lease_us](SiteAgent& agent) { agent.brain_heard(epoch, lease_us); });
    };
    out.acknowledged = [tell](uint64_t sequence) {
      tell([sequence](SiteAgent& agent) { agent.acknowledged(sequence); });
    };
    out.log_request = [tell](uint64_t request, RunId run, uint64_t offset, bool follow, uint64_t bytes_max) {
      tell([=](SiteAgent& agent) { agent.log_request(request, run, offset, follow, bytes_max); });
    };
    out.log_cancel = [tell](uint64_t request) {
      tell([request](SiteAgent& agent) { agent.log_cancel(request); });
    };
    out.say = [this](bool problem, const std::string& text) { parts_.say(problem, text); };
    return out;
  }

  void ring() { (void)eventfd_write(bell_.get(), 1); }

  // False: full, and not to be waited for; or stopping.
  bool post(Letter letter, bool wait) {
    {
      std::unique_lock lock(mutex_);
      if (wait) room_.wait(lock, [this] { return stopping_ || mailbox_.size() < kMailboxMax; });
      if (stopping_ || mailbox_.size() >= kMailboxMax) return false;
      mailbox_.push_back(std::move(letter));
    }
    ring();
    return true;
  }

  void serve() {
    TimeUs wake_us = 0;
    while (true) {
      std::array<pollfd, 3> fds = {
          {{bell_.get(), POLLIN, 0}, {promises_.get(), POLLIN, 0}, {parts_.change_fd, POLLIN, 0}}};
      const TimeUs wait_us = std::max<TimeUs>(wake_us - system_clock().steady_us(), 0);
      const timespec wait{static_cast<time_t>(wait_us / 1'000'000),
                          static_cast<long>(wait_us % 1'000'000 * 1000)};
      (void)::ppoll(fds.data(), fds.size(), &wait, nullptr);
      std::deque<Letter> letters;
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        letters.swap(mailbox_);
      }
      room_.notify_all();
      if (fds[0].revents != 0) {
        eventfd_t count = 0;
        (void)eventfd_read(bell_.get(), &count);
      }
      for (const Letter& letter : letters) letter(*agent_);
      if (fds[1].revents != 0) read_promises();
      if (parts_.change_fd >= 0 && fds[2].revents != 0) {
        parts_.take_changes();
        agent_->runs_changed();
      }
      wake_us = agent_->turn();
    }
  }

  void read_promises() {
    std::array<char, kDatagramBytesMax> buffer;
    for (size_t i = 0; i < kDatagramsPerTurn; ++i) {
      const ssize_t n = ::recv(promises_.get(), buffer.data(), buffer.size(), 0);
      if (n < 0) return;
      std::string_view text(buffer.data(), static_cast<size_t>(n));
      while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty()) take_promise(line);
      }
    }
  }

  void take_promise(std::string_view line) {
    const auto parsed = parse_promise_line(line);
    Status taken;
    if (parsed) {
      PromiseReport report = parsed->report;
      if (!parsed->named.empty()) report.intent = agent_->find_intent(parsed->named);
      taken = agent_->promise(report);
    } else {
      taken = tl::unexpected(parsed.error());
    }
    if (taken) return;
    ++refused_promises_;
    const TimeUs now_us = system_clock().steady_us();
    if (complained_us_ != 0 && now_us - complained_us_ < kComplainUs) return;
    complained_us_ = now_us;
    parts_.say(true, taken.error().text() + " (" + std::to_string(refused_promises_) + " refused so far)");
  }

  Status fetch(const std::string& digest) {
    const fs::path folder = options_.state_folder / "fetched";
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return posix::fail_errno("cannot make", folder, error.value());
    const fs::path part = folder / digest;
    if (const Status fetched = link_->fetch(digest, part); !fetched) return fetched;
    const Status stored = parts_.store_artifact(part, digest);
    if (stored || stored.error().code == ErrorCode::kCorrupt) fs::remove(part, error);
    return stored;
  }

  void keep_usage(const UsageMeter::Reported& reported, const std::vector<UsageReport>& waiting) {
    const Status kept =
        posix::replace_file(options_.state_folder / "usage", encode_usage_record(reported, waiting), 0600,
                            posix::Durability::kOrdered);
    if (!kept) parts_.say(true, "the usage record cannot be kept: " + kept.error().text());
  }

  const Parts parts_;
  const Options options_;
  UniqueFd promises_;
  UniqueFd bell_;
  std::mutex mutex_;
  std::condition_variable room_;
  bool stopping_ = false;
  std::deque<Letter> mailbox_;
  uint64_t refused_promises_ = 0;
  TimeUs complained_us_ = 0;
  std::unique_ptr<StampProber> prober_;
  std::unique_ptr<BrainLink> link_;
  std::unique_ptr<SiteWorker> worker_;
  std::unique_ptr<SiteAgent> agent_;
  std::thread thread_;
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

bool accepts_connections(const std::string& address, uint16_t port) {
  constexpr int kPatienceMs = 3;
  const auto to = telemetry::udp_address(address, port);
  if (!to) return false;
  const UniqueFd fd(::socket(to->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return false;
  if (::connect(fd.get(), to->get(), to->length) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd wait{fd.get(), POLLOUT, 0};
  int error = -1;
  socklen_t length = sizeof error;
  return ::poll(&wait, 1, kPatienceMs) == 1 &&
         ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

Result<std::unique_ptr<AgentHost>> AgentHost::open(Parts parts, const Options& options,
                                                   SelfDescription self) {
  std::error_code error;
  fs::create_directories(options.state_folder, error);
  if (error) return posix::fail_errno("cannot make", options.state_folder, error.value());
  UsageRecord record;
  const auto bytes = posix::read_file(options.state_folder / "usage", kUsageRecordBytesMax);
  if (bytes) {
    auto decoded = decode_usage_record(*bytes);
    if (!decoded) {
      decoded.error().where = (options.state_folder / "usage").string();
      return tl::unexpected(decoded.error());
    }
    record = std::move(*decoded);
  } else if (bytes.error().code != ErrorCode::kNotFound) {
    return tl::unexpected(bytes.error());
  }
  auto promises = open_promise_socket(options.state_folder / "promise.sock");
  if (!promises) return tl::unexpected(promises.error());
  UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) return posix::fail_errno("cannot make an event for", options.state_folder, errno);
  auto host = std::make_unique<Host>(std::move(parts), options, std::move(*promises), std::move(bell));
  if (const Status begun = host->begin(std::move(self), std::move(record)); !begun) {
    return tl::unexpected(begun.error());
  }
  return host;
}

}  // namespace weir::agent
