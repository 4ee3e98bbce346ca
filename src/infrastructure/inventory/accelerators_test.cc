#include "infrastructure/inventory/accelerators.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "infrastructure/inventory/machine.h"

namespace weir::inventory {
namespace {

namespace fs = std::filesystem;

class Accelerators : public testing::Test {
 protected:
  Accelerators() : root_("/tmp/weir-accelerators-" + std::to_string(::getpid())) {
    fs::create_directories(root_);
  }
  ~Accelerators() override { fs::remove_all(root_); }

  void put(const fs::path& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void nvidia(const std::string& bus, int minor, const std::string& model, const std::string& uuid,
              const std::string& more = "") {
    put("proc/driver/nvidia/gpus/" + bus + "/information",
        "Model: \t\t " + model + "\nIRQ:   \t\t 37\nGPU UUID: \t " + uuid + "\nBus Location: \t " + bus +
            "\nDevice Minor: \t " + std::to_string(minor) + "\n" + more);
  }
  void amd(int node, int simds, int render, const std::string& unique) {
    const std::string name = "renderD" + std::to_string(render);
    put("sys/class/kfd/kfd/topology/nodes/" + std::to_string(node) + "/properties",
        "cpu_cores_count 0\nsimd_count " + std::to_string(simds) +
            "\ngfx_target_version 90010\ndrm_render_minor " + std::to_string(render) + "\nunique_id " +
            unique + "\n");
    fs::create_directories(root_ / "sys/class/drm" / name);
    fs::create_symlink("../../../0000:c" + std::to_string(node) + ":00.0",
                       root_ / "sys/class/drm" / name / "device");
  }
  std::string file(const std::string& path) { return (root_ / path).string(); }

  const fs::path root_;
};

TEST_F(Accelerators, ReadsWhatTheNvidiaDriverLists) {
  nvidia("0000:65:00.0", 1, "Example H", "GPU-0b", "GPU Excluded:\t No\n");
  nvidia("0000:17:00.0", 0, "Example H", "GPU-0a");
  nvidia("0000:b1:00.0", 2, "Example H", "GPU-" + std::string(8, '?'));
  nvidia("0000:ca:00.0", 3, "Example H", "GPU-0d", "GPU Excluded:\t Yes\n");
  put("proc/driver/nvidia/gpus/0000:d1:00.0/information", "Model: torn");
  put("sys/bus/pci/devices/0000:17:00.0/drm/renderD128/dev", "226:128\n");
  put("sys/bus/pci/devices/0000:17:00.0/drm/card0/dev", "226:0\n");
  put("sys/bus/pci/devices/0000:17:00.0/drm/version", "");
  const auto found = accelerators_of_drivers(root_);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0], (Accelerator{"nvidia0",
                                   "compute",
                                   "Example H",
                                   0,
                                   "0000:17:00.0",
                                   "GPU-0a",
                                   "CUDA_VISIBLE_DEVICES",
                                   {file("dev/nvidia0"), file("dev/dri/card0"), file("dev/dri/renderD128")},
                                   {file("dev/nvidiactl"), file("dev/nvidia-uvm"),
                                    file("dev/nvidia-uvm-tools"), file("dev/nvidia-modeset")}}));
  EXPECT_EQ(found[1].unique_name, "GPU-0b");
  // Its driver has not asked it for its name yet: it is seen, and not offered.
  EXPECT_EQ(found[2].unique_name, "");
  EXPECT_EQ(accelerators_to_offer(found, SIZE_MAX).size(), 2u);
}

TEST_F(Accelerators, ReadsWhatTheAmdDriverLists) {
  amd(0, 0, 0, "0");
  amd(1, 440, 128, "12297829382473034410");
  amd(2, 440, 129, "0");
  put("sys/bus/pci/devices/0000:c1:00.0/product_name", "Example MI\n");
  const auto found = accelerators_of_drivers(root_);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], (Accelerator{"renderD128",
                                   "compute",
                                   "Example MI",
                                   0,
                                   "0000:c1:00.0",
                                   "GPU-aaaaaaaaaaaaaaaa",
                                   "ROCR_VISIBLE_DEVICES",
                                   {file("dev/dri/renderD128")},
                                   {file("dev/kfd")}}));
  EXPECT_EQ(found[1].model, "gfx90a");
  EXPECT_EQ(found[1].unique_name, "");
}

TEST_F(Accelerators, FindsNoneWhereNoDriverListsAny) { EXPECT_TRUE(accelerators_of_drivers(root_).empty()); }

TEST_F(Accelerators, ADeviceOfBothListsIsOne) {
  nvidia("0000:01:00.0", 0, "Example H", "GPU-0a");
  const Accelerator seen{"cuda0", "compute", "Example H by hwloc", 1 << 30, "0000:01:00.0", "", "", {}, {}};
  const Accelerator display{"card9", "display", "", 0, "0000:00:02.0", "", "", {}, {}};
  const auto all = merge_accelerators({seen, display}, accelerators_of_drivers(root_));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "card9");
  EXPECT_EQ(all[1].unique_name, "GPU-0a");
  EXPECT_EQ(all[1].model, "Example H");
  EXPECT_EQ(all[1].memory_bytes, 1u << 30);
}

TEST_F(Accelerators, OffersOneModelAndNotMoreThanAskedFor) {
  nvidia("0000:01:00.0", 0, "B", "GPU-0a");
  nvidia("0000:02:00.0", 1, "A", "GPU-0b");
  nvidia("0000:03:00.0", 2, "A", "GPU-0c");
  const auto all = accelerators_of_drivers(root_);
  EXPECT_TRUE(accelerators_to_offer(all, 0).empty());
  ASSERT_EQ(accelerators_to_offer(all, 1).size(), 1u);
  EXPECT_EQ(accelerators_to_offer(all, 1)[0].unique_name, "GPU-0b");
  EXPECT_EQ(accelerators_to_offer(all, 2).size(), 2u);
  EXPECT_EQ(accelerators_to_offer(all, 3).size(), 2u);
  EXPECT_EQ(accelerators_to_offer(all, 3)[1].model, "A");
}

TEST_F(Accelerators, AMachineHasWhatItsDriversList) {
  nvidia("0000:01:00.0", 0, "Example H", "GPU-0a");
  const auto machine = inspect_machine("/tmp", root_);
  ASSERT_TRUE(machine) << machine.error().text();
  EXPECT_EQ(accelerators_to_offer(machine->accelerators, SIZE_MAX).size(), 1u);
}

}  // namespace
}  // namespace weir::inventory
