#include "infrastructure/site_local/accelerators.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace weir::site_local {
namespace {

// Devices that every machine has stand for accelerators: 1:5, 1:7, 1:8 and, shared, 1:9.
std::vector<AcceleratorDevice> three() {
  return {{"GPU-a", "CUDA_VISIBLE_DEVICES", {"/dev/zero"}, {"/dev/urandom"}},
          {"GPU-b", "CUDA_VISIBLE_DEVICES", {"/dev/full", "/dev/nonexistent"}, {"/dev/urandom"}},
          {"GPU-c", "ROCR_VISIBLE_DEVICES", {"/dev/random"}, {}, false}};
}

RunOrder asking(uint32_t count) {
  RunOrder out;
  out.spec.accelerators = count;
  out.environment = {"PATH=/bin", "CUDA_VISIBLE_DEVICES=0,1,2", "CUDA_VISIBLE_DEVICES_NOT=x"};
  return out;
}

using Numbers = std::vector<DeviceNumber>;
using Names = std::vector<std::string>;

TEST(GiveAccelerators, NoneMeansThatNoneCanBeOpened) {
  RunOrder order = asking(0);
  ASSERT_TRUE(give_accelerators(order, three(), {}, true));
  EXPECT_EQ(order.accelerators, Names{});
  EXPECT_EQ(order.denied_devices, (Numbers{{1, 5}, {1, 7}, {1, 8}, {1, 9}}));
  EXPECT_EQ(order.environment, (Names{"PATH=/bin", "CUDA_VISIBLE_DEVICES_NOT=x",
                                      "CUDA_VISIBLE_DEVICES=", "ROCR_VISIBLE_DEVICES="}));
}

TEST(GiveAccelerators, GivesWhatNobodyHas) {
  RunOrder order = asking(1);
  ASSERT_TRUE(give_accelerators(order, three(), {"GPU-a"}, true));
  EXPECT_EQ(order.accelerators, Names{"GPU-b"});
  EXPECT_EQ(order.denied_devices, (Numbers{{1, 5}, {1, 8}}));
  EXPECT_EQ(std::count(order.environment.begin(), order.environment.end(), "CUDA_VISIBLE_DEVICES=GPU-b"), 1);
}

TEST(GiveAccelerators, GivesAllAndNotOneMore) {
  RunOrder all = asking(2);
  ASSERT_TRUE(give_accelerators(all, three(), {}, true));
  EXPECT_EQ(all.accelerators, (Names{"GPU-a", "GPU-b"}));
  EXPECT_EQ(all.denied_devices, (Numbers{{1, 8}}));
  EXPECT_EQ(std::count(all.environment.begin(), all.environment.end(), "CUDA_VISIBLE_DEVICES=GPU-a,GPU-b"),
            1);
  RunOrder over = asking(3);
  EXPECT_EQ(give_accelerators(over, three(), {}, true).error().code, ErrorCode::kInvalid);
  RunOrder busy = asking(2);
  const Status refused = give_accelerators(busy, three(), {"GPU-b"}, true);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(refused.error().what, "asks for 2 accelerators, and 1 of 2 are free");
  EXPECT_EQ(busy.accelerators, Names{});
}

TEST(GiveAccelerators, FilesThatTheDriverMakesLaterAreDeniedByTheNumbersToCome) {
  const std::filesystem::path root = std::filesystem::path(testing::TempDir()) / "numbers_to_come";
  std::filesystem::create_directories(root / "proc");
  std::ofstream(root / "proc/devices") << "Character devices:\n  1 mem\n195 nvidia\n508 nvidia-uvm\n\n"
                                          "Block devices:\n  7 loop\n";
  const auto file = [&root](const char* name) { return (root / "dev" / name).string(); };
  const std::vector<std::string> shared = {file("nvidiactl"), file("nvidia-uvm"), file("nvidia-uvm-tools"),
                                           file("nvidia-modeset")};
  const std::vector<AcceleratorDevice> devices = {
      {"GPU-a", "CUDA_VISIBLE_DEVICES", {file("nvidia0")}, shared},
      {"GPU-b", "CUDA_VISIBLE_DEVICES", {file("nvidia12"), file("nvidia-caps"), file("dri")}, shared}};
  RunOrder none = asking(0);
  ASSERT_TRUE(give_accelerators(none, devices, {}, true));
  EXPECT_EQ(none.denied_devices, (Numbers{{195, 0}, {195, 12}, {195, 254}, {195, 255}, {508, 0}, {508, 1}}));
  RunOrder one = asking(1);
  ASSERT_TRUE(give_accelerators(one, devices, {}, true));
  EXPECT_EQ(one.denied_devices, (Numbers{{195, 12}}));
  std::filesystem::remove_all(root);
  RunOrder unloaded = asking(0);
  ASSERT_TRUE(give_accelerators(unloaded, devices, {}, true));
  EXPECT_EQ(unloaded.denied_devices, (Numbers{{195, 0}, {195, 12}, {195, 254}, {195, 255}}));
}

TEST(GiveAccelerators, WithoutAFilterOnlyVariablesTell) {
  RunOrder order = asking(1);
  ASSERT_TRUE(give_accelerators(order, three(), {}, false));
  EXPECT_EQ(order.accelerators, Names{"GPU-a"});
  EXPECT_TRUE(order.denied_devices.empty());
}

TEST(GiveAccelerators, AMachineWithoutAnyChangesNothing) {
  RunOrder order = asking(0);
  ASSERT_TRUE(give_accelerators(order, {}, {}, true));
  EXPECT_EQ(order, asking(0));
  RunOrder one = asking(1);
  EXPECT_EQ(give_accelerators(one, {}, {}, true).error().what, "asks for 1 accelerator of 0");
}

TEST(CheckAccelerators, NamesAreTheirOwn) {
  auto devices = three();
  EXPECT_TRUE(check_accelerators(devices));
  devices[1].name = "GPU-a";
  EXPECT_EQ(check_accelerators(devices).error().code, ErrorCode::kInvalid);
  devices[1].name = "";
  EXPECT_FALSE(check_accelerators(devices));
}

}  // namespace
}  // namespace weir::site_local
