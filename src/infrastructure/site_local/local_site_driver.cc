#include "infrastructure/site_local/local_site_driver.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>
#include <system_error>

#include "infrastructure/posix/file.h"
#include "infrastructure/posix/unique_fd.h"
#include "infrastructure/site_local/accelerators.h"
#include "infrastructure/site_local/allow_list.h"
#include "infrastructure/site_local/artifact_store.h"
#include "infrastructure/site_local/device_filter.h"
#include "infrastructure/site_local/leftovers.h"
#include "infrastructure/site_local/process.h"
#include "infrastructure/site_local/record.h"
#include "infrastructure/site_local/run_log.h"
#include "infrastructure/site_local/run_order.h"
#include "infrastructure/site_local/supervisor.h"

namespace weir::site_local {
namespace {

namespace fs = std::filesystem;
using posix::Durability;
using posix::fail_errno;
using posix::UniqueFd;

constexpr int kAcceptWaitMs = 10'000;
constexpr uint64_t kLeaseUsMax = uint64_t{1} << 60;  // far beyond any, and safe to add to a clock

bool ended(DriverRunState state) {
  return state == DriverRunState::kExited || state == DriverRunState::kLost;
}

struct Record {
  RunOrder order;
  RunControl control;
  RunStatus status;
};

// Kills what is in a group without a supervisor, and removes it when the last process is gone: their new
// parent has to wait for them first. A process that cannot die leaves the group behind.
void remove_group(const cgroup::Group& group) {
  constexpr int kAttempts = 2'000;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    group.kill();
    if (group.remove()) return;
    ::sched_yield();
  }
}

class Driver : public LocalSiteDriver {
 public:
  Driver(LocalSiteOptions options, cgroup::GroupFolders parent, ArtifactStore artifacts, AllowList allow_list,
         UniqueFd lock, UniqueFd fifo)
      : options_(std::move(options)),
        parent_(std::move(parent)),
        artifacts_(std::move(artifacts)),
        allow_list_(std::move(allow_list)),
        lock_(std::move(lock)),
        fifo_(std::move(fifo)) {}

  // The group of all runs goes when no run is left in it.
  ~Driver() override { (void)cgroup::Group(parent_).remove(); }

  Status adopt();

  SiteCapabilities capabilities() const override {
    return {.driver = "local",
            .isolation = std::string(to_string(parent_.version)) + (denies_devices_ ? "+devices" : ""),
            .asynchronous_start = false,
            .survives_agent = true,
            .enforces_lease = true,
            .measures_traffic = parent_.version == cgroup::Version::kV2 || !parent_.unified.empty(),
            .listens = true,
            .accelerators = static_cast<uint32_t>(offered_accelerators(options_.accelerators)),
            .runs_max = options_.runs_max};
  }

  Status start(const RunSpec& spec) override;
  Status stop(RunId id, uint64_t grace_us) override;
  Status renew(RunId id, uint64_t lease_us) override;
  Result<std::vector<ObservedRun>> observe() override;
  Result<RunUsage> usage(RunId id) override;
  Result<LogChunk> logs(RunId id, uint64_t offset, uint64_t bytes_max) override;
  Status forget(RunId id) override;

  Status fetch_artifact(const fs::path& from, const std::string& digest) override {
    return artifacts_.fetch(from, digest);
  }

  Status reload_allow_list() override {
    auto fresh = AllowList::load(options_.allow_list);
    if (!fresh) return tl::unexpected(fresh.error());
    const std::lock_guard lock(mutex_);
    allow_list_ = std::move(*fresh);
    return {};
  }

  std::vector<std::string> accelerators_of(RunId id) override;

  int change_fd() const override { return fifo_.get(); }

  void take_changes() override {
    std::array<char, 4096> buffer;
    while (::read(fifo_.get(), buffer.data(), buffer.size()) > 0) {
    }
  }

 private:
  fs::path runs_folder() const { return options_.state_folder / "runs"; }
  fs::path folder_of(RunId id) const { return runs_folder() / run_name(id); }
  static tl::unexpected<Error> unknown(RunId id) {
    return fail(ErrorCode::kNotFound, "no run " + run_name(id) + " was accepted here");
  }

