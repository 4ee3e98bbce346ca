#include "infrastructure/cgroup/group.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "infrastructure/posix/file.h"

namespace weir::cgroup {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) { return posix::read_file(path).value_or("(none)"); }

void put(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

constexpr Limits kLimits{.cpu_milli = 250, .memory_bytes = 64 << 20, .pids_max = 32};

// A folder that looks like a mounted tree.
class FakeTree : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/weir-cgroup-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  Tree v2(const fs::path& own) {
    Tree tree;
    tree.version = Version::kV2;
    tree.hierarchies[""] = {root_, own};
    fs::create_directories(root_ / own);
    return tree;
  }
  Tree v1() {
    Tree tree;
    tree.version = Version::kV1;
    for (const char* controller : {"cpu", "cpuacct", "memory", "pids"}) {
      tree.hierarchies[controller] = {root_ / controller, "site-a"};
      fs::create_directories(root_ / controller / "site-a");
    }
    return tree;
  }
  fs::path root_;
};

TEST_F(FakeTree, VersionTwoMovesTheAgentIntoALeaf) {
  const Tree tree = v2("system.slice/weir.service");
  const fs::path own = root_ / "system.slice/weir.service";
  put(own / "cgroup.controllers", "cpuset cpu io memory pids\n");
  put(own / "weir-runs/cgroup.controllers", "cpu memory pids\n");
  const auto parent = open_parent(tree, "weir-runs");
  ASSERT_TRUE(parent) << parent.error().text();
  EXPECT_EQ(text_of(own / "weir-agent/cgroup.procs"), std::to_string(::getpid()));
  EXPECT_EQ(text_of(own / "cgroup.subtree_control"), "+cpu +memory +pids");
  EXPECT_EQ(text_of(own / "weir-runs/cgroup.subtree_control"), "+cpu +memory +pids");
}

TEST_F(FakeTree, VersionTwoKnowsItsLeafAfterARestart) {
  const Tree tree = v2("weir.service/weir-agent");
  put(root_ / "weir.service/cgroup.controllers", "cpu memory pids\n");
  put(root_ / "weir.service/weir-runs/cgroup.controllers", "cpu memory pids\n");
  const auto parent = open_parent(tree, "weir-runs");
  ASSERT_TRUE(parent) << parent.error().text();
  EXPECT_EQ(parent->by_controller.at(""), root_ / "weir.service/weir-runs");
  EXPECT_FALSE(fs::exists(root_ / "weir.service/weir-agent/weir-agent"));
}

