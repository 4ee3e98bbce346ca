#include "infrastructure/site_local/local_site_driver.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <sstream>

#include "infrastructure/posix/file.h"
#include "infrastructure/posix/unique_fd.h"
#include "infrastructure/site_local/artifact_store.h"
#include "infrastructure/site_local/process.h"
#include "infrastructure/site_local/record.h"

namespace weir::site_local {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr uint64_t kSecond = 1'000'000;

// Real runs on this machine, by whichever version of control groups it has.
class LiveRuns : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "runs need root";
    const auto tree = cgroup::read_tree();
    if (!tree) GTEST_SKIP() << tree.error().text();
    std::string name = "/tmp/weir-site-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    ASSERT_EQ(::chmod(name.c_str(), 0755), 0);
    allow("commands = [\"*\"]\nartifacts = [\"*\"]\ncpu_milli_max = 2000\nmemory_mib_max = 1024\n");
    options_.state_folder = folder_ / "state";
    options_.allow_list = folder_ / "allow.toml";
    options_.supervisor_command = {WEIR_RUN_PROGRAM};
    options_.cgroup_name = "weir-test-" + std::to_string(::getpid());
    // Below the root, since this very process would otherwise be moved on version 2.
    options_.cgroup_parent = "/";
    // What users of runs leave is removed with them: tests beside this one have users of their own.
    options_.uid_first += static_cast<uint32_t>(::getpid() % 100'000) * options_.uid_count;
    options_.power = {.idle_milliwatt = 40'000, .peak_milliwatt = 100'000, .capacity_milli = 2'000};
    open();
  }

  void TearDown() override {
    if (driver_) {
      const auto runs = driver_->observe().value();
      for (const ObservedRun& run : runs) {
        EXPECT_TRUE(driver_->stop(run.id, 0));
        EXPECT_TRUE(wait_until([&] { return look(run.id)->state >= DriverRunState::kExited; }));
        EXPECT_TRUE(driver_->forget(run.id));
      }
      driver_.reset();
      const cgroup::Tree tree = cgroup::read_tree().value();
      for (const auto& [controller, hierarchy] : tree.hierarchies) {
        EXPECT_FALSE(fs::exists(hierarchy.mount / options_.cgroup_name)) << controller << ": a group is left";
      }
    }
    if (!folder_.empty()) fs::remove_all(folder_);
  }

  void allow(const std::string& rule) {
    std::ofstream(folder_ / "allow.toml") << "version = 1\n[[tenant]]\nname = \"city\"\n" << rule;
  }

  void open() {
    auto driver = LocalSiteDriver::open(options_);
    ASSERT_TRUE(driver) << driver.error().text();
    driver_ = std::move(*driver);
  }
  // As if the agent had died and come back.
  void reopen() {
    driver_.reset();
    open();
  }

  RunSpec shell(const std::string& script) {
    return {.id = {++plan_, 0},
            .tenant = "city",
            .intent = "test",
            .command = {"/bin/sh", "-c", script},
            .cpu_milli = 1000,
            .memory_bytes = 64 << 20,
            .pids_max = 16};
  }

  std::optional<ObservedRun> look(RunId id) {
    const auto runs = driver_->observe();
    EXPECT_TRUE(runs);
    for (const ObservedRun& run : *runs) {
      if (run.id == id) return run;
    }
    return std::nullopt;
  }

  // Waits, by the driver's own notice, until the test holds; at most 10 s.
  bool wait_until(const std::function<bool()>& holds) {
    const auto give_up = steady_clock::now() + std::chrono::seconds(10);
    while (!holds()) {
      if (steady_clock::now() > give_up) return false;
      pollfd wait{driver_->change_fd(), POLLIN, 0};
      // Output and use change without notice: look at them again now and then.
      ::poll(&wait, 1, 20);
      driver_->take_changes();
    }
    return true;
  }
  ObservedRun wait_for(RunId id, DriverRunState state) {
    EXPECT_TRUE(wait_until([&] { return look(id).value().state == state; }))
        << "run " << run_name(id) << " is " << to_string(look(id)->state) << ", expected "
        << to_string(state);
    return look(id).value();
  }
  ObservedRun run_to_end(const RunSpec& spec) {
    const Status started = driver_->start(spec);
    EXPECT_TRUE(started) << started.error().text();
    if (!started) return {};
    return wait_for(spec.id, DriverRunState::kExited);
  }
  std::string log_of(RunId id) { return driver_->logs(id, 0, 1 << 20).value().text; }

  RunStatus status_of(RunId id) {
    return decode_status(posix::read_file(options_.state_folder / "runs" / run_name(id) / "status").value())
        .value();
  }

  fs::path folder_;
  LocalSiteOptions options_;
  std::unique_ptr<LocalSiteDriver> driver_;
  uint64_t plan_ = 100;
};

TEST_F(LiveRuns, KeepsOutputExitStatusAndUse) {
  const RunSpec spec = shell("echo out; echo err >&2; exit 3");
  const ObservedRun run = run_to_end(spec);
  EXPECT_EQ(run.exit, (RunExit{.code = 3, .signal = 0, .reason = "exited"}));
  EXPECT_GE(run.ended_unix_us, run.started_unix_us);
  EXPECT_EQ(log_of(spec.id), "out\nerr\n");
  EXPECT_TRUE(driver_->logs(spec.id, 0, 100)->complete);
  EXPECT_FALSE(driver_->logs(spec.id, 0, 3)->complete);
  const RunUsage usage = driver_->usage(spec.id).value();
  EXPECT_GT(usage.cpu_us, 0u);
  EXPECT_GT(usage.memory_bytes_peak, 0u);
  EXPECT_EQ(usage.energy_model, "linear-cpu-v1");
  EXPECT_EQ(usage.energy_microjoule,
            energy_microjoule(options_.power, 1000, run.ended_unix_us - run.started_unix_us, usage.cpu_us));
  EXPECT_EQ(driver_->usage(spec.id).value(), usage) << "final";
}

TEST_F(LiveRuns, GivesNoPrivileges) {
  const RunSpec spec = shell(
      "id -u; id -g; id -G; grep -E '^(Cap|NoNewPrivs|Seccomp):?' /proc/self/status; ls /proc/self/fd | wc "
      "-l; ulimit -c;"
      "unshare -U true 2>/dev/null && echo BAD; env | grep -c AGENT_SECRET; cat /proc/self/oom_score_adj; "
      "pwd");
  ::setenv("AGENT_SECRET", "x", 1);
  run_to_end(spec);
  const std::string uid = std::to_string(options_.uid_first);
  const std::string log = log_of(spec.id);
  EXPECT_TRUE(log.starts_with(uid + "\n" + uid + "\n" + uid + "\n")) << log;
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_NE(log.find(std::string(set) + ":\t0000000000000000\n"), std::string::npos) << set << log;
  }
  EXPECT_NE(log.find("NoNewPrivs:\t1\n"), std::string::npos) << log;
  EXPECT_NE(log.find("Seccomp:\t2\n"), std::string::npos) << log;
  EXPECT_EQ(log.find("BAD"), std::string::npos);
  // Standard input, output, error and the folder that ls itself lists; no core; no secret; default OOM score.
  EXPECT_TRUE(log.ends_with("\n4\n0\n0\n0\n" + (options_.state_folder / "runs/101-0/work").string() + "\n"))
      << log;
}

