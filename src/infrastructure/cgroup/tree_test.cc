#include "infrastructure/cgroup/tree.h"

#include <gtest/gtest.h>

namespace weir::cgroup {
namespace {

constexpr std::string_view kHybridMounts =
    "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
    "30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n"
    "32 30 0:28 / /sys/fs/cgroup/memory rw shared:5 - cgroup cgroup rw,memory\n"
    "33 30 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
    "34 30 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
    "35 30 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

TEST(Tree, HybridMachineIsVersionOne) {
  const auto tree =
      parse_tree(kHybridMounts, "5:pids:/\n4:memory:/a/b\n3:cpu,cpuacct:/c\n2:name=systemd:/x\n0::/u\n", {});
  ASSERT_TRUE(tree) << tree.error().text();
  EXPECT_EQ(tree->version, Version::kV1);
  EXPECT_EQ(tree->find("memory")->folder(), "/sys/fs/cgroup/memory/a/b");
  EXPECT_EQ(tree->find("cpuacct")->folder(), "/sys/fs/cgroup/cpu,cpuacct/c");
  EXPECT_EQ(tree->find("pids")->folder(), "/sys/fs/cgroup/pids");
  EXPECT_EQ(tree->find("cpuset"), nullptr);
  EXPECT_EQ(tree->find("name=systemd"), nullptr);
  EXPECT_EQ(tree->unified->folder(), "/sys/fs/cgroup/unified/u");
}

TEST(Tree, UnifiedMachineIsVersionTwo) {
  const auto tree = parse_tree("30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
                               "0::/system.slice/weir.service\n", "/fake");
  ASSERT_TRUE(tree) << tree.error().text();
  EXPECT_EQ(tree->version, Version::kV2);
  EXPECT_EQ(tree->find("memory")->folder(), "/fake/sys/fs/cgroup/system.slice/weir.service");
  EXPECT_FALSE(tree->unified);
}

TEST(Tree, ContainerSeesAPartOfTheTree) {
  constexpr std::string_view kMounts = "30 24 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  EXPECT_EQ(parse_tree(kMounts, "0::/docker/abc/leaf\n", {})->find("")->folder(), "/sys/fs/cgroup/leaf");
  EXPECT_EQ(parse_tree(kMounts, "0::/docker/abc\n", {})->find("")->folder(), "/sys/fs/cgroup");
  EXPECT_EQ(parse_tree(kMounts, "0::/docker/abcd\n", {})->find("")->folder(), "/sys/fs/cgroup")
      << "another container's";
  EXPECT_EQ(parse_tree(kMounts, "0::/../../x\n", {})->find("")->folder(), "/sys/fs/cgroup");
}

TEST(Tree, SaysWhatIsMissingOrWrong) {
  EXPECT_EQ(parse_tree("", "", {}).error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(parse_tree(kHybridMounts, "nonsense\n", {}).error().code, ErrorCode::kCorrupt);
}

TEST(CgroupFiles, CpuMax) {
  EXPECT_EQ(parse_cpu_max("max 100000\n").value(), std::nullopt);
  EXPECT_EQ(parse_cpu_max("-1 100000").value(), std::nullopt);
  EXPECT_EQ(parse_cpu_max("25000 100000\n").value(), 250u);
  EXPECT_EQ(parse_cpu_max("400000 100000").value(), 4000u);
  EXPECT_EQ(parse_cpu_max("18446744073709551615 1").value(), 18446744073709551615u) << "saturates";
  for (const char* bad : {"", "max", "1", "1 0", "x 100000", "1 2 3", "18446744073709551616 1"}) {
    EXPECT_FALSE(parse_cpu_max(bad)) << bad;
  }
}

TEST(CgroupFiles, Limit) {
  EXPECT_EQ(parse_limit("max\n").value(), std::nullopt);
  EXPECT_EQ(parse_limit("9223372036854771712\n").value(), std::nullopt) << "version 1's word for none";
  EXPECT_EQ(parse_limit("0").value(), 0u);
  EXPECT_EQ(parse_limit("4611686018427387903").value(), 4611686018427387903u);
  EXPECT_FALSE(parse_limit("12k"));
  EXPECT_FALSE(parse_limit(""));
}

TEST(CgroupFiles, CpuList) {
  EXPECT_EQ(parse_cpu_list("0-3,8,10-11\n").value(), 7u);
  EXPECT_EQ(parse_cpu_list("5").value(), 1u);
  EXPECT_EQ(parse_cpu_list("\n").value(), 0u);
  for (const char* bad : {"3-1", "1,", "-", "a", "0-99999999999", "0--3"})
    EXPECT_FALSE(parse_cpu_list(bad)) << bad;
}

TEST(CgroupFiles, FlatKeyed) {
  const auto values = parse_flat_keyed("usage_usec 12\noom_kill 3\nunder oom x\nbare\n");
  EXPECT_EQ(values, (std::map<std::string, uint64_t>{{"usage_usec", 12}, {"oom_kill", 3}}));
}

TEST(CgroupFiles, PidsNeverMeanAGroupOfProcesses) {
  EXPECT_EQ(parse_pids("12\n0\n-5\nx\n2147483647\n2147483648\n"), (std::vector<int32_t>{12, 2147483647}));
}

}  // namespace
}  // namespace weir::cgroup
