#include "infrastructure/site_local/process.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <vector>

#include "infrastructure/cgroup/tree.h"
#include "infrastructure/posix/file.h"
#include "infrastructure/posix/process_stat.h"
#include "infrastructure/posix/unique_fd.h"

namespace weir::site_local {
namespace {

uint64_t clock_us(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

uint64_t boottime_us() { return clock_us(CLOCK_BOOTTIME); }
uint64_t unix_us() { return clock_us(CLOCK_REALTIME); }

std::string boot_id() {
  const auto text = posix::read_file("/proc/sys/kernel/random/boot_id");
  return text ? std::string(cgroup::trim(*text)) : std::string("unknown");
}

ProcessName name_process(int32_t pid) {
  const auto stat = posix::read_process_stat(pid);
  if (!stat) return {};
  return {boot_id(), pid, stat->start_ticks};
}

bool alive(const ProcessName& process) {
  if (process.pid <= 0 || process.boot_id != boot_id()) return false;
  const auto stat = posix::read_process_stat(process.pid);
  return stat && stat->start_ticks == process.start_ticks && stat->state != 'Z' && stat->state != 'X';
}

bool signal_process(const ProcessName& process, int signal_number) {
  if (process.pid <= 0) return false;
  // The descriptor holds the process first; then it is checked to be the right one.
  const posix::UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!fd || !alive(process)) return false;
  return ::syscall(SYS_pidfd_send_signal, fd.get(), signal_number, nullptr, 0) == 0;
}

}  // namespace weir::site_local
