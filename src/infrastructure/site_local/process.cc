#include "infrastructure/site_local/process.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <vector>

#include "infrastructure/cgroup/tree.h"
#include "infrastructure/posix/file.h"
#include "infrastructure/posix/unique_fd.h"

namespace weir::site_local {
namespace {

uint64_t clock_us(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

struct Stat {
  char state = 'X';
  uint64_t start_ticks = 0;
};

// proc(5): the name in brackets may hold blanks and brackets, so fields count from the last bracket.
Stat stat_of(int32_t pid) {
  Stat out;
  const auto text = posix::read_file("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return out;
  const size_t bracket = text->rfind(')');
  if (bracket == std::string::npos || bracket + 2 >= text->size()) return out;
  out.state = (*text)[bracket + 2];
  size_t at = bracket + 2;
  constexpr int kStateField = 3;
  constexpr int kStartField = 22;
  for (int field = kStateField; field < kStartField && at != std::string::npos; ++field)
    at = text->find(' ', at + 1);
  if (at == std::string::npos) return Stat{};
  const size_t end = text->find(' ', at + 1);
  out.start_ticks = cgroup::parse_number(std::string_view(*text).substr(at + 1, end - at - 1)).value_or(0);
  return out;
}

}  // namespace

uint64_t boottime_us() { return clock_us(CLOCK_BOOTTIME); }
uint64_t unix_us() { return clock_us(CLOCK_REALTIME); }

std::string boot_id() {
  const auto text = posix::read_file("/proc/sys/kernel/random/boot_id");
  return text ? std::string(cgroup::trim(*text)) : std::string("unknown");
}

ProcessName name_process(int32_t pid) {
  const Stat stat = stat_of(pid);
  if (stat.start_ticks == 0) return {};
  return {boot_id(), pid, stat.start_ticks};
}

bool alive(const ProcessName& process) {
  if (process.pid <= 0 || process.boot_id != boot_id()) return false;
  const Stat stat = stat_of(process.pid);
  return stat.start_ticks == process.start_ticks && stat.state != 'Z' && stat.state != 'X';
}

bool signal_process(const ProcessName& process, int signal_number) {
  if (process.pid <= 0) return false;
  // The descriptor holds the process first; then it is checked to be the right one.
  const posix::UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!fd || !alive(process)) return false;
  return ::syscall(SYS_pidfd_send_signal, fd.get(), signal_number, nullptr, 0) == 0;
}

}  // namespace weir::site_local