TEST_F(LiveRuns, BestEffortWorkYields) {
  RunSpec spec = shell("cut -d ' ' -f 41 /proc/self/stat; cat /proc/self/oom_score_adj");
  ASSERT_EQ(run_to_end(spec).exit.code, 0);
  EXPECT_EQ(log_of(spec.id), "0\n0\n");
  spec.id = {++plan_, 0};
  spec.best_effort = true;
  ASSERT_EQ(run_to_end(spec).exit.code, 0);
  EXPECT_EQ(log_of(spec.id), "5\n1000\n") << "SCHED_IDLE is policy 5; of those that are ended for want of memory it is the first";
}

TEST_F(LiveRuns, PacketsOfBestEffortWorkGoLast) {
  // What arrives over loopback still says with which priority it was sent (SO_RCVPRIORITY, Linux 6.14).
  const std::string say = R"(python3 -c '
import socket
to = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
to.bind(("::1", 0))
to.setsockopt(socket.SOL_SOCKET, 82, 1)
socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", to.getsockname())
print(int.from_bytes(to.recvmsg(10, 100)[1][0][2], "little"))' 2>&1 | tail -1)";
  RunSpec spec = shell(say);
  run_to_end(spec);
  if (log_of(spec.id).find("not available") != std::string::npos) GTEST_SKIP() << "this kernel does not tell of priorities: " << log_of(spec.id);
  EXPECT_EQ(log_of(spec.id), "0\n");
  spec.id = {++plan_, 0};
  spec.best_effort = true;
  run_to_end(spec);
  EXPECT_EQ(log_of(spec.id), "1\n") << "TC_PRIO_FILLER";
}

