#include "infrastructure/site_local/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <optional>
#include <system_error>

#include "infrastructure/posix/file.h"
#include "infrastructure/posix/unique_fd.h"
#include "infrastructure/site_local/confinement.h"
#include "infrastructure/site_local/device_filter.h"
#include "infrastructure/site_local/process.h"
#include "infrastructure/site_local/record.h"
#include "infrastructure/site_local/run_log.h"
#include "infrastructure/site_local/traffic_counter.h"

namespace weir::site_local {
namespace {

namespace fs = std::filesystem;
using posix::Durability;
using posix::UniqueFd;

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kSampleEveryUs = 1'000'000;
constexpr uint64_t kFirstSampleUs = 50'000;  // doubles up to the above, so that short runs are seen

void say(std::string_view text) { (void)!::write(STDOUT_FILENO, text.data(), text.size()); }

class Supervisor {
 public:
  Supervisor(fs::path folder, RunOrder order, RunControl control, UniqueFd lock)
      : folder_(std::move(folder)),
        order_(std::move(order)),
        control_(control),
        lock_(std::move(lock)),
        group_(order_.group) {}

  void run() {
    if (Status ok = prepare(); !ok) {
      say(ok.error().text());
      return;
    }
    say("ok");
    ::dup2(2, STDOUT_FILENO);
    if (std::string error = begin(); !error.empty()) {
      status_.exit = {.code = -1, .signal = 0, .reason = "start: " + error};
      if (leader_ > 0) ::waitpid(leader_, nullptr, 0);
      finish();
      return;
    }
    status_.state = DriverRunState::kRunning;
    save_status();
    // A stop may have been asked for meanwhile.
    take_control();
    while (!done_) wait_and_act();
    decide_exit();
    finish();
  }

 private:
  Status prepare() {
    ::setsid();
    ::prctl(PR_SET_NAME, "weir-run", 0, 0, 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    // A machine short of memory loses a run before it loses what accounts for it.
    (void)posix::write_control("/proc/self/oom_score_adj", "-900");
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
      ::dup2(null, 0);
      ::dup2(null, 2);
    }
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t signals;
    sigemptyset(&signals);
    for (const int s : {SIGCHLD, SIGUSR1, SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, s);
    ::sigprocmask(SIG_SETMASK, &signals, nullptr);
    signals_ = UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    timer_ = UniqueFd(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    std::array<int, 2> ends{};
    if (!signals_ || !timer_ || ::pipe2(ends.data(), O_CLOEXEC) != 0) {
      return posix::fail_errno("cannot make descriptors for", folder_, errno);
    }
    output_ = UniqueFd(ends[0]);
    output_writer_ = UniqueFd(ends[1]);
    ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    auto log = RunLogWriter::open(folder_ / kLogFolder, order_.log_bytes_max);
    if (!log) return tl::unexpected(log.error());
    log_.emplace(std::move(*log));
    const fs::path traffic_group = order_.group.version == cgroup::Version::kV2
                                       ? order_.group.by_controller.at("")
                                       : order_.group.unified;
    if (!order_.denied_devices.empty()) {
      if (Status ok = deny_devices(traffic_group, order_.denied_devices); !ok) return ok;
    }
    if (!traffic_group.empty()) {
      const bool yields = order_.spec.best_effort;
      auto counter = TrafficCounter::attach(traffic_group, yields);
      if (!counter && yields) counter = TrafficCounter::attach(traffic_group, false);  // counted at least
      if (counter) traffic_.emplace(std::move(*counter));
    }
    status_.state = DriverRunState::kStarting;
    status_.supervisor = name_process(::getpid());
    return posix::replace_file(folder_ / kStatusFile, encode(status_), 0600, Durability::kOrdered);
  }

  // Forks the run and waits until its command executes. Empty, or what failed.
  std::string begin() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return "pipe: " + std::generic_category().message(errno);
    UniqueFd errors(ends[0]);
    UniqueFd error_writer(ends[1]);
    const pid_t supervisor = ::getpid();
    last_sample_us_ = boottime_us();
    status_.started_unix_us = unix_us();
    leader_ = ::fork();
    if (leader_ < 0) return "fork: " + std::generic_category().message(errno);
    if (leader_ == 0) {
      const std::string error = become_run(order_, output_writer_.get(), supervisor);
      (void)!::write(error_writer.get(), error.data(), error.size());
      ::_exit(127);
    }
    error_writer.reset();
    output_writer_.reset();
    status_.leader = name_process(leader_);
    // Ends when the command executes, which closes the other end.
    std::string error;
    std::array<char, 512> buffer;
    for (;;) {
      const ssize_t n = ::read(errors.get(), buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      error.append(buffer.data(), static_cast<size_t>(n));
    }
    return error;
  }

  void wait_and_act() {
    arm();
    std::array<pollfd, 3> waits = {
        {{signals_.get(), POLLIN, 0}, {timer_.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}}};
    // Without writers the pipe only reports its end, again and again.
    const nfds_t count = output_ ? waits.size() : waits.size() - 1;
    if (::poll(waits.data(), count, -1) < 0) return;
    if (count == waits.size() && waits[2].revents != 0) copy_output(1);
    if (waits[0].revents != 0) take_signals();
    if (waits[1].revents != 0) {
      uint64_t expirations = 0;
      (void)!::read(timer_.get(), &expirations, sizeof expirations);
    }
    const uint64_t now_us = boottime_us();
    if (now_us >= lease_until_us()) stop("lease", now_us + order_.spec.termination_grace_us);
    if (now_us >= kill_at_us_) {
      killed_ = true;
      group_.kill();
      // Once more with each sample, until all are gone.
      kill_at_us_ = now_us + kSampleEveryUs;
    }
    if (now_us >= last_sample_us_ + sample_every_us_) {
      sample(now_us, false);
      sample_every_us_ = std::min(2 * sample_every_us_, kSampleEveryUs);
      (void)posix::replace_file(folder_ / kUsageFile, encode(sample_), 0600, Durability::kOrdered);
    }
  }

  uint64_t lease_until_us() const {
    const bool enforced = order_.spec.lease_policy == LeasePolicy::kJob && control_.lease_until_us != 0;
    return enforced && end_reason_.empty() ? control_.lease_until_us : kNever;
  }

  void arm() {
    const uint64_t at_us = std::min({lease_until_us(), kill_at_us_, last_sample_us_ + sample_every_us_});
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(at_us / 1'000'000);
    // 0 would disarm.
    when.it_value.tv_nsec = static_cast<long>(std::max<uint64_t>(at_us % 1'000'000 * 1000, 1));
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
  }

  void take_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo == SIGUSR1) take_control();
      if (info.ssi_signo == SIGTERM) stop("stopped", boottime_us() + order_.spec.termination_grace_us);
    }
    reap();
  }