TEST_F(FakeTree, VersionTwoNamesTheControllerThatIsNotDelegated) {
  const Tree tree = v2("user.slice");
  put(root_ / "user.slice/cgroup.controllers", "memory pids\n");
  const auto parent = open_parent(tree, "weir-runs");
  ASSERT_FALSE(parent);
  EXPECT_EQ(parent.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(parent.error().what.find("cpu controller"), std::string::npos);
}

TEST_F(FakeTree, VersionTwoLeavesASharedGroupWhereNothingBindsIt) {
  const Tree tree = v2("user.slice/session.scope");
  const fs::path own = root_ / "user.slice/session.scope";
  put(own / "cgroup.procs", std::to_string(::getpid()) + "\n1\n");
  put(own / "cpu.max", "max 100000\n");
  put(own / "memory.max", "max\n");
  put(root_ / "cgroup.controllers", "cpu memory pids\n");
  put(root_ / "weir-runs/cgroup.controllers", "cpu memory pids\n");
  const auto parent = open_parent(tree, "weir-runs");
  ASSERT_TRUE(parent) << parent.error().text();
  EXPECT_EQ(parent->by_controller.at(""), root_ / "weir-runs");
  EXPECT_FALSE(fs::exists(own / "weir-agent"));
  // A limit must not be left by the way.
  put(root_ / "user.slice/cpu.max", "50000 100000\n");
  EXPECT_EQ(open_parent(tree, "weir-runs").error().code, ErrorCode::kConflict);
}

TEST_F(FakeTree, ParentOfChoice) {
  const Tree two = v2("system.slice/weir.service");
  put(root_ / "cgroup.controllers", "cpu memory pids\n");
  put(root_ / "weir.slice/cgroup.controllers", "cpu memory pids\n");
  put(root_ / "weir.slice/runs/cgroup.controllers", "cpu memory pids\n");
  const auto slice = open_parent(two, "runs", "/weir.slice");
  ASSERT_TRUE(slice) << slice.error().text();
  EXPECT_EQ(slice->by_controller.at(""), root_ / "weir.slice/runs");
  EXPECT_EQ(text_of(root_ / "cgroup.subtree_control"), "+cpu +memory +pids");
  EXPECT_EQ(text_of(root_ / "weir.slice/cgroup.subtree_control"), "+cpu +memory +pids");
  const auto one = open_parent(v1(), "runs", "/");
  ASSERT_TRUE(one) << one.error().text();
  EXPECT_EQ(one->by_controller.at("memory"), root_ / "memory/runs");
  EXPECT_EQ(open_parent(two, "runs", "/../x").error().code, ErrorCode::kInvalid);
}

TEST_F(FakeTree, VersionTwoLimitsAndUsage) {
  const GroupFolders parent{Version::kV2, {{"", root_ / "runs"}}, {}};
  fs::create_directories(root_ / "runs");
  const auto group = Group::create(parent, "7-0", kLimits);
  ASSERT_TRUE(group) << group.error().text();
  const fs::path folder = root_ / "runs/7-0";
  EXPECT_EQ(text_of(folder / "cpu.max"), "25000 100000");
  EXPECT_EQ(text_of(folder / "cpu.weight"), "25");
  EXPECT_EQ(text_of(folder / "memory.max"), "67108864");
  EXPECT_EQ(text_of(folder / "memory.swap.max"), "0");
  EXPECT_EQ(text_of(folder / "memory.oom.group"), "1");
  EXPECT_EQ(text_of(folder / "pids.max"), "32");
  EXPECT_EQ(group->folders().joins(), std::vector<fs::path>{folder / "cgroup.procs"});
  put(folder / "cpu.stat", "usage_usec 1500\nthrottled_usec 70\n");
  put(folder / "memory.current", "4096\n");
  put(folder / "memory.peak", "8192\n");
  put(folder / "memory.events", "low 0\noom 2\noom_kill 1\n");
  const GroupUsage usage = group->usage().value();
  EXPECT_EQ(usage.cpu_us, 1500u);
  EXPECT_EQ(usage.throttled_us, 70u);
  EXPECT_EQ(usage.memory_bytes, 4096u);
  EXPECT_EQ(usage.memory_bytes_peak, 8192u);
  EXPECT_EQ(usage.oom_kills, 1u);
  put(folder / "cgroup.kill", "");
  group->kill();
  EXPECT_EQ(text_of(folder / "cgroup.kill"), "1");
  EXPECT_EQ(text_of(folder / "pids.max"), "02") << "0 written over the 32 of a plain file";
}

TEST_F(FakeTree, WhatYieldsHasTheLeastWeights) {
  Limits limits = kLimits;
  limits.yields = true;
  const GroupFolders two{Version::kV2, {{"", root_ / "two"}}, {}};
  put(root_ / "two/7-0/cpu.idle", "");
  ASSERT_TRUE(Group::create(two, "7-0", limits));
  EXPECT_EQ(text_of(root_ / "two/7-0/cpu.weight"), "1");
  EXPECT_EQ(text_of(root_ / "two/7-0/cpu.idle"), "1");
  EXPECT_EQ(text_of(root_ / "two/7-0/cpu.max"), "25000 100000") << "its limits hold as others' do";
  ASSERT_TRUE(Group::create(two, "8-0", limits)) << "a kernel without idle groups";
  EXPECT_FALSE(fs::exists(root_ / "two/8-0/cpu.idle"));
  ASSERT_TRUE(Group::create(two, "7-0", limits)) << "again";

  const auto one = open_parent(v1(), "weir-runs");
  ASSERT_TRUE(one) << one.error().text();
  const fs::path memory = root_ / "memory/site-a/weir-runs/7-0";
  put(memory / "memory.soft_limit_in_bytes", "");
  ASSERT_TRUE(Group::create(*one, "7-0", limits));
  EXPECT_EQ(text_of(root_ / "cpu/site-a/weir-runs/7-0/cpu.shares"), "2");
  EXPECT_EQ(text_of(memory / "memory.soft_limit_in_bytes"), "0");
  EXPECT_EQ(text_of(memory / "memory.limit_in_bytes"), "67108864");
}

TEST_F(FakeTree, VersionOneLimitsAndUsage) {
  const auto parent = open_parent(v1(), "weir-runs");
  ASSERT_TRUE(parent) << parent.error().text();
  const fs::path memory = root_ / "memory/site-a/weir-runs/7-0";
  put(memory / "memory.memsw.limit_in_bytes", "");
  const auto group = Group::create(*parent, "7-0", kLimits);
  ASSERT_TRUE(group) << group.error().text();
  const fs::path cpu = root_ / "cpu/site-a/weir-runs/7-0";
  EXPECT_EQ(text_of(cpu / "cpu.cfs_quota_us"), "25000");
  EXPECT_EQ(text_of(cpu / "cpu.cfs_period_us"), "100000");
  EXPECT_EQ(text_of(cpu / "cpu.shares"), "256");
  EXPECT_EQ(text_of(memory / "memory.limit_in_bytes"), "67108864");
  EXPECT_EQ(text_of(memory / "memory.memsw.limit_in_bytes"), "67108864");
  EXPECT_EQ(text_of(root_ / "pids/site-a/weir-runs/7-0/pids.max"), "32");
  EXPECT_EQ(group->folders().joins().size(), 4u);
  put(root_ / "cpuacct/site-a/weir-runs/7-0/cpuacct.usage", "1500999\n");
  put(memory / "memory.max_usage_in_bytes", "8192\n");
  put(memory / "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  const GroupUsage usage = group->usage().value();
  EXPECT_EQ(usage.cpu_us, 1500u);
  EXPECT_EQ(usage.memory_bytes_peak, 8192u);
  EXPECT_EQ(usage.oom_kills, 1u);
}

TEST_F(FakeTree, VersionOneNamesTheControllerThatIsNotMounted) {
  Tree tree = v1();
  tree.hierarchies.erase("pids");
  const auto parent = open_parent(tree, "weir-runs");
  ASSERT_FALSE(parent);
  EXPECT_NE(parent.error().what.find("pids"), std::string::npos);
}

TEST_F(FakeTree, TinyQuotaIsTheKernelsLeast) {
  const GroupFolders parent{Version::kV2, {{"", root_}}, {}};
  ASSERT_TRUE(Group::create(parent, "7-0", {.cpu_milli = 1, .memory_bytes = 1 << 20, .pids_max = 1}));
  EXPECT_EQ(text_of(root_ / "7-0/cpu.max"), "1000 100000");
}

TEST_F(FakeTree, RefusesNamesThatAreNotOne) {
  for (const char* bad : {"", ".", "..", "a/b"}) EXPECT_FALSE(open_parent(v1(), bad)) << bad;
}

// Against the machine's own tree.
class LiveTree : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "making control groups needs root";
    const auto tree = read_tree();
    ASSERT_TRUE(tree) << tree.error().text();
    // Below the root, since this very process would otherwise be moved on version 2.
    auto parent = open_parent(*tree, "weir-test-" + std::to_string(::getpid()), "/");
    if (!parent) GTEST_SKIP() << parent.error().text();
    parent_ = *parent;
  }
  void TearDown() override {
    if (!parent_.by_controller.empty()) {
      EXPECT_TRUE(Group(parent_).remove());
    }
  }
  GroupFolders parent_;
};