  Status start_again(Record& record, const RunSpec& spec);
  Status launch(Record& record);
  Status spawn_supervisor(const fs::path& folder) const;
  void discard(RunId id) const;
  void refresh(Record& record);
  void declare_lost(Record& record);
  TenantHoldings holdings_of(const std::string& tenant) const;
  Result<uint32_t> take_uid();
  TakenAccelerators taken_accelerators();
  Status tell(Record& record);

  const LocalSiteOptions options_;
  const cgroup::GroupFolders parent_;
  ArtifactStore artifacts_;
  AllowList allow_list_;
  UniqueFd lock_;
  UniqueFd fifo_;
  std::mutex mutex_;
  std::map<RunId, Record> records_;
  uint32_t next_user_ = 0;  // counted from uid_first
  // The filter is for version 2 groups; machines without them, or whose kernel refuses it, part runs by
  // variables alone.
  const bool denies_devices_ = !options_.accelerators.empty() &&
                               (parent_.version == cgroup::Version::kV2 || !parent_.unified.empty()) &&
                               can_deny_devices();
};

// Whether a supervisor has accepted the run in the folder, and lives.
bool supervised(const fs::path& folder) {
  const auto supervisor = load(folder / kLockFile, decode_process);
  return supervisor && fs::exists(folder / kStatusFile) && alive(*supervisor);
}

Status Driver::adopt() {
  std::error_code error;
  for (fs::directory_iterator at(runs_folder(), error), end; !error && at != end; at.increment(error)) {
    const auto id = parse_run_name(at->path().filename().string());
    if (!id) continue;
    auto order = load(at->path() / kOrderFile, decode_order);
    auto control = load(at->path() / kControlFile, decode_control);
    auto status = load(at->path() / kStatusFile, decode_status);
    if (!order || !control || !status) {
      // Of a start that had not succeeded, or torn by a power failure, which no run survives; unless its supervisor
      // has just accepted it: then the status is there now.
      if (!supervised(at->path())) {
        discard(*id);
        continue;
      }
      if (!status) status = load(at->path() / kStatusFile, decode_status);
      if (!order || !control || !status) {
        return tl::unexpected(!order ? order.error() : !control ? control.error() : status.error());
      }
    }
    Record& record =
        records_.emplace(*id, Record{std::move(*order), *control, std::move(*status)}).first->second;
    refresh(record);
  }
  if (error) return fail_errno("cannot list", runs_folder(), error.value());
  // Groups of runs that have no record: of a start that was cut short.
  for (const std::string& name : cgroup::Group::list(parent_)) {
    const auto id = parse_run_name(name);
    if (!id || records_.contains(*id)) continue;
    if (const auto group = cgroup::Group::open(parent_, name)) remove_group(*group);
  }
  return {};
}

Status Driver::start(const RunSpec& spec) {
  if (Status ok = check_spec(spec); !ok) return ok;
  const std::lock_guard lock(mutex_);
  if (const auto found = records_.find(spec.id); found != records_.end())
    return start_again(found->second, spec);
  if (records_.size() >= options_.runs_max) {
    return fail(ErrorCode::kExhausted, std::to_string(records_.size()) + " runs are kept here", "runs_max",
                "forget runs that have ended");
  }
  const auto program = find_program(spec);
  if (!program) return tl::unexpected(program.error());
  if (Status ok = allow_list_.check(spec, *program, holdings_of(spec.tenant)); !ok) return ok;
  fs::path artifact;
  if (!spec.artifact.digest.empty()) {
    auto path = artifacts_.verified(spec.artifact.digest);
    if (!path) return tl::unexpected(path.error());
    artifact = std::move(*path);
  }
  const auto uid = take_uid();
  if (!uid) return tl::unexpected(uid.error());

  Record record;
  RunOrder& order = record.order;
  const fs::path folder = folder_of(spec.id);
  order.spec = spec;
  order.work_folder = (folder / kWorkFolder).string();
  fill_command(order, *program, artifact);
  if (Status ok = give_accelerators(order, options_.accelerators, taken_accelerators(), denies_devices_); !ok)
    return ok;
  order.uid = order.gid = *uid;
  order.log_bytes_max = options_.log_bytes_max;
  order.file_bytes_max = options_.file_bytes_max;
  order.change_fifo = (options_.state_folder / "changes").string();
  record.control.epoch = spec.epoch;
  if (spec.lease_us != 0)
    record.control.lease_until_us = boottime_us() + std::min(spec.lease_us, kLeaseUsMax);
  if (Status ok = launch(record); !ok) {
    discard(spec.id);
    return ok;
  }
  records_.emplace(spec.id, std::move(record));
  return {};
}

Status Driver::start_again(Record& record, const RunSpec& spec) {
  RunSpec same = spec;
  same.epoch = record.order.spec.epoch;
  same.lease_us = record.order.spec.lease_us;
  if (same != record.order.spec) {
    return fail(ErrorCode::kConflict,
                "run " + run_name(spec.id) + " was accepted with another specification");
  }
  if (spec.epoch < record.control.epoch) {
    return fail(
        ErrorCode::kConflict,
        "epoch " + std::to_string(spec.epoch) + " is older than " + std::to_string(record.control.epoch),
        "run " + run_name(spec.id));
  }
  if (spec.epoch == record.control.epoch) return {};
  record.control.epoch = spec.epoch;
  return tell(record);
}

// Everything of the run that lies on disk, then its supervisor.
Status Driver::launch(Record& record) {
  const RunOrder& order = record.order;
  const fs::path folder = folder_of(order.spec.id);
  discard(order.spec.id);
  for (const fs::path& path : {folder, folder / kWorkFolder, folder / kLogFolder}) {
    if (::mkdir(path.c_str(), 0711) != 0) return fail_errno("cannot make", path, errno);
  }
  if (::chmod(folder.c_str(), 0711) != 0 || ::chmod((folder / kLogFolder).c_str(), 0700) != 0 ||
      ::chmod(order.work_folder.c_str(), 0700) != 0 ||
      ::chown(order.work_folder.c_str(), order.uid, order.gid) != 0) {
    return fail_errno("cannot give to the run", order.work_folder, errno);
  }
  // A supervisor begins only where it finds this file, so none begins in a folder that is being removed.
  if (!UniqueFd(::open((folder / kLockFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600))) {
    return fail_errno("cannot make", folder / kLockFile, errno);
  }
  const auto group = cgroup::Group::create(parent_, run_name(order.spec.id),
                                           {.cpu_milli = order.spec.cpu_milli,
                                            .memory_bytes = order.spec.memory_bytes,
                                            .pids_max = order.spec.pids_max,
                                            .cpu_period_us = options_.cpu_period_us,
                                            .yields = order.spec.best_effort});
  if (!group) return tl::unexpected(group.error());
  record.order.group = group->folders();
  if (Status ok = posix::replace_file(folder / kOrderFile, encode(order), 0600, Durability::kOrdered); !ok)
    return ok;
  if (Status ok =
          posix::replace_file(folder / kControlFile, encode(record.control), 0600, Durability::kOrdered);
      !ok) {
    return ok;
  }
  if (Status ok = spawn_supervisor(folder); !ok) return ok;
  auto status = load(folder / kStatusFile, decode_status);
  if (!status) return tl::unexpected(status.error());
  record.status = std::move(*status);
  return {};
}

Status Driver::spawn_supervisor(const fs::path& folder) const {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("cannot make a pipe for", folder, errno);
  const UniqueFd answer(ends[0]);
  UniqueFd answer_writer(ends[1]);
  std::vector<std::string> words = options_.supervisor_command;
  words.push_back(folder.string());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  // A run must see nothing of the agent's own environment, nor its supervisor.
  std::array<char*, 1> environment = {nullptr};

  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, answer_writer.get(), 1);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, argv[0], &files, &attributes, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail_errno("cannot start the supervisor", argv[0], error);
  answer_writer.reset();

  std::string text;
  std::array<char, 1024> buffer;
  pollfd wait{answer.get(), POLLIN, 0};
  while (text != "ok") {
    const int ready = ::poll(&wait, 1, kAcceptWaitMs);
    if (ready < 0 && errno == EINTR) continue;
    const ssize_t n = ready > 0 ? ::read(answer.get(), buffer.data(), buffer.size()) : -1;
    if (n < 0 && ready > 0 && errno == EINTR) continue;
    if (n <= 0) {
      if (text.empty()) text = ready == 0 ? "no answer within 10 s" : "it ended without a word";
      break;
    }
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  // The first process forks the daemon and ends.
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (text != "ok") return fail(ErrorCode::kUnavailable, "the supervisor refuses: " + text, argv[0]);
  return {};
}

// Ends the supervisor in the folder, if there is one, and keeps any other from beginning while the answer is
// held.
UniqueFd take_over(const fs::path& folder) {
  UniqueFd lock(::open((folder / kLockFile).c_str(), O_RDWR | O_CLOEXEC));
  while (lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    // It holds the lock a moment before it says who it is.
    const auto supervisor = load(folder / kLockFile, decode_process);
    if (!supervisor || !signal_process(*supervisor, SIGKILL)) {
      ::sched_yield();
      continue;
    }
    // What it is writing may take a while to reach the disk.
    while (::flock(lock.get(), LOCK_EX) != 0 && errno == EINTR) {
    }
    break;
  }
  return lock;
}

// Removes whatever a start has left that has not succeeded.
void Driver::discard(RunId id) const {
  const UniqueFd lock = take_over(folder_of(id));
  if (const auto group = cgroup::Group::open(parent_, run_name(id))) remove_group(*group);
  std::error_code ignored;
  fs::remove_all(folder_of(id), ignored);
}

TenantHoldings Driver::holdings_of(const std::string& tenant) const {
  TenantHoldings out;
  for (const auto& [id, record] : records_) {
    if (record.order.spec.tenant != tenant || ended(record.status.state)) continue;
    out.cpu_milli += record.order.spec.cpu_milli;
    out.memory_bytes += record.order.spec.memory_bytes;
    out.accelerator_milli += accelerators_taken_milli(record.order.spec);
    ++out.runs;
  }
  return out;
}

// A run that has ended keeps its user until it is forgotten: its files are still there. The numbers go round,
// so that one which is used again was out of use for long.
Result<uint32_t> Driver::take_uid() {
  std::set<uint32_t> taken;
  for (const auto& [id, record] : records_) taken.insert(record.order.uid);
  for (uint32_t i = 0; i < options_.uid_count; ++i) {
    const uint32_t user = (next_user_ + i) % options_.uid_count;
    const uint32_t uid = options_.uid_first + user;
    if (taken.contains(uid)) continue;
    next_user_ = (user + 1) % options_.uid_count;
    // Of a holder whose end this driver did not see.
    remove_leftovers(uid);
    return uid;
  }
  return fail(ErrorCode::kExhausted,
              "all " + std::to_string(options_.uid_count) + " users for runs are taken", "uid_count",
              "forget runs that have ended");
}

// A run has its devices until its last process has ended.
TakenAccelerators Driver::taken_accelerators() {
  TakenAccelerators out;
  for (auto& [id, record] : records_) {
    if (record.order.accelerators.empty()) continue;
    refresh(record);
    if (ended(record.status.state)) continue;
    const uint32_t share = record.order.spec.accelerator_milli;
    for (const std::string& name : record.order.accelerators) out[name] += share > 0 ? share : kWholeAcceleratorMilli;
  }
  return out;
}

std::vector<std::string> Driver::accelerators_of(RunId id) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  if (found == records_.end()) return {};
  refresh(found->second);
  return ended(found->second.status.state) ? std::vector<std::string>() : found->second.order.accelerators;
}

Status Driver::tell(Record& record) {
  const fs::path path = folder_of(record.order.spec.id) / kControlFile;
  if (Status ok = posix::replace_file(path, encode(record.control), 0600, Durability::kOrdered); !ok)
    return ok;
  // Gone: it has ended, or observe() will find it lost.
  signal_process(record.status.supervisor, SIGUSR1);
  return {};
}

void Driver::refresh(Record& record) {
  if (ended(record.status.state)) return;
  const fs::path path = folder_of(record.order.spec.id) / kStatusFile;
  // Whether it lives comes first: it writes its last status before it ends.
  const bool supervised = alive(record.status.supervisor);
  if (auto status = load(path, decode_status)) record.status = std::move(*status);
  if (ended(record.status.state) || supervised) return;
  declare_lost(record);
}

void Driver::declare_lost(Record& record) {
  const RunId id = record.order.spec.id;
  remove_group(cgroup::Group(record.order.group));
  record.status.state = DriverRunState::kLost;
  record.status.ended_unix_us = std::max(unix_us(), record.status.started_unix_us);
  record.status.exit = {.code = -1, .signal = 0, .reason = "its supervisor has died"};
  (void)posix::replace_file(folder_of(id) / kStatusFile, encode(record.status), 0600, Durability::kDurable);
}

Status Driver::stop(RunId id, uint64_t grace_us) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  if (found == records_.end()) return unknown(id);
  Record& record = found->second;
  refresh(record);
  if (ended(record.status.state)) return {};
  const uint64_t kill_at_us = boottime_us() + std::min(grace_us, kLeaseUsMax);
  if (record.control.stop && record.control.kill_at_us <= kill_at_us) return {};
  record.control.stop = true;
  record.control.kill_at_us = kill_at_us;
  return tell(record);
}