  void take_control() {
    const auto text = posix::read_file(folder_ / kControlFile);
    const auto control = text ? decode_control(*text) : Result<RunControl>(tl::unexpected(text.error()));
    // An unreadable wish changes nothing; the driver writes whole files.
    if (!control) return;
    control_ = *control;
    if (control_.stop) stop("stopped", control_.kill_at_us);
  }

  void stop(const char* reason, uint64_t kill_at_us) {
    if (end_reason_.empty()) {
      end_reason_ = reason;
      kill_at_us_ = kill_at_us;
      group_.signal(SIGTERM);
      group_.signal(SIGCONT);
    } else if (!killed_) {
      kill_at_us_ = std::min(kill_at_us_, kill_at_us);
    }
  }

  // All processes of the run are children of this one, or become so.
  void reap() {
    for (;;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid < 0 && errno == EINTR) continue;
      if (pid < 0) {
        done_ = true;
        return;
      }
      if (pid == 0) break;
      if (pid == leader_) leader_status_ = status;
    }
    // The run is over with its first process; what it left behind goes with it.
    if (leader_status_) {
      group_.kill();
      kill_at_us_ = boottime_us() + kSampleEveryUs;
    }
  }

  // At most `pieces` reads.
  void copy_output(size_t pieces) {
    std::array<char, 65536> buffer;
    while (pieces-- > 0 && output_) {
      const ssize_t n = ::read(output_.get(), buffer.data(), buffer.size());
      if (n > 0) {
        log_->append({buffer.data(), static_cast<size_t>(n)});
      } else if (n == 0) {
        output_.reset();
      } else if (errno != EINTR) {
        return;
      }
    }
  }