TEST_F(LiveRuns, NoRunMeetsWhatAnotherLeft) {
  const std::string left = "/weir-left-" + std::to_string(::getpid());
  const std::string make = "id -u; readlink /proc/self/ns/ipc; for d in /tmp /dev/shm; do mkdir $d" + left +
                           " && echo secret > $d" + left + "/file; done";
  const RunSpec first = shell(make);
  EXPECT_EQ(run_to_end(first).exit.code, 0);
  ASSERT_TRUE(fs::exists("/tmp" + left + "/file"));
  const RunSpec second = shell("id -u; readlink /proc/self/ns/ipc; cat /tmp" + left + "/file " +
                               (options_.state_folder / "runs" / run_name(first.id) / "work").string());
  run_to_end(second);
  const auto line = [this](RunId id, size_t number) {
    std::istringstream in(log_of(id));
    std::string out;
    for (size_t i = 0; i <= number; ++i) std::getline(in, out);
    return out;
  };
  const std::string user = line(first.id, 0);
  EXPECT_NE(user, line(second.id, 0)) << "the first one's files are still there";
  EXPECT_EQ(log_of(second.id).find("secret"), std::string::npos);
  EXPECT_NE(line(first.id, 1), fs::read_symlink("/proc/self/ns/ipc").string());
  ASSERT_TRUE(driver_->forget(first.id));
  EXPECT_FALSE(fs::exists("/tmp" + left));
  EXPECT_FALSE(fs::exists("/dev/shm" + left));
  const RunSpec third = shell("id -u");
  run_to_end(third);
  EXPECT_NE(line(third.id, 0), user) << "numbers go round";
}

TEST_F(LiveRuns, UsersAreNotUsedAgainBeforeTheirRunIsForgotten) {
  options_.uid_count = 2;
  reopen();
  const RunSpec first = shell("exit 0");
  run_to_end(first);
  run_to_end(shell("exit 0"));
  const RunSpec third = shell("id -u");
  const Status full = driver_->start(third);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::kExhausted);
  // What an earlier holder has left, and no driver saw go.
  const std::string left = "/tmp/weir-left-" + std::to_string(::getpid());
  std::ofstream(left) << "secret";
  ASSERT_EQ(::lchown(left.c_str(), options_.uid_first, options_.uid_first), 0);
  ASSERT_TRUE(driver_->forget(first.id));
  run_to_end(third);
  EXPECT_EQ(log_of(third.id), std::to_string(options_.uid_first) + "\n");
  EXPECT_FALSE(fs::exists(left));
}

