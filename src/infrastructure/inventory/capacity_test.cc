#include "infrastructure/inventory/capacity.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace weir::inventory {
namespace {

namespace fs = std::filesystem;

constexpr Hardware kHardware{.cpus_online = 8, .memory_bytes = uint64_t{16} << 30};

class FakeMachine : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/weir-capacity-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  void put(const fs::path& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  cgroup::Tree v2() {
    cgroup::Tree tree;
    tree.version = cgroup::Version::kV2;
    tree.hierarchies[""] = {root_, "site/agent"};
    return tree;
  }
  cgroup::Tree v1() {
    cgroup::Tree tree;
    tree.version = cgroup::Version::kV1;
    for (const char* controller : {"cpu", "cpuset", "memory"}) {
      tree.hierarchies[controller] = {root_ / controller, "site/agent"};
    }
    return tree;
  }
  fs::path root_;
};

TEST_F(FakeMachine, HardwareBoundsWhereNothingElseDoes) {
  for (const auto& tree : {v1(), v2()}) {
    const auto capacity = effective_capacity(tree, kHardware, {}).value();
    EXPECT_EQ(capacity, (EffectiveCapacity{8'000, uint64_t{16} << 30, "hardware", "hardware"}));
  }
}

TEST_F(FakeMachine, LeastOfOwnAndAncestorsInVersionTwo) {
  put("site/cpu.max", "150000 100000");
  put("site/agent/cpu.max", "max 100000");
  put("site/memory.max", "max");
  put("site/agent/memory.max", "1073741824");
  put("site/agent/memory.high", "536870912");
  put("site/cpuset.cpus.effective", "0-3");
  auto capacity = effective_capacity(v2(), kHardware, {}).value();
  EXPECT_EQ(capacity.cpu_milli, 1'500u);
  EXPECT_EQ(capacity.cpu_bound_by, (root_ / "site/cpu.max").string());
  EXPECT_EQ(capacity.memory_bytes, uint64_t{512} << 20);
  EXPECT_EQ(capacity.memory_bound_by, (root_ / "site/agent/memory.high").string());
  put("site/agent/cpuset.cpus.effective", "2");
  capacity = effective_capacity(v2(), kHardware, {}).value();
  EXPECT_EQ(capacity.cpu_milli, 1'000u);
  EXPECT_EQ(capacity.cpu_bound_by, (root_ / "site/agent/cpuset.cpus.effective").string());
}

TEST_F(FakeMachine, LeastOfOwnAndAncestorsInVersionOne) {
  put("cpu/cpu.cfs_quota_us", "-1");
  put("cpu/cpu.cfs_period_us", "100000");
  put("cpu/site/cpu.cfs_quota_us", "30000");
  put("cpu/site/cpu.cfs_period_us", "50000");
  put("cpu/site/agent/cpu.cfs_quota_us", "-1");
  put("cpu/site/agent/cpu.cfs_period_us", "100000");
  put("memory/memory.limit_in_bytes", "9223372036854771712");
  put("memory/site/memory.limit_in_bytes", "268435456");
  const auto capacity = effective_capacity(v1(), kHardware, {}).value();
  EXPECT_EQ(capacity.cpu_milli, 600u);
  EXPECT_EQ(capacity.memory_bytes, uint64_t{256} << 20);
  EXPECT_EQ(capacity.memory_bound_by, (root_ / "memory/site/memory.limit_in_bytes").string());
}

TEST_F(FakeMachine, ReserveIsTakenOffAndNeverMore) {
  put("site/cpu.max", "150000 100000");
  auto capacity =
      effective_capacity(v2(), kHardware, {.cpu_milli = 500, .memory_bytes = uint64_t{15} << 30}).value();
  EXPECT_EQ(capacity.cpu_milli, 1'000u);
  EXPECT_EQ(capacity.memory_bytes, uint64_t{1} << 30);
  capacity = effective_capacity(v2(), kHardware, {.cpu_milli = 1'501, .memory_bytes = ~uint64_t{0}}).value();
  EXPECT_EQ(capacity.cpu_milli, 0u);
  EXPECT_EQ(capacity.memory_bytes, 0u);
}

TEST_F(FakeMachine, NamesTheFileThatIsNotInItsFormat) {
  put("site/memory.max", "lots");
  const auto capacity = effective_capacity(v2(), kHardware, {});
  ASSERT_FALSE(capacity);
  EXPECT_EQ(capacity.error().where, (root_ / "site/memory.max").string());
}

TEST(ThisMachine, HasACapacity) {
  const auto tree = cgroup::read_tree();
  if (!tree) GTEST_SKIP() << tree.error().text();
  const Hardware hardware = this_hardware();
  const auto capacity = effective_capacity(*tree, hardware, {});
  ASSERT_TRUE(capacity) << capacity.error().text();
  EXPECT_GT(capacity->cpu_milli, 0u);
  EXPECT_LE(capacity->cpu_milli, hardware.cpus_online * 1000u);
  EXPECT_GT(capacity->memory_bytes, 0u);
  EXPECT_LE(capacity->memory_bytes, hardware.memory_bytes);
}

}  // namespace
}  // namespace weir::inventory