// A folder is as busy with a file in it as a group is with a process.
TEST_F(FakeTree, RemovesWhatIsEmptyAndNothingElse) {
  const fs::path group = root_ / "weir-metro";
  fs::create_directories(group / "17.0" / "traffic");
  put(group / "18.0" / "traffic" / "busy", "");
  remove_empty(group);
  EXPECT_FALSE(fs::exists(group / "17.0"));
  EXPECT_TRUE(fs::exists(group / "18.0" / "traffic" / "busy"));
  fs::remove(group / "18.0" / "traffic" / "busy");
  remove_empty(group);
  EXPECT_FALSE(fs::exists(group));
  remove_empty(group);
  EXPECT_TRUE(fs::exists(root_));
}

TEST_F(LiveTree, CountsAndKillsWhatIsInTheGroup) {
  const auto group = Group::create(parent_, "live", kLimits);
  ASSERT_TRUE(group) << group.error().text();
  EXPECT_EQ(Group::list(parent_), std::vector<std::string>{"live"});
  const auto joins = group->folders().joins();
  const pid_t child = ::fork();
  if (child == 0) {
    for (const fs::path& join : joins) {
      if (!posix::write_control(join, "0")) ::_exit(1);
    }
    ::pause();
    ::_exit(0);
  }
  // Until the child stands in every hierarchy.
  const auto joined = [&] {
    for (const fs::path& join : joins) {
      if (parse_pids(text_of(join)) != std::vector<int32_t>{child}) return false;
    }
    return true;
  };
  while (!joined() && ::waitpid(child, nullptr, WNOHANG) == 0) ::sched_yield();
  EXPECT_EQ(group->pids(), std::vector<int32_t>{child});
  EXPECT_EQ(group->remove().error().code, ErrorCode::kConflict);
  group->kill();
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  EXPECT_TRUE(group->usage());
  EXPECT_TRUE(group->remove());
  EXPECT_TRUE(group->remove()) << "removing twice is no error";
  EXPECT_FALSE(Group::open(parent_, "live"));
}

}  // namespace
}  // namespace weir::cgroup