Status Driver::renew(RunId id, uint64_t lease_us) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  if (found == records_.end()) return unknown(id);
  Record& record = found->second;
  refresh(record);
  if (ended(record.status.state)) return fail(ErrorCode::kConflict, "run " + run_name(id) + " has ended");
  record.control.lease_until_us = lease_us == 0 ? 0 : boottime_us() + std::min(lease_us, kLeaseUsMax);
  return tell(record);
}

Result<std::vector<ObservedRun>> Driver::observe() {
  const std::lock_guard lock(mutex_);
  std::vector<ObservedRun> out;
  out.reserve(records_.size());
  for (auto& [id, record] : records_) {
    refresh(record);
    const RunStatus& status = record.status;
    out.push_back(
        {id, record.control.epoch, status.state, status.exit, status.started_unix_us, status.ended_unix_us});
  }
  return out;
}

Result<RunUsage> Driver::usage(RunId id) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  if (found == records_.end()) return unknown(id);
  Record& record = found->second;
  refresh(record);
  // None yet in the first moments.
  RunSample sample = load(folder_of(id) / kUsageFile, decode_sample).value_or(RunSample{});
  if (!ended(record.status.state)) {
    if (const auto now = cgroup::Group(record.order.group).usage()) {
      sample.cpu_us = std::max(sample.cpu_us, now->cpu_us);
      sample.memory_bytes_peak = std::max(sample.memory_bytes_peak, now->memory_bytes_peak);
    }
  }
  RunUsage out{.cpu_us = sample.cpu_us,
               .memory_bytes_peak = sample.memory_bytes_peak,
               .memory_byte_seconds = sample.memory_byte_seconds,
               .traffic_measured = sample.traffic_measured,
               .rx_bytes = sample.rx_bytes,
               .tx_bytes = sample.tx_bytes,
               .energy_microjoule = 0,
               .energy_model = std::string(kEnergyModel),
               .started_unix_us = record.status.started_unix_us,
               .ended_unix_us = record.status.ended_unix_us};
  const uint64_t until_us = out.ended_unix_us != 0 ? out.ended_unix_us : unix_us();
  const uint64_t wall_us =
      out.started_unix_us == 0 || until_us < out.started_unix_us ? 0 : until_us - out.started_unix_us;
  out.energy_microjoule = energy_microjoule(options_.power, record.order.spec.cpu_milli, wall_us, out.cpu_us);
  return out;
}

