#include "infrastructure/lab/netns.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <thread>

#include "infrastructure/posix/process_stat.h"

extern char** environ;

namespace weir::lab {
namespace {

constexpr const char* kFolder = "/run/netns";

std::string path_of(const std::string& name) { return std::string(kFolder) + "/" + name; }

tl::unexpected<Error> failed(const std::string& what, const std::string& where,
                             const std::string& remedy = {}) {
  const int code = errno;
  return fail(code == EPERM || code == EACCES ? ErrorCode::kDenied : ErrorCode::kUnavailable,
              what + ": " + std::strerror(code), where, remedy);
}

struct Descriptor {
  int fd = -1;
  explicit Descriptor(int f) : fd(f) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};

struct Actions {
  posix_spawn_file_actions_t value;
  Actions() { posix_spawn_file_actions_init(&value); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() { posix_spawn_file_actions_destroy(&value); }
};

// Signals as a fresh program expects them, and a session of its own if asked.
struct Attributes {
  posix_spawnattr_t value;
  explicit Attributes(bool own_session) {
    posix_spawnattr_init(&value);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&value, &none);
    posix_spawnattr_setsigdefault(&value, &all);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (own_session) flags |= POSIX_SPAWN_SETSID;
    posix_spawnattr_setflags(&value, static_cast<short>(flags));
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { posix_spawnattr_destroy(&value); }
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

Status create_namespace(const std::string& name) {
  if (mkdir(kFolder, 0755) != 0 && errno != EEXIST) return failed("cannot make the folder", kFolder);
  const std::string path = path_of(name);
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
  if (file.fd < 0 && errno == EEXIST) {
    return fail(ErrorCode::kConflict, "the network namespace exists already", path,
                "take down the lab that made it, or give this one another name");
  }
  if (file.fd < 0) return failed("cannot make a network namespace", path);
  const Status made = in_namespace("", [&]() -> Status {
    if (unshare(CLONE_NEWNET) != 0) return failed("cannot make a network namespace", path, "run as root");
    if (mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0) {
      return failed("cannot keep the network namespace", path, "run as root, where mounting is allowed");
    }
    return {};
  });
  if (!made) unlink(path.c_str());
  return made;
}

Status delete_namespace(const std::string& name) {
  const std::string path = path_of(name);
  umount2(path.c_str(), MNT_DETACH);
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return failed("cannot remove the network namespace", path);
  return {};
}

std::vector<std::string> namespaces_with_prefix(std::string_view prefix) {
  std::vector<std::string> out;
  DIR* dir = opendir(kFolder);
  if (dir == nullptr) return out;
  while (const dirent* entry = readdir(dir)) {
    if (std::string_view(entry->d_name).starts_with(prefix)) out.emplace_back(entry->d_name);
  }
  closedir(dir);
  std::ranges::sort(out);
  return out;
}

Status in_namespace(const std::string& name, const std::function<Status()>& work) {
  Status result;
  std::thread worker([&] {
    if (!name.empty()) {
      const Descriptor ns(open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC));
      if (ns.fd < 0 || setns(ns.fd, CLONE_NEWNET) != 0) {
        result =
            failed("cannot enter the network namespace", path_of(name), "is the lab up, and are you root?");
        return;
      }
    }
    result = work();
  });
  worker.join();
  return result;
}

Status run_program(const std::vector<std::string>& argv, std::string_view input) {
  std::array<int, 2> in{}, out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0) return failed("cannot make a pipe", argv[0]);
  Descriptor in_read(in[0]), in_write(in[1]);
  if (pipe2(out.data(), O_CLOEXEC) != 0) return failed("cannot make a pipe", argv[0]);
  Descriptor out_read(out[0]), out_write(out[1]);
  Actions actions;
  posix_spawn_file_actions_adddup2(&actions.value, in_read.fd, 0);
  posix_spawn_file_actions_adddup2(&actions.value, out_write.fd, 1);
  posix_spawn_file_actions_adddup2(&actions.value, out_write.fd, 2);
  const Attributes attributes(false);
  pid_t pid = 0;
  errno =
      posix_spawnp(&pid, argv[0].c_str(), &actions.value, &attributes.value, pointers(argv).data(), environ);
  if (errno != 0) return failed("cannot run it", argv[0], "install the package that has it");
  in_read.close();
  out_write.close();
  fcntl(in_write.fd, F_SETFL, O_NONBLOCK);
  // A reader that went away must be an error of write, not a signal.
  sigset_t pipe_signal, before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  bool broken = false;
  std::string said;
  while (true) {
    if (input.empty()) in_write.close();
    std::array<pollfd, 2> fds{{{out_read.fd, POLLIN, 0}, {in_write.fd, POLLOUT, 0}}};
    if (poll(fds.data(), in_write.fd >= 0 ? 2 : 1, -1) < 0 && errno != EINTR) break;
    if (in_write.fd >= 0 && fds[1].revents != 0) {
      const ssize_t n = write(in_write.fd, input.data(), input.size());
      if (n > 0) input.remove_prefix(static_cast<size_t>(n));
      if (n < 0 && errno != EAGAIN && errno != EINTR) {
        broken = broken || errno == EPIPE;
        in_write.close();
        input = {};
      }
    }
    if (fds[0].revents != 0) {
      std::array<char, 4096> buffer{};
      const ssize_t n = read(out_read.fd, buffer.data(), buffer.size());
      if (n == 0) break;
      if (n > 0 && said.size() < 4096) said.append(buffer.data(), static_cast<size_t>(n));
    }
  }
  if (broken) {
    const timespec none{};
    sigtimedwait(&pipe_signal, nullptr, &none);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const int status = wait_for(pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  while (!said.empty() && said.back() == '\n') said.pop_back();
  return fail(ErrorCode::kUnavailable, "failed: " + (said.empty() ? "it said nothing" : said), argv[0]);
}

Result<ProcessName> start_process(const ProcessSpec& spec, int ready_fd) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
  for (const auto& [name, value] : spec.environment) {
    std::erase_if(environment, [&](const std::string& e) { return e.starts_with(name + "="); });
    environment.push_back(name + "=" + value);
  }
  Actions actions;
  const std::string log = spec.log_path.empty() ? "/dev/null" : spec.log_path;
  posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions.value, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0640);
  posix_spawn_file_actions_adddup2(&actions.value, 1, 2);
  if (ready_fd >= 0) posix_spawn_file_actions_adddup2(&actions.value, ready_fd, 3);
  posix_spawn_file_actions_addclosefrom_np(&actions.value, ready_fd >= 0 ? 4 : 3);
  const Attributes attributes(true);
  pid_t pid = 0;
  errno = posix_spawnp(&pid, spec.argv[0].c_str(), &actions.value, &attributes.value,
                       pointers(spec.argv).data(), pointers(environment).data());
  if (errno != 0)
    return failed("cannot start it", spec.argv[0], "check the program's name and its log " + log);
  return name_process(pid);
}

Result<ProcessName> name_process(pid_t pid) {
  const auto stat = posix::read_process_stat(pid);
  if (!stat) return fail(ErrorCode::kNotFound, "there is no process " + std::to_string(pid));
  return ProcessName{pid, stat->start_ticks};
}

bool alive(const ProcessName& process) {
  const auto stat = posix::read_process_stat(process.pid);
  return stat && stat->start_ticks == process.start_ticks && stat->state != 'Z' && stat->state != 'X';
}

Status end_process(const ProcessName& process, int grace_ms) {
  const Descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
  if (handle.fd < 0 || !alive(process)) {
    waitpid(process.pid, nullptr, WNOHANG);  // if it was our child
    return {};
  }
  const auto signal_and_wait = [&](int signal, int wait_ms) {
    syscall(SYS_pidfd_send_signal, handle.fd, signal, nullptr, 0);
    pollfd gone{handle.fd, POLLIN, 0};
    return poll(&gone, 1, wait_ms) > 0;
  };
  const bool ended = (grace_ms > 0 && signal_and_wait(SIGTERM, grace_ms)) || signal_and_wait(SIGKILL, 5000);
  waitpid(process.pid, nullptr, WNOHANG);
  if (!ended) {
    return fail(ErrorCode::kUnavailable, "process " + std::to_string(process.pid) + " does not end", {},
                "it hangs in the kernel; look at dmesg");
  }
  return {};
}

std::vector<ProcessName> processes_in(const std::string& namespace_name) {
  std::vector<ProcessName> out;
  struct stat wanted {};
  if (stat(path_of(namespace_name).c_str(), &wanted) != 0) return out;
  DIR* dir = opendir("/proc");
  if (dir == nullptr) return out;
  while (const dirent* entry = readdir(dir)) {
    const std::string_view digits(entry->d_name);
    pid_t pid = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), pid).ec != std::errc()) continue;
    struct stat theirs {};
    if (pid == getpid() || stat(("/proc/" + std::string(digits) + "/ns/net").c_str(), &theirs) != 0) continue;
    if (theirs.st_ino != wanted.st_ino || theirs.st_dev != wanted.st_dev) continue;
    if (auto process = name_process(pid)) out.push_back(*process);
  }
  closedir(dir);
  return out;
}

Status write_sysctl(const std::string& path_below_proc_sys, std::string_view value) {
  const std::string path = "/proc/sys/" + path_below_proc_sys;
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.fd < 0 || write(file.fd, value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    return failed("cannot set it to " + std::string(value), path);
  }
  return {};
}

}  // namespace weir::lab
