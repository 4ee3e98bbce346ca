#include "infrastructure/inventory/machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace weir::inventory {
namespace {

namespace fs = std::filesystem;

TEST(Machine, ThisOneIsPlausible) {
  const auto machine = inspect_machine("/tmp");
  ASSERT_TRUE(machine) << machine.error().text();
  EXPECT_FALSE(machine->architecture.empty());
  EXPECT_GE(machine->threads, machine->cores);
  EXPECT_GE(machine->cores, 1u);
  EXPECT_GT(machine->memory_bytes, 0u);
  EXPECT_GT(machine->disk_bytes, 0u);
  EXPECT_LE(machine->disk_bytes_free, machine->disk_bytes);
}

TEST(Machine, NamesAMissingFolder) {
  EXPECT_EQ(inspect_machine("/nonexistent/work").error().code, ErrorCode::kNotFound);
}

// Two sockets of two cores with two threads each, and one PCI device with two names.
constexpr const char* kDescription = R"(<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0">
  <object type="Machine" os_index="0" cpuset="0x000000ff" complete_cpuset="0x000000ff" allowed_cpuset="0x000000ff" nodeset="0x00000003" complete_nodeset="0x00000003" allowed_nodeset="0x00000003" gp_index="1">
    <object type="Package" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000000f" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="2">
      <info name="CPUModel" value="Example 9000"/>
      <object type="NUMANode" os_index="0" cpuset="0x0000000f" complete_cpuset="0x0000000f" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="3" local_memory="1073741824"/>
      <object type="L3Cache" cpuset="0x0000000f" complete_cpuset="0x0000000f" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="4" cache_size="8388608" depth="3" cache_linesize="64" cache_associativity="16" cache_type="0">
        <object type="Core" os_index="0" cpuset="0x00000003" complete_cpuset="0x00000003" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="5">
          <object type="PU" os_index="0" cpuset="0x00000001" complete_cpuset="0x00000001" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="6"/>
          <object type="PU" os_index="1" cpuset="0x00000002" complete_cpuset="0x00000002" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="7"/>
        </object>
        <object type="Core" os_index="1" cpuset="0x0000000c" complete_cpuset="0x0000000c" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="8">
          <object type="PU" os_index="2" cpuset="0x00000004" complete_cpuset="0x00000004" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="9"/>
          <object type="PU" os_index="3" cpuset="0x00000008" complete_cpuset="0x00000008" nodeset="0x00000001" complete_nodeset="0x00000001" gp_index="10"/>
        </object>
      </object>
    </object>
    <object type="Package" os_index="1" cpuset="0x000000f0" complete_cpuset="0x000000f0" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="11">
      <object type="NUMANode" os_index="1" cpuset="0x000000f0" complete_cpuset="0x000000f0" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="12" local_memory="2147483648"/>
      <object type="L3Cache" cpuset="0x000000f0" complete_cpuset="0x000000f0" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="13" cache_size="8388608" depth="3" cache_linesize="64" cache_associativity="16" cache_type="0">
        <object type="Core" os_index="0" cpuset="0x00000030" complete_cpuset="0x00000030" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="14">
          <object type="PU" os_index="4" cpuset="0x00000010" complete_cpuset="0x00000010" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="15"/>
          <object type="PU" os_index="5" cpuset="0x00000020" complete_cpuset="0x00000020" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="16"/>
        </object>
        <object type="Core" os_index="1" cpuset="0x000000c0" complete_cpuset="0x000000c0" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="17">
          <object type="PU" os_index="6" cpuset="0x00000040" complete_cpuset="0x00000040" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="18"/>
          <object type="PU" os_index="7" cpuset="0x00000080" complete_cpuset="0x00000080" nodeset="0x00000002" complete_nodeset="0x00000002" gp_index="19"/>
        </object>
      </object>
    </object>
    <object type="Bridge" gp_index="20" bridge_type="0-1" depth="0" bridge_pci="0000:[00-01]">
      <object type="PCIDev" gp_index="21" pci_busid="0000:01:00.0" pci_type="0302 [10de:2335] [10de:0000] a1" pci_link_speed="0.000000">
        <info name="PCIDevice" value="Example Accelerator"/>
        <object type="OSDev" gp_index="22" name="card0" osdev_type="1"/>
        <object type="OSDev" gp_index="23" name="cuda0" subtype="CUDA" osdev_type="5">
          <info name="GPUModel" value="Example Accelerator"/>
          <info name="CUDAGlobalMemorySize" value="1048576"/>
        </object>
      </object>
    </object>
  </object>
</topology>
)";

TEST(Machine, ReadsADescribedOne) {
  const fs::path path = "/tmp/weir-machine-" + std::to_string(::getpid()) + ".xml";
  std::ofstream(path) << kDescription;
  const auto machine = inspect_description(path);
  fs::remove(path);
  ASSERT_TRUE(machine) << machine.error().text();
  EXPECT_EQ(machine->cpu_model, "Example 9000");
  EXPECT_EQ(machine->packages, 2u);
  EXPECT_EQ(machine->cores, 4u);
  EXPECT_EQ(machine->threads, 8u);
  EXPECT_EQ(machine->caches, (std::vector<Cache>{{3, "unified", 8 << 20, 2}}));
  EXPECT_EQ(machine->numa_nodes,
            (std::vector<NumaNode>{{0, uint64_t{1} << 30, 4}, {1, uint64_t{2} << 30, 4}}));
  EXPECT_EQ(machine->memory_bytes, uint64_t{3} << 30);
  EXPECT_EQ(
      machine->accelerators,
      (std::vector<Accelerator>{
          {"card0", "compute", "Example Accelerator", uint64_t{1} << 30, "0000:01:00.0", "", "", {}, {}}}));
}

TEST(Machine, RefusesWhatIsNoDescription) {
  const fs::path path = "/tmp/weir-machine-bad-" + std::to_string(::getpid()) + ".xml";
  std::ofstream(path) << "<topology";
  const auto machine = inspect_description(path);
  fs::remove(path);
  ASSERT_FALSE(machine);
  EXPECT_EQ(machine.error().code, ErrorCode::kCorrupt);
}

}  // namespace
}  // namespace weir::inventory