Result<LogChunk> Driver::logs(RunId id, uint64_t offset, uint64_t bytes_max) {
  bool complete = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(id);
    if (found == records_.end()) return unknown(id);
    refresh(found->second);
    complete = ended(found->second.status.state);
  }
  auto chunk = read_run_log(folder_of(id) / kLogFolder, offset, bytes_max);
  if (chunk && complete && bytes_max > 0) {
    const auto more = read_run_log(folder_of(id) / kLogFolder, chunk->next_offset, 1);
    chunk->complete = more && more->text.empty();
  }
  return chunk;
}

Status Driver::forget(RunId id) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  if (found == records_.end()) return {};
  refresh(found->second);
  if (!ended(found->second.status.state)) {
    return fail(ErrorCode::kConflict, "run " + run_name(id) + " has not ended", {}, "stop it first");
  }
  // Its supervisor may still be making the last record durable.
  const UniqueFd supervisor_lock = take_over(folder_of(id));
  remove_group(cgroup::Group(found->second.order.group));
  remove_leftovers(found->second.order.uid);
  std::error_code error;
  fs::remove_all(folder_of(id), error);
  if (error) return fail_errno("cannot remove", folder_of(id), error.value());
  records_.erase(found);
  return {};
}

// Runs enter the folders of the state by their own users.
Status check_passable(const fs::path& folder) {
  for (fs::path path = folder;; path = path.parent_path()) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return fail_errno("cannot look at", path, errno);
    if ((info.st_mode & S_IXOTH) == 0) {
      return fail(ErrorCode::kDenied, "runs cannot pass through this folder", path.string(),
                  "chmod o+x it, or choose another state folder");
    }
    if (path == path.parent_path()) return {};
  }
}