TEST_F(LiveRuns, MemoryLimitKillsAsOom) {
  // tail holds its whole input, which has no line's end.
  const ObservedRun run = run_to_end(shell("tail -n 1 /dev/zero"));
  EXPECT_EQ(run.exit.reason, "oom");
  EXPECT_LE(driver_->usage(run.id)->memory_bytes_peak, 64u << 20);
}

TEST_F(LiveRuns, CpuLimitThrottles) {
  RunSpec spec = shell("while :; do :; done");
  spec.cpu_milli = 200;
  ASSERT_TRUE(driver_->start(spec));
  wait_for(spec.id, DriverRunState::kRunning);
  const auto begin = steady_clock::now();
  const uint64_t before = driver_->usage(spec.id)->cpu_us;
  EXPECT_TRUE(wait_until([&] { return steady_clock::now() - begin > std::chrono::milliseconds(700); }));
  const auto wall_us =
      std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin).count();
  const uint64_t used = driver_->usage(spec.id)->cpu_us - before;
  // A fifth of the wall, and one period's quota more or less.
  EXPECT_LT(used, static_cast<uint64_t>(wall_us) / 5 + 25'000);
  EXPECT_GT(used, 20'000u);
  EXPECT_TRUE(wait_until([&] { return driver_->usage(spec.id)->memory_byte_seconds > 0; }));
}

TEST_F(LiveRuns, PidsLimitStopsForks) {
  const RunSpec spec = shell("i=0; while [ $i -lt 40 ]; do sleep 30 & i=$((i+1)); done; echo all; exit 0");
  const ObservedRun run = run_to_end(spec);
  EXPECT_EQ(log_of(spec.id).find("all"), std::string::npos);
  EXPECT_NE(run.exit.code, 0);
}

TEST_F(LiveRuns, StopIsPoliteFirst) {
  const RunSpec spec = shell("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.05; done");
  ASSERT_TRUE(driver_->start(spec));
  ASSERT_TRUE(wait_until([&] { return log_of(spec.id) == "ready\n"; }));
  ASSERT_TRUE(driver_->stop(spec.id, 5 * kSecond));
  const ObservedRun run = wait_for(spec.id, DriverRunState::kExited);
  EXPECT_EQ(run.exit, (RunExit{.code = 7, .signal = 0, .reason = "stopped"}));
  EXPECT_TRUE(log_of(spec.id).ends_with("bye\n"));
  EXPECT_TRUE(driver_->stop(spec.id, 0)) << "stopping the stopped is no error";
}

TEST_F(LiveRuns, StopKillsTheDeafAndItsChildren) {
  const RunSpec spec = shell("trap '' TERM; (trap '' TERM; sleep 1000) & echo ready; sleep 1000; sleep 1000");
  ASSERT_TRUE(driver_->start(spec));
  ASSERT_TRUE(wait_until([&] { return log_of(spec.id) == "ready\n"; }));
  ASSERT_TRUE(driver_->stop(spec.id, 3600 * kSecond));
  ASSERT_TRUE(driver_->stop(spec.id, 100'000)) << "a second stop shortens the grace";
  const ObservedRun run = wait_for(spec.id, DriverRunState::kExited);
  EXPECT_EQ(run.exit, (RunExit{.code = -1, .signal = SIGKILL, .reason = "stopped"}));
}

TEST_F(LiveRuns, WhatTheFirstProcessLeavesGoesWithIt) {
  const RunSpec spec = shell("setsid sleep 1000 & exit 0");
  EXPECT_EQ(run_to_end(spec).exit.reason, "exited");
}

TEST_F(LiveRuns, JobEndsWithItsLeaseAndServiceDoesNot) {
  RunSpec job = shell("sleep 1000");
  job.lease_us = 500'000;
  RunSpec service = shell("sleep 1000");
  service.lease_us = 500'000;
  service.lease_policy = LeasePolicy::kService;
  ASSERT_TRUE(driver_->start(service));
  const ObservedRun run = run_to_end(job);
  EXPECT_EQ(run.exit.reason, "lease");
  EXPECT_GE(run.ended_unix_us - run.started_unix_us, 100'000u) << "counted from acceptance";
  EXPECT_EQ(look(service.id)->state, DriverRunState::kRunning);
  EXPECT_EQ(driver_->renew(job.id, kSecond).error().code, ErrorCode::kConflict);
}

TEST_F(LiveRuns, RenewedJobGoesOn) {
  RunSpec renewed = shell("sleep 1000");
  renewed.lease_us = 600'000;
  RunSpec other = shell("sleep 1000");
  other.lease_us = 700'000;
  ASSERT_TRUE(driver_->start(renewed));
  ASSERT_TRUE(driver_->start(other));
  ASSERT_TRUE(driver_->renew(renewed.id, 600 * kSecond));
  wait_for(other.id, DriverRunState::kExited);
  EXPECT_EQ(look(renewed.id)->state, DriverRunState::kRunning);
}

TEST_F(LiveRuns, AdoptsWhatWentOnWithoutIt) {
  const RunSpec lives =
      shell("echo one; read x < /dev/null; while [ ! -e go ]; do sleep 0.02; done; echo two; exit 5");
  const RunSpec ends = shell("exit 4");
  ASSERT_TRUE(driver_->start(lives));
  ASSERT_TRUE(driver_->start(ends));
  const int32_t leader = wait_for(lives.id, DriverRunState::kRunning).state == DriverRunState::kRunning
                             ? status_of(lives.id).leader.pid
                             : 0;
  reopen();
  EXPECT_EQ(wait_for(ends.id, DriverRunState::kExited).exit.code, 4);
  EXPECT_EQ(look(lives.id)->state, DriverRunState::kRunning);
  EXPECT_EQ(status_of(lives.id).leader.pid, leader) << "the same process";
  EXPECT_TRUE(driver_->start(lives)) << "starting it again does nothing";
  std::ofstream(options_.state_folder / "runs" / run_name(lives.id) / "work/go") << "";
  EXPECT_EQ(wait_for(lives.id, DriverRunState::kExited).exit.code, 5);
  EXPECT_EQ(log_of(lives.id), "one\ntwo\n");
}

// An agent is killed at any moment, again and again: what it was told is accepted is there afterwards, once,
// and what is not there has left nothing.
TEST_F(LiveRuns, AgentKilledAtAnyMoment) {
  std::set<RunId> accepted;
  for (uint32_t round = 0; round < 8; ++round) {
    driver_.reset();
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    posix::UniqueFd told(ends[0]);
    posix::UniqueFd tell(ends[1]);
    const pid_t agent = ::fork();
    ASSERT_GE(agent, 0);
    if (agent == 0) {
      auto driver = LocalSiteDriver::open(options_);
      for (uint32_t item = 0; driver && item < 1'000; ++item) {
        RunSpec spec = shell("sleep 1000");
        spec.id = {1'000 + round, item};
        spec.cpu_milli = 1;
        spec.memory_bytes = 1 << 20;
        if (!(*driver)->start(spec) || ::write(tell.get(), &item, sizeof item) != sizeof item) break;
      }
      ::_exit(1);
    }
    tell.reset();
    // Dies some microseconds after its second run, at another moment in each round.
    uint32_t item = 0;
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(::read(told.get(), &item, sizeof item), static_cast<ssize_t>(sizeof item));
      accepted.insert({1'000 + round, item});
    }
    const auto until = steady_clock::now() + std::chrono::microseconds(1'000 * round);
    while (steady_clock::now() < until) {
    }
    ASSERT_EQ(::kill(agent, SIGKILL), 0);
    ASSERT_EQ(::waitpid(agent, nullptr, 0), agent);
    while (::read(told.get(), &item, sizeof item) == sizeof item) accepted.insert({1'000 + round, item});
    open();
    const auto runs = driver_->observe().value();
    std::set<RunId> observed;
    for (const ObservedRun& run : runs) {
      EXPECT_LE(run.state, DriverRunState::kExited) << run_name(run.id);
      EXPECT_TRUE(observed.insert(run.id).second);
    }
    EXPECT_TRUE(std::includes(observed.begin(), observed.end(), accepted.begin(), accepted.end()));
    // Groups and folders are those of the observed runs.
    for (const auto& entry : fs::directory_iterator(options_.state_folder / "runs")) {
      EXPECT_TRUE(observed.contains(parse_run_name(entry.path().filename().string()).value()));
    }
    const auto parent =
        cgroup::open_parent(cgroup::read_tree().value(), options_.cgroup_name, options_.cgroup_parent);
    for (const std::string& name : cgroup::Group::list(parent.value())) {
      EXPECT_TRUE(observed.contains(parse_run_name(name).value())) << name;
    }
  }
}

TEST_F(LiveRuns, DeadSupervisorMeansLostAndNothingLeft) {
  const RunSpec spec = shell("setsid sleep 1000 & sleep 1000");
  ASSERT_TRUE(driver_->start(spec));
  wait_for(spec.id, DriverRunState::kRunning);
  const RunStatus status = status_of(spec.id);
  ASSERT_TRUE(signal_process(status.supervisor, SIGKILL));
  ASSERT_TRUE(wait_until([&] { return look(spec.id)->state == DriverRunState::kLost; }));
  ASSERT_TRUE(wait_until([&] { return !alive(status.leader); }));
  reopen();
  EXPECT_EQ(look(spec.id)->state, DriverRunState::kLost);
  ASSERT_TRUE(wait_until([&] { return driver_->forget(spec.id).has_value(); }));
}

TEST_F(LiveRuns, EpochsFence) {
  RunSpec spec = shell("sleep 1000");
  spec.epoch = 5;
  ASSERT_TRUE(driver_->start(spec));
  EXPECT_TRUE(driver_->start(spec));
  spec.epoch = 4;
  EXPECT_EQ(driver_->start(spec).error().code, ErrorCode::kConflict);
  spec.epoch = 6;
  EXPECT_TRUE(driver_->start(spec));
  EXPECT_EQ(look(spec.id)->epoch, 6u);
  reopen();
  EXPECT_EQ(look(spec.id)->epoch, 6u);
  spec.cpu_milli = 1001;
  EXPECT_EQ(driver_->start(spec).error().code, ErrorCode::kConflict);
}

TEST_F(LiveRuns, RunsArtifactsByDigestOnly) {
  std::ofstream(folder_ / "tool") << "#!/bin/sh\necho artifact $1 $WEIR_RUN\n";
  const std::string digest = digest_of(folder_ / "tool").value();
  RunSpec spec = shell("");
  spec.command = {"{artifact}", "hello"};
  spec.artifact = {"tool", digest};
  EXPECT_EQ(driver_->start(spec).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(driver_->fetch_artifact(folder_ / "tool", std::string(64, '0')).error().code,
            ErrorCode::kCorrupt);
  ASSERT_TRUE(driver_->fetch_artifact(folder_ / "tool", digest));
  run_to_end(spec);
  EXPECT_EQ(log_of(spec.id), "artifact hello 101-0\n");
  // Tampered with: nothing runs.
  const fs::path stored = options_.state_folder / "artifacts/sha256" / digest;
  std::ofstream(stored) << "#!/bin/sh\necho evil\n";
  spec.id.item = 1;
  EXPECT_EQ(driver_->start(spec).error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(look(spec.id));
}

TEST_F(LiveRuns, AllowListIsAskedEachTime) {
  RunSpec first = shell("sleep 1000");
  first.cpu_milli = 1500;
  ASSERT_TRUE(driver_->start(first));
  RunSpec second = shell("sleep 1000");
  second.cpu_milli = 501;
  EXPECT_EQ(driver_->start(second).error().code, ErrorCode::kExhausted);
  second.tenant = "other";
  EXPECT_EQ(driver_->start(second).error().code, ErrorCode::kDenied);
  EXPECT_FALSE(look(second.id));
  allow("nonsense = 1\n");
  EXPECT_FALSE(driver_->reload_allow_list());
  allow("cpu_milli_max = 2000\nmemory_mib_max = 1024\n");
  EXPECT_TRUE(driver_->reload_allow_list());
  EXPECT_EQ(driver_->start(shell("true")).error().code, ErrorCode::kDenied);
  wait_for(first.id, DriverRunState::kRunning);
}

TEST_F(LiveRuns, FailedCommandSaysWhy) {
  std::ofstream(folder_ / "broken") << "#!/no/such/interpreter\n";
  const std::string digest = digest_of(folder_ / "broken").value();
  ASSERT_TRUE(driver_->fetch_artifact(folder_ / "broken", digest));
  RunSpec spec = shell("");
  spec.command = {};
  spec.artifact = {"broken", digest};
  const ObservedRun run = run_to_end(spec);
  EXPECT_EQ(run.exit.code, -1);
  EXPECT_TRUE(run.exit.reason.starts_with("start: execve /")) << run.exit.reason;
}

// Devices that every machine has, and that a shell does without, stand for accelerators.
class LiveAccelerators : public LiveRuns {
 protected:
  void SetUp() override {
    LiveRuns::SetUp();
    if (IsSkipped()) return;
    driver_.reset();
    allow("commands = [\"*\"]\ncpu_milli_max = 4000\nmemory_mib_max = 1024\naccelerators_max = 9\n");
    options_.accelerators = {{"GPU-a", "CUDA_VISIBLE_DEVICES", {"/dev/full"}, {}},
                             {"GPU-b", "CUDA_VISIBLE_DEVICES", {"/dev/zero"}, {}}};
    open();
  }
  RunSpec asking(uint32_t count, const std::string& script) {
    RunSpec out = shell(script);
    out.accelerators = count;
    return out;
  }
  static constexpr const char* kTell =
      "echo $CUDA_VISIBLE_DEVICES; for d in full zero; do (: < /dev/$d) 2>/dev/null && echo $d; done; ";
};

TEST_F(LiveAccelerators, ARunHasItsOwnAndNoOther) {
  EXPECT_EQ(driver_->capabilities().accelerators, 2u);
  const RunSpec first = asking(1, std::string(kTell) + "exec sleep 60");
  const RunSpec second = asking(1, std::string(kTell) + "exec sleep 60");
  const RunSpec none = shell(kTell);
  ASSERT_TRUE(driver_->start(first));
  ASSERT_TRUE(driver_->start(second));
  const RunSpec third = asking(1, "true");
  EXPECT_EQ(driver_->start(third).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(driver_->start(asking(3, "true")).error().code, ErrorCode::kInvalid);
  run_to_end(none);
  ASSERT_TRUE(wait_until([&] { return log_of(first.id).size() > 5 && log_of(second.id).size() > 5; }));
  EXPECT_TRUE(log_of(first.id).starts_with("GPU-a\n"));
  EXPECT_TRUE(log_of(second.id).starts_with("GPU-b\n"));
  EXPECT_TRUE(log_of(none.id).starts_with("\n"));

  // The next agent finds who has what.
  reopen();
  EXPECT_EQ(driver_->accelerators_of(first.id), std::vector<std::string>{"GPU-a"});
  EXPECT_EQ(driver_->start(third).error().code, ErrorCode::kExhausted);
  // Free again as soon as its run has ended, before that is forgotten.
  ASSERT_TRUE(driver_->stop(first.id, 0));
  wait_for(first.id, DriverRunState::kExited);
  EXPECT_TRUE(driver_->accelerators_of(first.id).empty());
  ASSERT_TRUE(driver_->start(third)) << "the device of a run that has ended";
  EXPECT_EQ(driver_->accelerators_of(third.id), std::vector<std::string>{"GPU-a"});
}

TEST_F(LiveAccelerators, TheKernelKeepsARunFromTheOthers) {
  if (!driver_->capabilities().isolation.ends_with("+devices"))
    GTEST_SKIP() << "this kernel filters no devices";
  const RunSpec one = asking(1, kTell);
  run_to_end(one);
  EXPECT_EQ(log_of(one.id), "GPU-a\nfull\n");
  const RunSpec both = asking(2, kTell);
  run_to_end(both);
  EXPECT_EQ(log_of(both.id), "GPU-a,GPU-b\nfull\nzero\n");
  const RunSpec none = shell(kTell);
  run_to_end(none);
  EXPECT_EQ(log_of(none.id), "\n");
}

TEST_F(LiveAccelerators, TheAllowListBoundsThem) {
  driver_.reset();
  allow("commands = [\"*\"]\ncpu_milli_max = 4000\nmemory_mib_max = 1024\naccelerators_max = 1\n");
  open();
  EXPECT_EQ(driver_->start(asking(2, "true")).error().code, ErrorCode::kDenied);
  EXPECT_TRUE(driver_->start(asking(1, "true")));
}

TEST_F(LiveRuns, CountsItsOwnTraffic) {
  // This test's own bytes must not be counted: the run sends 10 datagrams of 1,000 bytes over loopback.
  posix::UniqueFd sink(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in local{};
  local.sin_family = AF_INET;
  local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof local;
  ASSERT_EQ(::bind(sink.get(), reinterpret_cast<sockaddr*>(&local), length), 0);
  ASSERT_EQ(::getsockname(sink.get(), reinterpret_cast<sockaddr*>(&local), &length), 0);
  RunSpec spec = shell("for i in 1 2 3 4 5 6 7 8 9 10; do head -c 1000 /dev/zero > /dev/udp/127.0.0.1/" +
                       std::to_string(ntohs(local.sin_port)) + "; done");
  spec.command[0] = "/bin/bash";
  EXPECT_EQ(run_to_end(spec).exit.code, 0) << log_of(spec.id);
  const RunUsage usage = driver_->usage(spec.id).value();
  if (!usage.traffic_measured) GTEST_SKIP() << "this kernel attaches no traffic counter";
  // 20 bytes of IPv4 and 8 of UDP header each.
  EXPECT_EQ(usage.tx_bytes, 10 * 1028u);
  EXPECT_EQ(usage.rx_bytes, 0u);
}

TEST_F(LiveRuns, NamesUnknownRunsAndHoldsItsBound) {
  EXPECT_EQ(driver_->stop({9, 9}, 0).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(driver_->usage({9, 9}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(driver_->logs({9, 9}, 0, 1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(driver_->renew({9, 9}, 1).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(driver_->forget({9, 9}));
  options_.runs_max = 1;
  reopen();
  const RunSpec spec = shell("sleep 1000");
  ASSERT_TRUE(driver_->start(spec));
  EXPECT_EQ(driver_->start(shell("true")).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(driver_->forget(spec.id).error().code, ErrorCode::kConflict);
}

TEST_F(LiveRuns, OneDriverAFolder) {
  const auto second = LocalSiteDriver::open(options_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
}

TEST_F(LiveRuns, RefusesFoldersThatRunsCannotPass) {
  fs::create_directory(folder_ / "closed");
  fs::permissions(folder_ / "closed", fs::perms::owner_all);
  LocalSiteOptions closed = options_;
  closed.state_folder = folder_ / "closed/state";
  const auto refused = LocalSiteDriver::open(closed);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDenied);
  EXPECT_EQ(refused.error().where, (folder_ / "closed").string());
}

}  // namespace
}  // namespace weir::site_local