  // The last sample comes when the memory is free already: it takes what was seen before.
  void sample(uint64_t now_us, bool last) {
    const uint64_t elapsed_us = now_us - last_sample_us_;
    last_sample_us_ = now_us;
    if (const auto usage = group_.usage()) {
      sample_.cpu_us = std::max(sample_.cpu_us, usage->cpu_us);
      sample_.memory_bytes_peak =
          std::max({sample_.memory_bytes_peak, usage->memory_bytes_peak, usage->memory_bytes});
      const uint64_t seen = memory_bytes_before_ != 0 ? memory_bytes_before_ : sample_.memory_bytes_peak;
      memory_byte_us_ += static_cast<unsigned __int128>(last ? seen : usage->memory_bytes) * elapsed_us;
      memory_bytes_before_ = usage->memory_bytes;
      oom_kills_ = usage->oom_kills;
    }
    sample_.memory_byte_seconds = static_cast<uint64_t>(memory_byte_us_ / 1'000'000);
    if (traffic_) {
      const Traffic traffic = traffic_->read();
      sample_.traffic_measured = true;
      sample_.rx_bytes = std::max(sample_.rx_bytes, traffic.rx_bytes);
      sample_.tx_bytes = std::max(sample_.tx_bytes, traffic.tx_bytes);
    }
  }

  void decide_exit() {
    sample(boottime_us(), true);
    const int status = leader_status_.value_or(0);
    RunExit& exit = status_.exit;
    exit.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    exit.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (oom_kills_ > 0 && exit.code != 0 && !killed_) {
      exit.reason = "oom";
    } else if (!end_reason_.empty()) {
      exit.reason = end_reason_;
    } else {
      exit.reason = exit.signal != 0 ? "signal" : "exited";
    }
  }

  void finish() {
    copy_output(std::numeric_limits<size_t>::max());
    status_.state = DriverRunState::kExited;
    status_.ended_unix_us = std::max(unix_us(), status_.started_unix_us);
    (void)posix::replace_file(folder_ / kUsageFile, encode(sample_), 0600, Durability::kOrdered);
    save_status();
    (void)group_.remove();
    // Seen at once, and then made to last, which takes a while on a busy disk.
    (void)posix::replace_file(folder_ / kUsageFile, encode(sample_), 0600, Durability::kDurable);
    (void)posix::replace_file(folder_ / kStatusFile, encode(status_), 0600, Durability::kDurable);
  }

  void save_status() {
    // Not durable: a run does not survive what its record may not survive. A full disk loses the record, not
    // the run: the driver then finds the supervisor gone.
    (void)posix::replace_file(folder_ / kStatusFile, encode(status_), 0600, Durability::kOrdered);
    const UniqueFd fifo(::open(order_.change_fifo.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (fifo) (void)!::write(fifo.get(), "!", 1);
  }

  const fs::path folder_;
  const RunOrder order_;
  RunControl control_;
  UniqueFd lock_;
  cgroup::Group group_;
  RunStatus status_;
  RunSample sample_;
  UniqueFd signals_;
  UniqueFd timer_;
  UniqueFd output_;
  UniqueFd output_writer_;
  std::optional<RunLogWriter> log_;
  std::optional<TrafficCounter> traffic_;
  pid_t leader_ = -1;
  std::optional<int> leader_status_;
  std::string end_reason_;  // why we end it; empty: we do not
  uint64_t kill_at_us_ = kNever;
  bool killed_ = false;
  bool done_ = false;
  uint64_t last_sample_us_ = 0;
  uint64_t sample_every_us_ = kFirstSampleUs;
  uint64_t memory_bytes_before_ = 0;
  unsigned __int128 memory_byte_us_ = 0;
  uint64_t oom_kills_ = 0;
};

}  // namespace

int supervise(const fs::path& folder) {
  ::syscall(SYS_close_range, 3u, ~0u, 0u);
  auto order = load(folder / kOrderFile, decode_order);
  const auto control = load(folder / kControlFile, decode_control);
  if (!order || !control) {
    say(order ? control.error().text() : order.error().text());
    return 1;
  }
  const pid_t daemon = ::fork();
  if (daemon < 0) {
    say("fork: " + std::generic_category().message(errno));
    return 1;
  }
  if (daemon > 0) return 0;
  UniqueFd lock(::open((folder / kLockFile).c_str(), O_RDWR | O_CLOEXEC));
  if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    say(lock ? "the run has a supervisor already" : "the run is gone");
    ::_exit(1);
  }
  // For a driver that finds neither status nor answer.
  const std::string name = encode(name_process(::getpid()));
  if (::ftruncate(lock.get(), 0) != 0 || ::pwrite(lock.get(), name.data(), name.size(), 0) < 0) {
    say("cannot write its lock: " + std::generic_category().message(errno));
    ::_exit(1);
  }
  Supervisor(folder, std::move(*order), *control, std::move(lock)).run();
  ::_exit(0);
}

}  // namespace weir::site_local