// Whether the user numbers of runs mean anything in this user namespace: lines "inside outside count".
Status check_users(const LocalSiteOptions& options) {
  const uint64_t first = options.uid_first;
  const uint64_t last = first + options.uid_count;
  if (first == 0 || options.uid_count == 0 || last > 0xffff'fffe) {
    return fail(ErrorCode::kInvalid, "users from " + std::to_string(first), "uid_first",
                "name a range without user 0");
  }
  const auto map = posix::read_file("/proc/self/uid_map");
  if (!map) return tl::unexpected(map.error());
  for (const std::string_view line : cgroup::split_lines(*map)) {
    std::array<uint64_t, 3> numbers{};
    size_t at = 0;
    for (uint64_t& number : numbers) {
      at = line.find_first_not_of(' ', at);
      if (at == std::string_view::npos) break;
      const size_t end = std::min(line.find(' ', at), line.size());
      number = cgroup::parse_number(line.substr(at, end - at)).value_or(0);
      at = end;
    }
    if (first >= numbers[0] && last <= numbers[0] + numbers[2]) return {};
  }
  return fail(ErrorCode::kUnsupported,
              "users from " + std::to_string(first) + " do not exist in this container", "uid_first",
              "choose a range of /proc/self/uid_map that nobody uses");
}

}  // namespace

