#include "infrastructure/site_local/confinement.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include "infrastructure/posix/file.h"

namespace weir::site_local {
namespace {

std::string failed(const std::string& what) { return what + ": " + std::generic_category().message(errno); }

// Calls that an ordinary program does not make. Not a wall of its own: it stands before the kernel's.
constexpr std::array kRefusedCalls = {"acct",
                                      "add_key",
                                      "adjtimex",
                                      "bpf",
                                      "clock_adjtime",
                                      "clock_settime",
                                      "create_module",
                                      "delete_module",
                                      "finit_module",
                                      "fsconfig",
                                      "fsmount",
                                      "fsopen",
                                      "fspick",
                                      "init_module",
                                      "io_uring_enter",
                                      "io_uring_register",
                                      "io_uring_setup",
                                      "ioperm",
                                      "iopl",
                                      "kcmp",
                                      "kexec_file_load",
                                      "kexec_load",
                                      "keyctl",
                                      "lookup_dcookie",
                                      "mount",
                                      "mount_setattr",
                                      "move_mount",
                                      "name_to_handle_at",
                                      "nfsservctl",
                                      "open_by_handle_at",
                                      "open_tree",
                                      "perf_event_open",
                                      "pidfd_getfd",
                                      "pivot_root",
                                      "process_vm_readv",
                                      "process_vm_writev",
                                      "ptrace",
                                      "quotactl",
                                      "quotactl_fd",
                                      "reboot",
                                      "request_key",
                                      "setns",
                                      "settimeofday",
                                      "stime",
                                      "swapoff",
                                      "swapon",
                                      "syslog",
                                      "umount",
                                      "umount2",
                                      "unshare",
                                      "uselib",
                                      "userfaultfd",
                                      "vhangup"};

constexpr uint64_t kNamespaceFlags =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

std::string filter_calls() {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (filter == nullptr) return "cannot make the system call filter";
  int error = 0;
  for (const char* name : kRefusedCalls) {
    const int call = seccomp_syscall_resolve_name(name);
    // Calls that this architecture or library does not know cannot be refused, nor made.
    if (call < 0) continue;
    error = error != 0 ? error : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
  }
  for (uint64_t bit = 1; bit != 0; bit <<= 1) {
    if ((kNamespaceFlags & bit) == 0) continue;
    error = error != 0 ? error
                       : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                          SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit));
  }
  // Its flags lie in memory, out of a filter's sight. Libraries fall back to clone.
  error = error != 0 ? error : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  error = error != 0 ? error : seccomp_load(filter);
  seccomp_release(filter);
  if (error == 0) return {};
  errno = -error;
  return failed("cannot load the system call filter");
}

std::string drop_privileges(const RunOrder& order) {
  // Locked: user 0 means nothing, and no capability can be passed on.
  constexpr unsigned long kBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                  SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED | SECBIT_KEEP_CAPS_LOCKED;
  if (::prctl(PR_SET_SECUREBITS, kBits, 0, 0, 0) != 0) return failed("securebits");
  for (unsigned long capability = 0; capability < 64; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      if (errno == EINVAL) break;
      return failed("capability bounding set");
    }
  }
  const std::vector<gid_t> groups(order.device_gids.begin(), order.device_gids.end());
  if (::setgroups(groups.size(), groups.data()) != 0) return failed("setgroups");
  if (::setresgid(order.gid, order.gid, order.gid) != 0)
    return failed("setresgid " + std::to_string(order.gid));
  if (::setresuid(order.uid, order.uid, order.uid) != 0)
    return failed("setresuid " + std::to_string(order.uid));
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0) return failed("capset");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("no_new_privs");
  if (::setresuid(0, 0, 0) == 0) return "could become root again";
  return {};
}

// Processor and disk as they are left over. Where the kernel refuses, the weights of its group hold.
void yield_to_others() {
  const sched_param none{};
  (void)::sched_setscheduler(0, SCHED_IDLE, &none);
  (void)::syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

std::string limit(int resource, uint64_t most, const char* name) {
  rlimit now{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &now) != 0) return failed(name);
  const rlim_t value = std::min<rlim_t>(most, now.rlim_max);
  const rlimit wanted{value, value};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &wanted) != 0) return failed(name);
  return {};
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

}  // namespace

std::string become_run(const RunOrder& order, int output_fd, int32_t supervisor) {
  for (int signal_number = 1; signal_number < NSIG; ++signal_number) ::signal(signal_number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const auto& join : order.group.joins()) {
    if (Status ok = posix::write_control(join, "0"); !ok) return "control group: " + ok.error().text();
  }
  // The supervisor is protected from the out-of-memory killer; its run is not, and one that yields goes first.
  (void)posix::write_control("/proc/self/oom_score_adj", order.spec.best_effort ? "1000" : "0");
  if (order.spec.best_effort) yield_to_others();
  const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (input < 0 || ::dup2(input, 0) < 0 || ::dup2(output_fd, 1) < 0 || ::dup2(output_fd, 2) < 0) {
    return failed("standard descriptors");
  }
  if (::setsid() < 0) return failed("setsid");
  // System V objects and message queues end with the run, and no other run sees them.
  if (::unshare(CLONE_NEWIPC) != 0) return failed("unshare IPC");
  ::umask(077);
  for (const std::string& error :
       {limit(RLIMIT_CORE, 0, "core limit"), limit(RLIMIT_MEMLOCK, 8 << 20, "locked memory limit"),
        limit(RLIMIT_NOFILE, 65'536, "descriptor limit"), limit(RLIMIT_MSGQUEUE, 0, "message queue limit"),
        limit(RLIMIT_RTPRIO, 0, "real-time limit"), limit(RLIMIT_NICE, 0, "nice limit"),
        limit(RLIMIT_FSIZE, order.file_bytes_max == 0 ? RLIM_INFINITY : order.file_bytes_max,
              "file limit")}) {
    if (!error.empty()) return error;
  }
  if (std::string error = drop_privileges(order); !error.empty()) return error;
  // Entered as the run's user: a folder that it cannot enter is the run's own failure.
  if (::chdir(order.work_folder.c_str()) != 0) return failed("chdir " + order.work_folder);
  // After the change of user, which clears it.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return failed("parent death signal");
  if (::getppid() != supervisor) return "the supervisor has died";
  if (::syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) != 0 && errno != ENOSYS) {
    return failed("close_range");
  }
  const std::vector<char*> argv = pointers(order.argv);
  const std::vector<char*> environment = pointers(order.environment);
  if (std::string error = filter_calls(); !error.empty()) return error;
  ::execve(argv.front(), argv.data(), environment.data());
  return failed(std::string("execve ") + argv.front());
}

}  // namespace weir::site_local