Result<std::unique_ptr<LocalSiteDriver>> LocalSiteDriver::open(const LocalSiteOptions& options) {
  if (::geteuid() != 0) {
    return fail(ErrorCode::kDenied, "limiting and separating runs needs root", "agent",
                "run the agent as root");
  }
  if (options.supervisor_command.empty() || !options.state_folder.is_absolute()) {
    return fail(ErrorCode::kInvalid, "needs an absolute path and a command",
                "state_folder, supervisor_command");
  }
  if (Status ok = check_users(options); !ok) return tl::unexpected(ok.error());
  if (Status ok = check_accelerators(options.accelerators); !ok) return tl::unexpected(ok.error());
  auto allow_list = AllowList::load(options.allow_list);
  if (!allow_list) return tl::unexpected(allow_list.error());
  std::error_code error;
  fs::create_directories(options.state_folder / "runs", error);
  if (error) return fail_errno("cannot make", options.state_folder / "runs", error.value());
  for (const fs::path& path : {options.state_folder, options.state_folder / "runs"}) {
    if (::chmod(path.c_str(), 0711) != 0) return fail_errno("cannot open to runs", path, errno);
  }
  if (Status ok = check_passable(options.state_folder); !ok) return tl::unexpected(ok.error());
  UniqueFd lock(::open((options.state_folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return fail_errno("cannot open", options.state_folder / "lock", errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::kConflict, "another agent uses this folder", options.state_folder.string(),
                "stop it, or give this one a folder of its own");
  }
  auto artifacts = ArtifactStore::open(options.state_folder / "artifacts");
  if (!artifacts) return tl::unexpected(artifacts.error());
  const fs::path fifo_path = options.state_folder / "changes";
  if (::mkfifo(fifo_path.c_str(), 0600) != 0 && errno != EEXIST)
    return fail_errno("cannot make", fifo_path, errno);
  // Open for writing as well, so that it never ends.
  UniqueFd fifo(::open(fifo_path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fifo) return fail_errno("cannot open", fifo_path, errno);
  const auto tree = cgroup::read_tree();
  if (!tree) return tl::unexpected(tree.error());
  auto parent = cgroup::open_parent(*tree, options.cgroup_name, options.cgroup_parent);
  if (!parent) return tl::unexpected(parent.error());
  // Whoever ends this process by force finds here what it leaves behind.
  std::string groups;
  for (const auto& [controller, folder] : parent->by_controller) groups += folder.string() + "\n";
  if (!parent->unified.empty()) groups += parent->unified.string() + "\n";
  if (Status ok = posix::replace_file(options.state_folder / kGroupsFile, groups, 0600, Durability::kOrdered);
      !ok) {
    return tl::unexpected(ok.error());
  }
  auto driver = std::make_unique<Driver>(options, std::move(*parent), std::move(*artifacts),
                                         std::move(*allow_list), std::move(lock), std::move(fifo));
  if (Status ok = driver->adopt(); !ok) return tl::unexpected(ok.error());
  return driver;
}

}  // namespace weir::site_local
